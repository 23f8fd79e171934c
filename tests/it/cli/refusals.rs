//! All or nothing: what is refused, and how it is told.

use crate::support::run::{Files, Ran, multipod, ours, pod, program, values};

const BAD: &str = "8o:8775 mode=http";

fn bad() -> String {
    pod("").replace("80:8775", BAD)
}

#[test]
fn a_mistake_is_told_in_the_manner_of_compilers() {
    let ran = multipod(&["inject"], &format!("kind: Service\n---\n{}", bad()));
    ran.is_refused();
    let (_, error) = ran.err.split_once("error[").unwrap();
    let expected = "bad_value]: multipod/ambassador: 8o:8775 is not LISTEN:TARGET\n  \
                    --> <stdin>:8:5 (document 2, Pod web)\n   |\n 8 |     multipod/ambassador: \"8o:8775 mode=http\"\n   |                           ^^ expected a port \
                    between 1 and 65535\n   |\n";
    assert!(error.starts_with(expected), "{}", ran.err);
    assert!(error.ends_with("   | Example: multipod/ambassador: \"80:8775\"\n\n"), "{}", ran.err);
}

/// The line of the file is shown wherever a part of a value stands in it as it is written there.
#[test]
fn the_line_of_the_file_is_shown_with_the_part_that_is_wrong() {
    for (value, line) in [
        ("8o:1", "    multipod/ambassador: 8o:1\n   |                          ^^ expected a port"),
        (
            "'80:1, 8o:1'",
            "    multipod/ambassador: '80:1, 8o:1'\n   |                                 ^^ expected a port",
        ),
        ("|\n      80:1\n      8o:1", "      8o:1\n   |       ^^ expected a port"),
        // Here what stands in the file is not what it says.
        ("\"\\x380:1, 8o:1\"", " 80:1, 8o:1\n   |       ^^ expected a port"),
        (">\n      80:1,\n      8o:1", " 80:1, 8o:1\n   |       ^^ expected a port"),
    ] {
        let ran = multipod(&["inject"], &pod("").replace("\"80:8775\"", value));
        ran.is_refused();
        assert!(ran.err.contains(line), "{value}\n{}", ran.err);
    }
    let ran = multipod(&["inject", "-a", "multipod/ambassador=8o:1"], &pod(""));
    ran.reports(&["\n   | 8o:1\n   | ^^ expected a port", "set by --annotate"]);
    assert!(!ran.err.contains("80:8775\"\n   | ^"), "{}", ran.err);
}

/// What people get wrong most is told by its name, and once.
#[test]
fn likely_slips_are_told_by_their_names() {
    let of = |value: &str| pod("").replace("\"80:8775\"", value);
    let header = "apiVersion: v1\nkind: Pod\nmetadata:\n";
    for (text, level, told) in [
        (of("\"80:8775, timeout=5s\""), "error", "a comma cuts it off from its item"),
        (of("\"80:8775 mode=\""), "error", "nothing stands behind mode="),
        (of("\"5432:DB.prod\""), "error", "Example: multipod/ambassador: \"5432:db.prod\""),
        (of("\"5432:@none\""), "error", "Example: multipod/ambassador: \"5432:@orders-db\""),
        (format!("{header}\tname: a\n"), "error", "a tab stands before the content of this line"),
        (
            format!("{header}  name: {{{{ .Values.name }}}}\n"),
            "error",
            "helm template CHART | multipod check -",
        ),
        (format!("{{{{- if .Values.on }}}}\n{header}"), "error", "helm template CHART | multipod check -"),
        (
            of("\"80:8775\"").replace("v1\nkind: Pod", "apps/v1\nkind: deployment"),
            "warning",
            "Did you mean Deployment?",
        ),
        (
            of("\"80:8775\"").replace("v1\nkind: Pod", "apps/v1\nkind: StatefullSet"),
            "warning",
            "Did you mean StatefulSet?",
        ),
    ] {
        let ran = multipod(&["inject"], &text);
        ran.reports(&[told]);
        let all = ran.err.lines().filter(|line| line.starts_with("error") || line.starts_with("warning"));
        assert!(all.count() == 1 && ran.err.starts_with(level), "{text}\n{}", ran.err);
    }
}

#[test]
fn a_file_that_is_not_there_hides_no_problem_of_the_others() {
    let files = Files::new(&[("bad.yaml", &bad())]);
    for command in ["inject", "diff", "check", "explain"] {
        let ran = files.multipod(&[command, "none.yaml", "bad.yaml"]);
        assert_eq!(ran.code, 2, "{}", ran.err);
        let told = format!("{}{}", ran.out, ran.err);
        assert!(
            told.contains("8o:8775 is not LISTEN:TARGET") && told.contains("none.yaml: "),
            "{command}: {told}"
        );
    }
}

