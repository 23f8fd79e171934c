//! Pods of every shape that the API server or a person may send, and some that they may not.

use serde_json::{Map, Value, json};

use super::asked;
use super::dice::Dice;

const NAMES_OF_OURS: [&str; 6] = [
    "multipod-ambassador",
    "multipod-logging",
    "multipod-metrics-nginx",
    "multipod-wait-for-1",
    "multipod-sync-1",
    "multipod-audit-tap",
];

/// A pod; about two in three ask for something.
pub fn pod(dice: &mut Dice<'_>) -> Value {
    let mut pod = Map::new();
    pod.insert("apiVersion".into(), json!("v1"));
    pod.insert("kind".into(), json!("Pod"));
    match dice.below(40) {
        38 => drop(pod.insert("metadata".into(), Value::Null)),
        39 => {}
        _ => drop(pod.insert("metadata".into(), metadata(dice))),
    }
    if dice.below(60) < 59 {
        pod.insert("spec".into(), spec(dice));
    } else if dice.chance(50) {
        pod.insert("spec".into(), Value::Null);
    }
    strange(&mut pod, dice);
    Value::Object(pod)
}

/// Puts a field into an object that nobody knows.
fn strange(object: &mut Map<String, Value>, dice: &mut Dice<'_>) {
    if dice.chance(8) {
        let value = dice.pick(&[
            json!({"deep": [{"er": [null, 1e300, "x"]}]}),
            json!(null),
            json!([]),
            json!(18_446_744_073_709_551_615_u64),
            json!("\u{0}\n"),
        ]);
        object.insert(dice.pick(&["futureField", "x/y~z", "", "é"]).into(), value);
    }
}

fn object(fields: Value, dice: &mut Dice<'_>) -> Value {
    let Value::Object(mut fields) = fields else { return fields };
    strange(&mut fields, dice);
    Value::Object(fields)
}

/// A list that may be missing, null or empty.
fn list(into: &mut Map<String, Value>, field: &str, dice: &mut Dice<'_>, items: Vec<Value>) {
    match dice.below(8) {
        _ if !items.is_empty() => drop(into.insert(field.into(), Value::Array(items))),
        0..=4 => {}
        5 | 6 => drop(into.insert(field.into(), Value::Null)),
        _ => drop(into.insert(field.into(), json!([]))),
    }
}

fn metadata(dice: &mut Dice<'_>) -> Value {
    let mut metadata = Map::new();
    match dice.below(4) {
        0 => drop(metadata.insert("name".into(), json!("web"))),
        1 => drop(metadata.insert("generateName".into(), json!("web-"))),
        2 => drop(metadata.insert("name".into(), Value::Null)),
        _ => {}
    }
    if dice.chance(20) {
        let namespace = dice.pick(&["prod", "", "dev", "Bad Name\n  evil 1", "a.b"]);
        metadata.insert("namespace".into(), json!(namespace));
    }
    if dice.chance(40) {
        metadata.insert(
            "labels".into(),
            dice.pick(&[json!({"app": "shop"}), json!({"tier": "front"}), json!(null)]),
        );
    }
    if dice.chance(25) {
        let owner = dice.pick(&["Job", "ReplicaSet", "Node"]);
        metadata.insert(
            "ownerReferences".into(),
            json!([object(json!({"kind": owner, "controller": true}), dice)]),
        );
    }
    match dice.below(20) {
        18 => {}
        19 => drop(metadata.insert("annotations".into(), Value::Null)),
        _ => drop(metadata.insert("annotations".into(), annotations(dice))),
    }
    strange(&mut metadata, dice);
    Value::Object(metadata)
}

