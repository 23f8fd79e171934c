//! What the status of an object says, made from what is known of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::standing::Standing;

/// What is known of one object.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The version that this is about.
    pub generation: i64,
    pub standing: Standing,
    /// Whether an object of the folder has its name, and counts in its place.
    pub taken: bool,
    /// What is wrong with this version.
    pub problems: String,
    /// What other policies disagree on with it; nothing for a pattern.
    pub disagreements: Option<Vec<String>>,
    pub replicas: Replicas,
}

/// How many act on a version, of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replicas {
    pub acting: usize,
    pub live: usize,
}

/// The status of an object, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    observed_generation: i64,
    replicas: String,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    reason: String,
    message: String,
    observed_generation: i64,
    last_transition_time: String,
}

const ACCEPTED: &str = "Accepted";
const COMPATIBLE: &str = "Compatible";
const IN_FORCE: &str = "InForce";
const KINDS: [&str; 3] = [ACCEPTED, COMPATIBLE, IN_FORCE];

/// The longest message that Kubernetes takes.
const LONGEST: usize = 32_768;

impl Status {
    /// The part of a written status that is ours; nothing for one of another shape.
    pub fn read(mut written: Value) -> Option<Status> {
        if let Some(conditions) = written.get_mut("conditions").and_then(Value::as_array_mut) {
            let ours =
                |condition: &Value| condition["type"].as_str().is_some_and(|kind| KINDS.contains(&kind));
            conditions.retain(ours);
        }
        serde_json::from_value(written).ok()
    }

    /// The status of an object that had another one `before`; `now` is the time of what changes.
    pub fn of(findings: &Findings, before: Option<&Status>, now: &str) -> Status {
        let Findings { generation, replicas: Replicas { acting, live }, .. } = *findings;
        let conditions = [Some(accepted(findings)), compatible(findings), Some(in_force(findings))];
        let since = |kind: &str, status: &str| {
            let all = before.map_or(&[][..], |before| &before.conditions);
            let same = all.iter().find(|condition| condition.kind == kind && condition.status == status);
            same.map_or(now, |same| &*same.last_transition_time).to_owned()
        };
        let conditions = conditions.into_iter().flatten().map(|(kind, status, reason, mut message)| {
            message.truncate(message.floor_char_boundary(LONGEST));
            Condition {
                last_transition_time: since(kind, status),
                kind: kind.to_owned(),
                status: status.to_owned(),
                reason: reason.to_owned(),
                message,
                observed_generation: generation,
            }
        });
        Status {
            observed_generation: generation,
            replicas: format!("{acting}/{live}"),
            conditions: conditions.collect(),
        }
    }
}

