//! All the positions at which an expression matches, found in one pass from the end of the input.

use regex_automata::hybrid::dfa::{DFA, OverlappingState};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind};

use crate::error::NotLinear;
use crate::limits::MAX_COMPILED;

/// An expression whose start positions are wanted.
#[derive(Debug)]
pub(crate) struct Starts(DFA);

impl Starts {
    pub(crate) fn new(expression: &str) -> Result<Self, NotLinear> {
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        let nfa =
            thompson::Config::new().reverse(true).utf8(false).nfa_size_limit(Some(MAX_COMPILED));
        let config = DFA::config().match_kind(MatchKind::All).skip_cache_capacity_check(true);
        let dfa = DFA::builder()
            .configure(config)
            .syntax(syntax)
            .thompson(nfa)
            .build(expression)
            .map_err(|_| NotLinear::TooLarge)?;
        Ok(Self(dfa))
    }

    /// For every position of `input`, its end included, whether a match starts there.
    pub(crate) fn of(&self, input: &[u8]) -> Vec<bool> {
        let mut places = vec![false; input.len() + 1];
        let mut cache = self.0.create_cache();
        let mut state = OverlappingState::start();
        let haystack = Input::new(input);
        loop {
            // The automaton is built without a bound on its cache's use and without Unicode, so
            // it neither gives up nor quits.
            if self.0.try_search_overlapping_rev(&mut cache, &haystack, &mut state).is_err() {
                return places;
            }
            let Some(found) = state.get_match() else { return places };
            if let Some(place) = places.get_mut(found.offset()) {
                *place = true;
            }
        }
    }
}
