//! A mistake never lifts a policy: what becomes of pods where the new version of a policy has one, or the first.
//! `docs/reference/policies.md` has the table; here is a test for each cell, for files of a server and for objects of a cluster.

use std::fs;
use std::sync::Arc;
use std::time::SystemTime;

use multipod::admission::{self, Snapshot};
use multipod::server::{Limits, Shared};
use multipod::watch::PolicyStore;
use multipod_certs::{Embedded, Tls, server_config};
use multipod_engine::policy::{Layer, Objects};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{Server, exchange, serve, wait_until};
use crate::support::reviews::{pod, verify};

/// What becomes of a pod that asks for nothing itself.
#[derive(Debug, PartialEq)]
enum Fate {
    Injected,
    Refused(String),
    LeftAlone,
    NotReady,
}

fn review(app: &str) -> Value {
    let mut review = pod(&json!({}));
    review["request"]["object"]["metadata"]["labels"] = json!({"app": app});
    review
}

fn fate(review: &Value, answer: &[u8]) -> Fate {
    let verdict = verify(answer, review["request"]["uid"].as_str().unwrap()).unwrap();
    match (verdict.allowed, verdict.patch) {
        (true, Some(_)) => Fate::Injected,
        (true, None) => Fate::LeftAlone,
        (false, _) => {
            let answer: Value = serde_json::from_slice(answer).unwrap();
            Fate::Refused(answer["response"]["status"]["message"].as_str().unwrap().to_owned())
        }
    }
}

/// Where a policy named `strict` may come from.
trait Source {
    /// One that has never heard of a policy, and hears of this one first.
    fn started(first: Option<&Value>) -> Self;
    /// Puts another version in its place and waits until it is heard of; nothing deletes it.
    fn put(&mut self, version: Option<&Value>, standing: &str);
    fn fate(&self, app: &str) -> Fate;
    /// What is told of the policy: its standing, and what is wrong.
    fn log(self) -> String;
}

struct Files {
    folder: TempDir,
    server: Server,
}

impl Files {
    fn put_text(&self, text: &str, standing: &str) {
        exchange(self.folder.path(), "strict.yaml", text);
        self.wait_for(standing);
    }

    fn wait_for(&self, standing: &str) {
        let line = format!("multipod_policy_objects{{standing=\"{standing}\"}} 1");
        wait_until(|| self.server.admin("/metrics").lines().any(|known| known == line));
    }

    fn started_with(text: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = text {
            fs::write(folder.path().join("strict.yaml"), text).unwrap();
        }
        let server = serve(&["--policy-dir", folder.path().to_str().unwrap()]);
        Files { folder, server }
    }
}

impl Source for Files {
    fn started(first: Option<&Value>) -> Self {
        Files::started_with(first.map(|object| format!("{object:#}")).as_deref())
    }

    fn put(&mut self, version: Option<&Value>, standing: &str) {
        if let Some(version) = version {
            return self.put_text(&format!("{version:#}"), standing);
        }
        fs::remove_file(self.folder.path().join("strict.yaml")).unwrap();
        wait_until(|| {
            let metrics = self.server.admin("/metrics");
            metrics
                .lines()
                .filter(|line| line.starts_with("multipod_policy_objects"))
                .all(|line| line.ends_with(" 0"))
        });
    }

    fn fate(&self, app: &str) -> Fate {
        let review = review(app);
        match self.server.post("/mutate", review.to_string().as_bytes()) {
            (200, answer) => fate(&review, &answer),
            (503, _) => Fate::NotReady,
            other => panic!("{other:?}"),
        }
    }

    fn log(self) -> String {
        self.server.end()
    }
}

struct Cluster {
    store: PolicyStore,
    shared: Arc<Shared>,
}

impl Source for Cluster {
    fn started(first: Option<&Value>) -> Self {
        let now = SystemTime::now();
        let embedded = Embedded::make(&["localhost".to_owned()], now).unwrap();
        let tls = Tls::new(server_config(&embedded.pair, None, false).unwrap(), now);
        let shared = Arc::new(Shared::new(Snapshot::default(), tls, Limits::default()));
        let store = PolicyStore::new(Arc::clone(&shared));
        store.replace(Layer::Cluster, Objects::of_cluster(first));
        Cluster { store, shared }
    }

