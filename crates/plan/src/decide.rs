//! One action: what is wanted, what is here, and what takes it from the one to the other.

use stopgap_edit::iis::{Refusal, Target, place_for};
use stopgap_model::report::State;
use stopgap_model::rule::BlockRule;
use stopgap_model::{Action, ActionKind, Fact, Mitigation, Scope};
use stopgap_rules::iis::{Rule, translate};

use crate::affected::{Affects, action_affects, affects};
use crate::observe::{Observation, Wanted, observe, place_text};
use crate::verify::verify;
use crate::{Input, Placed, rule_name};

/// The decision on one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The state as it is, before anything is done.
    pub(crate) state: State,
    /// Why: a sentence without a full stop.
    pub(crate) reason: String,
    /// Where it is or would be; empty if nowhere.
    pub(crate) place: String,
    /// The name of the rule found that carries it out, if any.
    pub(crate) rule: Option<String>,
    /// What is to be done.
    pub(crate) wish: Wish,
}

/// What is to be done for one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Nothing.
    Leave,
    /// Put the rule in; first take out what is there of ours.
    PutIn { target: Target, rule: Rule },
    /// Take our rule out; why.
    TakeOut { why: String },
}

impl Decision {
    fn leave(state: State, reason: impl Into<String>) -> Self {
        Self { state, reason: reason.into(), place: String::new(), rule: None, wish: Wish::Leave }
    }

    fn at(mut self, record: Option<&Placed>) -> Self {
        if let Some(record) = record {
            self.place = place_text(&record.file, &record.undo.place);
            self.rule = Some(rule_name(&record.action));
        }
        self
    }
}

/// Decides on `action` of `mitigation`.
pub(crate) fn decide(input: &Input<'_>, mitigation: &Mitigation, action: &Action) -> Decision {
    let record = input.in_place.actions.get(&action.id);
    // What an administrator wants gone goes, whatever is known of the server.
    if let (Some(_), Some(by)) = (record, taken_back(input, mitigation)) {
        return hold_back(input, mitigation, taken_back_decision(input, record, by));
    }
    let answer = match affects(mitigation, input.facts) {
        Affects::Yes(why) => match action_affects(mitigation, action, input.facts) {
            Affects::Yes(_) => Affects::Yes(why),
            other => other,
        },
        other => other,
    };
    let decision = match answer {
        Affects::Yes(why) => affected(input, mitigation, action, &why),
        Affects::No(why) => not_affected(input, record, why),
        Affects::Unknown(why) => Decision::leave(State::Unknown, stays(why, record)).at(record),
        Affects::CannotIdentify(why) => {
            Decision::leave(State::Unsupported, stays(why, record)).at(record)
        }
    };
    hold_back(input, mitigation, decision)
}

/// On any doubt what is in force stays in force, and that is said.
fn stays(why: String, record: Option<&Placed>) -> String {
    if record.is_some() { format!("{why}; what is in place stays") } else { why }
}

/// Leaves a wish undone that this cycle was not asked for.
fn hold_back(input: &Input<'_>, mitigation: &Mitigation, mut decision: Decision) -> Decision {
    let asked = input.order.only.as_ref().is_none_or(|only| only.contains(&mitigation.id))
        || input.order.take_back.contains(&mitigation.id);
    if !asked {
        decision.wish = Wish::Leave;
    }
    decision
}

fn taken_back(input: &Input<'_>, mitigation: &Mitigation) -> Option<String> {
    let block = input.policy.blocked.get(&mitigation.id);
    if input.order.take_back.contains(&mitigation.id) {
        return Some("removed by an administrator".into());
    }
    // `remove` leaves this word behind, so that a removal that was cut short is finished.
    block.filter(|block| block.take_back).map(|block| format!("removed by {}", block.by))
}

fn not_affected(input: &Input<'_>, record: Option<&Placed>, why: String) -> Decision {
    if record.is_none() {
        return Decision::leave(State::NotAffected, why);
    }
    if let Some(off) = input.policy.switched_off() {
        let reason = format!("in place though no longer needed ({why}): switched off {off}");
        return Decision::leave(State::Applied, reason).at(record);
    }
    to_take_out(input, record, why)
}

