//! `GET insights`: the counters of a range, overall and per bucket (help centre, "Accessing Analytics via API"; what
//! they mean, "Analytics").
//!
//! `new_users`, `triggers`, `received_messages` and `sent_messages` count events and add up. `active_users` (those of
//! the last 30 days) and `total_users` are states: of several buckets the last one counts, and they are never summed.

use arrow_array::RecordBatch;
use futures_util::future::{try_join, try_join_all};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    FlowXo, Range, Unit,
    columns::{extras, integers, table, texts, timestamps},
    window::{Piece, begins, pieces},
    wire::{ADDS_UP, COUNTERS, Counted, InsightsReply},
};
use crate::{
    error::{ApiFault, ApiReply, Error, Kind, Result},
    progress::Call,
};

/// The counters of a whole range.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    counts: [Option<i64>; 6],
    /// Fields that this version doesn't know, as they came.
    pub extra: Map<String, Value>,
}

impl Stats {
    /// Names and values in the order of the service: `active_users`, `total_users`, `new_users`, `triggers`,
    /// `received_messages`, `sent_messages`; none where the service sent none.
    pub fn counters(&self) -> impl Iterator<Item = (&'static str, Option<i64>)> {
        COUNTERS.into_iter().zip(self.counts)
    }
}

/// The counters of each bucket, in order of time.
#[derive(Clone, Debug)]
pub struct Metrics(Vec<Row>);

#[derive(Clone, Debug)]
struct Row {
    begin: Timestamp,
    bucket: Option<String>,
    counts: [Option<i64>; 6],
    extra: Map<String, Value>,
}

/// Both answers of one request.
#[derive(Clone, Debug)]
pub struct Insights {
    /// The whole range; none when nothing happened in it.
    pub stats: Option<Stats>,
    /// Its buckets.
    pub metrics: Metrics,
}

impl FlowXo {
    /// The counters of the whole range; none when the service has nothing for it. No zeros are invented.
    ///
    /// # Errors
    /// `InvalidCredentials`, `Forbidden`, or another error of the service or the transport.
    pub async fn stats(&self, call: &Call, range: &Range) -> Result<Option<Stats>> {
        call.within(self.overall(call, range)).await
    }

    /// The counters of each bucket. Long ranges are asked for in windows, and a day or month in which the offset changes
    /// by the hour; what comes back is one sequence. Buckets in which nothing happened are missing, unless `fill` adds
    /// those up to now: zero events, and unknown (null) users. Nothing is asked about what begins a day from now or
    /// later.
    ///
    /// # Errors
    /// As [`FlowXo::stats`], and `Config` for a range that takes too many requests.
    pub async fn metrics(&self, call: &Call, range: &Range, unit: Unit, fill: bool) -> Result<Metrics> {
        let pieces = pieces(range, unit, call.clock.timestamp())?;
        let replies = call.within(try_join_all(pieces.iter().map(|piece| self.piece(call, piece)))).await?;
        Metrics::join(range, unit, pieces.iter().zip(replies), fill.then(|| call.clock.timestamp()))
    }

    /// Both: from one request where one covers the range, else with one request more for the whole.
    ///
    /// # Errors
    /// As [`FlowXo::metrics`].
    pub async fn insights(&self, call: &Call, range: &Range, unit: Unit, fill: bool) -> Result<Insights> {
        let now = call.clock.timestamp();
        let pieces = pieces(range, unit, now)?;
        let fill = fill.then_some(now);
        if let [piece] = &pieces[..]
            && piece.unit == unit
        {
            let mut reply = call.within(self.piece(call, piece)).await?;
            let stats = overall(std::mem::take(&mut reply.stats));
            return Ok(Insights { stats, metrics: Metrics::join(range, unit, [(piece, reply)].into_iter(), fill)? });
        }
        let windows = try_join_all(pieces.iter().map(|piece| self.piece(call, piece)));
        let (stats, replies) = call.within(try_join(self.overall(call, range), windows)).await?;
        Ok(Insights { stats, metrics: Metrics::join(range, unit, pieces.iter().zip(replies), fill)? })
    }

    async fn overall(&self, call: &Call, range: &Range) -> Result<Option<Stats>> {
        // Months make the shortest answer, and the whole is the same with every unit.
        let piece = Piece { start: range.start, end: range.end, offset: 0, unit: Unit::Month };
        if range.is_ahead(call.clock.timestamp()) {
            return Ok(None);
        }
        Ok(overall(self.piece(call, &piece).await?.stats))
    }

