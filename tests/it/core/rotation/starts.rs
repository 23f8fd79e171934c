//! Many replicas begin at one time, in any order and with bad luck, and agree in the end.

use std::time::Duration;

use multipod_rotation::{Authority, Id, Pace, Phase};

use super::world::{Bundle, Chance, Reads, Rules, World};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn however_many_begin_they_agree_on_one_authority() {
    begin(100);
}

#[test]
#[ignore = "a minute"]
fn however_many_begin_they_agree_on_one_authority_a_thousand_times() {
    begin(1000);
}

fn begin(starts: u64) {
    let rules = Rules { pace: Pace::default(), lag: SECOND * 30, compares: true, reads: Reads::SecretLast };
    for seed in 1..=starts {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut world = World::new(SECOND * 1_800_000_000, &[3, 1]);
        match chance.below(4) {
            0 => world.delete_secret(),
            1 => world.break_secret(),
            2 => {
                // Somebody has made certificates before.
                let earlier = Authority { id: Id(999), ends: world.now + SECOND * 86_400 * 300 };
                world.meddle("c0", &Bundle::from([earlier]), &rules);
            }
            _ => {}
        }
        let count = 2 + chance.below(4) as usize;
        for i in 0..count {
            let ahead = i32::try_from(chance.below(3600)).unwrap() - 1800;
            world.start(&format!("r{i}"), ahead, chance.below(1000), &rules);
        }
        for step in 0..250 {
            let i = chance.below(u32::try_from(count).unwrap()) as usize;
            match chance.below(60) {
                0 if step < 150 => world.replicas[i].crash(&format!("s{step}"), chance.below(1000)),
                1 if step < 150 => world.replicas[i].cut = true,
                2..6 => world.replicas[i].cut = false,
                6..12 => world.wait(SECOND * 5),
                _ => world.go_on(i, &rules),
            }
            assert_eq!((world.refused(&rules), &world.fault), (None, &None), "start {seed}, step {step}");
        }
        // In peace everybody serves what the Secret says. What was there before stays while somebody may serve it.
        for _ in 0..24 {
            for i in 0..count {
                world.replicas[i].cut = false;
                (0..4).for_each(|_| world.go_on(i, &rules));
            }
            world.wait(SECOND * 10);
        }
        let kept = world.kept().unwrap();
        assert!([Phase::Stable, Phase::Switched].contains(&kept.phase()), "start {seed}: {kept:?}");
        let signing = kept.signing.unwrap();
        for replica in &world.replicas {
            assert_eq!(replica.rotation.leaf().map(|leaf| leaf.authority), Some(signing), "start {seed}");
        }
        let mut entries = world.configurations.values().flat_map(|one| &one.entries);
        assert!(entries.all(|entry| *entry == kept.trusted()), "start {seed}");
    }
}
