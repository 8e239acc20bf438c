//! Text as Arrow views: sixteen bytes a cell that hold short text, or say where long text lies.

use arrow_array::StringViewArray;
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};

use super::cells::{Cells, undouble};
use super::column::Validity;

/// Text up to this length lies in the view itself.
const INLINE: usize = 12;

/// A data buffer is closed before it grows beyond this: views count in 32 bits, signed for some readers.
const BUFFER_BYTES: usize = i32::MAX as usize;

/// A column of text under construction.
#[derive(Debug, Default)]
pub(super) struct Text {
    views: Vec<u128>,
    /// The long text of the newest views.
    data: Vec<u8>,
    /// Data buffers that are full.
    full: Vec<Buffer>,
}

impl Text {
    /// An empty column with room for `rows` cells.
    pub fn with_capacity(rows: usize) -> Self {
        Self { views: Vec::with_capacity(rows), ..Self::default() }
    }

    /// Appends the cells from the row `from` on.
    pub fn append(&mut self, cells: &Cells<'_>, from: usize, validity: &mut Validity) {
        self.views.reserve(cells.len() - from);
        let text = cells.text();
        let doubled = cells.doubled();
        cells.visit(from, |start, length| {
            validity.push(length != 0);
            let cell = &text[start..start + length];
            if doubled && length > 1 {
                self.push(&undouble(cell));
            } else {
                self.push(cell);
            }
            true
        });
    }

    /// Appends one cell. The bytes are UTF-8.
    pub fn push(&mut self, cell: &[u8]) {
        let view = if cell.len() <= INLINE {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&(cell.len() as u32).to_le_bytes());
            bytes[4..4 + cell.len()].copy_from_slice(cell);
            u128::from_le_bytes(bytes)
        } else {
            if self.data.len() + cell.len() > BUFFER_BYTES {
                self.full.push(Buffer::from_vec(std::mem::take(&mut self.data)));
            }
            let prefix = u32::from_le_bytes([cell[0], cell[1], cell[2], cell[3]]);
            let view = cell.len() as u128
                | u128::from(prefix) << 32
                | (self.full.len() as u128) << 64
                | (self.data.len() as u128) << 96;
            self.data.extend_from_slice(cell);
            view
        };
        self.views.push(view);
    }

    /// Appends `rows` empty cells.
    pub fn push_empty(&mut self, rows: usize) {
        self.views.resize(self.views.len() + rows, 0);
    }

    /// The finished column.
    pub fn finish(mut self, nulls: Option<NullBuffer>) -> StringViewArray {
        if !self.data.is_empty() {
            self.full.push(Buffer::from_vec(self.data));
        }
        let views = ScalarBuffer::from(self.views);
        // SAFETY: every view was made by `push` from its own length, prefix, buffer index and offset, or is the empty
        // one; buffers only ever grow. Cells are cut from text that was checked to be UTF-8, at ASCII bytes only, so
        // that they are UTF-8 themselves; numbers written back are ASCII. The nulls are as long as the views because
        // the validity is pushed with every cell.
        unsafe { StringViewArray::new_unchecked(views, self.full, nulls) }
    }
}
