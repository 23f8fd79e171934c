//! The files that `follow` prints, and the next action for each. Pure: the caller passes the state of the disk and the time.

use super::cursor::{Advance, Cursor, Piece, Unfinished};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A file that has grown is read at every round for this long; after that, the scans see when it grows again.
const HOT: Duration = Duration::from_secs(3);
/// A file that was renamed or deleted may still get the rest of its last line; then the line is printed as it is.
const QUIET: Duration = Duration::from_secs(2);
/// A file that is in no folder any more is let go after this long without growth: holding it holds its disk space.
const GONE: Duration = Duration::from_secs(30);

/// Which file it is, whatever its name. The time of birth reveals a reused inode, where the file system knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) born: Option<SystemTime>,
}

/// A file as a scan saw it.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) id: FileId,
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) modified: Option<SystemTime>,
    /// Its path matches a pattern; otherwise it did so under an earlier name.
    pub(super) matched: bool,
}

/// How far the program is from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Running,
    /// A signal has come: what is there is read.
    Ending,
    /// All has been read: lines without a newline will not get one.
    Last,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    files: HashMap<FileId, Followed>,
    next_serial: u64,
}

#[derive(Debug)]
pub(super) struct Followed {
    /// The name under which it was found: the one that its lines are printed with.
    pub(super) name: PathBuf,
    pub(super) path: PathBuf,
    serial: u64,
    matched: bool,
    size: u64,
    modified: Option<SystemTime>,
    cursor: Cursor,
    /// All that was there at the last look has been read.
    at_end: bool,
    active: Duration,
    gone: Option<Duration>,
    /// The file that had this one's name before: its last lines come first.
    after: Option<FileId>,
    /// The last try to read it failed.
    unread: bool,
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn file(&mut self, id: FileId) -> Option<&mut Followed> {
        self.files.get_mut(&id)
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = (FileId, &Path)> {
        self.files.iter().map(|(id, file)| (*id, file.path.as_path()))
    }

    /// Its descriptor is the only trace left, so that it must not be closed.
    pub(super) fn is_pinned(&self, id: FileId, phase: Phase) -> bool {
        let needed = |file: &Followed| match phase {
            Phase::Running => file.gone.is_some(),
            Phase::Ending => file.gone.is_some() && file.is_behind(),
            Phase::Last => false,
        };
        self.files.get(&id).is_some_and(needed)
    }

    /// Takes over what a scan has found: the same file under a new name, new files, and files that are gone.
    pub(super) fn sync(&mut self, found: Vec<Found>, now: Duration) {
        let mut present: HashMap<FileId, Found> = HashMap::with_capacity(found.len());
        for one in found {
            let same_path = self.files.get(&one.id).is_some_and(|file| file.path == one.path);
            // Of several names of one file (links), the one it had so far; else the first.
            if same_path || !present.contains_key(&one.id) {
                present.insert(one.id, one);
            }
        }
        let mut newcomers: Vec<_> = Vec::new();
        for one in present.values().filter(|one| one.matched && !self.files.contains_key(&one.id)) {
            newcomers.push(one.clone());
        }
        let before = if newcomers.is_empty() { HashMap::new() } else { self.holders() };
        for (id, file) in &mut self.files {
            match present.remove(id) {
                Some(one) => file.refresh(one, now),
                None => file.vanish(now),
            }
        }
        // Rotated files are older than the one that is written to.
        newcomers.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
        for one in newcomers {
            let after = before.get(&one.path).copied();
            self.files.insert(one.id, Followed::new(one, after, self.next_serial, now));
            self.next_serial += 1;
        }
    }

    fn holders(&self) -> HashMap<PathBuf, FileId> {
        self.files.iter().map(|(id, file)| (file.path.clone(), *id)).collect()
    }

    /// The files that get a turn in this round, in the order in which they were found.
    pub(super) fn due(&self, now: Duration) -> Vec<FileId> {
        self.select(|file| file.is_due(now), Followed::is_drained)
    }

    /// As `due`, at the end of the program: what was there when the signal came, and for a while what still comes.
    pub(super) fn due_at_end(&self, growing_allowed: bool) -> Vec<FileId> {
        if growing_allowed {
            self.select(|file| !file.at_end, Followed::is_drained)
        } else {
            self.select(Followed::is_behind, |before| !before.is_behind())
        }
    }

    pub(super) fn all(&self) -> Vec<FileId> {
        self.select(|_| true, |_| true)
    }

    /// Every file may have grown: nothing counts as read to its end.
    pub(super) fn look_again(&mut self) {
        for file in self.files.values_mut() {
            file.at_end = false;
        }
    }

    /// Those that are chosen, and do not have to wait until the file before them is done.
    fn select(&self, is_chosen: impl Fn(&Followed) -> bool, done: impl Fn(&Followed) -> bool) -> Vec<FileId> {
        let waits = |file: &Followed| {
            file.after.and_then(|after| self.files.get(&after)).is_some_and(|before| !done(before))
        };
        let chosen = self.files.iter().filter(|(_, file)| is_chosen(file) && !waits(file));
        let mut chosen: Vec<_> = chosen.map(|(id, file)| (file.serial, *id)).collect();
        chosen.sort_unstable_by_key(|(serial, _)| *serial);
        chosen.into_iter().map(|(_, id)| id).collect()
    }

    /// Forgets the files that are gone for good; `flush` gets the name and the unfinished line of each.
    pub(super) fn forget_gone(&mut self, now: Duration, mut flush: impl FnMut(&Path, Piece)) -> Vec<FileId> {
        let done = self.select(|file| file.has_expired(now), |_| true);
        for id in &done {
            if let Some(mut file) = self.files.remove(id) {
                file.cursor.print_kept(|piece| flush(&file.name, piece));
            }
        }
        done
    }
}

impl Followed {
    fn new(found: Found, after: Option<FileId>, serial: u64, now: Duration) -> Self {
        Self {
            name: found.path.clone(),
            path: found.path,
            serial,
            matched: found.matched,
            size: found.size,
            modified: found.modified,
            cursor: Cursor::default(),
            at_end: false,
            active: now,
            gone: None,
            after,
            unread: false,
        }
    }

