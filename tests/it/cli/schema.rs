//! `multipod schema`: what it says of a settings file, the readers say too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::docs::page::pages;
use crate::support::run::{Files, multipod};

/// The words of JSON Schema that the program writes, and no other: a validator of all of them is seventy packages.
fn faults(schema: &Value, root: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for (word, says) in schema.as_object().unwrap() {
        let holds = match &**word {
            "$schema" | "$defs" | "title" | "description" | "default" => true,
            "$ref" => {
                let target = root.pointer(says.as_str().unwrap().trim_start_matches('#')).unwrap();
                faults.extend(self::faults(target, root, value));
                true
            }
            "type" => match says {
                Value::Array(types) => types.iter().any(|one| is_a(one, value)),
                one => is_a(one, value),
            },
            "enum" => says.as_array().unwrap().contains(value),
            "const" => says == value,
            "minimum" => value.as_f64().is_none_or(|number| number >= says.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= says.as_f64().unwrap()),
            "anyOf" | "oneOf" => {
                let fitting = |one: &&Value| self::faults(one, root, value).is_empty();
                let fitting = says.as_array().unwrap().iter().filter(fitting).count();
                fitting == 1 || word == "anyOf" && fitting > 1
            }
            "items" => {
                let items = value.as_array().into_iter().flatten();
                faults.extend(items.flat_map(|item| self::faults(says, root, item)));
                true
            }
            "properties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    faults.extend(says.get(name).into_iter().flat_map(|one| self::faults(one, root, field)));
                }
                true
            }
            "patternProperties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    let one = says.get("^(metrics|patterns)-").expect("this pattern is understood");
                    if name.starts_with("metrics-") || name.starts_with("patterns-") {
                        faults.extend(self::faults(one, root, field));
                    }
                }
                true
            }
            "additionalProperties" => {
                assert_eq!(*says, json!(false));
                value.as_object().into_iter().flatten().all(|(name, _)| {
                    let is_own = name.starts_with("metrics-") || name.starts_with("patterns-");
                    schema["properties"].get(name).is_some()
                        || schema.get("patternProperties").is_some() && is_own
                })
            }
            other => panic!("{other} is not understood: {schema}"),
        };
        if !holds {
            faults.push(format!("{word} {says}: {value}"));
        }
    }
    faults
}

fn is_a(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("{other}"),
    }
}

fn schema() -> Value {
    let ran = multipod(&["schema"], "");
    assert_eq!((ran.code, &*ran.err), (0, ""));
    serde_json::from_str(&ran.out).unwrap()
}

fn value(text: &str) -> Value {
    let documents = multipod_yaml::documents(text).unwrap();
    documents.first().map_or_else(|| json!({}), |document| document.value().clone())
}

/// Whether the readers take a file: that of the settings, and that of the server's options.
fn is_read(text: &str) -> bool {
    // Without a certificate the server cannot start here, and ends as soon as it has read its files.
    let files = Files::new(&[("settings.yaml", text)]);
    let settings = files.multipod(&["patterns", "--config", "settings.yaml"]);
    let server =
        files.multipod(&["serve", "--config", "settings.yaml", "--tls-key", "none", "--policy-dir", "none"]);
    assert_eq!(server.code, 2, "{}", server.err);
    settings.code == 0 && !server.err.contains("settings.yaml:")
}

fn settings_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            settings_files(&path, out);
        } else if path.file_name().is_some_and(|name| name == "settings.yaml") {
            out.push(path);
        }
    }
}

#[test]
fn every_settings_file_fits_the_schema() {
    let schema = schema();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["tests", "deploy", "examples"] {
        settings_files(&root.join(folder), &mut files);
    }
    assert!(files.len() > 20, "{files:?}");
    let mut texts: Vec<(String, String)> =
        files.iter().map(|file| (file.display().to_string(), fs::read_to_string(file).unwrap())).collect();
    let blocks = pages().into_iter().flat_map(|page| page.blocks("yaml"));
    let shown = blocks.filter(|block| block.text.starts_with("# settings.yaml\n"));
    texts.extend(shown.map(|block| (block.place, block.text)));
    for (name, text) in texts {
        assert_eq!(faults(&schema, &schema, &value(&text)), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn what_the_schema_refuses_the_readers_refuse_and_the_other_way_round() {
    let schema = schema();
    for (text, is_right) in [
        ("{}", true),
        ("registry: mirror.example", true),
        ("registri: mirror.example", false),
        ("pullSecrets: [a]", true),
        ("pullSecrets: {a: b}", false),
        ("ipFamilies: Dual", true),
        ("ipFamilies: IPv5", false),
        ("sidecar: classic", true),
        ("sidecar: nativ", false),
        ("onMistake: warn", true),
        ("onMistake: ignore", false),
        ("assignedUsers: true", true),
        ("assignedUsers: perhaps", false),
        ("patterns: {ambassador: {cpu: 1, memory: 64Mi/128Mi, image: a}}", true),
        ("patterns: {ambassador: {gpu: 1}}", false),
        ("patterns: {ambassador: [a]}", false),
        ("patterns: {metrics-nginx: {cpu: 1m}, logging-shipper: {}, clone: {}}", true),
        ("patterns: {ambasador: {cpu: 1}}", false),
        ("patterns: {nginx: {cpu: 1}}", false),
        (
            "serve: {threads: 2, http2: true, warn: deny, logFormat: json, clientName: [a], drainFloor: 5s}",
            true,
        ),
        (
            "serve: {listen: '0.0.0.0:8443', maxConnections: 10, maxBuffered: 36, apiServers: [10.0.0.0/28], kubernetesVersion: '1.34'}",
            true,
        ),
        ("serve: {thread: 2}", false),
        ("serve: {threads: 0}", false),
        ("serve: {threads: 65}", false),
        ("serve: {maxBuffered: 7}", false),
        ("serve: {http2: perhaps}", false),
        ("serve: {warn: loudly}", false),
        ("serve: {logFormat: xml}", false),
        ("serve: {clientName: a}", false),
    ] {
        assert_eq!(is_read(text), is_right, "{text}");
        assert_eq!(faults(&schema, &schema, &value(text)).is_empty(), is_right, "{text}");
    }
}

/// All that a reader has is in the schema: it says so itself where it finds something else.
#[test]
fn the_schema_has_the_fields_of_the_readers() {
    let schema = schema();
    for (text, command, fields) in [
        ("zzz: 1", "patterns", &schema["properties"]),
        ("patterns: {ambassador: {zzz: 1}}", "patterns", &schema["$defs"]["PatternDefaults"]["properties"]),
        ("serve: {zzz: 1}", "serve", &schema["$defs"]["Options"]["properties"]),
    ] {
        let files = Files::new(&[("settings.yaml", text)]);
        let told = files.multipod(&[command, "--config", "settings.yaml"]).err;
        let (_, list) = told.lines().next().unwrap().rsplit_once("expected ").unwrap();
        let read: BTreeSet<&str> =
            list.split([',', ' ']).filter(|word| !word.is_empty() && *word != "or").collect();
        let shown: BTreeSet<&str> = fields.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(read, shown, "{told}");
    }
}
