//! Tests and conditions as languages over the text that an IIS rule sees.
//!
//! A test of the AST and a condition of IIS do not see the same: a repeated header is several values
//! for the one and a joined one for the other, what is not there is no value or an empty text. A
//! test is therefore said as the texts that IIS can see while the test holds, and those that it can
//! see while it does not; they may overlap. Where that cannot be said exactly it is said too widely,
//! which can hide that a rule covers another, and never the reverse.

use stopgap_model::rule::{Case, Decode, Field, Operator, Test};

use super::super::inputs::field_of;
use super::super::rule::{Condition, MatchType, PatternSyntax};
use stopgap_pattern::ast::ByteSet;
use stopgap_pattern::language::{BudgetExhausted, EPSILON, Language, Languages, SIGMA_STAR};
use stopgap_pattern::search::{NoLanguage, texts_with};
use stopgap_pattern::target::{Part, View};
use stopgap_pattern::{PatternError, braces_without_count, parse};

/// What a language is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Variable {
    /// A view of the request target.
    Target(View),
    /// The URL that a rule's `match` sees. The rule can stand anywhere, so it is not tied to the
    /// target.
    Url,
    /// Another field, decoded or not. The fields do not depend on each other.
    Field(Field, bool),
}

impl Variable {
    /// Whether it holds bytes as they were sent, among which there is no line break.
    pub(super) fn is_as_sent(&self) -> bool {
        match self {
            Self::Target(view) => !view.decoded,
            Self::Url => false,
            Self::Field(_, decoded) => !decoded,
        }
    }

    /// Whether both are of the same field, however it is cut and decoded.
    pub(super) fn is_of_same_field(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Field(mine, _), Self::Field(theirs, _)) => mine == theirs,
            (Self::Field(..), _) | (_, Self::Field(..)) => false,
            _ => true,
        }
    }
}

/// A test or a condition.
#[derive(Debug, Clone)]
pub(super) struct Literal {
    /// `None`: nothing is known of it.
    pub(super) on: Option<Variable>,
    /// The texts with which it can hold.
    pub(super) holds: Language,
    /// The texts with which it can fail.
    pub(super) fails: Language,
}

impl Literal {
    /// One that may hold or fail whatever the request is.
    pub(super) fn unclear() -> Self {
        Self { on: None, holds: SIGMA_STAR, fails: SIGMA_STAR }
    }
}

/// Why a condition is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unclear {
    /// Its pattern is none, and IIS answers 500 to every request.
    Broken(String),
    /// A sentence without full stop.
    Because(String),
    /// The work allowed is used up.
    BudgetExhausted,
}

impl From<BudgetExhausted> for Unclear {
    fn from(BudgetExhausted: BudgetExhausted) -> Self {
        Self::BudgetExhausted
    }
}

/// The texts that pass a test of the AST.
fn passing(langs: &mut Languages, operator: &Operator, case: Case) -> Result<Language, Unclear> {
    let fold = case == Case::Ignore;
    let text = langs.text(operator.text().as_bytes(), fold)?;
    Ok(match operator {
        Operator::Equals(_) => text,
        Operator::StartsWith(_) => langs.concat(text, SIGMA_STAR)?,
        Operator::EndsWith(_) => langs.concat(SIGMA_STAR, text)?,
        Operator::Contains(_) => contains(langs, text)?,
        Operator::Matches(source) => found(langs, source, fold)?,
    })
}

/// The texts in which `part` is.
fn contains(langs: &mut Languages, part: Language) -> Result<Language, BudgetExhausted> {
    let tail = langs.concat(part, SIGMA_STAR)?;
    langs.concat(SIGMA_STAR, tail)
}

/// The texts in which the ECMAScript pattern `source` is found.
pub(super) fn found(langs: &mut Languages, source: &str, fold: bool) -> Result<Language, Unclear> {
    let (node, _) = parse(source, fold).map_err(|error| match error {
        PatternError::Invalid(why) => Unclear::Broken(why),
        PatternError::NotLinear(why) => Unclear::Because(why.to_string()),
    })?;
    texts_with(langs, &node).map_err(|error| match error {
        NoLanguage::BudgetExhausted => Unclear::BudgetExhausted,
        NoLanguage::Beyond(why) => Unclear::Because(why.to_string()),
    })
}

/// The texts that match `pattern` in the syntax of an IIS rule.
pub(super) fn matching(
    langs: &mut Languages,
    pattern: &str,
    syntax: PatternSyntax,
    ignore_case: bool,
) -> Result<Language, Unclear> {
    match syntax {
        PatternSyntax::EcmaScript if !braces_without_count(pattern).is_empty() => {
            Err(Unclear::Broken("it has a `{` that begins no count".into()))
        }
        PatternSyntax::EcmaScript => found(langs, pattern, ignore_case),
        PatternSyntax::ExactMatch => Ok(langs.text(pattern.as_bytes(), ignore_case)?),
        PatternSyntax::Wildcard => {
            let mut lang = EPSILON;
            for byte in pattern.bytes().rev() {
                let head = match byte {
                    b'*' => SIGMA_STAR,
                    b'?' => langs.set(ByteSet::FULL)?,
                    byte => langs.text(&[byte], ignore_case)?,
                };
                lang = langs.concat(head, lang)?;
            }
            Ok(lang)
        }
    }
}

