//! No two files of a module use each other, not even by a third: what both need stands below both.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

#[test]
fn no_two_files_of_a_module_use_each_other() {
    let sources = Source::all();
    let found = in_circles(&sources);
    assert!(found.is_empty(), "these files use each other in a circle: {found:#?}");
}

/// Every file that reaches itself, with the files that it uses on the way.
fn in_circles(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let files = Files::new(sources);
    let mut reached: BTreeMap<&str, BTreeSet<&str>> =
        sources.iter().map(|source| (&*source.path, files.uses(source))).collect();
    let direct = reached.clone();
    loop {
        let mut grown = reached.clone();
        for further in grown.values_mut() {
            let next: Vec<&str> = further.iter().flat_map(|file| &reached[file]).copied().collect();
            further.extend(next);
        }
        if grown == reached {
            break;
        }
        reached = grown;
    }
    let is_round = |file: &str| reached[file].contains(file);
    let round = reached.keys().filter(|file| is_round(file));
    round
        .map(|file| {
            let on_the_way = direct[file].iter().filter(|other| reached[*other].contains(file));
            ((*file).to_owned(), on_the_way.map(|other| (*other).to_owned()).collect())
        })
        .collect()
}

/// The files by the modules that they are, such as `inject::plan`; crates begin with their own names.
struct Files<'a> {
    of: BTreeMap<Vec<String>, &'a Source>,
}

impl<'a> Files<'a> {
    fn new(sources: &'a [Source]) -> Files<'a> {
        let kept = sources.iter().filter(|source| !source.is_test() && source.path != "main.rs");
        Files { of: kept.map(|source| (place(&source.path), source)).collect() }
    }

    /// The other files of its module that it uses.
    fn uses(&self, source: &Source) -> BTreeSet<&'a str> {
        let own = place(&source.path);
        let is_near = |target: &Vec<String>| *target != own && target.first() == own.first();
        let used = source.used.iter();
        let needed = used.filter(|used| !used.passed_on || source.count(&used.name) > 1);
        let targets = needed.filter_map(|used| self.find(&own, &used.path, 0));
        targets.filter(is_near).map(|target| &*self.of[&target].path).collect()
    }

    /// The file in which the end of a path is defined, seen from another file.
    fn find(&self, from: &[String], path: &[String], depth: usize) -> Option<Vec<String>> {
        let mut at = from.to_vec();
        let mut rest = path;
        while let [first, behind @ ..] = rest {
            match &**first {
                "crate" => at.truncate(usize::from(self.is_crate(from))),
                "self" => {}
                "super" => drop(at.pop()),
                _ => break,
            }
            rest = behind;
        }
        let is_relative = rest.len() == path.len();
        if is_relative && !self.of.contains_key(&[&at[..], &path[..1]].concat()) {
            return None;
        }
        while let [first, behind @ ..] = rest {
            let child = [&at[..], std::slice::from_ref(first)].concat();
            if self.of.contains_key(&child) {
                (at, rest) = (child, behind);
            } else {
                break;
            }
        }
        let file = self.of.get(&at)?;
        let Some(name) = rest.first().filter(|_| depth < 8) else { return Some(at) };
        let passed_on = file.used.iter().find(|used| used.passed_on && used.name == *name);
        let further = passed_on.and_then(|used| self.find(&at, &used.path, depth + 1));
        Some(further.unwrap_or(at))
    }

    /// Whether a file is one of a crate of its own.
    fn is_crate(&self, module: &[String]) -> bool {
        let root = self.of.get(&module[..module.len().min(1)]);
        root.is_some_and(|source| source.path.ends_with("/lib.rs"))
    }
}

/// The module that a file is: `inject/plan.rs` is `inject::plan`, `json/lib.rs` is `json`.
fn place(path: &str) -> Vec<String> {
    let parts = path.trim_end_matches(".rs").split('/');
    parts.filter(|part| !["mod", "lib"].contains(part)).map(str::to_owned).collect()
}

#[test]
fn circles_are_found_however_they_are_closed() {
    let lib = ("json/lib.rs", "mod a; mod b; pub use a::A;");
    for (a, b, round) in [
        ("use crate::b::B;", "use super::A;", true),
        ("use super::b;", "fn f() { vec![crate::a::A] }", true),
        ("use super::b::B;", "fn f() -> super::A {}", true),
        ("pub use super::b::B;", "use crate::A;", false),
        ("pub use super::b::B; struct A(B);", "use crate::A;", true),
        ("use crate::b::B;", "#[cfg(test)] mod tests { use crate::A; }", false),
        ("use crate::b::B;", "use std::a::A; // crate::a", false),
    ] {
        let sources = [lib, ("json/a.rs", a), ("json/b.rs", b)];
        let sources = sources.map(|(path, text)| Source::new(path, text));
        assert_eq!(in_circles(&sources).contains_key("json/a.rs"), round, "{a} {b}");
    }
    let sources = [
        Source::new("m/mod.rs", "mod a; mod b; mod c;"),
        Source::new("m/a.rs", "use super::b::B;"),
        Source::new("m/b.rs", "use crate::m::c::{self, C};"),
        Source::new("m/c.rs", "use crate::{m::a, n::N};"),
        Source::new("n/mod.rs", "use crate::m::a;"),
    ];
    let found: Vec<String> = in_circles(&sources).into_keys().collect();
    assert_eq!(found, ["m/a.rs", "m/b.rs", "m/c.rs"]);
}
