//! Filters of an execution: `context.filters` of the request.

use jiff::civil::Date;
use serde_json::{Value, json};

use crate::{
    error::{Error, Result},
    ids::{Identifier, ObjectUri},
};

/// The label that `start` and `end` are about unless the caller names another: the main date, as `mm/dd/yyyy`.
pub const DATE: &str = "date.date.mmddyyyy";

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
    /// `Config` when only one end is given, when `start` is after `end`, or when there is a label but no range.
    pub fn new(start: Option<Date>, end: Option<Date>, label: Option<Identifier>) -> Result<Option<Self>> {
        match (start, end) {
            (None, None) => match label {
                None => Ok(None),
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

    /// The filter as it travels: days as `YYYY-MM-DD`.
    pub(super) fn constraint(&self, label: &ObjectUri) -> Value {
        json!({"uri": label.to_string(), "constraint": {
            "type": "interval", "from": self.start.to_string(), "to": self.end.to_string(),
        }})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(Interval::new(None, None, Some(Identifier::parse(DATE).unwrap())).is_err());
    }
}
