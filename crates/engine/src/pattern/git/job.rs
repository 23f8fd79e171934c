//! Git-sync in a container, and its volume in the app.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::json;

use crate::annotation::Problem;
use crate::annotation::settings::Settings as CommonSettings;
use crate::pod::path::{Folder, covers};
use crate::pod::view::is_own_name;
use crate::pod::{self, Pod};
use multipod_values::{self as value, Scheme, short, suggest};

use crate::pattern::change::WaitsFor;
use crate::pattern::container::{Container, Env, Mount, ObjectName, Port, Probe, Text, Volume, VolumeSource};
use crate::pattern::settings::Needs;
use crate::pattern::task::{Task, Work};
use crate::pattern::user::own_user;
use crate::pattern::{Addition, AppMount, Context, Fragment, Role, images};

use super::copy::{Authorities, WorkingCopy};

const NEEDS: Needs = Needs { cpu: ("10m", 10), memory: ("64Mi", 64), memory_limit: ("256Mi", 256) };
/// The image's user, and the only one that it lets use ssh.
const USER: i64 = 65533;
/// The image's own folder for this; the volume is mounted here, and elsewhere in the app.
const ROOT: &str = "/git";
const KEY_FOLDER: &str = "/etc/git-secret";
const AUTHORITY_FOLDER: &str = "/etc/git-ca";
/// The key of the authorities in their object, and the name of the file.
const AUTHORITY_FILE: &str = "ca.crt";
const SYNC_TIMEOUT: Duration = Duration::from_mins(5);
/// A little longer than one attempt may take, so that a large repository is not cut off before git-sync gives up.
const STARTUP_SECONDS: u16 = 330;

/// One container that fetches one working copy.
pub(in crate::pattern) struct Job<'r> {
    /// The container's name, and its volume's.
    pub(in crate::pattern) name: String,
    /// What the settings of a cluster call it.
    pub(in crate::pattern) program: &'static str,
    pub(in crate::pattern) copy: &'r WorkingCopy,
    pub(in crate::pattern) schedule: Schedule,
}

/// How often a repository is looked at.
#[derive(Clone, Copy)]
pub(in crate::pattern) enum Schedule {
    /// Until it was fetched; a failure ends the container, and Kubernetes tries again.
    Once,
    /// For as long as the pod lives, telling on this port whether the first copy is there.
    Every(Duration, u16),
}

