//! The tables on the pages of annotations: options, made from the rows that the parsers read; adapters and containers, made
//! from what the program says of them.

use std::collections::BTreeSet;
use std::process::Command;

use multipod_engine::annotation::Key;
use multipod_engine::annotation::option::{Absent, Row};
use multipod_engine::annotation::settings::OF_SIDECARS;
use multipod_engine::pattern::topic::Topic;
use multipod_engine::pattern::topics;
use serde_json::Value;

use super::page::{rewrite, root};

/// Where all keys are listed, and what they have in common.
const COMMON: &str = "docs/reference/annotations.md";

/// What stands between two comments of the page is exactly what the program says; `MULTIPOD_BLESS` writes it anew.
#[test]
fn tables_are_made_from_what_the_program_says() {
    let adapters = adapters();
    for key in Key::ALL {
        let mut made: Vec<_> =
            topics().filter(|topic| topic.key == key).flat_map(tables).chain([of_values(key)]).collect();
        if key == Key::Metrics {
            made.push(("adapters".to_owned(), of_adapters(&adapters)));
        }
        write_tables(&super::page_of(key), &made);
    }
    let common = [
        ("settings of every sidecar", of_rows("setting", &OF_SIDECARS)),
        ("containers", of_containers(&adapters)),
    ];
    // Links are written as the pages of keys need them, one folder below.
    let here = |text: String| text.replace("(../annotations.md#", "(#").replace("(../", "(");
    write_tables(COMMON, &common.map(|(name, table)| (name.to_owned(), here(table))));
}

/// What others may add to what a policy enforces is what the code compares with.
#[test]
fn what_may_be_added_is_made_from_what_the_code_says() {
    let rows = multipod_engine::inject::additions().map(|[at, is, by]| {
        let is = if is.contains(' ') { is } else { format!("`{is}`") };
        format!("| `{}` | {is} | {by} |\n", at.replace("PROBE", "\u{2026}Probe"))
    });
    let table = "| where | what | added by |\n|---|---|---|\n".to_owned() + &rows.collect::<String>();
    write_tables("docs/reference/policies.md", &[("additions".to_owned(), table)]);
}

/// What is promised of large pods is what the code holds them to.
#[test]
fn limits_are_made_from_what_the_code_says() {
    let rows = multipod_engine::inject::limits().map(|(what, most)| format!("| {what} | {most} |\n"));
    let table = "| what | at most |\n|---|---|\n".to_owned() + &rows.concat();
    write_tables("docs/reference/promises.md", &[("limits".to_owned(), table)]);
}

pub(super) fn write_tables(page: &str, tables: &[(String, String)]) {
    rewrite(page, |text| {
        tables.iter().fold(text.to_owned(), |text, (name, table)| {
            let start = format!("<!-- {name}: `make bless` writes this table -->\n");
            let (before, rest) =
                text.split_once(&start).unwrap_or_else(|| panic!("{page} has no line {start}"));
            let (_, after) =
                rest.split_once("<!-- end -->\n").unwrap_or_else(|| panic!("{start} has no end"));
            format!("{before}{start}{table}<!-- end -->\n{after}")
        })
    });
}

/// The case of every adapter, also of those that have no other: what its example adds.
#[test]
fn what_each_adapter_adds_is_written_down() {
    let adds = adapters().into_iter().map(|adapter| {
        (adapter["name"].as_str().unwrap().to_owned(), adapter["adds"]["spec"]["initContainers"][0].clone())
    });
    let text = multipod_yaml::emit(&Value::Object(adds.collect()));
    rewrite("tests/data/adapters.yaml", |_| {
        format!("# What each adapter adds: `make bless` writes this file.\n{text}")
    });
}

/// What `deploy/crds` holds is what the program reads.
#[test]
fn custom_resources_are_what_the_program_prints() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_multipod"));
    let printed = String::from_utf8(command.arg("crds").output().unwrap().stdout).unwrap();
    let resources: Vec<&str> = printed.split("---\n").skip(1).collect();
    assert_eq!(resources.len(), 2, "{printed}");
    for (name, resource) in ["injectionpolicies", "patterns"].into_iter().zip(resources) {
        assert!(resource.contains(&format!("\n  name: {name}.multipod.dev\n")), "{resource}");
        rewrite(&format!("deploy/crds/{name}.yaml"), |_| {
            format!("# What `multipod crds` prints: `make bless` writes this file.\n{resource}")
        });
    }
}

