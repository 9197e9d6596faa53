//! Request targets that satisfy a language in each of several views: as sent or url-decoded, the
//! whole or its path or its query. The views are followed together, byte by byte, so that what a
//! test of one view says about another is known exactly.

use std::collections::{HashSet, VecDeque};

use crate::ast::{ByteSet, of_byte};
use crate::language::{
    BudgetExhausted, EMPTY_SET, Language, Languages, SIGMA_STAR, representative_bytes,
};

/// A part of a request target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// All of it.
    Whole,
    /// What stands before the first `?`.
    Path,
    /// What stands after the first `?`; empty if there is none.
    Query,
}

/// What of a request target is looked at, and whether it is url-decoded first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct View {
    /// Which part of the target.
    pub part: Part,
    /// Whether its escapes are replaced.
    pub decoded: bool,
}

/// Line feed and carriage return: in no target, header or method as it is sent.
pub fn line_breaks() -> ByteSet {
    ByteSet::of(*b"\r\n")
}

/// A request target that is in the language of every view; `None` if there is none. No decoded byte
/// is one of `excluded`.
///
/// # Errors
/// The work that may be done does not suffice.
pub fn example_target(
    langs: &mut Languages,
    views: &[(View, Language)],
    excluded: ByteSet,
) -> Result<Option<Vec<u8>>, BudgetExhausted> {
    if let [(view, lang)] = views {
        // Every text is the decoding of one, so the view can be looked at alone.
        let excluded = match (view.decoded, view.part) {
            (true, _) => excluded,
            (false, Part::Path) => line_breaks().union(ByteSet::of(*b"?")),
            (false, _) => line_breaks(),
        };
        return langs.example(*lang, excluded);
    }
    Walk::new(langs, views, excluded)?.example()
}

/// Where the walk is in a `%` that begins no escape: no two hexadecimal digits may follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Percent {
    Far,
    Behind,
    BehindWithDigit,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    langs: Vec<Language>,
    percent: Percent,
    in_query: bool,
}

struct Walk<'a> {
    langs: &'a mut Languages,
    views: Vec<View>,
    start: State,
    bytes: Vec<u8>,
    escapes: Vec<[u8; 3]>,
}

impl<'a> Walk<'a> {
    fn new(
        langs: &'a mut Languages,
        views: &[(View, Language)],
        excluded: ByteSet,
    ) -> Result<Self, BudgetExhausted> {
        let digits = ByteSet::of((0..=u8::MAX).filter(u8::is_ascii_hexdigit));
        let special = [line_breaks(), excluded, digits, ByteSet::of(*b"%"), ByteSet::of(*b"?")];
        let stands_for = langs.representatives(&special)?;
        let percent = Percent::Far;
        Ok(Self {
            langs,
            views: views.iter().map(|(view, _)| *view).collect(),
            start: State {
                langs: views.iter().map(|(_, lang)| *lang).collect(),
                percent,
                in_query: false,
            },
            bytes: representative_bytes(&stands_for, line_breaks()),
            escapes: escapes(&stands_for, digits, excluded),
        })
    }

    /// Breadth first, so that the example is short.
    fn example(&mut self) -> Result<Option<Vec<u8>>, BudgetExhausted> {
        let mut seen = vec![(self.start.clone(), 0, Vec::new())];
        let mut met = HashSet::from([self.start.clone()]);
        let mut queue = VecDeque::from([0]);
        while let Some(at) = queue.pop_front() {
            let Some((state, ..)) = seen.get(at) else { break };
            let state = state.clone();
            if state.langs.iter().all(|&lang| self.langs.is_nullable(lang)) {
                return Ok(Some(trace(&seen, at)));
            }
            for (next, text) in self.steps(&state)? {
                if met.insert(next.clone()) {
                    queue.push_back(seen.len());
                    seen.push((next, at, text));
                }
            }
        }
        Ok(None)
    }

    fn steps(&mut self, state: &State) -> Result<Vec<(State, Vec<u8>)>, BudgetExhausted> {
        let mut steps = Vec::new();
        for byte in self.bytes.clone() {
            let Some(percent) = after(state.percent, byte) else { continue };
            if let Some(next) = self.step(state, &[byte], byte, percent)? {
                steps.push((next, vec![byte]));
            }
        }
        for escape in self.escapes.clone() {
            let value = decoded(escape);
            if let Some(next) = self.step(state, &escape, value, Percent::Far)? {
                steps.push((next, escape.to_vec()));
            }
        }
        Ok(steps)
    }

