//! The words that people read are those of Kubernetes' documentation: present tense, active voice, "you". These here had crept
//! in, and each says what to write. Code and its comments have words of their own: ARCHITECTURE.md lists them.

use std::fs;

use super::page::{pages, root};

/// A phrase, and what is clearer.
const NOT: [(&str, &str); 32] = [
    ("a pair that is over", "a certificate that has expired"),
    ("anew", "\"again\", or the verb with re-: restart, recreate"),
    ("as if it was right before", "what was valid before"),
    ("as it is installed", "by default"),
    ("asked for means", "say who requests what"),
    ("behind a comma", "after a comma"),
    ("come again", "retry"),
    ("does as well", "\"you can also use\""),
    ("doors", "the name of the webhook or the command"),
    ("e.g.", "for example"),
    ("easily", "leave it out: the reader decides what is easy"),
    ("i.e.", "that is"),
    ("in its place", "instead"),
    ("in the place of", "instead of"),
    ("in vain", "say what happens: it times out, it gets 429"),
    ("it is us who", "name who acts"),
    ("made again", "recreated"),
    ("made anew", "recreated"),
    ("obviously", "leave it out: what is obvious needs no words"),
    ("owed", "say what is missing: a handshake, a header"),
    ("please", "leave it out: instructions need none"),
    ("replaces none", "say what stays"),
    ("simply", "leave it out: the reader decides what is simple"),
    ("somebody who", "name the role: a user, an author, an administrator"),
    ("stands in its place", "what is mounted or set instead"),
    ("takes nobody", "say what stays"),
    ("the one before", "the previous one"),
    ("the word of", "who chooses or sets it"),
    ("was right before", "what was valid before"),
    ("where nobody says", "the default"),
    ("who gives way", "which one overrides which"),
    ("whoever", "name the role: a user, an author, an administrator"),
];

/// What else people read: of the code, only texts between quotes.
fn texts() -> Vec<(String, String)> {
    let mut texts = Vec::new();
    let mut folders = ["deploy", "examples", "src", "crates"].map(|folder| root().join(folder)).to_vec();
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let kind = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if ["md", "yaml", "json", "rs", "txt", "tpl"].contains(&kind) {
                let text = fs::read_to_string(&path).unwrap();
                let text = if kind == "rs" { shown(&text) } else { text };
                texts.push((path.strip_prefix(root()).unwrap().display().to_string(), text));
            }
        }
    }
    texts
}

/// Strings, and the comments of options and commands, which are their help.
fn shown(code: &str) -> String {
    let is_help = code.contains("clap::");
    let lines = code.lines().filter(|line| {
        let line = line.trim_start();
        if line.starts_with("///") { is_help } else { !line.starts_with("//") && line.contains('"') }
    });
    // A line break in a string would hide the first word behind it.
    lines.collect::<Vec<_>>().join("\n").replace("\\n", " ")
}

#[test]
fn words_that_are_not_those_of_kubernetes_do_not_come_back() {
    let pages = pages().into_iter().map(|page| {
        let text = fs::read_to_string(root().join(&page.name)).unwrap();
        (page.name, text)
    });
    let others = ["SECURITY.md", "CODE_OF_CONDUCT.md", "certs/README.md"];
    let others = others.map(|name| (name.to_owned(), fs::read_to_string(root().join(name)).unwrap()));
    let mut found = Vec::new();
    for (name, text) in pages.chain(others).chain(texts()) {
        // The names of tests are sentences of the code, and so are the columns of pages that show them.
        let told: String = text.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let text = if name.ends_with(".md") { told } else { text };
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.to_lowercase();
            for (phrase, instead) in NOT {
                if is_there(&line, phrase) {
                    found.push(format!("{name}: {phrase:?} (line {number} or so): {instead}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// As a whole word.
fn is_there(line: &str, phrase: &str) -> bool {
    line.match_indices(phrase).any(|(at, _)| {
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !letter(line[..at].chars().next_back()) && !letter(line[at + phrase.len()..].chars().next())
    })
}

#[test]
fn phrases_are_found_as_whole_words() {
    assert!(is_there("restarted anew.", "anew"));
    assert!(!is_there("allowed", "owed") && !is_there("renewal", "anew"));
}
