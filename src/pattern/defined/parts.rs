//! The parts of a definition that are lists: variables, ports, mounts, volumes. Each is read once and filled per pod.

use std::borrow::Cow;

use serde_json::Value;

use crate::pattern::container::{Env, Mount, Port, Text, Volume, VolumeSource};
use crate::pattern::node::{Node, Tree};
use multipod_values as value;

use super::ceiling;
use super::reader::{Place, Reader};
use super::template::{Phrase, Template, Values};

/// What the names of our containers and volumes begin with.
const PREFIX: &str = "multipod-";

/// A name of the file, as the pod will hold it.
pub(super) fn full_name(
    reader: &mut Reader<'_>,
    node: Option<&Node>,
    line: usize,
    what: &str,
) -> Option<String> {
    let Some(node) = node else {
        reader.issue(line, format!("{what}: the name is missing"));
        return None;
    };
    reader.fixed(node, &format!("{what}: name"), |name| {
        let full = format!("{PREFIX}{}", value::name(name)?);
        value::name(&full).map_err(|_| format!("expected at most {} letters", 63 - PREFIX.len()))
    })
}

#[derive(Clone, Debug)]
pub(super) struct EnvTemplate {
    name: String,
    value: Option<Phrase>,
    from: Option<Template>,
}

impl EnvTemplate {
    pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        reader.only(node, "env", &["name", "value", "valueFrom"]);
        let Some(name) = node.get("name") else {
            reader.issue(node.line, "env: the name is missing");
            return None;
        };
        let name = reader.fixed(name, "env: name", |name| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
            let right = !name.is_empty() && name.bytes().all(plain);
            right.then(|| name.to_owned()).ok_or_else(|| "expected letters, digits and '_'".to_owned())
        })?;
        let what = format!("env {name}");
        let value = match node.get("value") {
            Some(node) => Some(reader.phrase(node, &what, Place::Text)?),
            None => None,
        };
        let from = match node.get("valueFrom") {
            Some(node) => Some(reader.template(node, &what, &|way| match way {
                "secretKeyRef.name" | "secretKeyRef.key" | "configMapKeyRef.name" | "configMapKeyRef.key" => {
                    Place::Reference
                }
                _ => Place::Fixed,
            })?),
            None => None,
        };
        if value.is_some() && from.is_some() {
            reader.issue(node.line, format!("{what}: expected value or valueFrom, not both"));
        }
        Some(EnvTemplate { name, value, from })
    }

    /// Of several variables with one name the first counts whose params were all given.
    pub(super) fn fill(list: &[EnvTemplate], values: &Values) -> Vec<Env> {
        let mut filled: Vec<Env> = Vec::with_capacity(list.len());
        for template in list {
            if filled.iter().any(|env| env.name == template.name) {
                continue;
            }
            let value = template.value.as_ref().map(|phrase| phrase.expanded_text(values));
            let from = template.from.as_ref().map(|tree| tree.fill(values));
            if matches!(value, Some(None)) || matches!(from, Some(None)) {
                continue;
            }
            filled.push(Env {
                name: Cow::Owned(template.name.clone()),
                value: value.flatten().map(Cow::Owned),
                value_from: from.flatten(),
            });
        }
        filled
    }
}

#[derive(Clone, Debug)]
pub(super) enum PortNumber {
    Fixed(u16),
    Param(Phrase),
}

impl PortNumber {
    pub(super) fn read(node: &Node, what: &str, reader: &mut Reader<'_>) -> Option<Self> {
        if matches!(node.tree, Tree::Text(_)) {
            let phrase = reader.phrase(node, what, Place::Port)?;
            if phrase.fixed().is_some() {
                reader.issue(node.line, format!("{what}: expected a port without quotes"));
            }
            return Some(PortNumber::Param(phrase));
        }
        reader.number(node, what, 1, 65535).and_then(|port| u16::try_from(port).ok()).map(PortNumber::Fixed)
    }

    pub(super) fn fill(&self, values: &Values) -> Option<u16> {
        match self {
            PortNumber::Fixed(port) => Some(*port),
            PortNumber::Param(phrase) => phrase.text(values)?.parse().ok(),
        }
    }
}

/// A port that only the pod itself can reach.
#[derive(Clone, Debug)]
pub(super) struct LoopbackPort {
    pub(super) udp: bool,
    port: PortNumber,
}

impl LoopbackPort {
    pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        const WHAT: &str = "loopbackPorts";
        reader.only(node, WHAT, &["port", "protocol"]);
        let protocols = [("TCP", false), ("UDP", true)];
        let protocol = node.get("protocol");
        let udp = protocol.and_then(|node| reader.fixed(node, WHAT, |text| value::one_of(text, &protocols)));
        let Some(port) = node.get("port") else {
            reader.issue(node.line, "loopbackPorts: the port is missing");
            return None;
        };
        Some(LoopbackPort { udp: udp == Some(true), port: PortNumber::read(port, WHAT, reader)? })
    }

    pub(super) fn fill(&self, values: &Values) -> Option<u16> {
        self.port.fill(values)
    }
}

#[derive(Clone, Debug)]
pub(super) struct PortTemplate {
    name: Option<String>,
    port: PortNumber,
    host_port: Option<u16>,
    protocol: Option<String>,
}

