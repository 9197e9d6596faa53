//! A matrix of situations and targets: a row is a situation, and its outcome is the same on every target.

use stopgap_model::reason::ServiceReason;
use stopgap_model::report::State;
use stopgap_model::service::Activity;
use stopgap_model::{ActionId, Fact, ServerId};
use stopgap_plan::{Plan, Rest, TargetId, tried, tried_on_iis, tried_on_services};

use super::machine::Machine;
use super::seen::{action, codes, done};
use super::target::{TARGETS, Target};

/// A situation of the action `W.1`, and what is decided in it on every target.
pub(crate) struct Row {
    /// The story, as a sentence.
    pub(crate) story: &'static str,
    /// What happens on the machine.
    pub(crate) happens: fn(&mut Machine, Target),
    pub(crate) state: State,
    /// The codes; `{drift}`, `{lost}` and `{stands}` stand for what each target calls it.
    pub(crate) codes: &'static str,
    /// What is done: `in`, `out` or `nothing`.
    pub(crate) does: &'static str,
}

/// Checks the rows on these targets, each on a machine of its own.
pub(crate) fn check(rows: &[Row], targets: &[Target], machine: fn(Target) -> Machine) {
    let mut wrong = Vec::new();
    for row in rows {
        for target in targets {
            let mut machine = machine(*target);
            (row.happens)(&mut machine, *target);
            let plan = machine.plan();
            let report = action(&plan, "W.1");
            let found = (report.state, codes(&report.reason), done(&plan, "W.1"));
            let expected = (row.state, in_words_of(*target, row.codes), row.does);
            if found != expected {
                let Row { story, .. } = row;
                wrong.push(format!("{story}, on {target:?}:\n  {found:?}\n  is not {expected:?}"));
            } else if row.does == "nothing"
                && !(plan.edits.is_empty() && plan.web.is_empty() && plan.services.is_empty())
            {
                wrong.push(format!("{}, on {target:?}: files are changed", row.story));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of the matrix:\n{}", wrong.len(), wrong.join("\n"));
}

pub(crate) fn check_everywhere(rows: &[Row], machine: fn(Target) -> Machine) {
    check(rows, &TARGETS, machine);
}

/// What each target says of what it saw; the rest of the codes is common to all.
fn in_words_of(target: Target, codes: &str) -> String {
    let (drift, lost, stands) = match target {
        Target::Rule => ("rule-edited", "part-gone", ""),
        Target::Pool => ("pool-set-to-start-again", "part-gone", " pools-set-not-to-start"),
        Target::Nginx => ("file-changed", "file-missing file-missing lines-missing and-more", ""),
        Target::Apache => ("file-changed", "file-missing", ""),
        Target::HaProxy => ("stray-line lines-missing", "lines-missing", ""),
        Target::Service => ("service-started-again", "service-enabled-again", " services-disabled"),
    };
    let unread = match target {
        Target::Service => "services-unknown",
        _ => "configuration-unknown",
    };
    let codes = codes.replace("{drift}", drift).replace("{lost}", lost);
    codes.replace("{stands}", stands).replace("{unread}", unread)
}

/// The server of a target; `None`: IIS.
pub(crate) fn server_id(target: Target) -> Option<ServerId> {
    target.server().map(|server| server.id())
}

/// What the planner calls the target of the action `W.1`.
pub(crate) fn target_id(target: Target) -> TargetId {
    match (target, server_id(target)) {
        (Target::Service, _) => TargetId::Services("W.1".parse().unwrap()),
        (_, Some(server)) => TargetId::Web(server),
        (_, None) => TargetId::Iis,
    }
}

/// Somebody edits what stands there of ours.
pub(crate) fn tamper(machine: &mut Machine, target: Target) {
    match target {
        Target::Pool => {
            machine.edit(target.file().0, " autoStart=\"false\"", " autoStart=\"true\"")
        }
        Target::Service => machine.service("Spooler").activity = Activity::Running,
        _ => {
            // IIS has the word in the rule, the others have a comment above it.
            let (from, to) = match target.kind() {
                None => ("jndi", "ldap"),
                Some(_) => ("W.1, revision 1", "W.1, revision 7"),
            };
            let mut paths = machine.files.keys();
            let holder = paths.find(|path| machine.text(path).contains(from));
            let path = holder.expect("a rule stands somewhere").clone();
            let text = machine.text(&path).replace(from, to);
            machine.files.insert(path, text.into_bytes());
        }
    }
}

/// Somebody takes out what stands there of ours.
pub(crate) fn lose(machine: &mut Machine, target: Target) {
    let fresh = Machine::with(&[target]);
    (machine.files, machine.facts.services) = (fresh.files, fresh.facts.services);
}

/// The last try of this plan's action failed.
pub(crate) fn fail(machine: &mut Machine, target: Target) {
    let action: ActionId = "W.1".parse().unwrap();
    let error = "the server refuses it".to_owned();
    machine.failures.tries.insert((target_id(target), action), error);
}

/// The same is not tried again: the action rests with what this cycle would try.
pub(crate) fn rest(machine: &mut Machine, target: Target) {
    fail(machine, target);
    let tried = what_is_tried(&machine.plan());
    let (since, again) = ("08:00".into(), Some((1_800_000_000, "09:00".into())));
    let rest = Rest { tried, tries: 1, since, again };
    machine.failures.rests.insert((target_id(target), "W.1".parse().unwrap()), rest);
}

fn what_is_tried(plan: &Plan) -> stopgap_model::Digest {
    match (plan.web.as_slice(), plan.services.as_slice()) {
        ([change, ..], _) => tried(change.configuration, &change.server, &change.step, None),
        ([], [step, ..]) => tried_on_services(step),
        ([], []) => tried_on_iis(&plan.edits),
    }
}

/// An earlier change could not be taken back whole.
pub(crate) fn get_stuck(machine: &mut Machine, target: Target) {
    let why = "a file of the last change could not be put back".to_owned();
    machine.failures.not_restored.insert(target_id(target), why);
}

/// The configuration cannot be read.
pub(crate) fn be_unread(machine: &mut Machine, target: Target) {
    let why = "a file cannot be read".to_owned();
    match server_id(target) {
        Some(server) => drop(machine.incomplete.insert(server, why)),
        None if target == Target::Service => {
            machine.facts.services = Fact::Unknown(ServiceReason::Unknown { why }.into());
        }
        None => machine.iis_unknown = Some(why),
    }
}
