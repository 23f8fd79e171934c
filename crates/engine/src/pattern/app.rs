//! Which container of the app is meant.

use std::fmt;

use crate::annotation::{Problem, Span};
use crate::pod::Pod;
use crate::pod::view::{DEFAULT_CONTAINER, OWN_NAMES, is_own_name};
use multipod_values::{self as value, Parsed, short, wildcard};

/// The containers of the app that get mounts and variables where an item names none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AppContainers {
    /// The one that `kubectl` would pick.
    #[default]
    Default,
    /// Those whose name fits one of `these` and none of `but`.
    Fitting { these: Vec<String>, but: Vec<String> },
}

const EXPECTED: &str = "expected default, all, or names of containers such as web, worker-* and !istio-proxy, with commas between";

impl AppContainers {
    /// Every container that is not ours.
    pub(crate) fn all() -> Self {
        AppContainers::Fitting { these: vec!["*".to_owned()], but: Vec::new() }
    }

    /// Reads `default`, or names of containers in which `*` stands for any text, `all` for all, and `!` leaves some out.
    pub(crate) fn parse(text: &str) -> Parsed<Self> {
        if text.trim() == "default" {
            return Ok(AppContainers::Default);
        }
        let (mut these, mut but) = (Vec::new(), Vec::new());
        for word in text.split(',').map(str::trim) {
            let (list, word) = word.strip_prefix('!').map_or((&mut these, word), |word| (&mut but, word));
            let word = if word == "all" { "*" } else { word };
            if word == "default" || value::name(&word.replace('*', "0")).is_err() {
                return Err(EXPECTED.to_owned());
            }
            if is_own_name(word) {
                return Err(format!("containers that begin with {OWN_NAMES} are never those of the app"));
            }
            list.push(word.to_owned());
        }
        if these.is_empty() {
            these.push("*".to_owned());
        }
        Ok(AppContainers::Fitting { these, but })
    }

    /// The containers that are meant, the default one first: where one has to stand for all, it does. Never none.
    pub(super) fn of(&self, pod: &Pod<'_>, item: Span) -> Result<Vec<usize>, Problem> {
        if *self == AppContainers::Default {
            return default_container(pod, item).map(|container| vec![container]);
        }
        let containers = pod.spec.containers.items();
        let fits = |at: &usize| self.fit(&containers[*at].name);
        let default = pod.default_container().filter(fits);
        let others = (0..containers.len()).filter(fits).filter(|at| Some(*at) != default);
        let meant: Vec<usize> = default.into_iter().chain(others).collect();
        if meant.is_empty() {
            let names: Vec<&str> = containers.iter().map(|container| &*container.name).collect();
            let label = format!(
                "the policy is for containers {self}, and the pod has {}",
                value::list(&names, "and")
            );
            return Err(Problem::new(item, label).summary("none of the pod's containers is meant"));
        }
        Ok(meant)
    }

    /// Names of two containers, of which the first is meant, and the second too if two can be.
    pub fn examples(&self) -> [String; 2] {
        let AppContainers::Fitting { these, .. } = self else {
            return ["app".to_owned(), "other".to_owned()];
        };
        let made = ["app", "other", "0"].into_iter();
        let mut names: Vec<String> =
            made.flat_map(|text| these.iter().map(move |pattern| pattern.replace('*', text))).collect();
        names.retain(|name| self.fit(name));
        names.dedup();
        let mut names = names.into_iter().chain(["app".to_owned(), "other".to_owned()]);
        [names.next(), names.next()].map(Option::unwrap_or_default)
    }

    /// Whether a container with this name is meant; where the default one is, no name tells.
    pub fn fit(&self, name: &str) -> bool {
        let AppContainers::Fitting { these, but } = self else { return false };
        let among = |patterns: &[String]| patterns.iter().any(|pattern| wildcard(pattern, name));
        !is_own_name(name) && among(these) && !among(but)
    }
}

/// As policies write it.
impl fmt::Display for AppContainers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AppContainers::Fitting { these, but } = self else { return f.write_str("default") };
        let shown = |pattern: &str| if pattern == "*" { "all".to_owned() } else { pattern.to_owned() };
        let these = these.iter().map(|pattern| shown(pattern));
        let words: Vec<String> =
            these.chain(but.iter().map(|pattern| format!("!{}", shown(pattern)))).collect();
        f.write_str(&words.join(", "))
    }
}

/// The container that is meant where an item names none.
pub(super) fn default_container(pod: &Pod<'_>, item: Span) -> Result<usize, Problem> {
    pod.default_container().ok_or_else(|| match pod.metadata.annotations.text(DEFAULT_CONTAINER) {
        Some(name) => {
            let label =
                format!("{DEFAULT_CONTAINER} names \"{}\", and the pod has no such container", short(name));
            Problem::new(item, label)
                .help("Correct that annotation, or say here which one is meant: container=NAME.")
        }
        None => Problem::new(item, "the pod has no containers"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_meant_by_their_names() {
        for (text, meant, not_meant) in [
            ("all", &["web", "all", "istio-proxy"][..], &["multipod-sync-1"][..]),
            ("web", &["web"], &["web-2", "multipod-x"]),
            ("web, worker-*", &["web", "worker-1", "worker-"], &["worker", "x"]),
            ("all, !istio-proxy", &["web"], &["istio-proxy"]),
            ("!istio-*,!linkerd-proxy", &["web", "linkerd"], &["istio-proxy", "linkerd-proxy"]),
            ("*", &["web"], &["multipod-x"]),
        ] {
            let containers = AppContainers::parse(text).unwrap();
            for name in meant {
                assert!(containers.fit(name), "{text}: {name}");
            }
            for name in not_meant {
                assert!(!containers.fit(name), "{text}: {name}");
            }
            assert_eq!(AppContainers::parse(&containers.to_string()), Ok(containers), "{text}");
        }
        assert_eq!(AppContainers::parse(" default "), Ok(AppContainers::Default));
        for text in
            ["", ",", "web,", "web, default", "Web", "a b", "!", "web,,x", "multipod-sync-1", "!multipod-*"]
        {
            assert!(AppContainers::parse(text).is_err(), "{text}");
        }
    }
}
