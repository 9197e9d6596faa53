//! The report: every mitigation with one state and its reasons.

use std::collections::BTreeMap;

use stopgap_model::evidence::Evidence;
use stopgap_model::reason::{IisRuleReason, PolicyReason};
use stopgap_model::report::{ActionReport, MitigationReport, State};
use stopgap_model::{ActionId, Digest, MitigationId, Reason, Refused};

use crate::context::ActionContext;
use crate::decide::decide;
use crate::decision::Status;
use crate::input::Input;
use crate::merge::{merged, of_each};
use crate::planned::Offered;
use crate::rule_kind::{is_rule, is_rule_name};
use crate::server_report::{InstalledStatus, OrphanStatus, ServerReport};
use crate::summary::summary;
use crate::target::nowhere::Nowhere;

/// The title of what no mitigation of the catalog stands for.
const NO_TITLE: &str = "(not in this catalog)";

/// What is reported of all mitigations: those of the catalog in its order, then what else is installed,
/// what was offered and is not taken, and what is left over.
pub(crate) fn reports(
    input: &Input<'_>,
    offered: &[Offered<'_>],
    servers: &[ServerReport],
) -> Vec<MitigationReport> {
    let mut reporting = Reporting {
        input,
        servers,
        installed: by_mitigation(servers.iter().flat_map(|server| &server.installed), |it| {
            &it.mitigation
        }),
        orphans: by_mitigation(servers.iter().flat_map(|server| &server.orphans), |it| {
            &it.mitigation
        }),
    };
    let mut reports: Vec<MitigationReport> =
        offered.iter().map(|offered| reporting.offered(offered)).collect();
    // What is left of the orphans are those of mitigations that the catalog does not have.
    let orphans = std::mem::take(&mut reporting.orphans);
    reports.extend(orphans.iter().map(|(id, of_it)| reporting.orphan(id, of_it)));
    reporting.add_refused(&mut reports);
    add_leftovers(servers, &mut reports);
    reports
}

/// Values by the mitigation that they are of.
fn by_mitigation<'s, T>(
    all: impl Iterator<Item = &'s T>,
    of: impl Fn(&T) -> &MitigationId,
) -> BTreeMap<MitigationId, Vec<&'s T>> {
    let mut by: BTreeMap<MitigationId, Vec<&T>> = BTreeMap::new();
    for one in all {
        by.entry(of(one).clone()).or_default().push(one);
    }
    by
}

struct Reporting<'r> {
    input: &'r Input<'r>,
    servers: &'r [ServerReport],
    installed: BTreeMap<MitigationId, Vec<&'r InstalledStatus>>,
    /// What is not reported yet.
    orphans: BTreeMap<MitigationId, Vec<&'r OrphanStatus>>,
}

