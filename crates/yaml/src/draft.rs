//! The document with its edits: a tree that records which of its nodes are unchanged in the text.

use std::borrow::Cow;

use multipod_json::pointer;
use serde_json::Value;

use super::edit::Edit;
use super::form::Form;
use super::members::Reader;
use super::tree::{Kind, NodeId};

#[derive(Debug)]
pub(super) enum Draft<'v> {
    /// A node in its own place.
    Here(NodeId),
    /// The value of a node that stands elsewhere, behind an alias or a merge key.
    Copy(NodeId),
    New(&'v Value),
    /// A member of another map, by its key and its value.
    Moved(NodeId, NodeId),
    /// Null, that nobody wrote.
    Empty,
    /// A map or list that was looked into; with its node, if it still stands in that node's place.
    Map(Option<NodeId>, Vec<Member<'v>>),
    List(Option<NodeId>, Vec<Draft<'v>>),
}

#[derive(Debug)]
pub(super) struct Member<'v> {
    pub(super) name: String,
    /// What it is called in the text, where that is something else.
    pub(super) was: Option<String>,
    pub(super) draft: Draft<'v>,
}

impl Draft<'_> {
    /// The node in whose place this stands.
    pub(super) fn origin(&self) -> Option<NodeId> {
        match self {
            Self::Here(id) => Some(*id),
            Self::Map(origin, _) | Self::List(origin, _) => *origin,
            Self::Copy(_) | Self::New(_) | Self::Empty | Self::Moved(..) => None,
        }
    }

    pub(super) fn form<'f>(&'f self, reader: &Reader<'f, '_>) -> Form<'f> {
        match self {
            Self::Here(id) | Self::Copy(id) | Self::Moved(_, id) => Form::of_node(reader, *id),
            Self::New(value) => Form::of_value(value),
            Self::Empty => Form::Empty,
            Self::Map(_, members) => {
                let form =
                    |member: &'f Member| (Cow::Borrowed(member.name.as_str()), member.draft.form(reader));
                Form::Map(members.iter().map(form).collect())
            }
            Self::List(_, items) => Form::List(items.iter().map(|item| item.form(reader)).collect()),
        }
    }
}

/// Applies edits, one after the other.
pub(super) struct Drafter<'t, 'a> {
    pub(super) reader: Reader<'t, 'a>,
    /// A node that an alias means too was looked into: a change in its place would change both.
    pub(super) touched_shared: Option<NodeId>,
}

