//! Reads the parts of a definition that are lists in Kubernetes: variables, ports, mounts, volumes.

use crate::pattern::object::Spot;
use multipod_values as value;
use serde_json::Value;

use crate::pattern::container::{Env, Mount, Port, Text, Volume, VolumeSource};
use crate::pattern::defined::ceiling::{self, Privilege};
use crate::pattern::defined::template::{LoopbackPort, Slots, Template};

use super::node::Node;
use super::reader::Reader;
use super::shape;

/// What the names of our containers and volumes begin with.
const PREFIX: &str = "multipod-";

/// The items of a list, with their holes.
pub(super) fn templates<T: Slots>(
    list: Option<&Node>,
    what: &str,
    reader: &mut Reader,
    read: impl Fn(&Node, &mut Reader) -> Option<T>,
) -> Vec<Template<T>> {
    let items = reader.items(list, what);
    items.iter().filter_map(|node| Some(Template::new(read(node, reader)?, node.holes()))).collect()
}

/// A name of the file, as the pod will hold it.
pub(super) fn full_name(reader: &mut Reader, node: Option<&Node>, line: Spot, what: &str) -> Option<String> {
    let Some(node) = node else {
        reader.problem(line, format!("{what}: the name is missing"));
        return None;
    };
    reader.parsed(node, &format!("{what}: name"), |name| {
        let full = format!("{PREFIX}{}", value::name(name)?);
        value::name(&full).map_err(|_| format!("expected at most {} letters", 63 - PREFIX.len()))
    })
}

pub(super) fn env(node: &Node, reader: &mut Reader) -> Option<Env> {
    reader.only::<shape::Env>(node, "env");
    let Some(name) = node.get("name") else {
        reader.problem(node.line, "env: the name is missing");
        return None;
    };
    let name = reader.parsed(name, "env: name", |name| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let right = !name.is_empty() && name.bytes().all(plain);
        right.then(|| name.to_owned()).ok_or_else(|| "expected letters, digits and '_'".to_owned())
    })?;
    let what = format!("env {name}");
    let value = match node.get("value") {
        Some(node) => Some(reader.owned(node, &what)?),
        None => None,
    };
    let value_from = match node.get("valueFrom") {
        Some(node) => Some(reader.plain(node, &what)?),
        None => None,
    };
    if value.is_some() && value_from.is_some() {
        reader.problem(node.line, format!("{what}: expected value or valueFrom, not both"));
    }
    Some(Env { name: name.into(), value, value_from })
}

pub(super) fn loopback_port(node: &Node, reader: &mut Reader) -> Option<LoopbackPort> {
    const WHAT: &str = "loopbackPorts";
    reader.only::<shape::LoopbackPort>(node, WHAT);
    let protocols = [("TCP", false), ("UDP", true)];
    let protocol = node.get("protocol");
    let udp = protocol.and_then(|node| reader.parsed(node, WHAT, |text| value::one_of(text, &protocols)));
    let Some(port) = node.get("port") else {
        reader.problem(node.line, "loopbackPorts: the port is missing");
        return None;
    };
    Some(LoopbackPort { udp: udp == Some(true), port: reader.port(port, WHAT)? })
}

pub(super) fn port(node: &Node, reader: &mut Reader) -> Option<Port> {
    reader.only_these(node, "ports", &["name", "containerPort", "hostPort", "protocol"]);
    let name = node.get("name").and_then(|name| reader.parsed(name, "ports: name", port_name));
    let protocol = node.get("protocol").and_then(|node| {
        reader.parsed(node, "ports: protocol", |text| {
            value::one_of(text, &[("TCP", "TCP"), ("UDP", "UDP"), ("SCTP", "SCTP")])
        })
    });
    let host_port = node.get("hostPort").and_then(|node| reader.number(node, "ports: hostPort", 1, 65535));
    let Some(port) = node.get("containerPort") else {
        reader.problem(node.line, "ports: containerPort is missing");
        return None;
    };
    Some(Port {
        name: name.map(Text::Owned),
        container_port: reader.port(port, "ports: containerPort")?,
        host_port: host_port.and_then(|port| u16::try_from(port).ok()),
        protocol: protocol.map(Text::Borrowed),
    })
}

