//! The drawing of a pod: its containers as boxes in the order in which they start, and its volumes with who has them.

use super::boxes::{Boxed, Signs, beside, framed};
use crate::cli::line::{Line, Tone, width};
use crate::drawing::rows::{Peer, Row, Toward, facts, heading, role, rows, tag};
use crate::explain::picture::{Mount, Node, Picture, Role, Volume};

/// Narrower than this, nothing could be read.
const LEAST: usize = 40;
/// Wider than this, the eye loses the line.
const MOST: usize = 140;

/// Draws a pod as wide as it needs, in at most `columns`; its name stands in the frame.
pub(in crate::cli) fn draw(picture: &Picture, title: &str, columns: usize, signs: &Signs) -> Vec<Line> {
    let columns = columns.clamp(LEAST, MOST);
    let inner = columns - 4;
    let (together, one_by_one): (Vec<&Node>, Vec<&Node>) =
        picture.containers.iter().partition(|node| node.role == Role::Container);
    let mut lines = Vec::new();
    if !one_by_one.is_empty() {
        lines.push(Line::of(Tone::Quiet, "start one after the other"));
        let numbered = one_by_one.iter().enumerate();
        let boxes: Vec<_> =
            numbered.map(|(at, node)| container(node, Some(at + 1), picture, inner, signs)).collect();
        lines.extend(beside(&boxes, inner, &format!(" {} ", signs.arrow), signs));
        lines.push(Line::default());
    }
    if !together.is_empty() {
        lines.push(Line::of(Tone::Quiet, heading(picture)));
        let boxes: Vec<_> =
            together.iter().map(|node| container(node, None, picture, inner, signs)).collect();
        lines.extend(beside(&boxes, inner, "   ", signs));
    }
    if !picture.volumes.is_empty() {
        lines.extend([Line::default(), Line::of(Tone::Quiet, "volumes")]);
        let volumes = picture.volumes.iter().enumerate();
        lines.extend(volumes.flat_map(|(at, volume)| shared(volume, at, signs)));
    }
    let facts = facts(picture);
    if !facts.is_empty() {
        lines.push(Line::default());
        lines.extend(facts.into_iter().map(|fact| Line::of(Tone::Quiet, fact)));
    }
    let title = Line::of(Tone::Strong, title);
    let needed = lines.iter().map(Line::width).chain([title.width() + 1, LEAST - 4]).max().unwrap_or(inner);
    framed(&title, &lines, needed.min(inner) + 4, signs)
}

/// The box of one container.
fn container(node: &Node, number: Option<usize>, picture: &Picture, most: usize, signs: &Signs) -> Boxed {
    let mut title = Line::default();
    if let Some(number) = number {
        title = title.and(Tone::Quiet, format!("{number} "));
    }
    title = mark(title, node.added).and(tone(node.added), &node.name);
    let mut lines = Vec::new();
    if node.role != Role::Container {
        lines.push(Line::of(Tone::Quiet, role(node.role)));
    }
    lines.push(Line::plain(&node.image));
    lines.extend(rows(node, picture).iter().map(|row| told(row, signs)));
    let has = |volume: &Volume| volume.mounts.iter().any(|mount| mount.container == node.name);
    let tags = picture.volumes.iter().enumerate().filter(|(_, volume)| has(volume)).map(|(at, _)| tagged(at));
    let tags: Vec<String> = tags.collect();
    if !tags.is_empty() {
        lines.push(Line::of(Tone::Quiet, "has ").and(Tone::Plain, tags.join(" ")));
    }
    Boxed::new(title, lines, most)
}

