//! `multipod follow` as a process, with real files.

mod process;

use process::{BINARY, Follower, Logs, command, terminate};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

#[test]
fn what_was_written_before_is_printed_and_what_comes_later_too() {
    let logs = Logs::new();
    logs.append("a.log", "before 1\nbefore 2\n");
    let follower = logs.follow(&["*.log"]);
    follower.wait_for_lines(&["before 1", "before 2"]);
    logs.append("a.log", "after\n");
    follower.wait_for_lines(&["before 1", "before 2", "after"]);
    follower.end();
}

#[test]
fn folders_and_files_may_appear_disappear_and_come_back() {
    let logs = Logs::new();
    let follower = logs.follow(&["deep/**/app-?.log"]);
    logs.append("deep/er/and/deeper/app-1.log", "one\n");
    follower.wait_for_lines(&["one"]);
    logs.append("deep/app-2.log", "two\n");
    logs.append("deep/other.log", "not this\n");
    follower.wait_for_lines(&["one", "two"]);
    fs::remove_dir_all(logs.path("deep")).unwrap();
    logs.append("deep/app-1.log", "three\n");
    follower.wait_for_lines(&["one", "two", "three"]);
    assert_eq!(follower.end(), ["one", "two", "three"]);
}

#[test]
fn the_rest_of_a_renamed_file_comes_before_the_new_file() {
    let logs = Logs::new();
    let mut held = logs.open("app.log");
    held.write_all(b"first\n").unwrap();
    let follower = logs.follow(&["app.log"]);
    follower.wait_for_lines(&["first"]);
    fs::rename(logs.path("app.log"), logs.path("app.log.1")).unwrap();
    held.write_all(b"still in the old file\n").unwrap();
    logs.append("app.log", "new file\n");
    follower.wait_for_lines(&["first", "still in the old file", "new file"]);
    held.write_all(b"late in the old file\n").unwrap();
    follower.wait_for_lines(&["first", "still in the old file", "new file", "late in the old file"]);
    follower.end();
}

#[test]
fn a_renamed_file_that_still_matches_is_not_printed_twice() {
    let logs = Logs::new();
    logs.append("app.log", "one\n");
    let follower = logs.follow(&["*.log*"]);
    follower.wait_for_lines(&["one"]);
    for (rotation, line) in ["two", "three", "four"].into_iter().enumerate() {
        for older in (1..=rotation).rev() {
            fs::rename(logs.path(&format!("app.log.{older}")), logs.path(&format!("app.log.{}", older + 1)))
                .unwrap();
        }
        fs::rename(logs.path("app.log"), logs.path("app.log.1")).unwrap();
        logs.append("app.log", &format!("{line}\n"));
        follower.wait_for(line);
    }
    assert_eq!(follower.end(), ["one", "two", "three", "four"]);
}

#[test]
fn no_line_is_lost_or_doubled_by_rotations_under_a_fast_writer() {
    const LINES: usize = 50_000;
    let logs = Logs::new();
    let follower = logs.follow(&["app.log*"]);
    let mut file = logs.open("app.log");
    for line in 0..LINES {
        if line > 0 && line % (LINES / 20) == 0 {
            fs::rename(logs.path("app.log"), logs.path(&format!("app.log.{line}"))).unwrap();
            writeln!(file, "line {line} in the renamed file").unwrap();
            file = logs.open("app.log");
        } else {
            writeln!(file, "line {line} {}", "x".repeat(line % 200)).unwrap();
        }
    }
    follower.wait_for(&format!("line {}", LINES - 1));
    let mut numbers = numbers(&follower.end());
    numbers.sort_unstable();
    assert_eq!(numbers, (0..LINES).collect::<Vec<_>>());
}

#[test]
fn rotation_to_a_name_that_does_not_match_keeps_every_line_in_order() {
    let logs = Logs::new();
    let follower = logs.follow(&["app.log"]);
    let mut file = logs.open("app.log");
    let mut line = 0;
    for rotation in 0..20 {
        for _ in 0..1000 {
            writeln!(file, "line {line} x").unwrap();
            line += 1;
        }
        // Only one generation may be unknown at a time: the follower looks by polling.
        follower.wait_for(&format!("line {} x", line - 1000));
        fs::rename(logs.path("app.log"), logs.path(&format!("old.{rotation}"))).unwrap();
        writeln!(file, "line {line} x").unwrap();
        line += 1;
        file = logs.open("app.log");
    }
    follower.wait_for(&format!("line {} x", line - 1));
    assert_eq!(numbers(&follower.end()), (0..line).collect::<Vec<_>>());
}

