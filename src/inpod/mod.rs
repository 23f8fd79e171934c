//! The programs that run inside pods: `follow` prints log files, `wait-for` waits until something answers.
//!
//! Both are made for an image that holds nothing but this binary: no shell, no writable disk, few resources.

mod complaints;
mod cursor;
mod duration;
mod follow;
mod glob;
mod handles;
mod output;
mod probe;
mod scan;
mod signals;
mod table;
mod target;
mod wait;

pub(crate) use duration::parse_duration;
pub(crate) use follow::{Options as FollowOptions, follow};
pub(crate) use glob::Glob;
pub(crate) use output::Format;
pub(crate) use target::Target;
pub(crate) use wait::{End, Options as WaitOptions, wait_for};
