//! A reply on its way out: head, framing, and a body that may be slowed down, damaged or broken off.

use std::{borrow::Cow, io, time::Duration};

use tokio::{io::AsyncWriteExt as _, time::sleep};

use super::{
    connection::Socket,
    faults::{At, Encoding, End, Fault, Plan, When},
    options::HeaderCasing,
    reply::{Blanks, Body, Common, Reply},
    state::World,
};

/// Bytes of a stream after which a fault "in the middle" happens.
const MIDDLE: u64 = 1024;

/// Writes a reply at the pace, in the packets, and as far as the plan says.
pub(super) struct Writer<'a, S> {
    pub(super) socket: &'a mut S,
    pub(super) world: &'a World,
    pub(super) plan: &'a Plan,
    /// The number of its entry in the ledger.
    pub(super) entry: u64,
    pub(super) pending: Vec<u8>,
}

impl<S: Socket> Writer<'_, S> {
    /// Writes a reply; gives the end that the connection comes to, if it comes to one out of order. `old` is for a
    /// client of HTTP/1.0, to which a body ends with the connection.
    pub(super) async fn reply(mut self, reply: Reply, common: &Common, old: bool) -> io::Result<Option<End>> {
        let plan = self.plan;
        let reply = plan.alter.iter().fold(reply, altered);
        let mut headers = reply.dressed(common);
        let has_length = reply.by_apache.then_some(0);
        let mut body = BodyReader::new(reply.body, plan);
        let promised = plan.wrong_length.or(has_length).map(|by| body.collect().saturating_add_signed(by));
        let framing = match promised {
            _ if body.is_none() => None,
            Some(length) => Some(("Content-Length", length.to_string())),
            None if old => None,
            None => Some(("Transfer-Encoding", "chunked".to_owned())),
        };
        let chunked = matches!(framing, Some(("Transfer-Encoding", _)));
        if let Some((name, value)) = framing {
            // Where it was recorded: before `Strict-Transport-Security`.
            let at = headers.iter().position(|(own, _)| own == "Strict-Transport-Security").unwrap_or(headers.len());
            headers.insert(at, (name.into(), value));
        }
        plan.alter.iter().for_each(|fault| alter_headers(&mut headers, fault));
        self.pending = self.head(reply.status, &headers);

        let end = plan.end.filter(|(when, ..)| *when == When::MidBody).map(|(_, end, at)| (end, body.byte(at)));
        let mut pause = (!plan.pause_within.is_zero()).then(|| body.byte(At::Half));
        let mut sent = 0_u64;
        loop {
            let (mut piece, more) = body.next();
            if let Some(at) = pause.take_if(|at| sent + piece.len() as u64 >= *at) {
                let rest = piece.split_off((at - sent) as usize);
                sent += piece.len() as u64;
                self.push(&piece, chunked).await?;
                self.flush().await?;
                sleep(plan.pause_within).await;
                piece = rest;
            }
            if let Some((end, at)) = end
                && (sent + piece.len() as u64 >= at || !more)
            {
                piece.truncate(at.saturating_sub(sent) as usize);
                self.push(&piece, chunked).await?;
                self.flush().await?;
                return Ok(Some(end));
            }
            sent += piece.len() as u64;
            self.push(&piece, chunked).await?;
            if !more {
                break;
            }
        }
        if chunked && !plan.no_final_chunk {
            self.pending.extend_from_slice(b"0\r\n\r\n");
        }
        self.flush().await?;
        Ok((plan.no_final_chunk || promised.is_some()).then_some(End::Close))
    }

    /// The status line and the headers.
    fn head(&self, status: u16, headers: &[(Cow<'static, str>, String)]) -> Vec<u8> {
        let lower = self.world.options.header_casing == HeaderCasing::Lower;
        let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        for (name, value) in headers {
            let name = if lower { name.to_ascii_lowercase() } else { name.to_string() };
            head.extend([name.as_str(), ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

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

/// A reply with a fault in its own headers or its whole body.
fn altered(mut reply: Reply, fault: &Fault) -> Reply {
    match fault {
        Fault::RetryAfter { value } => {
            reply.headers.retain(|(name, _)| name != "Retry-After");
            value.iter().fold(reply, |reply, text| reply.header("Retry-After", text))
        }
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

/// Puts a fault into the headers as they stand.
fn alter_headers(headers: &mut Vec<(Cow<'static, str>, String)>, fault: &Fault) {
    match fault {
        Fault::DuplicateHeader { name, value } => {
            let first = headers.iter().position(|(own, _)| own.eq_ignore_ascii_case(name));
            let same = first.map(|at| headers[at].1.clone()).unwrap_or_default();
            let second = (Cow::Owned(name.clone()), value.clone().unwrap_or(same));
            if first.is_none() {
                headers.push(second.clone());
            }
            headers.insert(first.map_or(headers.len(), |at| at + 1), second);
        }
        Fault::HugeHeader { bytes } => headers.push(("X-GDC-Huge".into(), "x".repeat(*bytes))),
        _ => {}
    }
}

/// The words of a status line.
fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
}
