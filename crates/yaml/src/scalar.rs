//! What a scalar means to kubectl: YAML 1.1 as its Go library reads it.
//!
//! | written                                    | read as                            |
//! |--------------------------------------------|------------------------------------|
//! | `y`, `Yes`, `on`, `TRUE` …                 | true; `n`, `No`, `off` … are false |
//! | nothing, `~`, `null`, `Null`, `NULL`       | null                               |
//! | `0644`, `0o17`, `0x1F`, `0b101`, `1_000`   | integers                           |
//! | `08`, `1e3`, `.5`, `1.`                    | decimal numbers                    |
//! | `80:53`, `2001-01-01`                      | strings                            |

use std::borrow::Cow;

use base64::Engine;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Number, Value};

use super::events::Style;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'t> {
    Null,
    Bool(bool),
    Int(Number),
    Float(f64),
    Text(Cow<'t, str>),
}

/// Reads a scalar; the error says what is wrong with it.
pub(super) fn resolve<'t>(tag: Option<&str>, style: Style, text: &'t str) -> Result<Scalar<'t>, String> {
    let Some(tag) = tag else {
        return if style == Style::Plain { plain(text) } else { Ok(Scalar::Text(Cow::Borrowed(text))) };
    };
    let found = match tag {
        "!" | "!!str" | "!!timestamp" => return Ok(Scalar::Text(Cow::Borrowed(text))),
        "!!binary" => return binary(text).map(|text| Scalar::Text(Cow::Owned(text))),
        "!!null" | "!!bool" | "!!int" | "!!float" => plain(text)?,
        _ => return Err(format!("tag that Kubernetes does not know; remove it: {tag}")),
    };
    match (tag, found) {
        ("!!null", Scalar::Null) => Ok(Scalar::Null),
        ("!!bool", found @ Scalar::Bool(_))
        | ("!!int", found @ Scalar::Int(_))
        | ("!!float", found @ (Scalar::Int(_) | Scalar::Float(_))) => Ok(found),
        _ => Err(format!("not what its tag {tag} promises: {text:?}")),
    }
}

fn plain(text: &str) -> Result<Scalar<'_>, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            Scalar::Bool(false)
        }
        _ if is_not_finite(text) => {
            return Err(format!("no JSON number; quote it if a string is meant: {text}"));
        }
        _ => number(text).unwrap_or(Scalar::Text(Cow::Borrowed(text))),
    })
}

fn is_not_finite(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

fn number(text: &str) -> Option<Scalar<'static>> {
    let first = text.bytes().next()?;
    if first == b'.' {
        return float(&between_digits(text)?).map(Scalar::Float);
    }
    if !matches!(first, b'+' | b'-' | b'0'..=b'9') {
        return None;
    }
    let digits = text.replace('_', "");
    integer(&digits).map(Scalar::Int).or_else(|| float(&digits).map(Scalar::Float))
}

