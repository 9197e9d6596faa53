//! The reference evaluator: the one meaning of a rule. Plain on purpose.

use stopgap_model::Request;
use stopgap_model::rule::{BlockRule, Case, Condition, Operator, Test};

use crate::decode::decoded;
use crate::fields::{Subject, any_value};
use stopgap_pattern::{Pattern, PatternError};

/// A rule made ready to be asked.
#[derive(Debug)]
pub struct CompiledRule {
    when: CompiledCondition,
    body_limit: usize,
}

/// A condition made ready to be asked.
#[derive(Debug)]
pub enum CompiledCondition {
    /// All hold.
    All(Vec<Self>),
    /// At least one holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// A field passes a test; its pattern, where it has one.
    Test(Test, Option<Pattern>),
}

impl CompiledRule {
    /// Makes a rule ready.
    ///
    /// # Errors
    /// One of its patterns cannot be used.
    pub fn new(rule: &BlockRule) -> Result<Self, PatternError> {
        Ok(Self { when: CompiledCondition::new(&rule.when)?, body_limit: rule.body_limit })
    }

    /// Whether the rule blocks `request`.
    #[must_use]
    pub fn blocks(&self, request: &Request) -> bool {
        self.when.holds(Subject { request, response: None, body_limit: self.body_limit })
    }
}

impl CompiledCondition {
    /// Makes a condition ready.
    ///
    /// # Errors
    /// One of its patterns cannot be used.
    pub fn new(condition: &Condition) -> Result<Self, PatternError> {
        let all = |conditions: &[Condition]| {
            conditions.iter().map(Self::new).collect::<Result<Vec<_>, _>>()
        };
        Ok(match condition {
            Condition::All(conditions) => Self::All(all(conditions)?),
            Condition::Any(conditions) => Self::Any(all(conditions)?),
            Condition::Not(condition) => Self::Not(Box::new(Self::new(condition)?)),
            Condition::Test(test) => {
                let pattern = match &test.operator {
                    Operator::Matches(source) => Some(Pattern::new(source, test.case)?),
                    _ => None,
                };
                Self::Test(test.clone(), pattern)
            }
        })
    }

    /// Whether it holds.
    pub fn holds(&self, subject: Subject<'_>) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|c| c.holds(subject)),
            Self::Any(conditions) => conditions.iter().any(|c| c.holds(subject)),
            Self::Not(condition) => !condition.holds(subject),
            Self::Test(test, pattern) => any_value(&test.field, subject, &mut |value| {
                let value = decoded(value, &test.decode);
                match pattern {
                    Some(pattern) => pattern.is_match(&value),
                    None => compare(&test.operator, test.case, &value),
                }
            }),
        }
    }
}

/// A comparison with a text.
fn compare(operator: &Operator, case: Case, value: &[u8]) -> bool {
    let text = operator.text().as_bytes();
    let same = |part: &[u8]| match case {
        Case::Ignore => part.eq_ignore_ascii_case(text),
        Case::Exact => part == text,
    };
    match operator {
        Operator::Equals(_) => same(value),
        Operator::StartsWith(_) => value.get(..text.len()).is_some_and(same),
        Operator::EndsWith(_) => {
            let at = value.len().checked_sub(text.len());
            at.and_then(|at| value.get(at..)).is_some_and(same)
        }
        Operator::Contains(_) => text.is_empty() || value.windows(text.len()).any(same),
        // Patterns are compiled.
        Operator::Matches(_) => false,
    }
}
