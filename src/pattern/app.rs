//! Which container of the app is meant.

use crate::annotation::{Problem, Span};
use crate::pod::Pod;
use crate::pod::view::DEFAULT_CONTAINER;
use multipod_values::short;

/// The container that is meant where an item names none.
pub(super) fn default_container(pod: &Pod<'_>, item: Span) -> Result<usize, Problem> {
    pod.default_container().ok_or_else(|| match pod.metadata.annotations.text(DEFAULT_CONTAINER) {
        Some(name) => {
            let label =
                format!("{DEFAULT_CONTAINER} names \"{}\", and the pod has no such container", short(name));
            Problem::new(item, label)
                .help("Correct that annotation, or say here which one is meant: container=NAME.")
        }
        None => Problem::new(item, "the pod has no containers"),
    })
}
