//! The house as ARCHITECTURE.md draws it: who may use whom, which rooms are pure, and that no file is lost or endless.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const MOST_LINES: usize = 600;

/// Every room, the rooms that it may use, and whether it is pure.
const ROOMS: [(&str, &[&str], bool); 17] = [
    ("values", &[], true),
    ("annotation", &["values"], true),
    ("json", &[], true),
    ("pod", &["json"], true),
    ("yaml", &["json"], true),
    ("pattern", &["annotation", "pod", "values"], true),
    ("policy", &["annotation", "pattern", "pod", "values"], true),
    ("inject", &["annotation", "json", "pattern", "pod", "policy", "values"], true),
    ("manifest", &["annotation", "inject", "json", "pattern", "pod", "policy", "values", "yaml"], true),
    ("explain", &["annotation", "inject", "manifest", "pattern", "pod", "policy", "values", "yaml"], true),
    ("admission", &["annotation", "inject", "json", "pattern", "pod", "policy", "values"], true),
    ("certs", &[], false),
    ("observe", &["admission", "annotation", "values"], false),
    ("server", &["admission", "certs", "observe"], false),
    ("watch", &["admission", "annotation", "certs", "inject", "pattern", "pod", "policy", "server"], false),
    ("inpod", &["values"], false),
    (
        "cli",
        &[
            "admission",
            "annotation",
            "certs",
            "explain",
            "inject",
            "inpod",
            "json",
            "manifest",
            "observe",
            "pattern",
            "pod",
            "policy",
            "server",
            "values",
            "watch",
            "yaml",
        ],
        false,
    ),
];

/// What no pure room touches.
const IMPURE: [&str; 19] = [
    "std::fs",
    "std::env",
    "std::net::Tcp",
    "std::net::Udp",
    "std::net::ToSocketAddrs",
    "std::thread",
    "std::process",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::os",
    "Instant",
    "SystemTime",
    "tokio",
    "hyper",
    "kube",
    "axum",
    "tracing",
    "rand",
];

/// One file of `src` or of a crate beside it, its code without comments and tests.
struct Source {
    path: String,
    whole: String,
    code: String,
}

impl Source {
    /// The first folder or file below `src`, or the folder below `crates`.
    fn room(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or_default()
    }

    /// A file of a `#[cfg(test)]` module that has files of its own.
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    walk(&root.join("src"), &mut paths);
    walk(&root.join("crates"), &mut paths);
    paths.sort();
    assert!(paths.len() > 50, "{} files", paths.len());
    let read = |path: &PathBuf| {
        let whole = fs::read_to_string(path).unwrap();
        let code = whole.split("\n#[cfg(test)]").next().unwrap_or_default();
        let code =
            code.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect();
        let path = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        let path = path.replacen("crates/", "", 1).replacen("src/", "", 1);
        Source { path, code, whole }
    };
    paths.iter().map(read).collect()
}

fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, out);
        } else if path.extension().is_some_and(|end| end == "rs") {
            out.push(path);
        }
    }
}

/// The names behind each `crate::`, those in braces too, and our other crates.
fn uses(code: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    let ours = code.match_indices("multipod_").map(|(at, found)| &code[at + found.len()..]);
    let mut used: BTreeSet<String> =
        ours.map(word).filter(|name| code.contains(&format!("multipod_{name}::"))).collect();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        let Some(inside) = rest.strip_prefix('{') else {
            used.insert(word(rest));
            continue;
        };
        let (mut depth, mut start) = (0, 0);
        for (at, c) in inside.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    used.insert(word(&inside[start..at]));
                    break;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    used.insert(word(&inside[start..at]));
                    start = at + 1;
                }
                _ => {}
            }
        }
    }
    used.remove("");
    used
}

/// Whether a word stands in the code by itself, not as a part of a longer one.
fn has_word(code: &str, word: &str) -> bool {
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    code.match_indices(word).any(|(at, _)| {
        let (before, behind) = (code[..at].chars().next_back(), code[at + word.len()..].chars().next());
        let is_macro = word == "std::env" && behind == Some('!');
        // A whole path may begin in the middle of nothing, and `Tcp` stands for all that begins with it.
        !joins(before) && (word.ends_with("Tcp") || word.ends_with("Udp") || !joins(behind)) && !is_macro
    })
}

#[test]
fn every_room_is_in_the_table() {
    let known: BTreeSet<&str> = ROOMS.iter().map(|(room, ..)| *room).chain(["lib", "main"]).collect();
    let unknown: Vec<String> = sources()
        .into_iter()
        .map(|file| file.path)
        .filter(|path| !known.contains(path.split(['/', '.']).next().unwrap()))
        .collect();
    assert!(unknown.is_empty(), "rooms that nobody has said anything about: {unknown:?}");
}