impl<'t> Drafter<'t, '_> {
    /// Whether there was a place for the edit.
    pub(super) fn apply<'v>(&mut self, root: &mut Draft<'v>, edit: &'v Edit) -> Option<()>
    where
        't: 'v,
    {
        let mut tokens = pointer::steps(edit.pointer())?;
        let Some(last) = tokens.pop() else {
            *root = new(edit)?;
            return Some(());
        };
        let parent = self.opened(root, &tokens)?;
        match (edit, parent) {
            (Edit::Move { to, .. }, Draft::Map(origin, members)) => {
                let place = members.iter().position(|member| member.name == last)?;
                let taken = members.remove(place);
                let draft = match (origin, taken.draft) {
                    (Some(map), Draft::Here(value)) => Draft::Moved(self.key(*map, value)?, value),
                    (None, Draft::Here(value)) => Draft::Copy(value),
                    (_, Draft::Map(_, members)) => Draft::Map(None, members),
                    (_, Draft::List(_, items)) => Draft::List(None, items),
                    (_, other) => other,
                };
                let mut tokens = pointer::steps(to)?;
                let name = tokens.pop()?;
                let Draft::Map(_, members) = self.opened(root, &tokens)? else { return None };
                members.push(Member { name, was: None, draft });
                Some(())
            }
            (_, Draft::Map(_, members)) => edit_member(members, last, edit),
            (_, Draft::List(_, items)) => edit_item(items, &last, edit),
            _ => None,
        }
    }

    /// What stands at a place, looked into.
    fn opened<'d, 'v>(&mut self, root: &'d mut Draft<'v>, tokens: &[String]) -> Option<&'d mut Draft<'v>>
    where
        't: 'v,
    {
        let mut draft = root;
        for token in tokens {
            self.open(draft);
            draft = match draft {
                Draft::Map(_, members) => &mut members.iter_mut().find(|member| member.name == *token)?.draft,
                Draft::List(_, items) => items.get_mut(token.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        self.open(draft);
        Some(draft)
    }

    /// The key of a value that is written in a map.
    fn key(&self, map: NodeId, value: NodeId) -> Option<NodeId> {
        let Kind::Mapping { entries, .. } = &self.reader.tree.node(map).kind else { return None };
        entries.iter().find(|entry| entry.value == value).map(|entry| entry.key)
    }

    /// Makes a map or list of a node or value that is one.
    fn open(&mut self, draft: &mut Draft<'_>) {
        let (id, is_here) = match draft {
            Draft::Here(id) => (*id, true),
            Draft::Copy(id) | Draft::Moved(_, id) => (*id, false),
            Draft::New(value) => {
                if let Some(opened) = open_value(value) {
                    *draft = opened;
                }
                return;
            }
            Draft::Map(..) | Draft::List(..) | Draft::Empty => return,
        };
        let target = self.reader.tree.resolve(id);
        let is_here = is_here && target == id;
        if is_here && self.reader.tree.node(id).shared {
            self.touched_shared = self.touched_shared.or(Some(id));
        }
        let origin = is_here.then_some(id);
        let child = |id, is_here| if is_here { Draft::Here(id) } else { Draft::Copy(id) };
        match &self.reader.tree.node(target).kind {
            Kind::Mapping { .. } => {
                let members = self.reader.members(target).unwrap_or_default().into_iter();
                let members = members.map(|member| Member {
                    draft: child(member.value, is_here && !member.inherited),
                    name: member.name,
                    was: None,
                });
                *draft = Draft::Map(origin, members.collect());
            }
            Kind::Sequence { items, .. } => {
                *draft = Draft::List(origin, items.iter().map(|item| child(item.node, is_here)).collect());
            }
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
    }
}

/// What an edit puts in the place of something.
fn new(edit: &Edit) -> Option<Draft<'_>> {
    if matches!(edit, Edit::Empty { .. }) { Some(Draft::Empty) } else { edit.value().map(Draft::New) }
}

fn open_value<'v>(value: &'v Value) -> Option<Draft<'v>> {
    match value {
        Value::Object(map) => {
            let member = |(name, value): (&String, &'v Value)| Member {
                name: name.clone(),
                was: None,
                draft: Draft::New(value),
            };
            Some(Draft::Map(None, map.iter().map(member).collect()))
        }
        Value::Array(items) => Some(Draft::List(None, items.iter().map(Draft::New).collect())),
        _ => None,
    }
}

fn edit_member<'v>(members: &mut Vec<Member<'v>>, name: String, edit: &'v Edit) -> Option<()> {
    let place = members.iter().position(|member| member.name == name);
    match (edit, place) {
        (Edit::Remove { .. }, Some(place)) => {
            members.remove(place);
        }
        (Edit::Add { .. } | Edit::Replace { .. } | Edit::Empty { .. }, Some(place)) => {
            members.get_mut(place)?.draft = new(edit)?;
        }
        (Edit::Add { value, .. }, None) => members.push(Member { name, was: None, draft: Draft::New(value) }),
        (Edit::Rename { name: new, .. }, Some(place)) => {
            if members.iter().any(|member| member.name == *new) {
                return None;
            }
            let member = members.get_mut(place)?;
            let old = std::mem::replace(&mut member.name, new.clone());
            member.was.get_or_insert(old);
        }
        (_, None) | (Edit::Move { .. }, _) => return None,
    }
    Some(())
}

