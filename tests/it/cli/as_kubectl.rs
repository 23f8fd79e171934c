//! Manifests are read as kubectl's own reader reads them, or refused: nobody hides anything between the two.

use std::cell::RefCell;
use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::kubectl::Kubectl;
use crate::support::run::{Files, injected, multipod, pod};

/// What multipod reads where kubectl reads something.
fn ours(text: &str) -> Result<Vec<Value>, String> {
    let documents = multipod_yaml::documents(text).map_err(|error| error.to_string())?;
    Ok(documents.iter().map(|document| document.value().clone()).filter(is_looked_at).collect())
}

/// kubectl takes nothing but objects; a list of them would be an object to somebody.
fn is_looked_at(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

/// Texts that are read, as kubectl reads them.
fn read_alike() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        // A file without a final line end.
        ("a: |\n  x", vec![json!({"a": "x\n"})]),
        ("a: >\n  x", vec![json!({"a": "x\n"})]),
        ("a: |+\n  x\n\n  y", vec![json!({"a": "x\n\ny\n"})]),
        ("a: |+\n  x\n  ", vec![json!({"a": "x\n\n"})]),
        ("a: |+\n  x\n ", vec![json!({"a": "x\n\n"})]),
        ("a: |\n  x\n  ", vec![json!({"a": "x\n"})]),
        ("a: |-\n  x", vec![json!({"a": "x"})]),
        ("a: |", vec![json!({"a": ""})]),
        ("a: |+", vec![json!({"a": ""})]),
        ("- |\r\n  x\r\n  y", vec![json!(["x\ny\n"])]),
        ("a: 'x\n\n  y'", vec![json!({"a": "x\ny"})]),
        // JSON, one after the other.
        ("{\"a\":1}\n{\"b\":2}\n", vec![json!({"a": 1}), json!({"b": 2})]),
        ("{\"a\":1}{\"b\":[{}]}", vec![json!({"a": 1}), json!({"b": [{}]})]),
        ("\n  {\"a\":\"}{\"}\n\n\n\t{\"b\":2}  ", vec![json!({"a": "}{"}), json!({"b": 2})]),
        (
            "{\n\t\"a\": 1\n}\n{\n\t\"b\": \"\\u00e9\\/\\ud83d\\ude00\"\n}\n",
            vec![json!({"a": 1}), json!({"b": "é/😀"})],
        ),
        ("{\"a\":1}\n---\n{\"b\":2}\n", vec![json!({"a": 1}), json!({"b": 2})]),
        ("{\"a\":1}\n---\nb: 2\n", vec![json!({"a": 1}), json!({"b": 2})]),
        ("{\"a\": \"x\u{2028}\u{85} y\"}", vec![json!({"a": "x\u{2028}\u{85} y"})]),
        // Line ends inside quotes that mean the same to everybody.
        ("a: \"x\u{2028}y\"\n", vec![json!({"a": "x\u{2028}y"})]),
        ("a: 'x\u{2029}y'\n", vec![json!({"a": "x\u{2029}y"})]),
        ("a: \"x\\Ly\\Nz\\P\"\n", vec![json!({"a": "x\u{2028}y\u{85}z\u{2029}"})]),
        // The end of a document.
        ("a: 1\n... # x\n# y\n", vec![json!({"a": 1})]),
        ("a: 1\n...\n---\nb: 2\n", vec![json!({"a": 1}), json!({"b": 2})]),
        ("\u{feff}a: 1\n---\nb: 2\n", vec![json!({"a": 1}), json!({"b": 2})]),
    ]
}

