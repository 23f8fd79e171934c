//! The objects of a manifest, each with the place where it stands.

use multipod_engine::pod::{Object, objects};
use multipod_yaml::{Document, Edit};

use super::{Finding, Level, Mark, Mend, Opened};

/// An object, and where it stands.
#[derive(Debug)]
pub(crate) struct Placed<'m> {
    pub object: Object<'m>,
    pub document: &'m Document<'m>,
    pub file: &'m str,
    number: usize,
}

impl<'m> Placed<'m> {
    pub(crate) fn new(object: Object<'m>, opened: &'m Opened<'m>) -> Self {
        let Opened { document, file, number } = opened;
        Placed { object, document, file, number: *number }
    }

    /// Every object of a document.
    pub(crate) fn all(opened: &'m Opened<'m>) -> impl Iterator<Item = Placed<'m>> {
        objects(opened.document.value()).into_iter().map(|object| Placed::new(object, opened))
    }

    /// `Deployment web`
    pub(crate) fn title(&self) -> String {
        let kind = match self.object.kind {
            "" if self.object.value.is_object() => "object",
            "" => "document",
            kind => kind,
        };
        format!("{kind} {}", self.object.name()).trim_end().to_owned()
    }

    /// A mend by another name for a key of this document.
    pub(crate) fn renamed(&self, pointer: &str, name: &str) -> Mend {
        Mend::renamed(self.number, pointer, name)
    }

    /// A mend by edits of this document.
    pub(super) fn edited(&self, edits: Vec<Edit>, was: String, is: String) -> Mend {
        Mend::edited(self.number, edits, was, is)
    }

    /// `document 2, Deployment web`
    pub(super) fn subject(&self) -> String {
        if self.object.value.is_object() {
            format!("document {}, {}", self.number, self.title())
        } else {
            format!("document {}", self.number)
        }
    }

    /// A warning about what stands at a pointer in the document.
    pub(crate) fn warning(&self, pointer: &str, slug: &'static str, message: impl Into<String>) -> Finding {
        self.finding([pointer, &self.object.pointer], Level::Warning, slug, message)
    }

    /// Something about the first of two places that is there.
    pub(super) fn finding(
        &self,
        places: [&str; 2],
        level: Level,
        slug: &'static str,
        message: impl Into<String>,
    ) -> Finding {
        let position = places.into_iter().find_map(|pointer| self.document.position(pointer));
        let (line, column) = position.map_or((self.document.first_line(), 1), |position| {
            position.key.map_or((position.line, position.column), |key| (key.line, key.column))
        });
        let mark = position.and_then(|_| Mark::of(self.document, line, column));
        Finding {
            level,
            slug,
            message: message.into(),
            file: self.file.to_owned(),
            line,
            column,
            subject: self.subject(),
            mark,
            mend: None,
        }
    }
}
