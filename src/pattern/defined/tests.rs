//! From one annotation word to the JSON of what is added.

use serde_json::{Value, json};

use super::*;
use crate::annotation::named;
use crate::pattern::{Names, Settings};
use crate::pod::view::Head;

const POD: &str = r#"{"metadata":{},"spec":{"containers":[{"name":"app"},{"name":"web"}]}}"#;

struct World {
    catalogue: Catalogue,
    settings: Settings,
    users_assigned: bool,
    pod: String,
}

impl World {
    fn new() -> Self {
        World {
            catalogue: Catalogue::default(),
            settings: Settings::default(),
            users_assigned: false,
            pod: POD.to_owned(),
        }
    }

    /// A cluster with patterns of these specs, named `one`, `two`…
    fn with(specs: &[&str]) -> Self {
        let (catalogue, problems) = load(specs);
        assert_eq!(problems, [] as [String; 0]);
        World { catalogue, ..World::new() }
    }

    fn ask(&self, kind: Kind, value: &str) -> Result<Vec<Fragment>, Vec<Fault>> {
        let head = Head::read(&self.pod).unwrap();
        let pod = head.open().unwrap();
        let context = Context {
            namespace: "prod",
            settings: &self.settings,
            catalogue: &self.catalogue,
            upstreams: Names::default(),
            destinations: Names::default(),
            users_assigned: self.users_assigned,
        };
        fragments(kind, &named::parse(value)?, &pod, &context)
    }

    fn metrics(&self, value: &str) -> Vec<Fragment> {
        self.ask(Kind::Metrics, value).unwrap_or_else(|faults| panic!("{value}: {faults:?}"))
    }

    fn custom(&self, value: &str) -> Fragment {
        self.ask(Kind::Custom, value).unwrap_or_else(|faults| panic!("{value}: {faults:?}")).remove(0)
    }
}

fn load(specs: &[&str]) -> (Catalogue, Vec<String>) {
    let names = ["one", "two", "three"];
    let files: Vec<String> = specs
        .iter()
        .zip(names)
        .map(|(spec, name)| {
            format!("apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {{name: {name}}}\nspec:\n{spec}\n")
        })
        .collect();
    let (catalogue, problems) = Catalogue::load(names.into_iter().zip(files.iter().map(String::as_str)));
    (catalogue, problems.iter().map(ToString::to_string).collect())
}

fn container(fragment: &Fragment) -> Value {
    serde_json::to_value(&fragment.containers[0].container).unwrap()
}

