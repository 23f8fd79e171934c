//! Which files of which container are meant, and where their lines go.

use crate::annotation::Problem;
use crate::annotation::item::Problems;
use crate::pattern::Context;
use crate::pattern::app::default_container;
use crate::pattern::container::Mount;
use crate::pod::Pod;
use crate::pod::path::Folder;
use crate::pod::view::is_own_name;
use multipod_values::{self as value, Endpoint, short, suggest};

use super::request::{Destination, Files, Output, Parse, Request};

/// Files whose container and server are known.
pub(super) struct Source<'r> {
    pub(super) files: &'r Files,
    /// The literal folder of the glob.
    pub(super) folder: Folder<'r>,
    /// The index in `spec.containers`.
    pub(super) container: usize,
    pub(super) name: &'r str,
    pub(super) parse: Option<Parse>,
    pub(super) to: Option<&'r Endpoint>,
}

/// Files as a sidecar sees them.
pub(super) struct Seen<'s, 'r> {
    pub(super) source: &'s Source<'r>,
    pub(super) view: View,
}

/// Where a sidecar finds files.
pub(super) struct View {
    /// The glob, which differs from the app's only where paths would collide.
    pub(super) glob: String,
    pub(super) mounts: Vec<Mount>,
}

pub(super) fn resolve<'r>(
    request: &'r Request,
    pod: &'r Pod<'_>,
    context: &Context<'r>,
) -> Result<Vec<Source<'r>>, Vec<Problem>> {
    let mut sources: Vec<Source<'_>> = Vec::with_capacity(request.files.len());
    let mut problems = Problems::default();
    for files in &request.files {
        let place = container_of(files, pod).map_err(|problem| problems.push(problem));
        let to = endpoint_of(files, context).map_err(|problem| problems.push(problem));
        let (Ok((container, name)), Ok((parse, to))) = (place, to) else { continue };
        let same = |other: &Source<'_>| {
            other.container == container && other.files.glob == files.glob && other.to == to
        };
        if sources.iter().any(same) {
            let label = "these files of this container already go there";
            problems.push(
                Problem::new(files.span, label)
                    .summary(format!("{} is named twice", short(files.glob.as_str()))),
            );
        }
        let folder = Folder::of(files.glob.folder());
        sources.push(Source { files, folder, container, name, parse, to });
    }
    problems.or(sources)
}

/// The container that was named, else the one that `kubectl` would pick; ours have no logs of the app.
fn container_of<'p>(files: &Files, pod: &'p Pod<'_>) -> Result<(usize, &'p str), Problem> {
    let containers = pod.spec.containers.items();
    let apps = || containers.iter().map(|container| &*container.name).filter(|name| !is_own_name(name));
    let Some((name, span)) = &files.container else {
        let default =
            Some(default_container(pod, files.span)?).filter(|index| !is_own_name(&containers[*index].name));
        let index = default.or_else(|| containers.iter().position(|container| !is_own_name(&container.name)));
        let nothing = || Problem::new(files.span, "the pod has no container that could write files");
        return index.map(|index| (index, &*containers[index].name)).ok_or_else(nothing);
    };
    if let Some(index) = pod.container(name).filter(|_| !is_own_name(name)) {
        return Ok((index, &*containers[index].name));
    }
    let names: Vec<&str> = apps().collect();
    let label = match names.as_slice() {
        [] => "the pod has no container that could write files".to_owned(),
        [only] => format!("expected {only}, the only one"),
        _ => format!("expected {}{}", value::list(&names, "or"), suggest::did_you_mean(name, apps())),
    };
    Err(Problem::new(*span, label).summary(format!("{} is not a container of this pod", short(name))))
}

type Shipping<'r> = (Option<Parse>, Option<&'r Endpoint>);

fn endpoint_of<'r>(files: &'r Files, context: &Context<'r>) -> Result<Shipping<'r>, Problem> {
    match &files.output {
        Output::Print(_) => Ok((None, None)),
        Output::Ship { parse, to: Destination::Endpoint(endpoint), .. } => Ok((*parse, Some(endpoint))),
        Output::Ship { parse, to: Destination::Named(name), span } => {
            let endpoint = context.destinations.resolve(name).map_err(|expected| {
                Problem::new(*span, expected).summary(format!("@{name} is not a destination here"))
            })?;
            Ok((*parse, Some(endpoint)))
        }
    }
}
