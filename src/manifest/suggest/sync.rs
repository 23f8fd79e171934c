//! git-sync, as a sidecar or as a step.

use multipod_engine::annotation::Key;

use super::container::{Container, Pod};
use super::item::{Item, Recognised};

/// What one git-sync is told.
#[derive(Default)]
struct Told<'t> {
    repo: Option<&'t str>,
    reference: Option<&'t str>,
    every: Option<String>,
    root: Option<&'t str>,
    link: Option<&'t str>,
    once: bool,
}

pub(super) fn recognise(container: &Container<'_>, pod: &Pod<'_>) -> Recognised {
    (container.program() == "git-sync").then(|| item(container, pod))
}

fn item(container: &Container<'_>, pod: &Pod<'_>) -> Result<Item, String> {
    let told = read(container)?;
    let url = told.repo.ok_or("nobody knows here which repository it copies")?;
    let root = told.root.ok_or("nobody knows here where it puts the copy")?;
    let (volume, rest) = container
        .volume_of(root)
        .ok_or_else(|| format!("{root} is on no volume, so nobody else reads it"))?;
    if !rest.trim_matches('/').is_empty() {
        return Err(format!("its copy is not at the top of the volume {volume}"));
    }
    let (at, path) = pod.other_mount(volume, container)?;
    let link =
        told.link.unwrap_or_else(|| url.rsplit('/').next().unwrap_or_default().trim_end_matches(".git"));
    if link.is_empty() || link.contains('/') {
        return Err(format!("its link {link:?} is no plain name"));
    }
    let reference = told.reference.map(|reference| format!(" ref={reference}")).unwrap_or_default();
    let of = pod.option_of(at, container);
    let path = path.trim_end_matches('/');
    let (key, text) = if container.is_step() {
        if !told.once {
            return Err("it never ends, so that no app starts behind it".to_owned());
        }
        (Key::Init, format!("clone {url} into={path}/{link}{reference}{of}"))
    } else {
        if told.once {
            return Err("it copies once, and is started again each time".to_owned());
        }
        let every = told.every.map(|every| format!(" every={every}")).unwrap_or_default();
        (Key::Sync, format!("{url} into={path} link={link}{reference}{every}{of}"))
    };
    Ok(Item { key, text, mounts: vec![(at, volume.to_owned())] })
}

fn read<'c>(container: &Container<'c>) -> Result<Told<'c>, String> {
    let mut all: Vec<(String, &str)> =
        container.flags()?.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for (name, value, _) in container.env() {
        let Some(option) = name.strip_prefix("GITSYNC_").or_else(|| name.strip_prefix("GIT_SYNC_")) else {
            return Err(format!("nobody knows here what its variable {name} means"));
        };
        let value =
            value.ok_or_else(|| format!("its variable {name} comes from elsewhere; secret= may say it"))?;
        all.push((option.to_ascii_lowercase().replace('_', "-"), value));
    }
    let mut told = Told::default();
    for (name, value) in all {
        match &*name {
            "repo" => told.repo = Some(value),
            "ref" | "branch" | "rev" => told.reference = Some(value),
            "root" => told.root = Some(value),
            "link" | "dest" => told.link = Some(value),
            "period" => told.every = Some(value.to_owned()),
            "wait" => told.every = Some(format!("{value}s")),
            "one-time" => told.once = value != "false",
            // The newest revision is all that multipod copies; how much is logged is nobody's concern.
            "depth" | "v" | "verbose" | "max-failures" | "max-sync-failures" => {}
            _ => return Err(format!("nobody knows here what {name} means to multipod/sync")),
        }
    }
    Ok(told)
}
