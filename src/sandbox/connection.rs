//! One connection: requests in, replies out, byte by byte, so that every header, chunk and fault is exactly as wanted.
//!
//! Advice to the next editor: a request meets its faults in the order of their points (before read, before reply, mid
//! body); the first two are here, the last one is in `wire`.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{
    faults::{End, Plan, When},
    reply::Common,
    request::{Framing, Head, Request},
    router::{self, Call, Service},
    state::World,
    wire::Writer,
};
use crate::clock::Clock as _;

/// Bytes of a request head at most.
const HEAD: usize = 64 << 10;
/// Bytes of a request body at most.
const BODY: u64 = 1 << 20;
/// Requests on one connection, then it closes; announced as `max` in `Keep-Alive`.
const REQUESTS: u32 = 100;

/// A connection, plain or under TLS.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {
    /// The TCP connection below.
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for tokio_rustls::server::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Serves one connection until either side closes it.
pub(super) async fn serve<S: Socket>(mut socket: S, world: Arc<World>, number: u64) {
    let mut connection = Connection { socket: &mut socket, world: &world, number, unread: Vec::new() };
    for left in (0..REQUESTS).rev() {
        match connection.exchange(left).await {
            Ok(Next::Request) => {}
            Ok(Next::Close(pause)) => {
                rest(pause).await;
                close_gently(&mut socket).await;
                return;
            }
            Ok(Next::Drop) | Err(_) => return,
        }
    }
}

/// What comes after an exchange.
enum Next {
    /// Another request.
    Request,
    /// The connection closes in good order, after a pause.
    Close(Duration),
    /// Nothing: the connection is at its end already.
    Drop,
}

struct Connection<'a, S> {
    socket: &'a mut S,
    world: &'a World,
    number: u64,
    unread: Vec<u8>,
}