fn patterns(name: &str) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_multipod"));
    let told = command.args(["patterns", name, "--output=json"]).current_dir(root()).output().unwrap();
    serde_json::from_slice(&told.stdout).unwrap()
}

/// All that the program says of each adapter.
fn adapters() -> Vec<Value> {
    let listed = patterns("metrics");
    listed.as_array().unwrap().iter().map(|adapter| patterns(adapter["name"].as_str().unwrap())).collect()
}

fn of_adapters(adapters: &[Value]) -> String {
    let rows = adapters.iter().map(|adapter| {
        let code = |values: &Value| {
            let values =
                values.as_array().unwrap().iter().map(|value| format!("`{}`", value.as_str().unwrap()));
            values.collect::<Vec<_>>().join(", ")
        };
        let params = adapter["options"].as_array().unwrap().iter().map(|param| {
            let required = if param["required"] == true { " (required)" } else { "" };
            format!(
                "`{}={}`{required}",
                param["name"].as_str().unwrap(),
                param["default"].as_str().unwrap_or_default()
            )
        });
        let params = params.collect::<Vec<_>>().join(" ");
        let text = |field: &str| adapter[field].as_str().unwrap();
        let port = adapter["ports"][0].as_str().unwrap();
        format!(
            "| `{}` | {port} | {params} | {} | {} |\n",
            text("name"),
            code(&adapter["images"]),
            with_code(text("description"), "")
        )
    });
    let head =
        "| adapter | port | params, with their defaults | image | what it tells |\n|---|---|---|---|---|\n";
    head.to_owned() + &rows.collect::<String>()
}

/// One row for the containers that have everything in common.
fn of_containers(adapters: &[Value]) -> String {
    let mut rows: Vec<(Vec<String>, String)> = Vec::new();
    for topic in topics().filter(|topic| topic.key != Key::Patterns) {
        if topic.key == Key::Metrics {
            let mut amounts: [BTreeSet<(usize, String)>; 3] = Default::default();
            for container in adapters.iter().flat_map(|adapter| containers(&adapter["adds"])) {
                for (all, one) in amounts.iter_mut().zip(resources(container)) {
                    // 64Mi before 128Mi.
                    all.insert((one.len(), one.to_owned()));
                }
            }
            let [cpu, memory, limit] =
                amounts.map(|all| all.into_iter().map(|(_, amount)| amount).collect::<Vec<_>>().join(" or "));
            let cells = format!("[of the adapter](../annotations/metrics.md) | {cpu}, {memory} | {limit}");
            rows.push((vec!["`multipod-metrics-ADAPTER`".to_owned()], cells));
            continue;
        }
        let values = match topic.key {
            Key::Logging => vec!["/a/*.log, /b/*.log format=json", "/a/*.log to=otlp://collector:4317"],
            _ => vec![topic.example],
        };
        for value in values {
            for container in containers(&super::added("a sample", topic.key, value)) {
                let [cpu, memory, limit] = resources(container);
                let image =
                    container["image"].as_str().unwrap().replace(env!("CARGO_PKG_VERSION"), "VERSION");
                let cells = format!("`{image}` | {cpu}, {memory} | {limit}");
                let name = container["name"].as_str().unwrap();
                let name = format!("`{name}`{}", if name.ends_with("-1") { "…" } else { "" });
                match rows.last_mut().filter(|(_, other)| *other == cells) {
                    Some((names, _)) => names.push(name),
                    None => rows.push((vec![name], cells)),
                }
            }
        }
    }
    let rows = rows.iter().map(|(names, cells)| format!("| {} | {cells} |\n", names.join(", ")));
    "| container | image | CPU, memory | memory limit |\n|---|---|---|---|\n".to_owned()
        + &rows.collect::<String>()
}

fn containers(added: &Value) -> impl Iterator<Item = &Value> {
    added["spec"]["initContainers"].as_array().into_iter().flatten()
}

