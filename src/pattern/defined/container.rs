//! A container of a definition: read once, with everything that no param decides already in place.

use std::borrow::Cow;

use crate::pattern::container::{Amount, Amounts, Container, Resources, Security, Text, Volume};
use crate::pattern::images;
use crate::pattern::node::{Node, Tree};
use crate::pattern::settings::Needs;
use multipod_values::{self as value, Quantity, Resource};

use super::ceiling::{self, Privilege};
use super::parts::{EnvTemplate, LoopbackPort, MountTemplate, PortTemplate, VolumeTemplate, full_name};
use super::reader::{Place, Reader};
use super::template::{Phrase, Template, Values};

/// What a container gets that says nothing about resources.
const NEEDS: Needs = Needs { cpu: ("10m", 10), memory: ("32Mi", 32), memory_limit: ("128Mi", 128) };
/// Programs that read the argument behind `-c` as a script.
const SHELLS: [&str; 8] = ["sh", "bash", "ash", "dash", "zsh", "ksh", "python", "perl"];
const MOST_ID: i64 = i32::MAX as i64;

#[derive(Clone, Debug)]
pub(super) struct ContainerTemplate {
    /// Whether it runs once, before the app.
    pub(super) step: bool,
    /// What no param decides.
    pub(super) fixed: Container,
    args: Vec<Phrase>,
    env: Vec<EnvTemplate>,
    pub(super) ports: Vec<PortTemplate>,
    loopback_ports: Vec<LoopbackPort>,
    mounts: Vec<MountTemplate>,
    more: Vec<(String, Template)>,
}

impl ContainerTemplate {
    pub(super) fn read(
        node: &Node,
        volumes: &[VolumeTemplate],
        allow: &[Privilege],
        reader: &mut Reader<'_>,
    ) -> Self {
        let name = full_name(reader, node.get("name"), node.line, "containers");
        let image = if let Some(image) = node.get("image") {
            reader.fixed(image, "image", value::image)
        } else if let Some(image) =
            node.get("name").and_then(Node::text).filter(|_| reader.built_in).and_then(images::of)
        {
            Some(image.to_owned())
        } else {
            reader.issue(node.line, "containers: the image is missing");
            None
        };
        let resources = resources(node.get("resources"), reader);
        // Read on after a fault, so that all faults of a file are told at once.
        let fixed = Container::new(name.unwrap_or_default(), image.unwrap_or_default(), resources);
        let mut container = ContainerTemplate {
            step: false,
            fixed,
            args: Vec::new(),
            env: Vec::new(),
            ports: Vec::new(),
            loopback_ports: Vec::new(),
            mounts: Vec::new(),
            more: Vec::new(),
        };
        for (key, entry) in reader.entries(node, "containers") {
            container.field(key, entry, volumes, reader);
        }
        let security = node.get("securityContext").map_or(node.line, |node| node.line);
        container.check(security, allow, reader);
        refuse_scripts(node, &container, reader);
        if container.step
            && let Some((key, _)) =
                container.more.iter().find(|(key, _)| key.ends_with("Probe") || key == "lifecycle")
        {
            reader.issue(node.line, format!("{key}: a step ends, so that nothing can be asked of it"));
        }
        container
    }

    fn field(&mut self, key: &str, node: &Node, volumes: &[VolumeTemplate], reader: &mut Reader<'_>) {
        let list = |reader: &mut Reader<'_>| reader.items(Some(node), key);
        match key {
            "name" | "image" | "resources" => {}
            "role" => {
                let roles = [("sidecar", false), ("step", true)];
                self.step = reader.fixed(node, key, |text| value::one_of(text, &roles)) == Some(true);
            }
            "imagePullPolicy" => {
                let policies = ["Always", "IfNotPresent", "Never"].map(|policy| (policy, policy));
                if let Some(policy) = reader.fixed(node, key, |text| value::one_of(text, &policies)) {
                    self.fixed.image_pull_policy = policy;
                }
            }
            "command" => {
                let words = list(reader);
                let word = |text: &str| Ok(Text::Owned(text.to_owned()));
                self.fixed.command = words.iter().filter_map(|node| reader.fixed(node, key, word)).collect();
            }
            "args" => {
                let words = list(reader);
                self.args =
                    words.iter().filter_map(|node| reader.phrase(node, key, Place::Argument)).collect();
            }
            "env" => {
                self.env = list(reader).iter().filter_map(|node| EnvTemplate::read(node, reader)).collect();
            }
            "ports" => {
                self.ports =
                    list(reader).iter().filter_map(|node| PortTemplate::read(node, reader)).collect();
            }
            "loopbackPorts" => {
                let ports = list(reader);
                self.loopback_ports =
                    ports.iter().filter_map(|node| LoopbackPort::read(node, reader)).collect();
            }
            "volumeMounts" => {
                let mounts = list(reader);
                let read = |node| MountTemplate::read(node, Place::Fixed, volumes, reader);
                self.mounts = mounts.iter().filter_map(read).collect();
            }
            "securityContext" => security(&mut self.fixed.security_context, node, reader),
            "restartPolicy" => reader.issue(node.line, "restartPolicy: role decides, sidecar or step"),
            _ => {
                refuse_hosts(node, key, reader);
                let template = reader.template(node, key, &|way| place(key, way));
                self.more.extend(template.map(|template| (key.to_owned(), template)));
            }
        }
    }

