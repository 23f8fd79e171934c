//! The golden cases: every folder of `tests/cases` is a test; its README says how to add one.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // A test fails by them.

#[path = "support/golden.rs"]
mod golden;
#[path = "support/sound.rs"]
mod sound;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use multipod::inject::{DenyReason, SkipReason, Verdict, decide, removals};
use multipod::pattern::{Context, Settings};
use multipod::pod::{Head, Version};
use multipod::policy;
use serde_json::Value;

const LEAST_CASES: usize = 100;
const INPUTS: [&str; 5] = ["input.yaml", "namespace.yaml", "settings.yaml", "policy.yaml", "version.txt"];
const OUTCOMES: [&str; 3] = ["expected.yaml", "skipped.txt", "denied.txt"];
const WARNINGS: &str = "warnings.txt";

fn main() -> ExitCode {
    let bless = std::env::var_os("MULTIPOD_BLESS").is_some();
    assert!(!(bless && std::env::var_os("CI").is_some()), "CI does not bless");
    let case = |folder: PathBuf| {
        let name = format!("{}/{}", golden::topic(&folder), golden::name(&folder));
        Trial::test(name, move || Ok(Case::read(&folder).run(bless)?))
    };
    let mut trials: Vec<Trial> = golden::folders().into_iter().map(case).collect();
    trials.push(Trial::test("there_are_many_cases_and_no_sentence_twice", many_cases));
    trials.push(Trial::test("every_topic_holds_cases_alone", no_stray_file));
    // What a case ends with is checked by its own test, or was written by it.
    if !bless {
        trials.push(Trial::test("every_reason_has_a_case", every_reason));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn many_cases() -> Result<(), Failed> {
    let names: Vec<String> = golden::folders().iter().map(|folder| golden::name(folder)).collect();
    let different = names.iter().collect::<BTreeSet<_>>().len();
    if names.len() < LEAST_CASES || different < names.len() {
        return Err(format!("{} cases, {different} sentences", names.len()).into());
    }
    Ok(())
}

fn no_stray_file() -> Result<(), Failed> {
    let stray = golden::strays();
    if stray.is_empty() { Ok(()) } else { Err(format!("these belong to no case: {stray:?}").into()) }
}

/// By the outcomes in the folders, so that the cases can run in any order, and some of them alone.
fn every_reason() -> Result<(), Failed> {
    let denied: String = golden::files("denied.txt").into_iter().map(|(_, text)| text).collect();
    let skipped: Vec<String> = golden::files("skipped.txt").into_iter().map(|(_, text)| text).collect();
    let has_line = |slug: &str| denied.lines().any(|line| line == format!("[{slug}]"));
    let refusals = DenyReason::ALL.iter().map(|reason| reason.slug()).filter(|slug| !has_line(slug));
    let left = SkipReason::ALL.iter().filter(|reason| !skipped.contains(&format!("{reason}\n")));
    let untested: Vec<&str> = refusals.chain(left.map(|reason| reason.slug())).collect();
    if untested.is_empty() { Ok(()) } else { Err(format!("reasons without a case: {untested:?}").into()) }
}

/// One folder.
struct Case {
    folder: PathBuf,
    pod: Value,
    json: String,
    cluster: Cluster,
}

/// What is around the pod, from the optional files of the folder.
struct Cluster {
    namespace: String,
    labels: Option<Vec<(String, String)>>,
    annotations: Vec<(String, String)>,
    settings: Settings,
    loaded: policy::Loaded,
    version: Version,
}

impl Cluster {
    fn context(&self) -> Context<'_> {
        Context {
            namespace: &self.namespace,
            namespace_labels: self.labels.as_deref(),
            namespace_annotations: &self.annotations,
            version: self.version,
            ..Context::new(&self.settings, &self.loaded.catalogue)
        }
    }
}

/// How a case ended, as the files say it.
struct Outcome {
    file: &'static str,
    text: String,
    warnings: String,
    reason: Option<SkipReason>,
    result: Option<(Value, String)>,
}

impl Case {
    fn read(folder: &Path) -> Case {
        for entry in fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().file_name().to_string_lossy().into_owned();
            let known = INPUTS.contains(&&*file) || OUTCOMES.contains(&&*file) || file == WARNINGS;
            assert!(known, "{file} is no file of a case");
        }
        let (pod, json) = document(&folder.join("input.yaml")).expect("input.yaml");
        Case { folder: folder.to_owned(), pod, json, cluster: cluster(folder) }
    }

    fn run(&self, bless: bool) -> Result<(), String> {
        let outcome = self.decide(&self.json, &self.pod)?;
        self.compare(&outcome, bless)?;
        outcome.result.as_ref().map_or(Ok(()), |(result, patch)| self.hold(result, patch))
    }

    fn decide(&self, json: &str, pod: &Value) -> Result<Outcome, String> {
        let head = Head::read(json).map_err(|error| format!("the head cannot be read: {error}"))?;
        let decision = decide(&head, &self.cluster.context(), &self.cluster.loaded.policies)
            .map_err(|error| error.to_string())?;
        let warnings = decision.warnings.iter().fold(String::new(), |all, warning| all + warning + "\n");
        let (file, text, reason, result) = match decision.verdict {
            Verdict::Inject(injection) => {
                let result = sound::apply(pod, &injection.patch);
                let json = injection.patch.json().to_owned();
                ("expected.yaml", multipod_yaml::emit(&result), None, Some((result, json)))
            }
            Verdict::Skip(reason) => ("skipped.txt", format!("{reason}\n"), Some(reason), None),
            Verdict::Deny(refusals) => {
                let mut text = String::new();
                for refusal in &refusals {
                    writeln!(text, "[{}]\n{refusal}\n", refusal.reason.slug()).unwrap();
                }
                ("denied.txt", text, None, None)
            }
        };
        Ok(Outcome { file, text, warnings, reason, result })
    }

    fn compare(&self, outcome: &Outcome, bless: bool) -> Result<(), String> {
        if bless {
            for file in OUTCOMES.iter().chain([&WARNINGS]) {
                let _ = fs::remove_file(self.folder.join(file));
            }
            fs::write(self.folder.join(outcome.file), &outcome.text).unwrap();
            if !outcome.warnings.is_empty() {
                fs::write(self.folder.join(WARNINGS), &outcome.warnings).unwrap();
            }
        }
        let there: Vec<&str> =
            OUTCOMES.iter().copied().filter(|file| self.folder.join(file).exists()).collect();
        if there != [outcome.file] {
            return Err(format!(
                "the case ended with {}, and the folder has {there:?}:\n{}",
                outcome.file, outcome.text
            ));
        }
        let expected = fs::read_to_string(self.folder.join(outcome.file)).unwrap();
        let warnings = fs::read_to_string(self.folder.join(WARNINGS)).unwrap_or_default();
        difference(outcome.file, &expected, &outcome.text)?;
        difference(WARNINGS, &warnings, &outcome.warnings)
    }

    /// What holds for every injected pod.
    fn hold(&self, result: &Value, patch: &str) -> Result<(), String> {
        let new =
            sound::problems(result).difference(&sound::problems(&self.pod)).cloned().collect::<Vec<_>>();
        if !new.is_empty() {
            return Err(format!("the injected pod has new problems: {new:?}"));
        }
        self.is_known_to_the_api(result)?;
        let again = self.decide(&self.json, &self.pod)?;
        if again.result.map(|(_, patch)| patch).as_deref() != Some(patch) {
            return Err("a second run over the same pod gives another patch".to_owned());
        }
        let text = serde_json::to_string(result).unwrap();
        let twice = self.decide(&text, result)?;
        if twice.reason != Some(SkipReason::AlreadyInjected) {
            return Err(format!("the injected pod, injected again, ended with:\n{}", twice.text));
        }
        let back = sound::undo(result, &removals(result).map_err(|error| error.to_string())?);
        // A status that was there before leads further back than to this input.
        let had_status = !self.pod["metadata"]["annotations"]["multipod/status"].is_null();
        if !had_status && back != self.pod {
            return Err(format!("uninject gives another pod:\n{}", multipod_yaml::emit(&back)));
        }
        haproxy_accepts(result)
    }

    /// No field of ours is one that Kubernetes does not have.
    fn is_known_to_the_api(&self, result: &Value) -> Result<(), String> {
        for (_, container) in sound::containers(result) {
            let ours = container["name"].as_str().is_some_and(|name| name.starts_with("multipod-"));
            if !ours || sound::containers(&self.pod).any(|(_, theirs)| theirs["name"] == container["name"]) {
                continue;
            }
            let typed: k8s_openapi::api::core::v1::Container =
                serde_json::from_value(container.clone()).map_err(|error| error.to_string())?;
            let known = serde_json::to_value(typed).unwrap();
            if known != *container {
                return Err(format!("the API does not know all of {container:#}, only {known:#}"));
            }
        }
        Ok(())
    }
}

