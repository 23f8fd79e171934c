//! The sources of policies and patterns, as layers that are merged whenever one of them changes: a folder and a cluster
//! can both define them, neither overwrites the other, and a mistake in one never disturbs the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::pattern::Catalogue;
use crate::pattern::defined::Definition;
use crate::pattern::object::{Document, Kind, Place, Problem, documents};

use super::check;
use super::object::{Policies, Policy};

/// A source. Of two objects with one name, that of the earlier layer is in force: a folder comes with the installation,
/// and whoever may write objects in the cluster cannot take its policies away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    Folder,
    Cluster,
}

/// What one layer holds, each object by itself, so that merging never reads one again.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    policies: Vec<(Arc<Policy>, Place)>,
    patterns: Vec<(Arc<Definition>, Place)>,
    problems: Vec<Problem>,
}

/// Everything that is defined, and what is wrong with the rest.
#[derive(Debug, Default)]
pub struct Loaded {
    pub policies: Policies,
    pub catalogue: Catalogue,
    /// What is not in force, and why.
    pub problems: Vec<Problem>,
}

/// What each layer held when it was heard of last.
#[derive(Debug, Default)]
pub struct Layers {
    objects: BTreeMap<Layer, Objects>,
}

impl Layers {
    /// Puts `objects` in the place of what the layer held before.
    pub fn replace(&mut self, layer: Layer, objects: Objects) {
        self.objects.insert(layer, objects);
    }

    /// The objects of all layers. The order in which layers were heard of does not matter.
    pub fn merge(&self) -> Loaded {
        let mut loaded = Loaded::default();
        let mut places = BTreeMap::new();
        for (layer, objects) in &self.objects {
            loaded.problems.extend_from_slice(&objects.problems);
            for (definition, place) in &objects.patterns {
                let name = (Kind::Pattern, &*definition.name);
                match loaded.catalogue.insert(Arc::clone(definition)) {
                    Ok(()) => drop(places.insert(name, (layer, place))),
                    Err(taken) => {
                        let message = taken + &elsewhere(*layer, places.get(&name));
                        loaded.problems.push(Problem { place: place.clone(), message });
                    }
                }
            }
            for (policy, place) in &objects.policies {
                let name = (Kind::InjectionPolicy, &*policy.name);
                if loaded.policies.insert(policy) {
                    places.insert(name, (layer, place));
                } else {
                    let before = elsewhere(*layer, places.get(&name));
                    let message = format!("there is another policy with this name: {}{before}", policy.name);
                    loaded.problems.push(Problem { place: place.clone(), message });
                }
            }
        }
        loaded.problems.sort_by(|a, b| a.place.cmp(&b.place));
        loaded
    }
}

/// Names the place of the object that counts, where it is not in the layer that people are looking at.
fn elsewhere(layer: Layer, first: Option<&(&Layer, &Place)>) -> String {
    first.filter(|(other, _)| **other != layer).map_or_else(String::new, |(_, place)| format!(" ({place})"))
}

impl Objects {
    /// Reads files, given by name and text. Their order does not matter: of two objects with one name, the first by
    /// file name and line counts.
    pub fn of_files(files: &[(String, String)]) -> Objects {
        let mut files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
        files.sort_unstable();
        let (documents, problems) = documents(files);
        Objects::of_documents(&documents, problems)
    }

    /// Reads objects as an API server gives them.
    pub fn of_cluster<'v>(objects: impl IntoIterator<Item = &'v Value>) -> Objects {
        let (mut found, mut problems) = (Vec::new(), Vec::new());
        for object in objects {
            match Document::of_object(object) {
                Ok(document) => found.extend(document),
                Err(problem) => problems.push(problem),
            }
        }
        Objects::of_documents(&found, problems)
    }

    /// All of these, as one layer.
    pub fn together<'o>(all: impl IntoIterator<Item = &'o Objects>) -> Objects {
        let mut whole = Objects::default();
        for Objects { policies, patterns, problems } in all {
            whole.policies.extend_from_slice(policies);
            whole.patterns.extend_from_slice(patterns);
            whole.problems.extend_from_slice(problems);
        }
        whole
    }

    /// What could not be read.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn of_documents(documents: &[Document<'_>], problems: Vec<Problem>) -> Objects {
        let mut objects = Objects { problems, ..Objects::default() };
        for document in documents {
            match document.kind {
                Kind::Pattern => match Definition::read(document, false) {
                    Ok(definition) => {
                        let place = document.place(definition.line);
                        objects.patterns.push((Arc::new(definition), place));
                    }
                    Err(problems) => objects.problems.extend(problems),
                },
                Kind::InjectionPolicy => match check::policy(document) {
                    Ok((policy, place)) => objects.policies.push((Arc::new(policy), place)),
                    Err(problems) => objects.problems.extend(problems),
                },
            }
        }
        objects
    }
}

