//! One look at the cluster, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::kept::{Authority, Id, Kept, Phase, Promise};
use super::pace::Pace;

/// What a replica sees at one time.
#[derive(Clone, Debug)]
pub struct Look {
    /// By the replica's clock, since 1970.
    pub now: Duration,
    /// By a clock that nobody sets: before it asked, and when the configurations had been read.
    pub asked: Duration,
    pub answered: Duration,
    /// Nothing while no API server answers.
    pub cluster: Option<Cluster>,
}

/// The configurations are read first. Both are as they are, not as a cache knows them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cluster {
    /// Those that there are, by name.
    pub configurations: BTreeMap<String, Configuration>,
    pub secret: Secret,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Configuration {
    /// It changes whenever a bundle does.
    pub version: String,
    /// The authorities that each entry trusts.
    pub entries: Vec<BTreeSet<Authority>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Secret {
    Missing,
    /// It holds something that is no state of ours.
    Broken,
    Read {
        kept: Kept,
        /// Somebody asks for a new authority.
        asked: bool,
    },
}

/// What to do next. What changes an object counts only while that is as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Let every entry of a configuration trust these and nobody else.
    Trust { configuration: String, authorities: BTreeSet<Authority> },
    /// Write the Secret. The wish for a new authority is fulfilled by it if `granted`.
    Keep { kept: Kept, granted: bool },
    /// Sign a leaf, and serve it from now on.
    Serve(Leaf),
}

/// What is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Leaf {
    pub authority: Authority,
    pub ends: Duration,
    /// It is renewed from then on.
    pub renewed: Duration,
}

/// What a replica knows of itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rotation {
    name: String,
    pace: Pace,
    /// In thousandths: replicas that do the same do it at different times.
    jitter: u32,
    /// What the Secret said, and when it was asked.
    known: Option<(Kept, Duration)>,
    /// Since when there is nothing to read.
    gone: Option<Duration>,
    held: Option<Held>,
    /// When it begins to serve another authority.
    switch: Option<(Id, Duration)>,
    leaf: Option<Leaf>,
}

/// An authority that is in every bundle.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Held {
    authority: Id,
    since: Duration,
    /// Of every configuration: one that is another by now may have been without it in between.
    versions: BTreeMap<String, String>,
}

impl Rotation {
    /// `jitter` is a random number below 1000.
    pub fn new(name: String, pace: Pace, jitter: u32) -> Rotation {
        Rotation { name, pace, jitter, known: None, gone: None, held: None, switch: None, leaf: None }
    }

    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// The edge has signed this, and serves it.
    pub fn serves(&mut self, leaf: Leaf) {
        self.leaf = Some(leaf);
        self.switch = None;
    }

    pub fn leaf(&self) -> Option<Leaf> {
        self.leaf
    }

    /// What the Secret said when it was read last.
    pub fn known(&self) -> Option<&Kept> {
        self.known.as_ref().map(|(kept, _)| kept)
    }

    /// What the Secret should say when this replica has served its last: `None` if it says so already.
    pub fn farewell(&self, kept: &Kept) -> Option<Kept> {
        let mut left = kept.clone();
        left.promises.remove(&self.name).map(|_| left)
    }

    /// What follows from a look. `make` makes a new authority, if it can; it is called at most once.
    pub fn step(&mut self, look: &Look, make: &mut dyn FnMut() -> Option<Authority>) -> Vec<Action> {
        let Some(cluster) = &look.cluster else { return self.renew_alone(look.now) };
        let (kept, asked) = match &cluster.secret {
            Secret::Read { kept, asked } if kept.phase() != Phase::Empty || self.known.is_none() => {
                (kept, *asked)
            }
            _ => return self.put_back(look, cluster, make),
        };
        self.gone = None;
        self.known = (kept.phase() != Phase::Empty).then(|| (kept.clone(), look.asked));
        self.watch(cluster, kept, look);
        let mut actions = Vec::new();
        let trusted = kept.trusted();
        let lost = self.good_leaf(look.now).filter(|leaf| !trusted.contains(&leaf.authority));
        // Whatever has happened to the Secret: nothing is taken away from what is served.
        if lost.is_none() && !trusted.is_empty() {
            let differs =
                |(_, one): &(&String, &Configuration)| one.entries.iter().any(|entry| *entry != trusted);
            actions.extend(cluster.configurations.iter().filter(differs).map(|(name, _)| Action::Trust {
                configuration: name.clone(),
                authorities: trusted.clone(),
            }));
        }
        actions.extend(self.serve(kept, cluster, look).map(Action::Serve));
        actions.extend(self.keep(kept, asked, cluster, look, make));
        actions
    }

    /// The leaf, while it is good by this replica's clock.
    fn own_leaf(&self, now: Duration) -> Option<Leaf> {
        self.leaf.filter(|leaf| now < leaf.ends)
    }

