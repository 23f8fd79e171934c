//! What is added, and where: all that is wanted and not there, in its final order.
//!
//! ```text
//! initContainers:  leading run of others' infrastructure │ our sidecars │ our steps │ the user's own
//! containers:      the user's own │ our classic sidecars
//! ```

use crate::annotation::{Key, Source};
use crate::pattern::container::{Container, Text, Volume};
use crate::pattern::{AppEnv, AppMount};
use crate::pod::{self, Pod};
use crate::policy::Resolution;

use super::status::Status;
use super::wanted::{Place, Want, Wanted};

/// Init containers of meshes, which must run before anything that uses the network.
const MESH_INIT: [&str; 9] = [
    "istio-init",
    "istio-validation",
    "enable-core-dump",
    "linkerd-init",
    "linkerd-network-validator",
    "kuma-init",
    "kuma-validation",
    "consul-connect-inject-init",
    "osm-init",
];

/// Everything that is added to one pod.
#[derive(Debug)]
pub struct Plan {
    /// What was asked for, and by whom.
    pub parts: Vec<Part>,
    /// Native sidecars, and where in `initContainers` the first one goes.
    pub sidecars: Vec<Container>,
    /// The index of the first native sidecar.
    pub sidecars_at: usize,
    /// Steps that run once.
    pub steps: Vec<Container>,
    /// The index of the first step, once the sidecars are in.
    pub steps_at: usize,
    /// Ordinary containers.
    pub containers: Vec<Container>,
    /// Volumes.
    pub volumes: Vec<Volume>,
    /// Mounts of the app's containers.
    pub mounts: Vec<AppMount>,
    /// Variables of the app's containers.
    pub env: Vec<AppEnv>,
    /// Annotations, the status among them.
    pub annotations: Vec<(Text, String)>,
    /// Kernel settings.
    pub sysctls: Vec<(Text, Text)>,
    /// Whether `shareProcessNamespace` is set.
    pub share_process_namespace: bool,
    /// Secrets that pull images.
    pub pull_secrets: Vec<Text>,
}

/// One thing that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The key.
    pub key: Key,
    /// What people call it.
    pub name: Text,
    /// Who asked.
    pub source: Source,
}

impl Plan {
    pub(super) fn of(wanted: Wanted, pod: &Pod<'_>, resolution: &Resolution<'_>) -> Self {
        let parts: Vec<Part> = wanted
            .parts
            .iter()
            .map(|(key, name)| Part { key: *key, name: name.clone(), source: resolution.source_of(*key) })
            .collect();
        // Before anything is moved; where nothing is missing, nobody will read it.
        let status = wanted.is_missing_something().then(|| Status::of(&wanted, &parts, pod).to_json());
        let mut plan = Plan {
            parts,
            sidecars: Vec::new(),
            sidecars_at: 0,
            steps: Vec::new(),
            steps_at: 0,
            containers: Vec::new(),
            volumes: missing(wanted.volumes),
            mounts: missing(wanted.mounts),
            env: missing(wanted.env),
            annotations: Vec::with_capacity(wanted.notes.len() + 1),
            sysctls: missing(wanted.sysctls),
            share_process_namespace: wanted.share_process_namespace.is_some_and(|share| !share.there),
            pull_secrets: missing(wanted.pull_secrets),
        };
        for want in wanted.containers.into_iter().filter(|want| !want.there) {
            match want.what.place {
                Place::NativeSidecar => plan.sidecars.push(want.what.container),
                Place::Step => plan.steps.push(want.what.container),
                Place::ClassicSidecar => plan.containers.push(want.what.container),
            }
        }
        for want in wanted.notes.into_iter().filter(|want| !want.there) {
            let known = plan.annotations.iter().any(|(key, _)| *key == want.what.key);
            if !known {
                plan.annotations.push((want.what.key, want.what.value));
            }
        }
        (plan.sidecars_at, plan.steps_at) = places(pod.spec.init_containers.items());
        plan.steps_at += plan.sidecars.len();
        if let Some(status) = status {
            plan.annotations.push((Text::Borrowed(crate::annotation::key::STATUS), status));
        }
        plan
    }

    /// Whether nothing is added.
    pub fn is_empty(&self) -> bool {
        self.sidecars.is_empty()
            && self.steps.is_empty()
            && self.containers.is_empty()
            && self.volumes.is_empty()
            && self.mounts.is_empty()
            && self.env.is_empty()
            && self.annotations.is_empty()
            && self.sysctls.is_empty()
            && !self.share_process_namespace
            && self.pull_secrets.is_empty()
    }

    /// Every new container, in the order in which they start.
    pub fn new_containers(&self) -> impl Iterator<Item = &Container> {
        self.sidecars.iter().chain(&self.steps).chain(&self.containers)
    }
}

/// What is wanted and not there, each once.
fn missing<T: PartialEq>(wants: Vec<Want<T>>) -> Vec<T> {
    let mut out: Vec<T> = Vec::with_capacity(wants.iter().filter(|want| !want.there).count());
    for want in wants.into_iter().filter(|want| !want.there) {
        if !out.contains(&want.what) {
            out.push(want.what);
        }
    }
    out
}

/// Where our sidecars and our steps go: behind the leading run of others' infrastructure, and behind what of ours is
/// there already.
fn places(init: &[pod::Container<'_>]) -> (usize, usize) {
    let infrastructure = |container: &pod::Container<'_>| {
        container.is_native_sidecar() || MESH_INIT.contains(&&*container.name)
    };
    let sidecars = init.iter().position(|container| !infrastructure(container)).unwrap_or(init.len());
    let ours =
        init[sidecars..].iter().take_while(|container| container.name.starts_with("multipod-")).count();
    (sidecars, sidecars + ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_stand_behind_the_leading_run_of_infrastructure() {
        for (names, expected) in [
            (&[][..], (0, 0)),
            (&["migrate"][..], (0, 0)),
            (&["istio-init", "istio-proxy:Always", "migrate"][..], (2, 2)),
            (&["linkerd-init", "migrate", "late:Always"][..], (1, 1)),
            (&["a:Always", "multipod-x:Always", "multipod-wait-for-1", "migrate"][..], (2, 3)),
        ] {
            let init: Vec<pod::Container> = names
                .iter()
                .map(|name| {
                    let (name, policy) = name.split_once(':').unwrap_or((name, ""));
                    pod::Container {
                        name: pod::Text(name.into()),
                        restart_policy: pod::Text(policy.into()),
                        ..pod::Container::default()
                    }
                })
                .collect();
            assert_eq!(places(&init), expected, "{names:?}");
        }
    }
}
