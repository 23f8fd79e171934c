//! Administrators' own patterns.

use super::*;

const TAP: &str = "
  description: Copies what the app writes to a central place
  params:
    level: {type: enum, values: [debug, info], default: info}
    folder: {type: path, default: /var/audit}
    port: {type: port, optional: true}
    secret: {type: secret, optional: true}
    size: {type: quantity, default: 10Mi}
    note: {type: string, optional: true}
  containers:
    - name: tap
      image: team/tap:2
      command: [tap]
      args: [--level=$(params.level), '--note=$(params.note)', '--pod=$(POD)']
      env:
        - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
      ports: [{containerPort: $(params.port), name: tap}]
      volumeMounts:
        - {name: spool, mountPath: /spool, readOnly: true}
        - {name: keys, mountPath: /keys}
      livenessProbe: {httpGet: {path: /healthz, port: $(params.port)}, periodSeconds: 30}
      terminationMessagePolicy: FallbackToLogsOnError
      securityContext: {readOnlyRootFilesystem: false, runAsUser: 1234}
    - name: prepare
      image: team/tap:2
      role: step
  volumes:
    - {name: spool, emptyDir: {sizeLimit: $(params.size)}}
    - {name: keys, secret: {secretName: $(params.secret)}}
  app:
    mounts: [{name: spool, mountPath: $(params.folder)}]
    env: [{name: AUDIT_FOLDER, value: $(params.folder)}]
  annotations: {example.com/audit: level-$(params.level)}
  sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: '0'}]
  shareProcessNamespace: true
";

#[test]
fn an_administrators_pattern_can_add_all_that_a_pattern_adds() {
    let fragment =
        World::with(&[TAP]).custom("one level=debug port=8080 secret=keys note=\"$(POD) $\", memory=64Mi");
    let container = container(&fragment);
    assert_eq!(container["args"], json!(["--level=debug", "--note=$$(POD) $$", "--pod=$(POD)"]));
    assert_eq!(container["ports"], json!([{"name": "tap", "containerPort": 8080}]));
    assert_eq!(
        container["livenessProbe"],
        json!({"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 30})
    );
    assert_eq!(container["terminationMessagePolicy"], "FallbackToLogsOnError");
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], false);
    assert_eq!(container["securityContext"]["runAsUser"], 1234);
    assert_eq!(
        container["volumeMounts"],
        json!([
            {"name": "multipod-spool", "mountPath": "/spool", "readOnly": true},
            {"name": "multipod-keys", "mountPath": "/keys"}
        ])
    );
    assert_eq!(
        serde_json::to_value(fragment.volumes()).unwrap(),
        json!([
            {"name": "multipod-spool", "emptyDir": {"sizeLimit": "10Mi"}},
            {"name": "multipod-keys", "secret": {"secretName": "keys"}}
        ])
    );
    assert!(fragment.volumes()[0].holds_node() && !fragment.volumes()[1].holds_node());
    assert_eq!((fragment.mounts()[0].container, &*fragment.mounts()[0].mount.mount_path), (0, "/var/audit"));
    assert_eq!(fragment.env()[0].env.value.as_deref(), Some("/var/audit"));
    assert_eq!(
        (&*fragment.notes()[0].key, &*fragment.notes()[0].value),
        ("example.com/audit", "level-debug")
    );
    assert_eq!((fragment.sysctls().len(), fragment.shares_processes()), (1, true));
    let roles: Vec<Role> = fragment.containers().iter().map(|addition| addition.role).collect();
    assert_eq!(roles, [Role::Sidecar(None), Role::Step]);
    assert_eq!(fragment.name, "patterns one");
}

#[test]
fn what_names_an_optional_param_is_left_out_with_it() {
    let fragment = World::with(&[TAP]).custom("one");
    let container = container(&fragment);
    assert_eq!(container["args"], json!(["--level=info", "--pod=$(POD)"]));
    assert_eq!((container.get("ports"), container.get("livenessProbe")), (None, None));
    assert_eq!((fragment.volumes().len(), container["volumeMounts"].as_array().unwrap().len()), (1, 1));
}

