//! The arguments that `inject`, `diff`, `explain` and `check` share: which pods, and their context.

use std::collections::HashSet;

use crate::manifest::{self, Annotation, Cluster, Manifest, Manifests, Source};

use super::context::ContextArgs;
use super::input::{Input, Unread};
use super::report::{self, Failure, both};

#[derive(Debug, clap::Args)]
pub(super) struct Question {
    #[command(flatten)]
    input: Input,

    /// Set an annotation on every pod template first: KEY=VALUE; may be given several times
    #[arg(short = 'a', long, value_name = "KEY=VALUE")]
    annotate: Vec<String>,

    #[command(flatten)]
    context: ContextArgs,
}

/// What was asked, read.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) sources: Vec<Source>,
    pub(super) cluster: Cluster,
    pub(super) annotate: Vec<Annotation>,
    pub(super) unread: Unread,
}

impl Question {
    pub(super) fn context(&self) -> &ContextArgs {
        &self.context
    }

    /// Everything that is wrong is told at once. Files that cannot be read come last, because the others may have mistakes,
    /// too.
    pub(super) fn read(self) -> Result<Asked, Failure> {
        let around = both(self.context.read(), annotations(&self.annotate));
        match (self.input.read_what_is_there(), around) {
            (Ok((sources, unread)), Ok((cluster, annotate))) => {
                Ok(Asked { sources, cluster, annotate, unread })
            }
            (Ok((sources, unread)), Err(failure)) => {
                let unread = unread.or(()).err().unwrap_or_default();
                Err(failure.and(for_themselves(&sources)).and(unread))
            }
            (Err(unnamed), around) => Err(around.err().unwrap_or_default().and(unnamed)),
        }
    }
}

/// What is wrong with manifests whatever surrounds them. What becomes of their pods depends on that.
fn for_themselves(sources: &[Source]) -> Failure {
    let manifests = Manifests::read(sources);
    if manifests.readable.iter().any(Manifest::has_objects) {
        report::note(
            "the pods are not judged as long as the policies, the settings or the options are wrong",
        );
    }
    Failure::of(manifest::for_themselves(&manifests))
}

/// Annotations of the command line, each of a key of its own: of two nobody could tell which was meant.
fn annotations(given: &[String]) -> Result<Vec<Annotation>, Failure> {
    let mut seen = HashSet::new();
    let mut wrong = Vec::new();
    let mut read = Vec::new();
    for text in given {
        match text.parse::<Annotation>() {
            Ok(annotation) => {
                if !seen.insert(annotation.key.clone()) {
                    wrong.push(format!("--annotate sets {} twice; give each key once", annotation.key));
                }
                read.push(annotation);
            }
            Err(why) => wrong.push(format!("--annotate {text:?}: {why}")),
        }
    }
    Failure::unless_empty(wrong, read)
}
