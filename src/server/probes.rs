//! The admin port, on a thread and a runtime of its own.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::task::spawn_blocking;

use super::connection::HttpService;
use super::listener::Port;
use super::shares::Pool;
use super::{Shared, admin_router};

/// The thread that answers on the admin port, however busy the others are.
#[derive(Debug)]
pub(super) struct Probes {
    end: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// A probe asks as soon as it is connected, and reads at once; whoever does not gives way.
const GRACE: Duration = Duration::from_millis(100);

impl Probes {
    pub(super) fn start(
        listener: TcpListener,
        shared: Arc<Shared>,
        connections: usize,
        closing: watch::Receiver<bool>,
    ) -> io::Result<Probes> {
        let listener = listener.into_std()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = oneshot::channel();
        let answer = async move {
            let listener = TcpListener::from_std(listener)?;
            let router = admin_router(Arc::clone(&shared));
            let slots = Pool::new(connections, false);
            let service = HttpService { router, shared, grace: GRACE, closing };
            let port = Port { listener, service, slots, most_waiting: connections, signing: None };
            tokio::select! { () = port.accept() => {}, _ = ended => {} }
            Ok::<_, io::Error>(())
        };
        let thread = thread::Builder::new().name("probes".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(answer) {
                tracing::error!(%error, "there is no admin port");
            }
        })?;
        Ok(Probes { end, thread })
    }

    /// Closes the port.
    pub(super) async fn end(self) {
        drop(self.end);
        let _ = spawn_blocking(move || self.thread.join()).await;
    }
}
