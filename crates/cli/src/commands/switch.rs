//! `stopgap enable` and `stopgap disable`: this server's switch.

use serde_json::json;
use stopgap_model::policy::Policy;
use stopgap_store::Event;

use crate::args::Common;
use crate::desk::{self, Desk};
use crate::error::CliError;
use crate::output;
use crate::policy_file;
use crate::session::{self, Session};

/// Who switches on is told of every other switch.
pub(crate) fn enable(common: &Common, reason: &str) -> Result<u8, CliError> {
    let desk = Desk::open(common, "enable")?;
    desk.decide(|decisions| decisions.switched_off = None)?;
    desk.record(Event::Enabled, "", reason);
    let session = Session::look(common).map_err(|why| CliError::Decided {
        what: "this server's switch is on".into(),
        then: String::new(),
        why: Box::new(why),
    })?;
    tell(common, session.policy.switched_off(), desk.running());
    Ok(0)
}

/// Who switches off waits for nothing: not for a check that runs, not for a feed, and a policy file
/// that is broken keeps nobody from it.
pub(crate) fn disable(common: &Common, reason: &str) -> Result<u8, CliError> {
    let desk = Desk::open(common, "disable")?;
    let decided = desk.decide(|decisions| {
        decisions.switched_off = Some(desk.say(reason, false));
        decisions.clone()
    })?;
    desk.record(Event::Disabled, "", reason);
    let policy = match policy_file::read(&session::policy_path(common), &decided) {
        Ok((policy, _)) => policy,
        Err(error) => {
            desk::warn(&error.sentence());
            let mut policy = Policy::everything_on();
            decided.restrict(&mut policy);
            policy
        }
    };
    tell(common, policy.switched_off(), desk.running());
    Ok(0)
}

fn tell(common: &Common, off: Option<String>, running: Option<String>) {
    if common.json {
        let object = json!({"enabled": off.is_none(), "switched_off": off, "running": running});
        output::print_json(object);
        return;
    }
    let Some(off) = off else {
        return say!("Automatic mitigation is on; the next check acts.");
    };
    say!(
        "Automatic mitigation is off {off}: nothing is applied or taken back.\n\
         What is in place stays and is shown by: stopgap status"
    );
    if let Some(who) = running {
        let text = format!(
            "{} is running: it stops before its next step, and takes back what it has begun and \
             not yet verified.",
            output::plain(&who)
        );
        say!("{}", output::wrap(&text, ""));
    }
}
