//! All that the fragments ask for, finished: native or classic, no token, and what every injected pod gets.

use std::borrow::Cow;

use crate::annotation::Key;
use crate::annotation::settings::Sidecar;
use crate::pattern::change::{Kind, PullSecret};
use crate::pattern::container::{Container, EmptyDir, Mount, Volume, VolumeSource};
use crate::pattern::{Addition, Change, Context, Fragment, Note, Role};
use crate::pod::Pod;
use crate::pod::view::DEFAULT_CONTAINER;
use crate::policy::Resolution;

use super::few::{Refusals, Warnings};
use super::plan::{Part, Plan, Planned, Reason};
use super::{DenyReason, Refusal};

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The volume that keeps the API server from mounting a token: it holds nothing.
pub const NO_TOKEN: &str = "multipod-no-token";
const SAFE_TO_EVICT: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";

/// How many changes every pod gets, at most, besides pull secrets.
const FOR_EVERY_POD: usize = 4;

impl Plan {
    /// Everything that the pod needs, sorted by kind. What cannot be goes to `refusals`.
    pub(super) fn of(
        fragments: Vec<Fragment>,
        pod: &Pod<'_>,
        context: &Context<'_>,
        resolution: &Resolution<'_>,
        refusals: &mut Refusals,
        warnings: &mut Warnings,
    ) -> Self {
        let ends = context.owner_kind == Some("Job") || !matches!(&*pod.spec.restart_policy, "" | "Always");
        let asked: usize = fragments.iter().map(|fragment| fragment.changes.len()).sum();
        let room = asked + FOR_EVERY_POD + context.settings.pull_secrets.len();
        let mut plan = Plan {
            parts: Vec::with_capacity(fragments.len()),
            changes: Vec::with_capacity(room),
            sidecars_at: 0,
            steps_at: 0,
        };
        for fragment in fragments {
            let part = plan.parts.len();
            warnings.extend(fragment.warnings);
            for change in fragment.changes {
                let planned = match change {
                    Change::Container(new) => {
                        let (role, reason) = decided(new.role, context);
                        refusals.extend(unfit(
                            role,
                            reason,
                            ends,
                            &new.container.name,
                            fragment.key,
                            context,
                        ));
                        Planned::new(part, reason, Change::Container(finish(new, role)))
                    }
                    change => Planned::new(part, Reason::Asked, change),
                };
                plan.changes.push(planned);
            }
            let source = resolution.source_of(fragment.key);
            let enforced = resolution.is_enforced(fragment.key);
            plan.parts.push(Part { key: fragment.key, name: fragment.name, source, enforced });
        }
        plan.add_what_every_pod_gets(pod, context);
        plan.changes.sort_by_key(|planned| planned.change.kind());
        plan
    }

    fn add_what_every_pod_gets(&mut self, pod: &Pod<'_>, context: &Context<'_>) {
        let changes = || self.changes.iter().map(|planned| &planned.change);
        let has_containers = changes().any(|change| change.kind() == Kind::Container);
        let touches_app = changes().any(|change| change.kind().is_in_app());
        if !has_containers && !touches_app {
            return;
        }
        let needs_volume = |new: &Addition| new.container.volume_mounts.iter().any(|m| m.name == NO_TOKEN);
        if changes().filter_map(Change::container).any(needs_volume) {
            self.for_every_pod(no_token());
        }
        let volumes = self.changes.iter().filter_map(|planned| planned.change.volume());
        let local: Vec<&str> = volumes.filter(|volume| volume.holds_node()).map(|v| &*v.name).collect();
        if !local.is_empty() {
            let value = local.join(",");
            self.note(SAFE_TO_EVICT, value);
        }
        // Also what keeps the app the app when another webhook puts a container in front of it.
        if let Some(app) = pod.spec.containers.items().get(pod.default_container().unwrap_or(0)) {
            self.note(DEFAULT_CONTAINER, app.name.to_string());
        }
        if has_containers {
            for name in &context.settings.pull_secrets {
                self.for_every_pod(PullSecret { name: Cow::Owned(name.clone()) });
            }
        }
    }

    fn note(&mut self, key: &'static str, value: String) {
        self.for_every_pod(Note { key: Cow::Borrowed(key), value, must_be_ours: false });
    }

    fn for_every_pod(&mut self, change: impl Into<Change>) {
        self.changes.push(Planned::new(0, Reason::EveryPod, change));
    }
}

/// Whether a sidecar becomes a native one, and why.
fn decided(role: Role, context: &Context<'_>) -> (Role, Reason) {
    let Role::Sidecar(asked) = role else { return (role, Reason::Asked) };
    let (sidecar, reason) = match (asked, context.settings.sidecar) {
        (Some(asked), _) => (asked, Reason::SidecarOfAnnotation),
        (None, Some(set)) => (set, Reason::SidecarOfSettings),
        (None, None) => {
            let native = context.version.knows_native_sidecars();
            let sidecar = if native { Sidecar::Native } else { Sidecar::Classic };
            (sidecar, Reason::SidecarOfVersion(context.version))
        }
    };
    (Role::Sidecar(Some(sidecar)), reason)
}

/// Whether a container could not do its work like this.
fn unfit(
    role: Role,
    reason: Reason,
    pod_ends: bool,
    name: &str,
    key: Key,
    context: &Context<'_>,
) -> Option<Refusal> {
    let version = context.version;
    match role {
        Role::Sidecar(Some(Sidecar::Native)) if !version.knows_native_sidecars() => Some(
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
        Role::Sidecar(Some(Sidecar::Classic)) if pod_ends && reason != Reason::SidecarOfAnnotation => Some(
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
fn finish(mut new: Box<Addition>, role: Role) -> Box<Addition> {
    let container: &mut Container = &mut new.container;
    if role == Role::Sidecar(Some(Sidecar::Native)) {
        container.restart_policy = Some("Always");
    }
    if !container.volume_mounts.iter().any(|mount| mount.mount_path == TOKEN_PATH) {
        container.volume_mounts.push(Mount::new(NO_TOKEN, TOKEN_PATH).read_only());
    }
    new.role = role;
    new
}

/// Nothing is ever written here. In memory, so that the cluster autoscaler does not take it for data on the node.
fn no_token() -> Volume {
    let source = EmptyDir { medium: Some("Memory"), size_limit: Some(Cow::Borrowed("1Mi")) };
    Volume { name: Cow::Borrowed(NO_TOKEN), source: VolumeSource::EmptyDir(source) }
}