fn edit_item<'v>(items: &mut Vec<Draft<'v>>, token: &str, edit: &'v Edit) -> Option<()> {
    let index = if token == "-" { items.len() } else { token.parse::<usize>().ok()? };
    match edit {
        Edit::Add { value, .. } if index <= items.len() => items.insert(index, Draft::New(value)),
        Edit::Replace { .. } | Edit::Empty { .. } => *items.get_mut(index)? = new(edit)?,
        Edit::Remove { .. } if index < items.len() => {
            items.remove(index);
        }
        Edit::Add { .. } | Edit::Remove { .. } | Edit::Rename { .. } | Edit::Move { .. } => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use multipod_json::pointer::escaped;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::Edit;
    use crate::emit::tests::{any_text, any_value};
    use crate::expected::Expected;
    use crate::{documents, emit};

    /// A place in or right beside a value, found by following the numbers.
    fn pointer(value: &Value, steps: &[usize], name: &str) -> String {
        let Some((step, rest)) = steps.split_first() else { return String::new() };
        match value {
            Value::Object(map) => match map.iter().nth(step % (map.len() + 1)) {
                Some((key, value)) => format!("/{}{}", escaped(key), pointer(value, rest, name)),
                None => format!("/{}", escaped(name)),
            },
            Value::Array(items) => match items.get(step % (items.len() + 1)) {
                Some(value) => format!("/{}{}", step % (items.len() + 1), pointer(value, rest, name)),
                None => "/-".into(),
            },
            _ => String::new(),
        }
    }

    fn is_member(value: &Value, pointer: &str) -> bool {
        pointer.rsplit_once('/').is_some_and(|(map, _)| value.pointer(map).is_some_and(Value::is_object))
    }

    fn edited_value(value: &Value, edits: &[Edit]) -> Result<Value, crate::EditError> {
        Expected::of(value, edits).value()
    }

    fn any_edits() -> impl Strategy<Value = Vec<(u8, Vec<usize>, String, Value)>> {
        prop::collection::vec(
            (0..6_u8, prop::collection::vec(0..8_usize, 1..6), any_text(), any_value()),
            1..5,
        )
    }

    /// Edits, each of a place that is there after the ones before.
    fn settle_edits(value: &Value, plan: Vec<(u8, Vec<usize>, String, Value)>) -> Vec<Edit> {
        let mut edits = Vec::<Edit>::new();
        for (kind, steps, name, new) in plan {
            let now = edited_value(value, &edits).unwrap();
            let pointer = pointer(&now, &steps, &name);
            let edit = match kind {
                0 => Edit::Remove { pointer },
                1 if new.is_null() => Edit::Empty { pointer },
                1 => Edit::Replace { pointer, value: new },
                2 => Edit::Rename { pointer, name },
                3 if is_member(&now, &pointer) => Edit::Move { pointer, to: format!("/{}", escaped(&name)) },
                _ => Edit::Add { pointer, value: new },
            };
            edits.push(edit);
            if edited_value(value, &edits).is_err() {
                edits.pop();
            }
        }
        edits
    }

    proptest! {
        #[test]
        fn edited_text_holds_the_edited_value(value in any_value(), plan in any_edits()) {
            for text in [emit(&value), format!("# head\n---\n{}# tail\n...\n", emit(&value)), emit(&value).replace('\n', "\r\n")] {
                let documents = documents(&text).unwrap();
                let edits = settle_edits(documents[0].value(), plan.clone());
                let edited = documents[0].edit(&edits).unwrap();
                prop_assert_eq!(edited.rewritten, None, "{}\n{:?}", text, edits);
                let expected = edited_value(documents[0].value(), &edits).unwrap();
                let read = crate::documents(&edited.text).unwrap();
                prop_assert_eq!(read[0].value(), &expected);
            }
        }

        #[test]
        fn a_new_name_changes_no_other_byte(value in any_value(), steps in prop::collection::vec(0..8_usize, 1..6), name in any_text(), is_json in any::<bool>()) {
            let value = json!({ "a": value });
            let text = if is_json { value.to_string() } else { emit(&value) };
            let Ok(documents) = documents(&text) else { return Ok(()) };
            let pointer = pointer(documents[0].value(), &steps, "none");
            // An item of a list has a place and no name.
            if !is_member(documents[0].value(), &pointer) {
                return Ok(());
            }
            let edits = [Edit::Rename { pointer: pointer.clone(), name }];
            let Ok(edited) = documents[0].edit(&edits) else { return Ok(()) };
            prop_assert_eq!(edited.rewritten, None);
            let key = documents[0].position(&pointer).unwrap().key.unwrap();
            let line = text.split_inclusive('\n').take(key.line - 1).map(str::len).sum::<usize>();
            let start = line + text[line..].chars().take(key.column - 1).map(char::len_utf8).sum::<usize>();
            prop_assert_eq!(&edited.text[..start], &text[..start]);
            let same = text.bytes().rev().zip(edited.text.bytes().rev()).take_while(|(a, b)| a == b).count();
            // Escaped, in quotes.
            let old = pointer.rsplit('/').next().unwrap().len() * 6 + 2;
            prop_assert!(text.len() - same <= start + old, "{}\n{}", text, edited.text);
        }

        #[test]
        fn edited_json_stays_json(value in any_value(), plan in any_edits(), pretty in any::<bool>()) {
            let value = json!({ "a": value });
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            if let Ok(documents) = documents(&text) {
                let edits = settle_edits(documents[0].value(), plan);
                let edited = documents[0].edit(&edits).unwrap();
                prop_assert_eq!(edited.rewritten, None, "{}\n{:?}", text, edits);
                prop_assert!(serde_json::from_str::<Value>(&edited.text).is_ok(), "{}", edited.text);
            }
        }
    }
}
