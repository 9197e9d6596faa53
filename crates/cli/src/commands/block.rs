//! `stopgap block` and `stopgap unblock`.

use stopgap_model::MitigationId;
use stopgap_store::Event;

use crate::args::{Common, Decision};
use crate::error::CliError;
use crate::json::{self, BlockedObject, UnblockedObject};
use crate::output;
use stopgap_agent::Session;
use stopgap_agent::administrator::{Administrator, require_known};

pub(crate) fn block(common: &Common, decision: &Decision) -> Result<u8, CliError> {
    let administrator = Administrator::open(&common.state_folder()?, "block")?;
    require_known(&common.setup("block")?, &decision.ids)?;
    administrator.block(&decision.ids, &decision.reason, false)?;
    let running = administrator.running();
    print(
        common,
        decision,
        &running,
        "blocked",
        "what is installed stays; to remove it: stopgap remove",
    );
    if let Some(who) = running.filter(|_| !common.json) {
        print_line!(
            "{}",
            output::wrap(
                &output::plain(&format!(
                    "{who} is running; it begins nothing more of what is blocked."
                )),
                "  "
            )
        );
    }
    Ok(0)
}

pub(crate) fn unblock(common: &Common, decision: &Decision) -> Result<u8, CliError> {
    let administrator = Administrator::open(&common.state_folder()?, "unblock")?;
    // All of them or none: half a decision would be hard to find out about.
    let unblocked = administrator.decide(|decisions| {
        let blocked = |id: &&MitigationId| decisions.blocked.contains_key(*id);
        if let Some(unknown) = decision.ids.iter().find(|id| !blocked(id)) {
            return Err(unknown.clone());
        }
        decisions.blocked.retain(|id, _| !decision.ids.contains(id));
        Ok(())
    })?;
    // Who blocks it is worth the time to read everything: a command cannot lift another's block.
    if let Err(id) = unblocked {
        let session = Session::open_read_only(common.setup("unblock")?)?;
        session.require_known(std::slice::from_ref(&id))?;
        let why = match session.policy.blocked.get(&id) {
            Some(block) => format!("{id} is blocked by {}", block.by),
            None => format!("{id} is not blocked"),
        };
        return Err(CliError::usage(why, "commands unblock what commands blocked"));
    }
    for id in &decision.ids {
        administrator.record(Event::Unblocked, id.as_str(), &decision.reason);
    }
    let then = "the next check applies it again if it is needed";
    print(common, decision, &administrator.running(), "unblocked", then);
    Ok(0)
}

fn print(common: &Common, decision: &Decision, running: &Option<String>, what: &str, then: &str) {
    if common.json {
        let (ids, running) = (json::ids(&decision.ids), running.clone());
        return match what {
            "blocked" => json::print(&BlockedObject { blocked: ids, running }),
            _ => json::print(&UnblockedObject { unblocked: ids, running }),
        };
    }
    for id in &decision.ids {
        print_line!("{id} {what}: {then}");
    }
}
