//! A report as lines for people.

use super::boxes::Signs;
use super::draw::draw;
use super::line::{Line, Tone, width};
use super::picture::NO_TOKEN;
use super::report::{
    Added, Amounts, AppMount, Asked, Author, Considered, Container, Named, Origin, Refused, Report, Runs,
    Standing, Verdict,
};

/// How reports are laid out.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The width of the terminal.
    pub columns: usize,
    /// The signs that the drawing is made of.
    pub signs: Signs,
    /// Whether rendered configuration is shown in full.
    pub show_config: bool,
}

/// All lines about one pod.
pub fn text(report: &Report, layout: &Layout) -> Vec<Line> {
    let mut page = Page { lines: vec![heading(&report.origin)] };
    page.section("Asked", asked(report));
    page.section("Policies", report.policies.iter().map(considered).collect());
    page.section("Verdict", verdict(report));
    if let Some(added) = &report.added {
        page.section("Added, in the order in which containers start", new_things(added, layout));
    }
    page.section("What could clash", clashes(report));
    if let Some(picture) = &report.pod {
        let title = match report.added {
            Some(_) => "the pod, + is new",
            None => "the pod as it is",
        };
        page.lines.push(Line::default());
        page.lines.extend(draw(picture, title, layout.columns, &layout.signs));
    }
    page.lines
}

/// What a report is about, for headings and messages: `Deployment web`.
impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = if self.name.is_empty() { "(no name)" } else { &self.name };
        write!(f, "{} {name}", self.kind)
    }
}

impl std::fmt::Display for Author {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Author::Pod => f.write_str("the pod"),
            Author::Namespace(name) => write!(f, "namespace {name}"),
            Author::Policy(name) => write!(f, "policy {name}"),
        }
    }
}

struct Page {
    lines: Vec<Line>,
}

impl Page {
    /// A heading and what stands below it, two columns to the right; nothing where there is nothing.
    fn section(&mut self, title: &str, lines: Vec<Line>) {
        if lines.is_empty() {
            return;
        }
        self.lines.extend([Line::default(), Line::of(Tone::Strong, title)]);
        self.lines.extend(lines.into_iter().map(|line| indented(2, line)));
    }
}

fn indented(by: usize, line: Line) -> Line {
    Line::plain(" ".repeat(by)).join(line)
}

fn heading(origin: &Origin) -> Line {
    Line::of(Tone::Strong, origin.to_string())
        .and(Tone::Plain, format!(" in namespace {}", origin.namespace))
        .and(Tone::Quiet, format!("  {}:{}", origin.file, origin.line))
}

fn asked(report: &Report) -> Vec<Line> {
    if report.asked.is_empty() {
        return vec![Line::of(Tone::Quiet, "nothing: no annotation, namespace or policy asks for a pattern")];
    }
    report.asked.iter().map(|asked| one_asked(asked, &report.origin)).collect()
}

fn one_asked(asked: &Asked, origin: &Origin) -> Line {
    let favoured = asked.in_favour_of.as_ref();
    let whom = favoured.map_or_else(|| "somebody".to_owned(), ToString::to_string);
    let (tone, standing) = match asked.standing {
        Standing::Counts => (Tone::Quiet, String::new()),
        Standing::Enforced => (Tone::Quiet, ", enforced: nothing overrides it".to_owned()),
        Standing::Overridden => (Tone::Caution, format!(", overridden by {whom}")),
        Standing::OptedOut => (Tone::Caution, format!(", left out: {whom} opts out of it")),
        Standing::Audited => (Tone::Caution, ", only audited: it would be set, and is not".to_owned()),
        Standing::Unweighed => (Tone::Caution, ", not weighed".to_owned()),
    };
    let place = asked.line.map(|line| format!(" ({}:{line})", origin.file)).unwrap_or_default();
    Line::of(Tone::Strong, &asked.key)
        .and(Tone::Plain, format!(": {:?}", asked.value))
        .and(Tone::Quiet, format!("  from {}{place}", asked.by))
        .and(tone, standing)
}

fn considered(considered: &Considered) -> Line {
    let line = Line::of(Tone::Strong, &considered.policy).and(Tone::Quiet, format!(" ({})", considered.mode));
    match &considered.why_not {
        Some(why) => line.and(Tone::Plain, format!(" is not for this pod: {why}")),
        None => line.and(Tone::Plain, " is for this pod"),
    }
}

fn verdict(report: &Report) -> Vec<Line> {
    match &report.verdict {
        Verdict::Inject => {
            let what = report.added.as_ref().map(summary).unwrap_or_default();
            vec![Line::of(Tone::Ours, "injected").and(Tone::Plain, format!(": {what}"))]
        }
        Verdict::Skip { reason, because } => vec![
            Line::of(Tone::Strong, "left as it is")
                .and(Tone::Plain, format!(": {because}"))
                .and(Tone::Quiet, format!(" ({reason})")),
        ],
        Verdict::Deny { refusals } => {
            let count = counted(refusals.len(), "reason", "reasons");
            let head = Line::of(Tone::Bad, "refused").and(Tone::Plain, format!(", for {count}"));
            std::iter::once(head).chain(refusals.iter().flat_map(refused)).collect()
        }
    }
}

