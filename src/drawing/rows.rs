//! What stands in the box of a container: one row for each thing that it does, with arrows to whom it does it.

use crate::explain::does::Does;
use crate::explain::picture::{Listen, Node, Picture, Role};

/// One row in the box of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub text: String,
    pub arrows: Vec<Arrow>,
}

/// A line between the row and somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrow {
    pub toward: Toward,
    pub peer: Peer,
}

/// Where the connection or the content goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toward {
    /// From the peer to the row.
    Here,
    /// From the row to the peer.
    Peer,
}

/// The other end of an arrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Whoever calls the pod.
    Clients,
    /// Somebody outside the pod.
    Outside(String),
    /// A container of the pod, and its port where one is meant.
    Container { name: String, port: Option<u16> },
}

impl Peer {
    pub(crate) fn words(&self) -> String {
        match self {
            Peer::Clients => "clients of the pod".to_owned(),
            Peer::Outside(name) | Peer::Container { name, port: None } => name.clone(),
            Peer::Container { name, port: Some(port) } => format!("{name}:{port}"),
        }
    }

    /// One for each container, without a port.
    fn containers(names: &[String]) -> impl Iterator<Item = Peer> {
        names.iter().map(|name| Peer::Container { name: name.clone(), port: None })
    }
}

impl Arrow {
    fn here(peer: Peer) -> Arrow {
        Arrow { toward: Toward::Here, peer }
    }

    fn to(peer: Peer) -> Arrow {
        Arrow { toward: Toward::Peer, peer }
    }
}

/// The rows of one container: where it listens, then what else it does.
pub(crate) fn rows(node: &Node, picture: &Picture) -> Vec<Row> {
    let listens = node.listens.iter().map(|listen| listening(listen, picture));
    listens.chain(node.does.iter().map(doing)).collect()
}

fn listening(listen: &Listen, picture: &Picture) -> Row {
    let address = if listen.loopback { "127.0.0.1" } else { "" };
    let protocol = listen.protocol.as_ref().map(|protocol| format!("/{protocol}")).unwrap_or_default();
    let name = listen.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    let node = listen.host_port.map(|port| format!(" (port {port} of the node)")).unwrap_or_default();
    let text = format!("{address}:{}{protocol}{name}{node}", listen.port);
    let mut arrows = Vec::new();
    match &picture.scraped {
        Some((port, path)) if *port == listen.port && !listen.loopback => {
            arrows.push(Arrow::here(Peer::Outside(format!("Prometheus, {path}"))));
        }
        _ if listen.to.is_some() && !listen.loopback => arrows.push(Arrow::here(Peer::Clients)),
        _ => {}
    }
    if let Some(to) = &listen.to {
        let port = || to.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        arrows.push(Arrow::to(match &listen.to_container {
            Some(name) => Peer::Container { name: name.clone(), port: port() },
            None => Peer::Outside(to.clone()),
        }));
    }
    Row { text, arrows }
}

fn doing(does: &Does) -> Row {
    match does {
        Does::WaitFor { address } => {
            Row { text: "waits for".to_owned(), arrows: vec![Arrow::to(Peer::Outside(address.clone()))] }
        }
        Does::Fetch { url, folder, containers, every } => {
            let text = match every {
                None => format!("clones into {folder}"),
                Some(every) => format!("syncs into {folder} every {every}"),
            };
            let from = Arrow::here(Peer::Outside(url.clone()));
            Row {
                text,
                arrows: [from].into_iter().chain(Peer::containers(containers).map(Arrow::to)).collect(),
            }
        }
        Does::Follow { files, containers, to } => {
            let to = to.clone().unwrap_or_else(|| "its standard output".to_owned());
            let of = Peer::containers(containers).map(Arrow::here);
            Row {
                text: format!("follows {files}"),
                arrows: of.chain([Arrow::to(Peer::Outside(to))]).collect(),
            }
        }
        Does::Read { container, port } => {
            let peer = Peer::Container { name: container.clone(), port: Some(*port) };
            Row { text: "reads".to_owned(), arrows: vec![Arrow::to(peer)] }
        }
    }
}

/// When a container runs, in words.
pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::Step => "step, ends before the next",
        Role::NativeSidecar => "sidecar, keeps running",
        Role::Container => "container",
    }
}

/// What stands above the containers that start together.
pub(crate) fn heading(picture: &Picture) -> String {
    let together = picture.containers.iter().filter(|node| node.role == Role::Container).count();
    let before = || picture.containers.iter().filter(|node| node.role != Role::Container);
    let then = if before().next().is_some() { "then " } else { "" };
    let how = if together == 1 { "runs" } else { "run together" };
    let sidecars = before().any(|node| node.role == Role::NativeSidecar);
    format!("{then}{how}{}", if sidecars { ", beside the sidecars above" } else { "" })
}

/// What holds for the pod as a whole.
pub(crate) fn facts(picture: &Picture) -> Vec<&'static str> {
    let facts = [
        (picture.share_process_namespace, "containers see each other's processes"),
        (picture.host_network, "the pod has the node's network"),
    ];
    facts.into_iter().filter(|(holds, _)| *holds).map(|(_, fact)| fact).collect()
}

/// The sign by which boxes name a volume: `a` to `z`, then `a1`.
pub(crate) fn tag(at: usize) -> String {
    let letter = char::from(b'a' + u8::try_from(at % 26).unwrap_or_default());
    match at / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_stay_unique_when_the_letters_are_used_up() {
        assert_eq!([tag(0), tag(25), tag(26), tag(53)], ["a", "z", "a1", "b2"]);
    }
}
