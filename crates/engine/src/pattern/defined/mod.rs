//! Patterns that are defined by files: the adapters of `multipod/metrics`, and administrators' own of `multipod/patterns`.
//!
//! One mechanism for both. `read` turns a file into a `definition`: its `params`, and everything that it adds in the types
//! that the other patterns build, with `template`s where a param decides something; `places` says where it may, `ceiling`
//! what a pattern may do. An annotation fills holes; it never makes, moves or renames anything.

mod ceiling;
mod definition;
mod params;
mod phrase;
mod places;
mod read;
pub(crate) mod request;
mod scrape;
mod template;

use std::borrow::Cow;

use serde_json::Value;

use crate::annotation::item::{Elsewhere, Options, Problems};
use crate::annotation::{Key, Problem, Word, settings};
use crate::pod::limits::CHANGES;
use crate::pod::view::is_own_name;
use crate::pod::{Pod, Version};
use multipod_values::{self as value, short, suggest};

use super::change::Sysctl;
use super::container::{Port, Probe, Volume};
use super::user::instead_of_root;
use super::{Addition, AppEnv, AppMount, Catalogue, Change, Context, Fragment, Role};

pub(crate) use ceiling::Privilege;
pub use definition::{Definition, PatternKind};
pub use params::{Param, Type};
pub use read::Spec;

use definition::{App, AppContainer, Scrape, fill, fill_env};
use request::{Named, Request};

/// What a request adds to a pod: one fragment for each pattern that it names.
pub(crate) fn fragments(
    kind: PatternKind,
    request: &Request<'_>,
    pod: &Pod<'_>,
    context: &Context<'_>,
) -> Result<Vec<Fragment>, Vec<Problem>> {
    let mut problems = Problems::default();
    let mut fragments = Vec::with_capacity(request.items.len());
    let mut changes = 0;
    for item in &request.items {
        let Some(definition) = find(kind, item.name(), context.catalogue, &mut problems) else { continue };
        refuse_image(definition, request, &mut problems);
        let Some((values, containers)) = read(definition, item, (pod, context), &mut problems) else {
            continue;
        };
        let App { mounts, env, .. } = &definition.parts.app;
        changes += containers.len() * (mounts.len() + env.len());
        if changes > CHANGES {
            problems.push(too_much(definition, item, containers.len()));
            break;
        }
        let fragment = build(definition, request, &values, &containers, (pod, context));
        if let Err(problem) = check(definition, &fragment, item) {
            problems.push(problem);
        }
        if let Err(problem) = knows_images(&fragment, item, context.version) {
            problems.push(problem);
        }
        fragments.push((definition, fragment));
    }
    scrape::annotate(&mut fragments, pod);
    problems.or(fragments.into_iter().map(|(_, fragment)| fragment).collect())
}

/// Of a pod with a thousand containers, each would get all of it.
fn too_much(definition: &Definition, item: &Named<'_>, containers: usize) -> Problem {
    let name = &definition.name;
    let label = format!(
        "{name} has mounts and variables for each of {containers} containers, and one pod gets {CHANGES} in all at most"
    );
    Problem::new(item.name().span, label)
        .summary(format!("{name} is too much for a pod of this size"))
        .help("Name the container that it is for: container=NAME.")
}

fn find<'c>(
    kind: PatternKind,
    word: &Word<'_>,
    catalogue: &'c Catalogue,
    problems: &mut Problems,
) -> Option<&'c Definition> {
    let found = catalogue.get(&word.text);
    if let Some(definition) = found.filter(|definition| definition.kind == kind) {
        return Some(definition);
    }
    problems.tell(|| no_such(kind, word, found, catalogue));
    None
}

fn no_such(kind: PatternKind, word: &Word<'_>, found: Option<&Definition>, catalogue: &Catalogue) -> Problem {
    let what = match kind {
        PatternKind::Metrics => "adapter",
        PatternKind::Custom => "pattern",
    };
    let names: Vec<&str> = catalogue.of_kind(kind).map(|definition| &*definition.name).collect();
    let meant = suggest::meant(&word.text, names.iter().copied());
    let label = match names.as_slice() {
        [] => format!("no {what}s are defined here; on the command line, --policy-dir says where they are"),
        [only] => format!("expected {only}"),
        _ => format!("expected {}{}", value::list(&names, "or"), suggest::hint(meant)),
    };
    let mut problem = Problem::new(word.span, label)
        .summary(format!("unknown {what} {}", short(&word.text)))
        .meant(word.span, meant);
    if let Some(other) = found {
        problem = problem.help(format!("{} belongs to {}.", other.name, other.kind.key().full()));
    } else if let Some(key) = Key::from_name(&word.text) {
        problem = problem.help(format!("{} has a key of its own: {}.", key.name(), key.full()));
    } else if let Some(name) =
        word.text.split_once(':').map(|(name, _)| name).filter(|name| names.contains(name))
    {
        problem = problem.help(format!("Params stand behind the name; multipod patterns {name} lists them."));
    }
    problem
}

