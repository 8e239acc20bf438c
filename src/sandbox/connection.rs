//! One connection: requests in, replies out, byte by byte, so that every header, chunk and fault is exactly as wanted.
//!
//! Advice to the next editor: a reply goes through `exchange` in the order of its points (before read, before reply,
//! mid body), and everything that writes goes through `Writer`, which alone knows pace, packets and early ends.

use std::{
    fmt::Write as _,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{
    errors,
    faults::{At, Encoding, End, Fault, Plan, When},
    options::HeaderCasing,
    reply::{Blanks, Body, Common, Reply},
    request::{Framing, Head, Request},
    router::{self, Call},
    state::World,
};
use crate::clock::Clock as _;

/// Bytes of a request head at most.
const HEAD: usize = 64 << 10;
/// Bytes of a request body at most.
const BODY: u64 = 1 << 20;
/// Requests on one connection, then it closes; announced as `max` in `Keep-Alive`.
const REQUESTS: u32 = 100;
/// Bytes of a stream after which a fault "in the middle" happens.
const MIDDLE: u64 = 1024;

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
                sleep(pause).await;
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
        let started = Instant::now();
        let hits = self.world.faults.of(&head.method, &head.tidy_path());
        self.world.suffer(&hits);
        let plan = Plan::of(hits, || self.world.random.number());
        let received = self.world.clock.timestamp();
        let entry = self.world.ledger.enter(&head, self.number, received, plan.names.clone());

        sleep(plan.pause_first).await;
        if let Some(end) = plan.end_at(When::BeforeRead) {
            return self.end(end, entry).await;
        }
        let request = match self.read_body(head).await? {
            Ok(request) => request,
            Err(reason) => return self.refuse_malformed(&reason).await,
        };
        let bytes = (request.head.bytes + request.body.len()) as u64;
        self.world.ledger.amend(entry, |entry| entry.request_bytes = bytes);

        let call = Call::new(self.world, &request);
        let usual = |status| *errors::usual(&call, status);
        let mut reply = match plan.reply_at(When::BeforeRead, usual) {
            Some(reply) => reply,
            None => router::answer(&call),
        };
        if let Some(other) = plan.reply_at(When::BeforeReply, usual) {
            reply = other;
        }
        sleep(plan.pause_reply).await;
        if let Some(end) = plan.end_at(When::BeforeReply) {
            return self.end(end, entry).await;
        }

        for fault in &plan.alter {
            reply = altered(reply, fault);
        }
        let date = self.world.clock.timestamp() + jiff::SignedDuration::from_secs(plan.skew);
        let common = Common {
            request_id: call.id.clone(),
            versioned: request.header("x-gdc-version").is_some(),
            millis: started.elapsed().as_millis(),
            requests_left,
            closes: requests_left == 0 || !request.head.keeps_alive() || plan.slow_close.is_some(),
            date: date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
        };
        self.world.ledger.amend(entry, |entry| entry.status = Some(reply.status));
        let written = self.write_reply(reply, &common, &plan, entry, request.head.old).await;
        if written.is_err() {
            self.world.ledger.amend(entry, |entry| entry.aborted = true);
        }
        written
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
            if self.socket.read_buf(&mut self.unread).await? == 0 {
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

    async fn write_reply(
        &mut self,
        reply: Reply,
        common: &Common,
        plan: &Plan,
        entry: u64,
        old: bool,
    ) -> io::Result<Next> {
        let mut headers = reply.dressed(common);
        let status = reply.status;
        let mut body = BodyReader::new(reply.body, plan);
        let promised = plan.wrong_length.map(|by| body.collect().saturating_add_signed(by));
        let framing = match (&promised, body.is_none(), old) {
            (_, true, _) => None,
            (Some(length), ..) => Some(("Content-Length", length.to_string())),
            (None, _, true) => None,
            (None, _, false) => Some(("Transfer-Encoding", "chunked".to_owned())),
        };
        let chunked = matches!(framing, Some(("Transfer-Encoding", _)));
        if let Some((name, value)) = framing {
            // Where it was recorded: before `Strict-Transport-Security`.
            let at = headers.iter().position(|(own, _)| own == "Strict-Transport-Security").unwrap_or(headers.len());
            headers.insert(at, (name.into(), value));
        }
        let lower = self.world.options.header_casing == HeaderCasing::Lower;
        let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        for (name, value) in &headers {
            let name = if lower { name.to_ascii_lowercase() } else { name.to_string() };
            // Writing into a String doesn't fail.
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");

        let end = plan.end.filter(|(when, ..)| *when == When::MidBody).map(|(_, end, at)| (end, body.byte(at)));
        let pause_at = (!plan.pause_within.is_zero()).then(|| body.byte(At::Half));
        let world = self.world;
        let mut writer = Writer { socket: &mut *self.socket, plan, world, entry, pending: head.into_bytes() };
        let (mut sent, mut paused) = (0_u64, false);
        loop {
            let (mut piece, more) = body.next();
            if let Some(at) = pause_at.filter(|at| !paused && sent + piece.len() as u64 >= *at) {
                paused = true;
                let rest = piece.split_off(((at - sent) as usize).min(piece.len()));
                sent += piece.len() as u64;
                writer.push(&piece, chunked).await?;
                writer.flush().await?;
                sleep(plan.pause_within).await;
                piece = rest;
            }
            if let Some((end, at)) = end
                && (sent + piece.len() as u64 >= at || !more)
            {
                piece.truncate((at - sent) as usize);
                writer.push(&piece, chunked).await?;
                writer.flush().await?;
                return self.end(end, entry).await;
            }
            sent += piece.len() as u64;
            writer.push(&piece, chunked).await?;
            if !more {
                break;
            }
        }
        if chunked && !plan.no_final_chunk {
            writer.pending.extend_from_slice(b"0\r\n\r\n");
        }
        writer.flush().await?;
        if plan.no_final_chunk || promised.is_some() {
            return self.end(End::Close, entry).await;
        }
        match common.closes || old {
            true => Ok(Next::Close(plan.slow_close.unwrap_or_default())),
            false => Ok(Next::Request),
        }
    }
}

/// The body of a reply, piece by piece, ended early where the plan says so.
struct BodyReader {
    body: Body,
    left: u64,
    length: Option<u64>,
}

impl BodyReader {
    fn new(body: Body, plan: &Plan) -> Self {
        let length = match &body {
            Body::None => Some(0),
            Body::Bytes(bytes) => Some(bytes.len() as u64),
            Body::Stream(_) => None,
        };
        let mut reader = Self { body, left: u64::MAX, length };
        if let Some(at) = plan.truncate {
            reader.left = reader.byte(at);
        }
        reader
    }

    fn is_none(&self) -> bool {
        matches!(self.body, Body::None)
    }

    /// The byte that a place stands for.
    fn byte(&self, at: At) -> u64 {
        match at {
            At::Byte(byte) => byte,
            At::Half => self.length.map_or(MIDDLE, |length| length / 2),
        }
    }

    /// Makes the whole body at once, for a length that has to be known; gives the length.
    fn collect(&mut self) -> u64 {
        if let Body::Stream(source) = &mut self.body {
            let mut all = Vec::new();
            while source.fill(&mut all) {}
            self.body = Body::Bytes(all);
        }
        match &self.body {
            Body::Bytes(bytes) => bytes.len() as u64,
            _ => 0,
        }
    }

    /// The next piece, and whether there is another.
    fn next(&mut self) -> (Vec<u8>, bool) {
        let (mut piece, more) = match &mut self.body {
            Body::None => (Vec::new(), false),
            Body::Bytes(bytes) => (std::mem::take(bytes), false),
            Body::Stream(source) => {
                let mut piece = Vec::with_capacity(72 << 10);
                let more = source.fill(&mut piece);
                (piece, more)
            }
        };
        piece.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= piece.len() as u64;
        (piece, more && self.left > 0)
    }
}

/// Writes at the pace and in the packets of the plan.
struct Writer<'a, S> {
    socket: &'a mut S,
    plan: &'a Plan,
    world: &'a World,
    entry: u64,
    pending: Vec<u8>,
}

impl<S: Socket> Writer<'_, S> {
    /// Adds a piece of the body; what is enough for a write is written.
    async fn push(&mut self, piece: &[u8], chunked: bool) -> io::Result<()> {
        if chunked && !piece.is_empty() {
            self.pending.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            self.pending.extend_from_slice(piece);
            self.pending.extend_from_slice(b"\r\n");
        } else {
            self.pending.extend_from_slice(piece);
        }
        if self.pending.len() >= 32 << 10 { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let paced = self.plan.bandwidth.map(|rate| (rate / 50).max(1) as usize);
        let step = self.plan.packet.into_iter().chain(paced).min().unwrap_or(usize::MAX);
        for part in pending.chunks(step) {
            // Before the write: who has read the reply finds it in the ledger.
            self.world.ledger.amend(self.entry, |entry| entry.response_bytes += part.len() as u64);
            self.socket.write_all(part).await?;
            self.socket.flush().await?;
            if let Some(rate) = self.plan.bandwidth {
                sleep(Duration::from_secs_f64(part.len() as f64 / rate as f64)).await;
            } else if step < usize::MAX {
                tokio::task::yield_now().await;
            }
        }
        self.pending = pending;
        self.pending.clear();
        Ok(())
    }
}

/// A reply with a fault in its headers or its whole body.
fn altered(mut reply: Reply, fault: &Fault) -> Reply {
    match fault {
        Fault::RetryAfter { value } => {
            reply.headers.retain(|(name, _)| name != "Retry-After");
            value.iter().fold(reply, |reply, text| reply.header("Retry-After", text))
        }
        Fault::DuplicateHeader { name, value } => {
            let find = |reply: &Reply| {
                reply.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
            };
            let first = find(&reply).or_else(|| reply.content_type.map(str::to_owned)).unwrap_or_default();
            if !reply.has(name) {
                reply.headers.push((name.clone().into(), first.clone()));
            }
            reply.headers.push((name.clone().into(), value.clone().unwrap_or(first)));
            reply
        }
        Fault::HugeHeader { bytes } => reply.header("X-GDC-Huge", "x".repeat(*bytes)),
        Fault::GzipBomb { inflated } => {
            reply.body = Body::Stream(Box::new(Blanks(*inflated)));
            reply.gzipped().header("Content-Encoding", "gzip")
        }
        Fault::WrongEncoding { encoding } => match encoding {
            Encoding::NotGzip => reply.header("Content-Encoding", "gzip"),
            Encoding::DoubleGzip => reply.gzipped().gzipped().header("Content-Encoding", "gzip"),
            Encoding::Unknown => reply.header("Content-Encoding", "zstd-sandbox"),
        },
        _ => reply,
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

/// The words of a status line.
fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
}
