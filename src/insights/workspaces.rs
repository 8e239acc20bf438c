//! `GET /gdc/account/profile/{profile}/projects`: the workspaces that the user may see.

use arrow_array::RecordBatch;
use serde_json::Value;

use super::{
    Insights,
    columns::{self, flag, text, texts, times, user},
    pages::{Gathered, Page, Rest},
    refusal::{disappointing, incomplete},
    wire::WorkspacesReply,
};
use crate::{
    error::{ApiFault, Error, Kind, Result},
    http::Request,
    origin::ServerPath,
    progress::Call,
    retry::Safety,
};

/// Workspaces of one page. The recorded exchanges have 500, the largest that was seen; half of it keeps an answer, which
/// has about 2 KB for each, well below the cap on JSON.
const PAGE: usize = 250;

impl Insights {
    /// The workspaces of the user, all pages: `id`, `title`, `state`, `created`, `updated`, `summary`, `environment`,
    /// `public`, `author`, `contributor`, `uri`. Text but for the two times (microseconds, taken for UTC) and the flag.
    ///
    /// The list is kept for [`super::LIFE`], unless `refresh` asks for a new one.
    ///
    /// # Errors
    /// `UnexpectedReply` when the pages don't add up to what the service says; those of logging in.
    pub async fn workspaces(&self, call: &Call, refresh: bool) -> Result<RecordBatch> {
        self.connection.usable()?;
        let ask = Box::pin(async {
            let workspaces = self.all_workspaces(call).await?;
            table(&workspaces)
        });
        self.memory.workspaces.get(&*call.clock, (), refresh, self.begin_to_resolve(call), ask).await
    }

    async fn all_workspaces(&self, call: &Call) -> Result<Vec<Value>> {
        let profile = self.connection.profile().ok_or_else(|| {
            Error::new(Kind::SessionLost("the session was ended while the workspaces were asked for".into()))
        })?;
        let mut gathered = Gathered::new();
        while let Some(offset) = gathered.next() {
            let uri = format!("/gdc/account/profile/{profile}/projects?limit={PAGE}&offset={offset}");
            let request = Request::get(ServerPath::parse(&uri, self.connection.origin())?);
            let (head, reply): (_, WorkspacesReply) =
                self.connection.json(call, Safety::Repeatable, &request, "`projects`").await?;
            let page = match reply {
                WorkspacesReply::Paged { projects } => {
                    Page { rest: Rest::of(projects.paging.as_ref(), "totalCount"), entries: projects.items }
                }
                WorkspacesReply::Whole { projects } => Page { rest: Rest::None, entries: projects },
            };
            let entries: Vec<Value> = page.entries.into_iter().map(|mut entry| entry["project"].take()).collect();
            if entries.iter().any(|entry| id(entry).is_none()) {
                let message = "a workspace comes without its address, `links.self`".into();
                return Err(disappointing(&head, ApiFault::UnexpectedReply, message));
            }
            let key = |entry: &Value| id(entry).unwrap_or_default().to_owned();
            gathered
                .add(PAGE, Page { entries, rest: page.rest }, key)
                .map_err(|stuck| incomplete(&head, "workspaces", &stuck))?;
        }
        Ok(gathered.into_entries(usize::MAX))
    }
}

/// The id of a workspace is the last part of its address.
fn id(workspace: &Value) -> Option<&str> {
    workspace.pointer("/links/self")?.as_str()?.strip_prefix("/gdc/projects/")
}

fn table(workspaces: &[Value]) -> Result<RecordBatch> {
    let meta = |name: &'static str| workspaces.iter().map(move |entry| text(&entry["meta"], name));
    let content = |name: &'static str| workspaces.iter().map(move |entry| text(&entry["content"], name));
    let users = |name: &'static str| workspaces.iter().map(move |entry| user(&entry["meta"], name));
    columns::table([
        ("id", texts(workspaces.iter().map(id))),
        ("title", texts(meta("title"))),
        ("state", texts(content("state"))),
        ("created", times(meta("created"))),
        ("updated", times(meta("updated"))),
        ("summary", texts(meta("summary"))),
        ("environment", texts(content("environment"))),
        ("public", columns::flags(workspaces.iter().map(|entry| flag(&entry["content"], "isPublic")))),
        ("author", texts(users("author"))),
        ("contributor", texts(users("contributor"))),
        ("uri", texts(workspaces.iter().map(|entry| entry.pointer("/links/self")?.as_str()))),
    ])
}
