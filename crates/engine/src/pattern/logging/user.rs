//! The user that a logging sidecar runs as.
//!
//! | the app's user | the sidecar's | why |
//! |---|---|---|
//! | the pod says nothing | its image's own, a number | nobody knows better; most files can be read by everybody |
//! | 0, root | 65532, with the app's group or root's | no container of ours is root; a warning says what that means |
//! | another | the same, with the app's group | files that only their owner may read can be read |
//! | the platform assigns users | nothing is set | the namespace has one user for all |

use crate::pattern::Context;
use crate::pattern::container::Security;
use crate::pattern::user::NOBODY;
use crate::pod::Pod;

use super::source::Seen;

/// The security context of the sidecar `name`, which reads the files of `group`.
pub(super) fn follow(
    name: &str,
    group: &[&Seen<'_, '_>],
    pod: &Pod<'_>,
    context: &Context<'_>,
    warnings: &mut Vec<String>,
) -> Security {
    let Some(first) = group.first().map(|seen| seen.source).filter(|_| !context.assigns_users()) else {
        return Security::RESTRICTED;
    };
    let identity = pod.user_of(first.container);
    let other = group.iter().map(|seen| seen.source).find(|source| pod.user_of(source.container) != identity);
    if let Some(other) = other {
        warnings.push(format!(
            "{name} runs with the user and group of container {}; the log files of container {} must be readable for them too",
            first.name, other.name
        ));
    }
    let (run_as_user, run_as_group) = match identity {
        (Some(0), group) => {
            let group = group.unwrap_or(0);
            warnings.push(format!(
                "container {} runs as root, which {name} does not: it reads log files that group {group} or everybody may read",
                first.name
            ));
            (Some(NOBODY), Some(group))
        }
        identity => identity,
    };
    Security { run_as_user, run_as_group, ..Security::RESTRICTED }
}
