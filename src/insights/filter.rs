//! Filters of an execution: `context.filters` of the request.
//!
//! Their kinds are those of the service's formal specification of metadata objects (`IntervalFilterConstraint`,
//! `FloatingFilterConstraint`, `ListFilterConstraint`), the limit of 200 values is GoodData's help page "Maximum report
//! size". All filters of a request hold at once, beside those that are saved in the report.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::{Insights, calendar::Unit, window::Window};
use crate::{
    error::{ApiFault, ApiReply, Error, Kind, Result},
    ids::{Identifier, ObjectUri, ReportName, WorkspaceId, shown},
    progress::Call,
};

/// The label that `start` and `end` are about unless the caller names another: the main date, as `mm/dd/yyyy`.
pub const DATE: &str = "date.date.mmddyyyy";

/// Values that the service takes in one filter of a report.
const VALUES: usize = 200;

/// Elements that are looked through for one that was meant; one page of the service.
const CANDIDATES: usize = 1000;

/// A range of days, both inclusive, on one date label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first day.
    pub start: Date,
    /// The last day, itself included.
    pub end: Date,
    /// The date label.
    pub label: Identifier,
}

impl Interval {
    /// Checks the order; `label` is [`DATE`] when `None`.
    ///
    /// # Errors
    /// `Config` when only one end is given, when `start` is after `end`, or when there is a label other than [`DATE`] but no
    /// range.
    pub fn new(start: Option<Date>, end: Option<Date>, label: Option<Identifier>) -> Result<Option<Self>> {
        match (start, end) {
            (None, None) => match label {
                None => Ok(None),
                Some(label) if label.as_str() == DATE => Ok(None),
                Some(label) => Err(Error::config(format!("the date label `{label}` is given, but no days"))
                    .hint("give `start` and `end` too; both days are included")),
            },
            (Some(start), Some(end)) if start > end => {
                Err(Error::config(format!("`start` {start} is after `end` {end}")).hint("both days are included"))
            }
            (Some(start), Some(end)) => {
                let label = match label {
                    Some(label) => label,
                    None => Identifier::parse(DATE)?,
                };
                Ok(Some(Self { start, end, label }))
            }
            (Some(start), None) => Err(Error::config(format!("`start` is {start}, but `end` is missing"))
                .hint("the service filters by an interval with two ends; both days are included")),
            (None, Some(end)) => Err(Error::config(format!("`end` is {end}, but `start` is missing"))
                .hint("the service filters by an interval with two ends; both days are included")),
        }
    }

    /// The days as one window.
    pub fn window(&self) -> Window {
        Window { start: self.start, end: self.end }
    }
}

/// What one label may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The label.
    pub label: ReportName,
    /// What it may show.
    pub constraint: Constraint,
}

/// What a label may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// The elements of these titles.
    Among(Vec<String>),
    /// The last periods of the calendar.
    Last(Last),
    /// What the service is told, as it is.
    Raw(Map<String, Value>),
}

/// The last periods of the calendar, as the service's clock has it in the time zone of the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    count: u32,
    unit: Unit,
    current: bool,
}

impl Last {
    /// So many periods: whole ones before the current one, or, with `current`, the current one and those before it.
    ///
    /// # Errors
    /// `Config` when there is none.
    pub fn new(count: u32, unit: Unit, current: bool) -> Result<Self> {
        if count == 0 {
            return Err(Error::config(format!("the last 0 {unit}s are no filter")).hint("count from 1"));
        }
        Ok(Self { count, unit, current })
    }

    /// How many periods.
    pub fn count(self) -> u32 {
        self.count
    }

    /// How long each is.
    pub fn unit(self) -> Unit {
        self.unit
    }

    /// Whether the current one counts as the last of them.
    pub fn current(self) -> bool {
        self.current
    }

    /// First and last period as the service counts them: 0 is the current one, -1 the one before it.
    fn steps(self) -> (i64, i64) {
        let count = i64::from(self.count);
        if self.current { (1 - count, 0) } else { (-count, -1) }
    }
}

