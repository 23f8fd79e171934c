//! `multipod policies`.

use std::process::ExitCode;

use multipod_engine::policy;
use serde::Serialize;

use crate::cluster::Reader;
use crate::live::in_force::{Row, Says, rows};

use super::context::policy_files;
use super::line::{Line, Tone};
use super::live::{Surroundings, wait};
use super::output::{self, Format, Told, json, printed};
use super::report::{self, Failure};

/// List the policies in force, what each is for, who gives way, and where they disagree
///
/// Reads the InjectionPolicy objects of a cluster, and the policies that its installation has in files. With --policy-dir alone
/// it reads that folder, and no cluster.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    #[command(flatten)]
    surroundings: Surroundings,

    #[command(flatten)]
    told: Told,
}

const NOTES: &str = "\
EXAMPLES
  multipod policies
  multipod policies -o json
  multipod policies --policy-dir policies/

EXIT CODES
  0  the policies were told
  1  likewise, and one has a mistake or certainly disagrees with another
  2  something could not be read";

#[derive(Serialize)]
struct Answer<'r> {
    /// Grows when a field changes its meaning or goes; new fields may come at any time.
    schema: u8,
    policies: &'r [Row],
}

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let rows = match self.surroundings.policy_dir() {
            Some(folder) if !self.surroundings.place.is_named() => {
                let loaded = policy::load(&policy_files(folder)?);
                let illegible: Vec<String> = loaded.illegible.iter().map(ToString::to_string).collect();
                Failure::unless_empty(illegible, rows(&loaded.objects, &loaded.policies))?
            }
            _ => {
                let given = self.surroundings.given()?;
                wait(async {
                    let reader = Reader::connect(&self.surroundings.place.reach()).await?;
                    let in_force = reader.in_force(given).await?;
                    in_force.notes.iter().for_each(|note| report::note(note));
                    Ok(rows(&in_force.objects, &in_force.known.policies))
                })?
            }
        };
        let text = match self.told.output {
            Format::Json => json(&Answer { schema: 1, policies: &rows }),
            Format::Text => printed(&lines(&rows)),
        };
        output::print(&text, ExitCode::from(u8::from(rows.iter().any(is_wrong))))
    }
}

fn is_wrong(row: &Row) -> bool {
    let mut conflicts = row.says.iter().flat_map(|says| &says.conflicts);
    !row.problems.is_empty() || conflicts.any(|conflict| conflict.certain)
}

fn lines(rows: &[Row]) -> Vec<Line> {
    if rows.is_empty() {
        return vec![Line::plain("there are no policies")];
    }
    let mut lines = Vec::new();
    for row in rows {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(one(row));
    }
    lines
}

fn one(row: &Row) -> Vec<Line> {
    let standing = match row.standing {
        "in_force" => Line::of(Tone::Ours, "in force"),
        "last_good" => Line::of(Tone::Caution, "the version before counts"),
        "refusing" => Line::of(Tone::Bad, "refuses the pods that it may be for"),
        _ => Line::of(Tone::Bad, "counts for nothing"),
    };
    let mode = row.says.as_ref().map(|says| match says.percent {
        100 => format!("{}, ", says.mode),
        percent => format!("{}, {percent} % of its workloads, ", says.mode),
    });
    let head = Line::of(Tone::Strong, &row.name)
        .and(Tone::Plain, format!("  {}", mode.unwrap_or_default()))
        .join(standing)
        .and(Tone::Quiet, format!("  {}", row.place));
    let mut lines = vec![head];
    let mut tell = |what: &str, tone: Tone, texts: Vec<String>| {
        for (at, text) in texts.iter().enumerate() {
            let what = if at == 0 { what } else { "" };
            let parts = text.lines().enumerate();
            lines.extend(parts.map(|(part, text)| {
                Line::of(Tone::Quiet, format!("  {:<14}", if part == 0 { what } else { "" })).and(tone, text)
            }));
        }
    };
    if let Some(says) = &row.says {
        let everything = vec!["all pods".to_owned()];
        tell("for", Tone::Plain, if says.matches.is_empty() { everything } else { says.matches.clone() });
        tell("sets", Tone::Plain, sets(says));
        tell("obstacles", Tone::Plain, obstacles(says));
        tell("bounds", Tone::Plain, says.bounds.clone());
        tell("gives way to", Tone::Plain, says.gives_way_to.clone());
        let conflicts = says.conflicts.iter().map(|conflict| {
            let surely = if conflict.certain { "" } else { ", where both are for a pod" };
            format!(
                "with {} about {}: {:?} here, {:?} there{surely}",
                conflict.with, conflict.about, conflict.here, conflict.there
            )
        });
        tell("disagrees", Tone::Caution, conflicts.collect());
    }
    tell("wrong", Tone::Bad, row.problems.clone());
    lines
}

/// Only what is not the rule of its mode.
fn obstacles(says: &Says) -> Vec<String> {
    let told = match (says.mode, says.on_obstacle) {
        ("enforce", "skip") => "pods that cannot have it are left without",
        ("default" | "audit", "deny") => "pods that cannot have it are refused",
        _ => return Vec::new(),
    };
    vec![told.to_owned()]
}

fn sets(says: &Says) -> Vec<String> {
    let keys = says.annotations.iter().map(|(key, value)| match &*says.containers {
        "default" => format!("{key}: {value:?}"),
        containers => format!("{key}: {value:?}  (containers: {containers})"),
    });
    let names = says.upstreams.iter().chain(&says.destinations);
    keys.chain(names.map(|(name, value)| format!("@{name}: {value}"))).collect()
}
