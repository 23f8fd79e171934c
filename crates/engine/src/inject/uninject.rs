//! Takes out again what the status annotation says was added.
//!
//! For files, on a person's own request: the status is believed as far as names go that only multipod gives.

use serde_json::Value;
use thiserror::Error;

use crate::annotation::key::STATUS;
use crate::pattern::change::{Parent, Shape};
use crate::pod::Held;
use crate::pod::view::is_own_name;
use multipod_json::pointer;

use super::status::{Entry, Status};

/// One step back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The thing at this JSON pointer goes.
    Remove(String),
    /// The thing at this JSON pointer was null before.
    Null(String),
}

/// Why nothing can be taken out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UninjectError {
    /// There is no status annotation.
    #[error("nothing says what multipod has added: there is no annotation {STATUS}")]
    NoStatus,
    /// The status annotation is not one that multipod writes.
    #[error("the annotation {STATUS} cannot be read: {0}")]
    BadStatus(String),
}

/// The removals that undo an injection, in an order in which they can be applied one by one.
pub fn removals(pod: &Value) -> Result<Vec<Removal>, UninjectError> {
    let text = pod["metadata"]["annotations"][STATUS].as_str().ok_or(UninjectError::NoStatus)?;
    let status = Status::read(text).map_err(|problem| UninjectError::BadStatus(problem.to_string()))?;
    let mut out = Vec::new();
    for (index, container) in items(&pod["spec"]["containers"]).enumerate() {
        let name = container["name"].as_str().unwrap_or_default();
        for parent in Parent::of_app(index) {
            let [_, list] = parent.levels();
            let place = format!("/spec/containers/{index}/{list}");
            take_items(&mut out, &place, &container[list], |item| {
                status.entries(parent.kind()).any(|entry| match entry {
                    Entry::InApp(app, what) => *app == name && item[parent.name_field()] == **what,
                    _ => false,
                })
            });
            restore(&mut out, status.was_made(&format!("{name}.{list}")), &place, &container[list]);
        }
    }
    for parent in Parent::OF_POD {
        let [above, path] = parent.levels();
        let (place, held) = (place_of(path), at(pod, path));
        match parent.kind().shape() {
            Shape::Flag => {
                if status.entries(parent.kind()).next().is_some() && !held.is_null() {
                    let was_null = status.was_made(path) == Some(Held::Null);
                    out.push(if was_null {
                        Removal::Null(place.clone())
                    } else {
                        Removal::Remove(place.clone())
                    });
                }
            }
            Shape::Map => {
                // The record is an annotation that it does not name.
                let record = (parent == Parent::Annotations).then_some(STATUS);
                let keys = status.entries(parent.kind()).filter_map(name).chain(record);
                let keys = keys.filter(|key| held.get(*key).is_some());
                out.extend(keys.map(|key| Removal::Remove(format!("{place}/{}", pointer::escaped(key)))));
            }
            Shape::List => take_items(&mut out, &place, held, |item| {
                let is_believed = |name: &&str| !parent.kind().is_named_by_us() || is_own_name(name);
                let mut names = status.entries(parent.kind()).filter_map(name).filter(is_believed);
                names.any(|name| item[parent.name_field()] == *name)
            }),
        }
        for (path, place, held) in [(path, place, held), (above, place_of(above), at(pod, above))] {
            restore(
                &mut out,
                status.was_made(path).filter(|_| parent.kind().shape() != Shape::Flag),
                &place,
                held,
            );
        }
    }
    Ok(out)
}

/// The pod as it was before it was injected.
pub fn uninjected(pod: &Value) -> Result<Value, UninjectError> {
    Ok(without(pod, &removals(pod)?))
}

/// The pod after these steps back.
pub fn without(pod: &Value, removals: &[Removal]) -> Value {
    let mut before = pod.clone();
    for removal in removals {
        let (path, is_gone) = match removal {
            Removal::Remove(path) => (path, true),
            Removal::Null(path) => (path, false),
        };
        let Some((parent, last)) = path.rsplit_once('/') else { continue };
        let name = pointer::unescaped(last);
        match before.pointer_mut(parent) {
            Some(Value::Object(map)) if is_gone => drop(map.shift_remove(&*name)),
            Some(Value::Object(map)) => drop(map.insert(name.into_owned(), Value::Null)),
            Some(Value::Array(list)) => {
                if let Some(at) = name.parse().ok().filter(|at| *at < list.len()) {
                    list.remove(at);
                }
            }
            _ => {}
        }
    }
    before
}

fn name<'e>(entry: &'e Entry<'_>) -> Option<&'e str> {
    match entry {
        Entry::Named(name) => Some(name),
        _ => None,
    }
}

fn place_of(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

fn at<'p>(pod: &'p Value, path: &str) -> &'p Value {
    pod.pointer(&place_of(path)).unwrap_or(&Value::Null)
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// From the last to the first, so that the indexes hold.
fn take_items(out: &mut Vec<Removal>, place: &str, list: &Value, is_ours: impl Fn(&Value) -> bool) {
    let ours: Vec<usize> =
        items(list).enumerate().filter(|(_, item)| is_ours(item)).map(|(index, _)| index).collect();
    out.extend(ours.into_iter().rev().map(|index| Removal::Remove(format!("{place}/{index}"))));
}

/// A map or list that we made goes when nothing of anybody else is in it.
fn restore(out: &mut Vec<Removal>, made: Option<Held>, place: &str, value: &Value) {
    let size = value.as_array().map(Vec::len).or(value.as_object().map(serde_json::Map::len));
    let within = |removal: &&Removal| match removal {
        Removal::Remove(path) => path
            .strip_prefix(place)
            .and_then(|rest| rest.strip_prefix('/'))
            .is_some_and(|rest| !rest.contains('/')),
        Removal::Null(_) => false,
    };
    let taken = out.iter().filter(within).count();
    let Some(made) = made.filter(|_| size == Some(taken)) else { return };
    // The whole goes, and with it what was in it.
    out.retain(|removal| !within(&removal));
    let was_null = made == Held::Null;
    out.push(if was_null { Removal::Null(place.to_owned()) } else { Removal::Remove(place.to_owned()) });
}
