//! JSON documents one after the other, as `jq '.items[]'` prints them.

use serde::de::IgnoredAny;

/// Where each of several JSON documents begins; each goes on to the next. Nothing for a text that is not made of them:
/// kubectl tries JSON first where a text begins with a brace, and YAML where that is not all.
pub(super) fn starts(text: &str) -> Option<Vec<usize>> {
    if !text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
        return None;
    }
    let mut starts = Vec::new();
    let mut next = 0;
    let from = text.len() - text.trim_start_matches('\u{feff}').len();
    let rest = text.get(from..)?;
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
    while let Some(value) = values.next() {
        value.ok()?;
        starts.push(next);
        let end = from + values.byte_offset();
        let gap = text
            .get(end..)
            .map_or("", |rest| rest.get(..rest.len() - rest.trim_start().len()).unwrap_or_default());
        // The rest of its last line belongs to a document.
        next = end + gap.find('\n').map_or(0, |line_end| line_end + 1);
    }
    Some(starts)
}
