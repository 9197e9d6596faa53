//! From an IIS rule back to the AST.

use stopgap_model::rule::{
    BlockRule, Case, Condition as When, DEFAULT_BODY_LIMIT, Deny, Operator, Test,
};

use super::inputs::field_of;
use super::read_error::ReadError;
use super::rule::{Action, Condition, Grouping, MatchType, PatternSyntax, Rule, UrlMatch};
use stopgap_rules::CompiledRule;
use stopgap_rules::simplify;

/// What `rule` blocks, in canonical form, wherever it is in effect. Whether it is enabled is not
/// looked at.
///
/// # Errors
/// The rule does not block, or not in a way that the AST can say.
pub fn read(rule: &Rule) -> Result<BlockRule, ReadError> {
    let deny = match rule.action {
        Action::AbortRequest => Deny::Abort,
        Action::CustomResponse { status: status @ 400..=599, .. } => Deny::Status(status),
        _ => return Err(ReadError::DoesNotBlock),
    };
    if !rule.server_variables.is_empty() {
        return Err(ReadError::SetsVariables);
    }
    // A test of the path would see it as IIS decodes it, which no field is.
    let any_url = match rule.syntax {
        PatternSyntax::EcmaScript => is_any_url(&rule.url),
        PatternSyntax::Wildcard => rule.url.pattern == "*" && !rule.url.negate,
        PatternSyntax::ExactMatch => false,
    };
    if !any_url {
        return Err(ReadError::LooksAtPath(rule.url.pattern.clone()));
    }
    let members =
        rule.conditions.iter().map(|c| condition(c, rule.syntax)).collect::<Result<Vec<_>, _>>()?;
    if members.is_empty() {
        return Err(ReadError::BlocksEverything);
    }
    let when = match rule.grouping {
        Grouping::MatchAll => When::All(members),
        Grouping::MatchAny => When::Any(members),
    };
    let block = BlockRule { when, deny, body_limit: DEFAULT_BODY_LIMIT };
    CompiledRule::new(&block)?;
    Ok(simplify(&block))
}

/// Whether a rule looks at any URL.
pub(super) fn is_any_url(url: &UrlMatch) -> bool {
    let any = matches!(url.pattern.as_str(), ".*" | "(.*)" | "^.*$" | "^(.*)$" | "");
    any && !url.negate
}

fn condition(condition: &Condition, syntax: PatternSyntax) -> Result<When, ReadError> {
    if condition.match_type != MatchType::Pattern {
        return Err(ReadError::AsksTheDisk);
    }
    let (field, decode) = field_of(&condition.input)?;
    let case = if condition.ignore_case { Case::Ignore } else { Case::Exact };
    let operator = operator(&condition.pattern, syntax)?;
    let test = When::Test(Test { field, decode, operator, case });
    Ok(if condition.negate { When::Not(Box::new(test)) } else { test })
}

/// What a pattern asks of a value. A wildcard pattern is for the whole of it, and its `*` is any
/// text, line ends and all.
fn operator(pattern: &str, syntax: PatternSyntax) -> Result<Operator, ReadError> {
    match syntax {
        PatternSyntax::EcmaScript => return Ok(Operator::Matches(pattern.to_owned())),
        PatternSyntax::ExactMatch => return Ok(Operator::Equals(pattern.to_owned())),
        PatternSyntax::Wildcard => {}
    }
    // Only stars at its ends are said by the kind of the test.
    let text = pattern.trim_matches('*').to_owned();
    if text.contains(['*', '?']) {
        return Err(ReadError::NoTest(pattern.to_owned()));
    }
    Ok(match (pattern.starts_with('*'), pattern.ends_with('*')) {
        _ if text.is_empty() => return Err(ReadError::AsksNothing(pattern.to_owned())),
        (true, true) => Operator::Contains(text),
        (true, false) => Operator::EndsWith(text),
        (false, true) => Operator::StartsWith(text),
        (false, false) => Operator::Equals(text),
    })
}