impl Filter {
    /// Elements by their titles; one that is named twice counts once.
    ///
    /// # Errors
    /// `Config` for an empty list, and for more values than the service takes.
    pub fn among(label: ReportName, titles: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut seen = HashSet::new();
        let titles: Vec<String> = titles.into_iter().filter(|title| seen.insert(title.clone())).collect();
        if titles.is_empty() {
            return Err(Error::config(format!("the list of values for `{label}` is empty: no row could pass"))
                .hint("leave the label out to let all values pass"));
        }
        if titles.len() > VALUES {
            return Err(Error::config(format!(
                "{} values for `{label}` are too many: the service takes {VALUES} in one filter",
                titles.len()
            ))
            .hint("export once for each part of the list, or filter by a label of fewer values"));
        }
        Ok(Self { label, constraint: Constraint::Among(titles) })
    }

    /// The last periods.
    pub fn last(label: ReportName, last: Last) -> Self {
        Self { label, constraint: Constraint::Last(last) }
    }

    /// A constraint in the service's own words, for what isn't modelled here.
    ///
    /// # Errors
    /// `Config` for an empty one.
    pub fn raw(label: ReportName, constraint: Map<String, Value>) -> Result<Self> {
        if constraint.is_empty() {
            return Err(Error::config(format!("the constraint on `{label}` is empty"))
                .hint("it is what the service is told, such as {\"type\": \"floating\", \"from\": -7, \"to\": -1}"));
        }
        Ok(Self { label, constraint: Constraint::Raw(constraint) })
    }
}

/// The filters of an execution with every name looked up: those of its days apart, because windows differ in them alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// The label of the days, when there are days.
    pub date: Option<ObjectUri>,
    /// The other filters as they travel.
    pub others: Vec<Value>,
}

impl Narrowing {
    /// The filters of an execution on the days of a window, as they travel: days as `YYYY-MM-DD`.
    pub fn filters(&self, window: Option<Window>) -> Vec<Value> {
        let days = self.date.as_ref().zip(window).map(|(label, Window { start, end })| {
            filter(label, json!({"type": "interval", "from": start.to_string(), "to": end.to_string()}))
        });
        days.into_iter().chain(self.others.iter().cloned()).collect()
    }
}

fn filter(label: &ObjectUri, constraint: Value) -> Value {
    json!({"uri": label.to_string(), "constraint": constraint})
}

impl Insights {
    /// Looks up what filters name: labels, elements by title, the labels in which periods are counted. `whole_days` says
    /// that the days will be cut into windows, which must not share a row.
    ///
    /// # Errors
    /// `NotFound` that names every label or element that isn't there; `Config` when a label isn't of a date but has to
    /// be, or has no sibling that counts in the period asked for.
    pub async fn narrow(
        &self,
        call: &Call,
        workspace: &WorkspaceId,
        days: Option<&Interval>,
        whole_days: bool,
        filters: &[Filter],
    ) -> Result<Narrowing> {
        let named = filters.iter().filter_map(|filter| match &filter.label {
            ReportName::Identifier(identifier) => Some(identifier),
            _ => None,
        });
        let names: Vec<Identifier> = days.map(|days| &days.label).into_iter().chain(named).cloned().collect();
        let known = if names.is_empty() { BTreeMap::new() } else { self.identifiers(call, workspace, &names).await? };
        let mut narrowing = Narrowing::default();
        if let Some(days) = days
            && let Some(uri) = known.get(&days.label)
        {
            self.check_days(call, &ReportName::Identifier(days.label.clone()), uri, whole_days).await?;
            narrowing.date = Some(uri.clone());
        }
        for Filter { label, constraint } in filters {
            let uri = match label {
                ReportName::Identifier(identifier) => known.get(identifier).cloned(),
                ReportName::Number(number) => Some(ObjectUri { workspace: workspace.clone(), number: *number }),
                ReportName::Uri(uri) => Some(uri.clone()).filter(|uri| uri.workspace == *workspace),
            };
            let Some(uri) = &uri else {
                return Err(Error::config(format!("the label `{label}` is not in the workspace `{workspace}`")));
            };
            narrowing.others.push(match constraint {
                Constraint::Among(titles) => {
                    let elements = self.among(call, label, uri, titles).await?;
                    filter(uri, json!({"type": "list", "elements": elements}))
                }
                Constraint::Last(last) => {
                    let counting = self.counting(call, label, uri, last.unit).await?;
                    let (from, to) = last.steps();
                    filter(&counting, json!({"type": "floating", "from": from, "to": to}))
                }
                Constraint::Raw(constraint) => filter(uri, Value::Object(constraint.clone())),
            });
        }
        Ok(narrowing)
    }

