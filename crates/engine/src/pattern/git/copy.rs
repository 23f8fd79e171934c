//! A working copy of a git repository, as the items of `clone` and `sync` ask for it.

use std::borrow::Cow;

use crate::annotation::item::{Problems, options};
use crate::annotation::option::{Absent, CONTAINER, Opt, option};
use crate::annotation::{Item, Problem, Span, Word};
use crate::pattern::system;
use multipod_values::{self as value, Parsed, Scheme, Url, short};

pub(in crate::pattern) const INTO: Opt<String> = option(
    "into",
    "PATH",
    value::absolute_path,
    Absent::Required,
    "where the copy appears in the app's container",
);
pub(in crate::pattern) const REF: Opt<String> =
    option("ref", "BRANCH|TAG|COMMIT", reference, Absent::Is(HEAD), "what is copied");
pub(in crate::pattern) const SECRET: Opt<String> = option(
    "secret",
    "NAME",
    value::object_name,
    Absent::Nothing,
    "the Secret with the credentials of a private repository",
);
pub(in crate::pattern) const CA: Opt<Authorities> = option(
    "ca",
    "NAME|secret/NAME",
    authorities,
    Absent::Is("the public ones"),
    "the ConfigMap or Secret whose ca.crt holds the authorities that the server of an https:// URL is checked with",
);
/// What git calls the newest state of a repository's default branch.
pub(crate) const HEAD: &str = "HEAD";
/// More containers in one pod are a mistake, and would run out of ports.
pub(in crate::pattern) const MOST_ITEMS: usize = 50;
/// A working copy of a git repository, in a volume that an app container sees.
#[derive(Debug, PartialEq)]
pub(crate) struct WorkingCopy {
    pub(crate) url: Url,
    /// The branch, tag or hash.
    pub(crate) reference: Cow<'static, str>,
    /// Where the volume is mounted.
    pub(crate) folder: String,
    /// The name in the volume under which the copy appears.
    pub(crate) link: String,
    /// Whether the copy alone is mounted, and not the volume around it.
    pub(crate) alone: bool,
    /// The Secret with the credentials.
    pub(crate) secret: Option<String>,
    /// Whom to believe that the server is the one of the URL; those of the image where absent.
    pub(crate) authorities: Option<Authorities>,
    /// The app container, with its place in the value; the pod's default container where absent.
    pub(crate) container: Option<(String, Span)>,
    /// Where `into=` stands in the value.
    pub(crate) span: Span,
}

/// Where authorities come from: the key `ca.crt` of an object of the pod's namespace.
#[derive(Debug, PartialEq)]
pub(crate) enum Authorities {
    /// A ConfigMap of this name.
    ConfigMap(String),
    /// A Secret of this name.
    Secret(String),
}

options! {
    pub(in crate::pattern) struct CopyOptions {
        into: String = INTO,
        reference: String = REF,
        secret: String = SECRET,
        ca: Authorities = CA,
        container: String = CONTAINER,
    }
}

impl WorkingCopy {
    /// Where the app finds it.
    pub(in crate::pattern) fn path(&self) -> String {
        if self.alone { self.folder.clone() } else { format!("{}/{}", self.folder, self.link) }
    }

    /// The copy of the repository that `word` names; `place` says where it is seen, if nothing else is wrong.
    pub(in crate::pattern) fn read(
        word: &Word<'_>,
        options: CopyOptions,
        place: impl FnOnce(String) -> Option<Result<Place, Misplaced>>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let url = Url::repository(&word.text).map_err(|expected| {
            // The URL itself is not repeated: it may hold a password.
            problems.push(Problem::new(word.span, expected).summary("this is not the URL of a repository"));
        });
        let url = url.ok();
        if let Some(url) = &url {
            check_credentials(word, url, options.secret.whole_span(), problems);
            check_authorities(url, options.ca.whole_span(), problems);
        }
        let Some(span) = options.into.text_span() else {
            problems.push(no_into(word));
            return None;
        };
        let path = options.into.value?;
        let Place { folder, link, alone } =
            place(path.clone())?.map_err(|misplaced| problems.push(misplaced.at(&path, span))).ok()?;
        let reference = options.reference.value.map_or(Cow::Borrowed(HEAD), Cow::Owned);
        let (secret, authorities) = (options.secret.value, options.ca.value);
        let container = options.container.with_span();
        Some(WorkingCopy { url: url?, reference, folder, link, alone, secret, authorities, container, span })
    }
}