/// Texts in which kubectl reads what others do not see, and what the refusal says.
const REFUSED: [(&str, &str); 21] = [
    ("a: 1 # c\u{2028}b: 2\n", "U+2028"),
    ("a: 1 # c\u{2029}b: 2\n", "U+2029"),
    ("a: 1 # c\u{85}b: 2\n", "U+0085"),
    ("#\u{2028}\n", "U+2028"),
    ("\u{2028}a: 1", "U+2028"),
    ("a: x\u{2028}b: y\n", "U+2028"),
    ("a: |\n  x\u{2028}  b: y\n", "U+2028"),
    ("a: [1, \u{2028} 2]\n", "U+2028"),
    ("a: \"x \u{2028}y\"\n", "\\L"),
    ("a: \"x\u{2029} y\"\n", "\\P"),
    ("a: \"x\\\u{2028}y\"\n", ""),
    ("a: 'x\u{85}y'\n", "\\N"),
    ("{\"a\": 1, # c\u{2028}\"b\": 2}\n", ""),
    ("a: 1\n\u{feff}\"b\": 2\n", "U+FEFF"),
    ("a: 1\rb: 2\r", "carriage return"),
    ("a: 1 # c\rb: 2\n", "carriage return"),
    ("a: |\r  x\r  y\rb: 1\n", "carriage return"),
    ("a: 1\n...\nb: 2\n", "`...`"),
    ("a: 1\n...\n# c\nb: [1]\n", "`...`"),
    ("{\"a\":1}\n{\"b\":2}\nc: 3\n", ""),
    ("{\"a\":1}\n---\n{\"b\":2}\n{\"c\":3}\n", ""),
];

#[test]
fn what_kubectl_reads_is_read_alike_or_refused_with_a_reason() {
    for (text, expected) in read_alike() {
        assert_eq!(ours(text), Ok(expected), "{text:?}");
    }
    for (text, reason) in REFUSED {
        let error = ours(text).expect_err(text);
        assert!(error.contains(reason), "{text:?}: {error}");
    }
    let Some(mut kubectl) = Kubectl::started() else { return };
    for (text, expected) in read_alike() {
        assert_eq!(kubectl.read(text.as_bytes()), Ok(expected), "{text:?}");
    }
}

#[test]
fn a_comment_hides_nothing_that_kubectl_reads() {
    let hidden =
        pod("    imagePullPolicy: Always # as ever\u{2028}    securityContext: {privileged: true}\n");
    let ran = multipod(&["inject"], &hidden);
    ran.is_refused();
    ran.reports(&[
        "error[unreadable_yaml]: U+2028",
        "--> <stdin>:11:",
        "(document 1)",
        "Remove it, or write \\L",
    ]);
}

