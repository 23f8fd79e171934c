//! The page of reasons, which is written by people: nothing is missing there, and nothing is there that is no more.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use multipod::inject::{DenyReason, SkipReason};

use super::page::root;

#[test]
fn every_reason_is_explained_in_the_docs() {
    let text = fs::read_to_string(root().join("docs/reference/reasons.md")).unwrap();
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
