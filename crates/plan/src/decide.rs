//! The decision on one action: what is wanted, what is there, and what leads from the one to the other. It
//! is the same for every target.

use stopgap_model::reason::{ChangeReason, IisRuleReason, PolicyReason, ServerReason};
use stopgap_model::report::State;
use stopgap_model::{ActionId, MitigationId, Reason, Reasons};

use crate::affected::Affects;
use crate::context::ActionContext;
use crate::decision::{Decision, Operation, Status};
use crate::input::Input;
use crate::permission::{forbids, frozen, is_asked, removed, why_not_offered, withdraws_orphan};
use crate::target::{Desired, Except, Installed, Observed, Orphan, Refused, Target};

/// Decides on an action of the catalog on one target.
pub(crate) fn decide<'a, T: Target<'a>>(
    target: &T,
    context: &ActionContext<'a>,
) -> Decision<T::Content> {
    let case = Case { target, context, installed: target.installed(&context.action.id) };
    let mut decision = target.completed(context, case.decide());
    if case.installed.is_some() && target.is_recognised(&context.action.id) {
        decision.status.reasons.push(ChangeReason::KnownByText);
    }
    case.held_back(decision)
}

/// That the id of an action is that of what another mitigation installed, or is about to.
pub(crate) fn id_taken(action: &ActionId, mitigation: &MitigationId) -> ChangeReason {
    let (action, mitigation) = (action.to_string(), mitigation.to_string());
    ChangeReason::ActionIdTaken { action, mitigation }
}

/// Decides on something of ours that no action of the catalog stands for: nothing is withdrawn for that.
pub(crate) fn decide_orphan<'a, T: Target<'a>>(
    target: &T,
    input: &Input<'_>,
    installed: &Installed<'_>,
) -> Decision<T::Content> {
    let Installed { mitigation, action, .. } = installed;
    let mut decision = match why_orphan_goes(target, input, installed) {
        Some(why) => withdraw(target, action, why),
        None => orphan_that_stays(target, input, installed),
    };
    decision.status.place = target.place_of(action);
    decision.status.rules = target.rules_of(action);
    if target.is_recognised(action) {
        decision.status.reasons.push(ChangeReason::KnownByText);
    }
    // What is recorded of a server that is gone goes, whoever asked for this cycle.
    if let (Some(why), false) = (target.not_restored(), target.is_gone()) {
        let reason = ChangeReason::NotRestored { why: why.to_owned() };
        decision.status.state = State::Failed;
        decision.status.reasons = reason.into();
        decision.operation = Operation::None;
    } else if !is_asked(input, mitigation) && !target.is_gone() {
        decision.operation = Operation::None;
    }
    decision
}

fn why_orphan_goes<'a, T: Target<'a>>(
    target: &T,
    input: &Input<'_>,
    installed: &Installed<'_>,
) -> Option<Reasons> {
    if target.is_gone() {
        return Some(ServerReason::Gone.into());
    }
    withdraws_orphan(input, installed.mitigation).map(Reasons::from)
}

fn orphan_that_stays<'a, T: Target<'a>>(
    target: &T,
    input: &Input<'_>,
    installed: &Installed<'_>,
) -> Decision<T::Content> {
    match target.observe_orphan(installed.action) {
        Orphan::Unknown(why) => Decision::leave(State::Unknown, why.and(ChangeReason::Stays)),
        Orphan::Drifted(how) => Decision::leave(
            State::Drifted,
            Reasons::from(PolicyReason::LostAndNotInCatalog).and(how),
        ),
        Orphan::Stands => {
            let reasons = match input.catalog.get(installed.mitigation) {
                Some(offer) => {
                    Reasons::from(ChangeReason::InPlace).and(why_not_offered(&offer.mitigation))
                }
                None => {
                    let mitigation = installed.mitigation.to_string();
                    PolicyReason::NotInCatalog { mitigation }.into()
                }
            };
            Decision::leave(State::Applied, reasons)
        }
    }
}

/// Ours is there and is to be removed. A hindrance, or that the last try failed, is reported.
fn withdraw<'a, T: Target<'a>>(
    target: &T,
    action: &ActionId,
    why: Reasons,
) -> Decision<T::Content> {
    if let Some((state, error)) = target.hindrance() {
        return Decision::leave(state, ChangeReason::NotWithdrawn { error, why });
    }
    let (state, reason) = match target.failure(action) {
        Some(error) => {
            let error = Reasons::text(error);
            (State::Failed, ChangeReason::NotWithdrawn { error, why: why.clone() })
        }
        None => (State::Applied, ChangeReason::ToBeWithdrawn { why: why.clone() }),
    };
    let status = Status::new(state, reason);
    Decision { status, operation: Operation::Remove(why) }
}

/// One action on one target.
struct Case<'c, 'a, T> {
    target: &'c T,
    context: &'c ActionContext<'a>,
    installed: Option<Installed<'c>>,
}