    /// The state after `sent`, which is decoded to `value`; `None` if no view goes on from there.
    fn step(
        &mut self,
        state: &State,
        sent: &[u8],
        value: u8,
        percent: Percent,
    ) -> Result<Option<State>, BudgetExhausted> {
        let splits = !state.in_query && sent == b"?";
        let mut langs = Vec::with_capacity(state.langs.len());
        for (view, &before) in self.views.iter().zip(&state.langs) {
            let sees = match view.part {
                Part::Whole => true,
                Part::Path => !state.in_query && !splits,
                Part::Query => state.in_query,
            };
            let mut lang = before;
            if sees && view.decoded {
                lang = self.langs.derive(lang, value)?;
            } else if sees {
                for &byte in sent {
                    lang = self.langs.derive(lang, byte)?;
                }
            }
            // What stands behind the question mark is none of the path.
            if view.part == Part::Path && splits {
                // The path is complete.
                lang = if self.langs.is_nullable(lang) { SIGMA_STAR } else { EMPTY_SET };
            }
            if lang == EMPTY_SET {
                return Ok(None);
            }
            langs.push(lang);
        }
        self.langs.charge(langs.len())?;
        Ok(Some(State { langs, percent, in_query: state.in_query || splits }))
    }
}

/// The escapes that some view could tell apart.
fn escapes(stands_for: &[u8; 256], digits: ByteSet, excluded: ByteSet) -> Vec<[u8; 3]> {
    let class = |byte: u8| of_byte(stands_for, byte);
    let mut met = HashSet::new();
    let pairs = digits.iter().flat_map(|high| digits.iter().map(move |low| [b'%', high, low]));
    pairs
        .filter(|&escape| !excluded.contains(decoded(escape)))
        .filter(|&[_, high, low]| {
            met.insert((class(high), class(low), class(decoded([0, high, low]))))
        })
        .collect()
}

fn decoded([_, high, low]: [u8; 3]) -> u8 {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
    digit(high) << 4 | digit(low)
}

/// Where a byte that is no part of an escape leads; `None` if it would make one.
fn after(percent: Percent, byte: u8) -> Option<Percent> {
    match (percent, byte) {
        (_, b'%') => Some(Percent::Behind),
        (Percent::Behind, byte) if byte.is_ascii_hexdigit() => Some(Percent::BehindWithDigit),
        (Percent::BehindWithDigit, byte) if byte.is_ascii_hexdigit() => None,
        _ => Some(Percent::Far),
    }
}

fn trace(seen: &[(State, usize, Vec<u8>)], mut at: usize) -> Vec<u8> {
    let mut parts = Vec::new();
    while let Some((_, before, text)) = seen.get(at).filter(|_| at != 0) {
        parts.push(text.as_slice());
        at = *before;
    }
    parts.reverse();
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: View = View { part: Part::Whole, decoded: false };
    const DECODED: View = View { part: Part::Whole, decoded: true };
    const PATH: View = View { part: Part::Path, decoded: false };
    const QUERY: View = View { part: Part::Query, decoded: false };

    /// A target of which each view is, or is not, the text.
    fn target(wanted: &[(View, &str, bool)]) -> Option<String> {
        let mut langs = Languages::new(100_000);
        let mut views = Vec::new();
        for &(view, text, is) in wanted {
            let lang = langs.text(text.as_bytes(), false).unwrap();
            views.push((view, if is { lang } else { langs.complement(lang).unwrap() }));
        }
        let found = example_target(&mut langs, &views, ByteSet::EMPTY).unwrap();
        found.map(|target| String::from_utf8(target).unwrap())
    }

    #[test]
    fn the_parts_of_a_target_make_the_whole() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(target(&[(PATH, "/a", true), (QUERY, "b?c", true)]), some("/a?b?c"));
        assert_eq!(target(&[(PATH, "/a", true), (QUERY, "", true)]), some("/a"));
        assert_eq!(target(&[(WHOLE, "/a?", true), (QUERY, "", true)]), some("/a?"));
        assert_eq!(target(&[(WHOLE, "/a?b", true), (QUERY, "b", false)]), None);
        assert_eq!(target(&[(WHOLE, "/a", true), (PATH, "/a", false)]), None);
        assert_eq!(target(&[(PATH, "/a?b", true), (WHOLE, "x", false)]), None);
    }

    #[test]
    fn a_target_is_decoded_once_and_only_where_two_digits_follow() {
        let is = |sent: &str, read: &str| {
            target(&[(WHOLE, sent, true), (DECODED, read, true)]).is_some()
        };
        for (sent, read) in [("%41", "A"), ("%2541", "%41"), ("%%41", "%A"), ("%4%41", "%4A")] {
            assert!(is(sent, read), "{sent}");
            assert_eq!(target(&[(WHOLE, sent, true), (DECODED, read, false)]), None, "{sent}");
        }
        assert!(is("%4", "%4") && is("%zz%", "%zz%") && is("a%3Fb", "a?b"));
        assert!(!is("%41", "%41") && !is("%2541", "A") && !is("a", "b"));
    }
}
