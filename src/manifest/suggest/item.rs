//! What a recogniser answers.

use multipod_engine::annotation::Key;

/// What replaces a container: an item of an annotation's value.
pub(super) struct Item {
    pub(super) key: Key,
    pub(super) text: String,
    /// Mounts of the app that go with it, as container and volume.
    pub(super) mounts: Vec<(usize, String)>,
}

/// `None`: it is nothing that a pattern does. An error: it is, and why it stays all the same.
pub(super) type Recognised = Option<Result<Item, String>>;