    /// Privileges that `spec.allow` does not name are refused.
    fn check(&self, security_line: usize, allow: &[Privilege], reader: &mut Reader<'_>) {
        let mut needs: Vec<Privilege> = ceiling::of_security(&self.fixed).collect();
        if self.ports.iter().any(PortTemplate::needs_host) {
            needs.push(Privilege::HostPort);
        }
        for privilege in needs.into_iter().filter(|privilege| !allow.contains(privilege)) {
            let container = &self.fixed.name;
            reader.issue(security_line, not_allowed(container, privilege));
        }
    }

    /// The container for one pod; `volumes` are those of its pattern that were not left out.
    pub(super) fn fill(&self, values: &Values, volumes: &[Volume]) -> Container {
        let mut container = self.fixed.clone();
        let args = self.args.iter().filter_map(|phrase| phrase.expanded_text(values));
        container.args = args.map(Cow::Owned).collect();
        container.env = EnvTemplate::fill(&self.env, values);
        container.ports = self.ports.iter().filter_map(|port| port.fill(values)).collect();
        for loopback in &self.loopback_ports {
            let ports =
                if loopback.udp { &mut container.loopback_udp_ports } else { &mut container.loopback_ports };
            ports.extend(loopback.fill(values));
        }
        // One more is added to every container, and must not move them all.
        container.volume_mounts.reserve_exact(self.mounts.len() + 1);
        container.volume_mounts.extend(self.mounts.iter().filter_map(|mount| mount.fill(values, volumes)));
        for (key, template) in &self.more {
            if let Some(value) = template.fill(values) {
                container.more.insert(key.clone(), value);
            }
        }
        container
    }

    /// Whether the definition says when the container has started.
    pub(super) fn has_startup_probe(&self) -> bool {
        self.more.iter().any(|(key, _)| key == "startupProbe")
    }
}

/// What a definition is told that asks for more than it allows itself.
pub(super) fn not_allowed(what: &str, privilege: Privilege) -> String {
    let name = privilege.name();
    format!("{what} needs the privilege {name}; if it must have it, write allow: [{name}] in the spec")
}

/// Where holes may stand in the fields that are kept as they are.
fn place(key: &str, way: &str) -> Place {
    match (key, way) {
        ("livenessProbe" | "readinessProbe" | "startupProbe", "httpGet.path") => Place::UrlPath,
        (
            "livenessProbe" | "readinessProbe" | "startupProbe",
            "httpGet.port" | "tcpSocket.port" | "grpc.port",
        ) => Place::Port,
        ("envFrom", "secretRef.name" | "configMapRef.name") => Place::Reference,
        _ => Place::Fixed,
    }
}

/// A check that names a host makes the node ask it: Pod Security forbids that.
fn refuse_hosts(node: &Node, key: &str, reader: &mut Reader<'_>) {
    match &node.tree {
        Tree::Map(entries) => {
            for (name, entry) in entries {
                if name == "host" {
                    reader
                        .issue(entry.line, format!("{key}: host is not allowed, checks ask the pod itself"));
                }
                refuse_hosts(entry, key, reader);
            }
        }
        Tree::List(items) => items.iter().for_each(|item| refuse_hosts(item, key, reader)),
        _ => {}
    }
}

/// A param in a script would be read as a program.
fn refuse_scripts(node: &Node, container: &ContainerTemplate, reader: &mut Reader<'_>) {
    let command = container.fixed.command.iter().map(|word| Some(&**word));
    let words: Vec<Option<&str>> = command.chain(container.args.iter().map(Phrase::fixed)).collect();
    let name = |word: &str| {
        word.rsplit('/').next().unwrap_or(word).trim_end_matches(|c: char| c.is_ascii_digit()).to_owned()
    };
    let Some(shell) = words.iter().position(|word| word.is_some_and(|word| SHELLS.contains(&&*name(word))))
    else {
        return;
    };
    let script =
        |word: Option<&str>| word.is_some_and(|word| word.starts_with('-') && word.ends_with(['c', 'e']));
    if words[shell..].windows(2).any(|pair| script(pair[0]) && pair[1].is_none()) {
        let line = node.get("args").map_or(node.line, |node| node.line);
        reader.issue(
            line,
            "args: a param in a script could run anything; pass it as a variable and write \"$NAME\"",
        );
    }
}

