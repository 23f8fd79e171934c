//! The TLS handshake of one connection.

use std::future::{Future, poll_fn};
use std::io;
use std::task::Poll;

use rustls::server::Acceptor;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use multipod_certs::Tls;

use super::connection::Protocol;

/// Completes the handshake. The expensive step is the signature. It is made for one connection at a time, so that a flood
/// of new connections never delays the established ones. Waiting for a slow peer holds no permit.
pub(super) async fn accept(
    stream: TcpStream,
    tls: &Tls,
    signing: &Semaphore,
) -> io::Result<(TlsStream<TcpStream>, Protocol)> {
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let mut handshake = {
        let _permit = signing.acquire().await.map_err(io::Error::other)?;
        let mut handshake = Box::pin(start.into_stream(tls.config()));
        let signed = poll_fn(|context| Poll::Ready(handshake.as_mut().poll(context))).await;
        if let Poll::Ready(done) = signed {
            return done.map(with_protocol);
        }
        handshake
    };
    handshake.as_mut().await.map(with_protocol)
}

fn with_protocol(stream: TlsStream<TcpStream>) -> (TlsStream<TcpStream>, Protocol) {
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    (stream, if is_http2 { Protocol::Http2 } else { Protocol::Http1 })
}
