//! The tables of options in docs/annotations.md, made from the rows that the parsers read.

use multipod::annotation::option::{Absent, Row};
use multipod::pattern::topic::Topic;
use multipod::pattern::topics;

use super::page::root;

const PAGE: &str = "docs/annotations.md";

/// What stands between two comments of the page is exactly what the rows say; MULTIPOD_BLESS writes it anew.
#[test]
fn tables_of_options_are_made_from_their_rows() {
    let path = root().join(PAGE);
    let text = std::fs::read_to_string(&path).unwrap();
    let made = topics().flat_map(tables).fold(text.clone(), |text, (name, table)| {
        let start = format!("<!-- {name}: `make bless` writes this table -->\n");
        let (before, rest) = text.split_once(&start).unwrap_or_else(|| panic!("{PAGE} has no line {start}"));
        let (_, after) = rest.split_once("<!-- end -->\n").unwrap_or_else(|| panic!("{start} has no end"));
        format!("{before}{start}{table}<!-- end -->\n{after}")
    });
    if std::env::var_os("MULTIPOD_BLESS").is_some() {
        std::fs::write(path, made).unwrap();
    } else {
        assert!(made == text, "the tables of {PAGE} are not what the rows say: make bless");
    }
}

/// The tables of one topic, with their names.
fn tables(topic: &Topic) -> Vec<(String, String)> {
    let mut tables = Vec::new();
    if !topic.options.is_empty() {
        let several = topics().filter(|other| other.key == topic.key).count() > 1;
        let of = if several { format!(" of `{}`", topic.name) } else { String::new() };
        let rows: String = topic.options.iter().map(row).collect();
        tables.push((
            format!("options of {}", topic.name),
            format!("| option{of} | meaning | default |\n|---|---|---|\n{rows}"),
        ));
    }
    let (common, own): (Vec<&Row>, Vec<&Row>) =
        topic.settings.iter().partition(|row| multipod::annotation::settings::OF_SIDECARS.contains(row));
    if !own.is_empty() {
        let own: String = own.into_iter().map(row).collect();
        let common: Vec<String> = common.iter().map(|row| format!("`{}=`", row.name)).collect();
        let links =
            "[as everywhere](#settings-that-every-sidecar-takes) | [here](#containers-images-and-resources)";
        tables.push((
            format!("settings of {}", topic.name),
            format!(
                "| setting | meaning | default |\n|---|---|---|\n{own}| {} | {links} |\n",
                common.join(" ")
            ),
        ));
    }
    tables
}

fn row(row: &Row) -> String {
    let mut words = row.values.split('|');
    let first = format!("`{}={}`", row.name, words.next().unwrap());
    let mut others: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    let last = others.pop().map(|last| format!(" or {last}")).unwrap_or_default();
    let values = std::iter::once(first).chain(others).collect::<Vec<_>>().join(", ") + &last;
    let default = match row.default.text() {
        Some(text) if text.contains(' ') => with_code(&text),
        Some(text) => format!("`{text}`"),
        None if row.default == Absent::Required => "required".to_owned(),
        None => "none".to_owned(),
    };
    format!("| {values} | {} | {default} |\n", with_code(row.meaning))
}

/// Options and addresses in a sentence are code.
fn with_code(text: &str) -> String {
    let word = |word: &str| {
        let code = word.trim_end_matches([',', ';']);
        let is_code = code.ends_with('=') || code.contains("://") || code.starts_with('@');
        if is_code { format!("`{code}`{}", &word[code.len()..]) } else { word.to_owned() }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
