//! Whether a cycle that runs is to stop: a signal asked for it, or an administrator decided something
//! since the cycle was planned.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stopgap_model::MitigationId;
use stopgap_model::policy::{Policy, Switch};
use stopgap_plan::{Order, Step};
use stopgap_store::{Decisions, Store, StoreError};

/// How old a look at the decisions may be while a server is waited for.
const FRESH: Duration = Duration::from_millis(50);

/// Why a cycle begins nothing further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The program was asked to end.
    #[error("the program was asked to end")]
    Asked,
    /// Automatic mitigation was switched off since the cycle was planned; by whom, when and why.
    #[error("automatic mitigation was switched off by {0}")]
    SwitchedOff(String),
    /// A mitigation was blocked or removed since, so another plan is needed; which, and by whom.
    #[error("{0}")]
    Decided(String),
    /// What was decided cannot be read, and could be a switch.
    #[error("what was decided cannot be read: {0}")]
    Unreadable(String),
}

/// Looks, before each step and while a server is waited for, whether the cycle is to stop.
pub(crate) struct Watch<'a> {
    asked: &'a AtomicBool,
    store: &'a Store,
    /// What the plan was made with.
    policy: Policy,
    /// What this cycle removes because an administrator ordered it. That goes on when automatic
    /// mitigation is switched off: it is not automatic.
    ordered: &'a BTreeSet<MitigationId>,
    /// What was decided when the last look was taken, and when that was.
    last: Mutex<Option<(Instant, Result<Decisions, Halt>)>>,
}

impl<'a> Watch<'a> {
    /// Returns a watch that reports what is decided from now on; what was decided before is part of its
    /// policy.
    pub(crate) fn new(
        asked: &'a AtomicBool,
        store: &'a Store,
        policy: &Policy,
        order: &'a Order,
    ) -> Result<Self, StoreError> {
        let mut policy = policy.clone();
        store.decisions()?.restrict(&mut policy);
        let last = Mutex::default();
        Ok(Self { asked, store, policy, ordered: &order.take_back, last })
    }

    /// Returns what is allowed: the policy with all that was decided until the plan was made.
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns why nothing further is to be begun, if so.
    pub(crate) fn before_a_step(&self) -> Option<Halt> {
        self.look(Duration::ZERO, |_, _| true)
    }

    /// Returns why a change that was begun is to be rolled back, if so. A mitigation that was blocked stays
    /// installed, so a change that installs it is finished; one that was removed is rolled back.
    pub(crate) fn during(&self, step: &[Step]) -> Option<Halt> {
        self.look(Duration::ZERO, |id, goes| goes && puts_in(step, id))
    }

    /// Returns whether a target is not to be waited for any longer; called every few milliseconds.
    pub(crate) fn ends_waiting(&self, step: &[Step]) -> bool {
        self.look(FRESH, |id, goes| goes && puts_in(step, id)).is_some()
    }

    /// Returns the first reason to stop. `counts` says whether a decision on a mitigation is one, given
    /// whether the mitigation is to be removed.
    fn look(&self, age: Duration, counts: impl Fn(&MitigationId, bool) -> bool) -> Option<Halt> {
        if self.asked.load(Ordering::Relaxed) {
            return Some(Halt::Asked);
        }
        let now = match self.decisions(age) {
            Ok(now) => now,
            Err(halt) => return Some(halt),
        };
        // An ordered removal goes on, and what was off already is no news.
        let was_on = matches!(self.policy.server, Switch::On) && self.ordered.is_empty();
        if let Some(said) = now.switched_off.filter(|_| was_on) {
            return Some(Halt::SwitchedOff(said.phrase()));
        }
        now.blocked.iter().find_map(|(id, said)| {
            let known = self.policy.blocked.get(id);
            let is_news = known.is_none_or(|known| said.take_back && !known.take_back);
            let what = if said.take_back { "removed" } else { "blocked" };
            (is_news && counts(id, said.take_back))
                .then(|| Halt::Decided(format!("{id} was {what} by {}", said.phrase())))
        })
    }

    /// Returns what is decided now, from a look that is at most so old.
    fn decisions(&self, age: Duration) -> Result<Decisions, Halt> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((at, decisions)) if at.elapsed() < age => decisions.clone(),
            _ => {
                let decisions = self.store.decisions();
                let decisions = decisions.map_err(|error| Halt::Unreadable(error.to_string()));
                *last = Some((Instant::now(), decisions.clone()));
                decisions
            }
        }
    }
}

/// Returns whether one of the steps installs something of a mitigation.
fn puts_in(steps: &[Step], id: &MitigationId) -> bool {
    steps.iter().any(|step| step.installs(id))
}
