//! The parts of a pod that decisions need, borrowed from its JSON.
//!
//! Read in two steps: the head (metadata) tells whether the pod is for us; only then is the spec looked into.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use multipod_json::Raw;

use super::{Field, Scalar, Text};

/// A pod's metadata, and its spec unread.
#[derive(Debug, Deserialize)]
pub struct Head<'a> {
    /// The metadata.
    #[serde(borrow, default)]
    pub metadata: Field<Metadata<'a>>,
    #[serde(borrow, default)]
    spec: Field<Raw<'a>>,
}

/// What metadata tells.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata<'a> {
    /// May be absent: the API server adds it later.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// What the name will begin with.
    #[serde(borrow, default)]
    pub generate_name: Text<'a>,
    /// May be absent: the request says it.
    #[serde(borrow, default)]
    pub namespace: Text<'a>,
    /// In the order received.
    #[serde(borrow, default)]
    pub labels: Field<Pairs<'a>>,
    /// In the order received.
    #[serde(borrow, default)]
    pub annotations: Field<Pairs<'a>>,
    /// Who made the pod.
    #[serde(borrow, default)]
    pub owner_references: Field<Vec<Owner<'a>>>,
}

/// A map of text, kept as a list: it is small and read once.
#[derive(Debug, Default, PartialEq)]
pub struct Pairs<'a>(pub Vec<(Text<'a>, Scalar<'a>)>);

/// One owner of a pod.
#[derive(Debug, Deserialize)]
pub struct Owner<'a> {
    /// `ReplicaSet`, `Job`, `Node`…
    #[serde(borrow, default)]
    pub kind: Text<'a>,
    /// Whether this owner manages the pod.
    #[serde(default)]
    pub controller: Option<bool>,
}

/// A pod whose spec was read.
#[derive(Debug)]
pub struct Pod<'a> {
    /// The metadata.
    pub metadata: &'a Metadata<'a>,
    /// Whether the pod has any metadata at all.
    pub has_metadata: bool,
    /// Whether the metadata is there and null.
    pub null_metadata: bool,
    /// Whether there is a spec at all.
    pub has_spec: bool,
    /// What the spec tells.
    pub spec: Spec<'a>,
    /// The spec as received.
    pub raw_spec: &'a str,
}

/// What a spec tells.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec<'a> {
    /// The app's containers, and classic sidecars.
    #[serde(borrow, default)]
    pub containers: Field<Vec<Container<'a>>>,
    /// Steps and native sidecars.
    #[serde(borrow, default)]
    pub init_containers: Field<Vec<Container<'a>>>,
    /// Debug containers of a running pod.
    #[serde(borrow, default)]
    pub ephemeral_containers: Field<Vec<Container<'a>>>,
    /// The volumes.
    #[serde(borrow, default)]
    pub volumes: Field<Vec<Volume<'a>>>,
    /// The pod's security context.
    #[serde(borrow, default)]
    pub security_context: Field<PodSecurity<'a>>,
    /// Secrets that pull images.
    #[serde(borrow, default)]
    pub image_pull_secrets: Field<Vec<Named<'a>>>,
    /// Whether the pod has the node's network.
    #[serde(default)]
    pub host_network: Option<bool>,
    /// Whether the pod has the node's processes.
    #[serde(default, rename = "hostPID")]
    pub host_pid: Option<bool>,
    /// Whether containers see each other's processes.
    #[serde(default)]
    pub share_process_namespace: Field<bool>,
    /// Which operating system the pod is for.
    #[serde(borrow, default)]
    pub os: Field<Named<'a>>,
    /// Which nodes the pod may run on.
    #[serde(borrow, default)]
    pub node_selector: Field<Pairs<'a>>,
    /// Which nodes it prefers, or must have; unread.
    #[serde(borrow, default)]
    pub affinity: Field<Raw<'a>>,
    /// What happens when a container ends.
    #[serde(borrow, default)]
    pub restart_policy: Text<'a>,
    /// What the pod has as a whole, unread: few pods say it.
    #[serde(borrow, default)]
    pub resources: Field<Raw<'a>>,
}

/// The parts of a pod's security context that we may add to or follow.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSecurity<'a> {
    /// The user of every container that names none.
    #[serde(default)]
    pub run_as_user: Option<i64>,
    /// The group of every container that names none.
    #[serde(default)]
    pub run_as_group: Option<i64>,
    /// Kernel settings of the pod.
    #[serde(borrow, default)]
    pub sysctls: Field<Vec<Sysctl<'a>>>,
}

