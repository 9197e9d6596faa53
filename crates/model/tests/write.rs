//! What is written is read again as it was.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may say what they expect")]

use proptest::prelude::*;
use stopgap_model::document::{any_pattern, parse, write};
use stopgap_model::mitigation::{ActionKind, Expect, HeaderChange};
use stopgap_model::rule::{
    BlockRule, Case, Condition, DEFAULT_BODY_LIMIT, Decode, Deny, Field, Operator, Test,
};
use stopgap_model::{
    Action, Affected, Digest, Mitigation, Probe, Request, Response, Scheme, Scope, Severity,
    Version, VersionRange,
};

const CATALOG: [&[u8]; 10] = [
    include_bytes!("../../../catalog/PING1.toml"),
    include_bytes!("../../../catalog/M1.toml"),
    include_bytes!("../../../catalog/M2.toml"),
    include_bytes!("../../../catalog/CVE-2021-26855.toml"),
    include_bytes!("../../../catalog/CVE-2024-4577.toml"),
    include_bytes!("../../../catalog/CVE-2014-6271.toml"),
    include_bytes!("../../../catalog/CVE-2021-41773.toml"),
    include_bytes!("../../../catalog/CVE-2022-26134.toml"),
    include_bytes!("../../../catalog/CVE-2023-22515.toml"),
    include_bytes!("../../../catalog/CVE-2025-29927.toml"),
];

#[track_caller]
fn there_and_back(mitigation: &Mitigation) {
    let text = write(mitigation).expect("it is text");
    let again = parse(text.as_bytes(), &any_pattern)
        .unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"));
    let hash = mitigation.hash;
    assert_eq!(Mitigation { hash, ..again }, *mitigation, "{text}");
}

#[test]
fn the_shipped_catalog() {
    for bytes in CATALOG {
        there_and_back(&parse(bytes, &any_pattern).expect("it is read"));
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let mut mitigation = parse(CATALOG[1], &any_pattern).expect("it is read");
    mitigation.probes[0].request.body = vec![0xff];
    assert_eq!(
        write(&mitigation).map_err(|error| error.to_string()).err().as_deref(),
        Some("a document is UTF-8, and a request, header or body of the mitigation is not")
    );
}

/// A line that says something, with all that a string must escape.
fn a_line() -> impl Strategy<Value = String> {
    r#"[a-z]([ -~éß漢𝄞]|['"\\]){0,12}"#
}

/// A text of any characters that is not blank.
fn a_text() -> impl Strategy<Value = String> {
    "\\PC|[a'\"\\\\\n\r\t\u{0}\u{7f}\u{85}]{1,9}x"
}

fn a_field() -> impl Strategy<Value = Field> {
    prop_oneof![
        Just(Field::Uri),
        Just(Field::Method),
        Just(Field::Host),
        Just(Field::ArgNames),
        "[a-z!#-]{1,9}".prop_map(Field::Header),
        "[!#-%'-:<>-~]{1,9}".prop_map(Field::Cookie),
        "[!#-%'-:<>-~]{1,9}".prop_map(Field::Arg),
    ]
}

fn a_test(fields: impl Strategy<Value = Field>) -> impl Strategy<Value = Condition> {
    let operators: [fn(String) -> Operator; 5] = [
        Operator::Equals,
        Operator::Contains,
        Operator::StartsWith,
        Operator::EndsWith,
        Operator::Matches,
    ];
    let decode =
        prop::collection::vec(prop::sample::select(vec![Decode::Url, Decode::Base64]), 0..3);
    let case = prop::sample::select(vec![Case::Ignore, Case::Exact]);
    (fields, decode, prop::sample::select(operators.to_vec()), a_text(), case).prop_map(
        |(field, decode, operator, text, case)| {
            Condition::Test(Test { field, decode, operator: operator(text), case })
        },
    )
}

fn a_condition() -> impl Strategy<Value = Condition> {
    let tests = a_test(a_field());
    let nested = tests.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(Condition::All),
            prop::collection::vec(inner.clone(), 1..3).prop_map(Condition::Any),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
        ]
    });
    prop::collection::vec(nested, 1..3).prop_map(Condition::All)
}

