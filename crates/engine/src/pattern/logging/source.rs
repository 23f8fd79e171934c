//! Which files of which container are meant, and where their lines go.

use crate::annotation::Problem;
use crate::annotation::item::Problems;
use crate::pattern::app::default_container;
use crate::pattern::container::Mount;
use crate::pattern::task::Work;
use crate::pattern::{AppContainers, Context};
use crate::pod::Pod;
use crate::pod::limits::CHANGES;
use crate::pod::path::Folder;
use crate::pod::view::is_own_name;
use multipod_values::{self as value, Endpoint, short, suggest};

use super::held::{Volumes, outermost};
use super::request::{Destination, Files, Output, Parse, Request};

/// Files whose container and server are known.
pub(super) struct Source<'r> {
    pub(super) files: &'r Files,
    /// The literal folder of the glob.
    pub(super) folder: Folder<'r>,
    /// The index in `spec.containers`; of several, the one whose user counts.
    pub(super) container: usize,
    pub(super) name: &'r str,
    pub(super) held_by: HeldBy,
    pub(super) parse: Option<Parse>,
    pub(super) to: Option<&'r Endpoint>,
}

impl Source<'_> {
    /// What a sidecar does with these files.
    pub(super) fn work(&self) -> Work {
        let apps = match &self.held_by {
            HeldBy::Shared { apps, .. } => apps.clone(),
            HeldBy::Whatever | HeldBy::Own(_) => vec![self.container],
        };
        let files = self.files.glob.as_str().to_owned();
        Work::Follow { files, apps, to: self.to.map(ToString::to_string) }
    }
}

/// What holds the files of a source.
#[derive(PartialEq)]
pub(super) enum HeldBy {
    /// Whatever is mounted over them, else a new folder.
    Whatever,
    /// These volumes of the container's own.
    Own(Vec<Mount>),
    /// One new folder at this path for all containers that are meant, of which each gets a part of its own. So a container
    /// that another webhook adds later changes nothing in the sidecar that is there by then.
    Shared { folder: String, apps: Vec<usize> },
}

/// Where folders stand that hold a part for each container.
pub(super) const SHARED: &str = "/shared";

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
    /// The app's own folder, where each container has a part of the sidecar's.
    pub(super) parts_of: Option<String>,
}

pub(super) fn resolve<'r>(
    request: &'r Request,
    pod: &'r Pod<'_>,
    context: &Context<'r>,
) -> Result<Vec<Source<'r>>, Vec<Problem>> {
    let mut sources: Vec<Source<'_>> = Vec::with_capacity(request.files.len());
    let mut problems = Problems::default();
    let volumes = Volumes::of(pod);
    for files in &request.files {
        if files.container.is_none() && *context.containers != AppContainers::Default {
            match spread(files, request, &volumes, context) {
                Ok(spread) => sources.extend(spread),
                Err(problem) => problems.push(problem),
            }
            continue;
        }
        let place = container_of(files, pod).map_err(|problem| problems.push(problem));
        let to = endpoint_of(files, context).map_err(|problem| problems.push(problem));
        let (Ok((container, name)), Ok((parse, to))) = (place, to) else { continue };
        let same = |other: &Source<'_>| {
            other.container == container && other.files.glob == files.glob && other.to == to
        };
        if sources.iter().any(same) {
            problems.push(twice(files));
        }
        let folder = Folder::of(files.glob.folder());
        sources.push(Source { files, folder, container, name, held_by: HeldBy::Whatever, parse, to });
    }
    problems.or(sources)
}

fn twice(files: &Files) -> Problem {
    let label = "these files of this container already go there";
    Problem::new(files.span, label).summary(format!("{} is named twice", short(files.glob.as_str())))
}

/// How many volumes of the app may hold the files of one item.
const MOST_OWN: usize = 64;

/// The files of every container that is meant: what volumes of their own hold, and a new folder for all others.
fn spread<'r>(
    files: &'r Files,
    request: &'r Request,
    volumes: &Volumes<'r>,
    context: &Context<'r>,
) -> Result<Vec<Source<'r>>, Problem> {
    let (parse, to) = endpoint_of(files, context)?;
    let all = || request.files.iter().filter(|other| other.container.is_none());
    let same = |other: &&Files| other.glob == files.glob && other.output == files.output;
    if all().find(same).is_some_and(|first| first.span != files.span) {
        return Err(twice(files));
    }
    let containers = volumes.pod.spec.containers.items();
    let meant = context.containers.of(volumes.pod, files.span)?;
    let literal = Folder::of(files.glob.folder());
    let source = |container: usize, held_by| {
        let name: &'r str = &containers[container].name;
        Source { files, folder: literal.clone(), container, name, held_by, parse, to }
    };
    if meant.len() * all().count() > CHANGES {
        let label = format!("the files of each of {} containers are meant, which is too much", meant.len());
        return Err(Problem::new(files.span, label));
    }
    let mut apps = Vec::with_capacity(meant.len());
    let mut own: Vec<Source<'r>> = Vec::new();
    for &container in &meant {
        if !volumes.pod.go(1 + volumes.mounts_in(container).count()) {
            return Err(Problem::new(files.span, "there is no time to look"));
        }
        let (mounts, is_bare) = volumes.own(container, files, &literal)?;
        apps.extend(is_bare.then_some(container));
        let held_by = HeldBy::Own(mounts);
        // Two containers that share a volume have the same files in it.
        if held_by != HeldBy::Own(Vec::new()) && own.iter().all(|other| other.held_by != held_by) {
            own.push(source(container, held_by));
        }
        if own.len() > MOST_OWN {
            let label = format!("more than {MOST_OWN} volumes of this pod hold such files");
            return Err(Problem::new(files.span, label));
        }
    }
    let folder = outermost(all().map(|other| other.glob.folder()), files.glob.folder()).to_owned();
    let shared = source(meant[0], HeldBy::Shared { folder, apps });
    Ok(std::iter::once(shared).chain(own).collect())
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
