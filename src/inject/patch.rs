//! The plan as an RFC 6902 patch: explicit `add` operations, each aimed at what the received pod really holds.
//!
//! Never made by comparing documents, and never from a typed copy of the pod: both rewrite what they do not know.

use std::ops::Range;

use serde::Serialize;

use crate::pod::{Field, Pod};
use multipod_json::{Unwritable, pointer};

use super::check::{self, PatchFault};
use super::plan::Plan;

/// A patch, as the text that is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Patch {
    json: String,
    operations: Vec<(Range<usize>, Range<usize>)>,
}

/// One `add`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operation<'p> {
    /// Where, as a JSON pointer.
    pub path: &'p str,
    /// What, as JSON.
    pub value: &'p str,
}

impl Patch {
    /// The patch that carries out a plan on this pod, checked against both before it is given out.
    pub fn of(plan: &Plan, pod: &Pod<'_>) -> Result<Patch, PatchFault> {
        let patch = Patch::write(plan, pod).map_err(|_| PatchFault::Unwritable)?;
        check::check(&patch, plan, pod)?;
        Ok(patch)
    }

    /// The JSON text.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The operations in their order.
    pub fn operations(&self) -> impl ExactSizeIterator<Item = Operation<'_>> {
        self.operations
            .iter()
            .map(|(path, value)| Operation { path: self.text(path), value: self.text(value) })
    }

    fn text(&self, range: &Range<usize>) -> &str {
        &self.json[range.clone()]
    }

    fn write(plan: &Plan, pod: &Pod<'_>) -> Result<Patch, Unwritable> {
        let mut patch = Patch { json: String::with_capacity(4096), operations: Vec::with_capacity(16) };
        patch.json.push('[');
        patch.annotations(plan, pod)?;
        patch.security_context(plan, pod)?;
        if plan.share_process_namespace {
            patch.add(&["spec", "shareProcessNamespace"], &true)?;
        }
        let spec = &pod.spec;
        patch.append(
            &["spec", "imagePullSecrets"],
            &spec.image_pull_secrets,
            plan.pull_secrets.iter().map(named),
        )?;
        patch.append(&["spec", "volumes"], &spec.volumes, plan.volumes.iter())?;
        patch.init_containers(plan, pod)?;
        patch.append(&["spec", "containers"], &spec.containers, plan.containers.iter())?;
        for (index, container) in spec.containers.items().iter().enumerate() {
            let in_this = plan.mounts.iter().any(|mount| mount.container == index)
                || plan.env.iter().any(|env| env.container == index);
            if !in_this {
                continue;
            }
            let place = index.to_string();
            let mounts =
                plan.mounts.iter().filter(|mount| mount.container == index).map(|mount| &mount.mount);
            patch.append(
                &["spec", "containers", &place, "volumeMounts"],
                &container.volume_mounts,
                mounts,
            )?;
            let env = plan.env.iter().filter(|env| env.container == index).map(|env| &env.env);
            patch.append(&["spec", "containers", &place, "env"], &container.env, env)?;
        }
        patch.json.push(']');
        Ok(patch)
    }

    fn annotations(&mut self, plan: &Plan, pod: &Pod<'_>) -> Result<(), Unwritable> {
        if plan.annotations.is_empty() {
            return Ok(());
        }
        let all = Map(&plan.annotations);
        if !pod.has_metadata {
            return self.add(&["metadata"], &Annotated { annotations: all });
        }
        match pod.metadata.annotations {
            Field::Absent | Field::Null => self.add(&["metadata", "annotations"], &all),
            Field::Is(_) => plan
                .annotations
                .iter()
                .try_for_each(|(key, value)| self.add(&["metadata", "annotations", key], value)),
        }
    }

    fn security_context(&mut self, plan: &Plan, pod: &Pod<'_>) -> Result<(), Unwritable> {
        if plan.sysctls.is_empty() {
            return Ok(());
        }
        let sysctls = plan.sysctls.iter().map(|(name, value)| Sysctl { name, value });
        match &pod.spec.security_context {
            Field::Is(context) => {
                self.append(&["spec", "securityContext", "sysctls"], &context.sysctls, sysctls)
            }
            Field::Absent | Field::Null => {
                self.add(&["spec", "securityContext"], &WithSysctls { sysctls: List(sysctls) })
            }
        }
    }

    fn init_containers(&mut self, plan: &Plan, pod: &Pod<'_>) -> Result<(), Unwritable> {
        let sidecars = plan.sidecars.iter().zip(plan.sidecars_at..);
        let mut new = sidecars.chain(plan.steps.iter().zip(plan.steps_at..));
        if new.clone().next().is_none() {
            return Ok(());
        }
        if pod.spec.init_containers.value().is_none() {
            return self.add(&["spec", "initContainers"], &List(new.map(|(container, _)| container)));
        }
        new.try_for_each(|(container, at)| self.add(&["spec", "initContainers", &at.to_string()], container))
    }

    /// Appends to a list that may be missing or null: an append to a list that is not there would be refused.
    fn append<T, V: Serialize>(
        &mut self,
        path: &[&str],
        list: &Field<T>,
        mut new: impl Iterator<Item = V> + Clone,
    ) -> Result<(), Unwritable> {
        if new.clone().next().is_none() {
            return Ok(());
        }
        if list.value().is_none() {
            return self.add(path, &List(new));
        }
        new.try_for_each(|value| {
            self.open(path, true);
            self.close(&value)
        })
    }

    fn add(&mut self, path: &[&str], value: &impl Serialize) -> Result<(), Unwritable> {
        self.open(path, false);
        self.close(value)
    }

    /// Writes `{"op":"add","path":"…`; the parts are ours or checked names, so only `~` and `/` need escapes.
    fn open(&mut self, path: &[&str], append: bool) {
        if !self.operations.is_empty() {
            self.json.push(',');
        }
        self.json.push_str(r#"{"op":"add","path":""#);
        let start = self.json.len();
        for part in path {
            pointer::push_step(&mut self.json, part);
        }
        if append {
            self.json.push_str("/-");
        }
        let end = self.json.len();
        self.operations.push((start..end, 0..0));
    }

    fn close(&mut self, value: &impl Serialize) -> Result<(), Unwritable> {
        self.json.push_str(r#"","value":"#);
        let start = self.json.len();
        multipod_json::write(&mut self.json, value)?;
        let end = self.json.len();
        if let Some((_, range)) = self.operations.last_mut() {
            *range = start..end;
        }
        self.json.push('}');
        Ok(())
    }
}

fn named(name: &crate::pattern::container::Text) -> impl Serialize + use<'_> {
    #[derive(Serialize)]
    struct Named<'n> {
        name: &'n str,
    }
    Named { name }
}

#[derive(Serialize)]
struct Sysctl<'p> {
    name: &'p str,
    value: &'p str,
}

#[derive(Serialize)]
struct WithSysctls<L: Serialize> {
    sysctls: L,
}

/// A list that is written without being built.
struct List<I>(I);

impl<I: Iterator<Item: Serialize> + Clone> Serialize for List<I> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.clone())
    }
}

#[derive(Serialize)]
struct Annotated<'p> {
    annotations: Map<'p>,
}

struct Map<'p>(&'p [(crate::pattern::container::Text, String)]);

impl Serialize for Map<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (&**key, value)))
    }
}
