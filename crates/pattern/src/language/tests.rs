//! Languages are what their definitions say.

use super::*;

/// A text that is in one of the languages and not in the other.
fn difference(langs: &mut Languages, one: Language, other: Language) -> Option<Vec<u8>> {
    for (inner, outer) in [(one, other), (other, one)] {
        let outside = langs.complement(outer).unwrap();
        let both = langs.intersection(vec![inner, outside]).unwrap();
        if let Some(text) = langs.example(both, ByteSet::EMPTY).unwrap() {
            return Some(text);
        }
    }
    None
}

#[test]
fn a_language_said_in_two_ways_is_one() {
    let mut langs = Languages::new(10_000);
    let either = langs.set(ByteSet::of(*b"ab")).unwrap();
    let star = langs.repeat(either, 0, None).unwrap();
    let other = langs.set(ByteSet::of(*b"ab").complement()).unwrap();
    let has_other = langs.concat(other, SIGMA_STAR).unwrap();
    let has_other = langs.concat(SIGMA_STAR, has_other).unwrap();
    let none_other = langs.complement(has_other).unwrap();
    assert_eq!(difference(&mut langs, star, none_other), None);
    let some = langs.repeat(either, 1, None).unwrap();
    assert_eq!(difference(&mut langs, star, some), Some(Vec::new()));
    let three = langs.repeat(either, 3, Some(3)).unwrap();
    let up_to_three = langs.repeat(either, 0, Some(3)).unwrap();
    assert_eq!(difference(&mut langs, three, up_to_three), Some(Vec::new()));
    let word = langs.text(b"aB", true).unwrap();
    let word_in_case = langs.text(b"ab", false).unwrap();
    let found = difference(&mut langs, word, word_in_case).unwrap();
    assert!(["aB", "Ab", "AB"].map(str::as_bytes).contains(&found.as_slice()), "{found:?}");
}

#[test]
fn an_example_keeps_clear_of_what_is_excluded() {
    let mut langs = Languages::new(10_000);
    let line_feed = langs.text(b"\n", false).unwrap();
    let letter = langs.text(b"xyz", false).unwrap();
    let either = langs.union(vec![line_feed, letter]).unwrap();
    assert_eq!(langs.example(either, ByteSet::EMPTY).unwrap(), Some(b"\n".to_vec()));
    assert_eq!(langs.example(either, ByteSet::of(*b"\n")).unwrap(), Some(b"xyz".to_vec()));
    assert_eq!(langs.example(line_feed, ByteSet::of(*b"\n")).unwrap(), None);
}

#[test]
fn work_that_is_used_up_stays_used_up() {
    let mut langs = Languages::new(100);
    let a = langs.text(b"a", false).unwrap();
    let a = langs.concat(SIGMA_STAR, a).unwrap();
    let any = langs.set(ByteSet::FULL).unwrap();
    let tail = langs.repeat(any, 50, Some(50)).unwrap();
    let hard = langs.concat(a, tail).unwrap();
    assert_eq!(langs.example(hard, ByteSet::EMPTY), Err(BudgetExhausted));
    assert_eq!(langs.charge(1), Err(BudgetExhausted));
}
