//! Finds the holes of a definition before it is read: each text is looked at once, together with the place where it stands.

use crate::pattern::defined::params::Param;
use crate::pattern::defined::phrase::Phrase;
use crate::pattern::defined::places;

use super::node::{Node, Tree};

/// What a definition makes of its params.
pub(super) struct Holes<'p> {
    params: &'p [Param],
    /// Which of them something names.
    pub(super) used: Vec<bool>,
}

impl<'p> Holes<'p> {
    pub(super) fn of(params: &'p [Param]) -> Self {
        Holes { params, used: vec![false; params.len()] }
    }

    /// Finds those below a field of the spec.
    pub(super) fn find(&mut self, field: &str, node: Option<&mut Node>) {
        if let Some(node) = node {
            self.below(node, &mut vec![field.to_owned()]);
        }
    }

    fn below(&mut self, node: &mut Node, path: &mut Vec<String>) {
        match &mut node.tree {
            Tree::Text(text) => {
                if let Some(found) = self.in_text(text, path) {
                    node.tree = found;
                }
            }
            Tree::List(items) => {
                path.push("*".to_owned());
                for item in items {
                    self.below(item, path);
                }
                path.pop();
            }
            Tree::Map(entries) => {
                for (key, entry) in entries {
                    path.push(key.clone());
                    self.below(entry, path);
                    path.pop();
                }
            }
            Tree::Null | Tree::Bool(_) | Tree::Number(_) | Tree::Hole(_) | Tree::Wrong { .. } => {}
        }
    }

    /// Nothing for text that may stand here as it is.
    fn in_text(&mut self, text: &str, path: &[String]) -> Option<Tree> {
        let checked = Phrase::parse(text, self.params).and_then(|phrase| {
            places::check(&phrase, places::allowed_at(path), self.params)?;
            Ok(phrase)
        });
        match checked {
            Ok(phrase) if phrase.fixed().is_some() => None,
            Ok(phrase) => {
                phrase.params().for_each(|param| self.used[param] = true);
                Some(Tree::Hole(phrase))
            }
            Err(why) => Some(Tree::Wrong { text: text.to_owned(), why }),
        }
    }
}
