//! CPU and memory amounts, rewritten to the form in which the API server would store them.

use std::borrow::Cow;
use std::fmt;

/// An amount of CPU or memory that Kubernetes accepts, in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// In thousandths of a core, or of a byte.
    milli: u64,
    text: Cow<'static, str>,
}

/// What an amount measures: cores have thousandths, bytes are whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    Cpu,
    Memory,
}

const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const DECIMAL: [(&str, i32); 8] =
    [("n", -9), ("u", -6), ("m", -3), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15)];

impl Quantity {
    /// An amount known when multipod was written, already canonical; `milli` is what it stands for in thousandths.
    pub const fn known(text: &'static str, milli: u64) -> Self {
        Quantity { milli, text: Cow::Borrowed(text) }
    }

    /// Reads an amount; the error is what was expected.
    pub fn parse(text: &str, resource: Resource) -> Result<Quantity, &'static str> {
        let milli = thousandths(text, resource)?;
        let binary = BINARY.iter().any(|(name, _)| text.ends_with(name));
        Ok(Quantity { milli, text: Cow::Owned(canonical(milli, binary)) })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The canonical text, without a copy where it was known.
    pub fn text(&self) -> Cow<'static, str> {
        self.text.clone()
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.milli.cmp(&other.milli))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// So many thousandths, as Kubernetes would write them.
pub fn show(milli: u64, resource: Resource) -> String {
    canonical(milli, resource == Resource::Memory)
}

/// What an amount stands for, in thousandths; the error is what was expected.
pub fn thousandths(text: &str, resource: Resource) -> Result<u64, &'static str> {
    let expected = match resource {
        Resource::Cpu => "expected an amount of CPU such as 50m or 0.5",
        Resource::Memory => "expected an amount of memory in bytes such as 64Mi or 1Gi",
    };
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let (mantissa, decimals) = mantissa(number).ok_or(expected)?;
    let milli = if let Some((_, shift)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        let bytes = mantissa.checked_shl(*shift).filter(|v| v >> shift == mantissa).ok_or(expected)?;
        scale(bytes, 3 - decimals).ok_or(expected)?
    } else {
        scale(mantissa, exponent(suffix).ok_or(expected)? + 3 - decimals).ok_or(expected)?
    };
    let milli = u64::try_from(milli).map_err(|_| expected)?;
    if milli == 0 {
        return Err("expected more than zero");
    }
    if resource == Resource::Memory && milli % 1000 != 0 {
        return Err("expected a whole number of bytes");
    }
    Ok(milli)
}

/// `1.50` as (150, 2).
fn mantissa(number: &str) -> Option<(u128, i32)> {
    if number.is_empty() || number == "." || number.len() > 20 {
        return None;
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') {
        return None;
    }
    // At most 20 digits: no overflow.
    let digits = whole.bytes().chain(fraction.bytes());
    let mantissa = digits.fold(0_u128, |number, digit| number * 10 + u128::from(digit - b'0'));
    Some((mantissa, i32::try_from(fraction.len()).ok()?))
}

/// The power of ten behind a decimal suffix, or behind `e3`.
fn exponent(suffix: &str) -> Option<i32> {
    if suffix.is_empty() {
        return Some(0);
    }
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some(*power);
    }
    let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    (-9..=18).contains(&power).then_some(power)
}

/// `value` × 10^power, when that is a whole number.
fn scale(value: u128, power: i32) -> Option<u128> {
    let factor = 10u128.checked_pow(power.unsigned_abs())?;
    if power >= 0 {
        value.checked_mul(factor)
    } else {
        value.is_multiple_of(factor).then_some(value / factor)
    }
}

/// No fraction, and the largest suffix that loses nothing, as Kubernetes writes it.
fn canonical(milli: u64, binary: bool) -> String {
    if !milli.is_multiple_of(1000) {
        return format!("{milli}m");
    }
    let units = milli / 1000;
    if binary {
        let fits = BINARY.iter().rev().find(|(_, shift)| units.is_multiple_of(1u64 << shift));
        return match fits {
            Some((name, shift)) => format!("{}{name}", units >> shift),
            None => units.to_string(),
        };
    }
    let fits = DECIMAL
        .iter()
        .rev()
        .filter(|(_, power)| *power > 0)
        .find(|(_, power)| units.is_multiple_of(10u64.pow(power.unsigned_abs())));
    match fits {
        Some((name, power)) => format!("{}{name}", units / 10u64.pow(power.unsigned_abs())),
        None => units.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_come_out_as_the_api_server_writes_them() {
        for (text, resource, canonical) in [
            ("0.05", Resource::Cpu, "50m"),
            ("50m", Resource::Cpu, "50m"),
            ("1000m", Resource::Cpu, "1"),
            ("1.0", Resource::Cpu, "1"),
            ("1.5", Resource::Cpu, "1500m"),
            (".5", Resource::Cpu, "500m"),
            ("1000", Resource::Cpu, "1k"),
            ("64Mi", Resource::Memory, "64Mi"),
            ("0.5Gi", Resource::Memory, "512Mi"),
            ("1024Ki", Resource::Memory, "1Mi"),
            ("128974848", Resource::Memory, "128974848"),
            ("129e6", Resource::Memory, "129M"),
            ("129M", Resource::Memory, "129M"),
            ("64000m", Resource::Memory, "64"),
        ] {
            assert_eq!(Quantity::parse(text, resource).unwrap().as_str(), canonical, "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "x",
            "-1",
            "+1",
            "1.2.3",
            "64MB",
            "64mi",
            "0",
            "0.0001",
            "1e99",
            "99999999999999999999Ei",
            ".",
        ] {
            assert!(Quantity::parse(text, Resource::Cpu).is_err(), "{text}");
        }
        assert!(Quantity::parse("0.5", Resource::Memory).is_err());
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics_and_the_canonical_form_is_stable(text in "[0-9.]{0,25}[a-zA-Z]{0,3}[0-9]{0,3}") {
            for resource in [Resource::Cpu, Resource::Memory] {
                if let Ok(first) = Quantity::parse(&text, resource) {
                    proptest::prop_assert_eq!(&Quantity::parse(first.as_str(), resource).unwrap(), &first);
                }
            }
        }
    }
}
