//! What git-sync beside the app adds to a pod.

use super::request::Request;
use super::text::{CONTAINER, PROGRAM};
use crate::annotation::{Key, Problem};
use crate::pod::Pod;

use crate::pattern::git::{Job, Places, Schedule};
use crate::pattern::task::Task;
use crate::pattern::{Context, Fragment, Role};

/// Each copy's container listens on the port of its number, so that several fit into one pod.
pub(crate) const BASE_PORT: u16 = 16100;

/// What a request adds to a pod.
pub(crate) fn fragments(
    request: &Request,
    pod: &Pod<'_>,
    context: &Context<'_>,
) -> Result<Vec<Fragment>, Vec<Problem>> {
    let settings = &request.settings;
    let mut fragment = Fragment::new(Key::Sync, "sync");
    let mut places = Places::default();
    let mut problems = Vec::new();
    for job in jobs(request) {
        let role = Role::Sidecar(settings.sidecar);
        problems.extend(places.add(&job, role, settings, pod, context, &mut fragment).err());
    }
    if problems.is_empty() { Ok(vec![fragment]) } else { Err(problems) }
}

/// What the copies fetch.
pub(crate) fn tasks(request: &Request, pod: &Pod<'_>, context: &Context<'_>) -> Vec<Task> {
    jobs(request).filter_map(|job| job.task(pod, context)).collect()
}

