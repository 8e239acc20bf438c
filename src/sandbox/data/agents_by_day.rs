//! One row for each agent and day, with European dates and texts that look like numbers.

use super::{
    cells::Cells,
    export::Shape,
    labels::Label,
    model::{Domain, Model, Row},
};
use crate::sandbox::random::Draws;

#[derive(Debug)]
pub(super) struct AgentsByDay;

impl Shape for AgentsByDay {
    fn key(&self, model: &Model, domain: Domain, row: &Row) -> Option<u64> {
        match domain {
            Domain::Agent => Some(row.index),
            Domain::Team => Some(row.index % model.count(Domain::Team)),
            Domain::Remark => Some(row.hidden(model, domain)).filter(|_| !row.keys.is_multiple_of(10)),
            other => Some(row.hidden(model, other)),
        }
    }

    fn write(&self, model: &Model, row: &Row, cells: &mut Cells) {
        let key = |domain| self.key(model, domain, row);
        cells.label(model, Label::AgentId, key(Domain::Agent));
        cells.label(model, Label::AgentName, key(Domain::Agent));
        cells.raw(&row.day.cell);
        cells.label(model, Label::Only(Domain::TeamCode), key(Domain::TeamCode));
        cells.label(model, Label::Only(Domain::Remark), key(Domain::Remark));

        let mut draws = Draws(row.values);
        let handled = draws.below(60);
        cells.count(handled);
        cells.seconds((handled > 0).then(|| handled * draws.below(40_000)));
        cells.seconds((handled > 0).then(|| draws.below(12_000)));
        cells.end_row();
    }
}
