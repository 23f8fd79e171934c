//! Patterns of paths, as far as every program that reads them means the same by them.

use super::value::{self, Parsed};

/// A pattern of absolute paths: `*`, `?` and `[…]` within a part, `**` for folders at any depth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: String,
    /// How long the literal folder is.
    folder: usize,
}

impl Glob {
    /// Reads a glob that the follower and the collector understand alike.
    pub fn parse(text: &str) -> Parsed<Glob> {
        let Some(inside) = text.strip_prefix('/') else {
            return Err("expected an absolute path such as /var/log/app/*.log".to_owned());
        };
        if inside.is_empty() || inside.ends_with('/') {
            return Err("expected a file pattern such as *.log behind the last slash".to_owned());
        }
        value::path_parts(inside)?;
        if let Some(bad) = inside.chars().find(|c| matches!(c, '{' | '}' | '\u{2028}' | '\u{2029}')) {
            return Err(format!("a glob holds only *, ?, […] and **; {bad:?} has no place in it"));
        }
        inside.split('/').try_for_each(part)?;
        let folder = literal_folder(text);
        if folder == 0 {
            return Err("the root folder cannot be shared: name the folder that the files lie in".to_owned());
        }
        Ok(Glob { text: text.to_owned(), folder })
    }

    /// The glob as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The folder that all the files lie in or below: the leading parts without wildcards.
    pub fn folder(&self) -> &str {
        &self.text[..self.folder]
    }

    /// Whether it names one file.
    pub fn is_one_file(&self) -> bool {
        !self.text.contains(is_wildcard)
    }

    /// Whether a file below `path` may match, where `path` lies below the literal folder. Parts with wildcards are
    /// taken to match everything.
    pub fn may_reach_below(&self, path: &str) -> bool {
        let Some(path) = path.strip_prefix(self.folder()) else { return false };
        let mut parts = self.text[self.folder..].split('/').skip(1);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            match parts.next() {
                Some("**") => return true,
                Some(part) if part == name || part.contains(is_wildcard) => {}
                _ => return false,
            }
        }
        parts.next().is_some()
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

fn part(text: &str) -> Parsed<()> {
    if text.contains("**") && text != "**" {
        return Err("** is a whole part of the path: /var/log/**/*.log".to_owned());
    }
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let inside = &rest[open + 1..];
        let Some(close) = inside.find(']').filter(|close| is_class(&inside[..*close])) else {
            return Err("expected characters or ranges in […], such as [0-9] or [!a-z]".to_owned());
        };
        rest = &inside[close + 1..];
    }
    Ok(())
}

/// What stands between brackets and means the same to everybody: no empty class, no open or backward range.
fn is_class(text: &str) -> bool {
    let mut members = text.strip_prefix(['!', '^']).unwrap_or(text).chars().peekable();
    if members.peek().is_none() {
        return false;
    }
    while let Some(low) = members.next() {
        if matches!(low, '-' | '[' | '!' | '^') {
            return false;
        }
        if members.next_if_eq(&'-').is_some() {
            match members.next() {
                Some(high) if low <= high && high != '-' && high != '[' => {}
                _ => return false,
            }
        }
    }
    true
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
