//! The body of a request, read within two limits: its own, and that of all bodies together.

use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;

use super::quota::{Quota, Share};

/// A body, which is charged to the quota until it is dropped.
#[derive(Debug)]
pub(super) struct Charged {
    pub(super) bytes: Bytes,
    _share: Share,
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    Overloaded,
    Broken,
}

/// The first allocation; it grows only with what has arrived.
const FIRST: usize = 64 * 1024;

/// Reads all of it. The quota is charged what is allocated, by what has arrived and not by what was announced.
pub(super) async fn read(mut body: Body, limit: usize, quota: &Arc<Quota>) -> Result<Charged, BodyError> {
    let hint = body.size_hint();
    let most = hint.upper().map_or(limit, |most| usize::try_from(most).unwrap_or(usize::MAX));
    if most > limit {
        return Err(BodyError::TooLarge);
    }
    let mut share = quota.take(0).ok_or(BodyError::Overloaded)?;
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        let length = whole.len() + bytes.len();
        if length > limit {
            return Err(BodyError::TooLarge);
        }
        if whole.is_empty() && body.is_end_stream() {
            return if share.grow(length) {
                Ok(Charged { bytes, _share: share })
            } else {
                Err(BodyError::Overloaded)
            };
        }
        if length > whole.capacity() {
            let wanted = (whole.capacity() * 2).max(FIRST).min(most).max(length);
            if !share.grow(wanted - whole.capacity()) {
                return Err(BodyError::Overloaded);
            }
            whole.reserve_exact(wanted - whole.len());
        }
        whole.extend_from_slice(&bytes);
    }
    Ok(Charged { bytes: whole.into(), _share: share })
}