    fn refresh(&mut self, found: Found, now: Duration) {
        let renamed = found.path != self.path;
        let came_back = self.gone.take().is_some();
        if renamed || came_back {
            self.active = now;
            self.matched = found.matched;
            self.path = found.path;
        }
        if renamed || self.unread || (found.size, found.modified) != (self.size, self.modified) {
            self.at_end = false;
            (self.size, self.modified) = (found.size, found.modified);
        }
    }

    fn vanish(&mut self, now: Duration) {
        if self.gone.is_none() {
            self.gone = Some(now);
            self.active = now;
            self.at_end = false;
        }
    }

    /// It was rotated away or deleted: what it lacks of its last line may never come.
    fn is_leaving(&self) -> bool {
        self.gone.is_some() || !self.matched || self.path != self.name
    }

    fn is_due(&self, now: Duration) -> bool {
        !self.at_end
            || now < self.active + HOT
            || (self.gone.is_some() && !self.unread)
            || (self.is_leaving() && self.cursor.has_pending())
    }

    /// It has not been read as far as it was at the last scan.
    fn is_behind(&self) -> bool {
        !self.at_end && self.cursor.seen() < self.size
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at_end
    }

    fn is_drained(&self) -> bool {
        self.at_end && !self.cursor.has_pending()
    }

    fn has_expired(&self, now: Duration) -> bool {
        self.gone.is_some() && self.at_end && now >= self.active + GONE
    }

    pub(super) fn read_from(&self) -> u64 {
        self.cursor.read_from()
    }

    pub(super) fn needed(&self, data: &[u8], max_line: usize) -> usize {
        self.cursor.needed(data, max_line)
    }

    /// Whether a line without a newline is printed now.
    pub(super) fn unfinished(&self, now: Duration, phase: Phase) -> Unfinished {
        let settled = match phase {
            Phase::Running => self.is_leaving() && now >= self.active + QUIET,
            Phase::Ending => self.is_leaving(),
            Phase::Last => true,
        };
        if settled { Unfinished::Print } else { Unfinished::Wait }
    }

    /// Prints what is new in `data`, which was read at `read_from`; `more`: the file did not end there.
    pub(super) fn take(
        &mut self,
        data: &[u8],
        more: bool,
        max_line: usize,
        unfinished: Unfinished,
        now: Duration,
        mut print: impl FnMut(&Path, Piece),
    ) -> u64 {
        let unfinished = if more { Unfinished::Wait } else { unfinished };
        let name = &self.name;
        match self.cursor.advance(data, max_line, unfinished, |piece| print(name, piece)) {
            Advance::Grown(bytes) => {
                self.at_end = !more;
                self.unread = false;
                if bytes > 0 {
                    self.active = now;
                }
                bytes
            }
            Advance::Restarted => {
                // It may be another file with a reused inode: from here on it has the name that it has now.
                self.name.clone_from(&self.path);
                self.at_end = false;
                self.active = now;
                0
            }
        }
    }

