//! A pattern made ready to be matched, in linear time.

use regex::bytes::{Regex, RegexBuilder};
use stopgap_model::rule::Case;

use crate::ast::Node;
use crate::captures::Captures;
use crate::emit;
use crate::error::{NotLinear, PatternError};
use crate::limits::MAX_COMPILED;
use crate::parse::parse;
use crate::starts::Starts;
use crate::table::Table;

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    matcher: Matcher,
    groups: GroupMap,
}

#[derive(Debug)]
enum Matcher {
    Plain(Regex),
    /// All parts must match at the start of the input.
    AtStart {
        looks: Vec<(bool, Regex)>,
        rest: Regex,
    },
    /// All parts must match at one position, wherever it is. `rest_regex` finds the groups there.
    AtOnePlace(Box<AtOnePlace>),
    /// It looks ahead in its middle. Where its groups are is not known.
    Table(Box<Table>),
}

#[derive(Debug)]
struct AtOnePlace {
    looks: Vec<(bool, Starts)>,
    rest: Starts,
    rest_regex: Regex,
}

/// For each group of the pattern, where it is found.
type GroupMap = Vec<GroupPlace>;

/// Where a group's text is found.
#[derive(Debug, Clone, PartialEq, Eq)]
enum GroupPlace {
    /// In this group of the compiled expression.
    Group(usize),
    /// In this group, and it is repeated: the groups that hold the last rounds of the repetitions around
    /// it, from the inner one to the outer.
    Repeated(usize, Vec<usize>),
    /// Engines differ on it, or it cannot be told.
    Unclear,
}

/// A pattern's parts: look-aheads at its head, and the rest.
struct Parts {
    at_start: bool,
    looks: Vec<(bool, Node)>,
    rest: Node,
}

impl Pattern {
    /// Compiles `source`.
    ///
    /// # Errors
    /// It is not a pattern, or cannot be matched in linear time.
    pub fn new(source: &str, case: Case) -> Result<Self, PatternError> {
        let (node, count) = parse(source, case == Case::Ignore)?;
        if node.any(&|node| matches!(node, Node::BackReference)) {
            return Err(NotLinear::BackReference.into());
        }
        if looks_elsewhere(&node) {
            let matcher = Matcher::Table(Box::new(Table::new(&node)?));
            return Ok(Self { matcher, groups: vec![GroupPlace::Unclear; count + 1] });
        }
        let parts = split(node);
        let groups = group_map(&parts, count);
        // Where a match has to begin at the start, each part is one search there.
        let matcher = match (parts.looks.is_empty(), parts.at_start) {
            (true, false) => Matcher::Plain(compile(&parts.rest, false)?),
            (true, true) => Matcher::Plain(compile(&parts.rest, true)?),
            (false, true) => {
                let looks = parts
                    .looks
                    .iter()
                    .map(|(negate, node)| compile(node, true).map(|regex| (*negate, regex)));
                Matcher::AtStart {
                    looks: looks.collect::<Result<_, _>>()?,
                    rest: compile(&parts.rest, true)?,
                }
            }
            (false, false) => {
                let looks = parts.looks.iter().map(|(negate, node)| {
                    Starts::new(&emit::expression(node)).map(|starts| (*negate, starts))
                });
                Matcher::AtOnePlace(Box::new(AtOnePlace {
                    looks: looks.collect::<Result<_, _>>()?,
                    rest: Starts::new(&emit::expression(&parts.rest))?,
                    rest_regex: compile(&parts.rest, false)?,
                }))
            }
        };
        Ok(Self { matcher, groups })
    }

    /// Whether the pattern is found in `input`.
    #[must_use]
    pub fn is_match(&self, input: &[u8]) -> bool {
        match &self.matcher {
            Matcher::Plain(regex) => regex.is_match(input),
            Matcher::AtStart { looks, rest } => {
                looks.iter().all(|(negate, regex)| regex.is_match(input) != *negate)
                    && rest.is_match(input)
            }
            Matcher::AtOnePlace(parts) => parts.place(input).is_some(),
            Matcher::Table(table) => table.is_match(input),
        }
    }

    /// The groups of a match of which nothing is known but that there is one.
    pub fn unclear(&self) -> Captures {
        Captures::unclear_of(self.groups.len())
    }

    /// The groups of the first match in `input`, if there is one.
    #[must_use]
    pub fn captures(&self, input: &[u8]) -> Option<Captures> {
        // Look-aheads have said where it matches; their groups are not asked for.
        let found = match &self.matcher {
            Matcher::Plain(regex) | Matcher::AtStart { rest: regex, .. } => {
                self.is_match(input).then(|| regex.captures(input))??
            }
            Matcher::AtOnePlace(parts) => {
                let at = parts.place(input)?;
                parts.rest_regex.captures_at(input, at)?
            }
            Matcher::Table(table) => {
                return table.is_match(input).then(|| self.unclear());
            }
        };
        let text = |place: &GroupPlace| match place {
            GroupPlace::Group(at) => {
                Some(found.get(*at).map(|m| m.as_bytes().to_vec()).unwrap_or_default())
            }
            GroupPlace::Repeated(at, rounds) => of_last_round(&found, *at, rounds),
            GroupPlace::Unclear => None,
        };
        Some(Captures::whole(self.groups.iter().map(text).collect()))
    }
}

