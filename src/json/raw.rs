//! A value that stays text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, Visitor};

/// A value as it was received, stepped over and not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

/// How a `Raw` says to our reader what it is.
pub(super) const NAME: &str = "multipod::json::Raw";

impl<'a> Raw<'a> {
    /// The text.
    pub fn text(self) -> &'a str {
        self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Raw<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Raw<'de>, E> {
                Ok(Raw(text))
            }
            // Another reader does not know what we want: one that looks for mistakes finds none here.
            fn visit_newtype_struct<D: Deserializer<'de>>(self, other: D) -> Result<Raw<'de>, D::Error> {
                IgnoredAny::deserialize(other).map(|_| Raw("null"))
            }
        }
        deserializer.deserialize_newtype_struct(NAME, Text)
    }
}