/// One kernel setting.
#[derive(Debug, Deserialize)]
pub struct Sysctl<'a> {
    /// `net.ipv4.…`
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// Always text.
    #[serde(borrow, default)]
    pub value: Text<'a>,
}

/// Anything of which only the name matters.
#[derive(Debug, Default, Deserialize)]
pub struct Named<'a> {
    /// The name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
}

/// One container.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container<'a> {
    /// Unique in its pod.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// `Always` makes an init container a native sidecar.
    #[serde(borrow, default)]
    pub restart_policy: Text<'a>,
    /// The ports that it says it has.
    #[serde(borrow, default)]
    pub ports: Field<Vec<Port<'a>>>,
    /// Its variables, unread: there may be thousands, and few patterns set one.
    #[serde(borrow, default)]
    pub env: Field<Raw<'a>>,
    /// Its mounts.
    #[serde(borrow, default)]
    pub volume_mounts: Field<Vec<Mount<'a>>>,
    /// Its user.
    #[serde(default)]
    pub security_context: Field<ContainerSecurity>,
    /// Its requests and limits, unread: few decisions need them.
    #[serde(borrow, default)]
    pub resources: Field<Raw<'a>>,
}

/// The user that a container runs as.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerSecurity {
    /// The user.
    #[serde(default)]
    pub run_as_user: Option<i64>,
    /// The group.
    #[serde(default)]
    pub run_as_group: Option<i64>,
}

/// A port that a container says it has.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Port<'a> {
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
pub struct Mount<'a> {
    /// The volume's name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// Where it appears.
    #[serde(borrow, default)]
    pub mount_path: Text<'a>,
    /// Which part of the volume.
    #[serde(borrow, default)]
    pub sub_path: Text<'a>,
    /// Which part of the volume, with variables in it.
    #[serde(borrow, default)]
    pub sub_path_expr: Text<'a>,
    /// Whether it cannot be written.
    #[serde(default)]
    pub read_only: Option<bool>,
}

/// One volume.
#[derive(Debug, Default)]
pub struct Volume<'a> {
    /// Unique in its pod.
    pub name: Text<'a>,
    /// The field that says what it is: `emptyDir`, `configMap`…
    pub kind: Text<'a>,
    /// Whether nothing can be written to it, whatever a mount says.
    pub read_only: bool,
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

/// The annotation by which `kubectl` knows which container is the app.
pub(crate) const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

impl<'a> Head<'a> {
    /// Reads the metadata of a pod.
    pub fn read(json: &'a str) -> Result<Head<'a>, multipod_json::Error> {
        multipod_json::read(json)
    }

    /// Reads the spec too; the error is a sentence that names the field.
    pub fn open(&'a self) -> Result<Pod<'a>, String> {
        static NOTHING: Metadata<'static> = Metadata {
            name: Text(std::borrow::Cow::Borrowed("")),
            generate_name: Text(std::borrow::Cow::Borrowed("")),
            namespace: Text(std::borrow::Cow::Borrowed("")),
            labels: Field::Absent,
            annotations: Field::Absent,
            owner_references: Field::Absent,
        };
        let raw_spec = self.spec.value().map_or("{}", |raw| raw.text());
        Ok(Pod {
            metadata: self.metadata.value().unwrap_or(&NOTHING),
            has_metadata: self.metadata.value().is_some(),
            null_metadata: matches!(self.metadata, Field::Null),
            has_spec: self.spec.value().is_some(),
            spec: multipod_json::read(raw_spec).map_err(|_| where_it_fails(raw_spec))?,
            raw_spec,
        })
    }

    /// The labels, in the order received.
    pub fn labels(&self) -> &[(Text<'a>, Scalar<'a>)] {
        self.metadata.value().map_or(&[], |metadata| metadata.labels.pairs())
    }

    /// The annotations, in the order received.
    pub fn annotations(&self) -> &[(Text<'a>, Scalar<'a>)] {
        self.metadata.value().map_or(&[], |metadata| metadata.annotations.pairs())
    }
}

/// Read again with a note of every step: only worth its price once the spec is known to be wrong.
fn where_it_fails(raw_spec: &str) -> String {
    match serde_path_to_error::deserialize::<_, Spec<'_>>(&mut multipod_json::Reader::new(raw_spec)) {
        Ok(_) => "the spec is no object".to_owned(),
        // A path of one dot is the spec itself.
        Err(fault) => match fault.path().to_string().trim_start_matches('.') {
            "" => format!("spec: {}", fault.inner()),
            path => format!("spec.{path}: {}", fault.inner()),
        },
    }
}

