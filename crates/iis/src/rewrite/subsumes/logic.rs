//! Whether a request can exist for which a formula of tests and conditions holds.

use stopgap_model::rule::Condition;

use super::literal::{Literal, Variable, of_test};
use stopgap_pattern::ast::ByteSet;
use stopgap_pattern::language::{BudgetExhausted, Language, Languages};
use stopgap_pattern::target::{View, example_target, line_breaks};

/// In how many alternatives a formula is looked at.
const MAX_TERMS: usize = 1024;
/// How many tests and conditions may take part: far more than any rule of the field has.
const MAX_LITERALS: usize = 1024;

/// A formula; literals are named by their place in a list.
#[derive(Debug, Clone)]
pub(super) enum Formula {
    All(Vec<Formula>),
    Any(Vec<Formula>),
    Literal { index: usize, holds: bool },
}

/// Literals that all must hold, or fail.
type Term = Vec<(usize, bool)>;

impl Formula {
    pub(super) fn negated(&self) -> Self {
        let each = |members: &[Self]| members.iter().map(Self::negated).collect();
        match self {
            Self::All(members) => Self::Any(each(members)),
            Self::Any(members) => Self::All(each(members)),
            Self::Literal { index, holds } => Self::Literal { index: *index, holds: !holds },
        }
    }

    /// The alternatives of which one must hold; `None` if they are too many.
    fn terms(&self) -> Option<Vec<Term>> {
        let terms = match self {
            Self::Literal { index, holds } => vec![vec![(*index, *holds)]],
            Self::Any(members) => {
                let mut terms = Vec::new();
                for member in members {
                    terms.extend(member.terms()?);
                    if terms.len() > MAX_TERMS {
                        return None;
                    }
                }
                terms
            }
            Self::All(members) => {
                // All of them hold where one alternative of each holds.
                let mut terms = vec![Vec::new()];
                for member in members {
                    terms = product(&terms, &member.terms()?)?;
                }
                terms
            }
        };
        Some(terms)
    }
}

fn product(left: &[Term], right: &[Term]) -> Option<Vec<Term>> {
    if left.len() * right.len() > MAX_TERMS {
        return None;
    }
    let joined = |a: &Term, b: &Term| a.iter().chain(b).copied().collect();
    Some(left.iter().flat_map(|a| right.iter().map(move |b| joined(a, b))).collect())
}

/// The texts of a request that matter to a question.
pub(super) type Texts = Vec<(Variable, Vec<u8>)>;

/// Whether a request exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// There is none.
    Never,
    /// One that has these texts.
    Example(Texts),
    /// It would cost too much to tell.
    NotKnown,
}

impl Answer {
    fn from(found: Result<Option<Texts>, BudgetExhausted>) -> Self {
        match found {
            Ok(None) => Self::Never,
            Ok(Some(example)) => Self::Example(example),
            Err(BudgetExhausted) => Self::NotKnown,
        }
    }
}

/// Whether decoded texts may have line breaks in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineBreaks {
    Allowed,
    Excluded,
}

/// The literals of a question, and the languages that they are of.
#[derive(Debug)]
pub(super) struct Literals {
    pub(super) langs: Languages,
    pub(super) list: Vec<Literal>,
}

impl Literals {
    pub(super) fn add(&mut self, literal: Literal) -> usize {
        self.list.push(literal);
        self.list.len() - 1
    }

    /// What a rule of the AST asks.
    pub(super) fn wanted(&mut self, condition: &Condition) -> Result<Formula, BudgetExhausted> {
        let members = |this: &mut Self, members: &[Condition]| {
            members.iter().map(|member| this.wanted(member)).collect::<Result<Vec<_>, _>>()
        };
        Ok(match condition {
            Condition::All(list) => Formula::All(members(self, list)?),
            Condition::Any(list) => Formula::Any(members(self, list)?),
            Condition::Not(inner) => self.wanted(inner)?.negated(),
            Condition::Test(test) => {
                let literal = of_test(&mut self.langs, test)?.unwrap_or_else(Literal::unclear);
                Formula::Literal { index: self.add(literal), holds: true }
            }
        })
    }

    /// Whether there can be a request for which all of `formulas` hold.
    pub(super) fn possible(&mut self, formulas: &[&Formula], breaks: LineBreaks) -> Answer {
        if self.list.len() > MAX_LITERALS || self.langs.charge(1).is_err() {
            return Answer::NotKnown;
        }
        let all = Formula::All(formulas.iter().map(|&formula| formula.clone()).collect());
        let Some(terms) = all.terms() else { return Answer::NotKnown };
        if self.langs.charge(terms.len()).is_err() {
            return Answer::NotKnown;
        }
        let mut answer = Answer::Never;
        for term in terms {
            match Answer::from(self.example(&term, breaks)) {
                Answer::Never => {}
                found @ Answer::Example(_) => return found,
                Answer::NotKnown => answer = Answer::NotKnown,
            }
        }
        answer
    }

    fn example(
        &mut self,
        term: &Term,
        breaks: LineBreaks,
    ) -> Result<Option<Texts>, BudgetExhausted> {
        self.langs.charge(term.len())?;
        let decoded_without = match breaks {
            LineBreaks::Allowed => ByteSet::EMPTY,
            LineBreaks::Excluded => line_breaks(),
        };
        let mut views: Vec<(View, Language)> = Vec::new();
        let mut texts = Vec::new();
        // Fields do not depend on each other; the views of the target do.
        for (variable, lang) in self.by_variable(term)? {
            if let Variable::Target(view) = variable {
                views.push((view, lang));
                continue;
            }
            let excluded = if variable.is_as_sent() { line_breaks() } else { decoded_without };
            match self.langs.example(lang, excluded)? {
                Some(text) => texts.push((variable, text)),
                None => return Ok(None),
            }
        }
        if let Some((view, _)) = views.first() {
            let Some(text) = example_target(&mut self.langs, &views, decoded_without)? else {
                return Ok(None);
            };
            texts.insert(0, (Variable::Target(*view), text));
        }
        Ok(Some(texts))
    }

    /// For each variable of a term, the texts that it may have.
    fn by_variable(&mut self, term: &Term) -> Result<Vec<(Variable, Language)>, BudgetExhausted> {
        let mut found: Vec<(Variable, Language)> = Vec::new();
        for &(index, holds) in term {
            let Some(literal) = self.list.get(index) else { continue };
            let lang = if holds { literal.holds } else { literal.fails };
            let Some(on) = literal.on.clone() else { continue };
            match found.iter_mut().find(|(variable, _)| *variable == on) {
                // All that is asked of one variable must hold of one text.
                Some((_, known)) => *known = self.langs.intersection(vec![*known, lang])?,
                None => found.push((on, lang)),
            }
        }
        Ok(found)
    }
}
