//! What the settings say of webhooks behind us: the images that they rewrite, and what they put into every container.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::pod::path::{covers, lies_below};
use multipod_values::{self as value, Parsed};

/// Below it, injectors mount what a container proves its identity with.
const SECRETS: &str = "/var/run/secrets";
/// Where the token of the service account would be, which our containers do without.
pub const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Limits of others that a container of ours can still work with, where it has none of its own.
pub const LEAST_LIMITS: [(&str, &str); 3] =
    [("cpu", LEAST_CPU), ("memory", LEAST_MEMORY), ("ephemeral-storage", LEAST_STORAGE)];
pub(crate) const LEAST_CPU: &str = "100m";
pub(crate) const LEAST_MEMORY: &str = "64Mi";
pub(crate) const LEAST_STORAGE: &str = "100Mi";

/// What another webhook makes of images: `mirror.example/*`, or `*` where it only adds digests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRewrite {
    /// Up to the star.
    prefix: String,
}

/// What injectors put into every container.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Injectors {
    /// Prefixes of variables: `OTEL_`.
    #[serde(deserialize_with = "prefixes")]
    #[schemars(with = "Vec<String>")]
    pub environment: Vec<String>,
    /// Folders below `/var/run/secrets`.
    #[serde(deserialize_with = "folders")]
    #[schemars(with = "Vec<String>")]
    pub mounts: Vec<String>,
}

impl ImageRewrite {
    fn parse(text: &str) -> Parsed<Self> {
        const EXPECTED: &str = "expected a registry and a star, such as mirror.example/*, or * alone";
        let prefix = text.strip_suffix('*').ok_or(EXPECTED)?;
        let is_registry = prefix.ends_with('/') && value::registry(prefix).is_ok();
        if prefix.is_empty() || is_registry {
            return Ok(ImageRewrite { prefix: prefix.to_owned() });
        }
        Err(EXPECTED.to_owned())
    }

    /// Whether `theirs` is what it makes of `ours`: the same repository path and tag behind the prefix, and a digest
    /// at most.
    pub(crate) fn makes(&self, theirs: &str, ours: &str) -> bool {
        let theirs = if ours.contains('@') { theirs } else { without_digest(theirs) };
        self.of(ours).iter().any(|made| made == theirs)
    }

    /// Everything that it may make of an image, digests aside.
    pub fn of(&self, ours: &str) -> Vec<String> {
        let prefix = &self.prefix;
        let (registry, path) = split_registry(ours);
        let library = if path.contains('/') { "" } else { "library/" };
        match registry {
            Some(registry) => vec![format!("{prefix}{registry}/{path}"), format!("{prefix}{path}")],
            None => ["", "docker.io/"]
                .into_iter()
                .flat_map(|hub| [format!("{prefix}{hub}{path}"), format!("{prefix}{hub}{library}{path}")])
                .collect(),
        }
    }
}

/// Whether the two differ in the registry, and what leads to the path there, and in a digest at most.
pub(crate) fn is_moved(theirs: &str, ours: &str) -> bool {
    let theirs = if ours.contains('@') { theirs } else { without_digest(theirs) };
    let (_, path) = split_registry(ours);
    value::image(theirs).is_ok()
        && theirs.strip_suffix(path).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

fn without_digest(image: &str) -> &str {
    image.split_once('@').map_or(image, |(image, _)| image)
}

fn split_registry(image: &str) -> (Option<&str>, &str) {
    match image.split_once('/') {
        Some((first, path)) if first.contains(['.', ':']) || first == "localhost" => (Some(first), path),
        _ => (None, image),
    }
}

impl Injectors {
    pub(crate) fn set(&self, variable: &str) -> bool {
        self.environment.iter().any(|prefix| variable.starts_with(&**prefix))
    }

    pub(crate) fn mount_at(&self, path: &str) -> bool {
        self.mounts.iter().any(|folder| covers(folder, path))
    }
}

impl<'de> Deserialize<'de> for ImageRewrite {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one(deserializer, ImageRewrite::parse)
    }
}

struct Prefix(String);

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one(deserializer, prefix).map(Prefix)
    }
}

struct Folder(String);

impl<'de> Deserialize<'de> for Folder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one(deserializer, folder).map(Folder)
    }
}

fn one<'de, D: Deserializer<'de>, T>(deserializer: D, parse: fn(&str) -> Parsed<T>) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(|expected| serde::de::Error::custom(format!("{text:?}: {expected}")))
}

fn prefixes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Vec::<Prefix>::deserialize(deserializer)?.into_iter().map(|prefix| prefix.0).collect())
}

fn folders<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Vec::<Folder>::deserialize(deserializer)?.into_iter().map(|folder| folder.0).collect())
}

