//! The patterns: each turns its request into a fragment, the things that it wants added to a pod.

pub mod ambassador;
mod app;
pub mod catalogue;
pub mod change;
pub mod container;
pub mod context;
pub mod defined;
mod git;
mod images;
pub mod init;
pub mod logging;
mod metrics;
pub mod object;
pub mod opt_out;
mod patterns;
mod registry;
pub mod settings;
mod settings_file;
pub mod share_process_namespace;
pub mod sync;
mod system;
pub mod topic;
mod user;

pub use catalogue::Catalogue;
pub use change::{Addition, AppEnv, AppMount, Change, Fragment, Note, Role};
pub use context::{Context, Names};
pub use registry::{Request, topics};
pub use settings::Settings;
pub use settings_file::patterns_without_use;
