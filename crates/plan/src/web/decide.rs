//! One action on one web server: what is wanted, what is there, and what is to be done.

use std::collections::BTreeMap;

use stopgap_model::report::State;
use stopgap_model::{Action, ActionId, Mitigation, Offer};
use stopgap_webserver::rule::translate;

use super::server::{OnServer, Seen, first_of};
use super::{TakenOut, WebChange, WebPlaced};
use crate::affected::{Affects, action_affects};
use crate::decide::taken_back;
use crate::decision::{Decision, forbidden};
use crate::rest::rests_on;
use crate::{Input, rule_name, tried};

/// What is decided for one server.
#[derive(Default)]
pub(crate) struct Here {
    pub(crate) decisions: BTreeMap<ActionId, Decision>,
    /// In the order in which the rules stand.
    pub(crate) wishes: Vec<Wish>,
    /// Why nothing can be written here, if so.
    pub(crate) stuck: Option<String>,
}

/// What is to be done for one action on one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Nothing of it is there, and nothing is to be.
    Nothing,
    /// What is there stays.
    Keep(WebPlaced),
    /// This is put in, in place of what is there.
    Put(WebPlaced),
    /// What is there is taken out.
    Out(TakenOut),
}

impl Here {
    /// What failed when it was last tried waits while something else is put in, which it would make
    /// fail too.
    pub(crate) fn let_fresh_go_first(&mut self, server: &OnServer<'_>) {
        let failed = |placed: &WebPlaced| server.failure(&placed.action).is_some();
        let is_fresh = |wish: &Wish| matches!(wish, Wish::Put(placed) if !failed(placed));
        if !self.wishes.iter().any(is_fresh) {
            return;
        }
        for wish in &mut self.wishes {
            if let Wish::Put(placed) = wish
                && failed(placed)
            {
                *wish = kept(server.record(&placed.action));
            }
        }
    }

    /// Lets what failed when this very change was last tried rest; answers whether that left anything out
    /// of it. What is to go is tried alone before it rests too: what was to be put in may have been at
    /// fault.
    pub(crate) fn let_rest(
        &mut self,
        input: &Input<'_>,
        server: &OnServer<'_>,
        change: &WebChange,
    ) -> bool {
        let tried = tried(change.configuration, &change.server, &change.step, None);
        let mut resting: Vec<_> = self
            .wishes
            .iter_mut()
            .filter_map(|wish| {
                let (action, mitigation) = match wish {
                    Wish::Put(placed) => (placed.action.clone(), placed.mitigation.clone()),
                    Wish::Out(out) => (out.action.clone(), out.mitigation.clone()),
                    Wish::Nothing | Wish::Keep(_) => return None,
                };
                let why = rests_on(input, &change.step, &action, &mitigation, tried)?;
                Some((wish, action, why))
            })
            .collect();
        if resting.iter().any(|(wish, ..)| matches!(wish, Wish::Put(_))) {
            resting.retain(|(wish, ..)| matches!(wish, Wish::Put(_)));
        }
        let any = !resting.is_empty();
        for (wish, action, why) in resting {
            *wish = kept(server.record(&action));
            if let Some(decision) = self.decisions.get_mut(&action) {
                decision.reason = format!("{}; {why}", decision.reason);
            }
        }
        any
    }

    /// Whether an action is taken out here.
    pub(crate) fn takes_out(&self, action: &ActionId) -> bool {
        self.wishes.iter().any(|wish| matches!(wish, Wish::Out(out) if out.action == *action))
    }

    /// Nothing is put in or taken out after all.
    pub(crate) fn drop_all(&mut self, server: &OnServer<'_>, why: &str) {
        self.stuck = Some(why.to_owned());
        for wish in &mut self.wishes {
            let (action, reason) = match wish {
                Wish::Nothing | Wish::Keep(_) => continue,
                Wish::Put(placed) => (placed.action.clone(), why.to_owned()),
                Wish::Out(out) => {
                    (out.action.clone(), format!("it could not be taken back: {why}"))
                }
            };
            *wish = kept(server.record(&action));
            if let Some(decision) = self.decisions.get_mut(&action) {
                decision.state = State::Conflict;
                decision.reason = reason;
                decision.notes.clear();
            }
        }
    }
}

