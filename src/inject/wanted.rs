//! All that the fragments want, finished: native or classic, no token, and what every injected pod gets.

use std::borrow::Cow;

use crate::annotation::Key;
use crate::annotation::settings::Sidecar;
use crate::pattern::container::{Container, EmptyDir, Mount, Text, Volume, VolumeSource};
use crate::pattern::{AppEnv, AppMount, Context, Fragment, Note, Role};
use crate::pod::Pod;
use crate::pod::view::DEFAULT_CONTAINER;

use super::{DenyReason, Refusal};

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const NO_TOKEN: &str = "multipod-no-token";
const SAFE_TO_EVICT: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";

/// Everything that must be in the pod in the end, whether it is there already or not.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// What people call the fragments, and the keys that asked for them.
    pub parts: Vec<(Key, Text)>,
    pub containers: Vec<Want<Placed>>,
    pub volumes: Vec<Want<Volume>>,
    pub mounts: Vec<Want<AppMount>>,
    pub env: Vec<Want<AppEnv>>,
    pub notes: Vec<Want<Note>>,
    pub sysctls: Vec<Want<(Text, Text)>>,
    pub share_process_namespace: Option<Want<()>>,
    pub pull_secrets: Vec<Want<Text>>,
}

/// One thing that must be in the pod.
#[derive(Debug)]
pub(super) struct Want<T> {
    /// The part that wants it.
    pub part: usize,
    /// Whether it is there already, field by field.
    pub there: bool,
    pub what: T,
}

/// A container and the list that it goes to.
#[derive(Debug)]
pub(super) struct Placed {
    pub place: Place,
    pub container: Container,
}

/// Which list of the pod a container goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `initContainers`, always restarted.
    NativeSidecar,
    /// `initContainers`, once.
    Step,
    /// `containers`.
    ClassicSidecar,
}

fn want<T>(part: usize) -> impl Fn(T) -> Want<T> {
    move |what| Want { part, there: false, what }
}

impl Wanted {
    pub(super) fn of(
        fragments: Vec<Fragment>,
        pod: &Pod<'_>,
        context: &Context<'_>,
        refusals: &mut Vec<Refusal>,
        warnings: &mut Vec<String>,
    ) -> Self {
        let mut wanted = Wanted::default();
        let ends = context.owner_kind == Some("Job") || !matches!(&*pod.spec.restart_policy, "" | "Always");
        for fragment in fragments {
            let part = wanted.parts.len();
            warnings.extend(fragment.warnings);
            for addition in fragment.containers {
                let place = place(addition.role, context);
                let asked = matches!(addition.role, Role::Sidecar(Some(_)));
                refusals.extend(unfit(place, asked, ends, &addition.container.name, fragment.key, context));
                let container = finish(addition.container, place);
                wanted.containers.push(Want { part, there: false, what: Placed { place, container } });
            }
            wanted.volumes.extend(fragment.volumes.into_iter().map(want(part)));
            wanted.mounts.extend(fragment.mounts.into_iter().map(want(part)));
            wanted.env.extend(fragment.env.into_iter().map(want(part)));
            wanted.notes.extend(fragment.notes.into_iter().map(want(part)));
            wanted.sysctls.extend(fragment.sysctls.into_iter().map(want(part)));
            if fragment.share_process_namespace == Some(true) {
                wanted.share_process_namespace.get_or_insert_with(|| want(part)(()));
            }
            wanted.parts.push((fragment.key, fragment.name));
        }
        wanted.add_what_every_pod_gets(pod, context);
        wanted
    }

