//! What a container does, as far as is known: what it waits for, fetches, follows and reads.

use serde::Serialize;
use serde_json::Value;

use multipod_engine::inject::Plan;
use multipod_engine::pattern::Addition;
use multipod_engine::pattern::change::WaitsFor;
use multipod_engine::pattern::task::{Task, Work};
use multipod_values::show_duration;

use super::routes::{app_with, items, text};

/// One thing that a container does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verb", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Does {
    /// Ends once this answers.
    WaitFor { address: String },
    /// Fetches a repository into a folder of containers; without `every`, once.
    Fetch {
        url: String,
        folder: String,
        containers: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        every: Option<String>,
    },
    /// Follows files that containers write; without `to`, it prints their lines.
    Follow {
        files: String,
        containers: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// Asks a port of another container.
    Read { container: String, port: u16 },
}

/// What the container called `name` does.
pub(super) fn does(
    name: &str,
    container: &Value,
    (plan, tasks): (Option<&Plan>, &[Task]),
    pod: &Value,
) -> Vec<Does> {
    let additions = plan.into_iter().flat_map(|plan| &plan.changes);
    let mut additions = additions.filter_map(|planned| planned.change.container());
    let Some(ours) = additions.find(|new| new.container.name == name) else { return Vec::new() };
    let own = tasks.iter().filter(|task| task.container == name);
    let mut all: Vec<Does> = own.map(|task| in_words(&task.work, pod)).collect();
    if let Some(WaitsFor::Address(address)) = &ours.waits_for {
        all.push(Does::WaitFor { address: address.clone() });
    }
    if all.is_empty() {
        all.extend(
            asked(ours, container).map(|port| Does::Read { container: app_with(pod, port).to_owned(), port }),
        );
    }
    all
}

fn in_words(work: &Work, pod: &Value) -> Does {
    let named = |apps: &[usize]| {
        apps.iter().map(|app| text(&pod["spec"]["containers"][app], "name").to_owned()).collect()
    };
    match work {
        Work::Fetch { url, folder, apps, every } => Does::Fetch {
            url: url.clone(),
            folder: folder.clone(),
            containers: named(apps),
            every: every.map(show_duration),
        },
        Work::Follow { files, apps, to } => {
            Does::Follow { files: files.clone(), containers: named(apps), to: to.clone() }
        }
    }
}

/// The port of the app that an exporter asks: patterns of files say it nowhere but in what they pass to their program.
fn asked(ours: &Addition, container: &Value) -> Option<u16> {
    let own = |port: &u16| ours.container.ports.iter().all(|open| open.container_port != *port);
    let args = items(&container["args"]).filter_map(Value::as_str);
    let env = items(&container["env"]).map(|variable| text(variable, "value"));
    args.chain(env).find_map(port_of_the_pod).filter(own)
}

/// The first port behind an address that only the pod itself reaches.
fn port_of_the_pod(text: &str) -> Option<u16> {
    ["127.0.0.1:", "localhost:"].into_iter().find_map(|host| {
        let behind = text.split_once(host)?.1;
        behind.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok().filter(|port| *port > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_the_pod_is_found_in_what_a_program_is_told() {
        for (text, port) in [
            ("--nginx.scrape-uri=http://127.0.0.1:80/nginx_status", Some(80)),
            ("redis://localhost:6379", Some(6379)),
            ("127.0.0.1:5432/postgres?sslmode=disable", Some(5432)),
            ("127.0.0.1:", None),
            ("http://127.0.0.1:99999/", None),
            ("http://db:5432", None),
        ] {
            assert_eq!(port_of_the_pod(text), port, "{text}");
        }
    }
}
