//! What would be injected without a problem and still not do what its user wants: told as a warning, never refused,
//! because it depends on things that a pod does not show.

use std::cell::LazyCell;
use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::annotation::settings::Sidecar;
use crate::pattern::change::{Destination, WaitsFor};
use crate::pattern::container::{Amount, Container, Resources};
use crate::pattern::{Addition, Role};
use crate::pod::view::is_own_name;
use crate::pod::{self, Pod};

use super::amounts::{RESOURCES, Written};
use super::few::Warnings;
use super::mesh::{MESHES, Mesh};
use super::plan::Plan;

/// How many ports a warning names.
const MOST_PORTS: usize = 5;
const NATIVE: Role = Role::Sidecar(Some(Sidecar::Native));

pub(super) fn on(plan: &Plan, pod: &Pod<'_>, warnings: &mut Warnings) {
    warnings.extend(without_network(plan, pod));
    warnings.extend(plan.in_role(Role::Step).filter_map(|step| waits_for_the_app(step, plan, pod)));
    warnings.extend(plan.in_role(NATIVE).filter_map(|new| meets_a_step(&new.container, plan, pod)));
    warnings.extend(no_longer_guaranteed(plan, pod));
    warnings.extend(leads_to_no_declared_port(plan, pod));
}

/// Behind the init container of a mesh, nothing reaches the network until the proxy runs.
fn without_network(plan: &Plan, pod: &Pod<'_>) -> Option<String> {
    let mut before_the_app = plan.in_role(NATIVE).chain(plan.in_role(Role::Step));
    let ours = before_the_app.find(|new| new.waits_for.is_some())?;
    let init = pod.spec.init_containers.items();
    let Mesh { redirect, proxy } =
        MESHES.iter().find(|mesh| init.iter().any(|container| *container.name == *mesh.redirect))?;
    let is_native = init.iter().any(|container| container.is_native_sidecar() && *container.name == **proxy);
    (!is_native).then(|| {
        format!(
            "{} starts behind {redirect}, which sends all traffic to {proxy}, and {proxy} does not run before the app: \
             let the mesh run it as a native sidecar, or leave the address out of the mesh",
            ours.container.name
        )
    })
}

/// A step on the way to the app cannot wait for the app.
fn waits_for_the_app(step: &Addition, plan: &Plan, pod: &Pod<'_>) -> Option<String> {
    let Some(WaitsFor::Address(target)) = &step.waits_for else { return None };
    let port = loopback_port(target)?;
    let ours = plan.in_role(NATIVE).map(|new| &new.container).any(|sidecar| {
        sidecar.loopback_ports.contains(&port) || sidecar.ports.iter().any(|open| open.container_port == port)
    });
    let theirs = || {
        let mut sidecars = pod.spec.init_containers.items().iter().filter(|other| other.is_native_sidecar());
        sidecars.any(|other| other.ports.items().iter().any(|open| open.container_port == i64::from(port)))
    };
    (!ours && !theirs()).then(|| {
        format!(
            "{} waits for {target} in this pod itself, and no native sidecar says that it listens there: the app's \
             containers start only when all steps are done",
            step.container.name
        )
    })
}

/// A native sidecar listens before the pod's own steps run. Their ports are often copied from the app's container and
/// mean nothing, so that they are no reason to refuse.
fn meets_a_step(sidecar: &Container, plan: &Plan, pod: &Pod<'_>) -> Option<String> {
    let declared = || sidecar.ports.iter().map(|open| open.container_port);
    // Both lists can be long.
    let open: LazyCell<BTreeSet<u16>, _> =
        LazyCell::new(|| declared().chain(sidecar.loopback_ports.iter().copied()).collect());
    let listens = |port: &pod::Port<'_>| {
        let number = u16::try_from(port.container_port);
        matches!(&*port.protocol, "" | "TCP") && number.is_ok_and(|number| open.contains(&number))
    };
    let steps = pod.spec.init_containers.items().iter().skip(plan.sidecars_at);
    let mut theirs = steps
        .filter(|step| !step.is_native_sidecar())
        .flat_map(|step| step.ports.items().iter().map(|port| (&*step.name, port)));
    let (step, port) = theirs.find(|(_, port)| listens(port))?;
    Some(format!(
        "init container {step} says that it listens on port {}, where {} listens already when it starts: if it really \
         does, let one of the two use another port",
        port.container_port, sidecar.name
    ))
}

/// The port of `localhost:80`, `127.0.0.1:80` or `[::1]:80`, with or without a scheme and a path.
fn loopback_port(target: &str) -> Option<u16> {
    let place = target.split_once("://").map_or(target, |(_, place)| place);
    let place = place.split(['/', '?']).next()?;
    let (host, port) = place.rsplit_once(':')?;
    let is_loopback = matches!(host, "localhost" | "localhost." | "[::1]") || host.starts_with("127.");
    port.parse().ok().filter(|_| is_loopback)
}

