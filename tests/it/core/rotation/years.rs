//! Twenty years pass: replicas come and go, are cut off for days, and always serve what is good.

use std::collections::BTreeSet;
use std::time::Duration;

use multipod_rotation::{Pace, Phase};

use super::world::{Chance, Reads, Rules, World};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const YEARS: Duration = Duration::from_hours(20 * 365 * 24);
const REPLICAS: usize = 3;

#[test]
#[ignore = "half a minute"]
fn for_twenty_years_nobody_thinks_of_certificates() {
    let rules = Rules { pace: Pace::default(), lag: SECOND * 30, compares: true, reads: Reads::AtOnce };
    let begin = SECOND * 1_800_000_000;
    let mut world = World::new(begin, &[3, 1]);
    let mut chance = Chance(20);
    for (i, ahead) in [-1800, 0, 1800].into_iter().enumerate() {
        world.start(&format!("r{i}"), ahead, chance.below(1000), &rules);
    }
    let (mut authorities, mut mended) = (BTreeSet::new(), world.now);
    let mut names = 0;
    while world.now < begin + YEARS {
        for i in 0..REPLICAS {
            for _ in 0..6 {
                world.go_on(i, &rules);
                assert_eq!(
                    (world.refused(&rules), &world.fault),
                    (None, &None),
                    "after {:?}",
                    world.now.saturating_sub(begin)
                );
            }
            let good = world.replicas[i].rotation.leaf().is_some_and(|leaf| world.clock(i) < leaf.ends);
            assert!(
                good || world.now < begin + SECOND * 30,
                "after {:?}: {world:?}",
                world.now.saturating_sub(begin)
            );
        }
        authorities.extend(world.kept().and_then(|kept| kept.signing));
        let promises = world.kept().map_or(0, |kept| kept.promises.len());
        assert!(promises <= 12, "{promises} promises");
        world.wait(match world.phase() {
            Some(Phase::Stable) => HOUR * 6,
            Some(Phase::Switched) => SECOND * 60,
            _ => SECOND * 5,
        });
        // The network of one is lost for two days at most, and pods are replaced about once in a month.
        if world.now > mended {
            world.replicas.iter_mut().for_each(|one| one.cut = false);
            let luck = chance.below(200);
            if luck == 0 {
                world.replicas[chance.below(3) as usize].cut = true;
                mended = world.now + HOUR * 48;
            } else if luck == 1 {
                names += 1;
                let i = chance.below(3) as usize;
                world.replicas[i].crash(&format!("s{names}"), chance.below(1000));
                (0..6).for_each(|_| world.go_on(i, &rules));
            }
        }
    }
    // A year each, of which a third is left when it goes.
    assert!((28..=33).contains(&authorities.len()), "{} authorities", authorities.len());
}
