//! Whether a rule that somebody else wrote changes a header as a mitigation wants it changed.

use stopgap_model::mitigation::HeaderChange;
use stopgap_model::rule::{
    BlockRule, Case, Condition, DEFAULT_BODY_LIMIT, Deny, Field, Operator, Test,
};

use super::inputs::header_variable;
use super::outbound::{OutboundAction, OutboundRule, PreCondition};
use super::rule::{Action, PatternSyntax, Rule};
use super::subsumes::{Coverage, subsumes, subsumes_conditions};

/// Patterns that match every value as a whole, and keep it as group 1 where they have one.
const ANY_VALUE: [&str; 6] = [".*", "(.*)", "^.*$", "^(.*)$", "^(.*)", "(.*)$"];
/// Patterns that match every value that is there.
const SOME_VALUE: [&str; 4] = [".+", "(.+)", "^.+$", "^(.+)$"];

/// What `rule` does of a change of a request header, wherever it is in effect. Whether it is
/// enabled, and whether it may set the header, is not looked at.
#[must_use]
pub fn subsumes_request_header(rule: &Rule, header: &str, change: &HeaderChange) -> Coverage {
    let unrelated = |why: &str| Coverage::Unrelated(why.to_owned());
    let Ok(variable) = header_variable(&header.to_ascii_lowercase()) else {
        return unrelated("IIS has no name for the header");
    };
    let mut set = rule.server_variables.iter();
    let Some(set) = set.rfind(|set| set.name.eq_ignore_ascii_case(&variable)) else {
        return unrelated("it does not set the header");
    };
    let (value, when) = match change {
        HeaderChange::Remove => ("", Condition::Test(is_there(header))),
        HeaderChange::Set(value) => (value.as_str(), Condition::All(Vec::new())),
        HeaderChange::Append(_) => return unrelated("a request header is not appended to"),
    };
    if set.value != value {
        return unrelated("it sets the header to another value");
    }
    if !set.replace {
        return Coverage::Subset("it leaves a header that is there already".to_owned());
    }
    if !matches!(rule.action, Action::None | Action::Rewrite { .. }) {
        return unrelated("it does not let the request pass");
    }
    // Which requests a rule is for is the same question for every action.
    let asked = Rule { action: Action::AbortRequest, ..rule.clone() };
    let wanted = BlockRule { when, deny: Deny::Abort, body_limit: DEFAULT_BODY_LIMIT };
    subsumes(&asked, &wanted)
}

fn is_there(header: &str) -> Test {
    Test {
        field: Field::Header(header.to_ascii_lowercase()),
        decode: Vec::new(),
        operator: Operator::Matches(".".to_owned()),
        case: Case::Ignore,
    }
}

/// What `rule`, with the precondition that it names, does of a change of a response header that is
/// wanted for the responses of `when`. Whether it is enabled is not looked at.
#[must_use]
pub fn subsumes_response_header(
    rule: &OutboundRule,
    precondition: Option<&PreCondition>,
    header: &str,
    change: &HeaderChange,
    when: &Condition,
) -> Coverage {
    let variable = format!("RESPONSE_{}", header.replace('-', "_"));
    if !rule.target.variable.eq_ignore_ascii_case(&variable) {
        return Coverage::Unrelated("it is for another header".to_owned());
    }
    if let Err(why) = makes_the_change(rule, change) {
        return Coverage::Unrelated(why.to_owned());
    }
    // A response has to satisfy both: the conditions and the precondition.
    let by_conditions = subsumes_conditions(&rule.conditions, rule.grouping, rule.syntax, when);
    let Some(precondition) = precondition else { return by_conditions };
    let PreCondition { syntax, grouping, conditions, .. } = precondition;
    let by_precondition = subsumes_conditions(conditions, *grouping, *syntax, when);
    match (by_conditions, by_precondition) {
        (Coverage::Same, other) | (other, Coverage::Same) => other,
        (full, other) if full.is_full() => other,
        (other, _) => other,
    }
}

/// Whether the rule does to the header what is wanted; else why not.
fn makes_the_change(rule: &OutboundRule, change: &HeaderChange) -> Result<(), &'static str> {
    let pattern = rule.target.pattern.as_str();
    let any = ANY_VALUE.contains(&pattern);
    // In another syntax these are other patterns.
    let is_read_so = rule.syntax == PatternSyntax::EcmaScript;
    if rule.target.negate || !is_read_so || !(any || SOME_VALUE.contains(&pattern)) {
        return Err("it is not for every value of the header");
    }
    let OutboundAction::Rewrite { value, replace: true } = &rule.action else {
        return Err("it does not replace the header");
    };
    let same = match change {
        HeaderChange::Remove => value.is_empty(),
        HeaderChange::Set(wanted) => value == wanted && any,
        HeaderChange::Append(text) => {
            let kept = value.strip_suffix(text.as_str());
            let group = pattern.contains('(');
            any && (kept == Some("{R:0}") || group && kept == Some("{R:1}"))
        }
    };
    if same { Ok(()) } else { Err("it makes another change of the header") }
}
