//! Standard output: all of the text or none, and no error if its reader closes it early.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Value, json};

use crate::manifest::{self, Outcome};

use super::line::{self, Line};
use super::report::Failure;

/// The output format of what is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Text,
    /// For machines
    Json,
}

/// How something is told.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Told {
    /// How to tell it
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value_t)]
    pub(super) output: Format,
}

/// The output format of manifests.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(super) enum ManifestFormat {
    /// As it was written, with the changes
    #[default]
    Yaml,
    /// One object as itself, several as a List
    Json,
}

pub(super) fn manifests(outcome: &Outcome<'_>, format: ManifestFormat) -> Result<ExitCode, Failure> {
    let text = match format {
        ManifestFormat::Yaml => manifest::yaml(&outcome.texts),
        ManifestFormat::Json => manifest::json(&outcome.texts),
    };
    print(&text, ExitCode::SUCCESS)
}

/// Objects that a command has made, and on top of them, as comments, what people should know.
pub(super) fn objects(
    objects: &[Value],
    (heading, known): (&str, &[String]),
    format: ManifestFormat,
) -> Result<ExitCode, Failure> {
    let text = match format {
        ManifestFormat::Yaml => {
            let known: Vec<String> = known.iter().map(|sentence| format!("# - {sentence}.\n")).collect();
            let objects: Vec<String> = objects.iter().map(multipod_yaml::emit).collect();
            // No `---` above the first: an API server that reads such a file takes comments alone for a broken object,
            // and does not start.
            format!("# {heading}\n{}{}", known.concat(), objects.join("---\n"))
        }
        ManifestFormat::Json => json(&json!({"apiVersion": "v1", "kind": "List", "items": objects})),
    };
    print(&text, ExitCode::SUCCESS)
}

/// Pretty, with a line break at its end.
pub(super) fn json(value: &impl Serialize) -> String {
    // Strings and numbers in structs always serialise.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// Lines as the standard output takes them.
pub(super) fn printed(lines: &[Line]) -> String {
    line::shown(lines, &io::stdout())
}

/// Prints a text and returns `code`. A reader that closes the pipe early, such as `head`, is no error.
pub(super) fn print(text: &str, code: ExitCode) -> Result<ExitCode, Failure> {
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::one(format!("cannot write to the standard output: {error}")))
        }
        _ => Ok(code),
    }
}
