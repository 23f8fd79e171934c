//! The values that annotations, settings and the programs in pods share: hosts, URLs, durations, globs and others.
//!
//! Each has one grammar. What the webhook accepts in an annotation, the program in the pod accepts too, and nothing else;
//! so nobody learns from a crashing container that both read a text differently.

mod duration;
mod endpoint;
mod glob;
mod host;
pub mod mismatch;
mod name;
mod odd;
mod path;
pub mod quantity;
mod show;
pub mod suggest;
mod target;
mod url;
mod wild;
mod word;

pub use duration::{duration, show_duration, unbounded_duration};
pub use endpoint::{Endpoint, Protocol};
pub use glob::{Glob, Part};
pub use host::{Host, host_and_port};
pub use name::{image, is_label, name, object_name, registry};
pub use odd::Odd;
pub use path::{absolute_path, path_parts};
pub use quantity::{Quantity, Resource};
pub use show::{masked, plain, short, visible};
pub use target::Target;
pub use url::{Scheme, Url};
pub use wild::{Wild, wildcard};
pub use word::{Parsed, boolean, escape_expansion, list, number, one_of, port};
