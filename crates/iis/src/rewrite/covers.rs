//! Whether a rule that somebody else wrote blocks what a mitigation wants blocked, judged by what it
//! does and not by its name.
//!
//! A rule covers a mitigation if no request exists that the one blocks and the other lets through.
//! That is decided exactly, on the languages of the patterns; where it would cost too much, or where
//! the rule is not understood, the answer is that it is not known.

mod literal;
mod logic;
mod reason;

use stopgap_model::rule::{BlockRule, Condition as When, Deny};

use self::literal::{Literal, Unclear, Variable, matching, of_condition};
use self::logic::{Answer, Formula, LineBreaks, Literals};
use super::rule::{Action, Condition, Grouping, PatternSyntax, Rule, UrlMatch};
use stopgap_pattern::language::{Languages, Spent};

/// The work that one judgement may cost, in steps of an automaton's construction.
const WORK: u64 = 600_000;

/// What is said of a rule that a line break hides something from.
const LINE_BREAK: &str = "a request with an encoded line break (%0A or %0D) between the parts that \
                          the pattern looks for gets past it";
/// What is said where the work was used up.
const TOO_LARGE: &str = "its patterns are too large to be compared";

/// What a rule does of what a mitigation wants. The texts are sentences without a full stop, about
/// the rule as "it".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage {
    /// It blocks the same requests in the same way.
    Same,
    /// It blocks the same requests, and others or in another way.
    More(String),
    /// It blocks them all but those with a line break in a decoded value.
    ExceptLineFeeds(String),
    /// It blocks some of them, and others get past it.
    Less(String),
    /// It does not block, or it looks for something else.
    Unrelated(String),
    /// It cannot be told what it does of it.
    NotKnown(String),
}

impl Coverage {
    /// Whether every request that the mitigation wants blocked is blocked.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Same | Self::More(_))
    }
}

/// What `rule` does of what `wanted` asks, wherever it is in effect. Whether it is enabled is not
/// looked at, and neither are the rules before it.
#[must_use]
pub fn covers(rule: &Rule, wanted: &BlockRule) -> Coverage {
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
    match found {
        Coverage::Same => Coverage::More(how),
        Coverage::More(remark) => Coverage::More(format!("{remark}; {how}")),
        Coverage::ExceptLineFeeds(remark) => Coverage::ExceptLineFeeds(format!("{remark}; {how}")),
        other => other,
    }
}

/// Whether `rule`, where it stands before others, may let a request through to the application that
/// `wanted` asks to be blocked, or make another one of it before they see it.
#[must_use]
pub fn may_hide(rule: &Rule, wanted: &BlockRule) -> bool {
    let passes = match rule.action {
        Action::Rewrite { .. } => true,
        Action::None => rule.stop_processing,
        // It answers by itself: the application does not see the request.
        _ => false,
    };
    let (url, conditions) = (Some(&rule.url), rule.conditions.as_slice());
    passes
        && match Case::new(url, conditions, rule.grouping, rule.syntax, &wanted.when) {
            Ok(mut case) => case.both(),
            Err(_) => true,
        }
}

