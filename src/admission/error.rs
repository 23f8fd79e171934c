//! Why a request gets no review as its answer.

use multipod_engine::inject::Undecidable;
use thiserror::Error;

/// Nothing here is the pod's fault, so nothing here ever becomes `allowed: false`: the API server's failure policy
/// decides. No text repeats what was received.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReviewError {
    /// The body is no JSON, or not in the shape of a review.
    #[error("the body is not a readable AdmissionReview: {what} at line {line}, column {column}")]
    Unreadable {
        /// What kind of mistake it is.
        what: &'static str,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The bytes are no text.
    #[error("the body is not UTF-8 text (byte {0})")]
    NotText(usize),
    /// Another object, or another version of it.
    #[error("expected kind AdmissionReview of apiVersion admission.k8s.io/v1")]
    NotAReview,
    /// An answer rather than a question.
    #[error("the AdmissionReview has no request with a uid")]
    NoRequest,
    /// The creation of nothing.
    #[error("the AdmissionReview is about the creation of a pod, and holds no pod")]
    NoObject,
    /// The namespace is so new that we have not heard of it, or a policy asks for annotations of it that nobody asked for before.
    #[error("what decides about the namespace is not known yet; try again in a second")]
    NotYet,
    /// The time was over before the decision.
    #[error("there was no time left to decide")]
    OutOfTime,
    /// Our own mistake.
    #[error("multipod could not answer: {0}")]
    Internal(String),
}

impl ReviewError {
    /// The machine's name for it.
    pub const fn slug(&self) -> &'static str {
        match self {
            ReviewError::Unreadable { .. } | ReviewError::NotText(_) => "bad_json",
            ReviewError::NotAReview | ReviewError::NoRequest | ReviewError::NoObject => "bad_review",
            ReviewError::NotYet => "not_known_yet",
            ReviewError::OutOfTime => "out_of_time",
            ReviewError::Internal(_) => "internal",
        }
    }
}

impl From<Undecidable> for ReviewError {
    fn from(error: Undecidable) -> Self {
        match error {
            Undecidable::NotYet => ReviewError::NotYet,
            Undecidable::Unwritable => ReviewError::Internal(error.to_string()),
        }
    }
}

impl ReviewError {
    pub(super) fn unreadable(error: &multipod_json::Error, text: &str) -> Self {
        let what = match error.kind() {
            multipod_json::Kind::TooLate => return ReviewError::OutOfTime,
            multipod_json::Kind::Eof => "it ends too early",
            multipod_json::Kind::Syntax => "broken JSON",
            multipod_json::Kind::Data => "a field of the wrong kind",
            multipod_json::Kind::TooMuch => "more than is read",
        };
        let (line, column) = error.place(text);
        ReviewError::Unreadable { what, line, column }
    }
}
