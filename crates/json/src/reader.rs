//! The reader: it gives serde the fields that a type has, and skips the others.

use std::borrow::Cow;

use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{Budget, Error, Kind, Meter, Raw, raw, skip};

/// A text, read from its start.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// What may still be read.
    budget: Budget,
    meter: Option<&'a Meter<'a>>,
}

/// As deep as `serde_json` goes. Types bring a depth of their own; only a tree of anything could go on for ever.
const DEEPEST: usize = 128;

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Self {
        Reader::within(Budget::NONE, None, text)
    }

    /// What is over the budget is an error of [`Kind::TooMuch`], and the end of time one of [`Kind::TooLate`].
    pub fn within(budget: Budget, meter: Option<&'a Meter<'a>>, text: &'a str) -> Self {
        Reader { text, at: 0, depth: 0, budget, meter }
    }

    fn go(&self, go: impl FnOnce(&Meter<'a>) -> bool) -> Result<(), Error> {
        let goes_on = self.meter.is_none_or(go);
        goes_on.then_some(()).ok_or_else(|| Error::new(Kind::TooLate, self.at, "there is no time to read on"))
    }

    fn too_much(&self, what: std::fmt::Arguments<'_>) -> Error {
        Error::new(Kind::TooMuch, self.at, &what.to_string())
    }

    /// Nothing but space is left.
    pub fn end(&mut self) -> Result<(), Error> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong("expected the end")),
        }
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn wrong(&self, what: &str) -> Error {
        let kind = if self.at == self.text.len() { Kind::Eof } else { Kind::Syntax };
        Error::new(kind, self.at, what)
    }

    fn expect(&mut self, byte: u8, what: &str) -> Result<(), Error> {
        if self.peek() != Some(byte) {
            return Err(self.wrong(what));
        }
        self.at += 1;
        Ok(())
    }

    fn skip(&mut self) -> Result<&'a str, Error> {
        self.peek();
        let start = self.at;
        self.at = skip::value(self.text.as_bytes(), start)?;
        self.go(|meter| meter.go_over(self.at - start))?;
        // Both ends are at quotes, brackets, or plain signs, never inside a letter.
        Ok(&self.text[start..self.at])
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        let start = self.at;
        let skip::Text { end, is_plain } = skip::string(self.text.as_bytes(), start)?;
        self.go(|meter| meter.go_over(end - start))?;
        if end - start > self.budget.text.saturating_add(2) {
            return Err(self.too_much(format_args!("a text of more than {} bytes", self.budget.text)));
        }
        let text = if is_plain {
            Cow::Borrowed(&self.text[start + 1..end - 1])
        } else {
            let text = serde_json::from_str(&self.text[start..end]);
            let bad = "a string with a control character, or with an escape that does not exist";
            Cow::Owned(text.map_err(|_| Error::new(Kind::Syntax, start, bad))?)
        };
        self.at = end;
        Ok(text)
    }

    fn scalar<V: Visitor<'a>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let start = self.at;
        match self.skip()? {
            "null" => visitor.visit_unit(),
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            number => {
                let number: serde_json::Number = serde_json::from_str(number)
                    .map_err(|_| Error::new(Kind::Syntax, start, "expected a value"))?;
                match (number.as_u64(), number.as_i64()) {
                    (Some(number), _) => visitor.visit_u64(number),
                    (None, Some(number)) => visitor.visit_i64(number),
                    (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
                }
            }
        }
    }

    fn any<V: Visitor<'a>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        match self.peek() {
            Some(b'"') => match self.string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Some(b'{') => self.inside(b'}', |members| visitor.visit_map(members)),
            Some(b'[') => self.inside(b']', |items| visitor.visit_seq(items)),
            _ => self.scalar(visitor),
        }
    }
}

/// What stands between two brackets.
struct Inside<'r, 'a> {
    reader: &'r mut Reader<'a>,
    close: u8,
    /// How many values were asked for.
    count: usize,
    ended: bool,
}