    async fn piece(&self, call: &Call, piece: &Piece) -> Result<InsightsReply> {
        let mut query = vec![("offset", piece.offset.to_string())];
        let edges = [("start", piece.start), ("end", piece.end)];
        query.extend(edges.into_iter().filter_map(|(name, edge)| Some((name, edge?.to_string()))));
        query.push(("unit", piece.unit.to_string()));
        self.get(call, "insights", &query, "an object of `stats` and `metrics`").await
    }
}

fn overall(stats: Vec<Counted>) -> Option<Stats> {
    stats.into_iter().next().map(|stats| Stats { counts: stats.counts, extra: stats.extra })
}

impl Metrics {
    /// Puts the windows together. Buckets of one owner (hours of a day that has to be added up) become one row.
    fn join<'a>(
        range: &Range,
        unit: Unit,
        replies: impl Iterator<Item = (&'a Piece, InsightsReply)>,
        fill_until: Option<Timestamp>,
    ) -> Result<Self> {
        let mut rows: Vec<Row> = Vec::new();
        for (piece, reply) in replies {
            let mut buckets = Vec::with_capacity(reply.metrics.len());
            for bucket in reply.metrics {
                let Some(stamp) = bucket.timestamp else { return Err(without_timestamp()) };
                if let Some(begin) = piece.begin(stamp) {
                    buckets.push((begin, bucket));
                }
            }
            buckets.sort_by_key(|(begin, _)| *begin);
            for (begin, bucket) in buckets {
                let owner = piece.owner(range, unit, begin)?;
                let own = piece.unit == unit;
                let row =
                    Row { begin: owner, bucket: bucket.id.filter(|_| own), counts: bucket.counts, extra: bucket.extra };
                rows.push(row);
            }
        }
        // Stable: parts of one bucket stay in the order of their times.
        rows.sort_by_key(|row| row.begin);
        rows.dedup_by(|later, before| {
            let same = later.begin == before.begin;
            if same {
                before.add(later);
            }
            same
        });
        if let Some(now) = fill_until
            && let Some(start) = range.start.or_else(|| rows.first().map(|row| row.begin))
        {
            let mut missing = begins(&range.beginning(start), unit, now)?;
            missing.retain(|begin| rows.binary_search_by_key(begin, |row| row.begin).is_err());
            rows.extend(missing.into_iter().map(Row::nothing));
            rows.sort_by_key(|row| row.begin);
        }
        Ok(Self(rows))
    }

    /// How many buckets there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `timestamp` (the bucket's beginning, milliseconds, UTC), `bucket` (the service's own name for it, opaque), and
    /// the six counters as 64-bit integers. Fields that this version doesn't know are kept in a last column `extra`, a
    /// JSON object in text; without such fields there is no such column.
    ///
    /// # Errors
    /// None in practice.
    pub fn table(&self) -> Result<RecordBatch> {
        let rows = &self.0;
        let mut columns = vec![
            ("timestamp", timestamps(rows.iter().map(|row| row.begin))),
            ("bucket", texts(rows.iter().map(|row| row.bucket.as_ref()))),
        ];
        for (at, name) in COUNTERS.into_iter().enumerate() {
            columns.push((name, integers(rows.iter().map(|row| row.counts[at]))));
        }
        columns.extend(extras(rows.iter().map(|row| &row.extra)));
        table(columns)
    }
}

impl Row {
    /// A bucket in which nothing happened: no events; how many users there were is not known.
    fn nothing(begin: Timestamp) -> Self {
        Self { begin, bucket: None, counts: ADDS_UP.map(|adds_up| adds_up.then_some(0)), extra: Map::new() }
    }

    /// Takes a later part of the same bucket in: events add up, of the users the later count holds.
    fn add(&mut self, later: &Self) {
        for ((own, other), adds_up) in self.counts.iter_mut().zip(later.counts).zip(ADDS_UP) {
            *own = match (*own, other) {
                (Some(a), Some(b)) if adds_up => Some(a.saturating_add(b)),
                (own, other) => other.or(own),
            };
        }
        self.extra.extend(later.extra.clone());
    }
}

