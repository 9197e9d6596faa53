//! One pattern for the texts that many rules need: where it is not found, none of them holds.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::rule::MAX_PATTERN;
use crate::rule::pcre::{self, alternatives, class, escape_digits};
use stopgap_pattern::ast::ByteSet;

/// A text that is shorter is in too many requests to keep any away.
const MIN_TEXT: usize = 3;
/// So much of a text is looked for, where it has as much.
const GOOD_TEXT: usize = 4;
/// More of a text tells little more.
const MAX_TEXT: usize = 6;
/// The bytes of request targets, the common ones first.
const COMMON_FIRST: &[u8] = b"/eaiotnsrcldpm.uhgf-bvwy_k=012j3456789xq&?z:";

/// Whether looking for `text` keeps requests away.
pub(crate) fn is_telling(text: &str) -> bool {
    text.len() >= MIN_TEXT
}

/// Where in `text` the part that is looked for can begin.
fn places(text: &str) -> &[u8] {
    &text.as_bytes()[..=text.len().saturating_sub(GOOD_TEXT)]
}

/// How often `byte` is in a target: about as one over its rank.
fn commonness(byte: u8) -> usize {
    COMMON_FIRST.iter().position(|&b| b == byte).map_or(1, |rank| 1000 / (rank + 1))
}

/// Bytes, rare and few, one of which every one of `texts` has where a part of it can begin. An
/// engine looks further only where a text may begin, so the fewer such places a request has, the
/// less it costs.
pub(crate) fn starts(texts: &[&str]) -> ByteSet {
    rare(texts.iter().map(|text| places(text).to_vec()).collect())
}

/// Bytes, rare and few, one of which every one of `left` has.
fn rare(mut left: Vec<Vec<u8>>) -> ByteSet {
    let mut starts = ByteSet::EMPTY;
    while !left.is_empty() {
        let cost = |byte: &u8| {
            let covered = left.iter().filter(|places| places.contains(byte)).count();
            (covered > 0).then(|| 1000 * commonness(*byte) / covered)
        };
        let best = (0..=u8::MAX).filter_map(|byte| Some((cost(&byte)?, byte))).min();
        let Some((_, best)) = best else { return starts };
        starts.insert(best);
        left.retain(|places| !places.contains(&best));
    }
    starts
}

/// What of `text` is looked for: from its rarest byte of `starts` on.
pub(crate) fn part_of<'a>(text: &'a str, starts: &ByteSet) -> &'a [u8] {
    let of_starts = places(text).iter().enumerate().filter(|(_, byte)| starts.contains(**byte));
    let start = of_starts.min_by_key(|(_, byte)| commonness(**byte)).map_or(0, |(at, _)| at);
    &text.as_bytes()[start..text.len().min(start + MAX_TEXT)]
}

/// Texts by their first bytes. A text that begins with another one is not needed beside it.
#[derive(Debug, Default)]
struct Trie {
    next: BTreeMap<u8, Trie>,
    ends: bool,
}

impl Trie {
    fn insert(&mut self, text: &[u8]) {
        match text.split_first() {
            None => {
                self.ends = true;
                self.next.clear();
            }
            Some((first, rest)) if !self.ends => self.next.entry(*first).or_default().insert(rest),
            Some(_) => {}
        }
    }

    /// The texts as they are.
    fn raw(&self) -> String {
        let ways = self.next.iter().map(|(byte, rest)| pcre::byte(*byte) + &rest.raw());
        let ways: Vec<_> = ways.collect();
        if ways.is_empty() { String::new() } else { alternatives(&ways) }
    }

