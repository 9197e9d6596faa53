//! What becomes of a request that was tried, as JSON.

use std::fmt;

use serde::Serialize;

/// The name and the value of a header.
pub(crate) type Pair = (String, String);

/// What would become of a request, for a program: as `docs/json.md` says it.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AnswerObject {
    #[serde(flatten)]
    pub(crate) head: AnswerHead,
    /// As the application sees them; left out where they are not changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_headers: Option<Vec<Pair>>,
    /// Left out where no response was given; null where the client does not see it, or it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response: Option<Option<ResponseObject>>,
    /// What else may become of it; left out where nothing does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) outcomes: Vec<OutcomeObject>,
    /// What to know beside it; left out where that is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
}

/// What becomes of a request, and by which rule.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct AnswerHead {
    pub(crate) verdict: &'static str,
    pub(crate) by: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) url: Option<String>,
}

/// One of the things that may become of a request.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct OutcomeObject {
    /// What is so then.
    #[serde(rename = "if")]
    pub(crate) given: Vec<String>,
    #[serde(flatten)]
    pub(crate) head: AnswerHead,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_headers: Option<Vec<Pair>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notes: Vec<String>,
}

/// What the client sees of a response.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct ResponseObject {
    pub(crate) headers: Vec<Pair>,
    /// The rules that changed them, in their order.
    pub(crate) by: Vec<String>,
}

/// On one line, without the schema's version: one of many. The names are in the order of the alphabet.
impl fmt::Display for AnswerObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It has no map but those of names that are text, so it can be written.
        serde_json::to_value(self).unwrap_or_default().fmt(f)
    }
}
