//! The sources of policies and patterns, as layers that are merged whenever one of them changes: a folder and a cluster
//! can both define them, neither overwrites the other, and a mistake in one never disturbs the other.
//!
//! A mistake never lifts a policy: where the new version of an object has one, the last good version stays. Where there
//! never was one, a [`Fence`] stands for an enforced policy.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::pattern::Catalogue;
use crate::pattern::defined::Definition;
use crate::pattern::object::{Document, Kind, Part, Place, Problem, Spot, documents, documents_of};

use super::check;
use super::fence::Fence;
use super::object::{Policies, Policy};
use super::standing::{Layer, ObjectState, Standing};

/// What one layer holds, each object by itself, so that merging never reads one again.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    objects: Vec<Object>,
    /// Of what nobody can tell the name of.
    illegible: Vec<Problem>,
}

/// An object with a name, good or not.
#[derive(Clone, Debug)]
struct Object {
    kind: Kind,
    name: String,
    place: Place,
    generation: Option<i64>,
    read: Result<Good, Bad>,
    /// The last version without a mistake, where this one has one.
    last_good: Option<Good>,
}

/// What an object without a mistake defines.
#[derive(Clone, Debug)]
pub enum Good {
    Policy(Arc<Policy>),
    Pattern(Arc<Definition>),
}

#[derive(Clone, Debug)]
struct Bad {
    problems: Vec<Problem>,
    fence: Option<Arc<Fence>>,
}

/// Everything that is defined, and what is wrong with the rest.
#[derive(Debug, Default)]
pub struct Loaded {
    pub policies: Policies,
    pub catalogue: Catalogue,
    /// What is not in force, and why.
    pub problems: Vec<Problem>,
    /// What became of each object, in the order of their layers and places.
    pub objects: Vec<ObjectState>,
    /// Of what was never read as a whole, so that nobody can tell what is missing.
    pub illegible: Vec<Problem>,
}

/// What each layer held when it was heard of last.
#[derive(Debug, Default)]
pub struct Layers {
    layers: BTreeMap<Layer, Held>,
}

#[derive(Debug, Default)]
struct Held {
    objects: Objects,
    /// Whether everything in it could be read once, whatever it holds now.
    was_legible: bool,
}

impl Layers {
    /// Puts `objects` in the place of what the layer held before. What is not there any more was deleted, but for what
    /// stood in a file that cannot be read now.
    pub fn replace(&mut self, layer: Layer, mut objects: Objects) {
        let before = self.layers.remove(&layer).unwrap_or_default();
        let was_legible = before.was_legible || objects.illegible.is_empty();
        for object in objects.objects.iter_mut().filter(|object| object.read.is_err()) {
            object.last_good = before.objects.find(object.kind, &object.name).and_then(Object::serving);
        }
        for object in before.objects.objects {
            let file = object.place.file();
            let mut problems =
                objects.illegible.iter().filter(|problem| problem.place.file() == file).peekable();
            if problems.peek().is_none() || objects.find(object.kind, &object.name).is_some() {
                continue;
            }
            let problems: Vec<Problem> = problems.cloned().collect();
            let last_good = object.serving();
            let fence = object.read.err().and_then(|bad| bad.fence);
            let fence = fence.map(|fence| Arc::new(fence.with(&problems)));
            objects.objects.push(Object { read: Err(Bad { problems, fence }), last_good, ..object });
        }
        objects.objects.sort_by(|a, b| a.place.cmp(&b.place));
        self.layers.insert(layer, Held { objects, was_legible });
    }

    /// The objects of all layers. The order in which layers were heard of does not matter.
    pub fn merge(&self) -> Loaded {
        let mut loaded = Loaded::default();
        let mut places = BTreeMap::new();
        for (layer, Held { objects, was_legible }) in &self.layers {
            loaded.problems.extend_from_slice(&objects.illegible);
            if !was_legible {
                loaded.illegible.extend_from_slice(&objects.illegible);
            }
            for object in &objects.objects {
                let name = (object.kind, &*object.name);
                let first = *places.entry(name).or_insert((layer, &object.place));
                let (standing, problems) = if first == (layer, &object.place) {
                    loaded.take(object)
                } else {
                    (Standing::LeftOut, vec![object.taken(first.1)])
                };
                loaded.problems.extend_from_slice(&problems);
                loaded.objects.push(ObjectState {
                    kind: object.kind,
                    name: object.name.clone(),
                    layer: *layer,
                    place: object.place.clone(),
                    generation: object.generation,
                    standing,
                    problems,
                });
            }
        }
        loaded.problems.sort_by(|a, b| a.place.cmp(&b.place));
        loaded.problems.dedup();
        loaded.policies.complete();
        loaded
    }
}

