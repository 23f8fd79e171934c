//! What a pattern may do to the node and its neighbours: nothing, unless its definition says so itself.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::pattern::container::{Container, Volume, VolumeSource};

/// Something that Pod Security "restricted" forbids, and a definition can allow itself.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
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

/// The kind of volume that holds the files of an image.
pub(super) const IMAGE: &str = "image";

/// The kinds of volume that Pod Security "restricted" knows.
pub(super) const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    IMAGE,
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
        (security.privileged.is_some() || security.allow_privilege_escalation, Privilege::Privileged),
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

/// Whether a volume holds the files of an image.
pub(super) fn is_image(volume: &Volume) -> bool {
    matches!(&volume.source, VolumeSource::Other(source) if source.get(IMAGE).is_some())
}

/// What a kernel setting needs.
pub(super) fn of_sysctl(name: &str) -> Option<Privilege> {
    (!SAFE_SYSCTLS.contains(&name)).then_some(Privilege::Sysctls)
}

/// What is said of a definition that asks for more than it allows itself.
pub(super) fn not_allowed(what: &str, privilege: Privilege) -> String {
    let name = privilege.name();
    format!("{what} needs the privilege {name}; if it must have it, write allow: [{name}] in the spec")
}

#[cfg(test)]
mod tests {
    use crate::pattern::Catalogue;

    const HEAD: &str = "apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {name: x}\nspec:\n";

    fn problems(spec: &str, allow: &str) -> Vec<String> {
        let file = format!("{HEAD}{spec}\n  allow: [{allow}]\n");
        Catalogue::load([("x.yaml", &*file)]).1.iter().map(ToString::to_string).collect()
    }

    fn security(context: &str) -> String {
        format!("  containers:\n    - name: a\n      image: a\n      securityContext: {{{context}}}")
    }

    #[test]
    fn every_privilege_is_refused_unless_the_definition_allows_itself_this_one() {
        let ports =
            "  containers:\n    - name: a\n      image: a\n      ports: [{containerPort: 1, hostPort: 1}]";
        let matrix = [
            (
                "  volumes: [{name: v, hostPath: {path: /}}]\n  shareProcessNamespace: true".to_owned(),
                "hostPath",
            ),
            (ports.to_owned(), "hostPort"),
            (security("privileged: true"), "privileged"),
            (security("allowPrivilegeEscalation: true"), "privileged"),
            (security("capabilities: {add: [NET_ADMIN]}"), "capabilities"),
            (security("runAsUser: 0"), "root"),
            (security("runAsNonRoot: false"), "root"),
            ("  sysctls: [{name: kernel.msgmax, value: '1'}]".to_owned(), "sysctls"),
        ];
        let all = ["hostPath", "hostPort", "privileged", "capabilities", "root", "sysctls"];
        for (spec, needed) in matrix {
            for allowed in all {
                let told =
                    problems(&spec, allowed).iter().any(|p| p.contains(&format!("the privilege {needed};")));
                assert_eq!(told, allowed != needed, "{spec} with {allowed}");
            }
            assert_eq!(problems(&spec, needed), [] as [String; 0], "{spec}");
        }
    }

    #[test]
    fn there_is_no_other_way_to_a_privilege() {
        for spec in [
            "  hostNetwork: true".to_owned(),
            "  hostPID: true".to_owned(),
            "  volumes: [{name: v, emptyDir: {}, hostPath: {path: /}}]".to_owned(),
            security("procMount: Unmasked"),
            security("seLinuxOptions: {}"),
            security("seccompProfile: {type: Unconfined}"),
            security("capabilities: {drop: []}, windowsOptions: {}"),
            security("capabilities: {drop: [CHOWN]}"),
            "  volumes: [{name: v, emptyDir: {}}]\n  containers: [{name: a, image: a, volumeMounts: [{name: v, mountPath: /v, mountPropagation: Bidirectional}]}]".to_owned(),
            "  containers: [{name: a, image: a, ports: [{containerPort: 1, hostIP: 0.0.0.0}]}]".to_owned(),
        ] {
            assert!(!problems(&spec, "").is_empty(), "{spec}");
        }
        assert_eq!(
            problems(&security("runAsUser: 7, runAsGroup: 0, readOnlyRootFilesystem: false"), ""),
            [] as [String; 0]
        );
    }
}
