//! What an earlier `inject` has left in a file. While it is what would be added now, it stays, with whatever people have
//! changed beside it; else it is taken out first, so that the file gets what one without it would get.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use multipod_engine::annotation::key::STATUS;
use multipod_engine::inject::{Decision, Record, Removal, Verdict, removals, without};
use multipod_engine::pattern::change::Kind;
use multipod_json::pointer::unescaped;
use multipod_yaml::Edit;

use super::{Finding, Level, Target};

/// How many differences are told of one pod.
const MOST_DIFFERENCES: usize = 10;

/// A template with what has to go.
#[derive(Debug)]
pub(super) struct Earlier {
    with: Value,
    removals: Vec<Removal>,
    without: Value,
}

impl Earlier {
    /// What has to go from a pod before anything is decided about it. `decide` shows what is decided about one, if anything.
    pub(super) fn outdated(
        target: &Target<'_>,
        pod: &str,
        decide: impl Fn(&str, &mut dyn FnMut(&Decision<'_>)),
    ) -> Option<Earlier> {
        // Nearly every file has none.
        target.value["metadata"]["annotations"].get(STATUS)?;
        let with: Value = serde_json::from_str(pod).ok()?;
        if of_another_version(&with).is_some() {
            return None;
        }
        let record = Record::of(&with)?;
        let mut is_outdated = false;
        decide(pod, &mut |decision| is_outdated = record.is_outdated(decision));
        let removals = removals(&with).ok().filter(|_| is_outdated)?;
        if ours(&with, &removals).is_empty() {
            return None;
        }
        let without = without(&with, &removals);
        let mut is_asked = false;
        decide(&without.to_string(), &mut |decision| is_asked = record.is_by_those_who_ask(decision));
        drop(record);
        is_asked.then_some(Earlier { with, removals, without })
    }

    /// The pod without it.
    pub(super) fn without(&self) -> String {
        self.without.to_string()
    }

    pub(super) fn edits(&self, target: &Target<'_>) -> Vec<Edit> {
        self.removals.iter().cloned().map(|removal| edit(&target.pointer, removal)).collect()
    }

    /// What is different from what would be there now; nothing where a refusal says more.
    pub(super) fn finding(&self, target: &Target<'_>, now: &Decision<'_>) -> Option<Finding> {
        let after = match &now.verdict {
            Verdict::Inject(injection) => injection.patch.applied(&self.without),
            Verdict::Skip(_) => None,
            Verdict::Deny(_) => return None,
        };
        let (before, after) = (ours(&self.with, &self.removals), after.as_ref());
        let mut differences = before.into_iter().filter_map(|((list, name), old)| {
            let new = after.and_then(|after| item(after, &list, &name));
            let what = what(&list);
            match new {
                None => Some(format!("{what} {name} is not asked for any more")),
                Some(new) if new == old => None,
                Some(new) => Some(format!("{what} {name} is different{}", fields(old, new))),
            }
        });
        let mut message = format!("what multipod has added to {} before is out of date", target.title());
        for difference in differences.by_ref().take(MOST_DIFFERENCES) {
            let _ = write!(message, "\n{difference}");
        }
        let rest = differences.count();
        if rest > 0 {
            let _ = write!(message, "\n… and {rest} more");
        }
        message.push_str("\n`multipod inject` brings it up to date, also where people have changed it");
        Some(target.finding_about(STATUS, Level::Warning, "outdated", message))
    }
}

/// That the record says more than this version knows, of which nothing could be taken out.
pub(super) fn of_another_version(template: &Value) -> Option<String> {
    let status = template["metadata"]["annotations"][STATUS].as_str()?;
    let status: Value = serde_json::from_str(status).ok()?;
    let is_known = |field: &str| {
        matches!(field, "version" | "patterns" | "made")
            || Kind::ALL.iter().any(|kind| kind.status() == field)
    };
    let unknown = status.as_object()?.keys().find(|field| !is_known(field))?;
    let version = status["version"].as_str().unwrap_or("of another version");
    Some(format!(
        "the annotation {STATUS} was written by multipod {version}, and names {unknown}, which multipod {} does not know\n\
         Take it out with that version",
        env!("CARGO_PKG_VERSION")
    ))
}

pub(super) fn edit(prefix: &str, removal: Removal) -> Edit {
    match removal {
        Removal::Remove(pointer) => Edit::Remove { pointer: format!("{prefix}{pointer}") },
        Removal::Null(pointer) => Edit::Empty { pointer: format!("{prefix}{pointer}") },
    }
}

/// What the removals take, by the list that holds it and by its name; but for the record itself.
fn ours<'v>(pod: &'v Value, removals: &[Removal]) -> BTreeMap<(String, String), &'v Value> {
    let mut found = BTreeMap::new();
    for removal in removals {
        let (Removal::Remove(pointer) | Removal::Null(pointer)) = removal;
        let Some(value) = pod.pointer(pointer) else { continue };
        let (parent, last) = pointer.rsplit_once('/').unwrap_or_default();
        if let Some(Value::Array(_)) = pod.pointer(parent) {
            found.insert((parent.to_owned(), name_in(value)), value);
        } else if parent.ends_with("/annotations") {
            found.insert((parent.to_owned(), unescaped(last).into_owned()), value);
        } else if let Value::Array(items) = value {
            found.extend(items.iter().map(|item| ((pointer.clone(), name_in(item)), item)));
        } else if let Value::Object(map) = value {
            found.extend(map.iter().map(|(key, value)| ((pointer.clone(), key.clone()), value)));
        }
    }
    found.retain(|(_, name), _| name != STATUS);
    found
}

/// A mount is known by its path, everything else by its name.
fn name_in(item: &Value) -> String {
    item["mountPath"].as_str().or(item["name"].as_str()).unwrap_or_default().to_owned()
}

fn item<'v>(pod: &'v Value, list: &str, name: &str) -> Option<&'v Value> {
    match pod.pointer(list)? {
        Value::Array(items) => items.iter().find(|item| name_in(item) == name),
        Value::Object(map) => map.get(name),
        _ => None,
    }
}

fn what(list: &str) -> &'static str {
    match list.rsplit('/').next().unwrap_or_default() {
        "containers" => "container",
        "initContainers" => "init container",
        "volumes" => "volume",
        "volumeMounts" => "mount",
        "env" => "variable",
        "annotations" => "annotation",
        "sysctls" => "kernel setting",
        "imagePullSecrets" => "pull secret",
        _ => "field",
    }
}

/// ` in args and ports`
fn fields(old: &Value, new: &Value) -> String {
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return String::new() };
    let mut names: Vec<&str> = old.keys().chain(new.keys()).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| old.get(*name) != new.get(*name));
    format!(" in {}", names.join(", "))
}
