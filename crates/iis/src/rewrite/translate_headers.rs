//! From a change of a header to an IIS rule that makes the same change, or the reason why not.

use stopgap_model::mitigation::HeaderChange;
use stopgap_model::reason::RuleReason;
use stopgap_model::rule::{Case, Condition, Field, Operator, Test};

use super::inputs::{header_variable, response_input_of, response_variable};
use super::outbound::{OutboundAction, OutboundMatch, OutboundRule, PreCondition};
use super::rule::{
    Action, Condition as IisCondition, Grouping, MatchType, PatternSyntax, Rule, SetVariable,
    UrlMatch,
};
use super::translate::{
    bad_pattern, conditions, escape, pattern_of, same_when_missing, test_condition, with_input,
};
use stopgap_pattern::ast::Node;
use stopgap_pattern::parse;
use stopgap_rules::CompiledCondition;
use stopgap_rules::simplify_condition;
use stopgap_rules::trimmed;

/// Request headers by which the server itself finds the site and the body.
const REQUEST_FRAMING: [&str; 4] = ["connection", "content-length", "host", "transfer-encoding"];
/// Response headers that the server writes itself, behind its rules.
const RESPONSE_FRAMING: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];

/// The IIS rule of the name `name` that changes the request header `header` of every request.
///
/// # Errors
/// IIS cannot say it exactly.
pub fn translate_request_header(
    name: &str,
    header: &str,
    change: &HeaderChange,
) -> Result<Rule, RuleReason> {
    let variable = header_variable(&header.to_ascii_lowercase())?;
    is_no_framing(header, &REQUEST_FRAMING)?;
    let (value, conditions) = match change {
        // Nothing is set where there is nothing.
        HeaderChange::Remove => (String::new(), vec![is_there(&variable)]),
        HeaderChange::Set(text) => (literal(text)?, Vec::new()),
        HeaderChange::Append(_) => return Err(RuleReason::AppendsToRequest),
    };
    Ok(Rule {
        name: name.to_owned(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        // The application's own rules run behind it.
        stop_processing: false,
        url: UrlMatch { pattern: ".*".into(), ignore_case: true, negate: false },
        grouping: Grouping::MatchAll,
        track_all_captures: false,
        conditions,
        server_variables: vec![SetVariable { name: variable, value, replace: true }],
        action: Action::None,
    })
}

fn is_there(variable: &str) -> IisCondition {
    IisCondition {
        input: format!("{{{variable}}}"),
        match_type: MatchType::Pattern,
        pattern: ".".into(),
        ignore_case: true,
        negate: false,
    }
}

/// The IIS rule of the name `name` that changes the response header `header` where `when` holds,
/// and its precondition of the name `precondition_name`; there is none if `when` is empty.
///
/// # Errors
/// IIS cannot say it exactly.
pub fn translate_response_header(
    name: &str,
    precondition_name: &str,
    header: &str,
    change: &HeaderChange,
    when: &Condition,
) -> Result<(OutboundRule, Option<PreCondition>), RuleReason> {
    let variable = response_variable(header)?;
    is_no_framing(header, &RESPONSE_FRAMING)?;
    if *change == HeaderChange::Remove && header.eq_ignore_ascii_case("server") {
        return Err(RuleReason::WrittenByKernel { header: header.to_owned() });
    }
    let (pattern, value) = match change {
        HeaderChange::Remove => (".+", String::new()),
        HeaderChange::Set(text) => (".*", literal(text)?),
        HeaderChange::Append(text) => ("(.*)", format!("{{R:1}}{}", literal(text)?)),
    };
    let precondition = precondition(precondition_name, when)?;
    let rule = OutboundRule {
        name: name.to_owned(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: false,
        precondition: precondition.as_ref().map(|p| p.name.clone()).unwrap_or_default(),
        target: OutboundMatch {
            variable,
            pattern: pattern.into(),
            ignore_case: true,
            negate: false,
        },
        grouping: Grouping::MatchAll,
        track_all_captures: false,
        conditions: Vec::new(),
        action: OutboundAction::Rewrite { value, replace: true },
    };
    Ok((rule, precondition))
}

fn is_no_framing(header: &str, framing: &[&str]) -> Result<(), RuleReason> {
    if framing.iter().any(|name| header.eq_ignore_ascii_case(name)) {
        return Err(RuleReason::FramingHeader { header: header.to_owned() });
    }
    Ok(())
}

/// A text that IIS reads as itself where a template stands.
fn literal(text: &str) -> Result<String, RuleReason> {
    let value = || text.to_owned();
    if text.contains(['{', '}']) {
        return Err(RuleReason::BracesAreTemplate { value: value() });
    }
    if !text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        return Err(RuleReason::BeyondAscii { value: value() });
    }
    if trimmed(text.as_bytes()).is_empty() {
        return Err(RuleReason::EmptyValue);
    }
    Ok(text.to_owned())
}

fn precondition(name: &str, when: &Condition) -> Result<Option<PreCondition>, RuleReason> {
    let when = simplify_condition(when);
    if when == Condition::All(Vec::new()) {
        return Ok(None);
    }
    CompiledCondition::new(&when).map_err(|error| bad_pattern(&error))?;
    let (grouping, conditions) = conditions(&when, &response_condition)?;
    let (name, syntax) = (name.to_owned(), PatternSyntax::EcmaScript);
    Ok(Some(PreCondition { name, syntax, grouping, conditions }))
}

/// The condition for a test of the response or of the request's head.
fn response_condition(test: &Test, negate: bool) -> Result<IisCondition, RuleReason> {
    match &test.field {
        Field::ResponseContentType => media_type(test, negate),
        Field::ResponseHeader(name) => with_input(test, response_input_of(test, name)?, negate),
        _ => test_condition(test, negate),
    }
}

/// The condition for a test of the media type. IIS sees the parameters behind it as well, so only
/// a test that cannot tell the difference is exact.
fn media_type(test: &Test, negate: bool) -> Result<IisCondition, RuleReason> {
    let field = || test.field.to_string();
    if !test.decode.is_empty() {
        return Err(RuleReason::MediaTypeNotEncoded { field: field() });
    }
    same_when_missing(test)?;
    let plain = pattern_of(&test.operator)?;
    let text = test.operator.text();
    let blurs = text.contains(';') || trimmed(text.as_bytes()) != text.as_bytes();
    let quoted = escape(text);
    // Each pattern ends where the media type ends: at a semicolon or at the end.
    let pattern = match &test.operator {
        Operator::Matches(source) if !sees_parameters(source) => plain,
        Operator::Matches(_) => {
            return Err(RuleReason::SeesParameters { field: field() });
        }
        _ if blurs => {
            return Err(RuleReason::NoMediaType { field: field() });
        }
        Operator::StartsWith(_) => plain,
        Operator::Equals(_) => format!(r"^{quoted}[ \t]*(?:;|$)"),
        Operator::EndsWith(_) => format!(r"^[^;]*{quoted}[ \t]*(?:;|$)"),
        Operator::Contains(_) => format!("^[^;]*{quoted}"),
    };
    Ok(IisCondition {
        input: "{RESPONSE_CONTENT_TYPE}".into(),
        match_type: MatchType::Pattern,
        pattern,
        ignore_case: test.case == Case::Ignore,
        negate,
    })
}

/// Whether a match could reach behind the media type or depends on where it ends.
fn sees_parameters(source: &str) -> bool {
    let Ok((node, _)) = parse(source, true) else { return true };
    let parts = match &node {
        Node::Concat(parts) => parts.as_slice(),
        single => std::slice::from_ref(single),
    };
    let Some((Node::Start, rest)) = parts.split_first() else { return true };
    let sees = |node: &Node| match node {
        Node::Set(set) => [b';', b' ', b'\t'].iter().any(|&byte| set.contains(byte)),
        Node::Concat(_) | Node::Alternate(_) | Node::Repeat { .. } | Node::Group { .. } => false,
        _ => true,
    };
    rest.iter().any(|part| part.any(&sees))
}