/// Its type, its status, the reason and the message.
type Said = (&'static str, &'static str, &'static str, String);

fn accepted(findings: &Findings) -> Said {
    if findings.standing == Standing::InForce || findings.taken {
        return (ACCEPTED, "True", "accepted", "there is no mistake in it".to_owned());
    }
    (ACCEPTED, "False", "policy_invalid", findings.problems.clone())
}

fn compatible(findings: &Findings) -> Option<Said> {
    let disagreements = findings.disagreements.as_ref()?;
    if disagreements.is_empty() {
        let none = "no policy for the same pods wants something else".to_owned();
        return Some((COMPATIBLE, "True", "compatible", none));
    }
    Some((COMPATIBLE, "False", "policy_conflict", disagreements.join("\n")))
}

fn in_force(findings: &Findings) -> Said {
    let Replicas { acting, live } = findings.replicas;
    let (status, reason, message) = match findings.standing {
        Standing::InForce if acting == live => ("True", "in_force", "every replica acts on it".to_owned()),
        Standing::InForce => {
            ("False", "rolling_out", format!("{acting} of {live} replicas act on this version"))
        }
        _ if findings.taken => ("False", "name_taken", findings.problems.clone()),
        other => ("False", other.slug(), instead(other).to_owned()),
    };
    (IN_FORCE, status, reason, message)
}

/// What counts in the place of a version with a mistake.
fn instead(standing: Standing) -> &'static str {
    match standing {
        Standing::InForce => "this version counts",
        Standing::LastGood => "this version has a mistake; the last one without stays in force",
        Standing::Refusing => {
            "this version has a mistake, and there never was one without: the pods that it may be for are refused"
        }
        Standing::LeftOut => "this version has a mistake, and counts for nothing",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn findings(standing: Standing, acting: usize) -> Findings {
        let replicas = Replicas { acting, live: 3 };
        let problems = "injectionpolicy/a: spec.mode: wrong".to_owned();
        Findings {
            generation: 7,
            standing,
            taken: false,
            problems,
            disagreements: Some(Vec::new()),
            replicas,
        }
    }

    /// Type, status and reason of each condition.
    fn told(status: &Status) -> Vec<String> {
        let conditions = status.conditions.iter();
        conditions.map(|one| format!("{}={} {}", one.kind, one.status, one.reason)).collect()
    }

    #[test]
    fn each_standing_has_conditions_of_its_own() {
        let of = |findings: &Findings| told(&Status::of(findings, None, "now"));
        assert_eq!(
            of(&findings(Standing::InForce, 3)),
            ["Accepted=True accepted", "Compatible=True compatible", "InForce=True in_force"]
        );
        assert_eq!(of(&findings(Standing::InForce, 2))[2], "InForce=False rolling_out");
        for (standing, reason) in [
            (Standing::LastGood, "last_good"),
            (Standing::Refusing, "refusing"),
            (Standing::LeftOut, "left_out"),
        ] {
            let told = of(&findings(standing, 0));
            assert_eq!(
                (&*told[0], &*told[2]),
                ("Accepted=False policy_invalid", &*format!("InForce=False {reason}"))
            );
        }
        let taken = Findings { taken: true, ..findings(Standing::LeftOut, 0) };
        assert_eq!(
            (&*of(&taken)[0], &*of(&taken)[2]),
            ("Accepted=True accepted", "InForce=False name_taken")
        );
        let disagreements = Some(vec!["multipod/logging: b".to_owned()]);
        assert_eq!(
            of(&Findings { disagreements, ..findings(Standing::InForce, 3) })[1],
            "Compatible=False policy_conflict"
        );
        assert_eq!(of(&Findings { disagreements: None, ..findings(Standing::InForce, 3) }).len(), 2);
    }

    #[test]
    fn nothing_changes_as_long_as_nothing_has_changed() {
        let first = Status::of(&findings(Standing::InForce, 2), None, "at first");
        let again = Status::of(&findings(Standing::InForce, 2), Some(&first), "later");
        assert_eq!(again, first);
        let all = Status::of(&findings(Standing::InForce, 3), Some(&first), "later");
        let since: Vec<&str> = all.conditions.iter().map(|one| &*one.last_transition_time).collect();
        assert_eq!((all.replicas.as_str(), since), ("3/3", vec!["at first", "at first", "later"]));
        let mut written = serde_json::to_value(&all).unwrap();
        assert_eq!(written["conditions"][2]["lastTransitionTime"], "later");
        // Others may have conditions of their own.
        written["conditions"].as_array_mut().unwrap().push(json!({"type": "Reviewed", "status": "True"}));
        assert_eq!(Status::read(written), Some(all));
        assert_eq!(Status::read(json!({"replicas": 3})), None);
        assert_eq!(Status::read(Value::Null), None);
    }

    #[test]
    fn a_message_is_cut_at_what_kubernetes_takes() {
        let problems = "ä".repeat(LONGEST);
        let status = Status::of(&Findings { problems, ..findings(Standing::LeftOut, 0) }, None, "now");
        assert_eq!(status.conditions[0].message.len(), LONGEST);
    }
}
