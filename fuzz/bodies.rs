//! What is done with the bytes of a fuzzer, and what must hold then. `tests/it/core/fuzz_seeds.rs` does the same with the golden
//! cases, so that an ordinary test run sees all of it.

pub mod wire;

use std::time::{Duration, SystemTime};

use multipod::admission::{self, Snapshot};
use multipod::manifest::{self, Cluster, Manifests};
use multipod_certs::{Pair, first_of};
use multipod_engine::annotation::{Diagnostic, Key, Problem, Source, lexer};
use multipod_engine::inject::{SkipReason, Verdict, decide, removals};
use multipod_engine::pattern::{Context, Request, Settings, object};
use multipod_engine::pod::{Head, Version};
use multipod_engine::policy::{self, Loaded};
use multipod_values::{self as value, Endpoint, Glob, Quantity, Resource, Url};
use multipod_yaml::Edit;
use serde_json::{Value, json};

/// A pod that asks for a little of everything.
const ASKING: &str = r#"{"metadata":{"labels":{"app":"web"},"annotations":{"multipod/ambassador":"80:8775, 15001:@orders",
    "multipod/logging":"/var/log/app/*.log to=@central","multipod/metrics":"nginx"}},
    "spec":{"containers":[{"name":"app","image":"a:1"}]}}"#;

/// Every parser of the annotation language: an answer, and every problem inside the value.
pub fn annotation(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let text = &*text;
    for key in Key::ALL {
        for problem in Request::parse(key, text).err().into_iter().flatten() {
            tells(key, text, problem);
        }
    }
    if let Ok(items) = lexer::lex(text) {
        for word in items.iter().flat_map(|item| &item.words) {
            assert!(text.is_char_boundary(word.whole.start) && text.is_char_boundary(word.whole.end));
            assert!(word.whole.start <= word.span.start && word.span.end <= word.whole.end);
        }
    }
    canonical(text);
    let _ = (value::image(text), value::duration(text), value::absolute_path(text), Version::parse(text));
}

/// A problem lies in its value, and its message can be shown in one terminal or another.
fn tells(key: Key, text: &str, problem: Problem) {
    assert!(problem.span.start <= problem.span.end && problem.span.end <= text.len(), "{problem:?}");
    assert!(
        text.is_char_boundary(problem.span.start) && text.is_char_boundary(problem.span.end),
        "{problem:?}"
    );
    let shown = Diagnostic::of(key, Source::Pod, text, problem).to_string();
    assert!(shown.len() < 4096 && !shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
}

/// What was read, written again and read again, is the same.
fn canonical(text: &str) {
    for resource in [Resource::Cpu, Resource::Memory] {
        if let Ok(quantity) = Quantity::parse(text, resource) {
            let again = Quantity::parse(quantity.as_str(), resource).expect("its own form");
            assert_eq!(again.as_str(), quantity.as_str());
        }
    }
    for parse in [Url::page, Url::repository] {
        if let Ok(url) = parse(text) {
            assert_eq!(parse(&url.to_string()).as_ref(), Ok(&url));
        }
    }
    if let Ok(endpoint) = Endpoint::parse(text) {
        assert_eq!(Endpoint::parse(&endpoint.to_string()).as_ref(), Ok(&endpoint));
    }
    if let Ok(glob) = Glob::parse(text) {
        assert!(glob.as_str() == text && glob.folder().starts_with('/'));
    }
    if let Ok(time) = value::duration(text) {
        assert_eq!(value::duration(&value::show_duration(time)), Ok(time));
    }
}

/// A pod from its bytes: an answer; a patch that applies; injected once, and taken out again.
pub fn pod(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    decided(text, &policy::load(&[]));
}

fn decided(text: &str, loaded: &Loaded) {
    let Some(result) = injected(text, loaded) else { return };
    let text = result.to_string();
    let head = Head::read(&text).expect("it could be read before");
    let settings = Settings::default();
    match decide(&head, &context(&settings, loaded), &loaded.policies).expect("a decision").verdict {
        Verdict::Skip(SkipReason::AlreadyInjected) => {}
        other => panic!("injected again, it ended with {other:?}: {text}"),
    }
    let _ = removals(&result);
}

/// The pod with what is added to it, if something is.
fn injected(text: &str, loaded: &Loaded) -> Option<Value> {
    let head = Head::read(text).ok()?;
    let settings = Settings::default();
    let decision = decide(&head, &context(&settings, loaded), &loaded.policies).expect("a decision");
    let patch = match decision.verdict {
        Verdict::Inject(injection) => injection.patch,
        Verdict::Skip(_) => return None,
        Verdict::Deny(refusals) => {
            assert!(!refusals.is_empty());
            for refusal in refusals {
                let shown = refusal.to_string();
                assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
            }
            return None;
        }
    };
    // What serde_json refuses (deep, or a number beyond all bounds) the view may have skipped.
    let mut result: Value = serde_json::from_str(text).ok()?;
    let operations: json_patch::Patch = serde_json::from_str(patch.json()).expect("RFC 6902");
    json_patch::patch(&mut result, &operations).expect("a patch that applies");
    Some(result)
}

fn context<'a>(settings: &'a Settings, loaded: &'a Loaded) -> Context<'a> {
    Context { namespace: "prod", ..Context::new(settings, &loaded.catalogue) }
}

/// Policies and patterns from their bytes: an answer, whatever else is in the folder; and a pod decided by them.
pub fn policy(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let good = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: zz-good}\nspec: {bounds: {images: []}}\n";
    let loaded = policy::load(&[("a.yaml".to_owned(), text), ("b.yaml".to_owned(), good.to_owned())]);
    assert!(loaded.policies.find("zz-good").is_some(), "one file disturbs another: {:?}", loaded.problems);
    for problem in &loaded.problems {
        let shown = problem.to_string();
        assert!(!shown.is_empty());
    }
    decided(ASKING, &loaded);
}

