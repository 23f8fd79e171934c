//! The paths of the webhook, asked without a socket: every row of the table of answers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use multipod_engine::pattern::{Settings, settings::OnMistake};
use multipod_engine::pod::Text;
use multipod_engine::policy;

use super::webhook::{Webhook, is_close, webhook};
use crate::support::reviews::{REAL, REINVOKED, WORKLOADS, deployment, patched, pod, verify};
use axum::body::Body;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{Method, Request, StatusCode};
use multipod::admission::{self, Missing, Namespace, Namespaces, Snapshot, WarnMode};
use multipod::server::Limits;
use proptest::prelude::*;
use serde_json::{Value, json};

const UID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";

#[tokio::test]
async fn reviews_of_a_real_api_server_are_answered_with_patches_that_apply() {
    let webhook = webhook();
    for text in REAL {
        let review: Value = serde_json::from_str(text).unwrap();
        let verdict = webhook.verdict("/mutate", &review).await;
        assert!(verdict.allowed && verdict.patch.is_some(), "{verdict:?}");
        let pod = patched(&review, &verdict);
        assert!(!pod["metadata"]["annotations"]["multipod/status"].is_null(), "{pod}");

        let mut again = review.clone();
        again["request"]["object"] = pod;
        let verdict = webhook.verdict("/mutate", &again).await;
        assert!(verdict.allowed && verdict.patch.is_none(), "a second round adds nothing: {verdict:?}");
    }
}

/// What was injected may be of another version of multipod, so it is free to change; it only must not come twice.
#[tokio::test]
async fn a_pod_that_a_real_api_server_asks_about_again_gets_nothing_twice() {
    let review: Value = serde_json::from_str(REINVOKED).unwrap();
    // The image of that pod, whatever the default is.
    let settings = serde_json::from_value(json!({"patterns": {"ambassador": {"image": "haproxy:3.2"}}}));
    let snapshot = Snapshot { settings: Arc::new(settings.unwrap()), ..Snapshot::default() };
    let verdict = Webhook::new(snapshot, Limits::default()).verdict("/mutate", &review).await;
    assert!(verdict.allowed, "{verdict:?}");
    let pod = patched(&review, &verdict);
    let all =
        ["initContainers", "containers"].map(|list| pod["spec"][list].as_array().unwrap().clone()).concat();
    let names: BTreeSet<&str> = all.iter().map(|container| container["name"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["app", "late", "multipod-ambassador", "multipod-logging"]));
    assert_eq!(all.len(), names.len(), "{pod}");
}

#[tokio::test]
async fn workloads_of_a_real_api_server_whose_annotations_are_right_draw_no_warning() {
    let webhook = webhook();
    for text in WORKLOADS {
        let review: Value = serde_json::from_str(text).unwrap();
        let verdict = webhook.verdict("/warn", &review).await;
        assert!(verdict.allowed && verdict.patch.is_none(), "{verdict:?}");
        assert_eq!(verdict.warnings, [""; 0], "{text}");
    }
}

#[tokio::test]
async fn whatever_is_not_the_creation_of_a_pod_is_allowed_as_it_is() {
    let webhook = webhook();
    let asks = json!({"multipod/ambassador": "80:8775"});
    for (field, value) in [
        ("operation", json!("UPDATE")),
        ("operation", json!("DELETE")),
        ("operation", json!("CONNECT")),
        ("operation", Value::Null),
        ("subResource", json!("ephemeralcontainers")),
        ("subResource", json!("status")),
        ("subResource", json!("binding")),
        ("subResource", json!("resize")),
        ("resource", json!({"group": "", "version": "v2", "resource": "pods"})),
        ("resource", json!({"group": "example.com", "version": "v1", "resource": "pods"})),
        ("resource", json!({"group": "", "version": "v1", "resource": "secrets"})),
        ("resource", json!({"group": "", "version": "v1", "resource": "pods/exec"})),
        ("resource", Value::Null),
    ] {
        let mut review = pod(&asks);
        review["request"][field] = value.clone();
        if value.is_null() && field == "resource" {
            review["request"].as_object_mut().unwrap().remove("resource");
        }
        let verdict = webhook.verdict("/mutate", &review).await;
        assert!(verdict.allowed && verdict.patch.is_none(), "{field} {value}: {verdict:?}");
    }
}

