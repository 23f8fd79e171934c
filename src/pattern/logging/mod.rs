//! Logging: the app's log files on a sidecar's standard output, or shipped to a central server.
//!
//! | lines are | by | containers |
//! |---|---|---|
//! | printed (no `to=`) | `multipod follow` | `multipod-logging`; a second one, `multipod-logging-json`, where both formats are asked for, because a follower prints in one |
//! | shipped (`to=`) | the OpenTelemetry Collector | `multipod-logging-shipper`, with one exporter for each server |

mod collector;
mod operators;
mod user;
mod volume;

use std::borrow::Cow;

use crate::annotation::item::Faults;
use crate::annotation::logging::{Destination, Fate, Files, Format, Parse, Request};
use crate::annotation::{Fault, Key};
use crate::pod::Pod;
use multipod_values::{self as value, Endpoint, short, suggest};

use super::app::default_container;
use super::container::{Container, Mount, Text};
use super::settings::Needs;
use super::{Addition, Context, Fragment, Role};

/// The follower; where both formats are asked for, the one that prints lines as they are.
pub const FOLLOWER: &str = "multipod-logging";
/// The follower that prints JSON, where both formats are asked for.
pub const JSON_FOLLOWER: &str = "multipod-logging-json";
/// What ships.
pub const SHIPPER: &str = "multipod-logging-shipper";
const NEEDS: Needs = Needs { cpu: ("10m", 10), memory: ("16Mi", 16), memory_limit: ("64Mi", 64) };

/// What a request adds to a pod.
pub fn fragment(request: &Request, pod: &Pod<'_>, context: &Context<'_>) -> Result<Fragment, Vec<Fault>> {
    let sources = resolve(request, pod, context)?;
    let shared = volume::share(&sources, pod)?;
    let mut fragment = Fragment::new(Key::Logging, "logging");
    fragment.volumes = shared.volumes;
    fragment.mounts = shared.app_mounts;
    fragment.warnings = sources.iter().filter_map(|source| volume::no_file(source, pod)).collect();

    let seen: Vec<Seen<'_, '_>> =
        sources.iter().zip(shared.views).map(|(source, view)| Seen { source, view }).collect();
    let printed = |format| {
        let fate = Fate::Print(format);
        seen.iter().filter(|seen| seen.source.files.fate == fate).collect::<Vec<_>>()
    };
    let (raw, json) = (printed(Format::Raw), printed(Format::Json));
    let json_name = if raw.is_empty() { FOLLOWER } else { JSON_FOLLOWER };
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
        fragment.containers.push(Addition { role: Role::Sidecar(request.settings.sidecar), container });
    }
    Ok(fragment)
}

/// Files whose container and server are known.
struct Source<'r> {
    files: &'r Files,
    /// The index in `spec.containers`.
    container: usize,
    /// That container's name.
    name: &'r str,
    parse: Option<Parse>,
    to: Option<Cow<'r, Endpoint>>,
}

/// Files as a sidecar sees them.
struct Seen<'s, 'r> {
    source: &'s Source<'r>,
    view: View,
}

/// Where a sidecar finds files.
struct View {
    /// The glob, which differs from the app's only where paths would collide.
    glob: String,
    mounts: Vec<Mount>,
}

fn resolve<'r>(
    request: &'r Request,
    pod: &'r Pod<'_>,
    context: &Context<'_>,
) -> Result<Vec<Source<'r>>, Vec<Fault>> {
    let mut sources: Vec<Source<'_>> = Vec::with_capacity(request.files.len());
    let mut faults = Faults::default();
    for files in &request.files {
        let place = container_of(files, pod).map_err(|fault| faults.push(fault));
        let to = endpoint_of(files, context).map_err(|fault| faults.push(fault));
        let (Ok((container, name)), Ok((parse, to))) = (place, to) else { continue };
        let same = |other: &Source<'_>| {
            other.container == container && other.files.glob == files.glob && other.to == to
        };
        if sources.iter().any(same) {
            let label = "these files of this container already go there";
            faults.push(
                Fault::new(files.span, label)
                    .summary(format!("{} is named twice", short(files.glob.as_str()))),
            );
        }
        sources.push(Source { files, container, name, parse, to });
    }
    faults.or(sources)
}

/// The container that was named, else the one that `kubectl` would pick; ours have no logs of the app.
fn container_of<'p>(files: &Files, pod: &'p Pod<'_>) -> Result<(usize, &'p str), Fault> {
    let containers = pod.spec.containers.items();
    let apps = || containers.iter().map(|container| &*container.name).filter(|name| !is_ours(name));
    let Some((name, span)) = &files.container else {
        let default =
            Some(default_container(pod, files.span)?).filter(|index| !is_ours(&containers[*index].name));
        let index = default.or_else(|| containers.iter().position(|container| !is_ours(&container.name)));
        let nothing = || Fault::new(files.span, "the pod has no container that could write files");
        return index.map(|index| (index, &*containers[index].name)).ok_or_else(nothing);
    };
    if let Some(index) = pod.container(name).filter(|_| !is_ours(name)) {
        return Ok((index, &*containers[index].name));
    }
    let names: Vec<&str> = apps().collect();
    let label = match names.as_slice() {
        [] => "the pod has no container that could write files".to_owned(),
        [only] => format!("expected {only}, the only one"),
        _ => format!("expected {}{}", value::list(&names, "or"), suggest::did_you_mean(name, apps())),
    };
    Err(Fault::new(*span, label).summary(format!("{} is not a container of this pod", short(name))))
}

/// Whether a container or volume is one of ours.
fn is_ours(name: &str) -> bool {
    name.starts_with("multipod-")
}

type Shipping<'r> = (Option<Parse>, Option<Cow<'r, Endpoint>>);

fn endpoint_of<'r>(files: &'r Files, context: &Context<'_>) -> Result<Shipping<'r>, Fault> {
    match &files.fate {
        Fate::Print(_) => Ok((None, None)),
        Fate::Ship { parse, to: Destination::Endpoint(endpoint), .. } => {
            Ok((*parse, Some(Cow::Borrowed(endpoint))))
        }
        Fate::Ship { parse, to: Destination::Named(name), span } => {
            let text = context.destinations.resolve(name).map_err(|expected| {
                Fault::new(*span, expected).summary(format!("@{name} is not a destination here"))
            })?;
            let endpoint = Endpoint::parse(text).map_err(|expected| {
                Fault::new(*span, expected)
                    .summary(format!("the policy's value of @{name} is wrong: {}", short(text)))
            })?;
            Ok((*parse, Some(Cow::Owned(endpoint))))
        }
    }
}

fn follower(
    name: &'static str,
    options: &[&'static str],
    group: &[&Seen<'_, '_>],
    request: &Request,
    context: &Context<'_>,
) -> Container {
    let image = context.settings.own_image("logging", &request.settings);
    let resources = context.settings.resources_for("logging", &request.settings, NEEDS);
    let mut container = Container::new(name, image, resources);
    container.command = vec![Cow::Borrowed("/multipod")];
    container.args.push(Cow::Borrowed("follow"));
    container.args.extend(options.iter().copied().map(Text::Borrowed));
    container.args.extend(group.iter().map(|seen| Cow::Owned(value::escape_expansion(&seen.view.glob))));
    container
}

#[cfg(test)]
mod tests;
