//! CPU and memory as others have written them.

use serde::Deserialize;

use crate::pod::{Field, Scalar};
use multipod_values::{Resource, quantity};

/// What we look at.
pub(super) const RESOURCES: [Resource; 2] = [Resource::Cpu, Resource::Memory];

/// The requests and limits of a container, or of a pod as a whole.
#[derive(Default)]
pub(super) struct Written {
    pub(crate) requests: Amounts,
    pub(crate) limits: Amounts,
}

/// In thousandths.
#[derive(Default)]
pub(super) struct Amounts {
    cpu: Option<u64>,
    memory: Option<u64>,
}

#[derive(Deserialize)]
struct Text<'a> {
    #[serde(borrow, default)]
    requests: Field<TextAmounts<'a>>,
    #[serde(borrow, default)]
    limits: Field<TextAmounts<'a>>,
}

#[derive(Deserialize)]
struct TextAmounts<'a> {
    #[serde(borrow, default)]
    cpu: Option<Scalar<'a>>,
    #[serde(borrow, default)]
    memory: Option<Scalar<'a>>,
}

impl Written {
    /// None where something is no amount, which the API server tells better.
    pub(super) fn read(raw: &str) -> Option<Self> {
        let text: Text<'_> = multipod_json::read(raw).ok()?;
        Some(Written { requests: amounts(text.requests.value())?, limits: amounts(text.limits.value())? })
    }

    /// Kubernetes takes a request that is missing from the limit.
    pub(super) fn request(&self, resource: Resource) -> Option<u64> {
        self.requests.of(resource).or_else(|| self.limits.of(resource))
    }
}

impl Amounts {
    pub(super) fn of(&self, resource: Resource) -> Option<u64> {
        match resource {
            Resource::Cpu => self.cpu,
            Resource::Memory => self.memory,
        }
    }
}

fn amounts(text: Option<&TextAmounts<'_>>) -> Option<Amounts> {
    let Some(text) = text else { return Some(Amounts::default()) };
    let read = |amount: &Option<Scalar<'_>>, resource| match amount {
        None => Some(None),
        Some(Scalar::Text(text)) => thousandths(text, resource).map(Some),
        Some(Scalar::Number(number)) => thousandths(number, resource).map(Some),
        Some(_) => None,
    };
    Some(Amounts { cpu: read(&text.cpu, Resource::Cpu)?, memory: read(&text.memory, Resource::Memory)? })
}

/// Of others, nothing is an amount too.
fn thousandths(text: &str, resource: Resource) -> Option<u64> {
    let is_zero = || text.starts_with('0') && !text.contains(|c: char| matches!(c, '1'..='9'));
    quantity::thousandths(text, resource).ok().or_else(|| is_zero().then_some(0))
}
