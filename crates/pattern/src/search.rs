//! The language of the texts in which a pattern is found.

use crate::ast::{ByteSet, Node};
use crate::error::NotLinear;
use crate::language::{BudgetExhausted, EMPTY_SET, EPSILON, Language, Languages, SIGMA_STAR};

/// Repetitions of something with an assertion in it are written out up to this.
const MAX_WRITTEN_OUT: u32 = 8;

/// Why a pattern has no language here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoLanguage {
    /// It is too large for the work allowed.
    BudgetExhausted,
    /// What it asks for is beyond an automaton.
    Beyond(NotLinear),
}

impl From<BudgetExhausted> for NoLanguage {
    fn from(BudgetExhausted: BudgetExhausted) -> Self {
        Self::BudgetExhausted
    }
}

/// What stands before a place: the start of the text, or a byte that is not of a word, or one that
/// is. Assertions see no more of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Start,
    Other,
    Word,
}

/// The texts that may follow a place, for each of what can stand before it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Follow {
    start: Language,
    other: Language,
    word: Language,
}

impl Follow {
    /// The same texts, whatever stands before.
    fn always(texts: Language) -> Self {
        Self { start: texts, other: texts, word: texts }
    }

    fn each(
        mut of: impl FnMut(Before) -> Result<Language, NoLanguage>,
    ) -> Result<Self, NoLanguage> {
        Ok(Self { start: of(Before::Start)?, other: of(Before::Other)?, word: of(Before::Word)? })
    }

    fn after(self, before: Before) -> Language {
        match before {
            Before::Start => self.start,
            Before::Other => self.other,
            Before::Word => self.word,
        }
    }

    /// The texts, where they do not depend on what stands before.
    fn if_always(self) -> Option<Language> {
        (self == Self::always(self.start)).then_some(self.start)
    }
}

/// The texts in which `node` is found, wherever it is in them.
///
/// # Errors
/// It has no language here, or the work that may be done does not suffice.
pub fn texts_with(langs: &mut Languages, node: &Node) -> Result<Language, NoLanguage> {
    let here = before(langs, node, Follow::always(SIGMA_STAR))?;
    if let Some(here) = here.if_always() {
        return Ok(langs.concat(SIGMA_STAR, here)?);
    }
    let mut found = vec![here.start];
    for (byte, here) in [(word().complement(), here.other), (word(), here.word)] {
        let byte = langs.set(byte)?;
        let here = langs.concat(byte, here)?;
        found.push(langs.concat(SIGMA_STAR, here)?);
    }
    Ok(langs.union(found)?)
}

/// The bytes of words, as `\b` sees them.
fn word() -> ByteSet {
    ByteSet::of((b'a'..=b'z').chain(b'A'..=b'Z').chain(b'0'..=b'9').chain(*b"_"))
}

/// The texts that begin with `node` and go on with `follow`.
fn before(langs: &mut Languages, node: &Node, follow: Follow) -> Result<Follow, NoLanguage> {
    langs.charge(1)?;
    match node {
        Node::Set(set) => byte_before(langs, *set, follow),
        // From its end: what follows a part is known before the part is looked at.
        Node::Concat(nodes) => {
            nodes.iter().rev().try_fold(follow, |follow, node| before(langs, node, follow))
        }
        Node::Alternate(nodes) => {
            let branches = nodes.iter().map(|node| before(langs, node, follow));
            let branches = branches.collect::<Result<Vec<_>, _>>()?;
            Follow::each(|at| Ok(langs.union(branches.iter().map(|b| b.after(at)).collect())?))
        }
        Node::Group { node, .. } => before(langs, node, follow),
        Node::Repeat { node, min, max, .. } => repeat_before(langs, node, *min, *max, follow),
        Node::Start => Ok(Follow { other: EMPTY_SET, word: EMPTY_SET, ..follow }),
        Node::End => Follow::each(|at| Ok(langs.intersection(vec![EPSILON, follow.after(at)])?)),
        Node::WordBoundary { negate } => {
            let set = langs.set(word())?;
            let word_next = langs.concat(set, SIGMA_STAR)?;
            let other_next = langs.complement(word_next)?;
            Follow::each(|at| {
                let differs = (at == Before::Word) == *negate;
                let next = if differs { word_next } else { other_next };
                Ok(langs.intersection(vec![next, follow.after(at)])?)
            })
        }
        Node::LookAhead { negate, node } => {
            let ahead = before(langs, node, Follow::always(SIGMA_STAR))?;
            Follow::each(|at| {
                let ahead = ahead.after(at);
                let ahead = if *negate { langs.complement(ahead)? } else { ahead };
                Ok(langs.intersection(vec![ahead, follow.after(at)])?)
            })
        }
        Node::BackReference => Err(NoLanguage::Beyond(NotLinear::BackReference)),
    }
}

fn byte_before(langs: &mut Languages, set: ByteSet, follow: Follow) -> Result<Follow, NoLanguage> {
    if follow.other == follow.word {
        let byte = langs.set(set)?;
        return Ok(Follow::always(langs.concat(byte, follow.word)?));
    }
    let of_word = langs.set(set.intersection(word()))?;
    let of_word = langs.concat(of_word, follow.word)?;
    let other = langs.set(set.intersection(word().complement()))?;
    let other = langs.concat(other, follow.other)?;
    Ok(Follow::always(langs.union(vec![of_word, other])?))
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
    // Without an assertion in it, it is the same wherever it stands.
    let once = before(langs, node, Follow::always(EPSILON))?.start;
    let repeated = langs.repeat(once, min, max)?;
    if let Some(follow) = follow.if_always() {
        return Ok(Follow::always(langs.concat(repeated, follow)?));
    }
    // What follows depends on the last byte of the repetition, or on what stands before it.
    let mut ways = Vec::new();
    for (last, follow) in [(word(), follow.word), (word().complement(), follow.other)] {
        let last = langs.set(last)?;
        let ends_so = langs.concat(SIGMA_STAR, last)?;
        let ends_so = langs.intersection(vec![repeated, ends_so])?;
        ways.push(langs.concat(ends_so, follow)?);
    }
    let may_be_empty = langs.is_nullable(repeated);
    Follow::each(|at| {
        let mut ways = ways.clone();
        ways.extend(may_be_empty.then_some(follow.after(at)));
        Ok(langs.union(ways)?)
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
        return Err(NoLanguage::Beyond(NotLinear::RepeatedAssertion));
    };
    let mut rest = follow;
    for round in (0..max).rev() {
        let another = before(langs, node, rest)?;
        rest = if round < min {
            another
        } else {
            // The optional rounds end here, or go on.
            Follow::each(|at| Ok(langs.union(vec![another.after(at), follow.after(at)])?))?
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
