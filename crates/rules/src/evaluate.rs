//! The reference evaluator: the one meaning of a rule. Plain on purpose.

use stopgap_model::Request;
use stopgap_model::rule::{BlockRule, Case, Condition, Operator, Test};

use crate::decode::decoded;
use crate::fields::any_value;
use crate::pattern::{Pattern, PatternError};

/// A rule made ready to be asked.
#[derive(Debug)]
pub struct CompiledRule {
    when: Compiled,
    body_limit: usize,
}

#[derive(Debug)]
enum Compiled {
    All(Vec<Compiled>),
    Any(Vec<Compiled>),
    Not(Box<Compiled>),
    Test(Test, Option<Pattern>),
}

impl CompiledRule {
    /// Makes a rule ready.
    ///
    /// # Errors
    /// One of its patterns cannot be used.
    pub fn new(rule: &BlockRule) -> Result<Self, PatternError> {
        Ok(Self { when: compile(&rule.when)?, body_limit: rule.body_limit })
    }

    /// Whether the rule blocks `request`.
    #[must_use]
    pub fn blocks(&self, request: &Request) -> bool {
        holds(&self.when, request, self.body_limit)
    }
}

fn compile(condition: &Condition) -> Result<Compiled, PatternError> {
    let all =
        |conditions: &[Condition]| conditions.iter().map(compile).collect::<Result<Vec<_>, _>>();
    Ok(match condition {
        Condition::All(conditions) => Compiled::All(all(conditions)?),
        Condition::Any(conditions) => Compiled::Any(all(conditions)?),
        Condition::Not(condition) => Compiled::Not(Box::new(compile(condition)?)),
        Condition::Test(test) => {
            let pattern = match &test.operator {
                Operator::Matches(source) => Some(Pattern::new(source, test.case)?),
                _ => None,
            };
            Compiled::Test(test.clone(), pattern)
        }
    })
}

fn holds(condition: &Compiled, request: &Request, body_limit: usize) -> bool {
    match condition {
        Compiled::All(conditions) => conditions.iter().all(|c| holds(c, request, body_limit)),
        Compiled::Any(conditions) => conditions.iter().any(|c| holds(c, request, body_limit)),
        Compiled::Not(condition) => !holds(condition, request, body_limit),
        Compiled::Test(test, pattern) => {
            any_value(&test.field, request, body_limit, &mut |value| {
                let value = decoded(value, &test.decode);
                match pattern {
                    Some(pattern) => pattern.is_match(&value),
                    None => compare(&test.operator, test.case, &value),
                }
            })
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
            value.len().checked_sub(text.len()).is_some_and(|at| same(&value[at..]))
        }
        Operator::Contains(_) => text.is_empty() || value.windows(text.len()).any(same),
        // Patterns are compiled.
        Operator::Matches(_) => false,
    }
}
