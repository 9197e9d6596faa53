//! The whole automaton of a pattern, for patterns that look ahead in their middle: no other engine
//! here knows these. It is built within a bound, or the pattern is refused.

use std::collections::HashMap;

use super::PatternError;
use super::ast::{ByteSet, Node};
use super::language::{ANYTHING, Lang, Languages, NOTHING, Spent, single};
use super::search::{NoLanguage, texts_with};

/// The work that building one may cost.
const WORK: u64 = 200_000;

/// An automaton that has read some of an input.
#[derive(Debug)]
pub(crate) struct Table {
    class: [u8; 256],
    classes: usize,
    /// For each state and class, the next state.
    next: Vec<u32>,
    accepts: Vec<bool>,
    /// The states in which what follows does not matter any more.
    settled: [Option<u32>; 2],
}

impl Table {
    pub(crate) fn new(node: &Node) -> Result<Self, PatternError> {
        let mut langs = Languages::new(WORK);
        let built = texts_with(&mut langs, node)
            .and_then(|lang| Self::build(&mut langs, lang).map_err(NoLanguage::from));
        built.map_err(|error| {
            PatternError::NotLinear(match error {
                NoLanguage::Spent => "it looks ahead, and is too large when it is compiled".into(),
                NoLanguage::Beyond(why) => why.into(),
            })
        })
    }

    fn build(langs: &mut Languages, start: Lang) -> Result<Self, Spent> {
        let stands_for = langs.representatives(&[])?;
        let bytes = single(&stands_for, ByteSet::EMPTY);
        let place = |byte: u8| bytes.binary_search(&byte).unwrap_or_default() as u8;
        let mut table = Self {
            class: stands_for.map(place),
            classes: bytes.len(),
            next: Vec::new(),
            accepts: Vec::new(),
            settled: [None, None],
        };
        let (mut states, mut numbers) = (vec![start], HashMap::from([(start, 0)]));
        let mut at = 0;
        while let Some(&state) = states.get(at) {
            table.accepts.push(langs.has_blank(state));
            for &byte in &bytes {
                let next = langs.derive(state, byte)?;
                let number = *numbers.entry(next).or_insert_with(|| {
                    states.push(next);
                    states.len() as u32 - 1
                });
                table.next.push(number);
            }
            at += 1;
        }
        table.settled = [ANYTHING, NOTHING].map(|lang| numbers.get(&lang).copied());
        Ok(table)
    }

    /// Whether the pattern is found in `input`.
    pub(crate) fn is_match(&self, input: &[u8]) -> bool {
        let mut state = 0;
        for &byte in input {
            if self.settled.contains(&Some(state)) {
                break;
            }
            let class = usize::from(self.class[usize::from(byte)]);
            state = self.next[state as usize * self.classes + class];
        }
        self.accepts[state as usize]
    }
}
