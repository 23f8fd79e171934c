//! The server's version, as far as it decides what a pod may hold.

use std::fmt;

/// A Kubernetes version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 1, so far.
    pub major: u16,
    /// What people call the version.
    pub minor: u16,
}

impl Version {
    /// Assumed when nobody says: every version that is still maintained knows native sidecars.
    pub const ASSUMED: Version = Version { major: 1, minor: 34 };

    /// Whether `restartPolicy: Always` on an init container makes a sidecar, without a feature gate.
    pub fn knows_native_sidecars(self) -> bool {
        self >= Version { major: 1, minor: 29 }
    }

    /// Whether a volume can hold the files of an image, without a feature gate that somebody may have switched off.
    pub(crate) fn knows_image_volumes(self) -> bool {
        self >= Version { major: 1, minor: 36 }
    }

    /// Reads `1.34`, `v1.34.4`, `1.34+` or `v1.28.3+k3s1`.
    pub fn parse(text: &str) -> Result<Version, String> {
        let expected = || format!("{text:?} is not a Kubernetes version such as 1.34");
        let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
        let major = parts.next().and_then(|part| part.parse().ok()).ok_or_else(expected)?;
        let minor = parts.next().ok_or_else(expected)?;
        let digits = minor.find(|c: char| !c.is_ascii_digit()).unwrap_or(minor.len());
        let minor = minor[..digits].parse().map_err(|_| expected())?;
        if major != 1 {
            return Err(expected());
        }
        Ok(Version { major, minor })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn native_sidecars_begin_with_1_29() {
        for (text, native) in [
            ("1.28", false),
            ("v1.28.3+k3s1", false),
            ("1.29", true),
            ("v1.34.4", true),
            ("1.29+", true),
            ("1.100", true),
        ] {
            assert_eq!(Version::parse(text).unwrap().knows_native_sidecars(), native, "{text}");
        }
        for text in ["", "1", "2.1", "1.x", "latest", "v"] {
            assert!(Version::parse(text).is_err(), "{text}");
        }
    }
}
