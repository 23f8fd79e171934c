//! What is left of an enforced policy that cannot be read: the pods that it may be for are refused, because to let them
//! pass would lift it.

use serde_json::Value;

use crate::pattern::Context;
use crate::pattern::object::{Document, Problem};
use multipod_values::suggest;

use super::matching::{Labels, Match, Mismatch};
use super::owner::OwnerKind;
use super::selector::Selector;

/// A policy that is or may be enforced, and of which no version was ever read without a mistake.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fence {
    pub(crate) policy: String,
    /// Whether its mode can be read.
    pub(super) surely_enforced: bool,
    /// As much of it as can be read, so that it fits at least the pods that it was meant for.
    matches: Match,
    pub(super) problems: Vec<Problem>,
}

impl Fence {
    /// Of a policy with these problems; nothing for one that cannot be enforced.
    pub(super) fn of(document: &Document<'_>, policy: &str, problems: &[Problem]) -> Option<Fence> {
        let fence = |surely_enforced, matches| Fence {
            policy: policy.to_owned(),
            surely_enforced,
            matches,
            problems: problems.to_vec(),
        };
        let Some(object) = document.values() else { return Some(fence(false, Match::default())) };
        let surely = match mode(&object) {
            Mode::Enforced => true,
            Mode::Unclear => false,
            Mode::Another => return None,
        };
        Some(fence(surely, matches(&object["spec"]["match"])))
    }

    /// The same policy where something else is wrong now.
    pub(super) fn with(&self, problems: &[Problem]) -> Fence {
        Fence { problems: problems.to_vec(), ..self.clone() }
    }

    /// Whether the policy may be for a pod, of whose labels there may be `more` than are known.
    pub(super) fn may_concern(&self, context: &Context<'_>, pod_labels: Labels<'_>, more: bool) -> bool {
        match self.matches.mismatch(context, pod_labels) {
            Ok(Some(Mismatch::Pod(_, None))) => more,
            Ok(Some(_)) => false,
            Ok(None) | Err(_) => true,
        }
    }
}

enum Mode {
    Enforced,
    Unclear,
    Another,
}

/// Also where the word is misspelt, or stands beside its place.
fn mode(object: &Value) -> Mode {
    let spec = &object["spec"];
    let fields = [object, spec, &spec["match"]].into_iter().filter_map(Value::as_object).flatten();
    let mut said: Vec<&Value> =
        fields.filter(|(key, _)| suggest::nearest(key, ["mode"]).is_some()).map(|(_, value)| value).collect();
    said.retain(|value| *value != "default" && *value != "audit" || value.is_null());
    if said.contains(&&Value::from("enforce")) {
        return Mode::Enforced;
    }
    let content = spec.as_object().into_iter().flatten();
    // One that ends before it says anything may be cut off in front of its mode.
    let says = content.filter(|(field, _)| *field != "match").any(|(_, value)| !value.is_null());
    if says && said.is_empty() { Mode::Another } else { Mode::Unclear }
}

fn matches(written: &Value) -> Match {
    let kinds = written["ownerKinds"].as_array().map_or(&[][..], Vec::as_slice);
    let owners: Option<Vec<OwnerKind>> =
        kinds.iter().map(|kind| OwnerKind::parse(kind.as_str()?).ok()).collect();
    Match {
        owners: owners.unwrap_or_default(),
        namespaces: Selector::legible(&written["namespaceSelector"]),
        pods: Selector::legible(&written["podSelector"]),
        // The pods that they would leave out are among those that it may be for.
        conditions: Vec::new(),
    }
}
