//! `multipod check --fix`: what is certain is written, and nothing else changes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::run::{Files, Ran, multipod};

/// One of each kind of slip that has one meaning.
const SLIPS: &str = "\
# The shop
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web   # as the Service
  annotations: {team: shop}
spec:
  template:
    metadata:
      labels: {app: web}
      annotations: # ours
        multi-pod/ambassador:   '80:8775 mdoe=http'  # in front
        'multipod/loging': \"/var/log/app/*.log\"
    spec:
      hostNetwork: \"false\"
      containers:
      - name: app
        image: app:1
        ports: [{containerPort: \"8775\"}]   # its own
        env:
        - {name: VERSION, value: 1.10}
";

fn right() -> String {
    SLIPS
        .replace("multi-pod/", "multipod/")
        .replace("mdoe", "mode")
        .replace("loging", "logging")
        .replace("\"false\"", "false")
        .replace("\"8775\"", "8775")
        .replace("1.10", "\"1.10\"")
}

/// Runs `check --fix` on a file of this text; what it holds then, and what was told.
fn fixed(name: &str, text: &str) -> (String, Ran) {
    let files = Files::new(&[(name, text)]);
    let ran = files.multipod(&["check", "-f", name, "--fix"]);
    let after = fs::read_to_string(files.path().join(name)).unwrap();
    let again = files.multipod(&["check", "-f", name, "--fix"]);
    assert!(!again.out.contains(": fixed: "), "{}", again.out);
    assert_eq!(fs::read_to_string(files.path().join(name)).unwrap(), after, "the second time");
    assert_eq!(again.code, ran.code);
    (after, ran)
}

#[track_caller]
fn becomes(text: &str, expected: &str) {
    let (after, ran) = fixed("a.yaml", text);
    assert_eq!(after, expected, "{}{}", ran.out, ran.err);
}

#[test]
fn what_is_certain_is_written_and_every_other_byte_stays() {
    let (after, ran) = fixed("web.yaml", SLIPS);
    assert_eq!(after, right(), "{}", ran.out);
    assert_eq!(ran.code, 0, "{}", ran.out);
    let told: Vec<&str> = ran.out.lines().filter(|line| line.contains(": fixed: ")).collect();
    assert_eq!(
        told,
        [
            "web.yaml:12:9: fixed: multi-pod/ambassador → multipod/ambassador [misspelt_key]",
            "web.yaml:12:9: fixed: mdoe → mode [bad_value]",
            "web.yaml:13:9: fixed: multipod/loging → multipod/logging [unknown_key]",
            "web.yaml:15:20: fixed: \"false\" → false [unreadable_pod]",
            "web.yaml:19:33: fixed: \"8775\" → 8775 [unreadable_pod]",
            "web.yaml:21:34: fixed: 1.10 → \"1.10\" [unreadable_pod]",
        ]
    );
    assert!(ran.out.ends_with("0 errors, 0 warnings in 1 pod, 6 fixed\n"), "{}", ran.out);
    for text in
        [SLIPS.replace('\n', "\r\n"), SLIPS.trim_end().to_owned(), format!("\u{feff}{SLIPS}---\n# none\n")]
    {
        let expected = text.replace(&*SLIPS.replace('\n', "\r\n"), &right().replace('\n', "\r\n"));
        let expected = expected.replace(SLIPS.trim_end(), right().trim_end());
        becomes(&text, &expected);
    }
}

#[test]
fn json_and_lists_and_several_documents_are_fixed_where_the_slip_stands() {
    let pod = |key: &str| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "annotations": {key: "80:8775"}}, "spec": {"containers": [{"name": "a", "image": "b"}]}});
    let list = |key: &str| {
        let list =
            json!({"apiVersion": "v1", "kind": "List", "items": [pod("multipod/ambassador"), pod(key)]});
        serde_json::to_string_pretty(&list).unwrap()
    };
    let (after, _) = fixed("a.json", &list("multipod/ambasador"));
    assert_eq!(after, list("multipod/ambassador"));
    let two = |key: &str| format!("# one\n{}\n---\n# two\n{}\n", pod("multipod/ambassador"), pod(key));
    becomes(&two("multipod/ambassdor"), &two("multipod/ambassador"));
}

