//! The page on the admin port, as browsers and those who would misuse it ask for it.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::support::program::{Server, serve};
use serde_json::{Value, json};

/// Status, head and body of an answer.
struct Got {
    status: u16,
    head: String,
    body: String,
}

fn asked(server: &Server, request: &str, headers: &[(&str, &str)], body: &str) -> Got {
    let mut stream = TcpStream::connect(&server.admin).unwrap();
    let host = [("host", server.admin.as_str()), ("connection", "close")];
    let mut text = format!("{request} HTTP/1.1\r\n");
    let named = |name: &str| headers.iter().any(|(other, _)| *other == name);
    for (name, value) in host.iter().filter(|(name, _)| !named(name)).chain(headers) {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    write!(stream, "{text}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = Vec::new();
    // A server that refuses early may close before everything was read.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Got { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  annotations:\n    multipod/ambassador: \"80:8775\"\nspec:\n  \
    containers:\n  - {name: app, image: a}\n";

fn answer(server: &Server, question: &Value) -> Value {
    let got = asked(server, "POST /ui/answer", &[JSON], &question.to_string());
    assert_eq!(got.status, 200, "{}", got.body);
    serde_json::from_str(&got.body).unwrap()
}

#[test]
fn a_browser_without_scripts_gets_everything_by_forms() {
    let server = serve(&[]);
    let page = asked(&server, "GET /ui", &[], "");
    assert_eq!(page.status, 200);
    for part in ["role=\"img\"", "legacy-fruit-service", "+++ manifest.yaml", "action=\"/ui\""] {
        assert!(page.body.contains(part), "{part}\n{}", page.body);
    }
    let other = asked(&server, "GET /ui?example=mistake", &[], "");
    assert!(
        other.body.contains("class=\"refused\"") && other.body.contains("expected a port"),
        "{}",
        other.body
    );
    let form: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("manifest", &POD.replace('\n', "\r\n"))
        .append_pair("annotations", "multipod/init=wait-for db:5432")
        .finish();
    let mine = asked(&server, "POST /ui", &[FORM], &form);
    assert!(
        mine.body.contains("waits for to db:5432") && mine.body.contains("&quot;80:8775&quot;"),
        "{}",
        mine.body
    );
    server.end();
}

#[test]
fn a_script_gets_what_the_commands_print() {
    let server = serve(&[]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("manifest.yaml"), POD).unwrap();
    let printed = |command: &str| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_multipod"));
        let ran = program.args([command, "-f", "manifest.yaml"]).current_dir(folder.path()).output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    let good = answer(&server, &json!({"manifest": POD}));
    assert_eq!((&good["refused"], &good["summary"]), (&json!(false), &json!("1 pod: injected.")));
    assert_eq!(good["diff"], printed("diff"));
    let explained = good["explanation"].as_str().unwrap();
    assert!(printed("explain").starts_with(explained) && explained.contains("Verdict"), "{explained}");
    let bad = answer(&server, &json!({"manifest": POD.replace("80:8775", "8o:8775")}));
    assert_eq!((&bad["refused"], &bad["diff"]), (&json!(true), &json!("")));
    assert!(bad["problems"].as_str().unwrap().contains("expected a port"), "{bad}");
    let policy = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: gate}\nspec: {annotations: {multipod/init: 'wait-for gate:1'}}\n";
    let more = answer(&server, &json!({"manifest": POD, "policies": policy}));
    assert!(more["drawing"].as_str().unwrap().contains("gate:1"), "{more}");
    for wrong in
        [json!({"manifest": POD, "policies": "kind: [", }), json!({"manifest": POD, "annotations": "x"})]
    {
        let told = answer(&server, &wrong);
        assert!(told["refused"] == true && told["problems"].as_str().unwrap().starts_with("error"), "{told}");
    }
    server.end();
}

#[test]
fn names_of_strangers_stay_text() {
    let server = serve(&[]);
    let hostile = "</textarea></pre><script>alert(1)</script>{{drawing}}";
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": hostile, "annotations": {"multipod/ambassador": hostile}},
        "spec": {"containers": [{"name": hostile, "image": hostile}]}});
    let form: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("manifest", &pod.to_string())
        .append_pair("policies", hostile)
        .append_pair("annotations", hostile)
        .finish();
    let page = asked(&server, "POST /ui", &[FORM], &form);
    assert_eq!(page.body.matches("<script").count(), 1, "{}", page.body);
    assert!(page.body.contains("&lt;script&gt;alert(1)"), "{}", page.body);
    server.end();
}

#[test]
fn nothing_is_loaded_from_elsewhere_and_nobody_frames_it() {
    let server = serve(&[]);
    for path in ["/ui", "/ui/in-force", "/ui/style.css", "/ui/script.js", "/"] {
        let got = asked(&server, &format!("GET {path}"), &[], "");
        assert_eq!(got.status, if path == "/" { 303 } else { 200 }, "{path}");
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
        ] {
            assert!(got.head.contains(header), "{path}: {header}\n{}", got.head);
        }
        let outside = got.body.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !outside.contains("src=\"http") && !outside.contains("url(") && !outside.contains("<style"),
            "{path}"
        );
    }
    server.end();
}

