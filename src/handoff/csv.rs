//! CSV files after RFC 4180, quoted only where it is needed.

use std::{io::Write, path::Path};

use arrow_array::RecordBatch;
use arrow_csv::{WriterBuilder, writer::Terminator};
use arrow_schema::SchemaRef;

use super::{Sink, atomic::AtomicFile, encoder_fault};
use crate::Result;

/// Rows that are turned into text before it is written.
const STRIDE: usize = 8192;

/// A CSV file under way: UTF-8, a header line, `\r\n` after every line.
///
/// Nulls are empty cells, and so is empty text. Dates are `2023-12-31`, timestamps the same with a time after `T`;
/// numbers have no separators of thousands.
pub struct CsvSink {
    file: AtomicFile,
    text: Vec<u8>,
}

impl CsvSink {
    /// Begins a file at `path` for batches of `schema`, with its header.
    ///
    /// # Errors
    /// Those of [`AtomicFile::create`], and a configuration error for nested types.
    pub fn create(path: impl AsRef<Path>, schema: &SchemaRef) -> Result<Self> {
        let mut sink = Self { file: AtomicFile::create(path)?, text: Vec::new() };
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
            .map_err(|error| encoder_fault(self.file.path(), &error))?;
        self.file.write_all(&self.text).map_err(|error| self.file.fault(&error))
    }
}

impl Sink for CsvSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        for start in (0..batch.num_rows()).step_by(STRIDE) {
            self.append(&batch.slice(start, STRIDE.min(batch.num_rows() - start)), false)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<u64> {
        self.file.commit()
    }
}
