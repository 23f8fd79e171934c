//! What is wrong with a file, and where.

use crate::pattern::Catalogue;

const HEAD: &str = "apiVersion: multipod.dev/v1alpha1\nkind: Pattern\nmetadata: {name: x}\nspec:\n";

fn problems(spec: &str) -> Vec<String> {
    let file = format!("{HEAD}{spec}\n");
    Catalogue::load([("x.yaml", &*file)]).1.iter().map(ToString::to_string).collect()
}

#[test]
fn problems_name_their_line_and_what_was_expected() {
    for (spec, expected) in [
        ("  kind: metric", "x.yaml:5: expected metrics or custom, did you mean metrics?"),
        ("  kind: custom\n  contianers: []", "x.yaml:6: unknown field contianers"),
        ("  allow: [everything]", "x.yaml:5: expected "),
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
        ("  containers: [{name: a, image: a, loopbackPorts: [{port: 80, protocol: SCTP}]}]", "TCP or UDP"),
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
        ("  volumes: [{name: v, emptyDir: Memory}]", "volumes: emptyDir: expected a map"),
        ("  volumes: [{name: v, image: team/rules:1}]", "volumes: image: expected a map"),
        ("  volumes: [{name: v, nfs: {}}]", "nfs is not supported"),
        ("  volumes: [{name: v, emptyDir: {}, secret: {}}]", "found emptyDir and secret"),
        ("  volumes: [{name: v, emptyDir: {}}, {name: v, emptyDir: {}}]", "multipod-v is there twice"),
        (
            "  containers: [{name: a, image: a, resources: {limits: {memory: 1Mi}, requests: {memory: 2Mi}}}]",
            "below its request",
        ),
        ("  containers: [{name: a, image: a, resources: {limits: {gpu: 1}}}]", "limits: unknown field gpu"),
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
        ("  kind: metrics\n  scrape: {path: /m}\n  containers: [{name: a, image: a}]", "the port is missing"),
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
        (container("securityContext: {seccompProfile: {type: $(params.n)}}"), "not for annotations to say"),
        (container("command: [sh, -c], args: ['echo $(params.s)']"), "a param in a script"),
        (container("args: [/bin/bash, -ec, 'echo $(params.s)']"), "a param in a script"),
        (container("command: [tini, --, python3, -c], args: ['x=$(params.s)']"), "a param in a script"),
        (
            "  volumes: [{name: v, hostPath: {path: $(params.path)}}]\n  allow: [hostPath]".to_owned(),
            "not for annotations to say",
        ),
        ("  volumes: [{name: v, emptyDir: {medium: $(params.n)}}]".to_owned(), "not for annotations to say"),
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
        let told =
            problems.iter().any(|problem| problem.contains(expected) && !problem.contains("nothing says"));
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
    let told = problems(&format!("  params: {{{}}}", params.join(",")));
    assert!(told.iter().any(|told| told.ends_with("params: expected at most 256")), "{told:?}");
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
