//! Patterns of administrators, which files define: `defined` reads their requests and builds their fragments.

mod text;

pub(super) use text::TOPICS;
