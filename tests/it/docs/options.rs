//! The options of the server: the same on the command line, in the environment, in the file, and on the page.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::page::page;

/// An option as `--help` tells it.
struct Told {
    name: String,
    text: String,
}

impl Told {
    /// What stands behind `word` in square brackets.
    fn bracket(&self, word: &str) -> Option<&str> {
        self.text.split_once(&format!("[{word}: "))?.1.split(']').next()
    }

    fn in_file(&self) -> String {
        let words = self.name.split('-').enumerate().map(|(at, word)| match word.split_at(1) {
            (first, rest) if at > 0 => first.to_uppercase() + rest,
            _ => word.to_owned(),
        });
        words.collect()
    }
}

#[test]
fn every_command_has_a_row() {
    let help = String::from_utf8(multipod().arg("--help").output().unwrap().stdout).unwrap();
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let page = page("docs/reference/commands.md");
    let names = commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    for name in names.filter(|name| !name.is_empty() && *name != "help") {
        let rows = page
            .rows()
            .any(|row| row.first.iter().any(|span| *span == name || span.split(' ').nth(1) == Some(name)));
        assert!(rows, "{name}");
    }
}

/// All of them, but for those that every command has.
fn told() -> Vec<Told> {
    let output = multipod().args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let options = help.split("\nOPTIONS\n").next().unwrap();
    let told = options.split("\n      --").skip(1).map(|block| {
        let name = block.split([' ', '[', '\n']).next().unwrap().to_owned();
        Told { name, text: block.split_whitespace().collect::<Vec<_>>().join(" ") }
    });
    told.filter(|told| told.name != "color").collect()
}

fn multipod() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_multipod"));
    command.env_clear();
    command
}

#[test]
fn every_option_of_the_server_has_a_row_with_its_default() {
    let page = page("docs/reference/serve.md");
    let told = told();
    assert!(told.len() > 15, "{}", told.len());
    for option in &told {
        let name = format!("--{}", option.name);
        let row = page.row(&name).unwrap_or_else(|| panic!("{name} has no row"));
        if let Some(default) = option.bracket("default") {
            let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
            assert_eq!(cell.replace('`', ""), default, "{name}");
        }
    }
    let rows = page.rows().flat_map(|row| row.first).filter_map(|span| span.strip_prefix("--"));
    let rows: BTreeSet<&str> = rows.collect();
    assert_eq!(rows, told.iter().map(|option| &*option.name).collect());
}

#[test]
fn every_option_has_the_variable_and_the_field_that_its_name_says() {
    let told = told();
    for option in &told {
        let variable = format!("MULTIPOD_{}=", option.name.replace('-', "_").to_uppercase());
        assert_eq!(option.bracket("env"), Some(&*variable));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    fs::write(&file, "serve: {zzz: 1}\n").unwrap();
    let output = multipod().arg("serve").arg("--config").arg(&file).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    let fields: BTreeSet<String> = super::expected(error.trim()).into_iter().collect();
    // The file does not name itself.
    let others = told.iter().filter(|option| option.name != "config");
    assert_eq!(fields, others.map(Told::in_file).collect());
}
