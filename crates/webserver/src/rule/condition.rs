//! Conditions of documents as clauses: each test becomes a pattern over what a server shows.

use stopgap_model::reason::RuleReason;
use stopgap_model::rule::{Case, Condition, Decode, Operator, Test};
use stopgap_pattern::ast::{ByteSet, Node};
use stopgap_pattern::{
    PatternError, check_document_pattern, parse, required, without_edge_repetitions,
};

use super::clause::{Clause, Match};
use super::fields::view;
use super::server::{MAX_PATTERN, Server};

/// `condition`, in its canonical form, in terms of `server`.
pub(super) fn clause(server: &Server, condition: &Condition) -> Result<Clause, RuleReason> {
    let all = |members: &[Condition]| {
        members.iter().map(|c| clause(server, c)).collect::<Result<Vec<_>, _>>()
    };
    Ok(match condition {
        Condition::All(members) => Clause::All(all(members)?),
        Condition::Any(members) => Clause::Any(all(members)?),
        Condition::Test(test) => Clause::Match(of_test(server, test)?),
        Condition::Not(inner) => match &**inner {
            Condition::Test(test) => Clause::Not(of_test(server, test)?),
            _ => return Err(RuleReason::NegatedGroup),
        },
    })
}

fn of_test(server: &Server, test: &Test) -> Result<Match, RuleReason> {
    let decoded = match test.decode.as_slice() {
        [] => false,
        [Decode::Url] => true,
        _ => return Err(RuleReason::Decoding { field: test.field.to_string() }),
    };
    let node = node_of(test)?;
    let view = view(server, test, &node)?;
    let mut patterns = vec![view.region.pattern(&test.field, &node, decoded)?];
    patterns.extend(view.others);
    let pattern = patterns.join("|");
    if pattern.len() > MAX_PATTERN {
        let field = test.field.to_string();
        return Err(RuleReason::PatternTooLong { field, most: MAX_PATTERN });
    }
    // Another pattern may be found where none of the texts is.
    let needs = if patterns.len() == 1 { needs_of(&node) } else { Vec::new() };
    Ok(Match { input: view.input, pattern, needs })
}

/// What `test` looks for in a value.
fn node_of(test: &Test) -> Result<Node, RuleReason> {
    let fold = test.case == Case::Ignore;
    let with_case = |set: ByteSet| if fold { set.folded() } else { set };
    let (at_start, at_end) = match &test.operator {
        Operator::Matches(source) => {
            let bad = |error: PatternError| RuleReason::BadPattern { why: error.to_string() };
            check_document_pattern(source).map_err(bad)?;
            let (node, _) = parse(source, fold).map_err(bad)?;
            return Ok(without_edge_repetitions(node));
        }
        Operator::Contains(_) => (false, false),
        Operator::StartsWith(_) => (true, false),
        Operator::EndsWith(_) => (false, true),
        Operator::Equals(_) => (true, true),
    };
    let text = test.operator.text().bytes().map(|b| Node::Set(with_case(ByteSet::of([b]))));
    let (start, end) = (at_start.then_some(Node::Start), at_end.then_some(Node::End));
    Ok(Node::Concat(start.into_iter().chain(text).chain(end).collect()))
}

/// The texts that a value must have one of, where they are all ASCII.
fn needs_of(node: &Node) -> Vec<String> {
    let texts = required(node).unwrap_or_default();
    let ascii = |text: Vec<u8>| String::from_utf8(text).ok().filter(|text| text.is_ascii());
    texts.into_iter().map(ascii).collect::<Option<_>>().unwrap_or_default()
}
