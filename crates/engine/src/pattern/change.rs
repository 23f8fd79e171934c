//! What is added to a pod, one change at a time: patterns ask for changes, the plan orders them, the patch writes them.

use serde::{Serialize, Serializer};

use crate::annotation::Key;
use crate::annotation::settings::Sidecar;
use crate::pod::{Held, Pod};

use super::container::{Container, Env, Mount, Text, Volume};

/// Everything that one request adds.
#[derive(Clone, Debug, PartialEq)]
pub struct Fragment {
    /// The key that asked for it.
    pub(crate) key: Key,
    /// What people call it: `ambassador`, `metrics nginx`.
    pub(crate) name: Text,
    pub changes: Vec<Change>,
    /// What the user should know, though nothing is wrong; one line each.
    pub(crate) warnings: Vec<String>,
}

/// One thing that is added.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Container(Box<Addition>),
    Volume(Volume),
    AppMount(AppMount),
    AppVariable(AppEnv),
    Annotation(Note),
    Sysctl(Sysctl),
    PullSecret(PullSecret),
    SharedProcesses,
}

/// The kinds of change, in the order in which they are looked at and recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Container,
    Volume,
    AppMount,
    AppVariable,
    Annotation,
    Sysctl,
    PullSecret,
    SharedProcesses,
}

/// The list, map or field of a pod that holds a change, in the order of the patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parent {
    Annotations,
    Sysctls,
    SharedProcesses,
    PullSecrets,
    Volumes,
    InitContainers,
    Containers,
    /// Those of the app container with this index in `spec.containers`.
    AppMounts(usize),
    AppVariables(usize),
}

/// What the parents of a kind are in JSON, and so how a change gets into one, is recorded, and is taken out again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A list, to which an item is added.
    List,
    /// A map, in which the name is the key.
    Map,
    /// A field that is true or is not: the change is the parent itself.
    Flag,
}

/// One new container, and what is known of it besides its fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Addition {
    pub role: Role,
    pub container: Container,
    /// What it needs from the network before the app can start.
    pub waits_for: Option<WaitsFor>,
    /// Where it passes connections on to.
    pub routes: Vec<Route>,
}

/// When a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Beside the app. In a fragment, what the annotation says of `sidecar=`; in a plan, what was decided.
    Sidecar(Option<Sidecar>),
    /// Once, before the app.
    Step,
}

/// What a container needs from the network before the app can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    /// That this address answers.
    Address(String),
    /// That a repository was fetched.
    Repository,
}

/// One listener of a container that passes connections on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub listen: u16,
    pub to: Destination,
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A port of the app.
    App(u16),
    /// Out of the pod, so that only the pod itself may use it.
    Outside { host: Text, port: u16 },
    /// Wherever the user's own configuration says, which is in this `ConfigMap`.
    OwnConfig(Text),
}

/// One new mount of an app container.
#[derive(Clone, Debug, PartialEq)]
pub struct AppMount {
    /// The index in `spec.containers`.
    pub container: usize,
    pub mount: Mount,
}

/// One new variable of an app container.
#[derive(Clone, Debug, PartialEq)]
pub struct AppEnv {
    /// The index in `spec.containers`.
    pub container: usize,
    pub env: Env,
}

/// One new annotation.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// The whole key.
    pub key: Text,
    pub value: String,
    /// Configuration that a container reads must be exactly ours; anything else gives way to what the user wrote.
    pub must_be_ours: bool,
}

/// One kernel setting of the pod.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sysctl {
    pub name: Text,
    pub value: Text,
}

/// A secret that images are pulled with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PullSecret {
    pub name: Text,
}

impl Fragment {
    /// A fragment that adds nothing yet.
    pub(crate) fn new(key: Key, name: impl Into<Text>) -> Self {
        Fragment { key, name: name.into(), changes: Vec::new(), warnings: Vec::new() }
    }

    pub(crate) fn add(&mut self, change: impl Into<Change>) {
        self.changes.push(change.into());
    }

