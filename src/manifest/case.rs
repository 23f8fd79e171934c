//! A case: a pod, what surrounds it, and how it ends. Each is a folder of small files, here their texts by name; the golden
//! cases of multipod and those of `multipod test` are made of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use multipod_engine::inject::{SkipReason, Verdict, decide};
use multipod_engine::pattern::{Context, Label, Settings, object};
use multipod_engine::pod::{Head, Version};
use multipod_engine::policy::{self, Loaded};
use serde_json::Value;

/// The file that makes a folder a case.
pub const INPUT: &str = "input.yaml";
/// What surrounds the pod.
pub const SURROUNDINGS: [&str; 5] =
    ["namespace.yaml", "settings.yaml", "policy.yaml", "pattern.yaml", "version.txt"];
/// How it ends: with one of the first three, what the user is told besides, and what is wrong with the policies.
pub const RESULTS: [&str; 5] = ["expected.yaml", "skipped.txt", "denied.txt", "warnings.txt", MISTAKES];
/// Without it, a mistake in a policy is one of the case.
const MISTAKES: &str = "mistakes.txt";

/// Files by name.
pub type Files = BTreeMap<String, String>;

/// A case that could be read.
#[derive(Debug)]
pub struct Case {
    pod: Value,
    json: String,
    namespace: String,
    namespace_labels: Option<Vec<Label>>,
    namespace_annotations: Vec<(String, String)>,
    settings: Settings,
    loaded: Loaded,
    version: Version,
}

/// How a case ended.
#[derive(Debug)]
pub struct Ended {
    /// The one of [`RESULTS`] that says so.
    pub file: &'static str,
    /// What stands in it.
    pub text: String,
    pub warnings: String,
    pub mistakes: String,
    /// Why the pod stays as it is.
    pub reason: Option<SkipReason>,
    /// The pod afterwards, and the patch.
    pub result: Option<(Value, String)>,
}

/// A file that is not as it was expected.
#[derive(Debug)]
pub struct Difference {
    pub file: &'static str,
    pub expected: String,
    pub got: String,
}

