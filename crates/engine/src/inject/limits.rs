//! How much of a pod is looked at, and how much is made of it, as people read it.

use crate::annotation::lexer::MOST_WORDS;
use crate::pod::limits::{CHANGES, ENTRIES, LISTS, SLASHES};

use super::conflict::MOST_ANNOTATION_BYTES;
use super::few::MOST_TOLD;

/// What is bounded, and how much of it there may be.
pub fn limits() -> [(&'static str, String); 7] {
    let lists = "items in one list: containers, ports, mounts, volumes, pull secrets, kernel settings";
    let maps = "entries in one map: labels, annotations, labels of nodes";
    let path = format!("{} bytes; {SLASHES} slashes in the path of a mount", number(LISTS.text));
    let value = format!("{} KiB, {} words", MOST_ANNOTATION_BYTES / 1024, number(MOST_WORDS));
    let told = format!("{MOST_TOLD} of each are made, the rest is counted");
    [
        (lists, number(LISTS.in_one)),
        (maps, number(ENTRIES)),
        ("items in all lists of a pod", number(LISTS.in_all)),
        ("one name or path", path),
        ("one annotation of ours", value),
        (
            "mounts and variables that administrators' patterns have for the containers of one pod",
            number(CHANGES),
        ),
        ("warnings and refusals", told),
    ]
}

/// With a comma at each thousand.
fn number(number: usize) -> String {
    match (number / 1000, number % 1000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{thousands},{rest:03}"),
    }
}
