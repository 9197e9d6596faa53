//! Patterns made by chance, beside an independent backtracking engine.

use proptest::prelude::*;
use proptest::sample::select;
use stopgap_model::rule::Case;
use stopgap_pattern::{Pattern, check_document_pattern};

use super::{Found, found};

/// A pattern of ASCII characters without a look-ahead, with little repetition.
fn body() -> impl Strategy<Value = String> {
    let atoms = [
        "a", "b", "A", "/", "%", "-", ".", "[ab]", "[^a/]", "[^]", r"[\w-.]", r"[\b\n]", "[Z-a]",
        r"\w", r"\W", r"\d", r"\s", r"\S", r"\/", r"\x41", r"\u0062", r"\cJ", r"\101", r"\-", "{",
        "]", "}", "^", "$", r"\b", r"\B", "a{,2}", "",
    ];
    let atom = select(atoms.to_vec()).prop_map(str::to_owned);
    atom.prop_recursive(3, 12, 3, |inner| {
        let repeat = select(vec!["*", "+", "?", "*?", "+?", "{2}", "{1,2}", "{0}"]);
        prop_oneof![
            3 => proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(?:{a}|{b})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}|{b}")),
            1 => inner.clone().prop_map(|a| format!("({a})")),
            1 => (inner, repeat).prop_map(|(a, repeat)| format!("(?:{a}){repeat}")),
        ]
    })
}

/// A pattern with groups, repeated ones among them.
fn with_groups() -> impl Strategy<Value = String> {
    let atom = select(vec!["a", "b", "[ab]", "[^a]", "a?", "b*", ".", "ab"]);
    atom.prop_map(str::to_owned).prop_recursive(4, 12, 3, |inner| {
        let counts = select(vec!["*", "+", "?", "{2}", "{1,2}", "*?", "+?"]);
        prop_oneof![
            3 => proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            2 => inner.clone().prop_map(|a| format!("({a})")),
            3 => (inner.clone(), counts).prop_map(|(a, n)| format!("({a}){n}")),
            2 => (inner.clone(), inner).prop_map(|(a, b)| format!("(?:({a})|{b})+")),
        ]
    })
}

/// A pattern, perhaps with look-aheads at its head.
fn pattern() -> impl Strategy<Value = String> {
    let look = (any::<bool>(), body())
        .prop_map(|(negate, body)| format!("({}{body})", if negate { "?!" } else { "?=" }));
    let head = (proptest::collection::vec(look, 0..3), any::<bool>());
    (head, body()).prop_map(|((looks, anchored), body)| {
        let (start, looks) = (if anchored { "^" } else { "" }, looks.concat());
        // A choice at the top would be one of the look-aheads' branches.
        if looks.is_empty() { body } else { format!("{start}{looks}(?:{body})") }
    })
}

fn input() -> impl Strategy<Value = Vec<u8>> {
    // No byte that ECMAScript folds or counts as a blank beyond ASCII.
    proptest::collection::vec(select(b"aabAB1/%-.{},] _\n\r\x01\x08\x80".to_vec()), 0..9)
}

/// Without its `u` flag ECMAScript reads `\u{2}` as two `u`; that engine reads a code point.
fn is_read_otherwise(pattern: &str) -> bool {
    pattern.contains(r"\u{")
}

/// What an independent engine finds, in bytes read as characters.
fn expected(pattern: &str, fold: bool, input: &[u8]) -> Found {
    let text: String = input.iter().copied().map(char::from).collect();
    match regress::Regex::with_flags(pattern, if fold { "i" } else { "" }) {
        Err(_) => Found::Invalid,
        Ok(regex) if regex.find(&text).is_some() => Found::Yes,
        Ok(_) => Found::No,
    }
}

/// A piece of a class: single bytes, escapes and ranges of either, also such as Annex B allows.
fn class() -> impl Strategy<Value = String> {
    let pieces = [
        "a",
        "b",
        "-",
        "^",
        ".",
        "$",
        "/",
        "a-c",
        "Z-b",
        "+--",
        "--/",
        r"\]",
        r"\\",
        r"\-",
        r"\^",
        r"\d",
        r"\D",
        r"\w",
        r"\W",
        r"\s",
        r"\S",
        r"\w-a",
        r"a-\d",
        r"\d-\w",
        r"\b",
        r"\b-a",
        r"\B",
        r"\x41",
        r"\x4",
        r"\x41-\x43",
        r"\u0041",
        r"\u41",
        r"\u0041-b",
        r"\cA",
        r"\ca-\cz",
        r"\0",
        r"\0-9",
        r"\101",
        r"\1011",
        r"\8",
        r"\377",
        r"\400",
        r"\t",
        r"\n",
        r"\v-\f",
        r"\q",
        r"\k",
        r"\p",
        r"\/",
        "[",
        "(",
        ")",
        "{",
        "|",
        "*",
        ",",
        "1",
    ];
    let pieces = proptest::collection::vec(select(pieces.to_vec()), 0..4);
    (any::<bool>(), pieces)
        .prop_map(|(not, pieces)| format!("[{}{}]", if not { "^" } else { "" }, pieces.concat()))
}

