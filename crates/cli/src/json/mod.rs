//! What `--json` prints: one object a command, as `docs/json.md` describes it. The schema
//! `docs/schema/stopgap.json` is generated from these types.

mod commands;
mod facts;
mod feeds;
mod report;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub(crate) use commands::{
    AddedObject, BlockedObject, ChangeCutShort, CheckObject, ConnectivityObject, DemoObject,
    DemoStep, ErrorObject, FactsObject, FeedTestObject, FileObject, HistoryObject, LineObject,
    RemovedObject, ServerObject, SwitchObject, TimingObject, TroubleObject, UnblockedObject, ids,
};
pub(crate) use feeds::{
    EocsObject, FeedRefreshObject, FeedVerifyObject, ImportObject, RefreshObject, SourceObject,
    SourcesObject,
};
pub(crate) use report::{
    CycleObject, DocumentObject, LastFailureObject, ListObject, ShowObject, StatusObject,
};

/// The version of all shapes. Names are added within a version, never changed.
const SCHEMA: u32 = 1;

/// Prints an object on one line, with the schema's version; the names are in the order of the alphabet.
pub(crate) fn print(object: &impl Serialize) {
    // Only a map with keys that are not text cannot be written, and there is none.
    let mut object = serde_json::to_value(object).unwrap_or_default();
    if let Some(fields) = object.as_object_mut() {
        fields.insert("schema".into(), SCHEMA.into());
    }
    print_line!("{object}");
}
