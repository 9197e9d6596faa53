//! Patterns and conditions of rules, made ready.

use stopgap_model::rule::Case;

use super::rule::{Condition, Grouping, MatchType, PatternSyntax};
use super::template::{Scope, Template};
use super::variables::View;
use super::wildcard::Wildcard;
use crate::pattern::{Captures, Pattern, PatternError};

/// A rule that cannot be evaluated at all.
#[derive(Debug, Clone)]
pub(super) enum Broken {
    /// IIS answers 500 to every request that comes to it.
    Invalid(String),
    /// It is beyond this evaluator.
    Beyond(String),
}

impl Broken {
    fn of(pattern: &str, error: PatternError) -> Self {
        let pattern = stopgap_model::problem::one_line(pattern);
        match error {
            PatternError::Invalid(why) => {
                Self::Invalid(format!("the pattern `{pattern}` is not valid ECMAScript: {why}"))
            }
            PatternError::NotLinear(why) => Self::Beyond(format!("the pattern `{pattern}`: {why}")),
        }
    }
}

/// A pattern of any of the syntaxes.
#[derive(Debug)]
pub(super) enum Matcher {
    Regex(Pattern),
    Wildcard(Wildcard),
    Exact { text: String, ignore_case: bool },
}

impl Matcher {
    pub(super) fn new(
        source: &str,
        syntax: PatternSyntax,
        ignore_case: bool,
    ) -> Result<Self, Broken> {
        let case = if ignore_case { Case::Ignore } else { Case::Exact };
        let broken = |error| Broken::of(source, error);
        Ok(match syntax {
            PatternSyntax::EcmaScript => Self::Regex(Pattern::new(source, case).map_err(broken)?),
            PatternSyntax::Wildcard => {
                Self::Wildcard(Wildcard::new(source, ignore_case).map_err(broken)?)
            }
            PatternSyntax::ExactMatch => Self::Exact { text: source.to_owned(), ignore_case },
        })
    }

    pub(super) fn captures(&self, input: &[u8]) -> Option<Captures> {
        match self {
            Self::Regex(pattern) => pattern.captures(input),
            Self::Wildcard(wildcard) => wildcard.captures(input),
            Self::Exact { text, ignore_case } => {
                let text = text.as_bytes();
                let same = input == text || *ignore_case && input.eq_ignore_ascii_case(text);
                same.then(|| Captures::of(vec![input.to_vec()]))
            }
        }
    }
}

/// A pattern that is beyond this evaluator, the inner error, is no reason not to look at the rest
/// of its rule.
fn or_beyond(matcher: Result<Matcher, Broken>) -> Result<Result<Matcher, String>, Broken> {
    match matcher {
        Ok(matcher) => Ok(Ok(matcher)),
        Err(Broken::Beyond(why)) => Ok(Err(why)),
        Err(invalid @ Broken::Invalid(_)) => Err(invalid),
    }
}

/// When a rule applies: the pattern of its `match` element, and its conditions.
#[derive(Debug)]
pub(super) struct Applies {
    pattern: Result<Matcher, String>,
    negate: bool,
    conditions: Conditions,
}

/// What a rule that applies may refer to: what its own pattern captured, and its conditions.
pub(super) type Kept = (Option<Captures>, Option<Captures>);

impl Applies {
    pub(super) fn new(
        pattern: Result<Matcher, Broken>,
        negate: bool,
        conditions: Conditions,
    ) -> Result<Self, Broken> {
        Ok(Self { pattern: or_beyond(pattern)?, negate, conditions })
    }

