//! `stopgap reapply`: apply again now.

use std::collections::BTreeSet;

use stopgap_model::MitigationId;
use stopgap_plan::Order;

use crate::args::Common;
use crate::commands::check::print;
use crate::error::CliError;
use crate::signals;
use stopgap_agent::Session;

pub(crate) fn run(common: &Common, ids: &[MitigationId]) -> Result<u8, CliError> {
    signals::receive(None)?;
    let mut session = Session::open(common.setup("reapply")?)?;
    let _lock = session.lock()?;
    session.require_known(ids)?;
    if let Some(off) = session.policy.switched_off() {
        return Err(CliError::usage(
            format!("automatic mitigation is switched off {off}"),
            "switch it on first: stopgap enable",
        ));
    }
    // A block is a decision: it is lifted by its own command, and not by the way.
    for id in ids {
        if let Some(block) = session.policy.blocked.get(id) {
            return Err(CliError::usage(
                format!("{id} is blocked by {}", block.by),
                format!("unblock it first: stopgap unblock {id}"),
            ));
        }
    }
    let asked: BTreeSet<MitigationId> = ids.iter().cloned().collect();
    let order = Order { only: Some(asked.clone()), reapply: asked, ..Order::default() };
    let mut report = session.cycle(&order)?;
    report.mitigations.retain(|report| ids.contains(&report.id));
    Ok(print(&session, common, &report, false))
}
