//! What the steps add to a pod.

use std::borrow::Cow;
use std::time::Duration;

use super::request::{Request, Step, WaitFor};
use super::text::{CLONE, CLONE_CONTAINER, WAIT_FOR, WAIT_FOR_CONTAINER};
use crate::annotation::{Key, Problem};
use crate::pod::Pod;
use multipod_values as value;

use crate::pattern::change::WaitsFor;
use crate::pattern::container::{Container, Text};
use crate::pattern::git::{Job, Places, Schedule, WorkingCopy};
use crate::pattern::settings::Needs;
use crate::pattern::task::Task;
use crate::pattern::user::{NOBODY, own_user};
use crate::pattern::{Addition, Context, Fragment, Role};

const WAIT_NEEDS: Needs = Needs { cpu: ("10m", 10), memory: ("16Mi", 16), memory_limit: ("64Mi", 64) };

/// What a request adds to a pod. Steps are numbered by kind, so that another kind does not rename them.
pub(crate) fn fragments(
    request: &Request,
    pod: &Pod<'_>,
    context: &Context<'_>,
) -> Result<Vec<Fragment>, Vec<Problem>> {
    let settings = &request.settings;
    let mut fragment = Fragment::new(Key::Init, "init");
    let mut places = Places::default();
    let mut problems = Vec::new();
    let (mut waits, mut clones) = (0, 0);
    for step in &request.steps {
        match step {
            Step::WaitFor(wait) => {
                waits += 1;
                let waits_for = Some(WaitsFor::Address(wait.target.to_string()));
                let container = wait_for(wait, waits, request, pod, context);
                fragment.add(Addition { waits_for, ..Addition::new(Role::Step, container) });
            }
            Step::Clone(copy) => {
                clones += 1;
                let job = job(copy, clones);
                problems.extend(places.add(&job, Role::Step, settings, pod, context, &mut fragment).err());
            }
        }
    }
    if problems.is_empty() { Ok(vec![fragment]) } else { Err(problems) }
}

fn job(copy: &WorkingCopy, number: usize) -> Job<'_> {
    Job { name: format!("{CLONE_CONTAINER}{number}"), program: CLONE, copy, schedule: Schedule::Once }
}

/// What the clones fetch; what is waited for says its addition, since conflicts and advice ask.
pub(crate) fn tasks(request: &Request, pod: &Pod<'_>, context: &Context<'_>) -> Vec<Task> {
    let clones = request.steps.iter().filter_map(|step| match step {
        Step::Clone(copy) => Some(copy),
        Step::WaitFor(_) => None,
    });
    clones.zip(1..).filter_map(|(copy, number)| job(copy, number).task(pod, context)).collect()
}

fn wait_for(
    wait: &WaitFor,
    number: usize,
    request: &Request,
    pod: &Pod<'_>,
    context: &Context<'_>,
) -> Container {
    let image = context.settings.own_image(WAIT_FOR, &request.settings);
    let resources = context.settings.resources_for(WAIT_FOR, &request.settings, WAIT_NEEDS);
    let mut container = Container::new(format!("{WAIT_FOR_CONTAINER}{number}"), image, resources);
    container.security_context.run_as_user = own_user(NOBODY, pod, context);
    container.command = vec![Cow::Borrowed("/multipod")];
    // The name stays as it was written: the container's resolver knows the pod's search domains.
    container.args = vec![
        Cow::Borrowed("wait-for"),
        time("timeout", wait.timeout),
        time("every", wait.every),
        Cow::Owned(value::escape_expansion(&wait.target.to_string())),
    ];
    container
}

