//! Runs what a `console` block shows: `$ command`, then `? CODE` where it is not 0, then what is printed on standard
//! output and on standard error, where `...` stands for any lines.

use std::path::Path;
use std::process::{Command, Stdio};

use super::page::{Block, root};

/// Nothing where every command of the block does as it says.
pub(crate) fn problem(block: &Block) -> Option<String> {
    let mut problems = Vec::new();
    for session in format!("\n{}", block.text).split("\n$ ").skip(1) {
        let (command, shown) = session.split_once('\n').unwrap_or((session, ""));
        let (code, expected) = match shown.strip_prefix("? ") {
            Some(rest) => rest.split_once('\n').unwrap_or((rest, "")),
            None => ("0", shown),
        };
        let ran = run(command);
        let lines = |text: &'_ str| text.trim_end().lines().map(str::to_owned).collect::<Vec<_>>();
        if ran.0.to_string() != code || !fits(&lines(expected), &lines(&ran.1)) {
            problems.push(format!(
                "{}: $ {command}\n? {code}\n{expected}\n--- but it was\n? {}\n{}",
                block.place, ran.0, ran.1
            ));
        }
    }
    (!problems.is_empty()).then(|| problems.join("\n"))
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

fn fits(expected: &[String], actual: &[String]) -> bool {
    let Some((line, rest)) = expected.split_first() else { return actual.is_empty() };
    if line == "..." {
        return (0..=actual.len()).any(|skipped| fits(rest, &actual[skipped..]));
    }
    actual.split_first().is_some_and(|(first, more)| first == line && fits(rest, more))
}

#[test]
fn dots_stand_for_any_lines_and_nothing_else_does() {
    let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    for (expected, fitting) in
        [("a b", true), ("... b", true), ("a b ...", true), ("a ... b", true), ("a", false), ("... a", false)]
    {
        assert_eq!(fits(&lines(expected), &lines("a b")), fitting, "{expected}");
    }
}

#[test]
fn a_block_that_is_wrong_is_told() {
    let block = |text: &str| Block { place: "here".to_owned(), text: text.to_owned() };
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
