//! What may be added to a pod, written down a second time and independently of how it comes about.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use multipod_engine::annotation::lexer;
use multipod_engine::pod::Version;
use serde_json::{Value, json};

use super::dice::Dice;
use super::kubelet;
use super::trial::{Trial, Winner};
use crate::support::sound;

/// Where a patch may add something.
pub fn is_allowed_place(path: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["metadata"]
        | ["metadata", "annotations"]
        | ["metadata", "annotations", _]
        | [
            "spec",
            "shareProcessNamespace" | "securityContext" | "volumes" | "imagePullSecrets" | "initContainers",
        ]
        | ["spec", "securityContext", "sysctls"]
        | ["spec", "securityContext", "sysctls", "-"]
        | ["spec", "volumes" | "imagePullSecrets" | "containers", "-"] => true,
        ["spec", "initContainers", at]
        | ["spec", "containers", at, "volumeMounts" | "env"]
        | ["spec", "containers", at, "volumeMounts" | "env", "-"] => number(at),
        _ => false,
    }
}

/// The new containers, by what was not there before.
pub fn containers<'r>(before: &Value, after: &'r Value) -> Vec<(&'static str, &'r Value)> {
    let mut theirs: Vec<&Value> =
        sound::containers(before).map(|(_, container)| &container["name"]).collect();
    sound::containers(after)
        .filter(|(_, container)| match theirs.iter().position(|name| **name == container["name"]) {
            Some(at) => {
                theirs.remove(at);
                false
            }
            None => true,
        })
        .collect()
}

const FIELDS: [&str; 13] = [
    "name",
    "image",
    "imagePullPolicy",
    "restartPolicy",
    "command",
    "args",
    "env",
    "ports",
    "startupProbe",
    "livenessProbe",
    "resources",
    "securityContext",
    "volumeMounts",
];
const IMAGES: [&str; 3] = [
    concat!("multipod/multipod:", env!("CARGO_PKG_VERSION")),
    "team/audit-tap:2.1",
    "mirror.example/multipod:1",
];

/// The default images, by name.
static DEFAULTS: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/crates/engine/src/pattern/images.yaml"));
    multipod_yaml::documents(text).unwrap()[0].value().clone()
});

/// The files of the adapters, read without the code that reads them otherwise.
static ADAPTERS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/engine/src/pattern/adapters");
    let files =
        std::fs::read_dir(folder).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    files.map(|text| multipod_yaml::documents(&text).unwrap()[0].value().clone()).collect()
});

fn adapters() -> impl Iterator<Item = &'static Value> {
    ADAPTERS.iter().flat_map(|adapter| adapter["spec"]["containers"].as_array().unwrap())
}

