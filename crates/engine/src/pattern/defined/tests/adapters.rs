//! The adapters that multipod brings.

use super::*;
use crate::pattern::images;

#[test]
fn nginx_comes_from_one_word() {
    let fragments = World::new().metrics("nginx");
    assert_eq!(
        container(&fragments[0]),
        json!({
            "name": "multipod-metrics-nginx",
            "image": images::of("metrics-nginx"),
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
    let notes: Vec<(&str, &str)> =
        fragments[0].notes().iter().map(|note| (&*note.key, &*note.value)).collect();
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
                {"name": "PGUSER", "value": "postgres"}
            ]),
        ),
        (
            "postgres port=5433 database=shop_1 secret=db",
            "/env",
            json!([
                {"name": "DATA_SOURCE_URI", "value": "127.0.0.1:5433/shop_1?sslmode=disable"},
                {"name": "PGUSER", "valueFrom": secret("db", "username")},
                {"name": "PGPASSWORD", "valueFrom": secret("db", "password")}
            ]),
        ),
        ("postgres secret=db user=exporter", "/env/1", json!({"name": "PGUSER", "value": "exporter"})),
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
    let statsd = world.metrics("statsd port=8125")[0].containers()[0].container.clone();
    assert_eq!((statsd.loopback_ports, statsd.loopback_udp_ports), (vec![8125], vec![8125]));
}

#[test]
fn every_adapter_is_restricted_and_has_port_probe_and_limits() {
    let mut world = World::new();
    for definition in Catalogue::builtin().iter() {
        let value = &definition.example();
        let fragment = world.metrics(value).remove(0);
        let container = container(&fragment);
        let name = value.split(' ').next().unwrap();
        assert_eq!(container["name"], format!("multipod-metrics-{name}"));
        assert_eq!(container["ports"][0]["name"], format!("{name}-prom"));
        assert_eq!(container["startupProbe"]["tcpSocket"]["port"], container["ports"][0]["containerPort"]);
        assert!(container["resources"]["limits"]["memory"].is_string() && container["command"].is_null());
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        let user = container["securityContext"].get("runAsUser").and_then(Value::as_i64);
        // The image's own user is a number, or there is one here.
        assert!(user == Some(65534) || user.is_none() && matches!(name, "nginx" | "redis"), "{name}");
        assert_eq!(
            (fragment.key, &*fragment.name),
            (crate::annotation::Key::Metrics, &*format!("metrics {name}"))
        );
        assert_eq!(fragment.containers()[0].role, Role::Sidecar(None));
    }
    world.settings.assigned_users = true;
    let container = container(&world.metrics("statsd")[0]);
    assert_eq!(
        (container["securityContext"].get("runAsUser"), container["securityContext"].get("runAsGroup")),
        (None, None)
    );
}

