//! `multipod test`.

mod folder;
mod junit;
mod tested;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::manifest::case::Case;

use super::color::Styles;
use super::output;
use super::report::Failure;
use folder::Folder;
use tested::{Outcome, Tested};

/// Test policies and patterns with example pods
///
/// A directory with an input.yaml is a case. The command decides as the webhook does, and compares the result with the other
/// files of the directory.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    /// A case, or a directory of cases
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,

    /// Write the results of the cases instead of comparing them
    #[arg(long)]
    bless: bool,

    /// The output format
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value_t)]
    output: Format,
}

/// How the results are told.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For CI systems
    Junit,
}

const NOTES: &str = "\
FILES OF A CASE
  input.yaml      one Pod, as users write it or as the API server sends it
  policy.yaml, pattern.yaml
                  policies and patterns, any number of documents in each
  namespace.yaml  the Namespace that the pod is in
  settings.yaml   the settings of the cluster
  version.txt     its version, such as 1.36
  expected.yaml   the pod afterwards, or
  skipped.txt     why it stays unchanged, or
  denied.txt      why it is rejected
  warnings.txt    the warnings that the user gets, if any
  mistakes.txt    the mistakes in the policies, if the case is about mistakes
  Files about the environment of the pod can also be in a parent directory, up to DIR.

EXAMPLES
  multipod test tests/
  multipod test tests/ --bless
  multipod test tests/ -o junit > report.xml

EXIT CODES
  0  every case has the expected result
  1  some do not
  2  a case could not be read, or there is none";

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let mut tested = Vec::new();
        let mut unread = Failure::default();
        for root in &self.folders {
            match folder::cases(root) {
                Ok(folders) => tested.extend(folders.into_iter().map(|folder| {
                    let result = test(&folder, self.bless);
                    Tested { name: folder.name, result }
                })),
                Err(failure) => unread = unread.and(failure),
            }
        }
        if tested.is_empty() {
            return Err(unread);
        }
        let text = match self.output {
            Format::Text => told(&tested),
            Format::Junit => junit::report(&tested),
        };
        let code = if tested.iter().any(|one| one.result.is_err()) {
            2
        } else {
            u8::from(tested.iter().any(Tested::is_different))
        };
        let code = output::print(&text, ExitCode::from(code))?;
        unread.or(code)
    }
}

fn test(folder: &Folder, bless: bool) -> Result<Outcome, Vec<String>> {
    let files = folder.files().map_err(|why| vec![why])?;
    let ended = match Case::read(&files)?.run() {
        Ok(ended) => ended,
        Err(why) => return Ok(Outcome::Broken(why)),
    };
    let differences = ended.differences(&files);
    if differences.is_empty() {
        return Ok(Outcome::Same);
    }
    if bless {
        folder.write(&ended).map_err(|why| vec![why])?;
        return Ok(Outcome::Written);
    }
    Ok(Outcome::Different(differences))
}

fn told(tested: &[Tested]) -> String {
    let styles = Styles::of_output();
    let Styles { strong, error, added, .. } = styles;
    let mut out = String::new();
    for one in tested {
        let (style, word) = match &one.result {
            Ok(Outcome::Same) => (added, "ok     "),
            Ok(Outcome::Written) => (strong, "written"),
            Ok(Outcome::Different(_) | Outcome::Broken(_)) => (error, "FAILED "),
            Err(_) => (error, "ERROR  "),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{style}{word}{style:#} {}", one.name);
        out.push_str(&one.fault(styles));
    }
    let count = |which: fn(&Tested) -> bool| tested.iter().filter(|one| which(one)).count();
    let (failed, unread) = (count(Tested::is_different), count(|one| one.result.is_err()));
    let _ = writeln!(
        out,
        "{strong}{} tested, {failed} failed, {unread} could not be read{strong:#}",
        tested.len()
    );
    out
}
