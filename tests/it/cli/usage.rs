//! Help, wrong arguments, pipes and colours.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::support::run::{Files, Ran, multipod, pod, program};

const PROGRAM: &str = env!("CARGO_BIN_EXE_multipod");

#[test]
fn help_names_every_command_and_every_flag_with_examples() {
    let help = multipod(&["--help"], "");
    assert_eq!((help.code, &*help.err), (0, ""));
    for command in ["inject", "uninject", "diff"] {
        assert!(help.out.contains(&format!("\n  {command} ")), "{}", help.out);
        let own = multipod(&[command, "--help"], "");
        assert_eq!((own.code, &*own.err), (0, ""));
        for part in ["\nEXAMPLES\n", "\nEXIT CODES\n", "--filename", "--recursive", "--quiet", "--color"] {
            assert!(own.out.contains(part), "{command} {part}:\n{}", own.out);
        }
        assert!(own.out.contains(&format!("multipod {command} -f ")), "{}", own.out);
    }
    let inject = multipod(&["inject", "--help"], "").out;
    for flag in ["--annotate", "--namespace", "--namespace-labels", "--namespace-annotations", "--policy-dir"]
    {
        assert!(inject.contains(flag), "{flag}");
    }
    for flag in ["--config", "--kubernetes-version", "--output"] {
        assert!(inject.contains(flag), "{flag}");
    }
}

#[test]
fn wrong_arguments_are_explained_and_end_with_2() {
    let cases: [(&[&str], &str); 9] = [
        (&["injct"], "inject"),
        (&["inject", "--annotat", "a=b"], "--annotate"),
        (&["inject", "-a", "multipod/ambasador=80:1"], "did you mean multipod/ambassador?"),
        (&["inject", "-a", "=80:1"], "the key is empty"),
        (&["inject", "-a", "multipod/ambassador"], "expected KEY=VALUE"),
        (&["inject", "--kubernetes-version", "latest"], "\"latest\" is not a Kubernetes version"),
        (&["inject", "--namespace-labels", "tier"], "expected KEY=VALUE, found \"tier\""),
        (&["inject", "-o", "xml"], "yaml, json"),
        (&["inject", "app.yaml"], "app.yaml"),
    ];
    for (args, expected) in cases {
        let ran = multipod(args, "");
        assert_eq!((ran.code, &*ran.out), (2, ""), "{args:?}: {}", ran.err);
        ran.reports(&["error: ", expected]);
    }
    assert_eq!(multipod(&[], "").code, 2);
}

#[test]
fn as_a_plugin_it_goes_by_the_name_that_people_type() {
    let files = Files::new(&[("a.yaml", &pod(""))]);
    let plugin = files.join("kubectl-multipod");
    std::os::unix::fs::symlink(PROGRAM, &plugin).unwrap();
    let ran = |args: &[&str]| Ran::of(Command::new(&plugin).args(args).current_dir(files.path()));
    let help = ran(&["inject", "--help"]).out;
    assert!(help.contains("Usage: kubectl multipod inject "), "{help}");
    assert!(ran(&["--help"]).out.contains("Usage: kubectl multipod "));
    assert_eq!(ran(&["inject", "-f", "a.yaml"]).code, 0);
    assert!(multipod(&["inject", "--help"], "").out.contains("Usage: multipod inject "));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let files = Files::new(&[("a.yaml", &format!("{}# {}\n", pod(""), "x".repeat(1 << 20)))]);
    for command in ["inject", "diff", "uninject"] {
        let mut child = Command::new(PROGRAM)
            .args([command, "-q", "-f"])
            .arg(files.join("a.yaml"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = child.stdout.take().unwrap();
        output.read_exact(&mut [0; 10]).unwrap();
        drop(output);
        let ended = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{command}");
        assert!(matches!(ended.status.code(), Some(0 | 1)), "{command}: {}", ended.status);
    }
}

#[test]
fn errors_for_nobody_do_not_end_the_work() {
    let mut child = Command::new(PROGRAM)
        .arg("inject")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    child.stdin.take().unwrap().write_all(b"kind: Service\n").unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), &*ended.stdout), (Some(0), &b"kind: Service\n"[..]));
}

#[test]
fn a_full_disk_is_an_error() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let files = Files::new(&[("a.yaml", &pod(""))]);
    let ended =
        Command::new(PROGRAM).args(["inject", "-f"]).arg(files.join("a.yaml")).stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let error = String::from_utf8(ended.stderr).unwrap();
    assert!(error.starts_with("error: cannot write to the standard output: "), "{error}");
}

#[test]
fn colours_are_for_terminals_unless_they_are_asked_for() {
    let bad = pod("").replace("80:8775", "x");
    let escape = |command: &mut Command| Ran::fed(command, bad.clone()).err.contains('\u{1b}');
    assert!(!escape(program().args(["inject"])));
    assert!(escape(program().args(["inject", "--color=always"])));
    assert!(escape(program().args(["--color", "always", "inject"]).env("NO_COLOR", "1")));
    assert!(!escape(program().args(["inject", "--color", "never"]).env("CLICOLOR_FORCE", "1")));
    assert!(escape(program().args(["inject"]).env("CLICOLOR_FORCE", "1")));
    assert!(!escape(program().args(["inject"]).env("NO_COLOR", "1")));
}