/// An action that is asked for on a server.
pub(crate) struct Asking<'a> {
    pub(crate) input: &'a Input<'a>,
    pub(crate) server: &'a OnServer<'a>,
    pub(crate) offer: &'a Offer,
    pub(crate) mitigation: &'a Mitigation,
    pub(crate) action: &'a Action,
    /// Whether the mitigation is for this host.
    pub(crate) affects: &'a Affects,
}

/// Decides on an action for one server.
pub(crate) fn decide_on(asking: &Asking<'_>) -> (Decision, Wish) {
    let Asking { input, server, mitigation, action, .. } = asking;
    let record = server.record(&action.id);
    let (decision, wish) = asking.without_what_is_left(decided(asking, record));
    let concerns = record.is_some() || wish != Wish::Nothing;
    if let (Some(why), true, false) = (server.stuck, concerns, server.gone) {
        return (asking.at(Decision::leave(State::Failed, why), record), kept(record));
    }
    let asked = input.order.only.as_ref().is_none_or(|only| only.contains(&mitigation.id))
        || input.order.take_back.contains(&mitigation.id);
    (decision, if asked { wish } else { kept(record) })
}

/// What is told of lines of ours that stay.
pub(super) fn told_left(stuck: Vec<String>) -> String {
    format!("it was taken back, but {}", first_of(stuck))
}

fn kept(record: Option<&WebPlaced>) -> Wish {
    record.map_or(Wish::Nothing, |record| Wish::Keep(record.clone()))
}

fn decided(asking: &Asking<'_>, record: Option<&WebPlaced>) -> (Decision, Wish) {
    let Asking { input, offer, mitigation, action, .. } = asking;
    if let (true, Some(record)) = (asking.server.gone, record) {
        return asking.out(record, "its web server is gone, with its configuration".into());
    }
    if let Some(of) = record.map(|record| &record.mitigation).filter(|of| **of != mitigation.id) {
        let why = format!("an action {} of another mitigation is in place: {of}", action.id);
        return (Decision::leave(State::Conflict, why), kept(record));
    }
    if let Some(by) = taken_back(input, mitigation) {
        return match record {
            Some(record) => asking.out(record, by),
            None => (Decision::leave(State::Blocked, by), Wish::Nothing),
        };
    }
    let narrowed = match asking.affects {
        Affects::Yes(why) => match action_affects(mitigation, action, input.facts) {
            Affects::Yes(_) => Affects::Yes(why.clone()),
            other => other,
        },
        other => other.clone(),
    };
    match narrowed {
        Affects::Yes(why) => match offer.denied.get(&action.id) {
            Some(denied) => asking.rest(State::Unsupported, denied.clone(), record),
            None => asking.affected(record, &why),
        },
        Affects::No(why) | Affects::Undeclared(why) => asking.not_affected(record, why),
        Affects::Unknown(why) => asking.rest(State::Unknown, why, record),
        Affects::CannotIdentify(why) => asking.rest(State::Unsupported, why, record),
    }
}

