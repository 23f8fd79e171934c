//! Words become types that cannot be wrong. Every parser takes the text of one word and says what it expected.

use std::num::NonZeroU16;
use std::time::Duration;

use super::host::{Host, is_label};
use super::suggest;

/// What a parser says: the value, or what was expected instead.
pub type Parsed<T> = Result<T, String>;

/// A port between 1 and 65535.
pub fn port(text: &str) -> Parsed<NonZeroU16> {
    let number: Option<NonZeroU16> = text.parse().ok();
    match number {
        // Some readers would take it for an octal number.
        Some(port) if text.starts_with('0') => Err(format!("a port has no leading zero: {port}")),
        Some(port) if !text.starts_with('+') => Ok(port),
        _ => Err("expected a port between 1 and 65535".to_owned()),
    }
}

/// `HOST:PORT`; the error says which half is wrong.
pub fn host_and_port(text: &str) -> Parsed<(Host, NonZeroU16)> {
    let (host, number) = text.rsplit_once(':').ok_or("expected HOST:PORT such as db:5432")?;
    Ok((Host::parse(host)?, port(number)?))
}

/// A whole number within bounds.
pub fn number(text: &str, least: u32, most: u32) -> Parsed<u32> {
    text.parse()
        .ok()
        .filter(|n| (least..=most).contains(n) && text.bytes().all(|b| b.is_ascii_digit()))
        .ok_or_else(|| format!("expected a whole number from {least} to {most}"))
}

/// `true` or `false`, and nothing that other readers of YAML take for one of them.
pub fn boolean(text: &str) -> Parsed<bool> {
    one_of(text, &[("true", true), ("false", false)])
}

/// One of a few words.
pub fn one_of<T: Copy>(text: &str, allowed: &[(&str, T)]) -> Parsed<T> {
    if let Some((_, value)) = allowed.iter().find(|(name, _)| *name == text) {
        return Ok(*value);
    }
    let names: Vec<&str> = allowed.iter().map(|(name, _)| *name).collect();
    Err(format!("expected {}{}", list(&names, "or"), suggest::did_you_mean(text, names.iter().copied())))
}

/// `a, b or c`; the end of a list that nobody would read is counted.
pub fn list(names: &[&str], last: &str) -> String {
    const MOST: usize = 24;
    match names {
        [most @ .., _, _] if most.len() >= MOST => {
            format!("{} {last} {} more", most[..MOST].join(", "), names.len() - MOST)
        }
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

/// A time such as `500ms`, `30s`, `5m` or `1h30m`: more than zero, at most a day.
pub fn duration(text: &str) -> Parsed<Duration> {
    const DAY: Duration = Duration::from_hours(24);
    let expected = "expected a time such as 500ms, 30s, 5m or 1h30m";
    let mut total = Duration::ZERO;
    let mut rest = text;
    let mut largest = u128::MAX;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(expected)?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let unit = match &rest[digits..unit_end] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            _ => return Err(expected.to_owned()),
        };
        if unit.as_millis() >= largest {
            return Err(expected.to_owned());
        }
        largest = unit.as_millis();
        let count: u32 = rest[..digits].parse().map_err(|_| expected)?;
        total = unit.checked_mul(count).and_then(|part| total.checked_add(part)).ok_or(expected)?;
        rest = &rest[unit_end..];
    }
    if total.is_zero() || total > DAY {
        return Err("expected a time of more than zero and at most 24h".to_owned());
    }
    Ok(total)
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

/// A DNS label: the name of a container, a param, a Service.
pub fn name(text: &str) -> Parsed<String> {
    if is_label(text) {
        return Ok(text.to_owned());
    }
    Err("expected a name of lower-case letters, digits and '-', at most 63 long".to_owned())
}

/// The name of a ConfigMap or Secret: DNS labels with dots between.
pub fn object_name(text: &str) -> Parsed<String> {
    if text.len() <= 253 && text.split('.').all(is_label) {
        return Ok(text.to_owned());
    }
    Err("expected the name of an object: lower-case letters, digits, '-' and '.'".to_owned())
}

/// An absolute path of plain parts: no `..`, no `//`, no closing slash, nothing that a mount cannot hold.
pub fn absolute_path(text: &str) -> Parsed<String> {
    let Some(inside) = text.strip_prefix('/') else {
        return Err("expected an absolute path such as /var/log/app".to_owned());
    };
    if inside.is_empty() {
        return Err("the root folder itself cannot be a mount".to_owned());
    }
    path_parts(inside.strip_suffix('/').unwrap_or(inside))?;
    Ok(text.strip_suffix('/').unwrap_or(text).to_owned())
}

/// The shared rules of paths and globs, for what stands behind the first slash.
pub fn path_parts(inside: &str) -> Parsed<()> {
    if inside.len() > 1024 {
        return Err("expected a path of at most 1024 characters".to_owned());
    }
    for part in inside.split('/') {
        match part {
            "" => return Err("the path has an empty part: //".to_owned()),
            "." | ".." => return Err(format!("the path may not hold {part}")),
            _ => {}
        }
    }
    match inside.chars().find(|c| matches!(c, ':' | '$' | '\\' | '`') || c.is_control()) {
        Some(bad) => Err(format!("the path may not hold {bad:?}")),
        None => Ok(()),
    }
}

/// The name of a container image, tag and digest included.
pub fn image(text: &str) -> Parsed<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'/' | b'@' | b'-');
    let starts = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if starts
        && text.len() <= 512
        && text.bytes().all(plain)
        && !text.ends_with(['/', ':', '@'])
        && !text.contains("//")
    {
        return Ok(text.to_owned());
    }
    Err("expected an image such as haproxy:3.0".to_owned())
}

