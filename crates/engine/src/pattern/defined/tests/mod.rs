//! From one annotation word to the JSON of what is added.

use serde_json::{Value, json};

use super::request as named;
use super::*;
use crate::pattern::Settings;
use crate::pod::Head;

mod adapters;
mod custom;

const POD: &str = r#"{"metadata":{},"spec":{"containers":[{"name":"app"},{"name":"web"}]}}"#;

struct World {
    catalogue: Catalogue,
    settings: Settings,
    pod: String,
}

impl World {
    fn new() -> Self {
        World { catalogue: Catalogue::default(), settings: Settings::default(), pod: POD.to_owned() }
    }

    /// A cluster with patterns of these specs, named `one`, `two`…
    fn with(specs: &[&str]) -> Self {
        let (catalogue, problems) = load(specs);
        assert_eq!(problems, [] as [String; 0]);
        World { catalogue, ..World::new() }
    }

    fn ask(&self, kind: PatternKind, value: &str) -> Result<Vec<Fragment>, Vec<Problem>> {
        let head = Head::read(&self.pod).unwrap();
        let pod = head.open(None).unwrap();
        let context = Context { namespace: "prod", ..Context::new(&self.settings, &self.catalogue) };
        fragments(kind, &named::parse(value)?, &pod, &context)
    }

    fn metrics(&self, value: &str) -> Vec<Fragment> {
        self.ask(PatternKind::Metrics, value).unwrap_or_else(|problems| panic!("{value}: {problems:?}"))
    }

    fn custom(&self, value: &str) -> Fragment {
        self.ask(PatternKind::Custom, value)
            .unwrap_or_else(|problems| panic!("{value}: {problems:?}"))
            .remove(0)
    }
}

fn load(specs: &[&str]) -> (Catalogue, Vec<String>) {
    let names = ["one", "two", "three"];
    let files: Vec<String> = specs
        .iter()
        .zip(names)
        .map(|(spec, name)| {
            format!("apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {{name: {name}}}\nspec:\n{spec}\n")
        })
        .collect();
    let (catalogue, problems) = Catalogue::load(names.into_iter().zip(files.iter().map(String::as_str)));
    (catalogue, problems.iter().map(ToString::to_string).collect())
}

fn container(fragment: &Fragment) -> Value {
    serde_json::to_value(&fragment.containers()[0].container).unwrap()
}
