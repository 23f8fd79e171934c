//! Every order of what two replicas, their cluster and bad luck can do, as far as a budget goes: the checker walks through
//! all states that can be reached.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use multipod_rotation::{Authority, Id, Pace, Phase};
use stateright::{Checker, Model, Property};

use super::world::{Bundle, Reads, Rules, World};

/// How much of each there may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Luck {
    seconds: u8,
    /// Long pauses, after which promises are over.
    ages: u8,
    crashes: u8,
    cuts: u8,
    mends: u8,
    deleted: u8,
    broken: u8,
    meddled: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    world: World,
    left: Luck,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Move {
    Second,
    Age,
    GoOn(usize),
    Crash(usize, bool),
    Cut(usize),
    Mend(usize),
    Delete,
    Break,
    Meddle,
}

#[derive(Clone, Debug)]
struct Orders {
    rules: Rules,
    entries: Vec<usize>,
    /// Of each replica's clock.
    ahead: [i32; 2],
    /// The world is one that has an authority already.
    settled: bool,
    jitter: [u32; 2],
    luck: Luck,
}

const HARM: &str = "no leaf is shown to who does not trust it";
const BEGIN: Duration = Duration::from_secs(1000);
const SECOND: Duration = Duration::from_secs(1);
/// Longer than every promise.
const AGE: Duration = Duration::from_mins(15);

impl Orders {
    fn new(luck: Luck) -> Orders {
        let pace = Pace { authority: AGE * 40, leaf: SECOND * 192, hold: SECOND };
        let rules = Rules { pace, lag: SECOND, compares: true, reads: Reads::AtOnce };
        Orders { rules, entries: vec![1], ahead: [0, 0], settled: true, jitter: [0, 999], luck }
    }

    /// Fails with the way to the first state in which something is wrong.
    #[track_caller]
    fn hold(self) {
        let checker = self.check();
        checker.assert_properties();
        // A world in which little can happen shows nothing either.
        assert!(checker.unique_state_count() > 1000, "{} states", checker.unique_state_count());
    }

    #[track_caller]
    fn fails(self) {
        let checker = self.check();
        assert!(
            checker.discovery(HARM).is_some(),
            "{} states, and nothing found",
            checker.unique_state_count()
        );
    }

    fn check(self) -> impl Checker<Orders> {
        let threads = available_parallelism().map_or(1, NonZeroUsize::get);
        self.checker().threads(threads).spawn_bfs().join()
    }
}

impl Model for Orders {
    type State = State;
    type Action = Move;

    fn init_states(&self) -> Vec<State> {
        let mut world = World::new(BEGIN, &self.entries);
        for (i, ahead) in self.ahead.into_iter().enumerate() {
            world.start(&format!("r{i}"), ahead, self.jitter[i], &self.rules);
        }
        if self.settled {
            for _ in 0..60 {
                (0..2).for_each(|i| world.go_on(i, &self.rules));
            }
            world.wait(SECOND * 4);
            world.wish();
            assert!(world.replicas.iter().all(|one| one.rotation.leaf().is_some()), "{world:?}");
        }
        vec![State { world, left: self.luck }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Move>) {
        if state.world.fault.is_some() {
            return;
        }
        actions.extend((0..2).map(Move::GoOn));
        let left = &state.left;
        actions.extend((left.seconds > 0).then_some(Move::Second));
        actions.extend((left.ages > 0).then_some(Move::Age));
        actions.extend((left.deleted > 0).then_some(Move::Delete));
        actions.extend((left.broken > 0).then_some(Move::Break));
        actions.extend((left.meddled > 0).then_some(Move::Meddle));
        for (i, replica) in state.world.replicas.iter().enumerate() {
            actions.extend((left.crashes > 0).then_some(Move::Crash(i, true)));
            actions.extend((left.crashes > 0).then_some(Move::Crash(i, false)));
            actions.extend((left.cuts > 0 && !replica.cut).then_some(Move::Cut(i)));
            actions.extend((left.mends > 0 && replica.cut).then_some(Move::Mend(i)));
        }
    }

    fn next_state(&self, state: &State, action: Move) -> Option<State> {
        let State { mut world, mut left } = state.clone();
        match action {
            Move::GoOn(i) => {
                world.go_on(i, &self.rules);
                if world == state.world {
                    return None;
                }
            }
            Move::Second => {
                left.seconds -= 1;
                world.wait(SECOND);
            }
            Move::Age => {
                left.ages -= 1;
                world.wait(AGE);
            }
            Move::Crash(i, same) => {
                left.crashes -= 1;
                let name =
                    if same { world.replicas[i].name.clone() } else { format!("s{i}{}", left.crashes) };
                world.replicas[i].crash(&name, 0);
            }
            Move::Cut(i) => {
                left.cuts -= 1;
                world.replicas[i].cut = true;
            }
            Move::Mend(i) => {
                left.mends -= 1;
                world.replicas[i].cut = false;
            }
            Move::Delete => {
                left.deleted -= 1;
                world.delete_secret();
            }
            Move::Break => {
                left.broken -= 1;
                world.break_secret();
            }
            Move::Meddle => {
                left.meddled -= 1;
                let junk = Authority { id: Id(999), ends: BEGIN + AGE * 99 };
                world.meddle("c0", &Bundle::from([junk]), &self.rules);
            }
        }
        Some(State { world, left })
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(HARM, |model: &Orders, state: &State| {
                state.world.refused(&model.rules).is_none()
            }),
            Property::always("nothing else is wrong", |_, state: &State| state.world.fault.is_none()),
            Property::sometimes("the second authority stands alone", |model: &Orders, state: &State| {
                let second = |id: Id| id != Id(1) || !model.settled;
                state.world.phase() == Some(Phase::Stable)
                    && state.world.kept().and_then(|kept| kept.signing).is_some_and(|one| second(one.id))
                    && state
                        .world
                        .replicas
                        .iter()
                        .all(|one| one.rotation.leaf().is_some_and(|leaf| second(leaf.authority.id)))
            }),
        ]
    }
}

