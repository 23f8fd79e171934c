//! A drawing in words: for screen readers, and for everybody who would rather read.

use crate::explain::picture::{Node, Picture, Role};
use crate::explain::report::{Author, Report, Verdict};

use super::rows::{Toward, facts, rows};

/// The title of a report's drawing.
pub(super) fn title(report: &Report) -> String {
    let what = match &report.verdict {
        Verdict::Inject => "before and after injection",
        Verdict::Skip { .. } => "left as it is",
        Verdict::Deny { .. } => "refused",
    };
    format!("The pod of {}, {what}", report.origin)
}

/// One sentence for each thing that can be seen.
pub(super) fn sentences(report: &Report) -> Vec<String> {
    let mut all = Vec::new();
    match &report.verdict {
        Verdict::Inject => {
            let asked = report.asked.iter().filter(|asked| asked.by == Author::Pod);
            all.extend(asked.map(|asked| format!("The pod asks for {}: {}.", asked.key, asked.value)));
        }
        Verdict::Skip { because, .. } => all.push(format!("The pod is left as it is: {because}.")),
        Verdict::Deny { refusals } => {
            all.extend(
                refusals.iter().map(|refused| format!("Refused, {}: {}", refused.reason, refused.message)),
            );
        }
    }
    if let Some(before) = &report.before {
        let names: Vec<&str> = before.containers.iter().map(|node| node.name.as_str()).collect();
        all.push(format!("Before, the pod has {}.", names.join(", ")));
    }
    if let Some(pod) = &report.pod {
        let one_by_one = pod.containers.iter().filter(|node| node.role != Role::Container);
        all.extend(one_by_one.enumerate().map(|(at, node)| container(node, Some(at + 1), pod)));
        let together = pod.containers.iter().filter(|node| node.role == Role::Container);
        all.extend(together.map(|node| container(node, None, pod)));
        all.extend(pod.volumes.iter().map(|volume| {
            let mounts = volume.mounts.iter().map(|mount| {
                let how = if mount.read_only { ", read-only" } else { "" };
                format!("{} at {}{how}", mount.container, mount.path)
            });
            let mounts: Vec<String> = mounts.collect();
            let who = if mounts.is_empty() { "nobody".to_owned() } else { mounts.join("; ") };
            let what = if volume.added { "New volume" } else { "Volume" };
            format!("{what} {} ({}) is mounted by {who}.", volume.name, volume.kind)
        }));
        all.extend(facts(pod).into_iter().map(|fact| format!("In this pod {fact}.")));
    }
    all
}

fn container(node: &Node, number: Option<usize>, picture: &Picture) -> String {
    let what = match node.role {
        Role::Step => "step",
        Role::NativeSidecar => "native sidecar",
        Role::Container => "container",
    };
    let number = number.map(|number| format!("{number}. ")).unwrap_or_default();
    let new = if node.added { "new " } else { "" };
    let mut parts = vec![format!("{number}{}, {new}{what}, image {}", node.name, node.image)];
    for row in rows(node, picture) {
        let mut words = vec![row.text];
        for arrow in row.arrows {
            let way = match arrow.toward {
                Toward::Here => "from",
                Toward::Peer => "to",
            };
            words.extend([way.to_owned(), arrow.peer.words()]);
        }
        parts.push(words.join(" "));
    }
    parts.join("; ") + "."
}
