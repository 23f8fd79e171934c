//! When output is coloured.

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

/// What `--color` says.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(super) enum When {
    #[default]
    #[value(help = "On a terminal, unless NO_COLOR is set")]
    Auto,
    /// Also in a pipe
    Always,
    /// Not at all
    Never,
}

impl When {
    pub(super) fn apply(self) {
        let choice = match self {
            When::Auto => ColorChoice::Auto,
            When::Always => ColorChoice::AlwaysAnsi,
            When::Never => ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// The styles of one stream: all of them plain where it shows no colours. Content of manifests is printed unchanged; a
/// stream that removes colours would remove them from there, too.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Styles {
    pub(super) error: Style,
    pub(super) strong: Style,
    pub(super) frame: Style,
    pub(super) added: Style,
    pub(super) removed: Style,
}

impl Styles {
    pub(super) fn of_output() -> Styles {
        Styles::of(AutoStream::choice(&std::io::stdout()))
    }

    fn of(choice: ColorChoice) -> Styles {
        if choice == ColorChoice::Never {
            return Styles::default();
        }
        let strong = Style::new().bold();
        Styles {
            error: AnsiColor::Red.on_default().bold(),
            strong,
            frame: AnsiColor::Blue.on_default().bold(),
            added: AnsiColor::Green.on_default(),
            removed: AnsiColor::Red.on_default(),
        }
    }
}
