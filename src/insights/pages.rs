//! Lists that come in pages, gathered by how many entries have come.
//!
//! Pages are counted instead of following the `next` that some of them carry: the address would be the service's, while
//! a number can't lead astray. What a page says about the rest only decides whether there is more to ask for.

use std::collections::HashSet;

use serde_json::Value;

/// One page of a list.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) entries: Vec<T>,
    pub(super) rest: Rest,
}

/// What a page says about those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// The list has so many entries in all.
    Total(usize),
    /// There is another page.
    More,
    /// Nothing: the page is the last one when it has fewer entries than were asked for, as the protocol has it.
    Unsaid,
    /// There are no pages: older services send everything at once.
    None,
}

impl Rest {
    /// Reads `paging`; `total` is a number in some answers and a text in others.
    pub(super) fn of(paging: Option<&Value>, total: &str) -> Self {
        let Some(paging) = paging else { return Self::Unsaid };
        let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
        match paging.get(total).and_then(number).and_then(|total| usize::try_from(total).ok()) {
            Some(total) => Self::Total(total),
            None if paging.get("next").is_some_and(Value::is_string) => Self::More,
            None => Self::Unsaid,
        }
    }
}

/// The entries that have come so far.
#[derive(Debug)]
pub(super) struct Gathered<T> {
    entries: Vec<T>,
    known: HashSet<String>,
    offset: usize,
    complete: bool,
}

/// A page without anything new, although the service says that there is more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stuck {
    /// Entries that have come.
    pub(super) got: usize,
    /// Entries that there should be, where the service says so.
    pub(super) of: Option<usize>,
}

impl<T> Gathered<T> {
    pub(super) fn new() -> Self {
        Self { entries: Vec::new(), known: HashSet::new(), offset: 0, complete: false }
    }

    /// Where the next page begins; `None` when there is none.
    pub(super) fn next(&self) -> Option<usize> {
        (!self.complete).then_some(self.offset)
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds a page of which `asked` entries were wanted. An entry that came before, because the list grew while it was
    /// read, is left out; `key` is what tells two apart.
    ///
    /// # Errors
    /// [`Stuck`], because a list that is shorter than it says must not look whole.
    pub(super) fn add(&mut self, asked: usize, page: Page<T>, key: impl Fn(&T) -> String) -> Result<(), Stuck> {
        let (before, came) = (self.entries.len(), page.entries.len());
        for entry in page.entries {
            if self.known.insert(key(&entry)) {
                self.entries.push(entry);
            }
        }
        self.offset += came;
        self.complete = match page.rest {
            Rest::Total(total) => self.offset >= total,
            Rest::More => false,
            Rest::Unsaid => came < asked,
            Rest::None => true,
        };
        if self.complete || self.entries.len() > before {
            return Ok(());
        }
        let of = if let Rest::Total(total) = page.rest { Some(total) } else { None };
        Err(Stuck { got: self.entries.len(), of })
    }

    /// All of them, or the first `limit`.
    pub(super) fn into_entries(mut self, limit: usize) -> Vec<T> {
        self.entries.truncate(limit);
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_page_says_of_the_rest() {
        for (paging, expected) in [
            (json!({"count": 1, "total": "3", "offset": "0", "next": null}), Rest::Total(3)),
            (json!({"count": 1, "total": 3, "offset": 0}), Rest::Total(3)),
            (json!({"count": 1, "offset": 0, "next": "/gdc/x"}), Rest::More),
            (json!({"count": 1, "offset": 0, "next": null}), Rest::Unsaid),
            (json!({"count": 1, "total": "many", "offset": 0}), Rest::Unsaid),
            (json!({}), Rest::Unsaid),
        ] {
            assert_eq!(Rest::of(Some(&paging), "total"), expected, "{paging}");
        }
        assert_eq!(Rest::of(None, "total"), Rest::Unsaid);
    }

    /// Gathers pages of which four entries are asked for, until there are no more; how many pages it took, and what came.
    fn gather(pages: &[(&str, Rest)]) -> Result<(usize, String), Stuck> {
        let mut gathered = Gathered::new();
        let mut taken = 0;
        while gathered.next().is_some() {
            let (entries, rest) = pages[taken];
            taken += 1;
            gathered.add(4, Page { entries: entries.chars().collect(), rest }, char::to_string)?;
        }
        Ok((taken, gathered.into_entries(usize::MAX).into_iter().collect()))
    }

    #[test]
    fn pages_are_read_until_there_are_no_more() {
        use Rest::{More, None, Total, Unsaid};
        let whole = |pages, text: &str| Ok((pages, text.to_owned()));
        for (pages, expected) in [
            (&[("", Total(0))][..], whole(1, "")),
            (&[("abcd", Total(6)), ("ef", Total(6))], whole(2, "abcdef")),
            // The service sends less than it was asked for.
            (&[("ab", Total(3)), ("c", Total(3))], whole(2, "abc")),
            (&[("ab", More), ("c", Unsaid)], whole(2, "abc")),
            // Its last page is full.
            (&[("abcd", Unsaid), ("", Unsaid)], whole(2, "abcd")),
            (&[("abc", Unsaid)], whole(1, "abc")),
            // The list grows while it is read, and shrinks.
            (&[("abcd", Total(6)), ("def", Total(7))], whole(2, "abcdef")),
            (&[("abcd", Total(6)), ("", Total(4))], whole(2, "abcd")),
            // No pages at all: it is not asked again.
            (&[("abcdef", None)], whole(1, "abcdef")),
            // It says that there is more and doesn't give it, or gives the same again.
            (&[("abcd", Total(6)), ("", Total(6))], Err(Stuck { got: 4, of: Some(6) })),
            (&[("abcd", More), ("abcd", More)], Err(Stuck { got: 4, of: Option::None })),
            (&[("abcd", Unsaid), ("abcd", Unsaid)], Err(Stuck { got: 4, of: Option::None })),
        ] {
            assert_eq!(gather(pages), expected, "{pages:?}");
        }
    }
}
