//! What stands in the spec of a `Pattern`:
//!
//! ```yaml
//! kind: metrics | custom            # multipod/metrics or multipod/patterns; custom where absent
//! description: one line
//! params:
//!   NAME: {type: port, default: 80, description: …}    # or optional: true; else the annotation must give it
//! containers:                       # the fields of a Kubernetes container, and:
//!   - {name: a, image: b, role: sidecar | step, loopbackPorts: [{port: 9125, protocol: UDP}]}
//! volumes: […]                      # as in Kubernetes; all names become multipod-NAME
//! app: {container: default | all | NAME, mounts: […], env: […]}
//! scrape: {port: 9113, path: /metrics, name: nginx-prom}    # metrics only; the named port of the first sidecar
//! annotations: {…}
//! sysctls: [{name: …, value: …}]
//! shareProcessNamespace: true
//! allow: [hostPath, hostPort, privileged, capabilities, root, sysctls]
//! ```
//!
//! `$(params.NAME)` stands for a value in arguments, variables, names of `Secret`s and `ConfigMap`s, ports, checks,
//! annotations and the app's mount paths. Entries that name an optional param are left out where it is not given;
//! of several variables with one name the first complete one counts.

use serde::Deserialize;

use crate::annotation::key;
use crate::pattern::container::Container;
use crate::pattern::node::Node;
use multipod_values as value;

use super::ceiling::{self, Privilege};
use super::container::{ContainerTemplate, not_allowed};
use super::definition::{App, AppContainer, Kind, Scrape};
use super::params::Type;
use super::parts::{EnvTemplate, MountTemplate, VolumeTemplate, port_name};
use super::reader::{Place, Reader};
use super::template::Phrase;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
/// What a file says, as far as serde reads it; the rest keeps its lines.
pub(super) struct Spec {
    #[serde(default)]
    pub(super) kind: Kind,
    #[serde(default)]
    pub(super) description: String,
    pub(super) params: Option<Node>,
    scrape: Option<Node>,
    containers: Option<Node>,
    volumes: Option<Node>,
    app: Option<Node>,
    annotations: Option<Node>,
    sysctls: Option<Node>,
    #[serde(default)]
    pub(super) share_process_namespace: bool,
    #[serde(default)]
    pub(super) allow: Vec<Privilege>,
}

/// The parts that may hold params.
pub(super) struct Parts {
    pub(super) scrape: Option<Scrape>,
    pub(super) containers: Vec<ContainerTemplate>,
    pub(super) volumes: Vec<VolumeTemplate>,
    pub(super) app: App,
    pub(super) notes: Vec<(String, Phrase)>,
    pub(super) sysctls: Vec<(String, String)>,
}

impl Parts {
    pub(super) fn read(name: &str, spec: &Spec, line: usize, reader: &mut Reader<'_>) -> Parts {
        let volumes = volumes(spec, reader);
        let containers = containers(spec, &volumes, reader);
        let app = spec.app.as_ref().map(|node| app(node, &volumes, reader)).unwrap_or_default();
        let served = containers.iter().any(|container| !container.step);
        let scrape = scrape(name, spec, line, served, reader);
        let notes = spec.annotations.as_ref().map(|node| notes(node, reader)).unwrap_or_default();
        let sysctls = sysctls(spec, reader);
        let nothing =
            containers.is_empty() && app.mounts.is_empty() && app.env.is_empty() && notes.is_empty();
        if nothing && sysctls.is_empty() && !spec.share_process_namespace {
            reader.issue(line, "spec: the pattern adds nothing to a pod");
        }
        Parts { scrape, containers, volumes, app, notes, sysctls }
    }
}

fn volumes(spec: &Spec, reader: &mut Reader<'_>) -> Vec<VolumeTemplate> {
    let mut volumes: Vec<VolumeTemplate> = Vec::new();
    for node in reader.items(spec.volumes.as_ref(), "volumes") {
        let Some(volume) = VolumeTemplate::read(node, reader) else { continue };
        if volumes.iter().any(|other| other.name == volume.name) {
            reader.issue(node.line, format!("volumes: {} is there twice", volume.name));
        }
        if volume.is_host_path() && !spec.allow.contains(&Privilege::HostPath) {
            reader.issue(node.line, not_allowed(&volume.name, Privilege::HostPath));
        }
        volumes.push(volume);
    }
    volumes
}