fn security(security: &mut Security, node: &Node, reader: &mut Reader<'_>) {
    for (key, entry) in reader.entries(node, "securityContext") {
        match &**key {
            "runAsUser" => security.run_as_user = reader.number(entry, key, 0, MOST_ID),
            "runAsGroup" => security.run_as_group = reader.number(entry, key, 0, MOST_ID),
            "runAsNonRoot" => security.run_as_non_root = reader.boolean(entry, key) != Some(false),
            "readOnlyRootFilesystem" => {
                security.read_only_root_filesystem = reader.boolean(entry, key) != Some(false);
            }
            "allowPrivilegeEscalation" => {
                security.allow_privilege_escalation = reader.boolean(entry, key) == Some(true);
            }
            "privileged" => security.privileged = reader.boolean(entry, key).filter(|privileged| *privileged),
            "capabilities" => capabilities(security, entry, reader),
            "seccompProfile" => {
                reader.only(entry, key, &["type"]);
                if let Some(kind) = entry.get("type") {
                    reader.fixed(kind, key, |text| value::one_of(text, &[("RuntimeDefault", ())]));
                }
            }
            _ => reader.issue(entry.line, format!("securityContext: {key} is not supported")),
        }
    }
    // Either would be refused by the API server or the kubelet without the other.
    if security.run_as_user == Some(0) {
        security.run_as_non_root = false;
    }
    if security.privileged.is_some() || security.capabilities.add.iter().any(|name| name == "SYS_ADMIN") {
        security.allow_privilege_escalation = true;
    }
}

fn capabilities(security: &mut Security, node: &Node, reader: &mut Reader<'_>) {
    reader.only(node, "capabilities", &["add", "drop"]);
    for name in reader.items(node.get("drop"), "capabilities: drop") {
        reader.fixed(name, "capabilities: drop", |text| value::one_of(text, &[("ALL", ())]));
    }
    for name in reader.items(node.get("add"), "capabilities: add") {
        let name = reader.fixed(name, "capabilities: add", |text| {
            let right = text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') && !text.is_empty();
            right.then(|| text.to_owned()).ok_or_else(|| "expected a name such as NET_ADMIN".to_owned())
        });
        security.capabilities.add.extend(name.map(Cow::Owned));
    }
}

fn resources(node: Option<&Node>, reader: &mut Reader<'_>) -> Resources {
    let needs = Resources::from(NEEDS);
    let Some(node) = node else { return needs };
    reader.only(node, "resources", &["requests", "limits"]);
    let requests = amounts(node.get("requests"), "requests", reader);
    let limits = amounts(node.get("limits"), "limits", reader);
    let cpu = settle((needs.requests.cpu, needs.limits.cpu), (requests.cpu, limits.cpu));
    let memory = settle((needs.requests.memory, needs.limits.memory), (requests.memory, limits.memory));
    for (request, limit) in [&cpu, &memory] {
        if matches!((request, limit), (Some(request), Some(limit)) if request.0 > limit.0) {
            reader.issue(node.line, "resources: a limit is below its request");
        }
    }
    Resources {
        requests: Amounts { cpu: cpu.0, memory: memory.0 },
        limits: Amounts { cpu: cpu.1, memory: memory.1 },
    }
}

type RequestAndLimit = (Option<Amount>, Option<Amount>);

/// What a file does not say gives way to what it says.
fn settle(needs: RequestAndLimit, said: RequestAndLimit) -> RequestAndLimit {
    match (said, needs) {
        ((None, None), needs) => needs,
        ((Some(request), None), (_, limit)) => {
            let limit = limit.map(|limit| if limit.0 < request.0 { request.clone() } else { limit });
            (Some(request), limit)
        }
        ((None, Some(limit)), (request, _)) => {
            let request = request.map(|request| if request.0 > limit.0 { limit.clone() } else { request });
            (request, Some(limit))
        }
        (said, _) => said,
    }
}

fn amounts(node: Option<&Node>, what: &str, reader: &mut Reader<'_>) -> Amounts {
    let mut amounts = Amounts { cpu: None, memory: None };
    let Some(node) = node else { return amounts };
    reader.only(node, what, &["cpu", "memory"]);
    let mut amount = |key: &str, resource| {
        let node = node.get(key)?;
        let parsed = Quantity::parse(&node.scalar().unwrap_or_default(), resource);
        if let Err(expected) = parsed {
            reader.issue(node.line, format!("{what}: {expected}"));
        }
        parsed.ok().map(Amount)
    };
    amounts.cpu = amount("cpu", Resource::Cpu);
    amounts.memory = amount("memory", Resource::Memory);
    amounts
}
