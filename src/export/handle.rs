//! What goes on with an export elsewhere, as one line of text.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    ids::{ObjectUri, shown},
    insights::{Execution, filter::Narrowing, window::Window},
    origin::Origin,
};

/// An export that was left: its report and filters, its windows, and where the results are of those that were executed.
///
/// Who goes on with it fetches the results that the service has, whether they were fetched before or not, and executes
/// what wasn't executed yet. It holds no secret, and no name that a person gave: filters and results are addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct Handle {
    /// The service that has the results, by its address.
    pub(super) service: String,
    pub(super) report: ObjectUri,
    pub(super) narrowing: Narrowing,
    /// Whether its windows are joined into one result, and halved where they are too large.
    pub(super) is_cut: bool,
    /// In order. Without days there is one piece without a window.
    pub(super) pieces: Vec<Piece>,
}

/// A window, and its execution if there is one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) window: Option<Window>,
    pub(super) execution: Option<Execution>,
}

/// The text's shape.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    insightframe: u32,
    service: String,
    report: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    filters: Vec<Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    windows: Vec<WrittenPiece>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPiece {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<String>,
}

impl Handle {
    /// What was executed, in the order of the windows.
    pub(super) fn executions(&self) -> impl Iterator<Item = &Execution> {
        self.pieces.iter().filter_map(|piece| piece.execution.as_ref())
    }

