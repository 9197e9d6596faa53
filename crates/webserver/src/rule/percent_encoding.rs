//! A pattern over a value, as a pattern over the bytes in which the value was sent.
//!
//! Where the value is url-decoded, each byte may stand as itself or as its percent-encoding: the
//! preimage of a regular language under decoding. A `%` never stands inside another escape, so three bytes
//! are enough to see where an escape begins.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::rc::Rc;

use stopgap_model::reason::RuleReason;
use stopgap_model::rule::Field;

use super::pcre::{alternatives, class, escape_digits};
use stopgap_pattern::ast::{ByteSet, Node};
use stopgap_pattern::{MAX_SHORT_REPEAT, is_long};

/// A `%` that begins no escape.
const LONE_PERCENT: &str = r"\x25(?![0-9A-Fa-f]{2})";
/// Not the first and not the second digit of an escape. Needed only where a match begins: behind a
/// whole token the next one is aligned.
const ALIGNED: &str = r"(?:(?<!\x25)|(?![0-9A-Fa-f]{2}))(?:(?<!\x25[0-9A-Fa-f])|(?![0-9A-Fa-f]))";

/// So many choices an engine can remember: HAProxy's has 32 KiB for them, takes a full stack for no
/// match, and was seen full with 2,000 and not with 600.
const MAX_REMEMBERED: usize = 300;
/// So many bytes a pattern may be when it is compiled: PCRE, as it is built by default, has 64 KiB
/// for it (`LINK_SIZE` in its README), and a repetition is written out.
const MAX_COMPILED: usize = 48 * 1024;
/// The bytes of a compiled class.
const CLASS: usize = 40;

/// Where a value stands in what a server shows.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    /// What ends where the value begins. Empty: the value is all that is shown.
    pub(crate) head: String,
    /// Bytes, as sent, that are no part of the value.
    pub(crate) barrier: ByteSet,
    /// What holds only where the value ends.
    pub(crate) end: String,
    /// For values without the blanks at their end: what matches where something else follows a blank.
    pub(crate) inner_blank: Option<String>,
}

/// What a cookie is freed of at its ends.
pub(crate) const BLANKS: &[u8] = b"\t\n\x0C\r ";

impl Region {
    /// All that is shown.
    pub(crate) fn whole() -> Self {
        Self::new("", b"")
    }

    /// What follows `head` up to one of the bytes of `barrier`, or to the end.
    pub(crate) fn new(head: impl Into<String>, barrier: &[u8]) -> Self {
        let barrier = ByteSet::of(barrier.iter().copied());
        let end = match barrier == ByteSet::EMPTY {
            true => r"\z".into(),
            false => format!("(?!{})", class(&barrier.complement())),
        };
        Self { head: head.into(), barrier, end, inner_blank: None }
    }

    /// The same without the blanks at its end.
    pub(crate) fn trimmed(self) -> Self {
        let blanks = ByteSet::of(BLANKS.iter().copied());
        let others = class(&blanks.union(self.barrier).complement());
        let blanks = class(&blanks);
        let end = format!("(?<!{blanks})(?!{blanks}*+{others})");
        Self { end, inner_blank: Some(format!("(?={blanks}*+{others})")), ..self }
    }

    /// The pattern that matches where `node` is found in the value, which is decoded first if
    /// `decoded`.
    pub(crate) fn pattern(
        &self,
        field: &Field,
        node: &Node,
        decoded: bool,
    ) -> Result<String, RuleReason> {
        let preimage = Preimage { field, tokens: RefCell::default(), region: self, decoded };
        // What begins with the value stands right behind the head; the rest may stand further on.
        let (anchored, free) = split_start(node);
        let mut branches = Vec::new();
        if let Some(node) = anchored {
            let start = if self.head.is_empty() { r"\A" } else { "" };
            branches.push(format!("{start}{}", preimage.body(&node)?));
        }
        if let Some(node) = free {
            // Without a head the engine itself looks further on.
            let skip = match self.head.is_empty() {
                true => String::new(),
                false => format!("{}*?", class(&self.barrier.complement())),
            };
            let node = without_long_edges(node);
            branches.push(format!("{skip}{}{}", preimage.alignment(&node), preimage.body(&node)?));
        }
        Ok(format!("{}{}", self.head, alternatives(&branches)))
    }
}