/// What kubelet would expand in commands, arguments and environment values is doubled, so that it stays text.
/// Every `$` is: `$$(X)` with only its `$(` doubled would be a `$` and an expansion.
pub fn escape_expansion(text: &str) -> String {
    text.replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_whole_numbers_without_decoration() {
        assert_eq!(port("8775").map(NonZeroU16::get), Ok(8775));
        for text in ["0", "65536", "8o", "", "+80", "080", "-1", "80 ", "８０"] {
            assert!(port(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_read_and_written() {
        for (text, millis, shown) in [
            ("500ms", 500, "500ms"),
            ("30s", 30_000, "30s"),
            ("90s", 90_000, "90s"),
            ("5m", 300_000, "5m"),
            ("1h30m", 5_400_000, "90m"),
            ("24h", 86_400_000, "24h"),
            ("1s500ms", 1_500, "1500ms"),
        ] {
            let time = duration(text).unwrap();
            assert_eq!((time.as_millis(), show_duration(time)), (millis, shown.to_owned()));
        }
        for text in ["", "0s", "30", "s", "1d", "1m1h", "1s1s", "25h", "99999999999999s", "1.5s", "-1s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn paths_are_absolute_and_plain() {
        assert_eq!(absolute_path("/usr/share/nginx/html/"), Ok("/usr/share/nginx/html".to_owned()));
        for text in ["", "a", "/", "//a", "/a//b", "/a/../b", "/a:b", "/$(X)", "/a/./b", "/a\u{7}"] {
            assert!(absolute_path(text).is_err(), "{text}");
        }
    }

    #[test]
    fn images_cannot_smuggle_anything() {
        for text in ["haproxy:3.0", "r.example:5000/a/b@sha256:0123", "a"] {
            assert!(image(text).is_ok(), "{text}");
        }
        for text in ["", "a b", "$(X)", "a\"", "-a", "a:", "http://x//y", "ä"] {
            assert!(image(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_dollar_sign_is_left_for_the_kubelet() {
        for (text, escaped) in [("$(X)", "$$(X)"), ("$$(X)", "$$$$(X)"), ("a$", "a$$"), ("a", "a")] {
            assert_eq!(escape_expansion(text), escaped);
        }
    }

    #[test]
    fn a_word_outside_the_list_is_told_the_list() {
        assert_eq!(boolean("True"), Err("expected true or false, did you mean true?".to_owned()));
        assert_eq!(list(&["a", "b", "c"], "or"), "a, b or c");
        assert!(list(&["a"; 100], "or").ends_with("a, a or 76 more"));
    }
}
