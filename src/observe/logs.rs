//! Log lines: one for each decision, and those that an operator should see.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::Subscriber;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry, reload};

use crate::admission::{Outcome, Record};
use multipod_values::{suggest, visible};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
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

/// Lines beyond these are dropped while the standard error takes none.
const MOST_WAITING: usize = 4096;

/// Writes what still waits when it is dropped, for a second at most.
#[derive(Debug)]
pub(crate) struct LogGuard {
    level: LogLevel,
    _writer: WorkerGuard,
}

/// Starts to log to the standard error.
pub(crate) fn start_logs(LogFilter(filter): LogFilter, format: LogFormat) -> Result<LogGuard, String> {
    let (filter, level) = reload::Layer::new(filter);
    let (lines, writer) = non_blocking(io::stderr());
    let layer = match format {
        LogFormat::Json => json(lines).boxed(),
        LogFormat::Text => {
            let layer = tracing_subscriber::fmt::layer().with_writer(lines).with_target(false);
            layer.with_ansi(io::stderr().is_terminal()).boxed()
        }
    };
    let begun = tracing_subscriber::registry().with(filter).with(layer).try_init();
    begun.map_err(|error| error.to_string())?;
    // The message of a panic may quote what it choked on; the place is enough to find it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "panic");
    }));
    Ok(LogGuard { level: LogLevel(level), _writer: writer })
}

/// One object for each line: the time, the level, and the fields in their order.
fn json<S, W>(writer: W) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    W: for<'l> MakeWriter<'l> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_target(false).json();
    layer.flatten_event(true).with_current_span(false).with_span_list(false)
}

/// What is logged, by `--log-level`.
#[derive(Clone, Debug)]
pub(crate) struct LogFilter(Targets);

impl Default for LogFilter {
    fn default() -> Self {
        LogFilter(Targets::new().with_default(LevelFilter::INFO))
    }
}

// `EnvFilter` would bring a whole engine of regular expressions for spans and patterns that we have no use for. The parser of
// `Targets` takes a word that is no level for the name of a module, and then logs nothing of any other. What is meant is
// never that, so levels are read here.
impl FromStr for LogFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut targets = Targets::new();
        for part in text.split(',').map(str::trim) {
            let (module, level) =
                part.split_once('=').map_or((None, part), |(module, level)| (Some(module), level));
            let level = read_level(level)?;
            targets = match module {
                Some(module) => targets.with_target(module, level),
                None => targets.with_default(level),
            };
        }
        Ok(LogFilter(targets))
    }
}

fn read_level(text: &str) -> Result<LevelFilter, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let expected = "expected off, error, warn, info, debug or trace, or a filter such as multipod=debug";
    let level = text.parse().ok().filter(|_| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(text)));
    level.ok_or_else(|| match (text, suggest::nearest(text, LEVELS)) {
        ("", _) => expected.to_owned(),
        (_, Some(meant)) => format!("unknown level {text}, did you mean {meant}?"),
        (_, None) => format!("unknown level {text}; {expected}"),
    })
}

/// The filter in force, which may change at any time.
#[derive(Clone, Debug)]
pub(crate) struct LogLevel(reload::Handle<Targets, Registry>);

impl LogLevel {
    pub(crate) fn set(&self, filter: LogFilter) -> Result<(), String> {
        self.0.reload(filter.0).map_err(|error| error.to_string())
    }
}

impl LogGuard {
    pub(crate) fn level(&self) -> LogLevel {
        self.level.clone()
    }
}

/// Logs one decision. These fields are all that is ever logged of a review.
pub(crate) fn decision(endpoint: &'static str, record: &Record<'_>, took: Duration) {
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                endpoint,
                uid = &*short(&record.uid),
                namespace = &*short(&record.namespace),
                name = &*short(&record.name),
                owner = &*short(&record.owner_kind),
                outcome = record.outcome.slug(),
                reason = record.reason,
                warnings = record.warnings,
                dry_run = record.dry_run,
                micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
                "review"
            )
        };
    }
    // Pods without a request may arrive by the thousand, and are not worth a line.
    if record.outcome == Outcome::Ignored || record.reason == "not_requested" {
        line!(debug);
    } else {
        line!(info);
    }
}

/// Logs a request that was answered with an HTTP error. Clients can cause most of them as often as they like, so only
/// those that are the server's own are logged by default.
pub(crate) fn failure(endpoint: &'static str, reason: &'static str, is_server_error: bool) {
    if is_server_error {
        tracing::error!(endpoint, outcome = "error", reason, "review");
    } else {
        tracing::debug!(endpoint, outcome = "error", reason, "review");
    }
}

