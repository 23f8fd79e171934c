//! The pictures of the docs are drawn by the program from examples: `make bless` draws them again.

use std::fs;

use super::page::{docs, root};
use crate::support::run::multipod;

/// The picture, and the example that it is drawn from.
const PICTURES: [(&str, &str); 5] = [
    ("ambassador", "examples/fruit/deployment.yaml"),
    ("init", "examples/init/shop.yaml"),
    ("logging", "examples/logging/shipped.yaml"),
    ("metrics", "examples/metrics/nginx.yaml"),
    ("sync", "examples/sync/site.yaml"),
];

#[test]
fn every_picture_shows_what_the_program_draws() {
    let folder = root().join("docs/pictures");
    let bless = std::env::var_os("MULTIPOD_BLESS").is_some();
    for (name, example) in PICTURES {
        let drawn = multipod(&["draw", "-o", "svg", "-f", root().join(example).to_str().unwrap()], "");
        assert_eq!(drawn.code, 0, "{}", drawn.err);
        let path = folder.join(format!("{name}.svg"));
        if bless {
            fs::write(path, drawn.out).unwrap();
        } else {
            let there = fs::read_to_string(path).unwrap_or_default();
            assert!(there == drawn.out, "docs/pictures/{name}.svg is not what is drawn of {example}: make bless draws it anew");
        }
    }
    let mut there: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    there.sort();
    assert_eq!(there, PICTURES.map(|(name, _)| format!("{name}.svg")), "a picture that nothing draws");
}

#[test]
fn every_picture_is_on_a_page_with_words_in_its_place() {
    let names = docs().into_iter().chain(["README.md".to_owned()]);
    let pages: Vec<String> = names.map(|name| fs::read_to_string(root().join(name)).unwrap()).collect();
    for (name, _) in PICTURES {
        let shown = |page: &&String| {
            let mut lines = page.lines().filter(|line| line.contains(&format!("pictures/{name}.svg)")));
            lines.any(|line| line.starts_with("![") && !line.starts_with("![]"))
        };
        assert!(pages.iter().any(|page| shown(&page)), "docs/pictures/{name}.svg is on no page, or without words");
    }
}
