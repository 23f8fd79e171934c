//! `multipod explain`: the report about each pod, for machines as it is, for people as text with a drawing.

mod boxes;
mod draw;
mod layout;
mod paper;
mod text;

use std::process::ExitCode;

use serde::Serialize;

use crate::explain::picture::Picture;
use crate::explain::report::Author;
use crate::explain::{Origin, Report};
use crate::manifest::{
    self, Annotation, Cluster, Decided, ENGINE_WARNS, Examined, Finding, Level, Manifests, Outcome, Target,
};

use super::line::Line;
use super::output::{self, Format, Told, json, printed};
use super::question::{Asked, Question};
use super::report::{self, Aside, Failure};
use boxes::Signs;
pub(super) use boxes::side_by_side;
pub(super) use draw::draw;
use layout::Layout;
pub(super) use paper::{Canvas, Paper, columns};
pub(super) use text::brief;
use text::text;

/// Explain what multipod does with pods, and why
///
/// For every pod (template): what is requested and by whom, which policies apply, what is added or why not, what could
/// conflict, and a drawing of the pod.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    #[command(flatten)]
    question: Question,

    #[command(flatten)]
    told: Told,

    /// Show rendered configuration in full
    #[arg(long)]
    show_config: bool,

    #[command(flatten)]
    paper: Paper,
}

const NOTES: &str = "\
EXAMPLES
  multipod explain -f app.yaml
  multipod explain -f app.yaml --annotate 'multipod/ambassador=80:8775'
  kustomize build . | multipod explain --policy-dir policies/ -o json

EXIT CODES
  0  everything was explained
  1  likewise, and a pod would be refused
  2  something could not be read";

/// The whole answer for machines.
#[derive(Serialize)]
struct Answer<'r> {
    /// Grows when a field changes its meaning or goes; new fields may come at any time.
    schema: u8,
    pods: Vec<&'r Report>,
}

/// A report, and what keeps the pod out, with the lines of its file.
pub(super) struct Explained {
    pub(super) report: Report,
    pub(super) errors: Vec<Finding>,
}

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        print_reports(self.question, |pods| match self.told.output {
            Format::Json => {
                json(&Answer { schema: 1, pods: pods.iter().map(|explained| &explained.report).collect() })
            }
            Format::Text => {
                let Canvas { columns, signs } = self.paper.canvas();
                let layout = Layout { columns, signs, show_config: self.show_config };
                let pages = pods.iter().map(|pod| printed(&text(&pod.report, &pod.errors, &layout)));
                pages.collect::<Vec<_>>().join("\n")
            }
        })
    }
}

/// Prints what `written` makes of the reports about the manifests of a question; then what is wrong with all else in them.
pub(super) fn print_reports(
    question: Question,
    written: impl FnOnce(&[Explained]) -> String,
) -> Result<ExitCode, Failure> {
    let Asked { sources, cluster, annotate, unread } = question.read()?;
    let manifests = Manifests::read(&sources);
    let (pods, aside) = explained(&manifests, &cluster, &annotate);
    let is_refused = pods.iter().any(|pod| pod.report.is_refused());
    let code = output::print(&written(&pods), ExitCode::from(u8::from(is_refused)))?;
    // Where there is no pod at all, what there is instead is worth a note.
    let notes = if pods.is_empty() { Aside::ALL } else { Aside::NONE };
    let told = report::outcome(&Outcome { findings: aside, ..Outcome::default() }, notes);
    unread.or(())?;
    told.map(|()| code)
}

/// A report for every pod template, and what is to be told of everything else.
fn explained(
    manifests: &Manifests<'_>,
    cluster: &Cluster,
    annotate: &[Annotation],
) -> (Vec<Explained>, Vec<Finding>) {
    let mut pods = Vec::new();
    let mut aside = manifests.findings.clone();
    manifest::examine(manifests, cluster, annotate, |examined| match examined {
        Examined::Other(_, findings) => aside.extend(findings),
        Examined::Template(template) => match &template.decided {
            Some(decided) => {
                let report = of(template.target, decided, cluster, annotate, &template.findings);
                let errors = template.findings.into_iter().filter(|finding| finding.level == Level::Error);
                pods.push(Explained { report, errors: errors.collect() });
            }
            None => aside.extend(template.findings),
        },
    });
    (pods, aside)
}

/// A report as plain text, without its drawing.
pub(super) fn explanation(report: &Report) -> String {
    let layout = Layout { columns: paper::PRINTED, signs: Signs::UNICODE, show_config: false };
    let report = Report { pod: None, ..report.clone() };
    text(&report, &[], &layout).into_iter().map(|line| line.trimmed().text() + "\n").collect()
}

/// The drawing of a pod, for the terminal as it is.
pub(super) fn drawing(pod: &Picture, title: &str) -> Vec<Line> {
    let Canvas { columns, signs } = Paper::default().canvas();
    draw(pod, title, columns, &signs)
}

/// The report about one pod template.
pub(super) fn of(
    target: &Target<'_>,
    decided: &Decided<'_>,
    cluster: &Cluster,
    annotate: &[Annotation],
    findings: &[Finding],
) -> Report {
    let place = target.finding_at(&target.placed.object.pointer, Level::Note, "", "");
    let origin = Origin {
        kind: target.placed.object.kind.to_owned(),
        name: target.placed.object.name().to_owned(),
        namespace: decided.context.namespace.to_owned(),
        file: place.file,
        line: place.line,
    };
    let line_of = |key: &str| {
        let position = target.document().position(&target.annotation_pointer(key))?;
        Some(position.key?.line)
    };
    let Decided { json, head, context, decision } = decided;
    let mut report = Report::of(origin, json, head, context, &cluster.policies, decision, line_of);
    for asked in report.asked.iter_mut().filter(|asked| asked.by == Author::Pod) {
        if annotate.iter().any(|annotation| annotation.key == asked.key) {
            (asked.by, asked.line) = (Author::CommandLine, None);
        }
    }
    // What the text of the file shows, and the engine cannot see; what the engine warns of is there already.
    let seen =
        findings.iter().filter(|finding| finding.level == Level::Warning && finding.slug != ENGINE_WARNS);
    report.warnings.extend(seen.map(|finding| finding.message.clone()));
    report
}
