//! A change of a header means the same by the reference and as an IIS rule, or there is none.

#![allow(clippy::unwrap_used, reason = "a test says plainly what it expects")]

use proptest::prelude::*;
use stopgap_iis::rewrite::{
    Entry, Evaluator, OutboundAction, ResponseEntry, ResponseEvaluator, Verdict,
    translate_request_header, translate_response_header,
};
use stopgap_model::mitigation::HeaderChange;
use stopgap_model::rule::{Case, Condition, Decode, Field, Operator, Test};
use stopgap_model::{Request, Response};
use stopgap_rules::{CompiledResponseChange, Headers, change_request_header};

fn field() -> impl Strategy<Value = Field> {
    prop_oneof![
        6 => Just(Field::ResponseContentType),
        3 => Just(Field::ResponseHeader("x-a".into())),
        1 => Just(Field::ResponseHeader("set-cookie".into())),
        1 => Just(Field::ResponseHeader("status".into())),
        1 => Just(Field::Uri),
        1 => Just(Field::Header("x-a".into())),
        1 => Just(Field::Cookie("a".into())),
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    let texts = ["text/html", "html", "text/", "a", "/a", "b", " ", "html ", ";", "x=a", "t", ","];
    let text = proptest::sample::select(texts.to_vec()).prop_map(str::to_owned);
    let patterns = [
        "^text/html",
        "^text/[a-z]+",
        "^text/(html|css)",
        "^text/.*",
        "html",
        "^text/html$",
        r"^text/html\b",
        "^[^a]+",
        "^t|html",
        "^(?!text/css)",
        "a",
        "^a",
        "^a?",
        "[ab]",
        r"^text/html\s",
    ];
    let pattern = proptest::sample::select(patterns.to_vec()).prop_map(str::to_owned);
    prop_oneof![
        1 => text.clone().prop_map(Operator::Equals),
        1 => text.clone().prop_map(Operator::Contains),
        1 => text.clone().prop_map(Operator::StartsWith),
        1 => text.prop_map(Operator::EndsWith),
        3 => pattern.prop_map(Operator::Matches),
    ]
}

fn test() -> impl Strategy<Value = Condition> {
    let case = prop_oneof![3 => Just(Case::Ignore), 1 => Just(Case::Exact)];
    let decode = prop_oneof![4 => Just(vec![]), 1 => Just(vec![Decode::Url])];
    (field(), decode, operator(), case)
        .prop_map(|(field, decode, operator, case)| Test { field, decode, operator, case })
        .prop_map(Condition::Test)
}

fn when() -> impl Strategy<Value = Condition> {
    let member = (test(), any::<bool>())
        .prop_map(|(test, not)| if not { Condition::Not(Box::new(test)) } else { test });
    (proptest::collection::vec(member, 0..3), any::<bool>()).prop_map(|(members, all)| {
        if all { Condition::All(members) } else { Condition::Any(members) }
    })
}

fn change() -> impl Strategy<Value = HeaderChange> {
    let texts = ["; b 'none'", "b", " b", "b ", "", " ", "{R:0}", "a}", "$1", "é", "a\\"];
    let text = proptest::sample::select(texts.to_vec()).prop_map(str::to_owned);
    prop_oneof![
        1 => Just(HeaderChange::Remove),
        2 => text.clone().prop_map(HeaderChange::Set),
        2 => text.prop_map(HeaderChange::Append),
    ]
}

fn headers(names: &'static [&'static str]) -> impl Strategy<Value = Headers> {
    let value = proptest::sample::select(vec!["", "a", "b", "a, b", "x;a", "%61", "b a", "{R:0}"]);
    let header = (proptest::sample::select(names.to_vec()), value)
        .prop_map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    proptest::collection::vec(header, 0..5)
}

fn request() -> impl Strategy<Value = Request> {
    let target = proptest::sample::select(vec!["/", "/a", "/text/html", "/b?x=a", "/%61"]);
    (target, headers(&["X-A", "x-a", "X-B", "Cookie"])).prop_map(|(target, headers)| Request {
        headers,
        ..Request::from_line(&format!("GET {target}")).unwrap()
    })
}

/// A response that a server sends: with one Content-Type at most.
fn response() -> impl Strategy<Value = Response> {
    let types = vec![
        "text/html",
        "Text/HTML; charset=utf-8",
        "text/html \t; x=a",
        "text/css",
        "text/plain;x=text/html",
        "text/html;",
        "a",
        ";text/html",
        "",
    ];
    let kind = proptest::option::of(proptest::sample::select(types));
    let names = &["X-A", "x-a", "X-B", "x-b", "Set-Cookie"];
    (kind, headers(names), 200..600_u16).prop_map(|(kind, mut headers, status)| {
        headers.extend(kind.map(|kind| ("Content-Type".into(), kind.into())));
        Response { status, headers }
    })
}

