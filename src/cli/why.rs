//! `multipod why`.

use std::process::ExitCode;

use crate::live::Namespace;
use crate::live::why::{Why, why};

use super::explain::brief;
use super::line::{Line, Tone};
use super::live::{Surroundings, in_force, wait};
use super::output::{self, Format, Told, json, printed};
use super::report::Failure;

/// Explain why a live pod has a sidecar, or has none
///
/// Reads the pod, its owner, its namespace, and the policies, settings and webhooks of the cluster, and decides again about the
/// pod as it was before it was injected. The first line says the cause, the second what to do.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    /// The pod
    #[arg(value_name = "POD")]
    pod: String,

    /// Its namespace [default: that of the kubeconfig]
    #[arg(short = 'n', long, value_name = "NAME")]
    namespace: Option<String>,

    #[command(flatten)]
    surroundings: Surroundings,

    #[command(flatten)]
    told: Told,
}

const NOTES: &str = "\
EXAMPLES
  multipod why web-7d4b9c-x2x7k -n shop
  multipod why web-7d4b9c-x2x7k -n shop -o json

EXIT CODES
  0  the pod has what it should have, which can be nothing
  1  it lacks something, is out of date, or would be rejected
  2  something could not be read";

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let given = self.surroundings.given()?;
        let name = self.pod.strip_prefix("pod/").unwrap_or(&self.pod);
        let told = wait(async {
            let (reader, in_force) = in_force(&self.surroundings.place.reach(), given).await?;
            let namespace = self.namespace.as_deref().unwrap_or(&reader.namespace);
            let (pod, owners) = reader.pod(namespace, name).await?;
            let mut namespaces = reader.namespaces(Some(namespace)).await?;
            let namespace = namespaces.remove(namespace).unwrap_or_else(|| Namespace::named(namespace));
            Ok(why(&pod, &in_force.known, &namespace, &owners))
        })?;
        let text = match self.told.output {
            Format::Json => json(&told),
            Format::Text => printed(&lines(&told)),
        };
        output::print(&text, ExitCode::from(u8::from(told.is_wrong)))
    }
}

fn lines(why: &Why) -> Vec<Line> {
    let tone = if why.is_wrong { Tone::Bad } else { Tone::Strong };
    let mut lines = vec![
        Line::of(tone, format!("{}: {}", why.pod, why.because))
            .and(Tone::Quiet, format!(" ({})", why.reason)),
    ];
    lines.extend(why.cure.iter().map(|cure| Line::of(Tone::Ours, "→ ").and(Tone::Plain, cure)));
    lines.extend(why.differences.iter().map(|one| Line::of(Tone::Caution, "  ! ").and(Tone::Plain, one)));
    let made_by =
        if why.owners.is_empty() { String::new() } else { format!(" by {}", why.owners.join(" of ")) };
    lines.extend([
        Line::default(),
        Line::of(Tone::Strong, "The pod"),
        Line::plain(format!("  made at {}{made_by}, in namespace {}", why.made, why.namespace)),
    ]);
    let added = match &why.added {
        None => vec!["  nothing was added to it then".to_owned()],
        Some(added) => {
            let parts = added.patterns.iter().map(|part| format!("  {}, for {}", part.name, part.by));
            std::iter::once(format!("  injected by multipod {}:", added.version)).chain(parts).collect()
        }
    };
    lines.extend(added.into_iter().map(Line::plain));
    if let Some(now) = &why.now {
        lines.extend([Line::default(), Line::of(Tone::Strong, "If it were made now")]);
        lines.extend(brief(now).into_iter().skip(1).map(|line| Line::plain("  ").join(line)));
    }
    lines
}
