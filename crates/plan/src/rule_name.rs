//! The names of our rules.

use stopgap_model::ActionId;

/// How the names of our rules begin, so that an administrator knows them in IIS Manager.
pub const RULE_PREFIX: &str = "Stopgap ";

/// The name of the rule that carries out an action.
#[must_use]
pub fn rule_name(action: &ActionId) -> String {
    format!("{RULE_PREFIX}{action}")
}

/// Whether a rule of this name is one of ours.
pub(crate) fn is_ours(name: &str) -> bool {
    name.starts_with(RULE_PREFIX)
}

/// The action that a rule of this name carries out, if it is one of ours.
pub(crate) fn action_of(name: &str) -> Option<&str> {
    let (start, rest) = name.split_at_checked(RULE_PREFIX.len())?;
    start.eq_ignore_ascii_case(RULE_PREFIX).then(|| rest.split(' ').next().unwrap_or_default())
}
