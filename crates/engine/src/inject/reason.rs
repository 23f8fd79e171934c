//! Every "no" has a name. The slugs are written by hand and used unchanged in logs, metrics, warnings and docs.

use std::fmt;

use crate::annotation::{Diagnostic, Key};
use multipod_values::{mismatch, plain};

/// Why a pod is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// Nobody asked for anything.
    NotRequested,
    /// All that was asked for is there.
    AlreadyInjected,
    /// The pod or its namespace declines all that would be added.
    OptedOut,
    /// A mirror of a static pod, which only its node can change.
    MirrorPod,
    /// The settings leave this namespace alone.
    ExcludedNamespace,
    /// Only a policy asks, and this pod has the node's network.
    HostNetwork,
    /// Only a policy asks, and this pod is for Windows.
    Windows,
    /// Only policies ask, and they skip pods in which something stands in their way.
    Obstacle,
    /// The settings admit pods with a mistake as they are, with a warning.
    Mistake,
}

impl SkipReason {
    pub const ALL: [SkipReason; 9] = [
        SkipReason::NotRequested,
        SkipReason::AlreadyInjected,
        SkipReason::OptedOut,
        SkipReason::MirrorPod,
        SkipReason::ExcludedNamespace,
        SkipReason::HostNetwork,
        SkipReason::Windows,
        SkipReason::Obstacle,
        SkipReason::Mistake,
    ];

    /// The machine's name for it.
    pub const fn slug(self) -> &'static str {
        match self {
            SkipReason::NotRequested => "not_requested",
            SkipReason::AlreadyInjected => "already_injected",
            SkipReason::OptedOut => "opted_out",
            SkipReason::MirrorPod => "mirror_pod",
            SkipReason::ExcludedNamespace => "excluded_namespace",
            SkipReason::HostNetwork => "host_network",
            SkipReason::Windows => "windows",
            SkipReason::Obstacle => "obstacle",
            SkipReason::Mistake => "mistake",
        }
    }

    /// The sentence for people.
    pub const fn sentence(self) -> &'static str {
        match self {
            SkipReason::NotRequested => "nothing asks for a pattern here",
            SkipReason::AlreadyInjected => "everything that was asked for is already there",
            SkipReason::OptedOut => "the pod or its namespace opts out of all that would be added",
            SkipReason::MirrorPod => "this is the mirror of a static pod, which only its node can change",
            SkipReason::ExcludedNamespace => "the settings leave this namespace alone",
            SkipReason::HostNetwork => {
                "a policy would add a pattern that listens, and this pod has the node's network"
            }
            SkipReason::Windows => "a policy would add a pattern, and this pod is for Windows",
            SkipReason::Obstacle => "something in the pod stands in the way of what a policy would add",
            SkipReason::Mistake => {
                "there is a mistake in what was asked for, and the settings admit such pods unchanged"
            }
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.sentence(), self.slug())
    }
}

/// Why a pod is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DenyReason {
    /// A key below `multipod/` that does not exist.
    UnknownKey,
    /// An annotation whose value is no text.
    NotText,
    /// A value that does not say what its key needs.
    BadValue,
    /// Two policies set one key differently.
    PolicyConflict,
    /// It cannot be told whether a policy is for the pod.
    PolicyUndecided,
    /// A condition of an enforced policy has no answer for the pod.
    ConditionFailed,
    /// A policy that is or may be enforced cannot be read, and may be for the pod.
    PolicyInvalid,
    /// The pod asks for what it opts out of.
    OptOutContradiction,
    /// A policy does not let pods ask for this image or this much.
    OutOfBounds,
    /// A container has the name that we need.
    ContainerNameTaken,
    /// A volume has the name that we need.
    VolumeNameTaken,
    /// A container has the port that we need.
    PortTaken,
    /// A port has the name that we need.
    PortNameTaken,
    /// A container has the port of the node that we need.
    HostPortTaken,
    /// Something is mounted where we must mount.
    MountPathTaken,
    /// A variable has the name that we need.
    EnvNameTaken,
    /// An annotation that must be ours holds something else.
    AnnotationTaken,
    /// A kernel setting that we need has another value.
    SysctlTaken,
    /// The pod's spec says the opposite about shared processes.
    ProcessNamespaceTaken,
    /// The pattern listens, and the pod has the node's network.
    HostNetwork,
    /// The pod says itself where a name leads that an enforced policy sends to.
    DestinationRedirected,
    /// The pod is for Windows.
    Windows,
    /// An ordinary sidecar would keep a Job from completing.
    JobNeverEnds,
    /// Native sidecars were asked for, and the server does not know them.
    NativeUnsupported,
    /// All annotations together would be too large for the API server.
    AnnotationsTooLarge,
    /// The pod as a whole has too little CPU or memory for what we add.
    PodResources,
    /// The pod has no containers.
    NoContainers,
    /// A container has no name.
    ContainerWithoutName,
    /// The pod is larger than what is looked at.
    TooLarge,
    /// The pod is not in the shape of a pod.
    UnreadablePod,
}