impl Case {
    /// Reads a case; the error says all that is wrong with its files.
    pub fn read(files: &Files) -> Result<Case, Vec<String>> {
        let mut faults = Vec::new();
        let known = |name: &str| name == INPUT || SURROUNDINGS.contains(&name) || RESULTS.contains(&name);
        faults.extend(
            files.keys().filter(|name| !known(name)).map(|name| format!("{name} is no file of a case")),
        );
        let mut document = |name: &str| {
            let found = files.get(name).map(|text| one_document(text))?;
            found.map_err(|why| faults.push(format!("{name}: {why}"))).ok()
        };
        let input = document(INPUT);
        let given = document("namespace.yaml").map(|(value, _)| value);
        let (pod, json) = input.unwrap_or_default();
        if pod["kind"] != "Pod" && faults.is_empty() {
            faults.push(format!("{INPUT}: expected a Pod"));
        }
        let is_known = given.is_some();
        let namespace = given.unwrap_or_default();
        let pairs = |field: &str| -> Vec<(String, String)> {
            let map = namespace["metadata"][field].as_object().into_iter().flatten();
            map.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
        };
        let settings = files.get("settings.yaml").map(|text| object::read::<Settings>(text)).transpose();
        let settings = settings
            .map_err(|(line, message)| faults.push(format!("settings.yaml:{line}: {message}")))
            .unwrap_or_default();
        let version = files.get("version.txt").map(|text| Version::parse(text.trim())).transpose();
        let version = version.map_err(|why| faults.push(format!("version.txt: {why}"))).unwrap_or_default();
        let objects = ["policy.yaml", "pattern.yaml"];
        let objects =
            objects.into_iter().filter_map(|name| Some((name.to_owned(), files.get(name)?.clone())));
        let loaded = policy::load(&objects.collect::<Vec<_>>());
        let mistakes = loaded.problems.iter().map(ToString::to_string);
        if !files.contains_key(MISTAKES) {
            faults.extend(mistakes);
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Case {
            json,
            namespace: namespace["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
            namespace_labels: is_known.then(|| super::cluster::shared(pairs("labels"))),
            namespace_annotations: pairs("annotations"),
            settings: settings.unwrap_or_default(),
            loaded,
            version: version.unwrap_or(Version::ASSUMED),
            pod,
        })
    }

    /// The pod as it was received.
    pub fn pod(&self) -> &Value {
        &self.pod
    }

    /// Decides on the pod, and on what comes of it, which must stay as it is.
    pub fn run(&self) -> Result<Ended, String> {
        let ended = self.decide(&self.json, &self.pod)?;
        if let Some((pod, _)) = &ended.result {
            let again = self.decide(&pod.to_string(), pod)?;
            if again.reason != Some(SkipReason::AlreadyInjected) {
                return Err(format!("the injected pod, injected again, ended with:\n{}", again.text));
            }
        }
        Ok(ended)
    }

    fn decide(&self, json: &str, pod: &Value) -> Result<Ended, String> {
        let context = Context {
            namespace: &self.namespace,
            namespace_labels: self.namespace_labels.as_deref(),
            namespace_annotations: &self.namespace_annotations,
            version: self.version,
            ..Context::new(&self.settings, &self.loaded.catalogue)
        };
        let head = Head::read(json).map_err(|error| format!("the head cannot be read: {error}"))?;
        let decision = decide(&head, &context, &self.loaded.policies).map_err(|error| error.to_string())?;
        let warnings = decision.warnings.iter().fold(String::new(), |all, warning| all + warning + "\n");
        let (file, text, reason, result) = match decision.verdict {
            Verdict::Inject(injection) => {
                let result = injection.patch.applied(pod).ok_or("the patch does not apply to the pod")?;
                let patch = injection.patch.json().to_owned();
                ("expected.yaml", multipod_yaml::emit(&result), None, Some((result, patch)))
            }
            Verdict::Skip(reason) => ("skipped.txt", format!("{reason}\n"), Some(reason), None),
            Verdict::Deny(refusals) => {
                let mut text = String::new();
                for refusal in &refusals {
                    // Writing to a string cannot fail.
                    let _ = writeln!(text, "[{}]\n{refusal}\n", refusal.reason.slug());
                }
                ("denied.txt", text, None, None)
            }
        };
        let mistakes =
            self.loaded.problems.iter().fold(String::new(), |all, one| all + &one.to_string() + "\n");
        Ok(Ended { file, text, warnings, mistakes, reason, result })
    }
}

impl Ended {
    /// What the files of its case should say, where there is anything to say.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [(self.file, &*self.text), ("warnings.txt", &*self.warnings), (MISTAKES, &*self.mistakes)];
        all.into_iter().filter(|(_, text)| !text.is_empty())
    }

    /// What they say instead.
    pub fn differences(&self, files: &Files) -> Vec<Difference> {
        let pairs = RESULTS.into_iter().map(|file| {
            let got = self.files().find(|(name, _)| *name == file).map(|(_, text)| text);
            Difference {
                file,
                expected: files.get(file).cloned().unwrap_or_default(),
                got: got.unwrap_or_default().to_owned(),
            }
        });
        pairs.filter(|pair| pair.expected != pair.got).collect()
    }
}

/// The single document of a file, as a value and as JSON.
fn one_document(text: &str) -> Result<(Value, String), String> {
    let documents = multipod_yaml::documents(text).map_err(|error| error.to_string())?;
    let mut full = documents.iter().filter(|document| !document.is_empty());
    match (full.next(), full.next()) {
        (Some(document), None) => Ok((document.value().clone(), document.json())),
        (None, _) => Err("the file is empty".to_owned()),
        _ => Err("the file has more than one document".to_owned()),
    }
}
