//! Reads a container of a definition: everything that no param decides is already in its place.

use std::borrow::Cow;

use multipod_values::{self as value, Quantity, Resource};

use crate::pattern::container::{Amount, Amounts, Container, Resources, Security, Volume};
use crate::pattern::defined::ceiling::{self, Privilege};
use crate::pattern::defined::definition::{ContainerTemplate, More};
use crate::pattern::defined::template::Template;
use crate::pattern::images;
use crate::pattern::settings::Needs;

use super::node::{Node, Tree};
use super::parts::{self, full_name};
use super::reader::Reader;

/// What a container gets that says nothing about resources.
const NEEDS: Needs = Needs { cpu: ("10m", 10), memory: ("32Mi", 32), memory_limit: ("128Mi", 128) };
/// Programs that read the argument behind `-c` as a script.
const SHELLS: [&str; 8] = ["sh", "bash", "ash", "dash", "zsh", "ksh", "python", "perl"];
const MOST_ID: i64 = i32::MAX as i64;

/// One container. Those of patterns that are `built_in` have their images in a file of their own.
pub(super) fn container(
    node: &Node,
    volumes: &[Template<Volume>],
    allow: &[Privilege],
    built_in: bool,
    reader: &mut Reader,
) -> ContainerTemplate {
    let name = full_name(reader, node.get("name"), node.line, "containers");
    let default = || node.get("name").and_then(Node::text).filter(|_| built_in).and_then(images::of);
    let image = if let Some(image) = node.get("image") {
        reader.parsed(image, "image", value::image)
    } else if let Some(image) = default() {
        Some(image.to_owned())
    } else {
        reader.problem(node.line, "containers: the image is missing");
        None
    };
    let resources = resources(node.get("resources"), reader);
    let fixed = Container::new(name.unwrap_or_default(), image.unwrap_or_default(), resources);
    let mut container = ContainerTemplate::new(fixed);
    for (key, entry) in reader.entries(node, "containers") {
        field(&mut container, key, entry, volumes, reader);
    }
    let security = node.get("securityContext").map_or(node.line, |node| node.line);
    let on_host = container.ports.iter().any(|port| port.unfilled().host_port.is_some());
    let needs = ceiling::of_security(&container.fixed).chain(on_host.then_some(Privilege::HostPort));
    for privilege in needs.filter(|privilege| !allow.contains(privilege)) {
        reader.problem(security, ceiling::not_allowed(&container.fixed.name, privilege));
    }
    refuse_scripts(node, reader);
    if container.step
        && let Some((key, _)) =
            container.more.iter().find(|(key, _)| key.ends_with("Probe") || key == "lifecycle")
    {
        reader.problem(node.line, format!("{key}: a step ends, so that nothing can be asked of it"));
    }
    container
}

fn field(
    container: &mut ContainerTemplate,
    key: &str,
    node: &Node,
    volumes: &[Template<Volume>],
    reader: &mut Reader,
) {
    match key {
        "name" | "image" | "resources" => {}
        "role" => {
            let roles = [("sidecar", false), ("step", true)];
            container.step = reader.parsed(node, key, |text| value::one_of(text, &roles)) == Some(true);
        }
        "imagePullPolicy" => {
            let policies = ["Always", "IfNotPresent", "Never"].map(|policy| (policy, policy));
            if let Some(policy) = reader.parsed(node, key, |text| value::one_of(text, &policies)) {
                container.fixed.image_pull_policy = policy;
            }
        }
        "command" => {
            let words = reader.items(Some(node), key);
            container.fixed.command = words.iter().filter_map(|node| reader.owned(node, key)).collect();
        }
        "args" => {
            container.args =
                parts::templates(Some(node), key, reader, |node, reader| reader.owned(node, key));
        }
        "env" => container.env = parts::templates(Some(node), key, reader, parts::env),
        "ports" => container.ports = parts::templates(Some(node), key, reader, parts::port),
        "loopbackPorts" => {
            container.loopback_ports = parts::templates(Some(node), key, reader, parts::loopback_port);
        }
        "volumeMounts" => {
            let mounts = reader.items(Some(node), key);
            let read = |node| parts::mount(node, volumes, reader);
            container.mounts = mounts.iter().filter_map(read).collect();
        }
        "securityContext" => security(&mut container.fixed.security_context, node, reader),
        "restartPolicy" => reader.problem(node.line, "restartPolicy: role decides, sidecar or step"),
        _ => {
            refuse_hosts(node, key, reader);
            container.more.extend(more(node, key, reader).map(|more| (key.to_owned(), more)));
        }
    }
}

