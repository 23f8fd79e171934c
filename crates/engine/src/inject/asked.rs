//! What a pod's own annotations ask for.

use crate::annotation::Key;
use crate::annotation::key::{PREFIX, STATUS};
use crate::pod::{Scalar, Text};
use multipod_values::short;

use super::conflict::MOST_ANNOTATION_BYTES;
use super::few::Refusals;
use super::{DenyReason, Refusal};

/// The annotations of a pod that are for us.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    /// Known keys with text, in the order of the pod.
    pub(crate) known: Vec<(Key, &'a str)>,
    /// Keys that do not exist, and values that are no text.
    pub(crate) refusals: Refusals,
    /// Whether the pod mirrors a static one.
    pub(crate) is_mirror: bool,
}

/// How many keys that do not exist are told one by one.
const MOST_UNKNOWN: usize = 10;

impl<'a> Asked<'a> {
    pub(super) fn read(annotations: &'a [(Text<'a>, Scalar<'a>)]) -> Self {
        let mut asked = Asked::default();
        let mut unknown = 0_usize;
        for (name, value) in annotations {
            if !name.starts_with(PREFIX) {
                asked.is_mirror |= &**name == "kubernetes.io/config.mirror";
                continue;
            }
            match (Key::from_full(name), value) {
                _ if &**name == STATUS => {}
                (Some(key), Scalar::Text(text)) if text.len() > MOST_ANNOTATION_BYTES => {
                    asked.refusals.tell(|| too_long(key, text));
                }
                (Some(key), Scalar::Text(text)) => asked.known.push((key, text)),
                (Some(key), other) => asked.refusals.tell(|| not_text(key, other)),
                (None, _) => {
                    unknown += 1;
                    if unknown <= MOST_UNKNOWN {
                        asked.refusals.tell(|| unknown_key(name));
                    }
                }
            }
        }
        if let Some(more) = unknown.checked_sub(MOST_UNKNOWN).filter(|more| *more > 0) {
            let message = format!("{more} more annotations begin with {PREFIX} and are no keys");
            asked.refusals.tell(|| Refusal::new(DenyReason::UnknownKey, message));
        }
        asked
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.refusals.is_empty()
    }
}

fn unknown_key(name: &str) -> Refusal {
    let known: Vec<&str> = Key::ALL.iter().map(|key| key.full()).collect();
    let meant = Key::nearest(name).map(|key| format!(", did you mean {}?", key.full())).unwrap_or_default();
    let message = format!("{}: there is no such key{meant}\nKnown keys: {}", short(name), known.join(", "));
    Refusal::new(DenyReason::UnknownKey, message).about(name)
}

/// No object with it could be stored, and what it holds is not worth being read.
fn too_long(key: Key, value: &str) -> Refusal {
    let message = format!(
        "{key}: the value has {length} bytes, and Kubernetes accepts {MOST_ANNOTATION_BYTES} for all annotations together\n\
         Ask for less",
        key = key.full(),
        length = value.len()
    );
    Refusal::new(DenyReason::AnnotationsTooLarge, message).about(key.full())
}

fn not_text(key: Key, value: &Scalar<'_>) -> Refusal {
    let what = match value {
        Scalar::Number(number) => format!("the number {number}{}", ports_of(number)),
        Scalar::Bool(value) => format!("the boolean {value}"),
        Scalar::Null => "empty".to_owned(),
        Scalar::Compound | Scalar::Text(_) => "a map or a list".to_owned(),
    };
    let advice = match value {
        Scalar::Bool(value) if key == Key::ShareProcessNamespace => {
            format!("Quote it: {key}: \"{value}\"", key = key.full())
        }
        Scalar::Number(_) => format!("Quote it: {}: \"{}\"", key.full(), key.example()),
        _ => format!("Example: {}: \"{}\"", key.full(), key.example()),
    };
    let message =
        format!("{key}: the value is {what}, and an annotation must be text\n{advice}", key = key.full());
    Refusal::new(DenyReason::NotText, message).about(key.full())
}

/// YAML 1.1 reads `80:53` as 80 × 60 + 53.
fn ports_of(number: &str) -> String {
    let Ok(number) = number.parse::<u32>() else { return String::new() };
    let (high, low) = (number / 60, number % 60);
    if !(1..=65535).contains(&high) || low == 0 {
        return String::new();
    }
    format!(" (which is what a YAML 1.1 reader makes of {high}:{low:02} without quotes)")
}
