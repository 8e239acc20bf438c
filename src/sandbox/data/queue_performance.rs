//! Contacts by queue, day, interval, channel and direction: the shape of the report "Queue Performance by Interval",
//! and of smaller ones with the same rows and fewer metrics.

use super::{
    cells::{Cells, Ready, Style},
    export::Shape,
    labels::Label,
    model::{Domain, Model, Row},
    names::COMBINATIONS,
};
use crate::sandbox::random::Draws;

/// Rows of one queue on one day.
const SLOTS: u64 = 96 * COMBINATIONS.len() as u64;

/// A metric of these rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Measure {
    Offered,
    HandleTime,
    Abandons,
    ServiceLevel,
    AnswerTime,
    Handled,
}

/// All of them, in the order of the report.
pub(crate) const MEASURES: [Measure; 6] = [
    Measure::Offered,
    Measure::HandleTime,
    Measure::Abandons,
    Measure::ServiceLevel,
    Measure::AnswerTime,
    Measure::Handled,
];

#[derive(Debug)]
pub(super) struct QueuePerformance {
    measures: &'static [Measure],
    queues: Ready,
    intervals: Ready,
    channels: Ready,
    directions: Ready,
}

impl QueuePerformance {
    pub(super) fn new(model: &Model, style: Style, measures: &'static [Measure]) -> Self {
        let ready = |domain| Ready::new(model, Label::Only(domain), style);
        Self {
            measures,
            queues: ready(Domain::Queue),
            intervals: ready(Domain::Interval),
            channels: ready(Domain::Channel),
            directions: ready(Domain::Direction),
        }
    }
}

/// Where a row stands: queue, interval, channel and direction.
struct Place {
    queue: u64,
    interval: u64,
    channel: u64,
    direction: u64,
}

impl Place {
    /// Few rows are spread over the seven queues and the day; more rows than these have get queues of their own.
    fn of(row: &Row) -> Self {
        let slot = match row.day.rows {
            few @ 1..3360 => row.index * (7 * SLOTS) / few,
            _ => row.index,
        };
        let combinations = COMBINATIONS.len() as u64;
        let (channel, direction) = COMBINATIONS[(slot % combinations) as usize];
        Self { queue: slot / SLOTS, interval: slot / combinations % 96, channel, direction }
    }
}

impl Shape for QueuePerformance {
    fn key(&self, model: &Model, domain: Domain, row: &Row) -> Option<u64> {
        let place = Place::of(row);
        Some(match domain {
            Domain::Queue => place.queue,
            Domain::Interval => place.interval,
            Domain::Channel => place.channel,
            Domain::Direction => place.direction,
            other => row.hidden(model, other),
        })
    }

    fn write(&self, model: &Model, row: &Row, cells: &mut Cells) {
        let place = Place::of(row);
        cells.ready(model, &self.queues, Some(place.queue));
        cells.raw(&row.day.cell);
        cells.ready(model, &self.intervals, Some(place.interval));
        cells.ready(model, &self.channels, Some(place.channel));
        cells.ready(model, &self.directions, Some(place.direction));

        let mut draws = Draws(row.values);
        // Office hours are busy, nights are nearly silent.
        let busy = if (32..72).contains(&place.interval) { 24 } else { 3 };
        let offered = draws.below(busy);
        let abandons = draws.below(offered / 4 + 1);
        let handled = offered - abandons;
        let some = |value: u64| (handled > 0).then_some(value);
        let (handle_time, answer_time) = (4000 + draws.below(56_000), draws.below(9000));
        let in_time = draws.below(10_001);
        for measure in self.measures {
            match measure {
                Measure::Offered => cells.count(offered),
                Measure::HandleTime => cells.seconds(some(handle_time)),
                Measure::Abandons => cells.count(abandons),
                Measure::ServiceLevel if offered == 0 => cells.null(),
                Measure::ServiceLevel => cells.fixed(in_time, 4),
                Measure::AnswerTime => cells.seconds(some(answer_time)),
                Measure::Handled => cells.count(handled),
            }
        }
        cells.end_row();
    }
}
