//! CSV files after RFC 4180, quoted only where it is needed.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_csv::{WriterBuilder, writer::Terminator};
use arrow_schema::SchemaRef;

use super::{Output, Sink, encoder_fault};
use crate::Result;

/// Rows that are turned into text before it is written.
const STRIDE: usize = 8192;

/// A CSV file under way: UTF-8, a header line, `\r\n` after every line.
///
/// Nulls are empty cells, and so is empty text. Dates are `2023-12-31`, timestamps the same with a time after `T`;
/// numbers have no separators of thousands.
pub struct CsvSink {
    output: Output,
    text: Vec<u8>,
}

impl CsvSink {
    /// Begins with batches of `schema`, and writes the header.
    ///
    /// # Errors
    /// A file error, and a configuration error for nested types.
    pub fn new(output: Output, schema: &SchemaRef) -> Result<Self> {
        let mut sink = Self { output, text: Vec::new() };
        sink.append(&RecordBatch::new_empty(schema.clone()), true)?;
        Ok(sink)
    }

    fn append(&mut self, batch: &RecordBatch, header: bool) -> Result<()> {
        self.text.clear();
        WriterBuilder::new()
            .with_header(header)
            .with_line_terminator(Terminator::CRLF)
            .build(&mut self.text)
            .write(batch)
            .map_err(|error| encoder_fault(&self.output.shown(), &error))?;
        self.output.write_all(&self.text).map_err(|error| self.output.fault(&error))
    }
}

impl Sink for CsvSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        for start in (0..batch.num_rows()).step_by(STRIDE) {
            self.append(&batch.slice(start, STRIDE.min(batch.num_rows() - start)), false)?;
        }
        Ok(())
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn close(self: Box<Self>) -> Result<Output> {
        Ok(self.output)
    }
}
