//! Log lines: one for each decision, and one for whatever an operator should know.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, reload};

use crate::admission::{Outcome, Record};
use multipod_values::visible;

use super::json_lines::Json;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For machines
    Json,
    /// For people
    Text,
}

impl Default for LogFormat {
    fn default() -> Self {
        if io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json }
    }
}

/// Writes what is left when it is dropped.
#[derive(Debug)]
pub struct LogGuard {
    lines: Lines,
    level: LogLevel,
    writer: Option<JoinHandle<()>>,
}

/// Begins to log to the standard error; the error says what is wrong with `level`.
pub fn start_logs(level: &str, format: LogFormat) -> Result<LogGuard, String> {
    let (filter, level) = reload::Layer::new(filter(level)?);
    let lines = Lines::default();
    let layer = tracing_subscriber::fmt::layer().with_writer(lines.clone()).with_target(false);
    let layer = match format {
        LogFormat::Json => layer.event_format(Json).boxed(),
        LogFormat::Text => layer.with_ansi(io::stderr().is_terminal()).boxed(),
    };
    let begun = tracing_subscriber::registry().with(filter).with(layer).try_init();
    begun.map_err(|error| error.to_string())?;
    // The message of a panic may quote what it choked on; the place is enough to find it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
    let written = lines.clone();
    let writer = thread::Builder::new()
        .name("logs".to_owned())
        .spawn(move || written.write_all_until_closed())
        .map_err(|error| error.to_string())?;
    Ok(LogGuard { lines, level: LogLevel(level), writer: Some(writer) })
}

// Not the filter that also knows spans and patterns: it brings a whole engine of regular expressions.
fn filter(level: &str) -> Result<Targets, String> {
    level.parse().map_err(|error| format!("--log-level {level}: {error}"))
}

/// What is logged, which may change at any time.
#[derive(Clone, Debug)]
pub struct LogLevel(reload::Handle<Targets, Registry>);

impl LogLevel {
    /// From now on this is logged; the error says what is wrong with `level`.
    pub fn set(&self, level: &str) -> Result<(), String> {
        self.0.reload(filter(level)?).map_err(|error| error.to_string())
    }
}

impl LogGuard {
    /// What changes the level.
    pub fn level(&self) -> LogLevel {
        self.level.clone()
    }
}

/// One line for one decision. What it names here is all that is ever logged of a review.
pub fn decision(endpoint: &'static str, record: &Record<'_>, took: Duration) {
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                endpoint,
                uid = %short(&record.uid),
                namespace = %short(&record.namespace),
                owner = %short(&record.owner_kind),
                outcome = record.outcome.slug(),
                reason = record.reason,
                warnings = record.warnings,
                dry_run = record.dry_run,
                micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                "review"
            )
        };
    }
    // Pods that ask for nothing may come by the thousand and are no news.
    if record.outcome == Outcome::Ignored || record.reason == "not_requested" {
        line!(debug);
    } else {
        line!(info);
    }
}

/// One line for a request that was answered with an error. Peers can cause most of them as often as they like, so only
/// those that are ours are shown unasked.
pub fn failure(endpoint: &'static str, reason: &'static str, ours: bool) {
    if ours {
        tracing::error!(endpoint, outcome = "error", reason, "review");
    } else {
        tracing::debug!(endpoint, outcome = "error", reason, "review");
    }
}

/// The beginning of a name, as signs.
pub(super) fn short(name: &str) -> Cow<'_, str> {
    const LONGEST: usize = 64;
    // Nearly all of them.
    if name.len() <= LONGEST && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Cow::Borrowed(name);
    }
    name.chars().take(LONGEST).map(visible).collect()
}

/// Lines on their way to the standard error, which may be slower than we are: nobody who decides waits for it, and what
/// does not fit is dropped and counted.
#[derive(Clone, Debug, Default)]
struct Lines(Arc<(Mutex<Waiting>, Condvar)>);

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    dropped: u64,
    closed: bool,
}

const MOST_WAITING: usize = 1 << 20;
/// Lines that come together are written together.
const TOGETHER: Duration = Duration::from_millis(20);

impl Lines {
    fn write_all_until_closed(&self) {
        let (waiting, changed) = &*self.0;
        let mut bytes = Vec::new();
        loop {
            let guard = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let mut guard = changed
                .wait_while(guard, |waiting| waiting.bytes.is_empty() && !waiting.closed)
                .unwrap_or_else(PoisonError::into_inner);
            let closed = guard.closed;
            if !closed {
                drop(guard);
                thread::sleep(TOGETHER);
                guard = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut bytes, &mut guard.bytes);
            let dropped = std::mem::take(&mut guard.dropped);
            drop(guard);
            let mut out = io::stderr().lock();
            let _ = out.write_all(&bytes);
            if dropped > 0 {
                let _ =
                    writeln!(out, "{{\"level\":\"WARN\",\"message\":\"{dropped} log lines were dropped\"}}");
            }
            bytes.clear();
            if closed {
                return;
            }
        }
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let (waiting, changed) = &*self.0;
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.bytes.len() + line.len() > MOST_WAITING {
            waiting.dropped += 1;
        } else {
            let was_empty = waiting.bytes.is_empty();
            waiting.bytes.extend_from_slice(line);
            drop(waiting);
            if was_empty {
                changed.notify_one();
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Lines;
    fn make_writer(&'a self) -> Lines {
        self.clone()
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let (waiting, changed) = &*self.lines.0;
        waiting.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        changed.notify_one();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_steers_no_terminal_and_fills_no_line() {
        for (name, expected) in [
            ("shop", "shop".to_owned()),
            ("a\nb\u{1b}[31m", "a\u{FFFD}b\u{FFFD}[31m".to_owned()),
            ("\u{202E}evil", "\u{FFFD}evil".to_owned()),
            (&"ä".repeat(70), "ä".repeat(64)),
            (&"a".repeat(70), "a".repeat(64)),
        ] {
            assert_eq!(short(name), expected, "{name:?}");
        }
    }
}
