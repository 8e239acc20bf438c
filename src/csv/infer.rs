//! Types found in the data, in one pass over it.
//!
//! A column is held in the narrowest form that can be written back character for character: nothing but empty cells,
//! canonical integers, plain decimals with the number of their digits behind the point, text. When a cell comes that
//! the form can't hold, what is already there is written back and the column goes on in a wider form. So `007`,
//! `+4420…`, twenty digits, `1e5`, `NaN` and ` 7` make a column text, and the values before them are text again exactly
//! as they stood; no byte of the input is read twice or kept beside its value.
//!
//! The type of a column is the join of the forms of its batches:
//!
//! | the non-empty cells are | type |
//! |---|---|
//! | none | text |
//! | canonical integers within int64 | int64 |
//! | plain decimals that the nearest float64, written with as many digits behind the point, gives back character for character (always with up to 15 significant digits and 22 behind the point, at most with 19); integers of up to 15 digits among them | float64 |
//! | anything else, or decimals beside integers of more than 15 digits | text |

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array};
use arrow_schema::DataType;

use super::{
    cells::{Cell, Cells, Each, Take},
    column::{Room, Validity, ValidityWriter, buffer, primitive},
    number::{self, EXACT_BELOW},
    schema::ColumnType,
    text::Text,
};

/// The narrowest type of some cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Narrow {
    /// There are only empty ones.
    #[default]
    Empty,
    /// Integers that float64 could hold, too.
    Int,
    /// Integers, some with more digits than float64 holds.
    WideInt,
    /// Decimals.
    Decimal,
    /// Text.
    Text,
}

impl Narrow {
    /// The narrowest type of two sets of cells together.
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Empty, same) | (same, Self::Empty) => same,
            (Self::Text, _) | (_, Self::Text) => Self::Text,
            (Self::WideInt, Self::Decimal) | (Self::Decimal, Self::WideInt) => Self::Text,
            (Self::Decimal, _) | (_, Self::Decimal) => Self::Decimal,
            (Self::WideInt, _) | (_, Self::WideInt) => Self::WideInt,
            (Self::Int, Self::Int) => Self::Int,
        }
    }

    /// The Arrow type.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Int | Self::WideInt => DataType::Int64,
            Self::Decimal => DataType::Float64,
            Self::Empty | Self::Text => ColumnType::Utf8.arrow(),
        }
    }

    /// The type in an error.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int | Self::WideInt => "int64",
            Self::Decimal => "float64",
            Self::Empty | Self::Text => "text",
        }
    }
}

/// The values of a column whose type is being found.
#[derive(Debug)]
pub(super) enum Inferred {
    Empty,
    Int {
        values: Vec<i64>,
        wide: bool,
    },
    /// The digits behind each point stand in `scales`.
    Decimal {
        values: Vec<f64>,
        scales: Vec<u8>,
    },
    Text(Text),
}

impl Inferred {
    /// No cells yet, and a type that other cells of the column need already.
    pub fn starting_at(level: Narrow) -> Self {
        match level {
            Narrow::Empty => Self::Empty,
            Narrow::Int | Narrow::WideInt => Self::Int { values: Vec::new(), wide: false },
            Narrow::Decimal => Self::Decimal { values: Vec::new(), scales: Vec::new() },
            Narrow::Text => Self::Text(Text::default()),
        }
    }

    /// The type that the cells so far need.
    pub fn level(&self) -> Narrow {
        match self {
            Self::Empty => Narrow::Empty,
            Self::Int { wide: false, .. } => Narrow::Int,
            Self::Int { wide: true, .. } => Narrow::WideInt,
            Self::Decimal { .. } => Narrow::Decimal,
            Self::Text(_) => Narrow::Text,
        }
    }

    /// Makes room where it is short.
    pub fn provide(&mut self, room: Room) {
        match self {
            Self::Empty => {}
            Self::Int { values, .. } => room.provide(values, 1),
            Self::Decimal { values, scales } => {
                room.provide(values, 1);
                room.provide(scales, 1);
            }
            Self::Text(text) => text.provide(room),
        }
    }

    /// Appends the cells from the row `from` on, in a wider form where they need it.
    pub fn append(&mut self, cells: &Cells<'_>, mut from: usize, validity: &mut Validity) {
        while from < cells.len() {
            from = self.extend(cells, from, validity);
            if from < cells.len() {
                self.widen(cells.get(from), validity);
            }
        }
    }

