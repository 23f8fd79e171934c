//! What is waited for: `HOST:PORT`, `dns:NAME`, `http://…` or `https://…`.

use std::fmt;
use std::num::NonZeroU16;

use super::host::{Host, host_and_port};
use super::url::Url;
use super::word::Parsed;

/// Something that will answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A port that takes connections.
    Port(Host, NonZeroU16),
    /// A name that resolves.
    Name(String),
    /// A page that is served.
    Page(Url),
}

impl Target {
    pub fn parse(text: &str) -> Parsed<Target> {
        if let Some(name) = text.strip_prefix("dns:") {
            return match Host::parse(name)? {
                Host::Name(name) => Ok(Target::Name(name)),
                _ => Err("expected a name behind dns:, an address is not looked up".to_owned()),
            };
        }
        if text.contains("://") {
            return Url::page(text).map(Target::Page);
        }
        host_and_port(text).map(|(host, port)| Target::Port(host, port))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Port(host, port) => write!(f, "{host}:{port}"),
            Target::Name(name) => write!(f, "dns:{name}"),
            Target::Page(url) => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_shown_as_they_were_written() {
        for text in [
            "db:5432",
            "db.prod.svc:5432",
            "db.prod.svc.cluster.local.:1",
            "10.0.0.1:80",
            "[fd00::1]:80",
            "dns:db.prod",
            "dns:example.com.",
            "http://web/ready",
            "https://web:8443/ready?deep=yes",
            "http://[::1]:8080/x?y=z",
        ] {
            assert_eq!(Target::parse(text).map(|target| target.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_cannot_be_waited_for_is_told_why() {
        for (text, expected) in [
            ("db", "expected HOST:PORT"),
            ("", "expected HOST:PORT"),
            (":5432", "the host is missing"),
            ("dns:", "the host is missing"),
            ("dns:a b", "host name"),
            ("dns:10.0.0.1", "expected a name behind dns:"),
            ("db:", "the port is missing"),
            ("db:0", "expected a port"),
            ("db:+80", "expected a port"),
            ("db:080", "no leading zero"),
            ("db:65536", "expected a port"),
            ("DB:80", "lower case"),
            ("::1:80", "stands in brackets"),
            ("[db]:80", "expected an IPv6 address in the brackets"),
            ("a/b:80", "host name"),
            ("tcp://db:5432", "expected https or http"),
            ("http://", "expected a host"),
            ("http://web:99999/", "expected a port"),
            ("http://me:pw@web/", "credentials"),
        ] {
            let error = Target::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn an_accepted_target_reads_back_the_same(text in "(dns:|http://|https://)?[a-z0-9.\\[\\]:/?=$-]{0,30}") {
            if let Ok(target) = Target::parse(&text) {
                let shown = target.to_string();
                proptest::prop_assert!(!shown.starts_with('-') && !shown.contains('$'));
                proptest::prop_assert_eq!(Target::parse(&shown), Ok(target));
            }
        }
    }
}