#[tokio::test]
async fn a_mistake_is_refused_with_a_code_of_the_client_and_every_line_of_the_text() {
    let verdict = webhook().verdict("/mutate", &pod(&json!({"multipod/ambassador": "8o:8775"}))).await;
    assert!(!verdict.allowed && verdict.patch.is_none());
    assert_eq!(verdict.code, 400);
    assert!(
        verdict.message.starts_with("multipod/ambassador: 8o:8775 is not LISTEN:TARGET\n  | 8o:8775\n  | ^^")
    );
}

#[tokio::test]
async fn a_mistake_is_only_a_warning_where_the_settings_say_so() {
    let settings = Settings { on_mistake: OnMistake::Warn, ..Settings::default() };
    let snapshot = Snapshot { settings: Arc::new(settings), ..Snapshot::default() };
    let webhook = Webhook::new(snapshot, Limits::default());
    let verdict = webhook.verdict("/mutate", &pod(&json!({"multipod/ambassador": "8o:8775"}))).await;
    assert!(verdict.allowed && verdict.patch.is_none());
    assert!(verdict.warnings[0].contains("8o:8775 is not LISTEN:TARGET"), "{verdict:?}");
    assert!(!verdict.warnings[0].contains('\n'), "warnings are headers");
}

#[tokio::test]
async fn the_answer_depends_on_neither_the_user_nor_a_dry_run() {
    let webhook = webhook();
    let plain = pod(&json!({"multipod/ambassador": "80:8775"}));
    let expected = webhook.post("/mutate", plain.to_string()).await.body;
    for (field, value) in [
        ("userInfo", json!({"username": "system:node:a", "groups": ["system:nodes"]})),
        ("userInfo", Value::Null),
        ("dryRun", json!(true)),
        ("dryRun", Value::Null),
    ] {
        let mut review = plain.clone();
        review["request"][field] = value;
        assert_eq!(webhook.post("/mutate", review.to_string()).await.body, expected);
    }
}