/// At most 15 lower-case letters, digits and single `-`, as the API server asks for.
pub(super) fn port_name(text: &str) -> Result<String, String> {
    let right = text.len() <= 15 && !text.contains("--") && text.bytes().any(|b| b.is_ascii_lowercase());
    if right && value::name(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err("expected the name of a port: at most 15 lower-case letters, digits and '-'".to_owned())
}

/// `volumes` are those of the pattern.
pub(super) fn mount(node: &Node, volumes: &[Template<Volume>], reader: &mut Reader) -> Option<Mount> {
    reader.only::<shape::Mount>(node, "mounts");
    let name = full_name(reader, node.get("name"), node.line, "mounts")?;
    let mut known = volumes.iter().map(|volume| &*volume.unfilled().name);
    if !known.any(|known| known == name) {
        let name = name.trim_start_matches(PREFIX);
        let known = volumes.iter().map(|volume| volume.unfilled().name.trim_start_matches(PREFIX));
        let known: Vec<&str> = known.collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let message = format!("mounts: no volume of this pattern is named {name}, it has: {known}");
        reader.problem(node.line, message);
    }
    let Some(path) = node.get("mountPath") else {
        reader.problem(node.line, "mounts: mountPath is missing");
        return None;
    };
    if !path.is_hole() {
        reader.parsed(path, "mounts: mountPath", value::absolute_path)?;
    }
    let mut text =
        |field: &str| node.get(field).and_then(|node| reader.owned(node, &format!("mounts: {field}")));
    let (mount_path, sub_path, sub_path_expr) = (text("mountPath")?, text("subPath"), text("subPathExpr"));
    let read_only = node.get("readOnly").and_then(|node| reader.boolean(node, "mounts: readOnly"));
    Some(Mount { name: name.into(), mount_path, sub_path, sub_path_expr, read_only: read_only == Some(true) })
}

pub(super) fn volume(node: &Node, reader: &mut Reader) -> Option<Volume> {
    let name = full_name(reader, node.get("name"), node.line, "volumes")?;
    let mut kinds = reader.entries(node, "volumes").iter().filter(|(key, _)| key != "name");
    let Some((kind, source)) = kinds.next() else {
        reader.problem(node.line, "volumes: the kind is missing, such as emptyDir: {}");
        return None;
    };
    if let Some((second, node)) = kinds.next() {
        reader.problem(node.line, format!("volumes: expected one kind, found {kind} and {second}"));
    }
    if kind != Privilege::HostPath.name() && !ceiling::VOLUMES.contains(&&**kind) {
        let known = value::list(&ceiling::VOLUMES, "or");
        reader.problem(source.line, format!("volumes: {kind} is not supported, expected {known}"));
    }
    let fields = reader.plain(source, &format!("volumes: {kind}"))?;
    // `emptyDir:` without anything is an empty map.
    let mut fields = if fields.is_null() { serde_json::json!({}) } else { fields };
    if !fields.is_object() {
        reader.problem(source.line, format!("volumes: {kind}: expected a map"));
        return None;
    }
    if kind == ceiling::IMAGE {
        image(source, &mut fields, reader);
    }
    let source = VolumeSource::Other(serde_json::json!({ &**kind: fields }));
    Some(Volume { name: name.into(), source })
}

/// As a container has it: the image is given, and pulled where it is not there.
fn image(source: &Node, fields: &mut Value, reader: &mut Reader) {
    const WHAT: &str = "volumes: image";
    reader.only_these(source, WHAT, &["reference", "pullPolicy"]);
    match source.get("reference") {
        Some(node) => drop(reader.parsed(node, "volumes: image: reference", value::image)),
        None => reader.problem(source.line, format!("{WHAT}: the reference is missing")),
    }
    match source.get("pullPolicy") {
        Some(node) => {
            let policies = ["Always", "IfNotPresent", "Never"].map(|policy| (policy, ()));
            reader.parsed(node, "volumes: image: pullPolicy", |text| value::one_of(text, &policies));
        }
        None => fields["pullPolicy"] = "IfNotPresent".into(),
    }
}
