//! The suites, in one program, so that the library is linked once: `cargo test --test it cli::`.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // A test fails by them.
#![allow(unreachable_pub)] // What they share is public among them.

mod cli;
mod core;
mod deploy;
mod docs;
mod server;
#[path = "../support/mod.rs"]
mod support;
