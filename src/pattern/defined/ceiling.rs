//! What a pattern may do to the node and its neighbours: nothing, unless its definition says so itself.

use serde::Deserialize;

use crate::pattern::container::{Container, Volume, VolumeSource};

/// Something that Pod Security "restricted" forbids, and a definition can allow itself.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Privilege {
    /// Folders of the node.
    HostPath,
    /// Ports of the node.
    HostPort,
    /// Everything on the node, or gaining more rights than a process began with.
    Privileged,
    /// Single rights of root.
    Capabilities,
    /// Running as root.
    Root,
    /// Kernel settings that Kubernetes does not count as safe.
    Sysctls,
}

impl Privilege {
    /// As definitions write it in `spec.allow`.
    pub const fn name(self) -> &'static str {
        match self {
            Privilege::HostPath => "hostPath",
            Privilege::HostPort => "hostPort",
            Privilege::Privileged => "privileged",
            Privilege::Capabilities => "capabilities",
            Privilege::Root => "root",
            Privilege::Sysctls => "sysctls",
        }
    }
}

/// The kinds of volume that Pod Security "restricted" knows.
pub(super) const VOLUMES: [&str; 8] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

const SAFE_SYSCTLS: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

/// What the security context of a container needs.
pub(super) fn of_security(container: &Container) -> impl Iterator<Item = Privilege> {
    let security = &container.security_context;
    let needs = [
        (security.privileged || security.allow_privilege_escalation, Privilege::Privileged),
        (!security.capabilities.add.is_empty(), Privilege::Capabilities),
        (security.run_as_user == Some(0) || !security.run_as_non_root, Privilege::Root),
    ];
    needs.into_iter().filter(|(needed, _)| *needed).map(|(_, privilege)| privilege)
}

/// What the ports of a container need.
pub(super) fn of_ports(container: &Container) -> Option<Privilege> {
    container.ports.iter().any(|port| port.host_port.is_some()).then_some(Privilege::HostPort)
}

/// What a volume needs.
pub(super) fn of_volume(volume: &Volume) -> Option<Privilege> {
    match &volume.source {
        VolumeSource::Other(source) => source.get("hostPath").is_some().then_some(Privilege::HostPath),
        _ => None,
    }
}

/// What a kernel setting needs.
pub(super) fn of_sysctl(name: &str) -> Option<Privilege> {
    (!SAFE_SYSCTLS.contains(&name)).then_some(Privilege::Sysctls)
}