    fn put(&mut self, version: Option<&Value>, standing: &str) {
        self.store.replace(Layer::Cluster, Objects::of_cluster(version));
        let slugs: Vec<&str> = self.store.objects().iter().map(|object| object.standing.slug()).collect();
        assert_eq!(slugs, version.map_or_else(Vec::new, |_| vec![standing]));
    }

    fn fate(&self, app: &str) -> Fate {
        let (review, snapshot) = (review(app), self.shared.snapshot.load());
        if !snapshot.is_ready() {
            return Fate::NotReady;
        }
        let text = review.to_string();
        fate(&review, &admission::mutate(text.as_bytes(), &snapshot, None).unwrap().body)
    }

    fn log(self) -> String {
        let told = self.store.objects();
        let lines = told.iter().map(|object| format!("{} {}", object.standing.slug(), object.message()));
        lines.collect::<Vec<_>>().join("\n")
    }
}

fn policy(spec: &Value) -> Value {
    json!({"apiVersion": "multipod.dev/v1alpha1", "kind": "InjectionPolicy", "metadata": {"name": "strict"}, "spec": spec})
}

fn spec(mode: &str) -> Value {
    json!({
        "mode": mode,
        "match": {"podSelector": {"matchLabels": {"app": "web"}}},
        "annotations": {"multipod/ambassador": "80:8775"},
    })
}

fn with(mut spec: Value, field: &str, value: Value) -> Value {
    *spec.pointer_mut(field).unwrap() = value;
    spec
}

/// Versions with a mistake, and whether they concern a pod of another app as well.
fn broken(mode: &str) -> Vec<(Value, bool)> {
    let good = spec(mode);
    let mut of_tomorrow = policy(&good);
    of_tomorrow["apiVersion"] = "multipod.dev/v2".into();
    let mut misspelt = policy(&good);
    misspelt["kind"] = "InjectionPolice".into();
    vec![
        (policy(&with(good.clone(), "/annotations", json!({"multipod/ambassador": "8o:1"}))), false),
        (policy(&with(good.clone(), "/annotations", json!({"multipod/ambasador": "80:1"}))), false),
        (
            policy(&with(
                good.clone(),
                "/match",
                json!({"podSelector": {"matchLabels": {"app": "web"}}, "x": 1}),
            )),
            false,
        ),
        (
            policy(&with(good.clone(), "/match", json!({"podSelektor": {"matchLabels": {"app": "web"}}}))),
            true,
        ),
        (policy(&with(good.clone(), "/match", json!({"ownerKinds": ["Deployment", "Jobb"]}))), true),
        (policy(&with(good.clone(), "/match", json!("app=web"))), true),
        (of_tomorrow, false),
        (misspelt, false),
    ]
}

fn assert_refused(found: &Fate, parts: &[&str]) {
    let Fate::Refused(message) = found else { panic!("{found:?}") };
    for part in parts {
        assert!(message.contains(part), "{part}\n{message}");
    }
}

const CURE: &str = "has to correct the policy, or delete it";

fn a_running_replica_keeps_the_last_good_version<S: Source>() {
    for mode in ["enforce", "default"] {
        let mut source = S::started(None);
        assert_eq!(source.fate("web"), Fate::LeftAlone);
        for (broken, _) in broken(mode) {
            source.put(Some(&policy(&spec(mode))), "in_force");
            assert_eq!(source.fate("web"), Fate::Injected);
            source.put(Some(&broken), "last_good");
            assert_eq!(
                (source.fate("web"), source.fate("other")),
                (Fate::Injected, Fate::LeftAlone),
                "{broken:#}"
            );
        }
        // A mistake after a mistake changes nothing either, and to delete it is none.
        source.put(Some(&policy(&json!({"mode": mode}))), "last_good");
        assert_eq!(source.fate("web"), Fate::Injected);
        source.put(None, "");
        assert_eq!(source.fate("web"), Fate::LeftAlone);
        let log = source.log();
        assert!(log.is_empty() || log.contains("\"standing\":\"last_good\""), "{log}");
    }
}

