//! What a pattern says literally: whether it is only a text, and which texts a match must contain.

use crate::ast::Node;
use crate::parse::parse;

/// A pattern that is only a text, with its anchors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal {
    /// The text.
    pub text: String,
    /// Whether it must stand at the start of the input.
    pub at_start: bool,
    /// Whether it must stand at the end of the input.
    pub at_end: bool,
}

/// `source` as a text, if it is only that.
pub fn literal(source: &str) -> Option<Literal> {
    let (node, _) = parse(source, false).ok()?;
    let nodes = match node {
        Node::Concat(nodes) => nodes,
        other => vec![other],
    };
    let (at_start, nodes) = match nodes.as_slice() {
        [Node::Start, rest @ ..] => (true, rest),
        all => (false, all),
    };
    let (at_end, nodes) = match nodes {
        [rest @ .., Node::End] => (true, rest),
        all => (false, all),
    };
    let mut bytes = Vec::new();
    collect(nodes, &mut bytes)?;
    let text = String::from_utf8(bytes).ok().filter(|text| !text.is_empty())?;
    Some(Literal { text, at_start, at_end })
}

fn collect(nodes: &[Node], bytes: &mut Vec<u8>) -> Option<()> {
    for node in nodes {
        match node {
            Node::Set(set) => {
                let mut of_set = set.iter();
                match (of_set.next(), of_set.next()) {
                    (Some(byte), None) => bytes.push(byte),
                    _ => return None,
                }
            }
            Node::Concat(nodes) => collect(nodes, bytes)?,
            _ => return None,
        }
    }
    Some(())
}

/// Texts, in lower case, of which every match contains at least one; `None` if there are none.
pub fn required(node: &Node) -> Option<Vec<Vec<u8>>> {
    match node {
        Node::Set(set) => set.single().map(|byte| vec![vec![byte.to_ascii_lowercase()]]),
        Node::Group { node, .. } => required(node),
        Node::Repeat { node, min: 1.., .. } => required(node),
        Node::Alternate(nodes) => {
            let all: Option<Vec<_>> = nodes.iter().map(required).collect();
            all.map(|texts| texts.into_iter().flatten().collect())
        }
        Node::Concat(nodes) => required_of_sequence(nodes),
        _ => None,
    }
}

/// The run of single bytes, or the part, whose shortest text is longest.
fn required_of_sequence(nodes: &[Node]) -> Option<Vec<Vec<u8>>> {
    let mut candidates = Vec::new();
    let mut run = Vec::new();
    for node in nodes {
        let single = match node {
            Node::Set(set) => set.single(),
            _ => None,
        };
        // A run of single bytes is one text; what is no byte ends it.
        match single {
            Some(byte) => run.push(byte.to_ascii_lowercase()),
            None => {
                candidates.push(vec![std::mem::take(&mut run)]);
                candidates.extend(required(node));
            }
        }
    }
    candidates.push(vec![run]);
    candidates.into_iter().max_by_key(|texts| shortest(texts)).filter(|texts| shortest(texts) > 0)
}

/// The length of the shortest of some texts.
pub fn shortest(texts: &[Vec<u8>]) -> usize {
    texts.iter().map(Vec::len).min().unwrap_or(0)
}
