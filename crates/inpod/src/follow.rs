//! The loop of `multipod follow`: scan, read what is due, write, sleep.

use super::cursor::Piece;
use super::handles::{Handles, Unopened, descriptor_limit};
use super::output::{Format, format_piece, standard_output, write_whole};
use super::report::{UnreadablePaths, report};
use super::scan::{Folders, scan};
use super::signals::Signals;
use super::table::{FileId, Followed, Phase, Table};
use multipod_values::Glob;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// What a file gives at one turn: large enough to be quick, small enough for the others.
const TURN: usize = 64 * 1024;
const SHORTEST_SLEEP: Duration = Duration::from_millis(100);
/// Only the folders' times are asked for so often when nothing happens: between two looks, files come and go unseen.
const LONGEST_SLEEP: Duration = Duration::from_millis(400);
const BETWEEN_SCANS: Duration = Duration::from_secs(1);
/// At the end, files that are still written to are read for so long.
const LAST_READING: Duration = Duration::from_secs(5);

pub struct Options {
    pub globs: Vec<Glob>,
    pub format: Format,
    pub max_line: usize,
}

/// Prints the lines of the files until a signal ends it.
pub fn follow(options: Options) -> io::Result<()> {
    let signals = Signals::register()?;
    match Follower::new(options)?.run(&signals) {
        // Nobody reads any more, so nothing is left to do.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

struct Follower {
    options: Options,
    table: Table,
    handles: Handles,
    folders: Folders,
    unreadable: UnreadablePaths,
    output: File,
    /// What one file gave at its turn; one buffer for all.
    data: Vec<u8>,
    /// Lines that are not written yet.
    lines: Vec<u8>,
    started: Instant,
    scanned: Duration,
    pace: Pace,
}

impl Follower {
    fn new(options: Options) -> io::Result<Self> {
        Ok(Self {
            options,
            table: Table::default(),
            handles: Handles::new(descriptor_limit()),
            folders: Folders::default(),
            unreadable: UnreadablePaths::default(),
            output: standard_output()?,
            data: Vec::new(),
            lines: Vec::new(),
            started: Instant::now(),
            scanned: Duration::ZERO,
            pace: Pace::default(),
        })
    }

    fn run(mut self, signals: &Signals) -> io::Result<()> {
        self.scan();
        if self.table.len() == 0 {
            let patterns: Vec<_> = self.options.globs.iter().map(Glob::as_str).collect();
            report(format_args!("no file matches {} yet; waiting for one", patterns.join(" or ")));
        }
        let mut sleep = SHORTEST_SLEEP;
        while signals.arrived().is_none() {
            if self.scan_is_due() {
                self.scan();
            }
            let due = self.table.due(self.now());
            if self.round(&due, Phase::Running)?.backlog {
                continue;
            }
            sleep = if due.is_empty() { (sleep * 2).min(LONGEST_SLEEP) } else { SHORTEST_SLEEP };
            signals.sleep(sleep)?;
        }
        self.finish()
    }

    /// Each second, and at once when a folder has changed, where scans are quick.
    fn scan_is_due(&self) -> bool {
        let since = self.now().saturating_sub(self.scanned);
        since >= self.pace.pause() && (since >= BETWEEN_SCANS || self.folders.changed())
    }

    fn scan(&mut self) {
        let before = self.now();
        let seen = scan(&self.options.globs, self.table.paths(), &mut self.unreadable);
        self.scanned = self.now();
        self.pace.took(self.scanned.saturating_sub(before));
        self.folders = seen.folders;
        self.table.sync(seen.found, self.scanned);
        if seen.starved {
            self.handles.give_way(|id| self.table.is_pinned(id, Phase::Running));
        }
    }

    /// One turn for each of the files.
    fn round(&mut self, files: &[FileId], phase: Phase) -> io::Result<Round> {
        let mut round = Round::default();
        for &id in files {
            self.turn(id, phase, &mut round);
            if self.lines.len() >= TURN {
                self.write()?;
            }
        }
        let format = self.options.format;
        let gone = self
            .table
            .forget_gone(self.now(), |name, piece| format_piece(&mut self.lines, format, name, piece));
        for id in gone {
            self.handles.close(id);
        }
        self.write()?;
        Ok(round)
    }

    fn turn(&mut self, id: FileId, phase: Phase, round: &mut Round) {
        let now = self.now();
        let Some(path) = self.table.file(id).map(|file| file.path.clone()) else { return };
        let opened = self.handles.get(id, &path, |other| self.table.is_pinned(other, phase));
        let Some(file) = self.table.file(id) else { return };
        let unfinished = file.unfinished(now, phase);
        let max_line = self.options.max_line;
        let result = opened.and_then(|opened| {
            let read = fill(&mut self.data, opened, file, max_line);
            read.map_err(Unopened::Unreadable)
        });
        let format = self.options.format;
        let lines = &mut self.lines;
        let print = |name: &Path, piece: Piece| format_piece(lines, format, name, piece);
        match result {
            Ok(more) => {
                round.bytes += file.take(&self.data, more, max_line, unfinished, now, print);
                round.backlog |= !file.is_at_end();
            }
            Err(Unopened::NoDescriptor) if phase != Phase::Last => round.without_descriptor += 1,
            Err(Unopened::Moved | Unopened::NoDescriptor) => file.give_up(unfinished, print),
            Err(Unopened::Unreadable(error)) => {
                file.give_up(unfinished, print);
                self.unreadable.report(&path, &error);
                self.handles.close(id);
            }
        }
    }

    /// Reads what is there to the end: everything that was written before, and for some seconds what still comes.
    fn finish(mut self) -> io::Result<()> {
        let deadline = self.now() + LAST_READING;
        loop {
            self.scan();
            self.table.look_again();
            let mut read = 0;
            loop {
                let late = self.now() >= deadline;
                let due = self.table.due_at_end(!late);
                let round = self.round(&due, Phase::Ending)?;
                if due.is_empty() || (late && round.without_descriptor == due.len()) {
                    break;
                }
                read += round.bytes;
            }
            if read == 0 || self.now() >= deadline {
                break;
            }
        }
        self.round(&self.table.all(), Phase::Last)?;
        Ok(())
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn write(&mut self) -> io::Result<()> {
        write_whole(&self.output, &self.lines)?;
        self.lines.clear();
        Ok(())
    }
}

/// How long the last scans took. They shall not take more than a twentieth of the time. A single slow one does not count: it
/// had to wait for a busy machine, and files that come and go while we pause for it are never seen.
#[derive(Default)]
struct Pace {
    last: [Duration; 3],
}

impl Pace {
    fn took(&mut self, time: Duration) {
        self.last.rotate_left(1);
        self.last[2] = time;
    }

    fn pause(&self) -> Duration {
        self.last.into_iter().min().unwrap_or_default() * 20
    }
}

/// What came of the turns.
#[derive(Default)]
struct Round {
    bytes: u64,
    /// A file was not read to its end.
    backlog: bool,
    /// Turns that were lost because no descriptor was left.
    without_descriptor: usize,
}

/// Reads a turn's worth of a file into `data`, or a whole long line; whether there may be more.
fn fill(data: &mut Vec<u8>, opened: &File, file: &Followed, max_line: usize) -> io::Result<bool> {
    data.clear();
    let more = extend(data, opened, file.read_from(), TURN)?;
    let needed = file.needed(data, max_line);
    if more && needed > data.len() { extend(data, opened, file.read_from(), needed) } else { Ok(more) }
}

/// Reads until `data`, which starts at the offset `from`, is so long or the file ends; whether it did not end.
fn extend(data: &mut Vec<u8>, file: &File, from: u64, length: usize) -> io::Result<bool> {
    let mut filled = data.len();
    data.resize(length, 0);
    while filled < length {
        match file.read_at(&mut data[filled..], from + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    data.truncate(filled);
    Ok(filled == length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scans_pause_only_where_several_in_a_row_were_slow() {
        let seconds = Duration::from_secs;
        for (took, pause) in [
            (&[][..], 0),
            (&[1], 0),
            (&[0, 0, 9], 0),
            (&[9, 9, 0], 0),
            (&[1, 2, 3], 20),
            (&[0, 1, 2, 3], 20),
            (&[5, 4, 6, 5], 80),
        ] {
            let mut pace = Pace::default();
            for time in took {
                pace.took(seconds(*time));
            }
            assert_eq!(pace.pause(), seconds(pause), "{took:?}");
        }
    }
}
