//! Reads the value of `multipod/sync`.

use std::time::Duration;

use crate::annotation::item::{Elsewhere, Options, Problems, only_positional, options, settings_of};
use crate::annotation::option::{Absent, CONTAINER, option};
use crate::annotation::settings::{OF_SIDECARS, Settings};
use crate::annotation::{Item, Problem, lexer};
use crate::pattern::git::{
    self, Authorities, CA, CopyOptions, INTO, Misplaced, Place, REF, SECRET, WorkingCopy, check_count,
};
use multipod_values::{self as value, Parsed, short};

/// How often a repository is looked at.
pub(crate) const EVERY: Duration = Duration::from_secs(30);

options! {
    pub(crate) struct SyncOptions {
        into: String = INTO,
        reference: String = REF,
        every: Duration = option(
            "every",
            "TIME",
            period,
            Absent::Lasts(EVERY),
            "how often the repository is looked at, at least 1s",
        ),
        link: String = option(
            "link",
            "NAME",
            link_name,
            Absent::Is("the last part of into="),
            "mounts the volume at PATH itself, with the copy at PATH/NAME",
        ),
        secret: String = SECRET,
        ca: Authorities = CA,
        container: String = CONTAINER,
    }
}

/// What the value asks for.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// In the order written; never empty.
    pub(crate) items: Vec<Sync>,
    /// Settings of the whole pattern.
    pub(crate) settings: Settings,
}

/// A working copy that is kept up to date.
#[derive(Debug, PartialEq)]
pub(crate) struct Sync {
    /// What is copied, and where to.
    pub(crate) copy: WorkingCopy,
    /// How often the repository is looked at.
    pub(crate) every: Duration,
}

/// Reads the value of `multipod/sync`.
pub(crate) fn parse(value: &str) -> Result<Request, Vec<Problem>> {
    let items = lexer::lex(value).map_err(|problem| vec![problem])?;
    let mut problems = Problems::default();
    let options = Options::read(
        settings_of(&items),
        &OF_SIDECARS,
        Elsewhere::InItems(&[SyncOptions::ROWS]),
        &mut problems,
    );
    let settings = Settings::read(&options, &mut problems);
    let written: Vec<&Item> = items.iter().filter(|item| !item.is_setting()).collect();
    check_count(&written, &mut problems);
    let items: Vec<Sync> = written.iter().filter_map(|item| sync(item, &mut problems)).collect();
    if written.is_empty() {
        problems.push_if_none(|| {
            Problem::of_all(value, "expected URL into=PATH").summary("no repository is named")
        });
    }
    problems.or(Request { items, settings })
}

fn sync(item: &Item<'_>, problems: &mut Problems) -> Option<Sync> {
    let word = only_positional(item, problems)?;
    let SyncOptions { into, reference, every, link, secret, ca, container } =
        SyncOptions::read(&item.words, &OF_SIDECARS, problems);
    let place = |path| {
        // A link that is wrong was reported already.
        let link = if link.text_span().is_some() { Some(link.value?) } else { None };
        Some(below_the_folder(path, link))
    };
    let copy =
        WorkingCopy::read(word, CopyOptions { into, reference, secret, ca, container }, place, problems)?;
    Some(Sync { copy, every: every.value.unwrap_or(EVERY) })
}

fn period(text: &str) -> Parsed<Duration> {
    let period = value::duration(text)?;
    if period < Duration::from_secs(1) {
        return Err("expected at least 1s".to_owned());
    }
    Ok(period)
}

/// Git-sync publishes a link, so that a new state replaces the old one at once. The volume is therefore mounted one
/// folder above the copy: at the parent of the path, or at the path itself when `link=` names the last part.
fn below_the_folder(path: String, link: Option<String>) -> Result<Place, Misplaced> {
    let with_link = |path: &str| {
        format!(
            "With link= the volume is mounted at the path itself: into={path} link=site puts the copy at {path}/site."
        )
    };
    let (folder, link) = if let Some(link) = link {
        (path, link)
    } else {
        let (folder, last) = path.rsplit_once('/').unwrap_or(("", &path));
        if folder.is_empty() {
            let label = format!("the volume would be mounted at /, the parent of {}", short(&path));
            return Err(Misplaced { label, help: with_link(&short(&path)) });
        }
        let link = link_name(last).map_err(|label| Misplaced { label, help: with_link(&short(&path)) })?;
        (folder.to_owned(), link)
    };
    if git::hides_system(&folder) {
        let label = format!("the volume would hide {folder}, which the container needs");
        return Err(Misplaced { label, help: with_link(&format!("{folder}/{link}")) });
    }
    Ok(Place { folder, link, alone: false })
}

