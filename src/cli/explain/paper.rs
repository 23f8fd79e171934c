//! What a text is drawn on: how wide it is, and which signs it shows.

use std::io::IsTerminal;

use super::boxes::Signs;

#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(in crate::cli) struct Paper {
    /// Draw with plain ASCII, the default if the locale is not UTF-8
    #[arg(long)]
    ascii: bool,

    /// The greatest width of the drawing [default: the width of the terminal, or COLUMNS, or 140]
    #[arg(long, value_name = "COLUMNS")]
    width: Option<usize>,
}

/// What there is to draw on.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Canvas {
    pub columns: usize,
    pub signs: Signs,
}

/// What is printed into a file or a pipe is as wide as this at most, and what the page shows.
pub(super) const PRINTED: usize = 140;

impl Paper {
    pub(in crate::cli) fn canvas(self) -> Canvas {
        let signs = if self.ascii || !shows_unicode(variable) { Signs::ASCII } else { Signs::UNICODE };
        let elsewhere = if std::io::stdout().is_terminal() { 80 } else { PRINTED };
        Canvas { columns: self.width.unwrap_or_else(|| columns(elsewhere)), signs }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether the terminal shows UTF-8, as far as the environment says; where it says nothing, it does.
fn shows_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    if variable("TERM").is_some_and(|terminal| terminal == "dumb") {
        return false;
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.ends_with("utf-8") || locale.ends_with("utf8") || locale.contains("utf-8@")
    })
}

/// How wide the terminal is; `elsewhere` where there is none.
pub(in crate::cli) fn columns(elsewhere: usize) -> usize {
    let said = || variable("COLUMNS").and_then(|columns| columns.parse().ok());
    let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    terminal.or_else(said).unwrap_or(elsewhere)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_whether_utf_8_is_shown() {
        for (variables, expected) in [
            (&[][..], true),
            (&[("LANG", "de_DE.UTF-8")], true),
            (&[("LANG", "C.utf8")], true),
            (&[("LANG", "C")], false),
            (&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "POSIX")], false),
            (&[("LANG", "C"), ("LC_CTYPE", "C.UTF-8")], true),
            (&[("LANG", "de_DE.ISO-8859-1@euro")], false),
            (&[("LANG", "de_DE.UTF-8@euro")], true),
            (&[("TERM", "dumb"), ("LANG", "C.UTF-8")], false),
        ] {
            let variable = |name: &str| {
                variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(shows_unicode(variable), expected, "{variables:?}");
        }
    }
}
