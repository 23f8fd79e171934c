//! One pod can be spelt in many ways. However it is, multipod sees what the API server sees, or nothing at all: no spelling
//! hides a port or an annotation. The API server's decoder knows names by their exact letters, escapes undone; of a name
//! that stands there twice it takes the last, and merges maps, so that such a name is no pod for us.

use multipod::admission::{self, ReviewError, Snapshot};

/// A pod whose app has the port that its annotation asks for.
const PLAIN: &str = r#"{"metadata":{"annotations":{"multipod/ambassador":"80:8775"}},"spec":{"containers":[{"name":"app","workingDir":"a:1","ports":[{"containerPort":80}]}]}}"#;

/// What becomes of a pod in a review: a slug.
fn verdict(pod: impl AsRef<[u8]>) -> String {
    let head = br#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE","namespace":"shop","resource":{"group":"","version":"v1","resource":"pods"},"object":"#;
    answer(&[head, pod.as_ref(), b"}}"].concat())
}

fn answer(body: &[u8]) -> String {
    match admission::mutate(body, &Snapshot::default(), None) {
        Ok(reply) => reply.record.reason.to_owned(),
        Err(error) => error.slug().to_owned(),
    }
}

/// The plain pod with something else in the place of a part of it, all of which it has once.
fn with(part: &str, instead: &str) -> String {
    assert_eq!(PLAIN.matches(part).count(), 1, "{part}");
    PLAIN.replace(part, instead)
}

#[test]
fn names_are_known_by_their_letters_however_they_are_written() {
    assert_eq!(verdict(PLAIN), "port_taken");
    for name in
        ["metadata", "annotations", "multipod/ambassador", "spec", "containers", "ports", "containerPort"]
    {
        let last = name.chars().next_back().unwrap();
        let rest = &name[..name.len() - 1];
        let code = u32::from(last);
        for spelt in [
            format!("{rest}\\u{code:04x}"),
            format!("{rest}\\u{code:04X}"),
            name.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<Vec<_>>().concat(),
            name.replace('/', "\\/"),
        ] {
            let pod = with(&format!("\"{name}\""), &format!("\"{spelt}\""));
            assert_eq!(verdict(&pod), "port_taken", "{spelt}");
        }
        // Other letters are another name, also beside the real one.
        for other in
            [name.to_uppercase(), format!("{name} "), format!("{name}\\u0000"), format!("{name}\\u200b")]
        {
            let both = with(&format!("\"{name}\""), &format!("\"{other}\":7,\"{name}\""));
            let is_ours = name.contains('/') && other.starts_with("multipod/");
            assert_eq!(verdict(&both), if is_ours { "unknown_key" } else { "port_taken" }, "{other}");
        }
    }
    for value in [r"80\u003a8775", r"\u0038\u0030:8775", r"80:8775 ", r"\t80:8775\n"] {
        assert_eq!(verdict(with("80:8775", value)), "port_taken", "{value}");
    }
}

