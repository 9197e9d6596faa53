//! One pattern for the texts that many rules need: where it is not found, none of them holds.

use std::collections::BTreeMap;

use super::MAX_PATTERN;
use super::alphabet::{alternatives, class, escape_digits};
use crate::pattern::ast::ByteSet;

/// A text that is shorter is in too many requests to keep any away.
const MIN_TEXT: usize = 3;
/// So much of a text is looked for, where it has as much.
const GOOD_TEXT: usize = 5;
/// More of a text tells little more.
const MAX_TEXT: usize = 6;
/// The bytes of request targets, the common ones first. An engine looks further only where a text
/// may begin, so texts are looked for from their rarest byte on.
const COMMON_FIRST: &[u8] = b"/eaiotnsrcldpm.uhgf-bvwy_k=012j3456789xq&?z:";

/// What of `text` is looked for; `None` if it is too short. Bytes beyond letters are rare.
pub(super) fn part_of(text: &str) -> Option<&[u8]> {
    let text = text.as_bytes();
    if text.len() < MIN_TEXT {
        return None;
    }
    let last = text.len().saturating_sub(GOOD_TEXT);
    let rarity = |byte: &u8| COMMON_FIRST.iter().position(|b| b == byte).unwrap_or(usize::MAX);
    let start = (0..=last).rev().max_by_key(|&at| rarity(&text[at]))?;
    Some(&text[start..text.len().min(start + MAX_TEXT)])
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

    fn pattern(&self) -> String {
        let ways = self.next.iter().map(|(byte, rest)| {
            let set = ByteSet::of([*byte]).folded();
            format!(r"(?:{}|\x25{}){}", class(&set), escape_digits(&set), rest.pattern())
        });
        let ways: Vec<_> = ways.collect();
        if ways.is_empty() { String::new() } else { alternatives(&ways) }
    }
}

/// The pattern that is found where one of `texts` is, in either case, as it is or percent-encoded;
/// `None` if it is too long.
pub(super) fn gate(texts: &[&[u8]]) -> Option<String> {
    let mut trie = Trie::default();
    texts.iter().for_each(|text| trie.insert(text));
    Some(trie.pattern()).filter(|pattern| pattern.len() <= MAX_PATTERN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_looked_for_from_its_rarest_byte_on() {
        assert_eq!(part_of("powershell"), Some(&b"wershe"[..]));
        assert_eq!(part_of("/setup/"), Some(&b"setup/"[..]));
        assert_eq!(part_of("/%2e"), Some(&b"/%2e"[..]));
        assert_eq!(part_of("ab"), None);
    }

    #[test]
    fn texts_that_begin_alike_share_their_beginning() {
        assert_eq!(gate(&[b"ab1", b"ab2"]).map(|g| g.matches("[Aa]").count()), Some(1));
        assert_eq!(gate(&[b"a", b"ab"]), gate(&[b"a"]));
    }
}
