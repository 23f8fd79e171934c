//! The words of a condition.

use std::ops::Range;

use super::mistake::Mistake;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Word {
    Name(String),
    Int(i64),
    Double(f64),
    Text(String),
    Sign(&'static str),
    End,
}

pub(crate) type Placed = (Word, Range<usize>);

/// The longer ones first.
const SIGNS: [&str; 24] = [
    "&&", "||", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ".", ",", "?", ":", "!", "<", ">", "-",
    "+", "*", "/", "%",
];

pub(crate) fn words(text: &str) -> Result<Vec<Placed>, Mistake> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let rest = &text[at..];
        let end = match letter {
            ' ' | '\t' | '\n' | '\r' | '\x0c' => {
                at += 1;
                continue;
            }
            '/' if rest.starts_with("//") => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            '"' | '\'' => quoted(text, at, at, false, &mut words)?,
            'r' | 'R' if rest[1..].starts_with(['"', '\'']) => quoted(text, at, at + 1, true, &mut words)?,
            'b' | 'B' if rest[1..].starts_with(['"', '\'']) => {
                return Err(Mistake::at(at..at + 1, "bytes are not available here, only text"));
            }
            '0'..='9' => number(text, at, &mut words)?,
            'a'..='z' | 'A'..='Z' | '_' => {
                let end =
                    at + rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                words.push((Word::Name(text[at..end].to_owned()), at..end));
                end
            }
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let Some(sign) = sign else {
                    let message = format!("{letter:?} means nothing here");
                    return Err(Mistake::at(at..at + letter.len_utf8(), message));
                };
                words.push((Word::Sign(sign), at..at + sign.len()));
                at + sign.len()
            }
        };
        at = end;
    }
    words.push((Word::End, text.len()..text.len()));
    Ok(words)
}

fn number(text: &str, start: usize, words: &mut Vec<Placed>) -> Result<usize, Mistake> {
    let rest = &text[start..];
    let whole = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after =
        rest[whole..].strip_prefix('.').map_or(0, |f| f.bytes().take_while(u8::is_ascii_digit).count());
    let end = start + if after > 0 { whole + 1 + after } else { whole };
    if text[end..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        let message = "expected a plain number, such as 80 or 0.5";
        return Err(Mistake::at(start..end + 1, message));
    }
    let word = if after > 0 {
        text[start..end].parse().ok().map(Word::Double)
    } else {
        text[start..end].parse().ok().map(Word::Int)
    };
    let word = word.ok_or_else(|| Mistake::at(start..end, "the number is too large"))?;
    words.push((word, start..end));
    Ok(end)
}

fn quoted(
    text: &str,
    start: usize,
    open: usize,
    is_raw: bool,
    words: &mut Vec<Placed>,
) -> Result<usize, Mistake> {
    let quote = &text[open..=open];
    if text[open..].starts_with(&quote.repeat(3)) {
        return Err(Mistake::at(open..open + 3, "expected text between single or double quotes"));
    }
    let mut value = String::new();
    let mut letters = text[open + 1..].char_indices().map(|(at, letter)| (open + 1 + at, letter));
    while let Some((at, letter)) = letters.next() {
        match letter {
            _ if quote.starts_with(letter) => {
                words.push((Word::Text(value), start..at + 1));
                return Ok(at + 1);
            }
            '\n' | '\r' => return Err(Mistake::at(at..at, "the text goes on in the next line: write \\n")),
            '\\' if !is_raw => {
                let unknown = "expected one of the escapes \\\\, \\\", \\', \\n, \\r, \\t and \\uXXXX";
                let escaped = match letters.next().map(|(_, letter)| letter) {
                    Some(letter @ ('\\' | '"' | '\'')) => Some(letter),
                    Some('n') => Some('\n'),
                    Some('r') => Some('\r'),
                    Some('t') => Some('\t'),
                    Some('u') => {
                        let digits: String = letters.by_ref().take(4).map(|(_, digit)| digit).collect();
                        let all = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                        let code = u32::from_str_radix(&digits, 16).ok().filter(|_| all);
                        code.and_then(char::from_u32)
                    }
                    _ => None,
                };
                value.push(escaped.ok_or_else(|| Mistake::at(at..at + 1, unknown))?);
            }
            letter => value.push(letter),
        }
    }
    Err(Mistake::at(start..text.len(), "the quote is never closed"))
}
