//! `stopgap enable` and `stopgap disable`: this server's switch.

use stopgap_model::policy::Policy;
use stopgap_store::Event;

use crate::args::Common;
use crate::error::CliError;
use crate::json::{self, SwitchObject};
use crate::output;
use stopgap_agent::administrator::Administrator;
use stopgap_agent::{Session, log, policy_file};

/// Switches automatic mitigation on, and shows every other switch that is still off.
pub(crate) fn enable(common: &Common, reason: &str) -> Result<u8, CliError> {
    let administrator = Administrator::open(&common.state_folder()?, "enable")?;
    administrator.decide(|decisions| decisions.switched_off = None)?;
    administrator.record(Event::Enabled, "", reason);
    let opened = common.setup("enable").and_then(|setup| Ok(Session::open_read_only(setup)?));
    let session = opened.map_err(|why| CliError::Decided {
        what: "this server's switch is on".into(),
        then: String::new(),
        why: Box::new(why),
    })?;
    print(common, session.policy.switched_off(), administrator.running());
    Ok(0)
}

/// Switches automatic mitigation off, at once: whatever check runs, whatever feed is slow, and even if
/// the policy file is broken.
pub(crate) fn disable(common: &Common, reason: &str) -> Result<u8, CliError> {
    let administrator = Administrator::open(&common.state_folder()?, "disable")?;
    let decided = administrator.decide(|decisions| {
        decisions.switched_off = Some(administrator.decision(reason, false));
        decisions.clone()
    })?;
    administrator.record(Event::Disabled, "", reason);
    let policy = match policy_file::read(&common.policy_path(), &decided) {
        Ok((policy, _)) => policy,
        // The decision holds: what else the broken file says is reported, and left aside.
        Err(error) => {
            log::warning(&error.sentence());
            let mut policy = Policy::everything_on();
            decided.restrict(&mut policy);
            policy
        }
    };
    print(common, policy.switched_off(), administrator.running());
    Ok(0)
}

fn print(common: &Common, off: Option<String>, running: Option<String>) {
    if common.json {
        json::print(&SwitchObject { enabled: off.is_none(), switched_off: off, running });
        return;
    }
    let Some(off) = off else {
        return print_line!("Automatic mitigation is on; the next check acts.");
    };
    print_line!(
        "Automatic mitigation is off {off}: nothing is applied or withdrawn.\n\
         What is installed stays and is shown by: stopgap status"
    );
    if let Some(who) = running {
        let text = format!(
            "{} is running: it stops before its next step, and rolls back what it has begun and \
             not yet verified.",
            output::plain(&who)
        );
        print_line!("{}", output::wrap(&text, ""));
    }
}