impl Job<'_> {
    fn container(&self, settings: &CommonSettings, pod: &Pod<'_>, context: &Context<'_>) -> Container {
        let image = context.settings.image_for(self.program, settings, images::GIT_SYNC);
        let resources = context.settings.resources_for(self.program, settings, NEEDS);
        let mut container = Container::new(self.name.clone(), image, resources);
        container.security_context.run_as_user = own_user(USER, pod, context);
        container.args = self.args();
        // Git's own files, the credentials it remembers among them, stay out of the app's sight.
        container.env.push(Env::new("HOME", "/tmp"));
        container.volume_mounts.push(Mount::new(self.name.clone(), ROOT));
        container.volume_mounts.push(Mount::new(self.tmp_volume(), "/tmp"));
        match (&self.copy.secret, self.copy.url.scheme) {
            (Some(_), Scheme::Ssh) => {
                container.volume_mounts.push(Mount::new(self.key_volume(), KEY_FOLDER).read_only());
            }
            (Some(secret), _) => {
                container.env.push(Env::of_secret("GITSYNC_USERNAME", secret, "username"));
                container.env.push(Env::of_secret("GITSYNC_PASSWORD", secret, "password"));
            }
            (None, _) => {}
        }
        if self.copy.authorities.is_some() {
            container.volume_mounts.push(Mount::new(self.authority_volume(), AUTHORITY_FOLDER).read_only());
            container.env.push(Env::new("GIT_SSL_CAINFO", format!("{AUTHORITY_FOLDER}/{AUTHORITY_FILE}")));
        }
        if let Schedule::Every(_, port) = self.schedule {
            container.ports.push(Port { name: None, container_port: port, host_port: None, protocol: None });
            // Answers once the first copy is there: a native sidecar holds the app back until then.
            let probe = Probe::startup_http(port, "/");
            container.startup_probe = Some(Probe { failure_threshold: STARTUP_SECONDS, ..probe });
        }
        container
    }

    /// What its container does, if the containers of the app that it is for are in the pod.
    pub(in crate::pattern) fn task(self, pod: &Pod<'_>, context: &Context<'_>) -> Option<Task> {
        let apps = app_containers(self.copy, pod, context).ok()?;
        let every = match self.schedule {
            Schedule::Once => None,
            Schedule::Every(period, _) => Some(period),
        };
        let work = Work::Fetch { url: self.copy.url.to_string(), folder: self.copy.path(), apps, every };
        Some(Task { container: self.name.into(), work })
    }

    fn args(&self) -> Vec<Text> {
        let mut args = vec![
            flag("repo", &self.copy.url.to_string()),
            flag("ref", &self.copy.reference),
            flag("root", ROOT),
            flag("link", &self.copy.link),
            flag("depth", "1"),
            flag("sync-timeout", &value::show_duration(SYNC_TIMEOUT)),
        ];
        match self.schedule {
            Schedule::Once => args.push(Cow::Borrowed("--one-time")),
            Schedule::Every(period, port) => {
                args.push(flag("period", &value::show_duration(period)));
                // The copy that is there stays good while the repository is out of reach; the pod must stay ready.
                args.push(flag("max-failures", "-1"));
                args.push(flag("http-bind", &format!(":{port}")));
            }
        }
        if self.copy.url.scheme == Scheme::Ssh {
            args.push(flag("ssh-key-file", &format!("{KEY_FOLDER}/ssh")));
            args.push(flag("ssh-known-hosts-file", &format!("{KEY_FOLDER}/known_hosts")));
        }
        args
    }

    fn volumes(&self) -> Vec<Volume> {
        let mut volumes = vec![Volume::empty_dir(self.name.clone()), Volume::empty_dir(self.tmp_volume())];
        if let (Some(secret), Scheme::Ssh) = (&self.copy.secret, self.copy.url.scheme) {
            // Readable by all: the files belong to root, and only a key of one's own must be hidden from others to
            // be taken by ssh. No other container mounts them.
            let source = VolumeSource::Secret(json!({
                "secretName": secret,
                "defaultMode": 0o444,
                "items": [{"key": "ssh", "path": "ssh"}, {"key": "known_hosts", "path": "known_hosts"}]
            }));
            volumes.push(Volume { name: self.key_volume().into(), source });
        }
        if let Some(authorities) = &self.copy.authorities {
            let source = match authorities {
                Authorities::ConfigMap(name) => {
                    VolumeSource::ConfigMap(ObjectName { name: name.clone().into() })
                }
                // Of a Secret nothing but this: beside it there may be a key.
                Authorities::Secret(name) => VolumeSource::Secret(json!({
                    "secretName": name,
                    "items": [{"key": AUTHORITY_FILE, "path": AUTHORITY_FILE}]
                })),
            };
            volumes.push(Volume { name: self.authority_volume().into(), source });
        }
        volumes
    }

    fn tmp_volume(&self) -> String {
        format!("{}-tmp", self.name)
    }

    fn key_volume(&self) -> String {
        format!("{}-key", self.name)
    }

    fn authority_volume(&self) -> String {
        format!("{}-ca", self.name)
    }
}

fn flag(name: &str, text: &str) -> Text {
    Cow::Owned(format!("--{name}={}", value::escape_expansion(text)))
}

/// In how many places the copies of one value are mounted: each is compared with the others.
const MOST_PLACES: usize = 2048;

/// Where the copies of one value are mounted in the app's containers.
#[derive(Default)]
pub(in crate::pattern) struct Places<'r> {
    taken: Vec<(usize, &'r WorkingCopy)>,
}

impl<'r> Places<'r> {
    /// Adds what a job needs: its container, its volumes, and the mounts of the app.
    pub(in crate::pattern) fn add(
        &mut self,
        job: &Job<'r>,
        role: Role,
        settings: &CommonSettings,
        pod: &Pod<'_>,
        context: &Context<'_>,
        fragment: &mut Fragment,
    ) -> Result<(), Problem> {
        let containers = app_containers(job.copy, pod, context)?;
        if self.taken.len() + containers.len() > MOST_PLACES {
            let label = format!("a mount in each of {} containers is too much", containers.len());
            return Err(Problem::new(job.copy.span, label));
        }
        for container in containers {
            fragment.add(self.mount(job, container, pod)?);
        }
        let waits_for = Some(WaitsFor::Repository);
        let container = job.container(settings, pod, context);
        fragment.add(Addition { waits_for, ..Addition::new(role, container) });
        fragment.extend(job.volumes());
        Ok(())
    }

    /// The mount of one copy. Not to be written to: git-sync runs git on what it finds there, with its credentials.
    fn mount(&mut self, job: &Job<'r>, container: usize, pod: &Pod<'_>) -> Result<AppMount, Problem> {
        let copy = job.copy;
        let mounts =
            pod.spec.containers.items().get(container).map_or(0, |app| app.volume_mounts.items().len());
        if !pod.go(1 + mounts + self.taken.len()) {
            return Err(misplaced(copy, "there is no time to look".to_owned()));
        }
        let overlaps = |folder: &str| covers(folder, &copy.folder) || covers(&copy.folder, folder);
        if let Some((_, other)) =
            self.taken.iter().find(|(at, other)| *at == container && overlaps(&other.folder))
        {
            let problem = misplaced(copy, format!("another copy is mounted at {}", short(&other.folder)));
            let beside = "; with link= the volume is mounted at the path itself: into=/srv/one link=site";
            let beside = if copy.alone { "" } else { beside };
            return Err(problem.help(format!("Give each copy a folder of its own{beside}.")));
        }
        if let Some(app) = pod.spec.containers.items().get(container) {
            check_mounts(copy, app)?;
        }
        self.taken.push((container, copy));
        let mut mount = Mount::new(job.name.clone(), copy.folder.clone()).read_only();
        if copy.alone {
            // The kubelet follows the link when the app's container starts, after the step has ended.
            mount.sub_path = Some(Cow::Owned(copy.link.clone()));
        }
        Ok(AppMount { container, mount })
    }
}

