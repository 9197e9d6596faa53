//! Why a rule does not cover a mitigation, in words for an administrator.

use stopgap_model::problem::one_line;
use stopgap_model::rule::{Case as LetterCase, Condition as When, Operator, Test};

use super::super::rule::{Grouping, PatternSyntax};
use super::comparison::{Comparison, Part, Source};
use super::coverage::Coverage;
use super::literal::{Literal, Unclear, Variable, found, input_variable, matching, of_test};
use super::logic::{Answer, Formula, LineBreaks};
use stopgap_pattern::ast::ByteSet;
use stopgap_pattern::language::{BudgetExhausted, Language, SIGMA_STAR};
use stopgap_pattern::target::{Part as TargetPart, View};

/// What is said where the work was used up.
pub(super) const TOO_LARGE: &str = "its patterns are too large to be compared";

/// How many reasons are told.
const MAX_REASONS: usize = 4;
/// How much of an example is shown, in bytes.
const MAX_EXAMPLE: usize = 80;

impl Comparison<'_> {
    /// Whether a condition of the rule looks for what a test of the mitigation looks for, or for a
    /// part of it, however it decodes.
    pub(super) fn is_related(&mut self) -> Result<bool, BudgetExhausted> {
        let tests = tests_of(self.tests);
        // What is not understood, and what must not match, says nothing of what it looks for.
        let looks_for = |part: &&Part<'_>| part.unclear.is_none() && !part.of.negate();
        let parts: Vec<usize> =
            self.parts.iter().filter(looks_for).map(|part| part.index).collect();
        for index in parts {
            let Some(part) = self.literals.list.get(index).cloned() else { continue };
            if self.is_idle(part.holds)? {
                continue;
            }
            for test in &tests {
                let Some(test) = of_test(&mut self.literals.langs, test)? else { continue };
                let (Some(mine), Some(theirs)) = (&part.on, &test.on) else { continue };
                if mine.is_of_same_field(theirs)
                    && (self.is_within(part.holds, test.holds)?
                        || self.is_within(test.holds, part.holds)?)
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn is_within(&mut self, inner: Language, outer: Language) -> Result<bool, BudgetExhausted> {
        let langs = &mut self.literals.langs;
        let outside = langs.complement(outer)?;
        let both = langs.intersection(vec![inner, outside])?;
        Ok(langs.example(both, ByteSet::of(*b"\r\n"))?.is_none())
    }

    /// Whether a text of any length but none passes.
    fn is_idle(&mut self, lang: Language) -> Result<bool, BudgetExhausted> {
        let byte = self.literals.langs.set(ByteSet::FULL)?;
        let some = self.literals.langs.concat(byte, SIGMA_STAR)?;
        self.is_within(some, lang)
    }

    pub(super) fn unrelated(&mut self) -> Coverage {
        let unclear = self.parts.iter().find_map(|part| Some((part, part.unclear.as_ref()?)));
        if let Some((part, why)) = unclear {
            return Coverage::NotKnown(format!("{}: {why}", part.of.shown()));
        }
        let looks_at: Vec<String> = self.parts.iter().filter_map(|part| part.of.input()).collect();
        Coverage::Unrelated(match looks_at.first() {
            None => "it looks for something else".into(),
            Some(first) => format!("it looks for something else, in {first}"),
        })
    }

    /// Why requests get past it.
    pub(super) fn less(&mut self) -> Coverage {
        let is_condition = |part: &&Part<'_>| matches!(part.of, Source::Condition(_));
        let conditions = self.parts.iter().filter(is_condition).count();
        let any = self.grouping == Grouping::MatchAny && conditions > 1;
        let mut reasons: Vec<String> = Vec::new();
        for part in self.parts.clone() {
            let is_url = matches!(part.of, Source::Url(_));
            // One of the conditions that need not all hold lets nothing through by itself.
            if (is_url || !any) && self.fails(part.index) {
                for reason in self.reasons_of(&part) {
                    if !reasons.contains(&reason) {
                        reasons.push(reason);
                    }
                }
            }
        }
        reasons.truncate(MAX_REASONS);
        if !reasons.is_empty() {
            return Coverage::Subset(joined(&reasons));
        }
        match self.escapes(LineBreaks::Excluded) {
            Answer::Example(texts) => {
                Coverage::Subset(format!("its conditions leave some out{}", such_as(&texts)))
            }
            _ => Coverage::NotKnown(TOO_LARGE.into()),
        }
    }

    /// Whether a wanted request is known for which a literal does not hold, line breaks aside.
    fn fails(&mut self, index: usize) -> bool {
        matches!(self.escape_of(index, &[]), Answer::Example(_))
    }

    /// A wanted request for which the literal does not hold and all of `beside` do.
    fn escape_of(&mut self, index: usize, beside: &[usize]) -> Answer {
        let holds = |index| Formula::Literal { index, holds: true };
        let fails = Formula::Literal { index, holds: false };
        let beside = Formula::All(beside.iter().map(|&index| holds(index)).collect());
        self.literals.possible(&[&self.wanted.clone(), &fails, &beside], LineBreaks::Excluded)
    }

    fn reasons_of(&mut self, part: &Part<'_>) -> Vec<String> {
        let Part { of, index, unclear } = part;
        let (of, index) = (*of, *index);
        if let Some(why) = unclear {
            return vec![format!("it also asks {}, and {why}", of.shown())];
        }
        let pattern = one_line(of.pattern());
        let Source::Condition(condition) = of else {
            let does = if of.negate() { "does not match" } else { "matches" };
            return vec![format!("it looks only at requests whose path {does} `{pattern}`")];
        };
        let input = one_line(&condition.input);
        if condition.negate {
            return vec![format!("it leaves out requests whose {input} matches `{pattern}`")];
        }
        let Ok(on) = input_variable(&condition.input) else { return Vec::new() };
        if !self.wants(|variable| variable.is_of_same_field(&on)) {
            return vec![format!("it also requires `{pattern}` in {input}")];
        }
        self.differences(of, index, on).unwrap_or_default()
    }

    fn wants(&mut self, test: impl Fn(&Variable) -> bool) -> bool {
        self.first_wanted(test).is_some()
    }

    /// The first variable of a wanted test that passes.
    fn first_wanted(&mut self, test: impl Fn(&Variable) -> bool) -> Option<Variable> {
        tests_of(self.tests).into_iter().find_map(|given| {
            let literal = of_test(&mut self.literals.langs, given).ok()??;
            literal.on.filter(&test)
        })
    }

    /// How a condition on a wanted field differs from what is wanted: first what it looks at, then
    /// how it compares, then what it looks for.
    fn differences(
        &mut self,
        of: Source<'_>,
        mut index: usize,
        mut on: Variable,
    ) -> Result<Vec<String>, Unclear> {
        let mut reasons = Vec::new();
        // One difference after the other is undone, until nothing gets past any more.
        for change in [decode_as_wanted, cut_as_wanted] {
            let same_field = |variable: &Variable| variable.is_of_same_field(&on);
            if self.wants(|variable| *variable == on) {
                break;
            }
            let Some(wanted) = self.first_wanted(same_field) else { break };
            let Some((changed, reason)) = change(&on, &wanted) else { continue };
            reasons.push(reason.to_owned());
            on = changed;
            index = self.literal_of(of, &on, of.ignore_case())?;
            if !self.fails(index) {
                return Ok(reasons);
            }
        }
        if !of.ignore_case() && self.ignores_case() {
            // With the case ignored nothing would get past: that is the difference.
            let folded = self.literal_of(of, &on, true)?;
            if !self.fails(folded) {
                reasons.push("it is case-sensitive".into());
                return Ok(reasons);
            }
        }
        let about_words = self.about_words(of, index, &on)?;
        if !about_words.is_empty() {
            reasons.extend(about_words);
            return Ok(reasons);
        }
        let pattern = one_line(of.pattern());
        match self.escape_of(index, &[]) {
            Answer::Example(texts) => {
                reasons.push(format!("its pattern `{pattern}` leaves some out{}", such_as(&texts)))
            }
            _ => reasons.push(format!("its pattern `{pattern}` differs")),
        }
        Ok(reasons)
    }

    /// The condition's pattern on another variable.
    fn literal_of(
        &mut self,
        of: Source<'_>,
        on: &Variable,
        ignore_case: bool,
    ) -> Result<usize, Unclear> {
        let langs = &mut self.literals.langs;
        let holds = matching(langs, of.pattern(), self.syntax, ignore_case)?;
        let fails = langs.complement(holds)?;
        Ok(self.literals.add(Literal { on: Some(on.clone()), holds, fails }))
    }

    fn ignores_case(&self) -> bool {
        tests_of(self.tests).iter().any(|test| test.case == LetterCase::Ignore)
    }

    /// Which parts of its pattern are not wanted, and whether it asks for them in an order.
    fn about_words(
        &mut self,
        of: Source<'_>,
        index: usize,
        on: &Variable,
    ) -> Result<Vec<String>, Unclear> {
        if self.syntax != PatternSyntax::EcmaScript {
            return Ok(Vec::new());
        }
        let pieces = pieces(of.pattern());
        let (mut present, mut missing) = (Vec::new(), Vec::new());
        for piece in &pieces {
            let Ok(holds) = found(&mut self.literals.langs, piece, of.ignore_case()) else {
                return Ok(Vec::new());
            };
            let fails = self.literals.langs.complement(holds)?;
            let piece_index = self.literals.add(Literal { on: Some(on.clone()), holds, fails });
            present.push(piece_index);
            if self.fails(piece_index) {
                missing.push(self.without_wanted_word(piece));
            }
        }
        // A pattern of one piece says no more than its piece.
        if let ([piece], [missing]) = (pieces.as_slice(), missing.as_slice())
            && piece == missing
        {
            return Ok(Vec::new());
        }
        let mut reasons = Vec::new();
        if !missing.is_empty() {
            let missing: Vec<String> =
                missing.iter().map(|piece| format!("`{}`", one_line(piece))).collect();
            reasons.push(format!("it also requires {}", missing.join(" and ")));
        }
        let in_order = self.escape_of(index, &present);
        if pieces.len() > 1 && matches!(in_order, Answer::Example(_)) {
            reasons.push("it needs the words in this order".into());
        }
        Ok(reasons)
    }

    /// A piece of a pattern without the wanted text that it begins or ends with.
    fn without_wanted_word(&self, piece: &str) -> String {
        let lower = piece.to_ascii_lowercase();
        for test in tests_of(self.tests) {
            if matches!(test.operator, Operator::Matches(_)) || test.operator.text().is_empty() {
                continue;
            }
            let word = test.operator.text().to_ascii_lowercase();
            // What is left of the piece is what it asks for beside the word.
            let rest = if lower.starts_with(&word) {
                piece.get(word.len()..)
            } else if lower.ends_with(&word) {
                piece.get(..piece.len() - word.len())
            } else {
                None
            };
            let plain =
                |rest: &&str| !rest.is_empty() && !rest.starts_with(['*', '+', '?', '{', '$']);
            if let Some(rest) = rest.filter(plain).filter(|rest| !rest.ends_with(['^', '\\'])) {
                return rest.to_owned();
            }
        }
        piece.to_owned()
    }
}

fn decode_as_wanted(on: &Variable, wanted: &Variable) -> Option<(Variable, &'static str)> {
    let (changed, decodes) = match (on, wanted) {
        (Variable::Target(mine), Variable::Target(theirs)) if mine.decoded != theirs.decoded => {
            (Variable::Target(View { decoded: theirs.decoded, ..*mine }), mine.decoded)
        }
        (Variable::Field(field, mine), Variable::Field(_, theirs)) if mine != theirs => {
            (Variable::Field(field.clone(), *theirs), *mine)
        }
        _ => return None,
    };
    let reason = match (&changed, decodes) {
        (Variable::Target(_), false) => "it does not decode the URL",
        (Variable::Target(_), true) => "it looks at the URL only after decoding it",
        (_, false) => "it does not decode the value",
        (_, true) => "it looks at the value only after decoding it",
    };
    Some((changed, reason))
}

fn cut_as_wanted(on: &Variable, wanted: &Variable) -> Option<(Variable, &'static str)> {
    let (Variable::Target(mine), Variable::Target(theirs)) = (on, wanted) else { return None };
    let reason = match mine.part {
        _ if mine.part == theirs.part => return None,
        TargetPart::Whole => "it looks at the whole URL",
        TargetPart::Path => "it looks only at the path",
        TargetPart::Query => "it looks only at the query",
    };
    Some((Variable::Target(View { part: theirs.part, ..*mine }), reason))
}

impl Source<'_> {
    fn shown(&self) -> String {
        match self {
            Self::Url(url) => format!("the path by `{}`", one_line(&url.pattern)),
            Self::Condition(condition) if condition.pattern.is_empty() => {
                one_line(&condition.input)
            }
            Self::Condition(condition) => {
                format!("{} by `{}`", one_line(&condition.input), one_line(&condition.pattern))
            }
        }
    }

    fn input(&self) -> Option<String> {
        match self {
            Self::Url(_) => None,
            Self::Condition(condition) => Some(one_line(&condition.input)),
        }
    }
}

/// The tests of a condition, whatever they are tied by.
fn tests_of(condition: &When) -> Vec<&Test> {
    match condition {
        When::All(members) | When::Any(members) => members.iter().flat_map(tests_of).collect(),
        When::Not(inner) => tests_of(inner),
        When::Test(test) => vec![test],
    }
}

/// The parts of a pattern between its `.*` and `.+`; the whole pattern where it has choices, groups
/// around them or other look-aheads than a row of `(?=…)`.
fn pieces(pattern: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some((inner, after)) = look_ahead(rest) {
        pieces.extend(between_gaps(inner));
        rest = after;
    }
    pieces.extend(between_gaps(rest));
    pieces
}

/// What is inside of a look-ahead without groups at the head of `pattern`, and what is behind it.
fn look_ahead(pattern: &str) -> Option<(&str, &str)> {
    let rest = pattern.strip_prefix("(?=")?;
    let mut escaped = false;
    let end = rest.bytes().position(|byte| {
        let ends = !escaped && matches!(byte, b')' | b'(' | b'[');
        escaped = !escaped && byte == b'\\';
        ends
    })?;
    let (inner, after) = rest.split_at_checked(end)?;
    Some((inner, after.strip_prefix(')')?))
}

fn between_gaps(pattern: &str) -> Vec<String> {
    const GAPS: [&str; 8] = ["(.*?)", "(.+?)", "(.*)", "(.+)", ".*?", ".+?", ".*", ".+"];
    let (mut pieces, mut piece) = (Vec::new(), String::new());
    let (mut depth, mut in_class, mut rest) = (0_usize, false, pattern);
    while let Some(c) = rest.chars().next() {
        let outside = depth == 0 && !in_class;
        let behind_gap = GAPS.iter().find_map(|gap| rest.strip_prefix(gap));
        if let Some(behind) = behind_gap.filter(|_| outside) {
            pieces.push(std::mem::take(&mut piece));
            rest = behind;
            continue;
        }
        match c {
            '|' if outside => return vec![pattern.to_owned()],
            '\\' => {
                // What it escapes is pushed below.
                piece.push(c);
                rest = rest.strip_prefix(c).unwrap_or_default();
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => depth += 1,
            ')' if !in_class => depth = depth.saturating_sub(1),
            _ => {}
        }
        let mut behind = rest.chars();
        piece.extend(behind.next());
        rest = behind.as_str();
    }
    pieces.push(piece);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// An example of a request that gets past.
fn such_as(texts: &[(Variable, Vec<u8>)]) -> String {
    let shown = |text: &[u8]| {
        let text = text.get(..MAX_EXAMPLE).unwrap_or(text);
        text.escape_ascii().to_string()
    };
    let all: Vec<String> = texts.iter().map(|(_, text)| format!("`{}`", shown(text))).collect();
    if all.is_empty() { String::new() } else { format!(", such as {}", all.join(" with ")) }
}

/// Reasons as one sentence.
fn joined(reasons: &[String]) -> String {
    match reasons {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{}, and {last}", first.join(", ")),
    }
}
