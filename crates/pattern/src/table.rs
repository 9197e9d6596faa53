//! The whole automaton of a pattern, for patterns that look ahead in their middle: no other engine
//! here knows these. It is built within a bound, or the pattern is refused.

use std::collections::HashMap;

use crate::ast::{ByteSet, Node, of_byte};
use crate::error::NotLinear;
use crate::language::{
    BudgetExhausted, EMPTY_SET, Language, Languages, SIGMA_STAR, representative_bytes,
};
use crate::search::{NoLanguage, texts_with};

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
    pub(crate) fn new(node: &Node) -> Result<Self, NotLinear> {
        let mut langs = Languages::new(WORK);
        let built = texts_with(&mut langs, node)
            .and_then(|lang| Self::build(&mut langs, lang).map_err(NoLanguage::from));
        built.map_err(|error| match error {
            NoLanguage::BudgetExhausted => NotLinear::LookAheadTooLarge,
            NoLanguage::Beyond(why) => why,
        })
    }

    fn build(langs: &mut Languages, start: Language) -> Result<Self, BudgetExhausted> {
        let stands_for = langs.representatives(&[])?;
        let bytes = representative_bytes(&stands_for, ByteSet::EMPTY);
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
        // Each language that is reached is a state; equal ones are one.
        while let Some(&state) = states.get(at) {
            table.accepts.push(langs.is_nullable(state));
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
        table.settled = [SIGMA_STAR, EMPTY_SET].map(|lang| numbers.get(&lang).copied());
        Ok(table)
    }

    /// Whether the pattern is found in `input`.
    pub(crate) fn is_match(&self, input: &[u8]) -> bool {
        let mut state = 0;
        for &byte in input {
            if self.settled.contains(&Some(state)) {
                break;
            }
            let class = usize::from(of_byte(&self.class, byte));
            let next = self.next.get(state as usize * self.classes + class);
            // Every state has a next one for each class.
            let Some(&next) = next else { return false };
            state = next;
        }
        self.accepts.get(state as usize).copied().unwrap_or_default()
    }
}
