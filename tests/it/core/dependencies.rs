//! Licences, bans and sources of everything that multipod is built from, by the lists of deny.toml.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::LazyLock;

/// One package, as cargo tells of it.
#[derive(Debug, PartialEq)]
struct Package {
    name: String,
    /// Where it comes from, if that is not the registry.
    elsewhere: Option<String>,
    licence: String,
}

/// With every feature, and with what only builds and tests need.
static PACKAGES: LazyLock<Vec<Package>> = LazyLock::new(|| packages(&["--workspace", "--all-features"]));

fn packages(of: &[&str]) -> Vec<Package> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--locked", "--prefix=none", "--format={p}|{l}"]).args(of);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    // A star stands behind what was told before, and an empty line between the crates of the workspace.
    let lines = text.lines().filter(|line| !line.is_empty());
    let lines: BTreeSet<&str> = lines.map(|line| line.trim_end_matches(" (*)")).collect();
    lines.into_iter().map(package).collect()
}

/// `name v1.0.0 (proc-macro) (place)|licence`
fn package(line: &str) -> Package {
    let (who, licence) = line.rsplit_once('|').unwrap();
    let mut words = who.split(' ');
    let name = words.next().unwrap().to_owned();
    let place = words.skip(1).find(|word| *word != "(proc-macro)");
    Package { name, elsewhere: place.map(str::to_owned), licence: licence.to_owned() }
}

/// The quoted words of a list in deny.toml.
fn list(section: &str, key: &str) -> Vec<String> {
    let text = include_str!("../../../deny.toml");
    let (_, section) = text.split_once(&format!("\n[{section}]\n")).unwrap();
    let section = section.split("\n[").next().unwrap();
    let lines = section.lines().skip_while(|line| !line.starts_with(&format!("{key} = ["))).skip(1);
    let words = lines.take_while(|line| *line != "]").map(|line| line.split('"').nth(1).unwrap().to_owned());
    words.collect()
}

/// Whether an expression of SPDX can be met with what is allowed. Older packages write `/` for `OR`.
fn is_met(licence: &str, allowed: &[String]) -> bool {
    let spaced = licence.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut words = &words[..];
    let met = either(&mut words, allowed);
    met && words.is_empty() && !licence.is_empty()
}

fn either(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = both(words, allowed);
    while let Some(("OR", rest)) = words.split_first().map(|(word, rest)| (*word, rest)) {
        *words = rest;
        met |= both(words, allowed);
    }
    met
}

fn both(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = one(words, allowed);
    while let Some(("AND", rest)) = words.split_first().map(|(word, rest)| (*word, rest)) {
        *words = rest;
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut &[&str], allowed: &[String]) -> bool {
    let Some((first, rest)) = words.split_first() else { return false };
    *words = rest;
    if *first == "(" {
        let met = either(words, allowed);
        let closed = words.first() == Some(&")");
        *words = words.get(1..).unwrap_or_default();
        return met && closed;
    }
    let mut name = (*first).to_owned();
    if let [with @ "WITH", exception, rest @ ..] = *words {
        name = format!("{name} {with} {exception}");
        *words = rest;
    }
    allowed.contains(&name)
}

#[test]
fn everything_has_a_licence_that_goes_with_ours() {
    let allowed = list("licenses", "allow");
    assert!(allowed.len() > 5);
    assert!(PACKAGES.len() > 200, "{}", PACKAGES.len());
    let others: Vec<_> = PACKAGES.iter().filter(|package| !is_met(&package.licence, &allowed)).collect();
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn nothing_that_is_banned_is_built() {
    let banned = list("bans", "deny");
    assert!(banned.contains(&"ring".to_owned()));
    let found: Vec<_> = PACKAGES.iter().filter(|package| banned.contains(&package.name)).collect();
    assert!(found.is_empty(), "cargo tree -i NAME tells who brings them: {found:#?}");
}

#[test]
fn everything_but_ourselves_comes_from_the_registry() {
    let others: Vec<_> = PACKAGES.iter().filter(|package| package.elsewhere.is_some()).collect();
    assert!(others.iter().all(|package| package.name.starts_with("multipod")), "{others:#?}");
}

#[test]
fn nothing_of_a_feature_is_built_without_it() {
    let is_of_traces = |package: &Package| package.name.starts_with("opentelemetry");
    assert!(PACKAGES.iter().any(is_of_traces));
    assert!(!packages(&["--workspace"]).iter().any(is_of_traces));
}

#[test]
fn the_engine_is_built_without_runtime_network_and_command_line() {
    let packages = packages(&["--package=multipod-engine", "--edges=normal"]);
    let built: BTreeSet<&str> = packages.iter().map(|package| &*package.name).collect();
    assert!(built.contains("multipod-values"));
    for outside in ["axum", "clap", "hyper", "kube", "notify", "rustls", "tokio", "tracing", "ureq"] {
        assert!(!built.contains(outside), "cargo tree -p multipod-engine -i {outside} tells who brings it");
    }
}

#[test]
fn licences_are_read_as_spdx_writes_them() {
    let allowed = ["MIT", "ISC", "A WITH B"].map(str::to_owned);
    for (licence, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("GPL-3.0 OR MIT AND ISC", true),
        ("(GPL-3.0 OR MIT) AND ISC", true),
        ("(MIT OR ISC) AND GPL-3.0", false),
        ("A WITH B OR GPL-3.0", true),
        ("A WITH C", false),
        ("A", false),
        ("(MIT", false),
        ("MIT)", false),
        ("MIT ISC", false),
    ] {
        assert_eq!(is_met(licence, &allowed), met, "{licence}");
    }
    let found = package("x v1.0.0 (proc-macro) (/somewhere)|MIT OR Apache-2.0");
    assert_eq!((&*found.name, found.elsewhere.as_deref()), ("x", Some("(/somewhere)")));
    assert_eq!(package("y v1.0.0|").elsewhere, None);
}
