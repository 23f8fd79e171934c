//! `multipod patterns`, `completions`, `man` and `version` as people run them.

use std::process::Command;

use crate::support::run::{Files, Ran, multipod, pod};
use serde_json::{Value, json};

const TAP: &str = "\
apiVersion: multipod.dev/v1alpha1
kind: Pattern
metadata: {name: audit-tap}
spec:
  description: Sends what the app does to the auditors
  params:
    level: {type: enum, values: [debug, info], description: how much is sent}
    port: {type: port, default: 7000, description: where it listens}
  containers:
  - name: audit-tap
    image: audit/tap:1
    args: ['--level=$(params.level)', '--port=$(params.port)']
";

#[track_caller]
fn printed(ran: Ran) -> String {
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    ran.out
}

#[track_caller]
fn shown(name: &str) -> String {
    printed(multipod(&["patterns", name], ""))
}

#[test]
fn patterns_are_listed_with_their_annotations() {
    let list = printed(multipod(&["patterns"], ""));
    let mut annotation = "";
    let mut rows = Vec::new();
    for line in list.lines() {
        match line.strip_prefix("  ") {
            Some(row) => rows.push((annotation, row.split_whitespace().take(2).collect::<Vec<_>>())),
            None => annotation = line,
        }
    }
    for (annotation, row) in [
        ("multipod/ambassador", ["ambassador", "sidecar"]),
        ("multipod/init", ["wait-for", "step"]),
        ("multipod/share-process-namespace", ["share-process-namespace", "switch"]),
        ("multipod/metrics", ["nginx", "adapter"]),
    ] {
        assert!(rows.iter().any(|other| *other == (annotation, row.to_vec())), "{row:?} is not in\n{list}");
    }
    let of_key = printed(multipod(&["patterns", "init"], ""));
    let lines: Vec<&str> = of_key.lines().filter(|line| !line.starts_with("   ")).collect();
    let names: Vec<&str> = lines.iter().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, ["multipod/init", "wait-for", "clone"]);
    assert_eq!(printed(multipod(&["patterns", "multipod/init"], "")), of_key);
}

#[test]
fn a_pattern_is_shown_with_its_options_and_what_it_adds() {
    let page = shown("ambassador");
    for part in [
        "  multipod/ambassador: \"LISTEN:TARGET [mode=tcp|http] [timeout=TIME]",
        "  connect-timeout=TIME  how long connecting to the target may take [default: 5s]\n",
        "\nImages\n  haproxy:",
        "\nPorts\n  80\n",
        "\nExample\n  multipod/ambassador: \"80:8775\"\n",
        "        listen inbound-80\n",
        "    - name: multipod-ambassador\n      image: haproxy:",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
    assert!(!page.contains("multipod/status"), "{page}");
    assert!(shown("sync").contains("  into=PATH "), "{}", shown("sync"));
    assert!(shown("opt-out").ends_with("\nAdds nothing to a pod\n"), "{}", shown("opt-out"));
}

/// Terminals are at least 80 columns wide. What an example adds is to be copied, and stays as it is.
#[test]
fn the_list_and_every_page_fit_80_columns() {
    let list: Value = serde_json::from_str(&printed(multipod(&["patterns", "-o", "json"], ""))).unwrap();
    let names = list.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap());
    let pages = names.map(|name| shown(name).split("\nExample\n").next().unwrap().to_owned());
    for page in pages.chain([printed(multipod(&["patterns"], ""))]) {
        for line in page.lines() {
            assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
        }
    }
}

#[test]
fn every_pattern_of_the_list_can_be_shown_and_adds_something() {
    let list: Value = serde_json::from_str(&printed(multipod(&["patterns", "-o", "json"], ""))).unwrap();
    let names: Vec<&str> =
        list.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert!(names.len() >= 15, "{names:?}");
    for name in names {
        let one: Value =
            serde_json::from_str(&printed(multipod(&["patterns", name, "-o", "json"], ""))).unwrap();
        assert_eq!(one["name"], name);
        assert_eq!(one["adds"].as_object().unwrap().is_empty(), name == "opt-out", "{name}");
    }
}

#[test]
fn what_it_adds_is_what_inject_adds() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "sample", "annotations": {"multipod/metrics": "nginx"}},
        "spec": {"containers": [{"name": "app", "image": "app:1", "ports": [{"containerPort": 8775}]}]}});
    let injected = multipod(&["inject", "-o", "json"], &pod.to_string());
    let injected: Value = serde_json::from_str(&injected.out).unwrap();
    let shown: Value =
        serde_json::from_str(&printed(multipod(&["patterns", "nginx", "-o", "json"], ""))).unwrap();
    let adds = &shown["adds"]["spec"];
    assert_eq!(adds["initContainers"], injected["spec"]["initContainers"]);
    assert_eq!(adds["volumes"], injected["spec"]["volumes"]);
}

