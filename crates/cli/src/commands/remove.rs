//! `stopgap remove`: take back now, and keep away.

use stopgap_plan::Order;

use crate::args::{Common, Decision};
use crate::commands::block::say_blocked;
use crate::commands::check::tell;
use crate::error::CliError;
use crate::session::Session;

pub(crate) fn run(common: &Common, decision: &Decision, once: bool) -> Result<u8, CliError> {
    let mut session = Session::open(common)?;
    let _lock = session.lock(common, "remove")?;
    session.know(&decision.ids)?;
    if !once {
        // Written down first: a removal that is cut short here is finished by the next check.
        say_blocked(&session, decision, true)?;
        session.reload_policy()?;
    }
    let ids: std::collections::BTreeSet<_> = decision.ids.iter().cloned().collect();
    let order = Order { only: Some(ids.clone()), take_back: ids, ..Order::default() };
    let mut report = session.engine().cycle(&order)?;
    report.mitigations.retain(|report| decision.ids.contains(&report.id));
    Ok(tell(&session, common, &report, false))
}