    /// Whether the rule applies where its pattern is asked about `input`.
    ///
    /// # Errors
    /// It cannot be told: why.
    pub(super) fn to(&self, input: &[u8], view: &View<'_>) -> Result<Option<Kept>, String> {
        let (found, beyond) = match &self.pattern {
            Ok(matcher) => (matcher.captures(input), None),
            // Its conditions can still exclude the rule.
            Err(why) => ((!self.negate).then(Captures::unclear), Some(why)),
        };
        if beyond.is_none() && found.is_some() == self.negate {
            return Ok(None);
        }
        // A negated pattern that did not match leaves nothing to refer back to.
        let held = self.conditions.hold(view, found.as_ref());
        match (held, beyond) {
            (Ok(None), _) => Ok(None),
            (_, Some(why)) => Err(why.clone()),
            (Ok(Some(kept)), None) => Ok(Some((found, kept))),
            (Err(why), None) => Err(why),
        }
    }
}

/// The conditions of a rule, or of a precondition.
#[derive(Debug)]
pub(super) struct Conditions {
    grouping: Grouping,
    track_all: bool,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    input: Template,
    matcher: Result<Matcher, String>,
    negate: bool,
}

impl Conditions {
    pub(super) fn new(
        conditions: &[Condition],
        grouping: Grouping,
        track_all: bool,
        syntax: PatternSyntax,
    ) -> Result<Self, Broken> {
        let members =
            conditions.iter().map(|c| Member::new(c, syntax)).collect::<Result<_, _>>()?;
        Ok(Self { grouping, track_all, members })
    }

    /// The captures that a rule may refer to if the conditions hold; `None` if they do not.
    /// `rule` are the captures of the rule's own pattern.
    ///
    /// # Errors
    /// It cannot be told whether they hold: why.
    pub(super) fn hold(
        &self,
        view: &View<'_>,
        rule: Option<&Captures>,
    ) -> Result<Option<Option<Captures>>, String> {
        let mut kept: Vec<Captures> = Vec::new();
        let mut undecided = None;
        let mut any = self.members.is_empty();
        for member in &self.members {
            let scope = Scope { view, rule, condition: kept.last() };
            let held = match member.holds(&scope) {
                Ok(held) => held,
                Err(why) => {
                    undecided.get_or_insert(why);
                    // A later condition, if it is asked, may see this one's captures. With
                    // `MatchAny` it is asked only if this one did not hold.
                    if self.grouping == Grouping::MatchAll && !member.negate {
                        kept.push(Captures::unclear());
                    }
                    continue;
                }
            };
            match (held, self.grouping) {
                (None, Grouping::MatchAll) => return Ok(None),
                (None, Grouping::MatchAny) => {}
                (Some(captures), grouping) => {
                    any = true;
                    kept.extend(captures);
                    if grouping == Grouping::MatchAny {
                        break;
                    }
                }
            }
        }
        let holds = any || self.grouping == Grouping::MatchAll;
        match undecided {
            // One condition that holds is enough for `any`; for `all` every one must be known.
            Some(why) if self.grouping == Grouping::MatchAll || !any => Err(why),
            // It holds either way, but not with the same captures.
            Some(_) => Ok(Some(Some(Captures::unclear()))),
            None if !holds => Ok(None),
            None if self.track_all => Ok(Some(Some(Captures::joined(&kept)))),
            None => Ok(Some(kept.pop())),
        }
    }
}

impl Member {
    fn new(condition: &Condition, syntax: PatternSyntax) -> Result<Self, Broken> {
        let matcher = match condition.match_type {
            MatchType::Pattern => {
                or_beyond(Matcher::new(&condition.pattern, syntax, condition.ignore_case))?
            }
            MatchType::IsFile => Err("it asks whether a file is there".to_owned()),
            MatchType::IsDirectory => Err("it asks whether a folder is there".to_owned()),
        };
        let input = Template::new(&condition.input).map_err(Broken::Beyond)?;
        Ok(Self { input, matcher, negate: condition.negate })
    }

    /// The captures of its pattern if it holds; `None` if it does not.
    fn holds(&self, scope: &Scope<'_>) -> Result<Option<Option<Captures>>, String> {
        let matcher = self.matcher.as_ref().map_err(Clone::clone)?;
        let input = self.input.expand(scope)?;
        let found = matcher.captures(&input);
        Ok((found.is_some() != self.negate).then_some(found))
    }
}