#[test]
fn the_apps_container_is_chosen_by_option_file_or_default() {
    let spec = |container: &str| format!("  app: {{container: {container}, env: [{{name: A, value: b}}]}}");
    let chosen = |world: &World, value: &str| -> Vec<usize> {
        world.custom(value).env().iter().map(|env| env.container).collect()
    };
    let mut world = World::with(&[&spec("default"), &spec("all"), &spec("web")]);
    for (value, containers) in [
        ("one", vec![0]),
        ("two", vec![0, 1]),
        ("three", vec![1]),
        ("one container=web", vec![1]),
        ("two container=app", vec![0]),
    ] {
        assert_eq!(chosen(&world, value), containers, "{value}");
    }
    let problems = world.ask(PatternKind::Custom, "one container=wep").unwrap_err();
    assert_eq!(
        (problems[0].span.start, &*problems[0].label),
        (14, "expected a container of the pod: app or web, did you mean web?")
    );
    world.pod = r#"{"spec":{"containers":[{"name":"app"},{"name":"multipod-x"}]}}"#.to_owned();
    assert_eq!(chosen(&world, "two"), [0], "our own sidecars of an earlier run are not the app");
    assert_eq!(world.ask(PatternKind::Custom, "three").unwrap_err()[0].span.end, 5);
}

#[test]
fn an_administrators_images_are_theirs() {
    let container = "containers: [{name: a, image: 'r.corp/a:1'}]";
    let mut world =
        World::with(&[&format!("  {container}\n  allow: [root]"), &format!("  {container}"), TAP]);
    world.settings.registry = Some("mirror.example".to_owned());
    let image = |world: &World, value: &str| world.custom(value).containers()[0].container.image.clone();
    assert_eq!(image(&world, "two"), "r.corp/a:1");
    assert_eq!(image(&world, "two, image=b:1"), "b:1");
    for (value, why) in [("one, image=b:1", "has privileges"), ("three, image=b:1", "has 2 containers")] {
        assert!(world.ask(PatternKind::Custom, value).unwrap_err()[0].label.contains(why), "{value}");
    }
}

#[test]
fn the_ceiling_is_checked_again_when_a_pattern_is_used() {
    let spec = "
  allow: [hostPath, hostPort, privileged, capabilities, root, sysctls]
  containers:
    - name: a
      image: a:1
      securityContext: {privileged: true, runAsUser: 0, capabilities: {add: [NET_ADMIN]}}
      ports: [{containerPort: 1, hostPort: 1}]
  volumes: [{name: v, hostPath: {path: /}}]
  sysctls: [{name: kernel.msgmax, value: '1'}]";
    let world = World::with(&[spec]);
    let fragment = world.custom("one");
    assert_eq!(
        container(&fragment)["securityContext"],
        json!({
            "runAsNonRoot": false,
            "runAsUser": 0,
            "readOnlyRootFilesystem": true,
            "privileged": true,
            "allowPrivilegeEscalation": true,
            "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"}
        })
    );
    let request = named::parse("one").unwrap();
    let definition = world.catalogue.get("one").unwrap();
    for at in 0..definition.allow.len() {
        let mut less = definition.clone();
        let missing = less.allow.remove(at);
        let problem = check(&less, &fragment, &request.items[0]).unwrap_err();
        assert!(problem.label.contains(missing.name()), "{}: {}", missing.name(), problem.label);
    }
    assert_eq!(check(definition, &fragment, &request.items[0]), Ok(()));
}

