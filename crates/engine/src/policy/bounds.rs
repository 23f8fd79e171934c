//! What a pod may choose for the patterns that it asks for.

use crate::annotation::Key;
use crate::annotation::settings::Amount;
use multipod_values::{self as value, Parsed, Quantity, wildcard};

/// The limits of a pod's own choice; what is not given is free.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bounds {
    /// The keys that pods and namespaces may set.
    pub keys: Option<Vec<Key>>,
    /// The images that may be chosen.
    pub images: Option<Vec<ImagePattern>>,
    /// The largest CPU request or limit.
    pub cpu: Option<Quantity>,
    /// The largest memory request or limit.
    pub memory: Option<Quantity>,
}

impl Bounds {
    /// Whether everything is free.
    pub fn is_free(&self) -> bool {
        *self == Bounds::default()
    }

    /// Checks whether a key may be set at all; the error says which may.
    pub(crate) fn check_key(&self, key: Key) -> Result<(), String> {
        let Some(allowed) = self.keys.as_ref().filter(|allowed| !allowed.contains(&key)) else {
            return Ok(());
        };
        let names: Vec<&str> = allowed.iter().map(|key| key.full()).collect();
        Err(match names.as_slice() {
            [] => "no key can be set".to_owned(),
            names => format!("only {} can be set", value::list(names, "and")),
        })
    }

    /// Checks what a value chooses; the error says what is allowed instead.
    pub(crate) fn check(
        &self,
        image: Option<&str>,
        cpu: Option<&Amount>,
        memory: Option<&Amount>,
    ) -> Result<(), String> {
        if let (Some(image), Some(allowed)) = (image, &self.images)
            && !allowed.iter().any(|pattern| pattern.matches(image))
        {
            let allowed: Vec<&str> = allowed.iter().map(ImagePattern::as_str).collect();
            return Err(match allowed.as_slice() {
                [] => format!("the image cannot be chosen: {image}"),
                allowed => format!("the image must be {}: {image}", value::list(allowed, "or")),
            });
        }
        for (name, chosen, most) in [("CPU", cpu, &self.cpu), ("memory", memory, &self.memory)] {
            let (Some(chosen), Some(most)) = (chosen, most) else { continue };
            let amounts = [Some(&chosen.request), chosen.limit.as_ref()];
            if let Some(amount) = amounts.into_iter().flatten().find(|amount| *amount > most) {
                return Err(format!("at most {most} of {name} can be chosen: {amount}"));
            }
        }
        Ok(())
    }
}

/// A pattern of image names, where `*` stands for any text.
///
/// Behind the colon of a tag it stands for a tag only: `haproxy:*` means no image of a registry at `haproxy:5000`. A
/// digest decides over the tag before it, so a pattern for some tags (`haproxy:3.*`) allows one only where it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePattern(String);