impl<'a> Field<Pairs<'a>> {
    /// The entries; none where the map is missing or null.
    pub fn pairs(&self) -> &[(Text<'a>, Scalar<'a>)] {
        self.value().map_or(&[], |pairs| pairs.0.as_slice())
    }

    /// The text under a key, if it is there and is text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.pairs().iter().find(|(name, _)| &**name == key).and_then(|(_, value)| match value {
            Scalar::Text(text) => Some(&**text),
            _ => None,
        })
    }

    /// Whether the key is there, whatever its value.
    pub fn has(&self, key: &str) -> bool {
        self.pairs().iter().any(|(name, _)| &**name == key)
    }
}

impl<'a> Metadata<'a> {
    /// The same, as it was received.
    pub fn controller(&self) -> Option<&Text<'a>> {
        let owners = self.owner_references.items();
        owners.iter().find(|owner| owner.controller == Some(true)).map(|owner| &owner.kind)
    }

    /// The kind of the controller that made the pod, if one did.
    pub fn owner_kind(&self) -> Option<&str> {
        self.controller().map(|kind| &**kind)
    }
}

/// How the names begin that only multipod gives, to containers and volumes.
pub(crate) const OWN_NAMES: &str = "multipod-";

pub(crate) fn is_own_name(name: &str) -> bool {
    name.starts_with(OWN_NAMES)
}

impl Pod<'_> {
    /// The container that is meant where none is named: the one that the pod names as default, else the first. None
    /// where the pod names one that is not there: another webhook may add it later, and then it would be meant.
    pub fn default_container(&self) -> Option<usize> {
        match self.metadata.annotations.text(DEFAULT_CONTAINER) {
            Some(name) => self.container(name),
            None => (!self.spec.containers.items().is_empty()).then_some(0),
        }
    }

    /// The app container with this name.
    pub fn container(&self, name: &str) -> Option<usize> {
        self.spec.containers.items().iter().position(|container| &*container.name == name)
    }

    /// The user and group that a container runs as, as far as the pod says.
    pub fn user_of(&self, container: usize) -> (Option<i64>, Option<i64>) {
        let own = self.spec.containers.items().get(container).and_then(|c| c.security_context.value());
        let pod = self.spec.security_context.value();
        (
            own.and_then(|own| own.run_as_user).or(pod.and_then(|pod| pod.run_as_user)),
            own.and_then(|own| own.run_as_group).or(pod.and_then(|pod| pod.run_as_group)),
        )
    }

    /// Whether nothing can be written through this mount.
    pub fn is_read_only(&self, mount: &Mount<'_>) -> bool {
        mount.read_only == Some(true) || self.volume(&mount.name).is_some_and(|volume| volume.read_only)
    }

    /// The volume with this name.
    pub fn volume(&self, name: &str) -> Option<&Volume<'_>> {
        self.spec.volumes.items().iter().find(|volume| &*volume.name == name)
    }
}

impl Container<'_> {
    /// Whether this init container runs beside the app.
    pub fn is_native_sidecar(&self) -> bool {
        &*self.restart_policy == "Always"
    }

    /// The names of its variables, in their order.
    pub fn env_names(&self) -> Result<Vec<Text<'_>>, String> {
        let Field::Is(raw) = &self.env else { return Ok(Vec::new()) };
        multipod_json::read::<Vec<Named<'_>>>(raw.text())
            .map(|variables| variables.into_iter().map(|variable| variable.name).collect())
            .map_err(|_| format!("the variables of container {} are no list of variables", &*self.name))
    }

    /// The mount that `path` lies in: the deepest one that covers it.
    pub fn mount_over(&self, path: &str) -> Option<&Mount<'_>> {
        self.volume_mounts
            .items()
            .iter()
            .filter(|mount| covers(&mount.mount_path, path))
            .max_by_key(|mount| depth(&mount.mount_path))
    }
}

/// Whether `path` is `folder` or lies below it.
pub(crate) fn covers(folder: &str, path: &str) -> bool {
    let mut inside = parts(path);
    parts(folder).all(|part| inside.next() == Some(part))
}

/// Whether `path` lies below `folder`.
pub(crate) fn lies_below(path: &str, folder: &str) -> bool {
    covers(folder, path) && !same_place(folder, path)
}