#[test]
fn a_file_that_is_cut_is_read_from_its_start_again() {
    let logs = Logs::new();
    let mut appending = logs.open("app.log");
    appending.write_all(b"one\ntwo\nhalf").unwrap();
    let follower = logs.follow(&["*.log"]);
    follower.wait_for_lines(&["one", "two"]);
    appending.set_len(0).unwrap();
    appending.write_all(b" done\nthree, and longer than everything before\n").unwrap();
    follower.wait_for("three");
    assert_eq!(follower.end(), ["one", "two", "half", " done", "three, and longer than everything before"]);
}

#[test]
fn a_writer_that_does_not_append_leaves_no_zeros_after_a_cut() {
    let logs = Logs::new();
    let mut writer = File::create(logs.path("app.log")).unwrap();
    writer.write_all(b"one\n").unwrap();
    let follower = logs.follow(&["*.log"]);
    follower.wait_for_lines(&["one"]);
    writer.set_len(0).unwrap();
    writer.write_all(b"two\n").unwrap();
    follower.wait_for_lines(&["one", "two"]);
    follower.end();
}

#[test]
fn a_deleted_file_is_read_as_long_as_it_is_written_to() {
    let logs = Logs::new();
    let mut held = logs.open("app.log");
    held.write_all(b"one\n").unwrap();
    let follower = logs.follow(&["*.log"]);
    follower.wait_for_lines(&["one"]);
    held.write_all(b"two\n").unwrap();
    fs::remove_file(logs.path("app.log")).unwrap();
    held.write_all(b"three\n").unwrap();
    follower.wait_for_lines(&["one", "two", "three"]);
    held.write_all(b"no newline").unwrap();
    follower.wait_for_lines(&["one", "two", "three", "no newline"]);
    follower.end();
}

#[test]
fn the_unfinished_line_of_a_rotated_file_comes_before_the_new_file() {
    let logs = Logs::new();
    logs.append("app.log", "one\nno newline");
    let follower = logs.follow(&["app.log"]);
    follower.wait_for_lines(&["one"]);
    fs::rename(logs.path("app.log"), logs.path("app.log.1")).unwrap();
    logs.append("app.log", "new\n");
    follower.wait_for_lines(&["one", "no newline", "new"]);
    follower.end();
}

#[test]
fn sigterm_prints_what_is_there_and_the_line_without_newline() {
    let logs = Logs::new();
    let follower = logs.follow(&["*.log"]);
    for file in 0..20 {
        logs.append(&format!("{file}.log"), &format!("line {file}\nlast words of {file}"));
    }
    let mut lines = follower.end();
    lines.sort();
    let mut expected: Vec<_> =
        (0..20).flat_map(|n| [format!("line {n}"), format!("last words of {n}")]).collect();
    expected.sort();
    assert_eq!(lines, expected);
}

#[test]
fn sigterm_ends_even_while_a_file_keeps_growing() {
    let logs = Logs::new();
    let follower = logs.follow(&["*.log"]);
    let growing = Arc::new(Mutex::new(true));
    let writer = {
        let (mut file, growing) = (logs.open("a.log"), Arc::clone(&growing));
        thread::spawn(move || {
            // Bounded, should the test fail: it would go on until the disk is full.
            for _ in 0..50_000_000 {
                if !*growing.lock().unwrap() {
                    break;
                }
                file.write_all(b"more\n").unwrap();
            }
        })
    };
    follower.wait_for("more");
    follower.end();
    *growing.lock().unwrap() = false;
    writer.join().unwrap();
}

