//! The params of a pattern: typed, so that what an annotation says can only be what the type allows.

use serde_json::Value;

use multipod_values::{self as value, Host, Parsed, Quantity, Resource};

/// Longest text of a `string`.
const LONGEST: usize = 1024;

/// One param of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// What people write before `=`.
    pub name: String,
    /// What they may write behind it.
    pub kind: Type,
    /// What holds when they write nothing.
    pub default: Option<Value>,
    /// Whether nothing at all is fine too: what names the param is then left out.
    pub(crate) optional: bool,
    /// What it is for.
    pub description: String,
}

impl Param {
    /// Whether the annotation must give it.
    pub fn required(&self) -> bool {
        self.default.is_none() && !self.optional
    }
}

/// What a param may hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// A port, as a number.
    Port,
    /// A whole number within bounds.
    Integer {
        min: i64,
        max: i64,
    },
    Boolean,
    String,
    /// Letters, digits, `_`, `-` and `.`: the name of a user, a database, a key of a Secret.
    Identifier,
    /// A DNS label.
    Name,
    /// An absolute path of a file or folder.
    Path,
    /// The path of a URL, with its query.
    UrlPath,
    /// A URL without credentials.
    Url,
    /// A time, rewritten to one unit.
    Duration,
    /// A number of bytes, rewritten to the form of the API server.
    Quantity,
    /// The name of a Secret.
    Secret,
    /// One of a few words.
    Enum(Vec<String>),
}

impl Type {
    /// The names of all types, as files write them.
    pub const NAMES: [&str; 13] = [
        "port",
        "integer",
        "boolean",
        "string",
        "identifier",
        "name",
        "path",
        "url-path",
        "url",
        "duration",
        "quantity",
        "secret",
        "enum",
    ];

    /// The type with this name, without bounds and words.
    pub(super) fn named(name: &str) -> Option<Type> {
        Some(match name {
            "port" => Type::Port,
            "integer" => Type::Integer { min: i64::MIN, max: i64::MAX },
            "boolean" => Type::Boolean,
            "string" => Type::String,
            "identifier" => Type::Identifier,
            "name" => Type::Name,
            "path" => Type::Path,
            "url-path" => Type::UrlPath,
            "url" => Type::Url,
            "duration" => Type::Duration,
            "quantity" => Type::Quantity,
            "secret" => Type::Secret,
            "enum" => Type::Enum(Vec::new()),
            _ => return None,
        })
    }

    /// The type's name, as files write it.
    pub const fn name(&self) -> &'static str {
        match self {
            Type::Port => "port",
            Type::Integer { .. } => "integer",
            Type::Boolean => "boolean",
            Type::String => "string",
            Type::Identifier => "identifier",
            Type::Name => "name",
            Type::Path => "path",
            Type::UrlPath => "url-path",
            Type::Url => "url",
            Type::Duration => "duration",
            Type::Quantity => "quantity",
            Type::Secret => "secret",
            Type::Enum(_) => "enum",
        }
    }

    /// A value that the type takes.
    pub(crate) fn example(&self) -> String {
        match self {
            Type::Port => "8080".to_owned(),
            Type::Integer { min, max } => 1.clamp(*min, *max).to_string(),
            Type::Boolean => "true".to_owned(),
            Type::String => "text".to_owned(),
            Type::Identifier | Type::Name => "name".to_owned(),
            Type::Path => "/path".to_owned(),
            Type::UrlPath => "/status".to_owned(),
            Type::Url => "http://127.0.0.1:8080/".to_owned(),
            Type::Duration => "30s".to_owned(),
            Type::Quantity => "64Mi".to_owned(),
            Type::Secret => "my-secret".to_owned(),
            Type::Enum(words) => words.first().cloned().unwrap_or_default(),
        }
    }

    /// The value that `text` stands for; else what was expected.
    pub(crate) fn parse(&self, text: &str) -> Parsed<Value> {
        Ok(match self {
            Type::Port => value::port(text)?.get().into(),
            Type::Integer { min, max } => integer(text, *min, *max)?.into(),
            Type::Boolean => value::boolean(text)?.into(),
            Type::String => string(text)?.into(),
            Type::Identifier => identifier(text)?.into(),
            Type::Name => value::name(text)?.into(),
            Type::Path => value::absolute_path(text)?.into(),
            Type::UrlPath => url_path(text)?.into(),
            Type::Url => url(text)?.into(),
            Type::Duration => value::show_duration(value::duration(text)?).into(),
            Type::Quantity => Quantity::parse(text, Resource::Memory)?.as_str().into(),
            Type::Secret => value::object_name(text)?.into(),
            Type::Enum(words) => {
                let words: Vec<(&str, &str)> = words.iter().map(|word| (&**word, &**word)).collect();
                value::one_of(text, &words)?.into()
            }
        })
    }
}

fn integer(text: &str, min: i64, max: i64) -> Parsed<i64> {
    let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
    number.filter(|number| (min..=max).contains(number)).ok_or_else(|| match (min, max) {
        (i64::MIN, i64::MAX) => "expected a whole number".to_owned(),
        (min, i64::MAX) => format!("expected a whole number of at least {min}"),
        (i64::MIN, max) => format!("expected a whole number of at most {max}"),
        _ => format!("expected a whole number from {min} to {max}"),
    })
}

