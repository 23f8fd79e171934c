//! What people should know about their manifests, and where it stands.

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing is printed because of it.
    Error,
    /// Most likely not what was meant.
    Warning,
    /// Good to know.
    Note,
}

/// One thing that people should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How grave it is.
    pub level: Level,
    /// The machine's name for it.
    pub slug: &'static str,
    /// What it is; the first line stands alone, more lines explain it.
    pub message: String,
    /// The name of the file.
    pub file: String,
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// `document 2, Deployment web`
    pub subject: String,
}

impl Finding {
    /// The first line of the message.
    pub fn title(&self) -> &str {
        self.message.split_once('\n').map_or(&*self.message, |(title, _)| title)
    }

    /// The lines below.
    pub fn details(&self) -> impl Iterator<Item = &str> {
        self.message.lines().skip(1)
    }
}
