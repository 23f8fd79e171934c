//! The multipod program.
fn main() {}