#[test]
fn a_block_scalar_keeps_the_line_end_that_the_file_does_not_have() {
    let map = "kind: ConfigMap\ndata:\n  haproxy.cfg: |\n    a\n    b";
    let json = multipod(&["inject", "-q", "-o", "json"], map).out;
    assert!(json.contains(r#""haproxy.cfg": "a\nb\n""#), "{json}");
    let text = pod("    args:\n    - |\n      a");
    let ran = injected(&text);
    assert!(ran.out.contains("    - |\n      a\n"), "{}", ran.out);
    let files = Files::new(&[("a.yaml", map), ("b.yaml", "kind: B\n")]);
    let both = files.multipod(&["inject", "-q", "-f", "a.yaml", "b.yaml"]).out;
    assert_eq!(both, format!("{map}\n---\nkind: B\n"));
}

#[test]
fn a_stream_of_json_is_injected_and_stays_one() {
    let pod = |name: &str| {
        json!({"kind": "Pod", "metadata": {"name": name, "annotations": {"multipod/ambassador": "80:1"}},
               "spec": {"containers": [{"name": "a"}]}})
    };
    let text = format!("{}\n{:#}\n{}", pod("a"), json!({"kind": "Service"}), pod("b"));
    let ran = injected(&text);
    let read = serde_json::Deserializer::from_str(&ran.out).into_iter::<Value>();
    let read: Vec<Value> =
        read.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}: {}", ran.out));
    assert_eq!(read.len(), 3);
    assert!(read[0]["spec"]["initContainers"].is_array() && read[2]["spec"]["initContainers"].is_array());
    assert_eq!(multipod(&["uninject"], &ran.out).out, text);

    // kubectl reads no YAML behind several JSON documents, so that they are parted like YAML.
    let files = Files::new(&[("a.json", &text), ("b.yaml", "kind: B\n")]);
    let both = files.multipod(&["inject", "-q", "-f", "a.json", "b.yaml"]).out;
    assert_eq!(ours(&both).unwrap().len(), 4);
    if let Some(mut kubectl) = Kubectl::started() {
        assert_eq!(kubectl.read(both.as_bytes()), ours(&both));
    }
}

#[test]
fn utf_16_is_read_where_its_first_mark_says_so() {
    let text = pod("").replace("name: web", "name: wéb-😀");
    let files = Files::new(&[]);
    for (mark, bytes) in [
        ([0xff, 0xfe], text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()),
        ([0xfe, 0xff], text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ] {
        fs::write(files.join("a.yaml"), [&mark[..], &bytes].concat()).unwrap();
        assert_eq!(files.multipod(&["inject", "-f", "a.yaml"]).out, injected(&text).out);
    }
    fs::write(files.join("a.yaml"), b"\xff\xfea\x00\n\x00\x00\xd8").unwrap();
    let ran = files.multipod(&["inject", "-f", "a.yaml"]);
    ran.is_refused();
    ran.reports(&["error: a.yaml:2: not UTF-16 text"]);
}

#[test]
fn a_json_array_of_objects_is_refused_and_a_list_of_patches_passes() {
    for text in [format!("[{}]", json!({"kind": "Pod", "spec": {}})), "- kind: Pod\n- kind: Service\n".into()]
    {
        let ran = multipod(&["inject"], &text);
        ran.is_refused();
        ran.reports(&["error[list_of_objects]: ", "items"]);
    }
    let patches = "- {op: add, path: /spec, value: {kind: Pod}}\n";
    assert_eq!(injected(patches).out, patches);
}

/// Pieces of YAML in which the readers of the world differ, joined in any order.
fn pieces() -> impl Strategy<Value = String> {
    const PIECES: [&str; 62] = [
        "---\n",
        "--- # c\n",
        "...\n",
        "\n",
        "\r\n",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{feff}",
        " ",
        "  ",
        "\t",
        "a: ",
        "b: ",
        "  c: 1\n",
        "- ",
        "? ",
        ": ",
        "|\n",
        "|+\n",
        "|-\n",
        ">\n",
        ">+\n",
        "|2\n",
        "  x\n",
        "  y",
        "   z\n",
        "# c",
        " # c\n",
        "{",
        "}",
        "[",
        "]",
        ", ",
        ",",
        "{\"a\": 1}",
        "{\"b\":\"x\"}\n",
        "'",
        "''",
        "\"",
        "\\",
        "\\n",
        "\\\n",
        "&x ",
        "*x",
        "<<: ",
        "!!str ",
        "! ",
        "1",
        "1.50",
        "0x1F",
        "1e3",
        "~",
        "yes",
        "80:53",
        "é",
        "😀",
        "a",
        "\"a\": ",
        "'b': ",
        "null",
    ];
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..14).prop_map(|pieces| pieces.concat())
}

/// Manifests that are sound, but for one place where something odd stands.
fn spoilt() -> impl Strategy<Value = String> {
    const SOUND: [&str; 4] = [
        "kind: Pod\nmetadata:\n  name: a # c\n  annotations: {b: 'c d', \"e\": \"f g\"}\nspec:\n  containers:\n  - args: [\"a b\", c d]\n",
        "a: |\n  x y\n\n  z\nb: >+\n  x y\n\n  z w\n\n# c\nc: x y\n  z\n---\nd: 1\n",
        "{\"a\": \"b c\", \"d\": [1, {\"e\": null}]}\n{\"f\": \"g h\"}\n",
        "{\n  \"a\": \"b c\", # d\n  \"e\": [1,\n 2 ]\n}\n---\n- x\n- y: z\n",
    ];
    const ODD: [&str; 12] = [
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\r",
        "\n",
        " ",
        "\t",
        "\u{feff}",
        "\n...\n",
        "\n---\n",
        "\u{2028} ",
        "\\",
    ];
    let sound = prop::sample::select(&SOUND[..]);
    (sound, any::<prop::sample::Index>(), prop::sample::select(&ODD[..]), any::<bool>()).prop_map(
        |(text, index, odd, cut)| {
            let at = index.index(text.len() + 1);
            let text = format!("{}{odd}{}", &text[..at], &text[at..]);
            if cut { text.trim_end_matches('\n').to_owned() } else { text }
        },
    )
}

#[test]
fn no_text_is_read_otherwise_than_by_kubectl() {
    let Some(kubectl) = Kubectl::started() else { return };
    let kubectl = RefCell::new(kubectl);
    let config = ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() };
    let texts = prop_oneof![pieces(), spoilt()];
    proptest!(config, |(text in texts)| {
        if let (Ok(ours), Ok(mut theirs)) = (ours(&text), kubectl.borrow_mut().read(text.as_bytes())) {
            theirs.retain(is_looked_at);
            prop_assert_eq!(ours, theirs, "{:?}", text);
        }
    });
}
