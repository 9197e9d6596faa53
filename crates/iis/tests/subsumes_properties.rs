//! What is said of a foreign rule holds for every request, and costs a bounded amount of work.

use proptest::prelude::*;
use proptest::sample::select;
use stopgap_iis::rewrite::{
    Action, Condition, Coverage, Entry, Evaluator, Grouping, MatchType, PatternSyntax, Rule,
    UrlMatch, Verdict, subsumes,
};
use stopgap_model::Request;
use stopgap_model::rule::{
    BlockRule, Case, Condition as When, DEFAULT_BODY_LIMIT, Decode, Deny, Field, Operator, Test,
};
use stopgap_rules::CompiledRule;

const TOO_LARGE: &str = "its patterns are too large to be compared";

fn condition(input: &str, pattern: &str, ignore_case: bool, negate: bool) -> Condition {
    Condition {
        input: input.into(),
        match_type: MatchType::Pattern,
        pattern: pattern.into(),
        ignore_case,
        negate,
    }
}

fn rule(conditions: Vec<Condition>) -> Rule {
    Rule {
        name: "foreign".into(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: false,
        url: UrlMatch { pattern: ".*".into(), ignore_case: true, negate: false },
        grouping: Grouping::MatchAll,
        track_all_captures: false,
        conditions,
        server_variables: Vec::new(),
        action: Action::AbortRequest,
    }
}

fn abort(when: When) -> BlockRule {
    BlockRule { when, deny: Deny::Abort, body_limit: DEFAULT_BODY_LIMIT }
}

fn test(field: Field, decode: &[Decode], operator: Operator, case: Case) -> When {
    When::Test(Test { field, decode: decode.to_vec(), operator, case })
}

/// Patterns of few letters, so that many of them have to do with each other.
fn pattern() -> impl Strategy<Value = String> {
    let atoms = [
        "a", "b", "A", "ab", "%", "4", "[ab]", "[^a]", "[^]", ".", ".*", ".+", "/", r"\?", "%41",
        "^", "$", r"\b", r"\B", r"\w", r"\n", "(?=.*a)", "(?=.*b)", "(?!.*a)", "a?", "b{2}", ",",
    ];
    let atom = select(atoms.to_vec()).prop_map(str::to_owned);
    let row = proptest::collection::vec(atom, 1..4).prop_map(|parts| parts.concat());
    row.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}|{b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})(?:{b})")),
            inner.clone().prop_map(|a| format!("(?:{a})*")),
            inner.prop_map(|a| format!("({a}){{1,2}}")),
        ]
    })
}

fn operator() -> impl Strategy<Value = Operator> {
    let text = || select(vec!["a", "b", "ab", "A", "%", "%41", "/a", "4", ""]);
    prop_oneof![
        3 => text().prop_map(|text| Operator::Contains(text.into())),
        1 => text().prop_map(|text| Operator::StartsWith(text.into())),
        1 => text().prop_map(|text| Operator::EndsWith(text.into())),
        1 => text().prop_map(|text| Operator::Equals(text.into())),
        3 => pattern().prop_map(Operator::Matches),
    ]
}

fn wanted() -> impl Strategy<Value = When> {
    let field = select(vec![
        Field::Uri,
        Field::Uri,
        Field::Uri,
        Field::Path,
        Field::Query,
        Field::Host,
        Field::Header("x".into()),
        Field::Header("cookie".into()),
        Field::Args,
    ]);
    let case = select(vec![Case::Ignore, Case::Exact]);
    let one = (field, any::<bool>(), operator(), case).prop_map(|(field, decoded, op, case)| {
        test(field, if decoded { &[Decode::Url] } else { &[] }, op, case)
    });
    one.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            2 => proptest::collection::vec(inner.clone(), 1..3).prop_map(When::All),
            1 => proptest::collection::vec(inner.clone(), 1..3).prop_map(When::Any),
            1 => inner.prop_map(|inner| When::Not(Box::new(inner))),
        ]
    })
}

/// A condition of a foreign rule: sometimes one that has to do with what is wanted.
fn foreign_condition() -> impl Strategy<Value = Condition> {
    let inputs = [
        "{REQUEST_URI}",
        "{UrlDecode:{REQUEST_URI}}",
        "{UrlDecode:{REQUEST_URI}}",
        "{UNENCODED_URL}",
        "{QUERY_STRING}",
        "{UrlDecode:{QUERY_STRING}}",
        "{HTTP_HOST}",
        "{HTTP_X}",
        "{UrlDecode:{HTTP_X}}",
        "{HTTP_COOKIE}",
        "{REMOTE_ADDR}",
    ];
    let negate = prop_oneof![5 => Just(false), 1 => Just(true)];
    (select(inputs.to_vec()), pattern(), any::<bool>(), negate)
        .prop_map(|(input, pattern, ignore, negate)| condition(input, &pattern, ignore, negate))
}

