//! One table of medians and ratios.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{ROUNDS, SERVERS};

/// What was measured, round by round.
pub(crate) struct Table(Vec<Row>);

struct Row {
    name: &'static str,
    target: Want,
    samples: [Vec<f64>; 3],
}

/// What a row ought to show of multipod.
#[derive(Clone, Copy)]
enum Want {
    /// This many times as much as the echo at most.
    TimesEcho(f64),
    /// At least this many times less than the conventional server.
    LessThanConventional(f64),
    Both(f64, f64),
    AtMost(f64),
    Nothing,
}

const ROWS: [(&str, Want); 11] = [
    ("CPU, 8 KB, µs", Want::Both(3.0, 10.0)),
    ("CPU, 22 KB, µs", Want::LessThanConventional(10.0)),
    ("CPU, 44 KB, µs", Want::Both(3.0, 10.0)),
    ("CPU, 8 KB, not ours, µs", Want::TimesEcho(1.8)),
    ("p50, one at a time, µs", Want::Nothing),
    ("burst, ms", Want::AtMost(400.0)),
    ("burst, errors", Want::AtMost(0.0)),
    ("burst, listen overflows", Want::AtMost(0.0)),
    ("start, ms", Want::AtMost(100.0)),
    ("RSS after load, MiB", Want::AtMost(20.0)),
    ("binary, MiB", Want::Nothing),
];

impl Table {
    pub(crate) fn new() -> Table {
        let row = |(name, target)| Row { name, target, samples: Default::default() };
        Table(ROWS.into_iter().map(row).collect())
    }

    pub(crate) fn add(&mut self, row: &str, server: usize, sample: f64) {
        self.0.iter_mut().find(|known| known.name == row).unwrap().samples[server].push(sample);
    }

    /// Writes every sample: row → server → one figure for each round.
    pub(crate) fn keep(&self, file: &Path) {
        let rows = self.0.iter().map(|row| {
            let samples: Map<String, Value> = SERVERS
                .iter()
                .zip(&row.samples)
                .map(|(server, samples)| ((*server).to_owned(), json!(samples)))
                .collect();
            (row.name.to_owned(), Value::Object(samples))
        });
        let rows: Map<String, Value> = rows.collect();
        fs::write(file, format!("{:#}\n", Value::Object(rows))).unwrap();
        println!("every sample: {}", file.display());
    }

    pub(crate) fn print(mut self, pinned: bool) {
        let cores = if pinned { "one core for the server, one for the client" } else { "cores as they come" };
        println!("\nwhole servers, HTTP/1.1 and TLS; medians of {ROUNDS} rounds; {cores}");
        let [multipod, echo, conventional] = SERVERS;
        println!(
            "{:<24} {multipod:>9} {echo:>8} {conventional:>13} {:>14} {:>22}  target",
            "", "multipod/echo", "conventional/multipod"
        );
        for row in &mut self.0 {
            row.print();
        }
    }
}

impl Row {
    fn print(&mut self) {
        let [to_echo, to_conventional] = [self.ratio(0, 1), self.ratio(2, 0)];
        let [multipod, echo, conventional] = self.samples.each_mut().map(|samples| median(samples));
        println!(
            "{:<24} {:>9} {:>8} {:>13} {:>14} {:>22}  {}",
            self.name,
            shown(multipod),
            shown(echo),
            shown(conventional),
            shown(to_echo),
            shown(to_conventional),
            self.target.told(multipod, to_echo, to_conventional)
        );
    }

    /// Of what was measured in the same round, which a busy machine slows down alike.
    fn ratio(&self, over: usize, under: usize) -> f64 {
        let pairs = self.samples[over].iter().zip(&self.samples[under]);
        median(
            &mut pairs
                .filter(|(_, under)| **under > 0.0)
                .map(|(over, under)| over / under)
                .collect::<Vec<f64>>(),
        )
    }
}

impl Want {
    fn told(self, multipod: f64, to_echo: f64, to_conventional: f64) -> String {
        let (target, met) = match self {
            Want::TimesEcho(most) => (format!("≤ {most} echo"), to_echo <= most),
            Want::LessThanConventional(least) => {
                (format!("conventional ≥ {least}"), to_conventional >= least)
            }
            Want::Both(most, least) => (
                format!("≤ {most} echo, conventional ≥ {least}"),
                to_echo <= most && to_conventional >= least,
            ),
            Want::AtMost(most) => (format!("≤ {most}"), multipod <= most),
            Want::Nothing => return String::new(),
        };
        format!("{target}: {}", if met { "met" } else { "missed" })
    }
}

/// No number where there are no samples.
pub(crate) fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

fn shown(number: f64) -> String {
    if number.is_nan() { "-".to_owned() } else { format!("{number:.1}") }
}
