//! Rules that change headers are read back as what they were translated from, and no others are.

#![allow(clippy::unwrap_used, reason = "a test says plainly what it expects")]

use proptest::prelude::*;
use stopgap_iis::rewrite::{
    Grouping, MatchType, OutboundAction, OutboundMatch, OutboundRule, PatternSyntax, PreCondition,
    ResponseEntry, ResponseEvaluator, read_request_header, read_response_header,
    translate_request_header, translate_response_header,
};
use stopgap_model::mitigation::HeaderChange;
use stopgap_model::rule::{Case, Condition, Decode, Field, Operator, Test};
use stopgap_model::{Request, Response};
use stopgap_rules::CompiledResponseChange;

fn change() -> impl Strategy<Value = HeaderChange> {
    let text = "[!-z|~]([ -z|~]{0,6}[!-z|~])?";
    prop_oneof![
        Just(HeaderChange::Remove),
        text.prop_map(HeaderChange::Set),
        text.prop_map(HeaderChange::Append),
    ]
}

fn test() -> impl Strategy<Value = Condition> {
    let of = |field, decode: &[Decode], operator| {
        Condition::Test(Test { field, decode: decode.to_vec(), operator, case: Case::Ignore })
    };
    let text = |text: &str| text.to_owned();
    prop::sample::select(vec![
        of(Field::ResponseContentType, &[], Operator::StartsWith(text("text/"))),
        of(Field::ResponseContentType, &[], Operator::Matches(text("^(?:text|image)/x"))),
        of(Field::ResponseHeader("x-a".into()), &[], Operator::Contains(text("b"))),
        of(Field::Uri, &[], Operator::StartsWith(text("/owa"))),
        of(Field::Uri, &[Decode::Url], Operator::Contains(text("a.b"))),
        of(Field::Method, &[], Operator::Equals(text("GET"))),
    ])
}

/// A list of which all hold, canonical: what is read back is.
fn when() -> impl Strategy<Value = Condition> {
    let negated = test().prop_map(|test| Condition::Not(Box::new(test)));
    let member = prop_oneof![3 => test(), 1 => negated];
    prop::collection::vec(member, 0..4).prop_map(Condition::All)
}

proptest! {
    #[test]
    fn a_request_header_there_and_back(header in "x(-[a-z0-9]{1,4}){1,2}", change in change()) {
        let Ok(rule) = translate_request_header("x", &header, &change) else { return Ok(()) };
        prop_assert_eq!(read_request_header(&rule), Ok((header, change)));
    }

    #[test]
    fn a_response_header_there_and_back(header in "X(-[A-Za-z0-9]{1,4}){1,2}", change in change(), when in when()) {
        let translated = translate_response_header("x", "y", &header, &change, &when);
        let Ok((rule, precondition)) = translated else { return Ok(()) };
        let read = read_response_header(&rule, precondition.as_ref());
        prop_assert_eq!(read, Ok((header, change, when)));
    }
}

fn outbound(pattern: &str, value: &str) -> OutboundRule {
    OutboundRule {
        name: "x".into(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: false,
        precondition: "y".into(),
        target: OutboundMatch {
            variable: "RESPONSE_X_A".into(),
            pattern: pattern.into(),
            ignore_case: true,
            negate: false,
        },
        grouping: Grouping::MatchAll,
        track_all_captures: false,
        conditions: Vec::new(),
        action: OutboundAction::Rewrite { value: value.into(), replace: true },
    }
}

fn asks(input: &str, pattern: &str) -> PreCondition {
    let condition = stopgap_iis::rewrite::Condition {
        input: input.into(),
        match_type: MatchType::Pattern,
        pattern: pattern.into(),
        ignore_case: true,
        negate: false,
    };
    let (name, syntax) = ("y".into(), PatternSyntax::EcmaScript);
    PreCondition { name, syntax, grouping: Grouping::MatchAll, conditions: vec![condition] }
}

#[test]
fn what_is_read_does_what_the_rule_does() {
    let types = [
        "text/html",
        "TEXT/HTML; charset=utf-8",
        "text/htmlx",
        "text/plain",
        "a/b; type=text/html",
        "text/html;",
        "",
    ];
    let mut read = 0;
    for pattern in [
        "^text/html",
        "^text/html$",
        "text/html",
        "text/html$",
        "^text/(?:html|plain)",
        "^text/html;",
        "^text/html( |;|$)",
        "^[^;]*html",
    ] {
        let precondition = asks("{RESPONSE_CONTENT_TYPE}", pattern);
        let rule = outbound("(.*)", "{R:1}; b");
        let Ok((header, change, when)) = read_response_header(&rule, Some(&precondition)) else {
            continue;
        };
        read += 1;
        let ours = CompiledResponseChange::new(&header, &change, &when).unwrap();
        let entry = ResponseEntry { name: "x", rule: Ok(&rule) };
        let iis = ResponseEvaluator::new([entry], &[precondition], Vec::new());
        for kind in types {
            let mut response = Response::default();
            if !kind.is_empty() {
                response.add_header_line(&format!("Content-Type: {kind}")).unwrap();
            }
            let request = Request::from_line("GET /").unwrap();
            let by_rule = iis.evaluate(&request, &response);
            let by_us = ours.apply(&request, &response).unwrap_or(response.headers.clone());
            let value = |headers: &[(String, Vec<u8>)]| -> Option<Vec<u8>> {
                headers
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case("x-a"))
                    .map(|h| h.1.clone())
            };
            assert_eq!(value(&by_us), value(&by_rule.headers), "{pattern} {kind}");
        }
    }
    assert!(read >= 2, "{read}");
}

#[test]
fn a_rule_that_makes_something_else_of_a_header_is_refused() {
    let of =
        |pattern, value| read_response_header(&outbound(pattern, value), None).map(|read| read.1);
    assert_eq!(of(".*", "a"), Ok(HeaderChange::Set("a".into())));
    assert_eq!(of("(.*)", "{R:0}a"), Ok(HeaderChange::Append("a".into())));
    assert_eq!(of(".+", ""), Ok(HeaderChange::Remove));
    for (pattern, value) in [
        (".+", "a"),
        ("(.*)", "a{R:1}"),
        (".*", "{R:1}a"),
        ("(a)(.*)", "{R:2}"),
        ("(.*)", "{R:1}"),
        ("(.*)", "{R:1}{HTTP_X}"),
        ("a", ""),
    ] {
        assert!(of(pattern, value).is_err(), "{pattern} {value}");
    }
    let mut of_body = outbound(".*", "a");
    of_body.target.variable = String::new();
    assert!(read_response_header(&of_body, None).is_err());
    let body = asks("{RESPONSE_STATUS}", "^200");
    assert!(read_response_header(&outbound(".*", "a"), Some(&body)).is_err());
    let mut rule = translate_request_header("x", "x-a", &HeaderChange::Remove).unwrap();
    rule.server_variables[0].name = "SERVER_NAME".into();
    assert!(read_request_header(&rule).is_err());
}
