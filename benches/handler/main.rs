//! What a decision costs, beside a conventional handler that does the same to the same pod, and beside merely reading
//! the pod. docs/explanation/performance.md says how the numbers are read.

// Nothing here serves anybody: what cannot be measured should stop the run.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod conventional;
mod namespaces;
#[path = "../../tests/support/pods.rs"]
mod pods;
mod table;

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use conventional::Additions;
use criterion::{Criterion, Throughput};
use multipod_engine::inject::{Verdict, decide};
use multipod_engine::pattern::{Catalogue, Context, Settings};
use multipod_engine::pod::Head;
use multipod_engine::policy::{self, Policies};
use serde::de::IgnoredAny;
use serde_json::Value;

const AMBASSADOR: &str = "80:8775";
/// Four patterns in one pod.
const FOUR: [(&str, &str); 4] = [
    ("multipod/ambassador", AMBASSADOR),
    ("multipod/logging", "/data/app.log to=otlp://logs.example.com:4317"),
    ("multipod/metrics", "nginx"),
    ("multipod/init", "wait-for db.example:5432"),
];
/// A pattern of an administrator that sets two variables of the app.
const TWO_VARIABLES: &str = "apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {name: two-variables}\n\
    spec: {description: Sets two variables, app: {env: [{name: REGION, value: eu-1}, {name: TIER, value: gold}]}}\n";

fn main() {
    let pods = [
        ("8KB", pods::of_kilobytes(8, Some(AMBASSADOR))),
        ("22KB", pods::of_kilobytes(22, Some(AMBASSADOR))),
        ("44KB", pods::of_kilobytes(44, Some(AMBASSADOR))),
        ("2000-variables", pods::with_variables(2000, Some(AMBASSADOR))),
        ("not-ours-8KB", pods::of_kilobytes(8, None)),
    ];
    let two = [("multipod/patterns", "two-variables")];
    let others = [
        ("four-patterns", with_annotations(&pods::of_kilobytes(8, None), &FOUR)),
        ("two-variables", with_annotations(&pods::of_kilobytes(8, None), &two)),
        ("two-among-2000", with_annotations(&pods::with_variables(2000, None), &two)),
    ];
    let policies =
        [("policies-10", pods::of_kilobytes(8, None)), ("policies-1000", pods::of_kilobytes(8, None))];
    let names = || pods.iter().chain(&others).chain(&policies).map(|(name, pod)| (*name, pod.len()));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("criterion");
    table::forget(&folder, names().map(|(name, _)| name));
    let mut criterion = Criterion::default()
        .sample_size(60)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .output_directory(&folder)
        .configure_from_args();
    for (name, pod) in &pods {
        measure(&mut criterion, name, pod);
    }
    for (name, pod) in &others {
        measure_alone(&mut criterion, name, pod);
    }
    for ((name, pod), count) in policies.iter().zip([10, 1000]) {
        measure_policies(&mut criterion, name, pod, count);
    }
    criterion.final_summary();
    table::print(&folder, names());
    namespaces::print();
}

/// The pod with more annotations.
fn with_annotations(pod: &str, annotations: &[(&str, &str)]) -> String {
    let mut pod: Value = serde_json::from_str(pod).unwrap();
    for (key, value) in annotations {
        pod["metadata"]["annotations"][*key] = (*value).into();
    }
    pod.to_string()
}

/// So many policies, each for the namespaces of one team, of which one is for the pod.
fn measure_policies(criterion: &mut Criterion, name: &str, pod: &str, count: usize) {
    let policy = |team: usize| {
        format!(
            "---\napiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: team-{team}}}\n\
             spec: {{match: {{namespaceSelector: {{matchLabels: {{team: team-{team}}}}}}}, annotations: {{multipod/ambassador: \"{AMBASSADOR}\"}}}}\n"
        )
    };
    let loaded = policy::load(&[("policies.yaml".to_owned(), (0..count).map(policy).collect())]);
    assert_eq!(loaded.problems, []);
    let (settings, labels) =
        (Settings::default(), [("stage".into(), "prod".into()), ("team".into(), "team-7".into())]);
    let context = Context { namespace_labels: Some(&labels), ..Context::new(&settings, &loaded.catalogue) };
    assert!(!multipod(pod, &context, &loaded.policies).is_empty(), "{name}: nothing is added");
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(pod.len() as u64));
    group.bench_function("multipod", |bencher| {
        bencher.iter(|| multipod(black_box(pod), &context, &loaded.policies));
    });
    group.finish();
}

/// What the conventional handler was not written for.
fn measure_alone(criterion: &mut Criterion, name: &str, pod: &str) {
    let loaded = policy::load(&[("pattern.yaml".to_owned(), TWO_VARIABLES.to_owned())]);
    assert_eq!(loaded.problems, []);
    let settings = Settings::default();
    let context = Context::new(&settings, &loaded.catalogue);
    assert!(!multipod(pod, &context, &loaded.policies).is_empty(), "{name}: nothing is added");
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(pod.len() as u64));
    group.bench_function("multipod", |bencher| {
        bencher.iter(|| multipod(black_box(pod), &context, &loaded.policies));
    });
    group.bench_function("floor", |bencher| {
        bencher.iter(|| serde_json::from_str::<IgnoredAny>(black_box(pod)).unwrap());
    });
    group.finish();
}

/// Everything about one pod, in one group.
fn measure(criterion: &mut Criterion, name: &str, pod: &str) {
    let (settings, policies, catalogue) = (Settings::default(), Policies::default(), Catalogue::default());
    let context = Context::new(&settings, &catalogue);
    let head = Head::read(pod).unwrap();
    let additions = Additions::of(&decide(&head, &context, &policies).unwrap());
    let ours = multipod(pod, &context, &policies);
    let theirs = conventional::patch(pod, &additions);
    assert_eq!(applied(pod, &ours), applied(pod, &theirs), "{name}: both must do the same work");

    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(pod.len() as u64));
    group
        .bench_function("multipod", |bencher| bencher.iter(|| multipod(black_box(pod), &context, &policies)));
    group.bench_function("conventional", |bencher| {
        bencher.iter(|| conventional::patch(black_box(pod), &additions));
    });
    group.bench_function("floor", |bencher| {
        bencher.iter(|| serde_json::from_str::<IgnoredAny>(black_box(pod)).unwrap());
    });
    if !ours.is_empty() {
        group.bench_function("applying", |bencher| bencher.iter(|| applied(black_box(pod), &ours)));
    }
    group.finish();
}

/// From the pod's JSON to the patch's JSON; empty where nothing is to be changed.
fn multipod(pod: &str, context: &Context<'_>, policies: &Policies) -> Vec<u8> {
    let head = Head::read(pod).unwrap();
    match decide(&head, context, policies).unwrap().verdict {
        Verdict::Inject(injection) => injection.patch.json().as_bytes().to_vec(),
        _ => Vec::new(),
    }
}

/// The pod with the patch applied: what checking a patch costs when the document is built for it.
fn applied(pod: &str, patch: &[u8]) -> Value {
    let mut pod: Value = serde_json::from_str(pod).unwrap();
    if !patch.is_empty() {
        let patch: json_patch::Patch = serde_json::from_slice(patch).unwrap();
        json_patch::patch(&mut pod, &patch).unwrap();
    }
    pod
}
