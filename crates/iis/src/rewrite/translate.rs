//! From the AST to an IIS rule with the same verdict on every request, or the reason why not.

use stopgap_model::reason::RuleReason;
use stopgap_model::rule::{BlockRule, Case, Condition, Deny, Field, Operator, Test};

use super::inputs::input_of;
use super::rule::{
    Action, Condition as IisCondition, Grouping, MatchType, PatternSyntax, Rule, UrlMatch,
};
use stopgap_pattern::ast::Node;
use stopgap_pattern::{Pattern, PatternError, braces_without_count, parse};
use stopgap_rules::CompiledRule;
use stopgap_rules::simplify;

/// The texts of an answer that a rule gives.
pub(super) const STATUS_REASON: &str = "Blocked";
pub(super) const STATUS_DESCRIPTION: &str = "Blocked by Stopgap";

/// The IIS rule of the name `name` for `rule`.
///
/// # Errors
/// IIS cannot say it exactly.
pub fn translate(name: &str, rule: &BlockRule) -> Result<Rule, RuleReason> {
    let rule = simplify(rule);
    CompiledRule::new(&rule).map_err(|error| bad_pattern(&error))?;
    let (grouping, conditions) = conditions(&rule.when, &test_condition)?;
    Ok(Rule {
        name: name.to_owned(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: true,
        url: UrlMatch { pattern: ".*".into(), ignore_case: true, negate: false },
        grouping,
        track_all_captures: false,
        conditions,
        server_variables: Vec::new(),
        action: match rule.deny {
            Deny::Abort => Action::AbortRequest,
            Deny::Status(status) => Action::CustomResponse {
                status,
                substatus: 0,
                reason: STATUS_REASON.into(),
                description: STATUS_DESCRIPTION.into(),
            },
        },
    })
}

/// What a test says as a condition of IIS, negated or not.
type Translate = dyn Fn(&Test, bool) -> Result<IisCondition, RuleReason>;

/// The one list of conditions that `when`, in its canonical form, is.
pub(super) fn conditions(
    when: &Condition,
    test: &Translate,
) -> Result<(Grouping, Vec<IisCondition>), RuleReason> {
    // A single test is a list of one.
    let (grouping, members) = match when {
        Condition::All(members) => (Grouping::MatchAll, members.as_slice()),
        Condition::Any(members) => (Grouping::MatchAny, members.as_slice()),
        single => (Grouping::MatchAll, std::slice::from_ref(single)),
    };
    if members.is_empty() {
        return Err(RuleReason::NoCondition);
    }
    let conditions = members.iter().map(|member| condition(member, test));
    Ok((grouping, conditions.collect::<Result<_, _>>()?))
}

fn condition(member: &Condition, test: &Translate) -> Result<IisCondition, RuleReason> {
    match member {
        Condition::Test(inner) => test(inner, false),
        Condition::Not(inner) => match &**inner {
            Condition::Test(inner) => test(inner, true),
            _ => Err(RuleReason::NestedConditions),
        },
        Condition::All(_) | Condition::Any(_) => Err(RuleReason::NestedConditions),
    }
}

/// That a pattern of a rule cannot be used.
pub(super) fn bad_pattern(error: &PatternError) -> RuleReason {
    RuleReason::BadPattern { why: error.to_string() }
}

/// The condition for a test of the request.
pub(super) fn test_condition(test: &Test, negate: bool) -> Result<IisCondition, RuleReason> {
    with_input(test, input_of(test)?, negate)
}

/// The condition for a test whose value is `input`.
pub(super) fn with_input(
    test: &Test,
    input: String,
    negate: bool,
) -> Result<IisCondition, RuleReason> {
    let pattern = pattern_of(&test.operator)?;
    same_when_repeated(test)?;
    same_when_missing(test)?;
    Ok(IisCondition {
        input,
        match_type: MatchType::Pattern,
        pattern,
        ignore_case: test.case == Case::Ignore,
        negate,
    })
}

pub(super) fn pattern_of(operator: &Operator) -> Result<String, RuleReason> {
    let text = operator.text();
    if text.chars().any(|c| !c.is_ascii() || c.is_ascii_control()) {
        return Err(RuleReason::BeyondAscii { value: text.to_owned() });
    }
    if text.is_empty() {
        return Err(RuleReason::EmptyText);
    }
    // The text of a pattern can be ASCII and still name what is not.
    if matches!(operator, Operator::Matches(_)) && names_beyond_ascii(text) {
        return Err(RuleReason::BeyondAscii { value: text.to_owned() });
    }
    let escaped = escape(text);
    Ok(match operator {
        Operator::Contains(_) => escaped,
        Operator::StartsWith(_) => format!("^{escaped}"),
        Operator::EndsWith(_) => format!("{escaped}$"),
        Operator::Equals(_) => format!("^{escaped}$"),
        Operator::Matches(source) => with_braces_escaped(source),
    })
}

/// A pattern in which no `{` stands for itself unless it is escaped, as IIS wants it.
fn with_braces_escaped(source: &str) -> String {
    let bare = braces_without_count(source);
    let escaped = source.chars().enumerate().flat_map(|(at, c)| {
        let backslash = bare.binary_search(&at).is_ok().then_some('\\');
        backslash.into_iter().chain([c])
    });
    escaped.collect()
}

/// Whether a pattern asks for a byte beyond ASCII, as by `\xE9` or `\u00E9`. A class that has
/// such bytes among others, as `[^/]` does, does not.
fn names_beyond_ascii(source: &str) -> bool {
    let beyond = |node: &Node| matches!(node, Node::Set(set) if set.iter().min() >= Some(0x80));
    parse(source, true).is_ok_and(|(node, _)| node.any(&beyond))
}

/// `text` with everything escaped that ECMAScript reads as more than itself.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if r"\^$.|?*+()[]{}/".contains(c) && c != '/' {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// IIS joins the values of a repeated header by a comma, perhaps with a blank behind it; the AST
/// tests each. Only a test that cannot tell the difference is exact. Cookie is one value in both, and Host is there once.
fn same_when_repeated(test: &Test) -> Result<(), RuleReason> {
    let (Field::Header(name) | Field::ResponseHeader(name)) = &test.field else { return Ok(()) };
    let is_request = matches!(test.field, Field::Header(_));
    if is_request && (name == "cookie" || name == "host") {
        return Ok(());
    }
    // No comma in it, and no blank at its head: then the joint is not seen.
    let exact = match &test.operator {
        Operator::Contains(text) => !text.contains(',') && !text.starts_with(' '),
        Operator::Matches(source) => parse(source, true)
            .is_ok_and(|(node, _)| !sees_joint(&node) && !node.first().0.contains(b' ')),
        _ => false,
    };
    if exact {
        return Ok(());
    }
    let (field, operator) = (test.field.to_string(), test.operator.name().to_owned());
    Err(RuleReason::JoinedByIis { field, operator })
}

/// Whether a match could reach over the comma between two values, or depends on their ends.
fn sees_joint(node: &Node) -> bool {
    node.any(&|node| match node {
        Node::Set(set) => set.contains(b','),
        Node::Concat(_) | Node::Alternate(_) | Node::Repeat { .. } | Node::Group { .. } => false,
        _ => true,
    })
}

/// What is not there has no value in the AST and is an empty string in IIS: a test that an empty
/// string passes would differ.
pub(super) fn same_when_missing(test: &Test) -> Result<(), RuleReason> {
    let always_there = matches!(test.field, Field::Method | Field::Uri | Field::Path);
    if always_there {
        return Ok(());
    }
    let passes_empty = match &test.operator {
        Operator::Matches(source) => Pattern::new(source, test.case).is_ok_and(|p| p.is_match(b"")),
        operator => operator.text().is_empty(),
    };
    if passes_empty {
        return Err(RuleReason::MissingIsEmptyOnIis { field: test.field.to_string() });
    }
    Ok(())
}