#[tokio::test]
async fn what_is_no_review_is_an_error_of_http_and_never_a_refusal() {
    let webhook = webhook();
    let review = pod(&json!({})).to_string();
    let without = |field: &str| {
        let mut review = pod(&json!({}));
        review.as_object_mut().unwrap().remove(field);
        review.to_string()
    };
    let deep = format!("{{\"request\":{}", "[".repeat(100_000));
    for (body, expected) in [
        (String::new(), 400),
        ("{".to_owned(), 400),
        ("null".to_owned(), 400),
        ("[]".to_owned(), 400),
        (deep, 400),
        (review[..review.len() / 2].to_owned(), 400),
        (format!("{review}{review}"), 400),
        (review.replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1"), 400),
        (review.replace("AdmissionReview", "ConversionReview"), 400),
        (without("apiVersion"), 400),
        (without("kind"), 400),
        (without("request"), 400),
        (review.replace(UID, ""), 400),
        (review.replacen("\"uid\"", "\"uid\":\"1\",\"uid\"", 1), 400),
        (review.clone(), 200),
    ] {
        for path in ["/mutate", "/warn"] {
            let asked = webhook.post(path, body.clone()).await;
            assert_eq!(asked.status.as_u16(), expected, "{path} {body:.200}");
            assert_eq!(is_close(&asked), expected != 200, "who sends no reviews keeps no connection");
            assert!(!String::from_utf8_lossy(&asked.body).contains("\"allowed\":false"));
        }
    }
    let mut broken = review.replace("web", "###").into_bytes();
    let at = broken.iter().position(|byte| *byte == b'#').unwrap();
    broken[at] = 0xff;
    assert_eq!(webhook.post("/mutate", broken).await.status, StatusCode::BAD_REQUEST, "no UTF-8");
    let asked = webhook.post("/mutate", vec![0xff; 100]).await;
    assert_eq!(asked.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn only_posts_of_plain_json_on_three_paths_are_read() {
    let webhook = webhook();
    let review = || Body::from(pod(&json!({})).to_string());
    for (method, path, expected) in [
        (Method::GET, "/mutate", 405),
        (Method::HEAD, "/mutate", 405),
        (Method::PUT, "/warn", 405),
        (Method::OPTIONS, "/warn", 405),
        (Method::GET, "/validate", 405),
        (Method::POST, "/", 404),
        (Method::POST, "/mutate/", 404),
        (Method::POST, "/metrics", 404),
        (Method::GET, "/debug/pprof", 404),
        (Method::POST, "/mutate?timeout=5s", 200),
    ] {
        let request = Request::builder().method(&method).uri(path).header(CONTENT_TYPE, "application/json");
        let asked = webhook.ask(request.body(review()).unwrap()).await;
        assert_eq!(asked.status.as_u16(), expected, "{method} {path}");
        assert_eq!(is_close(&asked), expected != 200, "an unread body ends its connection: {method} {path}");
    }
    for (media, encoding, expected) in [
        (None, None, 415),
        (Some("text/plain"), None, 415),
        (Some("application/json-patch+json"), None, 415),
        (Some("application/json; charset=utf-8"), None, 200),
        (Some("Application/JSON"), Some("identity"), 200),
        (Some("application/json"), Some("gzip"), 415),
    ] {
        let mut request = Request::post("/mutate");
        if let Some(media) = media {
            request = request.header(CONTENT_TYPE, media);
        }
        if let Some(encoding) = encoding {
            request = request.header(CONTENT_ENCODING, encoding);
        }
        let asked = webhook.ask(request.body(review()).unwrap()).await;
        assert_eq!(asked.status.as_u16(), expected, "{media:?} {encoding:?}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_announced_or_not() {
    let webhook = Webhook::new(Snapshot::default(), Limits { body: 1000, ..Limits::default() });
    let announced =
        Request::post("/mutate").header(CONTENT_TYPE, "application/json").header(CONTENT_LENGTH, "1001");
    let asked = webhook.ask(announced.body(never_ending()).unwrap()).await;
    assert_eq!(asked.status, StatusCode::PAYLOAD_TOO_LARGE, "without reading");
    let asked = webhook.post("/mutate", never_ending()).await;
    assert_eq!(asked.status, StatusCode::PAYLOAD_TOO_LARGE, "cut at the limit");
    assert!(is_close(&asked));
}

fn never_ending() -> Body {
    let item = || Ok::<_, std::io::Error>(&b"          "[..]);
    Body::from_stream(futures_util::stream::repeat_with(item))
}

#[tokio::test]
async fn too_much_at_one_time_is_told_to_come_again() {
    let review = pod(&json!({})).to_string();
    for limits in [Limits { requests: 0, ..Limits::default() }, Limits { buffered: 100, ..Limits::default() }]
    {
        let webhook = Webhook::new(Snapshot::default(), limits);
        let asked = webhook.post("/mutate", review.clone()).await;
        assert_eq!(asked.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(asked.headers[RETRY_AFTER], "1");
        assert!(is_close(&asked));
    }
}

#[tokio::test]
async fn nothing_is_decided_before_everything_is_known() {
    let missing = Missing { namespaces: true, policies: false };
    let webhook = Webhook::new(Snapshot { missing, ..Snapshot::default() }, Limits::default());
    let review = pod(&json!({"multipod/ambassador": "80:8775"}));
    let asked = webhook.post("/mutate", review.to_string()).await;
    assert_eq!(asked.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(asked.headers[RETRY_AFTER], "1");
    webhook.shared.snapshot.store(Arc::new(Snapshot::default()));
    assert!(webhook.verdict("/mutate", &review).await.patch.is_some());
}

#[tokio::test]
async fn a_panic_is_one_error_500_and_harms_nobody_else() {
    let mut webhook = webhook();
    // resume_unwind, so that the panic is not printed.
    webhook.handlers.mutate = |body, snapshot, meter| {
        if body.len() % 3 == 0 {
            std::panic::resume_unwind(Box::new("now"))
        } else {
            admission::mutate(body, snapshot, meter)
        }
    };
    let (mut panics, mut answers) = (0_u64, 0_u64);
    for round in 0..3000 {
        let review = pod(&json!({"multipod/ambassador": "80:8775", "pad": "x".repeat(round % 7)}));
        let asked = webhook.post("/mutate", review.to_string()).await;
        match asked.status.as_u16() {
            500 => panics += 1,
            200 => answers += u64::from(verify(&asked.body, UID).unwrap().patch.is_some()),
            other => panic!("{other}"),
        }
    }
    assert!(panics > 500 && answers > 500 && panics + answers == 3000, "{panics} panics, {answers} answers");
    assert_eq!(webhook.shared.metrics.panics.get(), panics);
}

#[tokio::test]
async fn an_answer_after_the_time_is_none() {
    let mut webhook = webhook();
    webhook.handlers.mutate = |body, snapshot, meter| {
        std::thread::sleep(Duration::from_millis(600));
        admission::mutate(body, snapshot, meter)
    };
    let asked = webhook.post("/mutate?timeout=1s", pod(&json!({})).to_string()).await;
    assert_eq!(asked.status, StatusCode::SERVICE_UNAVAILABLE);
}

/// A million pods in ten thousand namespaces: each namespace asks for something else by a review of its own, and what
/// was decided is counted a hundred times, for pods that differ in all that a record has of a review.
#[tokio::test]
async fn metrics_have_few_labels_whatever_comes() {
    const NAMESPACES: usize = 10_000;
    const PODS_EACH: usize = 100;
    let webhook = webhook();
    let metrics = &webhook.shared.metrics;
    let mut early = 0;
    for number in 0..NAMESPACES {
        let own = format!("quokka-{number}");
        let mut review = pod(&match number % 10 {
            0 => json!({"multipod/ambassador": format!("{}:{own}:80", 1024 + number)}),
            1 => json!({"multipod/logging": format!("/var/log/{own}/*.log")}),
            2 => json!({"multipod/init": format!("wait-for {own}:{}", 1024 + number)}),
            3 => json!({"multipod/sync": format!("https://{own}.example/site into=/srv/{own}")}),
            4 => json!({"multipod/metrics": "nginx", "multipod/ambassador": format!("80:{}", 1024 + number)}),
            5 => json!({"multipod/patterns": own, "multipod/opt-out": "all"}),
            6 => json!({format!("multipod/{own}"): "x"}),
            7 => json!({"multipod/ambassador": own}),
            8 => json!({"multipod/share-process-namespace": "true", "quokka": own}),
            _ => json!({}),
        });
        review["request"]["namespace"] = json!(own);
        let metadata = &mut review["request"]["object"]["metadata"];
        metadata["name"] = json!(own);
        metadata["ownerReferences"] = json!([{"kind": format!("Q{own}"), "name": own, "controller": true}]);
        let body = review.to_string();
        let mut reply = admission::mutate(body.as_bytes(), &webhook.shared.snapshot.load(), None).unwrap();
        for pod in 0..PODS_EACH {
            reply.record.uid = Text(format!("{own}-{pod}").into());
            metrics.decided("mutate", &reply.record, Duration::from_micros(pod as u64));
        }
        if number % 10 == 0 {
            webhook.post(&format!("/{own}"), "").await;
        }
        if number == NAMESPACES / 100 {
            early = metrics.text().unwrap().lines().count();
        }
    }
    let text = metrics.text().unwrap();
    let counted = r#"multipod_admission_duration_seconds_count{endpoint="mutate"} 1000000"#;
    assert!(text.contains(counted), "{text}");
    for pattern in ["ambassador", "logging", "init", "sync", "metrics nginx"] {
        assert!(text.contains(&format!("multipod_injections_total{{pattern=\"{pattern}\"}} ")), "{text}");
    }
    assert_eq!(text.lines().count(), early, "{text}");
    assert!(!text.contains("quokka") && early < 200, "{early} lines: {text}");
}

/// Nor do policies: a hundred of them are counted by name, and those that follow one that is gone take its place.
#[tokio::test]
async fn policies_have_few_series_however_many_there_are() {
    let webhook = webhook();
    let metrics = &webhook.shared.metrics;
    let (body, snapshot) = (pod(&json!({})).to_string(), Snapshot::default());
    let pods_of = |policy: String| {
        let mut record = admission::mutate(body.as_bytes(), &snapshot, None).unwrap().record;
        record.policies = vec![policy];
        metrics.decided("mutate", &record, Duration::from_micros(1));
    };
    let series = || {
        let text = metrics.text().unwrap();
        text.lines()
            .filter(|line| line.starts_with("multipod_policy_pods_total{"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    (0..1000).for_each(|number| pods_of(format!("policy-{number}")));
    assert_eq!(series().len(), 101, "{:?}", series());
    assert!(
        series().contains(&r#"multipod_policy_pods_total{policy="…",outcome="skipped"} 900"#.to_owned()),
        "{:?}",
        series()
    );
    metrics.policies_in_force(&["policy-7", "policy-500"].into());
    pods_of("policy-500".to_owned());
    let left = series();
    assert_eq!(left.len(), 3, "{left:?}");
    assert!(
        left.iter().any(|line| line.contains("policy-7"))
            && left.iter().any(|line| line.contains("policy-500"))
    );
    let mut dry = admission::mutate(body.as_bytes(), &snapshot, None).unwrap().record;
    (dry.policies, dry.dry_run) = (vec!["policy-7".to_owned()], true);
    metrics.decided("mutate", &dry, Duration::from_micros(1));
    assert_eq!(series(), left, "a dry run makes no pod");
}

#[tokio::test]
async fn warnings_come_where_annotations_do_nothing_or_will_be_refused() {
    let webhook = webhook();
    let good = json!({"multipod/ambassador": "80:8775"});
    let bad = json!({"multipod/ambassador": "8o:8775"});
    let typo = json!({"multipod/ambasador": "80:8775"});
    let misplaced = "multipod/ambassador stands on the Deployment itself and never reaches its pods: put it under \
                     spec.template.metadata.annotations";
    for (own, of_pods, expected) in [
        (json!({}), good.clone(), vec![]),
        (json!({"team": "a"}), json!({"team": "a"}), vec![]),
        (good.clone(), json!({}), vec![misplaced]),
        (
            json!({}),
            bad.clone(),
            vec![
                "its pods will be refused: multipod/ambassador: 8o:8775 is not LISTEN:TARGET: expected a port between 1 and \
                 65535. Example: multipod/ambassador: \"80:8775\"",
            ],
        ),
        (
            json!({}),
            typo,
            vec!["its pods will be refused: multipod/ambasador: there is no such key, did you mean"],
        ),
        (good.clone(), bad, vec![misplaced, "its pods will be refused"]),
    ] {
        let verdict = webhook.verdict("/warn", &deployment(&own, &of_pods)).await;
        assert!(verdict.allowed && verdict.patch.is_none());
        assert_eq!(verdict.warnings.len(), expected.len(), "{verdict:?}");
        assert!(
            verdict.warnings.iter().zip(&expected).all(|(found, start)| found.starts_with(start)),
            "{verdict:?}"
        );
    }
    let mut labelled = deployment(&json!({}), &json!({}));
    labelled["request"]["object"]["metadata"]["labels"] = good.clone();
    labelled["request"]["object"]["spec"]["template"]["metadata"]["labels"] =
        json!({"multipod/logging": "x"});
    let verdict = webhook.verdict("/warn", &labelled).await;
    let expected = |key: &str| {
        format!(
            "multipod/{key} is a label here, and multipod reads annotations: put it under \
             spec.template.metadata.annotations"
        )
    };
    assert_eq!(verdict.warnings, [expected("ambassador"), expected("logging")]);
}

#[tokio::test]
async fn workloads_are_refused_only_where_that_is_wanted_and_only_when_their_pods_change() {
    let webhook = Webhook::new(Snapshot { warn: WarnMode::Deny, ..Snapshot::default() }, Limits::default());
    let bad = json!({"multipod/ambassador": "8o:8775"});
    let created = deployment(&json!({}), &bad);
    let verdict = webhook.verdict("/warn", &created).await;
    assert!(!verdict.allowed && verdict.message.contains("is not LISTEN:TARGET"), "{verdict:?}");

    let mut scaled = created.clone();
    scaled["request"]["operation"] = json!("UPDATE");
    scaled["request"]["oldObject"] = created["request"]["object"].clone();
    scaled["request"]["object"]["spec"]["replicas"] = json!(0);
    assert!(webhook.verdict("/warn", &scaled).await.allowed, "scaling goes on working");

    let mut changed = scaled.clone();
    changed["request"]["oldObject"]["spec"]["template"]["metadata"]["annotations"] = json!({});
    assert!(!webhook.verdict("/warn", &changed).await.allowed);

    let mut going = created.clone();
    going["request"]["object"]["metadata"]["deletionTimestamp"] = json!("2026-11-21T01:11:39Z");
    assert!(webhook.verdict("/warn", &going).await.allowed, "finalizers go on working");

    let mut made = created;
    made["request"]["object"]["metadata"]["ownerReferences"] = json!([{"controller": true}]);
    let verdict = webhook.verdict("/warn", &made).await;
    assert!(verdict.allowed && verdict.warnings.is_empty(), "nobody reads what a controller is told");
}

#[tokio::test]
async fn what_makes_no_pods_is_no_business_of_warnings() {
    let webhook = Webhook::new(Snapshot { warn: WarnMode::Deny, ..Snapshot::default() }, Limits::default());
    for object in [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"annotations": {"multipod/x": "y"}}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"annotations": {"multipod/x": "y"}}, "spec": {}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}}),
        json!([1, 2]),
        json!("text"),
        Value::Null,
    ] {
        let mut review = deployment(&json!({}), &json!({}));
        review["request"]["object"] = object.clone();
        let verdict = webhook.verdict("/warn", &review).await;
        assert!(verdict.allowed && verdict.warnings.is_empty(), "{object}: {verdict:?}");
    }
}

#[tokio::test]
async fn policies_of_the_snapshot_decide_and_may_change_at_any_time() {
    let webhook = webhook();
    let review = pod(&json!({}));
    assert!(webhook.verdict("/mutate", &review).await.patch.is_none());
    let text = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: proxy}\n\
                spec: {annotations: {multipod/ambassador: \"80:8775\"}}\n";
    let loaded = policy::load(&[("a.yaml".to_owned(), text.to_owned())]);
    assert_eq!(loaded.problems, []);
    let snapshot = Snapshot { policies: Arc::new(loaded.policies), ..Snapshot::default() };
    webhook.shared.snapshot.store(Arc::new(snapshot));
    assert!(webhook.verdict("/mutate", &review).await.patch.is_some());
}

fn checked(answer: Result<admission::Reply<'_>, admission::ReviewError>, review: &[u8]) {
    let Ok(reply) = answer else { return };
    let answer: Value = serde_json::from_slice(&reply.body).expect("the answer is JSON");
    assert!(answer["response"]["allowed"].is_boolean(), "{answer}");
    // What nobody looks at may be broken, or hold a number such as 1e999, which is more than a Value can hold.
    let Ok(review) = serde_json::from_slice::<Value>(review) else { return };
    let verdict = verify(&reply.body, review["request"]["uid"].as_str().unwrap_or_default()).unwrap();
    if verdict.patch.is_some() {
        patched(&review, &verdict);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let snapshot = Snapshot::default();
        checked(admission::mutate(&bytes, &snapshot, None), &bytes);
        checked(admission::warn(&bytes, &snapshot, None), &bytes);
    }

    #[test]
    fn damaged_reviews_are_answered_by_the_rules_or_refused(
        which in 0..REAL.len(),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), "\\PC{0,3}|[{}\\[\\]\",:]|null|true|-1e999"), 1..4),
    ) {
        let mut text = REAL[which].to_owned();
        for (place, instead) in damage {
            let at = text.floor_char_boundary(place.index(text.len()));
            let end = text.ceil_char_boundary((at + instead.len()).min(text.len()));
            text.replace_range(at..end, &instead);
        }
        let snapshot = Snapshot::default();
        checked(admission::mutate(text.as_bytes(), &snapshot, None), text.as_bytes());
        checked(admission::warn(text.as_bytes(), &snapshot, None), text.as_bytes());
    }

    #[test]
    fn annotations_of_any_text_are_answered_by_the_rules(
        key in "multipod/(ambassador|logging|metrics|init|sync|patterns|opt-out|x)",
        value in "\\PC{0,60}|[a-z0-9:/.=, ]{0,60}|(\\PC|\n|x: ){300,900}",
    ) {
        let mut annotations = serde_json::Map::new();
        annotations.insert(key, json!(value));
        let annotations = Value::Object(annotations);
        let review = pod(&annotations).to_string();
        let lenient = Settings { on_mistake: OnMistake::Warn, ..Settings::default() };
        for settings in [Settings::default(), lenient] {
            let snapshot = Snapshot { settings: Arc::new(settings), ..Snapshot::default() };
            let reply = admission::mutate(review.as_bytes(), &snapshot, None);
            prop_assert!(reply.is_ok());
            checked(reply, review.as_bytes());
        }
        let workload = deployment(&annotations, &annotations).to_string();
        let snapshot = Snapshot::default();
        let reply = admission::warn(workload.as_bytes(), &snapshot, None);
        prop_assert!(reply.is_ok());
        checked(reply, workload.as_bytes());
    }
}

fn shop() -> Namespaces {
    let mut namespaces = Namespaces::default();
    namespaces.insert("shop", Namespace::default());
    namespaces
}

#[tokio::test]
async fn a_pod_waits_for_the_namespace_that_decides_about_it_and_nothing_else_does() {
    let settings = Settings { excluded_namespaces: vec!["apart".to_owned()], ..Settings::default() };
    let snapshot = Snapshot {
        settings: Arc::new(settings),
        namespaces: Arc::new(shop()),
        watches_namespaces: true,
        ..Snapshot::default()
    };
    let webhook = Webhook::new(snapshot, Limits::default());
    for (path, namespace, operation, status) in [
        ("/mutate", "shop", "CREATE", 200),
        ("/mutate", "new", "CREATE", 503),
        ("/mutate", "apart", "CREATE", 200),
        ("/mutate", "new", "UPDATE", 200),
        ("/warn", "new", "CREATE", 200),
    ] {
        let annotations = json!({"multipod/ambassador": "80:8775"});
        let mut review =
            if path == "/warn" { deployment(&json!({}), &annotations) } else { pod(&annotations) };
        review["request"]["namespace"] = json!(namespace);
        review["request"]["operation"] = json!(operation);
        let asked = webhook.post(path, review.to_string()).await;
        assert_eq!(asked.status, status, "{path} {namespace} {operation}");
        assert_eq!(asked.headers.contains_key(RETRY_AFTER) && is_close(&asked), status == 503);
    }
}
