//! `multipod/metrics: ADAPTER [param=value…]` and `multipod/patterns: PATTERN [param=value…]`
//!
//! Which names and params there are is defined by files, so they are checked by whoever knows those.

use crate::annotation::item::{Elsewhere, Options, Problems, only_positional, settings_of};
use crate::annotation::settings::{OF_SIDECARS, Settings};
use crate::annotation::{Item, Problem, Span, Word, lexer};
use multipod_values::{self as value, short, suggest};

/// What the value asks for.
#[derive(Debug, PartialEq)]
pub struct Request<'a> {
    /// In the order written; never empty, no name twice.
    pub(crate) items: Vec<Named<'a>>,
    /// Settings of the whole value.
    pub(crate) settings: Settings,
    /// Where `image=` stands, if it was given.
    pub(crate) image: Option<Span>,
}

impl Request<'_> {
    /// Whether a pattern is among those that it asks for.
    pub fn asks_for(&self, pattern: &str) -> bool {
        self.items.iter().any(|item| item.name().text == pattern)
    }

    /// The same request, whatever becomes of the value that it was read from.
    pub(crate) fn into_owned(self) -> Request<'static> {
        let own = |item: Named<'_>| Named { item: item.item.into_owned(), name: item.name };
        Request {
            items: self.items.into_iter().map(own).collect(),
            settings: self.settings,
            image: self.image,
        }
    }
}

/// One pattern by its name.
#[derive(Debug, PartialEq)]
pub(crate) struct Named<'a> {
    item: Item<'a>,
    name: usize,
}

impl<'a> Named<'a> {
    /// The word that names the pattern.
    pub(crate) fn name(&self) -> &Word<'a> {
        &self.item.words[self.name]
    }

    /// Every word of the item; those with a key are its params.
    pub(crate) fn words(&self) -> &[Word<'a>] {
        &self.item.words
    }
}

/// Reads the value of `multipod/metrics` or `multipod/patterns`.
pub(crate) fn parse(value: &str) -> Result<Request<'_>, Vec<Problem>> {
    let items = lexer::lex(value).map_err(|problem| vec![problem])?;
    let mut problems = Problems::default();
    let (known, strange): (Vec<_>, Vec<_>) =
        settings_of(&items).partition(|word| word.key().is_some_and(|key| names().any(|name| name == key)));
    for word in strange {
        problems.tell(|| no_setting(word));
    }
    let options = Options::read(known, &OF_SIDECARS, Elsewhere::InItems(&[]), &mut problems);
    let settings = Settings::read(&options, &mut problems);
    let image = options.word("image").map(|word| word.whole);

    let mut named: Vec<Named> = Vec::with_capacity(items.len());
    let mut names = std::collections::BTreeSet::new();
    for item in items {
        if item.is_setting() {
            continue;
        }
        only_positional(&item, &mut problems);
        let Some(name) = item.words.iter().position(|word| word.key.is_none()) else { continue };
        let item = Named { item, name };
        if !names.insert(item.name().text.clone()) {
            let label = format!("{} is asked for twice", short(&item.name().text));
            problems.push(Problem::new(item.name().whole, label));
        }
        named.push(item);
    }
    if named.is_empty() {
        problems.push_if_none(|| Problem::of_all(value, "expected a name").summary("nothing is named"));
    }
    problems.or(Request { items: named, settings, image })
}

fn names() -> impl Iterator<Item = &'static str> {
    OF_SIDECARS.iter().map(|row| row.name)
}

/// Most likely a param that a comma has cut off from its pattern.
fn no_setting(word: &Word<'_>) -> Problem {
    let (key, text) = (word.key().unwrap_or_default(), short(&word.text));
    let meant = suggest::did_you_mean(key, names());
    let label = format!("expected {}{meant}", value::list(&names().collect::<Vec<_>>(), "or"));
    Problem::new(word.whole, label)
        .summary(format!("{} is no setting of the whole value", short(key)))
        .help(format!("Params stand behind the name, without a comma: \"NAME {key}={text}\"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_names_with_params_and_settings_stand_alone() {
        let request = parse("nginx port=8080, redis, memory=64Mi image=a:1").unwrap();
        let names: Vec<&str> = request.items.iter().map(|item| &*item.name().text).collect();
        assert_eq!(names, ["nginx", "redis"]);
        assert_eq!(request.items[0].words()[1].key(), Some("port"));
        assert_eq!(request.image, Some(Span { start: 36, end: 45 }));
        assert_eq!(request.settings.image.as_deref(), Some("a:1"));
    }

    #[test]
    fn faults_point_at_the_bad_word() {
        for (value, start, end, label) in [
            ("", 0, 0, "expected a name"),
            ("memory=64Mi", 0, 11, "expected a name"),
            ("nginx redis", 6, 11, "expected one word"),
            ("nginx, nginx port=1", 7, 12, "asked for twice"),
            ("nginx, port=80", 7, 14, "expected image, cpu, memory or sidecar"),
            ("nginx, memory=x", 14, 15, "expected an amount of memory"),
        ] {
            let problems = parse(value).unwrap_err();
            assert_eq!((problems[0].span.start, problems[0].span.end), (start, end), "{value}");
            assert!(problems[0].label.contains(label), "{value}: {}", problems[0].label);
        }
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics(value in "(?s)([a-z0-9=, \"\\\\\n]|.){0,80}") {
            let _ = parse(&value);
        }
    }
}
