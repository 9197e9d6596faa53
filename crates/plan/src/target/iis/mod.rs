//! IIS: what is installed there, and what its files become.

mod assemble;
pub(crate) mod edits;
mod records;
mod unrecorded;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use stopgap_model::reason::{
    AffectedReason, IisRuleReason, PolicyReason, Reason, RuleReason, ServerReason,
};
use stopgap_model::report::State;
use stopgap_model::{ActionId, ActionKind, Fact, Mitigation};

use self::records::{kind_of, names_in_place, places_of, rules_of, stands};
use super::iis_pools;
use super::iis_rules::desired::{DesiredEntry, DesiredRule, desired_rule};
use super::iis_rules::observe::carries_out;
use super::iis_rules::{RuleCase, covering, places, stray};
use super::{Desired, Installed, Observed, Orphan, Refused, Stray, Target};
use crate::context::{ActionContext, ActionKey};
use crate::effective_config::EffectiveConfig;
use crate::input::Input;
use crate::installed::InstalledAction;
use crate::target_id::TargetId;

pub(crate) use unrecorded::{adopted, leftovers, with_adopted};

/// IIS, with what is installed there of ours.
pub(crate) struct Iis<'a> {
    input: &'a Input<'a>,
    config: &'a EffectiveConfig<'a>,
    /// What stands there to the letter and in no record.
    adopted: &'a BTreeMap<ActionId, InstalledAction>,
    /// The rules that actions ask for, each translated once.
    rules: RefCell<BTreeMap<ActionKey<'a>, Option<Rc<Translated<'a>>>>>,
}

/// The rule that an action asks for, or why IIS cannot say it.
type Translated<'a> = Result<DesiredRule<'a>, RuleReason>;

impl<'a> Iis<'a> {
    /// IIS, where `input` has what was adopted in its records.
    pub(crate) fn new(
        input: &'a Input<'a>,
        config: &'a EffectiveConfig<'a>,
        adopted: &'a BTreeMap<ActionId, InstalledAction>,
    ) -> Self {
        Self { input, config, adopted, rules: RefCell::default() }
    }

