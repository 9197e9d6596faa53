//! From the rewrite rules of a configuration file to a mitigation.

use stopgap_iis::config::{Effective, EffectiveRule};
use stopgap_iis::rewrite::{
    OutboundRule, ReadError, Rule, may_shadow, read, read_request_header, read_response_header,
    translate,
};
use stopgap_model::reason::{IisReason, RuleReason};
use stopgap_model::rule::{BlockRule, Condition, Decode, Operator, Test};
use stopgap_model::{Action, ActionKind, Digest, Mitigation, MitigationId, Severity};
use stopgap_pattern::{PatternError, check_document_pattern};

use crate::lookahead::{in_any_order, with_first_bytes};

/// What became of the rules of a file.
#[derive(Debug)]
pub(crate) struct Import {
    /// Those that were taken over.
    pub(crate) taken: Vec<Taken>,
    /// The names of those that were not, and why.
    pub(crate) refused: Vec<(String, NotImported)>,
}

/// Why a rule is not taken over; each a sentence without a full stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotImported {
    /// IIS itself cannot use it.
    #[error(transparent)]
    Unusable(#[from] IisReason),
    /// IIS does not use it.
    #[error("it is disabled")]
    Disabled,
    /// The outbound rule stands under a precondition that is missing.
    #[error("its precondition `{0}` is not there")]
    NoPrecondition(String),
    /// It does what no mitigation does.
    #[error(transparent)]
    NotRead(#[from] ReadError),
    /// A mitigation that says the same would not become this rule again.
    #[error(transparent)]
    NotTheSame(#[from] RuleReason),
    /// It blocks what does not match a pattern that can be narrowed only.
    #[error("what it looks ahead for must not be there, beside line feeds")]
    Negated,
    /// A document may not carry its pattern.
    #[error("the pattern `{pattern}`: {error}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        error: PatternError,
    },
}

/// What a rule becomes, with what a person must know of the difference.
type Taking = Result<(ActionKind, Vec<String>), NotImported>;

/// A rule that was taken over.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Its name.
    pub(crate) rule: String,
    pub(crate) kind: ActionKind,
    /// What a person must know of the difference, if there is one: sentences without a full stop.
    pub(crate) remarks: Vec<String>,
}

/// Takes the rules over whose name passes `wanted`.
pub(crate) fn import(rules: &Effective, wanted: &dyn Fn(&str) -> bool) -> Import {
    let mut import = Import { taken: Vec::new(), refused: Vec::new() };
    for (at, found) in rules.rules.iter().enumerate().filter(|(_, rule)| wanted(&rule.name)) {
        let taken = enabled(&found.item, |rule| rule.enabled)
            .and_then(|rule| inbound(rule, &rules.rules[..at]));
        import.note(&found.name, taken);
    }
    match &rules.outbound {
        Ok(outbound) => {
            for found in outbound.rules.iter().filter(|rule| wanted(&rule.name)) {
                let taken = enabled(&found.item, |rule| rule.enabled).and_then(|rule| {
                    let named = &rule.precondition;
                    let mut all = outbound.preconditions.iter();
                    let precondition = all.find(|p| p.name.eq_ignore_ascii_case(named));
                    let precondition = match precondition {
                        Some(found) => Some(found.item.as_ref().map_err(IisReason::clone)?),
                        None if named.is_empty() => None,
                        None => return Err(NotImported::NoPrecondition(named.clone())),
                    };
                    outbound_rule(rule, precondition)
                });
                import.note(&found.name, taken);
            }
        }
        Err(why) => import.refused.push(("outbound rules".into(), why.clone().into())),
    }
    import
}

impl Import {
    fn note(&mut self, rule: &str, taken: Taking) {
        match taken {
            Ok((kind, remarks)) => {
                self.taken.push(Taken { rule: rule.to_owned(), kind, remarks });
            }
            Err(why) => self.refused.push((rule.to_owned(), why)),
        }
    }

    /// A mitigation of the rules that were taken over. What only a person knows is missing.
    pub(crate) fn mitigation(&self, id: &MitigationId) -> Mitigation {
        let action = |(at, taken): (usize, &Taken)| {
            // An id of full length has no room for a number: it is then the action's own.
            let numbered = format!("{id}.{}", at + 1).parse().ok();
            let own = || format!("imported.{}", at + 1).parse().ok();
            let id = numbered.or_else(own)?;
            Some(Action { id, only_below: None, kind: taken.kind.clone() })
        };
        Mitigation {
            id: id.clone(),
            revision: 1,
            hash: Digest::of(b""),
            title: "Taken over from rewrite rules of IIS".into(),
            cves: Vec::new(),
            severity: Severity::High,
            impact: "Unknown".into(),
            references: Vec::new(),
            affected: Vec::new(),
            actions: self.taken.iter().enumerate().filter_map(action).collect(),
            probes: Vec::new(),
            no_live_probe: None,
            withdrawn: None,
        }
    }
}

