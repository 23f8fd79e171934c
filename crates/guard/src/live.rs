//! The rule that nobody changes injected containers of a live pod.

use multipod_engine::annotation::key::RENDERED_PREFIX;
use multipod_engine::pattern::topics;
use multipod_engine::pod::view::OWN_NAMES;

use super::cel;
use super::object::Admission;
use super::source::Guard;

pub(super) fn policy(guard: &Guard<'_>, limits: &mut Vec<String>) -> Admission {
    let mut policy = Admission::new(guard, "multipod-live", &["UPDATE"]);
    let own = cel::text(OWN_NAMES);
    policy.condition(
        "was-injected",
        format!(
            "(oldObject.spec.containers + oldObject.spec.?initContainers.orValue([])).exists(c, c.name.startsWith({own}))"
        ),
    );
    for list in ["containers", "initContainers"] {
        let images = |object: &str| {
            format!("{object}.spec.?{list}.orValue([]).filter(c, c.name.startsWith({own})).map(c, c.image)")
        };
        policy.validation(
            format!("{} == {}", images("object"), images("oldObject")),
            "the image of a container that multipod has added cannot be changed: change the annotation or the policy, and \
             create the pod again",
        );
    }
    // Looked up one by one: to walk all annotations takes the API server quadratic time.
    let keys = topics().flat_map(|topic| topic.rendered).copied();
    let value = |object: &str| format!("{object}.metadata.?annotations[?key].orValue(\"\")");
    policy.validation(
        format!(
            "{}.all(key, {} == {})",
            cel::list(keys),
            value("object"),
            value("oldObject")
        ),
        format!(
            "an annotation {RENDERED_PREFIX}… is the configuration of a running container and cannot be changed: change what \
             it was rendered from, and create the pod again"
        ),
    );
    limits.push(
        "Who may exec into a pod, or attach a debug container to it, can change what runs in it".to_owned(),
    );
    policy
}