    /// The leaf, while somebody's clock may still find it good.
    fn good_leaf(&self, now: Duration) -> Option<Leaf> {
        self.leaf.filter(|leaf| now < leaf.ends + self.pace.skew())
    }

    /// The Secret says nothing. Whoever has just read it says it again; if nobody does, all begins anew.
    fn put_back(
        &mut self,
        look: &Look,
        cluster: &Cluster,
        make: &mut dyn FnMut() -> Option<Authority>,
    ) -> Vec<Action> {
        self.held = None;
        let gone = *self.gone.get_or_insert(look.asked);
        if let Some((kept, at)) = &self.known
            && look.asked.saturating_sub(*at) <= self.pace.memory()
        {
            // Somebody may have promised something in the meantime.
            let unknown = kept.trusted().into_iter().map(|authority| self.unknown(authority, look.now));
            let mut kept = kept.clone();
            kept.promises.extend(unknown.collect::<Vec<_>>());
            return vec![Action::Keep { kept, granted: false }];
        }
        if look.asked.saturating_sub(gone) < self.pace.patience() {
            return Vec::new();
        }
        self.known = None;
        self.begin(&Kept::default(), cluster, look, make).into_iter().collect()
    }

    /// A promise of somebody who is not known.
    fn unknown(&self, authority: Authority, now: Duration) -> (String, Promise) {
        let until = (now + self.pace.promise()).min(authority.ends);
        (format!("unknown-{}", authority.id), Promise { authority: authority.id, until })
    }

    /// The first authority, or one where there is none that is valid. Whom the bundles trust has perhaps signed what
    /// somebody serves.
    fn begin(
        &self,
        kept: &Kept,
        cluster: &Cluster,
        look: &Look,
        make: &mut dyn FnMut() -> Option<Authority>,
    ) -> Option<Action> {
        let new = make()?;
        let entries = cluster.configurations.values().flat_map(|one| &one.entries);
        let live = entries.flatten().copied().chain(kept.before.iter().copied());
        let before: BTreeSet<Authority> =
            live.filter(|authority| look.now < authority.ends + self.pace.skew()).collect();
        let mut promises = kept.promises.clone();
        promises.extend(before.iter().map(|authority| self.unknown(*authority, look.now)));
        // Where nobody is trusted nothing can be broken, and nobody has to wait.
        let (signing, next) = if before.is_empty() { (Some(new), None) } else { (None, Some(new)) };
        Some(Action::Keep { kept: Kept { signing, next, before, promises }, granted: true })
    }

    /// Notes since when the newest authority has been in every bundle.
    fn watch(&mut self, cluster: &Cluster, kept: &Kept, look: &Look) {
        let versions: BTreeMap<_, _> = cluster
            .configurations
            .iter()
            .map(|(name, configuration)| (name.clone(), configuration.version.clone()))
            .collect();
        let newest = kept.next.or(kept.signing).filter(|newest| is_live(cluster, newest));
        let before = self.held.take();
        self.held = newest.map(|newest| {
            let same = before.filter(|held| held.authority == newest.id && held.versions == versions);
            same.unwrap_or(Held { authority: newest.id, since: look.answered, versions })
        });
    }

    fn is_held(&self, authority: Id, look: &Look) -> bool {
        let held = self.held.as_ref().filter(|held| held.authority == authority);
        held.is_some_and(|held| look.asked.saturating_sub(held.since) >= self.pace.hold)
    }

    /// The next write of the Secret, if there is something to write.
    fn keep(
        &self,
        kept: &Kept,
        asked: bool,
        cluster: &Cluster,
        look: &Look,
        make: &mut dyn FnMut() -> Option<Authority>,
    ) -> Option<Action> {
        let now = look.now;
        let (signing, next) = (valid(kept.signing, now), valid(kept.next, now));
        let is_over = |promise: &Promise| now >= promise.until + self.pace.over();
        // Whoever ended without a farewell has left a promise behind.
        let write = |mut kept: Kept, granted| {
            kept.promises.retain(|_, promise| !is_over(promise));
            Some(Action::Keep { kept, granted })
        };
        if let Some(leaf) = self.good_leaf(now)
            && !kept.trusts(leaf.authority.id)
        {
            let mut kept = kept.clone();
            kept.before.insert(leaf.authority);
            kept.promises
                .insert(self.name.clone(), Promise { authority: leaf.authority.id, until: leaf.ends });
            return write(kept, false);
        }
        if signing.is_none() && next.is_none() {
            return self.begin(kept, cluster, look, make);
        }
        if let Some(next) = next
            && self.is_held(next.id, look)
        {
            let mut kept = kept.clone();
            kept.before.extend(kept.signing);
            (kept.signing, kept.next) = (Some(next), None);
            return write(kept, false);
        }
        let is_before = |id: Id| kept.before.iter().any(|before| before.id == id);
        let is_served = self.good_leaf(now).is_some_and(|leaf| is_before(leaf.authority.id))
            || kept.promises.values().any(|promise| is_before(promise.authority) && !is_over(promise));
        if kept.phase() == Phase::Switched && !is_served {
            let mut kept = kept.clone();
            kept.before.clear();
            return write(kept, false);
        }
        let is_due = |authority: Authority| authority.ends.saturating_sub(now) <= self.pace.authority / 3;
        if kept.phase() == Phase::Stable && (asked || signing.is_some_and(is_due)) {
            return write(Kept { next: Some(make()?), ..kept.clone() }, true);
        }
        let promise = self.promise(kept, now)?;
        let mut kept = kept.clone();
        // Somebody else's clock may find what it served before still good.
        if let Some(before) = kept.promises.insert(self.name.clone(), promise)
            && self.good_leaf(now).is_some_and(|leaf| leaf.authority.id == before.authority)
            && before.authority != promise.authority
        {
            kept.promises.insert(format!("unknown-{}", before.authority), before);
        }
        write(kept, false)
    }

