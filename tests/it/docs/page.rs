//! The pages of the documentation, cut into what can be checked.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use multipod_engine::annotation::Key;

/// One Markdown file.
pub(crate) struct Page {
    /// From the root of the repository: `docs/reference/policies.md`.
    pub(crate) name: String,
    lines: Vec<Line>,
}

/// One line, and the fence that it stands in.
struct Line {
    number: usize,
    text: String,
    /// The language of its block; none for prose.
    fence: Option<String>,
    /// What stands before it because its block does, in a list.
    indent: String,
}

/// What stands between two fences.
pub(crate) struct Block {
    /// Where it begins: `docs/reference/policies.md:7`.
    pub(crate) place: String,
    /// What stands before each of its lines, in a list.
    pub(crate) indent: String,
    pub(crate) text: String,
}

/// A value that people may copy.
pub(crate) struct Shown {
    pub(crate) place: String,
    pub(crate) key: Key,
    pub(crate) value: String,
}

/// One row of a table.
pub(crate) struct Row<'p> {
    /// The code in its first cell.
    pub(crate) first: Vec<&'p str>,
    pub(crate) text: &'p str,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README, and everything in `docs`.
pub(crate) fn pages() -> Vec<Page> {
    std::iter::once("README.md".to_owned()).chain(docs()).map(|name| page(&name)).collect()
}

/// The names of all pages in `docs`.
pub(crate) fn docs() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                names.insert(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    names
}

pub(crate) fn page(name: &str) -> Page {
    let text = fs::read_to_string(root().join(name)).unwrap();
    let mut fence: Option<(String, &str)> = None;
    let mut lines = Vec::new();
    for (number, text) in (1..).zip(text.lines()) {
        let before = &text[..text.len() - text.trim_start().len()];
        match (text.trim_start().strip_prefix("```"), &fence) {
            (Some(_), Some(_)) => fence = None,
            (Some(language), None) => fence = Some((language.to_owned(), before)),
            (None, fence) => {
                let (language, indent) = fence.clone().unzip();
                let indent = indent.unwrap_or_default();
                let text = text.strip_prefix(indent).unwrap_or(text).to_owned();
                lines.push(Line { number, text, fence: language, indent: indent.to_owned() });
            }
        }
    }
    assert_eq!(fence, None, "{name}: a block is not closed");
    Page { name: name.to_owned(), lines }
}

/// Holds a file to what it should be, or writes it with `MULTIPOD_BLESS`. One at a time: several tests write one page.
pub(crate) fn rewrite(name: &str, made: impl FnOnce(&str) -> String) {
    static WRITING: Mutex<()> = Mutex::new(());
    let _one = WRITING.lock();
    let path = root().join(name);
    let text = fs::read_to_string(&path).unwrap_or_default();
    let made = made(&text);
    if std::env::var_os("MULTIPOD_BLESS").is_some() {
        fs::write(path, made).unwrap();
    } else {
        assert!(made == text, "{name} is not what it should be; `make bless` writes it:\n{made}");
    }
}

impl Page {
    /// The blocks of one language.
    pub(crate) fn blocks(&self, language: &str) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut last = 0;
        for line in self.lines.iter().filter(|line| line.fence.as_deref() == Some(language)) {
            if blocks.is_empty() || line.number > last + 1 {
                blocks.push(Block {
                    place: self.place(line.number),
                    indent: line.indent.clone(),
                    text: String::new(),
                });
            }
            let text = &mut blocks.last_mut().unwrap().text;
            text.push_str(&line.text);
            text.push('\n');
            last = line.number;
        }
        blocks
    }

    /// The key that its title names.
    pub(crate) fn key(&self) -> Option<Key> {
        let title = self.prose().find_map(|(_, text)| text.strip_prefix("# "))?;
        Key::from_full(title.trim_matches('`'))
    }

    /// The languages of its blocks, with their places.
    pub(crate) fn languages(&self) -> impl Iterator<Item = (&str, String)> {
        self.lines.iter().filter_map(|line| Some((line.fence.as_deref()?, self.place(line.number))))
    }

    /// Every `"…"` in prose that stands for a whole value: of the key that its line names, else of its page's.
    pub(crate) fn values(&self) -> Vec<Shown> {
        let mut shown = Vec::new();
        for (number, text) in self.prose() {
            let spans = spans(text);
            let named = spans.iter().find_map(|span| Key::from_full(span.split(": ").next()?));
            let Some(key) = named.or(self.key()) else { continue };
            for span in spans {
                let value = span.strip_prefix(&format!("{}: ", key.full())).unwrap_or(span);
                if let Some(value) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                    shown.push(Shown { place: self.place(number), key, value: value.to_owned() });
                }
            }
        }
        shown
    }

    /// The first row of a table whose first cell holds this code, or an option of this name.
    pub(crate) fn row(&self, first: &str) -> Option<&str> {
        let row = self.rows().find(|row| row.first.iter().any(|span| is_meant(span, first)));
        row.map(|row| row.text)
    }

    /// Every row of every table.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.prose().filter_map(|(_, text)| {
            let cell = text.strip_prefix("| ")?.split(" | ").next()?;
            Some(Row { first: spans(cell), text })
        })
    }

    /// Whether some code in prose is, or holds, these words.
    pub(crate) fn mentions(&self, code: &str) -> bool {
        self.prose().any(|(_, text)| spans(text).iter().any(|span| span.contains(code)))
    }

    /// The targets of links, with their places.
    pub(crate) fn links(&self) -> Vec<(String, String)> {
        let mut links = Vec::new();
        for (number, text) in self.prose() {
            let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            links.extend(targets.map(|target| (self.place(number), target.to_owned())));
        }
        links
    }

    /// The names by which headings can be linked to.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let headings = self.prose().filter(|(_, text)| text.starts_with('#'));
        let anchor = |text: &str| {
            let plain = text.trim_start_matches('#').trim().to_lowercase();
            let kept = plain.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.collect::<String>().replace(' ', "-")
        };
        headings.map(|(_, text)| anchor(text)).collect()
    }

    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines.iter().filter(|line| line.fence.is_none()).map(|line| (line.number, &*line.text))
    }

    fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.name)
    }
}

fn is_meant(span: &str, first: &str) -> bool {
    span == first || first.ends_with('=') && span.starts_with(first)
}

/// What stands between backticks.
pub(crate) fn spans(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}
