//! One replica looks at its cluster: what it does next, and what it never does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use multipod_rotation::{
    Action, Authority, Cluster, Configuration, Id, Kept, Leaf, Look, Pace, Promise, Rotation, Secret,
};

/// Some day of 2027.
const NOW: Duration = Duration::from_hours(500_000);
const DAY: Duration = Duration::from_hours(24);
const SECOND: Duration = Duration::from_secs(1);
const ME: &str = "me";

const A: Authority = Authority { id: Id(1), ends: NOW.saturating_add(Duration::from_hours(24 * 300)) };
const B: Authority = Authority { id: Id(2), ends: NOW.saturating_add(Duration::from_hours(24 * 360)) };
const C: Authority = Authority { id: Id(3), ends: NOW.saturating_add(Duration::from_hours(24 * 365)) };

/// A replica, and what it sees. A test changes what it is about.
struct Scene {
    rotation: Rotation,
    pace: Pace,
    now: Duration,
    kept: Kept,
    /// Each configuration with the bundle of every entry.
    bundles: Vec<Vec<BTreeSet<Authority>>>,
    version: u32,
}

impl Scene {
    /// A signs and everybody trusts it; the replica has promised to serve it.
    fn stable() -> Scene {
        let pace = Pace::default();
        let kept =
            Kept { signing: Some(A), promises: promises(&[(ME, A, NOW + DAY * 4)]), ..Kept::default() };
        let bundles = trusting(&[A]);
        Scene { rotation: Rotation::new(ME.to_owned(), pace, 0), pace, now: NOW, kept, bundles, version: 1 }
    }

    /// B signs, A is still trusted, and the replica still serves A.
    fn switched() -> Scene {
        let mut scene = Scene::stable();
        scene.rotation.serves(leaf(A));
        scene.kept.signing = Some(B);
        scene.kept.before = BTreeSet::from([A]);
        scene.bundles = trusting(&[A, B]);
        scene
    }

    fn looks(&mut self) -> Vec<Action> {
        self.sees(Secret::Read { kept: self.kept.clone(), asked: false })
    }

    fn sees(&mut self, secret: Secret) -> Vec<Action> {
        let configuration = |(i, entries): (usize, &Vec<BTreeSet<Authority>>)| {
            let version = self.version.to_string();
            (format!("c{i}"), Configuration { version, entries: entries.clone() })
        };
        let cluster =
            Cluster { configurations: self.bundles.iter().enumerate().map(configuration).collect(), secret };
        let look = Look { now: self.now, asked: self.now, answered: self.now, cluster: Some(cluster) };
        self.rotation.step(&look, &mut || Some(C))
    }

    /// The same again, when the hold and the pause of this replica are over.
    fn looks_after_the_hold(&mut self) -> Vec<Action> {
        self.looks();
        self.now += self.pace.hold;
        self.looks();
        self.now += self.pace.hold;
        self.looks()
    }

    fn is_cut_off(&mut self) -> Vec<Action> {
        let look = Look { now: self.now, asked: self.now, answered: self.now, cluster: None };
        self.rotation.step(&look, &mut || None)
    }
}

fn promises(all: &[(&str, Authority, Duration)]) -> BTreeMap<String, Promise> {
    let one = |(name, authority, until): &(&str, Authority, Duration)| {
        ((*name).to_owned(), Promise { authority: authority.id, until: *until })
    };
    all.iter().map(one).collect()
}

/// Two configurations, one with three entries.
fn trusting(authorities: &[Authority]) -> Vec<Vec<BTreeSet<Authority>>> {
    let bundle: BTreeSet<Authority> = authorities.iter().copied().collect();
    vec![vec![bundle.clone(); 3], vec![bundle]]
}

fn leaf(authority: Authority) -> Leaf {
    Leaf { authority, ends: NOW + DAY, renewed: NOW + DAY / 2 }
}

fn served(actions: &[Action]) -> Option<Leaf> {
    actions.iter().find_map(|action| match action {
        Action::Serve(leaf) => Some(*leaf),
        _ => None,
    })
}

fn written(actions: &[Action]) -> Option<&Kept> {
    actions.iter().find_map(|action| match action {
        Action::Keep { kept, .. } => Some(kept),
        _ => None,
    })
}

fn trusted(actions: &[Action]) -> Vec<&BTreeSet<Authority>> {
    let trust = actions.iter().filter_map(|action| match action {
        Action::Trust { authorities, .. } => Some(authorities),
        _ => None,
    });
    trust.collect()
}

#[test]
fn the_first_leaf_is_served_when_every_entry_trusts_it() {
    assert_eq!(served(&Scene::stable().looks()).map(|leaf| leaf.authority), Some(A));
    let mut none = Scene { bundles: trusting(&[]), ..Scene::stable() };
    assert_eq!(served(&none.looks()), None);
    for (configuration, entry) in [(0, 0), (0, 2), (1, 0)] {
        let mut scene = Scene::stable();
        scene.bundles[configuration][entry].clear();
        assert_eq!(served(&scene.looks()), None, "entry {entry} of configuration {configuration}");
    }
}