/// `image=` stands for one image, and never for one that an administrator has given privileges.
fn refuse_image(definition: &Definition, request: &Request<'_>, problems: &mut Problems) {
    let Some(span) = request.image else { return };
    let name = &definition.name;
    let why = if request.items.len() > 1 {
        // Said once, not for each of them.
        if request.items.first().is_some_and(|first| first.name().text != *name) {
            return;
        }
        format!("{} patterns are named here, whose image is it?", request.items.len())
    } else if definition.parts.containers.len() != 1 {
        format!("{name} has {} containers, whose image is it?", definition.parts.containers.len())
    } else if !definition.allow.is_empty() {
        format!("{name} has privileges, so its image is not for a pod to choose")
    } else {
        return;
    };
    let problem = Problem::new(span, why).summary("image= does not fit here");
    // Nor do the settings know whose image it would be.
    if definition.parts.containers.len() != 1 {
        return problems.push(problem);
    }
    let place = format!("patterns.{}.image", definition.settings_name());
    problems.push(problem.help(format!("The cluster's settings can name another image: {place}.")));
}

/// The values of the params, and the app containers that get what the pattern has for the app.
fn read(
    definition: &Definition,
    item: &Named<'_>,
    around: (&Pod<'_>, &Context<'_>),
    problems: &mut Problems,
) -> Option<(Vec<Option<Value>>, Vec<usize>)> {
    let since = problems.count();
    let found = read_params(definition, item, around, problems);
    // A pattern that needs nothing is its own example, and tells nothing about its params.
    problems.exemplify(since, || definition.example());
    found
}

fn read_params(
    definition: &Definition,
    item: &Named<'_>,
    around: (&Pod<'_>, &Context<'_>),
    problems: &mut Problems,
) -> Option<(Vec<Option<Value>>, Vec<usize>)> {
    let mut allowed: Vec<&str> = definition.params.iter().map(|param| &*param.name).collect();
    if definition.touches_app() {
        allowed.push("container");
    }
    let options = Options::read(item.words(), &allowed, Elsewhere::Alone(&settings::OF_SIDECARS), problems);
    let mut values = Vec::with_capacity(definition.params.len());
    for param in &definition.params {
        let given = options.take(&param.name, |text| param.kind.parse(text), problems);
        if param.required() && options.word(&param.name).is_none() {
            problems.push(missing(definition, param, item));
        }
        values.push(given.or_else(|| param.default.clone()));
    }
    let containers = app_containers(definition, item, &options, around, problems)?;
    Some((values, containers))
}

fn missing(definition: &Definition, param: &Param, item: &Named<'_>) -> Problem {
    let Param { name, description, .. } = param;
    let problem = Problem::new(item.name().span, format!("expected {name}=… behind it"))
        .summary(format!("{} needs {name}=", definition.name));
    if description.is_empty() { problem } else { problem.help(format!("{name}: {description}")) }
}

fn app_containers(
    definition: &Definition,
    item: &Named<'_>,
    options: &Options<'_, '_>,
    (pod, context): (&Pod<'_>, &Context<'_>),
    problems: &mut Problems,
) -> Option<Vec<usize>> {
    if !definition.touches_app() {
        return Some(Vec::new());
    }
    let (name, span) = match (options.word("container"), &definition.parts.app.container) {
        (Some(word), _) => (&*word.text, word.span),
        (None, AppContainer::Named(name)) => (&**name, item.name().span),
        (None, AppContainer::Default) => {
            let meant = context.containers.of(pod, item.name().span);
            return meant.map_err(|problem| problems.push(problem)).ok();
        }
        (None, AppContainer::All) => {
            // The sidecars of an earlier run are not the app.
            let containers = pod.spec.containers.items().iter().enumerate();
            return Some(containers.filter(|(_, c)| !is_own_name(&c.name)).map(|(at, _)| at).collect());
        }
    };
    if let Some(container) = pod.container(name) {
        return Some(vec![container]);
    }
    let names: Vec<&str> = pod.spec.containers.items().iter().map(|container| &*container.name).collect();
    let meant = suggest::did_you_mean(name, names.iter().copied());
    let label = format!("expected a container of the pod: {}{meant}", value::list(&names, "or"));
    problems.push(Problem::new(span, label).summary(format!("the pod has no container {}", short(name))));
    None
}

