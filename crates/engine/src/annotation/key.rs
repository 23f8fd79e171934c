//! The keys that multipod reads. What each does with its value stands in the table of patterns, `pattern/mod.rs`.

use multipod_values::suggest;

/// The prefix of every key that people write.
pub const PREFIX: &str = "multipod/";
/// The annotation that records what was added; written by multipod, never trusted by it.
pub const STATUS: &str = "multipod/status";
/// The label by which a namespace opts in, with the value `enabled`.
pub const INJECTION: &str = "multipod/injection";
/// The prefix of the annotations that carry rendered configuration into a container.
pub const RENDERED_PREFIX: &str = "rendered.multipod/";

/// Makes [`Key`] and everything that must know each of its variants from one list.
macro_rules! keys {
    ($($key:ident = $name:literal, example $example:literal;)*) => {
        /// One key of the annotation language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key {
            $($key,)*
        }

        impl Key {
            /// Every key, in the order in which their fragments are planned.
            pub const ALL: [Key; [$($name),*].len()] = [$(Key::$key),*];

            /// The last part of the key: `ambassador`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Key::$key => $name,)*
                }
            }

            /// The whole key: `multipod/ambassador`.
            pub const fn full(self) -> &'static str {
                match self {
                    $(Key::$key => concat!("multipod/", $name),)*
                }
            }

            /// A complete value, as the last line of every error shows it.
            pub const fn example(self) -> &'static str {
                match self {
                    $(Key::$key => $example,)*
                }
            }
        }
    };
}

keys! {
    Ambassador = "ambassador", example "80:8775";
    Logging = "logging", example "/var/log/app/*.log";
    Metrics = "metrics", example "nginx";
    Sync = "sync", example "https://git.example/site into=/usr/share/nginx/html";
    Patterns = "patterns", example "audit-tap level=debug";
    Init = "init", example "wait-for db:5432";
    ShareProcessNamespace = "share-process-namespace", example "true";
    OptOut = "opt-out", example "logging";
}

impl Key {
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
        Key::meant(full).map(|(key, _)| key)
    }

    /// The same, and whether it is certain.
    pub fn meant(full: &str) -> Option<(Key, bool)> {
        let name = full.strip_prefix(PREFIX).unwrap_or(full);
        let meant = suggest::meant(name, Key::ALL.iter().map(|key| key.name()))?;
        Some((Key::from_name(meant.word)?, meant.is_certain))
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