impl Loaded {
    /// Puts in force what serves of an object.
    fn take(&mut self, object: &Object) -> (Standing, Vec<Problem>) {
        let (good, standing, problems) = match (&object.read, &object.last_good) {
            (Ok(good), _) => (good, Standing::InForce, Vec::new()),
            (Err(bad), Some(good)) => (good, Standing::LastGood, bad.problems.clone()),
            (Err(bad), None) => {
                let standing = if bad.fence.is_some() { Standing::Refusing } else { Standing::LeftOut };
                self.policies.fences.extend(bad.fence.clone());
                return (standing, bad.problems.clone());
            }
        };
        match good {
            Good::Policy(policy) => self.policies.insert(policy),
            Good::Pattern(definition) => {
                if let Err(message) = self.catalogue.insert(Arc::clone(definition)) {
                    return (Standing::LeftOut, vec![Problem::new(object.place.clone(), message)]);
                }
            }
        }
        (standing, problems)
    }
}

impl Good {
    /// Reads an object strictly, and tells the place of its name.
    pub fn read(document: &Document<'_>) -> Result<(Good, Place), Vec<Problem>> {
        match document.kind {
            Kind::Pattern => Definition::read(document, false).map(|definition| {
                let place = document.place(definition.line);
                (Good::Pattern(Arc::new(definition)), place)
            }),
            Kind::InjectionPolicy => {
                check::policy(document).map(|(policy, place)| (Good::Policy(Arc::new(policy)), place))
            }
        }
    }

    fn name(&self) -> &str {
        match self {
            Good::Policy(policy) => &policy.name,
            Good::Pattern(definition) => &definition.name,
        }
    }
}

impl Object {
    /// What is in force of it; nothing where no version was ever without a mistake.
    fn serving(&self) -> Option<Good> {
        self.read.as_ref().ok().or(self.last_good.as_ref()).cloned()
    }

    /// Another object that stands at `first` has its name; people look for that where it is not in the same file.
    fn taken(&self, first: &Place) -> Problem {
        let elsewhere = if first.file() == self.place.file() { String::new() } else { format!(" ({first})") };
        let message = match self.kind {
            Kind::Pattern => format!("a pattern named {} is defined before{elsewhere}", self.name),
            Kind::InjectionPolicy => {
                format!("there is another policy with this name: {}{elsewhere}", self.name)
            }
        };
        Problem::new(self.place.clone(), message)
    }
}

impl Objects {
    /// Reads files, given by name and text. Their order does not matter: of two objects with one name, the first by
    /// file name and line counts.
    pub fn of_files(files: &[(String, String)]) -> Objects {
        let mut files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
        files.sort_unstable();
        let (documents, illegible) = documents(files);
        Objects::of_documents(&documents, illegible)
    }

