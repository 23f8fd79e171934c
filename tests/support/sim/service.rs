//! What stands between an API server and the replicas: a list of addresses that learns late who is on the way out.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;

/// A Service: every new connection goes to the next of its endpoints.
#[derive(Default)]
pub struct Service {
    endpoints: Mutex<Vec<SocketAddr>>,
    next: AtomicUsize,
}

impl Service {
    pub fn of(endpoints: impl IntoIterator<Item = SocketAddr>) -> Arc<Service> {
        Arc::new(Service {
            endpoints: Mutex::new(endpoints.into_iter().collect()),
            next: AtomicUsize::new(0),
        })
    }

    pub fn any(&self) -> SocketAddr {
        let endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        endpoints[self.next.fetch_add(1, Ordering::Relaxed) % endpoints.len()]
    }

    pub fn add(&self, address: SocketAddr) {
        self.endpoints.lock().unwrap_or_else(PoisonError::into_inner).push(address);
    }

    /// Forgets an endpoint, but only after the time that the news takes.
    pub fn forget(self: &Arc<Self>, address: SocketAddr, lag: Duration) -> JoinHandle<()> {
        let service = Arc::clone(self);
        tokio::spawn(async move {
            sleep(lag).await;
            let mut endpoints = service.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
            endpoints.retain(|endpoint| *endpoint != address);
        })
    }
}
