//! An `InjectionPolicy` as it is written: the shape is strict, the contents are not checked yet.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, Visitor};
use serde_saphyr::Spanned;

/// Text with its place.
pub(super) type Placed = Spanned<Quoted>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Object {
    #[serde(rename = "apiVersion")]
    _api_version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    pub(super) metadata: Metadata,
    pub(super) spec: Spec,
    /// Written by the cluster.
    #[serde(default, rename = "status")]
    _status: IgnoredAny,
}

/// Other fields are the API server's business.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    pub(super) name: Placed,
    pub(super) namespace: Option<Placed>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    #[serde(rename = "match")]
    pub(super) matches: Option<Match>,
    pub(super) mode: Option<Placed>,
    pub(super) annotations: Option<BTreeMap<String, Placed>>,
    pub(super) upstreams: Option<BTreeMap<String, Placed>>,
    pub(super) destinations: Option<BTreeMap<String, Placed>>,
    pub(super) bounds: Option<Bounds>,
    pub(super) condition: Option<Spanned<IgnoredAny>>,
}

impl Spec {
    /// Whether it would change anything for the pods that it is for.
    pub(super) fn says_something(&self) -> bool {
        let says = |map: &Option<BTreeMap<String, Placed>>| map.as_ref().is_some_and(|map| !map.is_empty());
        says(&self.annotations)
            || says(&self.upstreams)
            || says(&self.destinations)
            || self.bounds.as_ref().is_some_and(|bounds| {
                bounds.images.is_some() || bounds.cpu.is_some() || bounds.memory.is_some()
            })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Match {
    pub(super) namespace_selector: Option<Selector>,
    pub(super) pod_selector: Option<Selector>,
    pub(super) owner_kinds: Option<Spanned<Vec<Placed>>>,
    pub(super) condition: Option<Spanned<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Selector {
    pub(super) match_labels: Option<BTreeMap<String, Placed>>,
    pub(super) match_expressions: Option<Vec<Expression>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expression {
    pub(super) key: Placed,
    pub(super) operator: Placed,
    pub(super) values: Option<Vec<Quoted>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bounds {
    pub(super) images: Option<Vec<Placed>>,
    pub(super) cpu: Option<Most>,
    pub(super) memory: Option<Most>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Most {
    pub(super) max: Spanned<Amount>,
}

/// Text that every reader of YAML takes for text: an API server refuses numbers and booleans where text belongs.
#[derive(Clone, Debug)]
pub(super) struct Quoted(pub(super) String);

/// Text or a whole number, as Kubernetes takes amounts.
#[derive(Clone, Debug)]
pub(super) struct Amount(pub(super) String);

impl<'de> Deserialize<'de> for Quoted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar { whole_numbers: false }).map(Quoted)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar { whole_numbers: true }).map(Amount)
    }
}

struct Scalar {
    whole_numbers: bool,
}

impl Visitor<'_> for Scalar {
    type Value = String;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
        if self.whole_numbers { Ok(number.to_string()) } else { Err(needs_quotes(number)) }
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
        Err(needs_quotes(number))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<String, E> {
        Err(needs_quotes(number))
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<String, E> {
        Err(needs_quotes(value))
    }
}

fn needs_quotes<E: Error>(found: impl fmt::Display) -> E {
    E::custom(format!("expected text, found {found} without quotes"))
}
