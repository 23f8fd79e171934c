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

/// More is set aside at once only after that much has come.
const TRUSTED: usize = 64 * 1024;

/// Reads all of it. What is charged is what has come, not what was announced.
pub(super) async fn read(mut body: Body, limit: usize, load: &Arc<Load>) -> Result<Read, BodyError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(BodyError::TooLarge);
    }
    let mut share = load.take(0).ok_or(BodyError::Overloaded)?;
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(bytes) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        if whole.len() + bytes.len() > limit {
            return Err(BodyError::TooLarge);
        }
        if !share.grow(bytes.len()) {
            return Err(BodyError::Overloaded);
        }
        if whole.is_empty() && body.is_end_stream() {
            return Ok(Read { bytes, _share: share });
        }
        if whole.is_empty() {
            whole.reserve(announced.min(TRUSTED));
        }
        whole.extend_from_slice(&bytes);
    }
    Ok(Read { bytes: whole.into(), _share: share })
}
