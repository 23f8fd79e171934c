//! The user of a container whose image names one by number.

use crate::pod::Pod;

use super::Context;

/// What the images of distroless programs run as, ours among them; a container gets it whose image names nobody by number.
pub(super) const NOBODY: i64 = 65532;

/// None where the image's own user stands. A user that the pod names for all its containers would replace it, be it
/// root, which we refuse, or one that the image does not know: then the container names its own user again.
pub(super) fn own_user(of_image: i64, pod: &Pod<'_>, context: &Context<'_>) -> Option<i64> {
    let of_pod = pod.spec.security_context.value().and_then(|security| security.run_as_user);
    of_pod.filter(|user| *user != of_image && !context.assigns_users()).map(|_| of_image)
}

/// For an image whose user nobody knows: none, unless the pod would make it root, which the kubelet would refuse.
pub(super) fn instead_of_root(pod: &Pod<'_>, context: &Context<'_>) -> Option<i64> {
    let of_pod = pod.spec.security_context.value().and_then(|security| security.run_as_user);
    (of_pod == Some(0) && !context.assigns_users()).then_some(NOBODY)
}
