//! A `ValidatingAdmissionPolicy` and its binding.

use serde_json::{Value, json};

use crate::policy::{Requirement, Selector};

use super::source::{Actions, Guard, OPTED_IN, SYSTEM_NAMESPACES};

/// What an API server needs of files, so that they never clash with objects.
const STATIC: &str = ".static.k8s.io";

/// One policy, before it is written.
#[derive(Debug)]
pub(super) struct Admission {
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
    pub(super) fn new(guard: &Guard<'_>, name: &str, operations: &'static [&'static str]) -> Admission {
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

    /// Only where these selectors fit, and where the namespace has opted in if that is what multipod goes by.
    pub(super) fn only(&mut self, namespaces: &Selector, pods: &Selector, all_namespaces: bool) {
        self.namespaces.extend(namespaces.requirements().iter().map(requirement));
        self.pods.extend(pods.requirements().iter().map(requirement));
        if !all_namespaces {
            let (label, value) = OPTED_IN;
            self.namespaces.push(json!({"key": label, "operator": "In", "values": [value]}));
        }
    }

    /// Holds for everything that is looked at.
    pub(super) fn condition(&mut self, name: &str, expression: impl Into<String>) {
        self.conditions.push(json!({"name": name, "expression": expression.into()}));
    }

    pub(super) fn variable(&mut self, name: &str, expression: &str) {
        self.variables.push(json!({"name": name, "expression": expression}));
    }

    pub(super) fn validation(&mut self, expression: impl Into<String>, message: impl Into<String>) {
        self.validations.push(json!({"expression": expression.into(), "message": message.into()}));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.validations.is_empty()
    }

    pub(super) fn objects(self) -> [Value; 2] {
        let labels = json!({"app.kubernetes.io/name": "multipod", "app.kubernetes.io/component": "guard"});
        let metadata = json!({"name": self.name, "labels": labels});
        let actions = match self.actions {
            Actions::Deny => json!(["Deny"]),
            Actions::Warn => json!(["Warn", "Audit"]),
        };
        let mut matched = json!({
            "namespaceSelector": {"matchExpressions": self.namespaces},
            "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": self.operations,
                "resources": ["pods"]}],
        });
        if !self.pods.is_empty() {
            matched["objectSelector"] = json!({"matchExpressions": self.pods});
        }
        let policy = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": metadata,
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": matched,
                "matchConditions": self.conditions,
                "variables": self.variables,
                "validations": self.validations,
            },
        });
        let binding = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": metadata,
            "spec": {"policyName": self.name, "validationActions": actions},
        });
        [policy, binding]
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
