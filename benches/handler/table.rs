//! One table of medians and ratios, from what criterion has just measured.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

const SUBJECTS: [&str; 4] = ["multipod", "conventional", "floor", "applying"];

/// Takes away the medians of earlier runs, so that the table never mixes two runs.
pub(crate) fn forget<'n>(folder: &Path, pods: impl Iterator<Item = &'n str>) {
    for pod in pods {
        for subject in SUBJECTS {
            // Mostly there is none.
            let _ = fs::remove_file(estimates(folder, pod, subject));
        }
    }
}

/// Prints nothing for what was not measured in this run.
pub(crate) fn print<'n>(folder: &Path, pods: impl Iterator<Item = (&'n str, usize)>) {
    println!("\nmedians in µs");
    println!(
        "{:<15} {:>7} {:>9} {:>13} {:>7} {:>9}  {:>21} {:>15}",
        "pod",
        "bytes",
        "multipod",
        "conventional",
        "floor",
        "applying",
        "conventional/multipod",
        "multipod/floor"
    );
    let (mut small, mut few) = (None, None);
    for (pod, bytes) in pods {
        let [multipod, conventional, floor, applying] =
            SUBJECTS.map(|subject| median(&estimates(folder, pod, subject)));
        println!(
            "{pod:<15} {bytes:>7} {:>9} {:>13} {:>7} {:>9}  {:>21} {:>15}",
            shown(multipod),
            shown(conventional),
            shown(floor),
            shown(applying),
            shown(ratio(conventional, multipod)),
            shown(ratio(multipod, floor))
        );
        match pod {
            "8KB" => small = multipod,
            "44KB" => beside("44KB / 8KB", multipod, small),
            "policies-10" => few = multipod,
            "policies-1000" => beside("policies-1000 / -10", multipod, few),
            "four-patterns" | "two-variables" => beside(&format!("{pod} / 8KB"), multipod, small),
            _ => {}
        }
    }
}

/// How many times as much as another one.
fn beside(name: &str, multipod: Option<f64>, other: Option<f64>) {
    println!("{name:<23} {:>9}", shown(ratio(multipod, other)));
}

fn estimates(folder: &Path, pod: &str, subject: &str) -> PathBuf {
    folder.join(pod).join(subject).join("new/estimates.json")
}

/// In microseconds.
fn median(estimates: &Path) -> Option<f64> {
    let estimates: Value = serde_json::from_slice(&fs::read(estimates).ok()?).ok()?;
    Some(estimates.pointer("/median/point_estimate")?.as_f64()? / 1000.0)
}

fn ratio(over: Option<f64>, under: Option<f64>) -> Option<f64> {
    Some(over? / under?)
}

fn shown(number: Option<f64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.1}"))
}