fn refused(refusal: &Refused) -> Vec<Line> {
    let mut lines = refusal.message.lines();
    let first = lines.next().unwrap_or_default();
    let head =
        Line::of(Tone::Bad, "x ").and(Tone::Plain, first).and(Tone::Quiet, format!(" ({})", refusal.reason));
    std::iter::once(head).chain(lines.map(|line| indented(2, Line::plain(line)))).collect()
}

fn summary(added: &Added) -> String {
    let of = |runs: Runs| added.containers.iter().filter(|container| container.runs == runs).count();
    let counts = [
        (of(Runs::NativeSidecar), "native sidecar", "native sidecars"),
        (of(Runs::ClassicSidecar), "classic sidecar", "classic sidecars"),
        (of(Runs::Step), "step", "steps"),
        (added.volumes.len(), "volume", "volumes"),
        (added.mounts.len(), "mount of the app", "mounts of the app"),
        (added.env.len(), "variable of the app", "variables of the app"),
        (added.annotations.len() + added.rendered.len(), "annotation", "annotations"),
        (added.sysctls.len(), "kernel setting", "kernel settings"),
        (added.pull_secrets.len(), "pull secret", "pull secrets"),
    ];
    let some = counts.into_iter().filter(|(count, ..)| *count > 0);
    let mut parts: Vec<String> = some.map(|(count, one, many)| counted(count, one, many)).collect();
    if added.share_process_namespace {
        parts.push("a shared process namespace".to_owned());
    }
    parts.join(", ")
}

fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

fn new_things(added: &Added, layout: &Layout) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, container) in added.containers.iter().enumerate() {
        lines.extend(one_container(at + 1, container));
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
    lines
}

fn one_container(number: usize, container: &Container) -> Vec<Line> {
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
    let token = "no service account's, an empty folder stands in its place".to_owned();
    let rows = rows.chain((!tokens.is_empty()).then_some(("token", token)));
    let rows = rows.map(|(name, value)| {
        indented(4, Line::of(Tone::Quiet, format!("{name:<10}")).and(Tone::Plain, value))
    });
    std::iter::once(head).chain(rows).collect()
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

fn clashes(report: &Report) -> Vec<Line> {
    let warnings = report.warnings.iter().flat_map(|warning| {
        let mut lines = warning.lines();
        let first = Line::of(Tone::Caution, "! ").and(Tone::Plain, lines.next().unwrap_or_default());
        std::iter::once(first).chain(lines.map(|line| indented(2, Line::plain(line)))).collect::<Vec<_>>()
    });
    let mut all: Vec<Line> = warnings.collect();
    if let Some(added) = &report.added {
        let ports = added
            .containers
            .iter()
            .flat_map(|container| container.ports.iter().chain(&container.loopback_ports));
        let ports: Vec<String> = ports.map(u16::to_string).collect();
        let taken = match ports.as_slice() {
            [] => String::new(),
            [one] => {
                format!("; port {one} is taken from now on, also where the app does not declare its own")
            }
            many => format!(
                "; ports {} are taken from now on, also where the app does not declare its own",
                many.join(", ")
            ),
        };
        all.push(Line::of(Tone::Quiet, format!("nothing that the pod declares clashes{taken}")));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inject::{Surroundings, Version, decide};
    use crate::pattern::{Catalogue, Settings};
    use crate::pod::Head;
    use crate::policy::Policies;

    fn told(json: &str, settings: &Settings, version: &str) -> String {
        let policies = Policies::default();
        let catalogue = Catalogue::default();
        let around = Surroundings {
            namespace: "shop",
            namespace_labels: Some(&[]),
            namespace_annotations: &[],
            owner_kind: Some("Deployment"),
            settings,
            policies: &policies,
            catalogue: &catalogue,
            version: Version::parse(version).unwrap(),
        };
        let head = Head::read(json).unwrap();
        let decision = decide(&head, &around);
        let origin = Origin {
            kind: "Deployment".into(),
            name: "web".into(),
            namespace: "shop".into(),
            file: "web.yaml".into(),
            line: 1,
        };
        let report = Report::of(origin, json, &head, &around, &decision, |_| Some(12));
        let layout = Layout { columns: 80, signs: Signs::UNICODE, show_config: false };
        text(&report, &layout).into_iter().map(|line| line.trimmed().text() + "\n").collect()
    }

    #[test]
    fn dump() {
        let pod = r#"{"metadata":{"annotations":{"multipod/ambassador":"80:8775, sidecar=classic"}},"spec":{"containers":[{"name":"app","image":"app:1","ports":[{"containerPort":8776}]}]}}"#;
        eprintln!("{}", told(pod, &Settings::default(), "1.34"));
        eprintln!("{}", told(&pod.replace("8775", "x:"), &Settings::default(), "1.34"));
        eprintln!("{}", told(&pod.replace("multipod", "m"), &Settings::default(), "1.34"));
    }
}
