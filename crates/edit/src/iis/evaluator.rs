//! The rules in effect, made ready to be asked about requests.

use stopgap_rules::iis::{Entry, Evaluator};

use super::effective::Effective;

impl Effective {
    /// Makes the rules ready whose name passes `keep`. Where the rewrite module does not run, no
    /// rule has any effect.
    #[must_use]
    pub fn evaluator(&self, keep: impl Fn(&str) -> bool) -> Evaluator {
        let kept = self.rules.iter().filter(|rule| self.module && keep(&rule.name));
        let entries = kept.map(|rule| Entry {
            name: &rule.name,
            rule: rule.rule.as_ref().map_err(String::as_str),
            base: &rule.base,
            forbidden: None,
        });
        Evaluator::new(entries, self.maps.clone())
    }
}