/// A header with an empty value is as good as none: IIS does not tell them apart.
fn filled(headers: Headers) -> Headers {
    headers.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn an_outbound_rule_changes_what_the_document_says_or_there_is_none(
        change in change(),
        when in when(),
        header in proptest::sample::select(vec!["X-B", "x-a", "Content-Type", "Set-Cookie"]),
        cases in proptest::collection::vec((request(), response()), 1..12),
    ) {
        let translated = translate_response_header("rule", "when", header, &change, &when);
        let Ok((rule, precondition)) = translated else { return Ok(()) };
        let reference = CompiledResponseChange::new(header, &change, &when).unwrap();
        let entry = ResponseEntry { name: "rule", rule: Ok(&rule) };
        let preconditions: Vec<_> = precondition.into_iter().collect();
        let evaluator = ResponseEvaluator::new([entry], &preconditions, Vec::new());
        for (request, response) in &cases {
            let outcome = evaluator.evaluate(request, response);
            prop_assert!(outcome.undecided.is_empty(), "{:?}", outcome);
            prop_assert_eq!(&outcome.fault, &None);
            let changed = reference.apply(request, response);
            let expected = filled(changed.unwrap_or_else(|| response.headers.clone()));
            prop_assert_eq!(filled(outcome.headers), expected, "{:?} {:?}", request, response);
        }
    }

    #[test]
    fn an_inbound_rule_changes_what_the_document_says_or_there_is_none(
        change in change(),
        header in proptest::sample::select(vec!["x-b", "x-a", "cookie", "host", "x_a", "url"]),
        requests in proptest::collection::vec(request(), 1..12),
    ) {
        let Ok(rule) = translate_request_header("rule", header, &change) else { return Ok(()) };
        let entry = Entry { name: "rule", rule: Ok(&rule), base: "/", forbidden: None };
        let evaluator = Evaluator::new([entry], Vec::new());
        for request in &requests {
            let outcome = evaluator.evaluate(request);
            prop_assert_eq!(outcome.verdict, Verdict::Allowed);
            prop_assert!(outcome.undecided.is_empty() && outcome.unknown_headers.is_empty());
            let expected = change_request_header(request, header, &change);
            let expected = filled(expected.unwrap_or_else(|| request.headers.clone()));
            let seen = filled(outcome.headers.unwrap_or_else(|| request.headers.clone()));
            prop_assert_eq!(seen, expected, "{:?}", request);
        }
    }
}

fn one(field: Field, operator: Operator) -> Condition {
    Condition::Test(Test { field, decode: Vec::new(), operator, case: Case::Ignore })
}

fn media_type(operator: Operator) -> Condition {
    one(Field::ResponseContentType, operator)
}

fn always() -> Condition {
    Condition::All(Vec::new())
}

#[test]
fn the_owa_policy_of_2026_is_one_outbound_rule_with_a_precondition() {
    let uri = r"^/owa/?($|\?|default\.aspx|projection\.aspx|readingPane\.aspx|popout\.aspx)";
    let when = Condition::All(vec![
        media_type(Operator::Matches("^text/html".into())),
        one(Field::Uri, Operator::Matches(uri.into())),
    ]);
    let change = HeaderChange::Append("; script-src-attr 'none'".into());
    let header = "Content-Security-Policy";
    let (rule, precondition) =
        translate_response_header("Stopgap M2.1", "Stopgap M2.1 when", header, &change, &when)
            .unwrap();
    assert_eq!(rule.target.variable, "RESPONSE_Content_Security_Policy");
    assert_eq!((rule.target.pattern.as_str(), rule.stop_processing), ("(.*)", false));
    let value = "{R:1}; script-src-attr 'none'".to_owned();
    assert_eq!(rule.action, OutboundAction::Rewrite { value, replace: true });
    let precondition = precondition.unwrap();
    assert_eq!(
        (rule.precondition.as_str(), precondition.name.as_str()),
        ("Stopgap M2.1 when", "Stopgap M2.1 when")
    );
    let tests: Vec<_> =
        precondition.conditions.iter().map(|c| (c.input.as_str(), c.pattern.as_str())).collect();
    assert_eq!(tests, [("{RESPONSE_CONTENT_TYPE}", "^text/html"), ("{UNENCODED_URL}", uri)]);
}