#[test]
fn rooms_use_only_what_lies_before_them() {
    let mut breaches = Vec::new();
    for file in sources().iter().filter(|file| !file.is_test()) {
        let Some((room, may, _)) = ROOMS.iter().find(|(room, ..)| *room == file.room()) else { continue };
        let named = uses(&file.code);
        breaches.extend(
            named
                .iter()
                .filter(|used| *used != room && !may.contains(&&***used))
                .map(|used| format!("{} uses {used}", file.path)),
        );
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn pure_rooms_touch_nothing_outside() {
    let mut breaches = Vec::new();
    for file in sources().iter().filter(|file| !file.is_test()) {
        if ROOMS.iter().any(|(room, _, pure)| *room == file.room() && *pure) {
            let touched = IMPURE.iter().filter(|word| has_word(&file.code, word));
            breaches.extend(touched.map(|word| format!("{} touches {word}", file.path)));
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn the_checks_see_a_breach() {
    let code = "use std::{env, fs};\nuse crate::{annotation::{Key, x}, policy};\nlet a = crate::pod::Pod; std::env::var(1); env!(\"X\")";
    assert_eq!(uses(code), BTreeSet::from(["annotation", "pod", "policy"].map(str::to_owned)));
    assert!(has_word(code, "std::env") && !has_word("std::env!(x)", "std::env"));
    assert!(has_word("std::net::TcpStream", "std::net::Tcp") && !has_word("operand", "rand"));
    assert!(has_word("let now = Instant::now()", "Instant"));
}

#[test]
fn no_pure_room_hides_an_import_in_braces() {
    // `use std::{fs, …}` would not be seen by the check of words.
    for file in sources().iter().filter(|file| !file.is_test()) {
        for line in file.code.lines().filter(|line| line.trim_start().starts_with("use std::{")) {
            let hidden = ["fs", "env", "thread", "process", "os"].into_iter().find(|word| {
                line.split(|c: char| !c.is_ascii_alphanumeric() && c != ':')
                    .any(|part| part.split("::").next() == Some(*word))
            });
            assert!(hidden.is_none(), "{}: {line}: write each module of std on a line of its own", file.path);
        }
    }
}

#[test]
fn no_file_is_in_no_module() {
    let files: BTreeMap<String, Source> =
        sources().into_iter().map(|file| (file.path.clone(), file)).collect();
    let is_root = |path: &String| path.ends_with("lib.rs") || path == "main.rs";
    let mut reached: BTreeSet<String> = files.keys().filter(|path| is_root(path)).cloned().collect();
    let mut waiting: Vec<String> = reached.iter().cloned().collect();
    while let Some(path) = waiting.pop() {
        let file = &files[&path];
        let folder = match path.strip_suffix("mod.rs") {
            Some(folder) => folder.to_owned(),
            None if is_root(&path) => path.trim_end_matches("lib.rs").trim_end_matches("main.rs").to_owned(),
            None => format!("{}/", path.trim_end_matches(".rs")),
        };
        for line in file.whole.lines().map(str::trim) {
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
    let long: Vec<String> = sources()
        .iter()
        .map(|file| (file.whole.lines().count(), &file.path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, path)| format!("{path}: {lines}"))
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

/// `docs/reasons.md` is written by people; this only sees that nothing is missing, and nothing is there that is no more.
#[test]
fn every_reason_is_explained_in_the_docs() {
    use multipod::inject::{DenyReason, SkipReason};
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reasons.md")).unwrap();
    let (refused, left) = text.split_once("## Left as it is").expect("two tables");
    let rows = |table: &str| -> BTreeMap<String, usize> {
        let cells = |line: &str| {
            line.split('|').skip(2).map(|cell| cell.trim().len()).filter(|length| *length > 20).count()
        };
        let slug = |line: &str| line.strip_prefix("| `")?.split('`').next().map(str::to_owned);
        table.lines().filter_map(|line| Some((slug(line)?, cells(line)))).collect()
    };
    for (table, slugs) in [
        (rows(refused), DenyReason::ALL.iter().map(|reason| reason.slug()).collect::<BTreeSet<_>>()),
        (rows(left), SkipReason::ALL.iter().map(|reason| reason.slug()).collect()),
    ] {
        let told: BTreeSet<&str> = table.keys().map(String::as_str).collect();
        assert_eq!(told, slugs);
        let empty: Vec<&String> =
            table.iter().filter(|(_, cells)| **cells != 2).map(|(slug, _)| slug).collect();
        assert!(empty.is_empty(), "say what it means and what to do: {empty:?}");
    }
}
