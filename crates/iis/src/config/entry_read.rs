//! The elements of the rewrite sections → what they say, defaults filled in.

use crate::rewrite::{
    Action, Condition, Grouping, MatchType, OutboundAction, OutboundMatch, OutboundRule,
    PatternSyntax, PreCondition, RedirectType, RewriteMap, Rule, SetVariable, UrlMatch,
};
use roxmltree::Node;
use stopgap_model::reason::IisReason;

use super::xml::Written as _;

/// The rule that an element says, or why it cannot be told what it does.
pub(crate) fn read_rule(node: Node<'_, '_>) -> Result<Rule, IisReason> {
    only_known(node, &["match", "conditions", "serverVariables", "action"])?;
    // Without one the pattern is empty, and every URL matches it.
    let url = only(node, "match")?;
    let of_url = |name, default| url.map_or(Ok(default), |url| flag(url, name, default));
    let conditions = Conditions::of(only(node, "conditions")?)?;
    let action = only(node, "action")?;
    Ok(Rule {
        name: text(node, "name"),
        enabled: flag(node, "enabled", true)?,
        syntax: choice(node, "patternSyntax", PatternSyntax::EcmaScript, &SYNTAXES)?,
        stop_processing: flag(node, "stopProcessing", false)?,
        url: UrlMatch {
            pattern: url.map(|url| text(url, "url")).unwrap_or_default(),
            ignore_case: of_url("ignoreCase", true)?,
            negate: of_url("negate", false)?,
        },
        grouping: conditions.grouping,
        track_all_captures: conditions.track_all_captures,
        conditions: conditions.list,
        // Sections that are not there have their defaults.
        server_variables: match only(node, "serverVariables")? {
            Some(node) => read_variables(node)?,
            None => Vec::new(),
        },
        action: match action {
            Some(node) => read_action(node)?,
            None => Action::None,
        },
    })
}

/// The outbound rule that an element says, or why it cannot be told what it does.
pub(crate) fn read_outbound(node: Node<'_, '_>) -> Result<OutboundRule, IisReason> {
    only_known(node, &["match", "conditions", "action"])?;
    let target = only(node, "match")?.ok_or(IisReason::RuleWithoutMatch)?;
    let conditions = Conditions::of(only(node, "conditions")?)?;
    let action = only(node, "action")?;
    Ok(OutboundRule {
        name: text(node, "name"),
        enabled: flag(node, "enabled", true)?,
        syntax: choice(node, "patternSyntax", PatternSyntax::EcmaScript, &SYNTAXES)?,
        stop_processing: flag(node, "stopProcessing", false)?,
        precondition: text(node, "preCondition"),
        target: OutboundMatch {
            variable: text(target, "serverVariable"),
            pattern: text(target, "pattern"),
            ignore_case: flag(target, "ignoreCase", true)?,
            negate: flag(target, "negate", false)?,
        },
        grouping: conditions.grouping,
        track_all_captures: conditions.track_all_captures,
        conditions: conditions.list,
        action: match action.and_then(|node| node.own_attribute("type")).unwrap_or("None") {
            // The numbers are written by some tools.
            word if word.eq_ignore_ascii_case("none") || word == "0" => OutboundAction::None,
            word if word.eq_ignore_ascii_case("rewrite") || word == "1" => {
                let value = action.map(|node| text(node, "value")).unwrap_or_default();
                let replace = action.map_or(Ok(true), |node| flag(node, "replace", true))?;
                OutboundAction::Rewrite { value, replace }
            }
            other => {
                return Err(IisReason::RuleAction { action: other.to_owned() });
            }
        },
    })
}

/// The precondition that an element says, or why it is not understood.
pub(crate) fn read_precondition(node: Node<'_, '_>) -> Result<PreCondition, IisReason> {
    Ok(PreCondition {
        name: text(node, "name"),
        syntax: choice(node, "patternSyntax", PatternSyntax::EcmaScript, &SYNTAXES)?,
        grouping: choice(node, "logicalGrouping", Grouping::MatchAll, &GROUPINGS)?,
        conditions: read_conditions(node)?,
    })
}

/// The rewrite map that an element says.
pub(crate) fn read_map(node: Node<'_, '_>) -> RewriteMap {
    let entries =
        node.children().filter(|child| child.is_element() && child.written_name() == "add");
    RewriteMap {
        name: text(node, "name"),
        default: text(node, "defaultValue"),
        ignore_case: node.own_attribute("ignoreCase") != Some("false"),
        entries: entries.map(|node| (text(node, "key"), text(node, "value"))).collect(),
    }
}

/// What a `conditions` element says; without one there is no condition.
struct Conditions {
    grouping: Grouping,
    track_all_captures: bool,
    list: Vec<Condition>,
}

impl Conditions {
    fn of(node: Option<Node<'_, '_>>) -> Result<Self, IisReason> {
        let Some(node) = node else {
            let (grouping, list) = (Grouping::MatchAll, Vec::new());
            return Ok(Self { grouping, track_all_captures: false, list });
        };
        Ok(Self {
            grouping: choice(node, "logicalGrouping", Grouping::MatchAll, &GROUPINGS)?,
            track_all_captures: flag(node, "trackAllCaptures", false)?,
            list: read_conditions(node)?,
        })
    }
}

fn only_known(node: Node<'_, '_>, known: &[&str]) -> Result<(), IisReason> {
    for child in node.children().filter(Node::is_element) {
        let name = child.written_name();
        if !known.contains(&name) {
            return Err(IisReason::RuleElement { element: name.to_owned() });
        }
    }
    Ok(())
}