/// A mount needs a folder to be mounted on, and none can be made in ours, which is not to be written to. (All other
/// clashes between mounts are found by the plan.)
fn check_mounts(copy: &WorkingCopy, app: &pod::Container<'_>) -> Result<(), Problem> {
    let folder = Folder::of(&copy.folder);
    let is_below =
        |mount: &&pod::Mount| mount.mount_path.place().lies_below(&folder) && !is_own_name(&mount.name);
    let Some(below) = app.volume_mounts.items().iter().find(is_below) else { return Ok(()) };
    let (name, path) = (short(&below.name), short(&below.mount_path));
    Err(misplaced(copy, format!("volume {name} is mounted below, at {path}"))
        .help("Choose a folder that no other volume is mounted in."))
}

fn misplaced(copy: &WorkingCopy, label: String) -> Problem {
    Problem::new(copy.span, label)
        .summary(format!("a volume cannot be mounted at {} here", short(&copy.folder)))
}

fn app_containers(copy: &WorkingCopy, pod: &Pod<'_>, context: &Context<'_>) -> Result<Vec<usize>, Problem> {
    let Some((name, span)) = &copy.container else {
        return context.containers.of(pod, copy.span);
    };
    pod.container(name).map(|container| vec![container]).ok_or_else(|| {
        let containers = pod.spec.containers.items().iter().map(|container| &*container.name);
        let names: Vec<&str> = containers.filter(|name| !is_own_name(name)).collect();
        let meant = suggest::did_you_mean(name, names.iter().copied());
        Problem::new(*span, format!("expected {}{meant}", value::list(&names, "or")))
            .summary(format!("the pod has no container {}", short(name)))
    })
}

/// What the tests of both patterns need.
#[cfg(test)]
pub(in crate::pattern) mod trial {
    use serde_json::{Value, json};

    use crate::annotation::Problem;
    use crate::pattern::{Catalogue, Context, Fragment, Settings, init, sync};
    use crate::pod::Head;

    /// The fragment of one value for a pod.
    pub(in crate::pattern) fn fragment(
        key: &str,
        value: &str,
        pod: &Value,
    ) -> Result<Fragment, Vec<Problem>> {
        with_settings(key, value, pod, &json!({}), false)
    }

    pub(in crate::pattern) fn with_settings(
        key: &str,
        value: &str,
        pod: &Value,
        settings: &Value,
        users_assigned: bool,
    ) -> Result<Fragment, Vec<Problem>> {
        let mut settings: Settings = serde_json::from_value(settings.clone()).unwrap();
        settings.assigned_users = users_assigned;
        let catalogue = Catalogue::default();
        let context = Context { namespace: "shop", ..Context::new(&settings, &catalogue) };
        let text = pod.to_string();
        let head = Head::read(&text).unwrap();
        let pod = head.open(None).unwrap();
        let mut fragments = match key {
            "init" => init::fragments(&init::parse(value)?, &pod, &context)?,
            _ => sync::fragments(&sync::parse(value)?, &pod, &context)?,
        };
        assert_eq!(fragments.len(), 1);
        Ok(fragments.remove(0))
    }

    /// A pod with these containers.
    pub(in crate::pattern) fn pod(containers: &Value) -> Value {
        json!({"metadata": {"name": "shop"}, "spec": {"containers": containers}})
    }

    /// The pod as it looks when everything of the fragment was added.
    pub(in crate::pattern) fn with(mut pod: Value, fragment: &Fragment) -> Value {
        let spec = &mut pod["spec"];
        for mount in fragment.mounts() {
            push(&mut spec["containers"][mount.container]["volumeMounts"], json!(mount.mount));
        }
        for volume in fragment.volumes() {
            push(&mut spec["volumes"], json!(volume));
        }
        for addition in fragment.containers() {
            push(&mut spec["initContainers"], json!(addition.container));
            push(&mut spec["containers"], json!(addition.container));
        }
        pod
    }

    fn push(list: &mut Value, item: Value) {
        match list {
            Value::Array(items) => items.push(item),
            _ => *list = json!([item]),
        }
    }
}