impl<'a, T: Target<'a>> Case<'_, 'a, T> {
    fn decide(&self) -> Decision<T::Content> {
        let Self { target, context, installed } = self;
        let mitigation = context.mitigation();
        if let Some(installed) = installed {
            if target.is_gone() {
                return self.withdraw(ServerReason::Gone);
            }
            // No mitigation takes over, changes or removes what another one installed.
            if *installed.mitigation != mitigation.id {
                let taken = id_taken(&context.action.id, installed.mitigation);
                return Decision::leave(State::Conflict, taken);
            }
            // What an administrator wants gone goes, whatever is known of the server.
            if let Some(why) = removed(context.input, &mitigation.id) {
                return self.withdraw(why);
            }
        }
        let why = context.why().clone();
        match context.affects {
            Affects::Yes(_) => match context.offer.denied.get(&context.action.id) {
                Some(why) => {
                    let why = PolicyReason::NotPermitted { why: why.clone() };
                    self.stays(State::Unsupported, why.into())
                }
                None => self.affected(),
            },
            // Who takes a declaration back says that the product is gone.
            Affects::No(_) | Affects::Undeclared(_) => self.not_affected(why),
            Affects::Unknown(_) => self.stays(State::Unknown, why),
            Affects::CannotIdentify(_) => self.stays(State::Unsupported, why),
        }
    }

    /// Leaves undone what this cycle was not asked for, and everything while a file of an earlier change is
    /// still to be put back.
    fn held_back(&self, mut decision: Decision<T::Content>) -> Decision<T::Content> {
        let concerns = self.installed.is_some() || !decision.operation.is_none();
        if let (Some(why), true, false) =
            (self.target.not_restored(), concerns, self.target.is_gone())
        {
            let why = ChangeReason::NotRestored { why: why.to_owned() };
            return self.at(Decision::leave(State::Failed, why));
        }
        if !is_asked(self.context.input, &self.context.mitigation().id) {
            decision.operation = Operation::None;
        }
        decision
    }

    /// The decision with where what is installed stands.
    fn at(&self, mut decision: Decision<T::Content>) -> Decision<T::Content> {
        if let Some(installed) = &self.installed {
            decision.status.place = self.target.place_of(installed.action);
            decision.status.rules = self.target.rules_of(installed.action);
        }
        decision
    }

    /// On any doubt what is installed stays, and the report says so.
    fn stays(&self, state: State, mut why: Reasons) -> Decision<T::Content> {
        if self.installed.is_some() {
            why.push(ChangeReason::Stays);
        }
        self.at(Decision::leave(state, why))
    }

    fn withdraw(&self, why: impl Into<Reason>) -> Decision<T::Content> {
        let why = Reasons::from(why.into());
        self.at(withdraw(self.target, &self.context.action.id, why))
    }

    /// Whether what is installed is of the revision that is offered.
    fn has_this_revision(&self) -> bool {
        let hash = self.context.mitigation().hash;
        self.installed.is_some_and(|installed| installed.hash == hash)
    }

    fn not_affected(&self, mut why: Reasons) -> Decision<T::Content> {
        if let Some(more) = self.target.no_longer_needed(self.context) {
            why.push(more);
        }
        if self.installed.is_none() {
            return Decision::leave(State::NotAffected, why);
        }
        let reason = if let Some(by) = self.context.input.policy.switched_off() {
            PolicyReason::NotNeededAndSwitchedOff { why, by }
        // The affected list is part of the frozen revision, so it must not be acted on either.
        } else if let Some(frozen) = frozen(self.context.offer, self.has_this_revision()) {
            PolicyReason::KeptWhileFrozen { frozen: frozen.clone(), why }
        } else {
            return self.at(withdraw(self.target, &self.context.action.id, why));
        };
        self.at(Decision::leave(State::Applied, reason))
    }

    fn affected(&self) -> Decision<T::Content> {
        let Self { target, context, .. } = self;
        if !target.takes(&context.action.kind) {
            let why = context.why().clone();
            let decision = Decision::leave(State::Applied, why);
            return self.without_superseded(decision, PolicyReason::AnotherKind);
        }
        if let Some(why) = removed(context.input, &context.mitigation().id) {
            return self.removed_before(why);
        }
        let decision = self.by_observation(target.observe(context));
        match target.superseded(context) {
            Some(why) => self.without_superseded(decision, why),
            None => decision,
        }
    }

    /// Nothing is installed, and an administrator wants it so.
    fn removed_before(&self, why: Reason) -> Decision<T::Content> {
        match self.target.stray(self.context) {
            Some(stray) => {
                let stray = IisRuleReason::RemovedButStray { rule: stray.name, at: stray.at };
                Decision::leave(State::Covered, Reasons::from(why).and(stray))
            }
            None => Decision::leave(State::Blocked, why),
        }
    }

