//! Lines on their way to the standard output.

use super::cursor::Piece;
use serde::Serialize;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// How lines are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// The bytes of the line as they are
    Raw,
    /// One object a line: {"file":"…","line":"…"}, and "partial":true where no newline stood behind it
    Json,
}

#[derive(Serialize)]
struct Object<'a> {
    file: Cow<'a, str>,
    line: Cow<'a, str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
}

/// Adds a piece to a buffer as one line.
pub(super) fn format_piece(buffer: &mut Vec<u8>, format: Format, name: &Path, piece: Piece) {
    match format {
        Format::Raw => buffer.extend_from_slice(piece.bytes),
        Format::Json => {
            let file = name.to_string_lossy();
            let line = String::from_utf8_lossy(piece.bytes);
            // Text in memory always becomes JSON: there is no error to report.
            let _ = serde_json::to_writer(&mut *buffer, &Object { file, line, partial: piece.partial });
        }
    }
    buffer.push(b'\n');
}

/// The standard output without a buffer of its own, so that what was written is out.
pub(super) fn standard_output() -> io::Result<File> {
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

/// Writes everything, waiting for a slow reader also where the stream itself does not wait.
pub(super) fn write_whole(mut output: impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match output.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(format: Format, bytes: &[u8], partial: bool) -> Vec<u8> {
        let mut buffer = Vec::new();
        format_piece(&mut buffer, format, Path::new("/var/log/a.log"), Piece { bytes, partial });
        buffer
    }

    #[test]
    fn raw_lines_are_copied_byte_for_byte() {
        assert_eq!(formatted(Format::Raw, b"a\xff\0\r", true), b"a\xff\0\r\n");
    }

    #[test]
    fn json_lines_are_objects_of_text() {
        for (bytes, partial, expected) in [
            (&b"a \"b\""[..], false, r#"{"file":"/var/log/a.log","line":"a \"b\""}"#),
            (b"\xff\n", true, "{\"file\":\"/var/log/a.log\",\"line\":\"\u{fffd}\\n\",\"partial\":true}"),
        ] {
            assert_eq!(
                String::from_utf8(formatted(Format::Json, bytes, partial)).unwrap(),
                format!("{expected}\n")
            );
        }
    }

    /// Takes one byte at a time, and refuses every other time.
    struct Reluctant(Vec<u8>, bool);

    impl Write for Reluctant {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.0.push(bytes[0]);
            Ok(1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reluctant_reader_gets_everything() {
        let mut output = Reluctant(Vec::new(), false);
        write_whole(&mut output, b"all of it").unwrap();
        assert_eq!(output.0, b"all of it");
    }
}
