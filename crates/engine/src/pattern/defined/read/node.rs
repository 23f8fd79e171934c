//! A YAML tree that knows its lines, for the parts of a file whose problems must be reported where they are.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::Spanned;

use crate::pattern::defined::phrase::Phrase;
use crate::pattern::defined::template::Hole;
use crate::pattern::object::{Spot, spot_of};

/// One value and its place in its document.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::pattern::defined) struct Node {
    pub(super) line: Spot,
    /// Where its name stands, if it is that of a map.
    pub(super) key: Spot,
    pub(super) tree: Tree,
}

/// What a node holds. A file gives no holes: they are found in its texts before anything is read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Hole(Phrase),
    /// Text that may not stand where it does, and why.
    Wrong {
        text: String,
        why: String,
    },
    List(Vec<Node>),
    /// In the order written.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The text, if it is text without holes.
    pub(super) fn text(&self) -> Option<&str> {
        if let Tree::Text(text) = &self.tree { Some(text) } else { None }
    }

    pub(super) fn is_hole(&self) -> bool {
        matches!(self.tree, Tree::Hole(_))
    }

    /// Text, or a number or boolean as it would be written.
    pub(super) fn scalar(&self) -> Option<String> {
        match &self.tree {
            Tree::Bool(value) => Some(value.to_string()),
            Tree::Number(value) => Some(value.to_string()),
            Tree::Text(text) | Tree::Wrong { text, .. } => Some(text.clone()),
            Tree::Null | Tree::Hole(_) | Tree::List(_) | Tree::Map(_) => None,
        }
    }

    /// What stands under a key of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        match &self.tree {
            Tree::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The holes in it, by JSON pointers from here.
    pub(super) fn holes(&self) -> Vec<Hole> {
        let mut holes = Vec::new();
        self.add_holes(&mut String::new(), &mut holes);
        holes
    }

    fn add_holes(&self, pointer: &mut String, holes: &mut Vec<Hole>) {
        let here = pointer.len();
        match &self.tree {
            Tree::Hole(phrase) => holes.push(Hole { pointer: pointer.clone(), phrase: phrase.clone() }),
            Tree::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    pointer.extend(["/", &at.to_string()]);
                    item.add_holes(pointer, holes);
                    pointer.truncate(here);
                }
            }
            Tree::Map(entries) => {
                for (key, entry) in entries {
                    pointer.extend(["/", key]);
                    entry.add_holes(pointer, holes);
                    pointer.truncate(here);
                }
            }
            _ => {}
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        let line = spot_of(&spanned.referenced);
        Ok(Node { line, key: line, tree: spanned.value })
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
                while let Some((key, node)) = map.next_entry::<Spanned<String>, Node>()? {
                    entries.push((key.value, Node { key: spot_of(&key.referenced), ..node }));
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
        let place = |spot: Spot| (spot.line, spot.column, spot.width);
        assert_eq!(place(node.get("a").unwrap().line), (1, 4, 1));
        assert_eq!((items[0].line.line, items[1].line.line), (3, 4));
        let d = items[1].get("d").unwrap();
        assert_eq!((place(d.key), place(d.line)), ((5, 6, 1), (5, 9, 1)));
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