/// Whole words, so that nobody names more than they mean; and never what the loader of programs reads.
fn prefix(text: &str) -> Parsed<String> {
    let is_word = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if text == "LD_" {
        return Err("variables that begin with LD_ change which program runs".to_owned());
    }
    match text.strip_suffix('_') {
        Some(word) if word.len() >= 2 && word.bytes().all(is_word) && !word.starts_with("LD_") => {
            Ok(text.to_owned())
        }
        _ => Err("expected the beginning of variables, such as OTEL_".to_owned()),
    }
}

fn folder(text: &str) -> Parsed<String> {
    let path = value::absolute_path(text)?;
    if lies_below(&path, SECRETS) && !covers(TOKEN, &path) && !covers(&path, TOKEN) {
        return Ok(path);
    }
    Err(format!("expected a folder below {SECRETS}, such as {SECRETS}/eks.amazonaws.com"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewritten_image_keeps_its_path_and_its_tag() {
        for (prefix, ours, theirs, expected) in [
            ("mirror.example/*", "haproxy:3.2", "mirror.example/haproxy:3.2", true),
            ("mirror.example/*", "haproxy:3.2", "mirror.example/library/haproxy:3.2", true),
            ("mirror.example/*", "haproxy:3.2", "mirror.example/docker.io/library/haproxy:3.2", true),
            ("mirror.example/*", "haproxy:3.2", "mirror.example/haproxy:3.2@sha256:00", true),
            ("mirror.example/hub/*", "git-sync/git-sync:v4", "mirror.example/hub/git-sync/git-sync:v4", true),
            ("mirror.example/*", "r.example:5000/a/b:1", "mirror.example/a/b:1", true),
            ("mirror.example/*", "r.example:5000/a/b:1", "mirror.example/r.example:5000/a/b:1", true),
            ("mirror.example/*", "haproxy:3.2", "mirror.example/evil/haproxy:3.2", false),
            ("mirror.example/*", "haproxy:3.2", "mirror.example/haproxy:3.1", false),
            ("mirror.example/*", "haproxy:3.2", "mirror.example/nothaproxy:3.2", false),
            ("mirror.example/*", "haproxy:3.2", "mirror.example.evil/haproxy:3.2", false),
            ("mirror.example/*", "haproxy:3.2", "evil.example/haproxy:3.2", false),
            ("mirror.example/*", "a:1@sha256:00", "mirror.example/a:1@sha256:01", false),
            ("mirror.example/*", "a:1@sha256:00", "mirror.example/a:1@sha256:00", true),
            ("mirror.example/*", "a/b:1", "mirror.example/library/a/b:1", false),
            ("*", "haproxy:3.2", "haproxy:3.2@sha256:00", true),
            ("*", "haproxy:3.2", "docker.io/library/haproxy:3.2@sha256:00", true),
            ("*", "haproxy:3.2", "mirror.example/haproxy:3.2", false),
        ] {
            let rewrite = ImageRewrite::parse(prefix).unwrap();
            assert_eq!(rewrite.makes(theirs, ours), expected, "{prefix} {ours} {theirs}");
        }
        for text in
            ["", "mirror.example", "mirror.example*", "/*", "*/*", "mirror.example/*/x", "a b/*", "m/../*"]
        {
            assert!(ImageRewrite::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moved_image_has_its_path_and_its_tag_anywhere() {
        for (ours, theirs, expected) in [
            ("haproxy:3.2", "mirror.example/any/haproxy:3.2", true),
            ("haproxy:3.2", "mirror.example/haproxy:3.2@sha256:00", true),
            ("r.example/a/b:1", "mirror.example/a/b:1", true),
            ("haproxy:3.2", "mirror.example/nothaproxy:3.2", false),
            ("haproxy:3.2", "haproxy:3.3", false),
            ("haproxy:3.2", "mirror.example/../haproxy:3.2", false),
        ] {
            assert_eq!(is_moved(theirs, ours), expected, "{ours} {theirs}");
        }
    }

    #[test]
    fn injectors_are_named_narrowly() {
        for text in ["OTEL_", "DD_", "AWS_S3_"] {
            assert!(prefix(text).is_ok(), "{text}");
        }
        for text in ["", "_", "A_", "LD_", "LD_X_", "OTEL", "otel_", "A B_", "*"] {
            assert!(prefix(text).is_err(), "{text}");
        }
        for text in ["/var/run/secrets/eks.amazonaws.com", "/var/run/secrets/vault/x"] {
            assert!(folder(text).is_ok(), "{text}");
        }
        for text in [
            "/var/run/secrets",
            "/var/run/secrets/",
            "/etc",
            "/var/run/secrets/../x",
            "/var/run/secrets/kubernetes.io",
            "/var/run/secrets/kubernetes.io/serviceaccount/token",
        ] {
            assert!(folder(text).is_err(), "{text}");
        }
    }
}
