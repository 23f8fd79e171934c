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

/// What is to be said about a key, and its right name, where that is certain.
struct Told {
    slug: &'static str,
    message: String,
    meant: Option<String>,
}

impl Told {
    fn only(slug: &'static str, message: String) -> Told {
        Told { slug, message, meant: None }
    }
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
                let told = if of { self.annotation(key, pointer) } else { self.label(key, value, pointer) };
                if let Some(Told { slug, message, meant }) = told {
                    let pointer = format!("{pointer}/{field}/{}", escaped(key));
                    let mut finding = self.placed.warning(&pointer, slug, message);
                    finding.mark = self.odd_mark(key, &finding).or(finding.mark);
                    finding.mend = meant.map(|meant| self.placed.renamed(&pointer, &meant));
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

    fn annotation(&self, key: &str, pointer: &str) -> Option<Told> {
        if let Some((_, odd)) = Odd::first(key)
            && let Some(meant) = without_odd(key)
        {
            let message = format!("{odd}, and part of this key\nWrite {meant}");
            return Some(Told { slug: "misspelt_key", message, meant: Some(meant.to_owned()) });
        }
        if let Some((meant, is_certain)) = misspelt_prefix(key) {
            let message = format!("{key} means nothing to multipod, did you mean {meant}?");
            return Some(Told { slug: "misspelt_key", message, meant: is_certain.then_some(meant) });
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
            return Some(Told::only("no_effect", message));
        }
        if Key::from_full(key).is_some() {
            return None;
        }
        if key == INJECTION {
            let message = format!("{key} is an annotation here, and the webhook looks for a label\n{OPT_IN}");
            return Some(Told::only("label", message));
        }
        let meant = Key::meant(key);
        let hint = meant.map(|(key, _)| format!(", did you mean {}?", key.full())).unwrap_or_default();
        let certain = meant.filter(|(_, is_certain)| *is_certain).map(|(key, _)| key.full().to_owned());
        let message = format!("{key}: there is no such key{hint}");
        Some(Told { slug: "unknown_key", message, meant: certain })
    }

    /// Patterns are requested by annotations; the only label of ours is one of namespaces.
    fn label(&self, key: &str, value: &Value, pointer: &str) -> Option<Told> {
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
        Some(Told::only("label", message))
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

/// The key that was meant, if the prefix is nearly ours: `multi-pod/…`, `Multipod/…`, `multipod.dev/…`; and whether no other
/// one could have been.
fn misspelt_prefix(key: &str) -> Option<(String, bool)> {
    if key.starts_with(PREFIX) || key.starts_with(RENDERED_PREFIX) {
        return None;
    }
    let (prefix, name) = key.split_once('/')?;
    let plain: String =
        prefix.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_ascii_lowercase();
    let ours = PREFIX.trim_end_matches('/');
    let near = suggest::meant(&plain, [ours]);
    if near.is_none() && plain.split('.').next() != Some(ours) {
        return None;
    }
    let (meant, is_certain) = Key::meant(&format!("{PREFIX}{name}"))?;
    Some((meant.full().to_owned(), is_certain && near.is_some_and(|near| near.is_certain)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Manifests, Source};

    #[test]
    fn prefixes_that_are_nearly_ours_are_distinguished_from_those_of_others() {
        for (key, meant) in [
            ("multi-pod/ambassador", Some(("multipod/ambassador", true))),
            ("Multipod/logging", Some(("multipod/logging", true))),
            ("mutlipod/init", Some(("multipod/init", true))),
            ("multipod.dev/ambasador", Some(("multipod/ambassador", false))),
            ("multipods/sync", Some(("multipod/sync", true))),
            ("multipod/ambassador", None),
            ("rendered.multipod/haproxy.cfg", None),
            ("multus/networks", None),
            ("example.com/ambassador", None),
            ("ambassador", None),
        ] {
            let seen = misspelt_prefix(key);
            assert_eq!(seen.as_ref().map(|(key, is_certain)| (&**key, *is_certain)), meant, "{key}");
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
