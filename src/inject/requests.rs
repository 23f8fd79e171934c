//! From winning values to fragments: one line for every key.

use crate::annotation::settings::Settings as Asked;
use crate::annotation::{self, Diagnostic, Fault, Key, Source};
use crate::pattern::defined::Kind;
use crate::pattern::{self, Context, Fragment};
use crate::pod::Pod;
use crate::policy::{Effective, Resolution};

use super::decide::bad_value;
use super::{DenyReason, Refusal, Surroundings};

/// The fragments of all values, in the order of the keys; what is wrong with them goes to `refusals`.
pub(super) fn fragments<'a>(
    resolution: &Resolution<'a>,
    pod: &Pod<'_>,
    namespace: &'a str,
    around: &Surroundings<'a>,
    refusals: &mut Vec<Refusal>,
) -> Vec<Fragment> {
    let context = Context {
        namespace,
        settings: around.settings,
        catalogue: around.catalogue,
        upstreams: resolution.upstreams.clone(),
        destinations: resolution.destinations.clone(),
        users_assigned: around.settings.assigned_users
            || around.namespace_annotations.iter().any(|(key, _)| key == "openshift.io/sa.scc.uid-range"),
    };
    let mut all = Vec::with_capacity(resolution.effective.len());
    for effective in &resolution.effective {
        match of_value(effective.key, effective.value, pod, &context) {
            Ok((fragments, settings)) => {
                all.extend(fragments);
                refusals
                    .extend(settings.iter().filter_map(|asked| out_of_bounds(effective, asked, resolution)));
            }
            Err(faults) => refusals.extend(faults.into_iter().map(|fault| {
                bad_value(Diagnostic::of(effective.key, effective.source.clone(), effective.value, fault))
            })),
        }
    }
    all
}

type Read = (Vec<Fragment>, Option<Asked>);

fn of_value(key: Key, value: &str, pod: &Pod<'_>, context: &Context<'_>) -> Result<Read, Vec<Fault>> {
    match key {
        Key::Ambassador => {
            let request = annotation::ambassador::parse(value)?;
            Ok((vec![pattern::ambassador::fragment(&request, context)?], Some(request.settings)))
        }
        Key::Logging => {
            let request = annotation::logging::parse(value)?;
            Ok((vec![pattern::logging::fragment(&request, pod, context)?], Some(request.settings)))
        }
        Key::Init => {
            let request = annotation::init::parse(value)?;
            Ok((pattern::init::fragments(&request, pod, context)?, Some(request.settings)))
        }
        Key::Sync => {
            let request = annotation::sync::parse(value)?;
            Ok((pattern::sync::fragments(&request, pod, context)?, Some(request.settings)))
        }
        Key::ShareProcessNamespace => {
            let mut fragment = Fragment::new(key, key.name());
            fragment.share_process_namespace = Some(true);
            let wanted = annotation::switch::parse_share(value)?;
            Ok((if wanted { vec![fragment] } else { Vec::new() }, None))
        }
        Key::Metrics | Key::Patterns => {
            let kind = if key == Key::Metrics { Kind::Metrics } else { Kind::Custom };
            let request = annotation::named::parse(value)?;
            Ok((pattern::defined::fragments(kind, &request, pod, context)?, Some(request.settings)))
        }
        // Read by the policies already: it takes away, and adds nothing.
        Key::OptOut => Ok((Vec::new(), None)),
    }
}

/// Policies bound what pods and namespaces ask for, not what policies themselves set.
fn out_of_bounds(effective: &Effective<'_>, asked: &Asked, resolution: &Resolution<'_>) -> Option<Refusal> {
    if matches!(effective.source, Source::Policy(_)) {
        return None;
    }
    resolution.bounds.iter().find_map(|(policy, bounds)| {
        let why = bounds.check(asked.image.as_deref(), asked.cpu.as_ref(), asked.memory.as_ref()).err()?;
        let message = format!("{}: policy {policy} does not allow this: {why}", effective.key.full());
        Some(Refusal::new(DenyReason::OutOfBounds, message).about(effective.key.full()))
    })
}
