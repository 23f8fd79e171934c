//! Cuts an annotation value into items and words, each with its place in the value.
//!
//! ```text
//! value = item *( ("," / newline) item )          empty items are ignored
//! item  = word *( space word )
//! word  = bare / quoted / key "=" (bare / quoted)  quoted: "…" with \" and \\
//! bare  = any characters but space, comma, newline, double quote, and what looks like one of them or like nothing
//! ```
//!
//! One pass, no backtracking: time and memory are linear in the value.

use std::borrow::Cow;

use multipod_values::Odd;

use super::diagnostic::Problem;
use super::span::Span;

/// Far beyond what anybody writes; it bounds what a hostile value can cost.
pub(crate) const MOST_WORDS: usize = 2048;

/// One word: positional (`80:8775`) or an option (`mode=http`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// The name before `=`, for an option.
    pub key: Option<Cow<'a, str>>,
    /// The text, without quotes and escapes; for an option what stands behind `=`.
    pub text: Cow<'a, str>,
    /// Where the text stands (with its quotes).
    pub span: Span,
    /// Where the whole word stands, with its key.
    pub whole: Span,
}

impl Word<'_> {
    /// The name before `=`, for an option.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn into_owned(self) -> Word<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Word { key: self.key.map(owned), text: owned(self.text), span: self.span, whole: self.whole }
    }
}

/// The words between two commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// At least one word.
    pub words: Vec<Word<'a>>,
}

impl<'a> Item<'a> {
    /// The words without a key.
    pub(crate) fn positional(&self) -> impl Iterator<Item = &Word<'a>> {
        self.words.iter().filter(|word| word.key.is_none())
    }

    /// Whether this is a setting of the whole pattern: nothing but `key=value`.
    pub(crate) fn is_setting(&self) -> bool {
        self.words.iter().all(|word| word.key.is_some())
    }

    /// The same words, whatever becomes of the value that they were read from.
    pub(crate) fn into_owned(self) -> Item<'static> {
        Item { words: self.words.into_iter().map(Word::into_owned).collect() }
    }

    /// From the first word to the last.
    pub(crate) fn span(&self) -> Span {
        match (self.words.first(), self.words.last()) {
            (Some(first), Some(last)) => Span { start: first.whole.start, end: last.whole.end },
            _ => Span { start: 0, end: 0 },
        }
    }
}

/// Cuts `value` into its items.
pub fn lex(value: &str) -> Result<Vec<Item<'_>>, Problem> {
    let mut lexer = Lexer { value, at: 0 };
    let mut count = 0;
    let mut items = Vec::new();
    let mut words = Vec::new();
    loop {
        match lexer.peek() {
            None => break,
            Some(b' ' | b'\t' | b'\r') => lexer.at += 1,
            Some(b',' | b'\n') => {
                lexer.at += 1;
                if !words.is_empty() {
                    items.push(Item { words: std::mem::take(&mut words) });
                }
            }
            Some(_) => {
                if words.is_empty() {
                    words.reserve_exact(2);
                }
                words.push(lexer.word()?);
                count += 1;
                if let Some(word) = words.last().filter(|_| count > MOST_WORDS) {
                    return Err(Problem::new(word.whole, format!("expected at most {MOST_WORDS} words")));
                }
            }
        }
    }
    if !words.is_empty() {
        items.push(Item { words });
    }
    Ok(items)
}