    /// One line of JSON.
    pub(super) fn text(&self) -> String {
        let piece = |Piece { window, execution }: &Piece| WrittenPiece {
            start: window.map(|window| window.start),
            end: window.map(|window| window.end),
            result: execution.as_ref().map(|execution| execution.result.to_string()),
        };
        let written = Written {
            insightframe: 1,
            service: self.service.clone(),
            report: self.report.to_string(),
            date: self.narrowing.date.as_ref().map(ObjectUri::to_string),
            filters: self.narrowing.others.clone(),
            cut: self.is_cut,
            windows: self.pieces.iter().map(piece).collect(),
        };
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// Reads a handle. It is checked like an answer of the service, since it may have been anywhere.
    ///
    /// # Errors
    /// `Config` for text that is no handle, `UntrustedUri` for one of another service.
    pub fn parse(text: &str, origin: &Origin) -> Result<Self> {
        let wrong = || {
            Error::config(format!("`{}` is not the handle of an execution", shown(text)))
                .hint("pass the `handle` of the error unchanged")
        };
        let written: Written = serde_json::from_str(text).map_err(|_| wrong())?;
        if written.insightframe != 1 || written.windows.is_empty() {
            return Err(wrong());
        }
        let service = origin.to_string();
        if written.service != service {
            let other = shown(&written.service);
            return Err(Error::config(format!("the handle is of the service at `{other}`, not of `{service}`"))
                .hint("go on with a client of the same `base_url`"));
        }
        let report = ObjectUri::parse(&written.report, origin)?;
        let date = written.date.map(|date| ObjectUri::parse(&date, origin)).transpose()?;
        if date.as_ref().is_some_and(|date| date.workspace != report.workspace) {
            return Err(wrong());
        }
        let pieces = written.windows.into_iter().map(|WrittenPiece { start, end, result }| {
            let window = match (start, end) {
                (Some(start), Some(end)) => Some(Window { start, end }),
                (None, None) => None,
                _ => return Err(wrong()),
            };
            let execution = result.map(|result| Execution::new(report.clone(), &result, origin)).transpose()?;
            Ok(Piece { window, execution })
        });
        let pieces = pieces.collect::<Result<Vec<_>>>()?;
        let has_days = pieces.iter().any(|piece| piece.window.is_some());
        if !in_order(&pieces) || has_days != date.is_some() || (written.cut && !has_days) {
            return Err(wrong());
        }
        Ok(Self {
            service,
            report,
            narrowing: Narrowing { date, others: written.filters },
            is_cut: written.cut,
            pieces,
        })
    }
}

/// Whether windows are in order and share no day; a piece without one stands alone.
fn in_order(pieces: &[Piece]) -> bool {
    let windows: Vec<Window> = pieces.iter().filter_map(|piece| piece.window).collect();
    let is_whole = windows.len() == pieces.len() || pieces.len() == 1;
    is_whole
        && windows.iter().all(|window| window.start <= window.end)
        && windows.windows(2).all(|pair| pair[0].end < pair[1].start)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const WORKSPACE: &str = "abcdefghij0123456789abcdefghij01";

    fn origin() -> Origin {
        Origin::parse("https://analytics.ytica.com", "/gdc/").unwrap()
    }

    fn object(number: u32) -> ObjectUri {
        ObjectUri::parse(&format!("/gdc/md/{WORKSPACE}/obj/{number}"), &origin()).unwrap()
    }

    fn result(id: &str) -> String {
        format!("/gdc/projects/{WORKSPACE}/execute/raw/{id}?c=00&q=eA%2B%0A")
    }

    fn cut() -> Handle {
        let day = |day| Some(Window { start: jiff::civil::date(2024, 2, day), end: jiff::civil::date(2024, 2, day) });
        let execution = Execution::new(object(255), &result("0af3"), &origin()).unwrap();
        Handle {
            service: origin().to_string(),
            report: object(255),
            narrowing: Narrowing { date: Some(object(1001)), others: vec![json!({"uri": "x", "constraint": {}})] },
            is_cut: true,
            pieces: vec![
                Piece { window: day(28), execution: Some(execution) },
                Piece { window: day(29), execution: None },
            ],
        }
    }

    #[test]
    fn a_handle_survives_travelling_and_a_forged_one_does_not() {
        let whole = Handle {
            service: origin().to_string(),
            report: object(255),
            narrowing: Narrowing::default(),
            is_cut: false,
            pieces: vec![Piece {
                window: None,
                execution: Some(Execution::new(object(255), &result("0af3"), &origin()).unwrap()),
            }],
        };
        for handle in [&whole, &cut()] {
            assert_eq!(Handle::parse(&handle.text(), &origin()).unwrap(), *handle, "{}", handle.text());
        }
        let (text, uri) = (cut().text(), result("0af3"));
        for forged in [
            String::new(),
            "{}".into(),
            text.replace(":1,", ":2,"),
            text.replace("https://analytics.ytica.com", "https://evil.com"),
            text.replace(&uri, "https://evil.com/gdc/projects/x"),
            text.replace(&uri, "/gdc/account/token"),
            text.replace(&uri, &uri.replace(WORKSPACE, "abcdefghij0123456789abcdefghij02")),
            text.replace(&object(1001).to_string(), "/gdc/md/abcdefghij0123456789abcdefghij02/obj/1001"),
            text.replace("2024-02-29", "2024-02-28"),
            text.replace("2024-02-29", "2024-02-31"),
            text.replace("\"cut\"", "\"cuts\""),
            whole.text().replace("[{", "[{\"start\":\"2024-02-28\",\"end\":\"2024-02-28\","),
        ] {
            assert_ne!(forged, text);
            assert!(Handle::parse(&forged, &origin()).is_err(), "{forged}");
        }
    }

    #[test]
    fn a_handle_is_one_line_of_addresses_and_days() {
        insta::assert_snapshot!(cut().text(), @r#"{"insightframe":1,"service":"https://analytics.ytica.com","report":"/gdc/md/abcdefghij0123456789abcdefghij01/obj/255","date":"/gdc/md/abcdefghij0123456789abcdefghij01/obj/1001","filters":[{"uri":"x","constraint":{}}],"cut":true,"windows":[{"start":"2024-02-28","end":"2024-02-28","result":"/gdc/projects/abcdefghij0123456789abcdefghij01/execute/raw/0af3?c=00&q=eA%2B%0A"},{"start":"2024-02-29","end":"2024-02-29"}]}"#);
    }
}