fn cluster(folder: &Path) -> Cluster {
    let given = document(&folder.join("namespace.yaml")).map(|(value, _)| value);
    let is_known = given.is_some();
    let namespace = given.unwrap_or_default();
    let pairs = |field: &str| -> Vec<(String, String)> {
        let map = namespace["metadata"][field].as_object().cloned().unwrap_or_default();
        map.into_iter().map(|(key, value)| (key, value.as_str().unwrap_or_default().to_owned())).collect()
    };
    let settings = document(&folder.join("settings.yaml"));
    let policies: Vec<(String, String)> = fs::read_to_string(folder.join("policy.yaml"))
        .map(|text| vec![("policy.yaml".to_owned(), text)])
        .unwrap_or_default();
    let loaded = policy::load(&policies);
    let about_a_mistake = golden::name(folder).contains("with_a_mistake");
    assert!(loaded.problems.is_empty() != about_a_mistake, "policy.yaml: {:?}", loaded.problems);
    let version = fs::read_to_string(folder.join("version.txt"));
    Cluster {
        namespace: namespace["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
        labels: is_known.then(|| pairs("labels")),
        annotations: pairs("annotations"),
        settings: settings.map(|(_, json)| serde_json::from_str(&json).unwrap()).unwrap_or_default(),
        loaded,
        version: version.map_or(Version::ASSUMED, |text| Version::parse(text.trim()).unwrap()),
    }
}

/// The single document of a file, as a value and as JSON.
fn document(path: &Path) -> Option<(Value, String)> {
    let text = fs::read_to_string(path).ok()?;
    let documents =
        multipod_yaml::documents(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut full = documents.iter().filter(|document| !document.is_empty());
    let document = full.next().unwrap_or_else(|| panic!("{} is empty", path.display()));
    assert!(full.next().is_none(), "{} has more than one document", path.display());
    Some((document.value().clone(), document.json()))
}

fn difference(file: &str, expected: &str, got: &str) -> Result<(), String> {
    if expected == got {
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(expected, got);
    let diff = diff.unified_diff().context_radius(3).header("expected", "got").to_string();
    Err(format!("{file} differs (make bless rewrites it; read the diff):\n{diff}"))
}

/// The real HAProxy reads every configuration that we render.
fn haproxy_accepts(pod: &Value) -> Result<(), String> {
    let Some(text) = pod["metadata"]["annotations"]["rendered.multipod/haproxy.cfg"].as_str() else {
        return Ok(());
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("haproxy.cfg");
    fs::write(&file, text).unwrap();
    let output = Command::new("haproxy")
        .args(["-c", "-f"])
        .arg(&file)
        .output()
        .map_err(|error| format!("haproxy cannot be run ({error}): make setup installs it"))?;
    if output.status.success() && !String::from_utf8_lossy(&output.stderr).contains("WARNING") {
        return Ok(());
    }
    Err(format!("haproxy refuses the configuration:\n{}{text}", String::from_utf8_lossy(&output.stderr)))
}
