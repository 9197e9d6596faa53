//! `stopgap block` and `stopgap unblock`.

use serde_json::json;
use stopgap_model::MitigationId;
use stopgap_store::Event;

use crate::args::{Common, Decision};
use crate::desk::{self, Desk};
use crate::error::CliError;
use crate::output;
use crate::session::Session;

pub(crate) fn block(common: &Common, decision: &Decision) -> Result<u8, CliError> {
    let desk = Desk::open(common, "block")?;
    desk::know(common, &decision.ids)?;
    desk.block(&decision.ids, &decision.reason, false)?;
    let running = desk.running();
    tell(
        common,
        decision,
        &running,
        "blocked",
        "what is in place stays; to take it back: stopgap remove",
    );
    if let Some(who) = running.filter(|_| !common.json) {
        say!(
            "{}",
            output::wrap(
                &output::plain(&format!(
                    "{who} is running: what it has not begun of it, it does not begin."
                )),
                "  "
            )
        );
    }
    Ok(0)
}

pub(crate) fn unblock(common: &Common, decision: &Decision) -> Result<u8, CliError> {
    let desk = Desk::open(common, "unblock")?;
    let unblocked = desk.decide(|decisions| {
        let blocked = |id: &&MitigationId| decisions.blocked.contains_key(*id);
        if let Some(unknown) = decision.ids.iter().find(|id| !blocked(id)) {
            return Err(unknown.clone());
        }
        decisions.blocked.retain(|id, _| !decision.ids.contains(id));
        Ok(())
    })?;
    if let Err(id) = unblocked {
        let session = Session::look(common)?;
        session.know(std::slice::from_ref(&id))?;
        let why = match session.policy.blocked.get(&id) {
            Some(block) => format!("{id} is blocked by {}", block.by),
            None => format!("{id} is not blocked"),
        };
        return Err(CliError::usage(why, "commands unblock what commands blocked"));
    }
    for id in &decision.ids {
        desk.record(Event::Unblocked, id.as_str(), &decision.reason);
    }
    let then = "the next check applies it again if it is needed";
    tell(common, decision, &desk.running(), "unblocked", then);
    Ok(0)
}

fn tell(common: &Common, decision: &Decision, running: &Option<String>, what: &str, then: &str) {
    if common.json {
        output::print_json(json!({what: decision.ids, "running": running}));
        return;
    }
    for id in &decision.ids {
        say!("{id} {what}: {then}");
    }
}
