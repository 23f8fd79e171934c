//! The file of settings as a whole: what it names must be there.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use multipod_values::suggest;

use super::defined::Definition;
use super::object::{self, Fault, Spot, spot_of};
use super::{Catalogue, topics};

/// The names that are no patterns of a file; `metrics-` and `patterns-` stand before those that are.
fn built_in<'a>() -> impl Iterator<Item = &'a str> + Clone {
    topics().flat_map(|topic| topic.programs.iter().map(|name| -> &'a str { name }))
}

/// Every name below `patterns:` that means something.
pub fn names_in_settings(catalogue: &Catalogue) -> Vec<String> {
    let of_files = catalogue.iter().map(Definition::settings_name);
    built_in().map(str::to_owned).chain(of_files).collect()
}

/// What stands below `patterns:` and would do nothing, without a word: where, and what was meant.
pub fn patterns_without_use(text: &str, catalogue: &Catalogue) -> Vec<Fault> {
    // What else may be wrong with the file is told by whoever reads the settings.
    let Ok(File { patterns }) = object::read(text) else { return Vec::new() };
    let of_files: BTreeMap<String, &Definition> =
        catalogue.iter().map(|definition| (definition.settings_name(), definition)).collect();
    let known = || built_in().chain(of_files.keys().map(String::as_str));
    let problem = |(name, tuned): (Name, Tuned)| {
        let why = match of_files.get(&name.text) {
            Some(definition) => tuned.image.and_then(|_| nobodys_image(definition))?,
            None if built_in().any(|known| known == name.text) => return None,
            None => unknown(&name.text, known()),
        };
        Some((name.line, why))
    };
    patterns.into_iter().filter_map(problem).collect()
}

fn nobodys_image(definition: &Definition) -> Option<String> {
    let count = definition.images().count();
    let name = definition.settings_name();
    (count != 1)
        .then(|| format!("patterns: {name} has {count} containers, whose image is it? Change it in its file"))
}

fn unknown<'k>(name: &str, known: impl Iterator<Item = &'k str> + Clone) -> String {
    // Adapters and patterns are known to people by their own names.
    let whole = ["metrics", "patterns"].map(|kind| format!("{kind}-{name}"));
    let meant = match known.clone().find(|known| whole.iter().any(|whole| whole == known)) {
        Some(known) => format!(", did you mean {known}?"),
        None => suggest::did_you_mean(name, known),
    };
    format!("patterns: there is no pattern {name:?}{meant}")
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    patterns: BTreeMap<Name, Tuned>,
}

#[derive(Deserialize)]
struct Tuned {
    #[serde(default)]
    image: Option<IgnoredAny>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    line: Spot,
    text: String,
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Spanned::<String>::deserialize(deserializer)?;
        Ok(Name { line: spot_of(&name.referenced), text: name.value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nothing_has_are_told_with_their_lines_and_what_was_meant() {
        let own = "apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {name: audit-tap}\n\
                   spec: {shareProcessNamespace: true}\n";
        let (catalogue, problems) = Catalogue::load([("own.yaml", own)]);
        assert_eq!(problems, []);
        let text = "\
registry: mirror.example
patterns:
  nginx: {cpu: 1m}
  ambassador: {cpu: 1m}
  metrics-redis:
    cpu: 1m
  patterns-audit-tap: {cpu: 1m}
  ambasador:
    # the line of the name counts
    cpu: 1m
  banana: {}
";
        let told = patterns_without_use(text, &catalogue);
        let told: Vec<(usize, String)> = told.into_iter().map(|(spot, why)| (spot.line, why)).collect();
        assert_eq!(
            told,
            [
                (3, "patterns: there is no pattern \"nginx\", did you mean metrics-nginx?".to_owned()),
                (8, "patterns: there is no pattern \"ambasador\", did you mean ambassador?".to_owned()),
                (11, "patterns: there is no pattern \"banana\"".to_owned()),
            ]
        );
        assert_eq!(patterns_without_use(text, &Catalogue::builtin()).len(), 4);
        for nothing in ["", "registry: a.example\n", "patterns: {}\n", "patterns: [\n"] {
            assert_eq!(patterns_without_use(nothing, &catalogue), []);
        }
    }

    #[test]
    fn an_image_for_a_pattern_with_several_containers_is_told() {
        let own = |name: &str, containers: &str| {
            format!(
                "---\napiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {{name: {name}}}\n\
                 spec: {{containers: [{containers}]}}\n"
            )
        };
        let [a, b] = ["a", "b"].map(|name| format!("{{name: {name}, image: \"example/{name}:1\"}}"));
        let text = own("one", &a) + &own("two", &format!("{a}, {b}"));
        let (catalogue, problems) = Catalogue::load([("own.yaml", &*text)]);
        assert_eq!(problems, []);
        let told = patterns_without_use(
            "patterns:\n  patterns-one: {image: a}\n  patterns-two: {image: a}\n",
            &catalogue,
        );
        let why = "patterns: patterns-two has 2 containers, whose image is it? Change it in its file";
        let [(spot, told)] = &told[..] else { panic!("{told:?}") };
        assert_eq!((spot.line, spot.column, &**told), (3, 3, why));
        assert_eq!(patterns_without_use("patterns: {patterns-two: {cpu: 1m}}", &catalogue), []);
    }
}
