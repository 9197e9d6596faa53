//! One line of the audit trail, and its form in the file.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stopgap_model::Digest;

use crate::event::Event;

/// The schema of a line, which stands in no line of schema 1.
pub(crate) const SCHEMA: u32 = 1;

/// One line of the audit trail; as JSON it is what `history` tells, and not the form of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its number, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who or what did it.
    pub who: String,
    /// What happened.
    pub event: Event,
    /// The mitigation it is about; empty if none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mitigation: String,
    /// More, in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The digest of the line before; of nothing for the first.
    pub prev: Digest,
}

/// Where a line has its place in the chain. Every line of every schema says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The line's number.
    pub(crate) seq: u64,
    /// The digest of the line before.
    pub(crate) prev: Digest,
}

/// Why a line was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is no line: why.
    Nothing(String),
    /// A newer program wrote it: its schema, and where it has its place.
    Newer(u32, Place),
}

/// What every line of every schema has.
#[derive(Deserialize)]
struct Numbered {
    #[serde(default = "first_schema")]
    schema: u32,
    seq: u64,
    prev: Digest,
}

fn first_schema() -> u32 {
    1
}

/// Schema 1 of a line.
#[derive(Serialize, Deserialize)]
struct LineV1<'a> {
    seq: u64,
    at: Timestamp,
    who: Cow<'a, str>,
    event: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    mitigation: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    detail: Cow<'a, str>,
    prev: Digest,
}

/// The line with this text.
pub(crate) fn read(text: &[u8]) -> Result<Line, Unread> {
    let wrong = |error: serde_json::Error| Unread::Nothing(error.to_string());
    let Numbered { schema, seq, prev } = serde_json::from_slice(text).map_err(wrong)?;
    if schema > SCHEMA {
        return Err(Unread::Newer(schema, Place { seq, prev }));
    }
    let LineV1 { seq, at, who, event, mitigation, detail, prev } =
        serde_json::from_slice(text).map_err(wrong)?;
    let event = Event::named(&event)
        .ok_or_else(|| Unread::Nothing(format!("there is no event `{event}`")))?;
    let (who, mitigation, detail) =
        (who.into_owned(), mitigation.into_owned(), detail.into_owned());
    Ok(Line { seq, at, who, event, mitigation, detail, prev })
}

/// Where the line with this text has its place in the chain; `None`: it is no line.
pub(crate) fn place(text: &[u8]) -> Option<Place> {
    let Numbered { seq, prev, .. } = serde_json::from_slice(text).ok()?;
    Some(Place { seq, prev })
}

/// A line as it is written, without its line end.
///
/// # Errors
/// None that is known: what a line is made of can be written.
pub(crate) fn write(line: &Line) -> Result<Vec<u8>, serde_json::Error> {
    let Line { seq, at, who, event, mitigation, detail, prev } = line;
    serde_json::to_vec(&LineV1 {
        seq: *seq,
        at: *at,
        who: who.into(),
        event: event.as_str().into(),
        mitigation: mitigation.into(),
        detail: detail.into(),
        prev: *prev,
    })
}
