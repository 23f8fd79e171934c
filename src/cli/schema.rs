//! `multipod schema`.

use std::process::ExitCode;

use multipod_engine::pattern::settings::PatternDefaults;
use multipod_engine::pattern::{Catalogue, Settings, names_in_settings};
use schemars::generate::SchemaSettings;
use schemars::{Schema, json_schema};
use serde_json::Value;

use super::output::{self, json};
use super::report::Failure;
use super::serve::Options;

/// Print the JSON schema of the settings file, for editors and checks
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args;

const NOTES: &str = "\
EXAMPLES
  multipod schema > settings.schema.json
  echo '# yaml-language-server: $schema=settings.schema.json' >> settings.yaml";

pub(super) fn run() -> Result<ExitCode, Failure> {
    output::print(&json(&of_settings()), ExitCode::SUCCESS)
}

/// What the readers of both halves of the file say, and by which names patterns go in it.
fn of_settings() -> Schema {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let one = generator.subschema_for::<PatternDefaults>();
    let patterns = Catalogue::builtin();
    let names = names_in_settings(&patterns).into_iter().map(|name| (name, one.clone().to_value()));
    let patterns = json_schema!({
        "type": "object",
        "properties": names.collect::<serde_json::Map<_, _>>(),
        // The administrators' own, which only their files know.
        "patternProperties": { "^(metrics|patterns)-": one },
        "additionalProperties": false,
    });
    let serve = generator.subschema_for::<Options>();
    let mut schema = generator.into_root_schema_for::<Settings>();
    for (name, inner) in [("patterns", patterns), ("serve", serve)] {
        if let Some(field) = schema.pointer_mut(&format!("/properties/{name}")).and_then(Value::as_object_mut)
        {
            let meaning = field.remove("description");
            let mut inner = inner;
            inner.insert("description".to_owned(), meaning.unwrap_or_default());
            *field = inner.to_value().as_object().cloned().unwrap_or_default();
        }
    }
    schema
}
