//! A rule means the same however it is written: simplified, among others, or as an IIS rule.

use proptest::prelude::*;
use stopgap_iis::rewrite::{Entry, Evaluator, Verdict, read, translate};
use stopgap_model::Request;
use stopgap_model::rule::{
    BlockRule, Case, Condition, DEFAULT_BODY_LIMIT, Decode, Deny, Field, Operator, Test,
};
use stopgap_rules::{CompiledRule, RuleSet, Scratch, simplify};

fn field() -> impl Strategy<Value = Field> {
    prop_oneof![
        1 => Just(Field::Method),
        4 => Just(Field::Uri),
        2 => Just(Field::Query),
        1 => Just(Field::Host),
        3 => Just(Field::Header("x-a".into())),
        1 => Just(Field::Header("cookie".into())),
        1 => Just(Field::Header("host".into())),
        1 => Just(Field::Cookie("a".into())),
        1 => Just(Field::Path),
        1 => Just(Field::Arg("a".into())),
        1 => Just(Field::HeaderNames),
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    let texts = [
        "a", "b", "ab", "a/", "/", "B", ".", "a.*", "(", "", " b", "b ", ",", "=", "%61", "|", "é",
    ];
    let text = proptest::sample::select(texts.to_vec()).prop_map(str::to_owned);
    let patterns = [
        "a",
        "^a",
        "a$",
        "^a$",
        "a.b",
        ".*a.*",
        "(.*)ab(.*)",
        ".*",
        "(.*)",
        "a|b",
        r"\.",
        r"a\.*",
        "^/a",
        "[ab]b",
        "[^,]b",
        " b",
        r"\sb",
        "a?b",
        "a?",
        r"\bb",
        "^(?!.*a)",
        "(?=.*a)(?=.*b)",
        r"a\/",
        r"\x61",
        "A+",
        r"a\\",
        r"\u00e9",
        "^",
        "$",
        ".*^a",
        "a$.*",
        "a.*?",
        "[.*]",
        "=",
    ];
    let pattern = proptest::sample::select(patterns.to_vec()).prop_map(str::to_owned);
    prop_oneof![
        1 => text.clone().prop_map(Operator::Equals),
        1 => text.clone().prop_map(Operator::Contains),
        1 => text.clone().prop_map(Operator::StartsWith),
        1 => text.prop_map(Operator::EndsWith),
        4 => pattern.prop_map(Operator::Matches),
    ]
}

fn test() -> impl Strategy<Value = Condition> {
    let case = prop_oneof![Just(Case::Ignore), Just(Case::Exact)];
    let decode = prop_oneof![2 => Just(vec![]), 1 => Just(vec![Decode::Url])];
    (field(), decode, operator(), case)
        .prop_map(|(field, decode, operator, case)| Test { field, decode, operator, case })
        .prop_map(Condition::Test)
}

fn condition() -> impl Strategy<Value = Condition> {
    test().prop_recursive(3, 8, 3, |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            2 => list.clone().prop_map(Condition::All),
            2 => list.prop_map(Condition::Any),
            1 => inner.prop_map(|member| Condition::Not(Box::new(member))),
        ]
    })
}

fn block(when: Condition) -> BlockRule {
    BlockRule { when, deny: Deny::Abort, body_limit: DEFAULT_BODY_LIMIT }
}

/// A list of tests and negated tests: what IIS can say, often.
fn flat() -> impl Strategy<Value = Condition> {
    let member = (test(), any::<bool>())
        .prop_map(|(test, not)| if not { Condition::Not(Box::new(test)) } else { test });
    (proptest::collection::vec(member, 1..4), any::<bool>()).prop_map(|(members, all)| {
        if all { Condition::All(members) } else { Condition::Any(members) }
    })
}

fn rule() -> impl Strategy<Value = BlockRule> {
    let deny = prop_oneof![Just(Deny::Abort), (400..600_u16).prop_map(Deny::Status)];
    (prop_oneof![condition(), flat()], deny)
        .prop_map(|(when, deny)| BlockRule { deny, ..block(when) })
}

/// A request that a server accepts: below `/`, without a fragment, one Host at most.
fn request() -> impl Strategy<Value = Request> {
    let pieces =
        ["a", "b", "A", "B", "/", "%61", "%0a", "%", ".", "=", "?", "&", ",", "|", "é", "%2561"];
    let target = proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..8);
    let value = proptest::sample::select(vec![
        "", "a", "b", "ab", "a=b; c=a", "B", "a, b", "b a", "x,b", "%20b",
    ]);
    let headers = proptest::collection::vec(
        (proptest::sample::select(vec!["X-A", "x-a", "Cookie", "X-B"]), value.clone()),
        0..4,
    );
    let method = proptest::sample::select(vec!["GET", "POST", "a"]);
    (method, target, headers, proptest::option::of(value)).prop_map(
        |(method, target, headers, host)| {
            let host = host.map(|value| ("Host", value));
            let headers = headers.into_iter().chain(host);
            Request {
                method: method.into(),
                target: format!("/{}", target.concat()).into_bytes(),
                headers: headers.map(|(name, value)| (name.into(), value.into())).collect(),
                body: Vec::new(),
            }
        },
    )
}