    /// Whether a label may be filtered by days. The service would take an interval on months too, but as whole months.
    async fn check_days(&self, call: &Call, label: &ReportName, uri: &ObjectUri, whole_days: bool) -> Result<()> {
        match self.unit(call, label, uri).await? {
            Some(Unit::Day) => Ok(()),
            Some(unit) if whole_days => Err(Error::config(format!(
                "the date label `{label}` is of {unit}s: windows of days on it would each take whole {unit}s"
            ))
            .hint(format!("name a label of days, such as `{DATE}`"))),
            Some(_) => Ok(()),
            None => Err(Error::config(format!("`{label}` is no label of a date, so days can't be compared with it"))
                .hint(format!("name a label of days, such as `{DATE}`"))),
        }
    }

    /// The addresses of the elements that have one of these titles: all of them, since labels needn't be unique.
    async fn among(&self, call: &Call, label: &ReportName, uri: &ObjectUri, titles: &[String]) -> Result<Vec<String>> {
        let found = self.elements_titled(call, uri, titles).await?;
        let known: HashSet<&str> = found.iter().map(|element| element.title.as_str()).collect();
        let unknown: Vec<&str> = titles.iter().map(String::as_str).filter(|title| !known.contains(title)).collect();
        if unknown.is_empty() && found.len() > VALUES {
            return Err(Error::config(format!(
                "{} elements of `{label}` have the titles asked for: the service takes {VALUES} values in one filter",
                found.len()
            ))
            .hint("export once for each part of the list, or filter by a label of fewer values"));
        }
        if unknown.is_empty() {
            return Ok(found.into_iter().map(|element| element.uri).collect());
        }
        // A courtesy: that it can't be had is no error of its own.
        let others = self.elements(call, uri, None, Some(CANDIDATES)).await.unwrap_or_default();
        let others: Vec<&str> = others.iter().map(|element| element.title.as_str()).collect();
        let plural = if unknown.len() == 1 { "element" } else { "elements" };
        let titles: Vec<String> = unknown.iter().map(|title| format!("`{}`", shown(title))).collect();
        let error = Error::new(Kind::Api(Box::new(ApiReply {
            fault: ApiFault::NotFound,
            status: 200,
            method: "POST".into(),
            path: format!("{uri}/validElements"),
            request_id: None,
            code: None,
            excerpt: format!("`{label}` doesn't have the {plural} {}", titles.join(", ")),
            retry_after: None,
        })));
        Err(match meant(&unknown, &others).as_slice() {
            [] => error.hint(format!("titles are compared letter by letter; `elements(\"{label}\")` lists them")),
            meant => error.hint(format!("did you mean {}?", meant.join(", "))),
        })
    }
}