/// What was added that neither a pattern nor the cluster's settings define.
pub fn beyond_the_patterns(trial: &Trial, result: &Value, winners: &[Winner]) -> Vec<String> {
    let mut wrong = Vec::new();
    let images = images(trial, winners);
    for (list, container) in containers(&trial.pod, result) {
        let name = container["name"].as_str().unwrap_or_default();
        let mut check = |ok: bool, what: &str| {
            if !ok {
                wrong.push(format!("{name}: {what}: {container:#}"));
            }
        };
        check(name.starts_with("multipod-"), "name");
        check(sound::is_restricted(container), "not restricted");
        let fields = container.as_object().unwrap().keys();
        check(fields.clone().all(|field| FIELDS.contains(&&**field)), "an unknown field");
        check(images.contains(container["image"].as_str().unwrap_or_default()), "image");
        check(is_known_command(name, container), "command or args");
        check(container["resources"]["requests"]["cpu"].is_string(), "no CPU request");
        check(container["resources"]["requests"]["memory"].is_string(), "no memory request");
        check(container["resources"]["limits"]["memory"].is_string(), "no memory limit");
        let native = container["restartPolicy"] == "Always";
        check(native || container["restartPolicy"].is_null(), "restartPolicy");
        let can_be_native = trial.read.cluster.version >= Version { major: 1, minor: 29 };
        check(!native || list == "initContainers" && can_be_native, "a native sidecar here");
        check(user_is_not_root(trial, container), "runs as root");
        for mount in list_of(container, "volumeMounts") {
            check(is_known_mount(name, mount), "mount");
        }
    }
    wrong.extend(volumes(&trial.pod, result));
    let sysctls = |pod: &Value| list_of(&pod["spec"]["securityContext"], "sysctls").len();
    if sysctls(result) > sysctls(&trial.pod)
        && list_of(&result["spec"]["securityContext"], "sysctls").last()
            != Some(&&json!({"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}))
    {
        wrong.push("another kernel setting".to_owned());
    }
    wrong
}

fn list_of<'v>(value: &'v Value, field: &str) -> Vec<&'v Value> {
    value[field].as_array().into_iter().flatten().collect()
}

/// The defaults, from the mirror or not; what the settings say; and `image=` of the value that won.
fn images(trial: &Trial, winners: &[Winner]) -> BTreeSet<String> {
    let defaults = DEFAULTS.as_object().unwrap().values().map(|image| image.as_str().unwrap());
    let mut images: BTreeSet<String> = IMAGES.iter().copied().chain(defaults).map(str::to_owned).collect();
    let mirrored: Vec<String> = images.iter().map(|image| format!("mirror.example/{image}")).collect();
    if !trial.read.cluster.settings["registry"].is_null() {
        images.extend(mirrored);
    }
    if !trial.read.cluster.settings["patterns"].is_null() {
        images.insert("own/haproxy:2.8".to_owned());
    }
    for won in winners {
        for word in lexer::lex(&won.value).iter().flatten().flat_map(|item| &item.words) {
            if word.key() == Some("image") {
                images.insert(word.text.to_string());
            }
        }
    }
    images
}

fn is_known_command(name: &str, container: &Value) -> bool {
    let command: Vec<&str> = list_of(container, "command").iter().filter_map(|part| part.as_str()).collect();
    let args: Vec<&str> = list_of(container, "args").iter().filter_map(|part| part.as_str()).collect();
    let kind =
        name.trim_start_matches("multipod-").trim_end_matches(|c: char| c == '-' || c.is_ascii_digit());
    match kind {
        "ambassador" => {
            command == ["haproxy", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"] && args.is_empty()
        }
        "logging" | "logging-json" => {
            let globs = match args.as_slice() {
                ["follow", "--format", "json", globs @ ..] | ["follow", globs @ ..] => globs,
                _ => &[],
            };
            command == ["/multipod"] && !globs.is_empty() && globs.iter().all(|glob| glob.starts_with('/'))
        }
        "logging-shipper" => command.is_empty() && args == ["--config=/etc/multipod/otelcol/otelcol.yaml"],
        "wait-for" => {
            command == ["/multipod"]
                && matches!(args.as_slice(), ["wait-for", timeout, every, target]
                    if timeout.starts_with("--timeout=") && every.starts_with("--every=") && !target.starts_with('-'))
        }
        "clone" | "sync" => {
            const FLAGS: [&str; 12] = [
                "repo",
                "ref",
                "root",
                "link",
                "depth",
                "sync-timeout",
                "one-time",
                "period",
                "max-failures",
                "http-bind",
                "ssh-key-file",
                "ssh-known-hosts-file",
            ];
            let flag = |arg: &&str| {
                arg.strip_prefix("--").map(|arg| arg.split('=').next().unwrap_or_default().to_owned())
            };
            let flags: Vec<String> = args.iter().filter_map(flag).collect();
            let each_once = flags.iter().collect::<BTreeSet<_>>().len() == args.len();
            command.is_empty() && each_once && flags.iter().all(|flag| FLAGS.contains(&&**flag))
        }
        "audit-tap" => {
            command.is_empty()
                && args.first().is_some_and(|arg| arg.starts_with("--text="))
                && args.last() == Some(&"--pod=$(POD_NAME)")
                && args.len() <= 3
        }
        _ => {
            let template = adapters()
                .find(|adapter| Some(adapter["name"].as_str().unwrap()) == name.strip_prefix("multipod-"));
            let Some(template) = template else { return false };
            let fixed: Vec<&str> = list_of(template, "args")
                .iter()
                .map(|arg| arg.as_str().unwrap().split("$(params").next().unwrap())
                .collect();
            command.is_empty()
                && args.len() <= fixed.len()
                && args.iter().all(|arg| fixed.iter().any(|fixed| arg.starts_with(fixed)))
        }
    }
}

/// The kubelet takes the pod's user where a container names none, and refuses root where the container must not be it.
fn user_is_not_root(trial: &Trial, container: &Value) -> bool {
    let own = &container["securityContext"]["runAsUser"];
    let effective = if own.is_null() { &trial.pod["spec"]["securityContext"]["runAsUser"] } else { own };
    // The platform, not we, says who runs there.
    let assigned = trial.read.cluster.settings["assignedUsers"] == true
        || trial.read.cluster.annotations.iter().any(|(key, _)| key == "openshift.io/sa.scc.uid-range");
    *effective != 0 || assigned && own.is_null()
}

fn is_known_mount(name: &str, mount: &Value) -> bool {
    const PLACES: [&str; 9] = [
        "/var/run/secrets/kubernetes.io/serviceaccount",
        "/usr/local/etc/haproxy",
        "/git",
        "/tmp",
        "/etc/git-secret",
        "/etc/git-ca",
        "/etc/multipod/otelcol",
        "/var/lib/multipod",
        "/spool",
    ];
    let ours = mount["name"].as_str().is_some_and(|volume| volume.starts_with("multipod-"));
    // Logging alone looks into the app's own volumes, at the app's own places.
    name.starts_with("multipod-logging") || ours && PLACES.iter().any(|place| mount["mountPath"] == *place)
}

/// New volumes hold nothing of the node, and objects only where a configuration, a key or an authority comes from one.
fn volumes(before: &Value, after: &Value) -> Vec<String> {
    let new = &list_of(&after["spec"], "volumes")[list_of(&before["spec"], "volumes").len()..];
    let is_known = |volume: &&&Value| {
        let Some(fields) = volume.as_object() else { return false };
        let name = volume["name"].as_str().unwrap_or_default();
        let kind = fields.keys().find(|key| *key != "name").map(String::as_str);
        let fits = match kind {
            Some("emptyDir" | "downwardAPI") => true,
            Some("configMap") => name == "multipod-ambassador" || name.ends_with("-ca"),
            Some("secret") => name.ends_with("-key") || name.ends_with("-ca"),
            _ => false,
        };
        name.starts_with("multipod-") && fields.len() == 2 && fits
    };
    new.iter().filter(|volume| !is_known(volume)).map(|volume| format!("volume {volume}")).collect()
}

const DIRECTIVES: [&str; 16] = [
    "global",
    "maxconn",
    "defaults",
    "mode",
    "timeout",
    "resolvers",
    "parse-resolv-conf",
    "accepted_payload_size",
    "resolve_retries",
    "hold",
    "listen",
    "bind",
    "option",
    "server",
    "monitor-uri",
    "",
];

/// Where text of an annotation would be read as something else than a value.
pub fn beyond_the_grammar(before: &Value, after: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (_, container) in containers(before, after) {
        let texts = list_of(container, "args").into_iter().chain(list_of(container, "command"));
        let env = list_of(container, "env").into_iter().map(|env| &env["value"]);
        for text in texts.chain(env).filter_map(Value::as_str) {
            let foreign = kubelet::references(text)
                .into_iter()
                .find(|name| !["POD_NAME", "MYSQLD_EXPORTER_USERNAME"].contains(&&**name));
            if foreign.is_some() {
                wrong.push(format!("the kubelet would expand {text:?}"));
            }
        }
        let env = |name: &str| list_of(container, "env").into_iter().find(|env| env["name"] == name);
        if let (Some(text), Some(annotation)) =
            (env("TEXT"), after["metadata"]["annotations"]["audit.example/text"].as_str())
        {
            let meant = annotation.strip_prefix("text: ").unwrap_or_default();
            let got = kubelet::expand(text["value"].as_str().unwrap_or_default(), |_| String::new());
            if got != meant && before["metadata"]["annotations"]["audit.example/text"].is_null() {
                wrong.push(format!("the program gets {got:?} in place of {meant:?}"));
            }
        }
    }
    let rendered = |key: &str| {
        let theirs = &before["metadata"]["annotations"][key];
        after["metadata"]["annotations"][key].as_str().filter(|_| theirs.is_null())
    };
    if let Some(text) = rendered("rendered.multipod/haproxy.cfg") {
        wrong.extend(haproxy(text, after));
    }
    if let Some(text) = rendered("rendered.multipod/otelcol.yaml") {
        wrong.extend(collector(text));
    }
    wrong
}

fn haproxy(text: &str, pod: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.contains(|c: char| c != '\n' && !(' '..='~').contains(&c)) {
        wrong.push(format!("haproxy.cfg holds other signs: {text:?}"));
    }
    for line in text.lines() {
        let first = line.split_whitespace().next().unwrap_or_default();
        if !DIRECTIVES.contains(&first) {
            wrong.push(format!("haproxy.cfg: {line}"));
        }
        // Quotes, comments, variables and escapes would change how the line is cut.
        if line.contains(['"', '\'', '#', '$', '\\', '{', '}']) {
            wrong.push(format!("haproxy.cfg: {line}"));
        }
    }
    let listens = text.lines().filter(|line| line.starts_with("listen ")).count();
    let servers = text.lines().filter(|line| line.starts_with("  server ")).count();
    let health = usize::from(text.contains("\nlisten health\n"));
    let ports = sound::containers(pod).find(|(_, container)| container["name"] == "multipod-ambassador");
    let declared = ports.map_or(0, |(_, container)| list_of(container, "ports").len());
    let inbound = text.lines().filter(|line| line.starts_with("listen inbound-")).count();
    if listens != servers + health || declared != inbound + health {
        wrong.push(format!(
            "haproxy.cfg has {listens} listeners for {servers} servers, {declared} ports: {text}"
        ));
    }
    wrong
}

/// It must be JSON, and the collector expands `${…}` in its texts: only the pod's identity may come that way.
fn collector(text: &str) -> Vec<String> {
    let Ok(config) = serde_json::from_str::<Value>(text) else { return vec![format!("no JSON: {text}")] };
    let mut wrong = Vec::new();
    let sections: Vec<&String> = config.as_object().unwrap().keys().collect();
    if sections != ["extensions", "receivers", "processors", "exporters", "service"] {
        wrong.push(format!("sections {sections:?}"));
    }
    each_text(&config, &mut |text| {
        const IDENTITY: [&str; 4] =
            ["${env:POD_NAMESPACE}", "${env:POD_NAME}", "${env:POD_UID}", "${env:NODE_NAME}"];
        let literal = text.replace("$$", "");
        if literal.contains("${") && !IDENTITY.contains(&text) {
            wrong.push(format!("the collector would expand {text:?}"));
        }
    });
    wrong
}

fn each_text(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, see)),
        Value::Object(map) => map.values().for_each(|item| each_text(item, see)),
        _ => {}
    }
}

/// Changes one of our containers so that it is no longer what we would add; false where there is none.
pub fn spoil_one_of_ours(before: &Value, after: &mut Value, dice: &mut Dice<'_>) -> bool {
    let names: Vec<Value> =
        containers(before, after).iter().map(|(_, container)| container["name"].clone()).collect();
    if names.is_empty() {
        return false;
    }
    let name = dice.pick(&names);
    let change = dice.below(6);
    for list in ["initContainers", "containers"] {
        let Some(items) = after["spec"].get_mut(list).and_then(Value::as_array_mut) else { continue };
        let Some(container) = items.iter_mut().find(|container| container["name"] == name) else { continue };
        match change {
            0 => container["image"] = json!("evil.example/x:1"),
            1 => container["securityContext"] = json!({"privileged": true}),
            2 => container["command"] = json!(["sh"]),
            3 => container["args"] = json!(["--evil"]),
            4 => container["resources"] = json!({}),
            _ => container["volumeMounts"] = json!([]),
        }
    }
    true
}
