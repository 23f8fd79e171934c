//! Who asked for what, and which policies were looked at.

use multipod_engine::annotation::key::{PREFIX, STATUS};
use multipod_engine::annotation::{Key, Source};
use multipod_engine::inject::{Decision, LeftOut};
use multipod_engine::pattern::Context;
use multipod_engine::pod::{Head, Scalar};
use multipod_engine::policy::Policies;
use multipod_values::masked;

use super::report::{Asked, Author, Considered, Standing};

/// Every value that somebody gave to a key of ours, the ones that count first.
pub(super) fn asked<'a>(
    head: &'a Head<'a>,
    decision: &Decision<'a>,
    line_of: impl Fn(&str) -> Option<usize>,
) -> Vec<Asked> {
    let mut all: Vec<Asked> = Vec::new();
    if let Some(resolution) = &decision.resolution {
        for effective in &resolution.effective {
            let standing = if effective.enforced { Standing::Enforced } else { Standing::Counts };
            all.push(entry(effective.key, effective.value, &effective.source, standing));
        }
        for lost in &resolution.overridden {
            let entry = entry(lost.key, lost.value, &lost.whose, Standing::Overridden);
            all.push(Asked { in_favour_of: Some(Author::from(&lost.by)), ..entry });
        }
        for declined in &resolution.opted_out {
            let entry = entry(declined.key, declined.value, &declined.whose, Standing::OptedOut);
            all.push(Asked { in_favour_of: Some(Author::from(&declined.by)), ..entry });
        }
        for audited in &resolution.audited {
            let source = Source::Policy(audited.policy.to_owned());
            all.push(entry(audited.key, audited.value, &source, Standing::Audited));
        }
    }
    for (key, value) in
        head.annotations().iter().filter(|(key, _)| key.starts_with(PREFIX) && **key != *STATUS)
    {
        let told = all.iter_mut().find(|asked| asked.key == **key && asked.by == Author::Pod);
        if let Some(asked) = told {
            asked.line = line_of(key);
            continue;
        }
        // An opt-out is about other keys; it has said its word once these were weighed.
        let heard = decision.resolution.is_some() && **key == *Key::OptOut.full();
        all.push(Asked {
            key: key.to_string(),
            value: masked(&written(value)).into_owned(),
            by: Author::Pod,
            standing: if heard { Standing::Counts } else { Standing::Unweighed },
            in_favour_of: None,
            line: line_of(key),
        });
    }
    all
}

fn entry(key: Key, value: &str, source: &Source, standing: Standing) -> Asked {
    Asked {
        key: key.full().to_owned(),
        value: masked(value).into_owned(),
        by: Author::from(source),
        standing,
        in_favour_of: None,
        line: None,
    }
}

/// A value that should have been text, as it was read.
fn written(value: &Scalar<'_>) -> String {
    match value {
        Scalar::Text(text) => text.to_string(),
        Scalar::Number(number) => number.clone(),
        Scalar::Bool(value) => value.to_string(),
        Scalar::Null => String::new(),
        Scalar::Compound => "{…}".to_owned(),
    }
}

/// Every policy, and whether it is for this pod.
pub(super) fn considered<'a>(
    head: &'a Head<'a>,
    context: &Context<'a>,
    policies: &'a Policies,
    decision: &Decision<'a>,
) -> Vec<Considered> {
    let context = context.of_pod(head);
    let considered = policies.iter().map(|policy| {
        let why_not = match policy.mismatch(&context, head.labels()) {
            Ok(mismatch) => mismatch.map(|mismatch| mismatch.to_string()),
            Err(undecided) => Some(format!("that cannot be told: {undecided}")),
        };
        let left_out = decision.left_out.iter().find(|left_out| left_out.policy == policy.name);
        let obstacle = left_out
            .map(|LeftOut { obstacle, .. }| format!("{} ({})", obstacle.in_short(), obstacle.reason.slug()));
        let (policy, mode) = (policy.name.clone(), policy.mode.to_string());
        Considered { policy, mode, matched: why_not.is_none(), why_not, obstacle }
    });
    considered.collect()
}
