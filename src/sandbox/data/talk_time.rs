//! The seconds talked, as small additive portions: one for each queue, channel and direction of a day.

use super::{
    cells::Cells,
    export::Shape,
    model::{Domain, Model, Row},
    names::{COMBINATIONS, QUEUES},
};
use crate::sandbox::random::Draws;

#[derive(Debug)]
pub(super) struct TalkTime;

impl TalkTime {
    fn hundredths(row: &Row) -> u64 {
        Draws(row.values).below(5_000_000)
    }
}

impl Shape for TalkTime {
    fn rows_on(&self, _model: &Model, _day: u64) -> u64 {
        (QUEUES.len() * COMBINATIONS.len()) as u64
    }

    fn key(&self, model: &Model, domain: Domain, row: &Row) -> Option<u64> {
        let combinations = COMBINATIONS.len() as u64;
        let (channel, direction) = COMBINATIONS[(row.index % combinations) as usize];
        Some(match domain {
            Domain::Queue => row.index / combinations,
            Domain::Channel => channel,
            Domain::Direction => direction,
            other => row.hidden(model, other),
        })
    }

    fn sum(&self) -> Option<fn(&Row) -> u64> {
        Some(Self::hundredths)
    }

    fn write(&self, _model: &Model, row: &Row, cells: &mut Cells) {
        cells.fixed(Self::hundredths(row), 2);
        cells.end_row();
    }
}
