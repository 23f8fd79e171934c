//! An `InjectionPolicy` as it is written: the shape is strict, the contents are not checked yet.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::pattern::written::{At, IntOrString, List, Map, Placed, Quoted, WholeNumber, rule};

use super::object::{Mode, OnObstacle};
use super::owner::NO_CRON_JOB;
use super::selector::Operator;

/// A policy that was cut off behind its mode looks like one that is in force.
pub(super) const NOTHING: &str = "the policy says nothing: expected annotations, upstreams, destinations or bounds with something in it; is the file whole?";
pub(super) const AUDITED_BOUNDS: &str = "an audit policy only tells what it would add, and bounds refuse pods: choose another mode, or leave them out";
pub(super) const OWN_KEYS: &str = "expected keys of multipod, such as multipod/logging";
pub(super) const NO_OPT_OUT: &str = "only a pod or its namespace can opt out";
pub(super) const NO_STATUS: &str = "multipod writes this key itself";

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
    pub(super) name: Placed<253>,
    pub(super) namespace: Option<Placed<253>>,
}

/// What is added to which pods, and what pods may choose themselves.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [rule(SAYS_SOMETHING, NOTHING), rule("self.mode != 'audit' || !has(self.bounds)", AUDITED_BOUNDS)]))]
pub struct Spec {
    /// Which pods the policy is for; all of them where nothing is given. Everything that is given must fit.
    #[serde(rename = "match")]
    pub(super) matches: Option<Match>,
    /// How far it goes. `default`: it adds what nobody else asks for, unless the pod opts out. `enforce`: it decides,
    /// whatever pods and namespaces say. `audit`: it adds nothing and only tells what it would add.
    #[schemars(with = "Option<Mode>", extend("default" = Mode::Default.name()))]
    pub(super) mode: Option<Placed<16>>,
    /// What becomes of a pod in which something stands in the way of what the policy sets, such as a port that is taken.
    /// `deny`: it is refused. `skip`: it is left without what the policy sets, with a warning. Where nothing is said, `deny`
    /// with the mode `enforce`, else `skip`.
    #[schemars(with = "Option<OnObstacle>")]
    pub(super) on_obstacle: Option<Placed<16>>,
    /// Annotations of multipod, as if the pods had them: `multipod/logging`, `multipod/metrics` and the others but
    /// `multipod/opt-out`.
    #[schemars(extend("x-kubernetes-validations" = [
        rule("self.all(key, key.startsWith('multipod/'))", OWN_KEYS),
        rule("!('multipod/opt-out' in self)", NO_OPT_OUT),
        rule("!('multipod/status' in self)", NO_STATUS),
    ]))]
    pub(super) annotations: Option<Map<Placed<262_144>, 32>>,
    /// Which of the app's containers get mounts and variables where the annotations name none: `all`, `default` (the one
    /// that `kubectl` would pick), or names such as `web, worker-*, !istio-proxy`. Where nothing is said, `all` with the
    /// mode `enforce`, else `default`.
    pub(super) containers: Option<Placed<4096>>,
    /// What `@NAME` stands for where `multipod/ambassador` sends to it: `HOST:PORT` by name.
    pub(super) upstreams: Option<Map<Placed<512>, 256>>,
    /// What `@NAME` stands for where `multipod/logging` ships to it, such as `otlp://collector.observability:4317`.
    pub(super) destinations: Option<Map<Placed<2048>, 256>>,
    /// The limits of what pods and namespaces may choose for the patterns that they ask for.
    pub(super) bounds: Option<Bounds>,
    /// How many of the workloads that it is for it reaches so far.
    pub(super) rollout: Option<Rollout>,
}

/// [`Spec::says_something`], as an API server asks it.
const SAYS_SOMETHING: &str = "\
    has(self.annotations) && size(self.annotations) > 0 || has(self.upstreams) && size(self.upstreams) > 0 || \
    has(self.destinations) && size(self.destinations) > 0 || \
    has(self.bounds) && (has(self.bounds.keys) || has(self.bounds.images) || has(self.bounds.cpu) || has(self.bounds.memory))";

