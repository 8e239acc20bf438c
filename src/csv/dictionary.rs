//! Text in which few values repeat: each value once, and a number for each cell.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{DictionaryArray, Int32Array, StringArray, types::Int32Type};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::cells::{Cell, Cells, Each, undouble};
use super::column::{Validity, buffer};

/// A dictionary column under construction.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    keys: Vec<i32>,
    known: HashMap<Box<[u8]>, i32>,
    data: Vec<u8>,
    offsets: Vec<i32>,
}

impl Dictionary {
    /// Makes room for so many more cells.
    pub fn reserve(&mut self, rows: usize) {
        self.keys.reserve(rows);
    }

    /// Appends the cells from the row `from` on.
    pub fn append(&mut self, cells: &Cells<'_>, from: usize, validity: &mut Validity) {
        self.keys.reserve(cells.len() - from);
        let mut bits = validity.writer(cells.len() - from);
        let doubled = cells.doubled();
        let mut each = Each(|cell: Cell<'_>| {
            bits.push(!cell.is_empty());
            let key = if cell.is_empty() {
                0
            } else if doubled {
                self.key(&undouble(cell.bytes()))
            } else {
                self.key(cell.bytes())
            };
            self.keys.push(key);
            true
        });
        cells.visit(from, &mut each);
    }

    fn key(&mut self, cell: &[u8]) -> i32 {
        if let Some(key) = self.known.get(cell) {
            return *key;
        }
        let key = self.known.len() as i32;
        self.known.insert(cell.into(), key);
        self.data.extend_from_slice(cell);
        self.offsets.push(self.data.len() as i32);
        key
    }

    /// The finished column.
    pub fn finish(mut self, nulls: Option<NullBuffer>) -> DictionaryArray<Int32Type> {
        self.offsets.insert(0, 0);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        // SAFETY: the offsets are the lengths of the data after each value, so they ascend and end with the data; values
        // are cells, which are UTF-8 because they are cut from checked text at ASCII bytes.
        let values = unsafe { StringArray::new_unchecked(offsets, Buffer::from_vec(self.data), None) };
        let keys = Int32Array::new(buffer(self.keys), nulls);
        DictionaryArray::new(keys, Arc::new(values))
    }
}
