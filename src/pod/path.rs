//! Places in a container: Kubernetes takes paths in any spelling, also without the leading slash and with `..`.

/// Whether `path` is `folder` or lies below it.
pub(crate) fn covers(folder: &str, path: &str) -> bool {
    let mut inside = parts(path);
    parts(folder).all(|part| inside.next() == Some(part))
}

/// Whether `path` lies below `folder`.
pub(crate) fn lies_below(path: &str, folder: &str) -> bool {
    covers(folder, path) && !same_place(folder, path)
}

/// Whether both are one place.
pub(crate) fn same_place(one: &str, other: &str) -> bool {
    parts(one).eq(parts(other))
}

/// How many folders lead to it.
pub(crate) fn depth(path: &str) -> usize {
    parts(path).count()
}

/// The folders that lead to a place. The container runtime takes `..` for the folder above, and so do we.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    let parts = || path.split('/').filter(|part| !matches!(*part, "" | "."));
    // Few paths lead back up, and only those cost memory.
    let (resolved, plain) = if path.contains("..") {
        let mut kept = Vec::new();
        for part in parts() {
            if part == ".." {
                kept.pop();
            } else {
                kept.push(part);
            }
        }
        (kept, None)
    } else {
        (Vec::new(), Some(parts()))
    };
    resolved.into_iter().chain(plain.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_in_every_spelling() {
        for (folder, path, same, below) in [
            ("/srv", "/srv", true, false),
            ("/srv", "/srv/", true, false),
            ("/srv", "srv//.", true, false),
            ("/./srv/", "//srv/www", false, true),
            ("/srv/www", "/srv", false, false),
            ("/srv", "/srvx", false, false),
            ("/", "/srv", false, true),
            ("", "/", true, false),
            ("/srv", "/usr/../srv", true, false),
            ("/srv", "/../srv/a/..", true, false),
            ("/usr/local/etc", "/usr/local/../local/etc/x", false, true),
            ("/srv", "/srv/../etc", false, false),
            ("/srv", "/srv/..x", false, true),
        ] {
            assert_eq!(same_place(folder, path), same, "{folder} {path}");
            assert_eq!(lies_below(path, folder), below, "{folder} {path}");
            assert_eq!(covers(folder, path), same || below, "{folder} {path}");
        }
    }
}
