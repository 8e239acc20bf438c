//! The columns of one batch, filled column by column from runs of rows.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;

use super::{
    cells::Rows,
    column::{Column, Kind, Room},
    infer::Narrow,
};

/// A batch under construction.
#[derive(Debug)]
pub(super) struct Batch {
    columns: Vec<Column>,
    rows: usize,
}

/// A cell that isn't of its column's type: the row within the run, and the column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Misfit {
    pub row: usize,
    pub column: usize,
}

impl Batch {
    /// An empty batch with columns of these kinds, which inference knows to need these levels.
    pub fn new(kinds: &[Kind], levels: &[Narrow]) -> Self {
        let columns = kinds.iter().zip(levels).map(|(kind, level)| Column::new(*kind, *level)).collect();
        Self { columns, rows: 0 }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Makes room where it is short.
    pub fn provide(&mut self, room: Room) {
        self.columns.iter_mut().for_each(|column| column.provide(room));
    }

    /// Appends all rows of a run, or says which cell is the first that doesn't fit; the batch is of no use then.
    pub fn append(&mut self, mut rows: Rows<'_>) -> Result<(), Misfit> {
        let all = rows.len();
        let mut first = None;
        for (index, column) in self.columns.iter_mut().enumerate() {
            if let Err(row) = column.append(&rows.column(index), 0) {
                // From here on only what comes earlier counts.
                first = Some(Misfit { row, column: index });
                rows = rows.part(0, row);
            }
        }
        if let Some(misfit) = first {
            return Err(misfit);
        }
        self.rows += all;
        Ok(())
    }

    /// Appends the rows of a run whose cells all fit; returns the cells that don't, in order, the first of each row.
    pub fn append_fitting(&mut self, rows: Rows<'_>) -> Vec<Misfit> {
        let before = self.rows;
        let mut misfits = Vec::new();
        let (total, picky): (Vec<_>, Vec<_>) = (0..self.columns.len()).partition(|&i| self.columns[i].takes_all());
        for &index in &picky {
            let column = &mut self.columns[index];
            let cells = rows.column(index);
            let mut from = 0;
            while let Err(row) = column.append(&cells, from) {
                misfits.push(Misfit { row, column: index });
                column.push_null();
                from = row + 1;
            }
        }
        misfits.sort_unstable();
        misfits.dedup_by_key(|misfit| misfit.row);
        if !misfits.is_empty() {
            for &index in &picky {
                self.columns[index].truncate(before);
            }
        }
        // The columns that take every cell see only rows that stay: inference must not learn from rejects.
        let mut start = 0;
        for end in misfits.iter().map(|misfit| misfit.row).chain([rows.len()]) {
            let part = rows.part(start, end);
            for index in total.iter().chain(if misfits.is_empty() { &[][..] } else { &picky }) {
                let appended = self.columns[*index].append(&part.column(*index), 0);
                debug_assert!(appended.is_ok(), "rows that don't fit were left out");
            }
            self.rows += part.len();
            start = end + 1;
        }
        misfits
    }

    /// The types that inference needs for each column, those of `levels` included.
    pub fn join_levels(&self, levels: &mut [Narrow]) {
        for (level, column) in levels.iter_mut().zip(&self.columns) {
            *level = level.join(column.level());
        }
    }

    /// The finished batch.
    pub fn finish(self, schema: &SchemaRef, levels: &[Narrow]) -> RecordBatch {
        let rows = self.rows;
        debug_assert!(self.columns.iter().all(|column| column.len() == rows));
        let arrays = self.columns.into_iter().zip(levels).map(|(column, level)| column.finish(*level)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        #[expect(clippy::expect_used, reason = "schema and columns come from the same plan")]
        RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options).expect("columns of the schema")
    }
}
