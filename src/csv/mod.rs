//! Bytes in, Arrow record batches out: quoted CSV, strictly read.
//!
//! Push bytes as they arrive into a [`Reader`] and take batches, or hand [`decode`] everything at once. The same bytes
//! give the same batches and the same errors however they were cut into pushes.
//!
//! The flow: `input` (encoding) → `window` (the whole rows of some text: by `scan`, which finds delimiters and sees that
//! something is wrong, or by `record`, which sees what and where) → `cells` (the cells of one column) → `column` (typed
//! values; `infer` finds types) → `batch`. `reader` holds it together; `blocks` spreads it over threads, `parallel` has some.
//!
//! # What counts as CSV
//! - The delimiter is a comma, a record ends with LF or CRLF (mixed as they come); the last one may end with the input.
//! - A cell is bare or quoted. A quote opens only at the very start of a cell; after the closing quote only a delimiter,
//!   a line end or another quote (which makes it a literal `"`) may follow. Anything else is an error, so that a lost or
//!   extra quote can't swallow rows in silence.
//! - An empty cell, `""` or bare, is null in every type, text included.
//! - A carriage return outside quotes stands only before a line feed. A lone one is an error: it could be a line end or
//!   text, and either guess would change the data. As the very last byte it is the line end, cut short.
//! - Every record has as many cells as the header. An empty line is a record with one empty cell: an error beside a
//!   header of several columns, a null below a header of one.
//! - NUL and bytes that aren't UTF-8 (or the encoding that was asked for) are errors. A byte order mark is skipped.

mod batch;
mod blocks;
mod cells;
mod column;
mod date;
mod dictionary;
mod header;
mod infer;
mod input;
mod number;
mod parallel;
mod position;
mod reader;
mod record;
mod reject;
mod scan;
mod schema;
#[cfg(test)]
mod tests;
mod text;
mod window;

pub use blocks::{Block, Blocks, DecodedBlock};
pub use parallel::{Decoded, decode};
pub use reader::Reader;
pub use schema::{ColumnType, DateFormat, Options, Schema, TimestampFormat, empty};
