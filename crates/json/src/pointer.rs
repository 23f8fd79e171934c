//! JSON pointers (RFC 6901): `/metadata/annotations/multipod~1sync`.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Budget, Error, Meter, Raw, Reader};

/// A name as it stands in a pointer.
pub fn escaped(name: &str) -> Cow<'_, str> {
    if !name.contains(['~', '/']) {
        return Cow::Borrowed(name);
    }
    let mut step = String::with_capacity(name.len() + 2);
    push_escaped(&mut step, name);
    Cow::Owned(step)
}

/// A name as it was before it was [`escaped`].
pub fn unescaped(name: &str) -> Cow<'_, str> {
    if name.contains('~') {
        Cow::Owned(name.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(name)
    }
}

/// One step further: a slash, and the name behind it.
pub fn push_step(pointer: &mut String, name: &str) {
    pointer.push('/');
    push_escaped(pointer, name);
}

fn push_escaped(out: &mut String, name: &str) {
    let mut rest = name;
    while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'~' | b'/')) {
        out.push_str(&rest[..at]);
        out.push_str(if rest.as_bytes()[at] == b'~' { "~0" } else { "~1" });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// The names that a pointer leads through, or none if it is not one.
pub fn steps(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let steps = pointer.strip_prefix('/')?.split('/');
    Some(steps.map(|step| unescaped(step).into_owned()).collect())
}

/// The value that a pointer leads to, as the text that stands there. Of what lies beside the way, nothing is kept.
pub fn find<'a>(
    meter: Option<&'a Meter<'a>>,
    text: &'a str,
    pointer: &str,
) -> Result<Option<Raw<'a>>, Error> {
    if pointer.is_empty() {
        return super::read_within(Budget::NONE, meter, text).map(Some);
    }
    let Some(rest) = pointer.strip_prefix('/') else { return Ok(None) };
    let (step, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut reader = Reader::within(Budget::NONE, meter, text);
    let found = Step(&unescaped(step)).deserialize(&mut reader)?;
    reader.end()?;
    found.map_or(Ok(None), |raw| find(meter, raw.text(), rest))
}

/// One member of a map, or one item of a list; nothing where the value is neither, or has none like this.
struct Step<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Step<'_> {
    type Value = Option<Raw<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Step<'_> {
    type Value = Option<Raw<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    // Of two members with one name the last one counts, as for most readers.
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = members.next_key_seed(Named(self.0))? {
            let value = members.next_value()?;
            if is_it {
                found = Some(value);
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let wanted = self.0.parse::<usize>().ok();
        let mut found = None;
        let mut at = 0;
        while let Some(item) = items.next_element()? {
            if wanted == Some(at) {
                found = Some(item);
            }
            at += 1;
        }
        Ok(found)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Whether a key is this one.
struct Named<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Named<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Named<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_followed_through_text() {
        let text = r#" {"a": {"b/c": [1, {"d": "x"} ], "b": 2}, "\u0061": {"e": null}, "f": "y"} "#;
        for (pointer, expected) in [
            ("", Some(text.trim())),
            ("/a", Some(r#"{"e": null}"#)),
            ("/a/e", Some("null")),
            ("/a/e/x", None),
            ("/f/0", None),
            ("/none/at/all", None),
            ("a", None),
        ] {
            assert_eq!(find(None, text, pointer).unwrap().map(Raw::text), expected, "{pointer}");
        }
        let text = r#"{"b/c": [1, {"d": "x"}]}"#;
        for (pointer, expected) in
            [("/b~1c/1/d", Some(r#""x""#)), ("/b~1c/0", Some("1")), ("/b~1c/2", None), ("/b~1c/x", None)]
        {
            assert_eq!(find(None, text, pointer).unwrap().map(Raw::text), expected, "{pointer}");
        }
        assert!(find(None, r#"{"a": {"b" 1}}"#, "/a/b").is_err());
        assert!(find(None, r#"{"a": 1"#, "/a").is_err());
    }

    #[test]
    fn slashes_and_tildes_are_escaped() {
        for (name, step) in [("a", "a"), ("", ""), ("a/b~c", "a~1b~0c"), ("~1", "~01"), ("é/", "é~1")] {
            assert_eq!(escaped(name), step);
        }
        assert_eq!(steps("a"), None);
        assert_eq!(steps("").unwrap(), [""; 0]);
        assert_eq!(steps("/").unwrap(), [""]);
    }

    proptest::proptest! {
        #[test]
        fn a_pointer_leads_through_the_names_that_it_was_made_of(names in proptest::collection::vec("[a~/1é]{0,5}", 0..4)) {
            let mut pointer = String::new();
            for name in &names {
                push_step(&mut pointer, name);
            }
            proptest::prop_assert_eq!(steps(&pointer), Some(names));
        }
    }
}
