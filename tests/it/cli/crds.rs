//! `multipod crds`. What an API server makes of it is tried on a real one in `tests/e2e/controlplane`.

use serde_json::Value;

use crate::support::run::{multipod, values};

fn schemas() -> Vec<Value> {
    let ran = multipod(&["crds"], "");
    assert_eq!((ran.code, &*ran.err), (0, ""));
    let schema = |crd: Value| crd.pointer("/spec/versions/0/schema/openAPIV3Schema").unwrap().clone();
    values(&ran.out).into_iter().map(schema).collect()
}

/// Calls `look` with every schema below one, and its path.
fn each(schema: &Value, path: &str, look: &mut impl FnMut(&str, &Value)) {
    look(path, schema);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        each(field, &format!("{path}.{name}"), look);
    }
    for word in ["items", "additionalProperties"] {
        if schema.get(word).is_some() {
            each(&schema[word], &format!("{path}[]"), look);
        }
    }
}

/// An API server estimates what its rules cost by what objects may hold at most.
#[test]
fn all_that_an_object_holds_is_bounded_and_told() {
    let mut looked = 0;
    for schema in schemas() {
        for part in ["spec", "status"] {
            each(&schema["properties"][part], part, &mut |path, schema| {
                let bound = match schema["type"].as_str() {
                    Some("string") if schema.get("enum").is_some() => "enum",
                    Some("string") => "maxLength",
                    Some("array") => "maxItems",
                    Some("object") if schema.get("additionalProperties").is_some() => "maxProperties",
                    _ => "",
                };
                assert!(bound.is_empty() || schema.get(bound).is_some(), "{path} has no {bound}");
                let told = schema["description"].as_str().is_some_and(|text| text.ends_with('.'));
                assert!(told || path.ends_with("[]"), "{path} is not described: {schema}");
                looked += 1;
            });
        }
    }
    assert!(looked > 60, "{looked}");
}

#[test]
fn both_kinds_are_printed_as_yaml_and_as_json() {
    let kinds = |text: &str| -> Vec<Value> {
        let all = values(text);
        let all = if all[0]["kind"] == "List" { all[0]["items"].as_array().unwrap().clone() } else { all };
        all.iter().map(|crd| crd["spec"]["names"]["shortNames"][0].clone()).collect()
    };
    let of = |format: &str| kinds(&multipod(&["crds", "-o", format], "").out);
    assert_eq!(of("yaml"), ["injpol", "pat"]);
    assert_eq!(of("json"), of("yaml"));
}
