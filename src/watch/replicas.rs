//! The replicas, as their Leases tell of them: who is alive, who leads, and who acts on which version of an object.
//!
//! Clocks of machines differ, so none is compared with another: a replica is alive for as long as its Lease goes on
//! changing, by the clock of whoever looks. The first by name leads. For a moment two may believe so; both then write the
//! same, and of nothing but status.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process;
use std::time::{Duration, Instant};

use multipod_engine::policy::Replicas;

/// A replica that has not been heard of for so long is gone.
pub(super) const LIFETIME: Duration = Duration::from_secs(30);
/// Nobody needs what is left of it then.
const FORGOTTEN: Duration = Duration::from_mins(2);

/// What a Lease says.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) name: String,
    /// When it was renewed, by the replica's own clock.
    pub(super) renewed: String,
    pub(super) record: String,
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
