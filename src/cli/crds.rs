//! `multipod crds`.

use std::process::ExitCode;

use multipod_engine::pattern::defined;
use multipod_engine::pattern::object_status::ObjectStatus;
use multipod_engine::policy;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::output::{self, ManifestFormat};
use super::report::Failure;

/// Print the CustomResourceDefinitions of `InjectionPolicy` and `Pattern`
///
/// They are for clusters that store policies as objects. Install them separately from everything else: deleting a
/// CustomResourceDefinition deletes all its objects.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The output format
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value_t)]
    output: ManifestFormat,
}

const EXAMPLES: &str = "\
EXAMPLES
  multipod crds | kubectl apply --server-side -f -
  kubectl explain injectionpolicy.spec.match";

const GROUP: &str = "multipod.dev";
const VERSION: &str = "v1alpha1";

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let all = [injection_policies(), patterns()];
        let text = match self.output {
            ManifestFormat::Yaml => all.iter().fold(String::new(), |text, crd| {
                text + "---
" + &multipod_yaml::emit(crd)
            }),
            ManifestFormat::Json => output::json(&json!({"apiVersion": "v1", "kind": "List", "items": all})),
        };
        output::print(&text, ExitCode::SUCCESS)
    }
}

fn injection_policies() -> Value {
    let columns = [
        column("Mode", "string", ".spec.mode", "How far it goes"),
        column("Percent", "integer", ".spec.rollout.percent", "The part of the workloads that it is for"),
    ];
    resource(
        &json!({
            "kind": "InjectionPolicy",
            "listKind": "InjectionPolicyList",
            "plural": "injectionpolicies",
            "singular": "injectionpolicy",
            "shortNames": ["injpol"],
            "categories": ["multipod"],
        }),
        "What the operators of a cluster add to some of its pods, and what these pods may choose themselves.",
        columns,
        &object_schema::<policy::Spec>(253),
    )
}

fn patterns() -> Value {
    let columns = [
        column("Kind", "string", ".spec.kind", "Which annotation asks for it"),
        column("Description", "string", ".spec.description", "What it is for"),
    ];
    resource(
        &json!({
            "kind": "Pattern",
            "listKind": "PatternList",
            "plural": "patterns",
            "singular": "pattern",
            "shortNames": ["pat"],
            "categories": ["multipod"],
        }),
        "A pattern of the administrators' own, which annotations ask for by name.",
        columns,
        &object_schema::<defined::Spec>(63),
    )
}

fn resource<const OWN: usize>(names: &Value, about: &str, columns: [Value; OWN], schema: &Value) -> Value {
    let accepted = |field: &str| format!(".status.conditions[?(@.type==\"Accepted\")].{field}");
    let mut message = column("Message", "string", &accepted("message"), "What is wrong with it");
    message["priority"] = json!(1);
    let columns = columns.into_iter().chain([
        column("Accepted", "string", &accepted("status"), "Whether it could be read"),
        column("Reason", "string", &accepted("reason"), "Why not"),
        column("Replicas", "string", ".status.replicas", "How many replicas act on it"),
        column("Age", "date", ".metadata.creationTimestamp", "How long it is there"),
        message,
    ]);
    let mut schema = schema.clone();
    schema["description"] = json!(about);
    let plural = names["plural"].as_str().unwrap_or_default();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{GROUP}")},
        "spec": {
            "group": GROUP,
            "names": names,
            "scope": "Cluster",
            "versions": [{
                "name": VERSION,
                "served": true,
                "storage": true,
                "subresources": {"status": {}},
                "additionalPrinterColumns": columns.collect::<Vec<_>>(),
                "schema": {"openAPIV3Schema": schema},
            }],
        },
    })
}

fn column(name: &str, kind: &str, path: &str, about: &str) -> Value {
    json!({"name": name, "type": kind, "jsonPath": path, "description": about})
}

/// An object of ours. Nothing but the name of an object can be said of its metadata.
fn object_schema<Spec: JsonSchema>(longest_name: usize) -> Value {
    json!({
        "description": "",
        "type": "object",
        "required": ["metadata", "spec"],
        "properties": {
            "apiVersion": {"description": "The group and version of the object.", "type": "string"},
            "kind": {"description": "What the object is.", "type": "string"},
            "metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": longest_name}}},
            "spec": structural::<Spec>(),
            "status": structural::<ObjectStatus>(),
        },
    })
}

/// What a type says of itself, in the part of JSON Schema that API servers take. kube-derive would do it for types that can
/// be cloned and written, too; ours are only read.
fn structural<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
        settings.transforms.push(Box::new(Structural));
    });
    settings.into_generator().into_root_schema_for::<T>()
}

#[derive(Clone)]
struct Structural;

impl Transform for Structural {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(fields) = schema.as_object_mut() else { return };
        // API servers take away what is null, and with it whatever is allowed to be.
        fields.remove("nullable");
        fields.remove("title");
        if fields.get("default").is_some_and(Value::is_array) {
            fields.remove("default");
        }
        // They prune what they do not know, or refuse it where the client asks for that.
        if fields.get("additionalProperties") == Some(&json!(false)) {
            fields.remove("additionalProperties");
        }
        if fields.get("format").is_some_and(|format| format != "date-time" && format != "int64") {
            fields.remove("format");
        }
        words(fields);
        if let Some(Value::String(description)) = fields.get_mut("description") {
            *description = description.replace('\n', " ");
        }
    }
}

/// Alternatives that are single words are an enumeration, and one that is left is none.
fn words(fields: &mut Map<String, Value>) {
    if let Some(Value::Array(alternatives)) = fields.get("oneOf") {
        let word = |one: &Value| one.get("const").or_else(|| one.pointer("/enum/0")).cloned();
        if let Some(words) = alternatives.iter().map(word).collect::<Option<Vec<_>>>() {
            fields.remove("oneOf");
            fields.insert("type".to_owned(), json!("string"));
            fields.insert("enum".to_owned(), Value::Array(words));
        }
    }
    if let Some(Value::Array(words)) = fields.get_mut("enum") {
        words.retain(|word| !word.is_null());
        fields.remove("maxLength");
    }
    if let Some(Value::Array(alternatives)) = fields.get("anyOf") {
        let nothing = json!({"enum": []});
        let left: Vec<&Value> = alternatives.iter().filter(|one| **one != nothing).collect();
        if let [Value::Object(one)] = left[..] {
            let one = one.clone();
            fields.remove("anyOf");
            for (name, value) in one {
                fields.entry(name).or_insert(value);
            }
        }
    }
}
