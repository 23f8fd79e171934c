//! Writes JSON as `serde_json` does, and looks for what needs an escape 16 bytes at a time: a patch holds texts of many
//! lines, and one that is JSON itself.

use std::fmt::{self, Write};

use serde::Serialize;
use serde::ser;

use super::skip::first_sign;

/// Appends a value. Only names that are text can be written.
pub fn write(out: &mut String, value: &(impl Serialize + ?Sized)) -> Result<(), Unwritable> {
    value.serialize(Writer(out))
}

/// Appends text in quotes.
pub fn write_text(out: &mut String, text: &str) {
    let mut rest = text;
    out.reserve(rest.len() + 2);
    out.push('"');
    while let Some(at) = first_sign(rest.as_bytes()) {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x08 => out.push_str("\\b"),
            0x0C => out.push_str("\\f"),
            other => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{other:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

/// Appends a name that stands in our own code: nothing in it needs an escape.
fn write_name(out: &mut String, name: &'static str) {
    debug_assert_eq!(first_sign(name.as_bytes()), None, "{name}");
    out.reserve(name.len() + 3);
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
}

/// Why a value has no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwritable(String);

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unwritable {}

impl ser::Error for Unwritable {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Unwritable(message.to_string())
    }
}

struct Writer<'o>(&'o mut String);

/// A list or a map that is being written.
struct Inside<'o> {
    out: &'o mut String,
    close: &'static str,
    empty: bool,
}

impl<'o> Writer<'o> {
    fn open(self, open: char, close: &'static str) -> Inside<'o> {
        self.0.push(open);
        Inside { out: self.0, close, empty: true }
    }

    /// A variant with something inside: a map of one member.
    fn open_variant(self, name: &'static str, open: char, close: &'static str) -> Inside<'o> {
        self.0.push('{');
        write_name(self.0, name);
        self.open(open, close)
    }
}

impl Inside<'_> {
    fn separate(&mut self) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(',');
        }
    }

    fn item(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Unwritable> {
        self.separate();
        write(self.out, value)
    }

    fn member(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) -> Result<(), Unwritable> {
        self.separate();
        write_name(self.out, name);
        write(self.out, value)
    }

    // As the end of all the shapes below.
    #[allow(clippy::unnecessary_wraps)]
    fn close(self) -> Result<(), Unwritable> {
        self.out.push_str(self.close);
        Ok(())
    }
}

macro_rules! whole_numbers {
    ($($method:ident $kind:ty),*) => {
        $(fn $method(self, value: $kind) -> Result<(), Unwritable> {
            write!(self.0, "{value}").map_err(ser::Error::custom)
        })*
    };
}

macro_rules! fractions {
    ($($method:ident $kind:ty),*) => {
        $(fn $method(self, value: $kind) -> Result<(), Unwritable> {
            // Rare here, and an art of its own.
            self.0.push_str(&serde_json::to_string(&value).map_err(ser::Error::custom)?);
            Ok(())
        })*
    };
}

impl<'o> ser::Serializer for Writer<'o> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Inside<'o>;
    type SerializeTuple = Inside<'o>;
    type SerializeTupleStruct = Inside<'o>;
    type SerializeTupleVariant = Inside<'o>;
    type SerializeMap = Inside<'o>;
    type SerializeStruct = Inside<'o>;
    type SerializeStructVariant = Inside<'o>;

    fn serialize_bool(self, value: bool) -> Result<(), Unwritable> {
        self.0.push_str(if value { "true" } else { "false" });
        Ok(())
    }
    whole_numbers! { serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
    serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64 }

    fractions! { serialize_f32 f32, serialize_f64 f64 }

    fn serialize_char(self, value: char) -> Result<(), Unwritable> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Result<(), Unwritable> {
        write_text(self.0, value);
        Ok(())
    }
    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unwritable> {
        value.serialize(self)
    }
    fn serialize_none(self) -> Result<(), Unwritable> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Unwritable> {
        self.0.push_str("null");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<(), Unwritable> {
        self.serialize_str(name)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        let mut inside = self.open('{', "}");
        inside.member(name, value)?;
        inside.close()
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Inside<'o>, Unwritable> {
        Ok(self.open('[', "]"))
    }
    fn serialize_tuple(self, _: usize) -> Result<Inside<'o>, Unwritable> {
        Ok(self.open('[', "]"))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inside<'o>, Unwritable> {
        Ok(self.open('[', "]"))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Inside<'o>, Unwritable> {
        Ok(self.open_variant(name, '[', "]}"))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Inside<'o>, Unwritable> {
        Ok(self.open('{', "}"))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inside<'o>, Unwritable> {
        Ok(self.open('{', "}"))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Inside<'o>, Unwritable> {
        Ok(self.open_variant(name, '{', "}}"))
    }
}

macro_rules! items {
    ($($kind:ident $method:ident),*) => {
        $(impl ser::$kind for Inside<'_> {
            type Ok = ();
            type Error = Unwritable;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
                self.item(value)
            }
            fn end(self) -> Result<(), Unwritable> {
                self.close()
            }
        })*
    };
}

items! { SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field,
SerializeTupleVariant serialize_field }

macro_rules! members {
    ($($kind:ident),*) => {
        $(impl ser::$kind for Inside<'_> {
            type Ok = ();
            type Error = Unwritable;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Unwritable> {
                self.member(name, value)
            }
            fn end(self) -> Result<(), Unwritable> {
                self.close()
            }
        })*
    };
}

members! { SerializeStruct, SerializeStructVariant }

impl ser::SerializeMap for Inside<'_> {
    type Ok = ();
    type Error = Unwritable;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        self.separate();
        let start = self.out.len();
        write(self.out, key)?;
        if self.out[start..].starts_with('"') { Ok(()) } else { Err(ser::Error::custom("a name is no text")) }
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        self.out.push(':');
        write(self.out, value)
    }
    fn end(self) -> Result<(), Unwritable> {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;
    use std::collections::BTreeMap;

    fn written(value: &impl Serialize) -> String {
        let mut out = String::new();
        write(&mut out, value).unwrap();
        out
    }

    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct New(u8);
    #[derive(Serialize)]
    struct Pair(u8, &'static str);
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    enum Kind {
        Plain,
        New(i64),
        Tuple(u8, bool),
        Struct { inner_name: Option<char>, none: Option<u8> },
    }

    #[test]
    fn every_shape_is_written_as_serde_json_writes_it() {
        let value = (
            (Unit, New(1), Pair(2, "a"), (), [0.1_f32, f32::NAN], -0.0_f64, u64::MAX),
            [
                Kind::Plain,
                Kind::New(-7),
                Kind::Tuple(1, true),
                Kind::Struct { inner_name: Some('"'), none: None },
            ],
            (Vec::<u8>::new(), BTreeMap::<String, u8>::new(), BTreeMap::from([("a\nb", 1), ("c", 2)])),
        );
        assert_eq!(written(&value), serde_json::to_string(&value).unwrap());
    }

    #[test]
    fn a_name_that_is_no_text_is_refused() {
        assert!(write(&mut String::new(), &BTreeMap::from([(1, 2)])).is_err());
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = "(?s)[ -~]{0,40}|.{0,40}|[\\x00-\\x7f]{0,40}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::vec((text, inner), 0..6)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn every_value_is_written_as_serde_json_writes_it(value in any_value()) {
            prop_assert_eq!(written(&value), value.to_string());
        }
    }
}
