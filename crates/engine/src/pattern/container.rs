//! A container that multipod adds: only what we write, with safe defaults that a pattern has to argue against.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use multipod_values::Quantity;

/// Text that is either known when multipod is built or made for one pod.
pub type Text = Cow<'static, str>;

/// One container, in the shape of the Kubernetes API.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// `multipod-…`, unique in the pod.
    pub name: Text,
    /// The image, registry included.
    pub image: Text,
    /// Always written, so that no default can change it.
    pub(crate) image_pull_policy: &'static str,
    /// `Always` makes a native sidecar; set by the plan, not by patterns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) restart_policy: Option<&'static str>,
    /// The program; the image's own when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) command: Vec<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) args: Vec<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) env: Vec<Env>,
    /// The ports that it opens to the pod's network.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// Ports that it listens on without opening them (loopback): only for finding clashes.
    #[serde(skip)]
    pub loopback_ports: Vec<u16>,
    /// The same over UDP.
    #[serde(skip)]
    pub loopback_udp_ports: Vec<u16>,
    /// Tells when it has started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) startup_probe: Option<Probe>,
    /// Tells whether it still works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) liveness_probe: Option<Probe>,
    pub resources: Resources,
    /// Restricted, unless an administrator's pattern says otherwise.
    pub(crate) security_context: Security,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_mounts: Vec<Mount>,
    /// Further fields of an administrator's pattern, as they were written.
    #[serde(flatten)]
    pub(crate) more: Map<String, Value>,
}

impl Container {
    /// A container that passes Pod Security "restricted".
    pub fn new(name: impl Into<Text>, image: impl Into<Text>, resources: Resources) -> Self {
        let image = image.into();
        Container {
            name: name.into(),
            image_pull_policy: pull_policy(&image),
            image,
            restart_policy: None,
            command: Vec::new(),
            args: Vec::new(),
            env: Vec::new(),
            ports: Vec::new(),
            loopback_ports: Vec::new(),
            loopback_udp_ports: Vec::new(),
            startup_probe: None,
            liveness_probe: None,
            resources,
            security_context: Security::RESTRICTED,
            volume_mounts: Vec::new(),
            more: Map::new(),
        }
    }

    /// Whether it has any port, open or not.
    pub(crate) fn listens(&self) -> bool {
        !(self.ports.is_empty() && self.loopback_ports.is_empty() && self.loopback_udp_ports.is_empty())
    }

    /// Another image, and the pull policy that fits it where the old one's was the default.
    pub(crate) fn set_image(&mut self, image: impl Into<Text>) {
        let image = image.into();
        if self.image_pull_policy == pull_policy(&self.image) {
            self.image_pull_policy = pull_policy(&image);
        }
        self.image = image;
    }
}

/// What the API server would choose: images that can move are asked for again.
pub(crate) fn pull_policy(image: &str) -> &'static str {
    let tag = image.rsplit('/').next().unwrap_or(image);
    if tag.contains('@') || (tag.contains(':') && !tag.ends_with(":latest")) {
        "IfNotPresent"
    } else {
        "Always"
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Env {
    pub name: Text,
    /// Its value as text; `$(` has to be escaped by whoever fills it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Text>,
    /// Where its value comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value_from: Option<Value>,
}

impl Env {
    /// A variable with a plain value.
    pub(crate) fn new(name: impl Into<Text>, value: impl Into<Text>) -> Self {
        Env { name: name.into(), value: Some(value.into()), value_from: None }
    }

    /// A variable that holds a field of the pod, such as `metadata.name`.
    pub(crate) fn of_field(name: impl Into<Text>, path: &str) -> Self {
        let from = serde_json::json!({"fieldRef": {"fieldPath": path}});
        Env { name: name.into(), value: None, value_from: Some(from) }
    }

    /// A variable that holds one key of a Secret.
    pub(crate) fn of_secret(name: impl Into<Text>, secret: &str, key: &str) -> Self {
        let from = serde_json::json!({"secretKeyRef": {"name": secret, "key": key}});
        Env { name: name.into(), value: None, value_from: Some(from) }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// At most 15 letters; unique in the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    pub container_port: u16,
    /// The port on the node; only an administrator's pattern may have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_port: Option<u16>,
    /// TCP where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Text>,
}

/// A TCP or HTTP check by the kubelet.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Probe {
    /// Connects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tcp_socket: Option<ProbePort>,
    /// Asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) http_get: Option<HttpGet>,
    pub(crate) period_seconds: u16,
    /// How many failures in a row are too many.
    pub(crate) failure_threshold: u16,
}

/// Where a check connects to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ProbePort {
    pub(crate) port: u16,
}