fn jobs(request: &Request) -> impl Iterator<Item = Job<'_>> {
    request.items.iter().zip(1u16..).map(|(item, number)| Job {
        name: format!("{CONTAINER}{number}"),
        program: PROGRAM,
        copy: &item.copy,
        schedule: Schedule::Every(item.every, BASE_PORT.saturating_add(number)),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::pattern::git::trial;
    use crate::pattern::images;

    const SITE: &str = "https://git.example/site into=/usr/share/nginx/html";

    fn pod() -> Value {
        trial::pod(&json!([{"name": "web"}, {"name": "worker"}]))
    }

    fn fragment(value: &str) -> Fragment {
        trial::fragment("sync", value, &pod()).unwrap()
    }

    fn container(fragment: &Fragment, at: usize) -> Value {
        json!(fragment.containers()[at].container)
    }

    #[test]
    fn git_sync_runs_beside_the_app_and_holds_it_back_until_the_first_copy_is_there() {
        let fragment = fragment(SITE);
        assert_eq!(fragment.containers()[0].role, Role::Sidecar(None));
        assert_eq!(
            container(&fragment, 0),
            json!({
                "name": "multipod-sync-1",
                "image": images::GIT_SYNC,
                "imagePullPolicy": "IfNotPresent",
                "args": [
                    "--repo=https://git.example/site", "--ref=HEAD", "--root=/git", "--link=html", "--depth=1",
                    "--sync-timeout=5m", "--period=30s", "--max-failures=-1", "--http-bind=:16101"
                ],
                "env": [{"name": "HOME", "value": "/tmp"}],
                "ports": [{"containerPort": 16101}],
                "startupProbe": {
                    "httpGet": {"path": "/", "port": 16101}, "periodSeconds": 1, "failureThreshold": 330
                },
                "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
                "securityContext": {
                    "runAsNonRoot": true,
                    "readOnlyRootFilesystem": true,
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                    "seccompProfile": {"type": "RuntimeDefault"}
                },
                "volumeMounts": [
                    {"name": "multipod-sync-1", "mountPath": "/git"},
                    {"name": "multipod-sync-1-tmp", "mountPath": "/tmp"}
                ]
            })
        );
        assert_eq!(
            json!(fragment.volumes()),
            json!([{"name": "multipod-sync-1", "emptyDir": {}}, {"name": "multipod-sync-1-tmp", "emptyDir": {}}])
        );
        assert_eq!(
            json!(fragment.mounts()[0].mount),
            json!({"name": "multipod-sync-1", "mountPath": "/usr/share/nginx", "readOnly": true})
        );
    }

    #[test]
    fn every_copy_has_its_own_container_port_and_volume() {
        let fragment = fragment(
            "https://git.example/a into=/srv/a every=5m ref=v1, https://git.example/b into=/b link=now container=worker,\
             image=mirror.example/git-sync:4 memory=1Gi sidecar=classic",
        );
        let (first, second) = (container(&fragment, 0), container(&fragment, 1));
        assert_eq!((&first["name"], &second["name"]), (&json!("multipod-sync-1"), &json!("multipod-sync-2")));
        assert_eq!(second["ports"][0]["containerPort"], 16102);
        assert_eq!((&first["args"][1], &first["args"][6]), (&json!("--ref=v1"), &json!("--period=5m")));
        assert_eq!(
            (&second["args"][3], &second["image"]),
            (&json!("--link=now"), &json!("mirror.example/git-sync:4"))
        );
        let places: Vec<_> =
            fragment.mounts().iter().map(|m| (m.container, &*m.mount.name, &*m.mount.mount_path)).collect();
        assert_eq!(places, [(0, "multipod-sync-1", "/srv"), (1, "multipod-sync-2", "/b")]);
        assert_eq!(
            fragment.containers()[1].role,
            Role::Sidecar(Some(crate::annotation::settings::Sidecar::Classic))
        );
        assert_eq!(fragment.volumes().len(), 4);
    }

    #[test]
    fn credentials_reach_git_sync_from_the_secret_alone() {
        let by_password = fragment("https://git.example/a into=/srv/a secret=deploy");
        assert_eq!(
            container(&by_password, 0)["env"],
            json!([
                {"name": "HOME", "value": "/tmp"},
                {"name": "GITSYNC_USERNAME", "valueFrom": {"secretKeyRef": {"name": "deploy", "key": "username"}}},
                {"name": "GITSYNC_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "deploy", "key": "password"}}}
            ])
        );
        let by_key = fragment("ssh://git@git.example/a into=/srv/a secret=deploy");
        let git_sync = container(&by_key, 0);
        assert_eq!(git_sync["env"], json!([{"name": "HOME", "value": "/tmp"}]));
        assert_eq!(
            git_sync["volumeMounts"][2],
            json!({"name": "multipod-sync-1-key", "mountPath": "/etc/git-secret", "readOnly": true})
        );
        assert_eq!(git_sync["args"][9], "--ssh-key-file=/etc/git-secret/ssh");
        assert_eq!(git_sync["args"][10], "--ssh-known-hosts-file=/etc/git-secret/known_hosts");
        assert_eq!(
            json!(by_key.volumes()[2]),
            json!({"name": "multipod-sync-1-key", "secret": {
                "secretName": "deploy",
                "defaultMode": 292,
                "items": [{"key": "ssh", "path": "ssh"}, {"key": "known_hosts", "path": "known_hosts"}]
            }})
        );
    }

    #[test]
    fn authorities_of_ones_own_are_a_file_of_git_sync_alone() {
        for (value, volume) in [
            ("corp", json!({"configMap": {"name": "corp"}})),
            ("configmap/corp", json!({"configMap": {"name": "corp"}})),
            (
                "secret/corp",
                json!({"secret": {"secretName": "corp", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}),
            ),
        ] {
            let fragment = fragment(&format!("https://git.corp/a into=/srv/a ca={value}"));
            let git_sync = container(&fragment, 0);
            assert_eq!(git_sync["env"][1], json!({"name": "GIT_SSL_CAINFO", "value": "/etc/git-ca/ca.crt"}));
            assert_eq!(
                git_sync["volumeMounts"][2],
                json!({"name": "multipod-sync-1-ca", "mountPath": "/etc/git-ca", "readOnly": true})
            );
            let mut expected = volume;
            expected["name"] = json!("multipod-sync-1-ca");
            assert_eq!(json!(fragment.volumes()[2]), expected);
            assert_eq!(fragment.mounts().len(), 1);
        }
    }

    #[test]
    fn a_user_of_the_whole_pod_does_not_replace_the_user_of_the_image() {
        for (pod_user, users_assigned, expected) in [
            (0, false, json!(65533)),
            (1000, false, json!(65533)),
            (65533, false, json!(null)),
            (1000, true, json!(null)),
        ] {
            let mut pod = pod();
            pod["spec"]["securityContext"] = json!({"runAsUser": pod_user});
            let fragment = trial::with_settings("sync", SITE, &pod, &json!({}), users_assigned).unwrap();
            assert_eq!(container(&fragment, 0)["securityContext"]["runAsUser"], expected, "{pod_user}");
        }
    }

    #[test]
    fn the_cluster_says_where_images_come_from() {
        let mirror = json!({"registry": "mirror.example"});
        let fragment = trial::with_settings("sync", SITE, &pod(), &mirror, false).unwrap();
        assert_eq!(container(&fragment, 0)["image"], format!("mirror.example/{}", images::GIT_SYNC));
    }

    #[test]
    fn the_default_container_sees_the_copy_unless_another_is_named() {
        let mut pod = pod();
        pod["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/default-container": "worker"});
        let place = |value: &str| trial::fragment("sync", value, &pod).unwrap().mounts()[0].container;
        assert_eq!(place(SITE), 1);
        assert_eq!(place(&format!("{SITE} container=web")), 0);
    }

    #[test]
    fn places_that_cannot_hold_a_volume_are_faults() {
        let pod = json!({"spec": {
            "containers": [
                {"name": "web", "volumeMounts": [
                    {"name": "conf", "mountPath": "/conf/"},
                    {"name": "data", "mountPath": "/data/"},
                    {"name": "deep", "mountPath": "/data/a/b/c"}
                ]},
                {"name": "worker"}
            ],
            "volumes": [{"name": "conf", "configMap": {"name": "x"}}, {"name": "data", "emptyDir": {}}]
        }});
        for (value, start, end, label) in [
            (
                "https://g.example/x into=/a/b container=wbe",
                40,
                43,
                "expected web or worker, did you mean web?",
            ),
            (
                "https://g.example/x into=/a/b, https://g.example/y into=/a/c",
                56,
                60,
                "another copy is mounted at /a",
            ),
            (
                "https://g.example/x into=/a/b, https://g.example/y into=/a/c/d",
                56,
                62,
                "another copy is mounted at /a",
            ),
            (
                "https://g.example/x into=/a/c/d, https://g.example/y into=/a/b",
                58,
                62,
                "another copy is mounted at /a/c",
            ),
            ("https://g.example/x into=/data/a/html", 25, 37, "volume deep is mounted below, at /data/a/b/c"),
        ] {
            let problems = trial::fragment("sync", value, &pod).unwrap_err();
            assert!(problems[0].label.contains(label), "{value}: {}", problems[0].label);
            assert_eq!((problems[0].span.start, problems[0].span.end), (start, end), "{value}");
        }
        for value in [
            "https://g.example/x into=/a/b, https://g.example/y into=/a/c container=worker",
            "https://g.example/x into=/a/b, https://g.example/y into=/ab/c",
            "https://g.example/x into=/data/site/html",
            // Clashes that the plan finds.
            "https://g.example/x into=/conf/html",
            "https://g.example/x into=/conf/site/html",
        ] {
            assert!(trial::fragment("sync", value, &pod).is_ok(), "{value}");
        }
        let none = trial::fragment("sync", SITE, &trial::pod(&json!([]))).unwrap_err();
        assert!(none[0].label.contains("no container"));
    }

    #[test]
    fn running_again_over_the_result_asks_for_the_same() {
        let value = "ssh://git@git.example/a into=/srv/a secret=k, https://git.example/b into=/b link=x container=worker";
        let first = fragment(value);
        let again = trial::fragment("sync", value, &trial::with(pod(), &first)).unwrap();
        assert_eq!(first, again);
    }
}