/// The values that become matches when they are decoded, as a pattern over what is sent.
struct Preimage<'a> {
    field: &'a Field,
    /// What is written for each set of bytes: a pattern has few, and each several times.
    tokens: RefCell<HashMap<ByteSet, Rc<str>>>,
    region: &'a Region,
    decoded: bool,
}

impl Preimage<'_> {
    fn body(&self, node: &Node) -> Result<String, RuleReason> {
        if remembered(node) > MAX_REMEMBERED {
            return Err(RuleReason::TooManyRepetitions { field: self.field.to_string() });
        }
        if self.compiled(node) > MAX_COMPILED {
            return Err(RuleReason::PatternTooLarge { field: self.field.to_string() });
        }
        let mut out = String::new();
        self.write(node, &mut out)?;
        Ok(out)
    }

    /// How many bytes `node` is when it is compiled, at most.
    fn compiled(&self, node: &Node) -> usize {
        match node {
            Node::Set(set) => {
                // Each class in what is written is a bitmap when it is compiled.
                let token = self.token(set);
                token.len() + CLASS * token.matches('[').count()
            }
            Node::Concat(nodes) | Node::Alternate(nodes) => {
                nodes.iter().map(|node| self.compiled(node)).fold(CLASS, usize::saturating_add)
            }
            Node::Group { node, .. } => self.compiled(node),
            Node::Repeat { node, min, max, .. } => {
                // A repetition is written out as often as it may be gone through.
                let rounds = max.unwrap_or(min + 1).max(1) as usize;
                (self.compiled(node) + CLASS).saturating_mul(rounds)
            }
            _ => CLASS,
        }
    }

    /// What must hold where a match begins.
    fn alignment(&self, node: &Node) -> &'static str {
        let digits = ByteSet::of((0..=u8::MAX).filter(u8::is_ascii_hexdigit));
        if self.decoded && node.first().0.meets(&digits) { ALIGNED } else { "" }
    }

    fn write(&self, node: &Node, out: &mut String) -> Result<(), RuleReason> {
        match node {
            Node::Set(set) => out.push_str(&self.token(set)),
            Node::Concat(nodes) => nodes.iter().try_for_each(|node| self.write(node, out))?,
            Node::Alternate(nodes) => {
                out.push_str("(?:");
                for (at, node) in nodes.iter().enumerate() {
                    out.push_str(if at > 0 { "|" } else { "" });
                    self.write(node, out)?;
                }
                out.push(')');
            }
            Node::Group { node, .. } => {
                out.push_str("(?:");
                self.write(node, out)?;
                out.push(')');
            }
            Node::Repeat { node: body, min, max, .. } => {
                // What stands for one set is one item, which can be repeated without a group.
                match &**body {
                    Node::Set(set) => out.push_str(&self.token(set)),
                    body => {
                        out.push_str("(?:");
                        self.write(body, out)?;
                        out.push(')');
                    }
                }
                write_count(*min, *max, out);
                out.push_str(if is_possessive(node) { "+" } else { "" });
            }
            Node::End => out.push_str(&self.region.end),
            Node::WordBoundary { .. } if self.decoded => {
                return Err(RuleReason::DecodedBoundary { field: self.field.to_string() });
            }
            Node::WordBoundary { negate } => out.push_str(if *negate { r"\B" } else { r"\b" }),
            Node::Start => return Err(RuleReason::InnerStart { field: self.field.to_string() }),
            Node::LookAhead { .. } => {
                return Err(RuleReason::LookAhead { field: self.field.to_string() });
            }
            Node::BackReference => {
                return Err(RuleReason::BackReference { field: self.field.to_string() });
            }
        }
        Ok(())
    }

    /// One byte of a set, as itself or as an escape: one item, which can be repeated.
    fn token(&self, set: &ByteSet) -> Rc<str> {
        if let Some(known) = self.tokens.borrow().get(set) {
            return Rc::clone(known);
        }
        let token: Rc<str> = self.write_token(set).into();
        self.tokens.borrow_mut().insert(*set, Rc::clone(&token));
        token
    }

    /// The same, anew.
    fn write_token(&self, set: &ByteSet) -> String {
        let mut raw = set.intersection(self.region.barrier.complement());
        let mut ways = Vec::new();
        // A `%` as it is would be the beginning of an escape, so it stands for no byte of its own.
        if self.decoded {
            raw = raw.intersection(ByteSet::of(*b"%").complement());
        }
        if let Some(inner) = &self.region.inner_blank {
            let blanks = ByteSet::of(BLANKS.iter().copied());
            // A blank is part of the value only where something else follows it.
            if raw.meets(&blanks) {
                ways.push(class(&raw.intersection(blanks)) + inner);
            }
            raw = raw.intersection(blanks.complement());
        }
        if raw != ByteSet::EMPTY {
            ways.insert(0, class(&raw));
        }
        if self.decoded && *set != ByteSet::EMPTY {
            ways.push(format!(r"\x25{}", escape_digits(set)));
        }
        if self.decoded && set.contains(b'%') {
            ways.push(LONE_PERCENT.into());
        }
        // No byte, one way that is one item already, or several in a group.
        match ways.as_slice() {
            [] => class(&ByteSet::EMPTY),
            [_] if raw != ByteSet::EMPTY => ways.concat(),
            _ => format!("(?:{})", ways.join("|")),
        }
    }
}

