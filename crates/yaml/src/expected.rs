//! What an edited text has to say, compared with what it says: part by part, so that no second copy of a long list is made.

use std::collections::{HashMap, HashSet};

use json_patch::jsonptr::PointerBuf;
use multipod_json::pointer;
use serde_json::Value;

use super::edit::{Edit, EditError};
use super::events::{Event, Style, Token};
use super::reading::documents;
use super::scalar::{self, Scalar, decimal};
use super::sound::Sound;

/// A value with its edits, which are made where somebody looks.
pub(super) struct Expected<'v> {
    value: &'v Value,
    edits: &'v [Edit],
}

/// An edit, and its pointer from the value on that is looked at.
#[derive(Clone, Copy)]
struct Step<'v> {
    edit: &'v Edit,
    rest: &'v str,
}

/// A value, and what becomes of it.
enum Part<'v> {
    /// Changed itself.
    Edited(Value),
    /// Changed in some of its members or items, by their name or number, or not at all.
    Kept(&'v Value, HashMap<String, Vec<Step<'v>>>),
}

/// The text has to be read as a whole: it has aliases, merge keys or tags.
struct Unsure;

impl<'v> Expected<'v> {
    pub(super) fn of(value: &'v Value, edits: &'v [Edit]) -> Self {
        Self { value, edits }
    }

    fn root(&self) -> Result<Part<'v>, EditError> {
        part(self.value, &self.steps())
    }

    /// Whether the edits change anything; fails where there is no place for one.
    pub(super) fn is_new(&self) -> Result<bool, EditError> {
        is_new(self.value, self.root()?)
    }

    /// All of it, by other means than those that edit the text.
    pub(super) fn value(&self) -> Result<Value, EditError> {
        patched(self.value, &self.steps())
    }

    fn steps(&self) -> Vec<Step<'v>> {
        self.edits.iter().map(|edit| Step { edit, rest: edit.pointer() }).collect()
    }

    /// Whether a text is one document that says it and nothing else.
    pub(super) fn is_said_by(&self, text: &str) -> bool {
        let Ok(part) = self.root() else { return false };
        let reading = &mut Reading { text, sound: Sound::of(text) };
        reading.document(part).unwrap_or_else(|Unsure| {
            let read = documents(text).unwrap_or_default();
            matches!((read.as_slice(), self.value()), ([one], Ok(value)) if *one.value() == value)
        })
    }
}

fn part<'v>(value: &'v Value, steps: &[Step<'v>]) -> Result<Part<'v>, EditError> {
    let mut below = HashMap::<String, Vec<Step>>::new();
    for step in steps {
        match inside(value, *step) {
            Some((token, step)) => below.entry(token).or_default().push(step),
            None => return patched(value, steps).map(Part::Edited),
        }
    }
    Ok(Part::Kept(value, below))
}

/// The member or item that an edit goes into, if it goes deeper than that.
fn inside<'v>(value: &Value, step: Step<'v>) -> Option<(String, Step<'v>)> {
    if matches!(step.edit, Edit::Move { .. }) {
        // It has two places.
        return None;
    }
    let (first, _) = step.rest.strip_prefix('/')?.split_once('/')?;
    let token = pointer::steps(step.rest.get(..=first.len())?)?.pop()?;
    child(value, &token)?;
    Some((token, Step { rest: step.rest.get(first.len() + 1..)?, ..step }))
}

fn child<'v>(value: &'v Value, token: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) => map.get(token),
        Value::Array(items) => items.get(token.parse::<usize>().ok()?),
        _ => None,
    }
}

fn patched(value: &Value, steps: &[Step]) -> Result<Value, EditError> {
    let mut edited = value.clone();
    for Step { edit, rest } in steps {
        let path = PointerBuf::parse(*rest).map_err(|_| EditError::Pointer(edit.pointer().to_owned()))?;
        let is_taken = |to: &String| edited.pointer(to).is_some();
        if edit.destination(rest).as_ref().is_some_and(is_taken) {
            return Err(EditError::Place(edit.pointer().to_owned()));
        }
        json_patch::patch(&mut edited, &[edit.operation(path)])
            .map_err(|_| EditError::Place(edit.pointer().to_owned()))?;
    }
    settle(&mut edited);
    Ok(edited)
}