/// Whether both are one place: Kubernetes takes paths in any spelling, also without the leading slash.
pub(crate) fn same_place(one: &str, other: &str) -> bool {
    parts(one).eq(parts(other))
}

/// How many folders lead to it.
pub(crate) fn depth(path: &str) -> usize {
    parts(path).count()
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !matches!(*part, "" | "."))
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut entries = Vec::with_capacity(8);
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                // Readers of JSON differ in which of them they take.
                match repeated(&entries) {
                    Some(key) => Err(A::Error::custom(format_args!("duplicate key `{key}`"))),
                    None => Ok(Pairs(entries)),
                }
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// A key that stands there twice.
fn repeated<'e>(entries: &'e [(Text<'_>, Scalar<'_>)]) -> Option<&'e str> {
    const FEW: usize = 32;
    if entries.len() <= FEW {
        let stands_before = |at: usize| entries[..at].iter().any(|(key, _)| *key == entries[at].0);
        return (1..entries.len()).find(|at| stands_before(*at)).map(|at| &*entries[at].0);
    }
    let mut keys: Vec<&str> = entries.iter().map(|(key, _)| &**key).collect();
    keys.sort_unstable();
    keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_maps_and_lists_read_as_empty() {
        let json = r#"{"metadata":{"annotations":null,"labels":{},"name":null},"spec":{"containers":[{"name":"a","ports":null}],"volumes":null}}"#;
        let head = Head::read(json).unwrap();
        let pod = head.open().unwrap();
        assert_eq!(pod.metadata.annotations, Field::Null);
        assert_eq!(pod.spec.containers.items()[0].ports.items().len(), 0);
        assert!(pod.spec.volumes.items().is_empty() && pod.has_spec);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        for (spec, place) in [
            (r#"{"containers":[],"containers":[]}"#, "spec: duplicate field"),
            (r#"{"containers":[{"ports":[{"hostPort":"x"}]}]}"#, "spec.containers[0].ports[0].hostPort: "),
            (r#"{"volumes":[{"emptyDir":{}}]}"#, "spec.volumes[0]: missing field `name`"),
        ] {
            let json = format!(r#"{{"spec":{spec}}}"#);
            let fault = Head::read(&json).unwrap().open().unwrap_err();
            assert!(fault.starts_with(place), "{fault}");
        }
    }

    #[test]
    fn values_that_are_no_text_are_told_apart() {
        let head = Head::read(
            r#"{"metadata":{"annotations":{"a":4853,"b":true,"c":{"d":[1]},"e":"x\"y","f":null}}}"#,
        );
        let head = head.unwrap();
        let values: Vec<_> = head.annotations().iter().map(|(_, value)| value.clone()).collect();
        assert_eq!(
            values,
            [
                Scalar::Number("4853".into()),
                Scalar::Bool(true),
                Scalar::Compound,
                Scalar::Text(Text("x\"y".into())),
                Scalar::Null
            ]
        );
    }

    #[test]
    fn the_deepest_mount_covers_a_path() {
        let json = r#"{"name":"a","volumeMounts":[{"name":"v","mountPath":"/var"},{"name":"l","mountPath":"/var/log/"},{"name":"x","mountPath":"/var/logs"}]}"#;
        let container: Container = multipod_json::read(json).unwrap();
        assert_eq!(&*container.mount_over("/var/log/app").unwrap().name, "l");
        assert_eq!(&*container.mount_over("/var/lo").unwrap().name, "v");
        assert!(container.mount_over("/etc").is_none());
    }

    #[test]
    fn a_place_is_the_same_in_every_spelling() {
        for (folder, path, same, below) in [
            ("/srv", "/srv", true, false),
            ("/srv", "/srv/", true, false),
            ("/srv", "srv//.", true, false),
            ("/./srv/", "//srv/www", false, true),
            ("/srv/www", "/srv", false, false),
            ("/srv", "/srvx", false, false),
            ("/", "/srv", false, true),
            ("", "/", true, false),
        ] {
            assert_eq!(same_place(folder, path), same, "{folder} {path}");
            assert_eq!(lies_below(path, folder), below, "{folder} {path}");
            assert_eq!(covers(folder, path), same || below, "{folder} {path}");
        }
    }

    #[test]
    fn text_is_borrowed_from_the_received_bytes() {
        let head = Head::read(r#"{"metadata":{"name":"plain"}}"#).unwrap();
        assert!(matches!(head.metadata.value().unwrap().name.0, std::borrow::Cow::Borrowed(_)));
    }
}
