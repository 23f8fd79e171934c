//! `multipod review`: sends pods to a running webhook as an API server does.

mod answer;
mod sent;
mod webhook;

use std::process::ExitCode;

use crate::explain::picture::Picture;
use crate::manifest::{Cluster, Level, Manifests, Outcome};

use super::color::Styles;
use super::diff::unified;
use super::explain::drawing;
use super::input::Input;
use super::line::{Line, Tone};
use super::output::{self, printed};
use super::report::{self, Aside, Failure};
use answer::{Answer, Verdict};
use sent::Sent;
use webhook::Webhook;

/// Send pods to a running webhook, and show its answers
///
/// Sends every pod (template) as an API server does when somebody creates it, as an AdmissionReview over HTTPS, and shows
/// the answer: the decision, the warnings, and what the patch changes. An AdmissionReview in a file is sent unchanged.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    #[command(flatten)]
    input: Input,

    /// The namespace of objects without a namespace [default: default]
    #[arg(short = 'n', long, value_name = "NAME")]
    namespace: Option<String>,

    /// The webhook; the default path is /mutate
    #[arg(long, value_name = "URL", default_value = "https://127.0.0.1:8443")]
    url: String,

    /// The authority of its certificate, in PEM: a file or a URL
    #[arg(long, value_name = "FILE|URL", default_value = "http://127.0.0.1:8080/ca.crt")]
    ca: String,

    /// Also draw each pod, as sent and as created
    #[arg(long)]
    draw: bool,
}

const NOTES: &str = "\
EXAMPLES
  multipod serve &
  multipod review app.yaml
  kubectl create deployment web --image nginx --dry-run=client -o yaml | multipod review --draw
  kubectl port-forward -n multipod-system svc/multipod 8443:443 &
  multipod review app.yaml --url https://localhost:8443 --ca ca.crt

WITHOUT A WEBHOOK
  multipod diff, inject and explain make the same decisions without a webhook.

EXIT CODES
  0  every pod is allowed
  1  a pod is rejected
  2  something could not be read, or the webhook did not answer";

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let sources = self.input.read()?;
        let manifests = Manifests::read(&sources);
        let cluster = Cluster { namespace: self.namespace, ..Cluster::default() };
        let (sent, mut findings) = sent::all(&manifests, &cluster);
        if !sent.is_empty() {
            // What has no pod is of no interest beside what has one.
            findings.retain(|finding| finding.level == Level::Error);
        }
        report::outcome(&Outcome { findings, ..Outcome::default() }, Aside::ALL)?;
        if sent.is_empty() {
            return Err(Failure::one("there is no pod to send"));
        }
        let webhook = Webhook::reach(&self.url, &self.ca).map_err(Failure::one)?;
        let mut is_refused = false;
        let mut pages = Vec::new();
        for sent in &sent {
            let failed = |why| Failure::one(format!("{}: {why}", sent.title));
            let (body, took) = webhook.ask(&sent.review).map_err(failed)?;
            let answer = Answer::read(&sent.review, &body).map_err(failed)?;
            is_refused |= matches!(answer.verdict, Verdict::Refused(_));
            pages.push(page(sent, &answer, took, self.draw));
        }
        output::print(&pages.join("\n"), ExitCode::from(u8::from(is_refused)))
    }
}

fn page(sent: &Sent, answer: &Answer, took: std::time::Duration, draw: bool) -> String {
    let mut lines = vec![Line::of(Tone::Strong, &sent.title).and(Tone::Quiet, &sent.place)];
    for (key, value) in sent.asked() {
        lines.push(Line::plain("  ").and(Tone::Strong, key).and(Tone::Plain, format!(": {value:?}")));
    }
    let took = format!(", answered in {:.1} ms, the handshake included", took.as_secs_f64() * 1000.0);
    lines.push(match &answer.verdict {
        Verdict::Unchanged => Line::of(Tone::Strong, "allowed").and(Tone::Plain, ", as it is"),
        Verdict::Patched { operations, .. } => {
            let what = if *operations == 1 { "operation" } else { "operations" };
            Line::of(Tone::Ours, "allowed").and(Tone::Plain, format!(", with a patch of {operations} {what}"))
        }
        Verdict::Refused(_) => Line::of(Tone::Bad, "refused"),
    });
    if let Some(line) = lines.last_mut() {
        *line = std::mem::take(line).and(Tone::Quiet, took);
    }
    if let Verdict::Refused(message) = &answer.verdict {
        lines.extend(message.lines().map(|line| Line::plain(format!("  {line}"))));
    }
    for warning in &answer.warnings {
        lines.push(Line::of(Tone::Caution, "warning").and(Tone::Plain, format!(": {warning}")));
    }
    let Verdict::Patched { patch, after, .. } = &answer.verdict else { return printed(&lines) };
    let before = sent.object();
    if sent.patch_here.as_ref() == Some(patch) {
        lines.push(Line::of(
            Tone::Quiet,
            "It is the patch that multipod inject carries out here, byte for byte.",
        ));
    }
    if draw {
        // The webhook may have decided by policies that are not known here; then nothing is known but its answer.
        let known = sent.picture.as_ref().filter(|_| sent.patch_here.as_ref() == Some(patch));
        let new = known.cloned().unwrap_or_else(|| Picture::plain(after));
        lines.push(Line::default());
        lines.extend(drawing(&Picture::plain(before), "the pod as it was sent"));
        lines.push(Line::default());
        lines.extend(drawing(&new, "the pod as it is created, + is new"));
    }
    lines.push(Line::default());
    let (before, after) = (multipod_yaml::emit(before), multipod_yaml::emit(after));
    printed(&lines) + &unified(&format!("pod of {}", sent.title), &before, &after, Styles::of_output())
}
