//! From an IIS rule back to the AST.

use stopgap_model::rule::{
    BlockRule, Case, Condition as When, DEFAULT_BODY_LIMIT, Deny, Operator, Test,
};

use super::inputs::field_of;
use super::rule::{Action, Condition, Grouping, MatchType, PatternSyntax, Rule, UrlMatch};
use crate::evaluate::CompiledRule;
use crate::simplify::simplify;

/// What `rule` blocks, in canonical form, wherever it is in effect. Whether it is enabled is not
/// looked at.
///
/// # Errors
/// The rule does not block, or not in a way that the AST can say: why, as a sentence.
pub fn read(rule: &Rule) -> Result<BlockRule, String> {
    let deny = match rule.action {
        Action::AbortRequest => Deny::Abort,
        Action::CustomResponse { status: status @ 400..=599, .. } => Deny::Status(status),
        _ => return Err("it does not block".into()),
    };
    if !rule.server_variables.is_empty() {
        return Err("it sets server variables".into());
    }
    if rule.syntax != PatternSyntax::EcmaScript {
        return Err("its patterns are no regular expressions".into());
    }
    if !is_any_url(&rule.url) {
        return Err(format!("it looks at the path by `{}`", rule.url.pattern));
    }
    let members = rule.conditions.iter().map(condition).collect::<Result<Vec<_>, _>>()?;
    if members.is_empty() {
        return Err("it blocks every request".into());
    }
    let when = match rule.grouping {
        Grouping::MatchAll => When::All(members),
        Grouping::MatchAny => When::Any(members),
    };
    let block = BlockRule { when, deny, body_limit: DEFAULT_BODY_LIMIT };
    CompiledRule::new(&block).map_err(|error| error.to_string())?;
    Ok(simplify(&block))
}

/// Whether a rule looks at any URL.
pub(super) fn is_any_url(url: &UrlMatch) -> bool {
    let any = matches!(url.pattern.as_str(), ".*" | "(.*)" | "^.*$" | "^(.*)$" | "");
    any && !url.negate
}

fn condition(condition: &Condition) -> Result<When, String> {
    if condition.match_type != MatchType::Pattern {
        return Err("it asks whether a file or folder is there".into());
    }
    let (field, decode) = field_of(&condition.input)?;
    let case = if condition.ignore_case { Case::Ignore } else { Case::Exact };
    let operator = Operator::Matches(condition.pattern.clone());
    let test = When::Test(Test { field, decode, operator, case });
    Ok(if condition.negate { When::Not(Box::new(test)) } else { test })
}
