//! What one pattern wants added to a pod, before it is known whether it fits.

use crate::annotation::Key;
use crate::annotation::settings::Sidecar;

use super::container::{Container, Env, Mount, Text, Volume};

/// Everything that one request adds.
#[derive(Clone, Debug, PartialEq)]
pub struct Fragment {
    /// The key that asked for it.
    pub key: Key,
    /// What people call it: `ambassador`, `metrics nginx`.
    pub name: Text,
    /// New containers, in order.
    pub containers: Vec<Addition>,
    /// New volumes.
    pub volumes: Vec<Volume>,
    /// New mounts of the app's own containers.
    pub mounts: Vec<AppMount>,
    /// New variables of the app's own containers.
    pub env: Vec<AppEnv>,
    /// New annotations.
    pub notes: Vec<Note>,
    /// Kernel settings of the pod.
    pub sysctls: Vec<(Text, Text)>,
    /// Whether the containers must see each other's processes.
    pub share_process_namespace: Option<bool>,
    /// What the user should know, though nothing is wrong; one line each.
    pub warnings: Vec<String>,
}

/// One new container.
#[derive(Clone, Debug, PartialEq)]
pub struct Addition {
    /// When it runs.
    pub role: Role,
    /// The container.
    pub container: Container,
}

/// When a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Beside the app; what the annotation says of `sidecar=`.
    Sidecar(Option<Sidecar>),
    /// Once, before the app.
    Step,
}

/// One new mount of an app container.
#[derive(Clone, Debug, PartialEq)]
pub struct AppMount {
    /// The index in `spec.containers`.
    pub container: usize,
    /// The mount.
    pub mount: Mount,
}

/// One new variable of an app container.
#[derive(Clone, Debug, PartialEq)]
pub struct AppEnv {
    /// The index in `spec.containers`.
    pub container: usize,
    /// The variable.
    pub env: Env,
}

/// One new annotation.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// The whole key.
    pub key: Text,
    /// The value.
    pub value: String,
    /// Configuration that a container reads must be exactly ours; anything else gives way to what the user wrote.
    pub must_be_ours: bool,
}

impl Fragment {
    /// A fragment that adds nothing yet.
    pub fn new(key: Key, name: impl Into<Text>) -> Self {
        Fragment {
            key,
            name: name.into(),
            containers: Vec::new(),
            volumes: Vec::new(),
            mounts: Vec::new(),
            env: Vec::new(),
            notes: Vec::new(),
            sysctls: Vec::new(),
            share_process_namespace: None,
            warnings: Vec::new(),
        }
    }

    /// An annotation that gives way to the user's own.
    pub fn note(&mut self, key: impl Into<Text>, value: impl Into<String>) {
        self.notes.push(Note { key: key.into(), value: value.into(), must_be_ours: false });
    }

    /// An annotation that carries rendered configuration.
    pub fn rendered(&mut self, key: impl Into<Text>, value: impl Into<String>) {
        self.notes.push(Note { key: key.into(), value: value.into(), must_be_ours: true });
    }
}
