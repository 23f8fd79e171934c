//! Labels and annotations.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::limits::ENTRIES;
use super::{Field, Scalar, Text};

/// What the annotations begin with that are for us.
const FOR_US: &str = "multipod/";

/// A map of text, kept as a list: it is small and read once. Of a large one the beginning is kept, and nothing is decided
/// as if the rest were not there.
#[derive(Debug, Default, PartialEq)]
pub struct Pairs<'a> {
    /// In the order received.
    pub(crate) entries: Vec<(Text<'a>, Scalar<'a>)>,
    /// How many more there are.
    pub(super) more: usize,
    /// Whether one of those is for us.
    pub(super) asks: bool,
}

impl<'a> Field<Pairs<'a>> {
    /// The entries; none where the map is missing or null.
    pub fn pairs(&self) -> &[(Text<'a>, Scalar<'a>)] {
        self.value().map_or(&[], |pairs| pairs.entries.as_slice())
    }

    /// The text under a key, if it is there and is text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.pairs().iter().find(|(name, _)| &**name == key).and_then(|(_, value)| match value {
            Scalar::Text(text) => Some(&**text),
            _ => None,
        })
    }

    /// Whether the key is there, whatever its value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.pairs().iter().any(|(name, _)| &**name == key)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Pairs { entries: Vec::with_capacity(8), ..Pairs::default() };
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    if pairs.entries.len() < ENTRIES {
                        pairs.entries.push((key, map.next_value()?));
                    } else {
                        pairs.more += 1;
                        pairs.asks |= key.starts_with(FOR_US);
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                // Readers of JSON differ in which of them they take.
                match repeated(&pairs.entries) {
                    Some(key) => Err(A::Error::custom(format_args!("duplicate key `{key}`"))),
                    None => Ok(pairs),
                }
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// A key that stands there twice.
fn repeated<'e>(entries: &'e [(Text<'_>, Scalar<'_>)]) -> Option<&'e str> {
    const FEW: usize = 32;
    if entries.len() <= FEW {
        let stands_before = |at: usize| entries[..at].iter().any(|(key, _)| *key == entries[at].0);
        return (1..entries.len()).find(|at| stands_before(*at)).map(|at| &*entries[at].0);
    }
    let mut keys: Vec<&str> = entries.iter().map(|(key, _)| &**key).collect();
    keys.sort_unstable();
    keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}