/// A test as what IIS sees of it; `None`: IIS sees nothing that says it.
pub(super) fn of_test(
    langs: &mut Languages,
    test: &Test,
) -> Result<Option<Literal>, BudgetExhausted> {
    let decoded = match test.decode.as_slice() {
        [] => false,
        [Decode::Url] => true,
        _ => return Ok(None),
    };
    let Some(on) = variable(&test.field, decoded) else { return Ok(None) };
    let holds = match passing(langs, &test.operator, test.case) {
        Ok(lang) => lang,
        Err(Unclear::BudgetExhausted) => return Err(BudgetExhausted),
        Err(_) => return Ok(None),
    };
    let fails = langs.complement(holds)?;
    let (holds, fails) = match &on {
        Variable::Field(Field::Header(name), _) if name == "cookie" => {
            (holds, langs.union(vec![fails, EPSILON])?)
        }
        Variable::Field(Field::Header(_) | Field::ResponseHeader(_), _) => {
            (one_of_joined(langs, holds)?, all_of_joined(langs, fails)?)
        }
        Variable::Field(Field::ResponseContentType, _) => {
            let fails = with_parameters(langs, fails)?;
            (with_parameters(langs, holds)?, langs.union(vec![fails, EPSILON])?)
        }
        // A query that is not there is an empty one for IIS.
        Variable::Target(View { part: Part::Query, .. }) => {
            (holds, langs.union(vec![fails, EPSILON])?)
        }
        _ => (holds, fails),
    };
    Ok(Some(Literal { on: Some(on), holds, fails }))
}

fn variable(field: &Field, decoded: bool) -> Option<Variable> {
    let target = |part| Some(Variable::Target(View { part, decoded }));
    match field {
        Field::Uri => target(Part::Whole),
        Field::Path => target(Part::Path),
        Field::Query => target(Part::Query),
        Field::Host => Some(Variable::Field(Field::Header("host".into()), decoded)),
        Field::Method
        | Field::Header(_)
        | Field::ResponseContentType
        | Field::ResponseHeader(_) => Some(Variable::Field(field.clone(), decoded)),
        _ => None,
    }
}

/// What stands between two values of a repeated header: a comma, perhaps with a blank.
fn joint(langs: &mut Languages) -> Result<Language, BudgetExhausted> {
    let blank = langs.text(b" ", false)?;
    let maybe = langs.union(vec![blank, EPSILON])?;
    let comma = langs.text(b",", false)?;
    langs.concat(comma, maybe)
}

/// The joined texts of which one value is in `lang`.
fn one_of_joined(langs: &mut Languages, lang: Language) -> Result<Language, BudgetExhausted> {
    let joint = joint(langs)?;
    let head = langs.concat(SIGMA_STAR, joint)?;
    let head = langs.union(vec![head, EPSILON])?;
    let tail = langs.concat(joint, SIGMA_STAR)?;
    let tail = langs.union(vec![tail, EPSILON])?;
    let lang = langs.concat(lang, tail)?;
    langs.concat(head, lang)
}

/// The joined texts of which every value is in `lang`, or of which there is none.
fn all_of_joined(langs: &mut Languages, lang: Language) -> Result<Language, BudgetExhausted> {
    let joint = joint(langs)?;
    let another = langs.concat(joint, lang)?;
    let others = langs.repeat(another, 0, None)?;
    let some = langs.concat(lang, others)?;
    langs.union(vec![some, EPSILON])
}

/// A media type with or without parameters behind it: IIS sees the whole header.
fn with_parameters(langs: &mut Languages, lang: Language) -> Result<Language, BudgetExhausted> {
    let blank = langs.set(ByteSet::of(*b" \t"))?;
    let blanks = langs.repeat(blank, 0, None)?;
    let parameters = langs.text(b";", false)?;
    let parameters = langs.concat(parameters, SIGMA_STAR)?;
    let parameters = langs.concat(blanks, parameters)?;
    let tail = langs.union(vec![parameters, EPSILON])?;
    langs.concat(lang, tail)
}

/// A condition of IIS as the texts with which it holds.
pub(super) fn of_condition(
    langs: &mut Languages,
    condition: &Condition,
    syntax: PatternSyntax,
) -> Result<Literal, Unclear> {
    if condition.match_type != MatchType::Pattern {
        return Err(Unclear::Because("it asks whether a file or folder is there".into()));
    }
    let matched = matching(langs, &condition.pattern, syntax, condition.ignore_case)?;
    let on = input_variable(&condition.input)?;
    let other = langs.complement(matched)?;
    let (holds, fails) = if condition.negate { (other, matched) } else { (matched, other) };
    Ok(Literal { on: Some(on), holds, fails })
}

/// What an input looks at.
pub(super) fn input_variable(input: &str) -> Result<Variable, Unclear> {
    let upper = input.to_ascii_uppercase();
    let response = upper.strip_prefix("{RESPONSE_").and_then(|rest| rest.strip_suffix('}'));
    match response {
        Some("CONTENT_TYPE") => return Ok(Variable::Field(Field::ResponseContentType, false)),
        // Of the answer, and no header.
        Some("STATUS") | None => {}
        Some(name) => {
            let name = name.to_ascii_lowercase().replace('_', "-");
            return Ok(Variable::Field(Field::ResponseHeader(name), false));
        }
    }
    let unclear = || {
        let shown = stopgap_model::problem::one_line(input);
        Unclear::Because(format!("what IIS makes of the input `{shown}` is not known here"))
    };
    let (field, decode) = field_of(input).map_err(|_| unclear())?;
    variable(&field, !decode.is_empty()).ok_or_else(unclear)
}