/// The beginning of a name, without control characters.
pub(crate) fn short(name: &str) -> Cow<'_, str> {
    const LONGEST: usize = 64;
    // Nearly all names take this path.
    if name.len() <= LONGEST && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Cow::Borrowed(name);
    }
    name.chars().take(LONGEST).map(visible).collect()
}

/// A writer that passes lines to a thread of its own: the standard error may be slower than the server, and no answer
/// waits for it. Lines beyond [`MOST_WAITING`] are dropped.
fn non_blocking(out: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    let dropped = Arc::new(OnceLock::new());
    let out = ReportsDropped { out: BufWriter::new(out), dropped: Arc::clone(&dropped), reported: 0 };
    let builder = NonBlockingBuilder::default().buffered_lines_limit(MOST_WAITING).thread_name("logs");
    let (lines, guard) = builder.finish(out);
    let _ = dropped.set(lines.error_counter());
    (lines, guard)
}

/// Reports how many lines were dropped, behind those that were kept.
struct ReportsDropped<W: Write> {
    out: BufWriter<W>,
    dropped: Arc<OnceLock<ErrorCounter>>,
    reported: usize,
}

impl<W: Write> Write for ReportsDropped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    /// Called whenever no line waits any more.
    fn flush(&mut self) -> io::Result<()> {
        let dropped = self.dropped.get().map_or(0, ErrorCounter::dropped_lines);
        let new = dropped - self.reported;
        if new > 0 {
            self.reported = dropped;
            writeln!(self.out, r#"{{"level":"WARN","message":"{new} log lines were dropped"}}"#)?;
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Mutex, MutexGuard};
    use std::time::Instant;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Kept {
        fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
            self.0.lock().unwrap()
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.bytes().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_an_object_with_any_content_of_its_fields() {
        let kept = Kept::default();
        let lines = kept.clone();
        let subscriber = tracing_subscriber::registry().with(json(move || lines.clone()));
        let alone: String =
            (0..=0x7f_u8).map(char::from).filter(|sign| !sign.is_ascii_alphanumeric()).collect();
        let nasty = "quote \" back \\ line\nbell \u{7} delete \u{7f} ä 😀";
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(
                name = nasty,
                shown = %nasty,
                quoted = ?"a\"b",
                count = 7_u64,
                below = -7_i64,
                yes = true,
                "said \"so\""
            );
            tracing::warn!("bare");
            for sign in alone.chars() {
                tracing::info!(sign = %sign, "one that needs an escape, or none");
            }
        });
        let text = String::from_utf8(kept.bytes().clone()).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [first, second, signs @ ..] = &*lines else { panic!("{text}") };
        assert_eq!(first["name"], nasty);
        assert_eq!(first["shown"], nasty);
        assert_eq!(first["quoted"], r#""a\"b""#);
        assert_eq!(
            (&first["count"], &first["below"], &first["yes"]),
            (&7.into(), &(-7).into(), &true.into())
        );
        assert_eq!((&first["level"], &first["message"]), (&"INFO".into(), &"said \"so\"".into()));
        assert!(first["timestamp"].as_str().unwrap().ends_with('Z'));
        assert_eq!((&second["level"], &second["message"]), (&"WARN".into(), &"bare".into()));
        let signs: String = signs.iter().filter_map(|line| line["sign"].as_str()).collect();
        assert_eq!(signs, alone);
    }

    #[test]
    fn a_full_pipe_blocks_no_caller_and_dropped_lines_are_counted() {
        let pipe = Kept::default();
        let full = pipe.bytes();
        let (mut lines, guard) = non_blocking(pipe.clone());
        let (line, most, begun) = (vec![b'x'; 8 * 1024], MOST_WAITING + 1000, Instant::now());
        for _ in 0..most {
            lines.write_all(&line).unwrap();
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        drop(full);
        drop(guard);
        let text = String::from_utf8(pipe.bytes().clone()).unwrap();
        let (kept, report) = text.split_once('{').unwrap();
        let dropped = most - kept.len() / line.len();
        assert!((900..=1000).contains(&dropped), "{dropped}");
        assert_eq!(
            report,
            format!("\"level\":\"WARN\",\"message\":\"{dropped} log lines were dropped\"}}\n")
        );
    }

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
