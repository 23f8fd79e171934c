//! A value that stays text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A value as it was received, stepped over and not checked. Only our own reader knows how to make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

/// How a `Raw` says to our reader what it is.
pub(super) const NAME: &str = "multipod_json::Raw";

impl<'a> Raw<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Raw(text)
    }

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
                f.write_str("a reader that knows what raw text is")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Raw<'de>, E> {
                Ok(Raw(text))
            }
        }
        deserializer.deserialize_newtype_struct(NAME, Text)
    }
}