    /// What an earlier revision installed for this action, when it asked for something else, is withdrawn,
    /// unless something takes its place in the same step.
    fn without_superseded(
        &self,
        decision: Decision<T::Content>,
        why: PolicyReason,
    ) -> Decision<T::Content> {
        let Self { context, .. } = self;
        if !decision.operation.is_none() {
            return decision;
        }
        let policy = context.input.policy;
        let is_blocked = policy.blocked.contains_key(&context.mitigation().id);
        let is_frozen = frozen(context.offer, self.has_this_revision()).is_some();
        if policy.enabled() && !is_blocked && !is_frozen {
            return self.withdraw(why);
        }
        // That this revision has nothing to do here says nothing of what is installed.
        match decision.status.state {
            State::NotAffected | State::Covered => self
                .at(Decision::leave(State::Applied, Reasons::from(ChangeReason::InPlace).and(why))),
            _ => self.at(decision),
        }
    }

    fn by_observation(&self, observed: Observed) -> Decision<T::Content> {
        let why = self.context.why().clone();
        match observed {
            Observed::Unknown(why) => self.stays(State::Unknown, why),
            Observed::Unable(why) => self.stays(State::Unsupported, why),
            Observed::NothingHere(why) => Decision::leave(State::NotAffected, why),
            Observed::Taken(why) => Decision::leave(State::Conflict, why),
            Observed::Covered { reasons, rules, notes } => {
                let mut decision = Decision::leave(State::Covered, reasons).noting(notes);
                decision.status.rules = rules;
                decision
            }
            Observed::Absent { hints, notes } => {
                let why = hints.into_iter().fold(why, Reasons::and);
                self.install(State::Pending, why).noting(notes)
            }
            Observed::Intact { except, more, notes } => self.intact(except, more).noting(notes),
            Observed::Outdated(why) => self.install_at(State::Applied, why),
            Observed::Gone(why) => self.install(State::Drifted, why),
            Observed::Drifted(why) => self.install_at(State::Drifted, why),
            Observed::Settled(state, why) => self.at(Decision::leave(state, why)),
        }
    }

    fn intact(&self, except: Except, more: Vec<Reason>) -> Decision<T::Content> {
        let policy = self.context.input.policy;
        let block = policy.blocked.get(&self.context.mitigation().id);
        let why = match (block, policy.switched_off()) {
            (Some(block), _) => PolicyReason::InstalledAndBlocked { by: block.by.clone() }.into(),
            (None, Some(by)) => PolicyReason::InstalledAndSwitchedOff { by }.into(),
            (None, None) => self.context.why().clone(),
        };
        let why = more.into_iter().fold(why, Reasons::and);
        let (state, why) = match except {
            Except::Nowhere => (State::Applied, why),
            Except::PerhapsThere(doubt) => {
                (State::Unknown, Reasons::from(ChangeReason::InPlace).and(doubt))
            }
            Except::There(gaps) => {
                (State::Partial, Reasons::from(ChangeReason::InPlace).and(gaps).and(why))
            }
        };
        self.at(Decision::leave(state, why))
    }

    /// Ours is there and is to be installed anew.
    fn install_at(&self, state: State, why: Reasons) -> Decision<T::Content> {
        self.at(self.install(state, why))
    }

    /// It is wanted and not there as it should be: it is installed, unless someone or something forbids it.
    fn install(&self, state: State, why: Reasons) -> Decision<T::Content> {
        let Self { target, context, .. } = self;
        let is_installed = self.has_this_revision();
        if let Some(status) = forbids(context.input, context.offer, is_installed, state, &why) {
            return Decision { status, operation: Operation::None };
        }
        // That an earlier change is still to be put back is reported in its own words, in `held_back`.
        let hindrance = target.hindrance().filter(|_| target.not_restored().is_none());
        if let Some((_, hindrance)) = hindrance {
            return Self::left_alone(state, why, hindrance);
        }
        let failed = target.failure(&context.action.id);
        let failed = failed.map(|error| ChangeReason::LastTryFailed { error: error.into() });
        // That the last try failed weighs more than why it is wanted, and less than what is to be put right.
        let (state, why) = match (failed, state) {
            (Some(failed), State::Pending) => (State::Failed, failed.into()),
            (Some(failed), _) => (State::Failed, why.and(failed)),
            (None, state) => (state, why),
        };
        match target.desired(context) {
            Ok(Desired { content, place, notes }) => {
                let status = Status { place, ..Status::new(state, why) };
                Decision { status, operation: Operation::Install(content) }.noting(notes)
            }
            Err(refused) => self.refused(refused, state, why),
        }
    }

    /// Nothing on the server can be changed. What drifted is still reported as that.
    fn left_alone(state: State, why: Reasons, hindrance: Reasons) -> Decision<T::Content> {
        let left_alone = ChangeReason::LeftAlone { why: hindrance };
        match state {
            State::Drifted => Decision::leave(state, why.and(left_alone)),
            _ => Decision::leave(State::Conflict, left_alone),
        }
    }

    /// Nothing can be written for it. What is there of ours is not passed over in silence.
    fn refused(&self, refused: Refused, state: State, why: Reasons) -> Decision<T::Content> {
        let Refused { state: refusal, why: reasons } = refused;
        if self.installed.is_none() {
            return Decision::leave(refusal, reasons);
        }
        let state = if state == State::Drifted { state.min(refusal) } else { refusal };
        Decision::leave(state, why.and(ChangeReason::StaysBecause { why: reasons }))
    }
}