#[test]
fn a_test_of_the_media_type_is_written_so_that_it_does_not_see_parameters() {
    let text = || "text/html".to_owned();
    let written = [
        (Operator::StartsWith(text()), "^text/html"),
        (Operator::Equals(text()), r"^text/html[ \t]*(?:;|$)"),
        (Operator::EndsWith("html".into()), r"^[^;]*html[ \t]*(?:;|$)"),
        (Operator::Contains("h.ml".into()), r"^[^;]*h\.ml"),
        (Operator::Matches("^text/(html|css)".into()), "^text/(html|css)"),
    ];
    let remove = HeaderChange::Remove;
    for (operator, pattern) in written {
        let (_, precondition) =
            translate_response_header("r", "p", "X", &remove, &media_type(operator)).unwrap();
        assert_eq!(precondition.unwrap().conditions[0].pattern, pattern);
    }
    let refused = [
        Operator::Matches("h[a-z]ml".into()),
        Operator::Matches("^text/(html|css)$".into()),
        Operator::Matches("^text/[^a]".into()),
        Operator::Matches("^text/html|^x".into()),
        Operator::Matches("^a?".into()),
        Operator::Equals("text/html;x".into()),
        Operator::StartsWith("text/html ".into()),
    ];
    for operator in refused {
        let when = media_type(operator);
        let answer = translate_response_header("r", "p", "X", &remove, &when);
        assert!(answer.is_err(), "{when:?}");
    }
}

#[test]
fn what_iis_would_read_as_a_template_or_name_otherwise_is_refused() {
    let set = |text: &str| HeaderChange::Set(text.into());
    for bad in ["{R:1}", "a{", "}", "é", "", "  ", "a\tb"] {
        assert!(translate_request_header("r", "x-a", &set(bad)).is_err(), "{bad:?}");
        let answer = translate_response_header("r", "p", "X-A", &set(bad), &always());
        assert!(answer.is_err(), "{bad:?}");
    }
    for bad in ["x_a", "url", "method", "host", "content-length", "transfer-encoding", ""] {
        assert!(translate_request_header("r", bad, &HeaderChange::Remove).is_err(), "{bad}");
    }
    for bad in ["X_A", "Status", "set-cookie", "Date", "Server", "", "a b"] {
        let answer = translate_response_header("r", "p", bad, &HeaderChange::Remove, &always());
        assert!(answer.is_err(), "{bad}");
    }
    let nested = Condition::All(vec![
        media_type(Operator::StartsWith("text/html".into())),
        Condition::Any(vec![
            one(Field::Uri, Operator::Contains("a".into())),
            one(Field::Uri, Operator::Contains("b".into())),
        ]),
    ]);
    let refused = [
        nested,
        Condition::Any(Vec::new()),
        one(Field::ResponseHeader("x-a".into()), Operator::Equals("a".into())),
        one(Field::ResponseHeader("x-a".into()), Operator::Contains("a, b".into())),
        one(Field::ResponseHeader("set-cookie".into()), Operator::Contains("a".into())),
        one(Field::Cookie("a".into()), Operator::Contains("a".into())),
        one(Field::Body, Operator::Contains("a".into())),
    ];
    for when in refused {
        let answer = translate_response_header("r", "p", "X", &HeaderChange::Remove, &when);
        assert!(answer.is_err(), "{when:?}");
    }
    // Appending is how an answer is changed; a request's header is set or removed.
    let append = HeaderChange::Append("a".into());
    assert!(translate_request_header("r", "x-a", &append).is_err());
}

#[test]
fn a_removed_request_header_is_emptied_where_it_is_and_nothing_is_set_where_it_is_not() {
    let rule =
        translate_request_header("Stopgap NX.1", "x-middleware-subrequest", &HeaderChange::Remove)
            .unwrap();
    assert_eq!(rule.conditions[0].input, "{HTTP_X_MIDDLEWARE_SUBREQUEST}");
    assert_eq!(rule.conditions[0].pattern, ".");
    assert_eq!(rule.server_variables[0].name, "HTTP_X_MIDDLEWARE_SUBREQUEST");
    assert_eq!(rule.server_variables[0].value, "");
    assert!(!rule.stop_processing);
    let rule = translate_request_header("r", "X-A", &HeaderChange::Set("$1 (a)".into())).unwrap();
    assert_eq!((rule.conditions.len(), rule.server_variables[0].value.as_str()), (0, "$1 (a)"));
}
