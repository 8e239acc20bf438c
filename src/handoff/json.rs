//! JSON: an array of objects, or an object a line (NDJSON), one for each row.

use arrow_array::RecordBatch;
use arrow_json::{
    Writer, WriterBuilder,
    writer::{JsonArray, LineDelimited},
};

use super::{Output, Sink, encoder_fault};
use crate::Result;

/// JSON under way: UTF-8, every column in every object, `null` where a cell is.
///
/// Dates are `"2023-12-31"`, timestamps the same with a time after `T`, numbers are numbers.
pub struct JsonSink {
    shown: String,
    writer: Form,
}

enum Form {
    Array(Writer<Output, JsonArray>),
    Lines(Writer<Output, LineDelimited>),
}

impl JsonSink {
    /// Begins an array.
    pub fn array(output: Output) -> Self {
        Self { shown: output.shown(), writer: Form::Array(builder().build(output)) }
    }

    /// Begins with an object a line.
    pub fn lines(output: Output) -> Self {
        Self { shown: output.shown(), writer: Form::Lines(builder().build(output)) }
    }
}

fn builder() -> WriterBuilder {
    WriterBuilder::new().with_explicit_nulls(true)
}

impl Sink for JsonSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let written = match &mut self.writer {
            Form::Array(writer) => writer.write(batch),
            Form::Lines(writer) => writer.write(batch),
        };
        written.map_err(|error| encoder_fault(&self.shown, &error))
    }

    fn output(&mut self) -> &mut Output {
        match &mut self.writer {
            Form::Array(writer) => writer.get_mut(),
            Form::Lines(writer) => writer.get_mut(),
        }
    }

    fn close(self: Box<Self>) -> Result<Output> {
        let Self { shown, writer } = *self;
        let finished = match writer {
            Form::Array(mut writer) => writer.finish().map(|()| {
                let mut output = writer.into_inner();
                // The one format whose last line would have no end.
                std::io::Write::write_all(&mut output, b"\n").map(|()| output)
            }),
            Form::Lines(mut writer) => writer.finish().map(|()| Ok(writer.into_inner())),
        };
        match finished {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(error)) => Err(encoder_fault(&shown, &error)),
            Err(error) => Err(encoder_fault(&shown, &error)),
        }
    }
}
