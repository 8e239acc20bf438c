//! `GET /gdc/md/{workspace}/query/…` and `…/objects/query`: what a workspace has, by kind.
//!
//! The first gives a line for each object of a kind in one answer. There is no such list of labels in any recorded
//! exchange, so that they come from the attributes, each of which carries its labels (`displayForms`) whole; asking for
//! objects of the category `attributeDisplayForm` would be as short, but no source shows that the service answers it,
//! and it wouldn't tell whose labels they are.

use arrow_array::{ArrayRef, RecordBatch};
use serde_json::Value;

use super::{
    Insights,
    columns::{flag, flags, table, text, texts, times, user},
    pages::{Gathered, Page, Rest},
    refusal::{disappointing, incomplete},
    wire::{ObjectsReply, QueryReply},
};
use crate::{
    error::{ApiFault, Result},
    http::{Head, Request},
    ids::{ObjectUri, WorkspaceId},
    origin::ServerPath,
    progress::Call,
    retry::Safety,
};

/// Whole objects of one page, as the service's own clients have it.
const PAGE: usize = 50;

/// A kind of objects that a workspace lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listing {
    /// What can be exported.
    Reports,
    /// What is computed.
    Metrics,
    /// What is grouped and filtered by.
    Attributes,
    /// The forms in which attributes are shown; filters name them.
    Labels,
    /// The numbers that metrics are computed from.
    Facts,
    /// What data is loaded into.
    Datasets,
}

impl Listing {
    /// The word in the address of the query.
    fn noun(self) -> &'static str {
        match self {
            Self::Reports => "reports",
            Self::Metrics => "metrics",
            Self::Attributes | Self::Labels => "attributes",
            Self::Facts => "facts",
            Self::Datasets => "datasets",
        }
    }
}

impl Insights {
    /// All objects of a kind, in the order of the service: `id` (its number in the workspace, as text), `identifier`,
    /// `title`, `summary`, `tags` (separated by blanks), `created` and `updated` (microseconds, taken for UTC), `author`
    /// and `contributor` (uris), `deprecated`, `locked`, `unlisted`, `uri`. What an older service doesn't say is null.
    ///
    /// Labels have, before `author`, `type` (such as `GDC.time.day_us`; null for what is no date), `default`, and their
    /// `attribute` (title), `attribute_id` and `attribute_identifier`; `unlisted` isn't known of them.
    ///
    /// The list is kept for [`super::LIFE`], unless `refresh` asks for a new one.
    ///
    /// # Errors
    /// `NotFound` or `Forbidden` for a workspace that isn't the user's, `UnexpectedReply` for a list without addresses or
    /// one that ends before it says.
    pub async fn catalog(
        &self,
        call: &Call,
        workspace: &WorkspaceId,
        listing: Listing,
        refresh: bool,
    ) -> Result<RecordBatch> {
        self.connection.usable()?;
        let key = (workspace.clone(), listing);
        let ask = Box::pin(async {
            match listing {
                Listing::Labels => labels(&self.all_attributes(call, workspace).await?),
                _ => entries(&self.all_entries(call, workspace, listing).await?),
            }
        });
        self.memory.lists.get(&*call.clock, key, refresh, self.begin_to_resolve(call), ask).await
    }

    async fn all_entries(&self, call: &Call, workspace: &WorkspaceId, listing: Listing) -> Result<Vec<Value>> {
        let uri = format!("/gdc/md/{workspace}/query/{}", listing.noun());
        let request = Request::get(ServerPath::parse(&uri, self.connection.origin())?);
        let (head, reply): (_, QueryReply) =
            self.connection.json(call, Safety::Repeatable, &request, "`query` with entries").await?;
        let entries = reply.query.entries;
        self.prove(&head, entries.iter().map(|entry| text(entry, "link")))?;
        Ok(entries)
    }

