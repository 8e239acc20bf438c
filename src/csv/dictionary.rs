//! Text in which few values repeat: each value once, and a number for each cell.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{DictionaryArray, Int32Array, StringArray, types::Int32Type};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::cells::{Cell, Cells, Each, undouble};
use super::column::{Room, Validity, buffer};
use super::text::{INLINE, inline};

/// Places for short values that came lately: a power of two, little enough for the first-level cache.
const RECENT: usize = 128;

/// A dictionary column under construction.
#[derive(Debug)]
pub(super) struct Dictionary {
    keys: Vec<i32>,
    known: HashMap<Box<[u8]>, i32>,
    /// Short values, as their views, with their keys. Most cells are found here.
    recent: Box<[(u128, i32)]>,
    data: Vec<u8>,
    offsets: Vec<i32>,
}

impl Default for Dictionary {
    fn default() -> Self {
        // No value has the view of an empty cell.
        let recent = vec![(0, 0); RECENT].into();
        Self { keys: Vec::new(), known: HashMap::new(), recent, data: Vec::new(), offsets: Vec::new() }
    }
}

impl Dictionary {
    /// Makes room where it is short.
    pub fn provide(&mut self, room: Room) {
        room.provide(&mut self.keys, 1);
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
            } else if cell.len() <= INLINE {
                self.short(cell)
            } else {
                self.key(cell.bytes())
            };
            self.keys.push(key);
            true
        });
        cells.visit(from, &mut each);
    }

    #[inline(always)]
    fn short(&mut self, cell: Cell<'_>) -> i32 {
        let view = inline(cell);
        let mixed = ((view ^ view >> 64) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let place = (mixed >> (64 - RECENT.trailing_zeros())) as usize;
        let (known, key) = self.recent[place];
        if known == view {
            return key;
        }
        let key = self.key(cell.bytes());
        self.recent[place] = (view, key);
        key
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

#[cfg(test)]
mod tests {
    use arrow_array::{Array, StringArray, TypedDictionaryArray};

    use super::*;
    use crate::csv::{
        cells::{Quoting, Rows},
        scan::{BEFORE, PAD, scan},
    };

    #[test]
    fn each_value_is_kept_once_however_many_share_a_place() {
        // More values than places, each of them twice, some too long for one.
        let value = |row: usize| match row % 700 {
            0 => String::new(),
            n if n % 50 == 1 => format!("a value that is long {n}"),
            n => format!("v{n}"),
        };
        let text: String = (0..1400).map(|row| value(row) + "\n").collect();
        let (mut ends, mut doubles) = (vec![BEFORE], Vec::new());
        scan(text.as_bytes(), &mut ends, &mut doubles);
        let padded = [text.as_bytes(), &[0; PAD]].concat();
        let (mut dictionary, mut validity) = (Dictionary::default(), Validity::default());
        let rows = Rows::new(&padded, &ends, 1400, &[false], Quoting::None);
        dictionary.append(&rows.column(0), 0, &mut validity);
        let array = dictionary.finish(validity.finish());
        let found: TypedDictionaryArray<'_, Int32Type, StringArray> = array.downcast_dict().unwrap();
        let found: Vec<_> = found.into_iter().map(|value| value.unwrap_or_default().to_owned()).collect();
        assert_eq!(found, (0..1400).map(value).collect::<Vec<_>>());
        assert_eq!((array.values().len(), array.null_count()), (699, 2));
    }
}
