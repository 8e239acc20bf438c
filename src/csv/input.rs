//! Bytes as they come, made UTF-8, with padding behind them.
//!
//! A piece that is longer than what is read at a time is read where it lies. Only what stands at its end, and pieces that
//! are short, are put together in a buffer.

use bytes::{Buf, Bytes};
use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::scan::PAD;

/// Stands in the text where the bytes were broken.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Text that waits to be read: what is left of `buffer`, then what wasn't copied of `piece`.
#[derive(Debug)]
pub(super) struct Input {
    /// Text from `start` on, then [`PAD`] bytes of any content.
    buffer: Vec<u8>,
    start: usize,
    /// What was pushed last. Its first `copied` bytes are the last ones of the buffer, too.
    piece: Bytes,
    copied: usize,
    decoder: Option<Transcoder>,
}

#[derive(Debug)]
struct Transcoder {
    decoder: DecoderBox,
    /// Where the bytes were not text in the encoding, by byte of the text; U+FFFD stands there.
    malformed: Vec<usize>,
}

/// A decoder says nothing about itself.
struct DecoderBox(Decoder);

impl std::fmt::Debug for DecoderBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.encoding().name())
    }
}

impl Input {
    /// Bytes in `encoding`; without one they are taken as they are.
    pub fn new(encoding: Option<&'static Encoding>) -> Self {
        let decoder = encoding.map(|encoding| Transcoder {
            decoder: DecoderBox(encoding.new_decoder_with_bom_removal()),
            malformed: Vec::new(),
        });
        Self { buffer: vec![0; PAD], start: 0, piece: Bytes::new(), copied: 0, decoder }
    }

    /// Takes the next piece. Of the one before nothing is left when [`reach`](Self::reach) said `false`; else it is copied.
    pub fn push(&mut self, piece: Bytes) {
        if !self.piece.is_empty() {
            self.gather(self.buffered() + self.piece.len() - self.copied);
        }
        self.piece = piece;
        self.copied = 0;
    }

    /// Takes all of the text.
    pub fn take(&mut self) -> Bytes {
        debug_assert!(self.decoder.is_none());
        let text = match self.copied.checked_sub(self.buffered()) {
            Some(start) => self.piece.slice(start..),
            None => [&self.buffer[self.start..self.buffer.len() - PAD], &self.piece[self.copied..]].concat().into(),
        };
        self.piece = Bytes::new();
        self.clear();
        text
    }

    /// Whether `want` bytes of text are there; with `false` another piece is needed.
    pub fn reach(&mut self, want: usize) -> bool {
        if self.buffered() <= self.copied {
            // All of it still lies in the piece.
            self.piece.advance(self.copied - self.buffered());
            self.clear();
            if self.decoder.is_none() && self.piece.len() >= want + PAD {
                return true;
            }
        }
        if self.buffered() < want {
            self.gather(want);
        }
        self.buffered() >= want
    }

    /// Bytes of text in the buffer. When there are none the text lies in the piece.
    fn buffered(&self) -> usize {
        self.buffer.len() - PAD - self.start
    }

    /// The text that [`reach`](Self::reach) found, and what comes behind it: at least [`PAD`] bytes of any content.
    pub fn padded(&self) -> &[u8] {
        if self.buffered() > 0 || self.piece.is_empty() { &self.buffer[self.start..] } else { &self.piece }
    }

    /// The first bytes of the text that was found.
    pub fn text(&self, length: usize) -> &[u8] {
        &self.padded()[..length]
    }

    /// The bytes of the text when no piece is left, or it is closed.
    pub fn rest(&self) -> usize {
        debug_assert!(self.piece.is_empty());
        self.buffered()
    }

    /// Where in the text the encoding was broken.
    pub fn malformed(&self) -> &[usize] {
        self.decoder.as_ref().map_or(&[], |decoder| &decoder.malformed)
    }

    /// Drops text that was read.
    pub fn consume(&mut self, bytes: usize) {
        if self.buffered() > 0 {
            debug_assert!(bytes <= self.buffered());
            self.start += bytes;
        } else {
            self.piece.advance(bytes);
        }
        if let Some(decoder) = &mut self.decoder {
            let done = decoder.malformed.partition_point(|&at| at < bytes);
            decoder.malformed.drain(..done);
            decoder.malformed.iter_mut().for_each(|at| *at -= bytes);
        }
    }

    /// Takes the first `length` bytes out of the text that was found, with at least [`PAD`] bytes behind them.
    pub fn cut(&mut self, length: usize) -> Bytes {
        if self.buffered() == 0 && !self.piece.is_empty() {
            let text = self.piece.slice(..length + PAD);
            self.piece.advance(length);
            return text;
        }
        // What comes behind it goes on in a buffer of its own, as large as this one was needed to be.
        let mut next = Vec::with_capacity(self.buffer.len());
        next.extend_from_slice(&self.buffer[self.start + length..]);
        let text = Bytes::from(std::mem::replace(&mut self.buffer, next)).slice(self.start..);
        self.start = 0;
        text
    }

    /// Nothing more comes. The text ends with a line feed now, unless it is empty: what the reading calls the last
    /// record needn't be a special case.
    pub fn close(&mut self) {
        if let Some(decoder) = &mut self.decoder {
            decoder.decode(&[], &mut self.buffer, self.start, usize::MAX, true);
        }
        let end = self.buffer.len() - PAD;
        if self.buffered() > 0 && self.buffer[end - 1] != b'\n' {
            self.buffer[end] = b'\n';
            self.buffer.push(0);
        }
    }

    /// Takes from the piece until `want` bytes of text are in the buffer, or more, or nothing is left of the piece, which
    /// is let go then.
    fn gather(&mut self, want: usize) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        if let Some(decoder) = &mut self.decoder {
            let read = decoder.decode(&self.piece, &mut self.buffer, self.start, want, false);
            self.piece.advance(read);
        } else {
            let more = &self.piece[self.copied..];
            let more = &more[..more.len().min(want - self.buffered())];
            self.buffer.truncate(self.buffer.len() - PAD);
            // Room for all that is wanted, at once.
            self.buffer.reserve_exact(want.max(self.buffer.len()) + PAD - self.buffer.len());
            self.buffer.extend_from_slice(more);
            self.buffer.resize(self.buffer.len() + PAD, 0);
            self.copied += more.len();
        }
        if self.copied == self.piece.len() {
            self.piece = Bytes::new();
            self.copied = 0;
        }
    }

    fn clear(&mut self) {
        self.buffer.clear();
        self.buffer.resize(PAD, 0);
        (self.start, self.copied) = (0, 0);
    }
}

impl Transcoder {
    /// Writes text to the end of the buffer, before the padding, until `want` bytes stand from `start` on; returns how
    /// many bytes were read.
    fn decode(&mut self, bytes: &[u8], buffer: &mut Vec<u8>, start: usize, want: usize, last: bool) -> usize {
        /// A decoder writes whole characters only, and what it has kept back.
        const ROOM: usize = 4 << 10;
        let mut end = buffer.len() - PAD;
        let mut read_all = 0;
        while end - start < want {
            buffer.resize(end + ROOM, 0);
            let (result, read, written) =
                self.decoder.0.decode_to_utf8_without_replacement(&bytes[read_all..], &mut buffer[end..], last);
            read_all += read;
            end += written;
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    self.malformed.push(end - start);
                    buffer.truncate(end);
                    buffer.extend_from_slice(REPLACEMENT);
                    end += REPLACEMENT.len();
                }
            }
        }
        buffer.resize(end + PAD, 0);
        read_all
    }
}