fn one_that_has_never_seen_a_good_version_refuses_what_an_enforced_one_may_concern<S: Source>() {
    let mut all = broken("enforce");
    let unclear = with(spec("enforce"), "/mode", "enforced".into());
    let beside = json!({"match": {"podSelector": {"matchLabels": {"app": "web"}}, "mode": "enforce"}});
    all.extend([(policy(&unclear), false), (policy(&beside), false), (policy(&json!("cut off")), true)]);
    for (broken, others) in all {
        let mut source = S::started(Some(&broken));
        assert_refused(&source.fate("web"), &["policy strict ", "enforced", "strict", CURE]);
        if others {
            assert_refused(&source.fate("other"), &[CURE]);
        } else {
            assert_eq!(source.fate("other"), Fate::LeftAlone, "{broken:#}");
        }
        source.put(Some(&policy(&spec("enforce"))), "in_force");
        assert_eq!((source.fate("web"), source.fate("other")), (Fate::Injected, Fate::LeftAlone));
        source.put(None, "");
        assert_eq!(source.fate("web"), Fate::LeftAlone);
    }
    // The same, deleted before it was ever right.
    let mut source = S::started(Some(&policy(&unclear)));
    source.put(None, "");
    assert_eq!(source.fate("web"), Fate::LeftAlone);
}

fn what_is_wrong_is_told_with_its_field<S: Source>(field: &str) {
    let source =
        S::started(Some(&policy(&with(spec("enforce"), "/annotations/multipod~1ambassador", "8o:1".into()))));
    assert_refused(
        &source.fate("web"),
        &[field, "multipod/ambassador: 8o:1 is not LISTEN:TARGET", "\n    | 8o:1\n    | ^^ expected a port"],
    );
    let log = source.log();
    assert!(log.contains("refusing") && log.contains("8o:1 is not"), "{log}");
}

fn others_with_a_mistake_count_for_nothing<S: Source>() {
    for mode in ["default", "audit"] {
        for (broken, _) in broken(mode) {
            let source = S::started(Some(&broken));
            assert_eq!(
                (source.fate("web"), source.fate("other")),
                (Fate::LeftAlone, Fate::LeftAlone),
                "{broken:#}"
            );
            let log = source.log();
            assert!(log.contains("left_out"), "{log}");
        }
    }
}

#[test]
fn a_running_replica_keeps_the_last_good_version_of_a_file() {
    a_running_replica_keeps_the_last_good_version::<Files>();
}

#[test]
fn a_running_replica_keeps_the_last_good_version_of_an_object() {
    a_running_replica_keeps_the_last_good_version::<Cluster>();
}

#[test]
fn one_that_has_never_seen_a_good_version_of_a_file_refuses_what_an_enforced_one_may_concern() {
    one_that_has_never_seen_a_good_version_refuses_what_an_enforced_one_may_concern::<Files>();
    what_is_wrong_is_told_with_its_field::<Files>("strict.yaml:");
}

#[test]
fn one_that_has_never_seen_a_good_version_of_an_object_refuses_what_an_enforced_one_may_concern() {
    one_that_has_never_seen_a_good_version_refuses_what_an_enforced_one_may_concern::<Cluster>();
    what_is_wrong_is_told_with_its_field::<Cluster>(
        "injectionpolicy/strict: spec.annotations.multipod/ambassador",
    );
}

#[test]
fn other_policies_with_a_mistake_in_a_file_count_for_nothing() {
    others_with_a_mistake_count_for_nothing::<Files>();
}

#[test]
fn other_policies_with_a_mistake_in_an_object_count_for_nothing() {
    others_with_a_mistake_count_for_nothing::<Cluster>();
}

const BEGINNING: &str = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\n";

