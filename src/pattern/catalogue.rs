//! The patterns that are defined by files.

/// Every pattern that is defined by a file, by name.
#[derive(Debug, Default)]
pub struct Catalogue {}
