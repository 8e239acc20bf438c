//! An export as text: what a plan hands to another process, and what that reads back. It holds no secret.

use std::time::Duration;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Export,
    types::{Base, Types, name_of, type_named},
};
use crate::{
    error::{Error, Result},
    ids::{Identifier, ReportName, WorkspaceId},
    insights::{
        BASE_URL,
        calendar::Unit,
        filter::{Constraint, Filter, Interval, Last},
        window::Every,
    },
    origin::Origin,
};

/// The text's shape.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    insightframe_task: u32,
    report: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workspace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<String>,
    #[serde(default, rename = "where", skip_serializing_if = "Map::is_empty")]
    filters: Map<String, Value>,
    schema: WrittenTypes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<f64>,
}

/// The name of a rule, or types by column over one.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenTypes {
    Rule(String),
    Columns { base: String, columns: Map<String, Value> },
}

impl Export {
    /// The exports of its windows, one each, in order. Each is cut like the whole, so that one that is too large for the
    /// service is halved.
    ///
    /// # Errors
    /// `Config` when there are no days to cut, or too many for the length of a window.
    pub fn plan(&self) -> Result<Vec<Self>> {
        let windows = self.windows()?.into_iter();
        let of_window = |window: Option<_>| {
            let interval =
                self.interval.as_ref().zip(window).map(|(days, window): (_, crate::insights::window::Window)| {
                    Interval { start: window.start, end: window.end, label: days.label.clone() }
                });
            Self { interval, ..self.clone() }
        };
        Ok(windows.map(of_window).collect())
    }

    /// One line of JSON.
    pub fn to_json(&self) -> String {
        let days = self.interval.as_ref();
        let written = Written {
            insightframe_task: 1,
            report: self.report.to_string(),
            workspace: self.workspace.as_ref().map(ToString::to_string),
            start: days.map(|days| days.start),
            end: days.map(|days| days.end),
            date: days.map(|days| days.label.to_string()),
            every: self.every.map(|every| every.as_str().to_owned()),
            filters: self.written_filters(),
            schema: written_types(&self.types),
            timeout: self.timeout.map(|timeout| timeout.as_secs_f64()),
        };
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// Its filters, by label, as the text has them.
    pub(crate) fn written_filters(&self) -> Map<String, Value> {
        self.filters.iter().map(|filter| (filter.label.to_string(), written(&filter.constraint))).collect()
    }

    /// Reads what [`Export::to_json`] wrote. It is checked like a caller's arguments, since it may have been anywhere.
    ///
    /// # Errors
    /// `Config` that says what is wrong with it.
    pub fn from_json(text: &str) -> Result<Self> {
        let written: Written = serde_json::from_str(text).map_err(|error| wrong(&error.to_string()))?;
        if written.insightframe_task != 1 {
            return Err(wrong(&format!("its version is {}", written.insightframe_task)));
        }
        // Addresses in it are paths, which are the same at every origin.
        let origin = Origin::parse(BASE_URL, "/gdc/")?;
        let label = written.date.as_deref().map(Identifier::parse).transpose()?;
        let filter = |(name, value): (&String, &Value)| read(ReportName::parse_label(name, &origin)?, value);
        let seconds = |seconds: f64| {
            Duration::try_from_secs_f64(seconds).map_err(|_| wrong(&format!("`timeout` is `{seconds}`")))
        };
        Ok(Self {
            report: ReportName::parse(&written.report, &origin)?,
            workspace: written.workspace.as_deref().map(WorkspaceId::parse).transpose()?,
            interval: Interval::new(written.start, written.end, label)?,
            filters: written.filters.iter().map(filter).collect::<Result<_>>()?,
            every: written.every.as_deref().map(Every::parse).transpose()?,
            types: read_types(written.schema)?,
            timeout: written.timeout.map(seconds).transpose()?,
        })
    }
}

fn wrong(why: &str) -> Error {
    Error::config(format!("this is not the text of an export task: {why}"))
        .hint("pass what `to_json` gave unchanged, to the same version of insightframe")
}

/// A filter: a list of titles as it is, all else under a word that says what it is.
fn written(constraint: &Constraint) -> Value {
    match constraint {
        Constraint::Among(titles) => json!(titles),
        Constraint::Last(last) => {
            json!({"last": {format!("{}s", last.unit()): last.count(), "current": last.current()}})
        }
        Constraint::Raw(constraint) => json!({"raw": constraint}),
    }
}

fn read(label: ReportName, value: &Value) -> Result<Filter> {
    let unread = || wrong(&format!("the filter on `{label}` is `{value}`"));
    if let Value::Array(titles) = value {
        let titles = titles.iter().map(|title| title.as_str().map(str::to_owned));
        let titles: Option<Vec<String>> = titles.collect();
        return Filter::among(label.clone(), titles.ok_or_else(unread)?);
    }
    let only = value.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.iter().next());
    match only.ok_or_else(unread)? {
        (kind, Value::Object(constraint)) if kind == "raw" => Filter::raw(label, constraint.clone()),
        (kind, Value::Object(fields)) if kind == "last" => {
            let current = fields.get("current").and_then(Value::as_bool).ok_or_else(unread)?;
            let mut periods = fields.iter().filter(|(name, _)| *name != "current");
            let (Some((name, count)), None) = (periods.next(), periods.next()) else { return Err(unread()) };
            let unit = Unit::of_plural(name).ok_or_else(unread)?;
            let count = count.as_u64().and_then(|count| count.try_into().ok()).ok_or_else(unread)?;
            Ok(Filter::last(label.clone(), Last::new(count, unit, current)?))
        }
        _ => Err(unread()),
    }
}

