//! What `wait-for` waits for, as written on the command line.

use std::fmt;
use std::str::FromStr;
use ureq::http::Uri;

/// Something that will answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A port that takes connections.
    Tcp { host: String, port: u16 },
    /// A name that resolves.
    Dns { name: String },
    /// A page that is served.
    Http { url: String, tls: bool },
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}; write HOST:PORT, [IPV6]:PORT, dns:NAME, http://HOST… or https://HOST…")]
pub struct TargetError {
    fault: String,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if let Some(name) = text.strip_prefix("dns:") {
            return Ok(Self::Dns { name: host(name)? });
        }
        match text.split_once("://") {
            Some(("http", _)) => page(text, false),
            Some(("https", _)) => page(text, true),
            Some((scheme, _)) => fault(format!("unknown scheme `{scheme}`")),
            None => tcp(text),
        }
    }
}

fn tcp(text: &str) -> Result<Target, TargetError> {
    let Some((address, port)) = text.rsplit_once(':') else {
        return fault(format!("no port in `{text}`"));
    };
    let bracketed = address.strip_prefix('[').and_then(|inside| inside.strip_suffix(']'));
    if bracketed.is_none() && address.contains(':') {
        return fault(format!("an IPv6 address needs brackets: `{text}`"));
    }
    let host = host(bracketed.unwrap_or(address))?;
    match port.parse() {
        Ok(port) if port > 0 && text.ends_with(|char: char| char.is_ascii_digit()) && !text.contains('+') => {
            Ok(Target::Tcp { host, port })
        }
        _ => fault(format!("not a port from 1 to 65535: `{port}`")),
    }
}

fn page(text: &str, tls: bool) -> Result<Target, TargetError> {
    match text.parse::<Uri>() {
        Ok(uri) if uri.host().is_none_or(str::is_empty) => fault(format!("no host in `{text}`")),
        Ok(uri) if uri.authority().is_some_and(|all| port_is_wrong(all.as_str(), uri.port_u16())) => {
            fault(format!("not a port from 1 to 65535 in `{text}`"))
        }
        Ok(_) => Ok(Target::Http { url: text.to_owned(), tls }),
        Err(error) => fault(format!("not a URL: `{text}` ({error})")),
    }
}

fn port_is_wrong(authority: &str, port: Option<u16>) -> bool {
    let after_host = authority.rsplit(']').next().unwrap_or_default();
    after_host.contains(':') && port.is_none_or(|port| port == 0)
}

fn host(text: &str) -> Result<String, TargetError> {
    match text {
        "" => fault("no host".to_owned()),
        _ if text.contains(|char: char| char.is_whitespace() || "/[]@?#".contains(char)) => {
            fault(format!("not a host: `{text}`"))
        }
        _ => Ok(text.to_owned()),
    }
}

fn fault<T>(fault: String) -> Result<T, TargetError> {
    Err(TargetError { fault })
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Dns { name } => write!(f, "dns:{name}"),
            Self::Http { url, .. } => f.write_str(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_allowed_form_is_read_and_shown_as_written() {
        for text in [
            "db:5432",
            "10.0.0.1:80",
            "[::1]:80",
            "db.prod.svc.cluster.local.:1",
            "dns:db",
            "http://web/ready",
            "https://web:8443",
            "http://[::1]:8080/x?y=z",
        ] {
            assert_eq!(text.parse::<Target>().map(|target| target.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn every_fault_is_named() {
        for (text, fault) in [
            ("db", "no port in `db`"),
            ("", "no port in ``"),
            (":5432", "no host"),
            ("dns:", "no host"),
            ("dns:a b", "not a host: `a b`"),
            ("db:", "not a port from 1 to 65535: ``"),
            ("db:0", "not a port from 1 to 65535: `0`"),
            ("db:+80", "not a port from 1 to 65535: `+80`"),
            ("db:65536", "not a port from 1 to 65535: `65536`"),
            ("db:http", "not a port from 1 to 65535: `http`"),
            ("::1:80", "an IPv6 address needs brackets: `::1:80`"),
            ("a/b:80", "not a host: `a/b`"),
            ("tcp://db:5432", "unknown scheme `tcp`"),
            ("http://", "not a URL: `http://` (empty string)"),
            ("http://web:99999/", "not a port from 1 to 65535 in `http://web:99999/`"),
            ("http://web:/", "not a port from 1 to 65535 in `http://web:/`"),
        ] {
            let error = text.parse::<Target>().unwrap_err();
            assert_eq!(error.fault, fault, "{text}");
            assert!(error.to_string().contains("HOST:PORT"), "{error}");
        }
    }
}