    /// Where several ways go on, all but one fail: each begins with one class, which fails fast.
    fn pattern(&self) -> String {
        let ways = self.next.iter().map(|(byte, rest)| {
            let set = ByteSet::of([*byte]).folded();
            let first = class(&set.union(ByteSet::of(*b"%")));
            let rest = rest.pattern();
            match byte {
                b'%' => format!(r"{first}(?:25)?{rest}"),
                _ => format!(r"{first}(?:(?<!\x25)|{}){rest}", escape_digits(&set)),
            }
        });
        let ways: Vec<_> = ways.collect();
        if ways.is_empty() { String::new() } else { alternatives(&ways) }
    }
}

/// The pattern that is found where one of `texts` is, in either case, as it is or percent-encoded;
/// `None` if it is too long.
pub(crate) fn gate(texts: &[&[u8]]) -> Option<String> {
    let mut trie = Trie::default();
    texts.iter().for_each(|text| trie.insert(text));
    Some(trie.pattern()).filter(|pattern| pattern.len() <= MAX_PATTERN)
}

/// The parts of `text` that can be looked for: of letters and digits, which ordinary requests do not
/// encode; the text itself where it has no word.
fn words(text: &str) -> Vec<&[u8]> {
    let bytes = text.as_bytes();
    let from = |at: usize| {
        let end = bytes[at..].iter().position(|byte| !byte.is_ascii_alphanumeric());
        let end = end.map_or(bytes.len(), |length| at + length).min(at + MAX_TEXT);
        &bytes[at..end]
    };
    let all: Vec<&[u8]> =
        (0..bytes.len()).map(from).filter(|part| part.len() >= MIN_TEXT).collect();
    if all.is_empty() { vec![bytes] } else { all }
}

/// Of these parts the one from the rarest byte of `starts` on, and of those the longest.
fn telling<'a>(parts: &[&'a [u8]], starts: &ByteSet) -> Option<&'a [u8]> {
    let of_starts = parts.iter().filter(|part| starts.contains(part[0]));
    of_starts.min_by_key(|part| (commonness(part[0]), Reverse(part.len()))).copied()
}

/// A cheaper pattern for more texts than one gate holds, without regard to case: it is found where a
/// word of one of `texts` is as it is, and where a byte of any of these words is percent-encoded.
/// `None` if it is too long.
pub(crate) fn front(texts: &[&str]) -> Option<String> {
    let words: Vec<Vec<&[u8]>> = texts.iter().map(|text| words(text)).collect();
    let firsts = |parts: &Vec<&[u8]>| parts.iter().map(|part| part[0]).collect();
    let starts = rare(words.iter().map(firsts).collect());
    let (mut trie, mut bytes) = (Trie::default(), ByteSet::EMPTY);
    for part in words.iter().filter_map(|parts| telling(parts, &starts)) {
        trie.insert(&part.to_ascii_lowercase());
        part.iter().for_each(|byte| bytes.insert(*byte));
    }
    let encoded = format!(r"\x25{}", escape_digits(&bytes.folded()));
    let pattern = alternatives(&[trie.raw(), encoded]);
    Some(pattern).filter(|pattern| pattern.len() <= MAX_PATTERN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_looked_for_from_its_rarest_byte_on() {
        let part = |text: &'static str| part_of(text, &starts(&[text]));
        assert_eq!(part("powershell"), b"wershe");
        assert_eq!(part("/setup/"), b"setup/");
        assert_eq!(part("/a%2e"), b"a%2e");
        assert_eq!(part("abc"), b"abc");
        assert!(!is_telling("ab"));
    }

    #[test]
    fn texts_are_looked_for_from_bytes_that_they_share() {
        let all = ["jndi:ldap", "autodiscover", "discover"];
        let starts = starts(&all);
        assert!(all.iter().all(|text| starts.contains(part_of(text, &starts)[0])));
        assert!(starts.iter().count() <= 2);
    }

    #[test]
    fn texts_that_begin_alike_share_their_beginning() {
        assert_eq!(gate(&[b"ab1", b"ab2"]).map(|g| g.matches("Aa]").count()), Some(1));
        assert_eq!(gate(&[b"a", b"ab"]), gate(&[b"a"]));
    }
}
