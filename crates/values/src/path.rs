//! Absolute paths, as a mount can hold them.

use super::word::Parsed;

/// An absolute path of plain parts: no `..`, no `//`, no closing slash, nothing that a mount cannot hold.
pub fn absolute_path(text: &str) -> Parsed<String> {
    let Some(inside) = text.strip_prefix('/') else {
        return Err("expected an absolute path such as /var/log/app".to_owned());
    };
    if inside.is_empty() {
        return Err("the root folder itself cannot be a mount".to_owned());
    }
    path_parts(inside.strip_suffix('/').unwrap_or(inside))?;
    Ok(text.strip_suffix('/').unwrap_or(text).to_owned())
}

/// The shared rules of paths and globs, for what stands behind the first slash.
pub fn path_parts(inside: &str) -> Parsed<()> {
    if inside.len() > 1024 {
        return Err("expected a path of at most 1024 characters".to_owned());
    }
    for part in inside.split('/') {
        match part {
            "" => return Err("the path has an empty part: //".to_owned()),
            "." | ".." => return Err(format!("the path may not hold {part}")),
            _ => {}
        }
    }
    match inside.chars().find(|c| matches!(c, ':' | '$' | '\\' | '`') || c.is_control()) {
        Some(bad) => Err(format!("the path may not hold {bad:?}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_absolute_and_plain() {
        assert_eq!(absolute_path("/usr/share/nginx/html/"), Ok("/usr/share/nginx/html".to_owned()));
        for text in ["", "a", "/", "//a", "/a//b", "/a/../b", "/a:b", "/$(X)", "/a/./b", "/a\u{7}"] {
            assert!(absolute_path(text).is_err(), "{text}");
        }
    }
}