    async fn all_attributes(&self, call: &Call, workspace: &WorkspaceId) -> Result<Vec<Value>> {
        let mut gathered = Gathered::new();
        while let Some(offset) = gathered.next() {
            let uri = format!("/gdc/md/{workspace}/objects/query?category=attribute&limit={PAGE}&offset={offset}");
            let request = Request::get(ServerPath::parse(&uri, self.connection.origin())?);
            let (head, reply): (_, ObjectsReply) =
                self.connection.json(call, Safety::Repeatable, &request, "`objects` with items").await?;
            let rest = Rest::of(reply.objects.paging.as_ref(), "totalCount");
            let entries: Vec<Value> = reply
                .objects
                .items
                .into_iter()
                .flat_map(serde_json::Map::into_iter)
                .map(|(_, object)| object)
                .collect();
            let labels = entries.iter().flat_map(display_forms);
            self.prove(&head, entries.iter().chain(labels).map(|object| text(&object["meta"], "uri")))?;
            let key = |object: &Value| text(&object["meta"], "uri").unwrap_or_default().to_owned();
            gathered.add(PAGE, Page { entries, rest }, key).map_err(|stuck| incomplete(&head, "attributes", &stuck))?;
        }
        Ok(gathered.into_entries(usize::MAX))
    }

    /// Proves that each entry has the address of an object of this service: ids come from it, and requests go there.
    fn prove<'a>(&self, head: &Head, mut uris: impl Iterator<Item = Option<&'a str>>) -> Result<()> {
        uris.try_for_each(|uri| match uri {
            Some(uri) => ObjectUri::parse(uri, self.connection.origin()).map(drop),
            None => {
                let message = "an object comes without its address".into();
                Err(disappointing(head, ApiFault::UnexpectedReply, message))
            }
        })
    }
}

/// The labels of an attribute.
fn display_forms(attribute: &Value) -> impl Iterator<Item = &Value> {
    attribute.pointer("/content/displayForms").and_then(Value::as_array).into_iter().flatten()
}

/// The number at the end of an object's address.
fn id(uri: &str) -> Option<&str> {
    uri.rsplit('/').next()
}

/// The columns before those that are different for labels. An entry of a query has its fields where an object has its
/// `meta`.
fn head(metas: &[&Value], uri: &'static str) -> Vec<(&'static str, ArrayRef)> {
    let all = |name: &'static str| texts(metas.iter().map(move |meta| text(meta, name)));
    let time = |name: &'static str| times(metas.iter().map(move |meta| text(meta, name)));
    vec![
        ("id", texts(metas.iter().map(|meta| id(text(meta, uri)?)))),
        ("identifier", all("identifier")),
        ("title", all("title")),
        ("summary", all("summary")),
        ("tags", all("tags")),
        ("created", time("created")),
        ("updated", time("updated")),
    ]
}

/// The columns behind them.
fn tail(metas: &[&Value], marks: &[&'static str], uri: &'static str) -> Vec<(&'static str, ArrayRef)> {
    let users = |name: &'static str| (name, texts(metas.iter().map(move |meta| user(meta, name))));
    let mark = |name: &&'static str| (*name, flags(metas.iter().map(|meta| flag(meta, name))));
    let mut columns = vec![users("author"), users("contributor")];
    columns.extend(marks.iter().map(mark));
    columns.push(("uri", texts(metas.iter().map(|meta| text(meta, uri)))));
    columns
}

fn entries(entries: &[Value]) -> Result<RecordBatch> {
    let metas: Vec<&Value> = entries.iter().collect();
    table(head(&metas, "link").into_iter().chain(tail(&metas, &["deprecated", "locked", "unlisted"], "link")))
}

fn labels(attributes: &[Value]) -> Result<RecordBatch> {
    let pairs: Vec<(&Value, &Value)> = attributes
        .iter()
        .flat_map(|attribute| display_forms(attribute).map(move |label| (label, &attribute["meta"])))
        .collect();
    let metas: Vec<&Value> = pairs.iter().map(|(label, _)| &label["meta"]).collect();
    let content = |name: &'static str| pairs.iter().map(move |(label, _)| (&label["content"], name));
    let of_attribute = |name: &'static str| pairs.iter().map(move |(_, attribute)| text(attribute, name));
    let own = vec![
        ("type", texts(content("type").map(|(content, name)| text(content, name)))),
        // Only the default label says so.
        ("default", flags(content("default").map(|(content, name)| Some(flag(content, name).unwrap_or(false))))),
        ("attribute", texts(of_attribute("title"))),
        ("attribute_id", texts(of_attribute("uri").map(|uri| id(uri?)))),
        ("attribute_identifier", texts(of_attribute("identifier"))),
    ];
    table(head(&metas, "uri").into_iter().chain(own).chain(tail(&metas, &["deprecated", "locked"], "uri")))
}
