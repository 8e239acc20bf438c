//! One row a day, with every way to write the day and what it belongs to.

use super::{
    cells::Cells,
    export::Shape,
    labels::Label,
    model::{Domain, Model, Row},
};
use crate::sandbox::random::Draws;

/// The labels, in the order of the columns.
pub(crate) const LABELS: [Label; 16] = [
    Label::DayUs,
    Label::Day,
    Label::DayUsNoLeading,
    Label::DayUsLong,
    Label::DayEu,
    Label::DayIso,
    Label::WeekNumber(Domain::Week),
    Label::WeekStart(Domain::Week),
    Label::WeekSpan(Domain::Week),
    Label::WeekNumber(Domain::EuWeek),
    Label::MonthShort,
    Label::MonthLong,
    Label::Quarter,
    Label::Year,
    Label::WeekdayShort,
    Label::WeekdayNumber,
];

#[derive(Debug)]
pub(super) struct DateLabels;

impl Shape for DateLabels {
    fn rows_on(&self, _model: &Model, _day: u64) -> u64 {
        1
    }

    fn write(&self, model: &Model, row: &Row, cells: &mut Cells) {
        for label in LABELS {
            cells.label(model, label, Some(model.element_of_day(label.domain(), row.day.index)));
        }
        cells.count(Draws(row.values).below(5000));
        cells.end_row();
    }
}
