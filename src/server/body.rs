//! The body of a request, read within limits: its own, and the one for all bodies together.

use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;

use super::Load;
use super::load::Share;

/// A body, as long as it counts.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) bytes: Bytes,
    _share: Share,
}

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    TooLarge,
    Overloaded,
    Broken,
}

/// Set aside at once; more only as more has come.
const FIRST: usize = 64 * 1024;

/// Reads all of it. What is charged is what is set aside, by what has come and not by what was announced.
pub(super) async fn read(mut body: Body, limit: usize, load: &Arc<Load>) -> Result<Read, BodyError> {
    let hint = body.size_hint();
    let most = hint.upper().map_or(limit, |most| usize::try_from(most).unwrap_or(usize::MAX));
    if most > limit {
        return Err(BodyError::TooLarge);
    }
    let mut share = load.take(0).ok_or(BodyError::Overloaded)?;
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        let length = whole.len() + bytes.len();
        if length > limit {
            return Err(BodyError::TooLarge);
        }
        if whole.is_empty() && body.is_end_stream() {
            return if share.grow(length) {
                Ok(Read { bytes, _share: share })
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
    Ok(Read { bytes: whole.into(), _share: share })
}
