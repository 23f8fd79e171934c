//! Misspelt keys, and keys in places that multipod does not read.

use multipod_engine::annotation::Key;
use multipod_engine::annotation::key::{INJECTION, PREFIX, RENDERED_PREFIX, STATUS};
use serde_json::Value;

use crate::manifest::{Finding, Mark, Placed};
use multipod_json::pointer::escaped;
use multipod_values::{Odd, suggest};

/// `deploy/webhook.yaml` asks for it.
const OPT_IN: &str = "A Namespace opts in with the label multipod/injection: enabled";
/// Values by which other injectors are enabled. Every other value is most likely meant to disable the injection, and does.
const LOOKS_LIKE_YES: [&str; 6] = ["true", "yes", "on", "enable", "Enabled", "injected"];

/// Looks at the annotations and labels of an object.
pub(super) fn findings(placed: &Placed<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A document may be something else, which is told already.
    if placed.object.value.is_object() {
        let mut search = Search { placed, findings: &mut findings };
        search.walk(placed.object.value, &placed.object.pointer);
    }
    findings
}

struct Search<'l> {
    placed: &'l Placed<'l>,
    findings: &'l mut Vec<Finding>,
}

impl Search<'_> {
    /// Visits every `metadata` of a value.
    fn walk(&mut self, value: &Value, pointer: &str) {
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    let inside = format!("{pointer}/{}", escaped(name));
                    if name == "metadata" {
                        self.at_metadata(field, &inside);
                    }
                    self.walk(field, &inside);
                }
            }
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(index, item)| self.walk(item, &format!("{pointer}/{index}")));
            }
            _ => {}
        }
    }

    fn at_metadata(&mut self, metadata: &Value, pointer: &str) {
        for (field, of) in [("annotations", true), ("labels", false)] {
            for (key, value) in metadata[field].as_object().into_iter().flatten() {
                let finding =
                    if of { self.annotation(key, pointer) } else { self.label(key, value, pointer) };
                if let Some((slug, message)) = finding {
                    let pointer = format!("{pointer}/{field}/{}", escaped(key));
                    let mut finding = self.placed.warning(&pointer, slug, message);
                    finding.mark = self.odd_mark(key, &finding).or(finding.mark);
                    self.findings.push(finding);
                }
            }
        }
    }

    /// The character of a key that looks like another one, where it stands.
    fn odd_mark(&self, key: &str, finding: &Finding) -> Option<Mark> {
        let (_, odd) = Odd::first(key).filter(|_| without_odd(key).is_some())?;
        let line = self.placed.document.line(finding.line)?;
        let start = line.char_indices().nth(finding.column - 1)?.0;
        let (at, _) = Odd::first(&line[start..])?;
        Some(Mark::odd(line, finding.line, start + at, odd))
    }

    fn annotation(&self, key: &str, pointer: &str) -> Option<(&'static str, String)> {
        if let Some((_, odd)) = Odd::first(key)
            && let Some(meant) = without_odd(key)
        {
            return Some(("misspelt_key", format!("{odd}, and part of this key\nWrite {meant}")));
        }
        if let Some(meant) = misspelt_prefix(key) {
            return Some(("misspelt_key", format!("{key} means nothing to multipod, did you mean {meant}?")));
        }
        if !key.starts_with(PREFIX)
            || key == STATUS
            || self.placed.object.place.is_some()
            || !self.is_own(pointer)
        {
            return None;
        }
        if self.placed.object.kind != "Namespace" {
            let message = format!(
                "{key} has no effect on a {}\nmultipod reads the annotations of pod templates and namespaces",
                self.placed.object.kind
            );
            return Some(("no_effect", message));
        }
        if Key::from_full(key).is_some() {
            return None;
        }
        if key == INJECTION {
            let message = format!("{key} is an annotation here, and the webhook looks for a label\n{OPT_IN}");
            return Some(("label", message));
        }
        let meant =
            Key::nearest(key).map(|key| format!(", did you mean {}?", key.full())).unwrap_or_default();
        Some(("unknown_key", format!("{key}: there is no such key{meant}")))
    }

    /// Patterns are requested by annotations; the only label of ours is one of namespaces.
    fn label(&self, key: &str, value: &Value, pointer: &str) -> Option<(&'static str, String)> {
        let message = if let Some(ours) = Key::from_full(key) {
            let example = ours.example();
            format!("{key} is a label here, and multipod reads annotations\nExample: {key}: \"{example}\"")
        } else if key != INJECTION {
            return None;
        } else if self.placed.object.kind != "Namespace" || !self.is_own(pointer) {
            format!(
                "{key} is a label of namespaces, and means nothing on a {}\n{OPT_IN}",
                self.placed.object.kind
            )
        } else if LOOKS_LIKE_YES.contains(&value.as_str()?) {
            format!("{key}: {value} does not opt this namespace in\n{OPT_IN}")
        } else {
            return None;
        };
        Some(("label", message))
    }

    /// Whether metadata is that of the object itself.
    fn is_own(&self, pointer: &str) -> bool {
        pointer.strip_prefix(&self.placed.object.pointer) == Some("/metadata")
    }
}

