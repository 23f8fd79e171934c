//! The parts of a pod that decisions need, borrowed from its JSON.
//!
//! Read in two steps: the head (metadata) tells whether the pod is for us; only then is the spec looked into.

use multipod_json::{Kind, Meter, Raw, Reader, read_within};
use thiserror::Error;

use super::head::{Head, Metadata};
use super::limits::{ENTRIES, LISTS, SLASHES};
use super::path::Folder;
use super::spec::{Container, Mount, Named, Spec, Volume};
use super::{Field, Text};

/// A pod whose spec was read.
#[derive(Debug)]
pub struct Pod<'a> {
    pub(crate) metadata: &'a Metadata<'a>,
    /// Whether the pod has any metadata at all.
    pub(crate) has_metadata: bool,
    /// Whether the metadata is there and null.
    pub(crate) null_metadata: bool,
    /// What the spec tells.
    pub(crate) spec: Spec<'a>,
    /// The spec as received.
    pub(crate) raw_spec: &'a str,
    /// Whether there is time for more.
    pub(crate) meter: Option<&'a Meter<'a>>,
}

/// Why a spec cannot be looked into: a sentence that names the field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// It is no spec of a pod.
    #[error("{0}")]
    NoPod(String),
    /// It is larger than what is looked at.
    #[error("{0}")]
    TooMuch(String),
}

/// The annotation by which `kubectl` knows which container is the app.
pub const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

impl<'a> Head<'a> {
    /// Reads the spec too.
    pub fn open(&'a self, meter: Option<&'a Meter<'a>>) -> Result<Pod<'a>, Unreadable> {
        static NOTHING: Metadata<'static> = Metadata {
            name: Text(std::borrow::Cow::Borrowed("")),
            generate_name: Text(std::borrow::Cow::Borrowed("")),
            namespace: Text(std::borrow::Cow::Borrowed("")),
            labels: Field::Absent,
            annotations: Field::Absent,
            owner_references: Field::Absent,
        };
        let raw_spec = self.spec.value().map_or("{}", |raw| raw.text());
        let spec: Spec<'_> =
            read_within(LISTS, meter, raw_spec).map_err(|_| where_it_fails(meter, raw_spec))?;
        if spec.node_selector.value().is_some_and(|labels| labels.more > 0) {
            return Err(Unreadable::TooMuch(format!("spec.nodeSelector: more than {ENTRIES} items")));
        }
        if let Some(at) = spec.containers.items().iter().position(Container::mounts_too_deep) {
            let what = format!("spec.containers[{at}].volumeMounts: a path of more than {SLASHES} slashes");
            return Err(Unreadable::TooMuch(what));
        }
        Ok(Pod {
            metadata: self.metadata.value().unwrap_or(&NOTHING),
            has_metadata: self.metadata.value().is_some(),
            null_metadata: matches!(self.metadata, Field::Null),
            spec,
            raw_spec,
            meter,
        })
    }
}

/// Read again with a note of every step: only worth its price once the spec is known to be wrong.
fn where_it_fails<'a>(meter: Option<&'a Meter<'a>>, raw_spec: &'a str) -> Unreadable {
    match serde_path_to_error::deserialize::<_, Spec<'_>>(&mut Reader::within(LISTS, meter, raw_spec)) {
        Ok(_) => Unreadable::NoPod("the spec is no object".to_owned()),
        Err(fault) => {
            let (path, error) = (fault.path().to_string(), fault.inner());
            // A path of one dot is the spec itself.
            let told = match path.trim_start_matches('.') {
                "" => format!("spec: {error}"),
                path => format!("spec.{path}: {error}"),
            };
            let is_too_much = error.kind() == Kind::TooMuch;
            if is_too_much { Unreadable::TooMuch(told) } else { Unreadable::NoPod(told) }
        }
    }
}

/// How the names begin that only multipod gives, to containers and volumes.
pub const OWN_NAMES: &str = "multipod-";

pub(crate) fn is_own_name(name: &str) -> bool {
    name.starts_with(OWN_NAMES)
}

impl Pod<'_> {
    /// So many things more are looked at; whether there is time to go on.
    pub(crate) fn go(&self, steps: usize) -> bool {
        self.meter.is_none_or(|meter| meter.go(steps))
    }

    /// The container that is meant where none is named: the one that the pod names as default, else the first that has no
    /// name of ours, since a sidecar is never meant. None where the pod names one that is not there: another webhook may
    /// add it later, and then it would be meant.
    pub(crate) fn default_container(&self) -> Option<usize> {
        if let Some(name) = self.metadata.annotations.text(DEFAULT_CONTAINER) {
            return self.container(name);
        }
        let containers = self.spec.containers.items();
        let first = containers.iter().position(|container| !is_own_name(&container.name));
        first.or((!containers.is_empty()).then_some(0))
    }

    /// Where a container stands that has no name, if there is one.
    pub(crate) fn container_without_name(&self) -> Option<String> {
        let lists = [("containers", &self.spec.containers), ("initContainers", &self.spec.init_containers)];
        lists.into_iter().find_map(|(list, containers)| {
            let at = containers.items().iter().position(|container| container.name.is_empty())?;
            Some(format!("spec.{list}[{at}]"))
        })
    }

    /// The app container with this name.
    pub(crate) fn container(&self, name: &str) -> Option<usize> {
        self.spec.containers.items().iter().position(|container| &*container.name == name)
    }

    /// The user and group that a container runs as, as far as the pod says.
    pub(crate) fn user_of(&self, container: usize) -> (Option<i64>, Option<i64>) {
        let own = self.spec.containers.items().get(container).and_then(|c| c.security_context.value());
        let pod = self.spec.security_context.value();
        (
            own.and_then(|own| own.run_as_user).or(pod.and_then(|pod| pod.run_as_user)),
            own.and_then(|own| own.run_as_group).or(pod.and_then(|pod| pod.run_as_group)),
        )
    }

    /// Whether nothing can be written through this mount.
    pub(crate) fn is_read_only(&self, mount: &Mount<'_>) -> bool {
        mount.read_only == Some(true) || self.volume(&mount.name).is_some_and(|volume| volume.read_only)
    }

    /// The volume with this name.
    pub(crate) fn volume(&self, name: &str) -> Option<&Volume<'_>> {
        self.spec.volumes.items().iter().find(|volume| &*volume.name == name)
    }
}

