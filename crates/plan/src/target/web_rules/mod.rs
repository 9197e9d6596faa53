//! Rules of ours on nginx, Apache httpd and HAProxy.
//!
//! What stands on such a server is a function of the rules that are wanted there: one text, in files
//! or lines of ours. So the plan for a server is the list of its rules, and taking one out is the
//! same text without it.

pub(crate) mod change;
mod passed;
mod recognised;
mod server;
pub(crate) mod text;

use stopgap_model::reason::{ChangeReason, ProbeReason, WebRuleReason};
use stopgap_model::report::State;
use stopgap_model::{ActionId, ActionKind, Reasons, ServerId, ServerPath};
use stopgap_rules::contradicted_probe;
use stopgap_webserver::Layout;

use self::server::Seen;
use super::{Desired, Except, Installed, Observed, Orphan, Refused, Target};
use crate::context::ActionContext;
use crate::decision::{Decision, Operation};
use crate::input::Input;
use crate::installed::InstalledRule;
use crate::planned::{Entry, Offered, OrphanOf, Planned, knows};
use crate::rule_kind::is_rule;
use crate::rule_name::rule_name;

pub(crate) use server::WebTarget;

/// The servers that were found, and those that records tell of and that are not found.
pub(crate) fn web_targets<'a>(input: &Input<'a>) -> Vec<WebTarget<'a>> {
    let mut all: Vec<WebTarget<'a>> =
        input.web.iter().map(|config| WebTarget::found(input, config)).collect();
    note_shared_files(&mut all);
    passed::look_at(&mut all);
    let recorded = input.installed.web.iter().filter(|(_, own)| !own.rules.is_empty());
    let is_missing =
        |all: &[WebTarget<'a>], id: &ServerId| all.iter().all(|server| server.id != *id);
    let missing: Vec<WebTarget<'a>> = recorded
        .filter(|(id, _)| is_missing(&all, id))
        .map(|(id, own)| WebTarget::missing(input, id, own))
        .collect();
    all.extend(missing);
    all
}

/// Where two servers take in one file that lines of ours belong into, each would undo what the other
/// needs there: for both of them nothing is written.
fn note_shared_files(all: &mut [WebTarget<'_>]) {
    if all.len() < 2 {
        return;
    }
    let files: Vec<Vec<ServerPath>> = all
        .iter()
        .map(|server| server.layout.as_ref().map(Layout::written_files).unwrap_or_default())
        .collect();
    for (at, (server, own)) in all.iter_mut().zip(&files).enumerate() {
        let others = files.iter().enumerate().filter(|(other, _)| *other != at);
        let mut theirs = others.flat_map(|(_, files)| files);
        server.shared = theirs.find(|file| own.contains(file)).cloned();
    }
}

/// The decisions on one server, with those on lines of ours that are left there.
pub(crate) fn planned<'a>(
    target: WebTarget<'a>,
    input: &'a Input<'a>,
    offered: &'a [Offered<'a>],
) -> Planned<'a, WebTarget<'a>> {
    let mut planned = Planned::new(target, input, offered);
    let lines = left_in_no_catalog(input, &planned.target);
    planned.entries.extend(lines);
    planned
}

/// What was withdrawn, is in no catalog any more, and of which a line of ours is left: it goes now, if its
/// file can be changed.
fn left_in_no_catalog<'a>(
    input: &Input<'_>,
    server: &WebTarget<'a>,
) -> Vec<Entry<'a, InstalledRule>> {
    let (stuck, others) = server.lines_left();
    let may_go =
        others && server.why_not_changed().is_none() && input.policy.switched_off().is_none();
    if !server.records().is_empty() || (stuck.is_none() && !may_go) {
        return Vec::new();
    }
    let left = server.left().iter().filter(|left| !knows(input, &left.mitigation, &left.action));
    let entry = |left: &InstalledRule| {
        let is_asked = input.order.only.as_ref().is_none_or(|only| only.contains(&left.mitigation));
        let can_go = Reasons::from(ChangeReason::LineLeftCanGo);
        let lines = stuck.clone().map(|lines| ChangeReason::LinesLeft { lines }.into());
        let mut decision = Decision::leave(State::Failed, lines.unwrap_or_else(|| can_go.clone()));
        if may_go && is_asked {
            decision.operation = Operation::Remove(can_go);
        }
        Entry {
            offer: None,
            mitigation: left.mitigation.clone(),
            action: left.action.clone(),
            // Where all lines can go, there is nothing to report.
            orphan: stuck.is_some().then(|| of(left)),
            decision,
        }
    };
    left.map(entry).collect()
}

fn of(placed: &InstalledRule) -> OrphanOf {
    let InstalledRule { revision, hash, rule, .. } = placed;
    OrphanOf { revision: *revision, hash: *hash, kind: rule.kind() }
}

fn installed(placed: &InstalledRule) -> Installed<'_> {
    let InstalledRule { mitigation, revision, hash, action, rule } = placed;
    Installed { mitigation, revision: *revision, hash: *hash, action, kind: rule.kind() }
}

impl<'a> WebTarget<'a> {
    /// What would be written for an action.
    fn wanted(&self, context: &ActionContext<'a>) -> Result<InstalledRule, Reasons> {
        let mitigation = context.mitigation();
        Ok(InstalledRule {
            mitigation: mitigation.id.clone(),
            revision: mitigation.revision,
            hash: mitigation.hash,
            action: context.action.id.clone(),
            rule: self.rule(context)?,
        })
    }

