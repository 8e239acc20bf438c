//! One export: the rows of a report on some days that pass some filters, as a stream of CSV.

use std::{collections::HashSet, fmt, iter::Flatten, ops::Range, sync::Arc};

use super::{
    agents_by_day::AgentsByDay,
    cells::{Cells, Style},
    conversations::Conversations,
    date_labels::DateLabels,
    labels::Label,
    model::{Day, Domain, Model, Row},
    queue_performance::{MEASURES, Measure, QueuePerformance},
    talk_time::TalkTime,
};
use crate::sandbox::reply::Source;

/// Bytes of one piece of the stream, about.
const PIECE: usize = 64 << 10;

/// How the rows of a report are made.
pub(crate) trait Shape: fmt::Debug + Send + Sync {
    /// Rows on this day.
    fn rows_on(&self, model: &Model, day: u64) -> u64 {
        model.rows_on(day)
    }

    /// The element that an attribute has in a row, which decides whether a list filter lets it pass.
    fn key(&self, model: &Model, domain: Domain, row: &Row) -> Option<u64> {
        Some(row.hidden(model, domain))
    }

    /// For a report without attributes: the portion of a row in the one number, in hundredths.
    fn sum(&self) -> Option<fn(&Row) -> u64> {
        None
    }

    /// Writes a row.
    fn write(&self, model: &Model, row: &Row, cells: &mut Cells);
}

/// What a report's rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    QueuePerformance,
    Conversations,
    AgentsByDay,
    TalkTime,
    Nothing,
    /// The rows of the queues with two counts.
    Contacts,
    DateLabels,
    /// The rows of the queues with a count and a wait.
    Waits,
}

impl Rows {
    fn shape(self, model: &Model, style: Style) -> Box<dyn Shape> {
        match self {
            Self::QueuePerformance => Box::new(QueuePerformance::new(model, style, &MEASURES)),
            Self::Contacts => Box::new(QueuePerformance::new(model, style, &[Measure::Offered, Measure::Handled])),
            Self::Waits => Box::new(QueuePerformance::new(model, style, &[Measure::Offered, Measure::AnswerTime])),
            Self::Conversations => Box::new(Conversations::new(model, style)),
            Self::AgentsByDay => Box::new(AgentsByDay),
            Self::TalkTime | Self::Nothing => Box::new(TalkTime),
            Self::DateLabels => Box::new(DateLabels),
        }
    }

    /// The label by which its rows write the day.
    fn date_label(self) -> Label {
        match self {
            Self::AgentsByDay => Label::DayEu,
            Self::Waits => Label::Day,
            _ => Label::DayUs,
        }
    }
}

/// The rows of an export.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    pub(crate) rows: Rows,
    /// The titles of the columns.
    pub(crate) header: Vec<String>,
    /// The days that pass the filters, in order and joined: thousands of executions may be remembered.
    pub(crate) days: Vec<Range<u64>>,
    /// What else has to be among some elements.
    pub(crate) among: Vec<(Domain, HashSet<u64>)>,
    pub(crate) style: Style,
    pub(crate) with_totals: bool,
}

impl Export {
    /// Whether there is no row at all.
    pub(crate) fn is_empty(&self, model: &Arc<Model>) -> bool {
        self.rows == Rows::Nothing || !self.walk(model, 0).any()
    }

    /// Whether there are more rows than this.
    pub(crate) fn exceeds(&self, model: &Arc<Model>, limit: u64) -> bool {
        let mut walk = self.walk(model, 0);
        let mut count = 0;
        self.rows != Rows::Nothing
            && walk.shape.sum().is_none()
            && std::iter::from_fn(|| walk.next(|_, _| ())).any(|()| {
                count += 1;
                count > limit
            })
    }

    /// The CSV, header first. `edition` changes the values of the metrics.
    pub(crate) fn stream(self, model: &Arc<Model>, edition: u64) -> Box<dyn Source> {
        let walk = self.walk(model, edition);
        let cells = Cells::new(self.style, self.with_totals);
        Box::new(Stream { walk, cells, header: Some(self.header.clone()), columns: self.header.len() })
    }

    /// The header alone.
    pub(crate) fn header_only(&self) -> Vec<u8> {
        let mut cells = Cells::new(self.style, false);
        write_header(&self.header, &mut cells);
        cells.out
    }

    fn walk(&self, model: &Arc<Model>, edition: u64) -> Walk {
        Walk {
            shape: self.rows.shape(model, self.style),
            model: Arc::clone(model),
            export: self.clone(),
            edition,
            days: self.days.clone().into_iter().flatten(),
            day: Day { index: 0, rows: 0, rows_before: 0, cell: Vec::new() },
            index: 0,
        }
    }
}

/// A walk over the rows that pass.
struct Walk {
    shape: Box<dyn Shape>,
    model: Arc<Model>,
    export: Export,
    edition: u64,
    days: Flatten<std::vec::IntoIter<Range<u64>>>,
    day: Day,
    index: u64,
}

impl Walk {
    /// Visits the next row that passes.
    fn next<T>(&mut self, visit: impl FnOnce(&dyn Shape, &Row) -> T) -> Option<T> {
        loop {
            while self.index >= self.day.rows {
                let day = self.days.next()?;
                self.enter(day);
            }
            let row = Row::new(&self.model, &self.day, self.index, self.edition);
            self.index += 1;
            let passes = |(domain, elements): &(Domain, HashSet<u64>)| {
                self.shape.key(&self.model, *domain, &row).is_some_and(|element| elements.contains(&element))
            };
            if self.export.among.iter().all(passes) {
                return Some(visit(&*self.shape, &row));
            }
        }
    }

    fn any(&mut self) -> bool {
        self.next(|_, _| ()).is_some()
    }

    fn enter(&mut self, day: u64) {
        let (mut title, mut cell) = (Vec::new(), Vec::new());
        self.model.title(self.export.rows.date_label(), day, &mut title);
        self.export.style.quote(&title, &mut cell);
        let rows = self.shape.rows_on(&self.model, day);
        self.day = Day { index: day, rows, rows_before: self.model.rows_before(day), cell };
        self.index = 0;
    }
}

/// The CSV of an export as it flows.
struct Stream {
    walk: Walk,
    cells: Cells,
    header: Option<Vec<String>>,
    columns: usize,
}

impl Source for Stream {
    fn fill(&mut self, out: &mut Vec<u8>) -> bool {
        let (cells, model) = (&mut self.cells, Arc::clone(&self.walk.model));
        cells.out = std::mem::take(out);
        let end = cells.out.len() + PIECE;
        if let Some(header) = self.header.take() {
            write_header(&header, cells);
        }
        let more = match self.walk.shape.sum() {
            Some(portion) => {
                let mut sum = 0;
                while let Some(hundredths) = self.walk.next(|_, row| portion(row)) {
                    sum += hundredths;
                }
                cells.fixed(sum, 2);
                cells.end_row();
                false
            }
            None => loop {
                if cells.out.len() >= end {
                    break true;
                }
                if self.walk.next(|shape, row| shape.write(&model, row, cells)).is_none() {
                    cells.totals_row(self.columns);
                    break false;
                }
            },
        };
        *out = std::mem::take(&mut cells.out);
        more
    }
}

fn write_header(header: &[String], cells: &mut Cells) {
    for title in header {
        cells.text(title);
    }
    cells.end_row();
}
