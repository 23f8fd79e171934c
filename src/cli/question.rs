//! What `inject`, `diff`, `explain` and `check` are asked: which pods, and what is around them.

use std::collections::HashSet;

use crate::manifest::{Annotation, Cluster, Source};

use super::context::ContextArgs;
use super::input::Input;
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

impl Question {
    pub(super) fn context(&self) -> &ContextArgs {
        &self.context
    }

    pub(super) fn read(self) -> Result<(Vec<Source>, Cluster, Vec<Annotation>), Failure> {
        let read = both(self.input.read(), self.context.read());
        let ((sources, cluster), annotate) = both(read, distinct(self.annotate))?;
        Ok((sources, cluster, annotate))
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
