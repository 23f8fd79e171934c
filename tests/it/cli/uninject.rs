//! What `uninject` makes of what `inject` made.

use crate::support::run::{injected, multipod, pod};

#[test]
fn inject_and_uninject_give_the_very_text_again() {
    let texts = [
        pod(""),
        pod("").replace('\n', "\r\n"),
        pod("  volumes: # mine\n  # first\n  - {name: v, emptyDir: {}} # one\n  securityContext: {runAsUser: 5}\n"),
        format!("# one\n---\n{}...\n---\nkind: Service\n# end", pod("    env:\n    - {name: A, value: '1'}\n")),
        pod("").trim_end().to_owned(),
        pod("  volumes:\n  securityContext:\n    {}\n"),
        pod("  volumes: [{name: v, emptyDir: {}}, # one\n    {name: w}] # two\n"),
        "{\"kind\": \"Pod\",\n \"metadata\": {\"annotations\": {\"multipod/ambassador\": \"80:1\"}},\n \"spec\": \
         {\"containers\": [{\"name\": \"a\"}]}}"
            .to_owned(),
    ];
    for text in texts {
        let ran = multipod(&["uninject"], &injected(&text).out);
        assert_eq!((ran.code, ran.out), (0, text), "{}", ran.err);
    }
}

#[test]
fn what_was_not_injected_passes_and_says_so() {
    let text = format!("{}---\nkind: Service\nmetadata: {{name: s}}\n", pod(""));
    let ran = multipod(&["uninject", "-v"], &text);
    assert_eq!((ran.code, &ran.out), (0, &text));
    ran.reports(&["note: <stdin>:1: Pod web is left as it is: nothing says what", "(not_injected)"]);
    ran.reports(&["note: <stdin>:12: Service s is left as it is: "]);
    assert_eq!(multipod(&["uninject", "--quiet"], &text).err, "");
}

#[test]
fn a_null_that_may_have_been_written_otherwise_is_told() {
    for null in [" null", " ~", ""] {
        let text = pod(&format!("  volumes:{null}\n"));
        let ran = multipod(&["uninject"], &injected(&text).out);
        assert_eq!((ran.code, ran.out.clone()), (0, text.replace(&format!("volumes:{null}"), "volumes:")));
        ran.reports(&["note: <stdin>:", "volumes is null again", "`volumes: null`", "(null_again)"]);
    }
    let absent = multipod(&["uninject"], &injected(&pod("")).out);
    assert_eq!(absent.err, "");
}

#[test]
fn a_status_that_nobody_can_read_is_refused() {
    let text = pod("").replace("multipod/ambassador: \"80:8775\"", "multipod/status: '{'");
    let ran = multipod(&["uninject"], &format!("{}---\n{text}", injected(&pod("")).out));
    ran.is_refused();
    ran.reports(&["error[bad_status]: ", "(document 2, Pod web)"]);
}

#[test]
fn the_pods_of_lists_are_uninjected() {
    let item = "- kind: Pod\n  metadata:\n    annotations: {multipod/ambassador: '80:1'}\n  spec:\n    containers:\n    \
                - name: a\n";
    let text = format!("kind: List\nitems:\n{item}{item}- kind: Service\n");
    let injected = injected(&text).out;
    assert_eq!(injected.matches("restartPolicy: Always").count(), 2);
    assert_eq!(multipod(&["uninject"], &injected).out, text);
    let json = multipod(&["uninject", "-o", "json"], &injected).out;
    assert!(json.starts_with("{\n  \"kind\": \"List\",\n") && !json.contains("multipod-"), "{json}");
}
