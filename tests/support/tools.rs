//! Programs that some tests need besides Rust.

use std::io::Write;

/// Says aloud that a test shows nothing because something is not here. With `MULTIPOD_TOOLS=all`, as CI sets it, that is a
/// failure: there, nothing may be left out.
pub(crate) fn left_out(what: &str, missing: &str) {
    let must = std::env::var_os("MULTIPOD_TOOLS").is_some_and(|tools| tools == "all");
    assert!(!must, "{what} needs {missing}, which is not here");
    // Past the harness, which keeps to itself what `eprintln!` says in a test that passes.
    let mut told = std::io::stderr();
    writeln!(told, "not shown: {what} needs {missing}, which is not here").unwrap();
}
