//! URLs of pages and of git repositories: typed, without credentials, and written in one way only.

use std::fmt;
use std::num::NonZeroU16;

use super::host::Host;
use super::show::short;
use super::word::{Parsed, one_of, port};

const LONGEST: usize = 2048;
/// What RFC 3986 lets stand in a path or query, save `$` and `'`, which other readers might take for their own.
const MARKS: &[u8] = b"/?:@-._~!&()*+,;=";

/// A URL that holds no credentials, no fragment, and nothing that any reader could take for more than a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// How the host is spoken to.
    pub scheme: Scheme,
    /// The login name; only `ssh` has one.
    pub user: Option<String>,
    pub host: Host,
    /// The port, unless it is the scheme's own.
    pub port: Option<NonZeroU16>,
    /// Path and query as they were written; empty, or beginning with `/` or `?`.
    rest: String,
}

/// How a host is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Encrypted, with the server's certificate checked.
    Https,
    /// In clear text.
    Http,
    /// Git's own protocol: in clear text, and without any credentials.
    Git,
    /// Encrypted, with a key on either side.
    Ssh,
}

const PAGES: [(&str, Scheme); 2] = [("https", Scheme::Https), ("http", Scheme::Http)];
const REPOSITORIES: [(&str, Scheme); 4] =
    [("https", Scheme::Https), ("http", Scheme::Http), ("git", Scheme::Git), ("ssh", Scheme::Ssh)];

impl Url {
    /// A page: `http` or `https`, with or without a query.
    pub fn page(text: &str) -> Parsed<Url> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err("expected a URL such as http://web/ready".to_owned());
        };
        Url::read(one_of(scheme, &PAGES)?, rest)
    }

    /// A git repository: `https`, `http`, `git` or `ssh`, with a path.
    pub fn repository(text: &str) -> Parsed<Url> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(format!(
                "expected a URL such as https://git.example/site{}",
                meant(text).map(|url| format!(", did you mean {}?", short(&url))).unwrap_or_default()
            ));
        };
        let url = Url::read(one_of(scheme, &REPOSITORIES)?, rest)?;
        if url.rest.contains('?') {
            return Err("the URL of a repository has no ?query".to_owned());
        }
        if url.rest.trim_matches('/').is_empty() {
            return Err("expected a path to the repository behind the host".to_owned());
        }
        Ok(url)
    }

    fn read(scheme: Scheme, text: &str) -> Parsed<Url> {
        if text.len() > LONGEST {
            return Err(format!("expected a URL of at most {LONGEST} characters"));
        }
        let (authority, rest) = text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()));
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(login(scheme, user)?), place),
            None => (None, authority),
        };
        let in_brackets = place.starts_with('[');
        let (host, port) =
            match place.rsplit_once(':').filter(|(host, _)| !in_brackets || host.ends_with(']')) {
                Some((host, port)) => (host, Some(self::port(port)?)),
                None => (place, None),
            };
        if host.is_empty() {
            return Err("expected a host behind the ://".to_owned());
        }
        check_rest(rest)?;
        Ok(Url { scheme, user, host: Host::parse(host)?, port, rest: rest.to_owned() })
    }
}

/// Passwords would be read by everyone who may read pods; a login name alone is what `ssh` needs.
fn login(scheme: Scheme, user: &str) -> Parsed<String> {
    if scheme != Scheme::Ssh || user.contains(':') {
        return Err("credentials do not stand in a URL, they come by secret=NAME".to_owned());
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if user.is_empty() || user.len() > 64 || user.starts_with('-') || !user.bytes().all(plain) {
        return Err("expected a login name such as git before the @".to_owned());
    }
    Ok(user.to_owned())
}

fn check_rest(rest: &str) -> Parsed<()> {
    let bytes = rest.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let escape = || bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        match byte {
            b'#' => return Err("a #fragment means nothing here".to_owned()),
            b'%' if !escape() => return Err("expected two hexadecimal digits behind every %".to_owned()),
            b'%' => {}
            byte if byte.is_ascii_alphanumeric() || MARKS.contains(byte) => {}
            _ => {
                let bad = rest.get(at..).and_then(|rest| rest.chars().next()).unwrap_or_default();
                return Err(format!("a URL may not hold {bad:?}; write it as %XX"));
            }
        }
    }
    Ok(())
}

