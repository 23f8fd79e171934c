//! The pod and the namespace that conditions read.

use multipod_json::Meter;

use super::steps::Steps;
use super::value::Value;

/// A pod and its namespace, and how many steps there are left for them.
#[derive(Debug)]
pub struct Given<'a> {
    pub(crate) object: Value<'a>,
    pub(crate) namespace: Value<'a>,
    pub(crate) steps: Steps<'a>,
}

impl<'a> Given<'a> {
    /// Each of the two is a map.
    pub fn new(object: Value<'a>, namespace: Value<'a>, meter: Option<&'a Meter<'a>>) -> Self {
        Given { object, namespace, steps: Steps::new(meter) }
    }

    /// How many steps were taken.
    pub fn steps(&self) -> usize {
        self.steps.taken()
    }
}
