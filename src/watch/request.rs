//! One small request to an API server.

use std::time::Duration;

use tokio::time::timeout;

use super::namespaces::error_chain;

pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct Failed {
    pub(crate) why: String,
    /// Of the answer, if there was one.
    pub(crate) code: Option<u16>,
    /// A retry would not help.
    pub(crate) permanent: bool,
}

pub(crate) async fn in_time<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, Failed> {
    let failed = |why, code: Option<u16>| Failed { why, code, permanent: matches!(code, Some(403 | 404)) };
    match timeout(REQUEST_TIMEOUT, request).await {
        Err(_) => Err(failed("no answer".to_owned(), None)),
        Ok(Err(kube::Error::Api(status))) => Err(failed(status.to_string(), Some(status.code))),
        Ok(answer) => answer.map_err(|error| failed(error_chain(&error), None)),
    }
}
