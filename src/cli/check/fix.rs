//! `multipod check --fix`: writes what is certain, and tells it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process;

use serde::Serialize;

use crate::cli::color::Styles;
use crate::cli::diff::unified;
use crate::cli::input::STDIN_NAME;
use crate::cli::line::{Line, Tone};
use crate::cli::output;
use crate::cli::report::{self, Failure};
use crate::cli::width::Width;
use crate::manifest::{self, Finding, Fixed, Made, Source};

#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct FixArgs {
    /// Write into the files what is certain, and report what remains; of the standard input, print the mended manifests
    #[arg(long, conflicts_with_all = ["cluster", "install", "pre"])]
    pub(super) fix: bool,

    /// Print what --fix would write as a unified diff, and write nothing
    #[arg(long, conflicts_with_all = ["cluster", "install", "pre", "fix", "output"])]
    pub(super) diff: bool,
}

/// What came of mending.
pub(super) struct Mending {
    /// As they are now; with --diff, as they would be.
    pub(super) sources: Vec<Source>,
    pub(super) made: Vec<Made>,
    /// What the standard output gets instead of the report.
    pub(super) printed: Option<String>,
    /// Why files could not be written.
    pub(super) failures: Vec<String>,
}

impl FixArgs {
    /// Mends what is certain, if that is asked for.
    pub(super) fn carry_out(
        self,
        sources: Vec<Source>,
        format: output::Format,
        look: impl Fn(&[Source]) -> Vec<Finding>,
    ) -> Result<Mending, Failure> {
        if !self.fix && !self.diff {
            return Ok(Mending { sources, made: Vec::new(), printed: None, failures: Vec::new() });
        }
        let stdin = sources.iter().position(|source| source.name == STDIN_NAME);
        if stdin.is_some() && format == output::Format::Json {
            return Err(Failure::one(
                "with --fix, the standard output has the mended manifests of the standard input: name files, or leave out -o json",
            ));
        }
        let Fixed { sources: mut after, mut made } = manifest::fixed(sources.clone(), look);
        let file = |made: &Made| sources.iter().position(|source| source.name == made.finding.file);
        made.sort_by_key(|made| (file(made), made.finding.line, made.finding.column));
        if self.diff {
            let styles = Styles::of_output();
            let changed = sources.iter().zip(&after).filter(|(before, after)| before.text != after.text);
            let diffs =
                changed.map(|(before, after)| unified(&before.name, &before.text, &after.text, styles));
            return Ok(Mending {
                printed: Some(diffs.collect()),
                sources: after,
                made,
                failures: Vec::new(),
            });
        }
        let failures = write(&sources, &mut after);
        let is_written = |made: &Made| {
            let mut pairs = sources.iter().zip(&after);
            pairs.any(|(before, after)| before.name == made.finding.file && before.text != after.text)
        };
        made.retain(is_written);
        let printed = stdin.and_then(|stdin| after.get(stdin)).map(|source| source.text.clone());
        Ok(Mending { sources: after, made, printed, failures })
    }
}

/// Writes what differs. Sources that cannot be written get their text back; the failures say why.
fn write(before: &[Source], after: &mut [Source]) -> Vec<String> {
    let mut failures = Vec::new();
    for (before, after) in before.iter().zip(after) {
        if before.text == after.text || before.name == STDIN_NAME {
            continue;
        }
        if let Err(why) = replace(Path::new(&before.name), &before.text, &after.text) {
            failures.push(format!("{}: not fixed: {why}", before.name));
            after.text.clone_from(&before.text);
        }
    }
    failures
}

/// Writes another text over that which was read, all of it or nothing. A link stays one: its target is written.
fn replace(path: &Path, before: &str, after: &str) -> Result<(), String> {
    let path = fs::canonicalize(path).map_err(|error| error.to_string())?;
    let bytes = fs::read(&path).map_err(|error| error.to_string())?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("it is UTF-16; convert it to UTF-8 first".to_owned());
    }
    if bytes == after.as_bytes() {
        // Named twice, and written already.
        return Ok(());
    }
    if bytes != before.as_bytes() {
        return Err("it has changed since it was read".to_owned());
    }
    let permissions = fs::metadata(&path).map_err(|error| error.to_string())?.permissions();
    if permissions.readonly() {
        return Err("it is read-only".to_owned());
    }
    let beside = beside(&path);
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
        file.write_all(after.as_bytes())?;
        file.set_permissions(permissions)?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    };
    written().map_err(|error| {
        // Where it is not there, there is nothing to remove.
        let _ = fs::remove_file(&beside);
        error.to_string()
    })
}

/// A name that no folder of manifests shows.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.multipod-{}", process::id()))
}

/// `FILE:LINE:COLUMN: fixed: WAS → IS`, or `fixable`
pub(super) fn lines(made: &[Made], fixed: &str, width: Width) -> Vec<Line> {
    let line = |made: &Made| {
        let (finding, mend) = (&made.finding, &made.mend);
        let place = format!("{}:{}:{}: ", finding.file, finding.line, finding.column);
        let line = Line::of(Tone::Strong, place)
            .and(Tone::Ours, format!("{fixed}: "))
            .and(Tone::Plain, format!("{} → {}", mend.was, mend.is))
            .and(Tone::Quiet, format!(" [{}]", finding.slug));
        width.prose(line, report::HANG)
    };
    made.iter().flat_map(line).collect()
}

#[derive(Serialize)]
pub(super) struct JsonMend<'m> {
    file: &'m str,
    line: usize,
    column: usize,
    reason: &'static str,
    was: &'m str,
    is: &'m str,
}

impl<'m> JsonMend<'m> {
    pub(super) fn of(made: &'m Made) -> JsonMend<'m> {
        let (finding, mend) = (&made.finding, &made.mend);
        JsonMend {
            file: &finding.file,
            line: finding.line,
            column: finding.column,
            reason: finding.slug,
            was: &mend.was,
            is: &mend.is,
        }
    }
}