impl Reporting<'_> {
    /// A mitigation of the catalog, with the actions that an earlier revision installed and this one has
    /// dropped.
    fn offered(&mut self, offered: &Offered<'_>) -> MitigationReport {
        let Offered { offer, actions } = offered;
        let mitigation = &offer.mitigation;
        let mut rules: Vec<String> = Vec::new();
        let mut reports: Vec<ActionReport> = Vec::new();
        for (action, affects) in actions {
            let context = ActionContext { input: self.input, offer, action, affects };
            let mut status = merged(self.servers, &mitigation.id, &action.id)
                .unwrap_or_else(|| decide(&Nowhere, &context).status);
            if is_rule(&action.kind) && !self.is_removed(&mitigation.id, &action.id) {
                self.beside_what_is_left_out(&mut status);
            }
            rules.extend(status.rules.iter().cloned());
            reports.push(action_report(action.id.clone(), action.kind.name(), status));
        }
        let dropped = self.orphans.remove(&mitigation.id).unwrap_or_default();
        for (report, of_it) in self.orphan_actions(&dropped) {
            rules.extend(of_it);
            reports.push(report);
        }
        let mut report = MitigationReport {
            revision: mitigation.revision,
            hash: mitigation.hash,
            title: mitigation.title.clone(),
            source: offer.source.clone(),
            rules,
            ..self.of_actions(&mitigation.id, reports)
        };
        if let (Some(why), true) = (&mitigation.withdrawn, report.actions.is_empty()) {
            report.reason = PolicyReason::Withdrawn { why: why.clone() }.into();
        }
        report
    }

    /// What is installed of a mitigation that the catalog does not have.
    fn orphan(&self, id: &MitigationId, of_it: &[&OrphanStatus]) -> MitigationReport {
        let (actions, rules): (Vec<ActionReport>, Vec<Vec<String>>) =
            self.orphan_actions(of_it).into_iter().unzip();
        MitigationReport {
            revision: of_it.iter().map(|orphan| orphan.of.revision).max().unwrap_or(0),
            hash: of_it.first().map_or_else(|| Digest::of(b""), |first| first.of.hash),
            rules: rules.concat(),
            ..self.of_actions(id, actions)
        }
    }

    /// The reports of actions of one mitigation that no action of the catalog stands for, each once whatever
    /// the number of servers that have it, with the names of its rules.
    fn orphan_actions(&self, of_it: &[&OrphanStatus]) -> Vec<(ActionReport, Vec<String>)> {
        let mut by_action: Vec<Vec<&OrphanStatus>> = Vec::new();
        for orphan in of_it {
            let is_of_it =
                |known: &&mut Vec<&OrphanStatus>| known.iter().any(|it| it.action == orphan.action);
            match by_action.iter_mut().find(is_of_it) {
                Some(known) => known.push(orphan),
                None => by_action.push(vec![orphan]),
            }
        }
        by_action.iter().filter_map(|servers| self.orphan_action(servers)).collect()
    }

    /// The report of one such action, from how it stands on each server.
    fn orphan_action(&self, servers: &[&OrphanStatus]) -> Option<(ActionReport, Vec<String>)> {
        let first = servers.first()?;
        let each: Vec<(&str, &Status)> =
            servers.iter().map(|it| (it.server.as_str(), &it.status)).collect();
        let mut status = of_each(&each)?;
        let is_removed = servers.iter().any(|it| it.is_removed);
        if is_rule_name(first.of.kind) && !is_removed {
            self.beside_what_is_left_out(&mut status);
        }
        let rules = status.rules.clone();
        Some((action_report(first.action.clone(), first.of.kind, status), rules))
    }

    /// A report of these actions, of which only the records tell.
    fn of_actions(&self, id: &MitigationId, actions: Vec<ActionReport>) -> MitigationReport {
        let states: Vec<State> = actions.iter().map(|action| action.state).collect();
        let state = State::of_actions(&states);
        let installed = self.installed.get(id).map(Vec::as_slice).unwrap_or_default();
        let mut in_place: Vec<String> = Vec::new();
        for name in installed.iter().flat_map(|it| &it.names) {
            if !in_place.contains(name) {
                in_place.push(name.clone());
            }
        }
        MitigationReport {
            id: id.clone(),
            revision: 0,
            hash: Digest::of(b""),
            in_force: installed.iter().map(|it| it.revision).max(),
            title: NO_TITLE.into(),
            state,
            blocked: self.input.policy.blocked.contains_key(id),
            reason: summary(state, &actions),
            source: "change records".into(),
            rules: Vec::new(),
            evidence: Evidence::default(),
            in_place,
            leftovers: Vec::new(),
            actions,
        }
    }

    fn is_removed(&self, mitigation: &MitigationId, action: &ActionId) -> bool {
        let mut of_it = self.servers.iter().filter_map(|server| server.action(mitigation, action));
        of_it.any(|it| it.is_removed)
    }

    /// What stands on every server that is known is not in place on the whole machine as long as
    /// something else may serve there.
    fn beside_what_is_left_out(&self, status: &mut Status) {
        if !matches!(status.state, State::Applied | State::Partial) {
            return;
        }
        if let Some(left_out) = self.input.facts.left_out.gap() {
            status.state = State::Partial;
            status.reasons.push(left_out);
        }
    }

    /// What was offered and is not taken is reported: of a mitigation that is not known otherwise as one
    /// that this version does not carry out.
    fn add_refused(&self, reports: &mut Vec<MitigationReport>) {
        for refused in &self.input.catalog.refused {
            let Refused { id, revision, hash, title, source, reason } = refused;
            let why = reason.clone();
            if let Some(known) = reports.iter_mut().find(|report| report.id == *id) {
                let revision = (*revision > 0).then_some(*revision);
                let refused = PolicyReason::OfferRefused { by: source.clone(), revision, why };
                known.reason.push(refused);
                continue;
            }
            reports.push(MitigationReport {
                revision: *revision,
                hash: *hash,
                title: title.clone(),
                state: State::Unsupported,
                reason: PolicyReason::NotTaken { why }.into(),
                source: source.clone(),
                ..self.of_actions(id, Vec::new())
            });
        }
    }
}

fn action_report(id: ActionId, kind: &str, status: Status) -> ActionReport {
    let Status { state, reasons, place, notes, rules: _ } = status;
    ActionReport { id, kind: kind.to_owned(), state, reason: reasons, place, notes }
}

/// Adds what is left over beside the states. What nobody knows gets a row of its own.
fn add_leftovers(servers: &[ServerReport], reports: &mut Vec<MitigationReport>) {
    let leftovers = servers.iter().flat_map(|server| &server.leftovers);
    for (id, left) in leftovers {
        match reports.iter_mut().find(|report| report.id == *id) {
            Some(known) => known.leftovers.extend(left.iter().cloned()),
            None => reports.push(unknown(id, left.clone())),
        }
    }
}

/// A row for what has our name and belongs to nothing that is known.
fn unknown(id: &MitigationId, leftovers: Vec<Reason>) -> MitigationReport {
    MitigationReport {
        id: id.clone(),
        revision: 0,
        hash: Digest::of(b""),
        in_force: None,
        title: NO_TITLE.into(),
        state: State::Unknown,
        blocked: false,
        reason: IisRuleReason::UnknownName.into(),
        source: "found on the server".into(),
        rules: Vec::new(),
        evidence: Evidence::default(),
        in_place: Vec::new(),
        leftovers,
        actions: Vec::new(),
    }
}