fn containers(spec: &Spec, volumes: &[VolumeTemplate], reader: &mut Reader<'_>) -> Vec<ContainerTemplate> {
    let mut containers: Vec<ContainerTemplate> = Vec::new();
    for node in reader.items(spec.containers.as_ref(), "containers") {
        let container = ContainerTemplate::read(node, volumes, &spec.allow, reader);
        let Container { name, .. } = &container.fixed;
        if containers.iter().any(|other| other.fixed.name == *name) {
            reader.issue(node.line, format!("containers: {name} is there twice"));
        }
        containers.push(container);
    }
    containers
}

fn app(node: &Node, volumes: &[VolumeTemplate], reader: &mut Reader<'_>) -> App {
    reader.only(node, "app", &["container", "mounts", "env"]);
    let container = node.get("container").and_then(|node| {
        reader.fixed(node, "app: container", |text| {
            Ok(match text {
                "default" => AppContainer::Default,
                "all" => AppContainer::All,
                name => AppContainer::Named(value::name(name)?),
            })
        })
    });
    let mounts = reader.items(node.get("mounts"), "app: mounts");
    let env = reader.items(node.get("env"), "app: env");
    App {
        container: container.unwrap_or_default(),
        mounts: mounts
            .iter()
            .filter_map(|node| MountTemplate::read(node, Place::MountPath, volumes, reader))
            .collect(),
        env: env.iter().filter_map(|node| EnvTemplate::read(node, reader)).collect(),
    }
}

fn scrape(pattern: &str, spec: &Spec, line: usize, served: bool, reader: &mut Reader<'_>) -> Option<Scrape> {
    let Some(node) = &spec.scrape else {
        if spec.kind == Kind::Metrics {
            reader.issue(line, "a pattern of kind metrics needs scrape: {port: …}");
        }
        return None;
    };
    // Two patterns cannot both say where Prometheus scrapes; multipod/metrics knows what to do about it.
    if spec.kind != Kind::Metrics {
        reader.issue(node.line, "scrape: only patterns of kind metrics have it");
    }
    if !served {
        reader.issue(node.line, "scrape: there is no sidecar that could serve it");
    }
    reader.only(node, "scrape", &["port", "path", "name"]);
    let path = node.get("path").and_then(|node| {
        reader.fixed(node, "scrape: path", |text| Type::UrlPath.parse(text).map(|_| text.to_owned()))
    });
    let name = match node.get("name") {
        Some(name) => reader.fixed(name, "scrape: name", port_name),
        None => port_name(&format!("{pattern}-prom"))
            .map_err(|_| reader.issue(node.line, "scrape: give the port a name of at most 15 letters"))
            .ok(),
    };
    let Some(port) = node.get("port") else {
        reader.issue(node.line, "scrape: the port is missing");
        return None;
    };
    let port = reader.number(port, "scrape: port", 1, 65535).and_then(|port| u16::try_from(port).ok())?;
    Some(Scrape { port, path: path.unwrap_or_else(|| "/metrics".to_owned()), name: name? })
}

fn notes(node: &Node, reader: &mut Reader<'_>) -> Vec<(String, Phrase)> {
    let mut notes = Vec::new();
    for (name, node) in reader.entries(node, "annotations") {
        if name.starts_with(key::PREFIX) || name.starts_with(key::RENDERED_PREFIX) {
            reader.issue(node.line, format!("annotations: {name} is multipod's own"));
        }
        notes.extend(reader.phrase(node, name, Place::Text).map(|phrase| (name.clone(), phrase)));
    }
    notes
}

