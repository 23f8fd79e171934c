//! The patterns: each turns its request into a fragment, the things that it wants added to a pod.

pub(crate) mod ambassador;
mod app;
pub(crate) mod catalogue;
pub(crate) mod change;
pub(crate) mod container;
pub(crate) mod context;
pub mod defined;
mod git;
mod images;
pub(crate) mod init;
pub(crate) mod logging;
mod metrics;
pub mod object;
pub(crate) mod opt_out;
mod patterns;
mod registry;
pub mod settings;
mod settings_file;
pub(crate) mod share_process_namespace;
pub(crate) mod sync;
mod system;
pub mod topic;
mod user;

pub use catalogue::Catalogue;
pub use change::Change;
pub(crate) use change::{Addition, AppEnv, AppMount, Fragment, Note, Role};
pub use context::Context;
pub(crate) use context::Names;
pub use registry::{Request, topics};
pub use settings::Settings;
pub(crate) use settings_file::{names_in_settings, patterns_without_use};