    fn record(&self, action: &ActionId) -> Option<&'a InstalledAction> {
        self.input.installed.actions.get(action)
    }

    /// What is installed for an action, unless all of it makes room for what the action asks for now.
    fn record_of_kind(&self, context: &ActionContext<'a>) -> Option<&'a InstalledAction> {
        self.record(&context.action.id).filter(|_| self.superseded(context).is_none())
    }

    /// Whether what is installed for an action is what this revision of its mitigation asks for.
    fn is_of_this_revision(&self, mitigation: &Mitigation, action: &ActionId) -> bool {
        let Some(record) = self.record(action) else { return false };
        if record.hash == mitigation.hash {
            return true;
        }
        let mut actions = mitigation.actions.iter();
        let wanted =
            actions.find(|it| it.id == *action).and_then(|it| desired_rule(mitigation, it));
        matches!(wanted, Some(Ok(wanted)) if carries_out(&wanted, record, self.config))
    }

    /// The rule that an action asks for; `None`: it asks for none.
    fn rule(&self, context: &ActionContext<'a>) -> Option<Rc<Translated<'a>>> {
        let mut rules = self.rules.borrow_mut();
        let entry = rules
            .entry(context.key())
            .or_insert_with(|| desired_rule(context.mitigation(), context.action).map(Rc::new));
        entry.clone()
    }

    fn is_known(&self) -> bool {
        matches!(self.input.facts.iis, Fact::Known(_))
    }
}

impl<'a> Target<'a> for Iis<'a> {
    type Content = Vec<DesiredEntry>;

    fn name(&self) -> String {
        "IIS".to_owned()
    }

    fn serves(&self) -> bool {
        self.input.facts.iis != Fact::Absent
    }

    fn takes(&self, kind: &ActionKind) -> bool {
        match kind {
            ActionKind::BlockRequest { .. }
            | ActionKind::RequestHeader { .. }
            | ActionKind::ResponseHeader { .. }
            | ActionKind::DisableAppPool { .. } => true,
            ActionKind::DisableService { .. } | ActionKind::DoNothing => false,
        }
    }

    fn installed(&self, action: &ActionId) -> Option<Installed<'_>> {
        self.record(action).map(installed)
    }

    fn all_installed(&self) -> Vec<Installed<'_>> {
        self.input.installed.actions.values().map(installed).collect()
    }

    fn superseded(&self, context: &ActionContext<'a>) -> Option<PolicyReason> {
        let record = self.record(&context.action.id)?;
        match (&context.action.kind, iis_pools::is_pools(record)) {
            (ActionKind::DisableAppPool { pools }, true) => {
                let is_other = iis_pools::sets_none_of(context, self.config, pools, record);
                is_other.then_some(PolicyReason::OtherPools)
            }
            (ActionKind::DisableAppPool { .. }, false) | (_, true) => {
                Some(PolicyReason::AnotherKind)
            }
            (_, false) => None,
        }
    }

    fn is_recognised(&self, action: &ActionId) -> bool {
        self.adopted.contains_key(action)
    }

    fn observe(&self, context: &ActionContext<'a>) -> Observed {
        match &self.input.facts.iis {
            Fact::Known(_) => {}
            Fact::Absent => return Observed::Unable(ServerReason::NoIis.into()),
            Fact::Unknown(why) => {
                return Observed::Unknown(ServerReason::Unread { why: why.clone() }.into());
            }
        }
        let record = self.record_of_kind(context);
        if let ActionKind::DisableAppPool { pools } = &context.action.kind {
            return iis_pools::observe(context, self.config, pools, record);
        }
        match self.rule(context).as_deref() {
            Some(Ok(wanted)) => RuleCase { context, config: self.config, wanted, record }.observe(),
            Some(Err(why)) => Observed::Unable(why.clone().into()),
            None => Observed::Unable(ServerReason::NoIis.into()),
        }
    }

    fn desired(&self, context: &ActionContext<'a>) -> Result<Desired<Self::Content>, Refused> {
        if let ActionKind::DisableAppPool { pools } = &context.action.kind {
            let content = iis_pools::desired(pools, self.input.installed, self.config);
            return Ok(Desired { place: places(&content), content, notes: Vec::new() });
        }
        let record = self.record_of_kind(context);
        match self.rule(context).as_deref() {
            Some(Ok(wanted)) => RuleCase { context, config: self.config, wanted, record }.desired(),
            Some(Err(why)) => Err(Refused { state: State::Unsupported, why: why.clone().into() }),
            None => Err(Refused { state: State::Unsupported, why: ServerReason::NoIis.into() }),
        }
    }

    fn observe_orphan(&self, action: &ActionId) -> Orphan {
        if let Fact::Unknown(why) = &self.input.facts.iis {
            return Orphan::Unknown(ServerReason::Unread { why: why.clone() }.into());
        }
        let mut parts = self.record(action).into_iter().flat_map(|record| &record.entries);
        match parts.all(|part| stands(self.input, part)) {
            true => Orphan::Stands,
            false => Orphan::Drifted(IisRuleReason::PartGone.into()),
        }
    }

    fn place_of(&self, action: &ActionId) -> String {
        self.record(action).map(places_of).unwrap_or_default()
    }

    fn rules_of(&self, action: &ActionId) -> Vec<String> {
        self.record(action).map(rules_of).unwrap_or_default()
    }

    fn installed_names(&self, action: &ActionId) -> Vec<String> {
        self.record(action).map(|record| names_in_place(self.input, record)).unwrap_or_default()
    }

    fn failure(&self, action: &ActionId) -> Option<&str> {
        self.input.failures.of(TargetId::Iis, action)
    }

    fn not_restored(&self) -> Option<&str> {
        self.input.failures.stuck(&TargetId::Iis)
    }

    fn stray(&self, context: &ActionContext<'a>) -> Option<Stray> {
        match self.rule(context).as_deref() {
            Some(Ok(wanted)) => stray(wanted, self.config),
            Some(Err(_)) | None => None,
        }
    }

    fn no_longer_needed(&self, context: &ActionContext<'a>) -> Option<Reason> {
        if !self.is_known() {
            return None;
        }
        let rule = self.rule(context)?;
        let wanted = rule.as_ref().as_ref().ok()?;
        if self.record(&context.action.id).is_none()
            && let Some(Stray { name, at }) = stray(wanted, self.config)
        {
            let what = IisRuleReason::Stray { rule: name, at }.into();
            return Some(AffectedReason::NoLongerNeeded { what }.into());
        }
        let rules = covering(wanted, self.config);
        let is_covered = !rules.is_empty();
        is_covered.then(|| AffectedReason::OthersNoLongerNeeded { rules }.into())
    }
}

fn installed(record: &InstalledAction) -> Installed<'_> {
    Installed {
        mitigation: &record.mitigation,
        revision: record.revision,
        hash: record.hash,
        action: &record.action,
        kind: kind_of(record.entries.first().map(|part| &part.entry)),
    }
}
