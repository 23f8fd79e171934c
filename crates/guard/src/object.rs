//! An admission policy of the API server, and its binding.

use multipod_engine::policy::{OwnerKind, Policy, Requirement};
use serde_json::{Value, json};

use super::cel;
use super::source::{Actions, Guard, OPTED_IN, SYSTEM_NAMESPACES};

/// The kubelet tells of static pods by copies that nobody may change.
const NOT_A_MIRROR: &str =
    "!(has(object.metadata.annotations) && \"kubernetes.io/config.mirror\" in object.metadata.annotations)";

/// What an API server needs of files, so that they never clash with objects.
const STATIC: &str = ".static.k8s.io";

/// One policy, before it is written.
#[derive(Debug)]
pub struct Admission {
    name: String,
    actions: Actions,
    operations: &'static [&'static str],
    namespaces: Vec<Value>,
    pods: Vec<Value>,
    conditions: Vec<Value>,
    variables: Vec<Value>,
    validations: Vec<Value>,
}

impl Admission {
    /// For pods of every namespace that multipod is asked about.
    pub fn new(guard: &Guard<'_>, name: &str, operations: &'static [&'static str]) -> Admission {
        let excluded = guard.settings.excluded_namespaces.iter().map(String::as_str);
        let excluded: Vec<&str> = SYSTEM_NAMESPACES.into_iter().chain(excluded).collect();
        let namespaces =
            vec![json!({"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": excluded})];
        let suffix = if guard.static_files { STATIC } else { "" };
        Admission {
            name: format!("{name}{suffix}"),
            actions: guard.actions,
            operations,
            namespaces,
            pods: Vec::new(),
            conditions: Vec::new(),
            variables: Vec::new(),
            validations: Vec::new(),
        }
    }

    pub(super) fn actions(&mut self, actions: Actions) {
        self.actions = actions;
    }

    /// For the pods that a policy is for, where the namespace has opted in if that is what multipod goes by.
    pub fn of(
        guard: &Guard<'_>,
        name: &str,
        operations: &'static [&'static str],
        policy: &Policy,
    ) -> Admission {
        let mut written = Admission::new(guard, name, operations);
        let (namespaces, pods, owners) = policy.matches.parts();
        written.namespaces.extend(namespaces.requirements().iter().map(requirement));
        written.pods.extend(pods.requirements().iter().map(requirement));
        if !guard.all_namespaces {
            let (label, value) = OPTED_IN;
            written.namespaces.push(json!({"key": label, "operator": "In", "values": [value]}));
        }
        written.no_mirrors();
        if !owners.is_empty() {
            let kinds: Vec<&str> = owners.iter().map(OwnerKind::controller).collect();
            written.condition("made-by", made_by(&kinds));
        }
        written
    }

    /// Leaves the copies of static pods alone.
    pub(super) fn no_mirrors(&mut self) {
        self.condition("not-a-mirror-of-a-static-pod", NOT_A_MIRROR);
    }

    /// Holds for everything that is looked at.
    pub fn condition(&mut self, name: &str, expression: impl Into<String>) {
        self.conditions.push(json!({"name": name, "expression": expression.into()}));
    }

    pub fn variable(&mut self, name: &str, expression: impl Into<String>) {
        self.variables.push(json!({"name": name, "expression": expression.into()}));
    }

    pub(super) fn validation(&mut self, expression: impl Into<String>, message: impl Into<String>) {
        self.validations.push(json!({"expression": expression.into(), "message": message.into()}));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.validations.is_empty()
    }

    /// As a policy that refuses what does not pass.
    pub fn validating(self) -> [Value; 2] {
        let actions = match self.actions {
            Actions::Deny => json!(["Deny"]),
            Actions::Warn => json!(["Warn", "Audit"]),
        };
        let does = json!({"validations": self.validations});
        self.written(
            ("v1", "ValidatingAdmissionPolicy"),
            "guard",
            does,
            json!({"validationActions": actions}),
        )
    }

    /// As a policy that changes pods by the JSON patch that an expression makes, and is asked again when others have changed
    /// them.
    pub fn mutating(self, version: &str, component: &str, patch: &str) -> [Value; 2] {
        let mutations = json!([{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}]);
        let does = json!({"reinvocationPolicy": "IfNeeded", "mutations": mutations});
        self.written((version, "MutatingAdmissionPolicy"), component, does, json!({}))
    }

    /// With what it does, and what its binding says besides.
    fn written(
        &self,
        (version, kind): (&str, &str),
        component: &str,
        does: Value,
        bound: Value,
    ) -> [Value; 2] {
        let labels = json!({"app.kubernetes.io/name": "multipod", "app.kubernetes.io/component": component});
        let metadata = json!({"name": self.name, "labels": labels});
        let mut matched = json!({
            "namespaceSelector": {"matchExpressions": self.namespaces},
            "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": self.operations,
                "resources": ["pods"]}],
        });
        if !self.pods.is_empty() {
            matched["objectSelector"] = json!({"matchExpressions": self.pods});
        }
        let version = format!("admissionregistration.k8s.io/{version}");
        let mut policy = json!({
            "apiVersion": version,
            "kind": kind,
            "metadata": metadata,
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": matched,
                "matchConditions": self.conditions,
                "variables": self.variables,
            },
        });
        let mut binding = json!({
            "apiVersion": version,
            "kind": format!("{kind}Binding"),
            "metadata": metadata,
            "spec": {"policyName": self.name},
        });
        for (object, more) in [(&mut policy, does), (&mut binding, bound)] {
            let spec = object["spec"].as_object_mut().into_iter();
            spec.zip(more.as_object().cloned()).for_each(|(spec, more)| spec.extend(more));
        }
        [policy, binding]
    }
}

fn made_by(kinds: &[&str]) -> String {
    let owners =
        "(request.operation == \"UPDATE\" ? oldObject : object).metadata.?ownerReferences.orValue([])";
    let owned = format!(
        "{owners}.exists(o, o.?controller.orValue(false) && o.kind in {})",
        cel::list(kinds.iter().copied())
    );
    if kinds.contains(&"Pod") {
        format!("{owned} || !{owners}.exists(o, o.?controller.orValue(false))")
    } else {
        owned
    }
}

fn requirement(requirement: &Requirement) -> Value {
    let (operator, values) = requirement.operator();
    let mut value = json!({"key": requirement.key(), "operator": operator});
    if !values.is_empty() {
        value["values"] = json!(values);
    }
    value
}
