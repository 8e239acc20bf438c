//! The body of an answer: guarded against stalls, inflated once, capped after inflating.

use std::{future::poll_fn, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Version, header};

use super::{
    RawBody, RawReply,
    inflate::{GZIP, Inflate},
};
use crate::{
    clock::{Clock, Moment},
    error::{Error, Kind, Result, TransportFault},
    limits::Limits,
};

/// A body on its way. Chunks come in order; [`Body::chunk`] gives `None` only at an end that the transport has proved.
pub struct Body {
    source: RawBody,
    inflate: Option<Inflate>,
    proves_its_end: bool,
    limits: Arc<Limits>,
    clock: Arc<dyn Clock>,
    cap: (&'static str, u64),
    seen: u64,
    pace: Pace,
    returned: Option<Bytes>,
    done: bool,
}

/// How fast the peer sends, counted only while we wait for it: a slow consumer is no stall.
struct Pace {
    waited: Duration,
    bytes: u64,
}

impl Body {
    /// Wraps what the transport delivers.
    ///
    /// # Errors
    /// `Interrupted` for a content encoding that was not offered.
    pub(super) fn new(reply: RawReply, limits: Arc<Limits>, clock: Arc<dyn Clock>) -> Result<Self> {
        let inflate = encoding(&reply.headers)?.then(Inflate::new);
        let framed = reply.headers.contains_key(header::CONTENT_LENGTH)
            || reply.headers.contains_key(header::TRANSFER_ENCODING)
            || reply.version >= Version::HTTP_2;
        let cap = ("json_bytes", limits.json_bytes);
        Ok(Self {
            source: reply.body,
            proves_its_end: framed || inflate.is_some(),
            inflate,
            limits,
            clock,
            cap,
            seen: 0,
            pace: Pace { waited: Duration::ZERO, bytes: 0 },
            returned: None,
            done: false,
        })
    }

    /// Whether a cut connection can be told from a complete body: by a length, chunks, HTTP/2 or gzip's trailer.
    pub fn proves_its_end(&self) -> bool {
        self.proves_its_end
    }

    /// Allows `bytes` (inflated) instead of `json_bytes`; `name` is the limit's name in messages.
    #[must_use]
    pub fn capped(mut self, name: &'static str, bytes: u64) -> Self {
        self.cap = (name, bytes);
        self
    }

