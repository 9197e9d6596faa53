//! `stopgap remove`: removes mitigations now, and keeps them away.

use std::collections::BTreeSet;

use stopgap_plan::Order;

use crate::args::{Common, Decision};
use crate::commands::check::print;
use crate::error::CliError;
use crate::signals;
use stopgap_agent::Session;
use stopgap_agent::administrator::{Administrator, require_known};

pub(crate) fn run(common: &Common, decision: &Decision, once: bool) -> Result<u8, CliError> {
    require_known(&common.setup("remove")?, &decision.ids)?;
    if once {
        return remove(common, decision);
    }
    // Written down first: a check that runs sees it before its next step, and a removal that is cut
    // short here is finished by the next check.
    let administrator = Administrator::open(&common.state_folder()?, "remove")?;
    administrator.block(&decision.ids, &decision.reason, true)?;
    remove(common, decision).map_err(|why| match why {
        why @ CliError::Signal(_) => why,
        why => CliError::Decided {
            what: "it is blocked from now on, and not yet removed".into(),
            then: "the next check removes it".into(),
            why: Box::new(why),
        },
    })
}

fn remove(common: &Common, decision: &Decision) -> Result<u8, CliError> {
    signals::receive(None)?;
    let mut session = Session::open_for_removal(common.setup("remove")?)?;
    let _lock = session.lock()?;
    session.require_known(&decision.ids)?;
    let ids: BTreeSet<_> = decision.ids.iter().cloned().collect();
    let order = Order { only: Some(ids.clone()), take_back: ids, ..Order::default() };
    let mut report = session.cycle(&order)?;
    report.mitigations.retain(|report| decision.ids.contains(&report.id));
    Ok(print(&session, common, &report, false))
}