fn without_timestamp() -> Error {
    Error::new(Kind::Api(Box::new(ApiReply {
        fault: ApiFault::UnexpectedReply,
        status: 200,
        method: "GET".into(),
        path: "/api/insights".into(),
        request_id: None,
        code: None,
        excerpt: "expected buckets with a `_timestamp`, found one without".into(),
        retry_after: None,
    })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::flowxo::{Edge, Zone};

    fn reply(buckets: Value) -> InsightsReply {
        serde_json::from_value(json!({"stats": [], "metrics": buckets})).unwrap()
    }

    fn bucket(stamp: &str, active: i64, total: i64, new: i64) -> Value {
        json!({"_id": stamp, "_timestamp": stamp, "active_users": active, "total_users": total, "new_users": new})
    }

    fn range(start: &str, end: &str, zone: Zone) -> Range {
        let edge = |text: &str| Some(Edge::parse("start", text).unwrap());
        Range::new(edge(start), edge(end), zone).unwrap()
    }

    fn now() -> Timestamp {
        "2022-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn hours_of_a_day_whose_offset_changes_are_added_up_and_users_are_not() {
        let range = range("2021-03-27", "2021-03-28", Zone::named("Europe/Zurich").unwrap());
        let pieces = pieces(&range, Unit::Day, now()).unwrap();
        let replies = [
            reply(json!([bucket("2021-03-26T23:00:00Z", 5, 10, 1)])),
            // Out of order, and the last one belongs to the next day: a service that includes `end`.
            reply(json!([
                bucket("2021-03-28T21:00:00Z", 9, 14, 1),
                bucket("2021-03-27T23:00:00Z", 6, 12, 2),
                bucket("2021-03-28T22:00:00Z", 9, 99, 85)
            ])),
        ];
        let metrics = Metrics::join(&range, Unit::Day, pieces.iter().zip(replies), None).unwrap();
        let rows: Vec<_> =
            metrics.0.iter().map(|row| (row.begin.to_string(), row.bucket.as_deref(), &row.counts[..3])).collect();
        assert_eq!(
            rows,
            [
                ("2021-03-26T23:00:00Z".into(), Some("2021-03-26T23:00:00Z"), &[Some(5), Some(10), Some(1)][..]),
                ("2021-03-27T23:00:00Z".into(), None, &[Some(9), Some(14), Some(3)][..]),
            ]
        );
    }

    #[test]
    fn filling_adds_zeros_for_events_and_nothing_for_users() {
        let range = range("2021-10-01", "2021-10-03", Zone::offset(0).unwrap());
        let pieces = pieces(&range, Unit::Day, now()).unwrap();
        let replies = || [reply(json!([bucket("2021-10-02T00:00:00.000Z", 1, 2, 3)]))];
        let join = |fill| Metrics::join(&range, Unit::Day, pieces.iter().zip(replies()), fill).unwrap();
        assert_eq!(join(None).len(), 1);
        let filled = join(Some(now()));
        let days: Vec<_> = filled.0.iter().map(|row| (row.begin.to_string(), row.counts)).collect();
        assert_eq!(days.len(), 3);
        assert_eq!(days[0], ("2021-10-01T00:00:00Z".into(), [None, None, Some(0), Some(0), Some(0), Some(0)]));
        assert_eq!(days[1].1[..3], [Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn the_schema_is_the_same_with_rows_and_without() {
        let empty = Metrics(Vec::new()).table().unwrap();
        let range = range("2021-10-01", "2021-10-01", Zone::offset(0).unwrap());
        let pieces = pieces(&range, Unit::Day, now()).unwrap();
        let join = |value| Metrics::join(&range, Unit::Day, pieces.iter().zip([reply(value)]), None);
        let full = join(json!([bucket("2021-10-01T00:00:00Z", 1, 2, 3)])).unwrap().table().unwrap();
        assert_eq!((empty.schema(), full.num_rows()), (full.schema(), 1));
        let mut odd = bucket("2021-10-01T00:00:00Z", 1, 2, 3);
        odd["csat"] = json!(4.5);
        let odd = join(json!([odd])).unwrap().table().unwrap();
        assert_eq!(odd.schema().fields().last().map(|field| field.name().as_str()), Some("extra"));
        assert_eq!(join(json!([{"_id": "2021"}])).unwrap_err().code(), "UnexpectedReply");
    }
}
