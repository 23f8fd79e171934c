//! A pod's metadata, which tells whether the pod is for us.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use multipod_json::Raw;

use super::pairs::Pairs;
use super::{Field, Scalar, Text};

/// A pod's metadata, and its spec unread.
#[derive(Debug, Deserialize)]
pub struct Head<'a> {
    #[serde(borrow, default)]
    pub metadata: Field<Metadata<'a>>,
    #[serde(borrow, default)]
    pub(super) spec: Field<Raw<'a>>,
}

/// What metadata tells.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata<'a> {
    /// May be absent: the API server adds it later.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// What the name will begin with.
    #[serde(borrow, default)]
    pub generate_name: Text<'a>,
    /// May be absent: the request says it.
    #[serde(borrow, default)]
    pub namespace: Text<'a>,
    /// In the order received.
    #[serde(borrow, default)]
    pub labels: Field<Pairs<'a>>,
    /// In the order received.
    #[serde(borrow, default)]
    pub annotations: Field<Pairs<'a>>,
    /// Who made the pod.
    #[serde(borrow, default)]
    pub(crate) owner_references: Field<Owners<'a>>,
}

/// The owners of a pod, of which only the one that manages it matters.
#[derive(Debug, Default)]
pub(crate) struct Owners<'a> {
    controller: Option<Text<'a>>,
}

/// One owner of a pod.
#[derive(Debug, Deserialize)]
struct Owner<'a> {
    /// `ReplicaSet`, `Job`, `Node`…
    #[serde(borrow, default)]
    kind: Text<'a>,
    /// Whether this owner manages the pod.
    #[serde(default)]
    controller: Option<bool>,
}

impl<'a> Head<'a> {
    /// Reads the metadata of a pod.
    pub fn read(json: &'a str) -> Result<Head<'a>, multipod_json::Error> {
        multipod_json::read(json)
    }

    /// The labels, in the order received.
    pub fn labels(&self) -> &[(Text<'a>, Scalar<'a>)] {
        self.metadata.value().map_or(&[], |metadata| metadata.labels.pairs())
    }

    /// The annotations, in the order received.
    pub fn annotations(&self) -> &[(Text<'a>, Scalar<'a>)] {
        self.metadata.value().map_or(&[], |metadata| metadata.annotations.pairs())
    }

    /// Whether it has more labels than are looked at.
    pub fn has_more_labels(&self) -> bool {
        self.metadata
            .value()
            .and_then(|metadata| metadata.labels.value())
            .is_some_and(|labels| labels.more > 0)
    }

    /// The annotations that it has besides those that are looked at.
    pub(crate) fn more_annotations(&self) -> Option<More> {
        let annotations = self.metadata.value()?.annotations.value()?;
        (annotations.more > 0).then_some(More { asks: annotations.asks })
    }
}

/// Annotations that are too many to be looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct More {
    /// Whether one of them is for us.
    pub asks: bool,
}

impl<'a> Metadata<'a> {
    /// The same, as it was received.
    pub fn controller(&self) -> Option<&Text<'a>> {
        self.owner_references.value().and_then(Owners::controller)
    }

    /// The kind of the controller that made the pod, if one did.
    pub fn owner_kind(&self) -> Option<&str> {
        self.controller().map(|kind| &**kind)
    }
}

impl<'a> Owners<'a> {
    /// The kind of the owner that manages the pod.
    pub(crate) fn controller(&self) -> Option<&Text<'a>> {
        self.controller.as_ref()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Owners<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct First;
        impl<'de> Visitor<'de> for First {
            type Value = Owners<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of owners")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Owners<'de>, A::Error> {
                let mut owners = Owners::default();
                while let Some(owner) = items.next_element::<Owner<'de>>()? {
                    if owner.controller == Some(true) && owners.controller.is_none() {
                        owners.controller = Some(owner.kind);
                    }
                }
                Ok(owners)
            }
        }
        deserializer.deserialize_seq(First)
    }
}
