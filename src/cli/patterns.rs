//! `multipod patterns`.

mod entry;

use std::process::ExitCode;

use multipod_engine::annotation::key::PREFIX;
use multipod_engine::pattern::Context;

use crate::explain::sample;
use crate::manifest::Cluster;

use super::context::ContextArgs;
use super::explain::columns;
use super::line::{Line, Tone};
use super::output::{self, Format, Told, json, printed};
use super::report::Failure;
use entry::Entry;
pub(super) use entry::entries;

/// List the patterns, or show one: what to write, its options and what it adds
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub(super) struct Args {
    /// A pattern, such as ambassador or nginx, or a key, to list its patterns
    #[arg(value_name = "NAME")]
    name: Option<String>,

    #[command(flatten)]
    context: ContextArgs,

    #[command(flatten)]
    told: Told,
}

const NOTES: &str = "\
EXAMPLES
  multipod patterns
  multipod patterns ambassador
  multipod patterns nginx -o json
  multipod patterns audit-tap --policy-dir policies/

EXIT CODES
  0  the patterns were printed
  2  there is no such pattern, or something could not be read";

/// How wide texts are where there is no terminal.
const PIPED: usize = 80;

/// What stands on the left of longer texts has a line of its own.
const LEFT: usize = 30;

impl Args {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let cluster = self.context.read()?;
        let all = entries(&cluster.catalogue);
        let Some(name) = &self.name else { return list(&all, self.told.output) };
        let name = name.strip_prefix(PREFIX).unwrap_or(name);
        if let Some(entry) = all.iter().find(|entry| entry.name == name) {
            return show(entry, &cluster, self.told.output);
        }
        let of_key: Vec<Entry> = all.iter().filter(|entry| entry.key.name() == name).cloned().collect();
        if of_key.is_empty() {
            return Err(Failure::one(unknown(name, &all)));
        }
        list(&of_key, self.told.output)
    }
}

fn unknown(name: &str, all: &[Entry]) -> String {
    let names = all.iter().map(|entry| &*entry.name);
    let meant = multipod_values::suggest::did_you_mean(name, names);
    format!("there is no pattern {name}{meant} (multipod patterns lists all)")
}

fn list(entries: &[Entry], format: Format) -> Result<ExitCode, Failure> {
    let text = match format {
        Format::Json => json(&entries.iter().map(Entry::brief).collect::<Vec<_>>()),
        Format::Text => printed(&table(entries)),
    };
    output::print(&text, ExitCode::SUCCESS)
}

/// Below each annotation its patterns.
fn table(entries: &[Entry]) -> Vec<Line> {
    let columns = columns(PIPED);
    let widest = |cell: fn(&Entry) -> &str| entries.iter().map(|entry| cell(entry).len()).max().unwrap_or(0);
    let (names, kinds) = (widest(|entry| &entry.name), widest(|entry| entry.kind));
    let mut lines = Vec::new();
    let mut last = None;
    for entry in entries {
        if last.replace(entry.key).is_none_or(|last| last != entry.key) {
            lines.push(Line::plain(entry.key.full()));
        }
        let name = Line::of(Tone::Strong, format!("  {:<names$}  ", entry.name));
        lines.extend(name.and(Tone::Quiet, format!("{:<kinds$}  ", entry.kind)).hanging(
            Tone::Plain,
            &entry.what,
            columns,
        ));
    }
    lines
}

fn show(entry: &Entry, cluster: &Cluster, format: Format) -> Result<ExitCode, Failure> {
    let context = Context {
        namespace: cluster.namespace.as_deref().unwrap_or("default"),
        version: cluster.version,
        ..Context::new(&cluster.settings, &cluster.catalogue)
    };
    let added = sample(entry.key, &entry.example, &context);
    let mut entry = entry.clone();
    if let Ok(added) = &added {
        entry.see(added);
    }
    let text = match format {
        Format::Json => json(&entry.whole(added.ok())),
        Format::Text => printed(&page(&entry, added)),
    };
    output::print(&text, ExitCode::SUCCESS)
}

fn page(entry: &Entry, added: Result<serde_json::Value, String>) -> Vec<Line> {
    let mut lines = vec![
        Line::of(Tone::Strong, &entry.name)
            .and(Tone::Quiet, format!("  {}, {}", entry.key.full(), entry.kind)),
    ];
    lines.extend(Line::default().hanging(Tone::Plain, &capital(&entry.what), columns(PIPED)));
    heading(&mut lines, "Write");
    let syntax = format!("{}: \"{}\"", entry.key.full(), entry.syntax());
    lines.extend(Line::plain("  ").hanging(Tone::Plain, &syntax, columns(PIPED)));
    if !entry.forms.is_empty() {
        lines.push(Line::default());
        let forms = entry.forms.iter().map(|(form, meaning)| [form.as_str(), meaning.as_str()]);
        lines.extend(beside(&forms.collect::<Vec<_>>()));
    }
    for (title, choices) in [
        ("Options of an item", &entry.options),
        ("Settings of the whole value, after a comma", &entry.settings),
    ] {
        if choices.is_empty() {
            continue;
        }
        heading(&mut lines, title);
        let told: Vec<[String; 2]> = choices.iter().map(entry::Choice::told).collect();
        lines.extend(beside(
            &told.iter().map(|[left, right]| [left.as_str(), right.as_str()]).collect::<Vec<_>>(),
        ));
    }
    let facts = [("Images", &entry.images), ("Ports", &entry.ports), ("Allows itself", &entry.allow)];
    for (title, facts) in facts.into_iter().filter(|(_, facts)| !facts.is_empty()) {
        heading(&mut lines, title);
        lines.push(Line::plain(format!("  {}", facts.join(", "))));
    }
    heading(&mut lines, "Example");
    lines.push(Line::plain(format!("  {}: \"{}\"", entry.key.full(), entry.example.replace('"', "\\\""))));
    match added {
        Ok(added) if added.as_object().is_some_and(serde_json::Map::is_empty) => {
            heading(&mut lines, "Adds nothing to a pod");
        }
        Ok(added) => {
            heading(&mut lines, "Adds, to a pod with one container");
            lines.extend(
                multipod_yaml::emit(&added).lines().map(|line| Line::of(Tone::Ours, format!("  {line}"))),
            );
        }
        Err(why) => {
            heading(&mut lines, "A pod with one container is rejected");
            lines.extend(why.lines().map(|line| Line::plain(format!("  {line}"))));
        }
    }
    lines
}

fn heading(lines: &mut Vec<Line>, title: &str) {
    lines.extend([Line::default(), Line::of(Tone::Strong, title)]);
}

fn beside(rows: &[[&str; 2]]) -> Vec<Line> {
    let columns = columns(PIPED);
    let widths = rows.iter().map(|[left, _]| left.chars().count());
    let widest = widths.filter(|width| *width <= LEFT).max().unwrap_or(LEFT);
    let mut lines = Vec::new();
    for [left, right] in rows {
        let mut first = Line::of(Tone::Strong, format!("  {left:<widest$}  "));
        if left.chars().count() > widest {
            lines.extend(Line::plain("  ").hanging(Tone::Strong, left, columns));
            first = Line::plain(" ".repeat(widest + 4));
        }
        lines.extend(first.hanging(Tone::Plain, right, columns));
    }
    lines
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
