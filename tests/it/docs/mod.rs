//! The documentation is true: what it shows is run, read and looked up.

mod chart;
mod console;
mod options;
pub(crate) mod page;
mod reasons;
mod tables;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use multipod::explain::sample;
use multipod::manifest::{self, Cluster, Level, Manifests, Source};
use multipod_engine::annotation::Key;
use multipod_engine::annotation::option::{Absent, Row};
use multipod_engine::pattern::defined::Type;
use multipod_engine::pattern::{Context, Request, Settings, object, topics};
use multipod_engine::policy;
use serde_json::Value;

use page::{Block, Page, page, pages, root, spans};

/// It tells what goes wrong, so that not every value on it is right.
const REASONS: &str = "docs/reference/reasons.md";

#[test]
fn every_command_prints_what_the_docs_show() {
    let blocks: Vec<Block> = pages().iter().flat_map(|page| page.blocks("console")).collect();
    assert!(blocks.len() >= 6, "{}", blocks.len());
    if std::env::var_os("MULTIPOD_BLESS").is_some() {
        return blocks.iter().for_each(console::bless);
    }
    let problems: Vec<String> = blocks.iter().filter_map(console::problem).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_yaml_block_is_accepted() {
    let blocks: Vec<Block> = pages().iter().flat_map(|page| page.blocks("yaml")).collect();
    assert!(blocks.len() >= 8, "{}", blocks.len());
    for Block { place, text, .. } in blocks {
        if text.starts_with("# settings.yaml\n") {
            let settings: Result<Settings, _> = object::read(&text);
            assert!(settings.is_ok(), "{place}: {settings:?}");
        } else {
            accept(&place, &text);
        }
    }
}

/// Policies, patterns, workloads, or a piece of metadata.
fn accept(place: &str, text: &str) {
    let loaded = policy::load(&[(place.to_owned(), text.to_owned())]);
    assert!(loaded.problems.is_empty(), "{place}: {:?}", loaded.problems);
    let cluster = Cluster {
        policies: loaded.policies,
        catalogue: loaded.catalogue,
        namespace_labels: Some(Vec::new()),
        ..Cluster::default()
    };
    let sources = [Source { name: place.to_owned(), text: text.to_owned() }];
    let manifests = Manifests::read(&sources);
    let outcome = manifest::inject(&manifests, &cluster, &[]);
    let told: Vec<_> = outcome.findings.iter().filter(|finding| finding.level != Level::Note).collect();
    assert!(told.is_empty(), "{place}: {told:?}");
    for document in multipod_yaml::documents(text).unwrap() {
        let value = document.value();
        if value["kind"].is_null() {
            let annotations = value["metadata"]["annotations"].as_object();
            let annotations = annotations.unwrap_or_else(|| panic!("{place}: nobody knows what this is"));
            for (key, value) in annotations {
                let key = Key::from_full(key).unwrap_or_else(|| panic!("{place}: {key}"));
                understand(place, key, value.as_str().unwrap());
            }
        }
    }
}

#[test]
fn every_value_in_the_docs_is_understood() {
    let values: Vec<_> = pages().iter().filter(|page| page.name != REASONS).flat_map(Page::values).collect();
    assert!(values.len() >= 45, "{}", values.len());
    for key in Key::ALL {
        assert!(values.iter().any(|shown| shown.key == key), "{}", key.full());
    }
    for shown in values {
        understand(&shown.place, shown.key, &shown.value);
    }
}

/// By the parser of the key; and adapters by those that there are.
fn understand(place: &str, key: Key, value: &str) {
    let problems = Request::parse(key, value).err();
    assert_eq!(problems, None, "{place}: {value}");
    if key == Key::Metrics {
        added(place, key, value);
    }
}

/// What a value adds to a pod.
fn added(place: &str, key: Key, value: &str) -> Value {
    let cluster = Cluster::default();
    let context = Context::new(&cluster.settings, &cluster.catalogue);
    sample(key, value, &context).unwrap_or_else(|why| panic!("{place}: {value}: {why}"))
}

/// The page of a key.
fn page_of(key: Key) -> String {
    format!("docs/reference/annotations/{}.md", key.name())
}

#[test]
fn every_option_has_a_row_with_its_default() {
    let common = page("docs/reference/annotations.md");
    for topic in topics() {
        let page = page(&page_of(topic.key));
        assert_eq!(page.key(), Some(topic.key), "{}", page.name);
        for Row { name, default, .. } in topic.options {
            let row = page.row(&format!("{name}="));
            let row = row.unwrap_or_else(|| panic!("{}: {name}=", topic.name));
            match default.text() {
                Some(value) if !value.contains(' ') => {
                    assert!(row.contains(&format!("`{value}`")), "{}: {row}", topic.name);
                }
                _ if *default == Absent::Required => {
                    assert!(row.contains("required"), "{}: {row}", topic.name);
                }
                _ => {}
            }
        }
        for Row { name, .. } in topic.settings {
            let first = format!("{name}=");
            assert!(page.row(&first).or_else(|| common.row(&first)).is_some(), "{}: {name}=", topic.name);
        }
    }
}

#[test]
fn every_option_in_a_table_is_one_that_there_is() {
    let pages = Key::ALL.iter().map(|key| (Some(*key), page(&page_of(*key))));
    for (key, page) in pages.chain([(None, page("docs/reference/annotations.md"))]) {
        for row in page.rows() {
            let of_key = || topics().filter(|topic| key.is_none_or(|key| key == topic.key));
            for name in options_in(&row.first) {
                let known = of_key().any(|topic| {
                    topic.options.iter().chain(topic.settings).any(|choice| choice.name == name)
                });
                assert!(known, "{name}=: {}", row.text);
            }
        }
    }
}

/// The names of `name=…`; values that hold some, and a bare `=`, are none.
fn options_in<'s>(spans: &[&'s str]) -> impl Iterator<Item = &'s str> {
    let names = spans.iter().filter_map(|span| span.split_once('=')).map(|(name, _)| name);
    names.filter(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
}

