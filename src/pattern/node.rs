//! A YAML tree that knows its lines, for the parts of a file whose faults must be told where they are.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

use super::object::line_of;

/// One value and its line in its document.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// From 1.
    pub line: usize,
    /// What stands there.
    pub tree: Tree,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order written.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The text, if it is text.
    pub fn text(&self) -> Option<&str> {
        if let Tree::Text(text) = &self.tree { Some(text) } else { None }
    }

    /// Text, or a number or boolean as it would be written.
    pub fn scalar(&self) -> Option<String> {
        match &self.tree {
            Tree::Bool(value) => Some(value.to_string()),
            Tree::Number(value) => Some(value.to_string()),
            Tree::Text(value) => Some(value.clone()),
            Tree::Null | Tree::List(_) | Tree::Map(_) => None,
        }
    }

    /// What stands under a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.tree {
            Tree::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The tree without its lines.
    pub fn plain(&self) -> Value {
        match &self.tree {
            Tree::Null => Value::Null,
            Tree::Bool(value) => Value::Bool(*value),
            Tree::Number(value) => Value::Number(value.clone()),
            Tree::Text(value) => Value::String(value.clone()),
            Tree::List(items) => items.iter().map(Node::plain).collect(),
            Tree::Map(entries) => {
                let plain: Map<_, _> =
                    entries.iter().map(|(key, node)| (key.clone(), node.plain())).collect();
                Value::Object(plain)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        Ok(Node { line: line_of(&spanned.referenced), tree: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Tree;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_unit<E: Error>(self) -> Result<Tree, E> {
                Ok(Tree::Null)
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
                Ok(Tree::Bool(value))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
                Ok(Tree::Number(value.into()))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
                Ok(Tree::Number(value.into()))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
                Number::from_f64(value).map(Tree::Number).ok_or_else(|| E::custom("expected a finite number"))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
                Ok(Tree::Text(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Tree::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Tree::Map(entries))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::object::read;

    #[test]
    fn every_node_knows_its_line() {
        let node: Node = read("a: 1\nb:\n  - x\n  - {c: true,\n     d: ~}\n").unwrap();
        let list = node.get("b").unwrap();
        let Tree::List(items) = &list.tree else { panic!("{list:?}") };
        assert_eq!((node.get("a").unwrap().line, items[0].line, items[1].line), (1, 3, 4));
        assert_eq!(items[1].get("d").unwrap().line, 5);
        assert_eq!(node.plain(), serde_json::json!({"a": 1, "b": ["x", {"c": true, "d": null}]}));
    }

    #[test]
    fn scalars_are_written_as_people_write_them() {
        let node: Node = read("[80, true, '80', 1.5, ~, []]").unwrap();
        let Tree::List(items) = &node.tree else { panic!("{node:?}") };
        let scalars: Vec<Option<String>> = items.iter().map(Node::scalar).collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(scalars, [text("80"), text("true"), text("80"), text("1.5"), None, None]);
    }
}
