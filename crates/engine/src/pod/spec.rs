//! The parts of a spec that decisions need.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use multipod_json::Raw;

use super::pairs::Pairs;
use super::path::MountPath;
use super::{Field, Text};

/// What a spec tells.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spec<'a> {
    /// The app's containers, and classic sidecars.
    #[serde(borrow, default)]
    pub(crate) containers: Field<Vec<Container<'a>>>,
    /// Steps and native sidecars.
    #[serde(borrow, default)]
    pub(crate) init_containers: Field<Vec<Container<'a>>>,
    /// Debug containers of a running pod.
    #[serde(borrow, default)]
    pub(crate) ephemeral_containers: Field<Vec<Container<'a>>>,
    #[serde(borrow, default)]
    pub(crate) volumes: Field<Vec<Volume<'a>>>,
    /// The pod's security context.
    #[serde(borrow, default)]
    pub(crate) security_context: Field<PodSecurity<'a>>,
    /// Secrets that pull images.
    #[serde(borrow, default)]
    pub(crate) image_pull_secrets: Field<Vec<Named<'a>>>,
    /// Whether the pod has the node's network.
    #[serde(default)]
    pub(crate) host_network: Option<bool>,
    /// Whether the pod has the node's processes.
    #[serde(default, rename = "hostPID")]
    pub(crate) host_pid: Option<bool>,
    /// Whether containers see each other's processes.
    #[serde(default)]
    pub(crate) share_process_namespace: Field<bool>,
    /// Which operating system the pod is for.
    #[serde(borrow, default)]
    pub(crate) os: Field<Named<'a>>,
    /// Which nodes the pod may run on.
    #[serde(borrow, default)]
    pub(crate) node_selector: Field<Pairs<'a>>,
    /// Which nodes it prefers, or must have; unread.
    #[serde(borrow, default)]
    pub(crate) affinity: Field<Raw<'a>>,
    /// What happens when a container ends.
    #[serde(borrow, default)]
    pub(crate) restart_policy: Text<'a>,
    /// Who answers questions for names.
    #[serde(borrow, default)]
    pub(crate) dns_policy: Text<'a>,
    /// Addresses of names that nobody is asked for.
    #[serde(borrow, default)]
    pub(crate) host_aliases: Field<Vec<HostAlias<'a>>>,
    /// What the pod has as a whole, unread: few pods say it.
    #[serde(borrow, default)]
    pub(crate) resources: Field<Raw<'a>>,
}

/// The parts of a pod's security context that we may add to or follow.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodSecurity<'a> {
    /// The user of every container that names none.
    #[serde(default)]
    pub(crate) run_as_user: Option<i64>,
    /// The group of every container that names none.
    #[serde(default)]
    pub(crate) run_as_group: Option<i64>,
    /// Kernel settings of the pod.
    #[serde(borrow, default)]
    pub(crate) sysctls: Field<Vec<Sysctl<'a>>>,
}

/// One kernel setting.
#[derive(Debug, Deserialize)]
pub(crate) struct Sysctl<'a> {
    /// `net.ipv4.…`
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// Always text.
    #[serde(borrow, default)]
    pub value: Text<'a>,
}

/// One address, and the names that it has in this pod.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct HostAlias<'a> {
    /// The names.
    #[serde(borrow, default)]
    pub(crate) hostnames: Field<Vec<Text<'a>>>,
}

/// Anything of which only the name matters.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Named<'a> {
    #[serde(borrow, default)]
    pub name: Text<'a>,
}

/// One container.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Container<'a> {
    /// Unique in its pod.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub image: Text<'a>,
    /// `Always` makes an init container a native sidecar.
    #[serde(borrow, default)]
    pub(crate) restart_policy: Text<'a>,
    /// The ports that it says it has.
    #[serde(borrow, default)]
    pub ports: Field<Vec<Port<'a>>>,
    /// Its variables, unread: there may be thousands, and few patterns set one.
    #[serde(borrow, default)]
    pub(crate) env: Field<Raw<'a>>,
    #[serde(borrow, default)]
    pub volume_mounts: Field<Vec<Mount<'a>>>,
    /// Its user.
    #[serde(default)]
    pub(crate) security_context: Field<ContainerSecurity>,
    /// Its requests and limits, unread: few decisions need them.
    #[serde(borrow, default)]
    pub resources: Field<Raw<'a>>,
}

/// The user that a container runs as.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerSecurity {
    #[serde(default)]
    pub(crate) run_as_user: Option<i64>,
    #[serde(default)]
    pub(crate) run_as_group: Option<i64>,
}

/// A port that a container says it has.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Port<'a> {
    /// May be empty.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// The port in the pod.
    #[serde(default)]
    pub container_port: i64,
    /// The port on the node, or 0.
    #[serde(default)]
    pub host_port: Option<i64>,
    /// TCP unless it says otherwise.
    #[serde(borrow, default)]
    pub protocol: Text<'a>,
}

/// One mount of a container.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mount<'a> {
    /// The volume's name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// Where it appears.
    #[serde(borrow, default)]
    pub mount_path: MountPath<'a>,
    /// Which part of the volume.
    #[serde(borrow, default)]
    pub(crate) sub_path: Text<'a>,
    /// Which part of the volume, with variables in it.
    #[serde(borrow, default)]
    pub(crate) sub_path_expr: Text<'a>,
    /// Whether it cannot be written.
    #[serde(default)]
    pub read_only: Option<bool>,
}

/// One volume.
#[derive(Debug, Default)]
pub(crate) struct Volume<'a> {
    /// Unique in its pod.
    pub name: Text<'a>,
    /// The field that says what it is: `emptyDir`, `configMap`…
    pub(crate) kind: Text<'a>,
    /// Whether nothing can be written to it, whatever a mount says.
    pub(crate) read_only: bool,
}

/// Kinds of volume that no container can write to.
const READ_ONLY: [&str; 5] = ["configMap", "downwardAPI", "image", "projected", "secret"];

/// What a source says of itself: claims and most volumes of a network can be taken read-only.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    #[serde(default)]
    read_only: Option<bool>,
}

/// Every kind of volume is a map.
fn is_object(source: &Raw<'_>) -> bool {
    source.text().starts_with('{')
}

impl<'de: 'a, 'a> Deserialize<'de> for Volume<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Volume<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a volume")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Volume<'de>, A::Error> {
                let mut volume = Volume::default();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    if &*key == "name" {
                        volume.name = map.next_value()?;
                    } else if let Some(source) = map.next_value::<Option<Raw<'de>>>()?.filter(is_object) {
                        let fixed = READ_ONLY.contains(&&*key);
                        // A field that Kubernetes does not know is no kind; here it must not hide the one that is.
                        if volume.kind.is_empty() || fixed {
                            volume.kind = key;
                        }
                        let says = || {
                            multipod_json::read::<Source>(source.text())
                                .is_ok_and(|it| it.read_only == Some(true))
                        };
                        volume.read_only |= fixed || says();
                    }
                }
                if volume.name.is_empty() {
                    return Err(A::Error::missing_field("name"));
                }
                Ok(volume)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}
