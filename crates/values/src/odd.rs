//! Characters that look like others, or like nothing: text processors and web pages put them where a keyboard would not.

use std::fmt;

/// One such character, by what it is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// A quote of printed text, and the plain one that was most likely meant.
    Quote(char, char),
    /// A space that separates nothing.
    Space(char),
    /// Nothing to be seen.
    Invisible(char),
}

impl Odd {
    /// What is odd about a character, if something is.
    pub fn of(c: char) -> Option<Odd> {
        match c {
            '“' | '”' | '„' | '‟' | '«' | '»' | '″' => Some(Odd::Quote(c, '"')),
            '‘' | '’' | '‚' | '‛' | '′' => Some(Odd::Quote(c, '\'')),
            '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => {
                Some(Odd::Space(c))
            }
            '\u{AD}' | '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' => {
                Some(Odd::Invisible(c))
            }
            _ => None,
        }
    }

    /// The first one in a text, and where it stands.
    pub fn first(text: &str) -> Option<(usize, Odd)> {
        text.char_indices().find_map(|(at, c)| Some((at, Odd::of(c)?)))
    }

    /// The plain text that was most likely meant.
    pub fn meant(self) -> &'static str {
        match self {
            Odd::Quote(_, '"') => "\"",
            Odd::Quote(..) => "'",
            Odd::Space(_) => " ",
            Odd::Invisible(_) => "",
        }
    }

    /// What to write instead.
    pub fn cure(self) -> String {
        match self {
            Odd::Quote(_, plain) => format!("write {plain}"),
            Odd::Space(_) => "write an ordinary space".to_owned(),
            Odd::Invisible(_) => "delete it".to_owned(),
        }
    }
}

/// What it is, as the beginning of a sentence.
impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Odd::Quote(quote, _) => write!(f, "{quote} is a typographic quote"),
            Odd::Space(c @ ('\u{A0}' | '\u{202F}')) => {
                write!(f, "U+{:04X} is a no-break space", u32::from(*c))
            }
            Odd::Space(c) => write!(f, "U+{:04X} is no ordinary space", u32::from(*c)),
            Odd::Invisible(c) => write!(f, "U+{:04X} is an invisible character", u32::from(*c)),
        }
    }
}