impl DenyReason {
    pub const ALL: [DenyReason; 30] = [
        DenyReason::UnknownKey,
        DenyReason::NotText,
        DenyReason::BadValue,
        DenyReason::PolicyConflict,
        DenyReason::PolicyUndecided,
        DenyReason::ConditionFailed,
        DenyReason::PolicyInvalid,
        DenyReason::OptOutContradiction,
        DenyReason::OutOfBounds,
        DenyReason::ContainerNameTaken,
        DenyReason::VolumeNameTaken,
        DenyReason::PortTaken,
        DenyReason::PortNameTaken,
        DenyReason::HostPortTaken,
        DenyReason::MountPathTaken,
        DenyReason::EnvNameTaken,
        DenyReason::AnnotationTaken,
        DenyReason::SysctlTaken,
        DenyReason::ProcessNamespaceTaken,
        DenyReason::HostNetwork,
        DenyReason::DestinationRedirected,
        DenyReason::Windows,
        DenyReason::JobNeverEnds,
        DenyReason::NativeUnsupported,
        DenyReason::AnnotationsTooLarge,
        DenyReason::PodResources,
        DenyReason::NoContainers,
        DenyReason::ContainerWithoutName,
        DenyReason::TooLarge,
        DenyReason::UnreadablePod,
    ];

    /// The machine's name for it.
    pub const fn slug(self) -> &'static str {
        match self {
            DenyReason::UnknownKey => "unknown_key",
            DenyReason::NotText => "not_text",
            DenyReason::BadValue => "bad_value",
            DenyReason::PolicyConflict => "policy_conflict",
            DenyReason::PolicyUndecided => "policy_undecided",
            DenyReason::ConditionFailed => "condition_failed",
            DenyReason::PolicyInvalid => "policy_invalid",
            DenyReason::OptOutContradiction => "opt_out_contradiction",
            DenyReason::OutOfBounds => "out_of_bounds",
            DenyReason::ContainerNameTaken => "container_name_taken",
            DenyReason::VolumeNameTaken => "volume_name_taken",
            DenyReason::PortTaken => "port_taken",
            DenyReason::PortNameTaken => "port_name_taken",
            DenyReason::HostPortTaken => "host_port_taken",
            DenyReason::MountPathTaken => "mount_path_taken",
            DenyReason::EnvNameTaken => "env_name_taken",
            DenyReason::AnnotationTaken => "annotation_taken",
            DenyReason::SysctlTaken => "sysctl_taken",
            DenyReason::ProcessNamespaceTaken => "process_namespace_taken",
            DenyReason::HostNetwork => "host_network",
            DenyReason::DestinationRedirected => "destination_redirected",
            DenyReason::Windows => "windows",
            DenyReason::JobNeverEnds => "job_never_ends",
            DenyReason::NativeUnsupported => "native_unsupported",
            DenyReason::AnnotationsTooLarge => "annotations_too_large",
            DenyReason::PodResources => "pod_resources",
            DenyReason::NoContainers => "no_containers",
            DenyReason::ContainerWithoutName => "container_without_name",
            DenyReason::TooLarge => "too_large",
            DenyReason::UnreadablePod => "unreadable_pod",
        }
    }
}

/// One thing that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub reason: DenyReason,
    /// What is wrong, where, and what to do; may have several lines.
    pub message: String,
    /// The annotation that it is about, so that tools can point at its line.
    pub key: Option<String>,
    /// The key that asked for what cannot be, where `key` names another annotation.
    pub(crate) asked_by: Option<&'static str>,
    /// What the message was made of, where it marks a place in a value.
    pub diagnostic: Option<Box<Diagnostic>>,
}

impl Refusal {
    /// A refusal that is about no single annotation.
    pub fn new(reason: DenyReason, message: impl Into<String>) -> Self {
        Refusal { reason, message: plain(message.into()), key: None, asked_by: None, diagnostic: None }
    }

    /// About a pod that a reader has failed on.
    pub(super) fn unreadable(problem: &str) -> Self {
        let problem = mismatch::plain(problem);
        Refusal::new(DenyReason::UnreadablePod, format!("the pod cannot be read: {problem}"))
    }

    /// What is wrong with the value of an annotation.
    pub(super) fn of(diagnostic: Diagnostic) -> Self {
        let known = Key::from_full(&diagnostic.key).is_some();
        let reason = if known { DenyReason::BadValue } else { DenyReason::UnknownKey };
        let refusal = Refusal::new(reason, diagnostic.to_string()).about(&diagnostic.key);
        Refusal { diagnostic: Some(Box::new(diagnostic)), ..refusal }
    }

    /// All of it on one line, for those who show no more.
    pub fn on_one_line(&self) -> String {
        match &self.diagnostic {
            Some(diagnostic) => plain(diagnostic.on_one_line()),
            None => self.message.lines().map(str::trim).collect::<Vec<_>>().join(". "),
        }
    }

    /// Its first line, which says what is wrong.
    pub fn in_short(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    #[must_use]
    pub(crate) fn about(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Whether a part of this key met it.
    pub(crate) fn is_for(&self, key: &str) -> bool {
        self.asked_by.or(self.key.as_deref()) == Some(key)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn slugs_are_unique_and_in_snake_case() {
        let slugs: Vec<&str> = DenyReason::ALL.iter().map(|reason| reason.slug()).collect();
        assert_eq!(slugs.iter().collect::<BTreeSet<_>>().len(), DenyReason::ALL.len());
        let skips: BTreeSet<&str> = SkipReason::ALL.iter().map(|reason| reason.slug()).collect();
        assert_eq!(skips.len(), SkipReason::ALL.len());
        assert!(slugs.iter().chain(&skips).all(|s| s.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    }
}
