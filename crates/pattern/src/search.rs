//! The language of the texts in which a pattern is found.

use super::ast::{ByteSet, Node};
use super::language::{ANYTHING, BLANK, Lang, Languages, NOTHING, Spent};

/// Repetitions of something with an assertion in it are written out up to this.
const MAX_WRITTEN_OUT: u32 = 8;

/// Why a pattern has no language here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoLanguage {
    /// It is too large for the work allowed.
    Spent,
    /// What it asks for; a sentence without full stop.
    Beyond(&'static str),
}

impl From<Spent> for NoLanguage {
    fn from(Spent: Spent) -> Self {
        Self::Spent
    }
}

/// What stands before a place: the start of the text, or a byte that is not of a word, or one that
/// is. Assertions see no more of it.
const START: usize = 0;
const OTHER: usize = 1;
const WORD: usize = 2;

/// The texts that may follow a place, for each of what can stand before it.
type Follow = [Lang; 3];

/// The texts in which `node` is found, wherever it is in them.
pub fn texts_with(langs: &mut Languages, node: &Node) -> Result<Lang, NoLanguage> {
    let here = before(langs, node, [ANYTHING; 3])?;
    if here == [here[START]; 3] {
        return Ok(langs.then(ANYTHING, here[START])?);
    }
    let mut found = vec![here[START]];
    for (byte, here) in [(word().complement(), here[OTHER]), (word(), here[WORD])] {
        let byte = langs.set(byte)?;
        let here = langs.then(byte, here)?;
        found.push(langs.then(ANYTHING, here)?);
    }
    Ok(langs.any(found)?)
}

/// The bytes of words, as `\b` sees them.
fn word() -> ByteSet {
    ByteSet::of((b'a'..=b'z').chain(b'A'..=b'Z').chain(b'0'..=b'9').chain(*b"_"))
}

/// The texts that begin with `node` and go on with `follow`.
fn before(langs: &mut Languages, node: &Node, follow: Follow) -> Result<Follow, NoLanguage> {
    langs.spend(1)?;
    match node {
        Node::Set(set) => byte_before(langs, *set, follow),
        Node::Concat(nodes) => {
            nodes.iter().rev().try_fold(follow, |follow, node| before(langs, node, follow))
        }
        Node::Alternate(nodes) => {
            let branches = nodes.iter().map(|node| before(langs, node, follow));
            let branches = branches.collect::<Result<Vec<_>, _>>()?;
            each(|at| Ok(langs.any(branches.iter().map(|branch| branch[at]).collect())?))
        }
        Node::Group { node, .. } => before(langs, node, follow),
        Node::Repeat { node, min, max, .. } => repeat_before(langs, node, *min, *max, follow),
        Node::Start => Ok([follow[START], NOTHING, NOTHING]),
        Node::End => each(|at| Ok(langs.all(vec![BLANK, follow[at]])?)),
        Node::WordBoundary { negate } => {
            let set = langs.set(word())?;
            let word_next = langs.then(set, ANYTHING)?;
            let other_next = langs.not(word_next)?;
            each(|at| {
                let differs = (at == WORD) == *negate;
                let next = if differs { word_next } else { other_next };
                Ok(langs.all(vec![next, follow[at]])?)
            })
        }
        Node::LookAhead { negate, node } => {
            let ahead = before(langs, node, [ANYTHING; 3])?;
            each(|at| {
                let ahead = if *negate { langs.not(ahead[at])? } else { ahead[at] };
                Ok(langs.all(vec![ahead, follow[at]])?)
            })
        }
        Node::BackReference => Err(NoLanguage::Beyond("it refers back to a group")),
    }
}

fn each(mut of: impl FnMut(usize) -> Result<Lang, NoLanguage>) -> Result<Follow, NoLanguage> {
    Ok([of(START)?, of(OTHER)?, of(WORD)?])
}

fn byte_before(langs: &mut Languages, set: ByteSet, follow: Follow) -> Result<Follow, NoLanguage> {
    if follow[OTHER] == follow[WORD] {
        let byte = langs.set(set)?;
        return Ok([langs.then(byte, follow[WORD])?; 3]);
    }
    let of_word = langs.set(set.intersection(word()))?;
    let of_word = langs.then(of_word, follow[WORD])?;
    let other = langs.set(set.intersection(word().complement()))?;
    let other = langs.then(other, follow[OTHER])?;
    Ok([langs.any(vec![of_word, other])?; 3])
}

fn repeat_before(
    langs: &mut Languages,
    node: &Node,
    min: u32,
    max: Option<u32>,
    follow: Follow,
) -> Result<Follow, NoLanguage> {
    if node.any(&is_assertion) {
        return written_out(langs, node, min, max, follow);
    }
    let once = before(langs, node, [BLANK; 3])?[START];
    let repeated = langs.repeat(once, min, max)?;
    if follow == [follow[START]; 3] {
        return Ok([langs.then(repeated, follow[START])?; 3]);
    }
    // What follows depends on the last byte of the repetition, or on what stands before it.
    let mut ways = Vec::new();
    for (last, follow) in [(word(), follow[WORD]), (word().complement(), follow[OTHER])] {
        let last = langs.set(last)?;
        let ends_so = langs.then(ANYTHING, last)?;
        let ends_so = langs.all(vec![repeated, ends_so])?;
        ways.push(langs.then(ends_so, follow)?);
    }
    let may_be_empty = langs.has_blank(repeated);
    each(|at| {
        let mut ways = ways.clone();
        ways.extend(may_be_empty.then_some(follow[at]));
        Ok(langs.any(ways)?)
    })
}

/// A repetition round by round. A round that matches nothing may be left out: it would only ask for
/// more.
fn written_out(
    langs: &mut Languages,
    node: &Node,
    min: u32,
    max: Option<u32>,
    follow: Follow,
) -> Result<Follow, NoLanguage> {
    let Some(max) = max.filter(|&max| max <= MAX_WRITTEN_OUT) else {
        return Err(NoLanguage::Beyond("it repeats an assertion such as `^` or a look-ahead"));
    };
    let mut rest = follow;
    for round in (0..max).rev() {
        let another = before(langs, node, rest)?;
        rest = if round < min {
            another
        } else {
            each(|at| Ok(langs.any(vec![another[at], follow[at]])?))?
        };
    }
    Ok(rest)
}

fn is_assertion(node: &Node) -> bool {
    matches!(
        node,
        Node::Start
            | Node::End
            | Node::WordBoundary { .. }
            | Node::LookAhead { .. }
            | Node::BackReference
    )
}
