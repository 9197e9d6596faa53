//! What differs between the kinds of targets in a transaction.
//!
//! `transaction.rs` has the order of the steps, the records and every way back; an [`Effect`] says what a
//! step means for one kind of target. A new kind of target is one more implementation in a file beside
//! this one, and one more arm in each function below.

mod blame;
mod contract;
mod iis;
mod services;
mod web;

use stopgap_plan::{InstalledState, Plan, Step, TargetId};
use stopgap_store::{Change, FileChange};

use crate::engine::Engine;
use crate::trouble::Trouble;

pub(crate) use contract::{Effect, RestoreError, Restored, Taken, Unfit};

/// Returns the changes of a plan: IIS, the other web servers, services. `installed` is what the records say.
pub(crate) fn effects<'p>(
    engine: &'p Engine<'p>,
    plan: &'p Plan,
    installed: &'p InstalledState,
) -> Vec<Box<dyn Effect<'p> + 'p>> {
    let mut effects: Vec<Box<dyn Effect<'p> + 'p>> = Vec::new();
    if !(plan.edits.is_empty() && plan.steps.is_empty()) {
        effects.push(Box::new(iis::IisFiles::new(engine, plan)));
    }
    for change in &plan.web {
        let own = installed.web.get(&change.server.id());
        let rules = own.map(|own| own.rules.as_slice()).unwrap_or_default();
        effects.push(Box::new(web::WebRules::new(engine, change, rules)));
    }
    for step in &plan.services {
        if let Step::Services(of) = step {
            effects.push(Box::new(services::ServicesChange::new(engine, step, of)));
        }
    }
    effects
}

/// Puts back what a change that an earlier run left unfinished changed beside files. Returns what did not
/// start again, empty if all did.
///
/// # Errors
/// Something could not be put back, and why: a sentence without a full stop.
pub(crate) fn recover(engine: &Engine<'_>, change: &Change) -> Result<String, String> {
    let mut steps = change.steps.iter();
    let services = steps.find_map(|step| match step {
        Step::Services(of) => Some(services::recover(engine, of)),
        Step::Insert(_) | Step::Remove { .. } | Step::Rules { .. } => None,
    });
    services.unwrap_or_else(|| Ok(String::new())).map_err(|error| error.to_string())
}

/// Makes the target of a change that an earlier run left unfinished use what was put back. Returns what did
/// not come of it.
pub(crate) fn restore_recovered(engine: &Engine<'_>, change: &Change) -> Vec<Trouble> {
    match change.target() {
        TargetId::Web(server) => web::restore_recovered(engine, &server),
        // IIS notices by itself that its files changed; services have no files.
        TargetId::Iis | TargetId::Services(_) => Vec::new(),
    }
}

/// Returns whether a file of a change that could not be put back does nothing once the other files are as
/// they were.
pub(crate) fn is_idle(change: &Change, file: &FileChange) -> bool {
    change.target().server().is_some_and(|server| web::is_idle(server, file))
}