#[test]
fn patterns_of_administrators_are_listed_and_shown() {
    let files = Files::new(&[("policies/tap.yaml", TAP)]);
    let list = files.multipod(&["patterns", "--policy-dir", "policies"]);
    assert!(list.out.contains("Sends what the app does to the auditors"), "{}{}", list.out, list.err);
    let page = printed(files.multipod(&["patterns", "audit-tap", "--policy-dir", "policies"]));
    for part in [
        "audit-tap  multipod/patterns, pattern\n",
        "  multipod/patterns: \"audit-tap level=debug|info [port=PORT]\"\n",
        "  level=debug|info  how much is sent (required)\n",
        "  port=PORT         where it listens [default: 7000]\n",
        "\nImages\n  audit/tap:1\n",
        "\nExample\n  multipod/patterns: \"audit-tap level=debug\"\n",
        "--level=debug",
        "--port=7000",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
}

#[test]
fn settings_and_versions_count_in_what_is_shown() {
    let files = Files::new(&[("settings.yaml", "registry: mirror.example\n")]);
    let page = printed(files.multipod(&[
        "patterns",
        "ambassador",
        "--config",
        "settings.yaml",
        "--kubernetes-version",
        "1.28",
    ]));
    assert!(page.contains("\nImages\n  mirror.example/haproxy:"), "{page}");
    assert!(page.contains("image: mirror.example/haproxy:") && !page.contains("initContainers"), "{page}");
}

#[test]
fn an_unknown_pattern_is_told_its_nearest() {
    let ran = multipod(&["patterns", "ambasador"], "");
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    ran.reports(&["there is no pattern ambasador, did you mean ambassador?"]);
}

#[test]
fn files_are_named_with_f_as_for_kubectl_or_without() {
    let files = Files::new(&[("app.yaml", &pod(""))]);
    let with = files.multipod(&["inject", "-f", "app.yaml"]);
    assert_eq!(with.code, 0);
    for args in [&["inject", "app.yaml"][..], &["inject", "--quiet", "./app.yaml"]] {
        let ran = files.multipod(args);
        assert_eq!((ran.code, &ran.out), (0, &with.out), "{args:?}: {}", ran.err);
    }
    let piped = multipod(&["inject", "-"], &pod(""));
    assert_eq!((piped.code, piped.out), (0, with.out));
    for (args, expected) in [
        (&["check", "nowhere.yaml"][..], "nowhere.yaml: No such file"),
        (&["inject", "-", "-f", "-"], "the standard input can be read only once"),
        (&["certs", "app.yaml"], "unexpected argument 'app.yaml'"),
    ] {
        let ran = multipod(args, "");
        assert_eq!(ran.code, 2, "{args:?}");
        assert!(ran.err.contains(expected), "{args:?}: {}", ran.err);
    }
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(multipod(&["completions", shell], ""));
        for command in ["inject", "explain", "check", "patterns"] {
            assert!(script.contains(command), "{shell} {command}");
        }
    }
    assert_eq!(multipod(&["completions", "tcsh"], "").code, 2);
}

/// What bash offers at the end of a line.
#[track_caller]
fn completed(line: &[&str]) -> Vec<String> {
    let script = printed(multipod(&["completions", "bash"], ""));
    let (last, before) = line.split_last().unwrap();
    let words = line.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    let call = format!(
        "COMP_WORDS=({words}); COMP_CWORD={}; _multipod multipod '{last}' '{}'\n\
         [ ${{#COMPREPLY[@]}} = 0 ] || printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        before.len(),
        before.last().unwrap()
    );
    let ran = Ran::of(Command::new("bash").args(["--norc", "-c", &format!("{script}\n{call}")]));
    printed(ran).lines().map(str::to_owned).collect()
}

#[test]
fn names_of_patterns_and_keys_are_completed() {
    assert_eq!(completed(&["multipod", "patterns", "amb"]), ["ambassador"]);
    assert_eq!(completed(&["multipod", "patterns", "red"]), ["redis"]);
    assert_eq!(completed(&["multipod", "patterns", "init"]), ["init"]);
    assert_eq!(completed(&["multipod", "patterns", "multipod/sha"]), ["multipod/share-process-namespace"]);
    for command in ["inject", "explain", "check"] {
        for option in ["-a", "--annotate", "--namespace-annotations"] {
            assert_eq!(
                completed(&["multipod", command, option, "multipod/l"]),
                ["multipod/logging="],
                "{command} {option}"
            );
        }
    }
}

#[test]
fn manual_pages_are_printed_or_written_for_every_command() {
    let page = printed(multipod(&["man"], ""));
    assert!(page.contains(".TH multipod 1") && page.contains("multipod\\-explain"), "{page}");

    let files = Files::new(&[]);
    assert_eq!(printed(files.multipod(&["man", "--dir", "share/man1"])), "");
    let help = printed(multipod(&["--help"], ""));
    let commands =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"explain"), "{help}");
    for name in names.into_iter().filter(|name| *name != "help") {
        assert!(files.join(&format!("share/man1/multipod-{name}.1")).is_file(), "{name}");
    }
    assert!(files.join("share/man1/multipod.1").is_file());
}

#[test]
fn the_version_is_told_to_people_and_machines() {
    let version = env!("CARGO_PKG_VERSION");
    let text = printed(multipod(&["version"], ""));
    assert!(text.starts_with(&format!("multipod {version}\n")) && text.contains("Kubernetes 1."), "{text}");
    let told: Value = serde_json::from_str(&printed(multipod(&["version", "-o", "json"], ""))).unwrap();
    assert_eq!((&told["version"], &told["nativeSidecars"]), (&json!(version), &json!(true)));
}
