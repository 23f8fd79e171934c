//! The programs that run inside pods: `follow` prints log files, `wait-for` waits until something answers.
//!
//! Both are made for an image that holds nothing but this binary: no shell, no writable disk, few resources.

mod cursor;
mod follow;
mod handles;
mod output;
mod probe;
mod report;
mod scan;
mod signals;
mod table;
mod wait;

pub use follow::{Options as FollowOptions, follow};
pub use output::Format;
pub use wait::{End, Options as WaitOptions, wait_for};
