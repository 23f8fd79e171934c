//! What `clone` and `sync` share.

mod copy;
mod job;

pub(super) use copy::*;
pub(super) use job::*;
