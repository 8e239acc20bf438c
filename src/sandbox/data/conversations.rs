//! Segments of conversations, one a row: ids, people, free text, and many durations.

use super::{
    cells::{Cells, Ready, Style},
    export::Shape,
    labels::Label,
    model::{Domain, Model, Row},
    names::COMBINATIONS,
};
use crate::sandbox::random::{Draws, mix};

/// Durations in seconds that follow the attributes, before the count of segments.
pub(crate) const DURATIONS: usize = 19;

#[derive(Debug)]
pub(super) struct Conversations {
    queues: Ready,
    channels: Ready,
    directions: Ready,
    kinds: Ready,
    abandoned: Ready,
    phases: Ready,
    teams: Ready,
    contents: Ready,
    attributes: [Ready; 2],
    labels: Ready,
}

impl Conversations {
    pub(super) fn new(model: &Model, style: Style) -> Self {
        let ready = |domain| Ready::new(model, Label::Only(domain), style);
        Self {
            queues: ready(Domain::Queue),
            channels: ready(Domain::Channel),
            directions: ready(Domain::Direction),
            kinds: ready(Domain::Kind),
            abandoned: ready(Domain::Abandoned),
            phases: ready(Domain::Phase),
            teams: Ready::new(model, Label::TeamPath, style),
            contents: ready(Domain::Content),
            attributes: [ready(Domain::FirstAttribute), ready(Domain::SecondAttribute)],
            labels: ready(Domain::FirstLabel),
        }
    }
}

/// The attributes of a segment. What isn't a conversation has no values of one.
struct Segment {
    second: u64,
    kind: u64,
    agent: u64,
    team: u64,
    customer: Option<u64>,
    queue: Option<u64>,
    channel: Option<u64>,
    direction: Option<u64>,
    abandoned: Option<u64>,
    phase: Option<u64>,
    content: Option<u64>,
    attributes: [Option<u64>; 2],
    label: Option<u64>,
}

impl Segment {
    fn of(model: &Model, row: &Row) -> Self {
        let mut draws = Draws(mix(row.keys, 0xc0));
        // Mostly conversations, now and then each of the other kinds.
        let kind = match draws.below(20) {
            number @ 1..5 => number,
            _ => 0,
        };
        let about_work = kind != 2;
        let (channel, direction) = COMBINATIONS[draws.below(COMBINATIONS.len() as u64) as usize];
        let agent = draws.below(model.count(Domain::Agent));
        let mut drawn = |domain, share: u64| {
            let (chance, element) = (draws.below(100), draws.below(model.count(domain)));
            (about_work && chance < share).then_some(element)
        };
        let abandoned = drawn(Domain::Abandoned, 100);
        Self {
            second: row.index * 86_400 / row.day.rows.max(1),
            kind,
            agent,
            team: agent % model.count(Domain::Team),
            customer: drawn(Domain::Customer, 97),
            queue: drawn(Domain::Queue, 100),
            channel: about_work.then_some(channel),
            direction: about_work.then_some(direction),
            abandoned,
            phase: drawn(Domain::Phase, 100).filter(|_| abandoned == Some(0)),
            content: drawn(Domain::Content, 80),
            attributes: [drawn(Domain::FirstAttribute, 20), drawn(Domain::SecondAttribute, 10)],
            label: drawn(Domain::FirstLabel, 5),
        }
    }
}

impl Shape for Conversations {
    fn key(&self, model: &Model, domain: Domain, row: &Row) -> Option<u64> {
        let segment = Segment::of(model, row);
        match domain {
            Domain::Time => Some(segment.second),
            Domain::Interval => Some(segment.second / 900),
            Domain::Kind => Some(segment.kind),
            Domain::Agent => Some(segment.agent),
            Domain::Team => Some(segment.team),
            Domain::Customer => segment.customer,
            Domain::Queue => segment.queue,
            Domain::Channel => segment.channel,
            Domain::Direction => segment.direction,
            Domain::Abandoned => segment.abandoned,
            Domain::Phase => segment.phase,
            Domain::Content => segment.content,
            Domain::FirstAttribute => segment.attributes[0],
            Domain::SecondAttribute => segment.attributes[1],
            Domain::FirstLabel => segment.label,
            Domain::Conversation => Some(row.global / 2),
            Domain::Segment => Some(row.global),
            other => Some(row.hidden(model, other)),
        }
    }

    fn write(&self, model: &Model, row: &Row, cells: &mut Cells) {
        let segment = Segment::of(model, row);
        cells.label(model, Label::ConversationId, Some(row.global / 2));
        cells.label(model, Label::Only(Domain::Segment), Some(row.global));
        cells.label(model, Label::ExternalId, Some(row.global));
        cells.raw(&row.day.cell);
        cells.label(model, Label::Only(Domain::Time), Some(segment.second));
        cells.label(model, Label::AgentName, Some(segment.agent));
        cells.label(model, Label::AgentId, Some(segment.agent));
        cells.label(model, Label::CustomerPhone, segment.customer);
        cells.label(model, Label::CustomerEmail, segment.customer);
        cells.ready(model, &self.queues, segment.queue);
        cells.ready(model, &self.channels, segment.channel);
        cells.ready(model, &self.directions, segment.direction);
        cells.ready(model, &self.kinds, Some(segment.kind));
        cells.ready(model, &self.abandoned, segment.abandoned);
        cells.ready(model, &self.phases, segment.phase);
        cells.ready(model, &self.teams, Some(segment.team));
        cells.ready(model, &self.contents, segment.content);
        cells.ready(model, &self.attributes[0], segment.attributes[0]);
        cells.ready(model, &self.attributes[1], segment.attributes[1]);
        cells.ready(model, &self.labels, segment.label);

        let mut draws = Draws(row.values);
        for _ in 0..DURATIONS {
            let (present, hundredths) = (draws.below(8) > 0, draws.below(90_000));
            cells.seconds(present.then_some(hundredths));
        }
        // The segment itself.
        cells.count(1);
        cells.end_row();
    }
}