fn build(
    definition: &Definition,
    request: &Request<'_>,
    values: &[Option<Value>],
    app: &[usize],
    (pod, context): (&Pod<'_>, &Context<'_>),
) -> Fragment {
    let key = definition.kind.key();
    let mut fragment = Fragment::new(key, format!("{} {}", key.name(), definition.name));
    let parts = &definition.parts;
    let volumes: Vec<Volume> = fill(&parts.volumes, values).collect();
    let mut containers = Vec::with_capacity(parts.containers.len());
    let settings_name = definition.settings_name();
    for template in &parts.containers {
        let mut container = template.fill(values, &volumes);
        let own = container.image.clone();
        // Several containers cannot share one image.
        if let [_] = parts.containers.as_slice() {
            container.set_image(if definition.built_in {
                context.settings.image_for(&settings_name, &request.settings, own)
            } else {
                context.settings.image_instead(&settings_name, &request.settings).unwrap_or(own)
            });
        }
        container.resources =
            context.settings.resources_over(&settings_name, &request.settings, container.resources);
        if context.assigns_users() && !definition.allow.contains(&Privilege::Root) {
            container.security_context.run_as_user = None;
            container.security_context.run_as_group = None;
        }
        let security = &mut container.security_context;
        if security.run_as_non_root {
            security.run_as_user = security.run_as_user.or_else(|| instead_of_root(pod, context));
        }
        let role = if template.step { Role::Step } else { Role::Sidecar(request.settings.sidecar) };
        containers.push(Addition::new(role, container));
    }
    if let Some(scrape) = &parts.scrape {
        serve(scrape, definition, &mut containers);
    }
    fragment.extend(containers);
    for container in app {
        if !pod.go(1 + parts.app.mounts.len() + parts.app.env.len()) {
            break;
        }
        let container = *container;
        let mounts = fill(&parts.app.mounts, values);
        let mounts = mounts.filter(|mount| volumes.iter().any(|volume| volume.name == mount.name));
        fragment.extend(mounts.map(|mount| AppMount { container, mount }));
        let env = fill_env(&parts.app.env, values);
        fragment.extend(env.into_iter().map(|env| AppEnv { container, env }));
    }
    for annotation in fill(&parts.annotations, values) {
        fragment.note(annotation.name, annotation.value);
    }
    let sysctls = parts.sysctls.iter();
    fragment.extend(
        sysctls.map(|(name, value)| Sysctl { name: name.clone().into(), value: value.clone().into() }),
    );
    fragment.extend(parts.share_process_namespace.then_some(Change::SharedProcesses));
    fragment.extend(volumes);
    fragment
}

/// The first sidecar is the exporter.
fn serve(scrape: &Scrape, definition: &Definition, containers: &mut [Addition]) {
    let templates = definition.parts.containers.iter().zip(containers);
    let Some((template, addition)) = templates.into_iter().find(|(template, _)| !template.step) else {
        return;
    };
    let name = Some(Cow::Owned(scrape.name.clone()));
    let port = Port { name, container_port: scrape.port, host_port: None, protocol: None };
    addition.container.ports.push(port);
    if !template.has_startup_probe() {
        // Not the path: many exporters answer it only while the app answers them.
        addition.container.startup_probe = Some(Probe::startup_tcp(scrape.port));
    }
}

/// An older server would drop the volume's source without a word, and refuse the pod for having none.
fn knows_images(fragment: &Fragment, item: &Named<'_>, version: Version) -> Result<(), Problem> {
    let mut volumes = fragment.changes.iter().filter_map(Change::volume);
    if version.knows_image_volumes() || !volumes.any(ceiling::is_image) {
        return Ok(());
    }
    let label = format!("its volume of kind image needs Kubernetes 1.36, and this is {version}");
    let problem = Problem::new(item.name().span, label).summary("this pattern cannot be used here");
    Err(problem.help("On the command line, --kubernetes-version says what the cluster has."))
}

/// The ceiling holds for what is really added, however it came to be.
fn check(definition: &Definition, fragment: &Fragment, item: &Named<'_>) -> Result<(), Problem> {
    let changes = || fragment.changes.iter();
    let containers = changes().filter_map(Change::container).map(|addition| &addition.container);
    let security = containers.clone().flat_map(ceiling::of_security);
    let ports = containers.filter_map(ceiling::of_ports);
    let volumes = changes().filter_map(Change::volume).filter_map(ceiling::of_volume);
    let sysctls = changes().filter_map(Change::sysctl).filter_map(|sysctl| ceiling::of_sysctl(&sysctl.name));
    let needed = security.chain(ports).chain(volumes).chain(sysctls);
    match needed.into_iter().find(|privilege| !definition.allow.contains(privilege)) {
        None => Ok(()),
        Some(privilege) => {
            let label = ceiling::not_allowed(&definition.name, privilege);
            Err(Problem::new(item.name().span, label).summary("this pattern may not be used"))
        }
    }
}

#[cfg(test)]
mod tests;
