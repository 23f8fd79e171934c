//! A disk on which anything may happen, and a table that must not lose a byte of it.

use super::tests::{found, read};
use super::{FileId, Phase, Table};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

/// What may happen to a disk while it is followed.
#[derive(Clone, Debug)]
enum Event {
    Append { name: usize, text: String },
    AppendHeld { file: usize, text: String },
    Rename { from: usize, to: usize },
    Delete { name: usize },
    Scan,
    Round,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let text = "[ab\n]{1,60}";
    prop::collection::vec(
        prop_oneof![
            4 => (0..4_usize, text).prop_map(|(name, text)| Event::Append { name, text }),
            2 => (0..9_usize, text).prop_map(|(file, text)| Event::AppendHeld { file, text }),
            2 => (0..4_usize, 0..4_usize).prop_map(|(from, to)| Event::Rename { from, to }),
            1 => (0..4_usize).prop_map(|name| Event::Delete { name }),
            3 => Just(Event::Scan),
            3 => Just(Event::Round),
        ],
        0..80,
    )
}

/// Two names match, two do not; a file keeps its number whatever its name.
const NAMES: [&str; 4] = ["/log/a.log", "/log/b.log", "/log/a.old", "/log/b.old"];

#[derive(Default)]
struct Disk {
    names: BTreeMap<usize, usize>,
    contents: Vec<String>,
    table: Table,
    printed: BTreeMap<usize, String>,
    now: Duration,
}

impl Disk {
    fn happen(&mut self, event: Event) {
        self.now += Duration::from_millis(300);
        match event {
            Event::Append { name, text } => {
                let file = *self.names.entry(name).or_insert_with(|| {
                    self.contents.push(String::new());
                    self.contents.len() - 1
                });
                self.contents[file].push_str(&text);
            }
            Event::AppendHeld { file, text } => {
                if let Some(content) = self.contents.get_mut(file) {
                    content.push_str(&text);
                }
            }
            Event::Rename { from, to } if from != to => {
                if let Some(file) = self.names.remove(&from) {
                    self.names.insert(to, file);
                }
            }
            Event::Rename { .. } => {}
            Event::Delete { name } => {
                self.names.remove(&name);
            }
            Event::Scan => self.scan(),
            Event::Round => self.round(self.table.due(self.now), Phase::Running),
        }
    }

    fn scan(&mut self) {
        let known: Vec<_> = self.table.paths().map(|(id, _)| id).collect();
        let seen = self
            .names
            .iter()
            .map(|(&name, &file)| found(file as u64, NAMES[name], self.contents[file].len()));
        let seen = seen.filter(|found| found.matched || known.contains(&found.id)).collect();
        self.table.sync(seen, self.now);
    }

    fn round(&mut self, files: Vec<FileId>, phase: Phase) {
        for id in files {
            let file = usize::try_from(id.inode).unwrap();
            let text = read(&mut self.table, id.inode, &self.contents[file], phase, self.now);
            self.printed.entry(file).or_default().push_str(&text);
        }
    }
}

proptest! {
    #[test]
    fn every_file_that_was_found_is_printed_whole_whatever_happens(events in events()) {
        let mut disk = Disk::default();
        for event in events {
            disk.happen(event);
        }
        disk.scan();
        disk.table.look_again();
        loop {
            let due = disk.table.due_at_end(true);
            if due.is_empty() {
                break;
            }
            disk.round(due, Phase::Ending);
        }
        disk.round(disk.table.all(), Phase::Last);
        for id in disk.table.files.keys() {
            let file = usize::try_from(id.inode).unwrap();
            prop_assert_eq!(disk.printed.get(&file).map_or("", String::as_str), &disk.contents[file]);
        }
    }
}