/// What a container does, and to whom. That a pod has clients need not be told where each column counts.
fn told(row: &Row, signs: &Signs) -> Line {
    const MOST: usize = 3;
    let mut line = Line::of(Tone::Strong, &row.text);
    for (toward, sign) in [(Toward::Here, signs.back), (Toward::Peer, signs.arrow)] {
        let arrows = row.arrows.iter().filter(|arrow| arrow.toward == toward && arrow.peer != Peer::Clients);
        let mut peers: Vec<String> = arrows.map(|arrow| arrow.peer.words()).collect();
        if peers.len() > MOST {
            let more = format!("{} more", peers.len() - MOST);
            peers.truncate(MOST);
            peers.push(more);
        }
        if !peers.is_empty() {
            line = line.and(Tone::Plain, format!(" {sign} {}", peers.join(", ")));
        }
    }
    line
}

/// A volume, and below it a branch for everyone who has it.
fn shared(volume: &Volume, at: usize, signs: &Signs) -> Vec<Line> {
    let head = mark(Line::of(Tone::Plain, format!("{} ", tagged(at))), volume.added)
        .and(tone(volume.added), &volume.name)
        .and(Tone::Quiet, format!("  {}", volume.kind));
    let longest = volume.mounts.iter().map(|mount| width(&mount.container)).max().unwrap_or_default();
    let mut lines =
        vec![if volume.mounts.is_empty() { head.and(Tone::Quiet, ", which nobody has") } else { head }];
    for (index, mount) in volume.mounts.iter().enumerate() {
        let branch = if index + 1 == volume.mounts.len() { signs.last_branch } else { signs.branch };
        lines.push(Line::of(Tone::Quiet, format!("  {branch} ")).join(branch_of(mount, longest)));
    }
    lines
}

fn branch_of(mount: &Mount, longest: usize) -> Line {
    let blanks = " ".repeat(longest.saturating_sub(width(&mount.container)));
    let mut line = mark(Line::default(), mount.added)
        .and(tone(mount.added), &mount.container)
        .and(Tone::Plain, format!("{blanks}{}{}", if mount.added { "  " } else { "    " }, mount.path));
    if let Some(part) = &mount.sub_path {
        line = line.and(Tone::Quiet, format!("  only {part}"));
    }
    if mount.read_only {
        line = line.and(Tone::Quiet, "  read-only");
    }
    line
}

/// What colour says is also written: new things carry a plus.
fn mark(line: Line, added: bool) -> Line {
    if added { line.and(Tone::Ours, "+ ") } else { line }
}

fn tone(added: bool) -> Tone {
    if added { Tone::Ours } else { Tone::Strong }
}