/// Files of which nobody can tell what they are.
const ILLEGIBLE: [&str; 5] = [
    "",
    "apiVersion: multip",
    "kind: [",
    BEGINNING,
    "- a list\n---\napiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {}\n",
];

#[test]
fn a_file_that_nobody_can_read_changes_nothing_for_a_running_replica() {
    let mut source = Files::started(None);
    for mode in ["enforce", "default"] {
        for text in ILLEGIBLE {
            source.put(Some(&policy(&spec(mode))), "in_force");
            source.put_text(text, "last_good");
            assert_eq!(
                (source.fate("web"), source.fate("other")),
                (Fate::Injected, Fate::LeftAlone),
                "{text}"
            );
        }
    }
    assert_eq!(source.server.admin("/readyz"), "ok\n");
    source.put(None, "");
    assert_eq!(source.fate("web"), Fate::LeftAlone);
}

#[test]
fn pods_stay_refused_where_a_policy_with_a_mistake_becomes_a_file_that_nobody_can_read() {
    let source = Files::started(Some(&policy(&with(spec("enforce"), "/mode", "enforced".into()))));
    assert_refused(&source.fate("web"), &["did you mean enforce?"]);
    exchange(source.folder.path(), "strict.yaml", "kind: [");
    wait_until(|| {
        source
            .server
            .admin("/metrics")
            .contains("multipod_reloads_total{what=\"policies\",result=\"failure\"} 1")
    });
    assert_refused(&source.fate("web"), &["strict.yaml:1:", CURE]);
}

#[test]
fn a_replica_that_cannot_tell_what_a_file_is_does_not_begin_and_says_why() {
    for text in ILLEGIBLE {
        let source = Files::started_with(Some(text));
        let ready = source.server.admin("/readyz");
        assert!(ready.contains("[-]policies failed: ") && ready.contains("strict.yaml:"), "{text}\n{ready}");
        assert_eq!(source.fate("web"), Fate::NotReady);
        source.put_text(&format!("{:#}", policy(&spec("enforce"))), "in_force");
        wait_until(|| source.server.admin("/readyz") == "ok\n");
        assert_eq!(source.fate("web"), Fate::Injected);
        // Once it has begun, it goes on.
        source.put_text(text, "last_good");
        assert_eq!((&*source.server.admin("/readyz"), source.fate("web")), ("ok\n", Fate::Injected));
    }
}

/// Wherever a file is cut off: it is in force as it was, its pods are refused, or nothing is decided at all. What a cut
/// leaves whole is another policy, and nobody can tell.
#[test]
fn no_beginning_of_a_file_lifts_a_policy() {
    let whole = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata:\n  name: strict\nspec:\n  \
         mode: enforce\n  match:\n    podSelector:\n      matchLabels:\n        app: web\n  annotations:\n    \
         multipod/ambassador: \"80:8775\"\n";
    let fate_of = |store: &Cluster| store.fate("web");
    for end in 0..whole.len() {
        let cut = Objects::of_files(&[("strict.yaml".to_owned(), whole[..end].to_owned())]);
        let running = Cluster::started(None);
        let good = || Objects::of_files(&[("strict.yaml".to_owned(), whole.to_owned())]);
        running.store.replace(Layer::Folder, good());
        running.store.replace(Layer::Folder, cut.clone());
        // Half a name is another policy, which was never without a mistake.
        let fate = fate_of(&running);
        assert!(matches!(fate, Fate::Injected | Fate::Refused(_)), "{fate:?}\n{}", &whole[..end]);
        let starting = Cluster::started(None);
        starting.store.replace(Layer::Folder, cut);
        let fate = fate_of(&starting);
        // The value of a label that is cut off means other pods.
        let of_others = whole[..end].ends_with("app: w") || whole[..end].ends_with("app: we");
        assert!(
            matches!(fate, Fate::Refused(_) | Fate::NotReady | Fate::Injected) || of_others,
            "{fate:?}\n{}",
            &whole[..end]
        );
    }
}
