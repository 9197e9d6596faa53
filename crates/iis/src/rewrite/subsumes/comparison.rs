//! A rule and what is wanted, side by side as formulas over languages.

use stopgap_model::rule::Condition as When;
use stopgap_pattern::language::Languages;

use super::super::rule::{Condition, Grouping, PatternSyntax, UrlMatch};
use super::literal::{Literal, Unclear, Variable, matching, of_condition};
use super::logic::{Answer, Formula, LineBreaks, Literals};

/// The work that one judgement may cost, in steps of an automaton's construction.
const WORK: u64 = 600_000;

/// A condition of the rule, or its `match`, as it is judged.
#[derive(Debug, Clone)]
pub(super) struct Part<'a> {
    pub(super) of: Source<'a>,
    pub(super) index: usize,
    pub(super) unclear: Option<String>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    Url(&'a UrlMatch),
    Condition(&'a Condition),
}

/// A judgement under way.
#[derive(Debug)]
pub(super) struct Comparison<'a> {
    pub(super) literals: Literals,
    pub(super) syntax: PatternSyntax,
    pub(super) grouping: Grouping,
    pub(super) parts: Vec<Part<'a>>,
    pub(super) rule: Formula,
    pub(super) wanted: Formula,
    pub(super) tests: &'a When,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(
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

    /// Whether a request can be wanted blocked and be met by the rule.
    pub(super) fn both(&mut self) -> bool {
        let formulas = [&self.wanted.clone(), &self.rule.clone()];
        self.literals.possible(&formulas, LineBreaks::Allowed) != Answer::Never
    }

    /// Whether a request can be wanted blocked and let through.
    pub(super) fn escapes(&mut self, breaks: LineBreaks) -> Answer {
        let let_through = self.rule.negated();
        self.literals.possible(&[&self.wanted.clone(), &let_through], breaks)
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
        Err(Unclear::BudgetExhausted) => return Err(Unclear::BudgetExhausted),
    };
    Ok(Part { of, index: literals.add(literal), unclear })
}

fn of_url(
    langs: &mut Languages,
    url: &UrlMatch,
    syntax: PatternSyntax,
) -> Result<Literal, Unclear> {
    let matched = matching(langs, &url.pattern, syntax, url.ignore_case)?;
    let other = langs.complement(matched)?;
    let (holds, fails) = if url.negate { (other, matched) } else { (matched, other) };
    Ok(Literal { on: Some(Variable::Url), holds, fails })
}

impl<'a> Source<'a> {
    pub(super) fn pattern(&self) -> &'a str {
        match self {
            Self::Url(url) => &url.pattern,
            Self::Condition(condition) => &condition.pattern,
        }
    }

    pub(super) fn negate(&self) -> bool {
        match self {
            Self::Url(url) => url.negate,
            Self::Condition(condition) => condition.negate,
        }
    }

    pub(super) fn ignore_case(&self) -> bool {
        match self {
            Self::Url(url) => url.ignore_case,
            Self::Condition(condition) => condition.ignore_case,
        }
    }
}