fn sysctls(spec: &Spec, reader: &mut Reader<'_>) -> Vec<(String, String)> {
    let mut sysctls = Vec::new();
    for node in reader.items(spec.sysctls.as_ref(), "sysctls") {
        reader.only(node, "sysctls", &["name", "value"]);
        let (Some(name), Some(value)) = (node.get("name"), node.get("value")) else {
            reader.issue(node.line, "sysctls: expected name and value");
            continue;
        };
        let owned = |text: &str| Ok(text.to_owned());
        let name = reader.fixed(name, "sysctls: name", owned);
        let value = reader.fixed(value, "sysctls: value", owned);
        let (Some(name), Some(value)) = (name, value) else { continue };
        if let Some(privilege) = ceiling::of_sysctl(&name).filter(|needed| !spec.allow.contains(needed)) {
            reader.issue(node.line, not_allowed(&name, privilege));
        }
        sysctls.push((name, value));
    }
    sysctls
}

#[cfg(test)]
mod tests {
    use crate::pattern::Catalogue;

    const HEAD: &str = "apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {name: x}\nspec:\n";

    fn problems(spec: &str) -> Vec<String> {
        let file = format!("{HEAD}{spec}\n");
        Catalogue::load([("x.yaml", &*file)]).1.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn problems_name_their_line_and_what_was_expected() {
        for (spec, expected) in [
            ("  kind: metric", "x.yaml:5: unknown variant `metric`"),
            ("  kind: custom\n  contianers: []", "x.yaml:6: unknown field `contianers`"),
            ("  allow: [everything]", "x.yaml:5: unknown variant `everything`"),
            ("  containers: {}", "x.yaml:5: containers: expected a list"),
            ("  containers:\n    - image: a:1", "x.yaml:6: containers: the name is missing"),
            (
                "  containers:\n    - name: A\n      image: a:1",
                "x.yaml:6: containers: name: expected a name of lower",
            ),
            ("  containers: [{name: a}]", "x.yaml:5: containers: the image is missing"),
            ("  containers: [{name: a, image: 'a b'}]", "x.yaml:5: image: expected an image"),
            ("  containers: [{name: a, image: a, role: stepp}]", "did you mean step?"),
            ("  containers: [{name: a, image: a, role: step, livenessProbe: {}}]", "a step ends"),
            ("  description: x", "x.yaml:5: spec: the pattern adds nothing"),
            ("  containers: [{name: a, image: a, restartPolicy: Always}]", "role decides"),
            (
                "  containers: [{name: a, image: a, args: [80]}]",
                "args: expected text; numbers and booleans need quotes",
            ),
            ("  containers: [{name: a, image: a}, {name: a, image: b}]", "multipod-a is there twice"),
            (
                "  containers:\n  - name: a\n    image: a\n    env:\n    - {name: A, valu: b}",
                "x.yaml:9: env: unknown field valu",
            ),
            ("  containers: [{name: a, image: a, env: [{name: A, value: b, valueFrom: {}}]}]", "not both"),
            (
                "  containers: [{name: a, image: a, env: [{name: 'A=B', value: b}]}]",
                "env: name: expected letters",
            ),
            ("  containers: [{name: a, image: a, ports: [{containerPort: 0}]}]", "from 1 to 65535"),
            ("  containers: [{name: a, image: a, loopbackPorts: [80]}]", "loopbackPorts: expected a map"),
            (
                "  containers: [{name: a, image: a, loopbackPorts: [{port: 80, protocol: SCTP}]}]",
                "TCP or UDP",
            ),
            ("  containers: [{name: a, image: a, ports: [{containerPort: '80'}]}]", "a port without quotes"),
            (
                "  containers: [{name: a, image: a, ports: [{containerPort: 80, name: far-too-long-name}]}]",
                "at most 15",
            ),
            (
                "  containers: [{name: a, image: a, volumeMounts: [{name: v, mountPath: /v}]}]",
                "no volume of this pattern is named v, it has: none",
            ),
            (
                "  volumes: [{name: w, emptyDir: }]\n  app: {mounts: [{name: v, mountPath: /v}]}",
                "x.yaml:6: mounts: no volume of this pattern is named v, it has: w",
            ),
            (
                "  volumes: [{name: v, emptyDir: {}}]\n  app: {mounts: [{name: v, mountPath: v}]}",
                "expected an absolute path",
            ),
            ("  volumes: [{name: v}]", "the kind is missing"),
            ("  volumes: [{name: v, nfs: {}}]", "nfs is not supported"),
            ("  volumes: [{name: v, emptyDir: {}, secret: {}}]", "found emptyDir and secret"),
            ("  volumes: [{name: v, emptyDir: {}}, {name: v, emptyDir: {}}]", "multipod-v is there twice"),
            (
                "  containers: [{name: a, image: a, resources: {limits: {memory: 1Mi}, requests: {memory: 2Mi}}}]",
                "below its request",
            ),
            (
                "  containers: [{name: a, image: a, resources: {limits: {gpu: 1}}}]",
                "limits: unknown field gpu",
            ),
            (
                "  containers: [{name: a, image: a, livenessProbe: {httpGet: {host: evil, port: 1}}}]",
                "host is not allowed",
            ),
            ("  annotations: {multipod/ambassador: '80:81'}", "multipod's own"),
            ("  app: {containers: a}", "did you mean container?"),
            (
                "  kind: metrics\n  containers: [{name: a, image: a}]",
                "x.yaml:5: a pattern of kind metrics needs scrape",
            ),
            (
                "  scrape: {port: 1}\n  containers: [{name: a, image: a}]",
                "x.yaml:5: scrape: only patterns of kind metrics",
            ),
            ("  kind: metrics\n  scrape: {port: 1}", "no sidecar that could serve"),
            (
                "  kind: metrics\n  scrape: {path: /m}\n  containers: [{name: a, image: a}]",
                "the port is missing",
            ),
            (
                "  kind: metrics\n  scrape: {port: 1, name: Prom}\n  containers: [{name: a, image: a}]",
                "at most 15",
            ),
        ] {
            let problems = problems(spec);
            assert!(problems.iter().any(|problem| problem.contains(expected)), "{spec}: {problems:?}");
        }
    }

    #[test]
    fn params_are_right_before_anybody_uses_them() {
        for (params, expected) in [
            ("a: {type: prot}", "x.yaml:6: params: a: type: expected port, integer,"),
            ("a: {type: prot}", "did you mean port?"),
            ("a: {}", "the type is missing"),
            ("a: {type: port, default: 8o}", "a: default: expected a port"),
            ("a: {type: port, default: 80, optional: true}", "default or optional, not both"),
            ("a: {type: port, defualt: 80}", "unknown field defualt"),
            ("a: {type: enum}", "the values are missing"),
            ("a: {type: enum, values: [x], default: y}", "a: default: expected x"),
            ("a: {type: port, values: [x]}", "values does not belong to the type port"),
            ("a: {type: port, max: 1}", "max does not belong to the type port"),
            ("A: {type: port}", "expected lower-case letters"),
            ("1a: {type: port}", "expected lower-case letters"),
            ("image: {type: port}", "has a meaning for every pattern"),
            ("a: {type: port}", "nothing says $(params.a)"),
        ] {
            let problems = problems(&format!("  params:\n    {params}"));
            assert!(problems.iter().any(|problem| problem.contains(expected)), "{params}: {problems:?}");
        }
    }

    #[test]
    fn holes_stand_only_where_their_type_may() {
        let params = "  params:\n    s: {type: string}\n    p: {type: port}\n    path: {type: path}\n    n: {type: name}\n    q: {type: quantity}\n";
        let container = |field: &str| format!("  containers:\n    - {{name: a, image: a, {field}}}");
        for (spec, expected) in [
            (container("args: [--x=$(params.x)]"), "$(params.x) names no param"),
            (container("args: [$(params.s)]"), "could be read as another option"),
            (container("command: [$(params.n)]"), "not for annotations to say"),
            (
                "  containers: [{name: a, image: a:$(params.n)}]".to_owned(),
                "image: $(params.n) cannot stand here",
            ),
            ("  containers: [{name: $(params.n), image: a}]".to_owned(), "not for annotations to say"),
            (container("workingDir: $(params.path)"), "not for annotations to say"),
            (container("imagePullPolicy: $(params.n)"), "not for annotations to say"),
            (container("env: [{name: $(params.n), value: a}]"), "not for annotations to say"),
            (
                container("env: [{name: A, valueFrom: {secretKeyRef: {name: $(params.s), key: k}}}]"),
                "of type string, which cannot",
            ),
            (
                container("env: [{name: A, valueFrom: {fieldRef: {fieldPath: $(params.n)}}}]"),
                "not for annotations to say",
            ),
            (container("envFrom: [{secretRef: {name: $(params.p)}}]"), "of type port, which cannot"),
            (container("ports: [{containerPort: $(params.s)}]"), "of type string, which cannot"),
            (container("ports: [{containerPort: '1$(params.p)'}]"), "must stand alone"),
            (container("livenessProbe: {exec: {command: [a, $(params.n)]}}"), "not for annotations to say"),
            (
                container("lifecycle: {preStop: {httpGet: {path: $(params.path), port: 1}}}"),
                "not for annotations to say",
            ),
            (
                container("securityContext: {seccompProfile: {type: $(params.n)}}"),
                "not for annotations to say",
            ),
            (container("command: [sh, -c], args: ['echo $(params.s)']"), "a param in a script"),
            (container("args: [/bin/bash, -ec, 'echo $(params.s)']"), "a param in a script"),
            (container("command: [tini, --, python3, -c], args: ['x=$(params.s)']"), "a param in a script"),
            (
                "  volumes: [{name: v, hostPath: {path: $(params.path)}}]\n  allow: [hostPath]".to_owned(),
                "not for annotations to say",
            ),
            (
                "  volumes: [{name: v, emptyDir: {medium: $(params.n)}}]".to_owned(),
                "not for annotations to say",
            ),
            (
                "  volumes: [{name: v, emptyDir: {sizeLimit: $(params.s)}}]".to_owned(),
                "of type string, which cannot",
            ),
            (
                "  volumes: [{name: v, emptyDir: {}}]\n  app: {mounts: [{name: v, mountPath: $(params.s)}]}"
                    .to_owned(),
                "of type string, which cannot",
            ),
            (
                "  volumes: [{name: v, emptyDir: {}}]\n  app: {mounts: [{name: v, mountPath: $(params.n)}]}"
                    .to_owned(),
                "expected an absolute path",
            ),
            (
                "  sysctls: [{name: net.ipv4.tcp_rmem, value: $(params.s)}]".to_owned(),
                "not for annotations to say",
            ),
        ] {
            let problems = problems(&format!("{params}{spec}"));
            let told = problems
                .iter()
                .any(|problem| problem.contains(expected) && !problem.contains("nothing says"));
            assert!(told, "{spec}: {problems:?}");
        }
    }

    #[test]
    fn all_faults_of_a_file_are_told_at_once_in_order() {
        let problems = problems(
            "  params:\n    a: {type: prot}\n  containers:\n    - name: A\n      image: 'a b'\n  app: {x: 1}",
        );
        let lines: Vec<&str> = problems.iter().map(|problem| problem.split(": ").next().unwrap()).collect();
        assert_eq!(lines, ["x.yaml:6", "x.yaml:6", "x.yaml:8", "x.yaml:9", "x.yaml:10"]);
    }

    #[test]
    fn lists_have_an_end() {
        let env = |count| format!("  app: {{env: [{}]}}", "{name: A, value: b},".repeat(count));
        assert_eq!(problems(&env(256)), [] as [String; 0]);
        assert_eq!(problems(&env(257)), ["x.yaml:5: app: env: expected at most 256"]);
        let params: Vec<String> = (0..257).map(|n| format!("p{n}: {{type: port, default: 1}}")).collect();
        assert!(
            problems(&format!("  params: {{{}}}", params.join(",")))[0]
                .contains("params: expected at most 256")
        );
    }

    #[test]
    fn what_the_cluster_writes_into_an_object_is_no_fault() {
        let text = r#"{"apiVersion":"multipod.dev/v1alpha1","kind":"Pattern","metadata":{"name":"x","uid":"1",
            "generation":2,"managedFields":[{"f:spec":{}}]},"spec":{"shareProcessNamespace":true},"status":{"conditions":[]}}"#;
        assert_eq!(Catalogue::load([("x", text)]).1, []);
    }

    proptest::proptest! {
        #[test]
        fn any_spec_is_read_or_refused(spec in "(  (containers|volumes|app|params|scrape|annotations|sysctls): [-a-z0-9{}:,\\[\\]$(). ]{0,40}\n){1,4}") {
            let _ = problems(&spec);
        }
    }
}
