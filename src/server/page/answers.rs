//! What the page asks, and who answers.

use std::fmt::Debug;

use serde::Deserialize;

use crate::admission::Meter;
use crate::server::InForce;

/// What the page asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Asked {
    /// The manifest to begin with.
    pub example: String,
    pub manifest: String,
    /// One `KEY=VALUE` in each line, as `--annotate` takes them.
    pub annotations: String,
    /// InjectionPolicy and Pattern objects.
    pub policies: String,
}

/// Who answers on the page: pure work, without files or sockets.
pub(crate) trait Page: Debug + Send + Sync {
    /// The whole page, with the answer in it.
    fn html(&self, asked: &Asked, server: &InForce, meter: &Meter<'_>) -> String;
    /// The answer alone, as JSON. Where the meter is over before, the answer says so.
    fn answer(&self, asked: &Asked, meter: &Meter<'_>) -> String;
    /// What is in force on the server, as a part of the page.
    fn in_force(&self, server: &InForce) -> String;
    fn style(&self) -> String;
    fn script(&self) -> &'static str;
}
