//! Servers that take logs: `otlp://HOST:PORT`, `otlphttp://HOST:PORT[/path]`, `otlphttps://HOST:PORT[/path]`.

use std::fmt;
use std::num::NonZeroU16;

use super::host::Host;
use super::path::path_parts;
use super::suggest;
use super::word::{Parsed, port};

/// Where logs are sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub protocol: Protocol,
    pub host: Host,
    pub port: NonZeroU16,
    /// What stands before `/v1/logs`, without a closing slash; empty with gRPC.
    pub path: String,
}

/// How logs are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over gRPC, without TLS.
    Grpc,
    Http,
    Https,
}

impl Endpoint {
    /// Reads `otlp://HOST:PORT`, `otlphttp://HOST:PORT[/path]` or `otlphttps://HOST:PORT[/path]`.
    pub fn parse(text: &str) -> Parsed<Endpoint> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| unknown_scheme(""))?;
        let protocol = match scheme {
            "otlp" => Protocol::Grpc,
            "otlphttp" => Protocol::Http,
            "otlphttps" => Protocol::Https,
            other => return Err(unknown_scheme(other)),
        };
        let (server, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = path.trim_end_matches('/');
        if protocol == Protocol::Grpc && !path.is_empty() {
            return Err("otlp:// speaks gRPC and takes no path; HTTP is otlphttp://".to_owned());
        }
        if !path.is_empty() {
            path_parts(&path[1..])?;
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '~');
        if let Some(bad) = path.chars().find(|c| !plain(*c)) {
            return Err(format!("{bad:?} has no place in the path of a destination"));
        }
        if server.contains('@') {
            return Err("a destination holds no credentials".to_owned());
        }
        let expected = "expected HOST:PORT such as collector.observability:4317 behind ://";
        let (host, port) = server.rsplit_once(':').ok_or(expected)?;
        Ok(Endpoint { protocol, host: Host::parse(host)?, port: self::port(port)?, path: path.to_owned() })
    }
}

fn unknown_scheme(scheme: &str) -> String {
    let meant = match scheme {
        "http" => ", did you mean otlphttp?".to_owned(),
        "https" => ", did you mean otlphttps?".to_owned(),
        "grpc" => ", did you mean otlp?".to_owned(),
        other => suggest::did_you_mean(other, ["otlp", "otlphttp", "otlphttps"]),
    };
    format!("expected otlp://HOST:PORT, otlphttp://HOST:PORT, otlphttps://HOST:PORT or @NAME{meant}")
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.protocol {
            Protocol::Grpc => "otlp",
            Protocol::Http => "otlphttp",
            Protocol::Https => "otlphttps",
        };
        write!(f, "{scheme}://{}:{}{}", self.host, self.port, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_and_shown() {
        for text in [
            "otlp://collector:4317",
            "otlp://[fd00::1]:4317",
            "otlphttp://collector.observability:4318",
            "otlphttp://loki.logs.svc:3100/otlp",
            "otlphttps://otlp.example.com:443/a/b",
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Endpoint::parse("otlphttp://a:1/").unwrap().path, "");
        for (text, expected) in [
            ("collector:4317", "expected otlp://"),
            ("https://collector:4318", "did you mean otlphttps?"),
            ("otlphtp://collector:4318", "did you mean otlphttp?"),
            ("otlp://collector", "HOST:PORT"),
            ("otlp://collector:4317/x", "takes no path"),
            ("otlp://u:p@collector:4317", "no credentials"),
            ("otlphttp://collector:4318/${env:X}", "may not hold '$'"),
            ("otlphttp://collector:4318/a?b", "'?' has no place"),
            ("otlphttp://collector:4318/../a", "may not hold .."),
            ("otlphttp://Collector:4318", "lower case"),
        ] {
            let error = Endpoint::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
