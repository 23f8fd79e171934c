//! Reads policies and patterns from texts; what is wrong with one object never disturbs the others.

use crate::pattern::Catalogue;
use crate::pattern::object::{Kind, Problem, documents};

use super::check;
use super::object::Policies;

/// Everything that a set of texts defines, and what is wrong with the rest.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The policies.
    pub policies: Policies,
    /// The patterns.
    pub catalogue: Catalogue,
    /// What was left out, and why.
    pub problems: Vec<Problem>,
}

/// Reads the objects of `sources`, which are file names and their text. The order of the sources does not matter: of
/// two policies with one name the first by file name and line counts.
pub fn load(sources: &[(String, String)]) -> Loaded {
    let mut sources: Vec<(&str, &str)> = sources.iter().map(|(file, text)| (&**file, &**text)).collect();
    sources.sort_unstable();
    let (documents, problems) = documents(sources);
    let (catalogue, more) = Catalogue::of_documents(&documents);
    let mut loaded = Loaded { policies: Policies::default(), catalogue, problems };
    loaded.problems.extend(more);
    for document in documents.iter().filter(|document| document.kind == Kind::InjectionPolicy) {
        match check::policy(document) {
            Err(problems) => loaded.problems.extend(problems),
            Ok((policy, name_line)) => {
                if let Err(again) = loaded.policies.insert(policy) {
                    let message = format!("there is another policy with this name: {again}");
                    loaded.problems.push(document.problem(name_line, message));
                }
            }
        }
    }
    loaded.problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    loaded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(file: &str, text: &str) -> (String, String) {
        (file.to_owned(), text.to_owned())
    }

    fn policy(name: &str, spec: &str) -> String {
        format!(
            "---\napiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
        )
    }

    fn told(loaded: &Loaded) -> Vec<String> {
        loaded.problems.iter().map(ToString::to_string).collect()
    }

    fn names(loaded: &Loaded) -> Vec<&str> {
        loaded.policies.iter().map(|policy| policy.name.as_str()).collect()
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
        let loaded = load(&[source("a.yaml", &text.concat()), source("b.yaml", "no object")]);
        assert_eq!(names(&loaded), ["also-good", "good"]);
        let told = told(&loaded);
        assert_eq!(told.len(), 7, "{told:?}");
        for (problem, expected) in told.iter().zip([
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
        let a = source("a.yaml", &format!("{}{}", policy("x", "mode: wrong"), policy("x", "mode: audit")));
        let b = source("b.yaml", &policy("x", "mode: enforce"));
        for sources in [[a.clone(), b.clone()], [b, a]] {
            let loaded = load(&sources);
            assert_eq!(loaded.policies.find("x").unwrap().mode.name(), "audit");
            let told = told(&loaded);
            assert_eq!(told.len(), 2, "{told:?}");
            assert!(told[0].starts_with("a.yaml:5: policy x: spec.mode"), "{told:?}");
            assert_eq!(told[1], "b.yaml:4: there is another policy with this name: x");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_told(text in "(?s)(spec: |mode: |match: |\\{|\\}|\\[|\\]|---\n|a|: |\n|\"|&b|\\*b){0,40}") {
            let head = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: a}\n";
            for text in [text.clone(), format!("{head}spec: {text}")] {
                let loaded = load(&[source("a", &text)]);
                proptest::prop_assert!(loaded.problems.iter().all(|problem| problem.line >= 1));
            }
        }
    }
}
