//! An entry → its element, as text.

use std::fmt::Write as _;

use crate::rewrite::{
    Action, Condition, Grouping, MatchType, OutboundAction, OutboundMatch, OutboundRule,
    PatternSyntax, PreCondition, RedirectType, Rule, SetVariable,
};

use super::edit_error::EditError;
use super::entry::Entry;

/// The element as text: `newline` separates its lines, each but the first begins with `indent`,
/// and deeper ones with `unit` more. Defaults are left out.
pub(crate) fn write_entry(
    entry: &Entry,
    newline: &str,
    indent: &str,
    unit: &str,
) -> Result<String, EditError> {
    let lines = match entry {
        Entry::Rule(rule) => rule_lines(rule)?,
        Entry::Outbound(rule) => outbound_lines(rule)?,
        Entry::PreCondition(precondition) => precondition_lines(precondition)?,
        Entry::AllowedVariable(name) => vec![(0, Tag::new("add").with("name", name)?.closed())],
        // A pool is changed where it stands, never written.
        Entry::DisabledPool(name) => return Err(EditError::NoSuchPool(name.clone())),
    };
    let mut out = String::new();
    // The first line continues the one that it is put into.
    for (at, (level, line)) in lines.iter().enumerate() {
        if at > 0 {
            out.push_str(newline);
            out.push_str(indent);
        }
        (0..*level).for_each(|_| out.push_str(unit));
        out.push_str(line);
    }
    Ok(out)
}

/// The lines of an element, each with its depth.
type Lines = Vec<(usize, String)>;

fn rule_lines(rule: &Rule) -> Result<Lines, EditError> {
    let mut lines = vec![(0, rule_tag(rule)?), (1, match_tag(rule)?)];
    lines.extend(condition_lines(&rule.conditions, rule.grouping, rule.track_all_captures)?);
    if !rule.server_variables.is_empty() {
        lines.push((1, "<serverVariables>".to_owned()));
        for variable in &rule.server_variables {
            lines.push((2, variable_tag(variable)?));
        }
        lines.push((1, "</serverVariables>".to_owned()));
    }
    lines.push((1, action_tag(&rule.action)?));
    lines.push((0, "</rule>".to_owned()));
    Ok(lines)
}

fn outbound_lines(rule: &OutboundRule) -> Result<Lines, EditError> {
    let mut lines = vec![(0, outbound_tag(rule)?), (1, outbound_match_tag(rule)?)];
    lines.extend(condition_lines(&rule.conditions, rule.grouping, rule.track_all_captures)?);
    let action = Tag::new("action");
    let action = match &rule.action {
        OutboundAction::None => action.with("type", "None")?,
        OutboundAction::Rewrite { value, replace } => action
            .with("type", "Rewrite")?
            .with("value", value)?
            .unless_default(*replace, "replace=\"false\""),
    };
    lines.push((1, action.closed()));
    lines.push((0, "</rule>".to_owned()));
    Ok(lines)
}

fn precondition_lines(precondition: &PreCondition) -> Result<Lines, EditError> {
    let any = precondition.grouping == Grouping::MatchAny;
    let tag = Tag::new("preCondition")
        .with("name", &precondition.name)?
        .unless_default(!any, "logicalGrouping=\"MatchAny\"")
        .syntax(precondition.syntax);
    let mut lines = vec![(0, tag.open())];
    for condition in &precondition.conditions {
        lines.push((1, condition_tag(condition)?));
    }
    lines.push((0, "</preCondition>".to_owned()));
    Ok(lines)
}

fn condition_lines(
    conditions: &[Condition],
    grouping: Grouping,
    track_all: bool,
) -> Result<Lines, EditError> {
    if conditions.is_empty() && !track_all && grouping == Grouping::MatchAll {
        return Ok(Vec::new());
    }
    let tag = Tag::new("conditions")
        .unless_default(grouping == Grouping::MatchAll, "logicalGrouping=\"MatchAny\"")
        .unless_default(!track_all, "trackAllCaptures=\"true\"");
    let mut lines = vec![(1, tag.open())];
    for condition in conditions {
        lines.push((2, condition_tag(condition)?));
    }
    lines.push((1, "</conditions>".to_owned()));
    Ok(lines)
}

/// A value as it stands between double quotes. What is not ASCII is written as a character
/// reference, so that it survives in a file of any encoding that is accepted.
pub(crate) fn escaped(value: &str) -> Result<String, EditError> {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            ' '..='~' => out.push(c),
            '\t' | '\n' | '\r' => reference(&mut out, c),
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => {
                return Err(EditError::NotXml { code: c.into() });
            }
            _ => reference(&mut out, c),
        }
    }
    Ok(out)
}

fn reference(out: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = write!(out, "&#x{:X};", u32::from(c));
}

/// One start tag in the making.
struct Tag(String);

impl Tag {
    fn new(name: &str) -> Self {
        Self(format!("<{name}"))
    }

