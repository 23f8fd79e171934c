//! `multipod check`.

mod cluster;
mod config_maps;
mod fix;
mod format;
mod installation;
mod keys;
mod related;
mod services;

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::io;
use std::process::ExitCode;

use multipod_engine::pattern::OWN_IMAGE;
use serde::Serialize;

use crate::manifest::{
    self, Annotation, Cluster, Examined, Finding, Level, Made, Manifest, Manifests, Opened, Source, Written,
};

use super::line::{Line, Tone};
use super::live::OfCluster;
use super::output::{self, json, printed};
use super::question::{Asked, Question};
use super::report::{self, Failure, both};
use super::width::Width;
use config_maps::ConfigMaps;
use fix::{JsonMend, Mending};
use format::{Format, plural};
use services::Services;

/// Find mistakes in manifests before a cluster does
///
/// Reports pods that would be rejected and probable mistakes, with their place. Changes nothing without --fix, which writes what
/// is certain. With --cluster, it checks the running pods instead: which of them lack what they should have, and which are out
/// of date.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    #[command(flatten)]
    question: Question,

    #[command(flatten)]
    live: OfCluster,

    #[command(flatten)]
    installation: installation::InstallationArgs,

    #[command(flatten)]
    fix: fix::FixArgs,

    /// The output format
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Format,
}

const NOTES: &str = "\
EXAMPLES
  multipod check -f app.yaml
  kustomize build . | multipod check --kubernetes-version 1.28
  multipod check -f manifests/ -R -o json
  multipod check -f manifests/ -R --fix
  multipod check -f app.yaml --diff | patch -p0
  multipod check --pre
  multipod check --install
  multipod check --cluster
  multipod check --cluster --namespace shop -o openmetrics

EXIT CODES
  0  no errors and no warnings; with a cluster, nothing is wrong
  1  errors or warnings, with --fix those that remain; with --diff, something would change;
     with a cluster, something is wrong
  2  something could not be read, or the cluster did not answer";

const NOT_IN_FORCE: &str = "policies and patterns among the manifests are checked, and not in force here: give their directory with --policy-dir";

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        if self.installation.are_given() {
            return self.installation.run(&self.live.place, self.output.of_files()?);
        }
        if let Some(reach) = self.live.reach() {
            return cluster::check(self.question.context(), &reach, self.output);
        }
        let format = self.output.of_files()?;
        let Asked { sources, cluster, annotate, unread } = self.question.read()?;
        let look = |sources: &[Source]| Report::of(&Manifests::read(sources), &cluster, &annotate).findings;
        let Mending { sources, made, printed: mended, failures } =
            self.fix.carry_out(sources, format, look)?;
        let manifests = Manifests::read(&sources);
        let report = Report { made, is_written: self.fix.fix, ..Report::of(&manifests, &cluster, &annotate) };
        let code = match (manifests.findings.is_empty(), report.findings.is_empty()) {
            (true, true) => u8::from(self.fix.diff && !report.made.is_empty()),
            (true, false) => 1,
            (false, _) => 2,
        };
        let code = ExitCode::from(code);
        let code = if let Some(mended) = mended {
            report::aside(&report.lines(Width::of(&io::stderr())));
            output::print(&mended, code)?
        } else {
            let text = match format {
                output::Format::Json => json(&report.as_json()),
                output::Format::Text => printed(&report.lines(Width::of(&io::stdout()))),
            };
            output::print(&text, code)?
        };
        both(unread.or(()), Failure::unless_empty(failures, ()))?;
        Ok(code)
    }
}

struct Report {
    findings: Vec<Finding>,
    /// The number of pods and pod templates.
    pods: usize,
    /// What concerns no pod alone, and is no reason to fail.
    notes: Vec<String>,
    /// What was mended before.
    made: Vec<Made>,
    /// Whether that is written.
    is_written: bool,
}

impl Report {
    fn of(manifests: &Manifests<'_>, cluster: &Cluster, annotate: &[Annotation]) -> Report {
        let of_kind = |kind| -> Vec<Opened<'_>> { manifests.of_kind(kind).collect() };
        let (with_services, with_maps) = (of_kind(Services::KIND), of_kind(ConfigMaps::KIND));
        let services = Services::of(&with_services, cluster);
        let config_maps = ConfigMaps::of(&with_maps, cluster);
        let (mut pods, mut keys, mut past) = (0, Vec::new(), Vec::new());
        let (mut needs_own_image, mut written) = (false, Written::default());
        let outcome = manifest::inject_seen(manifests, cluster, annotate, None, |examined| match examined {
            Examined::Other(placed, _) => {
                written.see(placed);
                keys.extend(keys::findings(placed));
            }
            Examined::Template(template) => {
                pods += 1;
                keys.extend(keys::findings(&template.target.placed));
                past.extend(services.past(template));
                past.extend(config_maps.cut_off(template));
                needs_own_image |= template.images().any(|image| image == OWN_IMAGE);
            }
        });
        let mut findings = outcome.findings;
        findings.extend(keys);
        findings.extend(past);
        let written = written.read();
        findings.extend(written.findings(manifests));
        findings.extend(without_objects(manifests, &findings));
        // The layout that inject would give a document does not concern the author of the manifest here.
        findings.retain(|finding| finding.level != Level::Note && finding.slug != "laid_out_anew");
        let names = manifests.readable.iter().enumerate().rev();
        let files: HashMap<_, _> = names.map(|(index, manifest)| (manifest.name, index)).collect();
        findings
            .sort_by_cached_key(|finding| (files.get(&*finding.file).copied(), finding.line, finding.column));
        let own_image = needs_own_image.then(|| {
            format!(
                "pods get the image {OWN_IMAGE}, which no registry has: push it to one of yours, name it with `image` or `registry` \
                 in the settings, and give the settings with --config"
            )
        });
        let without_force = (!written.are_in_force(cluster)).then(|| NOT_IN_FORCE.to_owned());
        let notes = own_image.into_iter().chain(without_force).collect();
        Report { findings, pods, notes, made: Vec::new(), is_written: false }
    }

    fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    fn lines(&self, width: Width) -> Vec<Line> {
        let fixed = if self.is_written { "fixed" } else { "fixable" };
        let mut lines = fix::lines(&self.made, fixed, width);
        lines.extend(self.findings.iter().flat_map(|finding| rendered(finding, width)));
        for note in &self.notes {
            let note = Line::of(Tone::Strong, "note").and(Tone::Plain, format!(": {note}"));
            lines.extend(width.prose(note, report::HANG));
        }
        let sign = if self.findings.is_empty() { Line::of(Tone::Ours, "✓ ") } else { Line::default() };
        let mut summary = String::new();
        for (count, what) in [(self.count(Level::Error), "error"), (self.count(Level::Warning), "warning")] {
            // Writing to a string cannot fail.
            let _ = write!(
                summary,
                "{}{count} {what}{}",
                if summary.is_empty() { "" } else { ", " },
                plural(count)
            );
        }
        let _ = write!(summary, " in {} pod{}", self.pods, plural(self.pods));
        if !self.made.is_empty() {
            let _ = write!(summary, ", {} {fixed}", self.made.len());
        }
        lines.push(sign.and(Tone::Strong, summary));
        lines
    }

    fn as_json(&self) -> JsonReport<'_> {
        let findings = self.findings.iter().map(|finding| JsonFinding {
            level: level(finding.level),
            reason: finding.slug,
            message: finding.whole(),
            file: &finding.file,
            line: finding.line,
            column: finding.column,
            subject: &finding.subject,
        });
        JsonReport {
            schema: 1,
            errors: self.count(Level::Error),
            warnings: self.count(Level::Warning),
            pods: self.pods,
            findings: findings.collect(),
            fixed: self.made.iter().map(JsonMend::of).collect(),
            notes: &self.notes,
        }
    }
}

/// Files in which there is nothing to check, so that nothing found there is no good news. Where something is wrong already,
/// that is why.
fn without_objects(manifests: &Manifests<'_>, findings: &[Finding]) -> Vec<Finding> {
    let wrong = findings.iter().chain(&manifests.findings).filter(|finding| finding.level != Level::Note);
    let with: HashSet<&str> = wrong.map(|finding| &*finding.file).collect();
    let without = manifests.readable.iter();
    let without = without.filter(|manifest| !manifest.has_objects() && !with.contains(manifest.name));
    let finding = |manifest: &Manifest<'_>| Finding {
        level: Level::Warning,
        slug: "no_object",
        message: "there is no Kubernetes object in this file".to_owned(),
        file: manifest.name.to_owned(),
        line: 1,
        column: 1,
        subject: String::new(),
        mark: None,
        mend: None,
    };
    without.map(finding).collect()
}

/// `FILE:LINE:COLUMN: LEVEL: MESSAGE`, which editors understand.
fn rendered(finding: &Finding, width: Width) -> Vec<Line> {
    let tone = if finding.level == Level::Error { Tone::Bad } else { Tone::Caution };
    let head = Line::of(Tone::Strong, format!("{}:{}:{}: ", finding.file, finding.line, finding.column))
        .and(tone, format!("{}: ", level(finding.level)))
        .and(Tone::Plain, finding.title())
        .and(Tone::Quiet, format!(" [{}]", finding.slug));
    let head = width.prose(head, report::HANG);
    head.into_iter().chain(report::body(finding, width)).chain([Line::default()]).collect()
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

#[derive(Serialize)]
struct JsonReport<'f> {
    /// Grows when a field is removed or changes its meaning; new fields may be added at any time.
    schema: u8,
    errors: usize,
    warnings: usize,
    pods: usize,
    findings: Vec<JsonFinding<'f>>,
    /// What --fix has written.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixed: Vec<JsonMend<'f>>,
    notes: &'f [String],
}

#[derive(Serialize)]
struct JsonFinding<'f> {
    level: &'static str,
    reason: &'static str,
    message: String,
    file: &'f str,
    line: usize,
    column: usize,
    subject: &'f str,
}
