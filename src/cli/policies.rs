//! `multipod policies`.

use std::process::ExitCode;

use serde::Serialize;

use crate::live::Changes;
use crate::live::in_force::{Adds, InForce, Row, Says};

use super::context::{load, problems};
use super::line::{Line, Tone};
use super::live::{Surroundings, in_force, wait};
use super::output::{self, Format, Told, json, printed};
use super::report::{Failure, both};

/// List the policies and patterns in force: what each applies to, and which conflict
///
/// Reads the InjectionPolicy and Pattern objects of a cluster, and the files of its installation. With --policy-dir alone, it
/// reads that directory and no cluster.
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
  0  the policies and patterns were printed
  1  the same, and one has a mistake or certainly contradicts another
  2  something could not be read";

#[derive(Serialize)]
struct Answer<'r> {
    /// Grows when a field changes its meaning or goes; new fields may come at any time.
    schema: u8,
    #[serde(flatten)]
    in_force: &'r InForce,
}

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let in_force = match self.surroundings.policy_dir() {
            Some(folder) if !self.surroundings.place.is_named() => {
                let ((loaded, files), _) = both(load(folder), self.surroundings.given())?;
                if !loaded.illegible.is_empty() {
                    return Err(problems(&loaded.problems, &files));
                }
                InForce::of(&loaded.objects, (&loaded.policies, &loaded.catalogue), &Changes::new())
            }
            _ => {
                let given = self.surroundings.given()?;
                wait(async {
                    let (_, in_force) = in_force(&self.surroundings.place.reach(), given).await?;
                    let known = &in_force.known;
                    Ok(InForce::of(&in_force.objects, (&known.policies, &known.catalogue), &known.changed))
                })?
            }
        };
        let text = match self.told.output {
            Format::Json => json(&Answer { schema: 1, in_force: &in_force }),
            Format::Text => printed(&lines(&in_force)),
        };
        output::print(&text, ExitCode::from(u8::from(is_wrong(&in_force))))
    }
}

fn is_wrong(in_force: &InForce) -> bool {
    let is_certain =
        |row: &Row<Says>| row.says.iter().flat_map(|says| &says.conflicts).any(|one| one.certain);
    in_force.policies.iter().any(|row| !row.problems.is_empty() || is_certain(row))
        || in_force.patterns.iter().any(|row| !row.problems.is_empty())
}

fn lines(in_force: &InForce) -> Vec<Line> {
    let mut each: Vec<Vec<Line>> = in_force.policies.iter().map(policy).collect();
    if each.is_empty() {
        each.push(vec![Line::plain("there are no policies")]);
    }
    each.extend(in_force.patterns.iter().map(pattern));
    each.join(&Line::default())
}

fn policy(row: &Row<Says>) -> Vec<Line> {
    let mode = row.says.as_ref().map(|says| match says.percent {
        100 => format!("{}, ", says.mode),
        percent => format!("{}, {percent} % of its workloads, ", says.mode),
    });
    let mut lines = vec![head(row, &mode.unwrap_or_default())];
    let mut tell = |what: &str, tone: Tone, texts: Vec<String>| tell(&mut lines, what, tone, texts);
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
    tell("since", Tone::Plain, row.since.iter().cloned().collect());
    tell("wrong", Tone::Bad, row.problems.clone());
    lines
}

fn pattern(row: &Row<Adds>) -> Vec<Line> {
    let kind = row.says.as_ref().map(|adds| format!("pattern of {}, ", adds.key));
    let mut lines = vec![head(row, kind.as_deref().unwrap_or("pattern, "))];
    let mut tell = |what: &str, tone: Tone, texts: Vec<String>| tell(&mut lines, what, tone, texts);
    if let Some(adds) = &row.says {
        let about = Some(adds.description.clone()).filter(|about| !about.is_empty());
        tell("for", Tone::Plain, about.into_iter().collect());
        let nobody = vec!["no policy; pods may name it".to_owned()];
        tell("used by", Tone::Plain, if adds.used_by.is_empty() { nobody } else { adds.used_by.clone() });
    }
    tell("since", Tone::Plain, row.since.iter().cloned().collect());
    tell("wrong", Tone::Bad, row.problems.clone());
    lines
}

fn head<T>(row: &Row<T>, what: &str) -> Line {
    let standing = match row.standing {
        "in_force" => Line::of(Tone::Ours, "in force"),
        "last_good" => Line::of(Tone::Caution, "the version before counts"),
        "refusing" => Line::of(Tone::Bad, "refuses the pods that it may be for"),
        _ => Line::of(Tone::Bad, "counts for nothing"),
    };
    Line::of(Tone::Strong, &row.name)
        .and(Tone::Plain, format!("  {what}"))
        .join(standing)
        .and(Tone::Quiet, format!("  {}", row.place))
}

/// Under one word, each text on lines of its own.
fn tell(lines: &mut Vec<Line>, what: &str, tone: Tone, texts: Vec<String>) {
    for (at, text) in texts.into_iter().enumerate() {
        let what = if at == 0 { what } else { "" };
        let parts = text.lines().enumerate();
        lines.extend(parts.map(|(part, text)| {
            Line::of(Tone::Quiet, format!("  {:<14}", if part == 0 { what } else { "" })).and(tone, text)
        }));
    }
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
