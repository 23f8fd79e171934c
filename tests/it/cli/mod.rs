//! The command line as people run it: manifests in, manifests out.

mod again;
mod as_kubectl;
mod cases;
mod cases_command;
mod certs;
mod check;
mod context;
mod crds;
mod diff;
mod draw;
mod examples;
mod explain;
mod export;
mod follow;
mod guard;
mod inject;
mod input;
mod misc;
mod refusals;
mod schema;
mod streams;
mod suggest;
mod told;
mod uninject;
mod usage;
mod wait_for;
