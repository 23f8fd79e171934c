//! Runs what a `console` block shows: `$ command`, then `? CODE` where it is not 0, then what is printed on standard
//! output and on standard error, where `...` stands for any lines.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use super::page::{Block, pages, rewrite, root};

/// One command and what it does: its exit code, and what it prints.
struct Session<'b> {
    command: &'b str,
    code: &'b str,
    shown: &'b str,
}

fn sessions(text: &str) -> Vec<Session<'_>> {
    let commands = text.strip_prefix("$ ").into_iter().flat_map(|text| text.split("\n$ "));
    let session = |text| {
        let (command, shown) = split(text);
        let (code, shown) = shown.strip_prefix("? ").map_or(("0", shown), split);
        Session { command, code, shown }
    };
    commands.map(session).collect()
}

fn split(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_end().lines().collect()
}

/// Nothing where every command of the block does as it says.
pub(crate) fn problem(block: &Block) -> Option<String> {
    let mut problems = Vec::new();
    for Session { command, code, shown } in sessions(&block.text) {
        let ran = run(command);
        if ran.0.to_string() != code || !fits(&lines(shown), &lines(&ran.1)) {
            problems.push(format!(
                "{}: $ {command}\n? {code}\n{shown}\n--- but it was\n? {}\n{}",
                block.place, ran.0, ran.1
            ));
        }
    }
    (!problems.is_empty()).then(|| problems.join("\n"))
}

/// Writes anew what a command prints, from the first line on that is shown: where lines are left out further below, only
/// people know what they want to show.
pub(crate) fn bless(block: &Block) {
    for Session { command, shown, .. } in sessions(&block.text) {
        let ran = run(command).1;
        let shown = shown.trim_end();
        let begin = shown.strip_prefix("...\n").unwrap_or(shown);
        let first = split(begin).0;
        let known =
            lines(&ran).iter().position(|line| *line == first).filter(|_| !lines(begin).contains(&"..."));
        if let Some(known) = known {
            let page = block.place.split(':').next().unwrap();
            let printed = lines(&ran)[known..].join("\n");
            let there = |lines: &str| lines.replace('\n', &format!("\n{}", block.indent));
            rewrite(page, |text| text.replacen(&there(begin), &there(&printed), 1));
        }
    }
}

/// In the root of the repository, without a terminal and without settings of whoever runs the tests.
fn run(command: &str) -> (i32, String) {
    let folder = Path::new(env!("CARGO_BIN_EXE_multipod")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(root())
        .env_clear()
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8(text).unwrap())
}

/// Commands that are shown without what they print are run as well, and end with 0. Whatever cannot be run here says why, behind
/// the language: it needs a `cluster`, takes long to `build`, or names files of `yours`.
#[test]
fn commands_that_are_shown_are_run_or_say_why_not() {
    let mut ways = BTreeSet::new();
    for page in pages() {
        for (language, place) in page.languages() {
            let known =
                ["console", "sh", "sh build", "sh cluster", "sh yours", "text", "yaml"].contains(&language);
            assert!(known, "{place}: a block of {language:?}");
            ways.insert(language.to_owned());
        }
        for block in page.blocks("sh") {
            let (code, told) = run(&block.text);
            assert_eq!(code, 0, "{}: {told}", block.place);
        }
    }
    assert!(ways.contains("sh cluster"), "{ways:?}");
}

/// Also where nobody runs them, commands of multipod have the options that are shown.
#[test]
fn options_that_are_shown_are_there() {
    let mut seen = 0;
    for page in pages() {
        let blocks =
            ["sh", "sh build", "sh cluster", "sh yours", "console"].map(|language| page.blocks(language));
        for block in blocks.into_iter().flatten() {
            let joined = block.text.replace("\\\n", " ");
            for command in joined.split(['\n', '|', ';', '&']).filter_map(|part| part.split_once("multipod "))
            {
                let (before, rest) = command;
                if !before.trim_start_matches("$ ").trim().is_empty() {
                    continue;
                }
                let mut words = rest.split_whitespace();
                let name = words.next().unwrap();
                let help = run(&format!("multipod {name} --help"));
                assert_eq!(help.0, 0, "{}: multipod {name}: {}", block.place, help.1);
                for option in words.filter(|word| word.starts_with("--") && word.len() > 2) {
                    let option = option.split('=').next().unwrap();
                    let there =
                        help.1.split(|c: char| c.is_whitespace() || c == ',').any(|word| word == option);
                    assert!(there, "{}: multipod {name} has no {option}", block.place);
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

fn fits(expected: &[&str], actual: &[&str]) -> bool {
    let Some((line, rest)) = expected.split_first() else { return actual.is_empty() };
    if *line == "..." {
        return (0..=actual.len()).any(|skipped| fits(rest, &actual[skipped..]));
    }
    actual.split_first().is_some_and(|(first, more)| first == line && fits(rest, more))
}

#[test]
fn dots_stand_for_any_lines_and_nothing_else_does() {
    let words = |text: &'static str| text.split(' ').collect::<Vec<_>>();
    for (expected, fitting) in
        [("a b", true), ("... b", true), ("a b ...", true), ("a ... b", true), ("a", false), ("... a", false)]
    {
        assert_eq!(fits(&words(expected), &words("a b")), fitting, "{expected}");
    }
}

#[test]
fn a_block_that_is_wrong_is_told() {
    let block = |text: &str| Block { place: "here".to_owned(), indent: String::new(), text: text.to_owned() };
    for (text, wrong) in [
        ("$ echo a\na\n$ multipod none\n? 2\n...\n", false),
        ("$ echo a\nb\n", true),
        ("$ echo a\n", true),
        ("$ true\n$ false\n", true),
        ("$ true\n? 1\n", true),
    ] {
        assert_eq!(problem(&block(text)).is_some(), wrong, "{text}");
    }
}
