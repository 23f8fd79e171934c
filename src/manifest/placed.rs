//! The objects of a manifest, each with the place where it stands.

use multipod_engine::pod::{Object, objects};
use multipod_yaml::Document;

use super::{Finding, Level, Manifest, Manifests, Mark};

/// An object, and where it stands.
#[derive(Debug)]
pub(crate) struct Placed<'m> {
    pub object: Object<'m>,
    pub document: &'m Document<'m>,
    pub file: &'m str,
    number: usize,
}

impl<'m> Placed<'m> {
    /// An object of a document, by the index of that.
    pub(crate) fn new(
        object: Object<'m>,
        manifest: &'m Manifest<'m>,
        index: usize,
        document: &'m Document<'m>,
    ) -> Self {
        Placed { object, document, file: manifest.name, number: index + 1 }
    }

    /// Every object of every document.
    pub(crate) fn all(manifests: &'m Manifests<'m>) -> impl Iterator<Item = Placed<'m>> {
        manifests.readable.iter().flat_map(|manifest| {
            manifest.documents.iter().enumerate().flat_map(move |(index, document)| {
                let objects = objects(document.value()).into_iter();
                objects.map(move |object| Placed::new(object, manifest, index, document))
            })
        })
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
        let subject = if self.object.value.is_object() {
            format!("document {}, {}", self.number, self.title())
        } else {
            format!("document {}", self.number)
        };
        let mark = position.and_then(|_| Mark::of(self.document, line, column));
        Finding {
            level,
            slug,
            message: message.into(),
            file: self.file.to_owned(),
            line,
            column,
            subject,
            mark,
        }
    }
}
