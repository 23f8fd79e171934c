//! The chart's values and their table, made from its schema; and what the chart holds of other folders, because Helm takes
//! no file from outside.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::{Map, Value};

use super::page::{rewrite, root};
use super::tables::write_tables;

const WIDTH: usize = 120;

#[test]
fn values_are_made_from_the_schema() {
    let mut text =
        "# Written by `make bless` from values.schema.json, which says what each of them may be.\n"
            .to_owned();
    for (name, value) in properties(&schema()) {
        text.push('\n');
        written(&mut text, name, value, "");
    }
    rewrite("deploy/chart/values.yaml", |_| text);
}

#[test]
fn the_table_of_values_is_made_from_the_schema() {
    let mut table = "| value | what it is | default |\n|---|---|---|\n".to_owned();
    rows(&mut table, &schema(), "");
    write_tables("deploy/chart/README.md", &[("values".to_owned(), table)]);
}

/// Everything that has a value says what it is for, and takes nothing that nobody knows.
#[test]
fn the_schema_is_strict_and_says_what_each_value_is_for() {
    fn look(path: &str, value: &Value) {
        if value["properties"].is_object() {
            assert_eq!(value["additionalProperties"], false, "{path} takes what nobody knows");
            properties(value).for_each(|(name, value)| look(&format!("{path}.{name}"), value));
        } else {
            let about = value["description"].as_str().unwrap_or_default();
            assert!(about.ends_with('.'), "{path}: {about:?} is no sentence");
            assert!(!value["default"].is_null(), "{path} has no default");
        }
    }
    look("values", &schema());
}

#[test]
fn the_chart_holds_what_other_folders_hold() {
    for (file, from) in [
        ("crds/injectionpolicies.yaml", "deploy/crds/injectionpolicies.yaml"),
        ("crds/patterns.yaml", "deploy/crds/patterns.yaml"),
        ("rules.yaml", "deploy/monitoring/rules.yaml"),
        ("dashboard.json", "deploy/monitoring/dashboard.json"),
    ] {
        rewrite(&format!("deploy/chart/files/{file}"), |_| fs::read_to_string(root().join(from)).unwrap());
    }
    let guard = Command::new(env!("CARGO_BIN_EXE_multipod")).arg("guard").output().unwrap().stdout;
    rewrite("deploy/chart/files/guard.yaml", |_| String::from_utf8(guard).unwrap());
}

/// The chart is of the program beside it, and names its image.
#[test]
fn the_chart_is_of_this_version() {
    let text = fs::read_to_string(root().join("deploy/chart/Chart.yaml")).unwrap();
    let chart = multipod_yaml::documents(&text).unwrap().remove(0).value().clone();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!((chart["version"].as_str(), chart["appVersion"].as_str()), (Some(version), Some(version)));
    let images = chart["annotations"]["artifacthub.io/images"].as_str().unwrap();
    assert!(images.contains(&format!("image: multipod/multipod:{version}\n")), "{images}");
}

/// The dashboard shows metrics that there are.
#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let text = fs::read_to_string(root().join("deploy/monitoring/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let docs = fs::read_to_string(root().join("docs/reference/metrics.md")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let mut seen = 0;
    for expression in targets.map(|target| target["expr"].as_str().unwrap()) {
        let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for metric in words.filter(|word| word.starts_with("multipod_")) {
            seen += 1;
            let metric = metric.trim_end_matches("_bucket");
            assert!(docs.contains(&format!("`{metric}`")), "{metric} is not in docs/reference/metrics.md");
        }
    }
    assert!(panels.len() >= 10 && seen >= 15, "{seen} metrics in {} panels", panels.len());
}

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(root().join("deploy/chart/values.schema.json")).unwrap())
        .unwrap()
}

fn properties(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value["properties"].as_object().into_iter().flat_map(Map::iter)
}

/// One value, with what it is for above it. Writing to a string cannot fail.
fn written(text: &mut String, name: &str, value: &Value, indent: &str) {
    if let Some(about) = value["description"].as_str() {
        let mut line = format!("{indent}#");
        for word in about.split(' ') {
            if line.len() + 1 + word.len() > WIDTH {
                let _ = writeln!(text, "{line}");
                line = format!("{indent}#");
            }
            line = format!("{line} {word}");
        }
        let _ = writeln!(text, "{line}");
    }
    let default = &value["default"];
    if value["properties"].is_object() {
        let _ = writeln!(text, "{indent}{name}:");
        properties(value).for_each(|(name, value)| written(text, name, value, &format!("{indent}  ")));
    } else if is_empty(default) {
        let _ = writeln!(text, "{indent}{name}: {default}");
    } else {
        let _ = writeln!(text, "{indent}{name}:");
        for line in multipod_yaml::emit(default).lines() {
            let _ = writeln!(text, "{indent}  {line}");
        }
    }
}

/// Whether it has no parts of its own, so that it goes on one line.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(parts) => parts.iter().all(Value::is_string),
        Value::Object(parts) => parts.is_empty(),
        _ => true,
    }
}

/// One row for each value. Writing to a string cannot fail.
fn rows(table: &mut String, value: &Value, prefix: &str) {
    for (name, value) in properties(value) {
        if value["properties"].is_object() {
            rows(table, value, &format!("{prefix}{name}."));
            continue;
        }
        let about = value["description"].as_str().unwrap().trim_end_matches('.');
        let about = about.replace('|', "\\|").replace("{name: …}", "`{name: …}`");
        let _ = writeln!(table, "| `{prefix}{name}` | {about} | `{}` |", value["default"]);
    }
}