#[test]
fn annotations_one_level_off_move_with_their_comments() {
    let text = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    annotations: # for the pods
      # the port
      multipod/ambassador:  '80:8775' # in front
    metadata:
      labels: {app: web}
    spec:
      containers: [{name: app, image: 'app:1'}]
";
    let whole = "    annotations: # for the pods\n      # the port\n      multipod/ambassador:  '80:8775' # in front\n";
    let inside = whole.split_inclusive('\n').flat_map(|line| ["  ", line]).collect::<String>();
    let expected = text.replace(whole, "").replace("{app: web}\n", &format!("{{app: web}}\n{inside}"));
    becomes(text, &expected);
    // On the workload itself, beside what stays there.
    let beside = expected.replace(&inside, "").replace(
        "  name: web\n",
        "  name: web\n  annotations:\n    team: shop\n    multipod/ambassador: '80:8775'\n",
    );
    let moved = beside
        .replace("    multipod/ambassador: '80:8775'\n", "")
        .replace("{app: web}\n", "{app: web}\n      annotations:\n        multipod/ambassador: '80:8775'\n");
    becomes(&beside, &moved);
    // The key is there already: nobody knows which of them is meant.
    let both = expected
        .replace("  name: web\n", "  name: web\n  annotations:\n    multipod/ambassador: '81:8775'\n");
    becomes(&both, &both);
    let misspelt = expected.replace("      annotations: #", "      anotations: #");
    becomes(&misspelt, &expected);
}

#[test]
fn characters_that_look_like_others_are_written_plain() {
    let pod = |lines: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a # “quoted”\n  annotations:\n{lines}spec:\n  containers: [{{name: a, image: b}}]\n"
        )
    };
    becomes(
        &pod("    multipod/\u{200b}ambassador: '80:8775'\n"),
        &pod("    multipod/ambassador: '80:8775'\n"),
    );
    becomes(&pod("    multipod/ambassador:\u{a0}'80:8775'\n"), &pod("    multipod/ambassador: '80:8775'\n"));
    becomes(&pod("    multipod/ambassador: 80:53\n"), &pod("    multipod/ambassador: \"80:53\"\n"));
    becomes(
        &pod("    multipod/share-process-namespace: true\n"),
        &pod("    multipod/share-process-namespace: \"true\"\n"),
    );
}

#[test]
fn what_is_not_certain_is_left_and_told() {
    let pod = |lines: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n{lines}spec:\n  containers: [{{name: a, image: b}}]\n"
        )
    };
    for lines in [
        // Its right name stands beside it.
        "    multipod/ambasador: '80:8775'\n    multipod/ambassador: '81:8775'\n",
        // Its right name brings a value that is refused.
        "    multi-pod/ambassador: '80:x:y'\n",
        "    multipod/banana: x\n",
        "    multipod/ambassador: '80:99999'\n",
        "    multipod/share-process-namespace: yes\n",
    ] {
        let (after, ran) = fixed("a.yaml", &pod(lines));
        assert_eq!((after, ran.code), (pod(lines), 1), "{}", ran.out);
        assert!(!ran.out.contains("fixed"), "{}", ran.out);
    }
    let chart = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n  annotations: {multipod/loging: x}\n";
    let (after, ran) = fixed("chart.yaml", chart);
    assert_eq!((&*after, ran.code), (chart, 2), "{}", ran.out);
}

