//! The keys that multipod reads, and everything that is said about them in help texts and errors.

use super::suggest;

/// The prefix of every key that people write.
pub const PREFIX: &str = "multipod/";
/// The annotation that records what was added; written by multipod, never trusted by it.
pub const STATUS: &str = "multipod/status";
/// The prefix of the annotations that carry rendered configuration into a container.
pub const RENDERED_PREFIX: &str = "rendered.multipod/";

/// One key of the annotation language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A proxy in front of the app, or between the app and what it calls.
    Ambassador,
    /// The app's log files, printed or shipped.
    Logging,
    /// Exporters that speak Prometheus for the app.
    Metrics,
    /// Steps that run once before the app.
    Init,
    /// Git working copies that are kept up to date.
    Sync,
    /// `shareProcessNamespace`.
    ShareProcessNamespace,
    /// Patterns that an administrator has defined.
    Patterns,
    /// What a policy would add and this pod does not want.
    OptOut,
}

impl Key {
    /// Every key, in the order in which their fragments are planned.
    pub const ALL: [Key; 8] = [
        Key::Ambassador,
        Key::Logging,
        Key::Metrics,
        Key::Sync,
        Key::Patterns,
        Key::Init,
        Key::ShareProcessNamespace,
        Key::OptOut,
    ];

    /// The last part of the key: `ambassador`.
    pub const fn name(self) -> &'static str {
        match self {
            Key::Ambassador => "ambassador",
            Key::Logging => "logging",
            Key::Metrics => "metrics",
            Key::Init => "init",
            Key::Sync => "sync",
            Key::ShareProcessNamespace => "share-process-namespace",
            Key::Patterns => "patterns",
            Key::OptOut => "opt-out",
        }
    }

    /// The whole key: `multipod/ambassador`.
    pub const fn full(self) -> &'static str {
        match self {
            Key::Ambassador => "multipod/ambassador",
            Key::Logging => "multipod/logging",
            Key::Metrics => "multipod/metrics",
            Key::Init => "multipod/init",
            Key::Sync => "multipod/sync",
            Key::ShareProcessNamespace => "multipod/share-process-namespace",
            Key::Patterns => "multipod/patterns",
            Key::OptOut => "multipod/opt-out",
        }
    }

    /// What an item of this key looks like.
    pub const fn syntax(self) -> &'static str {
        match self {
            Key::Ambassador => "LISTEN:TARGET [mode=tcp|http] [timeout=50s] [connect-timeout=5s] [maxconn=N]",
            Key::Logging => {
                "GLOB [container=NAME] [format=raw|json] [parse=json|logfmt|nginx|apache] [to=DEST]"
            }
            Key::Metrics => "ADAPTER [param=value…]",
            Key::Init => {
                "wait-for TARGET [timeout=10m] [every=1s]  |  clone URL into=PATH [ref=] [secret=] [container=]"
            }
            Key::Sync => "URL into=PATH [ref=] [every=] [link=NAME] [secret=] [container=]",
            Key::ShareProcessNamespace => "true|false",
            Key::Patterns => "PATTERN [param=value…]",
            Key::OptOut => "KEY…|all",
        }
    }

    /// A complete value, as the last line of every error shows it.
    pub const fn example(self) -> &'static str {
        match self {
            Key::Ambassador => "80:8775",
            Key::Logging => "/var/log/app/*.log",
            Key::Metrics => "nginx",
            Key::Init => "wait-for db:5432",
            Key::Sync => "https://git.example/site into=/usr/share/nginx/html",
            Key::ShareProcessNamespace => "true",
            Key::Patterns => "audit-tap level=debug",
            Key::OptOut => "logging",
        }
    }

    /// The key with this full name, if it is one.
    pub fn from_full(full: &str) -> Option<Key> {
        Key::from_name(full.strip_prefix(PREFIX)?)
    }

    /// The key with this last part, if it is one.
    pub fn from_name(name: &str) -> Option<Key> {
        Key::ALL.into_iter().find(|key| key.name() == name)
    }

    /// The key that somebody who wrote `full` most likely meant.
    pub fn nearest(full: &str) -> Option<Key> {
        let name = full.strip_prefix(PREFIX).unwrap_or(full);
        let best = suggest::nearest(name, Key::ALL.iter().map(|key| key.name()))?;
        Key::from_name(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_by_its_full_name() {
        for key in Key::ALL {
            assert_eq!(Key::from_full(key.full()), Some(key));
            assert_eq!(key.full(), format!("{PREFIX}{}", key.name()));
        }
        assert_eq!(Key::from_full(STATUS), None);
    }

    #[test]
    fn a_misspelt_key_finds_its_neighbour() {
        for (written, meant) in [
            ("multipod/ambasador", Some(Key::Ambassador)),
            ("multipod/Logging", Some(Key::Logging)),
            ("multipod/optout", Some(Key::OptOut)),
            ("multipod/pattern", Some(Key::Patterns)),
            ("multipod/zebra", None),
        ] {
            assert_eq!(Key::nearest(written), meant, "{written}");
        }
    }
}
