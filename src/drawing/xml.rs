//! Text as XML and HTML take it, whatever it holds: names come from manifests of strangers.

/// Text that is neither markup nor ends an attribute, and holds only what XML allows.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().map(multipod_values::visible) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // The two that are no characters of XML and no control characters either.
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_a_text() {
        assert_eq!(
            escaped("</title><script a='b' c=\"d\">&\u{1b}[1m\u{FFFE}\u{202E}日"),
            "&lt;/title&gt;&lt;script a=&#39;b&#39; c=&quot;d&quot;&gt;&amp;\u{FFFD}[1m\u{FFFD}\u{FFFD}日"
        );
    }
}
