//! `GET …/obj/{label}/elements` and `POST …/obj/{label}/validElements`: the values that a label has.
//!
//! The first lists and searches, the second finds elements by their exact titles. The second answers at once or with 303
//! and an address that is asked with `GET` until it has an answer (both are recorded, the same request got one and then
//! the other); a filter of an execution then names an element by its uri.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::{
    Insights,
    columns::{table, texts},
    pages::{Gathered, Page, Rest},
    poll::asked,
    refusal::incomplete,
    wire::{ElementEntry, ElementsReply, ValidElementsReply},
};
use crate::{
    error::{Error, Kind, Result},
    http::{Head, Request},
    ids::{ObjectUri, shown},
    origin::ServerPath,
    progress::{Call, Count, Phase},
    retry::{Pauses, Safety},
};

/// Elements of one page. With titles of 128 characters, the most that the service has, an answer stays below the cap on
/// JSON in whatever way it writes them.
const PAGE: usize = 500;

/// Titles in one request, and their bytes: the service may answer with an address that holds them all, and no address
/// is followed that is longer than [`ServerPath::MAX`].
const TITLES: usize = 200;
const TITLE_BYTES: usize = 4 << 10;

/// One value of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The text in reports.
    pub title: String,
    /// Where it is: what list filters name. It is the attribute's address, not the label's, with the element's id.
    pub uri: String,
}