fn tagged(at: usize) -> String {
    format!("[{}]", tag(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::picture::Listen;

    fn node(name: &str, role: Role, added: bool, image: &str, listens: &[Listen]) -> Node {
        Node {
            name: name.into(),
            role,
            added,
            image: image.into(),
            listens: listens.to_vec(),
            does: Vec::new(),
        }
    }

    fn listen(port: u16, loopback: bool, name: &str, to: &str) -> Listen {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Listen {
            port,
            loopback,
            protocol: None,
            name: some(name),
            host_port: None,
            to: some(to),
            to_container: None,
        }
    }

    fn mount(container: &str, path: &str, read_only: bool, added: bool) -> Mount {
        Mount { container: container.into(), path: path.into(), sub_path: None, read_only, added }
    }

    fn volume(name: &str, kind: &str, added: bool, mounts: &[Mount]) -> Volume {
        Volume { name: name.into(), kind: kind.into(), added, mounts: mounts.to_vec() }
    }

    fn drawn(picture: &Picture, columns: usize, signs: &Signs) -> String {
        let lines = draw(picture, "Deployment web", columns, signs);
        let wide = lines[0].width();
        assert!(wide <= columns && lines.iter().all(|line| line.width() == wide), "{lines:#?}");
        lines.iter().map(|line| line.text() + "\n").collect()
    }

    fn web() -> Picture {
        Picture {
            containers: vec![
                node(
                    "multipod-ambassador",
                    Role::NativeSidecar,
                    true,
                    "haproxy:3.2",
                    &[listen(80, false, "", "app:8775")],
                ),
                node("migrate", Role::Step, false, "app:1", &[]),
                node("app", Role::Container, false, "app:1", &[listen(8775, false, "http", "")]),
            ],
            volumes: vec![
                volume(
                    "data",
                    "emptyDir",
                    false,
                    &[mount("migrate", "/data", false, false), mount("app", "/data", true, false)],
                ),
                volume(
                    "multipod-ambassador",
                    "downwardAPI",
                    true,
                    &[mount("multipod-ambassador", "/etc/haproxy", true, true)],
                ),
            ],
            share_process_namespace: true,
            host_network: false,
            scraped: None,
        }
    }

    #[test]
    fn order_ports_and_sharing_can_be_seen() {
        let picture = drawn(&web(), 80, &Signs::UNICODE);
        assert_eq!(
            format!("\n{picture}"),
            r"
┌ Deployment web ───────────────────────────────────────────────┐
│ start one after the other                                     │
│ ┌ 1 + multipod-ambassador ─┐   ┌ 2 migrate ─────────────────┐ │
│ │ sidecar, keeps running   │ → │ step, ends before the next │ │
│ │ haproxy:3.2              │   │ app:1                      │ │
│ │ :80 → app:8775           │   │ has [a]                    │ │
│ │ has [b]                  │   │                            │ │
│ └──────────────────────────┘   └────────────────────────────┘ │
│                                                               │
│ then runs, beside the sidecars above                          │
│ ┌ app ───────┐                                                │
│ │ app:1      │                                                │
│ │ :8775 http │                                                │
│ │ has [a]    │                                                │
│ └────────────┘                                                │
│                                                               │
│ volumes                                                       │
│ [a] data  emptyDir                                            │
│   ├ migrate    /data                                          │
│   └ app        /data  read-only                               │
│ [b] + multipod-ambassador  downwardAPI                        │
│   └ + multipod-ambassador  /etc/haproxy  read-only            │
│                                                               │
│ containers see each other's processes                         │
└───────────────────────────────────────────────────────────────┘
"
        );
    }

    #[test]
    fn a_narrow_terminal_and_one_without_unicode_see_the_same() {
        let picture = drawn(&web(), 40, &Signs::ASCII);
        assert!(picture.is_ascii());
        assert_eq!(
            format!("\n{picture}"),
            r"
. Deployment web ----------------------.
| start one after the other            |
| . 1 + multipod-ambassador -.         |
| | sidecar, keeps running   |         |
| | haproxy:3.2              |         |
| | :80 -> app:8775          |         |
| | has [b]                  |         |
| '--------------------------'         |
| . 2 migrate -----------------.       |
| | step, ends before the next |       |
| | app:1                      |       |
| | has [a]                    |       |
| '----------------------------'       |
|                                      |
| then runs, beside the sidecars above |
| . app -------.                       |
| | app:1      |                       |
| | :8775 http |                       |
| | has [a]    |                       |
| '------------'                       |
|                                      |
| volumes                              |
| [a] data  emptyDir                   |
|   |- migrate    /data                |
|   `- app        /data  read-only     |
| [b] + multipod-ambassador  downwardA |
|   PI                                 |
|   `- + multipod-ambassador  /etc/    |
|   haproxy  read-only                 |
|                                      |
| containers see each other's          |
|   processes                          |
'--------------------------------------'
"
        );
    }

    /// A pod as large as they come.
    fn crowd() -> Picture {
        let mut picture = web();
        picture.share_process_namespace = false;
        let exporter = [listen(9113, false, "metrics", "")];
        let adapter = ("multipod-metrics-nginx", "nginx/nginx-prometheus-exporter:1.4.2", &exporter[..]);
        for (name, image, listens) in [("multipod-logging", "multipod/multipod:0.1.0", &[][..]), adapter] {
            picture.containers.insert(1, node(name, Role::NativeSidecar, true, image, listens));
        }
        for (name, image) in [("worker", "worker:1"), ("cache", "cache:7")] {
            picture.containers.push(node(name, Role::Container, false, image, &[]));
        }
        let image = "mirror.example:5000/team/a-rather-long-image-name:2026-11-21";
        let far = "a-long-service-name.with-a-long-namespace.svc.cluster.local:5432";
        picture.containers.push(node("far", Role::Container, false, image, &[listen(5432, true, "", far)]));
        picture.volumes.push(volume("unused", "configMap", false, &[]));
        picture.host_network = true;
        picture
    }

    #[test]
    fn eight_containers_can_still_be_read() {
        let picture = drawn(&crowd(), 80, &Signs::UNICODE);
        assert_eq!(
            format!("\n{picture}"),
            r"
┌ Deployment web ─────────────────────────────────────────────────────────────┐
│ start one after the other                                                   │
│ ┌ 1 + multipod-ambassador ─┐   ┌ 2 + multipod-metrics-nginx ───────────┐    │
│ │ sidecar, keeps running   │ → │ sidecar, keeps running                │    │
│ │ haproxy:3.2              │   │ nginx/nginx-prometheus-exporter:1.4.2 │    │
│ │ :80 → app:8775           │   │ :9113 metrics                         │    │
│ │ has [b]                  │   │                                       │    │
│ └──────────────────────────┘   └───────────────────────────────────────┘    │
│ ┌ 3 + multipod-logging ───┐   ┌ 4 migrate ─────────────────┐                │
│ │ sidecar, keeps running  │ → │ step, ends before the next │                │
│ │ multipod/multipod:0.1.0 │   │ app:1                      │                │
│ │                         │   │ has [a]                    │                │
│ └─────────────────────────┘   └────────────────────────────┘                │
│                                                                             │
│ then run together, beside the sidecars above                                │
│ ┌ app ───────┐   ┌ worker ──┐   ┌ cache ──┐                                 │
│ │ app:1      │   │ worker:1 │   │ cache:7 │                                 │
│ │ :8775 http │   │          │   │         │                                 │
│ │ has [a]    │   │          │   │         │                                 │
│ └────────────┘   └──────────┘   └─────────┘                                 │
│ ┌ far ────────────────────────────────────────────────────────────────────┐ │
│ │ mirror.example:5000/team/a-rather-long-image-name:2026-11-21            │ │
│ │ 127.0.0.1:5432 → a-long-service-name.with-a-long-namespace.svc.cluster. │ │
│ │   local:5432                                                            │ │
│ └─────────────────────────────────────────────────────────────────────────┘ │
│                                                                             │
│ volumes                                                                     │
│ [a] data  emptyDir                                                          │
│   ├ migrate    /data                                                        │
│   └ app        /data  read-only                                             │
│ [b] + multipod-ambassador  downwardAPI                                      │
│   └ + multipod-ambassador  /etc/haproxy  read-only                          │
│ [c] unused  configMap, which nobody has                                     │
│                                                                             │
│ the pod has the node's network                                              │
└─────────────────────────────────────────────────────────────────────────────┘
"
        );
    }

    proptest::proptest! {
        #[test]
        fn every_line_of_any_drawing_is_as_wide_as_the_others(
            columns in 0usize..200,
            names in proptest::collection::vec("[a-z日\u{300}\t-]{0,60}", 0..8),
            ascii in proptest::bool::ANY,
        ) {
            let role = |at: usize| [Role::Step, Role::NativeSidecar, Role::Container][at % 3];
            let containers = names.iter().enumerate();
            let picture = Picture {
                containers: containers.map(|(at, name)| node(name, role(at), at % 2 == 0, name, &[listen(1, true, name, name)])).collect(),
                volumes: vec![volume("v", "emptyDir", true, &names.iter().map(|name| mount(name, name, true, true)).collect::<Vec<_>>())],
                ..Picture::default()
            };
            let signs = if ascii { Signs::ASCII } else { Signs::UNICODE };
            let lines = draw(&picture, "pod", columns, &signs);
            let wide = lines[0].width();
            proptest::prop_assert!(wide <= columns.clamp(LEAST, MOST), "{:#?}", lines);
            proptest::prop_assert!(lines.iter().all(|line| line.width() == wide), "{:#?}", lines);
        }
    }
}
