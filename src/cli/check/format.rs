//! How findings are told, of files and of clusters.

use crate::cli::output;
use crate::cli::report::Failure;

/// How findings are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Text,
    /// For machines
    Json,
    /// For monitoring, with --cluster only
    Openmetrics,
}

impl Format {
    /// The same for what counts no pods.
    pub(super) fn of_files(self) -> Result<output::Format, Failure> {
        match self {
            Format::Text => Ok(output::Format::Text),
            Format::Json => Ok(output::Format::Json),
            Format::Openmetrics => {
                Err(Failure::one("-o openmetrics counts the pods of a cluster: add --cluster"))
            }
        }
    }
}

pub(super) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
