//! The patterns: each turns its request into a fragment, the things that it wants added to a pod. And the one table of
//! them: what reads the value of each key, and what builds its fragments. Whoever has a value asks here, and a key without
//! an entry does not compile.

pub mod ambassador;
mod app;
pub(crate) mod catalogue;
pub mod change;
pub mod container;
pub mod context;
pub mod defined;
mod git;
pub mod images;
pub(crate) mod init;
mod layout;
pub(crate) mod logging;
mod metrics;
pub mod object;
pub mod object_status;
pub mod opt_out;
pub mod others;
mod patterns;
mod reading;
pub mod settings;
mod settings_file;
pub(crate) mod share_process_namespace;
pub(crate) mod sync;
mod system;
pub mod task;
pub mod topic;
mod user;
pub(crate) mod written;

pub use app::AppContainers;
pub use catalogue::Catalogue;
pub use change::{Addition, Change, Role};
pub(crate) use change::{AppEnv, AppMount, Fragment, Note};
pub use context::{Context, Label, Names};
pub use settings::{OWN_IMAGE, Settings};
pub use settings_file::{names_in_settings, patterns_without_use};

use crate::annotation::settings::Settings as CommonSettings;
use crate::annotation::{Key, Problem};
use crate::pod::Pod;

use defined::{PatternKind, request as named};
use opt_out::OptOut;
use task::Task;
use topic::Topic;

/// Every topic, in the order of their keys.
pub fn topics() -> impl Iterator<Item = &'static Topic> + Clone {
    Key::ALL.into_iter().flat_map(topics_of)
}

/// What help, errors and docs say of a key: one topic, or one for each first word of its items.
const fn topics_of(key: Key) -> &'static [Topic] {
    match key {
        Key::Ambassador => &ambassador::TOPICS,
        Key::Logging => &logging::TOPICS,
        Key::Metrics => &metrics::TOPICS,
        Key::Sync => &sync::TOPICS,
        Key::Patterns => &patterns::TOPICS,
        Key::Init => &init::TOPICS,
        Key::ShareProcessNamespace => &share_process_namespace::TOPICS,
        Key::OptOut => &opt_out::TOPICS,
    }
}

/// The typed value of one key.
#[derive(Debug, PartialEq)]
pub enum Request<'v> {
    Ambassador(ambassador::Request),
    Logging(logging::Request),
    Metrics(named::Request<'v>),
    Sync(sync::Request),
    Patterns(named::Request<'v>),
    Init(init::Request),
    ShareProcessNamespace(bool),
    OptOut(OptOut),
}

impl<'v> Request<'v> {
    /// Reads a value by the grammar of its key. What only a pod or a cluster knows is looked up by [`Self::fragments`].
    pub fn parse(key: Key, value: &'v str) -> Result<Self, Vec<Problem>> {
        match key {
            Key::Ambassador => ambassador::parse(value).map(Request::Ambassador),
            Key::Logging => logging::parse(value).map(Request::Logging),
            Key::Metrics => named::parse(value).map(Request::Metrics),
            Key::Sync => sync::parse(value).map(Request::Sync),
            Key::Patterns => named::parse(value).map(Request::Patterns),
            Key::Init => init::parse(value).map(Request::Init),
            Key::ShareProcessNamespace => {
                share_process_namespace::parse(value).map(Request::ShareProcessNamespace)
            }
            Key::OptOut => opt_out::parse(value).map(Request::OptOut),
        }
    }

    /// What the request adds to a pod.
    pub fn fragments(&self, pod: &Pod<'_>, context: &Context<'_>) -> Result<Vec<Fragment>, Vec<Problem>> {
        match self {
            Request::Ambassador(request) => Ok(vec![ambassador::fragment(request, context)?]),
            Request::Logging(request) => Ok(vec![logging::fragment(request, pod, context)?]),
            Request::Metrics(request) => defined::fragments(PatternKind::Metrics, request, pod, context),
            Request::Sync(request) => sync::fragments(request, pod, context),
            Request::Patterns(request) => defined::fragments(PatternKind::Custom, request, pod, context),
            Request::Init(request) => init::fragments(request, pod, context),
            Request::ShareProcessNamespace(wanted) => Ok(share_process_namespace::fragments(*wanted)),
            // Read by the policies: it takes away, and adds nothing.
            Request::OptOut(_) => Ok(Vec::new()),
        }
    }

    /// What its containers do for those of the app, where it adds what it asks for.
    pub(crate) fn tasks(&self, pod: &Pod<'_>, context: &Context<'_>) -> Vec<Task> {
        match self {
            Request::Logging(request) => logging::tasks(request, pod, context),
            Request::Sync(request) => sync::tasks(request, pod, context),
            Request::Init(request) => init::tasks(request, pod, context),
            Request::Ambassador(_)
            | Request::Metrics(_)
            | Request::Patterns(_)
            | Request::ShareProcessNamespace(_)
            | Request::OptOut(_) => Vec::new(),
        }
    }

    /// The settings of the whole value, if its key takes any.
    pub(crate) fn settings(&self) -> Option<&CommonSettings> {
        match self {
            Request::Ambassador(request) => Some(&request.settings),
            Request::Logging(request) => Some(&request.settings),
            Request::Metrics(request) | Request::Patterns(request) => Some(&request.settings),
            Request::Sync(request) => Some(&request.settings),
            Request::Init(request) => Some(&request.settings),
            Request::ShareProcessNamespace(_) | Request::OptOut(_) => None,
        }
    }

    /// The same request, whatever becomes of the value that it was read from.
    pub(crate) fn into_owned(self) -> Request<'static> {
        match self {
            Request::Ambassador(request) => Request::Ambassador(request),
            Request::Logging(request) => Request::Logging(request),
            Request::Metrics(request) => Request::Metrics(request.into_owned()),
            Request::Sync(request) => Request::Sync(request),
            Request::Patterns(request) => Request::Patterns(request.into_owned()),
            Request::Init(request) => Request::Init(request),
            Request::ShareProcessNamespace(wanted) => Request::ShareProcessNamespace(wanted),
            Request::OptOut(request) => Request::OptOut(request),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::Problem;
    use crate::annotation::option::Row;

    fn problems(key: Key, value: &str) -> Vec<Problem> {
        Request::parse(key, value).err().unwrap_or_default()
    }

    /// What a parser expects in the place of an option that nobody has.
    fn accepted(key: Key, value: &str) -> Vec<String> {
        let problems = problems(key, value);
        let about_it = |problem: &&Problem| {
            problem.summary.as_ref().is_some_and(|summary| summary.contains("qqqqqqqqqq"))
        };
        let found = problems.iter().find(about_it);
        let label = &found.unwrap_or_else(|| panic!("{value}: {problems:?}")).label;
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
    fn every_default_is_a_value_that_its_option_takes() {
        for topic in topics() {
            for row in topic.options.iter().filter(|row| !topic.example.contains(&format!(" {}=", row.name)))
            {
                let Some(default) = row.default.text().filter(|text| !text.contains(' ')) else { continue };
                let value = format!("{} {}={default}", topic.example, row.name);
                assert_eq!(problems(topic.key, &value), [], "{value}");
            }
        }
    }

    #[test]
    fn every_form_and_example_is_understood() {
        for topic in topics() {
            assert_eq!(problems(topic.key, topic.example), [], "{}", topic.name);
            for (form, _) in topic.forms {
                assert_eq!(problems(topic.key, form), [], "{form}");
            }
        }
    }
}