    /// It cannot be read: nobody has to wait for it, and after the next scan it is tried again.
    pub(super) fn give_up(&mut self, unfinished: Unfinished, mut print: impl FnMut(&Path, Piece)) {
        self.at_end = true;
        self.unread = true;
        if unfinished == Unfinished::Print {
            let name = &self.name;
            self.cursor.print_kept(|piece| print(name, piece));
        }
    }
}

#[cfg(test)]
mod simulation;

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "/log/app.log";

    pub(super) fn id(inode: u64) -> FileId {
        FileId { device: 1, inode, born: None }
    }

    pub(super) fn found(inode: u64, path: &str, size: usize) -> Found {
        let matched = !path.contains(".log.") && !path.contains(".old");
        Found { id: id(inode), path: path.into(), size: size as u64, modified: None, matched }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Hands a file's bytes to the table as a reader would; what is printed.
    pub(super) fn read(table: &mut Table, inode: u64, content: &str, phase: Phase, now: Duration) -> String {
        let mut printed = String::new();
        let file = table.file(id(inode)).unwrap();
        let from = usize::try_from(file.read_from()).unwrap();
        let unfinished = file.unfinished(now, phase);
        file.take(&content.as_bytes()[from..], false, 1000, unfinished, now, |_, piece| {
            printed.push_str(std::str::from_utf8(piece.bytes).unwrap());
            printed.push_str(if piece.partial { "" } else { "\n" });
        });
        printed
    }

    #[test]
    fn the_new_file_waits_until_the_renamed_one_is_read() {
        let mut table = Table::default();
        table.sync(vec![found(1, LOG, 4)], seconds(0));
        assert_eq!(read(&mut table, 1, "one\n", Phase::Running, seconds(0)), "one\n");
        table.sync(vec![found(2, LOG, 4), found(1, "/log/app.log.1", 7)], seconds(1));
        assert_eq!(table.due(seconds(1)), [id(1)]);
        assert_eq!(read(&mut table, 1, "one\ntwo", Phase::Running, seconds(1)), "");
        assert_eq!(table.due(seconds(1)), [id(1)], "its last line is unfinished");
        assert_eq!(read(&mut table, 1, "one\ntwo", Phase::Running, seconds(5)), "two");
        assert_eq!(table.due(seconds(5)), [id(2)]);
    }

    #[test]
    fn a_renamed_file_that_cannot_be_read_keeps_nobody_waiting() {
        let mut table = Table::default();
        table.sync(vec![found(1, LOG, 4)], seconds(0));
        table.sync(vec![found(2, LOG, 4)], seconds(1));
        assert_eq!(table.due(seconds(1)), [id(1)]);
        table.file(id(1)).unwrap().give_up(Unfinished::Wait, |_, _| {});
        assert_eq!(table.due(seconds(1)), [id(1), id(2)]);
    }

    #[test]
    fn the_unfinished_line_of_a_renamed_file_is_printed_however_late_its_turn_comes() {
        let mut table = Table::default();
        table.sync(vec![found(1, LOG, 3)], seconds(0));
        table.sync(vec![found(1, "/log/app.log.1", 3)], seconds(1));
        assert_eq!(read(&mut table, 1, "one", Phase::Running, seconds(1)), "");
        assert_eq!(table.due(seconds(20)), [id(1)]);
        assert_eq!(read(&mut table, 1, "one", Phase::Running, seconds(20)), "one");
        assert_eq!(table.due(seconds(40)), []);
    }

    #[test]
    fn at_the_end_a_deleted_file_is_read_once_more() {
        let mut table = Table::default();
        table.sync(vec![found(1, LOG, 4)], seconds(0));
        table.sync(vec![], seconds(1));
        read(&mut table, 1, "one\n", Phase::Running, seconds(1));
        assert_eq!(table.due_at_end(true), []);
        table.look_again();
        assert_eq!(table.due_at_end(true), [id(1)]);
    }

    #[test]
    fn a_file_is_due_while_it_grows_and_again_when_a_scan_sees_a_change() {
        let mut table = Table::default();
        table.sync(vec![found(1, LOG, 4)], seconds(0));
        read(&mut table, 1, "one\n", Phase::Running, seconds(0));
        assert_eq!(table.due(seconds(2)), [id(1)]);
        table.sync(vec![found(1, LOG, 4)], seconds(9));
        assert_eq!(table.due(seconds(9)), []);
        table.sync(vec![found(1, LOG, 8)], seconds(10));
        assert_eq!(table.due(seconds(10)), [id(1)]);
    }

    #[test]
    fn a_file_that_could_not_be_read_is_tried_after_each_scan() {
        let mut table = Table::default();
        table.sync(vec![found(1, LOG, 4)], seconds(0));
        table.file(id(1)).unwrap().give_up(Unfinished::Wait, |_, _| {});
        assert_eq!(table.due(seconds(9)), []);
        table.sync(vec![found(1, LOG, 4)], seconds(10));
        assert_eq!(table.due(seconds(10)), [id(1)]);
    }

    #[test]
    fn a_file_that_is_gone_is_kept_for_a_while_and_its_unfinished_line_is_printed() {
        let mut table = Table::default();
        table.sync(vec![found(1, LOG, 7)], seconds(0));
        read(&mut table, 1, "one\ntwo", Phase::Running, seconds(0));
        table.sync(vec![], seconds(1));
        assert!(table.is_pinned(id(1), Phase::Running));
        table.file(id(1)).unwrap().give_up(Unfinished::Wait, |_, _| {});
        assert_eq!(table.forget_gone(seconds(30), |_, _| {}), []);
        let mut printed = Vec::new();
        let gone = table
            .forget_gone(seconds(31), |name, piece| printed.push((name.to_owned(), piece.bytes.to_vec())));
        assert_eq!((gone, printed), (vec![id(1)], vec![(LOG.into(), b"two".to_vec())]));
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn a_file_that_a_scan_missed_goes_on_where_it_was() {
        let mut table = Table::default();
        table.sync(vec![found(1, LOG, 4)], seconds(0));
        read(&mut table, 1, "one\n", Phase::Running, seconds(0));
        table.sync(vec![], seconds(1));
        table.sync(vec![found(1, LOG, 8)], seconds(2));
        assert!(!table.is_pinned(id(1), Phase::Running));
        assert_eq!(read(&mut table, 1, "one\ntwo\n", Phase::Running, seconds(2)), "two\n");
    }

    #[test]
    fn of_two_names_for_one_file_the_first_one_stays() {
        let mut table = Table::default();
        table.sync(vec![found(1, "/log/b.log", 4), found(1, "/log/c.log", 4)], seconds(0));
        table.sync(vec![found(1, "/log/a.log", 4), found(1, "/log/b.log", 4)], seconds(1));
        assert_eq!(table.paths().collect::<Vec<_>>(), [(id(1), Path::new("/log/b.log"))]);
    }

    #[test]
    fn a_reused_inode_is_printed_under_its_new_name() {
        let mut table = Table::default();
        table.sync(vec![found(1, LOG, 4)], seconds(0));
        read(&mut table, 1, "one\n", Phase::Running, seconds(0));
        table.sync(vec![found(1, "/log/other.log", 9)], seconds(1));
        assert_eq!(read(&mut table, 1, "something", Phase::Running, seconds(1)), "");
        assert_eq!(table.file(id(1)).unwrap().name, Path::new("/log/other.log"));
        assert_eq!(read(&mut table, 1, "something\n", Phase::Running, seconds(1)), "something\n");
    }

    #[test]
    fn at_the_end_a_file_does_not_wait_for_one_that_only_grows() {
        let mut table = Table::default();
        table.sync(vec![found(1, LOG, 4)], seconds(0));
        table.sync(vec![found(2, LOG, 4), found(1, "/log/app.log.1", 4)], seconds(1));
        assert_eq!(table.due_at_end(false), [id(1)]);
        let file = table.file(id(1)).unwrap();
        file.take(b"one\n", true, 1000, Unfinished::Wait, seconds(1), |_, _| {});
        assert_eq!(table.due_at_end(true), [id(1)]);
        assert_eq!(table.due_at_end(false), [id(2)]);
    }

    #[test]
    fn at_the_end_only_what_was_there_must_be_read() {
        let mut table = Table::default();
        table.sync(vec![found(1, LOG, 4)], seconds(0));
        assert_eq!(table.due_at_end(false), [id(1)]);
        let file = table.file(id(1)).unwrap();
        file.take(b"one\n", true, 1000, Unfinished::Wait, seconds(0), |_, _| {});
        assert_eq!(table.due_at_end(true), [id(1)], "it may grow on");
        assert_eq!(table.due_at_end(false), []);
    }
}