/// Pods of the class Guaranteed are evicted last, and may have whole cores: one other container ends that.
fn no_longer_guaranteed(plan: &Plan, pod: &Pod<'_>) -> Option<String> {
    // Where the pod has resources as a whole, they alone decide.
    if pod.spec.resources.value().is_some() {
        return None;
    }
    let ours = plan.new_containers().find(|new| !is_exact(&new.container.resources))?;
    let mut theirs = pod.spec.containers.items().iter().chain(pod.spec.init_containers.items());
    theirs.all(is_guaranteed).then(|| {
        format!(
            "the pod is of the class Guaranteed, and would be Burstable with {}: settings with a limit behind each \
             request keep it as it is, such as cpu=50m/50m memory=64Mi/64Mi",
            ours.container.name
        )
    })
}

/// Containers need not declare their ports; where they do, a port that nobody declares is most likely a slip.
fn leads_to_no_declared_port(plan: &Plan, pod: &Pod<'_>) -> Option<String> {
    let routes = plan.new_containers().flat_map(|new| new.routes.iter().map(move |route| (new, route)));
    let mut routes = routes.filter_map(|(new, route)| match route.to {
        Destination::App(port) => Some((new, port)),
        _ => None,
    });
    let theirs = || pod.spec.containers.items().iter().chain(pod.spec.init_containers.items());
    let of_the_app = || theirs().filter(|container| !is_own_name(&container.name));
    let declared: LazyCell<BTreeSet<i64>, _> = LazyCell::new(|| {
        of_the_app().flat_map(|container| container.ports.items()).map(|port| port.container_port).collect()
    });
    let is_ours = |port| {
        plan.new_containers().any(|new| new.container.ports.iter().any(|open| open.container_port == port))
    };
    let (new, port) = routes
        .find(|(_, port)| !declared.is_empty() && !declared.contains(&i64::from(*port)) && !is_ours(*port))?;
    let mut all = declared.iter().map(i64::to_string);
    let some: Vec<String> = all.by_ref().take(MOST_PORTS).collect();
    Some(format!(
        "{} passes connections on to port {port}, which no container declares: they declare {}{}",
        new.container.name,
        some.join(", "),
        if all.next().is_some() { "…" } else { "" }
    ))
}

fn is_exact(resources: &Resources) -> bool {
    let same = |request: &Option<Amount>, limit: &Option<Amount>| matches!((request, limit), (Some(Amount(request)), Some(Amount(limit))) if request.partial_cmp(limit) == Some(Ordering::Equal));
    same(&resources.requests.cpu, &resources.limits.cpu)
        && same(&resources.requests.memory, &resources.limits.memory)
}

/// Both limits, and no request that says otherwise: Kubernetes takes a missing one from the limit.
fn is_guaranteed(container: &pod::Container<'_>) -> bool {
    let written = container.resources.value().and_then(|raw| Written::read(raw.text()));
    written.is_some_and(|written| {
        RESOURCES.iter().all(|resource| {
            let limit = written.limits.of(*resource);
            limit.is_some_and(|limit| limit > 0) && limit == written.request(*resource)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pod_itself_is_known_by_its_loopback_names() {
        for (target, expected) in [
            ("localhost:80", Some(80)),
            ("127.0.0.1:5432", Some(5432)),
            ("[::1]:1", Some(1)),
            ("http://localhost:8080/ready?x=1:2", Some(8080)),
            ("db:5432", None),
            ("http://localhost/ready", None),
            ("dns:localhost", None),
            ("https://db/127.0.0.1:1", None),
        ] {
            assert_eq!(loopback_port(target), expected, "{target}");
        }
    }

    #[test]
    fn a_container_is_guaranteed_when_both_limits_are_its_requests() {
        for (resources, expected) in [
            (r#"{"limits": {"cpu": "1", "memory": "1Gi"}}"#, true),
            (
                r#"{"limits": {"cpu": 1, "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1024Mi"}}"#,
                true,
            ),
            (r#"{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}"#, false),
            (r#"{"limits": {"memory": "1Gi"}, "requests": {"memory": "1Gi"}}"#, false),
            (r#"{"requests": {"cpu": "1", "memory": "1Gi"}}"#, false),
            ("{}", false),
            ("null", false),
            ("7", false),
        ] {
            let container = format!(r#"{{"name": "app", "resources": {resources}}}"#);
            let container: pod::Container<'_> = multipod_json::read(&container).unwrap();
            assert_eq!(is_guaranteed(&container), expected, "{resources}");
        }
    }
}
