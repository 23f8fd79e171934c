//! Durations as people write them: `500ms`, `30s`, `10m`, `1h30m`.

use std::time::Duration;

use super::word::Parsed;

const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
const DAY: Duration = Duration::from_hours(24);

/// A time such as `500ms`, `30s`, `5m` or `1h30m`: more than zero, at most a day.
pub fn duration(text: &str) -> Parsed<Duration> {
    let duration = unbounded_duration(text).ok_or("expected a time such as 500ms, 30s, 5m or 1h30m")?;
    if duration.is_zero() || duration > DAY {
        return Err("expected a time of more than zero and at most 24h".to_owned());
    }
    Ok(duration)
}

/// Units from the largest to the smallest, each at most once.
pub fn unbounded_duration(text: &str) -> Option<Duration> {
    let mut units = UNITS.iter();
    let mut rest = text;
    let mut millis = 0_u64;
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, behind) =
            behind.split_at(behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len()));
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        millis = millis.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = behind;
    }
    Some(Duration::from_millis(millis))
}

/// The shortest way to write a time that HAProxy, Go and multipod itself all read.
pub fn show_duration(time: Duration) -> String {
    let millis = time.as_millis();
    match (millis % 1000, millis / 1000 % 60, millis / 1000) {
        (0, 0, seconds) if seconds > 0 && seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        (0, 0, seconds) if seconds > 0 => format!("{}m", seconds / 60),
        (0, _, seconds) => format!("{seconds}s"),
        _ => format!("{millis}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, millis, shown) in [
            ("500ms", 500, "500ms"),
            ("30s", 30_000, "30s"),
            ("007s", 7000, "7s"),
            ("90s", 90_000, "90s"),
            ("5m", 300_000, "5m"),
            ("90m", 5_400_000, "90m"),
            ("1h30m", 5_400_000, "90m"),
            ("1h2m3s4ms", 3_723_004, "3723004ms"),
            ("24h", 86_400_000, "24h"),
            ("1s500ms", 1_500, "1500ms"),
        ] {
            let time = duration(text).unwrap();
            assert_eq!((time.as_millis(), show_duration(time)), (millis, shown.to_owned()));
        }
        assert_eq!(show_duration(Duration::ZERO), "0s");
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["10", "s", "10x", "1d", "1.5s", "-1s", "+1s", "30m1h", "1m1m", "1s ", " 1s", "1h5"] {
            assert_eq!(unbounded_duration(text), None, "{text}");
            assert!(duration(text).unwrap_err().contains("such as"), "{text}");
        }
        assert_eq!(unbounded_duration("99999999999999999h"), None);
        for text in ["", "0s", "24h1ms", "25h", "99999999999999s"] {
            assert!(duration(text).unwrap_err().contains("at most 24h"), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(millis in 1_u64..86_400_000) {
            let time = Duration::from_millis(millis);
            proptest::prop_assert_eq!(duration(&show_duration(time)), Ok(time));
        }

        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,20}|([0-9]{0,20}(h|m|s|ms)){0,3}") {
            let _ = duration(&text);
        }
    }
}