#[test]
fn other_sites_can_neither_ask_nor_come_by_a_name_of_theirs() {
    let server = serve(&[]);
    let question = json!({"manifest": POD}).to_string();
    for (header, status) in [
        (("host", "evil.example"), 403),
        (("host", "127.0.0.1.evil.example:8080"), 403),
        (("origin", "http://evil.example"), 403),
        (("origin", "null"), 403),
        (("sec-fetch-site", "cross-site"), 403),
        (("sec-fetch-site", "same-site"), 403),
        (("sec-fetch-site", "same-origin"), 200),
        (("host", "localhost:1"), 200),
    ] {
        let got = asked(&server, "POST /ui/answer", &[JSON, header], &question);
        assert_eq!(got.status, status, "{header:?}: {}", got.body);
    }
    // What a form of another site can send is no question.
    assert_eq!(asked(&server, "POST /ui/answer", &[("content-type", "text/plain")], &question).status, 415);
    server.end();
}

#[test]
fn a_question_that_is_too_large_or_none_leaves_the_port_as_it_was() {
    let server = serve(&[]);
    let large = json!({"manifest": "a".repeat(70 << 10)}).to_string();
    assert_eq!(asked(&server, "POST /ui/answer", &[JSON], &large).status, 413);
    for wrong in ["", "{", "{\"other\": 1}", "1"] {
        assert_eq!(asked(&server, "POST /ui/answer", &[JSON], wrong).status, 400, "{wrong}");
    }
    let deep = "{".repeat(30_000);
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: [*d, *d, *d, *d, *d, *d, *d, *d]\n";
    for hostile in [deep.as_str(), bomb, "\u{0}", "---\n".repeat(9_000).as_str()] {
        assert_eq!(
            asked(&server, "POST /ui/answer", &[JSON], &json!({"manifest": hostile}).to_string()).status,
            200
        );
    }
    // Many at one time take their turns, and a probe waits for none of them.
    let many = POD.to_owned() + &format!("---\n{POD}").repeat(300);
    let question = json!({"manifest": many}).to_string();
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| asked(&server, "POST /ui/answer", &[JSON], &question).status))
            .collect();
        assert_eq!(server.admin("/livez"), "ok\n");
        for one in asking {
            assert!(matches!(one.join().unwrap(), 200 | 503));
        }
    });
    assert_eq!(server.admin("/livez"), "ok\n");
    server.end();
}

#[test]
fn what_is_in_force_is_shown_by_names_states_and_reasons_without_values() {
    let folder = tempfile::tempdir().unwrap();
    let policy = |name: &str, spec: &str| {
        format!(
            "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n---\n"
        )
    };
    let canary = "canary.example:4711";
    let gate =
        format!("mode: audit, rollout: {{percent: 20}}, annotations: {{multipod/init: 'wait-for {canary}'}}");
    // A pattern may have the name of a policy, and has no mode.
    let pattern = "apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {name: gate}\nspec: {containers: [{name: gate, image: 'gate:1'}]}\n";
    let broken = "annotations: {multipod/ambassador: '8o:canary'}";
    fs::write(
        folder.path().join("policies.yaml"),
        policy("gate", &gate) + &policy("wrong", broken) + pattern,
    )
    .unwrap();
    let server = serve(&["--policy-dir", folder.path().to_str().unwrap()]);
    let part = || {
        let got = asked(&server, "GET /ui/in-force", &[], "");
        assert_eq!(got.status, 200);
        got.body
    };
    assert!(part().contains("None since this server started."), "{}", part());
    for number in 0..25 {
        let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "u", "operation": "CREATE", "namespace": "shop", "name": format!("<b>web-{number}"), "dryRun": number == 24,
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "object": {"metadata": {"annotations": {"multipod/ambassador": "canary"}},
                "spec": {"containers": [{"name": "app", "image": "canary"}]}}}});
        assert_eq!(server.post("/mutate", review.to_string().as_bytes()).0, 200);
    }
    let shown = part();
    for row in [
        "<td>InjectionPolicy</td><td>gate</td><td>audit, 20 %</td><td>in force</td>",
        "<td>Pattern</td><td>gate</td><td></td><td>in force</td>",
        "<td>InjectionPolicy</td><td>wrong</td><td></td><td>left out</td>",
        "<td>certificate</td><td>ok</td><td>expires in ",
        "ago, dry run</td><td>shop</td><td>&lt;b&gt;web-24</td><td>bad_value</td>",
        "This server does not look for other replicas.",
    ] {
        assert!(shown.contains(row), "{row}\n{shown}");
    }
    // The last twenty.
    assert!(shown.contains("web-5<") && !shown.contains("web-4<"), "{shown}");
    let page = asked(&server, "GET /ui", &[], "").body;
    assert!(page.contains("<td>gate</td>"), "{page}");
    for text in [&shown, &page] {
        assert!(!text.contains("canary"), "{text}");
    }
    server.end();
}

#[test]
fn where_it_is_not_wanted_there_is_no_page() {
    let server = serve(&["--ui=false"]);
    for path in ["/ui", "/ui/answer", "/ui/in-force", "/ui/style.css", "/"] {
        assert_eq!(asked(&server, &format!("GET {path}"), &[], "").status, 404, "{path}");
    }
    server.end();
}
