//! The replicas, as their Leases tell of them: who is alive, who leads, and who acts on which version of an object.
//!
//! Clocks of machines differ, so none is compared with another: a replica is alive for as long as its Lease goes on
//! changing, by the clock of whoever looks. The first by name leads. For a moment two may believe so; both then write the
//! same, and of nothing but status.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process;
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use serde_json::{Value, json};

use multipod_engine::policy::Replicas;

use crate::server::Replica;

/// A replica that has not been heard of for so long is gone.
pub(super) const LIFETIME: Duration = Duration::from_secs(30);
/// Nobody needs what is left of it then.
const FORGOTTEN: Duration = Duration::from_mins(2);

/// How all of them are found.
pub(super) const OF_REPLICAS: &str = "multipod.dev/replica";
const ACTS_ON: &str = "multipod.dev/acts-on";

/// The pod that a replica runs in. Its Lease goes with it, so that none stays when all replicas have gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPod {
    pub name: String,
    pub uid: String,
}

/// What a Lease says.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) name: String,
    /// When it was renewed, by the replica's own clock.
    pub(super) renewed: String,
    pub(super) record: String,
}

impl Told {
    pub(super) fn of(lease: Lease) -> Option<Told> {
        Some(Told {
            name: lease.metadata.name?,
            renewed: lease.spec?.renew_time?.0.to_string(),
            record: lease.metadata.annotations?.remove(ACTS_ON)?,
        })
    }
}

/// What was seen of all of them.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<String, One>);

#[derive(Debug)]
struct One {
    renewed: String,
    changed: Instant,
    acts_on: BTreeSet<String>,
}

/// The versions of the objects that a replica acts on, as its Lease records them. It grows with the number of objects, so a
/// version takes few bytes in it: the beginning of a UID is as good as random.
pub(super) fn record<'o>(acts_on: impl IntoIterator<Item = (&'o str, i64)>) -> String {
    let all: BTreeSet<String> =
        acts_on.into_iter().map(|(uid, generation)| version(uid, generation)).collect();
    all.into_iter().collect::<Vec<_>>().join(" ")
}

fn version(uid: &str, generation: i64) -> String {
    format!("{}={generation}", uid.get(..8).unwrap_or(uid))
}

/// The Lease of a replica.
pub(super) fn lease(name: &str, own_pod: Option<&OwnPod>, record: &str, now: &MicroTime) -> Value {
    let mut lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {
            "name": name,
            "labels": {OF_REPLICAS: "", "app.kubernetes.io/name": "multipod", "app.kubernetes.io/part-of": "multipod"},
            "annotations": {ACTS_ON: record},
        },
        "spec": {"holderIdentity": name, "leaseDurationSeconds": LIFETIME.as_secs(), "renewTime": now},
    });
    if let Some(OwnPod { name, uid }) = own_pod {
        // Nothing about who blocks whose deletion: that takes rights on pods, which nobody else needs.
        lease["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid}]);
    }
    lease
}

/// A pod has its name as its host's; elsewhere, several may run on one host.
pub(super) fn own_name() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let clean = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let host: String = host.trim().chars().map(clean).collect();
    format!("multipod-{}-{}", host.trim_matches('-'), process::id())
}

impl Seen {
    /// These are all Leases that there are.
    pub(super) fn look(&mut self, leases: Vec<Told>, now: Instant) {
        let mut before = std::mem::take(&mut self.0);
        for Told { name, renewed, record } in leases {
            let same = before.remove(&name).filter(|one| one.renewed == renewed);
            let changed = same.map_or(now, |one| one.changed);
            let acts_on = record.split(' ').map(str::to_owned).collect();
            self.0.insert(name, One { renewed, changed, acts_on });
        }
    }

    pub(super) fn leader(&self, now: Instant) -> Option<&str> {
        self.live(now).next().map(|(name, _)| &**name)
    }

