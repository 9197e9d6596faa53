//! Decides. Catalog, facts, policy and what is installed go in; the exact list of changes and a
//! report with one state and the reasons for everything come out. Pure.
//!
//! Drift, withdrawal and a first application are the same question asked again: what is wanted
//! here, what is here, what leads from the one to the other. `decide.rs` answers it for every target alike;
//! what differs from target to target is in `target/`.
#![warn(clippy::indexing_slicing)]

mod affected;
mod breaks;
mod context;
mod decide;
mod decision;
mod effective_config;
mod input;
mod installed;
mod merge;
mod permission;
mod planned;
mod planner;
mod report;
mod rest;
mod rule_kind;
mod rule_name;
mod server_report;
mod step;
mod summary;
mod target;
mod target_id;
mod verify;

pub use stopgap_model::FileEdit;

pub use affected::{Affects, affects};
pub use breaks::breaks;
pub use effective_config::EffectiveConfig;
pub use input::{Failures, Input, Order, Rest, WebConfig};
pub use installed::{
    CapturedService, InstalledAction, InstalledEntry, InstalledRule, InstalledRules,
    InstalledService, InstalledServices, InstalledState, ManagedFile, Original,
};
pub use planner::plan;
pub use rest::{tried, tried_on_iis, tried_on_services};
pub use rule_name::{RULE_PREFIX, rule_name};
pub use step::{
    AlteredServer, DisabledService, Plan, Removal, ServicesStep, Step, UnchangedServer, WebChange,
};
pub use summary::summary;
pub use target::web_rules::text::rule_text;
pub use target_id::TargetId;
pub use verify::{Probes, verify};