#[test]
fn a_long_line_comes_in_marked_pieces() {
    let logs = Logs::new();
    let long = "ä".repeat(1024 * 1024);
    logs.append("a.log", &format!("{long}\nshort\n"));
    let follower = logs.follow(&["--format=json", "*.log"]);
    follower.wait_for("short");
    let objects: Vec<serde_json::Value> =
        follower.end().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (last, pieces) = objects[..objects.len() - 1].split_last().unwrap();
    assert!(pieces.iter().all(|piece| piece["partial"] == true), "all but the last go on");
    assert_eq!(last.get("partial"), None);
    let joined: String = pieces.iter().chain([last]).map(|piece| piece["line"].as_str().unwrap()).collect();
    assert!(joined == long, "the pieces make up the line");
    assert!(pieces.iter().all(|piece| piece["line"].as_str().unwrap().len() <= 256 * 1024));
}

#[test]
fn a_line_without_any_newline_does_not_fill_the_memory() {
    let logs = Logs::new();
    logs.append("a.log", &"x".repeat(200 * 1024 * 1024));
    logs.append("b.log", "short\n");
    let follower = logs.follow(&["--max-line=4Ki", "*.log"]);
    follower.wait_for("short");
    let peak = follower.peak_memory_kib();
    let lines = follower.end();
    let total: usize = lines.iter().filter(|line| *line != "short").map(String::len).sum();
    assert_eq!(total, 200 * 1024 * 1024);
    assert!(lines.iter().all(|line| line.len() <= 4096));
    assert!(peak < 64 * 1024, "peak of {peak} KiB");
}

#[test]
fn thousands_of_files_need_few_descriptors() {
    const FILES: usize = 3000;
    let logs = Logs::new();
    for file in 0..FILES {
        logs.append(&format!("{file:04}.log"), &format!("first of {file}\n"));
    }
    let script = format!("ulimit -n 64; exec {BINARY} follow '{}'", logs.path("*.log").display());
    let follower = Follower::spawn(Command::new("sh").args(["-c", &script]));
    follower.wait_for_count(FILES);
    for file in 0..FILES {
        logs.append(&format!("{file:04}.log"), &format!("second of {file}\n"));
    }
    follower.wait_for_count(2 * FILES);
    // Rotated while most of them are not open.
    for file in 0..FILES {
        logs.append(&format!("{file:04}.log"), &format!("third of {file}\n"));
        fs::rename(logs.path(&format!("{file:04}.log")), logs.path(&format!("{file:04}.old"))).unwrap();
    }
    follower.wait_for_count(3 * FILES);
    let mut lines = follower.end();
    lines.sort();
    let mut expected: Vec<_> =
        (0..FILES).flat_map(|n| ["first", "second", "third"].map(|time| format!("{time} of {n}"))).collect();
    expected.sort();
    assert!(lines == expected, "every line once");
}

#[test]
fn files_are_found_even_when_other_descriptors_leave_hardly_any() {
    let logs = Logs::new();
    for file in 0..50 {
        logs.append(&format!("{file}.log"), "first\n");
    }
    let others = (3..=9).map(|number| format!("{number}</dev/null")).collect::<Vec<_>>().join(" ");
    let script = format!("ulimit -n 17; exec {others} {BINARY} follow '{}'", logs.path("*.log").display());
    let follower = Follower::spawn(Command::new("sh").args(["-c", &script]));
    follower.wait_for_count(50);
    logs.append("new.log", "second\n");
    follower.wait_for("second");
    assert_eq!(follower.end().len(), 51);
}

#[test]
fn a_reader_that_is_slow_gets_every_line() {
    const LINES: usize = 20_000;
    let logs = Logs::new();
    let text =
        (0..LINES).map(|line| format!("line {line} {}\n", "x".repeat(100))).collect::<Vec<_>>().concat();
    logs.append("a.log", &text);
    let mut child = command(&[logs.path("*.log").to_str().unwrap()]).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::with_capacity(512, child.stdout.take().unwrap());
    let mut first = String::new();
    output.read_line(&mut first).unwrap();
    // The pipe is full by now or soon; the end must wait for the reader too.
    terminate(&child);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(first + &rest == text, "all lines in order");
}

