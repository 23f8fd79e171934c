//! `multipod follow`.

use multipod_inpod::{FollowOptions, Format, follow};
use multipod_values::Glob;
use std::io::{self, Write};
use std::process::ExitCode;

/// Print the lines of files as they are written (runs inside pods)
///
/// Prints every line of every file that matches, from the beginning, and continues with new lines. Files can be
/// renamed, deleted, truncated or created later. On SIGTERM, it prints what is left and exits.
#[derive(Debug, clap::Args)]
#[command(after_long_help = NOTES)]
pub(super) struct Args {
    /// How to print a line
    #[arg(long, value_enum, default_value = "raw")]
    format: Format,

    /// Longer lines are printed in pieces: bytes, or with Ki or Mi behind the number
    #[arg(long, value_name = "SIZE", default_value = "256Ki", value_parser = parse_size)]
    max_line: usize,

    /// Absolute path patterns: * ? [a-z] within a name, ** for directories at any depth
    #[arg(required = true, value_name = "GLOB", value_parser = Glob::parse)]
    globs: Vec<Glob>,
}

const NOTES: &str = "\
Patterns: only a dot matches a dot at the start of a name. Links to files are followed; pipes, sockets and \
devices are skipped. Quote the patterns in a shell.

Rotation: a file is identified by its device and inode, not by its name. A renamed file is read to its end and never printed twice. \
Files that are rotated more than twice a second can be missed, unless the pattern matches the rotated names too.

Copies: a file that is copied and then truncated (copytruncate) loses what is written between the last read and the \
truncation. The copies are other files, as compressed ones are: let the pattern match the live file only.

Deletion: a deleted file is read as long as it grows, and closed after 30 seconds without new lines. What is written and \
deleted between two reads is lost. With more files than descriptors (ulimit -n), so can be the last lines before a deletion.

Restarts: positions are kept in memory only. A restarted container begins with the first line again; \
the log of the previous instance has the first copy (kubectl logs --previous).

Long lines: each piece becomes a line of its own. In JSON, \"partial\":true means that it does not end with a newline: \
the line may continue in the next object of the same file.

Rights: the files must be readable. Run this container with the app's user or group.";

impl Args {
    pub(super) fn run(self) -> ExitCode {
        match follow(FollowOptions { globs: self.globs, format: self.format, max_line: self.max_line }) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(io::stderr(), "multipod: cannot follow: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

/// Small enough for memory, large enough for a character.
const SIZES: std::ops::RangeInclusive<usize> = 16..=64 * 1024 * 1024;

fn parse_size(text: &str) -> Result<usize, String> {
    let (number, factor) = match text {
        _ if text.ends_with("Ki") => (text.strip_suffix("Ki"), 1024),
        _ if text.ends_with("Mi") => (text.strip_suffix("Mi"), 1024 * 1024),
        _ => (Some(text), 1),
    };
    let size =
        number.and_then(|number| number.parse::<usize>().ok()).and_then(|number| number.checked_mul(factor));
    let wrong = || format!("not a size from 16 to 64Mi: `{text}`; write it as 65536, 256Ki or 1Mi");
    size.filter(|size| SIZES.contains(size)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bytes_or_have_a_binary_unit() {
        for (text, expected) in [("16", Some(16)), ("4Ki", Some(4096)), ("1Mi", Some(1_048_576))] {
            assert_eq!(parse_size(text).ok(), expected, "{text}");
        }
        for text in ["", "Ki", "15", "1K", "65Mi", "-1", "99999999999999999999Mi"] {
            assert!(parse_size(text).unwrap_err().contains("256Ki"), "{text}");
        }
    }
}
