//! Names of what Kubernetes and registries hold.

use super::word::Parsed;

/// A DNS-1123 label: what container, volume and Service names are made of.
pub fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    !bytes.is_empty()
        && bytes.len() <= 63
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
        && bytes[0] != b'-'
        && bytes[bytes.len() - 1] != b'-'
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_cannot_smuggle_anything() {
        for text in ["haproxy:3.0", "r.example:5000/a/b@sha256:0123", "a"] {
            assert!(image(text).is_ok(), "{text}");
        }
        for text in ["", "a b", "$(X)", "a\"", "-a", "a:", "http://x//y", "ä"] {
            assert!(image(text).is_err(), "{text}");
        }
    }
}