#[test]
fn a_closed_output_ends_it_quietly() {
    let logs = Logs::new();
    logs.append("a.log", "one\n");
    let mut child = command(&[logs.path("*.log").to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    // Again and again: a process that another test has just begun may hold the other end of the pipe for a moment, and
    // what is written meanwhile arrives.
    let status = (0..3000).find_map(|_| {
        logs.append("a.log", "more\n");
        thread::sleep(Duration::from_millis(20));
        child.try_wait().unwrap()
    });
    let _ = child.kill();
    assert!(status.expect("it ends").success());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}

#[test]
fn bytes_are_copied_raw_and_replaced_in_json() {
    let logs = Logs::new();
    fs::write(logs.path("a.log"), b"\xff\0\x1b[1m\r\n").unwrap();
    let raw = logs.follow(&["*.log"]);
    raw.wait_for_count(1);
    assert_eq!(raw.end_bytes(), b"\xff\0\x1b[1m\r\n");
    let json = logs.follow(&["--format=json", "*.log"]);
    json.wait_for_count(1);
    let lines = json.end();
    let object: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(object["line"], "\u{fffd}\0\u{1b}[1m\r");
    assert_eq!(object["file"], logs.path("a.log").to_str().unwrap());
}

#[test]
fn links_are_followed_once_and_what_is_no_file_is_skipped() {
    let logs = Logs::new();
    logs.append("elsewhere/target", "through the link\n");
    symlink(logs.path("elsewhere/target"), logs.path("a.log")).unwrap();
    symlink(logs.path("elsewhere/target"), logs.path("b.log")).unwrap();
    symlink(logs.path("nowhere"), logs.path("c.log")).unwrap();
    fs::create_dir(logs.path("folder.log")).unwrap();
    assert!(Command::new("mkfifo").arg(logs.path("pipe.log")).status().unwrap().success());
    symlink(logs.path("pipe.log"), logs.path("link-to-pipe.log")).unwrap();
    logs.append("$(x) `y` ;z\n.log", "odd name\n");
    let follower = logs.follow(&["*.log"]);
    follower.wait_for_count(2);
    logs.append("elsewhere/target", "once\n");
    follower.wait_for("once");
    let mut lines = follower.end();
    lines.sort();
    assert_eq!(lines, ["odd name", "once", "through the link"]);
}

#[test]
fn an_unreadable_file_is_named_once_with_advice() {
    let logs = Logs::new();
    logs.append("secret.log", "secret\n");
    fs::set_permissions(logs.path("secret.log"), fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(logs.path("secret.log")).is_ok() {
        // An administrator reads everything; then a link to itself is what cannot be read.
        symlink(logs.path("loop.log"), logs.path("loop.log")).unwrap();
    }
    logs.append("open.log", "one\n");
    let follower = logs.follow(&["*.log"]);
    follower.wait_for("one");
    for line in 0..3 {
        logs.append("open.log", &format!("again {line}\n"));
        logs.append(&format!("new-{line}.log"), &format!("new {line}\n"));
        follower.wait_for(&format!("new {line}"));
    }
    let (_, said) = follower.end_with_messages();
    assert_eq!(said.matches("cannot read").count(), 1, "{said}");
}

#[test]
fn many_busy_files_never_mix_within_a_line() {
    const FILES: usize = 8;
    const LINES: usize = 5000;
    let logs = Logs::new();
    let follower = logs.follow(&["*.log"]);
    let writers: Vec<JoinHandle<()>> = (0..FILES)
        .map(|file| {
            let mut output = logs.open(&format!("{file}.log"));
            thread::spawn(move || {
                for line in 0..LINES {
                    // Two writes a line: the follower often sees half of it.
                    write!(output, "{file} ").unwrap();
                    writeln!(output, "{line} end").unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    follower.wait_for_count(FILES * LINES);
    let lines = follower.end();
    for file in 0..FILES {
        let of_file: Vec<_> = lines.iter().filter(|line| line.starts_with(&format!("{file} "))).collect();
        let expected: Vec<_> = (0..LINES).map(|line| format!("{file} {line} end")).collect();
        assert!(of_file.iter().copied().eq(&expected), "the lines of file {file}, whole and in order");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_is_allowed() {
    for (arguments, said) in [
        (&[][..], "GLOB"),
        (&["logs/*.log"], "absolute path"),
        (&["/var/log/"], "behind the last slash"),
        (&["/var/[a.log"], "characters or ranges"),
        (&["--max-line=1", "/a"], "256Ki"),
        (&["--format=xml", "/a"], "raw, json"),
    ] {
        let output = command(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
}

/// The number behind the first word of each line.
fn numbers(lines: &[String]) -> Vec<usize> {
    lines.iter().map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect()
}
