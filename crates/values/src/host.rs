//! Host names and addresses, as they stand in targets and URLs.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use super::name::is_label;
use super::word::{Parsed, port};

/// A host that can be connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A DNS name, in lower case; may end in a dot.
    Name(String),
    V4(Ipv4Addr),
    /// An IPv6 address, written in brackets.
    V6(Ipv6Addr),
}

impl Host {
    pub fn parse(text: &str) -> Result<Host, &'static str> {
        if text.is_empty() {
            return Err("the host is missing: a name such as db or db.prod, or an address");
        }
        if let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return inside.parse().map(Host::V6).map_err(|_| "expected an IPv6 address in the brackets");
        }
        if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return text.parse().map(Host::V4).map_err(|_| "expected an IPv4 address such as 10.0.0.1");
        }
        if text.contains(':') {
            return Err("an IPv6 address stands in brackets: [fd00::1]");
        }
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err("host names are written in lower case");
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err("expected a host name such as db, db.prod or db.example.com");
        }
        Ok(Host::Name(text.to_owned()))
    }

    /// The name by which a pod in `namespace` reaches this host without search domains, which run-time resolvers
    /// do not apply: `db` and `db.prod` are Services, three labels or a closing dot stand as they are.
    pub fn complete<'h>(&'h self, namespace: &str, cluster_domain: &str) -> Cow<'h, str> {
        let Host::Name(name) = self else { return Cow::Owned(self.to_string()) };
        if let Some(absolute) = name.strip_suffix('.') {
            return Cow::Borrowed(absolute);
        }
        match name.bytes().filter(|b| *b == b'.').count() {
            0 if name == "localhost" => Cow::Borrowed(name),
            0 => Cow::Owned(format!("{name}.{namespace}.svc.{cluster_domain}")),
            1 => Cow::Owned(format!("{name}.svc.{cluster_domain}")),
            2 if name.ends_with(".svc") => Cow::Owned(format!("{name}.{cluster_domain}")),
            _ => Cow::Borrowed(name),
        }
    }

    /// Whether it is the pod that connects to it.
    pub fn is_loopback(&self) -> bool {
        match self {
            Host::Name(name) => matches!(name.as_str(), "localhost" | "localhost."),
            Host::V4(address) => address.is_loopback() || address.is_unspecified(),
            Host::V6(address) => address.is_loopback() || address.is_unspecified(),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::V4(address) => address.fmt(f),
            Host::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// `HOST:PORT`; the error says which half is wrong.
pub fn host_and_port(text: &str) -> Parsed<(Host, NonZeroU16)> {
    let (host, number) = text.rsplit_once(':').ok_or("expected HOST:PORT such as db:5432")?;
    Ok((Host::parse(host)?, port(number)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() {
        for (text, shown) in [
            ("db", "db"),
            ("db.prod", "db.prod"),
            ("example.com.", "example.com."),
            ("10.0.0.1", "10.0.0.1"),
            ("[fd00::1]", "[fd00::1]"),
            ("1password", "1password"),
        ] {
            assert_eq!(Host::parse(text).unwrap().to_string(), shown);
        }
        for text in [
            "",
            ".",
            "DB",
            "-db",
            "db-",
            "a..b",
            "10.0.0.300",
            "10.0.0",
            "fd00::1",
            "[db]",
            "a_b",
            "a b",
            "ä",
        ] {
            assert!(Host::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn short_names_are_completed_to_services() {
        for (text, complete) in [
            ("db", "db.shop.svc.cluster.local"),
            ("db.prod", "db.prod.svc.cluster.local"),
            ("db.prod.svc", "db.prod.svc.cluster.local"),
            ("db.example.com", "db.example.com"),
            ("example.com.", "example.com"),
            ("10.0.0.1", "10.0.0.1"),
        ] {
            assert_eq!(Host::parse(text).unwrap().complete("shop", "cluster.local"), complete);
        }
    }
}