fn enabled<T>(item: &Result<T, IisReason>, is_enabled: fn(&T) -> bool) -> Result<&T, NotImported> {
    let rule = item.as_ref().map_err(IisReason::clone)?;
    if is_enabled(rule) { Ok(rule) } else { Err(NotImported::Disabled) }
}

fn inbound(rule: &Rule, before: &[EffectiveRule]) -> Taking {
    if !rule.server_variables.is_empty() {
        let (header, change) = read_request_header(rule)?;
        return Ok((ActionKind::RequestHeader { scope: None, header, change }, Vec::new()));
    }
    let mut remarks = Vec::new();
    let block = read(rule)?;
    // What IIS could not say back is not the same here: a repeated header, one that is not there.
    translate(&rule.name, &block)?;
    let when = cheap(&block.when, &mut remarks)?;
    let block = BlockRule { when: as_list(when), ..block };
    if rule.url.pattern.starts_with('^') {
        let pattern = &rule.url.pattern;
        remarks.push(format!("`{pattern}` does not match a path with %0a in it; this does"));
    }
    let hides = |found: &&EffectiveRule| match &found.item {
        Ok(earlier) => earlier.enabled && may_shadow(earlier, &block),
        Err(_) => true,
    };
    if let Some(earlier) = before.iter().find(hides) {
        let name = &earlier.name;
        remarks.push(format!(
            "the rule `{name}` stands before it, and may keep some requests from it; this blocks \
             them as well"
        ));
    }
    Ok((ActionKind::BlockRequest { scope: None, rule: block }, remarks))
}

fn outbound_rule(
    rule: &OutboundRule,
    precondition: Option<&stopgap_iis::rewrite::PreCondition>,
) -> Taking {
    let (header, change, when) = read_response_header(rule, precondition)?;
    let mut remarks = Vec::new();
    let when = match when {
        Condition::All(members) if members.is_empty() => Condition::All(members),
        when => as_list(cheap(&when, &mut remarks)?),
    };
    Ok((ActionKind::ResponseHeader { scope: None, header, change, when }, remarks))
}

/// `when` as a document has it: a list of which all hold.
fn as_list(when: Condition) -> Condition {
    match when {
        Condition::All(members) => Condition::All(members),
        single => Condition::All(vec![single]),
    }
}

/// `when` with patterns that a document may carry, of the same meaning but for the remarks.
fn cheap(when: &Condition, remarks: &mut Vec<String>) -> Result<Condition, NotImported> {
    let mut all = |members: &[Condition]| -> Result<Vec<Condition>, NotImported> {
        members.iter().map(|member| cheap(member, remarks)).collect()
    };
    Ok(match when {
        // Looking ahead is a list of its own, and joins the list around it.
        Condition::All(members) => {
            let flat = all(members)?.into_iter().flat_map(|member| match member {
                Condition::All(inner) => inner,
                other => vec![other],
            });
            Condition::All(flat.collect())
        }
        Condition::Any(members) => Condition::Any(all(members)?),
        Condition::Not(inner) => {
            let mut narrower = Vec::new();
            let inner = cheap(inner, &mut narrower)?;
            if !narrower.is_empty() {
                return Err(NotImported::Negated);
            }
            Condition::Not(Box::new(inner))
        }
        Condition::Test(test) => cheap_test(test, remarks)?,
    })
}

fn cheap_test(test: &Test, remarks: &mut Vec<String>) -> Result<Condition, NotImported> {
    let with = |operator| Condition::Test(Test { operator, ..test.clone() });
    let Operator::Matches(pattern) = &test.operator else { return Ok(with(test.operator.clone())) };
    let Err(error) = check_document_pattern(pattern) else {
        return Ok(with(test.operator.clone()));
    };
    if let Some(words) = in_any_order(pattern) {
        // No line feed is in a URL or a header as it is sent, so all of it is one line.
        if test.decode.contains(&Decode::Url) {
            remarks.push(format!(
                "`{pattern}` asks for its words in one line, and a decoded %0a gets past it; this \
                 does not ask for one line"
            ));
        }
        let words = words.into_iter().map(|word| with(Operator::Contains(word)));
        return Ok(Condition::All(words.collect()));
    }
    let cheap = with_first_bytes(pattern).filter(|cheap| check_document_pattern(cheap).is_ok());
    let cheap = cheap.ok_or_else(|| NotImported::Pattern { pattern: pattern.clone(), error })?;
    Ok(with(Operator::Matches(cheap)))
}
