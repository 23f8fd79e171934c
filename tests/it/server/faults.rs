//! Faults of our own: whatever ends a review before its decision is an error of HTTP, and never an admission.

use std::panic::resume_unwind;
use std::sync::Arc;

use crate::support::reviews::{pod, verify};
use multipod::admission::{self, Meter, Missing, Reply, ReviewError, Snapshot};
use multipod::server::Limits;
use multipod_engine::policy;
use serde_json::json;

use super::webhook::Webhook;

type Handler = for<'b> fn(&'b [u8], &Snapshot, Option<&'b Meter<'b>>) -> Result<Reply<'b>, ReviewError>;

/// Each way in which an answer may not come to be, with its status. A new error does not compile without its row.
fn faults() -> Vec<(Handler, u16)> {
    let status = |error: &ReviewError| match error {
        ReviewError::Unreadable { .. }
        | ReviewError::NotText(_)
        | ReviewError::NotAReview
        | ReviewError::NoRequest
        | ReviewError::NoObject => 400,
        ReviewError::NotYet | ReviewError::OutOfTime => 503,
        ReviewError::Internal(_) => 500,
    };
    let errors: [Handler; 8] = [
        |_, _, _| Err(ReviewError::Unreadable { what: "broken JSON", line: 1, column: 1 }),
        |_, _, _| Err(ReviewError::NotText(1)),
        |_, _, _| Err(ReviewError::NotAReview),
        |_, _, _| Err(ReviewError::NoRequest),
        |_, _, _| Err(ReviewError::NoObject),
        |_, _, _| Err(ReviewError::NotYet),
        |_, _, _| Err(ReviewError::OutOfTime),
        |_, _, _| Err(ReviewError::Internal("a bug".to_owned())),
    ];
    let told = |fault: Handler| fault(b"", &Snapshot::default(), None).err();
    let errors = errors.into_iter().filter_map(|fault| Some((fault, status(&told(fault)?))));
    // A panic before the decision, and one behind it, as loud as it may be.
    let panics: [Handler; 2] = [
        |_, _, _| resume_unwind(Box::new("now")),
        |body, snapshot, meter| {
            drop(admission::mutate(body, snapshot, meter));
            resume_unwind(Box::new("now"))
        },
    ];
    errors.chain(panics.map(|fault| (fault, 500))).collect()
}

/// On the thread that has read the review, and on one of its own.
const IN_PLACE: [usize; 2] = [64 << 10, 0];

fn strict() -> Snapshot {
    let text = "apiVersion: multipod.dev/v1alpha1\nkind: InjectionPolicy\nmetadata: {name: strict}\n\
                spec: {mode: enforce, annotations: {multipod/ambassador: '80:8775'}}\n";
    let loaded = policy::load(&[("strict.yaml".to_owned(), text.to_owned())]);
    assert_eq!(loaded.problems, []);
    Snapshot { policies: Arc::new(loaded.policies), ..Snapshot::default() }
}

#[tokio::test]
async fn whatever_ends_a_review_is_an_error_of_http_and_no_admission() {
    let review = pod(&json!({})).to_string();
    let uid = pod(&json!({}))["request"]["uid"].as_str().unwrap().to_owned();
    for in_place in IN_PLACE {
        let mut webhook = Webhook::new(strict(), Limits { in_place, ..Limits::default() });
        let good = webhook.post("/mutate", review.clone()).await;
        assert!(verify(&good.body, &uid).unwrap().patch.is_some());
        for (number, (fault, status)) in faults().into_iter().enumerate() {
            webhook.handlers.mutate = fault;
            let asked = webhook.post("/mutate", review.clone()).await;
            assert_eq!(asked.status.as_u16(), status, "fault {number}");
            assert!(verify(&asked.body, &uid).is_err(), "fault {number}");
        }
    }
}

#[tokio::test]
async fn before_all_is_known_nothing_is_decided() {
    let some = [true, false];
    let missing =
        some.iter().flat_map(|namespaces| some.map(|policies| Missing { namespaces: *namespaces, policies }));
    let missing = missing.flat_map(|missing| [(missing, None), (missing, Some("an unreadable policy"))]);
    for (missing, unread) in missing.filter(|(missing, unread)| missing.any() || unread.is_some()) {
        let snapshot = Snapshot { missing, unread: unread.map(Into::into), ..strict() };
        let webhook = Webhook::new(snapshot, Limits::default());
        for path in ["/mutate", "/warn", "/validate"] {
            let asked = webhook.post(path, pod(&json!({})).to_string()).await;
            assert_eq!(asked.status.as_u16(), 503, "{path}: {missing:?}, {unread:?}");
        }
        webhook.shared.snapshot.store(Arc::new(strict()));
        assert_eq!(webhook.post("/mutate", pod(&json!({})).to_string()).await.status.as_u16(), 200);
    }
}
