//! A report as lines for people.

mod added;

use std::io;

use super::draw::draw;
use super::layout::{Layout, counted, indented};
use crate::cli::line::{Line, Tone};
use crate::cli::report::body;
use crate::cli::width::Width;
use crate::explain::report::{Added, Asked, Considered, Origin, Refused, Report, Runs, Standing, Verdict};
use crate::manifest::Finding;

/// All lines about one pod. The errors are its refusals with the lines of a file, where it stands in one.
pub(super) fn text(report: &Report, errors: &[Finding], layout: &Layout) -> Vec<Line> {
    let mut page =
        Page { lines: vec![heading(&report.origin)], width: Width::columns(layout.columns).without(INDENT) };
    page.decided(report, errors);
    if let Some(added) = &report.added {
        page.section(
            "Added, in the order in which containers start",
            added::lines(added, layout, page.width),
        );
    }
    page.section("What could clash", clashes(report, page.width));
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

/// The lines about what was decided, and why, without the pod.
pub(in crate::cli) fn brief(report: &Report) -> Vec<Line> {
    let mut page = Page { lines: Vec::new(), width: Width::of(&io::stdout()).without(INDENT) };
    page.decided(report, &[]);
    page.section("What could clash", clashes(report, page.width));
    page.lines
}

/// How far what stands in a section stands to the right of its heading.
const INDENT: usize = 2;

struct Page {
    lines: Vec<Line>,
    /// That of what stands in a section.
    width: Width,
}

impl Page {
    fn decided(&mut self, report: &Report, errors: &[Finding]) {
        let sentences =
            |lines: Vec<Line>| lines.into_iter().flat_map(|line| self.width.prose(line, 2)).collect();
        let (asked, policies) =
            (sentences(asked(report)), sentences(report.policies.iter().map(considered).collect()));
        self.section("Asked", asked);
        self.section("Policies", policies);
        self.section("Verdict", verdict(report, errors, self.width));
    }

    /// A heading and what stands below it, two columns to the right; nothing where there is nothing.
    fn section(&mut self, title: &str, lines: Vec<Line>) {
        if lines.is_empty() {
            return;
        }
        self.lines.extend([Line::default(), Line::of(Tone::Strong, title)]);
        self.lines.extend(lines.into_iter().map(|line| indented(INDENT, line)));
    }
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
        None => match &considered.obstacle {
            Some(obstacle) => line.and(Tone::Caution, format!(" is for this pod, and skips it: {obstacle}")),
            None => line.and(Tone::Plain, " is for this pod"),
        },
    }
}

fn verdict(report: &Report, errors: &[Finding], width: Width) -> Vec<Line> {
    match &report.verdict {
        Verdict::Inject => {
            let what = report.added.as_ref().map(summary).unwrap_or_default();
            width.prose(Line::of(Tone::Ours, "injected").and(Tone::Plain, format!(": {what}")), 2)
        }
        Verdict::Skip { reason, because } => {
            let line = Line::of(Tone::Strong, "left as it is")
                .and(Tone::Plain, format!(": {because}"))
                .and(Tone::Quiet, format!(" ({reason})"));
            width.prose(line, 2)
        }
        Verdict::Deny { refusals } => {
            let told: Vec<Vec<Line>> = if errors.is_empty() {
                refusals.iter().map(|refusal| refused(refusal, width)).collect()
            } else {
                errors.iter().map(|error| marked(error, width)).collect()
            };
            let count = counted(told.len(), "reason", "reasons");
            let head = Line::of(Tone::Bad, "refused").and(Tone::Plain, format!(", for {count}"));
            std::iter::once(head).chain(told.into_iter().flatten()).collect()
        }
    }
}

