//! Source files as tokens, so that neither comments nor strings nor macros hide or invent a path.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The crate whose modules are rows of the table, as those of `src` are.
pub(super) const ENGINE: &str = "engine";

/// One file of `src` or of a crate beside it.
pub(super) struct Source {
    /// Below `src` or `crates`, where the name of the crate stands before it.
    pub(super) path: String,
    pub(super) text: String,
    /// Without what stands in `#[cfg(test)]`.
    tokens: Vec<TokenTree>,
    /// Every path of more than one word, and whatever `use` names.
    pub(super) used: Vec<Used>,
}

/// A path in the code, with the name by which it is known from there on.
#[derive(Debug, PartialEq)]
pub(super) struct Used {
    pub(super) path: Vec<String>,
    pub(super) name: String,
    /// `pub use`: passed on, which is no use of it yet.
    pub(super) passed_on: bool,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Source {
        let stream = TokenStream::from_str(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let tokens = without_tests(stream);
        let mut used = Vec::new();
        paths(&tokens, &mut used);
        Source { path: path.to_owned(), text: text.to_owned(), tokens, used }
    }

    /// Every file of a folder that says what the module is: `src/module` or `crates/module`.
    pub(super) fn all() -> Vec<Source> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut paths = Vec::new();
        walk(&root.join("src"), &mut paths);
        for entry in fs::read_dir(root.join("crates")).unwrap() {
            walk(&entry.unwrap().path().join("src"), &mut paths);
        }
        paths.sort();
        assert!(paths.len() > 50, "{} files", paths.len());
        let read = |path: &PathBuf| {
            let below = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let below = below.replacen("crates/", "", 1).replacen("src/", "", 1);
            Source::new(&below, &fs::read_to_string(path).unwrap())
        };
        paths.iter().map(read).collect()
    }

    /// The first folder or file below `src`, or the folder below `crates`; of the engine, the one inside.
    pub(super) fn module(&self) -> &str {
        let inside = self.path.strip_prefix(ENGINE).and_then(|path| path.strip_prefix('/'));
        inside.unwrap_or(&self.path).split(['/', '.']).next().unwrap_or_default()
    }

    /// Whether it is the root of a program or a library.
    pub(super) fn is_root(&self) -> bool {
        self.path.ends_with("lib.rs") || self.path == "main.rs"
    }

    /// A file of a `#[cfg(test)]` module that has files of its own.
    pub(super) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// How often a word stands by itself.
    pub(super) fn count(&self, word: &str) -> usize {
        count(&self.tokens, word)
    }
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

fn without_tests(stream: TokenStream) -> Vec<TokenTree> {
    let mut out: Vec<TokenTree> = Vec::new();
    let mut tokens = stream.into_iter();
    while let Some(token) = tokens.next() {
        let is_mark = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '#');
        let is_test = token.to_string().split_whitespace().collect::<String>() == "[cfg(test)]";
        if is_test && out.last().is_some_and(is_mark) {
            out.pop();
            // The item that it stands before ends with its block or with a semicolon.
            let ends = |token: &TokenTree| match token {
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                TokenTree::Punct(punct) => punct.as_char() == ';',
                _ => false,
            };
            tokens.find(ends);
        } else {
            out.push(token);
        }
    }
    out
}

fn count(tokens: &[TokenTree], word: &str) -> usize {
    let each = tokens.iter().map(|token| match token {
        TokenTree::Group(group) => count(&group.stream().into_iter().collect::<Vec<_>>(), word),
        TokenTree::Ident(ident) => usize::from(ident == word),
        _ => 0,
    });
    each.sum()
}

fn paths(tokens: &[TokenTree], out: &mut Vec<Used>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            // `pub(in crate::m)` says who may use it, and uses nothing.
            TokenTree::Group(_) if is_public(&tokens[..=at]) => {}
            TokenTree::Group(group) => paths(&group.stream().into_iter().collect::<Vec<_>>(), out),
            TokenTree::Ident(ident) if ident == "use" => {
                let passed_on = is_public(&tokens[..at]);
                at = tree(tokens, at + 1, &[], passed_on, out);
            }
            TokenTree::Ident(_) => {
                let mut path = Vec::new();
                while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
                    path.push(ident.to_string());
                    if !is_colons(tokens, at + 1) {
                        break;
                    }
                    at += 3;
                }
                // Behind a path may stand what belongs to it: `::<…>`.
                if !matches!(tokens.get(at), Some(TokenTree::Ident(_))) {
                    at -= 1;
                }
                if path.len() > 1 {
                    let name = path.last().cloned().unwrap_or_default();
                    out.push(Used { path, name, passed_on: false });
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// A tree of `use` from here to its end, which is the place that comes back.
fn tree(
    tokens: &[TokenTree],
    mut at: usize,
    before: &[String],
    passed_on: bool,
    out: &mut Vec<Used>,
) -> usize {
    let mut path = before.to_vec();
    let mut name = None;
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Ident(ident) if ident == "as" => {
                name = tokens.get(at + 1).map(ToString::to_string);
                at += 1;
            }
            TokenTree::Ident(ident) => path.push(ident.to_string()),
            TokenTree::Punct(punct) if punct.as_char() == '*' => path.push("*".to_owned()),
            TokenTree::Punct(punct) if [',', ';'].contains(&punct.as_char()) => break,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                let mut inner = 0;
                while inner < inside.len() {
                    inner = tree(&inside, inner, &path, passed_on, out) + 1;
                }
                path.clear();
            }
            _ => {}
        }
        at += 1;
    }
    if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
        path.pop();
    }
    if let Some(last) = path.last() {
        out.push(Used { name: name.unwrap_or_else(|| last.clone()), path, passed_on });
    }
    at
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let is_colon =
        |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    is_colon(tokens.get(at)) && is_colon(tokens.get(at + 1))
}

/// Whether what stands before `use` says `pub`, with or without for whom.
fn is_public(before: &[TokenTree]) -> bool {
    match before {
        [.., TokenTree::Ident(ident)] => ident == "pub",
        [.., TokenTree::Ident(ident), TokenTree::Group(group)] => {
            ident == "pub" && group.delimiter() == Delimiter::Parenthesis
        }
        _ => false,
    }
}

#[test]
fn paths_are_seen_wherever_they_stand_and_nowhere_else() {
    let source = Source::new(
        "a.rs",
        "// crate::comment::X
         use std::{env, fs::{self, File as Open}};
         pub(crate) use super::b::C;
         use crate::{d::{E, f}, g};
         pub(in crate::v) fn v() {}
         fn h() { assert!(crate::i::J::<crate::k::L>::new(\"crate::string::X\") == m); x as u8 }
         #[cfg(test)] mod tests { use crate::test::X; }
         #[cfg(test)] use crate::test::Y;",
    );
    let seen: Vec<String> = source.used.iter().map(|used| used.path.join("::")).collect();
    let expected = [
        "std::env",
        "std::fs",
        "std::fs::File",
        "super::b::C",
        "crate::d::E",
        "crate::d::f",
        "crate::g",
        "crate::i::J",
        "crate::k::L",
    ];
    assert_eq!(seen, expected);
    assert_eq!(source.used.iter().filter(|used| used.passed_on).count(), 1);
    assert!(source.used.iter().any(|used| used.name == "Open"));
    assert_eq!((source.count("x"), source.count("X"), source.count("m")), (1, 0, 1));
}