/// One part of a path that git-sync can publish a link under.
fn link_name(text: &str) -> Parsed<String> {
    if text.contains('/') || text.is_empty() || text.len() > 255 {
        return Err("expected a single part of a path, at most 255 long".to_owned());
    }
    value::path_parts(text)?;
    if text.starts_with('.') {
        return Err("the link's name may not begin with a dot".to_owned());
    }
    // Git-sync makes every link under this name before it moves it into place.
    if text == "tmp-link" {
        return Err("git-sync needs the name tmp-link for itself".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::git::MOST_ITEMS;

    fn copy(value: &str) -> WorkingCopy {
        parse(value).unwrap().items.remove(0).copy
    }

    #[test]
    fn the_volume_lies_at_the_parent_or_at_the_path_when_a_link_is_named() {
        for (options, folder, link) in [
            ("into=/usr/share/nginx/html", "/usr/share/nginx", "html"),
            ("into=/usr/share/nginx/html/", "/usr/share/nginx", "html"),
            ("into=/html link=site", "/html", "site"),
            ("into=/srv/.hidden link=site", "/srv/.hidden", "site"),
            ("into=\"/srv/my site\"", "/srv", "my site"),
        ] {
            let copy = copy(&format!("https://git.example/site {options}"));
            assert_eq!((copy.folder.as_str(), copy.link.as_str()), (folder, link), "{options}");
        }
    }

    #[test]
    fn options_and_settings_are_read() {
        let request = parse(
            "ssh://git@git.example/site into=/srv/www ref=release/v1.2 every=5m secret=deploy.key container=web,\
             https://git.example/docs into=/docs link=current, memory=128Mi sidecar=classic",
        )
        .unwrap();
        let first = &request.items[0];
        assert_eq!(first.every, Duration::from_mins(5));
        assert_eq!(first.copy.reference, "release/v1.2");
        assert_eq!(first.copy.secret.as_deref(), Some("deploy.key"));
        assert_eq!(first.copy.container.as_ref().map(|(name, _)| name.as_str()), Some("web"));
        assert_eq!(request.items[1].copy.container, None);
        assert!(request.settings.memory.is_some() && request.settings.sidecar.is_some());
    }

    #[test]
    fn references_follow_the_rules_of_git() {
        for text in ["main", "v1.2.0", "refs/heads/main", "release-1", "a@1.0.0", "v1.0+build", "deadbeef"] {
            assert_eq!(copy(&format!("https://g.example/x into=/a/b ref={text}")).reference, text);
        }
        for text in [
            "-x", "+main", "a..b", "a//b", "/a", "a/", ".a", "a.lock", "a:b", "a^", "a~1", "$(X)", "a b", "ä",
        ] {
            assert!(parse(&format!("https://g.example/x into=/a/b ref=\"{text}\"")).is_err(), "{text}");
        }
    }

    #[test]
    fn faults_point_at_the_bad_token() {
        for (value, start, end, label) in [
            ("", 0, 0, "expected URL into=PATH"),
            ("memory=64Mi", 0, 11, "expected URL into=PATH"),
            ("https://g.example/x", 0, 19, "expected into=PATH behind it"),
            ("git@g.example:x/y into=/a/b", 0, 17, "did you mean ssh://git@g.example/x/y?"),
            ("https://g.example/x into=a/b", 25, 28, "absolute path"),
            ("https://g.example/x into=/html", 25, 30, "mounted at /, the parent of /html"),
            ("https://g.example/x into=/etc/site", 25, 34, "would hide /etc"),
            ("https://g.example/x into=/etc link=site", 25, 29, "would hide /etc"),
            ("https://g.example/x into=/app/.cfg", 25, 34, "may not begin with a dot"),
            ("https://g.example/x into=/app/tmp-link", 25, 38, "tmp-link"),
            ("https://g.example/x into=/a link=b/c", 33, 36, "single part"),
            ("https://g.example/x into=/a link=.git", 33, 37, "begin with a dot"),
            ("https://g.example/x into=/a/b every=100ms", 36, 41, "at least 1s"),
            ("https://g.example/x into=/a/b ref=-x", 34, 36, "branch, tag or hash"),
            ("https://g.example/x into=/a/b secret=A", 37, 38, "name of an object"),
            ("http://g.example/x into=/a/b secret=s", 29, 37, "clear text"),
            ("git://g.example/x into=/a/b secret=s", 28, 36, "no credentials"),
            ("https://g.example/x into=/a/b ca=A", 33, 34, "name of an object"),
            ("https://g.example/x into=/a/b ca=pod/a", 33, 38, "ConfigMap, or secret/"),
            ("http://g.example/x into=/a/b ca=a", 29, 33, "no certificate"),
            ("ssh://git@g.example/x into=/a/b secret=s ca=a", 41, 45, "no certificate"),
            ("ssh://git@g.example/x into=/a/b", 0, 21, "expected secret=NAME behind it"),
            ("https://g.example/x into=/a/b brnch=x", 30, 37, "expected into, ref"),
            ("https://g.example/x into=/a/b image=x", 30, 37, "setting of the whole pattern"),
            ("https://g.example/x /a/b", 20, 24, "expected one word"),
        ] {
            let problems = parse(value).unwrap_err();
            assert!(problems[0].label.contains(label), "{value}: {}", problems[0].label);
            assert_eq!((problems[0].span.start, problems[0].span.end), (start, end), "{value}");
        }
    }

    #[test]
    fn the_number_of_items_is_bounded() {
        let value = |count| "https://g.example/x into=/a/b,".repeat(count);
        assert_eq!(parse(&value(MOST_ITEMS)).unwrap().items.len(), MOST_ITEMS);
        assert!(parse(&value(MOST_ITEMS + 1)).unwrap_err()[0].label.contains("at most 50"));
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics(value in "(?s)((https|ssh)://|into=|link=|ref=|every=|secret=|[/a-z:., =\"\\\\\n]|.){0,60}") {
            let _ = parse(&value);
        }
    }
}