    /// Reads objects that stand among others.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = Part<'a>>) -> Objects {
        let (documents, illegible) = documents_of(parts);
        Objects::of_documents(&documents, illegible)
    }

    /// Reads objects as an API server gives them.
    pub fn of_cluster<'v>(objects: impl IntoIterator<Item = &'v Value>) -> Objects {
        let found: Vec<_> = objects.into_iter().filter_map(Document::of_object).collect();
        Objects::of_documents(&found, Vec::new())
    }

    /// The same beside files that cannot be read at all.
    #[must_use]
    pub fn beside(mut self, unread: impl IntoIterator<Item = Problem>) -> Objects {
        self.illegible.extend(unread);
        self
    }

    /// All of these, as one layer.
    pub fn together<'o>(all: impl IntoIterator<Item = &'o Objects>) -> Objects {
        let mut whole = Objects::default();
        for Objects { objects, illegible } in all {
            whole.objects.extend_from_slice(objects);
            whole.illegible.extend_from_slice(illegible);
        }
        whole
    }

    /// These, and what `others` hold under other names.
    #[must_use]
    pub fn in_place_of(mut self, others: &Objects) -> Objects {
        let kept = others.objects.iter().filter(|other| self.find(other.kind, &other.name).is_none());
        let kept: Vec<Object> = kept.cloned().collect();
        self.objects.extend(kept);
        self
    }

    /// What could not be read.
    pub fn problems(&self) -> Vec<Problem> {
        let bad = self.objects.iter().filter_map(|object| object.read.as_ref().err());
        self.illegible.iter().chain(bad.flat_map(|bad| &bad.problems)).cloned().collect()
    }

    fn find(&self, kind: Kind, name: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.kind == kind && object.name == name)
    }

    fn of_documents(documents: &[Document<'_>], illegible: Vec<Problem>) -> Objects {
        let mut objects = Objects { illegible, ..Objects::default() };
        for document in documents {
            match Object::read(document) {
                Ok(object) => objects.objects.push(object),
                Err(problems) => objects.illegible.extend(problems),
            }
        }
        objects
    }
}

impl Object {
    /// Reads an object; an error where not even its name can be told.
    fn read(document: &Document<'_>) -> Result<Object, Vec<Problem>> {
        let good = Good::read(document).map(|(good, place)| (good.name().to_owned(), place, good));
        let (kind, generation) = (document.kind, document.generation());
        let (name, place, read) = match good {
            Ok((name, place, good)) => (name, place, Ok(good)),
            Err(problems) => {
                let Some(name) = document.name() else { return Err(problems) };
                let fence = match kind {
                    Kind::Pattern => None,
                    Kind::InjectionPolicy => Fence::of(document, &name, &problems).map(Arc::new),
                };
                (name, document.place(Spot::line(1)), Err(Bad { problems, fence }))
            }
        };
        Ok(Object { kind, name, place, generation, read, last_good: None })
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
            "a.yaml:10: unknown field mdoe",
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
    fn of_two_policies_with_one_name_the_first_by_file_and_line_counts_even_with_a_mistake() {
        let a = file("a.yaml", &format!("{}{}", policy("x", "mode: wrong"), policy("x", "mode: audit")));
        let b = file("b.yaml", &policy("x", "mode: enforce"));
        for files in [[a.clone(), b.clone()], [b, a]] {
            let loaded = load(&files);
            assert_eq!(modes(&loaded), []);
            let reported = reported(&loaded);
            assert_eq!(reported.len(), 3, "{reported:?}");
            assert!(reported[0].starts_with("a.yaml:5: policy x: spec.mode"), "{reported:?}");
            assert_eq!(reported[1], "a.yaml:9: there is another policy with this name: x");
            assert_eq!(reported[2], "b.yaml:4: there is another policy with this name: x (a.yaml:1)");
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
            let read = |layer: Layer, objects: &Objects| {
                let mut layers = Layers::default();
                layers.replace(layer, objects.clone());
                layers.merge()
            };
            let (in_file, in_cluster) = (read(Layer::Folder, &of_file), read(Layer::Cluster, &of_cluster));
            assert_eq!(
                in_file.policies.iter().collect::<Vec<_>>(),
                in_cluster.policies.iter().collect::<Vec<_>>(),
                "{spec}"
            );
            let messages = |objects: &Objects| {
                objects.problems().iter().map(|problem| problem.message.clone()).collect::<Vec<_>>()
            };
            assert_eq!(messages(&of_file), messages(&of_cluster), "{spec}");
            assert_eq!(of_file.problems().is_empty(), in_file.policies.iter().next().is_some(), "{spec}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_reported(text in "(?s)(spec: |mode: |match: |\\{|\\}|\\[|\\]|---\n|a|: |\n|\"|&b|\\*b){0,40}") {
            let head = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: a}\n";
            for text in [text.clone(), format!("{head}spec: {text}")] {
                let loaded = load(&[file("a", &text)]);
                let has_line = |problem: &Problem| matches!(problem.place, Place::Line { line: Spot { line: 1.., .. }, .. });
                proptest::prop_assert!(loaded.problems.iter().all(has_line));
            }
        }
    }
}
