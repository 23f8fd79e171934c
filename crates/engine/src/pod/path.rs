//! Places in a container: Kubernetes takes paths in any spelling, also without the leading slash and with `..`.

use std::borrow::{Borrow, Cow};
use std::ops::Deref;

use serde::{Deserialize, Deserializer};

use super::Text;

/// A place in one spelling, so that two are compared without taking them apart again: `/srv/www`, and nothing for the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Folder<'a>(Cow<'a, str>);

impl<'a> Folder<'a> {
    pub(crate) fn of(path: &'a str) -> Self {
        Folder(if is_spelled(path) { Cow::Borrowed(path) } else { Cow::Owned(spelled(path)) })
    }

    /// Whether `other` is this place or lies below it.
    pub(crate) fn covers(&self, other: &Folder<'_>) -> bool {
        other.0.strip_prefix(&*self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether this place lies below `folder`.
    pub(crate) fn lies_below(&self, folder: &Folder<'_>) -> bool {
        self.0.len() > folder.0.len() && folder.covers(self)
    }

    /// How many folders lead to it.
    pub(crate) fn depth(&self) -> usize {
        self.0.bytes().filter(|byte| *byte == b'/').count()
    }

    /// The folders that it lies in, but for the root.
    pub(crate) fn above(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(end, _)| &self.0[..end]).filter(|folder| !folder.is_empty())
    }

    /// What everything below it begins with.
    pub(crate) fn inside(&self) -> String {
        format!("{}/", self.0)
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

/// In the order of the text.
impl Borrow<str> for Folder<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Deref for Folder<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

/// Whether `path` is `folder` or lies below it.
pub(crate) fn covers(folder: &str, path: &str) -> bool {
    Folder::of(folder).covers(&Folder::of(path))
}

/// Whether `path` lies below `folder`.
pub(crate) fn lies_below(path: &str, folder: &str) -> bool {
    Folder::of(path).lies_below(&Folder::of(folder))
}

fn is_spelled(path: &str) -> bool {
    let mut parts = path.split('/');
    parts.next() == Some("") && parts.all(|part| !matches!(part, "" | "." | ".."))
}

/// The container runtime takes `..` for the folder above, and so do we.
fn spelled(path: &str) -> String {
    let mut place = String::with_capacity(path.len() + 1);
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => place.truncate(place.rfind('/').unwrap_or(0)),
            part => {
                place.push('/');
                place.push_str(part);
            }
        }
    }
    place
}

/// Where something is mounted: as it was written, and as a place.
#[derive(Debug, Default)]
pub(crate) struct MountPath<'a> {
    written: Text<'a>,
    place: Folder<'a>,
}

impl<'a> MountPath<'a> {
    pub(crate) fn place(&self) -> &Folder<'a> {
        &self.place
    }
}

impl Deref for MountPath<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.written
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for MountPath<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Text::<'a>::deserialize(deserializer)?;
        let place = match &written.0 {
            Cow::Borrowed(path) => Folder::of(path),
            Cow::Owned(path) => Folder(Cow::Owned(spelled(path))),
        };
        Ok(MountPath { written, place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_in_every_spelling() {
        for (folder, path, same, below) in [
            ("/srv", "/srv", true, false),
            ("/srv", "/srv/", true, false),
            ("/srv", "srv//.", true, false),
            ("/./srv/", "//srv/www", false, true),
            ("/srv/www", "/srv", false, false),
            ("/srv", "/srvx", false, false),
            ("/", "/srv", false, true),
            ("", "/", true, false),
            ("", ".", true, false),
            ("/srv", "/usr/../srv", true, false),
            ("/srv", "/../srv/a/..", true, false),
            ("/usr/local/etc", "/usr/local/../local/etc/x", false, true),
            ("/srv", "/srv/../etc", false, false),
            ("/srv", "/srv/..x", false, true),
        ] {
            assert_eq!(Folder::of(folder) == Folder::of(path), same, "{folder} {path}");
            assert_eq!(lies_below(path, folder), below, "{folder} {path}");
            assert_eq!(covers(folder, path), same || below, "{folder} {path}");
        }
    }

    #[test]
    fn depth_counts_the_folders() {
        for (path, depth) in [("/", 0), ("", 0), ("/srv", 1), ("srv/www/", 2), ("/a/../b", 1)] {
            assert_eq!(Folder::of(path).depth(), depth, "{path}");
            assert_eq!(Folder::of(path).above().count(), depth.saturating_sub(1), "{path}");
        }
        assert_eq!(Folder::of("/srv/www/a").above().collect::<Vec<_>>(), ["/srv", "/srv/www"]);
    }
}
