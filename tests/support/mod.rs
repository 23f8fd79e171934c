//! What the suites share.

pub(crate) mod cluster;
pub(crate) mod frames;
pub(crate) mod golden;
pub(crate) mod kubectl;
pub(crate) mod pods;
pub(crate) mod program;
pub(crate) mod reviews;
pub(crate) mod run;
pub(crate) mod running;
pub(crate) mod shapes;
pub(crate) mod sim;
pub(crate) mod sound;
pub(crate) mod tools;
