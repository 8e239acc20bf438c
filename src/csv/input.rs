//! Bytes as they come, made UTF-8, in one buffer with padding behind them.

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::scan::PAD;

/// Stands in the text where the bytes were broken.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Text that waits to be read.
#[derive(Debug)]
pub(super) struct Input {
    /// Text from `start` to `end`, then at least [`PAD`] bytes of any content.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    decoder: Option<Transcoder>,
}

#[derive(Debug)]
struct Transcoder {
    decoder: DecoderBox,
    /// Where the bytes were not text in the encoding, by byte of the buffer; U+FFFD stands there.
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
        Self { buffer: vec![0; PAD], start: 0, end: 0, decoder }
    }

    /// How many bytes of text there are.
    pub fn available(&self) -> usize {
        self.end - self.start
    }

    /// The text with its padding.
    pub fn padded(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// The first bytes of the text, all of it if there are fewer.
    pub fn text(&self, length: usize) -> &[u8] {
        &self.buffer[self.start..self.end.min(self.start + length)]
    }

    /// Where in the text the encoding was broken.
    pub fn malformed(&self) -> &[usize] {
        self.decoder.as_ref().map_or(&[], |decoder| &decoder.malformed)
    }

    /// Drops text that was read.
    pub fn consume(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.available());
        self.start += bytes;
        if let Some(decoder) = &mut self.decoder {
            let done = decoder.malformed.partition_point(|&at| at < bytes);
            decoder.malformed.drain(..done);
            decoder.malformed.iter_mut().for_each(|at| *at -= bytes);
        }
    }

    /// Takes from `bytes` until `want` bytes of text are there, or more, or nothing is left of `bytes`.
    pub fn fill(&mut self, bytes: &mut &[u8], want: usize) {
        if self.available() >= want || bytes.is_empty() {
            return;
        }
        self.make_room(want);
        if let Some(decoder) = &mut self.decoder {
            while self.end - self.start < want && !bytes.is_empty() {
                let read = decoder.decode(bytes, &mut self.buffer, self.start, &mut self.end, false);
                *bytes = &bytes[read..];
            }
        } else {
            let (now, later) = bytes.split_at(bytes.len().min(want - self.available()));
            self.buffer[self.end..self.end + now.len()].copy_from_slice(now);
            self.end += now.len();
            *bytes = later;
        }
    }

    /// Nothing more comes. The text ends with a line feed now, unless it is empty: what the reading calls the last
    /// record needn't be a special case.
    pub fn close(&mut self) {
        self.make_room(self.available() + 1);
        if let Some(decoder) = &mut self.decoder {
            decoder.decode(&[], &mut self.buffer, self.start, &mut self.end, true);
            self.make_room(self.available() + 1);
        }
        if self.available() > 0 && self.buffer[self.end - 1] != b'\n' {
            self.buffer[self.end] = b'\n';
            self.end += 1;
        }
    }

    /// Makes room for `length` bytes of text from its start on, and the padding.
    fn make_room(&mut self, length: usize) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        // Some room for a decoder that must write whole characters, and for its last words.
        let needed = length + 2 * PAD;
        if self.buffer.len() < needed {
            self.buffer.resize(needed, 0);
        }
    }
}

impl Transcoder {
    /// Writes text behind `end`, leaving the padding; returns how many bytes were read.
    fn decode(&mut self, bytes: &[u8], buffer: &mut [u8], start: usize, end: &mut usize, last: bool) -> usize {
        // What stands for broken bytes must fit, too.
        let room = buffer.len() - PAD - REPLACEMENT.len();
        let mut read_all = 0;
        loop {
            let target = &mut buffer[*end..room];
            let (result, read, written) =
                self.decoder.0.decode_to_utf8_without_replacement(&bytes[read_all..], target, last);
            read_all += read;
            *end += written;
            match result {
                DecoderResult::InputEmpty | DecoderResult::OutputFull => return read_all,
                DecoderResult::Malformed(..) => {
                    self.malformed.push(*end - start);
                    buffer[*end..*end + REPLACEMENT.len()].copy_from_slice(REPLACEMENT);
                    *end += REPLACEMENT.len();
                }
            }
        }
    }
}
