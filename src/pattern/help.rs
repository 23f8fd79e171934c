//! What people are told about each pattern before they use it: one table, for `patterns`, the docs and editors.

use crate::annotation::Key;
use crate::annotation::option::Row;

use super::registry;

/// One thing that an annotation can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// What people call it: the key's name, or the first word of an item.
    pub name: &'static str,
    /// The annotation that asks for it.
    pub key: Key,
    /// What it does, in one line.
    pub what: &'static str,
    /// `sidecar`, `step` or `switch`.
    pub kind: &'static str,
    /// What the settings of a cluster call the containers that it adds, below `patterns:`.
    pub programs: &'static [&'static str],
    /// What an item looks like without its options.
    pub item: &'static str,
    /// The forms of the item, and what each means.
    pub forms: &'static [(&'static str, &'static str)],
    /// The options of an item.
    pub options: &'static [Row],
    /// The settings of the whole value, which stand in an item of their own.
    pub settings: &'static [Row],
    /// A value that works, and shows what it does.
    pub example: &'static str,
}

/// Every topic, in the order of their keys.
pub fn topics() -> impl Iterator<Item = &'static Topic> + Clone {
    Key::ALL.into_iter().flat_map(registry::topics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::Fault;
    use crate::pattern::Request;

    fn faults(key: Key, value: &str) -> Vec<Fault> {
        Request::parse(key, value).err().unwrap_or_default()
    }

    /// What a parser expects in the place of an option that nobody has.
    fn accepted(key: Key, value: &str) -> Vec<String> {
        let faults = faults(key, value);
        let about_it =
            |fault: &&Fault| fault.summary.as_ref().is_some_and(|summary| summary.contains("qqqqqqqqqq"));
        let found = faults.iter().find(about_it);
        let label = &found.unwrap_or_else(|| panic!("{value}: {faults:?}")).label;
        let mut names: Vec<String> = label
            .trim_start_matches("expected ")
            .replace(" or ", ", ")
            .split(", ")
            .map(str::to_owned)
            .collect();
        names.sort();
        names
    }

    fn named_in(choices: &[Row]) -> Vec<String> {
        let mut names: Vec<String> = choices.iter().map(|choice| choice.name.to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn every_option_that_a_parser_takes_is_in_the_table_and_no_other() {
        for topic in topics().filter(|topic| !topic.options.is_empty()) {
            let value = format!("{} qqqqqqqqqq=1", topic.example);
            assert_eq!(accepted(topic.key, &value), named_in(topic.options), "{}", topic.name);
        }
        for topic in topics().filter(|topic| !topic.settings.is_empty()) {
            let known = accepted(topic.key, &format!("{}, qqqqqqqqqq=1", topic.example));
            assert_eq!(known, named_in(topic.settings), "{}", topic.name);
        }
    }

    #[test]
    fn every_form_and_example_is_understood() {
        for topic in topics() {
            assert_eq!(faults(topic.key, topic.example), [], "{}", topic.name);
            for (form, _) in topic.forms.iter().filter(|(form, _)| *form != "80") {
                assert_eq!(faults(topic.key, form), [], "{form}");
            }
        }
    }
}