#[test]
fn a_diff_shows_what_would_be_written_and_writes_nothing() {
    let files = Files::new(&[("web.yaml", SLIPS)]);
    let ran = files.multipod(&["check", "-f", "web.yaml", "--diff"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("--- web.yaml\n+++ web.yaml\n"), "{}", ran.out);
    for line in [
        "-        'multipod/loging': \"/var/log/app/*.log\"",
        "+        'multipod/logging': \"/var/log/app/*.log\"",
    ] {
        assert!(ran.out.lines().any(|other| other == line), "{line}\n{}", ran.out);
    }
    ran.reports(&["web.yaml:13:9: fixable: multipod/loging → multipod/logging", "6 fixable"]);
    assert_eq!(fs::read_to_string(files.path().join("web.yaml")).unwrap(), SLIPS);
    let good = multipod(&["check", "--diff"], &right());
    assert_eq!((good.code, &*good.out), (0, ""), "{}", good.err);
}

#[test]
fn the_standard_input_is_printed_mended_and_the_report_stands_beside_it() {
    let ran = multipod(&["check", "--fix", "-"], SLIPS);
    assert_eq!((ran.code, ran.out), (0, right()), "{}", ran.err);
    assert!(
        ran.err.contains("<stdin>:13:9: fixed: multipod/loging → multipod/logging [unknown_key]\n"),
        "{}",
        ran.err
    );
    multipod(&["check", "--fix", "-o", "json"], SLIPS).is_refused();
}

#[test]
fn mends_are_listed_for_machines() {
    let files = Files::new(&[("web.yaml", &SLIPS.replace("multi-pod", "multipod").replace("mdoe", "mode"))]);
    let ran = files.multipod(&["check", "-f", "web.yaml", "--fix", "-o", "json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let mend = json!({"file": "web.yaml", "line": 13, "column": 9, "reason": "unknown_key", "was": "multipod/loging", "is": "multipod/logging"});
    assert_eq!(report["fixed"][0], mend, "{}", ran.out);
    assert_eq!((report["errors"].as_u64(), report["fixed"].as_array().map(Vec::len)), (Some(0), Some(4)));
}

#[test]
fn a_file_keeps_its_permissions_and_a_link_its_target() {
    let files = Files::new(&[("real/web.yaml", SLIPS), ("read-only.yaml", SLIPS)]);
    let path = |name: &str| files.path().join(name);
    fs::set_permissions(path("real/web.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(path("read-only.yaml"), fs::Permissions::from_mode(0o444)).unwrap();
    symlink("real/web.yaml", path("link.yaml")).unwrap();
    let ran = files.multipod(&["check", "-f", "link.yaml", "--fix"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(fs::symlink_metadata(path("link.yaml")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(path("real/web.yaml")).unwrap(), right());
    assert_eq!(fs::metadata(path("real/web.yaml")).unwrap().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(path("real")).unwrap().count(), 1, "nothing is left beside it");
    let ran = files.multipod(&["check", "-f", "read-only.yaml", "--fix"]);
    assert_eq!(ran.code, 2);
    ran.reports(&["error: read-only.yaml: not fixed: it is read-only"]);
    assert!(!ran.out.contains("fixed"), "{}", ran.out);
    assert!(ran.out.contains("multi-pod/ambassador means nothing"), "{}", ran.out);
}

#[test]
fn utf_16_is_not_written() {
    let files = Files::new(&[]);
    let bytes: Vec<u8> = format!("\u{feff}{SLIPS}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(files.path().join("web.yaml"), &bytes).unwrap();
    let ran = files.multipod(&["check", "-f", "web.yaml", "--fix"]);
    assert_eq!(ran.code, 2);
    ran.reports(&["web.yaml: not fixed: it is UTF-16; convert it to UTF-8 first"]);
    assert_eq!(fs::read(files.path().join("web.yaml")).unwrap(), bytes);
}

/// What is right, and the same with one slip of each kind, where there is a place for it.
fn broken(text: &str) -> Vec<(&'static str, String)> {
    let mut broken = Vec::new();
    let mut slip = |kind, from: &str, to: &str| {
        if let Some(at) = text.find(from) {
            broken.push((kind, format!("{}{to}{}", &text[..at], &text[at + from.len()..])));
        }
    };
    slip("key", "multipod/ambassador:", "multipod/ambasador:");
    slip("key", "multipod/logging:", "multipod/loging:");
    slip("key", "multipod/metrics:", "multipod/metircs:");
    slip("prefix", "multipod/", "multi-pod/");
    slip("field", "      annotations:", "      anotations:");
    slip("invisible", " multipod/", " multi\u{200b}pod/");
    slip("space", " multipod/init: ", " multipod/init:\u{a0}");
    slip("option", " container=", " contaner=");
    slip("option", " timeout=", " timout=");
    if let Some(at) = text.find("containerPort: ") {
        let at = at + "containerPort: ".len();
        let port: String = text[at..].chars().take_while(char::is_ascii_digit).collect();
        broken.push(("type", format!("{}\"{port}\"{}", &text[..at], &text[at + port.len()..])));
    }
    broken
}

#[test]
fn a_slip_in_what_is_good_is_mended_to_the_same_bytes_or_left() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["examples", "tests/cases/logging", "tests/cases/init"] {
        let mut folders = vec![root.join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "yaml")
                    && !path.ends_with("expected.yaml")
                {
                    files.push(path);
                }
            }
        }
    }
    files.sort();
    let mut wrong = Vec::new();
    let (mut mended, mut left) = (BTreeMap::<&str, usize>::new(), BTreeMap::<&str, usize>::new());
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let broken = broken(&text);
        let is_ours = text.contains("kind: Pattern") || text.contains("kind: InjectionPolicy");
        if broken.is_empty() || is_ours || multipod(&["check", "-"], &text).code != 0 {
            continue;
        }
        for (kind, slip) in broken {
            let ran = multipod(&["check", "--fix", "-"], &slip);
            let count = if ran.out == text { &mut mended } else { &mut left };
            *count.entry(kind).or_default() += 1;
            if ran.out != text && (ran.out != slip || ran.code == 0) {
                wrong.push(format!("{}: {kind}\n{}\n{}", path.display(), ran.out, ran.err));
            }
        }
    }
    assert!(wrong.is_empty(), "{}: {}", wrong.len(), wrong.join("\n"));
    for kind in ["key", "prefix", "field", "invisible", "space", "option", "type"] {
        assert!(mended.get(kind).is_some_and(|count| *count > 0), "{kind}: {mended:?} {left:?}");
    }
    assert!(mended.values().sum::<usize>() > 20 * left.values().sum::<usize>(), "{mended:?} {left:?}");
}
