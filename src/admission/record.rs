//! What was decided, for logs and metrics: nothing else of a review ever reaches them.

use multipod_engine::pod::Text;

/// The answer to a review, and what was decided.
#[derive(Debug)]
pub struct Reply<'a> {
    /// The answer, as JSON.
    pub body: Vec<u8>,
    pub record: Record<'a>,
}

/// What was decided about one review.
#[derive(Debug)]
pub struct Record<'a> {
    /// The review's own name.
    pub uid: Text<'a>,
    /// The namespace of the request.
    pub namespace: Text<'a>,
    /// The object's name, or what the API server will make one of, which ends in a dash.
    pub name: Text<'a>,
    /// The kind of the object's controller, or of the object itself where it is none of ours.
    pub owner_kind: Text<'a>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, as the slug that is used everywhere.
    pub reason: &'static str,
    /// Whether nothing will come of it.
    pub dry_run: bool,
    /// Which patterns are added.
    pub patterns: Vec<multipod_engine::pattern::container::Text>,
    /// The policies that are for the pod.
    pub policies: Vec<String>,
    /// Policies that only tell what they would set, and would set something.
    pub audited: Vec<String>,
    /// The size of the patch, before it is encoded.
    pub patch_bytes: usize,
    /// How many warnings the user sees.
    pub warnings: usize,
}

/// What became of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A patch was sent.
    Injected,
    /// The pod stays as it is.
    Skipped,
    /// The object is refused.
    Denied,
    /// It was not for us to decide.
    Ignored,
}

impl Outcome {
    pub const ALL: [Outcome; 4] = [Outcome::Injected, Outcome::Skipped, Outcome::Denied, Outcome::Ignored];

    /// The machine's name for it.
    pub const fn slug(self) -> &'static str {
        match self {
            Outcome::Injected => "injected",
            Outcome::Skipped => "skipped",
            Outcome::Denied => "denied",
            Outcome::Ignored => "ignored",
        }
    }
}
