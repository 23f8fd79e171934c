//! An `AdmissionReview` of version 1, borrowed from the body of its request.

use serde::Deserialize;
use serde::de::IgnoredAny;

use multipod_engine::pod::{Meter, Text};
use multipod_json::{Budget, read_within};

use super::{Record, ReviewError};

/// What is asked, with the objects as `O` and `P` read them.
#[derive(Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    bound(deserialize = "O: Deserialize<'de> + Default, P: Deserialize<'de> + Default")
)]
pub(super) struct Request<'a, O, P = IgnoredAny> {
    /// Comes back in the answer.
    #[serde(borrow, default)]
    pub(super) uid: Text<'a>,
    #[serde(borrow, default)]
    pub(super) kind: Kind<'a>,
    #[serde(borrow, default)]
    pub(super) resource: Resource<'a>,
    /// `status`, `ephemeralcontainers`…; empty for the object itself.
    #[serde(borrow, default)]
    pub(super) sub_resource: Text<'a>,
    /// The namespace that counts: the object's own may be empty.
    #[serde(borrow, default)]
    pub(super) namespace: Text<'a>,
    /// Empty where the API server has yet to make one.
    #[serde(borrow, default)]
    pub(super) name: Text<'a>,
    #[serde(borrow, default)]
    pub(super) operation: Text<'a>,
    #[serde(default)]
    pub(super) dry_run: Option<bool>,
    #[serde(default)]
    pub(super) object: O,
    #[serde(default)]
    pub(super) old_object: P,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Kind<'a> {
    #[serde(borrow, default)]
    pub(super) kind: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Resource<'a> {
    #[serde(borrow, default)]
    pub(super) group: Text<'a>,
    #[serde(borrow, default)]
    pub(super) version: Text<'a>,
    #[serde(borrow, default, rename = "resource")]
    pub(super) name: Text<'a>,
}

#[derive(Deserialize)]
#[serde(
    rename_all = "camelCase",
    bound(deserialize = "O: Deserialize<'de> + Default, P: Deserialize<'de> + Default")
)]
struct Envelope<'a, O, P> {
    #[serde(borrow, default)]
    api_version: Text<'a>,
    #[serde(borrow, default)]
    kind: Text<'a>,
    #[serde(borrow, default = "nothing")]
    request: Option<Request<'a, O, P>>,
}

// A plain `default` would ask for a default of every request.
fn nothing<T>() -> Option<T> {
    None
}

impl<'a, O, P> Request<'a, O, P> {
    /// Reads a body in one pass.
    pub(super) fn read(body: &'a [u8], meter: Option<&'a Meter<'a>>) -> Result<Self, ReviewError>
    where
        O: Deserialize<'a> + Default,
        P: Deserialize<'a> + Default,
    {
        // Checked once as a whole, also what nobody will look at.
        let text = std::str::from_utf8(body).map_err(|error| ReviewError::NotText(error.valid_up_to()))?;
        let envelope: Envelope<'a, O, P> =
            read_within(Budget::NONE, meter, text).map_err(|error| ReviewError::unreadable(&error, text))?;
        if &*envelope.api_version != "admission.k8s.io/v1" || &*envelope.kind != "AdmissionReview" {
            return Err(ReviewError::NotAReview);
        }
        envelope.request.filter(|request| !request.uid.is_empty()).ok_or(ReviewError::NoRequest)
    }

    /// What is logged and counted of this review: what was decided, and whom it was about. Without an owner it is about
    /// the object itself.
    pub(super) fn record(self, owner_kind: Option<Text<'a>>, decided: Record<'a>) -> Record<'a> {
        Record {
            uid: self.uid,
            name: if self.name.is_empty() { decided.name } else { self.name },
            namespace: self.namespace,
            owner_kind: owner_kind.unwrap_or(self.kind.kind),
            dry_run: self.dry_run == Some(true),
            ..decided
        }
    }

    /// Whether it is about pods, in the one version that they have.
    pub(super) fn is_about_pods(&self) -> bool {
        let Resource { group, version, name } = &self.resource;
        group.is_empty() && &**version == "v1" && &**name == "pods"
    }
}
