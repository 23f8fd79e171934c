//! Where the pod sits in the objects that make pods.

use serde_json::Value;

/// Lists in lists; nobody writes them deeper than one.
const DEEPEST: usize = 8;

/// The kinds whose pods are known.
const KINDS: [&str; 9] = [
    "Pod",
    "PodTemplate",
    "ReplicationController",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
];

/// One Kubernetes object of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Object<'v> {
    /// Where it stands in the document, as a JSON pointer; empty for the document itself.
    pub pointer: String,
    /// Its kind; empty where it has none.
    pub kind: &'v str,
    /// What it holds.
    pub value: &'v Value,
    /// Where pods of this kind sit, if it is a kind that multipod knows.
    pub place: Option<Place>,
}

/// Where the pod, or its template, sits in an object of some kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Within the object, as a JSON pointer; empty for a pod.
    pub pointer: &'static str,
    /// The kind of controller that policies see, unless the object says it itself.
    pub owner_kind: Option<&'static str>,
}

/// The objects of a document: itself, or the items of a list. A document that is no map has none.
pub fn objects(document: &Value) -> Vec<Object<'_>> {
    let mut found = Vec::new();
    collect(document, String::new(), ("", ""), 0, &mut found);
    found
}

impl<'v> Object<'v> {
    /// Its name, or what its name will begin with; empty where it has none.
    pub fn name(&self) -> &'v str {
        let of = |field: &str| self.value["metadata"][field].as_str().filter(|name| !name.is_empty());
        of("name").or_else(|| of("generateName")).unwrap_or_default()
    }

    /// The namespace that it names itself.
    pub fn namespace(&self) -> Option<&'v str> {
        self.value["metadata"]["namespace"].as_str().filter(|name| !name.is_empty())
    }

    /// The version that has this kind, where the object names another group of Kubernetes itself that has not.
    pub fn right_version(&self) -> Option<&'static str> {
        let own = self.value["apiVersion"].as_str()?;
        let is_of_kubernetes =
            ["v1", "apps/", "batch/", "extensions/"].iter().any(|group| own.starts_with(group));
        let has_it = |version: &&str| Place::of(version, self.kind).is_some();
        let right = ["v1", "apps/v1", "batch/v1"].into_iter().find(has_it)?;
        (is_of_kubernetes && Place::of(own, self.kind).is_none()).then_some(right)
    }

    /// The kinds whose pods are known and that its version has.
    pub fn kinds_of_version(&self) -> impl Iterator<Item = &'static str> + Clone {
        let version = self.value["apiVersion"].as_str().unwrap_or_default();
        KINDS.into_iter().filter(move |kind| Place::of(version, kind).is_some())
    }

    /// The pod or pod template in it, with its place in the document.
    pub fn template(&self) -> Option<(String, &'v Value)> {
        let place = self.place?;
        let template = self.value.pointer(place.pointer).filter(|template| template.is_object())?;
        Some((format!("{}{}", self.pointer, place.pointer), template))
    }
}

impl Place {
    /// The annotations of the object that never reach its pods, as JSON pointers.
    pub fn beside(self) -> &'static [&'static str] {
        match self.pointer {
            "" => &[],
            "/spec/jobTemplate/spec/template" => {
                &["/metadata/annotations", "/spec/jobTemplate/metadata/annotations"]
            }
            _ => &["/metadata/annotations"],
        }
    }

    /// Where pods sit in objects of this kind. A kind of another group that has the name of a known one is unknown.
    pub fn of(api_version: &str, kind: &str) -> Option<Place> {
        let (pointer, owner_kind, groups): (_, _, &[&str]) = match kind {
            "Pod" => ("", None, &[""]),
            "PodTemplate" => ("/template", None, &[""]),
            "ReplicationController" => ("/spec/template", Some("ReplicationController"), &[""]),
            "Deployment" => ("/spec/template", Some("Deployment"), &["apps", "extensions"]),
            "StatefulSet" => ("/spec/template", Some("StatefulSet"), &["apps"]),
            "DaemonSet" => ("/spec/template", Some("DaemonSet"), &["apps", "extensions"]),
            "ReplicaSet" => ("/spec/template", Some("ReplicaSet"), &["apps", "extensions"]),
            "Job" => ("/spec/template", Some("Job"), &["batch"]),
            "CronJob" => ("/spec/jobTemplate/spec/template", Some("Job"), &["batch"]),
            _ => return None,
        };
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        (api_version.is_empty() || groups.contains(&group)).then_some(Place { pointer, owner_kind })
    }
}

