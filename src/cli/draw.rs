//! `multipod draw`: the pod before and after, as a picture.

use std::process::ExitCode;

use crate::drawing::{self, Style};
use crate::explain::Report;

use super::explain::{Canvas, Paper, draw, print_reports, side_by_side};
use super::line::{Line, Tone};
use super::output::printed;
use super::question::Question;
use super::report::Failure;

/// Draw pods, before and after
///
/// For every pod (template): its containers in start order, which of them connect to what, ports, and volumes with the
/// containers that mount them.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    #[command(flatten)]
    question: Question,

    /// The output format
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Format,

    #[command(flatten)]
    paper: Paper,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
enum Format {
    /// For a terminal
    #[default]
    Text,
    /// One picture in light and dark, for a README or a ticket
    Svg,
    /// A page without other files
    Html,
}

const NOTES: &str = "\
EXAMPLES
  multipod draw -f app.yaml
  multipod draw -f app.yaml --annotate 'multipod/ambassador=80:8775'
  multipod draw -f app.yaml -o svg > app.svg

EXIT CODES
  0  everything was drawn
  1  the same, and a pod would be rejected
  2  something could not be read";

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        print_reports(self.question, |reports| {
            let all: Vec<&Report> = reports.iter().collect();
            match self.output {
                _ if all.is_empty() => String::new(),
                Format::Svg => drawing::svg(&all, Style::Inside),
                Format::Html => drawing::page(&all),
                Format::Text => {
                    let canvas = self.paper.canvas();
                    let pods: Vec<String> =
                        all.iter().map(|report| printed(&text(report, &canvas))).collect();
                    pods.join("\n")
                }
            }
        })
    }
}

/// A pod before and after, side by side where there is room, else one below the other.
fn text(report: &Report, canvas: &Canvas) -> Vec<Line> {
    let Canvas { columns, signs } = canvas;
    let mut lines = vec![
        Line::of(Tone::Strong, report.origin.to_string())
            .and(Tone::Plain, format!(" in namespace {}", report.origin.namespace)),
    ];
    lines.extend(refusals(report));
    match (&report.before, &report.pod) {
        (Some(before), Some(after)) => {
            let before = draw(before, "before", *columns, signs);
            let after = draw(after, "after, + is new", *columns, signs);
            lines.extend(side_by_side(before, after, *columns, signs));
        }
        (None, Some(pod)) => lines.extend(draw(pod, "the pod as it is", *columns, signs)),
        (_, None) => {}
    }
    lines
}

fn refusals(report: &Report) -> Vec<Line> {
    let crate::explain::report::Verdict::Deny { refusals } = &report.verdict else { return Vec::new() };
    let told = refusals.iter().flat_map(|refused| {
        let head = Line::of(Tone::Bad, "refused").and(Tone::Plain, format!(": {}", refused.reason));
        std::iter::once(head).chain(refused.message.lines().map(|line| Line::plain(format!("  {line}"))))
    });
    told.collect()
}