fn a_scope() -> impl Strategy<Value = Option<Scope>> {
    let path = prop_oneof![Just(String::new()), "(/[a-z'é&]{1,4}){1,2}"];
    prop::option::of(
        ("[A-Za-z][A-Za-z'& ]{0,6}[a-z]", path).prop_map(|(site, path)| Scope { site, path }),
    )
}

fn a_kind() -> impl Strategy<Value = ActionKind> {
    let status = (400..=599_u16).prop_map(Deny::Status);
    let deny = prop_oneof![Just(Deny::Abort), status];
    let block = (a_scope(), a_condition(), deny).prop_map(|(scope, when, deny)| {
        let rule = BlockRule { when, deny, body_limit: DEFAULT_BODY_LIMIT };
        ActionKind::BlockRequest { scope, rule }
    });
    let of_body = (a_test(Just(Field::Body)), 1..1_000_000_usize).prop_map(|(test, body_limit)| {
        let rule = BlockRule { when: Condition::All(vec![test]), deny: Deny::Abort, body_limit };
        ActionKind::BlockRequest { scope: None, rule }
    });
    let of_request = prop_oneof![Just(HeaderChange::Remove), a_line().prop_map(HeaderChange::Set)];
    let of_request = (a_scope(), "[a-z]{1,9}", of_request)
        .prop_map(|(scope, header, change)| ActionKind::RequestHeader { scope, header, change });
    let of_response = prop_oneof![
        Just(HeaderChange::Remove),
        a_line().prop_map(HeaderChange::Set),
        a_line().prop_map(HeaderChange::Append)
    ];
    let when = prop_oneof![Just(Condition::All(Vec::new())), a_condition()];
    let of_response = (a_scope(), "[A-Za-z]{1,9}", of_response, when).prop_map(
        |(scope, header, change, when)| ActionKind::ResponseHeader { scope, header, change, when },
    );
    let name = || prop::collection::btree_set("[A-Za-z][A-Za-z'$]{0,8}", 1..3);
    prop_oneof![
        block,
        of_body,
        of_request,
        of_response,
        name().prop_map(|n| ActionKind::DisableService { services: n.into_iter().collect() }),
        name().prop_map(|n| ActionKind::DisableAppPool { pools: n.into_iter().collect() }),
        Just(ActionKind::DoNothing),
    ]
}

fn some_headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let value = a_line().prop_map(|value| value.trim().as_bytes().to_vec());
    prop::collection::vec(("[A-Za-z!#-]{1,9}", value), 0..3)
}

fn a_request() -> impl Strategy<Value = Request> {
    let target = "/[!-~éß]{0,20}".prop_map(String::into_bytes);
    let body = prop_oneof![Just(Vec::new()), a_text().prop_map(String::into_bytes)];
    ("[A-Z]{1,7}", target, some_headers(), body)
        .prop_map(|(method, target, headers, body)| Request { method, target, headers, body })
}

fn a_probe() -> impl Strategy<Value = Probe> {
    let response = (200..=599_u16, some_headers());
    let response = response.prop_map(|(status, headers)| Response { status, headers }).boxed();
    let name = "[A-Za-z-]{1,9}";
    let header = (name, prop::option::of(a_line())).boxed();
    let expected = prop_oneof![
        Just((Expect::Blocked, None)),
        Just((Expect::Allowed, None)),
        response.clone().prop_map(|response| (Expect::Allowed, Some(response))),
        header.clone().prop_map(|(name, value)| (Expect::RequestHeader { name, value }, None)),
        (header, response).prop_map(|((name, value), response)| {
            (Expect::ResponseHeader { name, value }, Some(response))
        }),
    ];
    (a_line(), a_request(), expected, any::<bool>()).prop_map(
        |(name, request, (expect, response), live)| Probe { name, request, response, expect, live },
    )
}

