//! Whether a rule that somebody else wrote blocks what a mitigation wants blocked, judged by what it
//! does and not by its name.
//!
//! A rule covers a mitigation if no request exists that the one blocks and the other lets through.
//! That is decided exactly, on the languages of the patterns; where it would cost too much, or where
//! the rule is not understood, the answer is that it is not known.

mod comparison;
mod coverage;
mod literal;
mod logic;
mod reason;

use stopgap_model::rule::{BlockRule, Condition as When, Deny};

use self::comparison::Comparison;
use self::literal::Unclear;
use self::logic::{Answer, LineBreaks};
use self::reason::TOO_LARGE;
use super::rule::{Action, Condition, Grouping, PatternSyntax, Rule, UrlMatch};
use stopgap_pattern::language::BudgetExhausted;

pub use self::coverage::Coverage;

/// What is said of a rule that a line break hides something from.
const LINE_BREAK: &str = "a request with an encoded line break (%0A or %0D) between the parts that \
                          the pattern looks for gets past it";
/// What `rule` does of what `wanted` asks, wherever it is in effect. Whether it is enabled is not
/// looked at, and neither are the rules before it.
#[must_use]
pub fn subsumes(rule: &Rule, wanted: &BlockRule) -> Coverage {
    let deny = match rule.action {
        Action::AbortRequest => Deny::Abort,
        Action::CustomResponse { status: status @ 400..=599, .. } => Deny::Status(status),
        _ => return Coverage::Unrelated("it does not block".into()),
    };
    let found = judge(Some(&rule.url), &rule.conditions, rule.grouping, rule.syntax, &wanted.when);
    if deny == wanted.deny {
        return found;
    }
    let how = answers(deny, wanted.deny);
    // Blocked is blocked: another answer is a remark, and no gap.
    match found {
        Coverage::Same => Coverage::Superset(how),
        Coverage::Superset(remark) => Coverage::Superset(format!("{remark}; {how}")),
        Coverage::ExceptLineFeeds(remark) => Coverage::ExceptLineFeeds(format!("{remark}; {how}")),
        other => other,
    }
}

/// Whether `rule`, where it stands before others, may let a request through to the application that
/// `wanted` asks to be blocked, or make another one of it before they see it.
#[must_use]
pub fn may_shadow(rule: &Rule, wanted: &BlockRule) -> bool {
    let passes = match rule.action {
        Action::Rewrite { .. } => true,
        Action::None => rule.stop_processing,
        // It answers by itself: the application does not see the request.
        _ => false,
    };
    let (url, conditions) = (Some(&rule.url), rule.conditions.as_slice());
    passes
        && match Comparison::new(url, conditions, rule.grouping, rule.syntax, &wanted.when) {
            Ok(mut comparison) => comparison.both(),
            Err(_) => true,
        }
}

/// Whether every request or response that satisfies `wanted` satisfies `conditions`, as those of a
/// precondition.
#[must_use]
pub fn subsumes_conditions(
    conditions: &[Condition],
    grouping: Grouping,
    syntax: PatternSyntax,
    wanted: &When,
) -> Coverage {
    judge(None, conditions, grouping, syntax, wanted)
}

fn answers(deny: Deny, wanted: Deny) -> String {
    let wanted = match wanted {
        Deny::Abort => "closing the connection".to_owned(),
        Deny::Status(status) => format!("answering {status}"),
    };
    match deny {
        Deny::Abort => format!("it closes the connection instead of {wanted}"),
        Deny::Status(status) => format!("it answers {status} instead of {wanted}"),
    }
}

fn judge(
    url: Option<&UrlMatch>,
    conditions: &[Condition],
    grouping: Grouping,
    syntax: PatternSyntax,
    wanted: &When,
) -> Coverage {
    match Comparison::new(url, conditions, grouping, syntax, wanted) {
        Ok(mut comparison) => judged(&mut comparison),
        Err(Unclear::BudgetExhausted) => Coverage::NotKnown(TOO_LARGE.into()),
        Err(Unclear::Broken(why) | Unclear::Because(why)) => Coverage::NotKnown(why),
    }
}

/// What a rule does, by whether a wanted request can get past it.
fn judged(rule: &mut Comparison<'_>) -> Coverage {
    let escapes = rule.escapes(LineBreaks::Allowed);
    if escapes == Answer::Never {
        return full(rule);
    }
    // A `.` of the pattern matches no line break, which can be had by %0A.
    if rule.escapes(LineBreaks::Excluded) == Answer::Never {
        return Coverage::ExceptLineFeeds(LINE_BREAK.into());
    }
    if escapes == Answer::NotKnown {
        return Coverage::NotKnown(TOO_LARGE.into());
    }
    match rule.is_related() {
        Ok(true) => rule.less(),
        Ok(false) => rule.unrelated(),
        Err(BudgetExhausted) => Coverage::NotKnown(TOO_LARGE.into()),
    }
}

/// What a rule does that nothing wanted gets past.
fn full(rule: &mut Comparison<'_>) -> Coverage {
    let others = rule.wanted.negated();
    match rule.literals.possible(&[&rule.rule.clone(), &others], LineBreaks::Allowed) {
        Answer::Never => Coverage::Same,
        _ if rule.literals.possible(&[&rule.rule.negated()], LineBreaks::Allowed)
            == Answer::Never =>
        {
            Coverage::Superset("it blocks every request".into())
        }
        Answer::Example(_) => Coverage::Superset("it blocks other requests as well".into()),
        Answer::NotKnown => Coverage::Superset("it may block other requests as well".into()),
    }
}
