//! What people are told about each pattern before they use it: one table, for `patterns`, the docs and editors.

use crate::annotation::Key;
use crate::annotation::option::Row;
use crate::annotation::settings::{OF_SIDECARS, OF_STEPS};

use super::{ambassador, git, init, logging, sync};

/// One thing that an annotation can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// What people call it: the key's name, or the first word of an item.
    pub name: &'static str,
    /// The annotation that asks for it.
    pub key: Key,
    /// What it does, in one line.
    pub what: &'static str,
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

/// Every topic, in the order in which people read about them.
pub const TOPICS: [Topic; 9] = [
    Topic {
        name: "ambassador",
        key: Key::Ambassador,
        what: "a proxy (HAProxy) in front of the app, or between the app and what it calls",
        item: "LISTEN:TARGET",
        forms: &[
            ("80:8775", "inbound: everyone's port 80 leads to the app's own port 8775"),
            ("5432:db", "outbound: the app's 127.0.0.1:5432 leads to the Service db, port 5432"),
            ("5432:db.prod:5433", "outbound, to another namespace and port"),
            ("443:api.example.com:443", "outbound, to a name outside the cluster"),
            ("6379:@orders", "outbound, to an upstream that a policy names"),
            ("80", "a port of your own configuration, with config="),
        ],
        options: ambassador::RouteOptions::ROWS,
        settings: &ambassador::SETTINGS,
        example: "80:8775",
    },
    Topic {
        name: "logging",
        key: Key::Logging,
        what: "the app's log files, printed by a sidecar or shipped to a central server",
        item: "GLOB",
        forms: &[
            ("/var/log/app/*.log", "files of the app's default container"),
            ("/var/log/**/*.log", "files in folders at any depth"),
        ],
        options: logging::FilesOptions::ROWS,
        settings: &OF_SIDECARS,
        example: "/var/log/app/*.log",
    },
    Topic {
        name: "metrics",
        key: Key::Metrics,
        what: "exporters that turn the app's own status into Prometheus metrics",
        item: "ADAPTER",
        forms: &[("nginx port=8080", "an adapter and its params; multipod patterns ADAPTER tells which")],
        options: &[],
        settings: &OF_SIDECARS,
        example: "nginx",
    },
    Topic {
        name: "wait-for",
        key: Key::Init,
        what: "a step that ends as soon as something answers",
        item: "wait-for TARGET",
        forms: &[
            ("wait-for db:5432", "until a port takes connections"),
            ("wait-for dns:db", "until a name resolves"),
            ("wait-for https://auth/healthz", "until a page is served with status 2xx or 3xx"),
        ],
        options: init::WaitOptions::ROWS,
        settings: &OF_STEPS,
        example: "wait-for db:5432",
    },
    Topic {
        name: "clone",
        key: Key::Init,
        what: "a step that fetches a git working copy",
        item: "clone URL",
        forms: &[(
            "clone https://git.example/seed into=/seed",
            "from https, http, git or ssh, without credentials in it",
        )],
        options: git::CopyOptions::ROWS,
        settings: &OF_STEPS,
        example: "clone https://git.example/seed into=/seed",
    },
    Topic {
        name: "sync",
        key: Key::Sync,
        what: "a git working copy that is kept up to date beside the app",
        item: "URL",
        forms: &[(
            "https://git.example/site into=/srv/site",
            "from https, http, git or ssh, without credentials in it",
        )],
        options: sync::SyncOptions::ROWS,
        settings: &OF_SIDECARS,
        example: "https://git.example/site into=/usr/share/nginx/html",
    },
    Topic {
        name: "share-process-namespace",
        key: Key::ShareProcessNamespace,
        what: "containers of the pod see each other's processes",
        item: "true|false",
        forms: &[("true", "they do"), ("false", "they do not, whatever a default policy says")],
        options: &[],
        settings: &[],
        example: "true",
    },
    Topic {
        name: "patterns",
        key: Key::Patterns,
        what: "patterns that the administrators of a cluster have defined",
        item: "PATTERN",
        forms: &[(
            "audit-tap level=debug",
            "a pattern and its params; multipod patterns --policy-dir DIR lists them",
        )],
        options: &[],
        settings: &OF_SIDECARS,
        example: "audit-tap level=debug",
    },
    Topic {
        name: "opt-out",
        key: Key::OptOut,
        what: "declines what a policy or the namespace would add, unless the policy is enforced",
        item: "KEY…|all",
        forms: &[("logging metrics", "these"), ("all", "everything")],
        options: &[],
        settings: &[],
        example: "logging",
    },
];

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
        for topic in TOPICS.iter().filter(|topic| !topic.options.is_empty()) {
            let value = format!("{} qqqqqqqqqq=1", topic.example);
            assert_eq!(accepted(topic.key, &value), named_in(topic.options), "{}", topic.name);
        }
        for topic in TOPICS.iter().filter(|topic| !topic.settings.is_empty()) {
            let known = accepted(topic.key, &format!("{}, qqqqqqqqqq=1", topic.example));
            assert_eq!(known, named_in(topic.settings), "{}", topic.name);
        }
    }

    #[test]
    fn every_form_and_example_is_understood() {
        for topic in &TOPICS {
            assert_eq!(faults(topic.key, topic.example), [], "{}", topic.name);
            for (form, _) in topic.forms.iter().filter(|(form, _)| *form != "80") {
                assert_eq!(faults(topic.key, form), [], "{form}");
            }
        }
        for key in Key::ALL {
            assert!(TOPICS.iter().any(|topic| topic.key == key), "{}", key.full());
        }
    }
}