/// A refusal as `check` tells it.
fn marked(error: &Finding, width: Width) -> Vec<Line> {
    let head = Line::of(Tone::Bad, "x ").and(Tone::Plain, error.title());
    let head = width.prose(head.and(Tone::Quiet, format!(" ({})", error.slug)), 2);
    let body = body(error, width.without(INDENT));
    head.into_iter().chain(body.into_iter().map(|line| indented(INDENT, line))).collect()
}

fn refused(refusal: &Refused, width: Width) -> Vec<Line> {
    item(&Line::of(Tone::Bad, "x "), &refusal.message, &format!(" ({})", refusal.reason), width)
}

/// A message behind a sign; what stands behind its first line is quiet.
fn item(sign: &Line, message: &str, behind: &str, width: Width) -> Vec<Line> {
    let mut lines = message.lines();
    let head = sign.clone().and(Tone::Plain, lines.next().unwrap_or_default()).and(Tone::Quiet, behind);
    let below = lines.flat_map(|line| width.detail(&Line::plain("  "), line));
    width.prose(head, 2).into_iter().chain(below).collect()
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
    parts.extend(added.others.iter().map(|(kind, new)| format!("{kind} ({})", new.len())));
    parts.join(", ")
}

fn clashes(report: &Report, width: Width) -> Vec<Line> {
    let sign = Line::of(Tone::Caution, "! ");
    let warnings = report.warnings.iter().flat_map(|warning| item(&sign, warning, "", width));
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
        let line = Line::of(Tone::Quiet, format!("nothing that the pod declares clashes{taken}"));
        all.extend(width.prose(line, 2));
    }
    all
}

#[cfg(test)]
mod tests {
    use multipod_engine::annotation::Key;
    use multipod_engine::inject::decide;
    use multipod_engine::pattern::{Context, Settings};
    use multipod_engine::pod::{Head, Version};
    use multipod_engine::policy;

    use super::*;
    use crate::cli::explain::boxes::Signs;
    use crate::explain::report::Named;