#[test]
fn prometheus_is_told_of_one_port_and_the_user_of_the_others() {
    let notes =
        |fragments: &[Fragment]| -> Vec<usize> { fragments.iter().map(|f| f.notes().len()).collect() };
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
fn the_first_sidecar_is_the_exporter_and_its_own_probe_stays() {
    let spec = "
  kind: metrics
  scrape: {port: 9000, path: /m, name: own}
  containers:
    - {name: prepare, image: 'a:1', role: step}
    - {name: exporter, image: 'a:1', startupProbe: {exec: {command: [ready]}}}";
    let fragment = World::with(&[spec]).metrics("one").remove(0);
    let [step, exporter] =
        [0, 1].map(|at: usize| serde_json::to_value(&fragment.containers()[at].container).unwrap());
    assert_eq!((step.get("ports"), step.get("startupProbe")), (None, None));
    assert_eq!(exporter["ports"], json!([{"name": "own", "containerPort": 9000}]));
    assert_eq!(exporter["startupProbe"], json!({"exec": {"command": ["ready"]}}));
    assert_eq!(fragment.notes()[2].value, "/m");
}

#[test]
fn mistakes_in_an_annotation_point_at_the_word() {
    let world = World::new();
    for (value, start, end, label) in [
        ("ngnix", 0, 5, ", did you mean nginx?"),
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
        let problems = world.ask(PatternKind::Metrics, value).unwrap_err();
        assert_eq!((problems[0].span.start, problems[0].span.end), (start, end), "{value}");
        assert!(problems[0].label.contains(label), "{value}: {}", problems[0].label);
        assert_eq!(problems.len(), 1, "{value}: {problems:?}");
    }
    let problems = world.ask(PatternKind::Metrics, "mysql").unwrap_err();
    assert_eq!(problems[0].help.as_deref(), Some("secret: the Secret that holds user and password"));
    let problems = world.ask(PatternKind::Custom, "nginx").unwrap_err();
    assert_eq!(
        problems[0].label,
        "no patterns are defined here; on the command line, --policy-dir says where they are"
    );
    assert_eq!(problems[0].help.as_deref(), Some("nginx belongs to multipod/metrics."));
    let problems = world.ask(PatternKind::Custom, "ambassador").unwrap_err();
    assert_eq!(problems[0].help.as_deref(), Some("ambassador has a key of its own: multipod/ambassador."));
    let problems = world.ask(PatternKind::Metrics, "nginx:8081").unwrap_err();
    assert_eq!(
        problems[0].help.as_deref(),
        Some("Params stand behind the name; multipod patterns nginx lists them.")
    );
    let world = World::with(&["  {shareProcessNamespace: true}"]);
    let problems = world.ask(PatternKind::Custom, "onee").unwrap_err();
    assert_eq!(
        (&*problems[0].label, problems[0].summary.as_deref()),
        ("expected one", Some("unknown pattern onee"))
    );
    assert!(world.ask(PatternKind::Custom, &"one x=1,".repeat(999)).unwrap_err().len() <= 5);
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
        serde_json::to_value(&world.metrics(value)[at].containers()[0].container).unwrap()
    };
    assert_eq!(
        container("nginx", 0)["image"],
        format!("mirror.example/{}", images::of("metrics-nginx").unwrap())
    );
    assert_eq!(container("redis", 0)["image"], "own/redis:1");
    assert_eq!(container("redis", 0)["resources"]["limits"]["memory"], "200Mi");
    let asked = container("nginx, image=mine cpu=1/2 memory=100Mi sidecar=classic", 0);
    assert_eq!((&asked["image"], &asked["imagePullPolicy"]), (&json!("mine"), &json!("Always")));
    assert_eq!(
        asked["resources"],
        json!({"requests": {"cpu": "1", "memory": "100Mi"}, "limits": {"cpu": "2", "memory": "100Mi"}})
    );
    assert_eq!(container("nginx, redis, memory=1Gi", 1)["resources"]["requests"]["memory"], "1Gi");
    let role = world.metrics("nginx, sidecar=classic")[0].containers()[0].role;
    assert_eq!(role, Role::Sidecar(Some(settings::Sidecar::Classic)));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_an_adapter_do_anything_else(text in "/[ -~]{0,30}|[a-z0-9_.-]{1,20}|[0-9]{1,5}|\\PC{1,20}") {
        let text = text.replace(['\\', '"'], "");
        let world = World::new();
        for (adapter, param) in [("nginx", "path"), ("php-fpm", "path"), ("postgres", "database"), ("redis", "secret"), ("statsd", "port")] {
            let Ok(fragments) = world.ask(PatternKind::Metrics, &format!("{adapter} {param}=\"{text}\"")) else { continue };
            let usual = world.metrics(&format!("{adapter} {param}={}", if param == "path" { "/x" } else { "1" }));
            let (asked, usual) = (&fragments[0].containers()[0].container, &usual[0].containers()[0].container);
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
        let mut world = World { pod: pod.to_owned(), ..World::new() };
        world.settings.assigned_users = assigned;
        json!(world.metrics(adapter)[0].containers()[0].container)["securityContext"]["runAsUser"].clone()
    };
    let root = r#"{"spec":{"securityContext":{"runAsUser":0},"containers":[{"name":"app"}]}}"#;
    assert_eq!(user(root, false, "nginx"), 65532);
    assert_eq!(user(root, false, "apache"), user(POD, false, "apache"));
    assert_eq!(user(root, true, "nginx"), Value::Null);
    assert_eq!(user(POD, false, "nginx"), Value::Null);
}