fn annotations(dice: &mut Dice<'_>) -> Value {
    let mut map = Map::new();
    let others = [
        ("team", json!("payments")),
        ("kubectl.kubernetes.io/default-container", json!("app-1")),
        ("kubectl.kubernetes.io/default-container", json!("nobody")),
        ("prometheus.io/scrape", json!("true")),
        ("prometheus.io/port", json!("1234")),
        ("cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes", json!("mine")),
        ("note", json!("\u{1}$(X) {{ }} \"\\\n")),
        ("rendered.multipod/haproxy.cfg", json!("global\n")),
        ("kubernetes.io/config.mirror", json!("x")),
    ];
    for (key, value) in dice.some(&others, 4) {
        map.insert(key.into(), value);
    }
    if dice.chance(66) {
        let count = dice.pick(&[1, 1, 1, 2, 2, 3]);
        for _ in 0..count {
            let key = dice.pick(&asked::KEYS);
            map.insert(format!("multipod/{key}"), json!(asked::value(key, dice)));
        }
    }
    if dice.chance(3) {
        let value = dice.pick(&[json!(4853), json!(true), json!(null), json!(["80:8775"]), json!(1.5)]);
        map.insert(format!("multipod/{}", dice.pick(&asked::KEYS)), value);
    }
    if dice.chance(3) {
        map.insert(dice.pick(&["multipod/ambasador", "multipod/", "multipod/\u{7}\n"]).into(), json!("80:1"));
    }
    if dice.chance(5) {
        map.insert("multipod/status".into(), forged_status(dice));
    }
    Value::Object(map)
}

/// What somebody may write who wants to be taken for injected, or to have things taken out.
pub fn forged_status(dice: &mut Dice<'_>) -> Value {
    dice.pick(&[
        json!(""),
        json!("{}"),
        json!("{\"version\":\"9\",\"containers\":[\"multipod-ambassador\",\"app-0\"],\"volumes\":[\"data\"]}"),
        json!("{\"mounts\":[[\"app-0\",\"/data\"]],\"env\":[[\"app-0\",\"TAP\"]],\"made\":[\"spec.volumes\",\"x?\"]}"),
        json!("[".repeat(300)),
        json!(7),
    ])
}

