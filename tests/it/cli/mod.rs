//! The command line as people run it: manifests in, manifests out.

// clippy.toml allows these in tests; what the tests share stands outside of them.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "cli/cases.rs"]
mod cases;
#[path = "cli/context.rs"]
mod context;
#[path = "cli/diff.rs"]
mod diff;
#[path = "cli/examples.rs"]
mod examples;
#[path = "cli/inject.rs"]
mod inject;
#[path = "cli/input.rs"]
mod input;
#[path = "cli/refusals.rs"]
mod refusals;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/streams.rs"]
mod streams;
#[path = "cli/uninject.rs"]
mod uninject;
#[path = "cli/usage.rs"]
mod usage;
