//! Everything a decision is made from.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_iis::config::Snapshot;
use stopgap_model::policy::Policy;
use stopgap_model::reason::ChangeReason;
use stopgap_model::web::WebFacts;
use stopgap_model::{ActionId, Catalog, Digest, HostFacts, MitigationId, Reasons, ServerId};
use stopgap_webserver::Files;

use crate::installed::InstalledState;
use crate::target_id::TargetId;

/// Everything a decision is made from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The verified mitigations.
    pub catalog: &'a Catalog,
    /// What was identified on the server.
    pub facts: &'a HostFacts,
    /// The configuration files that were read.
    pub snapshot: &'a Snapshot,
    /// The other web servers, with their configuration.
    pub web: &'a [WebConfig],
    /// Those of which records tell and that are gone with their configuration.
    pub gone: &'a BTreeSet<ServerId>,
    /// What is allowed.
    pub policy: &'a Policy,
    /// What the change records say we did.
    pub installed: &'a InstalledState,
    /// What failed when it was last tried.
    pub failures: &'a Failures,
    /// What was asked for beside the cycle's own duty.
    pub order: &'a Order,
}

/// What failed when it was last tried, with the errors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failures {
    /// The errors, by target and action.
    pub tries: BTreeMap<(TargetId, ActionId), String>,
    /// Targets on which a change could not be taken back whole. Until it is, nothing is done to them.
    pub not_restored: BTreeMap<TargetId, String>,
    /// Those that are not tried again with the same, by target and action.
    pub rests: BTreeMap<(TargetId, ActionId), Rest>,
}

impl Failures {
    /// What is tried again from a time up to `now`, in seconds since 1970, rests no longer.
    pub fn wake(&mut self, now: i64) {
        let is_due = |rest: &Rest| rest.again.as_ref().is_some_and(|(from, _)| *from <= now);
        self.rests.retain(|_, rest| !is_due(rest));
    }

    /// These, too; of one action the later ones hold.
    pub fn add(&mut self, later: &Self) {
        self.tries.extend(later.tries.clone());
        self.not_restored.extend(later.not_restored.clone());
        self.rests.extend(later.rests.clone());
    }

    /// Why the last try of an action failed on a target, if it did.
    pub(crate) fn of(&self, target: TargetId, action: &ActionId) -> Option<&str> {
        if self.tries.is_empty() {
            return None;
        }
        self.tries.get(&(target, action.clone())).map(String::as_str)
    }

    /// Why nothing is done to a target, if so.
    pub(crate) fn stuck(&self, target: &TargetId) -> Option<&str> {
        self.not_restored.get(target).map(String::as_str)
    }
}

/// What an administrator asked of this one cycle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// Change nothing but these mitigations. `None`: all.
    pub only: Option<BTreeSet<MitigationId>>,
    /// Take these back in this cycle, whether they are needed or not.
    pub take_back: BTreeSet<MitigationId>,
    /// Put these right in this cycle, even if drift is only to be reported.
    pub reapply: BTreeSet<MitigationId>,
}

/// A web server other than IIS, as it was read.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// What was identified.
    pub facts: WebFacts,
    /// Its configuration.
    pub files: Files,
    /// Why its configuration is not known to the end, if so; a sentence without a full stop.
    pub incomplete: Option<Reasons>,
    /// Why the server itself refuses its configuration as it stands, if it was asked and does; a
    /// sentence without a full stop.
    pub refused: Option<Reasons>,
}

/// A try that failed and is not repeated with the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// What was tried, and with what: as [`tried`](crate::tried) and [`tried_on_iis`](crate::tried_on_iis) say.
    pub tried: Digest,
    /// How often in a row.
    pub tries: u32,
    /// When that was last, for a person.
    pub since: String,
    /// From when on it is tried again though nothing has changed, in seconds since 1970 and for a person;
    /// `None`: not by itself.
    pub again: Option<(i64, String)>,
}

impl Rest {
    /// What a person should know of it.
    pub(crate) fn reason(&self, mitigation: &MitigationId) -> ChangeReason {
        ChangeReason::Resting {
            since: self.since.clone(),
            again: self.again.as_ref().map(|(_, again)| again.clone()),
            mitigation: mitigation.to_string(),
        }
    }
}

impl Order {
    /// Whether somebody asks for this mitigation by its name.
    pub(crate) fn names(&self, id: &MitigationId) -> bool {
        let only = self.only.as_ref().is_some_and(|only| only.contains(id));
        only || self.take_back.contains(id) || self.reapply.contains(id)
    }
}
