//! `stopgap enable` and `stopgap disable`: this server's switch.

use jiff::Timestamp;
use serde_json::json;
use stopgap_store::{Event, Said};

use crate::args::Common;
use crate::error::CliError;
use crate::output;
use crate::session::Session;

pub(crate) fn enable(common: &Common, reason: &str) -> Result<u8, CliError> {
    set(common, "enable", reason, None)
}

pub(crate) fn disable(common: &Common, reason: &str) -> Result<u8, CliError> {
    set(common, "disable", reason, Some(Timestamp::now()))
}

fn set(
    common: &Common,
    command: &str,
    reason: &str,
    off_since: Option<Timestamp>,
) -> Result<u8, CliError> {
    let mut session = Session::open(common)?;
    // Who switches off waits for nothing that a feed offers; who switches on is told of every other
    // switch.
    let _lock = match off_since {
        Some(_) => session.lock_records(common, command)?,
        None => session.lock(common, command)?,
    };
    let mut decisions = session.store.decisions()?;
    decisions.switched_off = off_since.map(|at| Said {
        by: session.by.clone(),
        at,
        why: reason.to_owned(),
        take_back: false,
    });
    session.store.save_decisions(&decisions)?;
    let event = if off_since.is_some() { Event::Disabled } else { Event::Enabled };
    session.store.record(Timestamp::now(), &session.by, event, "", reason)?;
    session.reload_policy()?;
    let off = session.policy.switched_off();
    if common.json {
        output::print_json(json!({"enabled": off.is_none(), "switched_off": off}));
        return Ok(0);
    }
    match off {
        None => say!("Automatic mitigation is on; the next check acts."),
        Some(off) => say!(
            "Automatic mitigation is off {off}: nothing is applied or taken back.\n\
             What is in place stays and is shown by: stopgap status"
        ),
    }
    Ok(0)
}