    /// How many act on a version, of how many.
    pub(super) fn acting(&self, uid: &str, generation: i64, now: Instant) -> Replicas {
        let version = version(uid, generation);
        Replicas {
            acting: self.live(now).filter(|(_, one)| one.acts_on.contains(&version)).count(),
            live: self.live(now).count(),
        }
    }

    /// All that are alive, beside the one of this name.
    pub(super) fn each(&self, own: &str, now: Instant) -> Vec<Replica> {
        let acts_on = self.0.get(own).map(|own| &own.acts_on);
        let leader = self.leader(now);
        let replica = |(name, one): (&String, &One)| Replica {
            name: name.clone(),
            own: name == own,
            leads: leader == Some(name),
            in_step: acts_on == Some(&one.acts_on),
        };
        self.live(now).map(replica).collect()
    }

    /// Those whose Leases can be taken away.
    pub(super) fn forgotten(&self, now: Instant) -> impl Iterator<Item = &str> {
        let gone = move |one: &One| now.duration_since(one.changed) > FORGOTTEN;
        self.0.iter().filter(move |(_, one)| gone(one)).map(|(name, _)| &**name)
    }

    fn live(&self, now: Instant) -> impl Iterator<Item = (&String, &One)> {
        self.0.iter().filter(move |(_, one)| now.duration_since(one.changed) <= LIFETIME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, renewed: u32, acts_on: &[(&str, i64)]) -> Told {
        Told { name: name.to_owned(), renewed: renewed.to_string(), record: record(acts_on.iter().copied()) }
    }

    #[test]
    fn a_lease_goes_with_the_pod_of_its_replica_and_says_what_it_acts_on() {
        let now = MicroTime(k8s_openapi::jiff::Timestamp::UNIX_EPOCH);
        let pod = OwnPod { name: "multipod-7c9f-x".to_owned(), uid: "0123-4567".to_owned() };
        let with = lease("multipod-a-1", Some(&pod), "01234567=4", &now);
        assert_eq!(
            with["metadata"]["ownerReferences"],
            json!([{"apiVersion": "v1", "kind": "Pod", "name": "multipod-7c9f-x", "uid": "0123-4567"}])
        );
        let told = Told::of(serde_json::from_value(with).unwrap()).unwrap();
        assert_eq!((&*told.name, &*told.record), ("multipod-a-1", "01234567=4"));
        let without = lease("multipod-a-1", None, "", &now);
        assert!(without["metadata"].get("ownerReferences").is_none());
    }

    #[test]
    fn who_acts_on_a_version_is_counted_among_the_living() {
        let begun = Instant::now();
        let mut seen = Seen::default();
        let (web, other) = ("0123456789", "abcdefghij");
        seen.look(
            vec![told("b", 1, &[(web, 4), (other, 1)]), told("a", 1, &[(web, 3)]), told("c", 1, &[])],
            begun,
        );
        assert_eq!(seen.leader(begun), Some("a"));
        assert_eq!(seen.acting(web, 4, begun), Replicas { acting: 1, live: 3 });
        assert_eq!(seen.acting(other, 2, begun), Replicas { acting: 0, live: 3 });

        // The one that led is silent, another has gone by itself.
        let later = begun + LIFETIME + Duration::from_secs(1);
        seen.look(vec![told("b", 2, &[(web, 4)]), told("a", 1, &[(web, 3)])], later);
        assert_eq!(seen.leader(later), Some("b"));
        assert_eq!(seen.acting(web, 4, later), Replicas { acting: 1, live: 1 });
        assert_eq!(seen.forgotten(later).count(), 0);
        let much_later = begun + FORGOTTEN + Duration::from_secs(1);
        assert_eq!(seen.forgotten(much_later).collect::<Vec<_>>(), ["a"]);
        // It was only slow.
        seen.look(vec![told("b", 3, &[]), told("a", 2, &[])], much_later);
        assert_eq!(seen.leader(much_later), Some("a"));
    }
}
