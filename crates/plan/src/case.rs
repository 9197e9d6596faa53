//! An action of a mitigation that is for this server: what is here of it, and what is to be done.

use stopgap_iis::config::{Entry, Gap, Placement, Pool, Refusal};
use stopgap_model::report::State;
use stopgap_model::{Action, ActionKind, Fact, Mitigation, Offer, ServerPath};

use crate::caching;
use crate::decide::{leftover, taken_back, taken_back_decision, to_take_out};
use crate::decision::{Decision, Wish, forbidden, is_held, places, quoted, stays};
use crate::ground::Ground;
use crate::observe::{Equivalent, Observation, observe, without_rules};
use crate::pools::{self, PoolState, observe_pools};
use crate::verify::{Probes, verify};
use crate::work::{Rewrite, Standing, rewrite};
use crate::{Input, Placed};

/// The most parts of a scope that are named as out of reach in one reason.
const MAX_GAPS: usize = 3;

/// An action of a mitigation that is for this server.
pub(crate) struct Case<'a> {
    pub(crate) input: &'a Input<'a>,
    pub(crate) ground: &'a Ground<'a>,
    pub(crate) offer: &'a Offer,
    pub(crate) mitigation: &'a Mitigation,
    pub(crate) action: &'a Action,
    /// Why it is for this server.
    pub(crate) why: &'a str,
    pub(crate) record: Option<&'a Placed>,
}

pub(crate) fn affected(case: &Case<'_>) -> Decision {
    let Case { input, offer, mitigation, record, .. } = *case;
    if let Some(why) = offer.denied.get(&case.action.id) {
        return Decision::leave(State::Unsupported, stays(why.clone(), record)).at(record);
    }
    match &case.action.kind {
        ActionKind::DoNothing => {
            let heartbeat = match (input.policy.blocked.get(&mitigation.id), &offer.hold) {
                (Some(block), _) => {
                    Decision::leave(State::Blocked, format!("blocked by {}", block.by))
                }
                (None, Some(hold)) => Decision::leave(State::Pending, hold.clone()),
                (None, None) => {
                    Decision::leave(State::Applied, "the heartbeat: this cycle read it")
                }
            };
            return without_earlier(case, record, heartbeat);
        }
        ActionKind::DisableService { services } => {
            let services = services.join(", ");
            let why = format!("this version cannot disable services; by hand: {services}");
            return without_earlier(case, record, Decision::leave(State::Unsupported, why));
        }
        _ => {}
    }
    if let Some(by) = taken_back(input, mitigation) {
        let left = rewrite(mitigation, case.action).and_then(Result::ok);
        return match left.and_then(|rewrite| leftover(&rewrite, case.ground)) {
            Some(left) if record.is_none() => {
                Decision::leave(State::Covered, format!("{by}, but {left}"))
            }
            _ => taken_back_decision(input, record, by),
        };
    }
    match &input.facts.iis {
        Fact::Known(_) => {}
        Fact::Absent => {
            let why = match input.facts.left_out.gap() {
                Some(gap) => format!("no web server is here that can be protected: {gap}"),
                None => "no web server that this version knows is installed here".to_owned(),
            };
            return Decision::leave(State::Unsupported, why).at(record);
        }
        Fact::Unknown(why) => {
            return Decision::leave(State::Unknown, stays(why.clone(), record)).at(record);
        }
    }
    match (&case.action.kind, rewrite(mitigation, case.action)) {
        (ActionKind::DisableAppPool { pools }, _) => case.pools(pools),
        (_, Some(Ok(rewrite))) => case.rewrite(&rewrite),
        (_, Some(Err(why))) => Decision::leave(State::Unsupported, stays(why, record)).at(record),
        (kind, None) => {
            let why = format!("this version cannot carry out {}", kind.name());
            Decision::leave(State::Unsupported, why)
        }
    }
}