/// Whether every request or response that satisfies `wanted` satisfies `conditions`, as those of a
/// precondition.
#[must_use]
pub fn covers_conditions(
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

/// A condition of the rule, or its `match`, as it is judged.
#[derive(Debug)]
struct Part<'a> {
    of: Source<'a>,
    index: usize,
    unclear: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Source<'a> {
    Url(&'a UrlMatch),
    Condition(&'a Condition),
}

/// A judgement under way.
#[derive(Debug)]
struct Case<'a> {
    literals: Literals,
    syntax: PatternSyntax,
    grouping: Grouping,
    parts: Vec<Part<'a>>,
    rule: Formula,
    wanted: Formula,
    tests: &'a When,
}

fn judge(
    url: Option<&UrlMatch>,
    conditions: &[Condition],
    grouping: Grouping,
    syntax: PatternSyntax,
    wanted: &When,
) -> Coverage {
    match Case::new(url, conditions, grouping, syntax, wanted) {
        Ok(mut case) => case.judge(),
        Err(Unclear::Spent) => Coverage::NotKnown(TOO_LARGE.into()),
        Err(Unclear::Broken(why) | Unclear::Because(why)) => Coverage::NotKnown(why),
    }
}

impl<'a> Case<'a> {
    fn new(
        url: Option<&'a UrlMatch>,
        conditions: &'a [Condition],
        grouping: Grouping,
        syntax: PatternSyntax,
        tests: &'a When,
    ) -> Result<Self, Unclear> {
        let mut literals = Literals { langs: Languages::new(WORK), list: Vec::new() };
        let wanted = literals.wanted(tests)?;
        let mut parts = Vec::new();
        for source in
            url.map(Source::Url).into_iter().chain(conditions.iter().map(Source::Condition))
        {
            parts.push(part(&mut literals, source, syntax)?);
        }
        let formula = |part: &Part<'_>| Formula::Literal { index: part.index, holds: true };
        let (urls, conditions): (Vec<_>, Vec<_>) =
            parts.iter().partition(|part| matches!(part.of, Source::Url(_)));
        let conditions: Vec<Formula> = conditions.into_iter().map(formula).collect();
        let mut all: Vec<Formula> = urls.into_iter().map(formula).collect();
        match grouping {
            // Without any condition it is the URL alone.
            Grouping::MatchAny if !conditions.is_empty() => all.push(Formula::Any(conditions)),
            _ => all.extend(conditions),
        }
        Ok(Self { literals, syntax, grouping, parts, rule: Formula::All(all), wanted, tests })
    }

    fn judge(&mut self) -> Coverage {
        let escapes = self.escapes(LineBreaks::Allowed);
        if escapes == Answer::Never {
            return self.full();
        }
        if self.escapes(LineBreaks::Excluded) == Answer::Never {
            return Coverage::ExceptLineFeeds(LINE_BREAK.into());
        }
        if escapes == Answer::NotKnown {
            return Coverage::NotKnown(TOO_LARGE.into());
        }
        match self.is_related() {
            Ok(true) => self.less(),
            Ok(false) => self.unrelated(),
            Err(Spent) => Coverage::NotKnown(TOO_LARGE.into()),
        }
    }

    /// Whether a request can be wanted blocked and be met by the rule.
    fn both(&mut self) -> bool {
        let formulas = [&self.wanted.clone(), &self.rule.clone()];
        self.literals.possible(&formulas, LineBreaks::Allowed) != Answer::Never
    }

    /// Whether a request can be wanted blocked and let through.
    fn escapes(&mut self, breaks: LineBreaks) -> Answer {
        let let_through = self.rule.negated();
        self.literals.possible(&[&self.wanted.clone(), &let_through], breaks)
    }

    fn full(&mut self) -> Coverage {
        let others = self.wanted.negated();
        match self.literals.possible(&[&self.rule.clone(), &others], LineBreaks::Allowed) {
            Answer::Never => Coverage::Same,
            _ if self.literals.possible(&[&self.rule.negated()], LineBreaks::Allowed)
                == Answer::Never =>
            {
                Coverage::More("it blocks every request".into())
            }
            Answer::Example(_) => Coverage::More("it blocks other requests as well".into()),
            Answer::NotKnown => Coverage::More("it may block other requests as well".into()),
        }
    }
}

/// Reads the `match` or a condition. A pattern that is none breaks the whole rule.
fn part<'a>(
    literals: &mut Literals,
    of: Source<'a>,
    syntax: PatternSyntax,
) -> Result<Part<'a>, Unclear> {
    let read = match of {
        Source::Url(url) => of_url(&mut literals.langs, url, syntax),
        Source::Condition(condition) => of_condition(&mut literals.langs, condition, syntax),
    };
    let (literal, unclear) = match read {
        Ok(literal) => (literal, None),
        Err(Unclear::Because(why)) => (Literal::unclear(), Some(why)),
        Err(Unclear::Broken(why)) => {
            let pattern = stopgap_model::problem::one_line(of.pattern());
            let why = format!("its pattern `{pattern}` is not valid ECMAScript: {why}");
            return Err(Unclear::Broken(why));
        }
        Err(Unclear::Spent) => return Err(Unclear::Spent),
    };
    Ok(Part { of, index: literals.add(literal), unclear })
}

fn of_url(
    langs: &mut Languages,
    url: &UrlMatch,
    syntax: PatternSyntax,
) -> Result<Literal, Unclear> {
    let matched = matching(langs, &url.pattern, syntax, url.ignore_case)?;
    let other = langs.not(matched)?;
    let (holds, fails) = if url.negate { (other, matched) } else { (matched, other) };
    Ok(Literal { on: Some(Variable::Url), holds, fails })
}

impl<'a> Source<'a> {
    fn pattern(&self) -> &'a str {
        match self {
            Self::Url(url) => &url.pattern,
            Self::Condition(condition) => &condition.pattern,
        }
    }

    fn negate(&self) -> bool {
        match self {
            Self::Url(url) => url.negate,
            Self::Condition(condition) => condition.negate,
        }
    }

    fn ignore_case(&self) -> bool {
        match self {
            Self::Url(url) => url.ignore_case,
            Self::Condition(condition) => condition.ignore_case,
        }
    }
}
