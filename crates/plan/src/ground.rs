//! A configuration as questions are asked of it: what is in effect where, worked out once for each
//! place, however many ask.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use stopgap_iis::config::{Effective, Fault, Level, Snapshot, effective_rules, levels, nearest};
use stopgap_iis::rewrite::{Evaluator, ResponseEvaluator};
use stopgap_model::Scope;

use crate::is_ours;

/// The configuration of one server.
#[derive(Debug)]
pub struct Ground<'a> {
    snapshot: &'a Snapshot,
    effective: RefCell<BTreeMap<(String, String), InEffect>>,
    levels: RefCell<BTreeMap<String, Rc<Vec<Level>>>>,
    foreign: RefCell<BTreeMap<(String, String), Rc<Foreign>>>,
}

/// What is in effect at one place.
pub(crate) type InEffect = Rc<Result<Effective, Fault>>;

/// The rules at one place without any of ours, made ready.
#[derive(Debug)]
pub(crate) struct Foreign {
    pub(crate) requests: Evaluator,
    pub(crate) responses: Result<ResponseEvaluator, String>,
}

impl<'a> Ground<'a> {
    /// The configuration of these files.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            effective: RefCell::default(),
            levels: RefCell::default(),
            foreign: RefCell::default(),
        }
    }

    pub(crate) fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }

    /// The places of a scope at which the configuration can differ, its own first.
    pub(crate) fn levels(&self, scope: Option<&Scope>) -> Result<Vec<Level>, String> {
        levels(self.snapshot, scope).map_err(|why| why.to_string())
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
            responses: effective.response_evaluator(others).map_err(|why| why.to_string()),
        });
        self.foreign.borrow_mut().insert(key, Rc::clone(&foreign));
        foreign
    }
}
