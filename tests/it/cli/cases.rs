//! The golden cases, through the command line: the same engine, so the same pods.

use std::fs;
use std::path::Path;

use crate::support::golden;
use crate::support::run::{Ran, multipod, program, values};

#[test]
fn the_command_line_gives_what_the_golden_cases_expect() {
    let mut seen = 0;
    for folder in golden::folders() {
        let Ok(expected) = fs::read_to_string(folder.join("expected.yaml")) else { continue };
        let name = golden::name(&folder);
        let ran = inject(&folder);
        assert_eq!(ran.code, 0, "{name}: {}", ran.err);
        assert_eq!(values(&ran.out), values(&expected), "{name}");
        let input = fs::read_to_string(folder.join("input.yaml")).unwrap();
        // What was injected before goes back to what it was before that.
        if !input.contains("multipod/status") {
            let again = multipod(&["uninject"], &ran.out).out;
            // A null that made room for a list comes back as nothing, as docs/reference/manifests.md says.
            let without_nulls = |text: &str| text.replace(": null\n", ":\n");
            assert_eq!(without_nulls(&again), without_nulls(&input), "{name}");
        }
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

fn inject(folder: &Path) -> Ran {
    let mut command = program();
    command.current_dir(folder).args(["inject", "-f", "input.yaml"]);
    if let Ok(namespace) = fs::read_to_string(folder.join("namespace.yaml")) {
        let metadata = &values(&namespace)[0]["metadata"];
        command.args(["--namespace", metadata["name"].as_str().unwrap_or("default")]);
        for (key, value) in metadata["annotations"].as_object().into_iter().flatten() {
            command.args(["--namespace-annotations", &format!("{key}={}", value.as_str().unwrap())]);
        }
        let labels = metadata["labels"].as_object().cloned().unwrap_or_default();
        let labels = labels.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap()));
        command.args(["--namespace-labels", &labels.collect::<Vec<_>>().join(",")]);
    }
    for (flag, file) in [("--config", "settings.yaml"), ("--policy-dir", "policy.yaml")] {
        if folder.join(file).exists() {
            command.args([flag, file]);
        }
    }
    if let Ok(version) = fs::read_to_string(folder.join("version.txt")) {
        command.args(["--kubernetes-version", version.trim()]);
    }
    Ran::of(&mut command)
}
