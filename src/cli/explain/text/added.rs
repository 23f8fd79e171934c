//! What is added, as lines for people.

use multipod_engine::inject::NO_TOKEN;

use crate::cli::explain::layout::{Layout, counted, indented};
use crate::cli::line::{Line, Tone, width};
use crate::cli::width::Width;
use crate::explain::report::{Added, Amounts, AppMount, Container, Named, Runs};

/// Everything that is added, container by container, then the rest of the pod.
pub(super) fn lines(added: &Added, layout: &Layout, width: Width) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, container) in added.containers.iter().enumerate() {
        lines.extend(one_container(at + 1, container, width));
    }
    lines.extend(table("volumes", &added.volumes, "  "));
    let apps =
        added.mounts.iter().map(|mount| &mount.container).chain(added.env.iter().map(|env| &env.container));
    let mut told: Vec<&String> = Vec::new();
    for app in apps {
        if told.contains(&app) {
            continue;
        }
        told.push(app);
        lines.push(Line::plain("container ").and(Tone::Strong, app));
        let mounts = added.mounts.iter().filter(|mount| mount.container == *app);
        lines.extend(mounts.map(|new| indented(2, Line::plain(format!("mounts {}", mounted(new))))));
        for env in added.env.iter().filter(|env| env.container == *app) {
            let value = env.value.as_ref().map_or_else(String::new, |value| format!("={value}"));
            lines.push(indented(2, Line::plain(format!("sets {}{value}", env.name))));
        }
    }
    lines.extend(table("annotations", &added.annotations, ": "));
    lines.extend(rendered(&added.rendered, layout));
    lines.extend(table("kernel settings of the pod", &added.sysctls, "="));
    for secret in &added.pull_secrets {
        lines.push(Line::plain("pull secret ").and(Tone::Ours, secret));
    }
    if added.share_process_namespace {
        lines.push(
            Line::of(Tone::Ours, "shareProcessNamespace")
                .and(Tone::Plain, ": containers see each other's processes"),
        );
    }
    lines.extend(added.others.iter().flat_map(|(kind, new)| table(kind, new, ": ")));
    lines
}

fn one_container(number: usize, container: &Container, width: Width) -> Vec<Line> {
    let runs = match container.runs {
        Runs::NativeSidecar => "native sidecar",
        Runs::ClassicSidecar => "classic sidecar",
        Runs::Step => "step",
    };
    let head = Line::of(Tone::Quiet, format!("{number} "))
        .and(Tone::Ours, format!("+ {}", container.name))
        .and(Tone::Plain, format!("  {runs}"))
        .and(Tone::Quiet, format!(": {}", container.because));
    let ports = container.ports.iter().map(u16::to_string);
    let loopback = container.loopback_ports.iter().map(|port| format!("127.0.0.1:{port}"));
    let (tokens, mounts): (Vec<_>, Vec<_>) =
        container.mounts.iter().partition(|mount| mount.volume == NO_TOKEN);
    let facts = [
        ("image", container.image.clone()),
        ("listens", ports.chain(loopback).collect::<Vec<_>>().join(", ")),
        ("requests", amounts(&container.requests)),
        ("limits", amounts(&container.limits)),
    ];
    let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
    let rows = facts.chain(mounts.into_iter().map(|mount| ("mounts", mounted(mount))));
    let token = "none of a service account; an empty directory is mounted instead".to_owned();
    let rows = rows.chain((!tokens.is_empty()).then_some(("token", token)));
    let rows = rows.flat_map(|(name, value)| {
        let row = indented(4, Line::of(Tone::Quiet, format!("{name:<10}")).and(Tone::Plain, value));
        width.prose(row, 14)
    });
    width.prose(head, 6).into_iter().chain(rows).collect()
}

fn mounted(mount: &AppMount) -> String {
    let read_only = if mount.read_only { ", read-only" } else { "" };
    format!("{} at {}{read_only}", mount.volume, mount.path)
}

fn amounts(amounts: &Amounts) -> String {
    let parts = [("cpu", &amounts.cpu), ("memory", &amounts.memory)];
    let parts = parts
        .into_iter()
        .filter_map(|(name, amount)| amount.as_ref().map(|amount| format!("{name} {amount}")));
    parts.collect::<Vec<_>>().join(", ")
}

fn table(title: &str, entries: &[Named], between: &str) -> Vec<Line> {
    if entries.is_empty() {
        return Vec::new();
    }
    let longest = entries.iter().map(|entry| width(&entry.name)).max().unwrap_or_default();
    let rows = entries.iter().map(|entry| {
        let blanks = if between == "  " { " ".repeat(longest - width(&entry.name)) } else { String::new() };
        indented(
            2,
            Line::of(Tone::Ours, &entry.name).and(Tone::Plain, format!("{blanks}{between}{}", entry.value)),
        )
    });
    std::iter::once(Line::plain(title)).chain(rows).collect()
}

fn rendered(files: &[Named], layout: &Layout) -> Vec<Line> {
    let mut lines = Vec::new();
    for file in files {
        let count = counted(file.value.lines().count(), "line", "lines");
        let hint = if layout.show_config { ":" } else { " (--show-config shows them)" };
        lines.push(
            Line::plain("configuration in ")
                .and(Tone::Ours, &file.name)
                .and(Tone::Quiet, format!(", {count}{hint}")),
        );
        if layout.show_config {
            lines.extend(file.value.lines().map(|line| indented(4, Line::plain(line))));
        }
    }
    lines
}