/// The key that was meant, if nothing is wrong with it but characters that look like others.
fn without_odd(key: &str) -> Option<&'static str> {
    let plain: String = key.chars().filter(|c| Odd::of(*c).is_none()).collect();
    Key::from_full(plain.trim()).map(Key::full)
}

/// The key that was meant, if the prefix is nearly ours: `multi-pod/…`, `Multipod/…`, `multipod.dev/…`.
fn misspelt_prefix(key: &str) -> Option<String> {
    if key.starts_with(PREFIX) || key.starts_with(RENDERED_PREFIX) {
        return None;
    }
    let (prefix, name) = key.split_once('/')?;
    let plain: String =
        prefix.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_ascii_lowercase();
    let ours = PREFIX.trim_end_matches('/');
    let near = plain.split('.').next() == Some(ours) || suggest::nearest(&plain, [ours]).is_some();
    let meant = Key::from_name(name).or_else(|| Key::nearest(&format!("{PREFIX}{name}")))?;
    near.then(|| meant.full().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Manifests, Source};

    #[test]
    fn prefixes_that_are_nearly_ours_are_distinguished_from_those_of_others() {
        for (key, meant) in [
            ("multi-pod/ambassador", Some("multipod/ambassador")),
            ("Multipod/logging", Some("multipod/logging")),
            ("mutlipod/init", Some("multipod/init")),
            ("multipod.dev/ambasador", Some("multipod/ambassador")),
            ("multipods/sync", Some("multipod/sync")),
            ("multipod/ambassador", None),
            ("rendered.multipod/haproxy.cfg", None),
            ("multus/networks", None),
            ("example.com/ambassador", None),
            ("ambassador", None),
        ] {
            assert_eq!(misspelt_prefix(key).as_deref(), meant, "{key}");
        }
    }

    #[test]
    fn keys_in_the_wrong_place_are_found_where_they_stand() {
        let text = "kind: Namespace\nmetadata:\n  annotations:\n    multipod/loging: x\n    multipod/logging: x\n---\n\
                    kind: Service\nmetadata: {annotations: {multipod/ambassador: x}}\n---\n\
                    kind: Rollout\nspec:\n  template:\n    metadata:\n      labels:\n        multipod/init: x\n";
        let sources = [Source { name: "a.yaml".into(), text: text.into() }];
        let manifests = Manifests::read(&sources);
        let opened: Vec<_> = manifests.opened().map(Result::unwrap).collect();
        let found: Vec<_> =
            opened.iter().flat_map(Placed::all).flat_map(|placed| findings(&placed)).collect();
        let seen: Vec<_> = found.iter().map(|finding| (finding.slug, finding.line, finding.column)).collect();
        assert_eq!(seen, [("unknown_key", 4, 5), ("no_effect", 8, 26), ("label", 15, 9)]);
        assert!(found[0].message.ends_with("did you mean multipod/logging?"), "{}", found[0].message);
    }
}
