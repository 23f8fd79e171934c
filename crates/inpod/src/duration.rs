//! Durations as people write them: `500ms`, `30s`, `10m`, `1h30m`.

use std::fmt;
use std::time::Duration;

const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a duration above zero: `{0}`; write it as 500ms, 30s, 10m, 1h or 1h30m")]
pub struct DurationError(String);

/// A duration above zero: units from the largest to the smallest, each at most once.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let millis = parse_millis(text).filter(|&millis| millis > 0);
    millis.map(Duration::from_millis).ok_or_else(|| DurationError(text.to_owned()))
}

fn parse_millis(text: &str) -> Option<u64> {
    let mut units = UNITS.iter();
    let mut rest = text;
    let mut millis = 0_u64;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|char: char| !char.is_ascii_digit())?);
        let (unit, tail) = tail.split_at(tail.find(|char: char| char.is_ascii_digit()).unwrap_or(tail.len()));
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        millis = millis.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = tail;
    }
    Some(millis)
}

/// A duration as text that `parse_duration` reads.
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, factor) in &UNITS {
            let count = rest / factor;
            rest %= factor;
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_as_written() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("10m", 600_000),
            ("1h", 3_600_000),
            ("1h30m", 5_400_000),
            ("1h2m3s4ms", 3_723_004),
            ("90m", 5_400_000),
            ("007s", 7000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "10",
            "s",
            "10x",
            "1.5s",
            "-1s",
            "+1s",
            "30m1h",
            "1m1m",
            "1s ",
            " 1s",
            "0s",
            "1h5",
            "99999999999999999h",
        ] {
            assert_eq!(parse_duration(text), Err(DurationError(text.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(millis in 1_u64..10_000_000_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&Span(duration).to_string()), Ok(duration));
        }

        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,20}") {
            let _ = parse_duration(&text);
        }
    }
}