impl PortTemplate {
    pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        reader.only(node, "ports", &["name", "containerPort", "hostPort", "protocol"]);
        let name = node.get("name").and_then(|name| reader.fixed(name, "ports: name", port_name));
        let protocol = node.get("protocol").and_then(|node| {
            reader.fixed(node, "ports: protocol", |text| {
                value::one_of(text, &[("TCP", "TCP"), ("UDP", "UDP"), ("SCTP", "SCTP")])
            })
        });
        let host_port =
            node.get("hostPort").and_then(|node| reader.number(node, "ports: hostPort", 1, 65535));
        let Some(port) = node.get("containerPort") else {
            reader.issue(node.line, "ports: containerPort is missing");
            return None;
        };
        Some(PortTemplate {
            name,
            port: PortNumber::read(port, "ports: containerPort", reader)?,
            host_port: host_port.and_then(|port| u16::try_from(port).ok()),
            protocol: protocol.map(str::to_owned),
        })
    }

    pub(super) fn fill(&self, values: &Values) -> Option<Port> {
        Some(Port {
            name: self.name.clone().map(Cow::Owned),
            container_port: self.port.fill(values)?,
            host_port: self.host_port,
            protocol: self.protocol.clone().map(Cow::Owned),
        })
    }

    /// The port, where no param decides it.
    pub(super) fn known(&self) -> Option<u16> {
        self.fill(&[]).map(|port| port.container_port)
    }

    pub(super) fn needs_host(&self) -> bool {
        self.host_port.is_some()
    }
}

/// At most 15 lower-case letters, digits and single `-`, as the API server asks for.
pub(super) fn port_name(text: &str) -> Result<String, String> {
    let right = text.len() <= 15 && !text.contains("--") && text.bytes().any(|b| b.is_ascii_lowercase());
    if right && value::name(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err("expected the name of a port: at most 15 lower-case letters, digits and '-'".to_owned())
}

#[derive(Clone, Debug)]
pub(super) struct MountTemplate {
    volume: String,
    path: Phrase,
    sub_path: Option<String>,
    sub_path_expr: Option<String>,
    read_only: bool,
}

impl MountTemplate {
    /// `place` is where the path may come from; `volumes` are those of the pattern, by their full names.
    pub(super) fn read(
        node: &Node,
        place: Place,
        volumes: &[VolumeTemplate],
        reader: &mut Reader<'_>,
    ) -> Option<Self> {
        reader.only(node, "mounts", &["name", "mountPath", "subPath", "subPathExpr", "readOnly"]);
        let volume = full_name(reader, node.get("name"), node.line, "mounts")?;
        if !volumes.iter().any(|known| known.name == volume) {
            let name = volume.trim_start_matches(PREFIX).to_owned();
            let known: Vec<&str> =
                volumes.iter().map(|known| known.name.trim_start_matches(PREFIX)).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            reader.issue(
                node.line,
                format!("mounts: no volume of this pattern is named {name}, it has: {known}"),
            );
        }
        let Some(path) = node.get("mountPath") else {
            reader.issue(node.line, "mounts: mountPath is missing");
            return None;
        };
        if place == Place::Fixed {
            reader.fixed(path, "mounts: mountPath", value::absolute_path)?;
        }
        let owned = |text: &str| Ok(text.to_owned());
        Some(MountTemplate {
            volume,
            path: reader.phrase(path, "mounts: mountPath", place)?,
            sub_path: node.get("subPath").and_then(|node| reader.fixed(node, "mounts: subPath", owned)),
            sub_path_expr: node
                .get("subPathExpr")
                .and_then(|node| reader.fixed(node, "mounts: subPathExpr", owned)),
            read_only: node.get("readOnly").and_then(|node| reader.boolean(node, "mounts: readOnly"))
                == Some(true),
        })
    }

    /// None where its volume, or its path, was left out.
    pub(super) fn fill(&self, values: &Values, volumes: &[Volume]) -> Option<Mount> {
        let there = volumes.iter().any(|volume| volume.name == self.volume);
        let path = self.path.text(values).filter(|_| there)?;
        let text = |text: &String| Text::Owned(text.clone());
        Some(Mount {
            name: text(&self.volume),
            mount_path: Cow::Owned(path),
            sub_path: self.sub_path.as_ref().map(text),
            sub_path_expr: self.sub_path_expr.as_ref().map(text),
            read_only: self.read_only,
        })
    }
}

#[derive(Clone, Debug)]
pub(super) struct VolumeTemplate {
    pub(super) name: String,
    kind: String,
    source: Template,
}

impl VolumeTemplate {
    pub(super) fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let name = full_name(reader, node.get("name"), node.line, "volumes")?;
        let mut kinds = reader.entries(node, "volumes").iter().filter(|(key, _)| key != "name");
        let Some((kind, source)) = kinds.next() else {
            reader.issue(node.line, "volumes: the kind is missing, such as emptyDir: {}");
            return None;
        };
        if let Some((second, node)) = kinds.next() {
            reader.issue(node.line, format!("volumes: expected one kind, found {kind} and {second}"));
        }
        if kind != ceiling::Privilege::HostPath.name() && !ceiling::VOLUMES.contains(&&**kind) {
            let known = value::list(&ceiling::VOLUMES, "or");
            reader.issue(source.line, format!("volumes: {kind} is not supported, expected {known}"));
        }
        let what = format!("volumes: {kind}");
        let filled = reader.template(source, &what, &|way| match (&**kind, way) {
            ("secret", "secretName") | ("configMap", "name") => Place::Reference,
            ("emptyDir", "sizeLimit") => Place::Quantity,
            _ => Place::Fixed,
        })?;
        let empty = filled == Template::Fixed(Value::Null);
        let source = if empty { Template::Map(Vec::new()) } else { filled };
        Some(VolumeTemplate { name, kind: kind.clone(), source })
    }

    pub(super) fn fill(&self, values: &Values) -> Option<Volume> {
        let source = serde_json::json!({ &*self.kind: self.source.fill(values)? });
        Some(Volume { name: Cow::Owned(self.name.clone()), source: VolumeSource::Other(source) })
    }

    pub(super) fn is_host_path(&self) -> bool {
        self.kind == ceiling::Privilege::HostPath.name()
    }
}
