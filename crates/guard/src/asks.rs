//! The rule that pods with an annotation have the container that it adds.

use multipod_engine::annotation::Key;
use multipod_engine::pattern::defined::PatternKind;
use multipod_engine::pattern::settings::OnMistake;
use multipod_engine::pattern::{Catalogue, topics};

use super::cel;
use super::object::Admission;
use super::source::{Actions, Guard};

/// What a pod that was injected has, as far as the value of a key need not be read for that.
enum Evidence<'a> {
    /// A container whose name begins with one of these.
    Container(Vec<&'a str>),
    SharedProcesses,
    /// Nothing that all pods with this key have.
    Nothing,
}

pub(super) fn policy(guard: &Guard<'_>, limits: &mut Vec<String>) -> Admission {
    let mut policy = Admission::new(guard, "multipod-asks", &["CREATE"]);
    if guard.settings.on_mistake == OnMistake::Warn {
        policy.actions(Actions::Warn);
        limits.push(
            "onMistake is warn, so a pod with a mistake in an annotation rightly comes without its container: pods that ask \
             are only warned about"
                .to_owned(),
        );
    }
    let keys: Vec<&str> = Key::ALL.into_iter().map(Key::full).collect();
    // Looked up one by one: to walk all annotations takes the API server quadratic time.
    policy.condition(
        "asks-by-annotation",
        format!(
            "has(object.metadata.annotations) && {}.exists(key, key in object.metadata.annotations)",
            cel::list(keys)
        ),
    );
    policy.no_mirrors();
    policy.variable("annotations", "object.metadata.annotations");
    policy.variable("containers", "object.spec.containers + object.spec.?initContainers.orValue([])");
    for key in Key::ALL {
        let value = format!("variables.annotations[?{}].orValue(\"\").trim()", cel::text(key.full()));
        let (silent, has, what) = match evidence(key, guard.catalogue) {
            Evidence::Container(mut prefixes) => {
                prefixes.sort_unstable();
                prefixes.dedup_by(|longer, shorter| longer.starts_with(*shorter));
                let begins: Vec<String> = prefixes
                    .iter()
                    .map(|prefix| format!("c.name.startsWith({})", cel::text(prefix)))
                    .collect();
                let has = format!("variables.containers.exists(c, {})", begins.join(" || "));
                (format!("{value} == \"\""), has, "the container that it asks for")
            }
            Evidence::SharedProcesses => (
                format!("{value} != \"true\""),
                "object.spec.?shareProcessNamespace.orValue(false)".to_owned(),
                "the shared process namespace that it asks for",
            ),
            Evidence::Nothing => continue,
        };
        policy.validation(format!("{silent} || {has}"), missing(key.full(), what));
    }
    limits.push("Annotations of a namespace, default policies and misspelt keys are not looked at: who only gets a default has not asked for it".to_owned());
    limits.push("For what a pod asks for itself the container counts, by its name: what is in it is the author's own affair".to_owned());
    policy
}

fn missing(key: &str, what: &str) -> String {
    format!(
        "{key}: this pod comes without {what}, because multipod was not asked or did not answer. Create it \
         again once multipod is ready; if it is ready, look at its MutatingWebhookConfiguration"
    )
}

fn evidence(key: Key, catalogue: &Catalogue) -> Evidence<'_> {
    match key {
        Key::ShareProcessNamespace => Evidence::SharedProcesses,
        Key::Metrics => of_kind(PatternKind::Metrics, catalogue),
        Key::Patterns => of_kind(PatternKind::Custom, catalogue),
        _ => {
            let topics = topics().filter(|topic| topic.key == key);
            container_of(topics.flat_map(|topic| topic.containers).copied().collect())
        }
    }
}

fn container_of(names: Vec<&str>) -> Evidence<'_> {
    if names.is_empty() { Evidence::Nothing } else { Evidence::Container(names) }
}

/// A pattern without any container may be the one that a pod names.
fn of_kind(kind: PatternKind, catalogue: &Catalogue) -> Evidence<'_> {
    let mut names = Vec::new();
    for definition in catalogue.of_kind(kind) {
        let before = names.len();
        names.extend(definition.container_names());
        if names.len() == before {
            return Evidence::Nothing;
        }
    }
    container_of(names)
}
