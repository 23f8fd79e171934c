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
    pub(crate) namespace: Text<'a>,
    /// In the order received.
    #[serde(borrow, default)]
    pub(crate) labels: Field<Pairs<'a>>,
    /// In the order received.
    #[serde(borrow, default)]
    pub(crate) annotations: Field<Pairs<'a>>,
    /// Who made the pod.
    #[serde(borrow, default)]
    pub(crate) owner_references: Field<Owners<'a>>,
}

/// The owners of a pod, of which only the one that manages it matters.
#[derive(Debug, Default)]
pub struct Owners<'a> {
    controller: Option<Owner<'a>>,
}

/// One owner of a pod.
#[derive(Debug, Deserialize)]
pub(crate) struct Owner<'a> {
    /// `ReplicaSet`, `Job`, `Node`…
    #[serde(borrow, default)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    /// Whether this owner manages the pod.
    #[serde(default)]
    controller: Option<bool>,
}

/// The label in which a Deployment repeats what it puts behind the names of its `ReplicaSet`s.
const TEMPLATE_HASH: &str = "pod-template-hash";

impl<'a> Head<'a> {
    /// Reads the metadata of a pod.
    pub fn read(json: &'a str) -> Result<Head<'a>, multipod_json::Error> {
        multipod_json::read(json)
    }

    /// The labels, in the order received.
    pub fn labels(&self) -> &[(Text<'a>, Scalar<'a>)] {
        self.metadata.value().map_or(&[], |metadata| metadata.labels.pairs())
    }

    /// The spec as received.
    pub(crate) fn raw_spec(&self) -> Option<&'a str> {
        self.spec.value().map(|raw| raw.text())
    }

    /// The annotations, in the order received.
    pub fn annotations(&self) -> &[(Text<'a>, Scalar<'a>)] {
        self.metadata.value().map_or(&[], |metadata| metadata.annotations.pairs())
    }

    /// Whether it has more labels than are looked at.
    pub(crate) fn has_more_labels(&self) -> bool {
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
    pub(crate) asks: bool,
}

impl<'a> Metadata<'a> {
    /// The same, as it was received.
    pub fn controller(&self) -> Option<&Text<'a>> {
        self.owner_references.value().and_then(Owners::controller)
    }

    /// The name of what made the pod, or of the pod that nothing made. It stays from one version to the next: without the
    /// hash of a Deployment's pod template.
    pub fn workload(&self) -> &str {
        let Some(owner) = self.owner_references.value().and_then(|owners| owners.controller.as_ref()) else {
            return if self.generate_name.is_empty() { &self.name } else { &self.generate_name };
        };
        let name = &*owner.name;
        let hash = self.labels.pairs().iter().find(|(label, _)| **label == *TEMPLATE_HASH);
        match hash {
            Some((_, Scalar::Text(hash))) if *owner.kind == *"ReplicaSet" => {
                let shorter = name.strip_suffix(&**hash).and_then(|name| name.strip_suffix('-'));
                shorter.unwrap_or(name)
            }
            _ => name,
        }
    }

    /// Whether a Deployment is behind the `ReplicaSet` that made it.
    pub fn has_template_hash(&self) -> bool {
        self.labels.pairs().iter().any(|(label, _)| **label == *TEMPLATE_HASH)
    }

    /// The kind of the controller that made the pod, if one did.
    pub fn owner_kind(&self) -> Option<&str> {
        self.controller().map(|kind| &**kind)
    }
}

impl<'a> Owners<'a> {
    /// The kind of the owner that manages the pod.
    pub fn controller(&self) -> Option<&Text<'a>> {
        self.controller.as_ref().map(|owner| &owner.kind)
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
                        owners.controller = Some(owner);
                    }
                }
                Ok(owners)
            }
        }
        deserializer.deserialize_seq(First)
    }
}
