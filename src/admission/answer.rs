//! The answer to a review, written straight into its bytes.

use base64_simd::STANDARD;

use multipod_engine::inject::Refusal;
use multipod_values::visible;

/// In characters, as the API server counts; beyond the total it cuts every warning itself.
const LONGEST_WARNING: usize = 256;
const ALL_WARNINGS: usize = 4096;
/// A refusal of this many bytes is more than anybody reads.
const LONGEST_MESSAGE: usize = 16 * 1024;

#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict<'v> {
    /// The object stays as it is.
    Allow,
    /// It gets this patch, which is not empty.
    Patch(&'v str),
    /// It is refused for these reasons.
    Deny(&'v [Refusal]),
}

/// Writes the answer to the review with this uid.
pub(super) fn write(uid: &str, verdict: Verdict<'_>, warnings: &[String]) -> Vec<u8> {
    let patch = if let Verdict::Patch(patch) = verdict { patch.len() } else { 0 };
    let mut out =
        Vec::with_capacity(256 + patch.div_ceil(3) * 4 + warnings.iter().map(String::len).sum::<usize>());
    out.extend_from_slice(
        br#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"#,
    );
    push_text(&mut out, uid);
    match verdict {
        Verdict::Allow => out.extend_from_slice(br#","allowed":true"#),
        Verdict::Patch(patch) => {
            out.extend_from_slice(br#","allowed":true,"patchType":"JSONPatch","patch":""#);
            // Within the capacity: a patch is the largest part of most answers.
            STANDARD.encode_append(patch.as_bytes(), &mut out);
            out.push(b'"');
        }
        Verdict::Deny(refusals) => {
            // 400 is what the API server itself takes for a webhook that names no code. 403 would read as missing
            // rights, and controllers treat neither of them as a reason to give up.
            out.extend_from_slice(
                br#","allowed":false,"status":{"status":"Failure","code":400,"reason":"BadRequest","message":"#,
            );
            push_text(&mut out, &message(refusals));
            out.push(b'}');
        }
    }
    let warnings = tidy(warnings);
    if !warnings.is_empty() {
        out.extend_from_slice(br#","warnings":["#);
        for (index, warning) in warnings.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            push_text(&mut out, warning);
        }
        out.push(b']');
    }
    out.extend_from_slice(b"}}");
    out
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    // Writing text to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// All refusals with a line between them; the API server hands the lines on as they are.
fn message(refusals: &[Refusal]) -> String {
    let mut message = String::new();
    for refusal in refusals {
        if message.len() + refusal.message.len() > LONGEST_MESSAGE && !message.is_empty() {
            message.push_str("\n\n… and more");
            break;
        }
        if !message.is_empty() {
            message.push_str("\n\n");
        }
        message.extend(refusal.message.chars().map(|c| if c == '\n' { c } else { visible(c) }));
    }
    let longest = message.floor_char_boundary(LONGEST_MESSAGE);
    message.truncate(longest);
    message
}

/// Warnings travel in HTTP headers: one line each, within the API server's limits.
fn tidy(warnings: &[String]) -> Vec<String> {
    let mut tidied = Vec::new();
    let mut left = ALL_WARNINGS;
    for warning in warnings {
        let warning = one_line(warning);
        let length = warning.chars().count();
        if length > left {
            break;
        }
        left -= length;
        if length > 0 {
            tidied.push(warning);
        }
    }
    tidied
}

fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if let Some((cut, _)) = line.char_indices().nth(LONGEST_WARNING) {
        let last = line[..cut].char_indices().next_back().map_or(0, |(at, _)| at);
        line.truncate(last);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use multipod_engine::inject::DenyReason;

    use super::*;
    use serde_json::Value;

    fn read(text: &[u8]) -> Value {
        serde_json::from_slice(text).unwrap()
    }

    #[test]
    fn a_patch_and_its_type_come_together_or_not_at_all() {
        let plain = read(&write("a\"b", Verdict::Allow, &[]));
        assert_eq!(
            plain,
            serde_json::json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
                "response": {"uid": "a\"b", "allowed": true}})
        );
        for patch in ["[]", "[1]", "[12]", "[123]"] {
            let answer = read(&write("u", Verdict::Patch(patch), &[]));
            assert_eq!(answer["response"]["patchType"], "JSONPatch");
            let sent = STANDARD.decode_to_vec(answer["response"]["patch"].as_str().unwrap()).unwrap();
            assert_eq!(sent, patch.as_bytes());
        }
    }

    #[test]
    fn a_refusal_has_a_code_and_all_its_lines() {
        let refusals = [
            Refusal::new(DenyReason::BadValue, "one\n  ^^ here\u{1b}[31m"),
            Refusal::new(DenyReason::UnknownKey, "two"),
        ];
        let status = read(&write("u", Verdict::Deny(&refusals), &[]))["response"]["status"].clone();
        assert_eq!(status["message"], "one\n  ^^ here\u{FFFD}[31m\n\ntwo");
        assert_eq!(status["code"], 400);
    }

    #[test]
    fn a_flood_of_refusals_is_cut() {
        let refusals: Vec<_> =
            (0..900).map(|_| Refusal::new(DenyReason::BadValue, "ä".repeat(100))).collect();
        let text = message(&refusals);
        assert!(text.len() <= LONGEST_MESSAGE && text.contains("ä"), "{}", text.len());
        let one = [Refusal::new(DenyReason::BadValue, "ä".repeat(LONGEST_MESSAGE))];
        assert!(message(&one).len() <= LONGEST_MESSAGE);
    }

    proptest::proptest! {
        // Most of the time goes into making so much text.
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]

        #[test]
        fn warnings_stay_within_the_limits(warnings in proptest::collection::vec("(?s).{0,400}", 0..40)) {
            let tidied = tidy(&warnings);
            proptest::prop_assert!(tidied.iter().all(|w| w.chars().count() <= LONGEST_WARNING));
            proptest::prop_assert!(tidied.iter().map(|w| w.chars().count()).sum::<usize>() <= ALL_WARNINGS);
            proptest::prop_assert!(tidied.iter().all(|w| !w.is_empty() && !w.contains(char::is_control)));
        }
    }
}
