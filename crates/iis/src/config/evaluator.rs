//! The rules in effect, made ready to be asked about requests and responses.

use crate::rewrite::{
    Entry, Evaluator, OutboundRule, PreCondition, ResponseEntry, ResponseEvaluator, Rule,
};

use stopgap_model::reason::IisReason;

use super::in_effect::{Effective, EffectiveRule};
use super::place::{Place, same_name};

impl Effective {
    /// Makes the inbound rules ready whose name passes `keep`. Where the rewrite module does not
    /// run, no rule has any effect.
    #[must_use]
    pub fn evaluator(&self, keep: impl Fn(&str) -> bool) -> Evaluator {
        self.evaluator_of(self.rules.iter().filter(|rule| keep(&rule.name)))
    }

    /// Makes these of the inbound rules ready, in this order.
    #[must_use]
    pub fn evaluator_of<'r>(
        &'r self,
        rules: impl IntoIterator<Item = &'r EffectiveRule>,
    ) -> Evaluator {
        let kept = rules.into_iter().filter(|_| self.module);
        let entries = kept.map(|rule| Entry {
            name: &rule.name,
            rule: self.sayable(rule),
            base: &rule.base,
            forbidden: self.forbidden(rule),
        });
        Evaluator::new(entries, self.maps.clone())
    }

    /// What a rule says, if it can be told whether it may.
    fn sayable<'r>(&'r self, rule: &'r EffectiveRule) -> Result<&'r Rule, &'r IisReason> {
        match (&rule.item, &self.allowed) {
            (Ok(says), Err(why)) if sets_variables(rule, says) => Err(why),
            (says, _) => says.as_ref(),
        }
    }

    /// The first variable that a rule sets and may not.
    #[must_use]
    pub fn forbidden<'r>(&self, rule: &'r EffectiveRule) -> Option<&'r str> {
        let (Ok(says), Ok(allowed)) = (&rule.item, &self.allowed) else { return None };
        if !sets_variables(rule, says) {
            return None;
        }
        let mut names = says.server_variables.iter().map(|variable| variable.name.as_str());
        names.find(|name| !allowed.iter().any(|allowed| same_name(allowed, name)))
    }

    /// Makes the outbound rules ready whose name passes `keep`; fails where they are not known.
    ///
    /// # Errors
    /// Why they are not known.
    pub fn response_evaluator(
        &self,
        keep: impl Fn(&str) -> bool,
    ) -> Result<ResponseEvaluator, IisReason> {
        let outbound = self.outbound.as_ref().map_err(Clone::clone)?;
        let known: Vec<PreCondition> =
            outbound.preconditions.iter().filter_map(|found| found.item.clone().ok()).collect();
        // A rule is not understood where its precondition is not.
        let unclear = |rule: &OutboundRule| {
            let named = |name: &str| same_name(name, &rule.precondition);
            let found = outbound.preconditions.iter().find(|found| named(&found.name))?;
            found.item.as_ref().err()
        };
        let kept = outbound.rules.iter().filter(|rule| self.module && keep(&rule.name));
        let entries = kept.map(|found| ResponseEntry {
            name: &found.name,
            rule: match &found.item {
                Ok(rule) => unclear(rule).map_or(Ok(rule), Err),
                Err(why) => Err(why),
            },
        });
        Ok(ResponseEvaluator::new(entries, &known, self.maps.clone()))
    }
}

/// Whether a rule sets variables that `allowedServerVariables` must name: a global one may set any.
fn sets_variables(found: &EffectiveRule, rule: &Rule) -> bool {
    found.place != Place::Server && rule.enabled && !rule.server_variables.is_empty()
}