struct Lexer<'a> {
    value: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn peek(&self) -> Option<u8> {
        self.value.as_bytes().get(self.at).copied()
    }

    fn word(&mut self) -> Result<Word<'a>, Problem> {
        let start = self.at;
        let key = self.key();
        let text_start = self.at;
        let text = if self.peek() == Some(b'"') { self.quoted()? } else { Cow::Borrowed(self.bare()?) };
        let span = Span { start: text_start, end: self.at };
        let whole = Span { start, end: self.at };
        if let Some(key) = key
            && span.start == span.end
        {
            return Err(Problem::new(whole, format!("nothing stands behind {key}=")));
        }
        Ok(Word { key: key.map(Cow::Borrowed), text, span, whole })
    }

    /// A name followed by `=`: consumed with it, or left alone. Names are short words, so a URL with `=` in it is none.
    fn key(&mut self) -> Option<&'a str> {
        let rest = &self.value.as_bytes()[self.at..];
        if !rest.first()?.is_ascii_alphabetic() {
            return None;
        }
        let length = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')))?;
        if rest[length] != b'=' {
            return None;
        }
        let key = &self.value[self.at..self.at + length];
        self.at += length + 1;
        Some(key)
    }

    fn bare(&mut self) -> Result<&'a str, Problem> {
        let start = self.at;
        for (offset, c) in self.value[start..].char_indices() {
            match c {
                ' ' | '\t' | '\r' | ',' | '\n' => {
                    self.at = start + offset;
                    return Ok(&self.value[start..self.at]);
                }
                '"' => {
                    let at = start + offset;
                    return Err(Problem::new(
                        Span { start: at, end: at + 1 },
                        "a quote can only open a word, or follow its =",
                    ));
                }
                c if c.is_control() => return Err(control_character(c, start + offset)),
                c if !c.is_ascii() => {
                    if let Some(odd) = Odd::of(c) {
                        let at = start + offset;
                        let span = Span { start: at, end: at + c.len_utf8() };
                        // Quotes of either kind are written for the only ones that values have.
                        let cure =
                            if matches!(odd, Odd::Quote(..)) { "write \"".to_owned() } else { odd.cure() };
                        return Err(Problem::new(span, cure).summary(odd.to_string()));
                    }
                }
                _ => {}
            }
        }
        self.at = self.value.len();
        Ok(&self.value[start..])
    }

    fn quoted(&mut self) -> Result<Cow<'a, str>, Problem> {
        let open = self.at;
        let inside = open + 1;
        let mut text = Cow::Borrowed("");
        let mut copied = inside;
        let mut escaped = false;
        for (offset, c) in self.value[inside..].char_indices() {
            let at = inside + offset;
            match (escaped, c) {
                (true, '"' | '\\') => escaped = false,
                (true, _) => {
                    return Err(Problem::new(
                        Span { start: at - 1, end: at + c.len_utf8() },
                        "only \\\" and \\\\ are escapes",
                    ));
                }
                (false, '\\') => {
                    text += &self.value[copied..at];
                    copied = at + 1;
                    escaped = true;
                }
                (false, '"') => {
                    text += &self.value[copied..at];
                    self.at = at + 1;
                    return self.after_quote(text);
                }
                (false, '\n') => break,
                (false, c) if c.is_control() => return Err(control_character(c, at)),
                _ => {}
            }
        }
        Err(Problem::new(Span { start: open, end: open + 1 }, "this quote is not closed on its line"))
    }

    fn after_quote(&self, text: Cow<'a, str>) -> Result<Cow<'a, str>, Problem> {
        match self.peek() {
            None | Some(b' ' | b'\t' | b'\r' | b',' | b'\n') => Ok(text),
            Some(_) => {
                let width = self.value[self.at..].chars().next().map_or(1, char::len_utf8);
                Err(Problem::new(
                    Span { start: self.at, end: self.at + width },
                    "expected a space or a comma behind the closing quote",
                ))
            }
        }
    }
}

