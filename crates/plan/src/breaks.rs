//! Whether a change of IIS's files breaks a place that was sound.

use stopgap_iis::config::Fault;
use stopgap_model::reason::{IisReason, IisRuleReason, Reason};
use stopgap_model::{ActionId, Mitigation};

use crate::effective_config::EffectiveConfig;
use crate::target::iis_rules::desired::desired_rule;
use crate::target::iis_rules::place_text::text;

/// A place that what carries out `placed` breaks and that was sound before, or whose rules of ours
/// set what they may not; `None`: there is none.
#[must_use]
pub fn breaks(
    before: &EffectiveConfig<'_>,
    after: &EffectiveConfig<'_>,
    mitigation: &Mitigation,
    placed: &[ActionId],
) -> Option<Reason> {
    for action in mitigation.actions.iter().filter(|action| placed.contains(&action.id)) {
        let Some(Ok(rule)) = desired_rule(mitigation, action) else { continue };
        // The list of variables that may be set reaches every site.
        let scope = rule.scope.filter(|_| rule.variables().is_empty());
        for level in after.levels(scope).unwrap_or_default() {
            let now = after.at(&level);
            match now.as_ref() {
                Err(fault @ Fault::Broken { .. }) if before.at(&level).is_ok() => {
                    let why = IisReason::from(fault.clone()).into();
                    return Some(IisRuleReason::Broken { at: None, why }.into());
                }
                Err(_) => {}
                Ok(effective) => {
                    let ours = after.rules_of(&level, effective, action.id.as_str()).into_iter();
                    let mut ours = ours.filter(|found| rule.is_named(&found.name));
                    if let Some(variable) = ours.find_map(|rule| effective.forbidden(rule)) {
                        let (variable, at) = (variable.to_string(), text(&level));
                        return Some(IisRuleReason::Answers500 { variable, at }.into());
                    }
                }
            }
        }
    }
    None
}
