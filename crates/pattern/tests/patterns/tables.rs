//! What patterns match, and which are refused: tables made by hand.

use stopgap_model::rule::Case;
use stopgap_pattern::{Pattern, check_document_pattern};

use super::{Found, assert_found, found};

#[test]
fn the_dot_is_any_byte_but_a_line_break() {
    let cases: [(&str, &[u8], bool); 8] = [
        ("a.b", b"a\nb", false),
        ("a.b", b"a\rb", false),
        ("a.b", b"a\xffb", true),
        ("a.b", b"a\0b", true),
        (r"a[\s\S]b", b"a\nb", true),
        ("a[^]b", b"a\nb", true),
        ("a[]b", b"ab", false),
        ("^.$", "é".as_bytes(), false),
    ];
    assert_found(Case::Exact, &cases);
}

#[test]
fn classes_and_escapes_are_read_as_annex_b_reads_them() {
    let cases: [(&str, &[u8], bool); 30] = [
        (r"^[\w-.]+$", b"a-.b_9", true),
        (r"^[\w-.]+$", b"a/b", false),
        (r"^[.-\d]$", b"-", true),
        (r"^[a-c]$", b"b", true),
        (r"^[-a]$", b"-", true),
        (r"^[a-]$", b"-", true),
        (r"^[^/\r\n]$", b"/", false),
        (r"^[\]]$", b"]", true),
        (r"^[\b]$", b"\x08", true),
        (r"^[\cA]$", b"\x01", true),
        (r"\/owa\/", b"/owa/", true),
        (r"^\u0041$", b"A", true),
        (r"^\u0041$", b"a", false),
        (r"^\u00e9$", "é".as_bytes(), true),
        (r"^\u41$", b"u41", true),
        (r"^\cA$", b"\x01", true),
        (r"^\cj$", b"\n", true),
        (r"^\c1$", br"\c1", true),
        (r"^\x2f\x2F$", b"//", true),
        (r"^\xfF$", b"\xff", true),
        (r"^\x4$", b"x4", true),
        (r"^\101$", b"A", true),
        (r"^\8$", b"8", true),
        (r"^\0$", b"\0", true),
        (r"^\t\v\f$", b"\t\x0b\x0c", true),
        (r"^\s$", b"\xa0", false),
        (r"^\D\W\S$", b"a-b", true),
        (r"^\D\W\S$", b"1-b", false),
        (r"\bps\b", b"/ps/", true),
        (r"\bps\b", b"/aps/", false),
    ];
    assert_found(Case::Exact, &cases);
}

#[test]
fn braces_that_say_no_count_are_literal_and_counts_count() {
    let cases: [(&str, &[u8], bool); 10] = [
        ("a{", b"a{", true),
        ("^a{,2}$", b"a{,2}", true),
        ("^a{,2}$", b"aa", false),
        ("^a{x}$", b"a{x}", true),
        ("^a}]$", b"a}]", true),
        ("^a{2}$", b"aa", true),
        ("^a{2}$", b"aaa", false),
        ("^a{2,}$", b"aaaa", true),
        ("^a{2,3}?$", b"aaa", true),
        ("^é{2}$", "éé".as_bytes(), true),
    ];
    assert_found(Case::Exact, &cases);
}

#[test]
fn anchors_are_the_ends_of_the_input_and_nothing_else() {
    let cases: [(&str, &[u8], bool); 8] = [
        ("^b", b"a\nb", false),
        ("a$", b"a\nb", false),
        ("a$", b"a\n", false),
        ("^$", b"", true),
        ("^$", b"\n", false),
        ("a^b", b"ab", false),
        ("^a|b$", b"xb", true),
        ("^a|b$", b"xa", false),
    ];
    assert_found(Case::Exact, &cases);
}

#[test]
fn ignoring_case_is_of_ascii_letters_only() {
    let cases: [(&str, &[u8], bool); 9] = [
        ("PowerShell", b"pOWERsHELL", true),
        ("[a-c]{3}", b"aBC", true),
        ("^[^a]$", b"A", false),
        ("^[Z-a]$", b"z", true),
        ("k", "\u{212a}".as_bytes(), false),
        ("é", "É".as_bytes(), false),
        ("é", "é".as_bytes(), true),
        (r"^\xe9$", b"\xc9", false),
        ("^@$", b"`", false),
    ];
    assert_found(Case::Ignore, &cases);
    assert_found(Case::Exact, &[("PowerShell", b"powershell", false)]);
}

