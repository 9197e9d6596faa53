//! The nouns of Stopgap: ids, versions and ranges, host facts, mitigation documents, policy,
//! observations, states and reports.
//!
//! Pure: no IO, no clock, no environment. Everything that the other crates say to each other is said in
//! these types.
#![warn(clippy::indexing_slicing)]

pub mod account;
pub mod catalog;
pub mod digest;
pub mod document;
pub mod evidence;
mod fact;
mod file_edit;
pub mod glob;
pub mod host;
pub mod id;
pub mod mitigation;
pub mod own_answer;
pub mod policy;
pub mod problem;
pub mod product;
pub mod reason;
pub mod report;
pub mod request;
pub mod request_line;
pub mod rule;
mod server_path;
pub mod service;
pub mod state;
pub mod version;
pub mod web;
mod web_kind;

pub use catalog::{Catalog, Offer, Refused};
pub use digest::Digest;
pub use file_edit::FileEdit;
pub use host::{Exchange, Fact, HostFacts, ServerPath};
pub use id::{ActionId, MitigationId};
pub use mitigation::{Action, ActionKind, Affected, Mitigation, Probe, Scope, Severity};
pub use problem::Problem;
pub use reason::{Reason, Reasons};
pub use request::{Request, Response};
pub use request_line::RequestLine;
pub use version::{Scheme, Version, VersionRange};
pub use web::{ServerId, WebKind};
