//! What a pod or its namespace declines.

mod request;

pub use request::{OptOut, parse};