/// Every construct of the third edition and of Annex B, one beside another.
fn construct() -> impl Strategy<Value = String> {
    let atoms = [
        "a", "b", "A", "1", "_", " ", ",", "-", "/", "%", "]", "}", "{", "a{", "a{1", "a{1,",
        "a{,1}", "a{x}", ".", "^", "$", r"\b", r"\B", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S",
        r"\t", r"\n", r"\v", r"\f", r"\r", r"\x41", r"\x4", r"\x", r"\u0041", r"\u41", r"\u",
        r"\u{2}", r"\cA", r"\cj", r"\c1", r"\c", r"\0", r"\00", r"\08", r"\012", r"\101", r"\1",
        r"\11", r"\400", r"\8", r"\9", r"\-", r"\/", r"\.", r"\q", r"\e", r"\p", r"\k", r"\z",
        r"\A", r"\{", r"\}", r"\_", r"\ ", "()", "(?:)", "(a|)", "[]", "[^]",
    ];
    let atom = prop_oneof![3 => select(atoms.to_vec()).prop_map(str::to_owned), 2 => class()];
    let counts = ["*", "+", "?", "*?", "+?", "??", "{0}", "{1}", "{2}?", "{1,}", "{0,2}", "{1,2}?"];
    atom.prop_recursive(4, 16, 4, move |inner| {
        prop_oneof![
            4 => proptest::collection::vec(inner.clone(), 1..5).prop_map(|parts| parts.concat()),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}|{b}")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}|{b})")),
            1 => inner.clone().prop_map(|a| format!("((?:{a}))")),
            1 => inner.clone().prop_map(|a| format!("(?={a})")),
            1 => inner.clone().prop_map(|a| format!("(?!{a})")),
            1 => (inner.clone(), select(counts.to_vec())).prop_map(|(a, n)| format!("(?={a}){n}")),
            2 => (inner, select(counts.to_vec())).prop_map(|(a, n)| format!("(?:{a}){n}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn an_independent_engine_agrees(pattern in pattern(), fold: bool, input in input()) {
        let case = if fold { Case::Ignore } else { Case::Exact };
        let ours = found(&pattern, case, &input);
        prop_assert_eq!(&ours, &expected(&pattern, fold, &input));
        if let Ok(pattern) = Pattern::new(&pattern, case) {
            prop_assert_eq!(pattern.captures(&input).is_some(), ours == Found::Yes);
        }
    }

    #[test]
    fn what_groups_captured_is_what_an_independent_engine_says_or_is_not_guessed(
        pattern in with_groups(),
        input in input(),
    ) {
        let Ok(ours) = Pattern::new(&pattern, Case::Exact) else { return Ok(()) };
        let input: String = input.iter().map(|&byte| char::from(byte & 0x7f)).collect();
        let Some(found) = ours.captures(input.as_bytes()) else { return Ok(()) };
        // Where rounds can be empty nothing is told of any group, and that engine can go on without end.
        if found.get(0).is_none() {
            return Ok(());
        }
        let Some(theirs) = regress::Regex::new(&pattern).unwrap().find(&input) else {
            return Ok(());
        };
        for (number, group) in theirs.groups().enumerate() {
            if let Some(text) = found.get(number) {
                let theirs = group.map(|range| &input[range]).unwrap_or_default();
                prop_assert_eq!(text, theirs.as_bytes(), "group {} in {:?}", number, &input);
            }
        }
    }

    #[test]
    fn every_construct_is_read_as_an_independent_engine_reads_it(
        pattern in construct(),
        fold: bool,
        inputs in proptest::collection::vec(input(), 6),
    ) {
        let case = if fold { Case::Ignore } else { Case::Exact };
        for input in inputs {
            let ours = found(&pattern, case, &input);
            // What cannot be matched in linear time is refused, and never guessed.
            if ours != Found::NotLinear && !is_read_otherwise(&pattern) {
                prop_assert_eq!(ours, expected(&pattern, fold, &input), "{:?}", input);
            }
        }
    }

    #[test]
    fn any_text_that_is_a_pattern_means_the_same_to_an_independent_engine(
        text in r"[ab(){}\[\]^$|?*+.,0-3:=!\\xuckdwbB-]{0,16}",
        fold: bool,
        input in input(),
    ) {
        let ours = found(&text, if fold { Case::Ignore } else { Case::Exact }, &input);
        if ours != Found::NotLinear && !is_read_otherwise(&text) {
            prop_assert_eq!(ours, expected(&text, fold, &input));
        }
    }

    #[test]
    fn any_text_is_a_pattern_or_is_refused(text in ".{0,40}", input in input()) {
        found(&text, Case::Ignore, &input);
        let _ = check_document_pattern(&text);
    }

    #[test]
    fn any_text_of_pattern_signs_is_a_pattern_or_is_refused(
        text in r"[ab(){}\[\]^$|?*+.,0-9:=!<\\xuckdwb-]{0,24}",
        input in input(),
    ) {
        found(&text, Case::Exact, &input);
        let _ = check_document_pattern(&text);
    }
}