    /// Appends cells as long as they fit the form; returns the row reached.
    fn extend(&mut self, cells: &Cells<'_>, from: usize, validity: &mut Validity) -> usize {
        match self {
            Self::Empty => {
                let mut bits = validity.writer(cells.len() - from);
                let mut each = Each(|cell: Cell<'_>| {
                    if cell.is_empty() {
                        bits.push(false);
                    }
                    cell.is_empty()
                });
                cells.visit(from, &mut each)
            }
            Self::Int { values, wide } => {
                let before = values.len();
                let reached = primitive(cells, from, values, validity, number::canonical_integer);
                *wide |= values[before..].iter().any(|value| value.unsigned_abs() >= EXACT_BELOW);
                reached
            }
            Self::Decimal { values, scales } => {
                let count = cells.len() - from;
                values.reserve(count);
                scales.reserve(count);
                let before = values.len();
                let bits = validity.writer(count);
                let mut fill =
                    Decimals { values: values.as_mut_ptr(), scales: scales.as_mut_ptr(), index: before, bits };
                let reached = cells.visit(from, &mut fill);
                // SAFETY: one of each was written for each cell before the row reached.
                unsafe {
                    values.set_len(before + reached - from);
                    scales.set_len(before + reached - from);
                }
                reached
            }
            Self::Text(text) => {
                text.append(cells, from, validity);
                cells.len()
            }
        }
    }

    /// Takes the next wider form that holds `cell`.
    fn widen(&mut self, cell: Cell<'_>, validity: &Validity) {
        let cell = if number::canonical_integer(cell).is_some() {
            Narrow::Int
        } else if number::canonical_decimal(cell).is_some() {
            Narrow::Decimal
        } else {
            Narrow::Text
        };
        let next = match self.level() {
            // A decimal form that refuses an integer refuses its digits.
            Narrow::Decimal => Narrow::Text,
            level => level.join(cell),
        };
        *self = std::mem::replace(self, Self::Empty).into_form(next, validity);
    }

    /// The same values in the form of `level`, which is no narrower.
    fn into_form(self, level: Narrow, validity: &Validity) -> Self {
        let rows = validity.len();
        match (self, level) {
            (Self::Empty, Narrow::Int | Narrow::WideInt) => Self::Int { values: vec![0; rows], wide: false },
            (Self::Empty, Narrow::Decimal) => Self::Decimal { values: vec![0.0; rows], scales: vec![0; rows] },
            (Self::Int { values, .. }, Narrow::Decimal) => {
                // Below 10^15: the caller joined the levels.
                let values = values.into_iter().map(|value| value as f64).collect::<Vec<_>>();
                let scales = vec![0; values.len()];
                Self::Decimal { values, scales }
            }
            (Self::Empty, Narrow::Text | Narrow::Empty) => {
                let mut text = Text::default();
                text.push_empty(rows);
                Self::Text(text)
            }
            (Self::Int { values, .. }, Narrow::Text) => {
                write_back(validity, |row, out| number::write_integer(values[row], out))
            }
            (Self::Decimal { values, scales }, Narrow::Text) => {
                write_back(validity, |row, out| number::write_decimal(values[row], scales[row], out))
            }
            (same, _) => same,
        }
    }

    /// The finished column of the type `level`, which is no narrower than its own.
    pub fn finish(self, validity: Validity, level: Narrow) -> ArrayRef {
        match self.into_form(level, &validity) {
            // An all-empty column was made text above.
            Self::Empty => Arc::new(Text::default().finish(None)),
            Self::Int { values, .. } => Arc::new(Int64Array::new(buffer(values), validity.finish())),
            Self::Decimal { values, .. } => Arc::new(Float64Array::new(buffer(values), validity.finish())),
            Self::Text(text) => Arc::new(text.finish(validity.finish())),
        }
    }
}

/// Decimals on their way to memory that has room for all of them.
struct Decimals<'a> {
    values: *mut f64,
    scales: *mut u8,
    index: usize,
    bits: ValidityWriter<'a>,
}

impl Take for Decimals<'_> {
    #[inline(always)]
    fn take(&mut self, cell: Cell<'_>) -> bool {
        let decimal = if cell.is_empty() { Some((0.0, 0)) } else { number::canonical_decimal(cell) };
        let Some((value, scale)) = decimal else { return false };
        self.bits.push(!cell.is_empty());
        // SAFETY: whoever made this made room for one of each a cell.
        unsafe {
            self.values.add(self.index).write(value);
            self.scales.add(self.index).write(scale);
        }
        self.index += 1;
        true
    }
}

fn write_back(validity: &Validity, write: impl Fn(usize, &mut Vec<u8>)) -> Inferred {
    let mut text = Text::with_capacity(validity.len());
    let mut cell = Vec::new();
    for row in 0..validity.len() {
        cell.clear();
        if validity.get(row) {
            write(row, &mut cell);
        }
        text.push(&cell);
    }
    Inferred::Text(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_is_a_lattice() {
        use Narrow::{Decimal, Empty, Int, Text, WideInt};
        let all = [Empty, Int, WideInt, Decimal, Text];
        for a in all {
            assert_eq!(a.join(a), a);
            assert_eq!(a.join(Empty), a);
            assert_eq!(a.join(Text), Text);
            for b in all {
                assert_eq!(a.join(b), b.join(a));
                for c in all {
                    assert_eq!(a.join(b).join(c), a.join(b.join(c)));
                }
            }
        }
        assert_eq!(Int.join(Decimal), Decimal);
        assert_eq!(WideInt.join(Decimal), Text);
    }
}