    pub(crate) fn extend<C: Into<Change>>(&mut self, changes: impl IntoIterator<Item = C>) {
        self.changes.extend(changes.into_iter().map(Into::into));
    }

    /// An annotation that gives way to the user's own.
    pub(crate) fn note(&mut self, key: impl Into<Text>, value: impl Into<String>) {
        self.add(Note { key: key.into(), value: value.into(), must_be_ours: false });
    }

    /// An annotation that carries rendered configuration.
    pub(crate) fn rendered(&mut self, key: impl Into<Text>, value: impl Into<String>) {
        self.add(Note { key: key.into(), value: value.into(), must_be_ours: true });
    }
}

impl Addition {
    pub fn new(role: Role, container: Container) -> Self {
        Addition { role, container, waits_for: None, routes: Vec::new() }
    }
}

impl Route {
    /// Whether only the pod itself can reach it.
    pub fn on_loopback(&self) -> bool {
        matches!(self.to, Destination::Outside { .. })
    }

    /// The port of the app, where the route leads there.
    pub fn app_port(&self) -> Option<u16> {
        match self.to {
            Destination::App(port) => Some(port),
            _ => None,
        }
    }
}

impl Change {
    pub fn kind(&self) -> Kind {
        match self {
            Change::Container(_) => Kind::Container,
            Change::Volume(_) => Kind::Volume,
            Change::AppMount(_) => Kind::AppMount,
            Change::AppVariable(_) => Kind::AppVariable,
            Change::Annotation(_) => Kind::Annotation,
            Change::Sysctl(_) => Kind::Sysctl,
            Change::PullSecret(_) => Kind::PullSecret,
            Change::SharedProcesses => Kind::SharedProcesses,
        }
    }

    /// What tells it from others of its kind in the same parent.
    pub fn name(&self) -> &str {
        match self {
            Change::Container(new) => &new.container.name,
            Change::Volume(volume) => &volume.name,
            Change::AppMount(new) => &new.mount.mount_path,
            Change::AppVariable(new) => &new.env.name,
            Change::Annotation(note) => &note.key,
            Change::Sysctl(sysctl) => &sysctl.name,
            Change::PullSecret(secret) => &secret.name,
            Change::SharedProcesses => "",
        }
    }

    /// Where it goes. A sidecar of which nothing was decided would be a native one.
    pub fn parent(&self) -> Parent {
        match self {
            Change::Container(new) if new.role == Role::Sidecar(Some(Sidecar::Classic)) => Parent::Containers,
            Change::Container(_) => Parent::InitContainers,
            Change::Volume(_) => Parent::Volumes,
            Change::AppMount(new) => Parent::AppMounts(new.container),
            Change::AppVariable(new) => Parent::AppVariables(new.container),
            Change::Annotation(_) => Parent::Annotations,
            Change::Sysctl(_) => Parent::Sysctls,
            Change::PullSecret(_) => Parent::PullSecrets,
            Change::SharedProcesses => Parent::SharedProcesses,
        }
    }

    pub fn container(&self) -> Option<&Addition> {
        match self {
            Change::Container(new) => Some(new),
            _ => None,
        }
    }

    pub fn volume(&self) -> Option<&Volume> {
        match self {
            Change::Volume(volume) => Some(volume),
            _ => None,
        }
    }

    pub(crate) fn app_variable(&self) -> Option<&AppEnv> {
        match self {
            Change::AppVariable(new) => Some(new),
            _ => None,
        }
    }

    pub fn annotation(&self) -> Option<&Note> {
        match self {
            Change::Annotation(note) => Some(note),
            _ => None,
        }
    }

    pub(crate) fn sysctl(&self) -> Option<&Sysctl> {
        match self {
            Change::Sysctl(sysctl) => Some(sysctl),
            _ => None,
        }
    }
}

/// The value as the API has it: an item of a list, the value of an annotation, a field.
impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Change::Container(new) => new.container.serialize(serializer),
            Change::Volume(volume) => volume.serialize(serializer),
            Change::AppMount(new) => new.mount.serialize(serializer),
            Change::AppVariable(new) => new.env.serialize(serializer),
            Change::Annotation(note) => note.value.serialize(serializer),
            Change::Sysctl(sysctl) => sysctl.serialize(serializer),
            Change::PullSecret(secret) => secret.serialize(serializer),
            Change::SharedProcesses => serializer.serialize_bool(true),
        }
    }
}