fn string(text: &str) -> Parsed<&str> {
    if text.len() > LONGEST {
        return Err(format!("expected at most {LONGEST} bytes"));
    }
    // An annotation cannot hold them, a default can.
    if text.chars().any(char::is_control) {
        return Err("expected text without control characters".to_owned());
    }
    Ok(text)
}

fn identifier(text: &str) -> Parsed<&str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let starts = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    if starts && text.len() <= 253 && text.bytes().all(plain) {
        return Ok(text);
    }
    Err("expected a name of letters, digits, '_', '-' and '.'".to_owned())
}

fn url_path(text: &str) -> Parsed<&str> {
    if text.starts_with('/') && text.len() <= LONGEST && text.bytes().all(in_url) {
        return Ok(text);
    }
    Err("expected the path of a URL such as /status?full".to_owned())
}

fn url(text: &str) -> Parsed<&str> {
    let expected = || "expected a URL such as http://127.0.0.1:8080/status".to_owned();
    let (scheme, rest) = text.split_once("://").ok_or_else(expected)?;
    let named = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'+');
    if !named || text.len() > LONGEST || !text.bytes().all(in_url) {
        return Err(expected());
    }
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    if authority.contains('@') {
        return Err("expected a URL without user and password; they belong in a Secret".to_owned());
    }
    let (host, port) =
        match authority.rsplit_once(':').filter(|(host, _)| !host.starts_with('[') || host.ends_with(']')) {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
    Host::parse(host)?;
    port.map(value::port).transpose()?;
    Ok(text)
}

/// What needs no quoting in any URL, and no fragment: nothing that a reader could take for an end.
fn in_url(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"/?&=%-._~:@!*+,;[]".contains(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Type {
        Type::Enum(vec!["debug".into(), "info".into()])
    }

    #[test]
    fn right_values_take_their_type() {
        use serde_json::json;
        for (kind, text, value) in [
            (Type::Port, "8080", json!(8080)),
            (Type::Integer { min: -5, max: 5 }, "-5", json!(-5)),
            (Type::Boolean, "true", json!(true)),
            (Type::String, "a $(B) \"c\"", json!("a $(B) \"c\"")),
            (Type::String, "", json!("")),
            (Type::Identifier, "_my.db-1", json!("_my.db-1")),
            (Type::Name, "a-1", json!("a-1")),
            (Type::Path, "/var/run/", json!("/var/run")),
            (Type::UrlPath, "/", json!("/")),
            (Type::UrlPath, "/server-status?auto&x=%20", json!("/server-status?auto&x=%20")),
            (Type::Url, "http://127.0.0.1:80/a?b=c", json!("http://127.0.0.1:80/a?b=c")),
            (Type::Url, "tcp://[::1]:9000", json!("tcp://[::1]:9000")),
            (Type::Duration, "90s", json!("90s")),
            (Type::Duration, "60s", json!("1m")),
            (Type::Quantity, "0.5Gi", json!("512Mi")),
            (Type::Secret, "a.b-c", json!("a.b-c")),
            (words(), "debug", json!("debug")),
        ] {
            assert_eq!(kind.parse(text), Ok(value), "{} {text}", kind.name());
        }
    }

    #[test]
    fn examples_are_what_their_types_take() {
        let bounded = [Type::Integer { min: 5, max: 9 }, Type::Integer { min: -9, max: 0 }, words()];
        for kind in Type::NAMES.iter().filter_map(|name| Type::named(name)).chain(bounded) {
            let example = kind.example();
            assert!(kind == Type::Enum(Vec::new()) || kind.parse(&example).is_ok(), "{kind:?} {example}");
        }
    }

    #[test]
    fn wrong_values_are_told_what_was_expected() {
        let any = Type::Integer { min: i64::MIN, max: i64::MAX };
        for (kind, text, expected) in [
            (Type::Port, "8o80", "a port between"),
            (any.clone(), "1.5", "expected a whole number"),
            (any, "007", "expected a whole number"),
            (Type::Integer { min: 0, max: 5 }, "6", "from 0 to 5"),
            (Type::Integer { min: 0, max: i64::MAX }, "-1", "at least 0"),
            (Type::Integer { min: i64::MIN, max: 0 }, "1", "at most 0"),
            (Type::Boolean, "yes", "true or false"),
            (Type::String, "a\u{7}", "control"),
            (Type::Identifier, "-x", "letters, digits"),
            (Type::Identifier, "a?b", "letters, digits"),
            (Type::Identifier, "", "letters, digits"),
            (Type::Name, "A", "lower-case"),
            (Type::Path, "a", "absolute path"),
            (Type::Path, "/a/../b", "may not hold"),
            (Type::UrlPath, "status", "path of a URL"),
            (Type::UrlPath, "/a b", "path of a URL"),
            (Type::UrlPath, "/$(X)", "path of a URL"),
            (Type::UrlPath, "/a#b", "path of a URL"),
            (Type::Url, "http:/x", "a URL such as"),
            (Type::Url, "http://u:p@h/", "belong in a Secret"),
            (Type::Url, "http://h:0/", "a port between"),
            (Type::Url, "http://", ""),
            (Type::Duration, "1d", "a time such as"),
            (Type::Quantity, "x", "memory"),
            (Type::Secret, "A", "name of an object"),
            (words(), "debugg", "did you mean debug?"),
        ] {
            let error = kind.parse(text).unwrap_err();
            assert!(error.contains(expected), "{} {text}: {error}", kind.name());
        }
        assert!(Type::String.parse(&"x".repeat(LONGEST + 1)).is_err());
    }
}
