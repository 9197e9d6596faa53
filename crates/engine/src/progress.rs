//! How far a cycle has come.

use std::collections::BTreeSet;

use stopgap_model::report::MitigationReport;
use stopgap_model::{ActionId, Reason, ServerId};
use stopgap_plan::{FileEdit, Step, TargetId};
use stopgap_store::{Change, FailedRollback, StoreError};

use crate::learned::Learned;
use crate::timing::Timing;
use crate::trouble::{Ending, NotBack, Trouble};

/// How often a cycle starts again because a file changed between plan and apply.
const MAX_PLANS: u32 = 3;

/// What a cycle did so far.
#[derive(Default)]
pub(crate) struct Progress {
    /// The changes that were committed, oldest first.
    pub(crate) made: Vec<Made>,
    /// The reports of the plans that those changes are of.
    pub(crate) planned: Vec<Vec<MitigationReport>>,
    pub(crate) timings: Vec<Timing>,
    pub(crate) learned: Learned,
    /// The targets that are not touched again in this cycle, as a change of them failed.
    left_alone: BTreeSet<TargetId>,
    /// The servers whose sites were asked in this cycle.
    pub(crate) asked: BTreeSet<ServerId>,
    /// How many plans were made, but for those that an administrator's decision called for.
    plans: u32,
    /// How many changes were attempted.
    pub(crate) attempts: usize,
    /// What a person should know of an action beside its reason.
    pub(crate) notes: Vec<(ActionId, Reason)>,
    pub(crate) troubles: Vec<Trouble>,
    /// What was begun last and rolled back because the cycle was to stop.
    pub(crate) rolled_back: Option<TargetId>,
}

/// A change that was committed.
pub(crate) struct Made {
    pub(crate) edits: Vec<FileEdit>,
    pub(crate) steps: Vec<Step>,
}

impl Progress {
    pub(crate) fn new(learned: Learned) -> Self {
        Self { learned, plans: 1, ..Self::default() }
    }

    pub(crate) fn ending(self) -> Ending {
        let Self { made, rolled_back, troubles, .. } = self;
        Ending { made: made.len(), rolled_back, troubles }
    }

    /// Another plan is made because of what was learned.
    pub(crate) fn plan_again(&mut self) {
        self.plans += 1;
    }

    /// Returns whether no further plan is made.
    pub(crate) fn is_last_plan(&self) -> bool {
        self.plans >= MAX_PLANS
    }

    /// Returns whether this is the plan that the cycle began with.
    pub(crate) fn is_first_plan(&self) -> bool {
        self.plans <= 1
    }

    /// Nothing more is done to a target in this cycle.
    pub(crate) fn leave_alone(&mut self, target: TargetId) {
        self.left_alone.insert(target);
    }

    pub(crate) fn is_left_alone(&self, target: &TargetId) -> bool {
        self.left_alone.contains(target)
    }

    /// Takes note of a change that could not be rolled back whole. Returns what is description of it.
    pub(crate) fn not_restored(
        &mut self,
        change: &mut Change,
        error: String,
        files: Vec<NotBack>,
    ) -> String {
        let target = change.target();
        let trouble = Trouble::NotUndone { target, error: error.clone(), files };
        self.stuck(change, error, trouble)
    }

    /// Takes note of a change of services that could not be taken back whole. Returns how it is described.
    pub(crate) fn not_given_back(
        &mut self,
        change: &mut Change,
        error: String,
        why: String,
    ) -> String {
        let target = change.target();
        let trouble = Trouble::NotGivenBack { target, error: error.clone(), why };
        self.stuck(change, error, trouble)
    }

    /// Nothing is done to the target before this change is rolled back whole.
    fn stuck(&mut self, change: &mut Change, error: String, trouble: Trouble) -> String {
        let description = trouble.to_string();
        change.failed_rollback = Some(FailedRollback { error, description: description.clone() });
        self.learned.failures.not_restored.insert(change.target(), description.clone());
        self.troubles.push(trouble);
        description
    }

    /// Takes note of files that could not be put back and in which what stays of ours does nothing. Returns
    /// what went wrong, with them.
    pub(crate) fn idle(&mut self, change: &Change, error: String, files: Vec<NotBack>) -> String {
        if files.is_empty() {
            return error;
        }
        let trouble = Trouble::NotUndone { target: change.target(), error, files };
        let description = trouble.to_string();
        self.learned.fail_all(&change.steps, &description);
        self.troubles.push(trouble);
        description
    }

    /// Takes note that the outcome of a change could not be written down, once for each target.
    pub(crate) fn not_recorded(&mut self, change: &Change, why: StoreError) {
        let target = change.target();
        let is_told = |trouble: &Trouble| matches!(trouble, Trouble::NotRecorded { target: of, .. } if *of == target);
        if !self.troubles.iter().any(is_told) {
            self.troubles.push(Trouble::NotRecorded { target, why });
        }
    }
}
