//! `multipod draw`: the pod before and after, as a picture.

use std::process::ExitCode;

use crate::drawing::{self, Style};
use crate::explain::Report;

use super::explain::{Canvas, Explained, Paper, draw, print_reports, side_by_side};
use super::line::{Line, Tone};
use super::output::printed;
use super::question::Question;
use super::report::{Failure, HANG, body};
use super::width::Width;

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
        print_reports(self.question, |pods| {
            let all: Vec<&Report> = pods.iter().map(|pod| &pod.report).collect();
            match self.output {
                _ if all.is_empty() => String::new(),
                Format::Svg => drawing::svg(&all, Style::Inside),
                Format::Html => drawing::page(&all),
                Format::Text => {
                    let canvas = self.paper.canvas();
                    let drawn: Vec<String> = pods.iter().map(|pod| printed(&text(pod, &canvas))).collect();
                    drawn.join("\n")
                }
            }
        })
    }
}

/// A pod before and after, side by side where there is room, else one below the other.
fn text(Explained { report, errors }: &Explained, canvas: &Canvas) -> Vec<Line> {
    let Canvas { columns, signs } = canvas;
    let mut lines = vec![
        Line::of(Tone::Strong, report.origin.to_string())
            .and(Tone::Plain, format!(" in namespace {}", report.origin.namespace)),
    ];
    let width = Width::columns(*columns);
    lines.extend(errors.iter().flat_map(|error| {
        let head = Line::of(Tone::Bad, "refused").and(Tone::Plain, format!(": {}", error.title()));
        let head = width.prose(head.and(Tone::Quiet, format!(" ({})", error.slug)), HANG);
        head.into_iter().chain(body(error, width))
    }));
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