fn no_into(word: &Word<'_>) -> Problem {
    Problem::new(word.whole, "expected into=PATH behind it")
        .summary("nothing says where the copy appears")
        .help("Name the place of the copy in the app, for example into=/usr/share/nginx/html")
}

/// Whether the credentials fit the way in which the repository is spoken to.
fn check_credentials(word: &Word<'_>, url: &Url, secret: Option<Span>, problems: &mut Problems) {
    match (url.scheme, secret) {
        (Scheme::Http, Some(secret)) => problems.push(
            Problem::new(secret, "the credentials would be sent in clear text")
                .summary("secret= does not fit an http:// URL")
                .help("Use https://."),
        ),
        (Scheme::Git, Some(secret)) => problems.push(
            Problem::new(secret, "git:// knows no credentials")
                .summary("secret= does not fit a git:// URL")
                .help("Use https:// or ssh://."),
        ),
        (Scheme::Ssh, None) => problems.push(
            Problem::new(word.span, "expected secret=NAME behind it")
                .summary("ssh:// needs a key")
                .help("The Secret holds the private key as ssh, and the server's own keys as known_hosts."),
        ),
        _ => {}
    }
}

/// Whether there is a certificate to check.
fn check_authorities(url: &Url, ca: Option<Span>, problems: &mut Problems) {
    let help = match url.scheme {
        Scheme::Https => return,
        Scheme::Ssh => "The Secret of secret= holds the server's own keys as known_hosts.",
        Scheme::Http | Scheme::Git => "Use https://.",
    };
    if let Some(ca) = ca {
        let summary = "ca= fits https:// URLs only";
        problems.push(Problem::new(ca, "no certificate is shown there").summary(summary).help(help));
    }
}

/// Where a copy is seen.
pub(in crate::pattern) struct Place {
    pub(in crate::pattern) folder: String,
    pub(in crate::pattern) link: String,
    pub(in crate::pattern) alone: bool,
}

/// What is wrong with `into=`, and what to do.
pub(in crate::pattern) struct Misplaced {
    pub(in crate::pattern) label: String,
    pub(in crate::pattern) help: String,
}

impl Misplaced {
    fn at(self, path: &str, span: Span) -> Problem {
        Problem::new(span, self.label)
            .summary(format!("{} cannot hold a working copy", short(path)))
            .help(self.help)
    }
}

/// A copy that is made once never moves: it is mounted by itself, and hides nothing beside it.
pub(in crate::pattern) fn at_the_path(path: String) -> Result<Place, Misplaced> {
    if hides_system(&path) {
        let label = format!("the copy would hide {path}, which the container needs");
        return Err(Misplaced { label, help: "Choose a folder of its own, such as /srv/seed".to_owned() });
    }
    Ok(Place { folder: path, link: "copy".to_owned(), alone: true })
}

/// Whether a volume that cannot be written to hides what the container needs.
pub(in crate::pattern) fn hides_system(folder: &str) -> bool {
    system::FOLDERS.contains(&folder) || folder == "/tmp"
}

/// The problem of an item beyond the last that is allowed.
pub(in crate::pattern) fn check_count(items: &[&Item<'_>], problems: &mut Problems) {
    if let Some(item) = items.get(MOST_ITEMS) {
        problems.push(Problem::new(item.span(), format!("expected at most {MOST_ITEMS} items")));
    }
}

/// `NAME` or `configmap/NAME`, or `secret/NAME`, as kubectl writes them.
fn authorities(text: &str) -> Parsed<Authorities> {
    let (kind, name) = text.split_once('/').unwrap_or(("configmap", text));
    let kind = match kind {
        "configmap" => Authorities::ConfigMap,
        "secret" => Authorities::Secret,
        _ => return Err("expected the name of a ConfigMap, or secret/ and that of a Secret".to_owned()),
    };
    value::object_name(name).map(kind)
}

/// A branch, tag or hash, by git's rules for names.
fn reference(text: &str) -> Parsed<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'/' | b'-' | b'+' | b'@');
    let part = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.ends_with(".lock")
    };
    let sound = text.len() <= 255
        && text.bytes().all(plain)
        && !text.starts_with(['-', '+'])
        && !text.contains("..")
        && text.split('/').all(part);
    if sound {
        Ok(text.to_owned())
    } else {
        Err("expected a branch, tag or hash such as main or v1.2.0".to_owned())
    }
}