/// What an earlier revision put there for this action, when it asked for another kind of change, goes.
fn without_earlier(case: &Case<'_>, record: Option<&Placed>, decision: Decision) -> Decision {
    let Case { input, offer, .. } = case;
    match record {
        Some(record) if decision.wish == Wish::Leave => {
            let blocked = input.policy.blocked.contains_key(&record.mitigation);
            if !input.policy.enabled() || blocked || is_held(offer, Some(record)) {
                return decision.at(Some(record));
            }
            let why = "its mitigation asks for another kind of change now".to_owned();
            to_take_out(input, Some(record), why)
        }
        _ => decision,
    }
}

impl Case<'_> {
    fn rewrite(&self, rewrite: &Rewrite<'_>) -> Decision {
        let record = self.record;
        match observe(rewrite, record, self.ground) {
            Observation::Intact(unknown) => {
                self.intact(&unknown).at(record).noting(self.half_known(rewrite))
            }
            Observation::Equivalent(equivalent) => self.equivalent(rewrite, equivalent),
            Observation::NameTaken(at) => Decision::leave(
                State::Conflict,
                format!("the rule name `{}` is taken by something else: {at}", rewrite.name()),
            ),
            Observation::Outdated => {
                let why = format!("another revision is in place{}", self.revisions());
                self.put_right(rewrite, State::Applied, why).at(record)
            }
            Observation::Changed(how) => self.put_right(rewrite, State::Drifted, how).at(record),
            Observation::Gone(how) => self.put_right(rewrite, State::Drifted, how),
            Observation::Hidden(how) => self.hidden(rewrite, how).at(record),
            Observation::Absent(hints) => {
                let mut why = vec![self.why.to_owned()];
                why.extend(hints);
                self.first_time(rewrite, &why.join("; "))
            }
        }
    }

    fn intact(&self, unknown: &[String]) -> Decision {
        if let Some(first) = unknown.first() {
            return Decision::leave(State::Unknown, format!("in place; {first}"));
        }
        let Self { input, mitigation, why, .. } = self;
        let reason = match (input.policy.blocked.get(&mitigation.id), input.policy.switched_off()) {
            (Some(block), _) => {
                format!("in place; blocked by {}, so it would not be applied again", block.by)
            }
            (None, Some(off)) => format!("in place; switched off {off}, so nothing is changed"),
            (None, None) => (*why).to_owned(),
        };
        Decision::leave(State::Applied, reason)
    }

    fn equivalent(&self, rewrite: &Rewrite<'_>, equivalent: Equivalent) -> Decision {
        let Equivalent { names, together, remark } = equivalent;
        let probes = match remark {
            // What gets past it by a line break is told; the rest must hold.
            Some(_) => Probes::WithoutLineBreaks,
            None => Probes::All,
        };
        let placed = std::slice::from_ref(&self.action.id);
        if let Err(why) = verify(self.mitigation, placed, self.input.facts, self.ground, probes) {
            let said = quoted(&names);
            let why = format!("{said} says the same, but has no effect: {why}; {}", self.why);
            return self.first_time(rewrite, &why);
        }
        let ours = names.iter().any(|name| name == rewrite.name());
        let mut reason = match names.as_slice() {
            [name] if ours => {
                format!("the rule `{name}` is in place, but not by this state folder's records")
            }
            [name] => format!("the rule `{name}` does the same; it is not ours and is left alone"),
            _ => format!(
                "the rules {} {}do the same; they are not ours and are left alone",
                quoted(&names),
                if together { "together " } else { "" }
            ),
        };
        if let Some(remark) = remark {
            reason = format!("{reason} ({remark})");
        }
        Decision { rules: names, ..Decision::leave(State::Covered, reason) }
    }

    /// Ours stands and is without effect somewhere: put where it holds, if there is such a place.
    fn hidden(&self, rewrite: &Rewrite<'_>, how: String) -> Decision {
        let wanted = self.standings(rewrite);
        let (standings, gaps) = match &wanted {
            Ok(wanted) => wanted,
            Err(taken @ Refusal::NameTaken { .. }) => {
                return Decision::leave(State::Drifted, format!("{how}; {taken}"));
            }
            Err(_) => return Decision::leave(State::Drifted, how),
        };
        let stands = |standing: &Standing| {
            let mut parts = self.record.into_iter().flat_map(|record| &record.parts);
            parts.any(|part| standing.is(part))
        };
        if !standings.iter().all(stands) {
            return self.put_right(rewrite, State::Drifted, how);
        }
        match gaps.len() {
            0 => Decision::leave(State::Drifted, how),
            1..=MAX_GAPS => {
                Decision::leave(State::Partial, format!("in place; {}", gaps.join("; ")))
            }
            all => {
                let (told, more) = (gaps[..MAX_GAPS].join("; "), all - MAX_GAPS);
                Decision::leave(State::Partial, format!("in place; {told}; and {more} more"))
            }
        }
    }

    fn first_time(&self, rewrite: &Rewrite<'_>, why: &str) -> Decision {
        match self.input.failures.actions.get(&self.action.id) {
            Some(error) => {
                let text = format!("the last try failed and was undone: {error}");
                self.to_put_in(rewrite, State::Failed, &text)
            }
            None => self.to_put_in(rewrite, State::Pending, why),
        }
    }

    /// Ours is to be put right. That the last try failed weighs more than what is to be put right.
    fn put_right(&self, rewrite: &Rewrite<'_>, state: State, why: String) -> Decision {
        match self.input.failures.actions.get(&self.action.id) {
            Some(error) => {
                let why = format!("{why}; the last try failed and was undone: {error}");
                self.to_put_in(rewrite, State::Failed, &why)
            }
            None => self.to_put_in(rewrite, state, &why),
        }
    }

    fn revisions(&self) -> String {
        self.record.map_or_else(String::new, |record| {
            format!(": {} here, {} in the catalog", record.revision, self.mitigation.revision)
        })
    }

    /// All that is to stand for the rule to hold, and what it will not reach.
    fn standings(&self, rewrite: &Rewrite<'_>) -> Result<(Vec<Standing>, Vec<String>), Refusal> {
        let placement = rewrite.placement(self.ground, self.record)?;
        let standings = rewrite.standings(self.ground, &placement, self.input.in_place)?;
        Ok((standings, self.gaps(rewrite, &placement)))
    }

    /// What a rule will not reach: where none of ours can be, and where IIS runs no rule at all.
    fn gaps(&self, rewrite: &Rewrite<'_>, placement: &Placement) -> Vec<String> {
        let text = |gap: &Gap| format!("not for {}: {}", gap.at, gap.why);
        let known = |gap: &Gap| placement.gaps.iter().any(|g| g.at.eq_ignore_ascii_case(&gap.at));
        let dead = without_rules(rewrite, self.ground);
        let dead = dead.iter().filter(|gap| !known(gap));
        placement.gaps.iter().chain(dead).map(text).collect()
    }

    /// A rule that is wanted and not as it should be: put it in, unless someone or something
    /// forbids.
    fn to_put_in(&self, rewrite: &Rewrite<'_>, state: State, why: &str) -> Decision {
        if let Some(held) = self.forbidden(state, why) {
            return held;
        }
        let placed = rewrite.placement(self.ground, self.record).and_then(|placement| {
            let standings = rewrite.standings(self.ground, &placement, self.input.in_place)?;
            Ok((placement, standings))
        });
        let (placement, standings) = match placed {
            Ok(placed) => placed,
            Err(refusal) => return self.refused(&refusal, state, why),
        };
        let mut notes = vec![format!("placed there because {}", placement.why)];
        notes.extend(self.gaps(rewrite, &placement));
        notes.extend(caching::note(rewrite, &placement, self.ground));
        notes.extend(self.half_known(rewrite));
        Decision {
            place: places(&standings),
            wish: Wish::PutIn { standings },
            ..Decision::leave(state, why)
        }
        .noting(notes)
    }

    /// There is no place for it. What stands of ours is not passed over in silence.
    fn refused(&self, refusal: &Refusal, state: State, why: &str) -> Decision {
        let told = refused(refusal);
        if self.record.is_none() {
            return told;
        }
        let state = if state == State::Drifted { state.min(told.state) } else { told.state };
        Decision::leave(state, format!("{why}; what is in place stays: {}", told.reason))
    }

    /// Where something that is not known could keep the rule from its effect.
    fn half_known(&self, rewrite: &Rewrite<'_>) -> Vec<String> {
        let site = rewrite.scope.map(|scope| scope.site.as_str());
        let folders = self.ground.snapshot().incompletely_scanned_folders(site);
        let note = |(folder, why): (ServerPath, String)| {
            format!("web.config files below {folder} are perhaps not all known: {why}")
        };
        folders.into_iter().map(note).collect()
    }

    /// Why nothing is put in now, if it is not.
    fn forbidden(&self, state: State, why: &str) -> Option<Decision> {
        let hold = self.offer.hold.as_deref().filter(|_| is_held(self.offer, self.record));
        forbidden(self.input, self.mitigation, hold, state, why)
    }

    fn pools(&self, names: &[String]) -> Decision {
        let is_pool = |record: &&Placed| {
            matches!(record.parts.first().map(|part| &part.entry), Some(Entry::DisabledPool(_)))
        };
        let record = self.record.filter(is_pool);
        let earlier = self.record.filter(|record| !is_pool(record));
        without_earlier(self, earlier, self.pools_of(names, record))
    }

    fn pools_of(&self, names: &[String], record: Option<&Placed>) -> Decision {
        let watched = self.input.facts.exchange.known().is_some();
        let told = |pools: &[Pool]| pools::notes(pools, watched);
        let list = |pools: &[Pool]| {
            pools.iter().map(|pool| pool.name.clone()).collect::<Vec<_>>().join(", ")
        };
        match observe_pools(names, record, self.input.in_place, self.ground) {
            PoolState::Unknown(why) => {
                Decision::leave(State::Unknown, stays(why, record)).at(record)
            }
            PoolState::NoneHere => {
                let why = format!("there is no application pool {} here", names.join(", "));
                Decision::leave(State::NotAffected, why)
            }
            PoolState::Off(pools) => {
                let intact = self.intact(&[]).at(record);
                let reason = format!("{}; set not to start: {}", intact.reason, list(&pools));
                Decision { reason, ..intact }.noting(told(&pools))
            }
            PoolState::OffAlready(pools) => Decision::leave(
                State::Covered,
                format!(
                    "set not to start already, and not by this state folder's records: {}",
                    list(&pools)
                ),
            )
            .noting(told(&pools)),
            PoolState::Starting(pools) => {
                let state = self.input.failures.actions.get(&self.action.id);
                let (state, why) = match state {
                    Some(error) => {
                        (State::Failed, format!("the last try failed and was undone: {error}"))
                    }
                    None => (State::Pending, self.why.to_owned()),
                };
                self.pools_to_put_in(names, state, &why).noting(told(&pools))
            }
            PoolState::Changed(how) => self.pools_to_put_in(names, State::Drifted, &how).at(record),
        }
    }

    fn pools_to_put_in(&self, names: &[String], state: State, why: &str) -> Decision {
        if let Some(held) = self.forbidden(state, why) {
            return held;
        }
        let standings = pools::standings(names, self.input.in_place, self.ground);
        Decision {
            place: places(&standings),
            wish: Wish::PutIn { standings },
            ..Decision::leave(state, why)
        }
    }
}

fn refused(refusal: &Refusal) -> Decision {
    let state = match refusal {
        Refusal::NameTaken { .. } | Refusal::Broken(_) => State::Conflict,
        Refusal::Unknown(_) => State::Unknown,
        Refusal::NoSites
        | Refusal::NoSuchSite { .. }
        | Refusal::NoSuchPath { .. }
        | Refusal::NoModule
        | Refusal::ModuleOff(_)
        | Refusal::SectionNotDeclared(_)
        | Refusal::Locked(_) => State::Unsupported,
    };
    Decision::leave(state, refusal.to_string())
}