    fn with(mut self, name: &str, value: &str) -> Result<Self, EditError> {
        self.0.push_str(&format!(" {name}=\"{}\"", escaped(value)?));
        Ok(self)
    }

    /// Adds an attribute whose value needs no escaping, unless it is the default.
    fn unless_default(mut self, is_default: bool, attribute: &str) -> Self {
        if !is_default {
            self.0.push(' ');
            self.0.push_str(attribute);
        }
        self
    }

    fn syntax(self, syntax: PatternSyntax) -> Self {
        let word = match syntax {
            PatternSyntax::EcmaScript => "",
            PatternSyntax::Wildcard => "patternSyntax=\"Wildcard\"",
            PatternSyntax::ExactMatch => "patternSyntax=\"ExactMatch\"",
        };
        self.unless_default(word.is_empty(), word)
    }

    fn open(self) -> String {
        self.0 + ">"
    }

    fn closed(self) -> String {
        self.0 + " />"
    }
}

fn rule_tag(rule: &Rule) -> Result<String, EditError> {
    Ok(Tag::new("rule")
        .with("name", &rule.name)?
        .unless_default(rule.enabled, "enabled=\"false\"")
        .syntax(rule.syntax)
        .unless_default(!rule.stop_processing, "stopProcessing=\"true\"")
        .open())
}

fn outbound_tag(rule: &OutboundRule) -> Result<String, EditError> {
    let tag = Tag::new("rule").with("name", &rule.name)?;
    let tag = match rule.precondition.as_str() {
        "" => tag,
        name => tag.with("preCondition", name)?,
    };
    Ok(tag
        .unless_default(rule.enabled, "enabled=\"false\"")
        .syntax(rule.syntax)
        .unless_default(!rule.stop_processing, "stopProcessing=\"true\"")
        .open())
}

fn outbound_match_tag(rule: &OutboundRule) -> Result<String, EditError> {
    let OutboundMatch { variable, pattern, ignore_case, negate } = &rule.target;
    let tag = Tag::new("match");
    let tag = match variable.as_str() {
        "" => tag,
        name => tag.with("serverVariable", name)?,
    };
    Ok(tag
        .with("pattern", pattern)?
        .unless_default(*ignore_case, "ignoreCase=\"false\"")
        .unless_default(!*negate, "negate=\"true\"")
        .closed())
}

fn match_tag(rule: &Rule) -> Result<String, EditError> {
    Ok(Tag::new("match")
        .with("url", &rule.url.pattern)?
        .unless_default(rule.url.ignore_case, "ignoreCase=\"false\"")
        .unless_default(!rule.url.negate, "negate=\"true\"")
        .closed())
}

fn condition_tag(condition: &Condition) -> Result<String, EditError> {
    let tag = Tag::new("add").with("input", &condition.input)?;
    let tag = match condition.match_type {
        MatchType::Pattern => tag,
        MatchType::IsFile => tag.with("matchType", "IsFile")?,
        MatchType::IsDirectory => tag.with("matchType", "IsDirectory")?,
    };
    // A condition that asks the disk has no pattern, and IIS wants none.
    let tag = match (condition.match_type, condition.pattern.as_str()) {
        (MatchType::IsFile | MatchType::IsDirectory, "") => tag,
        (_, pattern) => tag.with("pattern", pattern)?,
    };
    Ok(tag
        .unless_default(condition.ignore_case, "ignoreCase=\"false\"")
        .unless_default(!condition.negate, "negate=\"true\"")
        .closed())
}

fn variable_tag(variable: &SetVariable) -> Result<String, EditError> {
    Ok(Tag::new("set")
        .with("name", &variable.name)?
        .with("value", &variable.value)?
        .unless_default(variable.replace, "replace=\"false\"")
        .closed())
}

fn action_tag(action: &Action) -> Result<String, EditError> {
    let tag = Tag::new("action");
    let no_query = "appendQueryString=\"false\"";
    Ok(match action {
        Action::None => tag.with("type", "None")?,
        Action::AbortRequest => tag.with("type", "AbortRequest")?,
        Action::Rewrite { url, append_query } => {
            tag.with("type", "Rewrite")?.with("url", url)?.unless_default(*append_query, no_query)
        }
        Action::Redirect { url, append_query, kind } => tag
            .with("type", "Redirect")?
            .with("url", url)?
            .unless_default(*append_query, no_query)
            .with("redirectType", redirect_word(*kind))?,
        Action::CustomResponse { status, substatus, reason, description } => tag
            .with("type", "CustomResponse")?
            .with("statusCode", &status.to_string())?
            .unless_default(*substatus == 0, &format!("subStatusCode=\"{substatus}\""))
            .with("statusReason", reason)?
            .with("statusDescription", description)?,
    }
    .closed())
}

fn redirect_word(kind: RedirectType) -> &'static str {
    match kind {
        RedirectType::Permanent => "Permanent",
        RedirectType::Found => "Found",
        RedirectType::SeeOther => "SeeOther",
        RedirectType::Temporary => "Temporary",
    }
}