fn foreign() -> impl Strategy<Value = Rule> {
    let url = prop_oneof![
        6 => Just((".*".to_owned(), false)),
        1 => (select(vec!["^.*$", "", "a", "[]", "^b"]), any::<bool>())
            .prop_map(|(pattern, negate)| (pattern.to_owned(), negate)),
    ];
    let syntax = prop_oneof![
        6 => Just(PatternSyntax::EcmaScript),
        1 => Just(PatternSyntax::Wildcard),
        1 => Just(PatternSyntax::ExactMatch),
    ];
    let conditions = proptest::collection::vec(foreign_condition(), 0..3);
    (url, syntax, conditions, any::<bool>()).prop_map(|((url, negate), syntax, conditions, any)| {
        let mut rule = rule(conditions);
        rule.url = UrlMatch { pattern: url, ignore_case: true, negate };
        rule.syntax = syntax;
        if any {
            rule.grouping = Grouping::MatchAny;
        }
        rule
    })
}

/// What a mitigation wants as a rule that somebody could have written for it, or a little else.
fn near(when: &When, blur: usize) -> Option<Rule> {
    let tests: Vec<&When> = match when {
        When::All(members) => members.iter().collect(),
        one => vec![one],
    };
    let mut conditions = Vec::new();
    for one in tests {
        let (given, negate) = match one {
            When::Test(test) => (test, false),
            When::Not(inner) => match &**inner {
                When::Test(test) => (test, true),
                _ => return None,
            },
            _ => return None,
        };
        let variable = match &given.field {
            Field::Uri => "REQUEST_URI",
            Field::Query => "QUERY_STRING",
            Field::Host => "HTTP_HOST",
            Field::Header(name) if name == "cookie" => "HTTP_COOKIE",
            Field::Header(_) => "HTTP_X",
            _ => return None,
        };
        let decoded = given.decode.is_empty() == (blur == 1);
        let input = if decoded {
            format!("{{UrlDecode:{{{variable}}}}}")
        } else {
            format!("{{{variable}}}")
        };
        let text = given.operator.text();
        let pattern = match (&given.operator, blur) {
            (Operator::Matches(_), _) | (Operator::Contains(_), 0 | 1) => text.to_owned(),
            (_, 2) => format!("^.*{text}"),
            (Operator::StartsWith(_), _) => format!("^{text}"),
            (Operator::EndsWith(_), _) => format!("{text}$"),
            (Operator::Equals(_), 3) => format!("(?=^{text}$)"),
            (Operator::Equals(_), _) => format!("^{text}$"),
            (Operator::Contains(_), _) => format!("(?=.*{text})"),
        };
        conditions.push(condition(
            &input,
            &pattern,
            given.case == Case::Ignore,
            negate != (blur == 4),
        ));
    }
    Some(rule(conditions))
}

