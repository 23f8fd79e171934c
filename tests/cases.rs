//! The golden cases: every folder of `tests/cases` is a test; its README says how to add one. They are read and run as
//! `multipod test` does it, and held to more.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // A test fails by them.

#[path = "support/golden.rs"]
mod golden;
#[path = "support/sound.rs"]
mod sound;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use multipod::manifest::case::{Case, Difference, Ended, Files, RESULTS};
use multipod_engine::inject::{DenyReason, SkipReason, removals};
use serde_json::Value;

const LEAST_CASES: usize = 100;

fn main() -> ExitCode {
    let bless = std::env::var_os("MULTIPOD_BLESS").is_some();
    assert!(!(bless && std::env::var_os("CI").is_some()), "CI does not bless");
    let case = |folder: PathBuf| {
        let name = format!("{}/{}", golden::topic(&folder), golden::name(&folder));
        Trial::test(name, move || Ok(Folder::read(folder).run(bless)?))
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
struct Folder {
    path: PathBuf,
    files: Files,
    case: Case,
}

impl Folder {
    fn read(path: PathBuf) -> Folder {
        let entries = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let files: Files = entries.map(|file| (name(&file), fs::read_to_string(&file).unwrap())).collect();
        let case = Case::read(&files).unwrap_or_else(|faults| panic!("{}: {faults:?}", path.display()));
        Folder { path, files, case }
    }

    fn run(&mut self, bless: bool) -> Result<(), String> {
        let ended = self.case.run()?;
        if bless {
            self.write(&ended);
        }
        for Difference { file, expected, got } in ended.differences(&self.files) {
            difference(file, &expected, &got)?;
        }
        ended.result.as_ref().map_or(Ok(()), |(result, patch)| self.hold(result, patch))
    }

    fn write(&mut self, ended: &Ended) {
        for file in RESULTS {
            let _ = fs::remove_file(self.path.join(file));
            self.files.remove(file);
        }
        for (file, text) in ended.files() {
            fs::write(self.path.join(file), text).unwrap();
            self.files.insert(file.to_owned(), text.to_owned());
        }
    }

    /// What holds for every injected pod.
    fn hold(&self, result: &Value, patch: &str) -> Result<(), String> {
        let pod = self.case.pod();
        let new = sound::problems(result).difference(&sound::problems(pod)).cloned().collect::<Vec<_>>();
        if !new.is_empty() {
            return Err(format!("the injected pod has new problems: {new:?}"));
        }
        self.is_known_to_the_api(result)?;
        let again = self.case.run()?;
        if again.result.map(|(_, patch)| patch).as_deref() != Some(patch) {
            return Err("a second run over the same pod gives another patch".to_owned());
        }
        let back = sound::undo(result, &removals(result).map_err(|error| error.to_string())?);
        // A status that was there before leads further back than to this input.
        let had_status = !pod["metadata"]["annotations"]["multipod/status"].is_null();
        if !had_status && back != *pod {
            return Err(format!("uninject gives another pod:\n{}", multipod_yaml::emit(&back)));
        }
        haproxy_accepts(result)
    }

    /// No field of ours is one that Kubernetes does not have.
    fn is_known_to_the_api(&self, result: &Value) -> Result<(), String> {
        for (_, container) in sound::containers(result) {
            let ours = container["name"].as_str().is_some_and(|name| name.starts_with("multipod-"));
            if !ours
                || sound::containers(self.case.pod()).any(|(_, theirs)| theirs["name"] == container["name"])
            {
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

fn difference(file: &str, expected: &str, got: &str) -> Result<(), String> {
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