impl<S: Socket> Connection<'_, S> {
    /// One request and its reply.
    async fn exchange(&mut self, requests_left: u32) -> io::Result<Next> {
        let head = match self.read_head().await? {
            Ok(Some(head)) => head,
            Ok(None) => return Ok(Next::Drop),
            Err(reason) => return self.refuse_malformed(&reason).await,
        };
        let hits = self.world.faults.of(&head.method, &head.tidy_path());
        self.world.suffer(&hits);
        let plan = Plan::of(hits, || self.world.random.number());
        let received = self.world.clock.timestamp();
        let entry = self.world.ledger.enter(&head, self.number, received, plan.names.clone());

        let next = self.answer(head, requests_left, &plan, entry).await;
        if next.is_err() {
            self.world.ledger.amend(entry, |entry| entry.aborted = true);
        }
        next
    }

    /// Reads the rest of a request and replies to it, as far as the plan lets it come.
    async fn answer(&mut self, head: Head, requests_left: u32, plan: &Plan, entry: u64) -> io::Result<Next> {
        let (world, started) = (self.world, Instant::now());
        rest(plan.pause_first).await;
        if let Some(end) = plan.end_at(When::BeforeRead) {
            return self.end(end, entry).await;
        }
        let request = match self.read_body(head).await? {
            Ok(request) => request,
            Err(reason) => {
                world.ledger.amend(entry, |entry| entry.status = Some(400));
                return self.refuse_malformed(&reason).await;
            }
        };
        let bytes = (request.head.bytes + request.body.len()) as u64;
        world.ledger.amend(entry, |entry| entry.request_bytes = bytes);

        let call = Call::new(world, &request);
        let usual = |status| *router::usual(&call, status);
        let before = plan.reply_at(When::BeforeRead, usual);
        let mut reply = before.unwrap_or_else(|| router::answer(&call));
        if let Some(other) = plan.reply_at(When::BeforeReply, usual) {
            reply = other;
        }
        rest(plan.pause_reply).await;
        if let Some(end) = plan.end_at(When::BeforeReply) {
            return self.end(end, entry).await;
        }

        let now = world.clock.timestamp();
        let date = now.checked_add(jiff::SignedDuration::from_secs(plan.skew)).unwrap_or(now);
        let old = request.head.old;
        let common = Common {
            service: Service::of(&call),
            request_id: call.id.clone(),
            versioned: request.header("x-gdc-version").is_some(),
            millis: started.elapsed().as_millis(),
            requests_left,
            keep_alive: world.options.keep_alive,
            closes: old || requests_left == 0 || !request.head.keeps_alive() || plan.slow_close.is_some(),
            date: date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        };
        world.ledger.amend(entry, |entry| entry.status = Some(reply.status));
        let writer = Writer { socket: &mut *self.socket, world, plan, entry, pending: Vec::new() };
        match writer.reply(reply, &common, old).await? {
            Some(end) => self.end(end, entry).await,
            None if common.closes => Ok(Next::Close(plan.slow_close.unwrap_or_default())),
            None => Ok(Next::Request),
        }
    }

    /// Ends the connection out of order.
    async fn end(&mut self, end: End, entry: u64) -> io::Result<Next> {
        self.world.ledger.amend(entry, |entry| entry.aborted = true);
        match end {
            End::Close => drop(self.socket.shutdown().await),
            End::Reset => self.socket.tcp().set_zero_linger()?,
            End::Stall => wait_for_close(self.socket).await,
        }
        Ok(Next::Drop)
    }

    /// Reads up to the end of a head; none when the client closed instead of asking.
    async fn read_head(&mut self) -> io::Result<Result<Option<Head>, String>> {
        loop {
            match Head::parse(&self.unread) {
                Ok(Some(head)) => {
                    self.unread.drain(..head.bytes);
                    return Ok(Ok(Some(head)));
                }
                Ok(None) if self.unread.len() > HEAD => return Ok(Err(format!("a head of more than {HEAD} bytes"))),
                Ok(None) => {}
                Err(reason) => return Ok(Err(reason)),
            }
            let idle = self.unread.is_empty().then_some(Duration::from_secs(self.world.options.keep_alive));
            let read = self.socket.read_buf(&mut self.unread);
            let read = match idle {
                // By the machine's time: a client's pool of connections knows no other.
                Some(idle) => timeout(idle, read).await.unwrap_or(Ok(0))?,
                None => read.await?,
            };
            if read == 0 {
                return Ok(Ok(None));
            }
        }
    }

    async fn read_body(&mut self, head: Head) -> io::Result<Result<Request, String>> {
        let too_long = Ok(Err(format!("a body of more than {BODY} bytes")));
        let mut body = Vec::new();
        match head.framing() {
            Err(reason) => return Ok(Err(reason)),
            Ok(Framing::Length(length)) if length > BODY => return too_long,
            Ok(Framing::Length(length)) => body = self.take(length as usize).await?,
            Ok(Framing::Chunked) => loop {
                let size = loop {
                    match httparse::parse_chunk_size(&self.unread) {
                        Ok(httparse::Status::Complete((line, size))) => {
                            self.unread.drain(..line);
                            break size;
                        }
                        Ok(httparse::Status::Partial) => self.more().await?,
                        Err(_) => return Ok(Err("a chunk without its size".to_owned())),
                    }
                };
                if size == 0 {
                    self.skip_trailers().await?;
                    break;
                }
                if body.len() as u64 + size > BODY {
                    return too_long;
                }
                body.extend(self.take(size as usize).await?);
                self.take(2).await?;
            },
        }
        Ok(Ok(Request { head, body }))
    }

    /// Reads lines up to the empty one.
    async fn skip_trailers(&mut self) -> io::Result<()> {
        loop {
            while let Some(end) = memchr::memchr(b'\n', &self.unread) {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                if line == b"\r\n" || line == b"\n" {
                    return Ok(());
                }
            }
            self.more().await?;
        }
    }

    /// Exactly so many bytes.
    async fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < length {
            self.more().await?;
        }
        Ok(self.unread.drain(..length).collect())
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.socket.read_buf(&mut self.unread).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// 400 for what isn't HTTP, or more than is accepted; nothing is known of where the next request would begin.
    async fn refuse_malformed(&mut self, reason: &str) -> io::Result<Next> {
        let text = format!("the request can't be read: {reason}\n");
        let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n";
        let bytes = format!("{head}Content-Length: {}\r\n\r\n{text}", text.len());
        self.socket.write_all(bytes.as_bytes()).await?;
        Ok(Next::Close(Duration::ZERO))
    }
}

/// A real pause. None at all takes no time, while a timer of no duration would take a millisecond.
async fn rest(pause: Duration) {
    if !pause.is_zero() {
        sleep(pause).await;
    }
}

/// Reads and forgets until the client closes.
async fn wait_for_close(socket: &mut impl Socket) {
    let mut scratch = [0; 4096];
    while matches!(socket.read(&mut scratch).await, Ok(1..)) {}
}

/// Closes so that the last reply arrives: bytes that were never read would turn the close into a reset.
async fn close_gently(socket: &mut impl Socket) {
    if socket.shutdown().await.is_ok() {
        let _ = timeout(Duration::from_millis(200), wait_for_close(socket)).await;
    }
}
