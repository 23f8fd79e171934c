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
                    --> <stdin>:8:5 (document 2, Pod web)\n   |\n   |   8o:8775 mode=http\n   |   ^^ ";
    assert!(error.starts_with(expected), "{}", ran.err);
    assert!(error.ends_with("   | Example: multipod/ambassador: \"80:8775\"\n"), "{}", ran.err);
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
    ran.reports(&["error[unreadable_pod]: ", "<stdin>:1:1 (document 1, Pod)"]);
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
