//! Text as Arrow views: sixteen bytes a cell that hold short text, or say where long text lies.

use arrow_array::StringViewArray;
use arrow_buffer::{Buffer, NullBuffer};

use super::cells::{Cell, Cells, Each, Take, undouble};
use super::column::{Room, Validity, ValidityWriter, buffer};

/// Text up to this length lies in the view itself.
pub(super) const INLINE: usize = 12;

/// A data buffer is closed before it grows beyond this: views count in 32 bits, signed for some readers.
const BUFFER_BYTES: usize = i32::MAX as usize;

/// For each length the bytes of a word of sixteen that belong to the text.
const KEEP: [u128; INLINE + 1] = {
    let mut all = [0; INLINE + 1];
    let mut length = 1;
    while length < all.len() {
        all[length] = all[length - 1] << 8 | 0xFF;
        length += 1;
    }
    all
};

/// The view of a cell that lies in it.
#[inline(always)]
pub(super) fn inline(cell: Cell<'_>) -> u128 {
    (cell.wide() & KEEP[cell.len()]) << 32 | cell.len() as u128
}

/// A column of text under construction.
#[derive(Debug, Default)]
pub(super) struct Text {
    views: Vec<u128>,
    /// The long text of the newest views.
    data: Vec<u8>,
    /// Data buffers that are full.
    full: Vec<Buffer>,
}

/// Views on their way to memory that has room for all of them, and long text.
struct Fill<'a> {
    out: *mut u128,
    bits: ValidityWriter<'a>,
    /// The index of the data buffer, where a view has it.
    buffer: u128,
    data: &'a mut Vec<u8>,
    /// The memory of `data`, the bytes that were written to it, and those that it has room for.
    start: *mut u8,
    at: usize,
    room: usize,
}

impl Take for Fill<'_> {
    #[inline(always)]
    fn take(&mut self, cell: Cell<'_>) -> bool {
        // Beyond a copy, which is made 32 bytes at a time.
        const SLACK: usize = 32;
        let length = cell.len();
        self.bits.push(length > 0);
        let view = if length <= INLINE {
            inline(cell)
        } else {
            if self.room - self.at < length + SLACK {
                self.grow(length + SLACK);
            }
            // SAFETY: there is room for the cell and the slack.
            unsafe { cell.copy_to(self.start.add(self.at)) };
            let view = length as u128 | u128::from(cell.word(0) as u32) << 32 | self.buffer | (self.at as u128) << 96;
            self.at += length;
            view
        };
        // SAFETY: whoever made this made room for one view a cell.
        unsafe {
            self.out.write(view);
            self.out = self.out.add(1);
        }
        true
    }
}

impl Fill<'_> {
    #[cold]
    fn grow(&mut self, more: usize) {
        // SAFETY: so many bytes were written.
        unsafe { self.data.set_len(self.at) };
        self.data.reserve(more);
        (self.start, self.room) = (self.data.as_mut_ptr(), self.data.capacity());
    }
}

impl Text {
    /// An empty column with room for `rows` cells.
    pub fn with_capacity(rows: usize) -> Self {
        Self { views: Vec::with_capacity(rows), ..Self::default() }
    }

    /// Makes room where it is short, and for as much long text as the cells so far had.
    pub fn provide(&mut self, room: Room) {
        let bytes = |cells: usize| (self.data.len() * cells).div_ceil(self.views.len().max(1));
        let long = Room { soon: bytes(room.soon), rest: bytes(room.rest + room.rest / 32) };
        long.provide(&mut self.data, 1);
        room.provide(&mut self.views, 1);
    }

    /// Appends the cells from the row `from` on.
    pub fn append(&mut self, cells: &Cells<'_>, from: usize, validity: &mut Validity) {
        self.views.reserve(cells.len() - from);
        if self.data.len() + cells.span() > BUFFER_BYTES {
            self.close_buffer();
        }
        if cells.doubled() {
            self.append_undoubled(cells, from, validity);
        } else {
            self.append_plain(cells, from, validity);
        }
    }

    /// Cells that stand in the text as they are meant; room for their views was made.
    #[inline(never)]
    fn append_plain(&mut self, cells: &Cells<'_>, from: usize, validity: &mut Validity) {
        let count = cells.len() - from;
        let before = self.views.len();
        let mut fill = Fill {
            out: self.views.spare_capacity_mut().as_mut_ptr().cast(),
            bits: validity.writer(count),
            buffer: (self.full.len() as u128) << 64,
            start: self.data.as_mut_ptr(),
            at: self.data.len(),
            room: self.data.capacity(),
            data: &mut self.data,
        };
        cells.visit(from, &mut fill);
        let Fill { at, data, .. } = fill;
        // SAFETY: so many bytes were written, and one view for each of the cells.
        unsafe {
            data.set_len(at);
            self.views.set_len(before + count);
        }
    }

    /// Cells some of which have doubled quotes.
    #[inline(never)]
    fn append_undoubled(&mut self, cells: &Cells<'_>, from: usize, validity: &mut Validity) {
        let mut bits = validity.writer(cells.len() - from);
        let mut each = Each(|cell: Cell<'_>| {
            bits.push(!cell.is_empty());
            let view = self.view(&undouble(cell.bytes()));
            self.views.push(view);
            true
        });
        cells.visit(from, &mut each);
    }

    fn close_buffer(&mut self) {
        if !self.data.is_empty() {
            self.full.push(buffer(std::mem::take(&mut self.data)).into_inner());
        }
    }

    /// Appends one cell. The bytes are UTF-8.
    pub fn push(&mut self, cell: &[u8]) {
        let view = self.view(cell);
        self.views.push(view);
    }

    /// The view of a cell, which is kept if it is long.
    fn view(&mut self, cell: &[u8]) -> u128 {
        if cell.len() <= INLINE {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&(cell.len() as u32).to_le_bytes());
            bytes[4..4 + cell.len()].copy_from_slice(cell);
            u128::from_le_bytes(bytes)
        } else {
            if self.data.len() + cell.len() > BUFFER_BYTES {
                self.close_buffer();
            }
            let prefix = u32::from_le_bytes([cell[0], cell[1], cell[2], cell[3]]);
            let view = cell.len() as u128
                | u128::from(prefix) << 32
                | (self.full.len() as u128) << 64
                | (self.data.len() as u128) << 96;
            self.data.extend_from_slice(cell);
            view
        }
    }

    /// Appends `rows` empty cells.
    pub fn push_empty(&mut self, rows: usize) {
        self.views.resize(self.views.len() + rows, 0);
    }

    /// The finished column.
    pub fn finish(mut self, nulls: Option<NullBuffer>) -> StringViewArray {
        self.close_buffer();
        let views = buffer(self.views);
        // SAFETY: every view was made by `push` from its own length, prefix, buffer index and offset, or is the empty
        // one; buffers only ever grow. Cells are cut from text that was checked to be UTF-8, at ASCII bytes only, so
        // that they are UTF-8 themselves; numbers written back are ASCII. The nulls are as long as the views because
        // the validity is pushed with every cell.
        unsafe { StringViewArray::new_unchecked(views, self.full, nulls) }
    }
}
