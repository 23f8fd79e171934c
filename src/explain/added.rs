//! What a plan adds, in words and numbers.

use serde_json::Value;

use crate::annotation::key::{RENDERED_PREFIX, STATUS};
use crate::annotation::settings::Sidecar;
use crate::annotation::{Key, lexer};
use crate::inject::{Decision, Plan};
use crate::pattern::Context;
use crate::pattern::container as api;
use crate::pattern::container::VolumeSource;

use super::report::{Added, Amounts, AppEnv, AppMount, Container, Named, Runs};

/// Everything that a plan adds to the pod.
pub(super) fn added(plan: &Plan, before: &Value, context: &Context<'_>, decision: &Decision<'_>) -> Added {
    let app =
        |index: usize| before["spec"]["containers"][index]["name"].as_str().unwrap_or_default().to_owned();
    let why = |container: &api::Container, runs| because(container, runs, plan, context, decision);
    let containers = |list: &[api::Container], runs| {
        list.iter().map(|container| described(container, runs, why(container, runs))).collect::<Vec<_>>()
    };
    let (rendered, annotations) = plan
        .annotations
        .iter()
        .filter(|(key, _)| *key != STATUS)
        .map(|(key, value)| Named { name: key.to_string(), value: value.clone() })
        .partition(|note| note.name.starts_with(RENDERED_PREFIX));
    Added {
        containers: [
            containers(&plan.sidecars, Runs::NativeSidecar),
            containers(&plan.steps, Runs::Step),
            containers(&plan.containers, Runs::ClassicSidecar),
        ]
        .concat(),
        volumes: plan.volumes.iter().map(volume).collect(),
        mounts: plan.mounts.iter().map(|new| mount(app(new.container), &new.mount)).collect(),
        env: plan
            .env
            .iter()
            .map(|new| AppEnv {
                container: app(new.container),
                name: new.env.name.to_string(),
                value: new.env.value.as_deref().map(str::to_owned),
            })
            .collect(),
        annotations,
        rendered,
        sysctls: plan.sysctls.iter().map(|(name, value)| named(name, value)).collect(),
        pull_secrets: plan.pull_secrets.iter().map(ToString::to_string).collect(),
        share_process_namespace: plan.share_process_namespace,
    }
}

fn described(container: &api::Container, runs: Runs, because: String) -> Container {
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

/// Why a container runs as it does: the annotation decides, else the settings, else the version.
fn because(
    container: &api::Container,
    runs: Runs,
    plan: &Plan,
    context: &Context<'_>,
    decision: &Decision<'_>,
) -> String {
    if runs == Runs::Step {
        return "steps run once, in the order written".to_owned();
    }
    let key = key_of(&container.name, plan);
    let value = key.and_then(|key| {
        let mut effective = decision.resolution.iter().flat_map(|resolution| &resolution.effective);
        effective.find(|effective| effective.key == key).map(|effective| effective.value)
    });
    if let (Some(key), Some(asked)) = (key, value.and_then(asked_sidecar)) {
        return format!("{} says sidecar={asked}", key.full());
    }
    match (context.settings.sidecar, context.version.knows_native_sidecars()) {
        (Some(Sidecar::Native), _) => "the settings say sidecar: native".to_owned(),
        (Some(Sidecar::Classic), _) => "the settings say sidecar: classic".to_owned(),
        (None, true) => format!("Kubernetes {} knows native sidecars", context.version),
        (None, false) => {
            format!(
                "Kubernetes {} does not know native sidecars, 1.29 is the first that does",
                context.version
            )
        }
    }
}

/// The key whose pattern added a container, by the container's name.
fn key_of(container: &str, plan: &Plan) -> Option<Key> {
    let own = container.strip_prefix("multipod-")?;
    let parts = plan.parts.iter().filter(|part| own.starts_with(&part.name.replace(' ', "-")));
    parts.max_by_key(|part| part.name.len()).map(|part| part.key)
}

fn asked_sidecar(value: &str) -> Option<String> {
    let items = lexer::lex(value).ok()?;
    let mut words = items.iter().filter(|item| item.is_setting()).flat_map(|item| &item.words);
    words.find(|word| word.key() == Some("sidecar")).map(|word| word.text.to_string())
}