impl ImagePattern {
    /// Reads a pattern; the error is what was expected.
    pub(super) fn parse(text: &str) -> Parsed<Self> {
        // A pattern is an image once digits, which may stand in every part of one, stand where the wildcards are.
        match value::image(&text.replace('*', "0")) {
            Ok(_) => Ok(ImagePattern(text.to_owned())),
            Err(_) => Err("expected an image such as haproxy:*, where * stands for any text".to_owned()),
        }
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an image is meant.
    pub(crate) fn matches(&self, image: &str) -> bool {
        match split_tag(&self.0) {
            (_, "") => wildcard(&self.0, image),
            (name, tag) => {
                let (image_name, image_tag) = split_tag(image);
                let digest_fits = tag == ":*" || tag.contains('@') || !image_tag.contains('@');
                digest_fits && wildcard(name, image_name) && wildcard(tag, image_tag)
            }
        }
    }
}

/// The name of an image, and its tag and digest with the mark that opens them.
fn split_tag(image: &str) -> (&str, &str) {
    let last = image.rfind('/').map_or(0, |at| at + 1);
    let tag = image[last..].find([':', '@']).map_or(image.len(), |at| last + at);
    image.split_at(tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::settings::amount;
    use multipod_values::Resource;

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, image, expected) in [
            ("haproxy:*", "haproxy:3.0", true),
            ("haproxy:*", "haproxy:3.0@sha256:0123", true),
            ("haproxy:*", "haproxy", false),
            ("haproxy:*", "nothaproxy:3.0", false),
            ("haproxy:*", "haproxy:5000/evil/image", false),
            ("haproxy:*", "haproxy:5000/evil/image:1", false),
            ("haproxy:3.*", "haproxy:3.0", true),
            ("haproxy:3.*", "haproxy:2.9", false),
            ("haproxy:3.*", "haproxy:3.0@sha256:0123", false),
            ("haproxy:3.*@sha256:*", "haproxy:3.0@sha256:0123", true),
            ("haproxy*", "haproxy:3.0", true),
            ("haproxy", "haproxy", true),
            ("haproxy", "haproxy:3.0", false),
            ("mirror.example/*", "mirror.example/a/b:1", true),
            ("mirror.example/*", "mirror.example.evil/a", false),
            ("mirror.example:5000/*", "mirror.example:5000/a:1", true),
            ("*/haproxy:*", "mirror.example/haproxy:3.0", true),
            ("*/haproxy:*", "haproxy:3.0", false),
            ("m*r/*-debug:*", "mirror/app-debug-debug:1", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*", "anything/at:all", true),
            ("a**b", "ab", true),
        ] {
            let pattern = ImagePattern::parse(pattern).unwrap();
            assert_eq!(pattern.matches(image), expected, "{} {image}", pattern.as_str());
        }
        for text in ["", "a b", "http://x//y", "haproxy:", "-a", "a$(x)"] {
            assert!(ImagePattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_choice_beyond_the_bounds_is_told_what_is_allowed() {
        let bounds = Bounds {
            keys: None,
            images: Some(vec![ImagePattern::parse("a:*").unwrap(), ImagePattern::parse("b:*").unwrap()]),
            cpu: Some(Quantity::parse("500m", Resource::Cpu).unwrap()),
            memory: Some(Quantity::parse("256Mi", Resource::Memory).unwrap()),
        };
        for (image, cpu, memory, expected) in [
            (None, None, None, Ok(())),
            (Some("a:1"), Some("100m/0.5"), Some("64Mi/256Mi"), Ok(())),
            (Some("c:1"), None, None, Err("the image must be a:* or b:*: c:1")),
            (None, Some("1"), None, Err("at most 500m of CPU can be chosen: 1")),
            (None, Some("100m/1"), None, Err("at most 500m of CPU can be chosen: 1")),
            (None, None, Some("1Gi"), Err("at most 256Mi of memory can be chosen: 1Gi")),
        ] {
            let cpu = cpu.map(|text| amount(text, Resource::Cpu).unwrap());
            let memory = memory.map(|text| amount(text, Resource::Memory).unwrap());
            let found = bounds.check(image, cpu.as_ref(), memory.as_ref());
            assert_eq!(found, expected.map_err(str::to_owned));
        }
        let none = Bounds { images: Some(Vec::new()), ..Bounds::default() };
        assert!(none.check(Some("a:1"), None, None).is_err() && none.check(None, None, None).is_ok());
    }

    /// The definition, tried in every way; too slow for anything but a test.
    fn by_definition(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => {
                by_definition(rest, text) || !text.is_empty() && by_definition(pattern, &text[1..])
            }
            (Some((a, pattern)), Some((b, text))) => a == b && by_definition(pattern, text),
            _ => false,
        }
    }

    proptest::proptest! {
        #[test]
        fn the_quick_way_finds_what_the_definition_says(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            let expected = by_definition(pattern.as_bytes(), text.as_bytes());
            proptest::prop_assert_eq!(wildcard(&pattern, &text), expected);
        }
    }
}
