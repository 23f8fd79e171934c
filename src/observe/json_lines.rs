//! Log lines as JSON, written straight into the line: one is written for every decision.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// One object for each line: the time, the level, and the fields in their order.
#[derive(Debug)]
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        line.write_str(r#"{"timestamp":""#)?;
        SystemTime.format_time(&mut line)?;
        line.write_str(r#"","level":""#)?;
        line.write_str(event.metadata().level().as_str())?;
        line.write_char('"')?;
        let mut fields = Fields { line, result: Ok(()) };
        event.record(&mut fields);
        fields.result?;
        fields.line.write_str("}\n")
    }
}

struct Fields<'w> {
    line: Writer<'w>,
    result: fmt::Result,
}

impl Fields<'_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.result.is_ok() {
            self.result = name(&mut self.line, field).and_then(|()| value(&mut self.line));
        }
    }

    fn text(&mut self, field: &Field, value: impl FnOnce(&mut Text<'_, '_>) -> fmt::Result) {
        self.write(field, |line| {
            line.write_char('"')?;
            value(&mut Text(line))?;
            line.write_char('"')
        });
    }
}

fn name(line: &mut Writer<'_>, field: &Field) -> fmt::Result {
    line.write_str(",\"")?;
    // An identifier of ours or of a crate's: nothing in it needs an escape.
    line.write_str(field.name())?;
    line.write_str("\":")
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, |text| write!(text, "{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, |text| text.write_str(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(field, |line| line.write_str(if value { "true" } else { "false" }));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, |line| write!(line, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(field, |line| write!(line, "{value}"));
    }
}

/// Text inside a JSON string.
struct Text<'l, 'w>(&'l mut Writer<'w>);

impl Write for Text<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Nearly everything that is logged. A loop without an exit is one over many bytes at a time.
        if !text.bytes().fold(false, |any, byte| any | matches!(byte, b'"' | b'\\' | 0..0x20)) {
            return self.0.write_str(text);
        }
        let mut plain = 0;
        for (at, byte) in text.bytes().enumerate() {
            let escape = match byte {
                b'"' => "\\\"",
                b'\\' => "\\\\",
                b'\n' => "\\n",
                0..0x20 => "",
                _ => continue,
            };
            // What needs an escape is one byte long, so both cuts are between letters.
            self.0.write_str(&text[plain..at])?;
            if escape.is_empty() {
                write!(self.0, "\\u{byte:04x}")?;
            } else {
                self.0.write_str(escape)?;
            }
            plain = at + 1;
        }
        self.0.write_str(&text[plain..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_an_object_whatever_its_fields_hold() {
        let kept = Kept::default();
        let lines = kept.clone();
        let subscriber =
            tracing_subscriber::fmt().event_format(Json).with_writer(move || lines.clone()).finish();
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
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
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
}
