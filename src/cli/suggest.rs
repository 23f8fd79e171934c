//! `multipod suggest`.

use std::process::ExitCode;

use crate::manifest::{self, Level, Manifests, Source};

use super::color::Styles;
use super::diff::unified;
use super::output;
use super::question::Question;
use super::report::{self, Aside, Failure};

/// Propose annotations for containers that were written by hand
///
/// Recognises proxies (HAProxy), git-sync, exporters, sidecars that print a log file, and init containers that wait for
/// something. Prints a diff that replaces them with the annotation, and says why a container stays. Every proposal has been
/// injected first, so none would be rejected.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    #[command(flatten)]
    question: Question,
}

const NOTES: &str = "\
EXAMPLES
  multipod suggest -f app.yaml
  multipod suggest -f app.yaml | patch -p0
  helm template my-app | multipod suggest

EXIT CODES
  0  there is nothing to propose
  1  there are proposals
  2  something could not be read, or the proposal would be rejected";

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let asked = self.question.read()?;
        let manifests = Manifests::read(&asked.sources);
        let mut proposed = manifest::suggest(&manifests);
        // Each of them is told, however many there are.
        for note in proposed.findings.extract_if(.., |finding| finding.level == Level::Note) {
            report::note(&format!("{}:{}: {}", note.file, note.line, note.message));
        }
        let told = report::outcome(&proposed, Aside::NONE);
        asked.unread.or(())?;
        told?;
        let texts = asked
            .sources
            .iter()
            .zip(&proposed.texts)
            .map(|(source, documents)| Source { name: source.name.clone(), text: documents.concat() });
        let after: Vec<Source> = texts.collect();
        let styles = Styles::of_output();
        let mut out = String::new();
        for (before, after) in
            asked.sources.iter().zip(&after).filter(|(before, after)| before.text != after.text)
        {
            out.push_str(&unified(&before.name, &before.text, &after.text, styles));
        }
        if out.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        let manifests = Manifests::read(&after);
        let injected = manifest::inject(&manifests, &asked.cluster, &asked.annotate);
        if injected.is_refused() {
            report::note("multipod would refuse what it could propose, so it proposes nothing");
            report::outcome(&injected, Aside::NONE)?;
        }
        output::print(&out, ExitCode::from(1))
    }
}