/// Nothing that follows a long repetition can be part of it, and what is repeated so often matches
/// in one way only (others are refused): to give back what it took never helps.
fn is_possessive(node: &Node) -> bool {
    is_long(node) || matches!(node, Node::Repeat { max: Some(max), .. } if *max > MAX_SHORT_REPEAT)
}

/// How many choices an engine remembers at most while it matches `node`.
fn remembered(node: &Node) -> usize {
    match node {
        Node::Set(_) => 1,
        Node::Concat(nodes) => nodes.iter().map(remembered).fold(0, usize::saturating_add),
        Node::Alternate(nodes) => 1 + nodes.iter().map(remembered).max().unwrap_or(0),
        Node::Group { node, .. } => remembered(node),
        Node::Repeat { node: body, max, .. } => {
            let rounds = if is_possessive(node) { 1 } else { max.unwrap_or(1).max(1) as usize };
            remembered(body).saturating_mul(rounds).saturating_add(1)
        }
        _ => 0,
    }
}

fn write_count(min: u32, max: Option<u32>, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = match (min, max) {
        (0, None) => write!(out, "*"),
        (1, None) => write!(out, "+"),
        (0, Some(1)) => write!(out, "?"),
        (min, None) => write!(out, "{{{min},}}"),
        (min, Some(max)) => write!(out, "{{{min},{max}}}"),
    };
}

/// The matches that begin with the value, without the `^` that says so, and those that begin
/// anywhere.
fn split_start(node: &Node) -> (Option<Node>, Option<Node>) {
    match node {
        Node::Start => (Some(Node::empty()), None),
        Node::Group { node, .. } => split_start(node),
        Node::Alternate(nodes) => {
            let (mut anchored, mut free) = (Vec::new(), Vec::new());
            for node in nodes {
                let (a, f) = split_start(node);
                anchored.extend(a);
                free.extend(f);
            }
            let one_of = |nodes: Vec<Node>| (!nodes.is_empty()).then_some(Node::Alternate(nodes));
            (one_of(anchored), one_of(free))
        }
        Node::Concat(nodes) => {
            let Some((first, rest)) = nodes.split_first() else {
                return (None, Some(Node::empty()));
            };
            let (anchored, free) = split_start(first);
            let with_rest = |head: Node| {
                Node::Concat(std::iter::once(head).chain(rest.iter().cloned()).collect())
            };
            (anchored.map(with_rest), free.map(with_rest))
        }
        other => (None, Some(other.clone())),
    }
}

/// A match that may begin and end anywhere, with its first and its last repetition as short as may
/// be: it is found in the same values, and a near miss costs less.
fn without_long_edges(node: Node) -> Node {
    let Node::Concat(mut nodes) = node else { return shortest_repetition(node) };
    for at in [0, nodes.len().saturating_sub(1)] {
        if let Some(edge) = nodes.get_mut(at) {
            *edge = shortest_repetition(std::mem::replace(edge, Node::empty()));
        }
    }
    Node::Concat(nodes)
}

fn shortest_repetition(node: Node) -> Node {
    match node {
        Node::Repeat { node, min, greedy, .. } => {
            Node::Repeat { node, min, max: Some(min), greedy }
        }
        other => other,
    }
}