/// A condition of a policy from its text: a mistake with its place, or an answer about a pod.
pub fn condition(data: &[u8]) {
    let expression = Value::from(String::from_utf8_lossy(data));
    let text = format!(
        "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {{name: a}}\nspec:\n  \
         match: {{matchConditions: [{{name: c, expression: {expression}}}]}}\n  bounds: {{images: []}}\n"
    );
    let loaded = policy::load(&[("a.yaml".to_owned(), text)]);
    assert_ne!(loaded.problems.is_empty(), loaded.policies.find("a").is_none(), "{:?}", loaded.problems);
    decided(ASKING, &loaded);
}

/// Reviews of admission from their bytes: an error, or an answer that an API server takes.
pub fn review(data: &[u8]) {
    let snapshot = Snapshot::default();
    let mut replies = [const { None }; 2];
    let needed = allocation_counter::measure(|| {
        replies =
            [admission::mutate(data, &snapshot, None).ok(), admission::warn(data, &snapshot, None).ok()];
    });
    // As `tests/budget.rs` holds it, for both.
    let most = 2 * (8 * data.len() as u64 + (1 << 20));
    assert!(needed.bytes_max <= most, "{} bytes for a review of {}", needed.bytes_max, data.len());
    for reply in replies.into_iter().flatten() {
        let answer: Value = serde_json::from_slice(&reply.body).expect("the answer is JSON");
        let response = answer["response"].as_object().expect("a response");
        // What nobody looks at may be broken.
        if let Ok(asked) = serde_json::from_slice::<Value>(data) {
            assert_eq!(response["uid"], asked["request"]["uid"]);
        }
        assert!(response["allowed"].is_boolean());
        assert_eq!(response.contains_key("patch"), response.contains_key("patchType"));
        assert_eq!(response.contains_key("patch"), reply.record.patch_bytes > 0);
        let warnings: Vec<&str> = response.get("warnings").map_or_else(Vec::new, |warnings| {
            let warnings = warnings.as_array().expect("a list").iter();
            warnings.map(|warning| warning.as_str().expect("text")).collect()
        });
        assert!(warnings.iter().all(|one| one.chars().count() <= 256 && !one.contains(char::is_control)));
        assert!(warnings.iter().map(|one| one.chars().count()).sum::<usize>() <= 4096);
        let code = response.get("status").map(|status| status["code"].as_u64().expect("a code"));
        assert_eq!(code, (response["allowed"] == false).then_some(400));
    }
}

/// A manifest from its bytes: an answer; every byte in its document; edits that do what they say.
pub fn manifest(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let Ok(documents) = multipod_yaml::documents(&text) else { return };
    let joined: String = documents.iter().map(multipod_yaml::Document::text).collect();
    assert_eq!(joined, text);
    for document in &documents {
        let emitted = multipod_yaml::emit(document.value());
        let again = multipod_yaml::documents(&emitted).expect("what was emitted is YAML");
        assert!(again.iter().any(|again| again.value() == document.value()), "{emitted}");
        if document.value().is_object() {
            let edit = Edit::Add { pointer: "/fuzz~1ed".to_owned(), value: json!({"a": ["b\n", null]}) };
            let mut wanted = document.value().clone();
            wanted["fuzz/ed"] = json!({"a": ["b\n", null]});
            let edited = document.edit(&[edit]).expect("a map takes one more member");
            let read = multipod_yaml::documents(&edited.text).expect("what was edited is YAML");
            assert!(read.iter().any(|read| *read.value() == wanted), "{}", edited.text);
        }
    }
    let sources = [manifest::Source { name: "x.yaml".to_owned(), text: text.clone() }];
    let manifests = Manifests::read(&sources);
    let outcome = manifest::inject(&manifests, &Cluster::default(), &[]);
    if !outcome.is_refused() {
        let once = manifest::yaml(&outcome.texts);
        assert!(multipod_yaml::documents(&once).is_ok(), "{once}");
    }
    let _ = manifest::uninject(&manifests);
}

