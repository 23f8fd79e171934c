//! The arguments that `inject`, `diff`, `explain` and `check` share: which pods, and their context.

use std::collections::HashSet;

use crate::manifest::{Annotation, Cluster, Source};

use super::context::ContextArgs;
use super::input::{Input, Unread};
use super::report::{Failure, both};

#[derive(Debug, clap::Args)]
pub(super) struct Question {
    #[command(flatten)]
    input: Input,

    /// Set an annotation on every pod template first: KEY=VALUE; may be given several times
    #[arg(short = 'a', long, value_name = "KEY=VALUE")]
    annotate: Vec<Annotation>,

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

    /// Files that cannot be read come last, because the others may have mistakes, too.
    pub(super) fn read(self) -> Result<Asked, Failure> {
        let read = both(self.input.read_what_is_there(), self.context.read());
        let (((sources, unread), cluster), annotate) = both(read, distinct(self.annotate))?;
        Ok(Asked { sources, cluster, annotate, unread })
    }
}

/// Annotations of the command line, each of a key of its own: of two nobody could tell which was meant.
fn distinct(annotations: Vec<Annotation>) -> Result<Vec<Annotation>, Failure> {
    let mut seen = HashSet::new();
    match annotations.iter().find(|annotation| !seen.insert(&annotation.key)) {
        Some(twice) => Err(Failure::one(format!("--annotate sets {} twice; give each key once", twice.key))),
        None => Ok(annotations),
    }
}
