//! What logging adds to a pod.

use std::borrow::Cow;

use crate::annotation::{Key, Problem};
use crate::pod::Pod;
use multipod_values as value;

use crate::pattern::container::{Container, Text};
use crate::pattern::settings::Needs;
use crate::pattern::task::Task;
use crate::pattern::{Addition, Context, Fragment, Role};

use super::request::{Files, Format, Output, Request};
use super::source::{Seen, resolve};
use super::text::{FOLLOW, FOLLOWER, SHIPPER};
use super::{collector, doubt, user, volume};

/// The follower that prints JSON, where both formats are asked for.
pub(crate) const JSON_FOLLOWER: &str = "multipod-logging-json";
const NEEDS: Needs = Needs { cpu: ("10m", 10), memory: ("16Mi", 16), memory_limit: ("64Mi", 64) };

/// What a request adds to a pod.
pub(crate) fn fragment(
    request: &Request,
    pod: &Pod<'_>,
    context: &Context<'_>,
) -> Result<Fragment, Vec<Problem>> {
    let sources = resolve(request, pod, context)?;
    let shared = volume::share(&sources, pod)?;
    let mut fragment = Fragment::new(Key::Logging, "logging");
    fragment.warnings = doubt::about(&sources, &shared.app_mounts, pod);
    fragment.extend(shared.volumes);
    fragment.extend(shared.app_mounts);

    let seen: Vec<Seen<'_, '_>> =
        sources.iter().zip(shared.views).map(|(source, view)| Seen { source, view }).collect();
    let printed = |format| {
        let output = Output::Print(format);
        seen.iter().filter(|seen| seen.source.files.output == output).collect::<Vec<_>>()
    };
    let (raw, json) = (printed(Format::Raw), printed(Format::Json));
    let json_name = json_follower(request);
    let mut containers = Vec::with_capacity(1);
    for (name, options, group) in [(FOLLOWER, &[][..], raw), (json_name, &["--format", "json"][..], json)] {
        if !group.is_empty() {
            containers.push((follower(name, options, &group, request, context), group));
        }
    }
    let shipped: Vec<_> = seen.iter().filter(|seen| seen.source.to.is_some()).collect();
    if !shipped.is_empty() {
        containers.push((collector::shipper(&shipped, request, context, &mut fragment), shipped));
    }
    for (mut container, group) in containers {
        container.volume_mounts.extend(volume::mounts(&group));
        container.security_context =
            user::follow(&container.name, &group, pod, context, &mut fragment.warnings);
        fragment.add(Addition::new(Role::Sidecar(request.settings.sidecar), container));
    }
    Ok(fragment)
}

/// Who prints JSON: where nobody prints lines as they are, the one follower that there is.
fn json_follower(request: &Request) -> &'static str {
    let is_raw = |files: &Files| files.output == Output::Print(Format::Raw);
    if request.files.iter().any(is_raw) { JSON_FOLLOWER } else { FOLLOWER }
}

/// Who follows which files.
pub(crate) fn tasks(request: &Request, pod: &Pod<'_>, context: &Context<'_>) -> Vec<Task> {
    let sources = resolve(request, pod, context).unwrap_or_default();
    let tasks = sources.iter().map(|source| {
        let container = match source.files.output {
            Output::Print(Format::Raw) => FOLLOWER,
            Output::Print(Format::Json) => json_follower(request),
            Output::Ship { .. } => SHIPPER,
        };
        Task { container: Cow::Borrowed(container), work: source.work() }
    });
    tasks.collect()
}

fn follower(
    name: &'static str,
    options: &[&'static str],
    group: &[&Seen<'_, '_>],
    request: &Request,
    context: &Context<'_>,
) -> Container {
    let image = context.settings.own_image(FOLLOW, &request.settings);
    let resources = context.settings.resources_for(FOLLOW, &request.settings, NEEDS);
    let mut container = Container::new(name, image, resources);
    container.command = vec![Cow::Borrowed("/multipod")];
    container.args.push(Cow::Borrowed("follow"));
    container.args.extend(options.iter().copied().map(Text::Borrowed));
    container.args.extend(group.iter().map(|seen| Cow::Owned(value::escape_expansion(&seen.view.glob))));
    container
}
