//! What people are told about each pattern before they use it: one table, for `patterns`, the docs and editors.

use crate::annotation::Key;

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
    pub options: &'static [Choice],
    /// The settings of the whole value, which stand in an item of their own.
    pub settings: &'static [Choice],
    /// A value that works, and shows what it does.
    pub example: &'static str,
}

/// One `NAME=VALUE` that people can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What stands before the `=`.
    pub name: &'static str,
    /// What may stand behind it.
    pub values: &'static str,
    /// What holds when it is not written.
    pub default: Absent,
    /// What it is for.
    pub meaning: &'static str,
}

/// What holds when an option is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// This value.
    Is(&'static str),
    /// Nothing in particular.
    Nothing,
    /// It must be written.
    Required,
}

const fn choice(name: &'static str, values: &'static str, default: Absent, meaning: &'static str) -> Choice {
    Choice { name, values, default, meaning }
}

use Absent::{Is, Nothing, Required};

const IMAGE: Choice = choice("image", "IMAGE", Nothing, "another image than the cluster's default");
const CPU: Choice = choice("cpu", "REQUEST[/LIMIT]", Nothing, "another CPU request, and a CPU limit");
const MEMORY: Choice = choice("memory", "REQUEST[/LIMIT]", Nothing, "another memory request and limit");
const SIDECAR: Choice =
    choice("sidecar", "native|classic", Is("native from Kubernetes 1.29 on"), "how the sidecar runs");
const SETTINGS: [Choice; 4] = [IMAGE, CPU, MEMORY, SIDECAR];
const STEP_SETTINGS: [Choice; 3] = [IMAGE, CPU, MEMORY];

const INTO: Choice = choice("into", "PATH", Required, "where the copy appears in the app's container");
const REF: Choice = choice("ref", "BRANCH|TAG|COMMIT", Is("HEAD"), "what is copied");
const LINK: Choice = choice(
    "link",
    "NAME",
    Is("the last part of into="),
    "mounts the volume at PATH itself, with the copy at PATH/NAME",
);
const SECRET: Choice =
    choice("secret", "NAME", Nothing, "the Secret with the credentials of a private repository");
const CONTAINER: Choice =
    choice("container", "NAME", Is("the pod's default container"), "which container of the app");

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
        options: &[
            choice("mode", "tcp|http", Is("tcp"), "whether the proxy looks into HTTP"),
            choice("timeout", "TIME", Is("50s"), "how long an idle connection lives"),
            choice("connect-timeout", "TIME", Is("5s"), "how long connecting to the target may take"),
            choice("maxconn", "NUMBER", Nothing, "how many connections are open to the target at once"),
        ],
        settings: &[
            IMAGE,
            CPU,
            MEMORY,
            SIDECAR,
            choice("config", "NAME", Is("rendered from the items"), "your own ConfigMap with haproxy.cfg"),
        ],
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
        options: &[
            CONTAINER,
            choice("format", "raw|json", Is("raw"), "how lines are printed"),
            choice(
                "to",
                "DEST",
                Is("the sidecar's output"),
                "otlp://HOST:PORT, otlphttp(s)://… or @NAME of a policy",
            ),
            choice("parse", "json|logfmt|nginx|apache", Nothing, "how lines were written; only with to="),
        ],
        settings: &SETTINGS,
        example: "/var/log/app/*.log",
    },
    Topic {
        name: "metrics",
        key: Key::Metrics,
        what: "exporters that turn the app's own status into Prometheus metrics",
        item: "ADAPTER",
        forms: &[("nginx port=8080", "an adapter and its params; multipod patterns ADAPTER tells which")],
        options: &[],
        settings: &SETTINGS,
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
        options: &[
            choice("timeout", "TIME", Is("10m"), "how long to wait altogether"),
            choice("every", "TIME", Is("1s"), "the time between two attempts"),
        ],
        settings: &STEP_SETTINGS,
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
        options: &[INTO, REF, SECRET, CONTAINER],
        settings: &STEP_SETTINGS,
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
        options: &[
            INTO,
            REF,
            choice("every", "TIME", Is("30s"), "how often the repository is looked at"),
            LINK,
            SECRET,
            CONTAINER,
        ],
        settings: &SETTINGS,
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
        settings: &SETTINGS,
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

    fn named_in(choices: &[Choice]) -> Vec<String> {
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
            let mut known = accepted(topic.key, &format!("{}, qqqqqqqqqq=1", topic.example));
            if topic.key == Key::Init {
                // Known, so that it can be refused in words of its own: steps are no sidecars.
                known.retain(|name| name != "sidecar");
            }
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
