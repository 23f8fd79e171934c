//! The settings that every pattern takes: `image= cpu= memory= sidecar=`.

use super::item::{Options, Problems};
use super::option::{Absent, Opt, Row, choice, option, words};
use multipod_values::{self as value, Parsed, Quantity, Resource};

const IMAGE: Opt<String> =
    option("image", "IMAGE", value::image, Absent::Is("the pattern's own"), "another image");
const CPU: Opt<Amount> = option(
    "cpu",
    "REQUEST[/LIMIT]",
    cpu,
    Absent::Is("the pattern's request, no limit"),
    "another CPU request, and a limit",
);
const MEMORY: Opt<Amount> = option(
    "memory",
    "REQUEST[/LIMIT]",
    memory,
    Absent::Is("the pattern's own"),
    "another memory request and limit; a request above the default limit raises the limit",
);
pub(crate) const SIDECAR: Opt<Sidecar> =
    choice("sidecar", Absent::Is("native from Kubernetes 1.29 on"), "how the sidecar runs");

/// The settings of every sidecar, as errors list them.
pub const OF_SIDECARS: [Row; 4] = [IMAGE.row, CPU.row, MEMORY.row, SIDECAR.row];
/// The settings of what runs once.
pub(crate) const OF_STEPS: [Row; 3] = [IMAGE.row, CPU.row, MEMORY.row];

/// Less holds no program: whoever writes `memory=64` has forgotten the unit.
const LEAST_MEMORY: Quantity = Quantity::known("1Mi", (1 << 20) * 1000);

/// What a value says about the whole pattern.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Another image than the default.
    pub image: Option<String>,
    /// Another CPU request or limit.
    pub(crate) cpu: Option<Amount>,
    /// Another memory request or limit.
    pub(crate) memory: Option<Amount>,
    /// How sidecars run, whatever the server's version says.
    pub sidecar: Option<Sidecar>,
}

/// A request, and a limit where there is one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Amount {
    /// What the scheduler sets aside.
    pub(crate) request: Quantity,
    /// What may not be exceeded.
    pub limit: Option<Quantity>,
}

words! {
    /// How a sidecar runs.
    pub enum Sidecar {
        /// An init container that is always restarted: starts before the app and never keeps a Job alive.
        Native = "native",
        /// An ordinary container.
        Classic = "classic",
    }
}

impl Settings {
    /// Reads the settings from options that were checked against the rows of their pattern.
    pub(crate) fn read(options: &Options<'_, '_>, problems: &mut Problems) -> Self {
        Settings {
            image: options.get(&IMAGE, problems).value,
            cpu: options.get(&CPU, problems).value,
            memory: options.get(&MEMORY, problems).value,
            sidecar: options.get(&SIDECAR, problems).value,
        }
    }
}

/// `REQUEST` or `REQUEST/LIMIT`.
pub(crate) fn amount(text: &str, resource: Resource) -> Parsed<Amount> {
    let (request, limit) = match text.split_once('/') {
        Some((request, limit)) => (request, Some(Quantity::parse(limit, resource)?)),
        None => (text, None),
    };
    let request = Quantity::parse(request, resource)?;
    match limit {
        Some(limit) if limit < request => Err(format!("the limit {limit} is below the request {request}")),
        _ if resource == Resource::Memory && request < LEAST_MEMORY => {
            Err(format!("expected at least {LEAST_MEMORY}: a number without Mi or Gi counts bytes"))
        }
        limit => Ok(Amount { request, limit }),
    }
}

fn cpu(text: &str) -> Parsed<Amount> {
    amount(text, Resource::Cpu)
}

fn memory(text: &str) -> Parsed<Amount> {
    amount(text, Resource::Memory)
}

pub(crate) fn sidecar(text: &str) -> Parsed<Sidecar> {
    (SIDECAR.parse)(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_without_its_unit_is_told_from_little_memory() {
        for (text, is_enough) in
            [("64", false), ("64/128Mi", false), ("1023Ki", false), ("1Mi", true), ("64000000", true)]
        {
            assert_eq!(amount(text, Resource::Memory).is_ok(), is_enough, "{text}");
        }
        assert!(amount("1", Resource::Cpu).is_ok());
    }
}
