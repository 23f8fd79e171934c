//! `multipod check --cluster`: whether the pods of a cluster have what they should have.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use crate::cluster::Reach;
use crate::live::State;
use crate::live::coverage::{Coverage, Found};

use super::super::context::ContextArgs;
use super::super::line::{Line, Tone};
use super::super::live::{given, in_force, wait};
use super::super::output::{self, json, printed};
use super::super::report::Failure;
use super::format::{Format, plural};

pub(super) fn check(context: &ContextArgs, reach: &Reach, format: Format) -> Result<ExitCode, Failure> {
    let (namespace, policy_dir, config) = context.of_cluster();
    let given = given(policy_dir, config)?;
    let coverage = wait(async {
        let (reader, in_force) = in_force(reach, given).await?;
        reader.coverage(&in_force.known, namespace).await
    })?;
    let text = match format {
        Format::Text => printed(&lines(&coverage)),
        Format::Json => json(&Answer::of(&coverage)),
        Format::Openmetrics => open_metrics(&coverage),
    };
    output::print(&text, ExitCode::from(u8::from(coverage.found().next().is_some())))
}

fn lines(coverage: &Coverage) -> Vec<Line> {
    let mut lines: Vec<Line> = coverage.found().flat_map(told).collect();
    let counts = State::ALL.map(|state| format!("{} {}", coverage.total(state), state.slug()));
    let pods: usize = State::ALL.iter().map(|state| coverage.total(*state)).sum();
    let namespaces = coverage.namespaces().len();
    lines.push(Line::of(
        Tone::Strong,
        format!(
            "{pods} pod{} in {namespaces} namespace{}: {}",
            plural(pods),
            plural(namespaces),
            counts.join(", ")
        ),
    ));
    lines
}

fn told(found: &Found) -> Vec<Line> {
    let tone = if found.state == State::Stale.slug() { Tone::Caution } else { Tone::Bad };
    let head = Line::of(Tone::Strong, format!("{}/{} {}: ", found.namespace, found.kind, found.name))
        .and(tone, format!("{} pod{} {}: ", found.pods, plural(found.pods), found.state))
        .and(Tone::Plain, &found.because)
        .and(Tone::Quiet, format!(" [{}]", found.reason));
    let details = found.differences.iter().map(|one| Line::plain(format!("    {one}")));
    let more = Line::of(Tone::Quiet, format!("    multipod why {} -n {}", found.such_as, found.namespace));
    std::iter::once(head).chain(details).chain([more]).collect()
}

#[derive(Serialize)]
struct Answer<'c> {
    /// Grows when a field changes its meaning or goes; new fields may come at any time.
    schema: u8,
    namespaces: serde_json::Value,
    findings: Vec<&'c Found>,
}

impl Answer<'_> {
    fn of(coverage: &Coverage) -> Answer<'_> {
        let namespaces = coverage.namespaces().map(|(name, counts)| {
            let counts = counts.map(|(state, count)| (state.slug().to_owned(), count.into()));
            (name.to_owned(), serde_json::Value::Object(counts.into_iter().collect()))
        });
        Answer { schema: 1, namespaces: namespaces.collect(), findings: coverage.found().collect() }
    }
}

fn open_metrics(coverage: &Coverage) -> String {
    let mut text = "\
# TYPE multipod_cluster_pods gauge
# HELP multipod_cluster_pods Pods by how they stand to what would be decided about them now.
"
    .to_owned();
    for (namespace, counts) in coverage.namespaces() {
        for (state, count) in counts {
            // Names of namespaces need no escape, and writing to a string cannot fail.
            let _ = writeln!(
                text,
                "multipod_cluster_pods{{namespace=\"{namespace}\",state=\"{}\"}} {count}",
                state.slug()
            );
        }
    }
    text + "# EOF\n"
}