/// The objects of files that are the only layer.
pub fn load(files: &[(String, String)]) -> Loaded {
    let mut layers = Layers::default();
    layers.replace(Layer::Folder, Objects::of_files(files));
    layers.merge()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    /// A policy that says something besides.
    fn policy(name: &str, spec: &str) -> String {
        format!(
            "---\napiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: {name}}}\n\
             spec: {{upstreams: {{x: \"y:1\"}}, {spec}}}\n"
        )
    }

    fn object(kind: &str, name: &str, spec: &Value) -> Value {
        json!({"apiVersion": "multipod.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
    }

    fn reported(loaded: &Loaded) -> Vec<String> {
        loaded.problems.iter().map(ToString::to_string).collect()
    }

    fn modes(loaded: &Loaded) -> Vec<(&str, &str)> {
        loaded.policies.iter().map(|policy| (&*policy.name, policy.mode.name())).collect()
    }

    #[test]
    fn an_invalid_object_never_disturbs_the_others() {
        let text = [
            policy("good", ""),
            policy("typo", "mdoe: audit"),
            "---\nkind: [\n".to_owned(),
            "---\napiVersion: multipod.dev/v2\nkind: InjectionPolicy\n".to_owned(),
            "---\napiVersion: multipod.dev/v1alpha1\nkind: InjectionPolice\n".to_owned(),
            policy("wrong", "mode: enforced, annotations: {multipod/ambassador: \"8o:1\"}"),
            policy("also-good", "mode: audit"),
        ];
        let loaded = load(&[file("a.yaml", &text.concat()), file("b.yaml", "no object")]);
        assert_eq!(modes(&loaded), [("also-good", "audit"), ("good", "default")]);
        let reported = reported(&loaded);
        assert_eq!(reported.len(), 7, "{reported:?}");
        for (problem, expected) in reported.iter().zip([
            "a.yaml:10: unknown field `mdoe`",
            "a.yaml:1",
            "a.yaml:15: expected apiVersion: multipod.dev/v1alpha1",
            "a.yaml:18: expected kind: Pattern or InjectionPolicy",
            "a.yaml:23: policy wrong: spec.mode: expected default, enforce or audit",
            "a.yaml:23: multipod/ambassador: 8o:1 is not LISTEN:TARGET",
            "b.yaml:1",
        ]) {
            assert!(problem.starts_with(expected), "{expected}\n{problem}");
        }
    }

    #[test]
    fn of_two_policies_with_one_name_the_first_by_file_and_line_counts() {
        let a = file("a.yaml", &format!("{}{}", policy("x", "mode: wrong"), policy("x", "mode: audit")));
        let b = file("b.yaml", &policy("x", "mode: enforce"));
        for files in [[a.clone(), b.clone()], [b, a]] {
            let loaded = load(&files);
            assert_eq!(modes(&loaded), [("x", "audit")]);
            let reported = reported(&loaded);
            assert_eq!(reported.len(), 2, "{reported:?}");
            assert!(reported[0].starts_with("a.yaml:5: policy x: spec.mode"), "{reported:?}");
            assert_eq!(reported[1], "b.yaml:4: there is another policy with this name: x");
        }
    }

    #[test]
    fn layers_stand_beside_each_other_in_whatever_order_they_are_heard_of() {
        let folder = || {
            let own = "---\napiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {name: tap}\nspec: {shareProcessNamespace: true}\n";
            Objects::of_files(&[file(
                "f.yaml",
                &[policy("both", "mode: enforce"), policy("folder", ""), own.into()].concat(),
            )])
        };
        let cluster = |mode: &str| {
            Objects::of_cluster(&[
                object("InjectionPolicy", "both", &json!({"mode": "audit", "upstreams": {"x": "y:1"}})),
                object("InjectionPolicy", "cluster", &json!({"mode": mode, "upstreams": {"x": "y:1"}})),
                object("InjectionPolicy", "broken", &json!({"mode": "enforced", "upstreams": {"x": "y:1"}})),
                object("Pattern", "tap", &json!({"shareProcessNamespace": true})),
                json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other"}}),
            ])
        };
        let (mut one, mut other) = (Layers::default(), Layers::default());
        one.replace(Layer::Folder, folder());
        one.replace(Layer::Cluster, cluster("default"));
        one.replace(Layer::Cluster, cluster("audit"));
        other.replace(Layer::Cluster, cluster("audit"));
        assert_eq!(modes(&other.merge()), [("both", "audit"), ("cluster", "audit")]);
        other.replace(Layer::Folder, folder());
        for layers in [&one, &other] {
            let loaded = layers.merge();
            assert_eq!(modes(&loaded), [("both", "enforce"), ("cluster", "audit"), ("folder", "default")]);
            assert!(loaded.catalogue.get("tap").is_some() && loaded.catalogue.get("nginx").is_some());
            assert_eq!(
                reported(&loaded),
                [
                    "injectionpolicy/both: metadata.name: there is another policy with this name: both (f.yaml:4)",
                    "injectionpolicy/broken: spec.mode: policy broken: spec.mode: expected default, enforce or audit, did \
                     you mean enforce?",
                    "pattern/tap: metadata.name: a pattern named tap is defined before (f.yaml:14)",
                ]
            );
        }
        // A layer that has lost everything leaves the other one as it is.
        one.replace(Layer::Cluster, Objects::default());
        assert_eq!(modes(&one.merge()), [("both", "enforce"), ("folder", "default")]);
    }

    #[test]
    fn a_file_and_an_object_are_read_alike() {
        for spec in [
            json!({}),
            json!({"mode": "enforced"}),
            json!({"mode": 1}),
            json!({"match": {"podSelektor": {}}}),
            json!({"match": {"ownerKinds": ["Job", "CronJob"], "namespaceSelector": {"matchLabels": {"a": true}}}}),
            json!({"annotations": {"multipod/ambassador": "8o:1", "multipod/zebra": "x"}, "bounds": {"cpu": {"max": "x"}}}),
            json!({"upstreams": {"a": "db:1"}, "destinations": {"b": "https://x"}, "bounds": {"cpu": {"max": 1}}}),
        ] {
            let object = object("InjectionPolicy", "a", &spec);
            let text = serde_json::to_string_pretty(&object).unwrap();
            let of_file = Objects::of_files(&[file("a.yaml", &text)]);
            let of_cluster = Objects::of_cluster([&object]);
            let policies = |objects: &Objects| {
                objects.policies.iter().map(|(policy, _)| policy.clone()).collect::<Vec<_>>()
            };
            assert_eq!(policies(&of_file), policies(&of_cluster), "{spec}");
            let messages = |objects: &Objects| {
                objects.problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>()
            };
            assert_eq!(messages(&of_file), messages(&of_cluster), "{spec}");
            assert_eq!(of_file.problems.is_empty(), !of_file.policies.is_empty(), "{spec}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_reported(text in "(?s)(spec: |mode: |match: |\\{|\\}|\\[|\\]|---\n|a|: |\n|\"|&b|\\*b){0,40}") {
            let head = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: a}\n";
            for text in [text.clone(), format!("{head}spec: {text}")] {
                let loaded = load(&[file("a", &text)]);
                let has_line = |problem: &Problem| matches!(problem.place, Place::Line { line: 1.., .. });
                proptest::prop_assert!(loaded.problems.iter().all(has_line));
            }
        }
    }
}