impl<'a> Container<'a> {
    /// Whether it mounts something at a place that is deeper than is looked at.
    fn mounts_too_deep(&self) -> bool {
        let slashes = |path: &str| path.bytes().filter(|byte| *byte == b'/').count();
        self.volume_mounts.items().iter().any(|mount| slashes(&mount.mount_path) > SLASHES)
    }

    /// Whether this init container runs beside the app.
    pub(crate) fn is_native_sidecar(&self) -> bool {
        &*self.restart_policy == "Always"
    }

    /// Looks at its variables one after the other: at their names, and at them as they stand there.
    pub(crate) fn each_variable(
        &self,
        meter: Option<&'a Meter<'a>>,
        mut look: impl FnMut(&str, Raw<'a>),
    ) -> Result<(), String> {
        let Field::Is(raw) = &self.env else { return Ok(()) };
        multipod_json::each(meter, raw.text(), |variable: Named<'a>, raw| look(&variable.name, raw))
            .map_err(|_| format!("the variables of container {} are no list of variables", &*self.name))
    }

    /// The mount that `path` lies in: the deepest one that covers it.
    pub(crate) fn mount_over(&self, path: &str) -> Option<&Mount<'_>> {
        let path = Folder::of(path);
        self.volume_mounts
            .items()
            .iter()
            .filter(|mount| mount.mount_path.place().covers(&path))
            .max_by_key(|mount| mount.mount_path.place().depth())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scalar;
    use super::*;

    #[test]
    fn null_maps_and_lists_read_as_empty() {
        let json = r#"{"metadata":{"annotations":null,"labels":{},"name":null},"spec":{"containers":[{"name":"a","ports":null}],"volumes":null}}"#;
        let head = Head::read(json).unwrap();
        let pod = head.open(None).unwrap();
        assert_eq!(pod.metadata.annotations, Field::Null);
        assert_eq!(pod.spec.containers.items()[0].ports.items().len(), 0);
        assert!(pod.spec.volumes.items().is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        for (spec, place) in [
            (r#"{"containers":[],"containers":[]}"#, "spec: duplicate field"),
            (r#"{"containers":[{"ports":[{"hostPort":"x"}]}]}"#, "spec.containers[0].ports[0].hostPort: "),
            (r#"{"volumes":[{"emptyDir":{}}]}"#, "spec.volumes[0]: missing field `name`"),
        ] {
            let json = format!(r#"{{"spec":{spec}}}"#);
            let Unreadable::NoPod(fault) = Head::read(&json).unwrap().open(None).unwrap_err() else {
                panic!("{spec}")
            };
            assert!(fault.starts_with(place), "{fault}");
        }
    }

    #[test]
    fn values_that_are_no_text_are_told_apart() {
        let head = Head::read(
            r#"{"metadata":{"annotations":{"a":4853,"b":true,"c":{"d":[1]},"e":"x\"y","f":null}}}"#,
        );
        let head = head.unwrap();
        let values: Vec<_> = head.annotations().iter().map(|(_, value)| value.clone()).collect();
        assert_eq!(
            values,
            [
                Scalar::Number("4853".into()),
                Scalar::Bool(true),
                Scalar::Compound,
                Scalar::Text(Text("x\"y".into())),
                Scalar::Null
            ]
        );
    }

    #[test]
    fn the_deepest_mount_covers_a_path() {
        let json = r#"{"name":"a","volumeMounts":[{"name":"v","mountPath":"/var"},{"name":"l","mountPath":"/var/log/"},{"name":"x","mountPath":"/var/logs"}]}"#;
        let container: Container = multipod_json::read(json).unwrap();
        assert_eq!(&*container.mount_over("/var/log/app").unwrap().name, "l");
        assert_eq!(&*container.mount_over("/var/lo").unwrap().name, "v");
        assert!(container.mount_over("/etc").is_none());
    }

    #[test]
    fn text_is_borrowed_from_the_received_bytes() {
        let head = Head::read(r#"{"metadata":{"name":"plain"}}"#).unwrap();
        assert!(matches!(head.metadata.value().unwrap().name.0, std::borrow::Cow::Borrowed(_)));
    }
}