fn blocks(rule: &BlockRule, request: &Request) -> bool {
    CompiledRule::new(rule).is_ok_and(|rule| rule.blocks(request))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn simplifying_keeps_the_verdict_and_is_done_in_one_step(
        rule in rule(),
        requests in proptest::collection::vec(request(), 1..8),
    ) {
        let simple = simplify(&rule);
        prop_assert_eq!(&simplify(&simple), &simple);
        prop_assert_eq!(CompiledRule::new(&rule).is_ok(), CompiledRule::new(&simple).is_ok());
        for request in &requests {
            prop_assert_eq!(blocks(&rule, request), blocks(&simple, request), "{:?}", request);
        }
    }

    #[test]
    fn a_set_finds_the_first_rule_that_blocks(
        rules in proptest::collection::vec(rule(), 0..70),
        requests in proptest::collection::vec(request(), 1..8),
    ) {
        let set = RuleSet::new(&rules).unwrap();
        let mut scratch = Scratch::default();
        for request in &requests {
            let first = rules.iter().position(|rule| blocks(rule, request));
            prop_assert_eq!(set.first_match(request, &mut scratch), first, "{:?}", request);
        }
    }

    #[test]
    fn an_iis_rule_says_the_same_or_there_is_none(
        rule in rule(),
        requests in proptest::collection::vec(request(), 1..12),
    ) {
        let Ok(iis) = translate("x", &rule) else { return Ok(()) };
        prop_assert_eq!(read(&iis), Ok(simplify(&rule)));
        let entry = Entry { name: "x", rule: Ok(&iis), base: "/", forbidden: None };
        let evaluator = Evaluator::new([entry], Vec::new());
        for request in &requests {
            let outcome = evaluator.evaluate(request);
            prop_assert!(outcome.undecided.is_empty(), "{:?}", outcome);
            let expected = match (blocks(&rule, request), rule.deny) {
                (false, _) => Verdict::Allowed,
                (true, Deny::Abort) => Verdict::Blocked { status: None },
                (true, Deny::Status(status)) => Verdict::Blocked { status: Some(status) },
            };
            prop_assert_eq!(outcome.verdict, expected, "{:?}", request);
        }
    }
}

fn one(field: Field, operator: Operator) -> Condition {
    Condition::Test(Test { field, decode: Vec::new(), operator, case: Case::Ignore })
}

#[test]
fn what_iis_would_read_otherwise_is_not_translated() {
    let header = |name: &str| Field::Header(name.into());
    let contains = |text: &str| Operator::Contains(text.into());
    let matches = |pattern: &str| Operator::Matches(pattern.into());
    let refused = [
        // Server variables of those names are not the headers.
        one(header("url"), contains("x")),
        one(header("method"), contains("x")),
        one(header("version"), contains("x")),
        one(header("x_a"), contains("x")),
        // A repeated header is joined by a comma and a blank.
        one(header("x-a"), contains(" b")),
        one(header("x-a"), contains("a, b")),
        one(header("x-a"), matches(r"\sb")),
        one(header("x-a"), matches("a.b")),
        one(header("x-a"), Operator::Equals("b".into())),
        // A missing one is empty.
        one(header("cookie"), matches("^$")),
        one(Field::Query, matches("^(?!.*a)")),
        one(Field::Path, contains("x")),
        one(Field::Body, contains("x")),
        one(Field::Uri, contains("é")),
        one(Field::Uri, matches(r"\u00e9")),
        one(Field::Uri, matches(r"a[\x80-\xff]b")),
        one(Field::Uri, contains("")),
        one(Field::Uri, contains("a\nb")),
        one(Field::Uri, matches("(?:a(?=b))*c")),
        // Groups that the canonical form would renumber.
        one(Field::Uri, matches(r"(.*)(a)\2")),
        Condition::All(Vec::new()),
        Condition::Any(Vec::new()),
    ];
    for when in refused {
        assert!(translate("x", &block(when.clone())).is_err(), "{when:?}");
    }
}

#[test]
fn a_translation_ignores_case_and_quotes_what_patterns_read() {
    let text = r"\^$.|?*+()[]{}/";
    let rule = translate("x", &block(one(Field::Uri, Operator::Contains(text.into())))).unwrap();
    assert_eq!(rule.conditions[0].pattern, r"\\\^\$\.\|\?\*\+\(\)\[\]\{\}/");
    assert_eq!(rule.conditions[0].input, "{UNENCODED_URL}");
    assert!(rule.conditions[0].ignore_case && !rule.conditions[0].negate);
    assert!(rule.enabled && rule.stop_processing);
}

#[test]
fn a_brace_that_stands_for_itself_is_escaped_so_that_iis_does_not_answer_500() {
    for (pattern, written) in [
        ("x{y", r"x\{y"),
        ("{", r"\{"),
        ("e{,3}a{2}(?:{|[{])", r"e\{,3}a{2}(?:\{|[{])"),
        (r"a\{b{2,}", r"a\{b{2,}"),
    ] {
        let rule = block(one(Field::Uri, Operator::Matches(pattern.into())));
        let rule = translate("x", &rule).unwrap();
        assert_eq!(rule.conditions[0].pattern, written);
        let entry = Entry { name: "x", rule: Ok(&rule), base: "/", forbidden: None };
        let outcome = Evaluator::new([entry], Vec::new())
            .evaluate(&Request::from_line("GET /x{y/e{,3}aa{/a{bb").unwrap());
        assert_eq!(outcome.verdict, Verdict::Blocked { status: None }, "{pattern}");
    }
}

#[test]
fn rules_of_different_body_limits_do_not_change_one_another() {
    let decoded = Test {
        field: Field::Body,
        decode: vec![Decode::Base64],
        operator: Operator::Contains("power".into()),
        case: Case::Exact,
    };
    let small = BlockRule { body_limit: 8, ..block(Condition::Test(decoded)) };
    let large = block(one(Field::Body, Operator::Contains("absent".into())));
    // The first eight bytes are base64, the whole body is not.
    let request = Request { body: b"cG93ZXI=!".to_vec(), ..Request::from_line("POST /").unwrap() };
    assert!(blocks(&small, &request));
    let set = RuleSet::new(&[large, small]).unwrap();
    assert_eq!(set.first_match(&request, &mut Scratch::default()), Some(1));
}
