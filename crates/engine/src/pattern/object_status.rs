//! What the status of an object in the cluster says: the one shape of policies and patterns.

use schemars::JsonSchema;

use super::written::{List, Quoted};

/// What the replicas of multipod made of the object.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is written as JSON; this is its schema")]
pub struct ObjectStatus {
    /// `Accepted`: it could be read. `Compatible`: no other policy disagrees with it. `InForce`: every replica acts on it.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    conditions: Option<List<Condition, 16>>,
    /// The generation of the object that this is about.
    observed_generation: Option<i64>,
    /// How many replicas act on this generation, of how many: 3/3.
    replicas: Option<Quoted<32>>,
}

/// What is true of the object, and since when.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is written as JSON; this is its schema")]
struct Condition {
    /// What it is about.
    #[schemars(rename = "type")]
    kind: Quoted<316>,
    /// Whether it is so.
    #[schemars(extend("enum" = ["True", "False", "Unknown"]))]
    status: Quoted<7>,
    /// Why, in one word that never changes.
    reason: Quoted<1024>,
    /// Why, for people.
    message: Quoted<32_768>,
    /// The generation of the object that this is about.
    #[schemars(range(min = 0))]
    observed_generation: Option<i64>,
    /// Since when it is so.
    #[schemars(extend("format" = "date-time"))]
    last_transition_time: Quoted<64>,
}