/// What a check asks for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct HttpGet {
    pub(crate) path: Text,
    pub(crate) port: u16,
}

impl Probe {
    /// Every second until the port answers, for at most a minute.
    pub(crate) const fn startup_tcp(port: u16) -> Probe {
        Probe {
            tcp_socket: Some(ProbePort { port }),
            http_get: None,
            period_seconds: 1,
            failure_threshold: 60,
        }
    }

    /// Every second until the path answers, for at most a minute.
    pub(crate) const fn startup_http(port: u16, path: &'static str) -> Probe {
        let http_get = Some(HttpGet { path: Cow::Borrowed(path), port });
        Probe { tcp_socket: None, http_get, period_seconds: 1, failure_threshold: 60 }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Resources {
    /// What the scheduler sets aside.
    pub requests: Amounts,
    /// What may not be exceeded.
    pub limits: Amounts,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Amounts {
    /// Cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Amount>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Amount>,
}

/// A quantity that serialises as its canonical text.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount(pub Quantity);

impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

/// What the container may do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Security {
    /// Never root.
    pub(crate) run_as_non_root: bool,
    /// Set only where the image's user is not a number, or where an app's user must be followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run_as_user: Option<i64>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run_as_group: Option<i64>,
    /// Nothing is written but to volumes.
    pub(crate) read_only_root_filesystem: bool,
    /// Everything; only an administrator's pattern may ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) privileged: Option<bool>,
    /// No setuid.
    pub(crate) allow_privilege_escalation: bool,
    /// None at all.
    pub(crate) capabilities: Capabilities,
    /// The container runtime's own filter.
    pub(crate) seccomp_profile: Seccomp,
}

/// The capabilities that are taken away, and those that are given.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Capabilities {
    /// Single ones; only an administrator's pattern may ask for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) add: Vec<Text>,
    /// All of them.
    pub(crate) drop: [&'static str; 1],
}

/// The system call filter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Seccomp {
    /// `RuntimeDefault`.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

impl Security {
    /// What Pod Security "restricted" asks for, and a read-only root besides.
    pub(crate) const RESTRICTED: Security = Security {
        run_as_non_root: true,
        run_as_user: None,
        run_as_group: None,
        read_only_root_filesystem: true,
        privileged: None,
        allow_privilege_escalation: false,
        capabilities: Capabilities { add: Vec::new(), drop: ["ALL"] },
        seccomp_profile: Seccomp { kind: "RuntimeDefault" },
    };
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// The volume's name.
    pub name: Text,
    pub mount_path: Text,
    /// Which part of the volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sub_path: Option<Text>,
    /// Which part of the volume, with variables in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sub_path_expr: Option<Text>,
    /// Written only when true, as the API server stores it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

impl Mount {
    /// A mount of a whole volume.
    pub(crate) fn new(name: impl Into<Text>, path: impl Into<Text>) -> Self {
        Mount {
            name: name.into(),
            mount_path: path.into(),
            sub_path: None,
            sub_path_expr: None,
            read_only: false,
        }
    }

    /// The same, not to be written to.
    #[must_use]
    pub(crate) fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Volume {
    /// `multipod-…`, unique in the pod.
    pub name: Text,
    /// What it is, as the API writes it: `{"emptyDir": {}}`.
    #[serde(flatten)]
    pub source: VolumeSource,
}

/// The kinds of volume that patterns add.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum VolumeSource {
    /// A folder that lives as long as the pod.
    EmptyDir(EmptyDir),
    /// Annotations of the pod as files: how rendered configuration reaches a container.
    #[serde(rename = "downwardAPI")]
    DownwardApi(DownwardApi),
    /// The user's own ConfigMap.
    ConfigMap(ObjectName),
    /// The user's own Secret.
    Secret(Value),
    /// Whatever an administrator's pattern says.
    #[serde(untagged)]
    Other(Value),
}

/// A folder that lives as long as the pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EmptyDir {
    /// `Memory`, or the node's disk where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<&'static str>,
    /// How much it may hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) size_limit: Option<Text>,
}

/// Annotations of the pod as files.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DownwardApi {
    /// One file each.
    pub(crate) items: Vec<DownwardFile>,
}

/// One annotation as a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DownwardFile {
    /// The file's name.
    pub(crate) path: Text,
    pub(crate) field_ref: FieldRef,
}