/// `inherited` is what the items of a `DeploymentList` need not say: the version and the kind.
fn collect<'v>(
    value: &'v Value,
    pointer: String,
    inherited: (&'v str, &'v str),
    depth: usize,
    found: &mut Vec<Object<'v>>,
) {
    if !value.is_object() {
        return;
    }
    let own = |field: &str| value[field].as_str().filter(|text| !text.is_empty());
    let version = own("apiVersion").unwrap_or(inherited.0);
    let kind = own("kind").unwrap_or(inherited.1);
    if let Some(item_kind) = kind.strip_suffix("List")
        && let Some(items) = value.get("items").filter(|items| items.is_array() || items.is_null())
        && depth < DEEPEST
    {
        let inherited = if item_kind.is_empty() { ("", "") } else { (version, item_kind) };
        for (index, item) in items.as_array().into_iter().flatten().enumerate() {
            collect(item, format!("{pointer}/items/{index}"), inherited, depth + 1, found);
        }
        return;
    }
    found.push(Object { pointer, kind, value, place: Place::of(version, kind) });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_that_makes_pods_has_a_place() {
        let cases = [
            ("v1", "Pod", Some(("", None))),
            ("v1", "PodTemplate", Some(("/template", None))),
            ("v1", "ReplicationController", Some(("/spec/template", Some("ReplicationController")))),
            ("apps/v1", "Deployment", Some(("/spec/template", Some("Deployment")))),
            ("extensions/v1beta1", "Deployment", Some(("/spec/template", Some("Deployment")))),
            ("apps/v1", "StatefulSet", Some(("/spec/template", Some("StatefulSet")))),
            ("apps/v1", "DaemonSet", Some(("/spec/template", Some("DaemonSet")))),
            ("apps/v1", "ReplicaSet", Some(("/spec/template", Some("ReplicaSet")))),
            ("batch/v1", "Job", Some(("/spec/template", Some("Job")))),
            ("batch/v1", "CronJob", Some(("/spec/jobTemplate/spec/template", Some("Job")))),
            ("", "Deployment", Some(("/spec/template", Some("Deployment")))),
            ("batch.example/v1", "Job", None),
            ("argoproj.example/v1", "Rollout", None),
            ("v1", "Service", None),
            ("v1", "", None),
        ];
        for (version, kind, expected) in cases {
            let place = Place::of(version, kind).map(|place| (place.pointer, place.owner_kind));
            assert_eq!(place, expected, "{version} {kind}");
        }
    }

    #[test]
    fn lists_are_opened_and_their_items_may_leave_out_the_kind() {
        let pod = |name: &str| json!({"metadata": {"name": name}, "spec": {}});
        let document = json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "PodList", "items": [pod("a"), pod("b")]},
            {"apiVersion": "v1", "kind": "List", "items": null},
            {"apiVersion": "v1", "kind": "List", "items": []},
            pod("c"),
            null,
            {"apiVersion": "v1", "kind": "Service", "metadata": {"generateName": "d-", "namespace": "n"}},
        ]});
        let found = objects(&document);
        let seen: Vec<_> = found
            .iter()
            .map(|object| (&*object.pointer, object.kind, object.name(), object.template().is_some()))
            .collect();
        assert_eq!(
            seen,
            [
                ("/items/0/items/0", "Pod", "a", true),
                ("/items/0/items/1", "Pod", "b", true),
                ("/items/3", "", "c", false),
                ("/items/5", "Service", "d-", false),
            ]
        );
        assert_eq!(found[3].namespace(), Some("n"));
    }

    #[test]
    fn what_is_no_list_is_not_opened() {
        for (document, count) in [
            (json!({"kind": "AllowList", "spec": {"items": [1]}}), 1),
            (json!({"kind": "AllowList", "items": {"a": 1}}), 1),
            (json!([{"kind": "Pod"}]), 0),
            (json!("text"), 0),
            (json!(null), 0),
        ] {
            assert_eq!(objects(&document).len(), count, "{document}");
        }
    }

    #[test]
    fn lists_without_end_are_opened_only_so_far() {
        let mut document = json!({"apiVersion": "v1", "kind": "Pod"});
        for _ in 0..=DEEPEST {
            document = json!({"apiVersion": "v1", "kind": "List", "items": [document]});
        }
        let found = objects(&document);
        assert_eq!((found.len(), found[0].kind), (1, "List"));
    }
}
