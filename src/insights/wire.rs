//! The JSON as it travels. Fields that nothing reads are left out; unknown ones are ignored.

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct LoginReply {
    #[serde(rename = "userLogin")]
    pub(super) user_login: UserLogin,
}

#[derive(Deserialize)]
pub(super) struct UserLogin {
    pub(super) profile: String,
    pub(super) state: String,
    /// At verify level 2 only.
    pub(super) token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct TokenReply {
    #[serde(rename = "userToken")]
    pub(super) user_token: UserToken,
}

#[derive(Deserialize)]
pub(super) struct UserToken {
    pub(super) token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct IdentifiersReply {
    pub(super) identifiers: Vec<IdentifierEntry>,
}

#[derive(Deserialize)]
pub(super) struct IdentifierEntry {
    pub(super) identifier: String,
    pub(super) uri: String,
}

#[derive(Deserialize)]
pub(super) struct ExecutionReply {
    pub(super) uri: String,
}

#[derive(Deserialize)]
pub(super) struct ObjectsReply {
    pub(super) objects: Objects,
}

#[derive(Deserialize)]
pub(super) struct Objects {
    pub(super) items: Vec<serde_json::Map<String, serde_json::Value>>,
    pub(super) paging: Option<serde_json::Value>,
}

#[derive(Deserialize)]
pub(super) struct Meta {
    #[serde(default)]
    pub(super) title: String,
    pub(super) identifier: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ReportReply {
    pub(super) report: ReportObject,
}

#[derive(Deserialize)]
pub(super) struct ReportObject {
    pub(super) content: ReportContent,
    pub(super) meta: Meta,
}

#[derive(Deserialize)]
pub(super) struct ReportContent {
    #[serde(default)]
    pub(super) definitions: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct DefinitionReply {
    #[serde(rename = "reportDefinition")]
    pub(super) definition: DefinitionObject,
}

#[derive(Deserialize)]
pub(super) struct DefinitionObject {
    pub(super) content: DefinitionContent,
}

#[derive(Deserialize)]
pub(super) struct DefinitionContent {
    pub(super) grid: Grid,
}

#[derive(Deserialize)]
pub(super) struct Grid {
    #[serde(default)]
    pub(super) rows: Vec<GridEntry>,
    #[serde(default)]
    pub(super) columns: Vec<GridEntry>,
    #[serde(default)]
    pub(super) metrics: Vec<GridColumn>,
}

/// An entry of a grid's rows or columns: an attribute, or something else such as the word `metricGroup`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum GridEntry {
    Attribute { attribute: GridColumn },
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
pub(super) struct GridColumn {
    #[serde(default)]
    pub(super) alias: String,
    pub(super) uri: String,
}

#[derive(Deserialize)]
pub(super) struct DisplayForm {
    pub(super) content: DisplayFormContent,
    pub(super) meta: Meta,
}

#[derive(Deserialize)]
pub(super) struct DisplayFormContent {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Metric {
    pub(super) content: MetricContent,
    pub(super) meta: Meta,
}

#[derive(Deserialize)]
pub(super) struct MetricContent {
    #[serde(default)]
    pub(super) expression: String,
    pub(super) format: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ElementsReply {
    #[serde(rename = "attributeElements")]
    pub(super) attribute_elements: Elements,
}

#[derive(Deserialize)]
pub(super) struct Elements {
    pub(super) elements: Vec<ElementEntry>,
    pub(super) paging: Option<serde_json::Value>,
}

#[derive(Deserialize)]
pub(super) struct ValidElementsReply {
    #[serde(rename = "validElements")]
    pub(super) valid_elements: ValidElements,
}

#[derive(Deserialize)]
pub(super) struct ValidElements {
    pub(super) items: Vec<ValidElement>,
    pub(super) paging: Option<serde_json::Value>,
}

#[derive(Deserialize)]
pub(super) struct ValidElement {
    pub(super) element: ElementEntry,
}

#[derive(Deserialize)]
pub(super) struct ElementEntry {
    pub(super) title: Option<String>,
    pub(super) uri: String,
}

/// Older services send all workspaces at once, without pages.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum WorkspacesReply {
    Paged { projects: Workspaces },
    Whole { projects: Vec<serde_json::Value> },
}

#[derive(Deserialize)]
pub(super) struct Workspaces {
    pub(super) items: Vec<serde_json::Value>,
    pub(super) paging: Option<serde_json::Value>,
}

#[derive(Deserialize)]
pub(super) struct QueryReply {
    pub(super) query: Query,
}

#[derive(Deserialize)]
pub(super) struct Query {
    pub(super) entries: Vec<serde_json::Value>,
}
