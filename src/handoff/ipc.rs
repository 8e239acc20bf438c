//! Arrow IPC files (`.arrow`, also known as Feather version 2), uncompressed.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_cast::cast;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use super::{Sink, atomic::AtomicFile, encoder_fault};
use crate::Result;

/// An Arrow IPC file under way.
///
/// Dictionary columns are written as their values: such a file has one dictionary per column, while the batches of a
/// stream each bring their own.
pub struct IpcSink {
    path: PathBuf,
    schema: SchemaRef,
    writer: FileWriter<AtomicFile>,
}

impl IpcSink {
    /// Begins a file at `path` for batches of `schema`.
    ///
    /// # Errors
    /// Those of [`AtomicFile::create`], and a configuration error when the format has no such type.
    pub fn create(path: impl AsRef<Path>, schema: &SchemaRef) -> Result<Self> {
        let file = AtomicFile::create(path)?;
        let path = file.path().to_owned();
        let schema = without_dictionaries(schema);
        let writer = FileWriter::try_new(file, &schema).map_err(|error| encoder_fault(&path, &error))?;
        Ok(Self { path, schema, writer })
    }
}

impl Sink for IpcSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = with_schema(batch, &self.schema).map_err(|error| encoder_fault(&self.path, &error))?;
        self.writer.write(&batch).map_err(|error| encoder_fault(&self.path, &error))
    }

    fn finish(self: Box<Self>) -> Result<u64> {
        let Self { path, writer, .. } = *self;
        writer.into_inner().map_err(|error| encoder_fault(&path, &error))?.commit()
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