impl Asking<'_> {
    /// On any doubt what is in force stays in force, and that is said.
    fn rest(&self, state: State, why: String, record: Option<&WebPlaced>) -> (Decision, Wish) {
        let why = if record.is_some() { format!("{why}; what is in place stays") } else { why };
        (self.at(Decision::leave(state, why), record), kept(record))
    }

    fn at(&self, decision: Decision, record: Option<&WebPlaced>) -> Decision {
        let Some(record) = record else { return decision };
        let rules = vec![rule_name(&record.action)];
        let there = self.server.seen != Seen::Nothing && !self.server.gone;
        let on_web = if there { rules.clone() } else { Vec::new() };
        Decision { rules, on_web, place: self.server.place_of(record), ..decision }
    }

    fn out(&self, record: &WebPlaced, why: String) -> (Decision, Wish) {
        if let Some((state, hindrance)) = self.server.hindrance() {
            let reason = format!("it could not be taken back: {hindrance}; it is to go: {why}");
            let decision = self.at(Decision::leave(state, reason), Some(record));
            return (decision, kept(Some(record)));
        }
        let (state, reason) = match self.server.failure(&record.action) {
            Some(error) => {
                (State::Failed, format!("it could not be taken back: {error}; it is to go: {why}"))
            }
            None => (State::Applied, format!("to be taken back: {why}")),
        };
        let (mitigation, action) = (record.mitigation.clone(), record.action.clone());
        let decision = self.at(Decision::leave(state, reason), Some(record));
        (decision, Wish::Out(TakenOut { mitigation, action, why }))
    }

    fn not_affected(&self, record: Option<&WebPlaced>, why: String) -> (Decision, Wish) {
        let Some(record) = record else {
            return (Decision::leave(State::NotAffected, why), Wish::Nothing);
        };
        let reason = if let Some(off) = self.input.policy.switched_off() {
            format!("in place though no longer needed ({why}): switched off {off}")
        } else if let Some(hold) = self.offer.hold.as_ref().filter(|_| self.is_held(Some(record))) {
            format!("in place, and it stays: {hold}; by what is held back, {why}")
        } else {
            return self.out(record, why);
        };
        let decision = self.at(Decision::leave(State::Applied, reason), Some(record));
        (decision, kept(Some(record)))
    }

    /// What stayed of an action that was taken out goes now, if its file can be changed; until then it is
    /// told.
    fn without_what_is_left(&self, (decision, wish): (Decision, Wish)) -> (Decision, Wish) {
        let left = self.server.left().iter().any(|left| left.action == self.action.id);
        if !left || wish != Wish::Nothing {
            return (decision, wish);
        }
        let (stuck, others) = self.server.lines_left();
        let may_go =
            self.server.hindrance().is_none() && self.input.policy.switched_off().is_none();
        let wish = match others && may_go {
            true => Wish::Out(TakenOut::of_what_is_left(
                self.mitigation.id.clone(),
                self.action.id.clone(),
            )),
            false => wish,
        };
        match stuck.is_empty() {
            true => (decision, wish),
            false => (Decision::leave(State::Failed, told_left(stuck)), wish),
        }
    }

    /// Whether nothing new is applied of what is offered: the same revision, once taken, stays.
    fn is_held(&self, record: Option<&WebPlaced>) -> bool {
        let in_force = record.is_some_and(|record| record.hash == self.mitigation.hash);
        self.offer.hold.is_some() && !in_force
    }

    fn affected(&self, record: Option<&WebPlaced>, why: &str) -> (Decision, Wish) {
        let Self { server, mitigation, action, .. } = self;
        // Which modules it has is in its configuration: of one that is not known nothing follows.
        if let Seen::Unknown(why) = &server.seen {
            return self.rest(State::Unknown, why.clone(), record);
        }
        let is_blind = server.layout.as_ref().is_ok_and(|layout| !layout.reads_requests());
        if let (true, [passed, ..]) = (is_blind, server.passed_on.as_slice()) {
            return self.rest(State::Unsupported, passed.clone(), record);
        }
        let rule = match translate(&server.can, &action.kind) {
            Ok(rule) => rule,
            Err(refused) => {
                let why = format!("{}: {refused}", server.can.kind.name());
                return self.rest(State::Unsupported, why, record);
            }
        };
        let wanted = WebPlaced {
            mitigation: mitigation.id.clone(),
            revision: mitigation.revision,
            hash: mitigation.hash,
            action: action.id.clone(),
            rule,
        };
        let (state, why) = match (record, &server.seen) {
            (_, Seen::Unknown(why)) => return self.rest(State::Unknown, why.clone(), record),
            (None, Seen::Taken(path)) => {
                let why = format!(
                    "{path} is there, is not what Stopgap would write for this catalog, and is not in \
                     this state folder's records; by hand: see what it is, and take it out with the \
                     lines that include it"
                );
                return (Decision::leave(State::Conflict, why), Wish::Nothing);
            }
            (None, _) => (State::Pending, why.to_owned()),
            (Some(_), Seen::Changed(how)) => (State::Drifted, how.clone()),
            (Some(_), Seen::Nothing | Seen::Taken(_)) => {
                (State::Drifted, format!("nothing of ours is left in {}", server.name()))
            }
            (Some(_), Seen::Outdated) => {
                (State::Applied, "another version of Stopgap wrote it".to_owned())
            }
            (Some(record), Seen::Intact) if *record == wanted => {
                return self.intact(record, why);
            }
            (Some(record), Seen::Intact) => {
                let (old, new) = (record.revision, mitigation.revision);
                let why = format!("another revision is in place: {old} here, {new} in the catalog");
                (State::Applied, why)
            }
        };
        self.to_put_in(record, wanted, state, why)
    }

    fn intact(&self, record: &WebPlaced, why: &str) -> (Decision, Wish) {
        let policy = self.input.policy;
        let reason = match (policy.blocked.get(&self.mitigation.id), policy.switched_off()) {
            (Some(block), _) => {
                format!("in place; blocked by {}, so it would not be applied again", block.by)
            }
            (None, Some(off)) => format!("in place; switched off {off}, so nothing is changed"),
            (None, None) => why.to_owned(),
        };
        let reason = match self.server.is_recognised {
            true => format!("{reason}; its text is there without a record of it, and is ours"),
            false => reason,
        };
        let holes = self.server.holes(record);
        let (state, reason) = match holes.is_empty() {
            true => (State::Applied, reason),
            false => (State::Partial, format!("{}; elsewhere in place: {reason}", first_of(holes))),
        };
        let decision = self.at(Decision::leave(state, reason), Some(record));
        (decision.noting(self.server.notes(record)), kept(Some(record)))
    }

    /// A rule that is wanted and not there as it should be.
    fn to_put_in(
        &self,
        record: Option<&WebPlaced>,
        wanted: WebPlaced,
        state: State,
        why: String,
    ) -> (Decision, Wish) {
        let hold = self.offer.hold.as_deref().filter(|_| self.is_held(record));
        if let Some(held) = forbidden(self.input, self.mitigation, hold, state, &why) {
            return (self.at(held, record), kept(record));
        }
        if let Some((_, hindrance)) = self.server.hindrance() {
            let why = format!("left alone: {hindrance}");
            let state = if state == State::Drifted { state } else { State::Conflict };
            return (self.at(Decision::leave(state, why), record), kept(record));
        }
        let belied = stopgap_rules::contradicted_probe(self.mitigation);
        if let Some(why) = belied.unwrap_or_else(|error| Some(error.to_string())) {
            let why = format!("it would not work here: {why}");
            return (self.at(Decision::leave(State::Conflict, why), record), kept(record));
        }
        let (state, why) = match (self.server.failure(&wanted.action), state) {
            (Some(error), State::Pending) => {
                (State::Failed, format!("the last try failed and was undone: {error}"))
            }
            (Some(error), _) => {
                (State::Failed, format!("{why}; the last try failed and was undone: {error}"))
            }
            (None, state) => (state, why),
        };
        let decision = self.at(Decision::leave(state, why), record);
        let place = self.server.place_of(&wanted);
        let notes = self.server.notes(&wanted);
        (Decision { place, ..decision }.noting(notes), Wish::Put(wanted))
    }
}