#[test]
fn the_first_leaf_is_served_when_it_is_promised() {
    let no_promise = Kept { promises: BTreeMap::new(), ..Scene::stable().kept };
    let of_another = Kept { promises: promises(&[(ME, C, NOW + DAY * 4)]), ..Scene::stable().kept };
    let by_another = Kept { promises: promises(&[("another", A, NOW + DAY * 4)]), ..Scene::stable().kept };
    for kept in [no_promise, of_another, by_another] {
        let mut scene = Scene { kept, ..Scene::stable() };
        let actions = scene.looks();
        assert_eq!(served(&actions), None);
        assert_eq!(
            written(&actions).unwrap().promises[ME],
            Promise { authority: A.id, until: NOW + DAY * 4 }
        );
    }
}

#[test]
fn a_leaf_ends_no_later_than_its_promise_and_its_authority() {
    let mut promised = Scene::stable();
    promised.kept.promises = promises(&[(ME, A, NOW + DAY / 3)]);
    assert_eq!(served(&promised.looks()).unwrap().ends, NOW + DAY / 3);

    // Whoever wrote this promise did not know when A ends.
    let short = Authority { ends: NOW + DAY / 4, ..A };
    let mut authority = Scene { bundles: trusting(&[short]), ..Scene::stable() };
    authority.kept.signing = Some(short);
    assert_eq!(served(&authority.looks()).unwrap().ends, NOW + DAY / 4);
}

#[test]
fn a_replica_that_is_cut_off_serves_for_as_long_as_it_has_promised() {
    let mut scene = Scene::stable();
    let first = served(&scene.looks()).unwrap();
    scene.rotation.serves(first);
    let mut renewed = 0;
    for _ in 0..24 * 7 {
        scene.now += Duration::from_hours(1);
        if let Some(leaf) = served(&scene.is_cut_off()) {
            assert_eq!(leaf.authority, A);
            scene.rotation.serves(leaf);
            renewed += 1;
        }
    }
    assert!(renewed >= 4, "{renewed}");
    assert_eq!(scene.rotation.leaf().unwrap().ends, NOW + DAY * 4);
}

#[test]
fn a_new_authority_signs_when_every_entry_has_trusted_it_for_the_hold() {
    let publishing = || {
        let mut scene = Scene { bundles: trusting(&[A, B]), ..Scene::stable() };
        scene.rotation.serves(leaf(A));
        scene.kept.next = Some(B);
        scene
    };
    let signs = |actions: &[Action]| written(actions).is_some_and(|kept| kept.signing == Some(B));

    let mut early = publishing();
    early.looks();
    early.now += early.pace.hold.saturating_sub(SECOND);
    assert!(!signs(&early.looks()));
    early.now += SECOND;
    let actions = early.looks();
    assert!(signs(&actions));
    assert_eq!(written(&actions).unwrap().before, BTreeSet::from([A]));

    // Somebody has written a configuration: it may have been without B in between.
    let mut broken = publishing();
    broken.looks();
    broken.now += broken.pace.hold / 2;
    broken.version += 1;
    broken.looks();
    broken.now += broken.pace.hold / 2;
    assert!(!signs(&broken.looks()));
    broken.now += broken.pace.hold / 2;
    assert!(signs(&broken.looks()));

    let mut one = publishing();
    one.bundles[0][1].remove(&B);
    assert!(!signs(&one.looks_after_the_hold()));
}

#[test]
fn another_authority_is_served_when_a_promise_covers_it() {
    assert_eq!(served(&Scene::switched().looks_after_the_hold()).map(|leaf| leaf.authority), Some(B));
    let mut promised = Scene::switched();
    promised.kept.promises = promises(&[(ME, B, NOW + DAY * 4)]);
    assert_eq!(served(&promised.looks_after_the_hold()).map(|leaf| leaf.authority), Some(B));
    // A promise of what nobody keeps for it says nothing about what it would serve.
    let mut other = Scene::switched();
    other.kept.promises = promises(&[(ME, C, NOW + DAY * 4)]);
    assert_eq!(served(&other.looks_after_the_hold()), None);
}

#[test]
fn replicas_change_to_another_authority_one_after_another() {
    let mut scene = Scene::switched();
    scene.rotation = Rotation::new(ME.to_owned(), scene.pace, 500);
    scene.rotation.serves(leaf(A));
    scene.looks();
    scene.now += scene.pace.hold;
    assert_eq!(served(&scene.looks()), None);
    scene.now += (scene.pace.hold / 4).saturating_sub(SECOND);
    assert_eq!(served(&scene.looks()), None);
    scene.now += SECOND;
    assert_eq!(served(&scene.looks()).map(|leaf| leaf.authority), Some(B));
}

