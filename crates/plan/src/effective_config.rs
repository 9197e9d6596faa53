//! A configuration as questions are asked of it: what is in effect where, worked out once for each
//! place, however many ask.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use stopgap_iis::config::{
    Effective, EffectiveRule, Fault, InEffect as Found, Level, Snapshot, effective_rules, levels,
    nearest,
};
use stopgap_iis::rewrite::{Evaluator, OutboundRule, ResponseEvaluator};
use stopgap_model::Scope;
use stopgap_model::reason::IisReason;

use crate::rule_name::{action_of, is_ours};

/// The configuration of one server.
#[derive(Debug)]
pub struct EffectiveConfig<'a> {
    snapshot: &'a Snapshot,
    effective: RefCell<BTreeMap<(String, String), InEffect>>,
    levels: RefCell<BTreeMap<String, Rc<Vec<Level>>>>,
    scopes: RefCell<BTreeMap<Option<Scope>, Levels>>,
    ours: RefCell<BTreeMap<(String, String), Rc<Ours>>>,
    foreign: RefCell<BTreeMap<(String, String), Rc<Foreign>>>,
}

/// The places of a scope, or why they are not known.
type Levels = Result<Vec<Level>, IisReason>;

/// What is in effect at one place.
pub(crate) type InEffect = Rc<Result<Effective, Fault>>;

/// The rules at one place without any of ours, made ready.
#[derive(Debug)]
pub(crate) struct Foreign {
    pub(crate) requests: Evaluator,
    pub(crate) responses: Result<ResponseEvaluator, IisReason>,
}

/// Where among the rules at one place ours are, by action, and where those of others.
#[derive(Debug, Default)]
struct Ours {
    rules: HashMap<String, Vec<usize>>,
    outbound: HashMap<String, Vec<usize>>,
    others: Vec<usize>,
}

impl Ours {
    fn among(effective: &Effective) -> Self {
        let mut ours = Self::default();
        for (at, rule) in effective.rules.iter().enumerate() {
            if let Some(action) = action_of(&rule.name) {
                ours.rules.entry(action.to_owned()).or_default().push(at);
            }
            // By another spelling of our name a rule can be neither or both, as `is_ours` minds case.
            if !is_ours(&rule.name) {
                ours.others.push(at);
            }
        }
        for (at, rule) in effective.outbound.iter().flat_map(|all| all.rules.iter().enumerate()) {
            if let Some(action) = action_of(&rule.name) {
                ours.outbound.entry(action.to_owned()).or_default().push(at);
            }
        }
        ours
    }
}

impl<'a> EffectiveConfig<'a> {
    /// The configuration of these files.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            effective: RefCell::default(),
            levels: RefCell::default(),
            scopes: RefCell::default(),
            ours: RefCell::default(),
            foreign: RefCell::default(),
        }
    }

    pub(crate) fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// The places of a scope at which the configuration can differ, its own first.
    pub(crate) fn levels(&self, scope: Option<&Scope>) -> Result<Vec<Level>, IisReason> {
        let key = scope.cloned();
        if let Some(known) = self.scopes.borrow().get(&key) {
            return known.clone();
        }
        let found = levels(self.snapshot, scope);
        self.scopes.borrow_mut().insert(key, found.clone());
        found
    }

    /// The inbound rules in effect at a place that carry out an action, in their order. `effective` is
    /// what [`EffectiveConfig::at`] says of it.
    pub(crate) fn rules_of<'e>(
        &self,
        level: &Level,
        effective: &'e Effective,
        action: &str,
    ) -> Vec<&'e EffectiveRule> {
        let ours = self.ours(level, effective);
        let places = ours.rules.get(action).into_iter().flatten();
        places.filter_map(|at| effective.rules.get(*at)).collect()
    }

    /// The outbound rules in effect at a place that carry out an action, in their order.
    pub(crate) fn outbound_of<'e>(
        &self,
        level: &Level,
        effective: &'e Effective,
        action: &str,
    ) -> Vec<&'e Found<OutboundRule>> {
        let Ok(outbound) = &effective.outbound else { return Vec::new() };
        let ours = self.ours(level, effective);
        let places = ours.outbound.get(action).into_iter().flatten();
        places.filter_map(|at| outbound.rules.get(*at)).collect()
    }

    /// The inbound rules in effect at a place that are not ours or carry out one of these actions, in
    /// their order.
    pub(crate) fn rules_of_others_and<'e, 'n>(
        &self,
        level: &Level,
        effective: &'e Effective,
        actions: impl Iterator<Item = &'n str>,
    ) -> Vec<&'e EffectiveRule> {
        let ours = self.ours(level, effective);
        let asked = actions.filter_map(|action| ours.rules.get(action)).flatten();
        let mut places: Vec<usize> = ours.others.iter().chain(asked).copied().collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|at| effective.rules.get(at)).collect()
    }

    /// Where our rules are among those at a place, found once however many actions ask.
    fn ours(&self, level: &Level, effective: &Effective) -> Rc<Ours> {
        let key = (level.site.clone(), level.path.clone());
        if let Some(known) = self.ours.borrow().get(&key) {
            return Rc::clone(known);
        }
        let found = Rc::new(Ours::among(effective));
        self.ours.borrow_mut().insert(key, Rc::clone(&found));
        found
    }

    /// The place of a site that an URL path belongs to.
    pub(crate) fn level_of(&self, site: &str, url_path: &str) -> Level {
        let known = self.levels.borrow().get(site).cloned();
        let all = known.unwrap_or_else(|| {
            let scope = Scope { site: site.to_owned(), path: String::new() };
            let all = Rc::new(levels(self.snapshot, Some(&scope)).unwrap_or_default());
            self.levels.borrow_mut().insert(site.to_owned(), Rc::clone(&all));
            all
        });
        let root = || Level { site: site.to_owned(), path: "/".to_owned() };
        nearest(&all, url_path).cloned().unwrap_or_else(root)
    }

    /// What is in effect at a place.
    pub(crate) fn at(&self, level: &Level) -> InEffect {
        let key = (level.site.clone(), level.path.clone());
        if let Some(known) = self.effective.borrow().get(&key) {
            return Rc::clone(known);
        }
        let found = Rc::new(effective_rules(self.snapshot, &level.site, &level.path));
        self.effective.borrow_mut().insert(key, Rc::clone(&found));
        found
    }

    /// The rules at a place without any of ours.
    pub(crate) fn foreign(&self, level: &Level, effective: &Effective) -> Rc<Foreign> {
        let key = (level.site.clone(), level.path.clone());
        if let Some(known) = self.foreign.borrow().get(&key) {
            return Rc::clone(known);
        }
        let others = |name: &str| !is_ours(name);
        let foreign = Rc::new(Foreign {
            requests: effective.evaluator(others),
            responses: effective.response_evaluator(others),
        });
        self.foreign.borrow_mut().insert(key, Rc::clone(&foreign));
        foreign
    }
}
