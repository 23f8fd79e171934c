//! Rolls workloads, a few at a time and within their disruption budgets.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::course::{Course, Stage, budgets_of};
use super::objects::{Resource, Workload};
use super::reach::{Reader, Unread};

/// How often a workload is asked how far it is.
const PACE: Duration = Duration::from_secs(1);

/// What `kubectl rollout restart` sets.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";
const MANAGER: &str = "multipod-restart";

/// How workloads are rolled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restarts {
    /// How many at a time.
    pub at_once: usize,
    /// How long one may take, with what it waits for.
    pub timeout: Duration,
}

impl Restarts {
    /// Rolls all of them; `tell` hears what happens. Where one fails, no other is begun, and the error tells how far each is.
    pub(crate) async fn run(
        self,
        reader: &Reader,
        workloads: &[Workload],
        tell: impl Fn(&Workload, &str),
    ) -> Result<(), String> {
        let course = RefCell::new(course(reader, workloads).await?);
        let roll = async |workload: &Workload| {
            let hear = |stage, what: &str| {
                course.borrow_mut().reaches(workload, stage);
                tell(workload, what);
            };
            self.roll(reader, workload, hear).await.map_err(|why| {
                course.borrow_mut().reaches(workload, Stage::Failed);
                format!("{workload}: {why}{}", course.borrow().report())
            })
        };
        let mut under_way = FuturesUnordered::new();
        loop {
            while under_way.len() < self.at_once.max(1) {
                let Some(workload) = course.borrow_mut().next() else { break };
                under_way.push(roll(workload));
            }
            match under_way.next().await {
                Some(rolled) => rolled?,
                None => return Ok(()),
            }
        }
    }

    async fn roll(
        self,
        reader: &Reader,
        workload: &Workload,
        tell: impl Fn(Stage, &str),
    ) -> Result<(), String> {
        let ends = Instant::now() + self.timeout;
        let resource = workload.resource();
        let namespace = Some(&*workload.namespace);
        let read = || async { reader.get(&resource, namespace, &workload.name).await.map_err(Unread::text) };
        let mut told = false;
        loop {
            let object = read().await?;
            if let Some(why) = by_hand(&object) {
                tell(Stage::LeftAlone, &format!("left alone: {why}"));
                return Ok(());
            }
            let budgets = budgets(reader, &workload.namespace).await?;
            let Some(budget) = budgets_of(&object, &budgets).find(|budget| is_exhausted(budget)) else {
                break;
            };
            if !told {
                let budget = name(budget);
                tell(Stage::Waits, &format!("waits: the disruption budget {budget} allows none now"));
                told = true;
            }
            in_time(ends, "its disruption budget allows no disruption")?;
            sleep(PACE).await;
        }
        let now = Timestamp::now().to_string();
        let change = json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED: now}}}}});
        let api = reader.api(&resource, namespace);
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let patch = Patch::Strategic(&change);
        // Before the answer: if another one fails meanwhile, this one may have begun.
        tell(Stage::InFlight, "restarts");
        reader.answer(api.patch(&workload.name, &params, &patch)).await.map_err(Unread::text)?;
        while !is_rolled_out(&workload.kind, &read().await?) {
            in_time(ends, "it is not rolled out yet; kubectl rollout status tells why")?;
            sleep(PACE).await;
        }
        tell(Stage::Done, "is rolled out");
        Ok(())
    }
}

/// Which of them share a disruption budget, as it is when the first is begun.
async fn course<'w>(reader: &Reader, workloads: &'w [Workload]) -> Result<Course<'w>, String> {
    let mut of_namespaces: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut all = Vec::new();
    for workload in workloads {
        let namespace = &*workload.namespace;
        if !of_namespaces.contains_key(namespace) {
            of_namespaces.insert(namespace, budgets(reader, namespace).await?);
        }
        let budgets = of_namespaces.get(namespace).map_or(&[][..], Vec::as_slice);
        // Nothing is shared where there are none, and most namespaces have few.
        let shared = if budgets.is_empty() {
            Vec::new()
        } else {
            let object = reader.get(&workload.resource(), Some(namespace), &workload.name).await;
            let object = object.map_err(|unread| format!("{workload}: {}", unread.text()))?;
            budgets_of(&object, budgets).map(name).collect()
        };
        all.push((workload, shared));
    }
    Ok(Course::of(all))
}

fn in_time(ends: Instant, why: &str) -> Result<(), String> {
    if Instant::now() < ends { Ok(()) } else { Err(format!("no more time: {why}")) }
}

/// Why a workload does not roll by itself.
fn by_hand(object: &Value) -> Option<&'static str> {
    if object["spec"]["paused"] == true {
        return Some("it is paused");
    }
    (object["spec"]["updateStrategy"]["type"] == "OnDelete")
        .then_some("its update strategy is OnDelete, so that its pods have to be deleted by hand")
}

/// The disruption budgets of a namespace.
async fn budgets(reader: &Reader, namespace: &str) -> Result<Vec<Value>, String> {
    let resource = Resource::new("policy/v1", "PodDisruptionBudget");
    reader.all(&resource, Some(namespace)).await.map_err(Unread::text)
}

fn is_exhausted(budget: &Value) -> bool {
    budget["status"]["disruptionsAllowed"].as_u64().unwrap_or_default() == 0
}

fn name(budget: &Value) -> String {
    budget["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

/// As `kubectl rollout status` sees it.
fn is_rolled_out(kind: &str, object: &Value) -> bool {
    let number = |field: &str| object["status"][field].as_i64().unwrap_or_default();
    if number("observedGeneration") < object["metadata"]["generation"].as_i64().unwrap_or_default() {
        return false;
    }
    if kind == "DaemonSet" {
        let wanted = number("desiredNumberScheduled");
        return number("updatedNumberScheduled") >= wanted && number("numberAvailable") >= wanted;
    }
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let partition =
        object["spec"]["updateStrategy"]["rollingUpdate"]["partition"].as_i64().unwrap_or_default();
    let updated = number("updatedReplicas") >= wanted - partition.clamp(0, wanted);
    match kind {
        "StatefulSet" => updated && number("readyReplicas") >= wanted,
        _ => {
            updated
                && number("replicas") <= number("updatedReplicas")
                && number("availableReplicas") >= wanted
        }
    }
}