/// The clock of an API server may find good what the replica's own finds over.
#[test]
fn what_was_served_before_holds_up_its_authority_until_it_is_over_for_everybody() {
    let mut scene = Scene::switched();
    scene.now = NOW + DAY + Duration::from_mins(1);
    let kept = written(&scene.looks()).unwrap().clone();
    assert_eq!(kept.promises[ME].authority, B.id);
    let others: Vec<_> = kept.promises.iter().filter(|(name, _)| *name != ME).collect();
    let [(name, promise)] = others[..] else { panic!("{others:?}") };
    assert!(name.starts_with("unknown-"), "{name}");
    assert_eq!(*promise, Promise { authority: A.id, until: NOW + DAY * 4 });
}

#[test]
fn where_bundles_trust_somebody_the_first_authority_is_published_before_it_signs() {
    let begins = |bundles| {
        let mut scene = Scene { bundles, kept: Kept::default(), ..Scene::stable() };
        match scene.looks().into_iter().find(|action| matches!(action, Action::Keep { .. })) {
            Some(Action::Keep { kept, granted }) => (kept, granted),
            other => panic!("{other:?}"),
        }
    };
    let (alone, granted) = begins(trusting(&[]));
    assert!(granted);
    assert_eq!(alone, Kept { signing: Some(C), ..Kept::default() });

    let (beside, granted) = begins(trusting(&[A]));
    assert!(granted);
    assert_eq!((beside.signing, beside.next, &beside.before), (None, Some(C), &BTreeSet::from([A])));
    let promised: Vec<Promise> = beside.promises.into_values().collect();
    assert_eq!(promised, [Promise { authority: A.id, until: NOW + DAY * 4 }]);
}

#[test]
fn a_secret_that_is_gone_is_put_back_from_memory_and_only_while_that_is_fresh() {
    for gone in [Secret::Missing, Secret::Broken] {
        let mut fresh = Scene::stable();
        fresh.looks();
        fresh.now += fresh.pace.hold / 2;
        let actions = fresh.sees(gone.clone());
        let kept = written(&actions).unwrap();
        assert_eq!(kept.trusted(), fresh.kept.trusted());
        assert_eq!(kept.promises[ME], fresh.kept.promises[ME]);
        // Somebody may have promised something that nobody remembers.
        let unknown = kept.promises.iter().find(|(name, _)| *name != ME).unwrap().1;
        assert_eq!(*unknown, Promise { authority: A.id, until: fresh.now + DAY * 4 });

        let mut old = Scene::stable();
        old.looks();
        old.now += old.pace.hold / 2 + SECOND;
        assert_eq!(old.sees(gone.clone()), []);
        old.now += old.pace.hold.saturating_sub(SECOND);
        assert_eq!(old.sees(gone.clone()), []);
        old.now += SECOND;
        assert_eq!(written(&old.sees(gone)).unwrap().trusted(), BTreeSet::from([A, C]));
    }
}

#[test]
fn an_authority_is_dropped_when_nobody_serves_it_any_longer() {
    let drops = |actions: &[Action]| written(actions).is_some_and(|kept| kept.before.is_empty());
    let done = || {
        let mut scene = Scene::switched();
        scene.rotation.serves(leaf(B));
        scene.kept.promises = promises(&[(ME, B, NOW + DAY * 4)]);
        scene
    };
    assert!(drops(&done().looks()));

    let mut own = done();
    own.rotation.serves(leaf(A));
    assert!(!drops(&own.looks()));

    let mut others = done();
    others.kept.promises = promises(&[(ME, B, NOW + DAY * 4), ("another", A, NOW + DAY / 12)]);
    assert!(!drops(&others.looks()));
    // Its clock may be slow by an hour, and API servers hear of things late.
    others.now += (DAY / 12 + Duration::from_mins(65)).saturating_sub(SECOND);
    assert!(!drops(&others.looks()));
    others.now += SECOND;
    assert!(drops(&others.looks()));
}

#[test]
fn what_is_served_stays_trusted_whatever_the_secret_says() {
    let mut scene = Scene { bundles: trusting(&[A, B]), ..Scene::stable() };
    scene.rotation.serves(leaf(A));
    scene.kept = Kept { signing: Some(B), ..Kept::default() };
    let actions = scene.looks();
    assert!(trusted(&actions).is_empty(), "{actions:?}");
    let kept = written(&actions).unwrap();
    assert_eq!((&kept.before, kept.promises[ME].authority), (&BTreeSet::from([A]), A.id));
}

/// Pods come and go for years, and not all of them say farewell.
#[test]
fn the_secret_keeps_no_promise_that_is_over() {
    let gone: Vec<(String, Promise)> = (0..1000)
        .map(|i| (format!("gone-{i}"), Promise { authority: A.id, until: NOW.saturating_sub(DAY) }))
        .collect();
    let mut scene = Scene::stable();
    scene.kept.promises =
        promises(&[(ME, A, NOW + DAY), ("another", A, NOW.saturating_sub(Duration::from_mins(1)))]);
    scene.kept.promises.extend(gone);
    let actions = scene.looks();
    let names: Vec<_> = written(&actions).unwrap().promises.keys().map(String::as_str).collect();
    assert_eq!(names, ["another", ME]);
}