/// The version 15.`part` as the scheme writes it, with all that it allows.
fn version(scheme: Scheme, part: u32) -> Version {
    let text = match scheme {
        Scheme::Dotted => format!("15.{part}"),
        Scheme::Deb => format!("1:15.{part}+dfsg~rc-1~deb12u{part}"),
        Scheme::Rpm => format!("1:15.{part}~rc^git-1.fc{part}"),
    };
    Version::read(&text, scheme).expect("a version")
}

/// Products whose versions are of one scheme.
fn some_affected() -> impl Strategy<Value = (Scheme, Vec<Affected>)> {
    let schemes = [
        (Scheme::Dotted, "[a-z]{1,5}/[a-z.]{1,5}|pkg:npm/(%40[a-z]{1,3}/)?[a-z]{1,3}"),
        (Scheme::Deb, "pkg:deb/(debian|ubuntu)/[a-z][a-z0-9.~-]{0,4}(%2B){0,2}"),
        (Scheme::Rpm, "pkg:rpm/(fedora|redhat)/[A-Za-z][A-Za-z0-9._-]{0,5}"),
    ];
    prop::sample::select(schemes.to_vec()).prop_flat_map(|(scheme, products)| {
        let ranges = prop_oneof![
            Just(Vec::new()),
            (1..99_u32, 1..99_u32).prop_map(move |(from, size)| vec![VersionRange {
                introduced: version(scheme, from),
                fixed: version(scheme, from + size),
            }])
        ];
        let roles = prop::collection::btree_set("[a-z-]{1,5}", 0..3);
        let affected = (products, roles, ranges).prop_map(|(product, roles, ranges)| Affected {
            product,
            roles: roles.into_iter().collect(),
            ranges,
        });
        prop::collection::vec(affected, 1..3).prop_map(move |affected| (scheme, affected))
    })
}

prop_compose! {
    fn a_mitigation()(
        revision in 1..=u32::MAX,
        lines in (a_line(), a_line(), prop::option::of(a_line())),
        withdrawn in prop::option::weighted(0.1, a_line()),
        affected in prop::option::weighted(0.8, some_affected()),
        kinds in prop::collection::vec((a_kind(), prop::option::of(1..99_u32)), 1..4),
        probes in prop::collection::vec(a_probe(), 0..4),
        severity in prop::sample::select(vec![Severity::Low, Severity::High, Severity::Critical]),
    ) -> Mitigation {
        let acts = withdrawn.is_none();
        let (scheme, affected) = affected.unwrap_or((Scheme::Dotted, Vec::new()));
        let actions = kinds.into_iter().enumerate().map(|(at, (kind, below))| Action {
            id: format!("X.{at}").parse().expect("an id"),
            only_below: below.filter(|_| kind != ActionKind::DoNothing)
                .map(|part| version(scheme, part)),
            kind,
        });
        let probes = probes.into_iter().enumerate().map(|(at, probe)| Probe {
            name: format!("{at} {}", probe.name), ..probe
        });
        let (title, impact, no_live_probe) = lines;
        Mitigation {
            id: "X".parse().expect("an id"),
            revision,
            hash: Digest::of(b""),
            title,
            cves: vec!["CVE-2024-4577".into()],
            severity,
            impact,
            references: vec!["https://example.com/a'b\\c".into()],
            affected,
            actions: actions.filter(|_| acts).collect(),
            probes: probes.filter(|_| acts).collect(),
            no_live_probe,
            withdrawn,
        }
    }
}

proptest! {
    #[test]
    fn any_mitigation_that_a_document_can_say(mitigation in a_mitigation()) {
        there_and_back(&mitigation);
    }
}
