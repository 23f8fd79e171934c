//! When which authority signs, and which ones are trusted: what a replica sees becomes what it does next.
//!
//! A new authority is published before it signs, and the one before stays trusted until nobody serves what it has signed:
//!
//! | phase | the bundle | signs | ends when |
//! |---|---|---|---|
//! | empty | | nobody | somebody has won the write of the first authority |
//! | stable | A | A | a third of A's life is left, or somebody asks for it |
//! | publishing | A, B | A | a replica has seen B in every entry, unbroken, for as long as an API server may lag |
//! | switched | A, B | B | nobody has promised to serve A any longer |
//!
//! All replicas do the same, and nobody leads. What they agree on stands in one Secret, and each write of it, and of a
//! bundle, counts only while its object is as it was seen. A bundle is read before the Secret that says what belongs into
//! it, so that a late write never takes away an authority that has been published since.
//!
//! Before a replica serves anything it *promises* in the Secret which authority it serves, and until when at most. It keeps
//! to that also while it cannot see the Secret. So whoever reads the Secret knows all that may be served, however many
//! replicas are cut off, and it needs no Lease, which may be lost.

mod kept;
mod pace;
mod step;

pub use kept::{Authority, Id, Kept, Phase, Promise};
pub use pace::Pace;
pub use step::{Action, Cluster, Configuration, Leaf, Look, Rotation, Secret};