#[test]
fn look_aheads_at_the_head_must_all_hold_at_one_place() {
    let eems = "(?=.*autodiscover)(?=.*powershell)";
    let cases: [(&str, &[u8], bool); 19] = [
        (eems, b"/autodiscover/x?PowerShell", true),
        (eems, b"/powershell?a@autodiscover", true),
        (eems, b"/autodiscover/", false),
        (eems, b"/powershell/", false),
        // One line must have both: a decoded %0a between them hides them from this pattern.
        (eems, b"/autodiscover/\npowershell", false),
        (eems, b"/autodiscover/\rpowershell", false),
        (eems, b"x\n/autodiscover/powershell", true),
        ("^(?=.*a)(?=.*b)", b"x\nab", false),
        ("^(?=.*a)(?=.*b)", b"xba", true),
        ("(?=.*a)^b", b"bca", true),
        ("(?=.*a)^b", b"cba", false),
        ("^(?!.*safe)", b"/x", true),
        ("^(?!.*safe)", b"/safe", false),
        ("(?!a)b", b"ab", true),
        ("(?!a)", b"a", true),
        ("^(?!a)", b"a", false),
        ("^(?!/owa)(?=.*ecp)/", b"/ecp/", true),
        ("^(?!/owa)(?=.*ecp)/", b"/owa/ecp", false),
        (r"(?=a)\Ba", b"ba", true),
    ];
    assert_found(Case::Ignore, &cases);
}

#[test]
fn look_aheads_in_the_middle_are_seen_where_they_stand() {
    let cases: [(&str, &[u8], bool); 22] = [
        ("^/foo(?!bar)", b"/foobaz", true),
        ("^/foo(?!bar)", b"/foobar", false),
        ("foo(?!bar)", b"foobar foo", true),
        ("a(?=b)", b"ab", true),
        ("a(?=b)", b"ac", false),
        ("a(?=b)c", b"abc", false),
        ("a(?=b)b", b"ab", true),
        ("(?:(?=a)b|c)", b"c", true),
        ("(?:(?=a)b|c)", b"b", false),
        ("^/(?!owa|ecp)[^/]+/x", b"/ews/x", true),
        ("^/(?!owa|ecp)[^/]+/x", b"/owa/x", false),
        (r"\.json(?!\?)|powershell", b"x.json?powershell", true),
        (r"\.json(?!\?)|powershell", b"x.json?", false),
        ("^(?=.*b)a(?=.*c)", b"acb", true),
        ("^(?=.*b)a(?=.*c)", b"ac", false),
        (r"x(?=\b)", b"x-", true),
        (r"x(?=\b)", b"xy", false),
        ("(?=(?=a)b)c", b"abc", false),
        ("(?=(?!b)[ab])c|a", b"a", true),
        ("(?=a)*b", b"b", true),
        ("(?=a){2}[ab]", b"b", false),
        ("(?=a){2}[ab]", b"A", true),
    ];
    assert_found(Case::Ignore, &cases);
    let captures = Pattern::new("(a)(?=b)", Case::Ignore).unwrap().captures(b"ab").unwrap();
    assert_eq!([captures.get(0), captures.get(1), captures.get(2)], [None, None, Some(&b""[..])]);
}

#[test]
fn a_character_beyond_ascii_in_a_class_is_the_bytes_of_its_utf_8() {
    let cases: [(&str, &[u8], bool); 8] = [
        ("^[é]$", "é".as_bytes(), true),
        ("^[é]$", b"\xc3", false),
        ("^[aéß]{3}$", "ßaé".as_bytes(), true),
        ("^[aé]$", b"A", true),
        (r"^[\u00e9]$", "é".as_bytes(), true),
        (r"^[é-\d]$", b"-", true),
        (r"^[\c1]$", b"\x11", true),
        (r"^[\c_]$", b"\x1f", true),
    ];
    assert_found(Case::Ignore, &cases);
}

