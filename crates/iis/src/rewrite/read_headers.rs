//! From IIS rules that change headers back to what a mitigation says.

use stopgap_model::mitigation::HeaderChange;
use stopgap_model::rule::{Case, Condition as When, Field, Operator, Test};

use super::inputs::field_of;
use super::outbound::{OutboundAction, OutboundRule, PreCondition};
use super::read::is_any_url;
use super::read_error::ReadError;
use super::rule::{Action, Condition, Grouping, MatchType, PatternSyntax, Rule, SetVariable};
use super::translate_headers::{translate_request_header, translate_response_header};
use stopgap_rules::simplify_condition;

/// The request header that `rule` changes, in lower case, and its change, wherever it is in effect.
/// Whether it is enabled is not looked at.
///
/// # Errors
/// It changes no header, or not in a way that a mitigation can say.
pub fn read_request_header(rule: &Rule) -> Result<(String, HeaderChange), ReadError> {
    let [SetVariable { name, value, replace: true }] = rule.server_variables.as_slice() else {
        return Err(ReadError::NotOneVariable);
    };
    if rule.action != Action::None || rule.stop_processing {
        return Err(ReadError::DoesMore);
    }
    if rule.syntax != PatternSyntax::EcmaScript || !is_any_url(&rule.url) {
        return Err(ReadError::LooksAtPath(rule.url.pattern.clone()));
    }
    let upper = name.to_ascii_uppercase();
    let header = upper.strip_prefix("HTTP_").ok_or(ReadError::NoRequestHeader)?;
    let header = header.to_ascii_lowercase().replace('_', "-");
    let change =
        if value.is_empty() { HeaderChange::Remove } else { HeaderChange::Set(value.clone()) };
    let asks_for_it = |condition: &Condition| {
        condition.input.eq_ignore_ascii_case(&format!("{{{name}}}"))
            && condition.match_type == MatchType::Pattern
            && !condition.negate
            && matches!(condition.pattern.as_str(), "." | ".+" | "(.+)" | ".*" | "(.*)" | "^.+$")
    };
    // A header that is not there has nothing to remove: asking for it first is the same.
    if change != HeaderChange::Remove && !rule.conditions.is_empty()
        || !rule.conditions.iter().all(asks_for_it)
    {
        return Err(ReadError::SomeRequests);
    }
    translate_request_header("x", &header, &change)?;
    Ok((header, change))
}

/// The response header that `rule` changes, its change, and for which responses; `precondition` is
/// the one that the rule names, if it names one. Whether it is enabled is not looked at.
///
/// # Errors
/// It changes no header, or not in a way that a mitigation can say.
pub fn read_response_header(
    rule: &OutboundRule,
    precondition: Option<&PreCondition>,
) -> Result<(String, HeaderChange, When), ReadError> {
    let header = match rule.target.variable.split_at_checked("RESPONSE_".len()) {
        Some((prefix, header)) if prefix.eq_ignore_ascii_case("RESPONSE_") => header,
        _ => return Err(ReadError::NoResponseHeader),
    };
    let header = header.replace('_', "-");
    if rule.syntax != PatternSyntax::EcmaScript || rule.target.negate {
        return Err(ReadError::NoExpression);
    }
    let change = change(rule)?;
    let lists = [
        precondition.map(|p| (p.grouping, p.conditions.as_slice(), p.syntax)),
        Some((rule.grouping, rule.conditions.as_slice(), rule.syntax)),
    ];
    let mut all = Vec::new();
    for (grouping, list, syntax) in lists.into_iter().flatten().filter(|(_, l, _)| !l.is_empty()) {
        if syntax != PatternSyntax::EcmaScript {
            return Err(ReadError::NoExpressions);
        }
        let members = list.iter().map(condition).collect::<Result<Vec<_>, _>>()?;
        match grouping {
            Grouping::MatchAll => all.extend(members),
            Grouping::MatchAny => all.push(When::Any(members)),
        }
    }
    let when = When::All(all);
    translate_response_header("x", "y", &header, &change, &when)?;
    // A list of which all hold, as a document has it.
    let when = match simplify_condition(&when) {
        When::All(members) => When::All(members),
        single => When::All(vec![single]),
    };
    Ok((header, change, when))
}

fn change(rule: &OutboundRule) -> Result<HeaderChange, ReadError> {
    let OutboundAction::Rewrite { value, replace: true } = &rule.action else {
        return Err(ReadError::DoesNotRewrite);
    };
    let pattern = rule.target.pattern.as_str();
    let whole = matches!(pattern, ".*" | "(.*)" | "^.*$" | "^(.*)$");
    let appended = match pattern {
        "(.*)" | "^(.*)$" => value.strip_prefix("{R:1}").or(value.strip_prefix("{R:0}")),
        ".*" | "^.*$" => value.strip_prefix("{R:0}"),
        _ => None,
    };
    match appended {
        Some(text) if !text.is_empty() => Ok(HeaderChange::Append(text.to_owned())),
        None if value.is_empty() && (whole || matches!(pattern, ".+" | "(.+)" | ".")) => {
            Ok(HeaderChange::Remove)
        }
        None if whole => Ok(HeaderChange::Set(value.clone())),
        _ => Err(ReadError::OtherChange { value: value.clone(), pattern: pattern.to_owned() }),
    }
}

fn condition(condition: &Condition) -> Result<When, ReadError> {
    if condition.match_type != MatchType::Pattern {
        return Err(ReadError::AsksTheDisk);
    }
    let case = if condition.ignore_case { Case::Ignore } else { Case::Exact };
    let operator = Operator::Matches(condition.pattern.clone());
    let test = |(field, decode)| Test { field, decode, operator: operator.clone(), case };
    let name = condition.input.strip_prefix('{').and_then(|input| input.strip_suffix('}'));
    let name = name.map(str::to_ascii_uppercase).unwrap_or_default();
    let test = match name.strip_prefix("RESPONSE_") {
        // What is bound to its head and sees no parameters is a test of the media type; IIS sees
        // these, so another is a test of the header.
        Some("CONTENT_TYPE")
            if condition.pattern.starts_with('^') && !condition.pattern.ends_with('$') =>
        {
            test((Field::ResponseContentType, Vec::new()))
        }
        Some("STATUS") => return Err(ReadError::AsksForStatus),
        Some(header) => {
            let header = header.to_ascii_lowercase().replace('_', "-");
            test((Field::ResponseHeader(header), Vec::new()))
        }
        None => test(field_of(&condition.input)?),
    };
    let test = When::Test(test);
    Ok(if condition.negate { When::Not(Box::new(test)) } else { test })
}