    /// What is there where the records, or the text itself, tell of a rule.
    fn observe_ours(&self, record: &InstalledRule, wanted: &InstalledRule) -> Observed {
        match &self.seen {
            Seen::Unknown(why) => Observed::Unknown(why.clone()),
            Seen::Changed(how) => Observed::Drifted(how.clone()),
            Seen::Nothing | Seen::Taken(_) => {
                Observed::Gone(WebRuleReason::NothingLeft { server: self.id.to_string() }.into())
            }
            Seen::Outdated => Observed::Outdated(ChangeReason::AnotherVersion.into()),
            Seen::Intact if record == wanted => {
                let except = self.holes(record).map_or(Except::Nowhere, Except::There);
                Observed::Intact { except, more: Vec::new(), notes: self.notes(record) }
            }
            Seen::Intact => Observed::another_revision(record.revision, wanted.revision),
        }
    }
}

impl<'a> Target<'a> for WebTarget<'a> {
    type Content = InstalledRule;

    fn name(&self) -> String {
        self.id.to_string()
    }

    fn serves(&self) -> bool {
        self.config.is_some() && !self.has_no_requests()
    }

    fn takes(&self, kind: &ActionKind) -> bool {
        is_rule(kind)
    }

    fn installed(&self, action: &ActionId) -> Option<Installed<'_>> {
        self.record(action).map(installed)
    }

    fn all_installed(&self) -> Vec<Installed<'_>> {
        self.records().iter().map(installed).collect()
    }

    fn is_recognised(&self, action: &ActionId) -> bool {
        self.is_recognised && self.record(action).is_some()
    }

    fn observe(&self, context: &ActionContext<'a>) -> Observed {
        // Which modules it has is in its configuration: of one that is not known nothing follows.
        let layout = match (&self.seen, &self.layout) {
            (Seen::Unknown(why), _) | (_, Err(why)) => return Observed::Unknown(why.clone()),
            (_, Ok(layout)) => layout,
        };
        if let (false, Some(gap)) = (layout.reads_requests(), self.passed_on.first()) {
            return Observed::Unable(gap.clone().into());
        }
        let wanted = match self.wanted(context) {
            Ok(wanted) => wanted,
            Err(why) => return Observed::Unable(why),
        };
        match (self.record(&context.action.id), &self.seen) {
            (Some(record), _) => self.observe_ours(record, &wanted),
            (None, Seen::Taken(path)) => {
                Observed::Taken(WebRuleReason::FileTaken { file: path.to_string() }.into())
            }
            (None, _) => Observed::Absent { hints: Vec::new(), notes: Vec::new() },
        }
    }

    fn desired(&self, context: &ActionContext<'a>) -> Result<Desired<InstalledRule>, Refused> {
        let belied = contradicted_probe(context.mitigation());
        if let Some(why) = belied.unwrap_or_else(|error| Some(error.to_string())) {
            let why = ProbeReason::Contradicted { why }.into();
            let why = ChangeReason::WouldNotWork { why }.into();
            return Err(Refused { state: State::Conflict, why });
        }
        let unsupported = |why| Refused { state: State::Unsupported, why };
        let content = self.wanted(context).map_err(unsupported)?;
        let (place, notes) = (self.place(&content), self.notes(&content));
        Ok(Desired { content, place, notes })
    }

    fn observe_orphan(&self, _action: &ActionId) -> Orphan {
        match &self.seen {
            Seen::Unknown(why) => Orphan::Unknown(why.clone()),
            Seen::Changed(how) => Orphan::Drifted(how.clone()),
            Seen::Nothing | Seen::Intact | Seen::Outdated | Seen::Taken(_) => Orphan::Stands,
        }
    }

    fn place_of(&self, action: &ActionId) -> String {
        self.record(action).map(|record| self.place(record)).unwrap_or_default()
    }

    fn rules_of(&self, action: &ActionId) -> Vec<String> {
        self.record(action).map(|record| rule_name(&record.action)).into_iter().collect()
    }

    fn installed_names(&self, action: &ActionId) -> Vec<String> {
        let is_there = self.seen != Seen::Nothing && !self.gone;
        if is_there { self.rules_of(action) } else { Vec::new() }
    }

    fn failure(&self, action: &ActionId) -> Option<&str> {
        self.last_failure(action)
    }

    fn not_restored(&self) -> Option<&str> {
        self.not_restored
    }

    fn hindrance(&self) -> Option<(State, Reasons)> {
        self.why_not_changed()
    }

    fn is_gone(&self) -> bool {
        self.gone
    }

    fn dormant(&self) -> Option<&Reasons> {
        WebTarget::dormant(self)
    }

    /// What is left of an action that was withdrawn goes now, if its file can be changed; until then it is
    /// reported.
    fn completed(
        &self,
        context: &ActionContext<'a>,
        mut decision: Decision<InstalledRule>,
    ) -> Decision<InstalledRule> {
        let action = &context.action.id;
        let is_left = self.left().iter().any(|left| left.action == *action);
        if !is_left || self.record(action).is_some() || !decision.operation.is_none() {
            return decision;
        }
        let (stuck, others) = self.lines_left();
        let is_on = context.input.policy.switched_off().is_none();
        if let Some(lines) = stuck {
            decision = Decision::leave(State::Failed, ChangeReason::LinesLeft { lines });
        }
        if others && is_on && self.why_not_changed().is_none() {
            decision.operation = Operation::Remove(ChangeReason::LineLeftCanGo.into());
        }
        decision
    }
}