fn time(name: &str, time: Duration) -> Text {
    Cow::Owned(format!("--{name}={}", value::show_duration(time)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::pattern::git::trial;

    fn pod() -> Value {
        trial::pod(&json!([{"name": "web"}]))
    }

    fn fragment(value: &str) -> Fragment {
        trial::fragment("init", value, &pod()).unwrap()
    }

    fn container(fragment: &Fragment, at: usize) -> Value {
        json!(fragment.containers()[at].container)
    }

    #[test]
    fn waiting_runs_our_own_program_with_nothing_but_the_target() {
        let fragment = fragment("wait-for db:5432, image=multipod/multipod:test");
        assert_eq!(fragment.containers()[0].role, Role::Step);
        assert_eq!(
            container(&fragment, 0),
            json!({
                "name": "multipod-wait-for-1",
                "image": "multipod/multipod:test",
                "imagePullPolicy": "IfNotPresent",
                "command": ["/multipod"],
                "args": ["wait-for", "--timeout=10m", "--every=1s", "db:5432"],
                "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
                "securityContext": {
                    "runAsNonRoot": true,
                    "readOnlyRootFilesystem": true,
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                    "seccompProfile": {"type": "RuntimeDefault"}
                }
            })
        );
        assert!(fragment.volumes().is_empty() && fragment.mounts().is_empty());
    }

    #[test]
    fn steps_stand_in_the_order_written_and_are_numbered_by_kind() {
        let fragment = fragment(
            "wait-for dns:git.example timeout=90s every=500ms\nclone https://git.example/seed into=/seed ref=v1\n\
             wait-for https://web.prod/ready?deep=yes\nclone https://git.example/more into=/srv/more, cpu=20m",
        );
        let names: Vec<_> = fragment.containers().iter().map(|addition| &*addition.container.name).collect();
        assert_eq!(
            names,
            ["multipod-wait-for-1", "multipod-clone-1", "multipod-wait-for-2", "multipod-clone-2"]
        );
        assert!(fragment.containers().iter().all(|addition| addition.role == Role::Step));
        assert_eq!(
            container(&fragment, 0)["args"],
            json!(["wait-for", "--timeout=90s", "--every=500ms", "dns:git.example"])
        );
        assert_eq!(container(&fragment, 2)["args"][3], "https://web.prod/ready?deep=yes");
        assert_eq!(container(&fragment, 3)["resources"]["requests"]["cpu"], "20m");
    }

    #[test]
    fn a_clone_is_git_sync_that_ends_after_the_first_copy() {
        let fragment = fragment("clone https://git.example/seed into=/srv/seed secret=deploy");
        let clone = container(&fragment, 0);
        assert_eq!(
            clone["args"],
            json!([
                "--repo=https://git.example/seed",
                "--ref=HEAD",
                "--root=/git",
                "--link=copy",
                "--depth=1",
                "--sync-timeout=5m",
                "--one-time"
            ])
        );
        assert_eq!((&clone["ports"], &clone["startupProbe"]), (&Value::Null, &Value::Null));
        assert_eq!(
            clone["env"][2]["valueFrom"]["secretKeyRef"],
            json!({"name": "deploy", "key": "password"})
        );
        assert_eq!(
            json!(fragment.mounts()[0].mount),
            json!({"name": "multipod-clone-1", "mountPath": "/srv/seed", "subPath": "copy", "readOnly": true})
        );
    }

    #[test]
    fn images_of_the_cluster_differ_by_kind_of_step() {
        let settings = json!({
            "image": "mirror.example/multipod:1",
            "patterns": {"clone": {"image": "mirror.example/git-sync:4"}}
        });
        let value = "wait-for db:1, clone https://git.example/seed into=/srv/seed";
        let fragment = trial::with_settings("init", value, &pod(), &settings, false).unwrap();
        let images: Vec<_> =
            fragment.containers().iter().map(|addition| &*addition.container.image).collect();
        assert_eq!(images, ["mirror.example/multipod:1", "mirror.example/git-sync:4"]);
    }

    #[test]
    fn a_pod_of_root_does_not_make_its_steps_root() {
        let mut pod = pod();
        pod["spec"]["securityContext"] = json!({"runAsUser": 0});
        let fragment = trial::fragment("init", "wait-for db:1", &pod).unwrap();
        assert_eq!(container(&fragment, 0)["securityContext"]["runAsUser"], 65532);
    }

    #[test]
    fn clones_stand_beside_each_other_and_not_one_inside_the_other() {
        let beside = "clone https://g.example/x into=/a/b, clone https://g.example/y into=/a/c";
        assert_eq!(fragment(beside).mounts().len(), 2);
        let inside = "clone https://g.example/x into=/a/b, clone https://g.example/y into=/a/b/c";
        let problems = trial::fragment("init", inside, &pod()).unwrap_err();
        assert_eq!((problems[0].span.start, problems[0].span.end), (68, 74));
    }

    #[test]
    fn running_again_over_the_result_asks_for_the_same() {
        let value = "wait-for db:1, clone https://g.example/x into=/a/b";
        let first = fragment(value);
        assert_eq!(first, trial::fragment("init", value, &trial::with(pod(), &first)).unwrap());
    }
}
