//! Reviews that cost more than they weigh: every list and every map of a pod, of a workload and of a review, filled
//! with the smallest things that can stand in it.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, dead_code, unreachable_pub)] // Each program uses its own part.

use std::fmt::Write;

/// The text of a review in which one place can be filled.
#[derive(Clone)]
pub struct Shape {
    /// Which place, and with what.
    pub name: String,
    before: String,
    filler: String,
    /// Between two of them.
    comma: &'static str,
    after: String,
}

/// What stands in the place of what is filled.
const HOLE: &str = "@@";

/// A pod that asks for a little of everything, with a hole in every list and map.
const POD: &str = r#"{"@@M":0,"metadata":{"name":"web","@@M":0,"labels":{"app":"web","@@P":""},"annotations":{"multipod/ambassador":"80:8775",
"multipod/logging":"/data/app.log","multipod/metrics":"nginx","multipod/patterns":"variables","@@P":"","@@K":""},
"ownerReferences":[{"kind":"ReplicaSet","controller":true,"@@M":0},@@O],"finalizers":[@@L],"managedFields":[@@L]},
"spec":{"@@M":0,"containers":[{"name":"app","@@M":0,"image":"a:1","command":[@@L],"args":[@@L],"env":[{"name":"A","value":"b","@@M":0},@@E],"envFrom":[@@L],
"ports":[{"containerPort":5000,"@@M":0},@@T],"volumeMounts":[{"name":"v","mountPath":"/data","@@M":0},@@V],"volumeDevices":[@@L],
"resources":{"limits":{"cpu":"1","@@M":0},"requests":{"@@M":0},"claims":[@@L],"@@M":0},"securityContext":{"@@M":0,"capabilities":{"add":[@@L]}}},@@C],
"initContainers":[{"name":"multipod-ambassador","@@M":0,"image":"x","args":[@@L],"env":[@@L]},@@C],"ephemeralContainers":[@@C],
"volumes":[{"name":"v","emptyDir":{"@@M":0},"@@M":0},{"name":"multipod-no-token","projected":{"sources":[@@L],"@@M":0}},@@C],"imagePullSecrets":[@@C],"securityContext":{"@@M":0,"sysctls":[@@C],"supplementalGroups":[@@L]},
"nodeSelector":{"@@P":""},"affinity":{"@@M":0,"nodeAffinity":{"@@M":0,"requiredDuringSchedulingIgnoredDuringExecution":{"@@M":0,"nodeSelectorTerms":[
{"matchExpressions":[{"key":"kubernetes.io/os","operator":"In","values":["linux",@@L]},@@L],"@@M":0},@@L]}}},
"tolerations":[@@L],"hostAliases":[@@L],"topologySpreadConstraints":[@@L],"resources":{"limits":{"@@M":0},"requests":{"@@M":0}},"overhead":{"@@M":0},
"os":{"@@M":0,"name":"linux"},"readinessGates":[@@L],"dnsConfig":{"options":[@@L]}}}"#;

/// What a hole takes, by its letter.
fn fillers(letter: &str) -> &'static [&'static str] {
    match letter {
        "M" => &[r#""%":0"#, r#""":0"#, r#""%":{}"#, r#""name":"""#],
        "P" => &[r#""%":"""#, r#""%":null"#, r#""%":[]"#, r#""%":0"#, r#""":"""#, r#""\u0061%":"""#],
        "K" => &[r#""multipod/%":"""#, r#""multipod/%":0"#, r#""rendered.multipod/%":"""#],
        "O" => &["{}", r#"{"controller":false}"#, "[]", "null", r#"{"controller":true}"#],
        "E" => &["{}", r#"{"name":""}"#, r#"{"name":"%"}"#, r#""""#, "null", r#"{"name":"MODE"}"#],
        "T" => &[
            "{}",
            r#"{"containerPort":1}"#,
            r#"{"containerPort":%}"#,
            r#"{"name":"%","hostPort":%}"#,
            "null",
            "[]",
        ],
        "V" => {
            &["{}", r#"{"mountPath":""}"#, r#"{"mountPath":"/%"}"#, r#"{"mountPath":"/data"}"#, "null", "0"]
        }
        "C" => &[
            "{}",
            r#"{"name":""}"#,
            r#"{"name":"a"}"#,
            r#"{"name":"%"}"#,
            "[]",
            "null",
            r#""""#,
            r#"{"name":"%","value":""}"#,
        ],
        "L" => &["{}", "[]", "null", "0", r#""""#, r#"{"":{}}"#, "[{}]"],
        other => panic!("{other}"),
    }
}

/// Values of annotations that are read item by item; `%` is a number that counts up.
const VALUES: [&str; 18] = [
    "1%:1,",
    "%:1,",
    "80:1,",
    "a,",
    "a ",
    "a=1 ",
    "x=",
    "/a/%/x.log,",
    "/*,",
    "wait-for a:1%,",
    "wait-for a:1,",
    "https://a.b/%.git into=/d%,",
    "nginx,",
    "variables,",
    "logging,",
    "\\\",",
    "1h",
    "\\u0061,",
];
const KEYS: [&str; 8] =
    ["ambassador", "logging", "metrics", "sync", "patterns", "init", "share-process-namespace", "opt-out"];

/// A review of the creation of this pod.
pub fn of_pod(pod: &str) -> String {
    format!(
        r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"1","operation":"CREATE","namespace":"shop",
        "resource":{{"group":"","version":"v1","resource":"pods"}},"object":{pod}}}}}"#
    )
}

/// A review of the creation of a pod, with holes.
pub fn pod() -> String {
    format!(
        r#"{{"@@M":0,"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"@@M":0,"uid":"1","operation":"CREATE","namespace":"shop",
        "userInfo":{{"groups":[@@L],"extra":{{"@@M":0}}}},"options":{{"@@M":0}},"resource":{{"group":"","version":"v1","resource":"pods"}},"object":{POD}}}}}"#
    )
}

