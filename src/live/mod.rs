//! Judges the pods of a live cluster: whether each has what it should have, and if not, why.
//!
//! Pure: known (what is known of the cluster) and registered (whom its API server asks) → state (a pod, decided again as it was
//! before it was injected) → cause (one of a list, with its sentence and its cure) → why (all about one pod), coverage (all pods, by workloads). `change` compares
//! what two sets of policies make of a template, and `in_force` is the list of policies and patterns. Whoever reads the cluster is `cluster`.

pub(crate) mod cause;
mod change;
pub(crate) mod coverage;
pub(crate) mod in_force;
mod known;
mod namespace;
mod registered;
mod state;
pub(crate) use time::changed;
mod time;
pub(crate) mod why;

pub(crate) use change::{Changed, change};
pub(crate) use known::{Changes, Known};
pub(crate) use namespace::Namespace;
pub(crate) use registered::Entry;
pub(crate) use state::{Assessed, State, assess, may_concern};

#[cfg(test)]
mod tests;