/// Titles that are much like the unknown ones, in backticks, at most one for each and three in all.
fn meant(unknown: &[&str], others: &[&str]) -> Vec<String> {
    let like = |title: &str| {
        let title = title.trim().to_lowercase();
        let likeness = |other: &str| strsim::jaro_winkler(&title, &other.to_lowercase());
        let best = others.iter().map(|other| (likeness(other), *other)).max_by(|a, b| a.0.total_cmp(&b.0));
        best.filter(|(likeness, _)| *likeness >= 0.85).map(|(_, other)| format!("`{}`", shown(other)))
    };
    let mut meant: Vec<String> = Vec::new();
    for title in unknown.iter().filter_map(|title| like(title)) {
        if !meant.contains(&title) && meant.len() < 3 {
            meant.push(title);
        }
    }
    meant
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Origin;

    fn label(name: &str) -> ReportName {
        ReportName::parse_label(name, &Origin::parse("https://analytics.ytica.com", "/gdc/").unwrap()).unwrap()
    }

    #[test]
    fn an_interval_has_two_ends_in_order() {
        let day = |text: &str| Some(text.parse::<Date>().unwrap());
        assert_eq!(Interval::new(None, None, None).unwrap(), None);
        let found = Interval::new(day("2024-02-28"), day("2024-02-29"), None).unwrap().unwrap();
        assert_eq!((found.label.as_str(), found.end.to_string().as_str()), (DATE, "2024-02-29"));
        assert!(Interval::new(day("2024-02-29"), day("2024-02-29"), None).is_ok());
        insta::assert_snapshot!(
            Interval::new(day("2024-03-01"), day("2024-02-29"), None).unwrap_err(),
            @r"
        `start` 2024-03-01 is after `end` 2024-02-29
        hint: both days are included
        "
        );
        assert!(Interval::new(day("2024-03-01"), None, None).is_err());
        assert!(Interval::new(None, day("2024-03-01"), None).is_err());
        let label = |name| Some(Identifier::parse(name).unwrap());
        assert!(Interval::new(None, None, label("closed.date.mmddyyyy")).is_err());
        // The default may be given.
        assert_eq!(Interval::new(None, None, label(DATE)).unwrap(), None);
    }

    #[test]
    fn periods_are_counted_as_the_service_does() {
        for (count, current, steps) in [
            (1, false, (-1, -1)),
            (7, false, (-7, -1)),
            (1, true, (0, 0)),
            (7, true, (-6, 0)),
            (u32::MAX, true, (-4_294_967_294, 0)),
        ] {
            assert_eq!(Last::new(count, Unit::Day, current).unwrap().steps(), steps, "{count} {current}");
        }
        insta::assert_snapshot!(Last::new(0, Unit::Week, true).unwrap_err(), @r"
        the last 0 weeks are no filter
        hint: count from 1
        ");
    }

    #[test]
    fn a_list_is_neither_empty_nor_longer_than_the_service_takes() {
        let team = || label("label.agents.team_name");
        let titles = |count: usize| (0..count).map(|n| format!("Team {n}"));
        let twice = Filter::among(team(), ["b", "a", "b"].map(str::to_owned)).unwrap();
        assert_eq!(twice.constraint, Constraint::Among(vec!["b".into(), "a".into()]));
        assert!(Filter::among(team(), titles(200)).is_ok());
        insta::assert_snapshot!(Filter::among(team(), titles(201)).unwrap_err(), @r"
        201 values for `label.agents.team_name` are too many: the service takes 200 in one filter
        hint: export once for each part of the list, or filter by a label of fewer values
        ");
        insta::assert_snapshot!(Filter::among(team(), titles(0)).unwrap_err(), @r"
        the list of values for `label.agents.team_name` is empty: no row could pass
        hint: leave the label out to let all values pass
        ");
        insta::assert_snapshot!(Filter::raw(team(), Map::new()).unwrap_err(), @r#"
        the constraint on `label.agents.team_name` is empty
        hint: it is what the service is told, such as {"type": "floating", "from": -7, "to": -1}
        "#);
    }

    #[test]
    fn windows_differ_in_their_days_alone() {
        let origin = Origin::parse("https://analytics.ytica.com", "/gdc/").unwrap();
        let date = ObjectUri::parse(&format!("/gdc/md/{}/obj/1001", "w".repeat(32)), &origin).unwrap();
        let narrowing = Narrowing { date: Some(date), others: vec![json!({"uri": "x"})] };
        let window = Window { start: jiff::civil::date(2024, 2, 1), end: jiff::civil::date(2024, 2, 29) };
        insta::assert_snapshot!(Value::from(narrowing.filters(Some(window))), @r#"[{"uri":"/gdc/md/wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww/obj/1001","constraint":{"type":"interval","from":"2024-02-01","to":"2024-02-29"}},{"uri":"x"}]"#);
        assert_eq!(narrowing.filters(None), narrowing.others);
    }

    #[test]
    fn what_was_meant_is_guessed_where_it_is_near() {
        let others = ["Billing", "Sales", "Technical Support", "Customer Care"];
        for (unknown, expected) in [
            (vec!["billing"], "`Billing`"),
            (vec!["Biling", "Salse"], "`Billing`, `Sales`"),
            (vec!["Tech Support"], "`Technical Support`"),
            (vec!["billing", "BILLING "], "`Billing`"),
            (vec!["xyz"], ""),
            (vec![""], ""),
        ] {
            assert_eq!(meant(&unknown, &others).join(", "), expected, "{unknown:?}");
        }
        assert!(meant(&["Billing"], &[]).is_empty());
    }
}