/// Our rule is there and is to go. That the last try failed is said.
fn to_take_out(input: &Input<'_>, record: Option<&Placed>, why: String) -> Decision {
    let failure = record.and_then(|record| input.failures.get(&record.action));
    let (state, reason) = match failure {
        Some(error) => {
            (State::Failed, format!("it could not be taken back: {error}; it is to go: {why}"))
        }
        None => (State::Applied, format!("to be taken back: {why}")),
    };
    let wish = Wish::TakeOut { why };
    Decision { wish, ..Decision::leave(state, reason).at(record) }
}

fn affected(input: &Input<'_>, mitigation: &Mitigation, action: &Action, why: &str) -> Decision {
    match &action.kind {
        ActionKind::DoNothing => match input.policy.blocked.get(&mitigation.id) {
            Some(block) => Decision::leave(State::Blocked, format!("blocked by {}", block.by)),
            None => Decision::leave(State::Applied, "the heartbeat: this cycle read it"),
        },
        ActionKind::BlockRequest { scope, rule } => {
            block_request(input, mitigation, action, scope.as_ref(), rule, why)
        }
        other => Decision::leave(State::Unsupported, unsupported(other)),
    }
}

fn unsupported(kind: &ActionKind) -> String {
    match kind {
        ActionKind::DisableService { services } => {
            format!("this version cannot disable services; by hand: {}", services.join(", "))
        }
        ActionKind::DisableAppPool { pools } => {
            format!("this version cannot disable application pools; by hand: {}", pools.join(", "))
        }
        other => format!("this version cannot carry out {}", other.name()),
    }
}

fn block_request(
    input: &Input<'_>,
    mitigation: &Mitigation,
    action: &Action,
    scope: Option<&Scope>,
    block: &BlockRule,
    why: &str,
) -> Decision {
    let record = input.in_place.actions.get(&action.id);
    if let Some(by) = taken_back(input, mitigation) {
        return taken_back_decision(input, record, by);
    }
    match &input.facts.iis {
        Fact::Known(_) => {}
        Fact::Absent => return Decision::leave(State::Unsupported, "IIS is not installed here"),
        Fact::Unknown(why) => {
            return Decision::leave(State::Unknown, stays(why.clone(), record)).at(record);
        }
    }
    let name = rule_name(&action.id);
    let rule = match translate(&name, block) {
        Ok(rule) => rule,
        Err(refused) => return Decision::leave(State::Unsupported, refused.reason),
    };
    let wanted = Wanted { scope, block, rule: &rule, record };
    let observation = observe(&wanted, input.facts, input.snapshot);
    let place = || place_for(input.snapshot, scope, &name);
    match observation {
        Observation::Unknown(why) => Decision::leave(State::Unknown, why).at(record),
        Observation::Intact => {
            Decision::leave(State::Applied, intact_reason(input, mitigation, why)).at(record)
        }
        Observation::Equivalent(other)
            if verify(
                mitigation,
                std::slice::from_ref(&action.id),
                input.facts,
                input.snapshot,
            )
            .is_err() =>
        {
            // It says the same and does not do it: something else answers first.
            let why = format!("the rule `{other}` says the same, but has no effect; {why}");
            to_put_in(input, mitigation, State::Pending, &why, place(), rule)
        }
        Observation::Equivalent(other) => {
            let reason = if other == name {
                format!("the rule `{other}` is in place, but not by this state folder's records")
            } else {
                format!("the rule `{other}` does the same; it is not ours and is left alone")
            };
            Decision { rule: Some(other), ..Decision::leave(State::Covered, reason) }
        }
        Observation::NameTaken(at) => Decision::leave(
            State::Conflict,
            format!("the rule name `{name}` is taken by something else: {at}"),
        ),
        Observation::Outdated => {
            let (state, why) = with_failure(
                input,
                action,
                State::Applied,
                format!("another revision is in place{}", revisions(record, mitigation)),
            );
            to_put_in(input, mitigation, state, &why, same_place(record), rule).at(record)
        }
        Observation::Changed(how) => {
            let (state, how) = with_failure(input, action, State::Drifted, how);
            to_put_in(input, mitigation, state, &how, same_place(record), rule).at(record)
        }
        Observation::Gone(how) => {
            let (state, how) = with_failure(input, action, State::Drifted, how);
            to_put_in(input, mitigation, state, &how, place(), rule)
        }
        Observation::Hidden(how) => Decision::leave(State::Drifted, how).at(record),
        Observation::Absent => {
            let failed = input.failures.get(&action.id);
            match failed {
                Some(error) => {
                    let text = format!("the last try failed and was undone: {error}");
                    to_put_in(input, mitigation, State::Failed, &text, place(), rule)
                }
                None => to_put_in(input, mitigation, State::Pending, why, place(), rule),
            }
        }
    }
}