/// A field that is kept as it is. Of a list, only the items are left out whose params are not given.
fn more(node: &Node, key: &str, reader: &mut Reader) -> Option<More> {
    let mut template = |node: &Node| Some(Template::new(reader.plain(node, key)?, node.holes()));
    Some(match &node.tree {
        Tree::List(items) => More::Items(items.iter().map(template).collect::<Option<_>>()?),
        _ => More::Whole(template(node)?),
    })
}

/// A check that names a host makes the node ask it: Pod Security forbids that.
fn refuse_hosts(node: &Node, key: &str, reader: &mut Reader) {
    match &node.tree {
        Tree::Map(entries) => {
            for (name, entry) in entries {
                if name == "host" {
                    reader.problem(
                        entry.line,
                        format!("{key}: host is not allowed, checks ask the pod itself"),
                    );
                }
                refuse_hosts(entry, key, reader);
            }
        }
        Tree::List(items) => items.iter().for_each(|item| refuse_hosts(item, key, reader)),
        _ => {}
    }
}

/// A param in a script would be read as a program.
fn refuse_scripts(node: &Node, reader: &mut Reader) {
    let lists = ["command", "args"].map(|list| node.get(list).map(|node| &node.tree));
    let items =
        lists.into_iter().flat_map(|list| if let Some(Tree::List(items)) = list { &items[..] } else { &[] });
    // None is a word in which a param stands.
    let words: Vec<Option<&str>> =
        items.filter(|item| item.is_hole() || item.text().is_some()).map(Node::text).collect();
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
        reader.problem(
            line,
            "args: a param in a script could run anything; pass it as a variable and write \"$NAME\"",
        );
    }
}

fn security(security: &mut Security, node: &Node, reader: &mut Reader) {
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
                reader.only_these(entry, key, &["type"]);
                if let Some(kind) = entry.get("type") {
                    reader.parsed(kind, key, |text| value::one_of(text, &[("RuntimeDefault", ())]));
                }
            }
            _ => reader.problem(entry.line, format!("securityContext: {key} is not supported")),
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

fn capabilities(security: &mut Security, node: &Node, reader: &mut Reader) {
    reader.only_these(node, "capabilities", &["add", "drop"]);
    for name in reader.items(node.get("drop"), "capabilities: drop") {
        reader.parsed(name, "capabilities: drop", |text| value::one_of(text, &[("ALL", ())]));
    }
    for name in reader.items(node.get("add"), "capabilities: add") {
        let name = reader.parsed(name, "capabilities: add", |text| {
            let right = text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') && !text.is_empty();
            right.then(|| text.to_owned()).ok_or_else(|| "expected a name such as NET_ADMIN".to_owned())
        });
        security.capabilities.add.extend(name.map(Cow::Owned));
    }
}

fn resources(node: Option<&Node>, reader: &mut Reader) -> Resources {
    let needs = Resources::from(NEEDS);
    let Some(node) = node else { return needs };
    reader.only_these(node, "resources", &["requests", "limits"]);
    let requests = amounts(node.get("requests"), "requests", reader);
    let limits = amounts(node.get("limits"), "limits", reader);
    let cpu = settle((needs.requests.cpu, needs.limits.cpu), (requests.cpu, limits.cpu));
    let memory = settle((needs.requests.memory, needs.limits.memory), (requests.memory, limits.memory));
    for (request, limit) in [&cpu, &memory] {
        if matches!((request, limit), (Some(request), Some(limit)) if request.0 > limit.0) {
            reader.problem(node.line, "resources: a limit is below its request");
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

fn amounts(node: Option<&Node>, what: &str, reader: &mut Reader) -> Amounts {
    let mut amounts = Amounts { cpu: None, memory: None };
    let Some(node) = node else { return amounts };
    reader.only_these(node, what, &["cpu", "memory"]);
    let mut amount = |key: &str, resource| {
        let node = node.get(key)?;
        let parsed = Quantity::parse(&node.scalar().unwrap_or_default(), resource);
        if let Err(expected) = parsed {
            reader.problem(node.line, format!("{what}: {expected}"));
        }
        parsed.ok().map(Amount)
    };
    amounts.cpu = amount("cpu", Resource::Cpu);
    amounts.memory = amount("memory", Resource::Memory);
    amounts
}
