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

/// The name of a container image, as the kubelet reads it: `[REGISTRY[:PORT]/]PATH[:TAG][@ALGORITHM:DIGEST]`.
pub fn image(text: &str) -> Parsed<String> {
    if is_image(text) {
        return Ok(text.to_owned());
    }
    Err("expected an image such as haproxy:3.0".to_owned())
}

/// A registry with a path or without, in front of which an image can stand.
pub fn registry(text: &str) -> Parsed<String> {
    let text = text.trim_end_matches('/');
    if is_image(&format!("{text}/x")) {
        return Ok(text.to_owned());
    }
    Err("expected a registry and a path, such as mirror.example/team".to_owned())
}

fn is_image(text: &str) -> bool {
    const MOST: usize = 512;
    let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let (path, tag) = match name[last..].find(':') {
        Some(colon) => (&name[..last + colon], Some(&name[last + colon + 1..])),
        None => (name, None),
    };
    let mut parts = path.split('/').enumerate();
    text.len() <= MOST
        && digest.is_none_or(is_digest)
        && tag.is_none_or(is_tag)
        && parts.all(|(at, part)| is_path_part(part) || at == 0 && last > 0 && is_registry(part))
}

/// Words of lower-case letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_path_part(text: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let between =
        |separator: &str| matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|b| b == b'-');
    text.bytes().next().is_some_and(is_word)
        && text.bytes().next_back().is_some_and(is_word)
        && text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).all(between)
}

fn is_registry(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_word = |word: &str| {
        word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !word.is_empty()
            && !word.starts_with('-')
            && !word.ends_with('-')
    };
    host.split('.').all(is_word)
        && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

fn is_tag(text: &str) -> bool {
    text.len() <= 128
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        && text.bytes().next().is_some_and(|b| !matches!(b, b'.' | b'-'))
}

fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hex)| {
        !algorithm.is_empty()
            && algorithm
                .split(['+', '.', '_', '-'])
                .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric()))
            && !hex.is_empty()
            && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_cannot_smuggle_anything() {
        for text in [
            "haproxy:3.0",
            "r.example:5000/a/b@sha256:0123",
            "a",
            "a:1@sha256:0123",
            "localhost/a",
            "Mirror.Example:5000/a",
            "my_team/a__b.c---d:V_1.0-x",
            "r.example/a/b/c:latest",
        ] {
            assert!(image(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "a b",
            "$(X)",
            "a\"",
            "-a",
            "a:",
            "http://x//y",
            "ä",
            "haproxy:a:b",
            "mirror.example/../evil/x",
            "./a",
            "a/./b",
            "a/b/",
            "/a",
            "a/:1",
            "A",
            "r.example/A",
            "r.example:x/a",
            "r.example:/a",
            "a/r.example:5000/b",
            "a:.1",
            "a:1/",
            "a@",
            "a@sha256",
            "a@sha256:",
            "a@sha256:xyz",
            "a@sha256:00@sha256:00",
            "a..b",
            "a___b",
            "a-",
            "-r.example/a",
            &format!("a:{}", "1".repeat(129)),
        ] {
            assert!(image(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_registry_is_what_an_image_can_follow() {
        for text in ["mirror.example", "mirror.example/", "mirror.example:5000/hub", "hub"] {
            assert_eq!(registry(text), Ok(text.trim_end_matches('/').to_owned()));
        }
        for text in ["", "/", "a b", "mirror.example:x", "mirror.example/a:1", "mirror.example/../x"] {
            assert!(registry(text).is_err(), "{text}");
        }
    }
}