/// The place that the rule already has: it is exchanged there.
fn same_place(record: Option<&Placed>) -> Result<Target, Refusal> {
    let record = record.ok_or_else(|| Refusal::Unknown("no record of the rule".into()))?;
    Ok(Target { file: record.file.clone(), place: record.undo.place.clone() })
}

fn revisions(record: Option<&Placed>, mitigation: &Mitigation) -> String {
    record.map_or_else(String::new, |record| {
        format!(": {} here, {} in the catalog", record.revision, mitigation.revision)
    })
}

/// That the last try to put it right failed weighs more than what is to be put right.
fn with_failure(input: &Input<'_>, action: &Action, state: State, why: String) -> (State, String) {
    match input.failures.get(&action.id) {
        Some(error) => {
            (State::Failed, format!("{why}; the last try failed and was undone: {error}"))
        }
        None => (state, why),
    }
}

fn intact_reason(input: &Input<'_>, mitigation: &Mitigation, why: &str) -> String {
    match (input.policy.blocked.get(&mitigation.id), input.policy.switched_off()) {
        (Some(block), _) => {
            format!("in place; blocked by {}, so it would not be applied again", block.by)
        }
        (None, Some(off)) => format!("in place; switched off {off}, so nothing is changed"),
        (None, None) => why.to_owned(),
    }
}

fn taken_back_decision(input: &Input<'_>, record: Option<&Placed>, by: String) -> Decision {
    match record {
        None => Decision::leave(State::Blocked, by),
        Some(_) => to_take_out(input, record, by),
    }
}

/// A rule that is wanted and not as it should be: put it in, unless someone or something forbids.
fn to_put_in(
    input: &Input<'_>,
    mitigation: &Mitigation,
    state: State,
    why: &str,
    place: Result<Target, Refusal>,
    rule: Rule,
) -> Decision {
    let mut forbidden = None;
    if let Some(block) = input.policy.blocked.get(&mitigation.id) {
        forbidden = Some((State::Blocked, format!("blocked by {}", block.by)));
    } else if let Some(off) = input.policy.switched_off() {
        forbidden = Some((State::Pending, format!("switched off {off}; {why}")));
    }
    if let Some((quiet, reason)) = forbidden {
        // What is there, or was changed under us, is still told; only what is not there is at rest.
        let told = if matches!(state, State::Drifted | State::Applied) { state } else { quiet };
        let reason = if told == quiet { reason } else { format!("{why}; {reason}") };
        return Decision::leave(told, reason);
    }
    match place {
        Ok(target) => Decision {
            state,
            reason: why.to_owned(),
            place: place_text(&target.file, &target.place),
            rule: None,
            wish: Wish::PutIn { target, rule },
        },
        Err(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> Decision {
    let state = match refusal {
        Refusal::NameTaken { .. } | Refusal::Broken(_) => State::Conflict,
        Refusal::Unknown(_) => State::Unknown,
        Refusal::NoSuchSite { .. }
        | Refusal::NoSuchPath { .. }
        | Refusal::NoModule
        | Refusal::SectionNotDeclared(_)
        | Refusal::Locked(_) => State::Unsupported,
    };
    Decision::leave(state, refusal.to_string())
}
