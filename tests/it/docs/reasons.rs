//! The page of reasons, which is written by people: nothing is missing there, and nothing is there that is no more.

use std::collections::BTreeSet;
use std::fs;

use multipod_engine::inject::{DenyReason, SkipReason};

use super::page::root;

/// Each has a heading of its own, so that a link leads to it, and says what causes it and what to do.
#[test]
fn every_reason_has_a_heading_with_its_cause_and_its_cure() {
    let text = fs::read_to_string(root().join("docs/reference/reasons.md")).unwrap();
    let (rejected, left) = text.split_once("## Left unchanged").expect("two parts");
    let [rejected, left] = [rejected, left].map(entries);
    let deny: BTreeSet<&str> = DenyReason::ALL.iter().map(|reason| reason.slug()).collect();
    let skip: BTreeSet<&str> = SkipReason::ALL.iter().map(|reason| reason.slug()).collect();
    let told =
        [&rejected, &left].map(|entries| entries.iter().map(|(slug, _)| *slug).collect::<BTreeSet<_>>());
    assert_eq!(told[0], deny);
    assert_eq!(told[1], &skip - &deny, "a reason of both kinds has one heading, among those that reject");
    for (slug, entry) in rejected.iter().chain(&left) {
        let says = |what: &str| entry.split_once(what).is_some_and(|(_, rest)| rest.trim().len() > 15);
        assert!(says("**Cause:** ") && says("**Cure:** "), "{slug}");
        let both = deny.contains(slug) && skip.contains(slug);
        assert_eq!(says("**Left unchanged:** "), both, "{slug}");
    }
}

fn entries(part: &str) -> Vec<(&str, &str)> {
    part.split("### `").skip(1).map(|entry| entry.split_once("`\n").unwrap()).collect()
}
