//! The patterns that are defined by files: the adapters that multipod brings, and those of administrators.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, LazyLock};

use super::defined::{Definition, PatternKind};
use super::object::{self, Document, Problem};

/// Every file of the folder `adapters`.
const ADAPTERS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/adapters.rs"));

/// Read once; a test proves that nothing in it is wrong.
static BUILT_IN: LazyLock<(Catalogue, Vec<Problem>)> = LazyLock::new(|| {
    let mut catalogue = Catalogue { definitions: BTreeMap::new() };
    let (documents, mut problems) = object::documents(ADAPTERS.iter().copied());
    catalogue.add(&documents, true, &mut problems);
    (catalogue, problems)
});

/// Every pattern that is defined by a file, by name. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Catalogue {
    definitions: BTreeMap<String, Arc<Definition>>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Catalogue::builtin()
    }
}

impl Catalogue {
    /// The adapters that multipod brings.
    pub fn builtin() -> Catalogue {
        BUILT_IN.0.clone()
    }

    /// The adapters and the patterns of these files.
    #[cfg(test)]
    pub(crate) fn load<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> (Catalogue, Vec<Problem>) {
        let (documents, mut problems) = object::documents(files);
        let mut catalogue = Catalogue::builtin();
        catalogue.add(&documents, false, &mut problems);
        (catalogue, problems)
    }

    /// The pattern with this name, of whatever kind.
    pub fn get(&self, name: &str) -> Option<&Definition> {
        self.definitions.get(name).map(|definition| &**definition)
    }

    /// All patterns, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Definition> {
        self.definitions.values().map(|definition| &**definition)
    }

    /// The patterns that one annotation can name.
    pub fn of_kind(&self, kind: PatternKind) -> impl Iterator<Item = &Definition> {
        self.iter().filter(move |definition| definition.kind == kind)
    }

    /// Takes a pattern in, unless its name is taken.
    pub(crate) fn insert(&mut self, definition: Arc<Definition>) -> Result<(), String> {
        match self.definitions.entry(definition.name.clone()) {
            Entry::Vacant(entry) => {
                entry.insert(definition);
                Ok(())
            }
            Entry::Occupied(taken) => {
                let by = if taken.get().built_in { "built in" } else { "defined before" };
                Err(format!("a pattern named {} is {by}", definition.name))
            }
        }
    }

    fn add(&mut self, documents: &[Document<'_>], built_in: bool, problems: &mut Vec<Problem>) {
        for document in documents {
            match Definition::read(document, built_in) {
                Ok(definition) => {
                    let place = document.place(definition.line);
                    let taken = self.insert(Arc::new(definition)).err();
                    problems.extend(taken.map(|message| Problem::new(place, message)));
                }
                Err(found) => problems.extend(found),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::images;

    #[test]
    fn the_adapters_are_right_and_described() {
        assert_eq!(BUILT_IN.1, []);
        let catalogue = Catalogue::default();
        let names: Vec<&str> = catalogue.iter().map(|definition| &*definition.name).collect();
        assert!(names.len() == ADAPTERS.len() && names.contains(&"nginx"), "{names:?}");
        for definition in catalogue.iter() {
            assert!(definition.kind == PatternKind::Metrics && definition.allow.is_empty());
            assert!(!definition.description.is_empty(), "{}", definition.name);
            assert!(
                definition.params.iter().all(|param| !param.description.is_empty()),
                "{}",
                definition.name
            );
            assert!(definition.images().all(|image| image.contains(':')), "{}", definition.name);
            assert!(definition.ports().next().is_some(), "{}", definition.name);
        }
        // None is left over from an adapter that is no more.
        for (name, _) in images::ALL.iter().filter(|(name, _)| name.starts_with("metrics-")) {
            let used =
                catalogue.iter().any(|definition| definition.has_container(&format!("multipod-{name}")));
            assert!(used, "{name}");
        }
    }

    #[test]
    fn a_bad_definition_disturbs_no_other_and_names_are_taken_once() {
        let good = |name: &str| {
            format!(
                "apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {{name: {name}}}\nspec: {{shareProcessNamespace: true}}\n"
            )
        };
        let file =
            format!("{}---\n{}---\nkind: {{\n---\n{}---\n{}", good("a"), good("A"), good("a"), good("nginx"));
        let (catalogue, problems) = Catalogue::load([("one.yaml", &*file), ("two.yaml", &*good("b"))]);
        let custom: Vec<&str> =
            catalogue.of_kind(PatternKind::Custom).map(|definition| &*definition.name).collect();
        assert_eq!(custom, ["a", "b"]);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told[0].starts_with("one.yaml:"), "a file that is no YAML: {told:?}");
        assert!(told[1].starts_with("one.yaml:8: metadata.name: expected a name"), "{told:?}");
        assert_eq!(
            told[2..],
            [
                "one.yaml:15: a pattern named a is defined before",
                "one.yaml:20: a pattern named nginx is built in"
            ]
        );
    }
}
