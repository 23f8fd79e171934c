//! Rolls workloads, a few at a time and within their disruption budgets.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use multipod_engine::policy::Selector;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

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
    /// Rolls all of them; `tell` hears what happens. Where one fails, no other is begun.
    pub(crate) async fn run(
        self,
        reader: &Reader,
        workloads: &[Workload],
        tell: impl Fn(&Workload, &str),
    ) -> Result<(), String> {
        let each = stream::iter(workloads).map(|workload| {
            let tell = &tell;
            async move {
                let rolled = self.roll(reader, workload, |what| tell(workload, what)).await;
                rolled.map_err(|why| {
                    format!("{} {}/{}: {why}", workload.kind, workload.namespace, workload.name)
                })
            }
        });
        let mut each = each.buffer_unordered(self.at_once.max(1));
        while let Some(rolled) = each.next().await {
            rolled?;
        }
        Ok(())
    }

    async fn roll(self, reader: &Reader, workload: &Workload, tell: impl Fn(&str)) -> Result<(), String> {
        let ends = Instant::now() + self.timeout;
        let resource = Resource::new("apps/v1", &workload.kind);
        let namespace = Some(&*workload.namespace);
        let read = || async { reader.get(&resource, namespace, &workload.name).await.map_err(Unread::text) };
        let mut told = false;
        loop {
            let object = read().await?;
            if let Some(why) = by_hand(&object) {
                tell(&format!("left alone: {why}"));
                return Ok(());
            }
            let Some(budget) = exhausted(reader, &workload.namespace, &object).await? else { break };
            if !told {
                tell(&format!("waits: the disruption budget {budget} allows none now"));
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
        reader.answer(api.patch(&workload.name, &params, &patch)).await.map_err(Unread::text)?;
        tell("restarts");
        while !is_rolled_out(&workload.kind, &read().await?) {
            in_time(ends, "it is not rolled out yet; kubectl rollout status tells why")?;
            sleep(PACE).await;
        }
        tell("is rolled out");
        Ok(())
    }
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

/// A disruption budget of its pods that allows none now.
async fn exhausted(reader: &Reader, namespace: &str, object: &Value) -> Result<Option<String>, String> {
    let budgets = reader.all(&Resource::new("policy/v1", "PodDisruptionBudget"), Some(namespace)).await;
    let labels = &object["spec"]["template"]["metadata"]["labels"];
    let is_meant = |budget: &&Value| {
        let selector = Selector::legible(&budget["spec"]["selector"]);
        let allowed = budget["status"]["disruptionsAllowed"].as_u64().unwrap_or_default();
        allowed == 0 && selector.unmet(|label| labels[label].as_str()).is_none()
    };
    let budgets = budgets.map_err(Unread::text)?;
    let name = |budget: &Value| budget["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    Ok(budgets.iter().find(is_meant).map(name))
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