    /// What this replica has to promise and has not.
    fn promise(&self, kept: &Kept, now: Duration) -> Option<Promise> {
        let leaf = self.own_leaf(now).map(|leaf| leaf.authority).filter(|served| kept.trusts(served.id));
        let authority = leaf.or(valid(kept.signing, now))?;
        let until = (now + self.pace.promise()).min(authority.ends);
        let promised = kept.promises.get(&self.name).filter(|promised| promised.authority == authority.id);
        // Long before it ends, and only where it can be longer.
        let lasts = |promised: &Promise| promised.until + self.pace.leaf >= until;
        (!promised.is_some_and(lasts)).then(|| Promise {
            authority: authority.id,
            until: promised.map_or(until, |promised| promised.until.max(until)),
        })
    }

    /// The leaf to serve from now on, if it is another one.
    fn serve(&mut self, kept: &Kept, cluster: &Cluster, look: &Look) -> Option<Leaf> {
        let signing = valid(kept.signing, look.now)?;
        let promised = *kept.promises.get(&self.name)?;
        let leaf = self.own_leaf(look.now);
        let may = match leaf {
            Some(leaf) if leaf.authority == signing => {
                look.now >= leaf.renewed && promised.authority == signing.id
            }
            // What it has promised about the one before holds that up, and so itself.
            Some(leaf) => {
                let covered = promised.authority == signing.id
                    || promised.authority == leaf.authority.id && kept.before.contains(&leaf.authority);
                covered && self.is_held(signing.id, look) && self.is_its_turn(signing.id, look)
            }
            None => promised.authority == signing.id && is_live(cluster, &signing),
        };
        let new = self.signed(signing, promised, look.now);
        let longer = leaf.is_none_or(|leaf| leaf.authority != signing || new.ends > leaf.ends);
        (may && longer && look.now < new.ends).then_some(new)
    }

    /// While no API server answers the last authority goes on, for as long as this replica has promised.
    fn renew_alone(&self, now: Duration) -> Vec<Action> {
        let renewed = || {
            let leaf = self.leaf.filter(|leaf| now >= leaf.renewed)?;
            let kept = self.known()?;
            let promised = kept.promises.get(&self.name).filter(|one| one.authority == leaf.authority.id)?;
            let signing = valid(kept.signing, now).filter(|signing| *signing == leaf.authority)?;
            Some(self.signed(signing, *promised, now)).filter(|new| new.ends > leaf.ends)
        };
        renewed().map(Action::Serve).into_iter().collect()
    }

    fn signed(&self, authority: Authority, promised: Promise, now: Duration) -> Leaf {
        let ends = (now + self.pace.leaf).min(authority.ends).min(promised.until);
        let life = ends.saturating_sub(now);
        // A third of its life is left, and a little more.
        Leaf { authority, ends, renewed: now + (life * 2 / 3).saturating_sub(life * self.jitter / 12_000) }
    }

    fn is_its_turn(&mut self, authority: Id, look: &Look) -> bool {
        let pause = self.pace.jitter() * self.jitter / 1000;
        let known = self.switch.filter(|(switch, _)| *switch == authority);
        let (_, at) = *self.switch.insert(known.unwrap_or((authority, look.asked + pause)));
        look.asked >= at
    }
}

fn valid(authority: Option<Authority>, now: Duration) -> Option<Authority> {
    authority.filter(|authority| now < authority.ends)
}

/// Whether every entry trusts it.
fn is_live(cluster: &Cluster, authority: &Authority) -> bool {
    cluster.configurations.values().flat_map(|one| &one.entries).all(|entry| entry.contains(authority))
}
