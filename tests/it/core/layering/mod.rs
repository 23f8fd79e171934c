//! The source as ARCHITECTURE.md draws it: which module may use which, which are pure, and that no file is lost or endless.

mod circles;
mod source;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use source::{ENGINE, Source, Used};
use table::Table;

const MOST_LINES: usize = 600;

/// What no pure module touches: these, and what begins with them.
const IMPURE: [&str; 24] = [
    "axum",
    "hyper",
    "hyper_util",
    "kube",
    "notify",
    "rand",
    "rustls",
    "std::env",
    "std::fs",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "tracing",
    "ureq",
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates")
}

fn is_crate(module: &str) -> bool {
    crates().join(module).exists()
}

/// The other modules that a file of a module names, be they crates or not.
fn modules(module: &str, used: &[Used]) -> BTreeSet<String> {
    let engine = format!("multipod_{ENGINE}");
    let names = used.iter().filter_map(|used| match &used.path[..] {
        [first, name, ..] if *first == engine => Some(&**name),
        [first, ..] if first.starts_with("multipod_") => first.strip_prefix("multipod_"),
        [first, name, ..] if first == "crate" && !is_crate(module) => Some(&**name),
        _ => None,
    });
    names.filter(|name| *name != module).map(str::to_owned).collect()
}

/// What of the outside a path touches.
fn touched(used: &Used) -> Option<&'static str> {
    let path = used.path.join("::");
    let everything = path.strip_suffix('*');
    let touches = |outside: &&str| {
        let behind = path.strip_prefix(*outside);
        behind.is_some_and(|behind| behind.is_empty() || behind.starts_with("::"))
            || everything.is_some_and(|folder| outside.starts_with(folder))
    };
    IMPURE.into_iter().find(touches)
}

/// The crates of ours that a crate depends on, tests aside.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let lines = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.strip_prefix("multipod-")?.split(['.', ' ', '=']).next());
    names.map(str::to_owned).collect()
}

#[test]
fn every_module_is_in_the_table_and_nothing_else_is() {
    let table = Table::of_architecture();
    let named: BTreeSet<&str> = table.rows().iter().map(|row| &*row.module).collect();
    let sources = Source::all();
    let there: BTreeSet<&str> =
        sources.iter().map(Source::module).filter(|module| !["lib", "main"].contains(module)).collect();
    assert_eq!(named, there);
    let unknown: Vec<_> =
        table.rows().iter().filter(|row| row.may_use.iter().any(|name| !named.contains(&**name))).collect();
    assert!(unknown.is_empty(), "modules that do not exist: {unknown:#?}");
}

#[test]
fn no_module_comes_back_to_itself_by_what_it_may_use() {
    let table = Table::of_architecture();
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    while let Some(next) = table
        .rows()
        .iter()
        .find(|row| !placed.contains(&*row.module) && row.may_use.iter().all(|name| placed.contains(&**name)))
    {
        placed.insert(&next.module);
    }
    let round: Vec<_> = table.rows().iter().filter(|row| !placed.contains(&*row.module)).collect();
    assert!(round.is_empty(), "{round:#?}");
}

#[test]
fn modules_use_only_what_they_may() {
    let table = Table::of_architecture();
    let mut breaches = Vec::new();
    for file in Source::all().iter().filter(|file| !file.is_test()) {
        let Some(row) = table.find(file.module()) else { continue };
        let used = modules(&row.module, &file.used);
        breaches.extend(used.difference(&row.may_use).map(|name| format!("{} uses {name}", file.path)));
    }
    assert!(breaches.is_empty(), "ARCHITECTURE.md says what each may use: {breaches:#?}");
}

