//! The values that conditions read. JSON stays text until a condition reads a field of it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use multipod_json::{Budget, Kind as Wrong, Raw, read_within};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Tree;

use super::steps::{Fault, Steps};
use super::syntax::{Expr, Kind};

/// So many items a condition looks at in one list or one map, and in all of what it compares as a whole: as they are read,
/// they take memory.
const MOST_ITEMS: usize = 4096;

/// A value of a condition.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Text<'a>),
    List(List<'a>),
    Map(Map<'a>),
    /// What may be missing.
    Optional(Option<Box<Value<'a>>>),
    /// It is there and nobody knows it; why.
    Unknown(Fault),
}

/// Text that is cheap to clone, however long it is.
#[derive(Clone, Debug)]
pub enum Text<'a> {
    There(&'a str),
    /// Read from escapes, or put together.
    Made(Rc<str>),
}

#[derive(Clone, Debug)]
pub enum List<'a> {
    Json(&'a str),
    #[doc(hidden)]
    Constants(Constants<'a>),
    /// What a condition has put together.
    #[doc(hidden)]
    Made(Rc<[Value<'a>]>),
}

/// The items of a list that a condition holds.
#[derive(Clone, Copy, Debug)]
pub struct Constants<'a>(pub(crate) &'a [Expr]);

#[derive(Clone, Debug)]
pub enum Map<'a> {
    Json(&'a str),
    Members(Rc<[(&'a str, Value<'a>)]>),
}

impl Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        match self {
            Text::There(text) => text,
            Text::Made(text) => text,
        }
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Text::There(text),
            Cow::Owned(text) => Text::Made(text.into()),
        }
    }
}

impl<'a> Value<'a> {
    /// The bytes of all text in it, at any depth: so much is looked at by whoever looks at all of it. JSON counts as it is
    /// written, and what is no text as one.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Value::Text(text) => text.len(),
            Value::List(List::Json(text)) | Value::Map(Map::Json(text)) => text.len(),
            Value::List(List::Constants(items)) => {
                items.0.iter().map(|item| Value::constant(item).bytes()).sum()
            }
            Value::List(List::Made(items)) => items.iter().map(Value::bytes).sum(),
            Value::Map(Map::Members(members)) => {
                members.iter().map(|(key, value)| key.len() + value.bytes()).sum()
            }
            Value::Optional(Some(value)) => value.bytes(),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Double(_)
            | Value::Unknown(_)
            | Value::Optional(None) => 1,
        }
    }

    pub fn text(text: &'a str) -> Self {
        Value::Text(Text::There(text))
    }

    pub fn map(members: impl IntoIterator<Item = (&'a str, Value<'a>)>) -> Self {
        Value::Map(Map::Members(members.into_iter().collect()))
    }

    /// A value in JSON.
    pub fn json(text: &'a str) -> Result<Value<'a>, Fault> {
        let text = text.trim_ascii();
        Ok(match text.as_bytes().first() {
            Some(b'{') => Value::Map(Map::Json(text)),
            Some(b'[') => Value::List(List::Json(text)),
            Some(b'"') => Value::Text(read::<Unescaped<'a>>(text)?.0.into()),
            _ if text.parse::<i64>().is_ok() => Value::Int(text.parse().unwrap_or_default()),
            _ => match read::<Tree>(text)? {
                Tree::Null => Value::Null,
                Tree::Bool(value) => Value::Bool(value),
                Tree::Number(number) => match (number.as_i64(), number.as_f64()) {
                    (Some(number), _) => Value::Int(number),
                    (None, Some(number)) if !number.is_nan() && !number_is_large(number) => {
                        Value::Double(number)
                    }
                    _ => return Err(Fault::new("a number is too large")),
                },
                _ => return Err(Fault::new("the pod cannot be read")),
            },
        })
    }

    pub(crate) fn constant(expr: &'a Expr) -> Value<'a> {
        match &expr.kind {
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Int(number) => Value::Int(*number),
            Kind::Double(number) => Value::Double(*number),
            Kind::Text(text) => Value::text(text),
            _ => Value::Null,
        }
    }

    /// As a tree, to be compared as a whole.
    pub(crate) fn tree(&self) -> Result<Tree, Fault> {
        Ok(match self {
            Value::Null => Tree::Null,
            Value::Bool(value) => Tree::from(*value),
            Value::Int(number) => Tree::from(*number),
            Value::Double(number) => Tree::from(*number),
            Value::Text(text) => Tree::from(&**text),
            Value::List(List::Json(text)) | Value::Map(Map::Json(text)) => read(text)?,
            Value::List(List::Constants(items)) => {
                let items = items.0.iter().map(|item| Value::constant(item).tree());
                Tree::Array(items.collect::<Result<_, _>>()?)
            }
            Value::List(List::Made(items)) => {
                Tree::Array(items.iter().map(Value::tree).collect::<Result<_, _>>()?)
            }
            Value::Map(Map::Members(members)) => {
                let members = members.iter().map(|(key, value)| Ok((key.to_string(), value.tree()?)));
                Tree::Object(members.collect::<Result<_, Fault>>()?)
            }
            Value::Optional(_) => return Err(Fault::new("what may be missing cannot be compared")),
            Value::Unknown(why) => return Err(why.clone()),
        })
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Int(_) => "a whole number",
            Value::Double(_) => "a number with a fraction",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Optional(_) => "something that may be missing",
            Value::Unknown(_) => "unknown",
        }
    }
}

/// A whole number that is no `i64`: others keep its digits.
fn number_is_large(number: f64) -> bool {
    number.abs() >= 9_007_199_254_740_992.0
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Fault> {
    let budget = Budget { in_one: MOST_ITEMS, in_all: MOST_ITEMS, members: true, ..Budget::NONE };
    read_within(budget, None, text).map_err(|error| match error.kind() {
        Wrong::TooMuch => {
            Fault::from(format!("this pod is too large for it: it looks at more than {MOST_ITEMS} items"))
        }
        _ => Fault::from(format!("the pod cannot be read: {error}")),
    })
}

impl<'a> List<'a> {
    /// Each is read when somebody asks for it.
    pub(crate) fn items(&self, steps: &Steps<'_>) -> Result<Vec<Item<'a>>, Fault> {
        let items: Vec<Item<'a>> = match self {
            List::Json(text) => {
                steps.go_over(text.len())?;
                let Items(items) = read(text)?;
                items.into_iter().map(|raw| Item::Json(raw.text())).collect()
            }
            List::Constants(items) => items.0.iter().map(|item| Item::Is(Value::constant(item))).collect(),
            List::Made(items) => items.iter().map(|item| Item::Is(item.clone())).collect(),
        };
        steps.go(items.len())?;
        Ok(items)
    }
}

/// An item of a list.
pub(crate) enum Item<'a> {
    Json(&'a str),
    Is(Value<'a>),
}

impl<'a> Item<'a> {
    pub(crate) fn value(self, steps: &Steps<'_>) -> Result<Value<'a>, Fault> {
        match self {
            Item::Json(text) => {
                steps.go_over(text.len())?;
                Value::json(text)
            }
            Item::Is(value) => Ok(value),
        }
    }
}

impl<'a> Map<'a> {
    /// What is there; what is `null` is not.
    pub(crate) fn get(&self, name: &str, steps: &Steps<'_>) -> Result<Option<Value<'a>>, Fault> {
        let found = match self {
            Map::Members(members) => {
                steps.go(members.len())?;
                members.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
            }
            Map::Json(text) => {
                let mut found = json_members(text, steps)?.into_iter().filter(|(key, _)| *key == name);
                let first = found.next().map(|(_, raw)| Item::Json(raw.text()).value(steps)).transpose()?;
                if found.next().is_some() {
                    return Err(Fault::from(format!("{name} stands there twice")));
                }
                first
            }
        };
        match found {
            Some(Value::Unknown(why)) => Err(why),
            found => Ok(found.filter(|value| !matches!(value, Value::Null))),
        }
    }

    pub(crate) fn keys(&self, steps: &Steps<'_>) -> Result<Vec<Item<'a>>, Fault> {
        let keys: Vec<Item<'a>> = match self {
            Map::Members(members) => {
                steps.go(members.len())?;
                members.iter().map(|(key, _)| Item::Is(Value::text(key))).collect()
            }
            Map::Json(text) => {
                let there = json_members(text, steps)?.into_iter().filter(|(_, raw)| raw.text() != "null");
                there.map(|(key, _)| Item::Is(Value::Text(key.into()))).collect()
            }
        };
        Ok(keys)
    }
}

type Member<'a> = (Cow<'a, str>, Raw<'a>);

/// They are counted when they were stepped over: that takes no longer than to read the pod once.
fn json_members<'a>(text: &'a str, steps: &Steps<'_>) -> Result<Vec<Member<'a>>, Fault> {
    steps.go_over(text.len())?;
    let Members(members) = read(text)?;
    steps.go(members.len())?;
    Ok(members)
}

/// Text, borrowed where it holds no escapes.
struct Unescaped<'a>(Cow<'a, str>);
struct Items<'a>(Vec<Raw<'a>>);
struct Members<'a>(Vec<Member<'a>>);

impl<'de> Deserialize<'de> for Unescaped<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Unescaped<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Unescaped<'de>, E> {
                Ok(Unescaped(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Unescaped<'de>, E> {
                Ok(Unescaped(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_any(Borrow)
    }
}

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Items<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Items<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(Items(all))
            }
        }
        deserializer.deserialize_any(All)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Members<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some((Unescaped(key), value)) = members.next_entry()? {
                    all.push((key, value));
                }
                Ok(Members(all))
            }
        }
        deserializer.deserialize_any(All)
    }
}