fn request() -> impl Strategy<Value = Request> {
    let piece = || {
        select(vec![
            "a", "b", "A", "B", "%41", "%62", "%0a", "%", "4", "1", "/", "?", ",", "%25", "%61b",
        ])
    };
    let text = move || {
        let pieces = prop_oneof![
            proptest::collection::vec(piece(), 0..2),
            proptest::collection::vec(piece(), 0..7),
        ];
        pieces.prop_map(|parts| parts.concat())
    };
    let headers =
        proptest::collection::vec((select(vec!["X", "X", "Host", "Cookie"]), text()), 0..4);
    (text(), headers).prop_map(|(target, headers)| {
        let mut request = Request {
            method: "GET".into(),
            target: format!("/{target}").into_bytes(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        for (name, value) in headers {
            request.headers.push((name.to_owned(), value.into_bytes()));
        }
        request
    })
}

/// Whether the rule of `evaluator` blocks; `None` if that is beyond it.
fn blocks(evaluator: &Evaluator, request: &Request) -> Option<bool> {
    let outcome = evaluator.evaluate(request);
    let blocked = matches!(outcome.verdict, Verdict::Blocked { status: None });
    (outcome.undecided.is_empty() && outcome.note.is_none()).then_some(blocked)
}

fn has_encoded_break(request: &Request) -> bool {
    let texts = request.headers.iter().map(|(_, value)| value).chain([&request.target]);
    texts.into_iter().any(|text| {
        stopgap_rules::url_decode(text).iter().any(|byte| matches!(byte, b'\r' | b'\n'))
    })
}

fn holds_for(rule: &Rule, wanted: &BlockRule, requests: &[Request]) -> Result<(), TestCaseError> {
    let coverage = subsumes(rule, wanted);
    let Ok(compiled) = CompiledRule::new(wanted) else { return Ok(()) };
    let entry = Entry { name: "foreign", rule: Ok(rule), base: "/", forbidden: None };
    let evaluator = Evaluator::new([entry], Vec::new());
    for request in requests {
        let Some(blocked) = blocks(&evaluator, request) else { continue };
        let is_wanted = compiled.blocks(request);
        let told = format!("{coverage:?} {rule:?} {wanted:?} {request:?}");
        let full = coverage.is_full()
            || matches!(coverage, Coverage::ExceptLineFeeds(_)) && !has_encoded_break(request);
        prop_assert!(!full || !is_wanted || blocked, "{told}");
        if coverage == Coverage::Same {
            prop_assert!(is_wanted || !blocked, "{told}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn what_is_said_to_be_covered_gets_past_no_rule(
        rule in foreign(),
        when in wanted(),
        requests in proptest::collection::vec(request(), 12),
    ) {
        holds_for(&rule, &abort(when), &requests)?;
    }

    #[test]
    fn what_was_written_for_the_purpose_is_judged_rightly(
        when in wanted(),
        blur in 0_usize..5,
        requests in proptest::collection::vec(request(), 24),
    ) {
        if let Some(rule) = near(&when, blur) {
            holds_for(&rule, &abort(when), &requests)?;
        }
    }

    #[test]
    fn a_single_decoded_test_is_covered_by_its_own_pattern(pattern in pattern()) {
        let operator = Operator::Matches(pattern.clone());
        let when = test(Field::Uri, &[Decode::Url], operator, Case::Ignore);
        let rule = rule(vec![condition("{UrlDecode:{REQUEST_URI}}", &pattern, true, false)]);
        let found = subsumes(&rule, &abort(when.clone()));
        let understood = CompiledRule::new(&abort(when)).is_ok();
        prop_assert!(!understood || found.is_full() || matches!(found, Coverage::NotKnown(_)));
    }

    #[test]
    fn any_text_as_a_pattern_is_judged_or_refused(
        text in r"[ab(){}\[\]^$|?*+.,0-9:=!<\\xuckdwb-]{0,24}",
        blocks in any::<bool>(),
    ) {
        let mut rule = rule(vec![condition("{UrlDecode:{REQUEST_URI}}", &text, true, false)]);
        if blocks {
            rule.url.pattern = text.clone();
        }
        let when = test(Field::Uri, &[Decode::Url], Operator::Matches(text), Case::Exact);
        let _ = subsumes(&rule, &abort(when));
    }
}

#[test]
fn a_hostile_pattern_is_not_known_instead_of_costing_much() {
    let mut words = String::new();
    for number in 0..660_u32 {
        words.push_str(&format!("{:x}z|", number.wrapping_mul(2_654_435_761) >> 16));
    }
    let words = words.trim_end_matches('|');
    let nested = format!("{}a{}", "(".repeat(60), "){8}".repeat(60));
    let hostile = [
        "((a{1000}){1000}){1000}".to_owned(),
        "(a|b){0,500}c(a|b){500}(c|d){500}".to_owned(),
        "(?:a?){1000}(?:b?){1000}a{1000}".to_owned(),
        "(?:[ab]*a[ab]{300})".to_owned(),
        "(?=.*a.{200}b)(?=.*b.{200}a)(?!.*c.{200}a)".to_owned(),
        "(.*a){30}(.*b){30}(.*c){30}(.*.{100}d){30}".to_owned(),
        r"(?:\b(?:\b(?:\b(?:\b(?:\b(?:\ba){8}){8}){8}){8}){8}){8}".to_owned(),
        format!("({words})+x({words})"),
        format!("{}b", "a?".repeat(4000)),
        format!("(?:{})+x", "(?:aa|b)".repeat(900)),
        format!("(?:{}x){{9}}", "(?:aa|)(?:bb|)".repeat(550)),
        nested,
    ];
    for pattern in &hostile {
        let rule = rule(vec![condition("{UrlDecode:{REQUEST_URI}}", pattern, true, false)]);
        let operator = Operator::Matches(r"[ab]+\d?c".into());
        let when = test(Field::Uri, &[Decode::Url], operator, Case::Ignore);
        let found = subsumes(&rule, &abort(when));
        let shown = &pattern[..pattern.len().min(40)];
        assert_eq!(found, Coverage::NotKnown(TOO_LARGE.into()), "{shown}");
        // As a raw test it is followed through the decoding as well.
        let raw = test(Field::Uri, &[], Operator::Contains("ab".into()), Case::Ignore);
        assert!(!subsumes(&rule, &abort(raw)).is_full(), "{shown}");
    }
    let many: Vec<_> = (0..3000)
        .map(|n| condition("{UrlDecode:{REQUEST_URI}}", &format!("a.*{n}"), true, false))
        .collect();
    let when = test(Field::Uri, &[Decode::Url], Operator::Contains("a".into()), Case::Ignore);
    let found = subsumes(&rule(many), &abort(when));
    assert_eq!(found, Coverage::NotKnown(TOO_LARGE.into()));
}