#[test]
fn what_is_no_pattern_is_told_from_what_cannot_be_matched() {
    for bad in ["*", "+a", "(", ")", "a)", "[", "[b-a]", "a**", "a{2,1}", r"\", "(?<=", "?"] {
        assert_eq!(found(bad, Case::Ignore, b""), Found::Invalid, "{bad}");
    }
    let deep = format!("{}a{}", "(".repeat(70), ")".repeat(70));
    let long = "a".repeat(8 * 1024 + 1);
    let beyond = [r"(a)\1", "(?<=a)b", "(?<!a)b", "(?<n>a)", "(?:(?=a)b)*", "a{1001}"];
    let wide = [
        "[^é]",
        "[à-é]",
        r"\ud800",
        "(?=.*a.{200}b)c(?=d)",
        "((a{1000}){1000}){1000}",
        &deep,
        &long,
    ];
    for bad in beyond.into_iter().chain(wide) {
        assert_eq!(found(bad, Case::Ignore, b""), Found::NotLinear, "{bad}");
    }
}

#[test]
fn a_document_may_carry_only_patterns_that_cost_little_where_they_run() {
    let refused = [
        "(a+)+",
        "(a|a)*",
        "(a|ab)*c",
        "(a?)*b",
        "(a*)*",
        "(?:a+|b)+c",
        "x.*.*y",
        ".+/.+~",
        "a.*b.*b",
        r"\w+\d+x",
        "a{1,100}a{1,100}b",
        "(a|a){16}b",
        "((a|a){16}){16}b",
        "(?:a?){16}a{16}b",
        "a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaab",
        "(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)b",
        "(a{1,16}){1,16}b",
        "(?:a?a?b)+c",
        "(a+){2,16}b",
        "(?=.*a)(?=.*b)",
        "^(?!/owa)",
        "a(?=b)",
        "(?=a)*b",
        r"(a)\1",
        "*",
    ];
    for bad in refused {
        assert!(check_document_pattern(bad).is_err(), "{bad}");
    }
    let accepted = [
        r"X-BEResource=.[^/\r\n]*/.[^~\r\n]*~.",
        "^%ad",
        "X-AnonResource-Backend",
        "^text/html",
        r"^/owa/?($|\?|default\.aspx|projection\.aspx|readingPane\.aspx|popout\.aspx)",
        ".*autodiscover.*",
        "[^/]+/[^?]+",
        r"(?:%[0-9a-f]{2})+/",
        "a{2,4}b",
        "(ab|cd)*e",
        "(ab|cd){2,16}e",
        "(a[^/]+/){2}b",
        "autodiscover|auth|aut",
        "^/(?:ecp|ews|exchange)/?$",
        "https?://[a-z]{1,8}:",
    ];
    for good in accepted {
        assert_eq!(check_document_pattern(good), Ok(()), "{good}");
    }
}

#[test]
fn groups_are_those_of_the_match_and_unclear_ones_are_not_guessed() {
    let groups = |pattern: &str, input: &[u8]| {
        let captures = Pattern::new(pattern, Case::Ignore).unwrap().captures(input)?;
        let text = |n| captures.get(n).map(|text| String::from_utf8_lossy(text).into_owned());
        Some([text(0), text(1), text(2)])
    };
    let some = |texts: [&str; 3]| Some(texts.map(|text| Some(text.to_owned())));
    assert_eq!(groups("^(.*)/(.*)$", b"a/b/c"), some(["a/b/c", "a/b", "c"]));
    assert_eq!(groups("(a)|(b)", b"xb"), some(["b", "", "b"]));
    assert_eq!(groups("(?:x)(y)?", b"x"), some(["x", "", ""]));
    assert_eq!(groups("a", b"b"), None);
    assert_eq!(groups("^(?=.*b)(a)(.)", b"axb"), some(["ax", "a", "x"]));
    assert_eq!(groups("(?=.b)(a)(.)", b"axab"), some(["ab", "a", "b"]));
    // What stands before the place of the match is seen there too.
    assert_eq!(groups(r"(?=a)\B(a)(c)", b"acbac"), some(["ac", "a", "c"]));
    assert_eq!(groups("(?=b)(^|b)(c|)", b"abc"), some(["bc", "b", "c"]));
    // A group in a repetition has the text of the last round.
    assert_eq!(groups("^(?:([^/]+)/)*(.*)$", b"a/b/c"), some(["a/b/c", "b", "c"]));
    assert_eq!(
        groups("^(?:(a|b)(c)?)+$", b"acb").map(|found| found[1].clone()),
        Some(Some("b".into()))
    );
    // One that took no part in it is empty or has an earlier text: engines differ.
    let unclear = |texts: [Option<&str>; 3]| Some(texts.map(|text| text.map(str::to_owned)));
    assert_eq!(groups("^(?:(a|b)(c)?)+$", b"acb"), unclear([Some("acb"), Some("b"), None]));
    // A round without a text leads engines to different matches; a look-ahead's group is not kept.
    assert_eq!(groups("(?:(a?)|(b))*", b"ab"), unclear([None, None, None]));
    assert_eq!(groups("(?=(a))(?:a|(b))*", b"ab"), unclear([Some("ab"), None, Some("b")]));
}
