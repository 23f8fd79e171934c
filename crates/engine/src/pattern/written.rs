//! What objects are written in: text, lists and maps, each with its place and with the most that it may hold. The reader
//! refuses what is longer, and the schema of the custom resources says the same, because both come from one type.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};
use serde_saphyr::{Location, Spanned};

use super::reading::LONGEST;

/// A rule of a schema in CEL, and what whoever breaks it is told.
pub(crate) fn rule(rule: &str, message: &str) -> Value {
    json!({"rule": rule, "message": message})
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) referenced: Location,
}

/// Text with its place.
pub(crate) type Placed<const MOST: usize> = At<Quoted<MOST>>;

/// Text that every reader of YAML takes for text, of so many letters at most: an API server refuses numbers and booleans
/// where text belongs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quoted<const MOST: usize = LONGEST>(pub(crate) String);

/// Text or a whole number, as Kubernetes takes amounts and ports.
#[derive(Clone, Debug)]
pub(crate) struct IntOrString(pub(crate) String);

/// A number from 0 to this, which an API server takes for one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WholeNumber<const MOST: u8>(pub(crate) u8);

/// A list of so many items at most.
#[derive(Clone, Debug)]
pub(crate) struct List<T, const MOST: usize>(pub(crate) Vec<T>);

/// A map of so many entries at most.
#[derive(Clone, Debug)]
pub(crate) struct Map<T, const MOST: usize>(pub(crate) BTreeMap<String, T>);

/// Whatever Kubernetes has there, or will have.
#[derive(Debug)]
pub(crate) struct Anything;

/// That of a param has room.
const LONGEST_INT: usize = 128;

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        List(Vec::new())
    }
}

impl<T, const MOST: usize> Default for Map<T, MOST> {
    fn default() -> Self {
        Map(BTreeMap::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::deserialize(deserializer)?;
        Ok(At { value, referenced })
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Quoted<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar { most: MOST, whole_numbers: false }).map(Quoted)
    }
}

impl<'de, const MOST: u8> Deserialize<'de> for WholeNumber<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number<const MOST: u8>;
        impl<const MOST: u8> Visitor<'_> for Number<MOST> {
            type Value = u8;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from 0 to {MOST}")
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<u8, E> {
                let within = u8::try_from(number).ok().filter(|number| *number <= MOST);
                within.ok_or_else(|| {
                    E::custom(format!("expected a whole number from 0 to {MOST}, found {number}"))
                })
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<u8, E> {
                self.visit_u64(u64::try_from(number).unwrap_or(u64::MAX))
            }
        }
        deserializer.deserialize_any(Number::<MOST>).map(WholeNumber)
    }
}

impl<'de> Deserialize<'de> for IntOrString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar { most: LONGEST_INT, whole_numbers: true }).map(IntOrString)
    }
}

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Anything)
    }
}

struct Scalar {
    most: usize,
    whole_numbers: bool,
}

impl Visitor<'_> for Scalar {
    type Value = String;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        let most = self.most;
        if text.len() > most && text.chars().count() > most {
            return Err(E::custom(format!("expected at most {most} letters")));
        }
        Ok(text.to_owned())
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
        if self.whole_numbers { Ok(number.to_string()) } else { Err(needs_quotes(number)) }
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
        Err(needs_quotes(number))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<String, E> {
        Err(needs_quotes(number))
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<String, E> {
        Err(needs_quotes(value))
    }
}

fn needs_quotes<E: Error>(found: impl fmt::Display) -> E {
    E::custom(format!("expected text, found {found} without quotes"))
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for List<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Several::<T, MOST>(PhantomData)).map(List)
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Map<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries::<T, MOST>(PhantomData)).map(Map)
    }
}

struct Several<T, const MOST: usize>(PhantomData<T>);
struct Entries<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Several<T, MOST> {
    type Value = Vec<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            if list.len() == MOST {
                return Err(A::Error::custom(format!("expected at most {MOST} items")));
            }
            list.push(item);
        }
        Ok(list)
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Entries<T, MOST> {
    type Value = BTreeMap<String, T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<BTreeMap<String, T>, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = entries.next_entry()? {
            if map.len() == MOST {
                return Err(A::Error::custom(format!("expected at most {MOST} entries")));
            }
            map.insert(key, value);
        }
        Ok(map)
    }
}

macro_rules! schema {
    ($([$($of:tt)*] $type:ty => $name:expr, |$generator:ident| $schema:expr;)*) => {$(
        impl<$($of)*> JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

schema! {
    [T: JsonSchema] At<T> => T::schema_name(), |generator| T::json_schema(generator);
    [const MOST: usize] Quoted<MOST> => "Text", |_generator| json_schema!({"type": "string", "maxLength": MOST});
    [const MOST: u8] WholeNumber<MOST> => "WholeNumber", |_generator| json_schema!({
        "type": "integer", "minimum": 0, "maximum": MOST,
    });
    [] IntOrString => "IntOrString", |_generator| json_schema!({
        "x-kubernetes-int-or-string": true,
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "maxLength": LONGEST_INT,
    });
    [] Anything => "Anything", |_generator| json_schema!({"x-kubernetes-preserve-unknown-fields": true});
    [T: JsonSchema, const MOST: usize] List<T, MOST> => "List", |generator| json_schema!({
        "type": "array",
        "maxItems": MOST,
        "items": generator.subschema_for::<T>(),
    });
    [T: JsonSchema, const MOST: usize] Map<T, MOST> => "Map", |generator| json_schema!({
        "type": "object",
        "maxProperties": MOST,
        "additionalProperties": generator.subschema_for::<T>(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::object::read;

    fn refusal<T: for<'de> Deserialize<'de>>(text: &str) -> String {
        read::<T>(text).err().map_or_else(String::new, |(_, message)| message)
    }

    #[test]
    fn nothing_holds_more_than_its_schema_says() {
        assert_eq!(refusal::<Quoted<3>>("äöü"), "");
        assert_eq!(refusal::<Quoted<3>>("äöüß"), "expected at most 3 letters");
        assert_eq!(refusal::<List<Quoted<3>, 2>>("[a, b]"), "");
        assert_eq!(refusal::<List<Quoted<3>, 2>>("[a, b, c]"), "expected at most 2 items");
        assert_eq!(refusal::<Map<Quoted<3>, 1>>("{a: b}"), "");
        assert_eq!(refusal::<Map<Quoted<3>, 1>>("{a: b, c: d}"), "expected at most 1 entries");
    }
}
