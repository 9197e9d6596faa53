//! One pattern for the texts that many rules need. Where it is not found, none of the rules matches, so that
//! a request that is no attack costs a few patterns instead of one for each rule.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::rule::MAX_PATTERN;
use crate::rule::pcre::{self, alternatives, class, escape_digits};
use stopgap_pattern::ast::ByteSet;

/// A shorter text is in too many requests to filter any out.
const MIN_TEXT: usize = 3;
/// How many bytes of a text are looked for at least, if it has as many.
const GOOD_TEXT: usize = 4;
/// How many bytes of a text are looked for at most: more filter out little more.
const MAX_TEXT: usize = 6;
/// The bytes of request targets, the common ones first.
const COMMON_FIRST: &[u8] = b"/eaiotnsrcldpm.uhgf-bvwy_k=012j3456789xq&?z:";

/// Returns whether looking for `text` filters requests out.
pub(crate) fn is_telling(text: &str) -> bool {
    text.len() >= MIN_TEXT
}

/// Where in `text` the part that is looked for can begin.
fn places(text: &str) -> &[u8] {
    text.as_bytes().get(..=text.len().saturating_sub(GOOD_TEXT)).unwrap_or_default()
}

/// Estimates how often `byte` is in a target: the inverse of its rank.
fn commonness(byte: u8) -> usize {
    COMMON_FIRST.iter().position(|&b| b == byte).map_or(1, |rank| 1000 / (rank + 1))
}

/// Chooses few and rare bytes so that each of `texts` has one where its searched part can begin. An engine
/// continues only where a text may begin, so the fewer such places a request has, the less it costs.
pub(crate) fn starts(texts: &[&str]) -> ByteSet {
    rare(texts.iter().map(|text| places(text).to_vec()).collect())
}

/// Chooses few and rare bytes so that each of `left` has one of them.
fn rare(mut left: Vec<Vec<u8>>) -> ByteSet {
    for bytes in &mut left {
        bytes.sort_unstable();
        bytes.dedup();
    }
    let mut starts = ByteSet::EMPTY;
    loop {
        // Of the bytes that are left, the one that is the rarest for each text that it is in. Every round
        // takes one byte away, so there are at most 256, and in fact few.
        let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
        for byte in left.iter().flatten() {
            *counts.entry(*byte).or_default() += 1;
        }
        let cost = |(byte, count): (u8, usize)| (1000 * commonness(byte) / count, byte);
        let Some((_, best)) = counts.into_iter().map(cost).min() else { return starts };
        starts.insert(best);
        left.retain(|bytes| !bytes.contains(&best));
    }
}

/// Returns the part of `text` that is looked for: from its rarest byte of `starts` on.
pub(crate) fn part_of<'a>(text: &'a str, starts: &ByteSet) -> &'a [u8] {
    let of_starts = places(text).iter().enumerate().filter(|(_, byte)| starts.contains(**byte));
    let start = of_starts.min_by_key(|(_, byte)| commonness(**byte)).map_or(0, |(at, _)| at);
    shortened(text.as_bytes().get(start..).unwrap_or_default())
}

/// Cuts a text to the length that is looked for.
fn shortened(text: &[u8]) -> &[u8] {
    text.get(..MAX_TEXT).unwrap_or(text)
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

    /// Writes what is found where one of the texts is, `byte` writing what each of its bytes may be;
    /// `None` if it is too long, and then only as much as is needed to know it. Where several ways go on,
    /// all but one fail: each begins with one class, which fails fast.
    fn write(&self, byte: &dyn Fn(u8) -> String, out: &mut String) -> Option<()> {
        let several = self.next.len() > 1;
        out.push_str(if several { "(?:" } else { "" });
        for (at, (first, rest)) in self.next.iter().enumerate() {
            out.push_str(if at > 0 { "|" } else { "" });
            out.push_str(&byte(*first));
            rest.write(byte, out)?;
        }
        out.push_str(if several { ")" } else { "" });
        (out.len() <= MAX_PATTERN).then_some(())
    }
}

/// A byte in either case, as it is or percent-encoded.
fn encoded_or_not(byte: u8) -> String {
    let set = ByteSet::of([byte]).folded();
    let first = class(&set.union(ByteSet::of(*b"%")));
    match byte {
        b'%' => format!(r"{first}(?:25)?"),
        _ => format!(r"{first}(?:(?<!\x25)|{})", escape_digits(&set)),
    }
}

/// The pattern that is found where one of `texts` is, in either case, as it is or percent-encoded;
/// `None` if it is too long.
pub(crate) fn prefilter(texts: &[&[u8]]) -> Option<String> {
    let mut trie = Trie::default();
    texts.iter().for_each(|text| trie.insert(text));
    let mut pattern = String::new();
    trie.write(&encoded_or_not, &mut pattern)?;
    Some(pattern)
}

/// The parts of `text` that can be looked for: of letters and digits, which ordinary requests do not
/// encode; the text itself where it has no word.
fn words(text: &str) -> Vec<&[u8]> {
    let bytes = text.as_bytes();
    let is_word = |byte: &&u8| byte.is_ascii_alphanumeric();
    let from = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        shortened(rest.get(..rest.iter().take_while(is_word).count()).unwrap_or_default())
    };
    let all: Vec<&[u8]> =
        (0..bytes.len()).map(from).filter(|part| part.len() >= MIN_TEXT).collect();
    if all.is_empty() { vec![bytes] } else { all }
}

/// Of these parts the one from the rarest byte of `starts` on, and of those the longest.
fn telling<'a>(parts: &[&'a [u8]], starts: &ByteSet) -> Option<&'a [u8]> {
    let of_starts = parts.iter().filter_map(|part| {
        let first = part.first().filter(|first| starts.contains(**first))?;
        Some((commonness(*first), Reverse(part.len()), *part))
    });
    of_starts.min_by_key(|(commonness, length, _)| (*commonness, *length)).map(|(.., part)| part)
}

/// A cheaper pattern for more texts than one prefilter holds, without regard to case: it is found where a
/// word of one of `texts` is as it is, and where a byte of any of these words is percent-encoded.
/// `None` if it is too long.
pub(crate) fn coarse_prefilter(texts: &[&str]) -> Option<String> {
    let words: Vec<Vec<&[u8]>> = texts.iter().map(|text| words(text)).collect();
    let firsts =
        |parts: &Vec<&[u8]>| parts.iter().filter_map(|part| part.first().copied()).collect();
    let starts = rare(words.iter().map(firsts).collect());
    let (mut trie, mut bytes) = (Trie::default(), ByteSet::EMPTY);
    for part in words.iter().filter_map(|parts| telling(parts, &starts)) {
        trie.insert(&part.to_ascii_lowercase());
        part.iter().for_each(|byte| bytes.insert(*byte));
    }
    let mut raw = String::new();
    trie.write(&pcre::byte, &mut raw)?;
    let encoded = format!(r"\x25{}", escape_digits(&bytes.folded()));
    let pattern = alternatives(&[raw, encoded]);
    Some(pattern).filter(|pattern| pattern.len() <= MAX_PATTERN)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
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
        let pattern = prefilter(&[b"ab1", b"ab2"]).unwrap();
        assert_eq!(pattern.matches("Aa]").count(), 1);
        assert_eq!(prefilter(&[b"a", b"ab"]), prefilter(&[b"a"]));
    }
}
