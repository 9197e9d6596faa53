//! One cycle with the feeds: what is known is applied while they are fetched.

use jiff::Timestamp;
use stopgap_engine::CycleReport;
use stopgap_feed::{Feed, FeedsError, View};
use stopgap_fs::LockError;
use stopgap_model::MitigationId;
use stopgap_plan::Order;

use crate::catalog::built_in;
use crate::error::AgentError;
use crate::fetching::{Fetching, OF_A_CYCLE, record};
use crate::log;
use crate::session::Session;
use crate::sources::Sources;
use crate::stop;

/// Runs one cycle, for which the feeds are fetched. What was fetched before, and what ships with the
/// program, is applied meanwhile; if the feeds bring something new, a second cycle follows, and the
/// report is of both. A feed that cannot be fetched keeps nothing from being done, nor does another
/// process that waits for a slow network.
///
/// # Errors
/// The cycle could not be carried out, a mitigation that `order` names is not known, or the process was
/// asked to stop.
pub fn cycle(session: &mut Session, order: &Order) -> Result<CycleReport, AgentError> {
    // An unsigned catalog is tried alone.
    let feeds = match session.setup().unsigned_catalog {
        Some(_) => Vec::new(),
        None => session.feeds.all()?,
    };
    if feeds.is_empty() {
        let _lock = session.lock()?;
        require_known(session, order)?;
        return session.cycle(order);
    }
    let waits = needs_first_fetch(session, &feeds)?;
    let fetching = Fetching::begin(session, feeds, OF_A_CYCLE)?;
    let first = if waits { None } else { cycle_meanwhile(session, order)? };
    let outcomes = match fetching.finish(session) {
        Err(AgentError::Feeds(FeedsError::Lock(LockError::Held { by }))) => {
            log::note(&format!(
                "the feeds are being fetched by {by}; until then, what was fetched before counts"
            ));
            Vec::new()
        }
        outcomes => outcomes?,
    };
    let first = match first {
        // What was done before the process was asked to stop is reported, and nothing else is begun.
        Some((report, sources)) if stop::is_requested() => {
            session.sources = sources;
            return Ok(report);
        }
        first => first,
    };
    let _lock = session.lock()?;
    record(session, &outcomes);
    require_known(session, order)?;
    match first {
        Some((report, sources)) if session.sources.offer_the_same_as(&sources) => Ok(report),
        Some((report, _)) => Ok(session.cycle(order)?.after(report)),
        None => session.cycle(order),
    }
}

fn require_known(session: &Session, order: &Order) -> Result<(), AgentError> {
    let ids: Vec<MitigationId> = order.only.iter().flatten().cloned().collect();
    session.require_known(&ids)
}

/// Whether a feed that was never fetched may forbid or revise what ships with the program. Then nothing
/// is applied before it was fetched.
fn needs_first_fetch(session: &Session, feeds: &[Feed]) -> Result<bool, AgentError> {
    let shipped: Vec<MitigationId> = built_in()?.into_iter().map(|it| it.id).collect();
    let now = Timestamp::now();
    for feed in feeds {
        let revises = |id| feed.permissions.refuses_id(id, &shipped, &[]).is_none();
        let counts = feed.permissions.policy.is_there() || shipped.iter().any(revises);
        let was_never = |view: &View| view.status.succeeded.is_none() && view.kept_policy.is_none();
        if counts && was_never(&session.feeds.view(feed.clone(), now)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Runs a cycle with what was fetched before; returns its report and those sources. What fails in it is
/// tried again when the feeds were fetched, and reported then.
fn cycle_meanwhile(
    session: &mut Session,
    order: &Order,
) -> Result<Option<(CycleReport, Sources)>, AgentError> {
    let report = session.lock().and_then(|_lock| session.cycle(order));
    match report {
        Ok(report) => {
            let sources = std::mem::replace(&mut session.sources, Sources::none());
            Ok(Some((report, sources)))
        }
        Err(error @ AgentError::Stopped(_)) => Err(error),
        Err(_) => Ok(None),
    }
}