fn control_character(c: char, at: usize) -> Problem {
    Problem::new(
        Span { start: at, end: at + c.len_utf8() },
        format!("the control character U+{:04X} is not allowed", u32::from(c)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(value: &str) -> Vec<Vec<(Option<String>, String)>> {
        lex(value)
            .unwrap()
            .into_iter()
            .map(|item| {
                let words = item.words.into_iter();
                words.map(|w| (w.key.map(Cow::into_owned), w.text.into_owned())).collect()
            })
            .collect()
    }

    #[test]
    fn a_letter_of_several_bytes_behind_a_quote_is_marked_whole() {
        let problem = lex("a=\"b\"é").unwrap_err();
        assert_eq!(problem.span, Span { start: 5, end: 7 });
    }

    #[test]
    fn the_words_of_a_value_are_bounded() {
        assert_eq!(lex(&"a b,".repeat(MOST_WORDS / 2)).unwrap().len(), MOST_WORDS / 2);
        let problem = lex(&"a b,".repeat(MOST_WORDS)).unwrap_err();
        assert!(problem.label.contains("at most 2048 words"), "{}", problem.label);
    }

    fn bare(text: &str) -> (Option<String>, String) {
        (None, text.to_owned())
    }

    #[test]
    fn items_end_at_commas_and_newlines_and_empty_ones_are_ignored() {
        assert_eq!(
            words(" ,80:8775 mode=http,\n\n6379:cache\t\r\n,"),
            [vec![bare("80:8775"), (Some("mode".into()), "http".into())], vec![bare("6379:cache")]]
        );
        assert!(words(" , \n").is_empty());
    }

    #[test]
    fn quotes_hold_spaces_commas_and_two_escapes() {
        assert_eq!(
            words(r#""a, b" k="x \"y\" \\""#),
            [vec![bare("a, b"), (Some("k".into()), r#"x "y" \"#.into())]]
        );
    }

    #[test]
    fn an_equals_sign_inside_a_url_makes_no_option() {
        assert_eq!(
            words("https://git/x?a=b ref=main"),
            [vec![bare("https://git/x?a=b"), (Some("ref".into()), "main".into())]]
        );
    }

    #[test]
    fn spans_point_at_the_text_and_the_whole_word() {
        let items = lex("80:1 mode=\"x\"").unwrap();
        let word = &items[0].words[1];
        assert_eq!((word.span.start, word.span.end), (10, 13));
        assert_eq!((word.whole.start, word.whole.end), (5, 13));
    }

    #[test]
    fn faults_are_named_where_they_are() {
        for (value, start, label) in [
            ("a \"b", 2, "not closed"),
            ("a\"b", 1, "can only open"),
            ("\"a\"b", 3, "behind the closing quote"),
            ("mode=", 0, "nothing stands behind mode="),
            ("mode= x", 0, "nothing stands behind mode="),
            ("\"a\\n\"", 2, "escapes"),
            ("a\u{7}", 1, "U+0007"),
            ("\"a\u{0}\"", 2, "U+0000"),
            ("\"a\nb\"", 0, "not closed"),
        ] {
            let problem = lex(value).unwrap_err();
            assert_eq!(problem.span.start, start, "{value:?}");
            assert!(problem.label.contains(label), "{value:?}: {}", problem.label);
        }
    }

    #[test]
    fn what_looks_like_a_quote_or_a_space_is_named_unless_it_stands_between_quotes() {
        for (value, start, summary, cure) in [
            ("“80:8775”", 0, "“ is a typographic quote", "write \""),
            ("a k=”x”", 4, "” is a typographic quote", "write \""),
            ("‘a’", 0, "‘ is a typographic quote", "write \""),
            ("80:1\u{a0}mode=http", 4, "U+00A0 is a no-break space", "write an ordinary space"),
            ("80:1\u{2003}x", 4, "U+2003 is no ordinary space", "write an ordinary space"),
            ("80:1\u{200b}", 4, "U+200B is an invisible character", "delete it"),
            ("\u{feff}80:1", 0, "U+FEFF is an invisible character", "delete it"),
        ] {
            let problem = lex(value).unwrap_err();
            assert_eq!((problem.span.start, &*problem.label), (start, cure), "{value:?}");
            assert_eq!(problem.summary.as_deref(), Some(summary));
        }
        assert_eq!(words("k=\"it’s “so”\""), [vec![(Some("k".into()), "it’s “so”".into())]]);
        assert_eq!(words("80:bücher.example"), [vec![bare("80:bücher.example")]]);
    }

    proptest::proptest! {
        #[test]
        fn lexing_never_panics_and_spans_lie_in_the_value(value in "(?s).{0,200}") {
            if let Ok(items) = lex(&value) {
                for word in items.iter().flat_map(|item| &item.words) {
                    let text = &value[word.span.start..word.span.end];
                    proptest::prop_assert!(text.starts_with('"') || text == word.text);
                }
            }
        }

        #[test]
        fn quoting_any_text_gives_it_back(text in "[^\\p{Cc}]{0,60}") {
            let value = format!("k=\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            let items = lex(&value).unwrap();
            proptest::prop_assert_eq!(&items[0].words[0].text, &text);
        }
    }
}