/// A field of the pod.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FieldRef {
    /// `metadata.annotations['…']`
    pub(crate) field_path: Text,
}

/// The name of another object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ObjectName {
    pub name: Text,
}

impl Volume {
    /// A folder on the node's disk that lives as long as the pod.
    pub(crate) fn empty_dir(name: impl Into<Text>) -> Self {
        Volume { name: name.into(), source: VolumeSource::EmptyDir(EmptyDir::default()) }
    }

    /// A file named `file` that holds the annotation `rendered.multipod/FILE`.
    pub(crate) fn rendered(name: impl Into<Text>, file: &'static str, field_path: &'static str) -> Self {
        let field_ref = FieldRef { field_path: Cow::Borrowed(field_path) };
        let items = vec![DownwardFile { path: Cow::Borrowed(file), field_ref }];
        Volume { name: name.into(), source: VolumeSource::DownwardApi(DownwardApi { items }) }
    }

    /// Whether the cluster autoscaler would not remove a node because of it.
    pub(crate) fn holds_node(&self) -> bool {
        match &self.source {
            VolumeSource::EmptyDir(folder) => folder.medium.is_none(),
            VolumeSource::Other(value) => {
                value.get("hostPath").is_some()
                    || value.get("emptyDir").is_some_and(|e| e.get("medium").is_none_or(|m| m != "Memory"))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_serialise_in_the_shape_of_the_api() {
        let amounts = Amounts { cpu: Some(Amount(Quantity::known("10m", 10))), memory: None };
        let resources = Resources { requests: amounts, limits: Amounts { cpu: None, memory: None } };
        let mut container = Container::new("multipod-x", "a:1", resources);
        container.volume_mounts.push(Mount::new("v", "/v").read_only());
        let value = serde_json::to_value(&container).unwrap();
        assert_eq!(value["imagePullPolicy"], "IfNotPresent");
        assert_eq!(value["securityContext"]["capabilities"]["drop"][0], "ALL");
        assert_eq!(
            value["volumeMounts"][0],
            serde_json::json!({"name": "v", "mountPath": "/v", "readOnly": true})
        );
        let volume = serde_json::to_value(Volume::empty_dir("e")).unwrap();
        assert_eq!(volume, serde_json::json!({"name": "e", "emptyDir": {}}));
        let volume = serde_json::to_value(Volume::rendered("c", "f", "metadata.annotations['x']")).unwrap();
        assert_eq!(volume["downwardAPI"]["items"][0]["fieldRef"]["fieldPath"], "metadata.annotations['x']");
    }

    #[test]
    fn images_that_can_move_are_pulled_again() {
        for (image, policy) in [
            ("a", "Always"),
            ("a:latest", "Always"),
            ("r.example:5000/a", "Always"),
            ("a:1", "IfNotPresent"),
            ("r.example:5000/a:1", "IfNotPresent"),
            ("a@sha256:00", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }
}
