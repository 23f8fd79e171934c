//! Annotations of ours in a map that nobody reads: where they belong, if that is certain.

use multipod_engine::annotation::key::PREFIX;
use multipod_engine::pod::Place;
use multipod_json::pointer::escaped;
use multipod_values::suggest;
use multipod_yaml::Edit;
use serde_json::{Value, json};

use super::{Mend, Placed};

/// What puts the keys of ours in the map at a pointer of the object into the annotations of its pods.
pub(super) fn mend(placed: &Placed<'_>, place: Place, at: &str) -> Option<Mend> {
    let right = format!("{}/metadata/annotations", place.pointer);
    let object = placed.object.value;
    if let Some((wrong, field)) = misspelt(at, &right) {
        let is_free = object.pointer(&wrong).is_some();
        return is_free.then(|| placed.renamed(&format!("{}{wrong}", placed.object.pointer), field));
    }
    let is_one_off = place.beside().contains(&at)
        || [format!("{}/annotations", place.pointer), format!("{}/metadata", place.pointer)]
            .iter()
            .any(|off| off == at);
    if !is_one_off {
        return None;
    }
    let edits = moves(object, at, &right)?.into_iter().map(|edit| below(&placed.object.pointer, edit));
    let name = |pointer: &str| pointer.trim_start_matches('/').replace('/', ".");
    Some(placed.edited(edits.collect(), name(at), name(&right)))
}

/// The one step of a way that is nearly right, with all before it, and what it should be.
fn misspelt<'r>(at: &str, right: &'r str) -> Option<(String, &'r str)> {
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (at.split('/').collect(), right.split('/').collect());
    let mut wrong = (0..theirs.len()).filter(|step| ours.get(*step) != theirs.get(*step));
    let (Some(step), None) = (wrong.next(), wrong.next()) else { return None };
    let field = *theirs.get(step)?;
    let fields = ["metadata", "annotations", "labels", "spec", "template", "jobTemplate"];
    let meant =
        suggest::meant(ours.get(step)?, fields).filter(|meant| meant.is_certain && meant.word == field);
    let is_as_long = ours.len() == theirs.len();
    meant.filter(|_| is_as_long).map(|_| (ours.get(..=step).unwrap_or_default().join("/"), field))
}

fn moves(object: &Value, at: &str, right: &str) -> Option<Vec<Edit>> {
    let keys: Vec<&String> = object.pointer(at)?.as_object()?.keys().collect();
    let (ours, others): (Vec<&String>, Vec<&String>) =
        keys.into_iter().partition(|key| key.starts_with(PREFIX));
    let moved = |pointer: String, to: String| Edit::Move { pointer, to };
    let each = || {
        let each = ours.iter().map(|key| escaped(key));
        each.map(|key| moved(format!("{at}/{key}"), format!("{right}/{key}"))).collect::<Vec<_>>()
    };
    let (metadata, _) = right.rsplit_once('/')?;
    let is_whole = others.is_empty() && at.ends_with("/annotations");
    match (object.pointer(metadata), object.pointer(right)) {
        (Some(_), Some(Value::Object(there))) => {
            let is_free = !ours.iter().any(|key| there.contains_key(*key));
            let rest = is_whole.then(|| Edit::Remove { pointer: at.to_owned() });
            is_free.then(|| each().into_iter().chain(rest).collect())
        }
        (Some(Value::Object(_)), None) if is_whole => Some(vec![moved(at.to_owned(), right.to_owned())]),
        (Some(Value::Object(_)), None) => {
            let map = Edit::Add { pointer: right.to_owned(), value: json!({}) };
            Some(std::iter::once(map).chain(each()).collect())
        }
        (None, None) if is_whole => {
            let map = Edit::Add { pointer: metadata.to_owned(), value: json!({}) };
            Some(vec![map, moved(at.to_owned(), right.to_owned())])
        }
        _ => None,
    }
}

fn below(object: &str, edit: Edit) -> Edit {
    let inside = |pointer: String| format!("{object}{pointer}");
    match edit {
        Edit::Move { pointer, to } => Edit::Move { pointer: inside(pointer), to: inside(to) },
        Edit::Add { pointer, value } => Edit::Add { pointer: inside(pointer), value },
        Edit::Remove { pointer } => Edit::Remove { pointer: inside(pointer) },
        other => other,
    }
}
