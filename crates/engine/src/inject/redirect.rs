//! What a pod says of names. Its author may not lead elsewhere what a policy sends to a destination.

use crate::pattern::Change;
use crate::pod::Pod;
use multipod_values::short;

use super::few::Refusals;
use super::plan::{Plan, Planned, Reason};
use super::{DenyReason, Refusal};

/// Refuses names of its own for what an enforced policy names.
pub(super) fn find(plan: &Plan, pod: &Pod<'_>, refusals: &mut Refusals) {
    let own_servers = &*pod.spec.dns_policy == "None";
    let aliases = pod.spec.host_aliases.items().iter().flat_map(|alias| alias.hostnames.items());
    let aliases: Vec<&str> = aliases.map(|name| &**name).collect();
    if !own_servers && aliases.is_empty() {
        return;
    }
    let enforced = |planned: &&Planned| planned.reason != Reason::EveryPod && plan.is_enforced(planned);
    for planned in plan.changes.iter().filter(enforced) {
        let key = plan.key_of(planned);
        let led_elsewhere = |host: &&str| own_servers || aliases.iter().any(|alias| is_same(alias, host));
        let Some(host) = texts(&planned.change).into_iter().flat_map(hosts).find(led_elsewhere) else {
            continue;
        };
        let how = if own_servers { "dnsPolicy: None" } else { "hostAliases" };
        refusals.tell(|| {
            let message = format!(
                "{key}: {part} reaches {host} by its name, and the pod says itself what that is ({how})\nRemove {field}: a \
                 policy enforces where this goes",
                part = plan.name_of(planned),
                host = short(host),
                field = if own_servers { "dnsPolicy from the pod" } else { "it from hostAliases" },
            );
            Refusal::new(DenyReason::DestinationRedirected, message).about(key)
        });
        return;
    }
}

/// Everything that may name a host.
fn texts(change: &Change) -> Vec<&str> {
    match change {
        Change::Container(new) => {
            let values = new.container.env.iter().filter_map(|variable| variable.value.as_deref());
            new.container.args.iter().map(|arg| &**arg).chain(values).collect()
        }
        Change::Annotation(note) => vec![&note.value],
        _ => Vec::new(),
    }
}

/// The names of hosts in a text: before a port, or behind what opens one.
fn hosts(text: &str) -> impl Iterator<Item = &str> {
    let is_outside = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    text.split(is_outside).filter(|word| word.contains(|c: char| c.is_ascii_alphabetic())).filter(
        move |word| {
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            let (before, after) = (&text[..start], &text[start + word.len()..]);
            let has_port =
                after.strip_prefix(':').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            let opened = ["//", "@", "dns:"].iter().any(|mark| before.ends_with(mark));
            *word != "localhost" && !before.ends_with('[') && (has_port || opened)
        },
    )
}

fn is_same(alias: &str, host: &str) -> bool {
    alias.trim_end_matches('.').eq_ignore_ascii_case(host.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_where_they_can_be_reached() {
        for (text, expected) in [
            ("  server target db.shop.svc:5432 resolvers cluster", &["db.shop.svc"][..]),
            ("--repo=https://git.example/site", &["git.example"]),
            ("--repo=git@git.example:team/site", &["git.example"]),
            ("dns:orders", &["orders"]),
            (r#"{"endpoint":"collector.logs:4317","a":1}"#, &["collector.logs"]),
            ("127.0.0.1:80 localhost:81 [fd00:1::2]:82 /var/log:x", &[]),
        ] {
            assert_eq!(hosts(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