/// A new authority is asked for at the beginning, and there is as much time as a rotation takes.
fn rotating(luck: Luck) -> Orders {
    Orders::new(Luck { seconds: 2, ..luck })
}

/// The same, where both replicas switch in the same second.
fn at_once(luck: Luck) -> Orders {
    Orders { jitter: [0, 0], ..Orders::new(Luck { seconds: 1, ..luck }) }
}

#[test]
fn two_replicas_begin_at_once() {
    let orders = Orders::new(Luck { crashes: 1, ..Luck::default() });
    Orders { settled: false, entries: vec![1, 1], ..orders }.hold();
}

#[test]
fn a_rotation_goes_well_in_every_order() {
    rotating(Luck::default()).hold();
}

#[test]
fn a_replica_ends_at_any_step() {
    at_once(Luck { crashes: 1, ..Luck::default() }).hold();
}

#[test]
fn a_secret_that_is_deleted_at_any_time_breaks_nothing() {
    at_once(Luck { deleted: 1, ..Luck::default() }).hold();
}

#[test]
fn clocks_that_are_wrong_do_no_harm() {
    Orders { ahead: [-2, 2], ..rotating(Luck::default()) }.hold();
}

/// A checker that cannot fail shows nothing: here API servers hear of bundles later than was counted on.
#[test]
fn api_servers_that_are_later_than_the_hold_are_harmed() {
    let mut orders = rotating(Luck::default());
    orders.rules.lag = SECOND * 2;
    orders.fails();
}

/// What takes minutes; the checker needs a few gigabytes of memory for it.
mod long {
    use super::*;

    #[test]
    #[ignore = "minutes"]
    fn a_replica_ends_at_any_step_of_a_longer_rotation() {
        rotating(Luck { crashes: 1, ..Luck::default() }).hold();
    }

    #[test]
    #[ignore = "minutes"]
    fn a_secret_is_deleted_at_any_time_of_a_longer_rotation() {
        rotating(Luck { deleted: 1, ..Luck::default() }).hold();
    }

    #[test]
    #[ignore = "minutes"]
    fn what_happens_between_two_reads_does_no_harm() {
        let mut orders = rotating(Luck { meddled: 1, ..Luck::default() });
        orders.rules.reads = Reads::SecretLast;
        orders.hold();
    }

    #[test]
    #[ignore = "minutes"]
    fn a_replica_that_is_cut_off_holds_up_what_it_serves() {
        rotating(Luck { cuts: 1, mends: 1, ages: 1, ..Luck::default() }).hold();
    }

    #[test]
    #[ignore = "minutes"]
    fn a_secret_that_is_broken_at_any_time_breaks_nothing() {
        rotating(Luck { broken: 1, ..Luck::default() }).hold();
    }

    #[test]
    #[ignore = "minutes"]
    fn what_somebody_else_writes_is_repaired() {
        rotating(Luck { meddled: 1, ..Luck::default() }).hold();
    }

    #[test]
    #[ignore = "minutes"]
    fn clocks_that_are_wrong_do_no_harm_after_all_promises() {
        Orders { ahead: [-2, 2], ..rotating(Luck { ages: 1, ..Luck::default() }) }.hold();
    }

    #[test]
    #[ignore = "minutes"]
    fn without_its_precondition_a_late_write_does_harm() {
        let mut orders = rotating(Luck { meddled: 1, ..Luck::default() });
        orders.rules.compares = false;
        orders.fails();
    }

    #[test]
    #[ignore = "minutes"]
    fn a_secret_that_is_read_before_the_bundles_does_harm() {
        let mut orders = rotating(Luck { meddled: 1, ..Luck::default() });
        orders.rules.reads = Reads::SecretFirst;
        orders.fails();
    }
}
