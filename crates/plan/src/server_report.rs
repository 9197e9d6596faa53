//! What is reported of one target, whichever kind it is of.

use std::collections::BTreeMap;

use stopgap_model::{ActionId, MitigationId, Reason, Reasons};

use crate::decision::{Operation, Status};
use crate::planned::{OrphanOf, Planned};
use crate::target::Target;

/// What is reported of one target.
pub(crate) struct ServerReport {
    /// Its name for a person.
    pub(crate) name: String,
    /// Why it does not run and nothing starts it, if so.
    pub(crate) dormant: Option<Reasons>,
    /// The actions of the catalog that concern it, by their mitigation: two may use one id.
    pub(crate) actions: BTreeMap<MitigationId, BTreeMap<ActionId, ActionStatus>>,
    /// What no action of the catalog stands for.
    pub(crate) orphans: Vec<OrphanStatus>,
    /// All that is installed of ours, in the order of the records.
    pub(crate) installed: Vec<InstalledStatus>,
    /// What has our name or our text and is in no record.
    pub(crate) leftovers: BTreeMap<MitigationId, Vec<Reason>>,
}

/// How one action stands on a target.
pub(crate) struct ActionStatus {
    pub(crate) status: Status,
    /// Whether something of ours is installed for it.
    pub(crate) is_installed: bool,
    /// Whether that is to be removed.
    pub(crate) is_removed: bool,
}

/// How something stands on a target that no action of the catalog stands for.
pub(crate) struct OrphanStatus {
    /// The target's name.
    pub(crate) server: String,
    pub(crate) mitigation: MitigationId,
    pub(crate) action: ActionId,
    pub(crate) of: OrphanOf,
    pub(crate) status: Status,
    /// Whether it is to be removed.
    pub(crate) is_removed: bool,
}

/// Something of ours that is installed on a target.
pub(crate) struct InstalledStatus {
    pub(crate) mitigation: MitigationId,
    pub(crate) revision: u32,
    /// The names of what is there of it.
    pub(crate) names: Vec<String>,
}

impl ServerReport {
    /// How an action of a mitigation of the catalog stands there; `None`: it does not concern it.
    pub(crate) fn action(&self, mitigation: &MitigationId, id: &ActionId) -> Option<&ActionStatus> {
        self.actions.get(mitigation)?.get(id)
    }

    /// What is reported of the decisions on a target.
    pub(crate) fn new<'a, T: Target<'a>>(planned: Planned<'a, T>) -> Self {
        let Planned { target, entries } = planned;
        let installed = target.all_installed().into_iter().map(|it| InstalledStatus {
            mitigation: it.mitigation.clone(),
            revision: it.revision,
            names: target.installed_names(it.action),
        });
        let installed = installed.collect();
        let mut actions: BTreeMap<MitigationId, BTreeMap<ActionId, ActionStatus>> = BTreeMap::new();
        let mut orphans = Vec::new();
        for entry in entries {
            let is_removed = matches!(entry.decision.operation, Operation::Remove(_));
            let status = entry.decision.status;
            match (entry.offer, entry.orphan) {
                (Some(_), _) => {
                    let is_installed = target.installed(&entry.action).is_some();
                    let status = ActionStatus { status, is_installed, is_removed };
                    let of_it = actions.entry(entry.mitigation).or_default();
                    of_it.insert(entry.action, status);
                }
                (None, Some(of)) => {
                    let (mitigation, action) = (entry.mitigation, entry.action);
                    let server = target.name();
                    let orphan =
                        OrphanStatus { server, mitigation, action, of, status, is_removed };
                    orphans.push(orphan);
                }
                (None, None) => {}
            }
        }
        let (name, dormant) = (target.name(), target.dormant().cloned());
        Self { name, dormant, actions, orphans, installed, leftovers: BTreeMap::new() }
    }
}