/// Numbers as reading them gives them.
pub(super) fn settle(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => *value = number.as_f64().map_or(Value::Null, decimal),
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Object(map) => map.values_mut().for_each(settle),
        _ => {}
    }
}

fn is_new(before: &Value, part: Part) -> Result<bool, EditError> {
    match part {
        Part::Edited(value) => Ok(value != *before),
        Part::Kept(value, below) => {
            let mut found = false;
            for (token, steps) in below {
                if let Some(child) = child(value, &token) {
                    found |= is_new(child, self::part(child, &steps)?)?;
                }
            }
            Ok(found)
        }
    }
}

struct Reading<'t> {
    text: &'t str,
    sound: Sound<'t>,
}

impl<'t> Reading<'t> {
    fn next(&mut self) -> Result<Token<'t>, Unsure> {
        let token = self.sound.next().ok().flatten().ok_or(Unsure)?;
        if token.tag.is_some() || token.anchor.is_some() { Err(Unsure) } else { Ok(token) }
    }

    fn document(&mut self, part: Part) -> Result<bool, Unsure> {
        let Event::DocumentStart { .. } = self.next()?.event else { return Err(Unsure) };
        let root = self.next()?;
        let is_same = self.part(root, part)?;
        if !is_same {
            return Ok(false);
        }
        let is_end = matches!(self.next()?.event, Event::DocumentEnd { .. });
        Ok(is_end && matches!(self.sound.next(), Ok(None)))
    }

    fn part(&mut self, token: Token<'t>, part: Part) -> Result<bool, Unsure> {
        match part {
            Part::Edited(value) => self.value(token, &value, HashMap::new()),
            Part::Kept(value, below) => self.value(token, value, below),
        }
    }

    fn value(
        &mut self,
        token: Token<'t>,
        expected: &Value,
        mut below: HashMap<String, Vec<Step>>,
    ) -> Result<bool, Unsure> {
        match (token.event, expected) {
            (Event::Scalar { text, style }, _) => {
                // A block scalar that the end of the file cuts off has its own rules.
                if matches!(style, Style::Literal | Style::Folded) && !self.text.ends_with('\n') {
                    return Err(Unsure);
                }
                Ok(match (scalar::resolve(None, style, &text).map_err(|_| Unsure)?, expected) {
                    (Scalar::Text(text), Value::String(expected)) => text == *expected,
                    (Scalar::Text(_), _) => false,
                    (scalar, _) => scalar.value() == *expected,
                })
            }
            (Event::SequenceStart { .. }, Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    let token = self.next()?;
                    if matches!(token.event, Event::End) {
                        return Ok(false);
                    }
                    let steps = if below.is_empty() { None } else { below.remove(&index.to_string()) };
                    if !self.child(token, item, steps)? {
                        return Ok(false);
                    }
                }
                Ok(matches!(self.next()?.event, Event::End))
            }
            (Event::MappingStart { .. }, Value::Object(map)) => {
                let mut seen = HashSet::with_capacity(map.len());
                loop {
                    let (name, is_merge) = match self.next()?.event {
                        Event::End => return Ok(seen.len() == map.len()),
                        Event::Scalar { text, style } => {
                            let scalar = scalar::resolve(None, style, &text).map_err(|_| Unsure)?;
                            (scalar.key().map_err(|_| Unsure)?, style == Style::Plain && text == "<<")
                        }
                        _ => return Err(Unsure),
                    };
                    if is_merge {
                        return Err(Unsure);
                    }
                    let token = self.next()?;
                    let Some(value) = map.get(&name) else { return Ok(false) };
                    let steps = below.remove(&name);
                    if !self.child(token, value, steps)? || !seen.insert(name) {
                        return Ok(false);
                    }
                }
            }
            (Event::SequenceStart { .. } | Event::MappingStart { .. }, _) => Ok(false),
            (
                Event::DocumentStart { .. } | Event::DocumentEnd { .. } | Event::Alias { .. } | Event::End,
                _,
            ) => Err(Unsure),
        }
    }

    fn child(&mut self, token: Token<'t>, value: &Value, steps: Option<Vec<Step>>) -> Result<bool, Unsure> {
        match steps {
            Some(steps) => {
                let part = part(value, &steps).map_err(|_| Unsure)?;
                self.part(token, part)
            }
            None => self.value(token, value, HashMap::new()),
        }
    }
}