#[test]
fn nothing_is_printed_and_every_problem_of_every_document_is_told() {
    let two =
        pod("").replace("multipod/ambassador: \"80:8775\"", "multipod/init: nope\n    multipod/ambasador: x");
    let files = Files::new(&[
        ("good.yaml", &pod("")),
        ("bad.yaml", &format!("{}---\n{two}---\n{}", bad(), pod(""))),
        ("broken.yaml", &format!("{}---\n---\nb: [\n", bad())),
        ("twice.json", "{\"a\": 1,\n \"a\": 2}\n"),
    ]);
    let args = ["inject", "-f", "good.yaml", "-f", "bad.yaml", "-f", "broken.yaml", "-f", "twice.json"];
    let ran = files.multipod(&args);
    ran.is_refused();
    ran.reports(&[
        "--> bad.yaml:6:5 (document 1, Pod web)",
        "--> bad.yaml:17:5 (document 2, Pod web)",
        "--> bad.yaml:18:5 (document 2, Pod web)",
        "did you mean multipod/ambassador?",
        "--> broken.yaml:6:5 (document 1, Pod web)",
        "--> broken.yaml:13:4 (document 3)",
        "--> twice.json:2:2 (document 1)",
    ]);
    assert_eq!(ran.err.matches("error[").count(), 6, "{}", ran.err);
    for command in ["diff", "uninject"] {
        files.multipod(&[command, "-f", "good.yaml", "broken.yaml"]).is_refused();
    }
}

#[test]
fn a_mistake_of_an_item_names_its_place_in_the_list() {
    let item = "- kind: Pod\n  metadata: {name: NAME, annotations: {multipod/ambassador: VALUE}}\n  \
                spec: {containers: [{name: a}]}\n";
    let of = |name: &str, value: &str| item.replace("NAME", name).replace("VALUE", value);
    let text = format!("kind: List\nitems:\n{}{}", of("a", "'80:81'"), of("b", "x"));
    let ran = multipod(&["inject"], &text);
    ran.is_refused();
    ran.reports(&["--> <stdin>:7:37 (document 1, Pod b)"]);
    assert_eq!(ran.err.matches("-->").count(), 1);
}

#[test]
fn a_mistake_of_the_command_line_is_told_at_the_template() {
    let ran = multipod(
        &["inject", "-a", &format!("multipod/ambassador={BAD}")],
        "kind: Pod\nspec: {containers: [{name: a}]}\n",
    );
    ran.is_refused();
    ran.reports(&["--> <stdin>:1:1 (document 1, Pod, set by --annotate)", "8o:8775 mode=http\n"]);
}

#[test]
fn windows_pods_are_refused_if_they_ask() {
    let ran = multipod(&["inject"], &pod("  os: {name: windows}\n"));
    ran.is_refused();
    ran.reports(&["error[windows]: "]);
}

#[test]
fn metadata_that_is_no_metadata_is_refused() {
    let ran = multipod(&["inject"], "kind: Pod\nmetadata: [1]\nspec: {containers: [{name: a}]}\n");
    ran.is_refused();
    ran.reports(&["error[unreadable_pod]: ", "<stdin>:2:1 (document 1, Pod)"]);
}

#[test]
fn what_people_wrote_reaches_the_terminal_as_signs_only() {
    let text = pod("").replace("name: web", "name: \"we\\e[31mb\"").replace("80:8775", "\\e[31m");
    let ran = Ran::fed(program().args(["inject", "--color=never"]), text);
    ran.is_refused();
    assert!(!ran.err.contains('\u{1b}'), "{:?}", ran.err);
}

#[test]
fn settings_may_admit_a_mistake_with_a_warning() {
    let files = Files::new(&[
        ("a.yaml", &format!("{}---\n{}", bad(), pod(""))),
        ("config.yaml", "onMistake: warn\n"),
    ]);
    let ran = files.multipod(&["inject", "-f", "a.yaml", "--config", "config.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let after = values(&ran.out);
    assert!(ours(&after[0]).is_empty());
    assert_eq!(ours(&after[1]), ["multipod-ambassador"]);
    ran.reports(&["warning: nothing was injected: multipod/ambassador: ", "(mistake)"]);
}

/// Whoever has the files may know which policies define a name for others; the webhook tells nobody.
#[test]
fn a_name_that_policies_define_for_others_says_which_and_why_not_here() {
    let policy = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: caches}\n\
                  spec: {match: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: prod}}}, upstreams: {cache: \"redis.prod:6379\"}}\n";
    let files =
        Files::new(&[("p/caches.yaml", policy), ("web.yaml", &pod("").replace("80:8775", "6379:@cache"))]);
    let ran = files.multipod(&["inject", "web.yaml", "--policy-dir=p", "--namespace=dev"]);
    ran.is_refused();
    ran.reports(&[
        "@cache is not an upstream here",
        "Policy caches defines @cache, and is not for this pod: ",
        "dev",
    ]);
    assert_eq!(files.multipod(&["inject", "web.yaml", "--policy-dir=p", "--namespace=prod"]).code, 0);
}