/// The text of a group in the last round of the repetitions around it. Where it took no part in that,
/// and did in an earlier one, some engines still have that text.
fn of_last_round(
    found: &regex::bytes::Captures<'_>,
    group: usize,
    rounds: &[usize],
) -> Option<Vec<u8>> {
    let Some(text) = found.get(group) else { return Some(Vec::new()) };
    let mut inner = text.range();
    // Outer rounds hold the inner ones: a group outside of one is of a round before.
    for round in rounds {
        let outer = found.get(*round)?.range();
        if inner.start < outer.start || inner.end > outer.end {
            return None;
        }
        inner = outer;
    }
    Some(text.as_bytes().to_vec())
}

impl AtOnePlace {
    /// The first position at which every part matches.
    fn place(&self, input: &[u8]) -> Option<usize> {
        let mut places = self.rest.of(input);
        for (negate, look) in &self.looks {
            for (place, found) in places.iter_mut().zip(look.of(input)) {
                *place &= found != *negate;
            }
        }
        places.iter().position(|place| *place)
    }
}

fn is_look(node: &Node) -> bool {
    matches!(node, Node::LookAhead { .. })
}

/// Whether there is a look-ahead that does not stand at the head of the whole pattern.
fn looks_elsewhere(node: &Node) -> bool {
    let nodes = match node {
        Node::Concat(nodes) => nodes.as_slice(),
        other => std::slice::from_ref(other),
    };
    let of_head = |node: &&Node| is_look(node) || **node == Node::Start;
    let head = nodes.iter().take_while(of_head).count();
    let in_look = |node: &Node| match node {
        Node::LookAhead { node, .. } => node.any(&is_look),
        _ => false,
    };
    let (head, rest) = nodes.split_at(head);
    head.iter().any(in_look) || rest.iter().any(|node| node.any(&is_look))
}

/// Splits off the look-aheads at the head.
fn split(node: Node) -> Parts {
    let nodes = match node {
        Node::Concat(nodes) => nodes,
        other => vec![other],
    };
    let mut parts = Parts { at_start: false, looks: Vec::new(), rest: Node::empty() };
    let mut rest = Vec::new();
    for node in nodes {
        match node {
            Node::Start if rest.is_empty() => parts.at_start = true,
            Node::LookAhead { negate, node } if rest.is_empty() => {
                parts.looks.push((negate, *node));
            }
            other => rest.push(other),
        }
    }
    parts.rest = Node::Concat(rest);
    parts
}

fn compile(node: &Node, at_start: bool) -> Result<Regex, PatternError> {
    let expression = emit::expression(node);
    let expression = if at_start { format!("^(?:{expression})") } else { expression };
    RegexBuilder::new(&expression)
        .unicode(false)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .build()
        .map_err(|_| NotLinear::TooLarge.into())
}

/// Where each group is found. Groups in look-aheads are not kept.
fn group_map(parts: &Parts, count: usize) -> GroupMap {
    let map = vec![GroupPlace::Unclear; count + 1];
    if parts.rest.any(&has_empty_rounds) {
        return map;
    }
    let mut groups = Numbering { map, last: 0, rounds: Vec::new() };
    // Group 0 is the whole match.
    if let Some(whole) = groups.map.first_mut() {
        *whole = GroupPlace::Group(0);
    }
    groups.number(&parts.rest);
    groups.map
}

/// Whether a node is a repetition that can have a round without a text. ECMAScript goes back and looks
/// for another way then, and other engines do not.
fn has_empty_rounds(node: &Node) -> bool {
    let Node::Repeat { node, max, .. } = node else { return false };
    let has_other_ways =
        |node: &Node| matches!(node, Node::Alternate(_) | Node::Repeat { greedy: false, .. });
    node.first().1 && (*max != Some(1) || node.any(&has_other_ways))
}

/// Numbers groups in the order in which they stand in the compiled expression.
struct Numbering {
    map: GroupMap,
    last: usize,
    /// The groups that hold the rounds of the repetitions around, from the outer one to the inner.
    rounds: Vec<usize>,
}

impl Numbering {
    fn number(&mut self, node: &Node) {
        match node {
            Node::Group { index, node } => {
                if let Some(index) = index {
                    self.last += 1;
                    let place = match self.rounds.as_slice() {
                        [] => GroupPlace::Group(self.last),
                        rounds => {
                            GroupPlace::Repeated(self.last, rounds.iter().rev().copied().collect())
                        }
                    };
                    if let Some(known) = self.map.get_mut(*index) {
                        *known = place;
                    }
                }
                self.number(node);
            }
            Node::Repeat { node, max, .. } if emit::keeps_rounds(node, *max) => {
                self.last += 1;
                self.rounds.push(self.last);
                self.number(node);
                self.rounds.pop();
            }
            Node::Repeat { node, .. } => self.number(node),
            Node::Concat(nodes) | Node::Alternate(nodes) => {
                for node in nodes {
                    self.number(node);
                }
            }
            _ => {}
        }
    }
}