impl<'a> Reader<'a> {
    fn inside<T>(
        &mut self,
        close: u8,
        read: impl FnOnce(&mut Inside<'_, 'a>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.depth == DEEPEST {
            return Err(Error::new(Kind::Syntax, self.at, "too many brackets inside each other"));
        }
        self.at += 1;
        self.depth += 1;
        let mut inside = Inside { reader: self, close, count: 0, ended: false };
        let value = read(&mut inside)?;
        // A type that is content with the beginning gets no more than that.
        let has_ended = inside.ended || !inside.next()?;
        self.depth -= 1;
        has_ended.then_some(value).ok_or_else(|| Error::custom("expected fewer items"))
    }

    /// Looks at the items of a list, each read and as it stands there.
    pub(super) fn each<T: Deserialize<'a>>(&mut self, mut look: impl FnMut(T, Raw<'a>)) -> Result<(), Error> {
        if self.peek() != Some(b'[') {
            return Err(self.wrong("expected a list"));
        }
        self.inside(b']', |items| {
            while items.next()? {
                let reader = &mut *items.reader;
                reader.peek();
                let start = reader.at;
                let item = T::deserialize(&mut *reader)?;
                look(item, Raw::new(&reader.text[start..reader.at]));
            }
            Ok(())
        })
    }
}

impl Inside<'_, '_> {
    /// Whether something follows.
    fn next(&mut self) -> Result<bool, Error> {
        let reader = &mut *self.reader;
        match reader.peek() {
            Some(byte) if byte == self.close => {
                reader.at += 1;
                self.ended = true;
                return Ok(false);
            }
            Some(_) if self.count == 0 => {}
            Some(b',') => {
                reader.at += 1;
                if reader.peek() == Some(self.close) {
                    return Err(reader.wrong("expected something after the comma"));
                }
            }
            _ => return Err(reader.wrong("expected a comma or the end")),
        }
        reader.go(|meter| meter.go(1))?;
        self.count += 1;
        Ok(true)
    }

    /// One more value that somebody keeps.
    fn charge(&mut self) -> Result<(), Error> {
        let Budget { in_one, in_all, .. } = &mut self.reader.budget;
        if self.count > *in_one {
            let most = *in_one;
            return Err(self.reader.too_much(format_args!("more than {most} items")));
        }
        match in_all.checked_sub(1) {
            Some(left) => *in_all = left,
            None => return Err(self.reader.too_much(format_args!("more items in all than are read"))),
        }
        Ok(())
    }
}

impl<'de> MapAccess<'de> for &mut Inside<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if self.ended || !self.next()? {
            return Ok(None);
        }
        if self.reader.peek() != Some(b'"') {
            return Err(self.reader.wrong("expected a name in quotes"));
        }
        let key = match self.reader.string()? {
            Cow::Borrowed(key) => seed.deserialize(BorrowedStrDeserializer::<Error>::new(key)),
            Cow::Owned(key) => seed.deserialize(StringDeserializer::<Error>::new(key)),
        };
        key.map(Some).map_err(|error| error.or_at(self.reader.at))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        if self.reader.budget.members {
            self.charge()?;
        }
        self.reader.expect(b':', "expected a colon")?;
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> SeqAccess<'de> for &mut Inside<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.ended || !self.next()? {
            return Ok(None);
        }
        self.charge()?;
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        // Types know what is wrong with a value, not where it stands.
        self.any(visitor).map_err(|error| error.or_at(self.at))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek() == Some(b'n') { self.scalar(visitor) } else { visitor.visit_some(self) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // Derived types would take a list for their fields in order, so an empty one for an object in which nothing is said.
        if self.peek() == Some(b'[') {
            return Err(Error::invalid_type(Unexpected::Seq, &visitor).or_at(self.at));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == raw::NAME {
            visitor.visit_borrowed_str(self.skip()?)
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map enum identifier
    }
}