#[test]
fn a_name_twice_is_no_pod() {
    for (part, again, slug) in [
        (r#""spec":"#, r#""spec":{},"spec":"#, "bad_json"),
        (r#""spec":"#, r#""spec":null,"spec":"#, "bad_json"),
        (r#""spec":"#, r#""sp\u0065c":{},"spec":"#, "bad_json"),
        (r#""metadata":"#, r#""metadata":{},"metadata":"#, "bad_json"),
        (r#""annotations":"#, r#""annotations":{},"annotations":"#, "bad_json"),
        (r#""multipod/ambassador":"#, r#""multipod/ambassador":"1:2","multipod/ambassador":"#, "bad_json"),
        (r#""multipod/ambassador":"#, r#""multipod\/ambassador":"1:2","multipod/ambassador":"#, "bad_json"),
        (r#""containers":"#, r#""containers":[],"containers":"#, "unreadable_pod"),
        (r#""ports":"#, r#""ports":[],"ports":"#, "unreadable_pod"),
        (r#""containerPort":"#, r#""containerPort":81,"containerPort":"#, "unreadable_pod"),
    ] {
        assert_eq!(verdict(with(part, again)), slug, "{again}");
    }
    let twice = format!("{{}},\"object\":{PLAIN}");
    assert_eq!(verdict(&twice), "bad_json");
    // What nobody looks at may be there twice.
    assert_eq!(verdict(with(r#""workingDir":"#, r#""workingDir":"b","workingDir":"#)), "port_taken");
}

/// What the API server would never send, where we look and where we do not. Where we do not, it says so itself.
#[test]
fn what_is_no_json_is_an_error_where_we_look_and_hides_nothing_where_we_do_not() {
    for (value, looked_at) in [
        (r#""\ud800""#, "bad_json"),
        (r#""\udc00\ud800""#, "bad_json"),
        (r#""\q""#, "bad_json"),
        ("\"a\tb\"", "bad_json"),
        ("\"a\0b\"", "bad_json"),
        (r#""\u0000""#, "port_taken"),
        ("tru", "bad_json"),
        ("nulll", "bad_json"),
        ("NaN", "bad_json"),
        ("01", "bad_json"),
        ("1e999", "bad_json"),
        ("99999999999999999999999999", "port_taken"),
        ("-0", "port_taken"),
        ("[[\"]\\\"\",{}]]", "port_taken"),
        (r#"{"a":1,"a":2}"#, "port_taken"),
    ] {
        let seen = with(r#""annotations":{"#, &format!(r#""annotations":{{"other":{value},"#));
        assert_eq!(verdict(&seen), looked_at, "{value}");
        let unseen = with(r#""name":"app""#, &format!(r#""unknown":{value},"name":"app","more":[{value}]"#));
        assert_eq!(verdict(&unseen), "port_taken", "{value}");
    }
    for (port, slug) in [
        ("80.0", "unreadable_pod"),
        ("8e1", "unreadable_pod"),
        ("\"80\"", "unreadable_pod"),
        ("080", "unreadable_pod"),
        ("1e400", "unreadable_pod"),
        ("18446744073709551616", "unreadable_pod"),
        ("[80]", "unreadable_pod"),
        ("true", "unreadable_pod"),
    ] {
        assert_eq!(
            verdict(with(r#""containerPort":80"#, &format!(r#""containerPort":{port}"#))),
            slug,
            "{port}"
        );
    }
    for list in [
        r#""containers":[["app"]]"#,
        r#""containers":[{"name":"app","ports":[["",80]]}]"#,
        r#""securityContext":[5]"#,
    ] {
        let pod = format!(
            r#"{{"metadata":{{"annotations":{{"multipod/ambassador":"80:8775"}}}},"spec":{{{list}}}}}"#
        );
        assert_eq!(verdict(&pod), "unreadable_pod", "{list}");
    }
    for wrong in ["[]", "[{}]", "7", "\"\"", "true"] {
        assert_eq!(verdict(wrong), "bad_json", "{wrong}");
    }
    for (pod, slug) in [
        (format!("\u{feff}{PLAIN}"), "bad_json"),
        (format!("/**/{PLAIN}"), "bad_json"),
        (format!("\u{c}{PLAIN}"), "bad_json"),
        (format!("\u{a0}{PLAIN}"), "bad_json"),
        (format!("{PLAIN} x"), "bad_json"),
        (format!("{PLAIN}}}"), "bad_json"),
        (format!("\r\n\t {PLAIN}\n"), "port_taken"),
    ] {
        assert_eq!(verdict(&pod), slug, "{pod}");
    }
}

#[test]
fn bytes_that_are_no_text_are_an_error_wherever_they_stand() {
    for (part, instead) in
        [("\"a:1\"", &b"\"a:\xff\""[..]), ("\"a:1\"", b"[\"\xc3\"]"), ("\"a:1\"", b"\"\xed\xa0\x80\"")]
    {
        let (before, after) = PLAIN.split_once(part).unwrap();
        let pod = [before.as_bytes(), instead, after.as_bytes()].concat();
        assert_eq!(verdict(pod), "bad_json", "{instead:?}");
    }
    let body = [br#"{"apiVersion":"admission.k8s.io/v1","#, &b"\"x\":\"\x80\"}"[..]].concat();
    assert!(matches!(admission::mutate(&body, &Snapshot::default(), None), Err(ReviewError::NotText(_))));
}

#[test]
fn depth_hides_nothing_and_costs_no_stack() {
    let deep = format!("{}{}", "[{\"a\":".repeat(500_000), "7".to_owned() + &"}]".repeat(500_000));
    let unseen = with(r#""workingDir":"a:1""#, &format!(r#""workingDir":"a:1","unknown":{deep}"#));
    assert_eq!(verdict(&unseen), "port_taken");
    let beside = with(r#""spec":"#, &format!(r#""unknown":{deep},"spec":"#));
    assert_eq!(verdict(&beside), "port_taken");
    let seen = with(r#""annotations":{"#, &format!(r#""annotations":{{"other":{deep},"#));
    assert_eq!(verdict(&seen), "port_taken");
}

/// Reading by blocks must not care where in a block something begins or ends.
#[test]
fn what_is_stepped_over_ends_where_it_ends_at_every_place_in_a_block() {
    let tails = ["", r"\\", r#"\""#, r#"\\\""#, "]", "}", r"\\\\", "[{", "ä", "\u{1f600}"];
    for pad in 0..130 {
        for (which, tail) in tails.iter().enumerate() {
            let filler =
                if which % 2 == 0 { "x".repeat(pad) } else { r"\\".repeat(pad / 2) + &"x".repeat(pad % 2) };
            let text = format!("\"{filler}{tail}\"");
            let unseen = format!(r#""workingDir":[{text},{{{text}:[{text}]}},{text}]"#);
            assert_eq!(verdict(with(r#""workingDir":"a:1""#, &unseen)), "port_taken", "{unseen}");
            let seen = with(r#""annotations":{"#, &format!(r#""annotations":{{{text}:{text},"#));
            assert_eq!(verdict(&seen), "port_taken", "{seen}");
        }
    }
}