/// The text of a document and, behind a zero, what to change in it: a sign and a pointer on each line, `-/a/b`. What comes
/// out is what RFC 6902 makes of its value, by another implementation of that.
pub fn edit(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let Some((text, wanted)) = text.split_once('\0') else { return };
    let Ok(documents) = multipod_yaml::documents(text) else { return };
    let [document] = &documents[..] else { return };
    let mut value = document.value().clone();
    let mut edits = Vec::new();
    for line in wanted.lines().take(8) {
        let Some(sign) = line.chars().next() else { continue };
        let pointer = line[sign.len_utf8()..].to_owned();
        let new = json!([sign, {"a b": "c: d\n"}]);
        let operation = match sign {
            '-' => json!({"op": "remove", "path": pointer}),
            '=' => json!({"op": "replace", "path": pointer, "value": new}),
            _ => json!({"op": "add", "path": pointer, "value": new}),
        };
        let Ok(operation) = serde_json::from_value(json!([operation])) else { continue };
        let operation: json_patch::Patch = operation;
        // A change that has no place is left out, so that the others can be looked at.
        if pointer.is_empty() || json_patch::patch(&mut value, &operation).is_err() {
            continue;
        }
        edits.push(match sign {
            '-' => Edit::Remove { pointer },
            '=' => Edit::Replace { pointer, value: new },
            _ => Edit::Add { pointer, value: new },
        });
    }
    if let Ok(edited) = document.edit(&edits) {
        let read = multipod_yaml::documents(&edited.text).expect("what was edited is YAML");
        assert!(read.iter().any(|read| *read.value() == value), "{text:?} became {:?}", edited.text);
    }
}

/// Manifests that a policy injects into: nothing of ours is left when it is taken out again, and the rest is there.
pub fn uninject(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    if text.contains("multipod") {
        return;
    }
    let policy = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: all}\n\
                  spec: {mode: default, annotations: {multipod/ambassador: \"80:8775\"}}\n";
    let loaded = policy::load(&[("p.yaml".to_owned(), policy.to_owned())]);
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    let cluster = Cluster { policies: loaded.policies, catalogue: loaded.catalogue, ..Cluster::default() };
    let source = |text: String| [manifest::Source { name: "x.yaml".to_owned(), text }];
    let sources = source(text.clone());
    let manifests = Manifests::read(&sources);
    let outcome = manifest::inject(&manifests, &cluster, &[]);
    if !manifests.findings.is_empty() || outcome.is_refused() {
        return;
    }
    let injected = source(manifest::yaml(&outcome.texts));
    let manifests = Manifests::read(&injected);
    let back = manifest::yaml(&manifest::uninject(&manifests).texts);
    assert!(!back.contains("multipod"), "{text:?} came back as {back:?}");
    let values = |text: &str| -> Vec<Value> {
        let documents = multipod_yaml::documents(text).expect("it was read before");
        documents.iter().map(|document| without_nulls(document.value())).collect()
    };
    assert_eq!(values(&back), values(&text), "{text:?} came back as {back:?}");
}

/// `key: null` may come back as `key:`, or as nothing.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), without_nulls(value)));
            Value::Object(members.filter(|(_, value)| !value.is_null()).collect())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        scalar => scalar.clone(),
    }
}

/// Settings from their bytes: an error of one line that names a line of them, or settings that decide.
pub fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match object::read::<Settings>(&text) {
        Err((line, message)) => {
            assert!(line.line >= 1 && !message.is_empty(), "{line}: {message:?}");
        }
        Ok(settings) => {
            let loaded = policy::load(&[]);
            let head = Head::read(ASKING).expect("a pod");
            decide(&head, &context(&settings, &loaded), &loaded.policies).expect("a decision");
        }
    }
}

/// The spec of a Pattern from its bytes: problems, or a pattern that a pod gets as far as its ceiling lets it.
pub fn pattern(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let spec = text.lines().collect::<Vec<_>>().join("\n  ");
    let text = format!(
        "apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {{name: tried}}\nspec:\n  {spec}\n"
    );
    let loaded = policy::load(&[("a.yaml".to_owned(), text)]);
    let pod = r#"{"metadata":{"annotations":{"multipod/patterns":"tried"}},"spec":{"containers":[{"name":"app","image":"a:1"}]}}"#;
    let Some(result) = injected(pod, &loaded) else { return };
    let allows = |what: &str| spec.contains(what);
    for container in result["spec"]["initContainers"].as_array().into_iter().flatten() {
        let privileged = container["securityContext"]["privileged"] == true;
        assert!(!privileged || allows("privileged"), "{container}");
    }
    for host in ["hostNetwork", "hostPID", "hostIPC"] {
        assert!(result["spec"][host].is_null(), "{host}: {result}");
    }
    decided(pod, &loaded);
}

/// A chain and, behind a zero, a key: an error, or a pair whose end is ahead.
pub fn pair(data: &[u8]) {
    let cut = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (chain, key) = data.split_at(cut);
    let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365 * 60);
    if let Ok(pair) = Pair::read(chain, key.get(1..).unwrap_or_default(), now) {
        assert!(pair.ends > now && !pair.certified.cert.is_empty());
    }
    let text = String::from_utf8_lossy(data);
    if let Some(first) = first_of(&text) {
        assert_eq!(first_of(&first).as_deref(), Some(&*first));
    }
}
