//! What a hundred thousand namespaces take: memory, and the time of a change.

use std::fs;
use std::time::Instant;

use multipod::admission::{Namespace, Namespaces, Texts};

const NAMESPACES: usize = 100_000;
const CHANGES: usize = 2_000;

/// Five labels and one annotation each, as large clusters have them.
fn namespace(at: usize, owner: usize, texts: &mut Texts) -> Namespace {
    let labels = [
        ("team", format!("team-{}", at % 2_000)),
        ("stage", ["dev", "test", "prod"][at % 3].to_owned()),
        ("cost-center", format!("{}", at % 500)),
        ("pod-security.kubernetes.io/enforce", "restricted".to_owned()),
        ("owner", format!("owner-{owner}")),
    ];
    Namespace {
        labels: labels.iter().map(|(key, value)| (texts.one(key), texts.one(value))).collect(),
        annotations: Box::new([("multipod/logging".to_owned(), "/var/log/app/*.log".to_owned())]),
        // One that conditions of policies name.
        read: Some(Box::new([(texts.one("example.com/tier"), Some(texts.one(["gold", "silver"][at % 2])))])),
    }
}

pub(crate) fn print() {
    let base = resident();
    let (mut all, mut texts) = (Namespaces::default(), Texts::default());
    for at in 0..NAMESPACES {
        all.insert(&format!("namespace-of-a-team-{at}"), namespace(at, at, &mut texts));
    }
    let taken = resident().saturating_sub(base) / (1 << 20);
    // Reviews hold the state before.
    let mut held = all.clone();
    let begun = Instant::now();
    for at in 0..CHANGES {
        let mut next = all.clone();
        let name = (at * 7919) % NAMESPACES;
        next.insert(&format!("namespace-of-a-team-{name}"), namespace(name, at, &mut texts));
        held = std::mem::replace(&mut all, next);
    }
    let each = begun.elapsed() / u32::try_from(CHANGES).unwrap();
    assert_eq!((all.len(), held.len()), (NAMESPACES, NAMESPACES));
    let core = each.as_secs_f64() * 100.0 * 100.0;
    println!(
        "\n{NAMESPACES} namespaces: {taken} MiB; a change: {} µs, so 100 each second are {core:.2} % of a core",
        each.as_micros()
    );
}

/// The resident bytes of this process.
fn resident() -> usize {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}
