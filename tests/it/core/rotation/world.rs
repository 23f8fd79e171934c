//! A cluster in miniature: one Secret, configurations whose bundles reach API servers late, and replicas that may stop
//! between any two of their steps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use multipod_rotation::{
    Action, Authority, Cluster, Configuration, Id, Kept, Leaf, Look, Pace, Phase, Rotation, Secret,
};

pub(super) type Bundle = BTreeSet<Authority>;

/// What a world is like.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) pace: Pace,
    /// An API server knows a bundle at most so long after the change.
    pub(super) lag: Duration,
    /// Writes count only while the object is as it was seen.
    pub(super) compares: bool,
    /// In which order a replica reads.
    pub(super) reads: Reads,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// Anything may happen in between, after which the Secret is read.
    SecretLast,
    SecretFirst,
    /// What happens in between is left out.
    AtOnce,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) now: Duration,
    secret: Option<(u32, Stored)>,
    /// Of the Secret.
    versions: u32,
    pub(super) configurations: BTreeMap<String, Registered>,
    /// Bundles that an API server may still know, and until when.
    late: BTreeSet<(Duration, Bundle)>,
    pub(super) replicas: Vec<Replica>,
    made: u128,
    /// What went wrong, for the rest of this world.
    pub(super) fault: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stored {
    Kept(Kept, bool),
    Broken,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Registered {
    version: u32,
    pub(super) entries: Vec<Bundle>,
    /// Somebody else has written it: what it breaks is no fault of ours.
    foreign: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Replica {
    pub(super) name: String,
    pub(super) rotation: Rotation,
    /// Its clock is so many seconds ahead.
    ahead: i32,
    /// It reaches no API server; API servers still reach it.
    pub(super) cut: bool,
    pub(super) stage: Stage,
}

/// Where a replica is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    Idle,
    /// It has read one of the two.
    Half(Half),
    /// What is left to do, and what it has seen.
    Acting(Vec<Action>, Box<Seen>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Half {
    Configurations(BTreeMap<String, Registered>, Duration),
    Secret(Option<(u32, Stored)>, Duration),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Seen {
    secret: Option<(u32, Stored)>,
    configurations: BTreeMap<String, Registered>,
}

impl World {
    /// Configurations with so many entries, which trust nobody.
    pub(super) fn new(begin: Duration, entries: &[usize]) -> World {
        let of =
            |count: &usize| Registered { version: 0, entries: vec![Bundle::new(); *count], foreign: true };
        World {
            now: begin,
            secret: Some((0, Stored::Kept(Kept::default(), false))),
            versions: 0,
            configurations: entries
                .iter()
                .enumerate()
                .map(|(i, count)| (format!("c{i}"), of(count)))
                .collect(),
            late: BTreeSet::new(),
            replicas: Vec::new(),
            made: 0,
            fault: None,
        }
    }

    pub(super) fn start(&mut self, name: &str, ahead: i32, jitter: u32, rules: &Rules) {
        self.replicas.push(Replica {
            name: name.to_owned(),
            rotation: Rotation::new(name.to_owned(), rules.pace, jitter),
            ahead,
            cut: false,
            stage: Stage::Idle,
        });
    }

    pub(super) fn kept(&self) -> Option<&Kept> {
        match &self.secret {
            Some((_, Stored::Kept(kept, _))) => Some(kept),
            _ => None,
        }
    }

    pub(super) fn phase(&self) -> Option<Phase> {
        self.kept().map(Kept::phase)
    }

    /// Somebody asks for a new authority.
    pub(super) fn wish(&mut self) {
        if let Some((version, Stored::Kept(_, asked))) = &mut self.secret {
            self.versions += 1;
            (*version, *asked) = (self.versions, true);
        }
    }

    pub(super) fn delete_secret(&mut self) {
        self.secret = None;
    }

    pub(super) fn break_secret(&mut self) {
        self.versions += 1;
        self.secret = Some((self.versions, Stored::Broken));
    }

    /// Somebody else writes the bundles of a configuration.
    pub(super) fn meddle(&mut self, name: &str, bundle: &Bundle, rules: &Rules) {
        self.write(name, bundle, true, rules);
    }

    fn write(&mut self, name: &str, bundle: &Bundle, foreign: bool, rules: &Rules) {
        let Some(one) = self.configurations.get_mut(name) else {
            self.fault = Some(format!("{name} is not there"));
            return;
        };
        let version = one.version + 1;
        // What others have written is no fault of ours, also where an API server learns late that it is gone.
        if !one.foreign {
            self.late.extend(one.entries.iter().map(|entry| (self.now + rules.lag, entry.clone())));
        }
        *one = Registered { version, entries: vec![bundle.clone(); one.entries.len()], foreign };
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now += time;
        let now = self.now;
        self.late.retain(|(until, _)| now < *until);
    }

    pub(super) fn clock(&self, replica: usize) -> Duration {
        let ahead = self.replicas[replica].ahead;
        let by = Duration::from_secs(ahead.unsigned_abs().into());
        if ahead < 0 { self.now.saturating_sub(by) } else { self.now + by }
    }

    /// The next thing that a replica does.
    pub(super) fn go_on(&mut self, i: usize, rules: &Rules) {
        match std::mem::replace(&mut self.replicas[i].stage, Stage::Idle) {
            Stage::Idle if self.replicas[i].cut => self.decide(i, None, self.now),
            Stage::Idle => {
                let (secret, configurations) = (self.secret.clone(), self.configurations.clone());
                self.replicas[i].stage = Stage::Half(match rules.reads {
                    Reads::SecretLast => Half::Configurations(configurations, self.now),
                    Reads::SecretFirst => Half::Secret(secret, self.now),
                    Reads::AtOnce => return self.decide(i, Some(Seen { secret, configurations }), self.now),
                });
            }
            Stage::Half(_) if self.replicas[i].cut => {}
            Stage::Half(Half::Configurations(configurations, at)) => {
                let secret = self.secret.clone();
                self.decide(i, Some(Seen { secret, configurations }), at);
            }
            Stage::Half(Half::Secret(secret, at)) => {
                let configurations = self.configurations.clone();
                self.decide(i, Some(Seen { secret, configurations }), at);
            }
            Stage::Acting(mut actions, seen) => {
                let action = actions.remove(0);
                self.act(i, action, &seen, rules);
                if !actions.is_empty() {
                    self.replicas[i].stage = Stage::Acting(actions, seen);
                }
            }
        }
    }

    fn decide(&mut self, i: usize, seen: Option<Seen>, at: Duration) {
        let now = self.clock(i);
        let mut made = self.made;
        let mut make = || {
            made += 1;
            Some(Authority { id: Id(made), ends: now + self.replicas[i].life() })
        };
        let look = Look { now, asked: at, answered: at, cluster: seen.as_ref().map(cluster) };
        let mut rotation = self.replicas[i].rotation.clone();
        let actions = rotation.step(&look, &mut make);
        self.made = made;
        self.replicas[i].rotation = rotation;
        if !actions.is_empty() {
            let seen = seen.unwrap_or(Seen { secret: None, configurations: BTreeMap::new() });
            self.replicas[i].stage = Stage::Acting(actions, Box::new(seen));
        }
    }

    fn act(&mut self, i: usize, action: Action, seen: &Seen, rules: &Rules) {
        match action {
            Action::Serve(leaf) => {
                let cut = seen.configurations.is_empty();
                self.check_served(i, leaf, seen, cut);
                self.replicas[i].rotation.serves(leaf);
            }
            _ if self.replicas[i].cut => {}
            Action::Keep { kept, granted } => {
                let is_same = match (&self.secret, &seen.secret) {
                    (Some((now, _)), Some((then, _))) => now == then,
                    (None, None) => true,
                    _ => false,
                };
                if is_same || !rules.compares {
                    self.versions += 1;
                    let asked = matches!(&self.secret, Some((_, Stored::Kept(_, true)))) && !granted;
                    self.secret = Some((self.versions, Stored::Kept(kept, asked)));
                }
            }
            Action::Trust { configuration, authorities } => {
                if authorities.is_empty() {
                    self.fault = Some("a bundle is empty".to_owned());
                }
                let version =
                    |all: &BTreeMap<String, Registered>| all.get(&configuration).map(|one| one.version);
                if version(&self.configurations) == version(&seen.configurations) || !rules.compares {
                    self.write(&configuration, &authorities, false, rules);
                }
            }
        }
    }

    /// What was seen live when it was decided.
    fn check_served(&mut self, i: usize, leaf: Leaf, seen: &Seen, cut: bool) {
        let before = self.replicas[i].rotation.leaf().map(|leaf| leaf.authority);
        let mut entries = seen.configurations.values().flat_map(|one| &one.entries);
        if before != Some(leaf.authority) && (cut || !entries.all(|entry| entry.contains(&leaf.authority))) {
            self.fault =
                Some(format!("{} serves what it has not seen live: {leaf:?}", self.replicas[i].name));
        }
        let promised = self.replicas[i].rotation.known().and_then(|kept| {
            let covers = |id| id == leaf.authority.id || kept.before.iter().any(|before| before.id == id);
            kept.promises.get(&self.replicas[i].name).filter(|promised| covers(promised.authority))
        });
        if promised.is_none_or(|promised| promised.until < leaf.ends) {
            self.fault = Some(format!("{} serves what it has not promised: {leaf:?}", self.replicas[i].name));
        }
        if leaf.ends > leaf.authority.ends {
            self.fault = Some(format!("a leaf outlives its authority: {leaf:?}"));
        }
    }

    /// Who shows a leaf, which is good, to an API server that does not trust it.
    pub(super) fn refused(&self, rules: &Rules) -> Option<String> {
        let ours = self.configurations.values().filter(|one| !one.foreign).flat_map(|one| &one.entries);
        let bundles: BTreeSet<&Bundle> = ours.chain(self.late.iter().map(|(_, bundle)| bundle)).collect();
        for replica in &self.replicas {
            let Some(leaf) = replica.rotation.leaf() else { continue };
            // The clock of the API server may be behind by half of what there is between two clocks.
            let is_good = self.now < leaf.ends + rules.pace.leaf / 48;
            if is_good && let Some(bundle) = bundles.iter().find(|bundle| !bundle.contains(&leaf.authority)) {
                return Some(format!("{} serves {leaf:?}, and there is {bundle:?}", replica.name));
            }
        }
        None
    }
}

impl Replica {
    fn life(&self) -> Duration {
        self.rotation.pace().authority
    }

    /// It ends without a word. Another one takes its place, perhaps by the same name.
    pub(super) fn crash(&mut self, name: &str, jitter: u32) {
        name.clone_into(&mut self.name);
        self.rotation = Rotation::new(self.name.clone(), self.rotation.pace(), jitter);
        self.stage = Stage::Idle;
    }
}

fn cluster(seen: &Seen) -> Cluster {
    let of = |(name, one): (&String, &Registered)| {
        let version = one.version.to_string();
        (name.clone(), Configuration { version, entries: one.entries.clone() })
    };
    Cluster {
        configurations: seen.configurations.iter().map(of).collect(),
        secret: match &seen.secret {
            None => Secret::Missing,
            Some((_, Stored::Broken)) => Secret::Broken,
            Some((_, Stored::Kept(kept, asked))) => Secret::Read { kept: kept.clone(), asked: *asked },
        },
    }
}

/// Numbers that look random, and are the same each time.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, most: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 16) % u64::from(most)).unwrap_or_default()
    }
}
