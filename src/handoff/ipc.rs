//! Arrow IPC, uncompressed: files (`.arrow`, also known as Feather version 2), and streams for readers that can't go back.

use arrow_array::RecordBatch;
use arrow_cast::cast;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::{Output, Sink, encoder_fault};
use crate::Result;

/// An Arrow IPC file or stream under way.
///
/// Dictionary columns are written as their values: such a file has one dictionary per column, while the batches of a
/// stream each bring their own.
pub struct IpcSink {
    shown: String,
    schema: SchemaRef,
    writer: Form,
}

enum Form {
    File(FileWriter<Output>),
    Stream(StreamWriter<Output>),
}

impl IpcSink {
    /// Begins a file of batches of `schema`.
    ///
    /// # Errors
    /// A configuration error when the format has no such type.
    pub fn new(output: Output, schema: &SchemaRef) -> Result<Self> {
        let shown = output.shown();
        let schema = without_dictionaries(schema);
        let writer = FileWriter::try_new(output, &schema).map_err(|error| encoder_fault(&shown, &error))?;
        Ok(Self { shown, schema, writer: Form::File(writer) })
    }

    /// Begins a stream of them.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn stream(output: Output, schema: &SchemaRef) -> Result<Self> {
        let shown = output.shown();
        let schema = without_dictionaries(schema);
        let writer = StreamWriter::try_new(output, &schema).map_err(|error| encoder_fault(&shown, &error))?;
        Ok(Self { shown, schema, writer: Form::Stream(writer) })
    }
}

impl Sink for IpcSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = with_schema(batch, &self.schema).map_err(|error| encoder_fault(&self.shown, &error))?;
        let written = match &mut self.writer {
            Form::File(writer) => writer.write(&batch),
            Form::Stream(writer) => writer.write(&batch),
        };
        written.map_err(|error| encoder_fault(&self.shown, &error))
    }

    fn output(&mut self) -> &mut Output {
        match &mut self.writer {
            Form::File(writer) => writer.get_mut(),
            Form::Stream(writer) => writer.get_mut(),
        }
    }

    fn close(self: Box<Self>) -> Result<Output> {
        let Self { shown, writer, .. } = *self;
        let output = match writer {
            Form::File(writer) => writer.into_inner(),
            Form::Stream(writer) => writer.into_inner(),
        };
        output.map_err(|error| encoder_fault(&shown, &error))
    }
}

fn without_dictionaries(schema: &Schema) -> SchemaRef {
    let plain = |field: &Field| match field.data_type() {
        DataType::Dictionary(_, values) => field.clone().with_data_type(values.as_ref().clone()),
        _ => field.clone(),
    };
    let fields: Vec<_> = schema.fields().iter().map(|field| plain(field)).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone()).into()
}

fn with_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| cast(column, field.data_type())).collect::<Result<_, _>>()?;
    RecordBatch::try_new(schema.clone(), columns)
}
