//! What `--json` prints: one object a command, as `docs/json.md` describes it. The schema
//! `docs/schema/stopgap.json` is generated from these types.

mod commands;
mod facts;
mod feeds;
mod report;
#[cfg(test)]
mod tests;

use serde::Serialize;
use stopgap_terminal::json_line;

pub(crate) use commands::{
    AddedObject, BlockObject, BlockedObject, ChangeCutShort, CheckObject, ConnectivityObject,
    DemoObject, DemoStep, ErrorObject, FactsObject, FeedTestObject, FileObject, HistoryObject,
    LineObject, RemovedObject, ServerObject, ServicesObject, SwitchObject, TimingObject,
    TroubleObject, UnblockedObject, ids,
};
pub(crate) use feeds::{
    EocsObject, FeedRefreshObject, FeedVerifyObject, ImportObject, RefreshObject, SourceObject,
    SourcesObject,
};
pub(crate) use report::{
    CycleObject, DocumentObject, LastFailureObject, ListObject, ShowObject, StatusObject,
};

/// Prints an object on one line, with the schema's version; the names are in the order of the alphabet.
pub(crate) fn print(object: &impl Serialize) {
    print_line!("{}", json_line(object));
}