impl Kind {
    pub const ALL: [Kind; 8] = [
        Kind::Container,
        Kind::Volume,
        Kind::AppMount,
        Kind::AppVariable,
        Kind::Annotation,
        Kind::Sysctl,
        Kind::PullSecret,
        Kind::SharedProcesses,
    ];

    /// Under which the status annotation records what was added.
    pub const fn status(self) -> &'static str {
        match self {
            Kind::Container => "containers",
            Kind::Volume => "volumes",
            Kind::AppMount => "mounts",
            Kind::AppVariable => "env",
            Kind::Annotation => "annotations",
            Kind::Sysctl => "sysctls",
            Kind::PullSecret => "pullSecrets",
            Kind::SharedProcesses => "shareProcessNamespace",
        }
    }

    pub(crate) const fn shape(self) -> Shape {
        match self {
            Kind::Annotation => Shape::Map,
            Kind::SharedProcesses => Shape::Flag,
            Kind::Container
            | Kind::Volume
            | Kind::AppMount
            | Kind::AppVariable
            | Kind::Sysctl
            | Kind::PullSecret => Shape::List,
        }
    }

    /// Whether it goes into a container of the app, so that the container's name is recorded with its own.
    pub(crate) const fn is_in_app(self) -> bool {
        matches!(self, Kind::AppMount | Kind::AppVariable)
    }

    /// Whether multipod gives the names of these itself, so that no user's own can be meant.
    pub(crate) const fn is_named_by_us(self) -> bool {
        matches!(self, Kind::Container | Kind::Volume)
    }
}

impl Parent {
    /// The parents of a whole pod, those of the app's containers aside, in the order in which `uninject` empties them.
    pub(crate) const OF_POD: [Parent; 7] = [
        Parent::InitContainers,
        Parent::Containers,
        Parent::Volumes,
        Parent::PullSecrets,
        Parent::Sysctls,
        Parent::SharedProcesses,
        Parent::Annotations,
    ];

    /// Those of one of the app's containers.
    pub(crate) const fn of_app(container: usize) -> [Parent; 2] {
        [Parent::AppMounts(container), Parent::AppVariables(container)]
    }

    /// Those of a whole pod that may have to be made, in the order in which that is recorded: the annotations first,
    /// which the record itself needs. The list of containers is always there.
    pub(crate) fn that_may_be_made() -> impl Iterator<Item = Parent> {
        let others = |parent: &Parent| !matches!(parent, Parent::Annotations | Parent::Containers);
        std::iter::once(Parent::Annotations).chain(Parent::OF_POD.into_iter().filter(others))
    }

    pub(crate) const fn kind(self) -> Kind {
        match self {
            Parent::Annotations => Kind::Annotation,
            Parent::Sysctls => Kind::Sysctl,
            Parent::SharedProcesses => Kind::SharedProcesses,
            Parent::PullSecrets => Kind::PullSecret,
            Parent::Volumes => Kind::Volume,
            Parent::InitContainers | Parent::Containers => Kind::Container,
            Parent::AppMounts(_) => Kind::AppMount,
            Parent::AppVariables(_) => Kind::AppVariable,
        }
    }

    /// It and what it is in, as dotted paths from the pod, or from the app's container. A spec is always there.
    pub(crate) const fn levels(self) -> [&'static str; 2] {
        match self {
            Parent::Annotations => ["metadata", "metadata.annotations"],
            Parent::Sysctls => ["spec.securityContext", "spec.securityContext.sysctls"],
            Parent::SharedProcesses => ["spec", "spec.shareProcessNamespace"],
            Parent::PullSecrets => ["spec", "spec.imagePullSecrets"],
            Parent::Volumes => ["spec", "spec.volumes"],
            Parent::InitContainers => ["spec", "spec.initContainers"],
            Parent::Containers => ["spec", "spec.containers"],
            Parent::AppMounts(_) => ["", "volumeMounts"],
            Parent::AppVariables(_) => ["", "env"],
        }
    }

