//! `multipod restart`.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use crate::cluster::{Restarts, Workload};
use crate::live::coverage::Found;

use super::line::{Line, Tone};
use super::live::{Surroundings, in_force, wait};
use super::output::{self, printed};
use super::report::Failure;

/// Restart workloads whose pods are out of date
///
/// Finds the workloads as check --cluster does, lists them, asks for confirmation, and restarts them as kubectl rollout restart
/// does: a few at a time, each only if its disruption budgets allow it, and the next only after a rollout is complete.
/// Workloads that share a disruption budget restart one after the other. If one fails, it starts no other, and lists which
/// are restarted, which are in flight, and which were not started.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    /// Workloads whose pods are out of date or lack something
    #[arg(long, required = true)]
    stale: bool,

    /// Only in this namespace
    #[arg(short = 'n', long, value_name = "NAME")]
    namespace: Option<String>,

    /// Only list them
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,

    /// Do not ask for confirmation
    #[arg(short = 'y', long)]
    yes: bool,

    /// How many workloads at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    at_once: u8,

    /// How long one workload may take, including the time that it waits
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    timeout: u32,

    #[command(flatten)]
    surroundings: Surroundings,
}

const NOTES: &str = "\
EXAMPLES
  multipod restart --stale --dry-run
  multipod restart --stale --namespace shop
  multipod restart --stale --yes --at-once 1

EXIT CODES
  0  all were restarted, there was nothing to restart, or you declined
  1  with --dry-run: some would be restarted
  2  something could not be read, or a rollout did not complete in time";

/// The kinds that roll.
const ROLLED: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let given = self.surroundings.given()?;
        wait(async {
            let (reader, in_force) = in_force(&self.surroundings.place.reach(), given).await?;
            let coverage = reader.coverage(&in_force.known, self.namespace.as_deref()).await?;
            let (rolled, others): (Vec<&Found>, Vec<&Found>) =
                coverage.found().partition(|found| found.cured_by_restart && ROLLED.contains(&&*found.kind));
            let mut lines: Vec<Line> = others.into_iter().map(left).collect();
            let workloads = workloads(&rolled);
            lines.extend(workloads.iter().map(|(workload, why)| shown(workload, why)));
            if workloads.is_empty() {
                lines.push(Line::plain("there is nothing to restart"));
            }
            tell(&printed(&lines))?;
            if workloads.is_empty() {
                return Ok(ExitCode::SUCCESS);
            }
            if self.dry_run {
                return Ok(ExitCode::from(1));
            }
            if !self.yes && !is_wanted(workloads.len())? {
                return Ok(ExitCode::SUCCESS);
            }
            let workloads: Vec<Workload> = workloads.into_keys().collect();
            let restarts = Restarts {
                at_once: usize::from(self.at_once),
                timeout: Duration::from_secs(u64::from(self.timeout)),
            };
            let hear = |workload: &Workload, what: &str| {
                let name = format!("{}/{} {}", workload.namespace, workload.kind, workload.name);
                let line = Line::of(Tone::Strong, name).and(Tone::Plain, format!(" {what}"));
                // Nobody who has closed the output wants the work to end in the middle.
                let _ = tell(&printed(&[line]));
            };
            restarts.run(&reader, &workloads, hear).await?;
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// Each once, with why.
fn workloads(found: &[&Found]) -> BTreeMap<Workload, String> {
    let mut all: BTreeMap<Workload, String> = BTreeMap::new();
    for one in found {
        let workload =
            Workload { namespace: one.namespace.clone(), kind: one.kind.clone(), name: one.name.clone() };
        all.entry(workload).or_insert_with(|| format!("{} [{}]", one.because, one.reason));
    }
    all
}

fn shown(workload: &Workload, why: &str) -> Line {
    Line::of(Tone::Strong, format!("{}/{} {}", workload.namespace, workload.kind, workload.name))
        .and(Tone::Plain, format!(": {why}"))
}

fn left(found: &Found) -> Line {
    let why = if found.cured_by_restart {
        format!("nothing rolls a {}; make it again by hand", found.kind)
    } else {
        format!("a restart would not help: {}", found.because)
    };
    Line::of(Tone::Quiet, format!("{}/{} {} is left alone: {why}", found.namespace, found.kind, found.name))
}

fn tell(text: &str) -> Result<(), String> {
    output::print(text, ExitCode::SUCCESS)
        .map(drop)
        .map_err(|_| "cannot write to the standard output".to_owned())
}

fn is_wanted(count: usize) -> Result<bool, String> {
    if !io::stdin().is_terminal() {
        return Err("nobody can be asked here: --yes restarts them, --dry-run only shows them".to_owned());
    }
    let plural = if count == 1 { "" } else { "s" };
    tell(&format!("Restart {count} workload{plural}? [y/N] "))?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|error| error.to_string())?;
    let _ = io::stdout().flush();
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
