//! What a plan adds, in words and numbers.

use multipod_engine::annotation::key::{RENDERED_PREFIX, STATUS};
use multipod_engine::annotation::settings::Sidecar;
use multipod_engine::inject::{Plan, Planned, Reason};
use multipod_engine::pattern::container as api;
use multipod_engine::pattern::container::VolumeSource;
use multipod_engine::pattern::{Addition, Change, Role};
use serde_json::Value;

use super::report::{Added, Amounts, AppEnv, AppMount, Container, Named, Runs};

/// Everything that a plan adds to the pod.
pub(super) fn added(plan: &Plan, before: &Value) -> Added {
    let app =
        |index: usize| before["spec"]["containers"][index]["name"].as_str().unwrap_or_default().to_owned();
    let mut added = Added::default();
    for planned in plan.missing() {
        match &planned.change {
            Change::Container(new) => added.containers.push(described(new, because(planned, new, plan))),
            Change::Volume(new) => added.volumes.push(volume(new)),
            Change::AppMount(new) => added.mounts.push(mount(app(new.container), &new.mount)),
            Change::AppVariable(new) => added.env.push(AppEnv {
                container: app(new.container),
                name: new.env.name.to_string(),
                value: new.env.value.as_deref().map(str::to_owned),
            }),
            Change::Annotation(note) if note.key == STATUS => {}
            Change::Annotation(note) => {
                let is_rendered = note.key.starts_with(RENDERED_PREFIX);
                let list = if is_rendered { &mut added.rendered } else { &mut added.annotations };
                list.push(named(&note.key, &note.value));
            }
            Change::Sysctl(sysctl) => added.sysctls.push(named(&sysctl.name, &sysctl.value)),
            Change::PullSecret(secret) => added.pull_secrets.push(secret.name.to_string()),
            Change::SharedProcesses => added.share_process_namespace = true,
            #[allow(
                unreachable_patterns,
                reason = "a new kind is told by its rows until it has words of its own"
            )]
            other => by_its_rows(&mut added, other),
        }
    }
    added
}

/// The name, and the value as the API has it, under the word by which the status records its kind.
fn by_its_rows(added: &mut Added, change: &Change) {
    let value = match serde_json::to_value(change) {
        Ok(Value::String(text)) => text,
        Ok(value) => value.to_string(),
        Err(_) => String::new(),
    };
    let kind = change.kind().status();
    // A flag of the pod has no name besides.
    let name = Some(change.name()).filter(|name| !name.is_empty()).unwrap_or(kind);
    added.others.entry(kind).or_default().push(named(name, &value));
}

fn described(new: &Addition, because: String) -> Container {
    let container = &new.container;
    let runs = match new.role {
        Role::Step => Runs::Step,
        Role::Sidecar(Some(Sidecar::Classic)) => Runs::ClassicSidecar,
        Role::Sidecar(_) => Runs::NativeSidecar,
    };
    Container {
        name: container.name.to_string(),
        runs,
        because,
        image: container.image.to_string(),
        ports: container.ports.iter().map(|port| port.container_port).collect(),
        loopback_ports: container.loopback_ports.clone(),
        requests: amounts(&container.resources.requests),
        limits: amounts(&container.resources.limits),
        mounts: container.volume_mounts.iter().map(|new| mount(container.name.to_string(), new)).collect(),
    }
}

fn amounts(amounts: &api::Amounts) -> Amounts {
    let text = |amount: &Option<api::Amount>| amount.as_ref().map(|amount| amount.0.as_str().to_owned());
    Amounts { cpu: text(&amounts.cpu), memory: text(&amounts.memory) }
}

fn mount(container: String, mount: &api::Mount) -> AppMount {
    AppMount {
        container,
        volume: mount.name.to_string(),
        path: mount.mount_path.to_string(),
        read_only: mount.read_only,
    }
}

fn named(name: &str, value: &str) -> Named {
    Named { name: name.to_owned(), value: value.to_owned() }
}

fn volume(volume: &api::Volume) -> Named {
    let what = match &volume.source {
        VolumeSource::EmptyDir(folder) => match folder.medium {
            Some(medium) => format!("emptyDir ({medium})"),
            None => "emptyDir".to_owned(),
        },
        VolumeSource::DownwardApi(_) => "downwardAPI (annotations of the pod as files)".to_owned(),
        VolumeSource::ConfigMap(map) => format!("configMap {}", map.name),
        VolumeSource::Secret(secret) => {
            format!("secret {}", secret["secretName"].as_str().unwrap_or_default())
        }
        VolumeSource::Other(other) => {
            other.as_object().and_then(|fields| fields.keys().next()).cloned().unwrap_or_default()
        }
    };
    named(&volume.name, what.trim_end())
}

/// Why a container runs as it does.
fn because(planned: &Planned, new: &Addition, plan: &Plan) -> String {
    let sidecar = if new.role == Role::Sidecar(Some(Sidecar::Classic)) { "classic" } else { "native" };
    match planned.reason {
        Reason::Asked | Reason::EveryPod => "steps run once, in the order written".to_owned(),
        Reason::SidecarOfAnnotation => format!("{} says sidecar={sidecar}", plan.key_of(planned)),
        Reason::SidecarOfSettings => format!("the settings say sidecar: {sidecar}"),
        Reason::SidecarOfVersion(version) if version.knows_native_sidecars() => {
            format!("Kubernetes {version} knows native sidecars")
        }
        Reason::SidecarOfVersion(version) => {
            format!("Kubernetes {version} does not know native sidecars, 1.29 is the first that does")
        }
    }
}

#[cfg(test)]
mod tests {
    use multipod_engine::pattern::change::{PullSecret, Sysctl};

    use super::*;

    #[test]
    fn what_has_no_field_of_its_own_stands_under_the_word_of_its_kind() {
        let mut added = Added::default();
        let sysctl = Sysctl { name: "net.core.somaxconn".into(), value: "1".into() };
        for change in [
            Change::Sysctl(sysctl),
            Change::PullSecret(PullSecret { name: "a".into() }),
            Change::PullSecret(PullSecret { name: "b".into() }),
            Change::SharedProcesses,
        ] {
            by_its_rows(&mut added, &change);
        }
        let told = |kind: &str| added.others[kind].iter().map(|new| format!("{}: {}", new.name, new.value));
        assert_eq!(
            ["sysctls", "pullSecrets", "shareProcessNamespace"]
                .map(|kind| told(kind).collect::<Vec<_>>().join(" ")),
            [
                r#"net.core.somaxconn: {"name":"net.core.somaxconn","value":"1"}"#,
                r#"a: {"name":"a"} b: {"name":"b"}"#,
                "shareProcessNamespace: true"
            ]
        );
    }
}
