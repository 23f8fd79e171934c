//! `multipod check --pre` and `--install`: whether a cluster is ready for multipod, and whether the multipod in it works.

mod access;
mod certificate;
mod found;
mod images;
mod injection;
mod objects;
mod others;
mod pre;
mod rights;
mod webhooks;

use std::process::ExitCode;

use tokio::runtime::Builder;

use crate::cli::live::Where;
use crate::cli::output::{self, Format, json, printed};
use crate::cli::report::Failure;
use access::Access;
use found::Report;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Instead of files, a cluster")]
pub(super) struct InstallationArgs {
    /// Whether the cluster is ready for an installation
    #[arg(long, conflicts_with_all = ["install", "cluster", "named", "files"])]
    pre: bool,

    /// Whether the installation in the cluster works
    #[arg(long, conflicts_with_all = ["cluster", "named", "files"])]
    install: bool,

    /// Where multipod is, or will be
    #[arg(long, value_name = "NAMESPACE", default_value = "multipod-system")]
    installed_in: String,

    /// Where a pod is made as a dry run
    #[arg(long, value_name = "NAMESPACE", default_value = "default")]
    dry_run_in: String,
}

impl InstallationArgs {
    /// Whether a cluster is meant, and no files.
    pub(super) fn are_given(&self) -> bool {
        self.pre || self.install
    }

    pub(super) fn run(self, place: &Where, format: Format) -> Result<ExitCode, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::one(format!("cannot start: {error}")))?;
        let report = runtime.block_on(self.report(place))?;
        let text = match format {
            Format::Json => json(&report.as_json()),
            Format::Text => printed(&report.lines()),
        };
        output::print(&text, ExitCode::from(u8::from(report.has_bad())))
    }

    async fn report(self, place: &Where) -> Result<Report, Failure> {
        let reach = place.reach();
        let access = Access::open(&reach, self.installed_in, self.dry_run_in);
        let access = access.await.map_err(Failure::one)?;
        let mut report = Report::default();
        access.version(&mut report).map_err(Failure::one)?;
        if self.pre {
            rights::check(&access, &mut report).await;
            pre::check(&access, &mut report).await;
            others::check(&access, &mut report).await;
        } else {
            let bundle = webhooks::check(&access, &mut report).await;
            objects::check(&access, &mut report).await;
            certificate::check(&access, bundle.as_deref(), &mut report).await;
            objects::check_policies(&access, &mut report).await;
            injection::check(&access, &mut report).await;
        }
        Ok(report)
    }
}