#[test]
fn every_field_of_settings_policies_and_patterns_has_a_row() {
    let pages = ["policies", "patterns", "settings"].map(|name| page(&format!("docs/reference/{name}.md")));
    let row = |name: &str| pages.iter().find_map(|page| page.row(name));
    let is_mentioned = |code: &str| pages.iter().any(|page| page.mentions(code));
    let settings = |text: &str| object::read::<Settings>(text).unwrap_err().1;
    let policy = |spec: &str| problem("InjectionPolicy", spec);
    let pattern = |spec: &str| problem("Pattern", spec);
    for (owner, told) in [
        ("", settings("zzz: 1")),
        ("", policy("{zzz: 1}")),
        ("match.", policy("{match: {zzz: 1}}")),
        ("", pattern("{zzz: 1}")),
        ("app.", pattern("{app: {zzz: 1}}")),
        ("", pattern("{params: {p: {type: port, zzz: 1}}}")),
        ("", pattern("{allow: [zzz]}")),
    ] {
        for field in expected(&told) {
            let told = row(&field).or_else(|| row(&format!("{owner}{field}")));
            let told_elsewhere = ["condition", "mounts", "env"].contains(&&*field) && is_mentioned(&field);
            assert!(told.is_some() || told_elsewhere, "{owner}{field}");
        }
    }
    for told in [
        settings("patterns: {a: {zzz: 1}}"),
        policy("{match: {podSelector: {zzz: 1}}}"),
        policy("{match: {podSelector: {matchExpressions: [{zzz: 1}]}}}"),
        policy("{bounds: {zzz: 1}}"),
        policy("{bounds: {cpu: {zzz: 1}}}"),
        pattern("{scrape: {zzz: 1}}"),
        pattern("{sysctls: [{zzz: 1}]}"),
    ] {
        for field in expected(&told) {
            assert!(is_mentioned(&field), "{field}");
        }
    }
    // The last two are what a container has besides the fields that Kubernetes gives it.
    for name in Type::NAMES.into_iter().chain(["role", "loopbackPorts"]) {
        assert!(row(name).is_some(), "{name}");
    }
}

/// What is told about the first problem of an object.
fn problem(kind: &str, spec: &str) -> String {
    let text =
        format!("apiVersion: multipod.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n");
    let loaded = policy::load(&[("a.yaml".to_owned(), text)]);
    let found: Vec<String> = loaded.problems.into_iter().map(|problem| problem.message).collect();
    let about_it = found.iter().find(|message| message.contains("zzz"));
    about_it.or(found.iter().find(|message| message.contains("expected "))).unwrap().clone()
}

/// The names in `unknown field zzz, expected a, b or c`.
fn expected(told: &str) -> Vec<String> {
    let names = told.split_once("expected ").unwrap().1.lines().next().unwrap().replace(" or ", ", ");
    let names: Vec<String> = names.split(", ").map(str::to_owned).collect();
    assert!(!names.is_empty() && names.iter().all(|name| !name.contains(' ')), "{told}");
    names
}

#[test]
fn every_test_that_a_promise_names_is_there() {
    let tests = tests_by_file();
    let is_there = |test: &str| tests.iter().any(|(_, names)| names.contains(test));
    for (name, least) in [("docs/reference/promises.md", 40), ("docs/explanation/enforce.md", 15)] {
        let page = page(name);
        let named: Vec<&str> = page.rows().flat_map(|row| spans(last_cell(row.text))).collect();
        assert!(named.len() > least, "{name}: {}", named.len());
        for test in named {
            assert!(is_there(test), "{name}: {test}");
        }
    }
}

