//! The results in the form that pipelines collect: `JUnit`'s.

use std::fmt::Write as _;

use crate::cli::color::Styles;

use super::tested::Tested;

pub(super) fn report(tested: &[Tested]) -> String {
    let failures = tested.iter().filter(|one| one.is_different()).count();
    let errors = tested.iter().filter(|one| one.result.is_err()).count();
    let count = format!("tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\"", tested.len());
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "<testsuites {count}>\n  <testsuite name=\"multipod\" {count}>");
    for one in tested {
        let (group, name) = one.name.rsplit_once('/').unwrap_or(("cases", &one.name));
        let case = format!("<testcase classname=\"{}\" name=\"{}\"", escaped(group), escaped(name));
        let fault = escaped(&one.fault(Styles::default()));
        let _ = match (&one.result, fault.is_empty()) {
            (Ok(_), true) => writeln!(out, "    {case}/>"),
            (Ok(_), false) => writeln!(
                out,
                "    {case}><failure message=\"the case ended in another way\">{fault}</failure></testcase>"
            ),
            (Err(_), _) => {
                writeln!(
                    out,
                    "    {case}><error message=\"the case cannot be read\">{fault}</error></testcase>"
                )
            }
        };
    }
    out + "  </testsuite>\n</testsuites>\n"
}

/// As text between tags and between quotes; XML has no way to say control characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push(c),
            c => out.push(multipod_values::visible(c)),
        }
    }
    out
}