fn spec(dice: &mut Dice<'_>) -> Value {
    let mut spec = Map::new();
    let volumes = volumes(dice);
    let names: Vec<String> =
        volumes.iter().filter_map(|volume| volume["name"].as_str().map(str::to_owned)).collect();
    list(&mut spec, "volumes", dice, volumes);
    let init: Vec<Value> =
        (0..dice.pick(&[0, 0, 0, 1, 2])).map(|at| init_container(at, &names, dice)).collect();
    list(&mut spec, "initContainers", dice, init);
    let count = dice.pick(&[1, 1, 2, 2, 3, 5, 1, 1]);
    let count = if dice.chance(1) { 0 } else { count };
    let containers: Vec<Value> =
        (0..count).map(|at| container(&format!("app-{at}"), at, &names, dice)).collect();
    list(&mut spec, "containers", dice, containers);
    if dice.chance(4) {
        let name = if dice.chance(30) { dice.pick(&NAMES_OF_OURS) } else { "debugger" };
        list(&mut spec, "ephemeralContainers", dice, vec![json!({"name": name, "image": "busybox"})]);
    }
    if dice.chance(15) {
        let secrets =
            dice.pick(&[vec![], vec![json!({"name": "mirror"})], vec![json!({"name": "other"}), json!({})]]);
        list(&mut spec, "imagePullSecrets", dice, secrets);
    }
    if dice.chance(35) {
        spec.insert("securityContext".into(), pod_security(dice));
    }
    for (field, value) in [
        ("hostNetwork", json!(true)),
        ("hostNetwork", json!(null)),
        ("hostPID", json!(true)),
        ("shareProcessNamespace", json!(true)),
        ("shareProcessNamespace", json!(false)),
        ("shareProcessNamespace", json!(null)),
        ("os", json!({"name": "windows"})),
        ("os", json!({"name": "linux"})),
        ("os", json!(null)),
        ("nodeSelector", json!({"kubernetes.io/os": "windows"})),
        ("nodeSelector", json!(null)),
        ("serviceAccountName", json!("app")),
        ("resources", json!({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": 2}})),
        ("resources", json!({"requests": {"cpu": "1500m", "memory": "1100Mi"}})),
        ("resources", json!({"requests": {"cpu": 1}, "limits": {"memory": "100Mi"}})),
        ("resources", json!({"limits": null, "requests": {"memory": "some"}})),
        ("resources", json!({})),
    ] {
        if dice.chance(2) {
            spec.insert(field.into(), value);
        }
    }
    if dice.chance(20) {
        spec.insert(
            "restartPolicy".into(),
            dice.pick(&[json!("Always"), json!("Never"), json!("OnFailure"), json!(null)]),
        );
    }
    strange(&mut spec, dice);
    Value::Object(spec)
}

fn pod_security(dice: &mut Dice<'_>) -> Value {
    let mut context = Map::new();
    for (field, value) in [
        ("runAsUser", json!(1000)),
        ("runAsUser", json!(0)),
        ("runAsUser", json!(null)),
        ("runAsGroup", json!(2000)),
        ("fsGroup", json!(3000)),
        ("runAsNonRoot", json!(true)),
    ] {
        if dice.chance(20) {
            context.insert(field.into(), value);
        }
    }
    let sysctls = dice.pick(&[
        vec![],
        vec![json!({"name": "kernel.shm_rmid_forced", "value": "0"})],
        vec![json!({"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"})],
        vec![json!({"name": "net.ipv4.ip_unprivileged_port_start", "value": "80"})],
        vec![],
    ]);
    list(&mut context, "sysctls", dice, sysctls);
    strange(&mut context, dice);
    if dice.chance(10) { Value::Null } else { Value::Object(context) }
}

fn volumes(dice: &mut Dice<'_>) -> Vec<Value> {
    let mut volumes = Vec::new();
    for (name, source) in [
        ("data", json!({"emptyDir": {}})),
        ("logs", json!({"emptyDir": {"sizeLimit": "1Gi"}})),
        ("config", json!({"configMap": {"name": "app"}})),
        ("secret", json!({"secret": {"secretName": "app"}})),
        ("claim", json!({"persistentVolumeClaim": {"claimName": "c"}})),
        ("fixed", json!({"persistentVolumeClaim": {"claimName": "c", "readOnly": true}})),
        ("all", json!({"projected": {"sources": []}})),
        ("host", json!({"hostPath": {"path": "/var/log"}})),
        ("pod", json!({"downwardAPI": {"items": []}, "emptyDir": null})),
        ("future", json!({"quantumDisk": {"spin": "up"}})),
        ("none", json!({})),
    ] {
        if !dice.chance(20) {
            continue;
        }
        let name = match dice.below(50) {
            47 => "multipod-logging-1",
            48 => "multipod-no-token",
            49 => dice.pick(&["multipod-ambassador", "data", "Bad_Name"]),
            _ => name,
        };
        let mut volume = json!({"name": name});
        if let (Some(volume), Value::Object(source)) = (volume.as_object_mut(), source) {
            volume.extend(source);
        }
        volumes.push(object(volume, dice));
    }
    volumes
}

fn init_container(at: usize, volumes: &[String], dice: &mut Dice<'_>) -> Value {
    let name = match dice.below(6) {
        0 => "istio-init".to_owned(),
        1 if at == 0 => "linkerd-init".to_owned(),
        _ => format!("init-{at}"),
    };
    let mut container = container(&name, at + 10, volumes, dice);
    if dice.chance(30) {
        container["restartPolicy"] = json!("Always");
    }
    container
}

fn container(name: &str, at: usize, volumes: &[String], dice: &mut Dice<'_>) -> Value {
    let name = match dice.below(60) {
        57 => dice.pick(&NAMES_OF_OURS),
        58 => dice.pick(&["app-0", "", "Bad\u{1b}[0m\nName"]),
        _ => name,
    };
    let mut container = Map::from_iter([
        ("name".to_owned(), json!(name)),
        ("image".to_owned(), json!("registry.example/shop/app:1.2.3")),
    ]);
    if dice.chance(50) {
        let ports = ports(at, dice);
        list(&mut container, "ports", dice, ports);
    }
    if dice.chance(50) {
        let env = dice.some(
            &[
                json!({"name": "MODE", "value": "$(X) \"quoted\" \\"}),
                json!({"name": "EMPTY", "value": ""}),
                json!({"name": "FROM", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}),
                json!({"name": "NULL", "value": null}),
            ],
            40,
        );
        let env = if dice.chance(3) { vec![json!({"name": "TAP", "value": "mine"})] } else { env };
        list(&mut container, "env", dice, env);
    }
    let mounts = mounts(volumes, dice);
    list(&mut container, "volumeMounts", dice, mounts);
    if dice.chance(30) {
        let context = dice.pick(&[
            json!({"runAsUser": 1001}),
            json!({"runAsUser": 0, "runAsGroup": 0}),
            json!({"runAsGroup": 5, "privileged": true, "future": {}}),
            json!(null),
            json!({}),
        ]);
        container.insert("securityContext".into(), context);
    }
    for (field, value) in [
        ("livenessProbe", json!({"httpGet": {"path": "/", "port": "http"}})),
        ("lifecycle", json!({"preStop": {"exec": {"command": ["sleep", "5"]}}})),
        ("resources", json!({"requests": {"cpu": 0.5, "memory": "1Gi"}})),
        ("command", json!(["sh", "-c", "exec app $(X)"])),
    ] {
        if dice.chance(15) {
            container.insert(field.into(), value);
        }
    }
    strange(&mut container, dice);
    Value::Object(container)
}

fn ports(at: usize, dice: &mut Dice<'_>) -> Vec<Value> {
    let own = 8775 + at;
    let mut ports = vec![match dice.below(12) {
        0..=4 => json!({"containerPort": own}),
        5 => json!({"name": format!("http-{at}"), "containerPort": own, "protocol": "TCP"}),
        6 => json!({"containerPort": own, "protocol": "UDP"}),
        7 => json!({"containerPort": own, "protocol": "SCTP", "hostPort": own}),
        8 => json!({"containerPort": own, "name": null, "protocol": null, "hostPort": null}),
        9 => json!({"containerPort": dice.pick(&[80, 16080, 9113, 13133, 16101])}),
        10 => json!({"containerPort": own, "name": dice.pick(&["metrics-nginx", "metrics", "Very_Bad"])}),
        _ => json!({"containerPort": dice.pick(&[0, -1, 70000, i64::MAX])}),
    }];
    if dice.chance(20) {
        ports.push(json!({"containerPort": own + 100, "hostIP": "127.0.0.1"}));
    }
    ports.into_iter().map(|port| object(port, dice)).collect()
}

fn mounts(volumes: &[String], dice: &mut Dice<'_>) -> Vec<Value> {
    const PLACES: [&str; 12] = [
        "/data",
        "/data/",
        "/var/log",
        "/var/log/app",
        "/var/log/app/deep/er",
        "/etc/app",
        "/etc/app/app.yaml",
        "/usr/share/nginx/html",
        "/srv",
        "/var/run/secrets/kubernetes.io/serviceaccount",
        "/",
        "relative",
    ];
    let mut mounts = Vec::new();
    for place in dice.some(&PLACES, 8) {
        if volumes.is_empty() && !dice.chance(3) {
            continue;
        }
        let volume = if volumes.is_empty() { "nowhere".to_owned() } else { dice.pick(volumes) };
        let mut mount = json!({"name": volume, "mountPath": place});
        match dice.below(12) {
            8 => mount["subPath"] = json!("part"),
            9 => mount["subPathExpr"] = json!("$(POD_NAME)"),
            10 => mount["readOnly"] = json!(true),
            11 => mount["readOnly"] = json!(null),
            _ => {}
        }
        mounts.push(object(mount, dice));
    }
    mounts
}