    /// The next bytes, never empty; `None` at the end.
    ///
    /// # Errors
    /// `Interrupted` when the connection breaks or the gzip layer is damaged, `Stalled` by the limits' guard,
    /// `LimitExceeded` past the cap.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        if let Some(chunk) = self.returned.take() {
            return Ok(Some(chunk));
        }
        loop {
            let inflated = match &mut self.inflate {
                Some(inflate) => inflate.take()?,
                None => None,
            };
            let chunk = match inflated {
                Some(chunk) => Some(chunk),
                None if self.done => None,
                None => match self.arrive().await? {
                    Some(bytes) => match &mut self.inflate {
                        Some(inflate) => {
                            inflate.feed(bytes);
                            continue;
                        }
                        None => Some(bytes),
                    },
                    None => {
                        self.done = true;
                        match &mut self.inflate {
                            Some(inflate) => inflate.finish()?,
                            None => None,
                        }
                    }
                },
            };
            let Some(chunk) = chunk else { return Ok(None) };
            if chunk.is_empty() {
                continue;
            }
            self.check_magic(&chunk)?;
            self.seen += chunk.len() as u64;
            let (limit, allowed) = self.cap;
            if self.seen > allowed {
                let error = Error::new(Kind::LimitExceeded { limit, allowed, observed: self.seen });
                return Err(error.hint(format!("`limits=Limits({limit}=…)` allows more")));
            }
            return Ok(Some(chunk));
        }
    }

    /// Puts the end of the last chunk back, to be given again.
    pub fn give_back(&mut self, chunk: Bytes) {
        self.returned = Some(chunk);
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`Body::chunk`].
    pub async fn all(mut self) -> Result<Bytes> {
        let Some(first) = self.chunk().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.chunk().await? else { return Ok(first) };
        let mut all = BytesMut::from(&first[..]);
        all.extend_from_slice(&second);
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// The head of it, at most `limits.error_bytes`: whatever goes wrong on the way ends it, because it is only the
    /// explanation of an error that is known already.
    pub async fn head(self) -> Bytes {
        let most = self.limits.error_bytes;
        self.beginning(most).await
    }

    /// As [`Body::head`], with a bound of its own.
    pub async fn beginning(mut self, most: u64) -> Bytes {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        self.cap = ("error_bytes", u64::MAX);
        let mut head = BytesMut::new();
        while head.len() < most {
            match self.chunk().await {
                Ok(Some(chunk)) => head.extend_from_slice(&chunk[..chunk.len().min(most - head.len())]),
                Ok(None) | Err(_) => break,
            }
        }
        head.freeze()
    }

    /// Waits for the transport, no longer than the guard allows.
    async fn arrive(&mut self) -> Result<Option<Bytes>> {
        let began = self.clock.now();
        let patience = self.clock.reach(began.plus(self.limits.idle));
        let source = &mut self.source;
        let arrived = tokio::select! {
            biased;
            arrived = poll_fn(|context| source.as_mut().poll_next(context)) => arrived.transpose()?,
            () = patience => {
                return Err(Error::transport(
                    TransportFault::Stalled,
                    format!("the answer stopped after {} bytes: nothing more within {} s", self.seen, self.limits.idle.as_secs_f64()),
                ));
            }
        };
        self.keep_pace(began, arrived.as_ref().map_or(0, Bytes::len) as u64)?;
        Ok(arrived)
    }

    /// Ends a body that trickles: less than `slow_bytes` a second over a whole `slow_window` of waiting.
    fn keep_pace(&mut self, began: Moment, bytes: u64) -> Result<()> {
        self.pace.waited += self.clock.now().since(began);
        self.pace.bytes += bytes;
        if self.pace.waited < self.limits.slow_window {
            return Ok(());
        }
        let needed = self.limits.slow_bytes as f64 * self.pace.waited.as_secs_f64();
        if (self.pace.bytes as f64) < needed {
            return Err(Error::transport(
                TransportFault::Stalled,
                format!(
                    "the answer trickles: {} bytes in {:.0} s, at least {} bytes a second are expected",
                    self.pace.bytes,
                    self.pace.waited.as_secs_f64(),
                    self.limits.slow_bytes
                ),
            ));
        }
        self.pace = Pace { waited: Duration::ZERO, bytes: 0 };
        Ok(())
    }

    /// What is (still) gzip where no gzip may be would otherwise be decoded as text.
    fn check_magic(&self, chunk: &Bytes) -> Result<()> {
        if self.seen == 0 && chunk.starts_with(&GZIP) {
            let what =
                if self.inflate.is_some() { "more than one layer of gzip" } else { "gzip that it doesn't declare" };
            return Err(Error::transport(TransportFault::Interrupted, format!("the answer has {what}")));
        }
        Ok(())
    }
}

/// Whether the body is gzip. Nothing else is ever offered, and layers are not accepted.
fn encoding(headers: &HeaderMap) -> Result<bool> {
    let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
    let value = values.next().map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase());
    match (value.as_deref(), values.next()) {
        (None | Some("" | "identity"), None) => Ok(false),
        (Some("gzip" | "x-gzip"), None) => Ok(true),
        (first, _) => Err(Error::transport(
            TransportFault::Interrupted,
            format!(
                "the answer's content encoding `{}` was not offered: only identity or one layer of gzip is read",
                crate::ids::shown(first.unwrap_or_default())
            ),
        )),
    }
}
