//! A value of a type of the API in which every field is set, as its own description of itself has them: what somebody
//! could write there.

use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

/// Some types take dates alone; nobody else minds.
const TEXT: &str = "2026-01-01T00:00:00Z";

/// With one item in every list and one entry in every map.
pub fn full<T: for<'de> Deserialize<'de> + serde::Serialize>() -> serde_json::Value {
    serde_json::to_value(T::deserialize(Full).expect("a type of the API")).expect("JSON")
}

struct Full;

macro_rules! all_as {
    ($($method:ident => $visit:ident($($value:expr)?)),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit($($value)?)
        })*
    };
}

impl<'de> Deserializer<'de> for Full {
    type Error = Error;
    all_as! {
        deserialize_any => visit_str(TEXT), deserialize_str => visit_str(TEXT), deserialize_string => visit_str(TEXT),
        deserialize_char => visit_str(TEXT), deserialize_identifier => visit_str(TEXT),
        deserialize_bytes => visit_str(TEXT), deserialize_byte_buf => visit_str(TEXT),
        deserialize_ignored_any => visit_str(TEXT), deserialize_bool => visit_bool(true),
        deserialize_i8 => visit_i8(7), deserialize_i16 => visit_i16(7), deserialize_i32 => visit_i32(7),
        deserialize_i64 => visit_i64(7), deserialize_u8 => visit_u8(7), deserialize_u16 => visit_u16(7),
        deserialize_u32 => visit_u32(7), deserialize_u64 => visit_u64(7), deserialize_f32 => visit_f32(7.0),
        deserialize_f64 => visit_f64(7.0), deserialize_unit => visit_unit(), deserialize_option => visit_some(Full),
        deserialize_seq => visit_seq(One(Some(TEXT))), deserialize_map => visit_map(One(Some(TEXT)))
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(One(Some(TEXT)))
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(One(Some(TEXT)))
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(One(fields.iter().copied().fuse()))
    }
    fn deserialize_enum<V: Visitor<'de>>(self, _: &str, _: &[&str], visitor: V) -> Result<V::Value, Error> {
        visitor.visit_enum(StrDeserializer::new(TEXT))
    }
}

/// One of each of these.
struct One<K>(K);

impl<'de> SeqAccess<'de> for One<Option<&'static str>> {
    type Error = Error;
    fn next_element_seed<T: serde::de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.0.take().map(|_| seed.deserialize(Full)).transpose()
    }
}

impl<'de> MapAccess<'de> for One<Option<&'static str>> {
    type Error = Error;
    fn next_key_seed<K: serde::de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.0.take().map(|key| seed.deserialize(key.into_deserializer())).transpose()
    }
    fn next_value_seed<V: serde::de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Full)
    }
}

impl<'de, I: Iterator<Item = &'static str>> MapAccess<'de> for One<std::iter::Fuse<I>> {
    type Error = Error;
    fn next_key_seed<K: serde::de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.0.next().map(|key| seed.deserialize(key.into_deserializer())).transpose()
    }
    fn next_value_seed<V: serde::de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Full)
    }
}

#[test]
fn every_field_is_there() {
    let container = full::<k8s_openapi::api::core::v1::Container>();
    for place in [
        "/lifecycle/postStart/exec/command/0",
        "/livenessProbe/tcpSocket/port",
        "/securityContext/seLinuxOptions/level",
        "/restartPolicyRules/0/exitCodes/values/0",
        "/volumeDevices/0/devicePath",
        "/env/0/valueFrom/secretKeyRef/key",
    ] {
        assert!(container.pointer(place).is_some(), "{place}: {container:#}");
    }
}
