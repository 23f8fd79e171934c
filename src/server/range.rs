//! Address ranges (CIDR).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// All addresses of a network, or one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    address: IpAddr,
    prefix: u8,
}

impl Range {
    /// `10.0.0.0/28`, or `10.0.0.7` alone; of both kinds of addresses.
    pub fn parse(text: &str) -> Result<Range, String> {
        text.parse()
    }

    pub(super) fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let rest = 32 - u32::from(self.prefix);
                ours.to_bits().checked_shr(rest) == theirs.to_bits().checked_shr(rest)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let rest = 128 - u32::from(self.prefix);
                ours.to_bits().checked_shr(rest) == theirs.to_bits().checked_shr(rest)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Range {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mistake =
            || format!("not a range of addresses: `{text}`; write it as 10.0.0.0/28, or one address");
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| mistake())?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => all,
            Some(prefix) => prefix.parse().ok().filter(|prefix| *prefix <= all).ok_or_else(mistake)?,
        };
        Ok(Range { address, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_addresses_and_no_others() {
        for (range, inside, outside) in [
            ("10.0.0.16/28", "10.0.0.31", "10.0.0.32"),
            ("10.0.0.7", "10.0.0.7", "10.0.0.6"),
            ("0.0.0.0/0", "255.1.2.3", "::1"),
            ("fd00:1::/32", "fd00:1:ffff::1", "fd00:2::1"),
            ("::/0", "ff::1", "10.0.0.1"),
        ] {
            let range = Range::parse(range).unwrap();
            assert!(range.contains(inside.parse().unwrap()), "{range:?} {inside}");
            assert!(!range.contains(outside.parse().unwrap()), "{range:?} {outside}");
        }
        for mistake in ["", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "10.0.0.0/", "10.0.0.0/-1", "a/8"] {
            assert!(Range::parse(mistake).is_err(), "{mistake}");
        }
    }
}