#[test]
fn crates_depend_only_on_what_they_may() {
    let (table, sources) = (Table::of_architecture(), Source::all());
    for entry in fs::read_dir(crates()).unwrap() {
        let folder = entry.unwrap().path();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap();
        let own =
            sources.iter().filter(|file| file.path.starts_with(&format!("{name}/"))).map(Source::module);
        let own: BTreeSet<String> = own.map(str::to_owned).collect();
        let rows = table.rows().iter().filter(|row| own.contains(&row.module));
        let named: BTreeSet<String> = rows.flat_map(|row| row.may_use.clone()).collect();
        // A module may stand in a crate of another name, as those of the engine do.
        let stand = sources.iter().filter(|file| named.contains(file.module()));
        let may_use: BTreeSet<String> =
            stand.filter_map(|file| file.path.split('/').next()).map(str::to_owned).collect();
        let beyond: Vec<String> = dependencies(&manifest).difference(&may_use).cloned().collect();
        assert!(beyond.is_empty(), "{name} depends on {beyond:?}");
    }
}

#[test]
fn pure_modules_touch_nothing_outside() {
    let table = Table::of_architecture();
    let mut breaches = Vec::new();
    for file in Source::all().iter().filter(|file| !file.is_test()) {
        if table.find(file.module()).is_some_and(|row| row.pure) {
            let touched: BTreeSet<_> = file.used.iter().filter_map(touched).collect();
            breaches.extend(touched.into_iter().map(|outside| format!("{} touches {outside}", file.path)));
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn the_checks_see_a_breach() {
    let source = Source::new(
        "m/a.rs",
        "use std::{env, fs::{self, File}, time::Duration}; use crate::{annotation::{Key, x}, m::b}; use std::net::*;
         fn f() { println!(\"{}\", crate::pod::Pod); multipod_json::read(std::process::id(), rand);
                  multipod_engine::policy::Mode::Audit }",
    );
    let used = &source.used;
    assert_eq!(
        modules("m", used),
        BTreeSet::from(["annotation", "json", "pod", "policy"].map(str::to_owned))
    );
    assert_eq!(modules("json", used), BTreeSet::from(["policy".to_owned()]));
    let outside: BTreeSet<_> = used.iter().filter_map(touched).collect();
    assert_eq!(outside, BTreeSet::from(["std::env", "std::fs", "std::net::TcpListener", "std::process"]));
    let manifest = "[dependencies]\nmultipod-json.workspace = true\nmultipod-x = { path = \"x\" }\nserde = \"1\"\n\n\
                    [dev-dependencies]\nmultipod-y.workspace = true\n";
    assert_eq!(dependencies(manifest), BTreeSet::from(["json", "x"].map(str::to_owned)));
}

#[test]
fn no_file_is_in_no_module() {
    let files: BTreeMap<String, Source> =
        Source::all().into_iter().map(|file| (file.path.clone(), file)).collect();
    let roots = files.values().filter(|file| file.is_root()).map(|file| file.path.clone());
    let mut reached: BTreeSet<String> = roots.collect();
    let mut waiting: Vec<String> = reached.iter().cloned().collect();
    while let Some(path) = waiting.pop() {
        let file = &files[&path];
        let folder = match path.strip_suffix("mod.rs") {
            Some(folder) => folder.to_owned(),
            None if file.is_root() => path.trim_end_matches("lib.rs").trim_end_matches("main.rs").to_owned(),
            None => format!("{}/", path.trim_end_matches(".rs")),
        };
        for line in file.text.lines().map(str::trim) {
            let Some(name) =
                line.strip_suffix(';').and_then(|line| line.rsplit_once("mod ")).map(|(_, name)| name)
            else {
                continue;
            };
            for candidate in [format!("{folder}{name}.rs"), format!("{folder}{name}/mod.rs")] {
                if files.contains_key(&candidate) && reached.insert(candidate.clone()) {
                    waiting.push(candidate);
                }
            }
        }
    }
    let orphans: Vec<&String> = files.keys().filter(|path| !reached.contains(*path)).collect();
    assert!(orphans.is_empty(), "files that are never compiled: {orphans:?}");
}

#[test]
fn no_source_file_is_longer_than_600_lines() {
    let sources = Source::all();
    let lengths = sources.iter().map(|file| (file.text.lines().count(), &file.path));
    let long: Vec<_> = lengths.filter(|(lines, _)| *lines > MOST_LINES).collect();
    assert!(long.is_empty(), "{long:?}");
}
