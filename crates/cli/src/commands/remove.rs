//! `stopgap remove`: take back now, and keep away.

use std::collections::BTreeSet;

use stopgap_plan::Order;

use crate::args::{Common, Decision};
use crate::commands::check::tell;
use crate::desk::{self, Desk};
use crate::error::CliError;
use crate::session::Session;
use crate::signals;

pub(crate) fn run(common: &Common, decision: &Decision, once: bool) -> Result<u8, CliError> {
    desk::know(common, &decision.ids)?;
    if once {
        return take_back(common, decision);
    }
    // Written down first: a check that runs sees it before its next step, and a removal that is cut
    // short here is finished by the next check.
    Desk::open(common, "remove")?.block(&decision.ids, &decision.reason, true)?;
    take_back(common, decision).map_err(|why| match why {
        why @ CliError::Signal(_) => why,
        why => CliError::Decided {
            what: "it is blocked from now on, and not yet taken back".into(),
            then: "the next check takes it back".into(),
            why: Box::new(why),
        },
    })
}

fn take_back(common: &Common, decision: &Decision) -> Result<u8, CliError> {
    signals::receive(None)?;
    let mut session = Session::open_to_take_back(common)?;
    let _lock = session.lock(common, "remove")?;
    session.know(&decision.ids)?;
    let ids: BTreeSet<_> = decision.ids.iter().cloned().collect();
    let order = Order { only: Some(ids.clone()), take_back: ids, ..Order::default() };
    let mut report = session.cycle(&order)?;
    report.mitigations.retain(|report| decision.ids.contains(&report.id));
    Ok(tell(&session, common, &report, false))
}
