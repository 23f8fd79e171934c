//! The nearest known word to one that is not known.

/// Longest word worth a suggestion; it also bounds the work that a hostile word can cause.
const LONGEST: usize = 64;

/// The known word that somebody most likely meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meant<'c> {
    /// The known word.
    pub word: &'c str,
    /// Whether no other one could have been meant: it is a slip away, and all others are far.
    pub is_certain: bool,
}

/// The candidate nearest to `word`, if one is near enough to be what was meant, and whether that is certain.
pub fn meant<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<Meant<'c>> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let found = nearest(word, candidates.iter().copied())?;
    let lower = word.to_ascii_lowercase();
    let far = |candidate: &str| distance(&lower, &candidate.to_ascii_lowercase());
    let slips = far(found);
    let most = if found.len() < 6 { 1 } else { 2 };
    // A word of two letters is a slip away from too much.
    let is_near = slips == 0 || (slips <= most && word.len() > 2);
    let mut others =
        candidates.into_iter().filter(|candidate| *candidate != found && candidate.len() <= LONGEST);
    Some(Meant { word: found, is_certain: is_near && others.all(|other| far(other) > slips + 1) })
}

/// The candidate nearest to `word`, if one is near enough to be what was meant.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_ascii_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (distance(&word, &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `, did you mean NAME?`, or nothing.
pub fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    hint(meant(word, candidates))
}

/// The same of what was found already.
pub fn hint(meant: Option<Meant<'_>>) -> String {
    meant.map(|meant| format!(", did you mean {}?", meant.word)).unwrap_or_default()
}

/// How many letters must be inserted, removed, changed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let change = last[j] + usize::from(from != to);
            let mut best = change.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *from == b[j - 1] && a[i - 1] == *to {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_only_when_it_is_near() {
        let options = ["mode", "timeout", "connect-timeout", "maxconn"];
        for (word, expected) in [
            ("mdoe", Some("mode")),
            ("time-out", Some("timeout")),
            ("TIMEOUT", Some("timeout")),
            ("max-conn", Some("maxconn")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, options), expected, "{word}");
        }
    }

    #[test]
    fn a_word_is_certain_where_it_is_a_slip_and_no_other_is_near() {
        let options = ["mode", "timeout", "connect-timeout", "maxconn", "port", "path"];
        for (word, expected, is_certain) in [
            ("mdoe", "mode", true),
            ("Mode", "mode", true),
            ("time-out", "timeout", true),
            ("tmetu", "timeout", false),
            ("prot", "port", true),
            ("pathh", "path", true),
            ("pot", "port", false),
            ("paht", "path", false),
            ("pa", "path", false),
            ("pote", "mode", false),
        ] {
            assert_eq!(meant(word, options), Some(Meant { word: expected, is_certain }), "{word}");
        }
        assert_eq!(meant("banana", options), None);
    }

    #[test]
    fn a_huge_word_costs_nothing() {
        assert_eq!(nearest(&"x".repeat(1 << 20), ["mode"]), None);
    }
}