impl Insights {
    /// The values of a label in the order of the service, all of them or the first `limit`; `contains` is searched for
    /// by the service, which ignores case.
    ///
    /// # Errors
    /// `NotFound` for an unknown label, `UnexpectedReply` when the pages don't add up to what the service says.
    pub async fn elements(
        &self,
        call: &Call,
        label: &ObjectUri,
        contains: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<Element>> {
        call.progress.enter(Phase::Resolving);
        let limit = limit.unwrap_or(usize::MAX);
        let filter =
            contains.map(|text| format!("&filter={}", utf8_percent_encode(text, NON_ALPHANUMERIC))).unwrap_or_default();
        let mut gathered = Gathered::new();
        while let Some(offset) = gathered.next().filter(|_| gathered.len() < limit) {
            let size = PAGE.min(limit - gathered.len());
            let uri = format!("{label}/elements?limit={size}&offset={offset}&order=asc{filter}");
            let request = Request::get(ServerPath::parse(&uri, self.connection.origin())?);
            let (head, reply): (_, ElementsReply) =
                self.connection.json(call, Safety::Repeatable, &request, "`attributeElements`").await?;
            let found = reply.attribute_elements;
            self.take(&mut gathered, size, &head, label, found.elements, Rest::of(found.paging.as_ref(), "total"))?;
        }
        Ok(gathered.into_entries(limit))
    }

    /// The addresses of a label's elements by their titles. What the label doesn't have is missing from the map; of
    /// several elements with one title (labels needn't be unique) it holds the first, [`Insights::elements_titled`] all.
    ///
    /// # Errors
    /// As [`Insights::elements_titled`].
    pub async fn element_uris(
        &self,
        call: &Call,
        label: &ObjectUri,
        titles: &[String],
    ) -> Result<BTreeMap<String, String>> {
        let mut uris = BTreeMap::new();
        for element in self.elements_titled(call, label, titles).await? {
            uris.entry(element.title).or_insert(element.uri);
        }
        Ok(uris)
    }

    /// The elements that have one of these titles, letter by letter.
    ///
    /// # Errors
    /// `NotFound` for an unknown label, `DeadlineExceeded` when the service computes longer than an export may take.
    pub async fn elements_titled(&self, call: &Call, label: &ObjectUri, titles: &[String]) -> Result<Vec<Element>> {
        call.progress.enter(Phase::Resolving);
        let mut found = Vec::new();
        for titles in portions(titles) {
            let mut gathered = Gathered::new();
            while let Some(offset) = gathered.next() {
                let uri = format!("{label}/validElements?limit={PAGE}&offset={offset}&order=asc");
                let path = ServerPath::parse(&uri, self.connection.origin())?;
                let body = json!({"validElementsRequest": {"titles": titles}});
                let Some((head, reply)) = self.valid_elements(call, Request::post_json(path, &body)).await? else {
                    break;
                };
                let items = reply.valid_elements.items.into_iter().map(|item| item.element).collect();
                let rest = Rest::of(reply.valid_elements.paging.as_ref(), "total");
                self.take(&mut gathered, PAGE, &head, label, items, rest)?;
            }
            // A service that compares in its own way (case, accents) must not widen a filter.
            let asked = |element: &Element| titles.iter().any(|title| **title == element.title);
            found.extend(gathered.into_entries(usize::MAX).into_iter().filter(asked));
        }
        Ok(found)
    }

    /// Asks until the elements are computed; `None` for 204, which means that there are none.
    async fn valid_elements(&self, call: &Call, mut request: Request) -> Result<Option<(Head, ValidElementsReply)>> {
        let bounded = call.given(Some(self.polling.timeout));
        let call = if call.deadline.is_some() { call } else { &bounded };
        let mut pauses = Pauses::new(&self.polling);
        loop {
            let reply = self.connection.send(call, Safety::Repeatable, &request).await?;
            let (head, body) = (reply.head, call.within(reply.body.all()).await?);
            match head.status {
                StatusCode::OK => match serde_json::from_slice(&body) {
                    Ok(parsed) => return Ok(Some((head, parsed))),
                    Err(_) => return Err(self.connection.unexpected(&head, &body, "`validElements`")),
                },
                StatusCode::NO_CONTENT => return Ok(None),
                StatusCode::ACCEPTED => call.progress.add(Count::Polls, 1),
                _ => return Err(self.connection.unexpected(&head, &body, "200, 202 or 204")),
            }
            // After a 303 the address that it gave is the one to look at.
            if head.method == Method::GET {
                request = Request::get(head.path);
            }
            let pause = pauses.next(asked(&head.headers, call));
            if call.has_no_time_for(pause) {
                return Err(call.expired());
            }
            call.clock.pause(pause).await;
        }
    }

    /// Adds a page, after proving that its elements are of this workspace and service: their addresses are sent back.
    fn take(
        &self,
        gathered: &mut Gathered<Element>,
        asked: usize,
        head: &Head,
        label: &ObjectUri,
        entries: Vec<ElementEntry>,
        rest: Rest,
    ) -> Result<()> {
        let objects = format!("/gdc/md/{}/obj/", label.workspace);
        let own = |entry: ElementEntry| {
            let path = ServerPath::parse(&entry.uri, self.connection.origin())?;
            if path.as_str().starts_with(&objects) {
                return Ok(Element { title: entry.title.unwrap_or_default(), uri: path.as_str().to_owned() });
            }
            let reason = "it is not an element of this workspace";
            Err(Error::new(Kind::UntrustedUri { uri: shown(&entry.uri), reason }))
        };
        let entries = entries.into_iter().map(own).collect::<Result<_>>()?;
        let page = Page { entries, rest };
        gathered.add(asked, page, |element| element.uri.clone()).map_err(|stuck| incomplete(head, "elements", &stuck))
    }
}

/// Elements as columns: `title` and `uri`.
///
/// # Errors
/// None that can happen: the columns are made here.
pub fn element_table(elements: &[Element]) -> Result<RecordBatch> {
    table([
        ("title", texts(elements.iter().map(|element| Some(element.title.as_str())))),
        ("uri", texts(elements.iter().map(|element| Some(element.uri.as_str())))),
    ])
}

/// Titles in portions that one request can carry, each once.
fn portions(titles: &[String]) -> Vec<Vec<&String>> {
    let unique: std::collections::BTreeSet<&String> = titles.iter().collect();
    let mut portions: Vec<Vec<&String>> = Vec::new();
    let mut bytes = 0;
    for title in unique {
        // With the quotes and the comma around it.
        let size = title.len() + 3;
        match portions.last_mut() {
            Some(last) if last.len() < TITLES && bytes + size <= TITLE_BYTES => {
                last.push(title);
                bytes += size;
            }
            _ => {
                portions.push(vec![title]);
                bytes = size;
            }
        }
    }
    portions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_travel_in_portions() {
        let sizes = |titles: &[String]| portions(titles).iter().map(Vec::len).collect::<Vec<_>>();
        let numbered = |count: usize, width: usize| (0..count).map(|i| format!("{i:0width$}")).collect::<Vec<_>>();
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&["a".to_owned(), "a".to_owned()]), [1]);
        assert_eq!(sizes(&numbered(450, 3)), [200, 200, 50]);
        assert_eq!(sizes(&numbered(70, 125)), [32, 32, 6]);
        // One that is too long for any title of the service still goes its way, alone.
        assert_eq!(sizes(&["x".repeat(10_000), "y".to_owned()]), [1, 1]);
    }
}
