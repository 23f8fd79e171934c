//! The examples do what they say.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::run::{Ran, only_adds, ours, program, values};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

#[track_caller]
fn inject(args: &[&str]) -> Ran {
    let ran = Ran::of(program().current_dir(root()).arg("inject").args(args));
    assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
    assert!(!ran.err.contains("warning"), "{args:?}: {}", ran.err);
    ran
}

/// The pod template of the only Deployment.
#[track_caller]
fn template(ran: &Ran) -> Value {
    let mut values = values(&ran.out).into_iter().filter(|value| value["kind"] == "Deployment");
    let template = values.next().unwrap()["spec"]["template"].clone();
    assert!(values.next().is_none());
    template
}

#[test]
fn every_example_gets_what_it_asks_for() {
    for (file, expected) in [
        ("fruit/deployment.yaml", &["multipod-ambassador"][..]),
        ("fruit/with-own-config.yaml", &["multipod-ambassador"]),
        ("logging/stdout.yaml", &["multipod-logging"]),
        ("logging/shipped.yaml", &["multipod-logging-shipper"]),
        ("metrics/nginx.yaml", &["multipod-metrics-nginx"]),
        ("init/shop.yaml", &["multipod-wait-for-1", "multipod-clone-1"]),
        ("sync/site.yaml", &["multipod-sync-1"]),
    ] {
        let ran = inject(&["-f", file]);
        only_adds(&fs::read_to_string(root().join(file)).unwrap(), &ran.out);
        assert_eq!(ours(&template(&ran)), expected, "{file}");
    }
}

#[test]
fn no_example_is_forgotten() {
    let folders =
        fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    // Those of patterns are cases of `multipod test`.
    let names = folders.map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    let names: Vec<String> = names.filter(|name| name != "patterns").collect();
    let mut args = vec!["-R", "--policy-dir", "policies/policies", "--namespace-labels", "stage=dev"];
    args.extend(names.iter().flat_map(|name| ["-f", name]));
    let ran = inject(&args);
    let deployments = values(&ran.out).into_iter().filter(|value| value["kind"] == "Deployment");
    let bare = deployments.filter(|deployment| ours(&deployment["spec"]["template"]).is_empty());
    let names = bare.map(|one| one["metadata"]["name"].to_string()).collect::<Vec<_>>();
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn the_fruit_service_is_served_on_port_80() {
    let template = template(&inject(&["-f", "fruit/deployment.yaml"]));
    let config = template["metadata"]["annotations"]["rendered.multipod/haproxy.cfg"].as_str().unwrap();
    assert!(config.contains("bind 0.0.0.0:80\n") && config.contains("127.0.0.1:8775\n"), "{config}");
    let own = inject(&["-f", "fruit/with-own-config.yaml"]);
    let volume = self::template(&own)["spec"]["volumes"][0].clone();
    assert_eq!(volume["configMap"]["name"], "fruit-service-ambassador-config");
}

#[test]
fn the_database_is_another_one_in_each_namespace() {
    for (stage, server) in
        [("dev", "postgres.dev-databases.svc.cluster.local:5432"), ("prod", "orders-db.corp.example:5432")]
    {
        let labels = format!("stage={stage}");
        let args =
            ["-f", "policies/app.yaml", "--policy-dir", "policies/policies", "--namespace-labels", &labels];
        let out = inject(&args).out;
        assert!(out.contains(server), "{stage}: {out}");
    }
}
