//! What a plan says, as short texts that a row can name.

use stopgap_model::reason::{
    ChangeReason, PolicyReason, ServerReason, TogetherReason, WebRuleReason,
};
use stopgap_model::report::{ActionReport, MitigationReport, State};
use stopgap_model::{ActionId, Reason, Reasons};
use stopgap_plan::{Plan, Step, WebChange};

/// The codes of reasons, each with those that it follows from: `left-alone(shared-file)`.
pub(crate) fn codes(reasons: &Reasons) -> String {
    list(reasons.iter())
}

/// The same of notes.
pub(crate) fn list<'r>(reasons: impl IntoIterator<Item = &'r Reason>) -> String {
    reasons.into_iter().map(code).collect::<Vec<_>>().join(", ")
}

fn code(reason: &Reason) -> String {
    let within = match reason {
        Reason::Change(change) => of_change(change),
        Reason::Policy(
            PolicyReason::NotNeededAndSwitchedOff { why, .. }
            | PolicyReason::KeptWhileFrozen { why, .. },
        )
        | Reason::WebRule(WebRuleReason::CannotSay { why, .. }) => codes(why),
        Reason::Server(ServerReason::Dormant { server, state, why, .. }) => {
            format!("{} {state}: {}", short(server), codes(why))
        }
        Reason::Server(ServerReason::NoneServes { servers }) => codes(servers),
        Reason::Together(together) => of_several(together),
        _ => String::new(),
    };
    let code = reason.code();
    if within.is_empty() { code.to_owned() } else { format!("{code}({within})") }
}

fn of_change(change: &ChangeReason) -> String {
    match change {
        ChangeReason::StaysBecause { why }
        | ChangeReason::ToBeWithdrawn { why }
        | ChangeReason::WouldNotWork { why }
        | ChangeReason::LeftAlone { why }
        | ChangeReason::LinesLeft { lines: why } => codes(why),
        ChangeReason::NotWithdrawn { error, why } => format!("{}; {}", codes(error), codes(why)),
        _ => String::new(),
    }
}

fn of_several(together: &TogetherReason) -> String {
    let named = |state: &Option<State>| state.map(|state| format!(" {}", state.as_str()));
    match together {
        TogetherReason::OnServers { servers, state, why } => {
            let servers: Vec<&str> = servers.iter().map(|server| short(server)).collect();
            let state = named(state).unwrap_or_default();
            format!("{}{state}: {}", servers.join(" "), codes(why))
        }
        TogetherReason::InPlaceOn { servers, state } => {
            let servers: Vec<&str> = servers.iter().map(|server| short(server)).collect();
            format!("{} {}", servers.join(" "), state.as_str())
        }
        TogetherReason::OfActions { actions, state, why } => {
            let state = named(state).unwrap_or_default();
            format!("{}{state}: {}", actions.join(" "), codes(why))
        }
        TogetherReason::AndMore { count } => count.to_string(),
        TogetherReason::InPart { .. } | TogetherReason::NoActions => String::new(),
    }
}

/// A server by its kind, where it is the usual one, else by its file.
pub(crate) fn short(server: &str) -> &str {
    let usual = ["/nginx.conf", "/apache2.conf", "/haproxy.cfg"];
    let (kind, path) = server.split_once(':').unwrap_or((server, ""));
    if usual.iter().any(|usual| path.ends_with(usual)) {
        return kind;
    }
    path.rsplit('/').next().unwrap_or(path)
}

/// What is done: `in A.1`, or `nginx: in A.1; apache: out B.1` where there are several servers.
pub(crate) fn done(plan: &Plan, several: bool) -> String {
    let each = plan.web.iter().map(|change| {
        let what = of_step(&change.step);
        let target = change.step.target();
        if several { format!("{}: {what}", short(&target.to_string())) } else { what }
    });
    each.collect::<Vec<_>>().join("; ")
}

fn of_step(step: &Step) -> String {
    let Step::Rules { installs, removals, .. } = step else { return "not a list of rules".into() };
    let names = |ids: &mut dyn Iterator<Item = &ActionId>| {
        ids.map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let (put, taken) =
        (names(&mut installs.iter()), names(&mut removals.iter().map(|out| &out.action)));
    match (put.as_str(), taken.as_str()) {
        (put, "") => format!("in {put}"),
        ("", taken) => format!("out {taken}"),
        (put, taken) => format!("in {put} out {taken}"),
    }
}

/// The files of a change by name, in order: `+` made, `~` changed, `-` removed.
pub(crate) fn files(change: &WebChange) -> String {
    let edits = change.edits.iter().map(|edit| {
        let sign = match (&edit.before, &edit.after) {
            (None, _) => '+',
            (_, None) => '-',
            _ => '~',
        };
        format!("{sign}{}", edit.path.file_name())
    });
    edits.collect::<Vec<_>>().join(" ")
}

/// The files of all changes of a plan.
pub(crate) fn all_files(plan: &Plan) -> String {
    plan.web.iter().map(files).collect::<Vec<_>>().join("; ")
}

pub(crate) fn of<'p>(plan: &'p Plan, id: &str) -> &'p MitigationReport {
    let found = plan.report.iter().find(|report| report.id.as_str() == id);
    found.unwrap_or_else(|| panic!("{id} is not reported: {:?}", plan.report))
}

/// The codes of a mitigation's reasons. What holds in part of its only action is the reason of that.
pub(crate) fn codes_of(report: &MitigationReport) -> String {
    let all = codes(&report.reason);
    let [only] = report.actions.as_slice() else { return all };
    if report.state != State::Partial {
        return all;
    }
    let why = codes(&only.reason);
    assert_eq!(all, format!("in-part, of-actions({}: {why})", only.id));
    why
}

/// The first action of a mitigation.
pub(crate) fn action_of<'p>(plan: &'p Plan, id: &str) -> &'p ActionReport {
    &of(plan, id).actions[0]
}
