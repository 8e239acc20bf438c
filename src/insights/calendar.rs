//! Which calendar unit a date label counts in, and its siblings that count in others.
//!
//! A date dimension has an attribute for each unit (`<d>.date`, `<d>.month`, …), each with labels of its own. A floating
//! filter counts in the unit of the label's attribute, so that "the last month" needs a label of months. Attributes have
//! speaking identifiers and types (`GDC.time.month`); of the labels, those of days alone do (protocol §5.2).

use std::{fmt, sync::Arc};

use serde_json::Value;

use super::{Insights, describe::label_type};
use crate::{
    csv::ColumnType,
    error::{ApiFault, Error, Kind, Result},
    ids::{Identifier, ObjectUri, ReportName},
    progress::{Call, Phase},
};

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Days.
    Day,
    /// Weeks; those from Monday where there is a choice, as windows are.
    Week,
    /// Calendar months.
    Month,
    /// Calendar quarters.
    Quarter,
    /// Calendar years.
    Year,
}

impl Unit {
    /// The word for one.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The unit whose plural this is: `days`, `weeks`, `months`, `quarters`, `years`.
    pub fn of_plural(word: &str) -> Option<Self> {
        let all = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];
        all.into_iter().find(|unit| word.strip_suffix('s') == Some(unit.as_str()))
    }

    /// What the identifier of its attribute ends in.
    fn ending(self) -> &'static str {
        match self {
            Self::Day => "date",
            Self::Week => "euweek",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The unit of an attribute: by its type, or, where an older answer leaves that out, by its identifier. Parts of a
    /// unit (a day of the week, a month of any year) are none.
    fn of(attribute: &Value) -> Option<Self> {
        let text = |pointer: &str| attribute.pointer(pointer).and_then(Value::as_str);
        match text("/content/type") {
            Some("GDC.time.date") => Some(Self::Day),
            Some("GDC.time.week" | "GDC.time.week_us") => Some(Self::Week),
            Some("GDC.time.month") => Some(Self::Month),
            Some("GDC.time.quarter") => Some(Self::Quarter),
            Some("GDC.time.year") => Some(Self::Year),
            Some(_) => None,
            None => match text("/meta/identifier")?.split_once('.')?.1 {
                "date" => Some(Self::Day),
                "week" | "euweek" => Some(Self::Week),
                "month" => Some(Self::Month),
                "quarter" => Some(Self::Quarter),
                "year" => Some(Self::Year),
                _ => None,
            },
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The date dimension of a label of days by its speaking identifier: `date` of `date.date.mmddyyyy`.
fn dimension_of_days(label: &ReportName) -> Option<&str> {
    let ReportName::Identifier(identifier) = label else { return None };
    matches!(label_type(None, Some(identifier.as_str())), ColumnType::Date(_))
        .then(|| identifier.as_str().split_once(".date."))?
        .map(|(dimension, _)| dimension)
}

/// The default label of an attribute, else its first.
fn default_label(attribute: &Value) -> Option<&str> {
    let labels = attribute.pointer("/content/displayForms")?.as_array()?;
    let is_default =
        |label: &&Value| matches!(label.pointer("/content/default"), Some(flag) if flag.as_i64() == Some(1));
    labels.iter().find(is_default).or(labels.first())?.pointer("/meta/uri")?.as_str()
}

impl Insights {
    /// The unit that a label counts in; `None` when it is of no date, or of a part of a unit. Costs nothing for the
    /// labels of days with speaking identifiers, and two requests now and then for any other.
    ///
    /// # Errors
    /// Those of the look-up: `NotFound`, `Forbidden`, `UnexpectedReply`.
    pub(super) async fn unit(&self, call: &Call, label: &ReportName, uri: &ObjectUri) -> Result<Option<Unit>> {
        if dimension_of_days(label).is_some() {
            return Ok(Some(Unit::Day));
        }
        Ok(Unit::of(&*self.attribute_of(call, uri).await?))
    }

    /// The label to count `unit` by: `label` itself when that is its unit, else the default label of the attribute of
    /// that unit in the same date dimension.
    ///
    /// # Errors
    /// `Config` when the label is of no date or its dimension has no such attribute; those of the look-up.
    pub(super) async fn counting(
        &self,
        call: &Call,
        label: &ReportName,
        uri: &ObjectUri,
        unit: Unit,
    ) -> Result<ObjectUri> {
        let found = self.unit(call, label, uri).await?;
        if found == Some(unit) {
            return Ok(uri.clone());
        }
        if found.is_none() {
            return Err(Error::config(format!("`{label}` is no label of a date, so {unit}s can't be counted on it"))
                .hint("name a label of days, such as `date.date.mmddyyyy`"));
        }
        let dimension = match dimension_of_days(label) {
            Some(dimension) => Some(dimension.to_owned()),
            None => {
                let attribute = self.attribute_of(call, uri).await?;
                let identifier = attribute.pointer("/meta/identifier").and_then(Value::as_str);
                identifier.and_then(|identifier| Some(identifier.rsplit_once('.')?.0.to_owned()))
            }
        };
        let refused = || {
            Error::config(format!("the date of `{label}` has no label that counts in {unit}s"))
                .hint(format!("name a label of {unit}s by its own identifier"))
        };
        let sibling = Identifier::parse(&format!("{}.{}", dimension.ok_or_else(refused)?, unit.ending()))?;
        let sibling = match self.identifiers(call, &uri.workspace, std::slice::from_ref(&sibling)).await {
            Ok(found) => found.into_values().next().ok_or_else(refused)?,
            Err(error) if matches!(error.kind(), Kind::Api(reply) if reply.fault == ApiFault::NotFound) => {
                return Err(refused());
            }
            Err(error) => return Err(error),
        };
        let attribute = self.attribute(call, &sibling).await?;
        let label = default_label(&attribute).filter(|_| Unit::of(&attribute) == Some(unit)).ok_or_else(refused)?;
        ObjectUri::parse(label, self.connection.origin())
    }

    /// The attribute that a label shows; kept like all that is looked up.
    async fn attribute_of(&self, call: &Call, label: &ObjectUri) -> Result<Arc<Value>> {
        let ask = async {
            let shown = self.read(call, label).await?;
            let Some(uri) = shown.pointer("/content/formOf").and_then(Value::as_str) else {
                return Err(Error::config(format!("the object `{label}` is not a label of an attribute")));
            };
            self.read(call, &ObjectUri::parse(uri, self.connection.origin())?).await
        };
        self.memory.attributes.get(&*call.clock, label.clone(), false, self.begin_to_resolve(call), ask).await
    }

    /// An attribute; kept like all that is looked up.
    async fn attribute(&self, call: &Call, uri: &ObjectUri) -> Result<Arc<Value>> {
        self.memory
            .attributes
            .get(&*call.clock, uri.clone(), false, self.begin_to_resolve(call), self.read(call, uri))
            .await
    }

    /// One object, without the wrapper that names its category.
    async fn read(&self, call: &Call, uri: &ObjectUri) -> Result<Arc<Value>> {
        call.progress.enter(Phase::Resolving);
        let text = uri.to_string();
        // Boxed, because every look-up above holds this one inside.
        let mut found = Box::pin(self.objects(call, &uri.workspace, vec![&text])).await?;
        let object = found.remove(&text);
        object.map(Arc::new).ok_or_else(|| Error::config(format!("the service doesn't show the object `{uri}`")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_attribute_has_a_unit_by_its_type_or_by_its_identifier() {
        for (kind, identifier, unit) in [
            (Some("GDC.time.date"), "date.date", Some(Unit::Day)),
            (Some("GDC.time.week_us"), "date.week", Some(Unit::Week)),
            (Some("GDC.time.week"), "date.euweek", Some(Unit::Week)),
            (Some("GDC.time.month"), "date.month", Some(Unit::Month)),
            (Some("GDC.time.quarter"), "date.quarter", Some(Unit::Quarter)),
            (Some("GDC.time.year"), "x", Some(Unit::Year)),
            (Some("GDC.time.month_in_year"), "date.month.in.year", None),
            (Some("GDC.time.day_in_week"), "date.day.in.week", None),
            (None, "closed.euweek", Some(Unit::Week)),
            (None, "closed.quarter", Some(Unit::Quarter)),
            (None, "closed.month.in.year", None),
            (None, "attr.conversations.date", None),
            (None, "attr", None),
        ] {
            let mut attribute = json!({"content": {}, "meta": {"identifier": identifier}});
            if let Some(kind) = kind {
                attribute["content"]["type"] = json!(kind);
            }
            assert_eq!(Unit::of(&attribute), unit, "{kind:?} {identifier}");
        }
        assert_eq!(Unit::of(&json!({})), None);
    }

    #[test]
    fn the_labels_of_days_say_so_themselves() {
        let name = |text| ReportName::Identifier(Identifier::parse(text).unwrap());
        assert_eq!(dimension_of_days(&name("closed.date.ddmmyyyy")), Some("closed"));
        for other in ["date.aag81lMifn6q", "date.date", "date.date.other", "label.agents.team_name"] {
            assert_eq!(dimension_of_days(&name(other)), None, "{other}");
        }
    }

    #[test]
    fn a_default_label_comes_before_the_first() {
        let label = |uri: &str, default: bool| {
            let content = if default { json!({"default": 1}) } else { json!({}) };
            json!({"content": content, "meta": {"uri": uri}})
        };
        let attribute = |labels: Vec<Value>| json!({"content": {"displayForms": labels}});
        assert_eq!(default_label(&attribute(vec![label("a", false), label("b", true)])), Some("b"));
        assert_eq!(default_label(&attribute(vec![label("a", false), label("b", false)])), Some("a"));
        assert_eq!(default_label(&attribute(vec![])), None);
    }

    #[test]
    fn a_unit_has_a_plural() {
        assert_eq!(Unit::of_plural("quarters"), Some(Unit::Quarter));
        assert_eq!(Unit::of_plural("day"), None);
        assert_eq!(Unit::of_plural("hours"), None);
    }
}