/// A row is `| R1 | what | shown | FILE: TEST, TEST; FILE: TEST |`, with `. Not: …` behind it where it is shown in part.
#[test]
fn every_requirement_names_tests_that_are_there_or_says_why_none_shows_it() {
    let page = page("docs/reference/requirements.md");
    let tests = tests_by_file();
    let rows: Vec<Vec<&str>> = page
        .rows()
        .map(|row| row.text.trim_matches(['|', ' ']).split(" | ").collect())
        .filter(|cells: &Vec<&str>| {
            cells[0].strip_prefix('R').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
        .collect();
    let numbers: Vec<&str> = rows.iter().map(|cells| cells[0]).collect();
    let wanted: Vec<String> = (1..=75).map(|number| format!("R{number}")).collect();
    for number in &wanted {
        assert_eq!(numbers.iter().filter(|known| *known == number).count(), 1, "{number}");
    }
    for cells in rows {
        let [number, _, state, by] = cells[..] else { panic!("{cells:?}") };
        let (named, missing) = by.split_once(". Not: ").unwrap_or((by, ""));
        match state {
            "shown" => assert!(missing.is_empty(), "{number}"),
            "in part" => assert!(!missing.is_empty(), "{number}: what no test shows is not said"),
            "not shown" => {
                assert!(by.len() > 20, "{number}: why not is not said");
                continue;
            }
            _ => panic!("{number}: {state}"),
        }
        let mut file = "";
        let mut shown_by = 0;
        for span in spans(named) {
            if span.contains('/') || span.ends_with(".rs") {
                file = span;
                assert!(tests.contains_key(file), "{number}: {file}");
            } else {
                shown_by += 1;
                assert!(tests[file].contains(span), "{number}: {span} is not in {file}");
            }
        }
        assert!(shown_by > 0, "{number}");
    }
}

fn last_cell(row: &str) -> &str {
    row.trim_end_matches(" |").rsplit(" | ").next().unwrap()
}

/// The names of all tests and golden cases, by the file or folder that holds them.
fn tests_by_file() -> BTreeMap<String, BTreeSet<String>> {
    let mut tests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut folders =
        ["src", "crates", "tests", "fuzz/fuzz_targets", "deploy"].map(|folder| root().join(folder)).to_vec();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = |path: &Path| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            let last = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                // The name of a golden case is the name of its folder.
                if path.join("input.yaml").is_file() {
                    tests.entry(name(path.parent().unwrap())).or_default().insert(last);
                } else {
                    folders.push(path);
                }
                continue;
            }
            let begins = match path.extension().and_then(|extension| extension.to_str()) {
                Some("rs") => "fn ",
                Some("go") => "func ",
                _ => continue,
            };
            let text = std::fs::read_to_string(&path).unwrap();
            let declared = |line: &str| {
                let line = line.trim_start().trim_start_matches("pub ").trim_start_matches("async ");
                Some(line.strip_prefix(begins)?.split(['(', '<']).next()?.to_owned())
            };
            let names = text.lines().filter_map(declared);
            tests.entry(name(&path)).or_default().extend(names);
        }
    }
    tests
}

#[test]
fn every_link_leads_somewhere() {
    for page in pages() {
        let folder = root().join(&page.name).parent().unwrap().to_owned();
        for (place, target) in page.links().into_iter().filter(|(_, target)| !target.contains("://")) {
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let path = if file.is_empty() { root().join(&page.name) } else { folder.join(file) };
            assert!(path.exists(), "{place}: {target}");
            if !anchor.is_empty() {
                let name = path.canonicalize().unwrap();
                let name = name.strip_prefix(root().canonicalize().unwrap()).unwrap().to_owned();
                let anchors = self::page(name.to_str().unwrap()).anchors();
                assert!(anchors.iter().any(|known| known == anchor), "{place}: {target}");
            }
        }
    }
}

/// mdBook builds what its table of contents names, and makes an empty page of what is not there.
#[test]
fn the_table_of_contents_names_every_page_once() {
    const CONTENTS: &str = "docs/SUMMARY.md";
    let links = page(CONTENTS).links();
    let named: BTreeSet<String> = links.iter().map(|(_, target)| format!("docs/{target}")).collect();
    assert_eq!(named.len(), links.len(), "a page is there twice");
    let mut pages = page::docs();
    pages.remove(CONTENTS);
    assert_eq!(named, pages);
}

/// Messages, manifests, code and tests send people to pages; these are there, and so are the headings.
#[test]
fn every_page_that_something_names_is_there() {
    let mut folders = ["src", "crates", "deploy", "tests", "examples", "certs", "benches"]
        .map(|name| root().join(name))
        .to_vec();
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            for rest in text.split("docs/").skip(1) {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"/-_.#".contains(c));
                let named = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
                let (file, anchor) = named.split_once('#').unwrap_or((named, ""));
                if !file.ends_with(".md") {
                    continue;
                }
                seen += 1;
                let place = path.display();
                assert!(root().join("docs").join(file).is_file(), "{place}: docs/{file}");
                let anchors = self::page(&format!("docs/{file}")).anchors();
                assert!(
                    anchor.is_empty() || anchors.iter().any(|known| known == anchor),
                    "{place}: docs/{named}"
                );
            }
        }
    }
    assert!(seen > 50, "{seen}");
}
