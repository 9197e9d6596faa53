//! What a pattern would cost in the engine of a web server, which backtracks.
//!
//! A pattern is refused if there is more than one way to match the same text: then the engine
//! tries them all on a near miss, and a request can be made to cost more than a site can bear.

use stopgap_model::rule::Case;

use crate::ast::{ByteSet, Node};
use crate::error::{NotLinear, PatternError};
use crate::parse::parse;
use crate::pattern::Pattern;

/// Counted repetitions up to this are tried in bounded time.
pub const MAX_SHORT_REPEAT: u32 = 16;
/// How many bytes a pattern may match at most with its repetitions written out, counted with all
/// choices: an engine makes a state of each. The longest of the built-in catalog has some 60.
const MAX_WRITTEN_OUT: u64 = 4096;
/// In how many ways a text may be matched at one place.
const MAX_WAYS: u64 = 1024;

/// Whether a mitigation document may carry `source`.
///
/// # Errors
/// Why not, and what to write instead.
pub fn check_document_pattern(source: &str) -> Result<(), PatternError> {
    let (node, _) = parse(source, true)?;
    if node.any(&|node| matches!(node, Node::LookAhead { .. })) {
        return Err(NotLinear::LookAhead.into());
    }
    if written_out(&node) > MAX_WRITTEN_OUT {
        return Err(NotLinear::TooLongWrittenOut.into());
    }
    Pattern::new(source, Case::Ignore)?;
    let node = without_edge_repetitions(node);
    check(&node, ByteSet::EMPTY)?;
    if ways(&node, ByteSet::EMPTY) > MAX_WAYS {
        return Err(NotLinear::TooManyWays.into());
    }
    Ok(())
}

/// How many bytes `source` has with its counted repetitions written out, as far as a document may carry
/// it; more than any may if it cannot be read.
#[must_use]
pub fn pattern_size(source: &str) -> u64 {
    let size = parse(source, true).map_or(u64::MAX, |(node, _)| written_out(&node));
    size.min(MAX_WRITTEN_OUT + 1)
}

fn written_out(node: &Node) -> u64 {
    match node {
        Node::Concat(nodes) | Node::Alternate(nodes) => {
            nodes.iter().map(written_out).fold(1, u64::saturating_add)
        }
        Node::Group { node, .. } | Node::LookAhead { node, .. } => written_out(node),
        Node::Repeat { node, min, max, .. } => {
            let times = max.unwrap_or(min.saturating_add(1)).max(1);
            written_out(node).saturating_mul(times.into())
        }
        _ => 1,
    }
}

/// Without the repetitions at its edges, which an unanchored search does not need.
#[must_use]
pub fn without_edge_repetitions(node: Node) -> Node {
    let Node::Concat(mut nodes) = node else { return node };
    while nodes.first().is_some_and(is_edge) {
        nodes.remove(0);
    }
    while nodes.last().is_some_and(is_edge) {
        nodes.pop();
    }
    Node::Concat(nodes)
}

fn is_edge(node: &Node) -> bool {
    match node {
        Node::Repeat { min: 0, max: None, node, .. } => matches!(**node, Node::Set(_)),
        Node::Group { node, .. } => is_edge(node),
        _ => false,
    }
}

/// Whether it is a repetition that matches texts of many lengths.
#[must_use]
pub fn is_long(node: &Node) -> bool {
    matches!(node, Node::Repeat { max: None, .. })
        || matches!(node, Node::Repeat { min, max: Some(max), .. } if max > min && *max > MAX_SHORT_REPEAT)
}

/// `follow` is what the text after this node can begin with.
fn check(node: &Node, follow: ByteSet) -> Result<(), NotLinear> {
    match node {
        Node::Concat(nodes) => {
            let mut follow = follow;
            // From its end: what follows a part is known before the part is looked at.
            for node in nodes.iter().rev() {
                check(node, follow)?;
                let (first, nullable) = node.first();
                follow = if nullable { first.union(follow) } else { first };
            }
            Ok(())
        }
        Node::Alternate(nodes) => nodes.iter().try_for_each(|node| check(node, follow)),
        Node::Group { node, .. } => check(node, follow),
        Node::Repeat { node: body, .. } if is_long(node) => check_repetition(body, follow),
        // One round can be followed by the next.
        Node::Repeat { node, max: Some(2..), .. } => check(node, node.first().0.union(follow)),
        Node::Repeat { node, .. } => check(node, follow),
        _ => Ok(()),
    }
}

fn check_repetition(body: &Node, follow: ByteSet) -> Result<(), NotLinear> {
    if body.any(&is_long) {
        return Err(NotLinear::RepeatedRepetition);
    }
    let (first, nullable) = body.first();
    if nullable {
        return Err(NotLinear::RepeatedEmpty);
    }
    if body.any(&branches_begin_alike) {
        return Err(NotLinear::RepeatedChoice);
    }
    if first.meets(&follow) {
        return Err(NotLinear::UnclearEnd);
    }
    if ways(body, first.union(follow)) > 1 {
        return Err(NotLinear::RepeatedAmbiguity);
    }
    check(body, first.union(follow))
}

fn branches_begin_alike(node: &Node) -> bool {
    let Node::Alternate(nodes) = node else { return false };
    let firsts: Vec<(ByteSet, bool)> = nodes.iter().map(Node::first).collect();
    let mut rest = firsts.as_slice();
    while let Some(((set, _), others)) = rest.split_first() {
        if others.iter().any(|(other, _)| set.meets(other)) {
            return true;
        }
        rest = others;
    }
    false
}

/// In how many ways `node` can match one text at one place, at most; `follow` is what the text after
/// it can begin with. A long repetition has one way: others are refused.
fn ways(node: &Node, follow: ByteSet) -> u64 {
    match node {
        Node::Concat(nodes) => {
            let (mut follow, mut product) = (follow, 1_u64);
            for node in nodes.iter().rev() {
                product = product.saturating_mul(ways(node, follow));
                let (first, nullable) = node.first();
                follow = if nullable { first.union(follow) } else { first };
            }
            product
        }
        Node::Alternate(nodes) => {
            let each = nodes.iter().map(|node| ways(node, follow));
            if branches_begin_alike(node) {
                each.fold(0, u64::saturating_add)
            } else {
                each.max().unwrap_or(1)
            }
        }
        Node::Group { node, .. } => ways(node, follow),
        Node::Repeat { node: body, min, max: Some(max), .. } => {
            let (first, nullable) = body.first();
            let once = ways(body, first.union(follow)).saturating_mul(1 + u64::from(nullable));
            let lengths = if min < max && first.meets(&follow) { max - min + 1 } else { 1 };
            once.saturating_pow(*max).saturating_mul(lengths.into())
        }
        _ => 1,
    }
}