fn written_types(types: &Types) -> WrittenTypes {
    let base = types.base.as_str().to_owned();
    if types.given.is_empty() {
        return WrittenTypes::Rule(base);
    }
    let columns = types.given.iter().map(|(column, kind)| (column.clone(), json!(name_of(*kind)))).collect();
    WrittenTypes::Columns { base, columns }
}

fn read_types(written: WrittenTypes) -> Result<Types> {
    let (base, columns) = match written {
        WrittenTypes::Rule(base) => (base, Map::new()),
        WrittenTypes::Columns { base, columns } => (base, columns),
    };
    let base = Base::named(&base).ok_or_else(|| wrong(&format!("`schema` is `{base}`")))?;
    let given = columns.into_iter().map(|(column, kind)| match kind.as_str().and_then(type_named) {
        Some(kind) => Ok((column, kind)),
        None => Err(wrong(&format!("the type of the column `{column}` is `{kind}`"))),
    });
    Ok(Types { base, given: given.collect::<Result<_>>()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::csv::{ColumnType, DateFormat};

    fn whole() -> Export {
        let origin = Origin::parse(BASE_URL, "/gdc/").unwrap();
        let label = |name: &str| ReportName::parse_label(name, &origin).unwrap();
        let raw = json!({"type": "floating", "from": -7, "to": -1});
        Export {
            report: ReportName::parse("aaosExgHgF8r", &origin).unwrap(),
            workspace: Some(WorkspaceId::parse(&"w".repeat(32)).unwrap()),
            interval: Interval::new(Some(jiff::civil::date(2024, 1, 31)), Some(jiff::civil::date(2024, 3, 1)), None)
                .unwrap(),
            filters: vec![
                Filter::among(label("label.agents.team_name"), ["Billing ▸ 1".to_owned(), "\"x\"".to_owned()]).unwrap(),
                Filter::last(label("closed.date.yyyymmdd"), Last::new(1, Unit::Month, false).unwrap()),
                Filter::raw(label(&format!("/gdc/md/{}/obj/47", "w".repeat(32))), raw.as_object().unwrap().clone())
                    .unwrap(),
            ],
            every: Some(Every::Month),
            types: Types {
                base: Base::Report,
                given: vec![
                    ("Agent ID".into(), ColumnType::Utf8.into()),
                    ("Date".into(), ColumnType::Date(DateFormat::Long).into()),
                ],
            },
            timeout: Some(Duration::from_millis(1500)),
        }
    }

    #[test]
    fn a_task_survives_travelling() {
        let export = whole();
        insta::assert_snapshot!(export.to_json(), @r#"{"insightframe_task":1,"report":"aaosExgHgF8r","workspace":"wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww","start":"2024-01-31","end":"2024-03-01","date":"date.date.mmddyyyy","every":"1mo","where":{"label.agents.team_name":["Billing ▸ 1","\"x\""],"closed.date.yyyymmdd":{"last":{"months":1,"current":false}},"/gdc/md/wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww/obj/47":{"raw":{"type":"floating","from":-7,"to":-1}}},"schema":{"base":"report","columns":{"Agent ID":"utf8","Date":"date[Mon, Jan 1, 2010]"}},"timeout":1.5}"#);
        assert_eq!(Export::from_json(&export.to_json()).unwrap(), export);
        let least = Export::new(ReportName::Number(3_035_643));
        insta::assert_snapshot!(least.to_json(), @r#"{"insightframe_task":1,"report":"3035643","schema":"report"}"#);
        assert_eq!(Export::from_json(&least.to_json()).unwrap(), least);
    }

    #[test]
    fn a_plan_has_a_task_for_each_window() {
        let days = |export: &Export| export.interval.as_ref().unwrap().window().to_string();
        let plan = whole().plan().unwrap();
        assert_eq!(
            plan.iter().map(days).collect::<Vec<_>>(),
            ["2024-01-31..2024-01-31", "2024-02-01..2024-02-29", "2024-03-01..2024-03-01"]
        );
        assert!(plan.iter().all(|task| Export { interval: whole().interval, ..task.clone() } == whole()));
        let uncut = Export { every: None, ..whole() };
        assert_eq!(uncut.plan().unwrap(), std::slice::from_ref(&uncut));
        let undated = Export { interval: None, every: None, ..whole() };
        assert_eq!(undated.plan().unwrap(), std::slice::from_ref(&undated));
        insta::assert_snapshot!(Export { interval: None, ..whole() }.plan().unwrap_err(), @r"
        `every` is `1mo`, but there are no days to cut
        hint: give `start` and `end` too; both days are included
        ");
        let ages = Interval::new(Some(Date::MIN), Some(Date::MAX), None).unwrap();
        insta::assert_snapshot!(Export { interval: ages, every: Some(Every::Week), ..whole() }.plan().unwrap_err(), @r"
        -009999-01-01..9999-12-31 in windows of `1w` would be more than 10000 executions
        hint: take longer windows, or fewer days
        ");
    }

    #[test]
    fn a_text_that_is_no_task_is_refused() {
        let text = whole().to_json();
        let mut said = Vec::new();
        for (part, other) in [
            (text.as_str(), ""),
            (":1,", ":2,"),
            ("\"report\":\"aaosExgHgF8r\"", "\"report\":\"../x\""),
            ("\"every\"", "\"evry\""),
            ("\"1mo\"", "\"1y\""),
            ("2024-03-01", "2023-03-01"),
            ("[\"Billing", "[7,\"Billing"),
            ("\"last\"", "\"lst\""),
            ("\"months\"", "\"fortnights\""),
            ("\"months\":1", "\"months\":0"),
            ("{\"type\":\"floating\",\"from\":-7,\"to\":-1}", "{}"),
            ("\"base\":\"report\"", "\"base\":\"guess\""),
            ("\"utf8\"", "\"varchar\""),
            ("1.5}", "-1.5}"),
        ] {
            let forged = text.replace(part, other);
            assert_ne!(forged, text, "{part}");
            said.push(Export::from_json(&forged).unwrap_err().to_string().lines().next().unwrap().to_owned());
        }
        insta::assert_snapshot!(said.join("\n"), @r#"
        this is not the text of an export task: EOF while parsing a value at line 1 column 0
        this is not the text of an export task: its version is 2
        `../x` does not name a report
        this is not the text of an export task: unknown field `evry`, expected one of `insightframe_task`, `report`, `workspace`, `start`, `end`, `date`, `every`, `where`, `schema`, `timeout` at line 1 column 168
        `every` is `1y`, which is no length of a window
        `start` 2024-01-31 is after `end` 2023-03-01
        this is not the text of an export task: the filter on `label.agents.team_name` is `[7,"Billing ▸ 1","\"x\""]`
        this is not the text of an export task: the filter on `closed.date.yyyymmdd` is `{"lst":{"months":1,"current":false}}`
        this is not the text of an export task: the filter on `closed.date.yyyymmdd` is `{"last":{"fortnights":1,"current":false}}`
        the last 0 months are no filter
        the constraint on `/gdc/md/wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww/obj/47` is empty
        this is not the text of an export task: `schema` is `guess`
        this is not the text of an export task: the type of the column `Agent ID` is `"varchar"`
        this is not the text of an export task: `timeout` is `-1.5`
        "#);
    }

    proptest! {
        #[test]
        fn any_list_and_any_time_survive(
            titles in proptest::collection::vec(".{0,20}", 1..5),
            days in 1u32..1_000_000,
            current in any::<bool>(),
            milliseconds in 0u64..1_000_000_000,
        ) {
            let label = || whole().filters[0].label.clone();
            let export = Export {
                filters: vec![Filter::among(label(), titles).unwrap()],
                timeout: Some(Duration::from_millis(milliseconds)),
                ..whole()
            };
            prop_assert_eq!(&Export::from_json(&export.to_json()).unwrap(), &export);
            let last = Filter::last(label(), Last::new(days, Unit::Quarter, current).unwrap());
            let export = Export { filters: vec![last], ..export };
            prop_assert_eq!(&Export::from_json(&export.to_json()).unwrap(), &export);
        }
    }
}