    /// What the received pod has of each of the [levels](Self::levels).
    pub(crate) fn held(self, pod: &Pod<'_>) -> impl Iterator<Item = Held> + use<> {
        let spec = &pod.spec;
        let whole = Held::Present;
        let app = |index: usize| spec.containers.items().get(index);
        let (above, own) = match self {
            Parent::Annotations => {
                let metadata = match (pod.has_metadata, pod.null_metadata) {
                    (true, _) => Held::Present,
                    (false, true) => Held::Null,
                    (false, false) => Held::Absent,
                };
                (metadata, pod.metadata.annotations.held())
            }
            Parent::Sysctls => {
                let own =
                    spec.security_context.value().map_or(Held::Absent, |context| context.sysctls.held());
                (spec.security_context.held(), own)
            }
            Parent::SharedProcesses => (whole, spec.share_process_namespace.held()),
            Parent::PullSecrets => (whole, spec.image_pull_secrets.held()),
            Parent::Volumes => (whole, spec.volumes.held()),
            Parent::InitContainers => (whole, spec.init_containers.held()),
            Parent::Containers => (whole, spec.containers.held()),
            Parent::AppMounts(at) => (whole, app(at).map_or(Held::Absent, |app| app.volume_mounts.held())),
            Parent::AppVariables(at) => (whole, app(at).map_or(Held::Absent, |app| app.env.held())),
        };
        [above, own].into_iter()
    }

    /// The index of the app's container that it is in.
    pub(crate) const fn app(self) -> Option<usize> {
        match self {
            Parent::AppMounts(container) | Parent::AppVariables(container) => Some(container),
            _ => None,
        }
    }

    /// The field of an item that holds its name.
    pub(crate) const fn name_field(self) -> &'static str {
        match self {
            Parent::AppMounts(_) => "mountPath",
            _ => "name",
        }
    }
}

impl From<Addition> for Change {
    fn from(new: Addition) -> Self {
        Change::Container(Box::new(new))
    }
}

impl From<Volume> for Change {
    fn from(volume: Volume) -> Self {
        Change::Volume(volume)
    }
}

impl From<AppMount> for Change {
    fn from(new: AppMount) -> Self {
        Change::AppMount(new)
    }
}

impl From<AppEnv> for Change {
    fn from(new: AppEnv) -> Self {
        Change::AppVariable(new)
    }
}

impl From<Note> for Change {
    fn from(note: Note) -> Self {
        Change::Annotation(note)
    }
}

impl From<Sysctl> for Change {
    fn from(sysctl: Sysctl) -> Self {
        Change::Sysctl(sysctl)
    }
}

impl From<PullSecret> for Change {
    fn from(secret: PullSecret) -> Self {
        Change::PullSecret(secret)
    }
}

/// Tests look at what a fragment adds kind by kind.
#[cfg(test)]
impl Fragment {
    pub(crate) fn containers(&self) -> Vec<&Addition> {
        self.changes.iter().filter_map(Change::container).collect()
    }

    pub(crate) fn volumes(&self) -> Vec<&Volume> {
        self.changes.iter().filter_map(Change::volume).collect()
    }

    pub(crate) fn mounts(&self) -> Vec<&AppMount> {
        let mounts = self.changes.iter().filter_map(|change| match change {
            Change::AppMount(new) => Some(new),
            _ => None,
        });
        mounts.collect()
    }

    pub(crate) fn env(&self) -> Vec<&AppEnv> {
        self.changes.iter().filter_map(Change::app_variable).collect()
    }

    pub(crate) fn notes(&self) -> Vec<&Note> {
        self.changes.iter().filter_map(Change::annotation).collect()
    }

    pub(crate) fn sysctls(&self) -> Vec<&Sysctl> {
        self.changes.iter().filter_map(Change::sysctl).collect()
    }

    pub(crate) fn shares_processes(&self) -> bool {
        self.changes.contains(&Change::SharedProcesses)
    }
}
