//! Patterns of absolute paths, as far as every program that reads them means the same by them: the follower in the pod,
//! and the collectors that ship logs.
//!
//! No crate gives that: `glob` and `globset` accept what the others read differently (`{a,b}`, `[]a]`, `a**`), `globset`
//! brings a regex engine into a sidecar that should stay small, and `glob` walks the disk by itself, while the follower
//! needs to know every folder that it looked into.

use super::path::path_parts;
use super::wild::Wild;
use super::word::Parsed;

/// `*`, `?` and `[…]` within a part, `**` for folders at any depth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: String,
    /// How long the literal folder is.
    folder: usize,
    parts: Vec<Part>,
}

/// What stands between two slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A name without wildcards: looked up, not searched for.
    Name(String),
    Wild(Wild),
    /// `**`: this folder and every folder below it.
    AnyDepth,
}

impl Glob {
    pub fn parse(text: &str) -> Parsed<Glob> {
        let Some(inside) = text.strip_prefix('/') else {
            return Err("expected an absolute path such as /var/log/app/*.log".to_owned());
        };
        if inside.is_empty() || inside.ends_with('/') {
            return Err("expected a file pattern such as *.log behind the last slash".to_owned());
        }
        path_parts(inside)?;
        if let Some(bad) = inside.chars().find(|c| matches!(c, '{' | '}' | '\u{2028}' | '\u{2029}')) {
            return Err(format!("a glob holds only *, ?, […] and **; {bad:?} has no place in it"));
        }
        let mut parts = inside.split('/').map(Part::parse).collect::<Parsed<Vec<Part>>>()?;
        parts.dedup_by(|part, before| *part == Part::AnyDepth && *before == Part::AnyDepth);
        if parts.last() == Some(&Part::AnyDepth) {
            parts.push(Part::Wild(Wild::anything()));
        }
        let folder = literal_folder(text);
        if folder == 0 {
            return Err("the root folder cannot be shared: name the folder that the files lie in".to_owned());
        }
        Ok(Glob { text: text.to_owned(), folder, parts })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// From the root; the last is that of a file, never `**`.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The folder that all the files lie in or below: the leading parts without wildcards.
    pub fn folder(&self) -> &str {
        &self.text[..self.folder]
    }

    pub fn is_one_file(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Name(_)))
    }

    /// Whether a file below `path` may match, where `path` lies below the literal folder. Parts with wildcards are
    /// taken to match everything.
    pub fn may_reach_below(&self, path: &str) -> bool {
        let Some(path) = path.strip_prefix(self.folder()) else { return false };
        let mut parts = self.parts.iter().skip(self.folder().matches('/').count());
        for name in path.split('/').filter(|name| !name.is_empty()) {
            match parts.next() {
                Some(Part::AnyDepth) => return true,
                Some(Part::Wild(_)) => {}
                Some(Part::Name(part)) if part == name => {}
                _ => return false,
            }
        }
        parts.next().is_some()
    }
}

impl Part {
    fn parse(text: &str) -> Parsed<Part> {
        match text {
            "**" => Ok(Part::AnyDepth),
            _ if text.contains("**") => Err("** is a whole part of the path: /var/log/**/*.log".to_owned()),
            _ if text.contains(is_wildcard) => Wild::parse(text).map(Part::Wild),
            _ => Ok(Part::Name(text.to_owned())),
        }
    }
}

fn is_wildcard(c: char) -> bool {
    matches!(c, '*' | '?' | '[')
}

/// How long the leading run of parts without wildcards is; the last part is the file's own.
fn literal_folder(text: &str) -> usize {
    let first = text.find(is_wildcard).unwrap_or(text.len());
    text[..first].rfind('/').unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_literal_folder_ends_at_the_first_wildcard() {
        for (glob, folder) in [
            ("/var/log/app/*.log", "/var/log/app"),
            ("/var/log/app/app.log", "/var/log/app"),
            ("/var/log/**/*.log", "/var/log"),
            ("/var/log/**", "/var/log"),
            ("/var/log-[0-9]/x/*.log", "/var"),
            ("/srv/a?c/x.log", "/srv"),
            ("/srv/protocol ä/[!a-z_]*.log", "/srv/protocol ä"),
        ] {
            assert_eq!(Glob::parse(glob).unwrap().folder(), folder, "{glob}");
        }
    }

    #[test]
    fn globs_that_programs_read_differently_are_refused() {
        for (glob, expected) in [
            ("var/log/*.log", "absolute path"),
            ("/", "file pattern"),
            ("/var/log/", "file pattern"),
            ("/*.log", "root folder cannot be shared"),
            ("/*/x.log", "root folder cannot be shared"),
            ("/x.log", "root folder cannot be shared"),
            ("/var/../etc/*", "may not hold .."),
            ("/var//log/*", "empty part"),
            ("/var/log/{a,b}.log", "'{' has no place"),
            ("/var/log/$(X)/*", "may not hold '$'"),
            ("/var/log/a**", "whole part"),
            ("/var/log/***/x", "whole part"),
            ("/var/log/[", "characters or ranges"),
            ("/var/log/[]x", "characters or ranges"),
            ("/var/log/[]a]", "characters or ranges"),
            ("/var/log/[!]", "characters or ranges"),
            ("/var/log/[z-a]", "characters or ranges"),
            ("/var/log/[a-]", "characters or ranges"),
            ("/var/log/[a/b]", "characters or ranges"),
            ("/var/log/[[:digit:]]", "may not hold ':'"),
            ("/var/log/a\u{2028}b", "has no place"),
        ] {
            let error = Glob::parse(glob).unwrap_err();
            assert!(error.contains(expected), "{glob}: {error}");
        }
    }

    #[test]
    fn a_glob_reaches_below_folders_that_its_parts_may_match() {
        for (glob, path, reaches) in [
            ("/var/log/**/*.log", "/var/log/app", true),
            ("/var/log/**/*.log", "/var/log/a/b/c", true),
            ("/var/log/*/*.log", "/var/log/app", true),
            ("/var/log/*/*.log", "/var/log/app/deep", false),
            ("/var/log/*.log", "/var/log/app", false),
            ("/srv/*/logs/*.log", "/srv/app/data", false),
            ("/srv/*/logs/*.log", "/srv/app/logs/", true),
            ("/var/log/**", "/var/log/app", true),
            ("/var/log/**", "/srv", false),
        ] {
            assert_eq!(Glob::parse(glob).unwrap().may_reach_below(path), reaches, "{glob} {path}");
        }
    }

    #[test]
    fn two_stars_at_the_end_mean_every_file_below() {
        let glob = Glob::parse("/var/log/**/**").unwrap();
        let parts = glob.parts();
        assert!(matches!(parts, [Part::Name(_), Part::Name(_), Part::AnyDepth, Part::Wild(_)]), "{glob:?}");
    }

    proptest::proptest! {
        #[test]
        fn an_accepted_glob_lies_below_its_folder(text in "/[-/a-z*?\\[\\]!. ä]{0,30}") {
            if let Ok(glob) = Glob::parse(&text) {
                let rest = text.strip_prefix(glob.folder()).unwrap();
                proptest::prop_assert!(rest.starts_with('/') && rest.len() > 1);
                proptest::prop_assert!(!glob.folder().is_empty() && !glob.folder().contains(['*', '?', '[']));
            }
        }
    }
}