impl Spec {
    /// Whether it would change anything for the pods that it is for.
    pub(super) fn says_something(&self) -> bool {
        fn says<T, const MOST: usize>(map: Option<&Map<T, MOST>>) -> bool {
            map.is_some_and(|map| !map.0.is_empty())
        }
        says(self.annotations.as_ref())
            || says(self.upstreams.as_ref())
            || says(self.destinations.as_ref())
            || self.bounds.as_ref().is_some_and(|bounds| {
                bounds.keys.is_some()
                    || bounds.images.is_some()
                    || bounds.cpu.is_some()
                    || bounds.memory.is_some()
            })
    }
}

/// Which pods a policy is for: everything that is given must fit.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Match {
    /// What the labels of the pod's namespace must be like.
    pub(super) namespace_selector: Option<Selector>,
    /// What the labels of the pod itself must be like.
    pub(super) pod_selector: Option<Selector>,
    /// What must have made the pod: `Deployment`, `StatefulSet`, `DaemonSet`, `Job` or another kind of controller; `Pod`
    /// for a pod that nobody controls.
    #[schemars(extend("minItems" = 1, "x-kubernetes-validations" = [rule("!('CronJob' in self)", NO_CRON_JOB)]))]
    pub(super) owner_kinds: Option<At<List<Placed<63>, 64>>>,
    /// What must hold for a pod besides, in CEL, over `object` (the pod) and `namespaceObject` (name and labels of its
    /// namespace, and up to 16 annotations by their names). Evaluated where all else fits. A condition that is false excludes the pod; one without an answer never
    /// does: with the mode `enforce` the pod is refused.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub(super) match_conditions: Option<List<MatchCondition, 64>>,
}

/// Something that must hold for a pod, as in webhooks and admission policies of Kubernetes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MatchCondition {
    /// What it is called where it excludes a pod; no two of a policy are called alike.
    #[schemars(extend("minLength" = 1))]
    pub(super) name: Placed<317>,
    /// What must be true, such as `object.metadata.namespace != "sandbox"`.
    #[schemars(extend("minLength" = 1))]
    pub(super) expression: Placed<{ multipod_cel::LONGEST }>,
}

/// What labels must be like, as everywhere in Kubernetes: all requirements hold at once, and none hold for everything.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub(super) struct Selector {
    /// Labels that must be there with these values.
    pub(super) match_labels: Option<Map<Placed<63>, 256>>,
    /// Requirements of other kinds.
    pub(super) match_expressions: Option<List<Expression, 256>>,
}

/// What one label must be like.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-kubernetes-validations" = [
    rule("!(self.operator in ['In', 'NotIn']) || has(self.values) && size(self.values) > 0", "In and NotIn need values"),
    rule("self.operator in ['In', 'NotIn'] || !has(self.values) || size(self.values) == 0", "Exists and DoesNotExist take no values"),
]))]
pub(super) struct Expression {
    /// The name of the label.
    pub(super) key: Placed<317>,
    /// How it is compared.
    #[schemars(with = "Operator")]
    pub(super) operator: Placed<16>,
    /// The values that `In` and `NotIn` compare with.
    pub(super) values: Option<List<Quoted<63>, 256>>,
}

/// How far it is rolled out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rollout {
    /// Of how many workloads in a hundred it is for. All pods of a workload are in or out together, and a higher number only
    /// ever adds.
    pub(super) percent: WholeNumber<100>,
}

/// The limits of what pods and namespaces may choose; what is not given is free.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Bounds {
    /// The keys that pods and namespaces may set, such as `multipod/metrics`. With an empty list, none.
    pub(super) keys: Option<List<Placed<63>, 32>>,
    /// The images that `image=` may name, where `*` stands for any text: `haproxy:*`. With an empty list, none.
    pub(super) images: Option<List<Placed<1024>, 256>>,
    /// How much CPU `cpu=` may ask for.
    pub(super) cpu: Option<Most>,
    /// How much memory `memory=` may ask for.
    pub(super) memory: Option<Most>,
}

/// A largest amount.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Most {
    /// The largest amount that a request or limit may have, such as `500m` or `256Mi`.
    pub(super) max: At<IntOrString>,
}