/// The same of a pod in which nothing has the name of something of ours.
pub fn free_pod() -> String {
    pod().replace("multipod-ambassador", "init").replace("multipod-no-token", "other")
}

/// A review of a workload, with holes.
pub fn workload() -> String {
    format!(
        r#"{{"@@M":0,"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"@@M":0,"uid":"1","operation":"UPDATE","namespace":"shop",
        "resource":{{"group":"batch","version":"v1","resource":"cronjobs"}},
        "object":{{"@@M":0,"apiVersion":"batch/v1","kind":"CronJob","metadata":{{"@@M":0,"annotations":{{"@@P":"","@@K":""}},"ownerReferences":[@@O],"managedFields":[@@L]}},
        "spec":{{"@@M":0,"jobTemplate":{{"@@M":0,"metadata":{{"annotations":{{"@@P":"","@@K":""}}}},"spec":{{"@@M":0,"template":{POD}}}}}}}}},
        "oldObject":{{"@@M":0,"spec":{{"jobTemplate":{{"spec":{{"template":{{"@@M":0,"spec":{{"containers":[@@L]}}}}}}}}}}}}}}}}"#
    )
}

/// Every shape of a review: one for each hole and each thing that fits it, all other holes closed.
pub fn of(review: &str) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for hole in holes(review) {
        let (before, after) = (closed(&review[..hole.start]), closed(&review[hole.end..]));
        for filler in fillers(hole.letter) {
            shapes.push(Shape {
                name: format!("{}…{filler}", place(&before)),
                before: before.clone(),
                filler: (*filler).to_owned(),
                comma: ",",
                after: after.clone(),
            });
        }
    }
    shapes
}

/// Every shape of an annotation's value.
pub fn of_values() -> Vec<Shape> {
    let shape = |key: &str, value: &str| Shape {
        name: format!("multipod/{key}: {value}"),
        before: format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"1","operation":"CREATE","namespace":"shop",
            "resource":{{"group":"","version":"v1","resource":"pods"}},"object":{{"metadata":{{"annotations":{{"multipod/{key}":""#
        ),
        filler: value.to_owned(),
        comma: "",
        after: r#""}},"spec":{"containers":[{"name":"app"}]}}}}"#.to_owned(),
    };
    KEYS.iter().flat_map(|key| VALUES.iter().map(|value| shape(key, value))).collect()
}

/// A review with several of its holes filled: which one, with what, and up to how many bytes.
pub fn filled(review: &str, holes_filled: &[(usize, String, usize)]) -> String {
    let mut text = review.to_owned();
    let all = holes(review);
    let mut chosen: Vec<_> =
        holes_filled.iter().map(|(hole, item, bytes)| (hole % all.len(), item, bytes)).collect();
    chosen.sort_by_key(|(hole, ..)| std::cmp::Reverse(*hole));
    chosen.dedup_by_key(|(hole, ..)| *hole);
    for (hole, item, bytes) in chosen {
        let Hole { start, end, letter } = all[hole];
        let is_member = matches!(letter, "M" | "P" | "K");
        let filler = if is_member { format!("\"%\":{item}") } else { item.clone() };
        text.replace_range(start..end, &repeated(&filler, ",", *bytes));
    }
    closed(&text)
}

impl Shape {
    /// The review, filled up to about this many bytes.
    pub fn of_bytes(&self, bytes: usize) -> String {
        let room = bytes.saturating_sub(self.before.len() + self.after.len());
        format!("{}{}{}", self.before, repeated(&self.filler, self.comma, room), self.after)
    }
}

/// At least one.
fn repeated(filler: &str, comma: &str, bytes: usize) -> String {
    let mut text = filler.replace('%', "0");
    for count in 1_usize.. {
        if text.len() >= bytes {
            break;
        }
        text.push_str(comma);
        for (part, index) in filler.split('%').zip(0..) {
            if index > 0 {
                write!(text, "{count}").unwrap();
            }
            text.push_str(part);
        }
    }
    text
}

#[derive(Clone, Copy)]
struct Hole<'t> {
    start: usize,
    end: usize,
    letter: &'t str,
}

fn holes(text: &str) -> Vec<Hole<'_>> {
    let hole = |at: usize| {
        let end = at + HOLE.len() + 1;
        let letter = &text[at + HOLE.len()..end];
        // In a map it stands there as a member with a value.
        match letter {
            "M" => Hole { start: at - 1, end: end + "\":0".len(), letter },
            "P" | "K" => Hole { start: at - 1, end: end + "\":\"\"".len(), letter },
            _ => Hole { start: at, end, letter },
        }
    };
    text.match_indices(HOLE).map(|(at, _)| hole(at)).collect()
}

/// The last few signs before a hole tell people which one it is.
fn place(before: &str) -> String {
    let text: String = before.chars().filter(|c| !c.is_whitespace()).collect();
    let from = text.len().saturating_sub(60);
    text[text.ceil_char_boundary(from)..].to_owned()
}

/// The text without its holes, and without the commas that they need.
fn closed(text: &str) -> String {
    let mut out = text.to_owned();
    let tokens = ["\"@@M\":0", "\"@@P\":\"\"", "\"@@K\":\"\"", "@@O", "@@E", "@@T", "@@V", "@@C", "@@L"];
    for token in tokens {
        for found in [format!("{token},"), format!(",{token}"), token.to_owned()] {
            out = out.replace(&found, "");
        }
    }
    out
}
