//! Reads the value of `multipod/share-process-namespace`.

use crate::annotation::Problem;
use multipod_values::{self as value, short};

/// Reads the value of `multipod/share-process-namespace`.
pub(crate) fn parse(text: &str) -> Result<bool, Vec<Problem>> {
    value::boolean(text.trim()).map_err(|expected| {
        vec![Problem::of_all(text, expected).summary(format!("{} is neither true nor false", short(text)))]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sharing_is_true_or_false() {
        assert_eq!(parse("true"), Ok(true));
        for text in ["yes", "True", "", "1"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