    fn add_what_every_pod_gets(&mut self, pod: &Pod<'_>, context: &Context<'_>) {
        let touches_app = !self.mounts.is_empty() || !self.env.is_empty();
        if self.containers.is_empty() && !touches_app {
            return;
        }
        let needs_volume =
            |wanted: &Want<Placed>| wanted.what.container.volume_mounts.iter().any(|m| m.name == NO_TOKEN);
        if self.containers.iter().any(needs_volume) {
            self.volumes.push(want(0)(no_token()));
        }
        let local: Vec<&str> =
            self.volumes.iter().filter(|wanted| wanted.what.holds_node()).map(|v| &*v.what.name).collect();
        if !local.is_empty() {
            let value = local.join(",");
            self.note(SAFE_TO_EVICT, value);
        }
        // Also what keeps the app the app when another webhook puts a container in front of it.
        if let Some(app) = pod.spec.containers.items().get(pod.default_container().unwrap_or(0)) {
            self.note(DEFAULT_CONTAINER, app.name.to_string());
        }
        if self.containers.is_empty() {
            return;
        }
        let secrets = context.settings.pull_secrets.iter().cloned().map(Cow::Owned);
        self.pull_secrets = secrets.map(want(0)).collect();
    }

    fn note(&mut self, key: &'static str, value: String) {
        self.notes.push(want(0)(Note { key: Cow::Borrowed(key), value, must_be_ours: false }));
    }

    /// Whether the pod lacks anything.
    pub(super) fn is_missing_something(&self) -> bool {
        fn any<T>(wants: &[Want<T>]) -> bool {
            wants.iter().any(|want| !want.there)
        }
        any(&self.containers)
            || any(&self.volumes)
            || any(&self.mounts)
            || any(&self.env)
            || any(&self.notes)
            || any(&self.sysctls)
            || any(&self.pull_secrets)
            || self.share_process_namespace.as_ref().is_some_and(|share| !share.there)
    }

    /// What people call the part that wants something.
    pub(super) fn name_of(&self, part: usize) -> &str {
        self.parts.get(part).map_or("multipod", |(_, name)| name)
    }

    /// The annotation that a part came from.
    pub(super) fn key_of(&self, part: usize) -> &'static str {
        self.parts.get(part).map_or("multipod", |(key, _)| key.full())
    }
}

fn place(role: Role, context: &Context<'_>) -> Place {
    let native = context.version.knows_native_sidecars();
    match role {
        Role::Step => Place::Step,
        Role::Sidecar(asked) => match asked.or(context.settings.sidecar) {
            Some(Sidecar::Native) => Place::NativeSidecar,
            None if native => Place::NativeSidecar,
            Some(Sidecar::Classic) | None => Place::ClassicSidecar,
        },
    }
}

/// Whether a container could not do its work in this place.
fn unfit(
    place: Place,
    asked: bool,
    pod_ends: bool,
    name: &str,
    key: Key,
    context: &Context<'_>,
) -> Option<Refusal> {
    let version = context.version;
    match place {
        Place::NativeSidecar if !version.knows_native_sidecars() => Some(
            Refusal::new(
                DenyReason::NativeUnsupported,
                format!(
                    "{key}: sidecar=native needs Kubernetes 1.29, and this is {version}: {name} would be a step that \
                     never ends\nLeave sidecar= out, or write sidecar=classic",
                    key = key.full()
                ),
            )
            .about(key.full()),
        ),
        Place::ClassicSidecar if pod_ends && !asked => Some(
            Refusal::new(
                DenyReason::JobNeverEnds,
                format!(
                    "{key}: this pod could never complete: {name} would be an ordinary container, which keeps running \
                     when the work is done\nUse sidecar=native (Kubernetes 1.29 and later; this is {version}), or ask \
                     for sidecar=classic if the app ends it",
                    key = key.full()
                ),
            )
            .about(key.full()),
        ),
        _ => None,
    }
}

/// The fields that depend on where a container goes, and the mount that keeps the API server from adding a token.
fn finish(mut container: Container, place: Place) -> Container {
    if place == Place::NativeSidecar {
        container.restart_policy = Some("Always");
    }
    if !container.volume_mounts.iter().any(|mount| mount.mount_path == TOKEN_PATH) {
        container.volume_mounts.push(Mount::new(NO_TOKEN, TOKEN_PATH).read_only());
    }
    container
}

/// Nothing is ever written here. In memory, so that the cluster autoscaler does not take it for data on the node.
fn no_token() -> Volume {
    let source = EmptyDir { medium: Some("Memory"), size_limit: Some(Cow::Borrowed("1Mi")) };
    Volume { name: Cow::Borrowed(NO_TOKEN), source: VolumeSource::EmptyDir(source) }
}