/// What somebody most likely meant who wrote `git@host:path` or left the scheme out.
fn meant(text: &str) -> Option<String> {
    let ssh =
        text.split_once(':').map(|(host, path)| format!("ssh://{host}/{}", path.trim_start_matches('/')));
    let by_login = ssh.filter(|_| text.contains('@'));
    by_login
        .into_iter()
        .chain([format!("https://{text}")])
        .find(|candidate| candidate.len() <= LONGEST && Url::repository(candidate).is_ok())
}

impl Scheme {
    /// As it stands before `://`.
    pub const fn name(self) -> &'static str {
        match self {
            Scheme::Https => "https",
            Scheme::Http => "http",
            Scheme::Git => "git",
            Scheme::Ssh => "ssh",
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.name())?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        write!(f, "{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_as_they_were_written() {
        for text in [
            "https://git.example/site",
            "http://git.example:8080/team/site.git/",
            "git://git.example/site",
            "ssh://git@git.example:2222/team/site.git",
            "ssh://git.example/~me/site",
            "https://[fd00::1]/a%20b",
            "https://10.0.0.1:443/a,b;c=d",
        ] {
            assert_eq!(Url::repository(text).map(|url| url.to_string()), Ok(text.to_owned()));
        }
        for text in ["http://web", "http://web/", "https://web:8443/ready?a=b&c=d", "http://[::1]:80?x"] {
            assert_eq!(Url::page(text).map(|url| url.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_repository_is_told_why() {
        for (text, expected) in [
            ("", "expected a URL such as https://git.example/site"),
            ("site", "expected a URL such as"),
            ("git.example/site", "did you mean https://git.example/site?"),
            ("git@git.example:team/site", "did you mean ssh://git@git.example/team/site?"),
            ("htps://git.example/site", "expected https, http, git or ssh, did you mean https?"),
            ("file:///etc", "expected https, http, git or ssh"),
            ("HTTPS://git.example/site", "did you mean https?"),
            ("https://git.example", "expected a path"),
            ("https://git.example//", "expected a path"),
            ("https://git.example/site?x=1", "no ?query"),
            ("https://git.example/site#main", "#fragment"),
            ("https://me:word@git.example/site", "secret=NAME"),
            ("https://me@git.example/site", "secret=NAME"),
            ("ssh://git:word@git.example/site", "secret=NAME"),
            ("ssh://-oProxyCommand=x@git.example/site", "login name"),
            ("ssh://@git.example/site", "login name"),
            ("ssh://-oProxyCommand=x/site", "host name"),
            ("https:///site", "expected a host"),
            ("https://git.example:0/site", "port"),
            ("https://git.example:/site", "port"),
            ("https://fd00::1/site", "brackets"),
            ("https://git.example/$(HOME)", "may not hold '$'"),
            ("https://git.example/a b", "may not hold ' '"),
            ("https://git.example/ä", "may not hold 'ä'"),
            ("https://git.example/a'b", "may not hold"),
            ("https://git.example/a%2", "two hexadecimal digits"),
            ("https://git.example/%zz", "two hexadecimal digits"),
        ] {
            let error = Url::repository(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn pages_are_http_and_bounded() {
        assert!(Url::page("ssh://git@web/x").unwrap_err().contains("expected https or http"));
        assert!(Url::page("web/ready").unwrap_err().contains("http://web/ready"));
        assert!(Url::page(&format!("http://web/{}", "a".repeat(4096))).unwrap_err().contains("at most 2048"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_accepted_is_plain_and_reads_back_the_same(
            text in "(https|http|ssh|git|file)?(://)?([a-z]{1,3}@)?[a-z0-9.\\[:\\]-]{0,12}(/|\\?|#|\\PC){0,2}([ -~]|\\PC|\\p{Cc}){0,20}",
        ) {
            for parse in [Url::page, Url::repository] {
                let Ok(url) = parse(&text) else { continue };
                let shown = url.to_string();
                let odd = |c: char| c.is_whitespace() || c.is_control() || !c.is_ascii() || "$\"'`\\<>{}|^".contains(c);
                proptest::prop_assert!(!shown.contains(odd), "{}", shown);
                proptest::prop_assert_eq!(parse(&shown), Ok(url));
            }
        }

        #[test]
        fn no_text_breaks_the_parser(text in "(?s).{0,200}") {
            let _ = (Url::page(&text), Url::repository(&text));
        }
    }
}
