//! `stopgap block` and `stopgap unblock`.

use jiff::Timestamp;
use serde_json::json;
use stopgap_store::{Event, Said};

use crate::args::{Common, Decision};
use crate::error::CliError;
use crate::output;
use crate::session::Session;

pub(crate) fn block(common: &Common, decision: &Decision) -> Result<u8, CliError> {
    let mut session = Session::open(common)?;
    let _lock = session.lock(common, "block")?;
    session.know(&decision.ids)?;
    say_blocked(&session, decision, false)?;
    tell(common, decision, "blocked", "what is in place stays; to take it back: stopgap remove");
    Ok(0)
}

/// Writes down that the mitigations of `decision` are blocked.
pub(crate) fn say_blocked(
    session: &Session,
    decision: &Decision,
    take_back: bool,
) -> Result<(), CliError> {
    let mut decisions = session.store.decisions()?;
    for id in &decision.ids {
        let said = Said {
            by: session.by.clone(),
            at: Timestamp::now(),
            why: decision.reason.clone(),
            take_back,
        };
        // A block that came before does not take back a removal's word, and keeps its author.
        let entry = decisions.blocked.entry(id.clone()).or_insert(said);
        entry.take_back |= take_back;
    }
    session.store.save_decisions(&decisions)?;
    for id in &decision.ids {
        let now = Timestamp::now();
        session.store.record(now, &session.by, Event::Blocked, id.as_str(), &decision.reason)?;
    }
    Ok(())
}

pub(crate) fn unblock(common: &Common, decision: &Decision) -> Result<u8, CliError> {
    let mut session = Session::open(common)?;
    let _lock = session.lock(common, "unblock")?;
    session.know(&decision.ids)?;
    let mut decisions = session.store.decisions()?;
    for id in &decision.ids {
        if decisions.blocked.remove(id).is_none() {
            let why = match session.policy.blocked.get(id) {
                Some(block) => format!("{id} is blocked by {}", block.by),
                None => format!("{id} is not blocked"),
            };
            return Err(CliError::usage(why, "commands unblock what commands blocked"));
        }
    }
    session.store.save_decisions(&decisions)?;
    for id in &decision.ids {
        let now = Timestamp::now();
        session.store.record(now, &session.by, Event::Unblocked, id.as_str(), &decision.reason)?;
    }
    tell(common, decision, "unblocked", "the next check applies it again if it is needed");
    Ok(0)
}

fn tell(common: &Common, decision: &Decision, what: &str, then: &str) {
    if common.json {
        output::print_json(json!({what: decision.ids}));
        return;
    }
    for id in &decision.ids {
        say!("{id} {what}: {then}");
    }
}
