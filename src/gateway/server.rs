//! Connections in, and the orderly end of all of them.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::{Shared, access::Peer, pace::Paced};

/// Bytes of a request's head at most.
const HEAD: usize = 32 << 10;

/// Bytes that are collected before they are written: with fewer the operating system is called too often.
const BUFFER: usize = 256 << 10;

/// What a connection is told that comes when every other one is busy.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Serves until `stop`, then lets what runs come to its end, for `grace` or until `hurry`, and ends the rest.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    gateway: Arc<Shared>,
    routes: Router,
    (stop, hurry): (impl Future<Output = ()>, impl Future<Output = ()>),
    grace: Duration,
) {
    let connections = Arc::clone(&gateway.connections);
    let (closing, closed) = watch::channel(false);
    let accepting = async {
        loop {
            // An accept fails when the process is out of file descriptors, or the client has left already.
            let Ok((socket, address)) = listener.accept().await else {
                sleep(Duration::from_millis(20)).await;
                continue;
            };
            let Some((ticket, end)) = connections.admit() else {
                let _ = socket.try_write(BUSY);
                continue;
            };
            let peer = Peer { address: address.ip(), ticket: Arc::clone(&ticket) };
            let (gateway, tls, routes, closed) = (Arc::clone(&gateway), tls.clone(), routes.clone(), closed.clone());
            tokio::spawn(async move {
                let connection = connect(socket, tls, gateway, routes, peer, closed);
                tokio::select! {
                    () = connection => {}
                    _ = end => {}
                }
                drop(ticket);
            });
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stop => {}
    }
    drop((listener, closed));
    closing.send_replace(true);
    // Every connection holds a receiver as long as it lives.
    tokio::select! {
        () = closing.closed() => {}
        () = sleep(grace) => {}
        () = hurry => {}
    }
    connections.end();
    let _ = timeout(Duration::from_secs(1), closing.closed()).await;
}

async fn connect(
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    gateway: Arc<Shared>,
    routes: Router,
    peer: Peer,
    closed: watch::Receiver<bool>,
) {
    let _ = socket.set_nodelay(true);
    let patience = gateway.patience_for_requests;
    let paced = Paced::new(socket, gateway.patience_for_readers, Arc::clone(&gateway.clock));
    match tls {
        None => exchange(paced, patience, routes, peer, closed).await,
        Some(tls) => {
            if let Ok(Ok(socket)) = timeout(patience, tls.accept(paced)).await {
                exchange(socket, patience, routes, peer, closed).await;
            }
        }
    }
}

/// Requests and answers on one connection, until either side has had enough.
async fn exchange(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    patience: Duration,
    routes: Router,
    peer: Peer,
    mut closed: watch::Receiver<bool>,
) {
    let routes = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        routes.clone().oneshot(request)
    });
    let mut builder = http1::Builder::new();
    // The time for a head counts from the end of the answer before it, so that it is also how long an idle
    // connection is kept.
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(BUFFER)
        .max_header_size(HEAD)
        .max_headers(64);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), routes));
    tokio::select! {
        // What goes wrong on one connection is its client's doing or was logged with its answer.
        _ = connection.as_mut() => return,
        _ = closed.wait_for(|closed| *closed) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