#[test]
fn nginx_comes_from_one_word() {
    let fragments = World::new().metrics("nginx");
    assert_eq!(
        container(&fragments[0]),
        json!({
            "name": "multipod-metrics-nginx",
            "image": "nginx/nginx-prometheus-exporter:1.4.2",
            "imagePullPolicy": "IfNotPresent",
            "args": ["--nginx.scrape-uri=http://127.0.0.1:80/nginx_status"],
            "ports": [{"name": "nginx-prom", "containerPort": 9113}],
            "startupProbe": {"tcpSocket": {"port": 9113}, "periodSeconds": 1, "failureThreshold": 60},
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
    let notes: Vec<(&str, &str)> = fragments[0].notes.iter().map(|note| (&*note.key, &*note.value)).collect();
    assert_eq!(
        notes,
        [
            ("prometheus.io/scrape", "true"),
            ("prometheus.io/port", "9113"),
            ("prometheus.io/path", "/metrics")
        ]
    );
}

#[test]
fn every_adapter_takes_its_params() {
    let world = World::new();
    let secret = |secret: &str, key: &str| json!({"secretKeyRef": {"name": secret, "key": key}});
    for (value, pointer, expected) in [
        ("nginx port=8080 path=/status", "/args", json!(["--nginx.scrape-uri=http://127.0.0.1:8080/status"])),
        ("redis", "/env", json!([{"name": "REDIS_ADDR", "value": "redis://127.0.0.1:6379"}])),
        (
            "redis port=6380 secret=cache",
            "/env",
            json!([
                {"name": "REDIS_ADDR", "value": "redis://127.0.0.1:6380"},
                {"name": "REDIS_PASSWORD", "valueFrom": secret("cache", "password")}
            ]),
        ),
        ("redis secret=cache password-key=pw", "/env/1/valueFrom", secret("cache", "pw")),
        ("memcached", "/args", json!(["--memcached.address=127.0.0.1:11211"])),
        (
            "postgres",
            "/env",
            json!([
                {"name": "DATA_SOURCE_URI", "value": "127.0.0.1:5432/postgres?sslmode=disable"},
                {"name": "DATA_SOURCE_USER", "value": "postgres"}
            ]),
        ),
        (
            "postgres port=5433 database=shop_1 secret=db",
            "/env",
            json!([
                {"name": "DATA_SOURCE_URI", "value": "127.0.0.1:5433/shop_1?sslmode=disable"},
                {"name": "DATA_SOURCE_USER", "valueFrom": secret("db", "username")},
                {"name": "DATA_SOURCE_PASS", "valueFrom": secret("db", "password")}
            ]),
        ),
        (
            "postgres secret=db user=exporter",
            "/env/1",
            json!({"name": "DATA_SOURCE_USER", "value": "exporter"}),
        ),
        (
            "mysql secret=db",
            "/args",
            json!(["--mysqld.address=127.0.0.1:3306", "--mysqld.username=$(MYSQLD_EXPORTER_USERNAME)"]),
        ),
        (
            "mysql secret=db user=me password-key=p",
            "/env",
            json!([
                {"name": "MYSQLD_EXPORTER_USERNAME", "value": "me"},
                {"name": "MYSQLD_EXPORTER_PASSWORD", "valueFrom": secret("db", "p")}
            ]),
        ),
        ("apache", "/args", json!(["--scrape_uri=http://127.0.0.1:80/server-status?auto"])),
        (
            "php-fpm path=/fpm",
            "/env",
            json!([{"name": "PHP_FPM_SCRAPE_URI", "value": "tcp://127.0.0.1:9000/fpm"}]),
        ),
        (
            "statsd port=8125",
            "/args",
            json!(["--statsd.listen-udp=127.0.0.1:8125", "--statsd.listen-tcp=127.0.0.1:8125"]),
        ),
    ] {
        let container = container(&world.metrics(value)[0]);
        assert_eq!(container.pointer(pointer), Some(&expected), "{value}");
    }
    let statsd = world.metrics("statsd port=8125").remove(0).containers.remove(0).container;
    assert_eq!((statsd.loopback_ports, statsd.loopback_udp_ports), (vec![8125], vec![8125]));
}

#[test]
fn every_adapter_is_restricted_and_has_port_probe_and_limits() {
    let mut world = World::new();
    let names = ["apache", "memcached", "mysql secret=s", "nginx", "php-fpm", "postgres", "redis", "statsd"];
    for value in names {
        let fragment = world.metrics(value).remove(0);
        let container = container(&fragment);
        let name = value.split(' ').next().unwrap();
        assert_eq!(container["name"], format!("multipod-metrics-{name}"));
        assert_eq!(container["ports"][0]["name"], format!("{name}-prom"));
        assert_eq!(container["startupProbe"]["tcpSocket"]["port"], container["ports"][0]["containerPort"]);
        assert!(container["resources"]["limits"]["memory"].is_string() && container["command"].is_null());
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        let user = (!matches!(name, "nginx" | "redis")).then_some(65534);
        assert_eq!(container["securityContext"].get("runAsUser").and_then(Value::as_i64), user, "{name}");
        assert_eq!(
            (fragment.key, &*fragment.name),
            (crate::annotation::Key::Metrics, &*format!("metrics {name}"))
        );
        assert_eq!(fragment.containers[0].role, Role::Sidecar(None));
    }
    world.users_assigned = true;
    let container = container(&world.metrics("statsd")[0]);
    assert_eq!(
        (container["securityContext"].get("runAsUser"), container["securityContext"].get("runAsGroup")),
        (None, None)
    );
}

#[test]
fn prometheus_is_told_of_one_port_and_the_user_of_the_others() {
    let notes = |fragments: &[Fragment]| -> Vec<usize> { fragments.iter().map(|f| f.notes.len()).collect() };
    let mut world = World::new();
    let fragments = world.metrics("nginx, php-fpm");
    assert_eq!(notes(&fragments), [3, 0]);
    assert_eq!(
        fragments[1].warnings,
        ["prometheus.io/port names the port of nginx, so Prometheus is not told of php-fpm; \
          scrape it by its port name php-fpm-prom (a PodMonitor can)"]
    );
    let annotated =
        |pairs: &str| format!(r#"{{"metadata":{{"annotations":{{{pairs}}}}},"spec":{{"containers":[]}}}}"#);
    // What a first run has added changes nothing the second time.
    world.pod = annotated(
        r#""prometheus.io/scrape":"true","prometheus.io/port":"9113","prometheus.io/path":"/metrics""#,
    );
    assert_eq!(world.metrics("nginx, php-fpm"), fragments);
    for other in [
        r#""prometheus.io/port":"8080""#,
        r#""prometheus.io/scrape":"false""#,
        r#""prometheus.io/path":"/m""#,
    ] {
        world.pod = annotated(other);
        let fragments = world.metrics("nginx, php-fpm");
        assert_eq!(notes(&fragments), [0, 0], "{other}");
        let said = format!("the pod says {}, so", other.replace('"', "").replace(':', ": "));
        assert!(fragments.iter().all(|f| f.warnings[0].starts_with(&said)), "{:?}", fragments[0].warnings);
    }
}

#[test]
fn mistakes_in_an_annotation_point_at_the_word() {
    let world = World::new();
    for (value, start, end, label) in [
        ("ngnix", 0, 5, "php-fpm, postgres, redis or statsd, did you mean nginx?"),
        ("nginx prot=80", 6, 13, "expected port or path, did you mean port?"),
        ("nginx port=80 port=81", 14, 21, "given twice"),
        ("nginx port=8o", 11, 13, "expected a port between 1 and 65535"),
        ("nginx path=status", 11, 17, "expected the path of a URL"),
        ("nginx container=app", 6, 19, "expected port or path"),
        ("nginx memory=64Mi", 6, 17, "setting of the whole pattern"),
        ("mysql", 0, 5, "expected secret=… behind it"),
        ("redis secret=A", 13, 14, "expected the name of an object"),
        ("nginx, redis, image=a:1", 14, 23, "2 patterns are named here, whose image is it?"),
    ] {
        let faults = world.ask(Kind::Metrics, value).unwrap_err();
        assert_eq!((faults[0].span.start, faults[0].span.end), (start, end), "{value}");
        assert!(faults[0].label.contains(label), "{value}: {}", faults[0].label);
        assert_eq!(faults.len(), 1, "{value}: {faults:?}");
    }
    let faults = world.ask(Kind::Metrics, "mysql").unwrap_err();
    assert_eq!(faults[0].help.as_deref(), Some("secret: the Secret that holds user and password"));
    let faults = world.ask(Kind::Custom, "nginx").unwrap_err();
    assert_eq!(faults[0].label, "no patterns are defined in this cluster");
    assert_eq!(faults[0].help.as_deref(), Some("nginx belongs to multipod/metrics."));
    let world = World::with(&["  {description: x}"]);
    let faults = world.ask(Kind::Custom, "onee").unwrap_err();
    assert_eq!(
        (&*faults[0].label, faults[0].summary.as_deref()),
        ("expected one", Some("unknown pattern onee"))
    );
    assert!(world.ask(Kind::Custom, &"one x=1,".repeat(999)).unwrap_err().len() <= 5);
}

#[test]
fn settings_of_value_and_cluster_reach_the_containers() {
    let mut world = World::new();
    world.settings = serde_json::from_value(json!({
        "registry": "mirror.example",
        "patterns": {"metrics-redis": {"image": "own/redis:1", "memory": "200Mi"}}
    }))
    .unwrap();
    let container = |value: &str, at: usize| {
        serde_json::to_value(&world.metrics(value)[at].containers[0].container).unwrap()
    };
    assert_eq!(container("nginx", 0)["image"], "mirror.example/nginx/nginx-prometheus-exporter:1.4.2");
    assert_eq!(container("redis", 0)["image"], "own/redis:1");
    assert_eq!(container("redis", 0)["resources"]["limits"]["memory"], "200Mi");
    let asked = container("nginx, image=mine cpu=1/2 memory=100Mi sidecar=classic", 0);
    assert_eq!((&asked["image"], &asked["imagePullPolicy"]), (&json!("mine"), &json!("Always")));
    assert_eq!(
        asked["resources"],
        json!({"requests": {"cpu": "1", "memory": "100Mi"}, "limits": {"cpu": "2", "memory": "100Mi"}})
    );
    assert_eq!(container("nginx, redis, memory=1Gi", 1)["resources"]["requests"]["memory"], "1Gi");
    let role = world.metrics("nginx, sidecar=classic")[0].containers[0].role;
    assert_eq!(role, Role::Sidecar(Some(settings::Sidecar::Classic)));
}

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
        serde_json::to_value(&fragment.volumes).unwrap(),
        json!([
            {"name": "multipod-spool", "emptyDir": {"sizeLimit": "10Mi"}},
            {"name": "multipod-keys", "secret": {"secretName": "keys"}}
        ])
    );
    assert!(fragment.volumes[0].holds_node() && !fragment.volumes[1].holds_node());
    assert_eq!((fragment.mounts[0].container, &*fragment.mounts[0].mount.mount_path), (0, "/var/audit"));
    assert_eq!(fragment.env[0].env.value.as_deref(), Some("/var/audit"));
    assert_eq!((&*fragment.notes[0].key, &*fragment.notes[0].value), ("example.com/audit", "level-debug"));
    assert_eq!((fragment.sysctls.len(), fragment.share_process_namespace), (1, Some(true)));
    let roles: Vec<Role> = fragment.containers.iter().map(|addition| addition.role).collect();
    assert_eq!(roles, [Role::Sidecar(None), Role::Step]);
    assert_eq!(fragment.name, "patterns one");
}

#[test]
fn what_names_an_optional_param_is_left_out_with_it() {
    let fragment = World::with(&[TAP]).custom("one");
    let container = container(&fragment);
    assert_eq!(container["args"], json!(["--level=info", "--pod=$(POD)"]));
    assert_eq!((container.get("ports"), container.get("livenessProbe")), (None, None));
    assert_eq!((fragment.volumes.len(), container["volumeMounts"].as_array().unwrap().len()), (1, 1));
}

#[test]
fn the_apps_container_is_chosen_by_option_file_or_default() {
    let spec = |container: &str| format!("  app: {{container: {container}, env: [{{name: A, value: b}}]}}");
    let chosen = |world: &World, value: &str| -> Vec<usize> {
        world.custom(value).env.iter().map(|env| env.container).collect()
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
    let faults = world.ask(Kind::Custom, "one container=wep").unwrap_err();
    assert_eq!(
        (faults[0].span.start, &*faults[0].label),
        (14, "expected a container of the pod: app or web, did you mean web?")
    );
    world.pod = r#"{"spec":{"containers":[{"name":"app"},{"name":"multipod-x"}]}}"#.to_owned();
    assert_eq!(chosen(&world, "two"), [0], "our own sidecars of an earlier run are not the app");
    assert_eq!(world.ask(Kind::Custom, "three").unwrap_err()[0].span.end, 5);
}

#[test]
fn an_administrators_images_are_theirs() {
    let container = "containers: [{name: a, image: 'r.corp/a:1'}]";
    let mut world =
        World::with(&[&format!("  {container}\n  allow: [root]"), &format!("  {container}"), TAP]);
    world.settings.registry = Some("mirror.example".to_owned());
    let image = |world: &World, value: &str| world.custom(value).containers[0].container.image.clone();
    assert_eq!(image(&world, "two"), "r.corp/a:1");
    assert_eq!(image(&world, "two, image=b:1"), "b:1");
    for (value, why) in [("one, image=b:1", "has privileges"), ("three, image=b:1", "has 2 containers")] {
        assert!(world.ask(Kind::Custom, value).unwrap_err()[0].label.contains(why), "{value}");
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
        let fault = check(&less, &fragment, &request.items[0]).unwrap_err();
        assert!(fault.label.contains(missing.name()), "{}: {}", missing.name(), fault.label);
    }
    assert_eq!(check(definition, &fragment, &request.items[0]), Ok(()));
}

/// Everything that a param may not change, with what it may change blanked.
fn skeleton(fragment: &Fragment) -> Value {
    let mut containers: Vec<Value> = fragment
        .containers
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
    let mounts: Vec<&str> = fragment.mounts.iter().map(|mount| &*mount.mount.name).collect();
    let notes: Vec<&str> = fragment.notes.iter().map(|note| &*note.key).collect();
    json!({"containers": containers, "volumes": fragment.volumes, "mounts": mounts, "notes": notes})
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
        let args = &hostile.containers[0].container.args;
        proptest::prop_assert_eq!(&args[0], &format!("--a={}", text.replace('$', "$$")));
        let variables = hostile.containers[0].container.env.iter().map(|env| env.value.clone().unwrap());
        let escaped = |text: &str| text.replace('$', "$$");
        let expected = [escaped(&text), format!("x{}", escaped(&other))];
        proptest::prop_assert!(variables.eq(expected));
        proptest::prop_assert_eq!(&hostile.notes[0].value, &format!("{{\"a\": {text}}}"));
    }

    #[test]
    fn no_text_makes_an_adapter_do_anything_else(text in "/[ -~]{0,30}|[a-z0-9_.-]{1,20}|[0-9]{1,5}|\\PC{1,20}") {
        let text = text.replace('\\', "").replace('"', "");
        let world = World::new();
        for (adapter, param) in [("nginx", "path"), ("php-fpm", "path"), ("postgres", "database"), ("redis", "secret"), ("statsd", "port")] {
            let Ok(fragments) = world.ask(Kind::Metrics, &format!("{adapter} {param}=\"{text}\"")) else { continue };
            let usual = world.metrics(&format!("{adapter} {param}={}", if param == "path" { "/x" } else { "1" }));
            let (asked, usual) = (&fragments[0].containers[0].container, &usual[0].containers[0].container);
            let words = |container: &crate::pattern::container::Container| (container.args.len(), container.env.len());
            proptest::prop_assert_eq!(words(asked), words(usual));
            proptest::prop_assert!(!serde_json::to_string(asked).unwrap().contains("$("));
            let same = crate::pattern::container::Container {
                args: asked.args.clone(),
                env: asked.env.clone(),
                loopback_ports: asked.loopback_ports.clone(),
                loopback_udp_ports: asked.loopback_udp_ports.clone(),
                ..usual.clone()
            };
            proptest::prop_assert_eq!(asked, &same);
        }
    }
}

#[test]
fn a_pod_of_root_does_not_make_root_of_an_adapter() {
    let user = |pod: &str, assigned: bool, adapter: &str| {
        let world = World { pod: pod.to_owned(), users_assigned: assigned, ..World::new() };
        json!(world.metrics(adapter)[0].containers[0].container)["securityContext"]["runAsUser"].clone()
    };
    let root = r#"{"spec":{"securityContext":{"runAsUser":0},"containers":[{"name":"app"}]}}"#;
    assert_eq!(user(root, false, "nginx"), 65532);
    assert_eq!(user(root, false, "apache"), user(POD, false, "apache"));
    assert_eq!(user(root, true, "nginx"), Value::Null);
    assert_eq!(user(POD, false, "nginx"), Value::Null);
}