/// The requests, and the limit of memory.
fn resources(container: &Value) -> [&str; 3] {
    ["requests/cpu", "requests/memory", "limits/memory"]
        .map(|amount| container.pointer(&format!("/resources/{amount}")).unwrap().as_str().unwrap())
}

/// Whole values of a key, with its name.
fn of_values(key: Key) -> (String, String) {
    let forms = topics().filter(|topic| topic.key == key).flat_map(|topic| topic.forms);
    let rows = forms.map(|(value, meaning)| format!("| `\"{value}\"` | {} |\n", with_code(meaning, value)));
    (
        format!("values of {}", key.name()),
        format!("| value | what |\n|---|---|\n{}", rows.collect::<String>()),
    )
}

/// The tables of one topic, with their names.
fn tables(topic: &Topic) -> Vec<(String, String)> {
    let mut tables = Vec::new();
    if !topic.options.is_empty() {
        let several = topics().filter(|other| other.key == topic.key).count() > 1;
        let of = if several { format!(" of `{}`", topic.name) } else { String::new() };
        tables.push((format!("options of {}", topic.name), of_rows(&format!("option{of}"), topic.options)));
    }
    let (common, own): (Vec<&Row>, Vec<&Row>) =
        topic.settings.iter().partition(|row| OF_SIDECARS.contains(row));
    if !own.is_empty() {
        let own: String = own.into_iter().map(row).collect();
        let common: Vec<String> = common.iter().map(|row| format!("`{}=`", row.name)).collect();
        let links = "[as everywhere](../annotations.md#settings-that-every-sidecar-takes) | [here](../annotations.md#containers-images-and-resources)";
        tables.push((
            format!("settings of {}", topic.name),
            format!(
                "| setting | meaning | default |\n|---|---|---|\n{own}| {} | {links} |\n",
                common.join(" ")
            ),
        ));
    }
    tables
}

fn of_rows(what: &str, rows: &[Row]) -> String {
    format!("| {what} | meaning | default |\n|---|---|---|\n{}", rows.iter().map(row).collect::<String>())
}

fn row(row: &Row) -> String {
    let mut words = row.values.split('|');
    let first = format!("`{}={}`", row.name, words.next().unwrap());
    let mut others: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    let last = others.pop().map(|last| format!(" or {last}")).unwrap_or_default();
    let values = std::iter::once(first).chain(others).collect::<Vec<_>>().join(", ") + &last;
    let default = match row.default.text() {
        Some(text) if text.contains(' ') => with_code(&text, ""),
        Some(text) => format!("`{text}`"),
        None if row.default == Absent::Required => "required".to_owned(),
        None => "none".to_owned(),
    };
    format!("| {values} | {} | {default} |\n", with_code(row.meaning, ""))
}

/// Words that lead to where more is said of them.
const LINKS: [(&str, &str); 2] = [
    ("the pattern's own", "../annotations.md#containers-images-and-resources"),
    ("an upstream that a policy names", "../policies.md#upstreams-one-manifest-for-every-namespace"),
];

/// Options, paths, addresses, times and names in a sentence are code, and so is what the value that it is about names.
fn with_code(text: &str, value: &str) -> String {
    let named: Vec<&str> = value
        .split([' ', ','])
        .flat_map(|word| word.split([':', '=', '@', '.']).skip(1))
        .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect();
    let word = |word: &str| {
        let code = word.trim_end_matches([',', ';', '.']);
        let is_code = code.ends_with('=')
            || code.starts_with(['@', '/', '{'])
            || code.contains("://")
            || code.contains('_')
            // A file or an address, and no version of Kubernetes.
            || (code.contains('.') && code.parse::<f64>().is_err())
            || multipod_values::duration(code).is_ok()
            || named.contains(&code);
        if is_code { format!("`{code}`{}", &word[code.len()..]) } else { word.to_owned() }
    };
    let text = text.split(' ').map(word).collect::<Vec<_>>().join(" ");
    LINKS.iter().fold(text, |text, (words, to)| text.replace(words, &format!("[{words}]({to})")))
}
