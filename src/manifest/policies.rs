//! The policies and patterns that stand among manifests: read as strictly as those of a directory, and not in force.

use multipod_engine::inject::DenyReason;
use multipod_engine::pattern::object::{Kind, Part, Place, Problem, Spot, is_meant_as_ours};
use multipod_engine::policy::{Layer, Layers, Loaded, Objects, disagreements};

use super::{Cluster, Finding, Manifests, Placed};

/// Those that were seen.
#[derive(Debug, Default)]
pub(crate) struct Written(Vec<Seen>);

/// One of them, with its text: no document is held for longer than it is looked at.
#[derive(Debug)]
struct Seen {
    file: String,
    /// Where it begins, both from 1.
    start: (usize, usize),
    /// As it stands in the file, each part of it in its column.
    text: String,
    /// Whether that says what it means: an alias of something outside of it does not.
    stands_alone: bool,
    subject: String,
}

/// What they define, and what is wrong with them.
#[derive(Debug)]
pub(crate) struct Read {
    seen: Vec<Seen>,
    loaded: Loaded,
    problems: Vec<Problem>,
}

impl Written {
    /// Keeps an object, if it is one of ours.
    pub(crate) fn see(&mut self, placed: &Placed<'_>) {
        let value = placed.object.value;
        if !is_meant_as_ours(value) {
            return;
        }
        let position = placed.document.position(&placed.object.pointer);
        let start = position.map_or((placed.document.first_line(), 1), |at| (at.line, at.column));
        if self.0.iter().any(|seen| seen.file == placed.file && seen.start == start) {
            return;
        }
        let source = position.map_or("", |position| position.source);
        let text = " ".repeat(start.1 - 1) + source;
        let stands_alone = multipod_yaml::documents(&text)
            .is_ok_and(|read| matches!(read.as_slice(), [one] if one.value() == value));
        let text = if stands_alone { text } else { value.to_string() };
        let (file, subject) = (placed.file.to_owned(), placed.subject());
        self.0.push(Seen { file, start, text, stands_alone, subject });
    }

    /// Reads all of them as the objects of one directory.
    pub(crate) fn read(self) -> Read {
        let parts =
            self.0.iter().map(|Seen { file, start, text, .. }| Part { file, skipped: start.0 - 1, text });
        let objects = Objects::of_parts(parts);
        // Of two with one name, the other one's own mistakes count here too.
        let mut problems = objects.problems();
        let mut layers = Layers::default();
        layers.replace(Layer::Folder, objects);
        let loaded = layers.merge();
        problems.extend(
            loaded.problems.iter().filter(|problem| !problems.contains(problem)).cloned().collect::<Vec<_>>(),
        );
        Read { seen: self.0, loaded, problems }
    }
}

impl Read {
    /// What is wrong with them, and which of them certainly contradict each other.
    pub(crate) fn findings(&self, manifests: &Manifests<'_>) -> Vec<Finding> {
        let invalid = self.problems.iter().map(|problem| (problem.clone(), DenyReason::PolicyInvalid));
        let contradictions = self.contradictions().map(|problem| (problem, DenyReason::PolicyConflict));
        let all = invalid.chain(contradictions);
        all.map(|(problem, reason)| self.finding(&problem, reason, manifests)).collect()
    }

    /// Whether the same names are in force anyway.
    pub(crate) fn are_in_force(&self, cluster: &Cluster) -> bool {
        self.loaded.objects.iter().all(|object| match object.kind {
            Kind::InjectionPolicy => cluster.policies.find(&object.name).is_some(),
            Kind::Pattern => cluster.catalogue.get(&object.name).is_some(),
        })
    }

    /// Each of them once, at the one that stands behind the other.
    fn contradictions(&self) -> impl Iterator<Item = Problem> {
        let policies = &self.loaded.policies;
        let place = |name: &str| {
            let mut objects = self.loaded.objects.iter();
            objects
                .find(|object| object.kind == Kind::InjectionPolicy && object.name == name)
                .map(|it| &it.place)
        };
        policies.iter().flat_map(move |policy| {
            let certain = disagreements(policy, policies).into_iter().filter(|one| one.is_certain);
            certain.filter_map(move |one| {
                let (own, other) = (place(&policy.name)?, place(one.other)?);
                let message = format!("{}\n{} stands in {other}", one.told(&policy.name), one.other);
                (other < own).then(|| Problem::new(own.clone(), message))
            })
        })
    }

    fn finding(&self, problem: &Problem, reason: DenyReason, manifests: &Manifests<'_>) -> Finding {
        let file = problem.place.file().unwrap_or_default();
        let manifest = manifests.readable.iter().find(|manifest| manifest.name == file);
        let text = manifest.map_or("", |manifest| manifest.text);
        let Some(seen) = self.around(&problem.place) else { return Finding::of_problem(problem, text) };
        let mut problem = problem.clone();
        if !seen.stands_alone {
            let (line, column) = seen.start;
            problem.place = Place::Line { file: file.to_owned(), line: Spot { line, column, width: 0 } };
        }
        let finding = Finding::of_problem(&problem, text);
        Finding { slug: reason.slug(), subject: seen.subject.clone(), ..finding }
    }

    /// In which of them a place is.
    fn around(&self, place: &Place) -> Option<&Seen> {
        let Place::Line { file, line } = place else { return None };
        let mut before =
            self.seen.iter().rev().filter(|seen| seen.file == *file && seen.start.0 <= line.line);
        before
            .find(|seen| seen.start.0 < line.line || seen.start.1 <= line.column.max(1))
            .or_else(|| self.seen.iter().find(|seen| seen.file == *file && seen.start.0 == line.line))
    }
}