    /// What is told of a pod, without its drawing.
    fn told(annotations: &str, policies: &str, version: &str) -> String {
        let files = [("policies.yaml".to_owned(), policies.to_owned())];
        let loaded = if policies.is_empty() { policy::load(&[]) } else { policy::load(&files) };
        assert_eq!(loaded.problems, []);
        let settings = serde_json::from_str(r#"{"patterns":{"ambassador":{"image":"haproxy:3.2"}}}"#);
        let settings: Settings = settings.unwrap();
        let context = Context {
            namespace: "shop",
            owner_kind: Some("Deployment"),
            version: Version::parse(version).unwrap(),
            ..Context::new(&settings, &loaded.catalogue)
        };
        let json = format!(
            r#"{{"metadata":{{"annotations":{{{annotations}}}}},"spec":{{"containers":[{{"name":"app","image":"app:1"}}]}}}}"#
        );
        let head = Head::read(&json).unwrap();
        let decision = decide(&head, &context, &loaded.policies).unwrap();
        let origin = Origin {
            kind: "Deployment".into(),
            name: "web".into(),
            namespace: "shop".into(),
            file: "web.yaml".into(),
            line: 1,
        };
        let report = Report::of(origin, &json, &head, &context, &loaded.policies, &decision, |_| Some(12));
        let layout = Layout { columns: 200, signs: Signs::UNICODE, show_config: true };
        let lines = text(&report, &[], &layout).into_iter().map(|line| line.trimmed().text());
        lines.take_while(|line| !line.starts_with('┌')).map(|line| line + "\n").collect()
    }

    const POLICIES: &str = "\
{apiVersion: multipod.dev/v1alpha1, kind: InjectionPolicy, metadata: {name: base},
 spec: {annotations: {multipod/metrics: nginx, multipod/share-process-namespace: 'true'}}}
---
{apiVersion: multipod.dev/v1alpha1, kind: InjectionPolicy, metadata: {name: strict},
 spec: {mode: enforce, annotations: {multipod/init: 'wait-for gate:1'}}}
---
{apiVersion: multipod.dev/v1alpha1, kind: InjectionPolicy, metadata: {name: trial},
 spec: {mode: audit, annotations: {multipod/logging: /var/log/app/*.log}}}
---
{apiVersion: multipod.dev/v1alpha1, kind: InjectionPolicy, metadata: {name: others},
 spec: {match: {podSelector: {matchLabels: {team: b}}}, annotations: {multipod/metrics: redis}}}
";

    #[test]
    fn what_is_injected_is_told_with_its_reasons() {
        let told = told(r#""multipod/ambassador":"80:8775 mode=http, sidecar=classic""#, "", "1.34");
        assert_eq!(
            format!("\n{told}"),
            r#"
Deployment web in namespace shop  web.yaml:1

Asked
  multipod/ambassador: "80:8775 mode=http, sidecar=classic"  from the pod (web.yaml:12)

Verdict
  injected: 1 classic sidecar, 2 volumes, 2 annotations, 1 kernel setting

Added, in the order in which containers start
  1 + multipod-ambassador  classic sidecar: multipod/ambassador says sidecar=classic
      image     haproxy:3.2
      listens   80
      requests  cpu 10m, memory 32Mi
      limits    memory 128Mi
      mounts    multipod-ambassador at /usr/local/etc/haproxy, read-only
      token     none of a service account; an empty directory is mounted instead
  volumes
    multipod-ambassador  downwardAPI (annotations of the pod as files)
    multipod-no-token    emptyDir (Memory)
  annotations
    kubectl.kubernetes.io/default-container: app
  configuration in rendered.multipod/haproxy.cfg, 16 lines:
      global
        maxconn 1024

      defaults
        mode tcp
        timeout connect 5s
        timeout client 50s
        timeout server 50s

      listen inbound-80
        bind 0.0.0.0:80
        mode http
        option forwardfor
        timeout http-request 10s
        timeout http-keep-alive 50s
        server app 127.0.0.1:8775
  kernel settings of the pod
    net.ipv4.ip_unprivileged_port_start=0

What could clash
  ! no container declares port 8775, where multipod/ambassador passes connections of port 80 on to: app has to listen there
  nothing that the pod declares clashes; port 80 is taken from now on, also where the app does not declare its own

"#
        );
    }

    #[test]
    fn it_is_told_who_said_what_and_who_won() {
        let asked = r#""multipod/init":"wait-for db:5432","multipod/opt-out":"metrics""#;
        let told = told(asked, POLICIES, "1.28");
        let told = &told[..told.find("Added").unwrap()];
        assert_eq!(
            format!("\n{told}"),
            r#"
Deployment web in namespace shop  web.yaml:1

Asked
  multipod/init: "wait-for gate:1"  from policy strict, enforced: nothing overrides it
  multipod/share-process-namespace: "true"  from policy base
  multipod/init: "wait-for db:5432"  from the pod (web.yaml:12), overridden by policy strict
  multipod/metrics: "nginx"  from policy base, left out: the pod opts out of it
  multipod/logging: "/var/log/app/*.log"  from policy trial, only audited: it would be set, and is not
  multipod/opt-out: "metrics"  from the pod (web.yaml:12)

Policies
  base (default) is for this pod
  others (default) is not for this pod: the pod's label team must be "b": not there
  strict (enforce) is for this pod
  trial (audit) is for this pod

Verdict
  injected: 1 step, 1 volume, 1 annotation, a shared process namespace

"#
        );
    }

    #[test]
    fn every_refusal_is_told_and_nothing_is_said_to_be_added() {
        let told = told(r#""multipod/ambasador":"80:1","multipod/ambassador":"8o:1""#, "", "1.34");
        let keys = Key::ALL.map(Key::full).join(", ");
        assert_eq!(
            format!("\n{}", told.replace(&keys, "KNOWN")),
            r#"
Deployment web in namespace shop  web.yaml:1

Asked
  multipod/ambassador: "8o:1"  from the pod (web.yaml:12)
  multipod/ambasador: "80:1"  from the pod (web.yaml:12), not weighed

Verdict
  refused, for 2 reasons
  x multipod/ambasador: there is no such key, did you mean multipod/ambassador? (unknown_key)
    Known keys: KNOWN
  x multipod/ambassador: 8o:1 is not LISTEN:TARGET (bad_value)
      | 8o:1
      | ^^ expected a port between 1 and 65535
    Example: multipod/ambassador: "80:8775"

"#
        );
    }

    #[test]
    fn a_pod_that_nobody_asks_for_is_told_so() {
        let told = told("", "", "1.34");
        assert!(
            told.contains("\n  nothing: no annotation, namespace or policy asks for a pattern\n"),
            "{told}"
        );
        assert!(
            told.contains("\n  left as it is: nothing asks for a pattern here (not_requested)\n"),
            "{told}"
        );
    }

    #[test]
    fn what_has_no_words_of_its_own_is_told_under_the_word_of_its_kind() {
        let alias = Named { name: "db".into(), value: "10.0.0.7".into() };
        let added = Added { others: [("hostAliases", vec![alias])].into(), ..Added::default() };
        assert_eq!(serde_json::to_value(&added).unwrap()["hostAliases"][0]["value"], "10.0.0.7");
        assert_eq!(summary(&added), "hostAliases (1)");
        let layout = Layout { columns: 200, signs: Signs::UNICODE, show_config: true };
        let lines: Vec<String> = added::lines(&added, &layout, Width::WHOLE).iter().map(Line::text).collect();
        assert_eq!(lines, ["hostAliases", "  db: 10.0.0.7"]);
    }

    const TAPS: &str = "\
{apiVersion: multipod.dev/v1alpha1, kind: Pattern, metadata: {name: audit},
 spec: {containers: [{name: tap, image: 'tap:1', resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {memory: 1Mi}}}]}}
---
{apiVersion: multipod.dev/v1alpha1, kind: Pattern, metadata: {name: mirror},
 spec: {containers: [{name: sync-tap, image: 'tap:1', resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {memory: 1Mi}}}]}}
---
{apiVersion: multipod.dev/v1alpha1, kind: Pattern, metadata: {name: idle},
 spec: {containers: [{name: wait-for-nothing, role: step, image: 'idle:1', args: [--listen, 'localhost:80'],
   resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {memory: 1Mi}}}]}}
";

    #[test]
    fn what_is_told_of_a_container_is_not_guessed_from_its_name() {
        let classic = told(r#""multipod/patterns":"audit, sidecar=classic""#, TAPS, "1.34");
        assert!(classic.contains("classic sidecar: multipod/patterns says sidecar=classic"), "{classic}");

        let beside = r#""multipod/patterns":"mirror","multipod/sync":"https://git.example/s into=/srv/site, sidecar=classic""#;
        let beside = told(beside, TAPS, "1.34");
        assert!(
            beside.contains("sync-tap  native sidecar: Kubernetes 1.34 knows native sidecars"),
            "{beside}"
        );

        let idle = told(r#""multipod/patterns":"idle""#, TAPS, "1.34");
        assert!(idle.contains("wait-for-nothing  step") && !idle.contains("waits for"), "{idle}");
    }

    #[test]
    fn it_is_told_why_a_sidecar_is_native_or_classic() {
        for (value, version, expected) in [
            ("80:1", "1.29", "native sidecar: Kubernetes 1.29 knows native sidecars"),
            ("80:1", "1.28", "classic sidecar: Kubernetes 1.28 does not know native sidecars"),
            ("80:1, sidecar=native", "1.34", "native sidecar: multipod/ambassador says sidecar=native"),
        ] {
            let told = told(&format!(r#""multipod/ambassador":"{value}""#), "", version);
            assert!(told.contains(expected), "{told}");
        }
    }
}