/// Words of `patternSyntax`; the numbers and the words with spaces are written by some tools.
const SYNTAXES: [(&str, PatternSyntax); 7] = [
    ("ECMAScript", PatternSyntax::EcmaScript),
    ("Regular Expressions", PatternSyntax::EcmaScript),
    ("Wildcard", PatternSyntax::Wildcard),
    ("ExactMatch", PatternSyntax::ExactMatch),
    ("0", PatternSyntax::EcmaScript),
    ("1", PatternSyntax::Wildcard),
    ("2", PatternSyntax::ExactMatch),
];

const GROUPINGS: [(&str, Grouping); 4] = [
    ("MatchAll", Grouping::MatchAll),
    ("MatchAny", Grouping::MatchAny),
    ("0", Grouping::MatchAll),
    ("1", Grouping::MatchAny),
];

const MATCH_TYPES: [(&str, MatchType); 6] = [
    ("Pattern", MatchType::Pattern),
    ("IsFile", MatchType::IsFile),
    ("IsDirectory", MatchType::IsDirectory),
    ("0", MatchType::Pattern),
    ("1", MatchType::IsFile),
    ("2", MatchType::IsDirectory),
];

const REDIRECTS: [(&str, RedirectType); 8] = [
    ("Permanent", RedirectType::Permanent),
    ("Found", RedirectType::Found),
    ("SeeOther", RedirectType::SeeOther),
    ("Temporary", RedirectType::Temporary),
    ("301", RedirectType::Permanent),
    ("302", RedirectType::Found),
    ("303", RedirectType::SeeOther),
    ("307", RedirectType::Temporary),
];

fn read_conditions(node: Node<'_, '_>) -> Result<Vec<Condition>, IisReason> {
    let mut conditions = Vec::new();
    for child in node.children().filter(Node::is_element) {
        match child.written_name() {
            "add" => conditions.push(Condition {
                input: text(child, "input"),
                match_type: choice(child, "matchType", MatchType::Pattern, &MATCH_TYPES)?,
                pattern: text(child, "pattern"),
                ignore_case: flag(child, "ignoreCase", true)?,
                negate: flag(child, "negate", false)?,
            }),
            // What stands before it is dropped, and so nothing is left to be inherited.
            "clear" => conditions.clear(),
            other => return Err(IisReason::RuleCondition { element: other.to_owned() }),
        }
    }
    Ok(conditions)
}

fn read_variables(node: Node<'_, '_>) -> Result<Vec<SetVariable>, IisReason> {
    let mut variables = Vec::new();
    for child in node.children().filter(Node::is_element) {
        match child.written_name() {
            "set" => variables.push(SetVariable {
                name: text(child, "name"),
                value: text(child, "value"),
                replace: flag(child, "replace", true)?,
            }),
            "clear" => variables.clear(),
            other => {
                return Err(IisReason::RuleVariable { element: other.to_owned() });
            }
        }
    }
    Ok(variables)
}

fn read_action(node: Node<'_, '_>) -> Result<Action, IisReason> {
    let url = || text(node, "url");
    match node.own_attribute("type").unwrap_or("None").to_ascii_lowercase().as_str() {
        "none" | "0" => Ok(Action::None),
        "rewrite" | "1" => {
            Ok(Action::Rewrite { url: url(), append_query: flag(node, "appendQueryString", true)? })
        }
        "redirect" | "2" => Ok(Action::Redirect {
            url: url(),
            append_query: flag(node, "appendQueryString", true)?,
            kind: choice(node, "redirectType", RedirectType::Permanent, &REDIRECTS)?,
        }),
        "customresponse" | "3" => Ok(Action::CustomResponse {
            status: number(node, "statusCode")?.ok_or(IisReason::RuleWithoutStatus)?,
            substatus: number(node, "subStatusCode")?.unwrap_or(0),
            reason: text(node, "statusReason"),
            description: text(node, "statusDescription"),
        }),
        "abortrequest" | "4" => Ok(Action::AbortRequest),
        other => Err(IisReason::RuleAction { action: other.to_owned() }),
    }
}

/// The one child element of this name.
fn only<'d, 'a>(node: Node<'d, 'a>, name: &str) -> Result<Option<Node<'d, 'a>>, IisReason> {
    let mut found = node.children().filter(|n| n.is_element() && n.written_name() == name);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(IisReason::RuleElementTwice { element: name.to_owned() }),
        (first, None) => Ok(first),
    }
}

fn text(node: Node<'_, '_>, name: &str) -> String {
    node.own_attribute(name).unwrap_or_default().to_owned()
}

fn flag(node: Node<'_, '_>, name: &str, default: bool) -> Result<bool, IisReason> {
    choice(node, name, default, &[("true", true), ("false", false), ("1", true), ("0", false)])
}

fn number(node: Node<'_, '_>, name: &str) -> Result<Option<u16>, IisReason> {
    let Some(value) = node.own_attribute(name) else { return Ok(None) };
    value.parse().map(Some).map_err(|_| not_understood(name, value))
}

/// The value that an attribute's word stands for; IIS ignores the case of such words.
fn choice<T: Copy>(
    node: Node<'_, '_>,
    name: &str,
    default: T,
    words: &[(&str, T)],
) -> Result<T, IisReason> {
    let Some(value) = node.own_attribute(name) else { return Ok(default) };
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(value));
    found.map(|(_, meaning)| *meaning).ok_or_else(|| not_understood(name, value))
}

fn not_understood(name: &str, value: &str) -> IisReason {
    IisReason::RuleValue { attribute: name.to_owned(), value: value.to_owned() }
}