#[test]
fn resources_that_a_file_does_not_say_give_way_to_those_that_it_says() {
    for (said, requests, limits) in [
        ("{}", json!({"cpu": "10m", "memory": "32Mi"}), json!({"memory": "128Mi"})),
        ("{limits: {memory: 16Mi}}", json!({"cpu": "10m", "memory": "16Mi"}), json!({"memory": "16Mi"})),
        ("{requests: {memory: 1Gi}}", json!({"cpu": "10m", "memory": "1Gi"}), json!({"memory": "1Gi"})),
        ("{requests: {memory: 40Mi}}", json!({"cpu": "10m", "memory": "40Mi"}), json!({"memory": "128Mi"})),
        (
            "{limits: {cpu: 5m}}",
            json!({"cpu": "5m", "memory": "32Mi"}),
            json!({"cpu": "5m", "memory": "128Mi"}),
        ),
        ("{requests: {cpu: 1}}", json!({"cpu": "1", "memory": "32Mi"}), json!({"memory": "128Mi"})),
    ] {
        let world = World::with(&[&format!("  containers: [{{name: a, image: 'a:1', resources: {said}}}]")]);
        let container = container(&world.custom("one"));
        assert_eq!(container["resources"], json!({"requests": requests, "limits": limits}), "{said}");
    }
}

#[test]
fn a_pull_policy_is_the_files_or_fits_the_image() {
    let spec = |policy: &str| format!("  containers: [{{name: a, image: 'a:1'{policy}}}]");
    let world =
        World::with(&[&spec(""), &spec(", imagePullPolicy: Always"), &spec(", imagePullPolicy: Never")]);
    for (value, policy) in [
        ("one", "IfNotPresent"),
        ("one, image=b", "Always"),
        ("two", "Always"),
        ("three", "Never"),
        ("three, image=b", "Never"),
    ] {
        assert_eq!(world.custom(value).containers()[0].container.image_pull_policy, policy, "{value}");
    }
}

/// Everything that a param may not change, with what it may change blanked.
fn skeleton(fragment: &Fragment) -> Value {
    let mut containers: Vec<Value> = fragment
        .containers()
        .iter()
        .map(|addition| serde_json::to_value(&addition.container).unwrap())
        .collect();
    for container in &mut containers {
        for pointer in ["/args/0", "/args/1", "/args/2", "/env/0/value", "/env/1/value"] {
            if let Some(hole) = container.pointer_mut(pointer) {
                let kind = hole.is_string();
                *hole = json!(kind);
            }
        }
    }
    let mounts: Vec<&str> = fragment.mounts().iter().map(|mount| &*mount.mount.name).collect();
    let notes: Vec<&str> = fragment.notes().iter().map(|note| &*note.key).collect();
    json!({"containers": containers, "volumes": fragment.volumes(), "mounts": mounts, "notes": notes})
}

const HOLES: &str = "
  params: {text: {type: string}, other: {type: string, default: x}}
  containers:
    - name: a
      image: a:1
      command: [run, '$(HOME)']
      args: ['--a=$(params.text)', '$$(x)$(params.text)(HOME)', '--b=$(params.text)$(params.other)']
      env: [{name: A, value: $(params.text)}, {name: B, value: 'x$(params.other)'}]
      volumeMounts: [{name: v, mountPath: /v, subPathExpr: $(A)}]
  volumes: [{name: v, emptyDir: {}}]
  app: {mounts: [{name: v, mountPath: /v}]}
  annotations: {example.com/a: '{\"a\": $(params.text)}'}
";

proptest::proptest! {
    #[test]
    fn no_param_changes_the_structure(text in "([$()a-zA-Z.{}:\\-\\[\\]\"'\\\\#&*!|> ]|\\PC){1,60}", other in "[$()A-Z]{1,8}") {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let world = World::with(&[HOLES]);
        let plain = world.custom("one text=plain");
        let value = format!("one text=\"{}\" other=\"{}\"", quoted(&text), quoted(&other));
        let hostile = world.custom(&value);
        proptest::prop_assert_eq!(skeleton(&hostile), skeleton(&plain));
        let args = &hostile.containers()[0].container.args;
        proptest::prop_assert_eq!(&args[0], &format!("--a={}", text.replace('$', "$$")));
        let variables = hostile.containers()[0].container.env.iter().map(|env| env.value.clone().unwrap());
        let escaped = |text: &str| text.replace('$', "$$");
        let expected = [escaped(&text), format!("x{}", escaped(&other))];
        proptest::prop_assert!(variables.eq(expected));
        proptest::prop_assert_eq!(&hostile.notes()[0].value, &format!("{{\"a\": {text}}}"));
    }
}