/// Go's `ParseInt` and `ParseUint` with base 0, and `0b` before a sign, which the library adds.
fn integer(text: &str) -> Option<Number> {
    if let Some(signed) = text.strip_prefix("0b").filter(|rest| rest.starts_with(['+', '-'])) {
        return i64::from_str_radix(signed, 2).ok().map(Number::from);
    }
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", text.get(1..)?),
        b'+' => ("+", text.get(1..)?),
        _ => ("", text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    let signed = i64::from_str_radix(&format!("{sign}{digits}"), radix).ok().map(Number::from);
    signed.or_else(|| {
        let unsigned = sign.is_empty().then(|| u64::from_str_radix(digits, radix).ok());
        unsigned.flatten().map(Number::from)
    })
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`, and finite.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (unsigned.get(..at)?, Some(unsigned.get(at + 1..)?)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_is_fine = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) || !exponent_is_fine {
        return None;
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Numbers that begin with a dot allow `_` only between digits.
fn between_digits(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let misplaced =
        |(at, byte): (usize, &u8)| *byte == b'_' && !(digit(at.checked_sub(1)) && digit(Some(at + 1)));
    if bytes.iter().enumerate().any(misplaced) { None } else { Some(text.replace('_', "")) }
}

/// As Go's standard encoding reads it: bits that are left over need not be zero.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

fn binary(text: &str) -> Result<String, String> {
    let symbols = text.replace(['\r', '\n'], "");
    let bytes = BASE64.decode(symbols).map_err(|_| "!!binary does not hold valid base64".to_owned())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Scalar<'_> {
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(*bool),
            Self::Int(number) => Value::Number(number.clone()),
            Self::Float(float) => decimal(*float),
            Self::Text(text) => Value::String(text.clone().into_owned()),
        }
    }

    /// The string that kubectl makes of a map's key.
    pub(super) fn key(&self) -> Result<String, &'static str> {
        Ok(match self {
            Self::Null => return Err("null is no key; quote it if a string is meant"),
            Self::Bool(bool) => bool.to_string(),
            Self::Int(number) if number.is_i64() => number.to_string(),
            Self::Int(_) => return Err("number too big for a key; quote it"),
            Self::Float(float) => short(*float),
            Self::Text(text) => text.clone().into_owned(),
        })
    }
}

/// A number as it arrives at the API server: Go writes whole decimals without a fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the ranges are checked")]
pub(super) fn decimal(float: f64) -> Value {
    let is_whole = float.fract() == 0.0 && !(float == 0.0 && float.is_sign_negative());
    // Two to the powers of 63 and 64, where the integers end.
    if is_whole && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float) {
        Value::from(float as i64)
    } else if is_whole && (0.0..18_446_744_073_709_551_616.0).contains(&float) {
        Value::from(float as u64)
    } else {
        Value::from(float)
    }
}

/// Go's `%g` with the fewest digits that a 32-bit float needs.
#[expect(clippy::cast_possible_truncation, reason = "kubectl shortens keys in the same way")]
fn short(float: f64) -> String {
    let float = float as f32;
    let scientific = format!("{float:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return if float > 0.0 { ".inf".into() } else { "-.inf".into() };
    };
    let power = exponent.parse::<i32>().unwrap_or_default();
    if (-4..6).contains(&power) {
        return float.to_string();
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", power.abs())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::documents;

    fn read(text: &str) -> Value {
        documents(text).unwrap().first().unwrap().value().clone()
    }

    #[test]
    fn scalars_are_read_as_kubectl_reads_them() {
        let cases = [
            ("y", json!(true)),
            ("Yes", json!(true)),
            ("on", json!(true)),
            ("TRUE", json!(true)),
            ("n", json!(false)),
            ("No", json!(false)),
            ("OFF", json!(false)),
            ("False", json!(false)),
            ("yES", json!("yES")),
            ("~", json!(null)),
            ("null", json!(null)),
            ("Null", json!(null)),
            ("NULL", json!(null)),
            ("nULL", json!("nULL")),
            ("0644", json!(420)),
            ("-0644", json!(-420)),
            ("0o17", json!(15)),
            ("0O17", json!(15)),
            ("0o8", json!("0o8")),
            ("0x1F", json!(31)),
            ("0x_1F", json!(31)),
            ("0x", json!("0x")),
            ("0b101", json!(5)),
            ("-0b1", json!(-1)),
            ("0b-1", json!(-1)),
            ("-0b-1", json!("-0b-1")),
            ("1_000", json!(1000)),
            ("1_", json!(1)),
            ("_1", json!("_1")),
            ("+5", json!(5)),
            ("+-1", json!("+-1")),
            ("+", json!("+")),
            ("08", json!(8)),
            ("1e3", json!(1000)),
            ("1.0", json!(1)),
            ("1.5", json!(1.5)),
            (".5", json!(0.5)),
            ("-.5", json!(-0.5)),
            (".1_0", json!(0.1)),
            (".1_", json!(".1_")),
            (".e3", json!(".e3")),
            ("5.", json!(5)),
            ("1.5.5", json!("1.5.5")),
            ("1e400", json!("1e400")),
            ("-9223372036854775808", json!(i64::MIN)),
            ("18446744073709551615", json!(u64::MAX)),
            ("18446744073709551616", json!(18_446_744_073_709_551_616.0)),
            ("80:53", json!("80:53")),
            ("190:20:30", json!("190:20:30")),
            ("2001-01-01", json!("2001-01-01")),
            ("+.nan", json!("+.nan")),
            ("'true'", json!("true")),
            ("\"8080\"", json!("8080")),
            ("!!str 80", json!("80")),
            ("!!str", json!("")),
            ("! 12", json!("12")),
            ("!!int '3'", json!(3)),
            ("!!float 3", json!(3)),
            ("!!bool yes", json!(true)),
            ("!!bool 'yes'", json!(true)),
            ("!!null ~", json!(null)),
            ("!!timestamp 2001-01-01", json!("2001-01-01")),
            ("!!binary aGk=", json!("hi")),
            ("!!binary aGVsbG8=", json!("hello")),
            ("|\n  x\n", json!("x\n")),
            ("|\n  x", json!("x\n")),
            (">+\n  x\n\n  y", json!("x\ny\n")),
            ("|\n  x\n  ", json!("x\n")),
            ("|", json!("")),
            ("!!map {}", json!({})),
            ("!!seq []", json!([])),
        ];
        for (text, value) in cases {
            assert_eq!(read(text), value, "{text}");
        }
    }

    #[test]
    fn what_json_cannot_hold_is_an_error_with_its_place() {
        let cases = [
            ("a: .inf", 4, ".inf"),
            ("a: -.Inf", 4, "-.Inf"),
            ("a: .NaN", 4, ".NaN"),
            ("a: !!int abc", 10, "!!int"),
            ("a: !!int 5.0", 10, "!!int"),
            ("a: !!null a", 11, "!!null"),
            ("a: !!binary '@@'", 13, "base64"),
            ("a: !secret b", 12, "!secret"),
            ("a: !!set {b: }", 4, "!!set"),
            ("~: b", 1, "null"),
            ("[a]: b", 1, "key"),
            ("18446744073709551615: b", 1, "too big"),
        ];
        for (text, column, word) in cases {
            let error = documents(text).unwrap_err();
            assert_eq!((error.line, error.column), (1, column), "{text}: {error}");
            assert!(error.message.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn keys_become_strings_as_kubectl_makes_them() {
        let cases = [
            ("n", "false"),
            ("on", "true"),
            ("0644", "420"),
            ("1.5", "1.5"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("100000.5", "100000.5"),
            ("1000000.0", "1e+06"),
            ("123456789.5", "1.2345679e+08"),
            ("1e300", ".inf"),
            ("80:53", "80:53"),
            ("'n'", "n"),
        ];
        for (written, name) in cases {
            assert_eq!(read(&format!("{written}: x")), json!({ name: "x" }), "{written}");
        }
    }
}
