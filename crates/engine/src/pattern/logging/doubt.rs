//! Files that can be followed and most likely print nothing: told as warnings, because a pod does not show what is in its
//! images and volumes.

use crate::pattern::AppMount;
use crate::pod::Pod;

use super::held::Volumes;
use super::source::{HeldBy, Source};

/// Names of log files that neither have an ending nor say `log`.
const BARE_NAMES: [&str; 5] = ["cron", "dmesg", "mail", "messages", "secure"];
/// Folders that images fill with more than log files.
const FILLED: [&str; 12] = [
    "/bin",
    "/etc",
    "/home",
    "/lib",
    "/opt",
    "/root",
    "/run",
    "/srv",
    "/usr",
    "/usr/local",
    "/var",
    "/var/lib",
];
/// Images that do not start without a folder of their own below `/var/log`.
const BELOW_VAR_LOG: [(&str, &str); 6] = [
    ("drupal", "/var/log/apache2"),
    ("nginx", "/var/log/nginx"),
    ("nginx-unprivileged", "/var/log/nginx"),
    ("php", "/var/log/apache2"),
    ("rabbitmq", "/var/log/rabbitmq"),
    ("wordpress", "/var/log/apache2"),
];

/// One doubt for each slip: what is no file has no folder that would be worth a word.
pub(super) fn about(sources: &[Source<'_>], new: &[AppMount], pod: &Pod<'_>) -> Vec<String> {
    let no_files = sources.iter().filter_map(|source| {
        let doubt = no_file(source, pod).or_else(|| no_ending(source))?;
        Some((&*source.folder, doubt))
    });
    let (folders, mut doubts): (Vec<&str>, Vec<String>) = no_files.unzip();
    let mounts = new.iter().filter(|new| !folders.contains(&&*new.mount.mount_path));
    doubts.extend(mounts.filter_map(|new| hides(new, pod)));
    doubts
}

/// A glob that names the very folder where a volume is mounted: it would match, and print nothing.
fn no_file(source: &Source<'_>, pod: &Pod<'_>) -> Option<String> {
    let glob = source.files.glob.as_str();
    if source.held_by != HeldBy::Whatever {
        return None;
    }
    let covering = Volumes::of(pod).covering(source.container, source.files, &source.folder);
    let mount = covering.filter(|mount| mount.mount_path.trim_end_matches('/') == glob)?;
    let mut volumes = pod.spec.volumes.items().iter();
    // A part of a volume may be a file, and so may what a node has.
    let may_be_file = !mount.sub_path.is_empty()
        || !mount.sub_path_expr.is_empty()
        || volumes.any(|volume| volume.name == mount.name && &*volume.kind == "hostPath");
    (source.files.glob.is_one_file() && !may_be_file).then(|| {
        format!(
            "{glob} is the folder of volume {} in container {}, and a folder has no lines: write {glob}/*.log, or \
             whatever the files are called",
            &*mount.name, source.name
        )
    })
}

/// `/var/log/nginx` is a folder in most images, and a folder is never read.
fn no_ending(source: &Source<'_>) -> Option<String> {
    let glob = &source.files.glob;
    let name = glob.as_str().rsplit('/').next()?;
    let is_file = name.contains('.') || name.contains("log") || BARE_NAMES.contains(&name);
    (glob.is_one_file() && !is_file).then(|| {
        let glob = glob.as_str();
        format!(
            "{glob} is followed as one file: if it is a folder, nothing is printed, so write {glob}/*.log, or whatever \
             the files are called"
        )
    })
}

/// The empty folder that is mounted where the container has no volume hides what its image has there.
fn hides(new: &AppMount, pod: &Pod<'_>) -> Option<String> {
    let path = &*new.mount.mount_path;
    let app = pod.spec.containers.items().get(new.container)?;
    let needed = (path == "/var/log").then(|| {
        let image = image_name(&app.image);
        BELOW_VAR_LOG.iter().find(|(name, _)| *name == image).map(|(_, folder)| *folder)
    });
    let why = match needed.flatten() {
        Some(folder) => format!(", such as {folder}, without which it does not start"),
        None if FILLED.contains(&path) => String::new(),
        None => return None,
    };
    Some(format!(
        "an empty volume is mounted at {path} of container {}, which hides what its image has there{why}: let the app \
         write to a folder that holds nothing else, or mount a volume of your own there",
        &*app.name
    ))
}

/// `nginx` of `registry.example:5000/library/nginx:1.29@sha256:…`
fn image_name(image: &str) -> &str {
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split([':', '@']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_the_last_part_of_its_name() {
        for (image, name) in [
            ("nginx", "nginx"),
            ("nginx:1.29", "nginx"),
            ("docker.io/library/nginx@sha256:00", "nginx"),
            ("registry.example:5000/web/nginx:1", "nginx"),
            ("", ""),
        ] {
            assert_eq!(image_name(image), name);
        }
    }
}
