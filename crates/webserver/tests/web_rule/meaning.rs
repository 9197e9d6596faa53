//! A rule means the same on every server that can say it: what is looked for in what the server
//! shows, by PCRE2, is what the reference evaluator says of the request.

use pcre2::bytes::Regex;
use proptest::prelude::*;
use stopgap_model::Request;
use stopgap_model::mitigation::ActionKind;
use stopgap_model::rule::{
    BlockRule, Case, Condition, DEFAULT_BODY_LIMIT, Decode, Deny, Field, Operator, Test,
};
use stopgap_model::web::WebKind;
use stopgap_rules::CompiledRule;
use stopgap_webserver::rule::{Clause, MAX_PATTERN, Match, Server, WebRule, translate};
use stopgap_webserver::{RuleText, text};

use crate::model::{SERVERS, holds_by_text, server, shown};

fn field() -> impl Strategy<Value = Field> {
    prop_oneof![
        1 => Just(Field::Method),
        4 => Just(Field::Uri),
        3 => Just(Field::Path),
        3 => Just(Field::Query),
        1 => Just(Field::Host),
        3 => Just(Field::Header("x-a".into())),
        2 => Just(Field::Header("cookie".into())),
        3 => Just(Field::Cookie("a".into())),
        3 => Just(Field::Arg("a".into())),
        2 => Just(Field::Args),
        2 => Just(Field::ArgNames),
        1 => Just(Field::HeaderNames),
        1 => Just(Field::AnyHeader),
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    let texts = [
        "a", "1", "41", "a1", "a/", "/", "%", "%4", "%41", "?", "=", "&", ";", "", " a", "a ", ",",
        "é", "a=1", "x-a", "aaa", "/a/", "\n", ".", "h",
    ];
    let text = proptest::sample::select(texts.to_vec()).prop_map(str::to_owned);
    let patterns = [
        "a",
        "^a",
        "a$",
        "^a$",
        "^/a",
        "^/?$",
        "a.b",
        ".*a.*",
        "(.*)a1(.*)",
        "[a1]+$",
        "a[^/]*/",
        "^[^%]*$",
        "[0-9]{2,3}a",
        "a?",
        "a?1",
        "^(a|1)",
        "(^a|1$)",
        r"\ba",
        r"a\b",
        r"\B1",
        "%..",
        "^%",
        "[^a]1",
        "(a1)*%",
        "(?:%|a)+=",
        r"^\/a\?",
        "[ ,;]a",
        "[^,;]a",
        "^$",
        "$",
        "^",
        "1+a",
        "a[^1]*$",
        r"\x00|\xE9",
        "[é1]a",
        "a{0,2}1",
        "a[1%]+=",
        "^[^?]*$",
        "(a|/a)[^a]+$",
        r"\s$",
        "[^;]a$",
        "=.$",
    ];
    let pattern = proptest::sample::select(patterns.to_vec()).prop_map(str::to_owned);
    prop_oneof![
        1 => text.clone().prop_map(Operator::Equals),
        1 => text.clone().prop_map(Operator::Contains),
        1 => text.clone().prop_map(Operator::StartsWith),
        1 => text.prop_map(Operator::EndsWith),
        6 => pattern.prop_map(Operator::Matches),
    ]
}

fn test() -> impl Strategy<Value = Condition> {
    let case = prop_oneof![Just(Case::Ignore), Just(Case::Exact)];
    let decode = prop_oneof![1 => Just(vec![]), 1 => Just(vec![Decode::Url])];
    (field(), decode, operator(), case).prop_map(|(field, decode, operator, case)| {
        Condition::Test(Test { field, decode, operator, case })
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        4 => test(),
        1 => test().prop_map(|test| Condition::Not(Box::new(test))),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        let list = proptest::collection::vec(inner, 1..=3);
        prop_oneof![list.clone().prop_map(Condition::All), list.prop_map(Condition::Any),]
    })
}

fn bytes(alphabet: &'static [u8], most: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(proptest::sample::select(alphabet), 0..=most)
}

/// Whatever a server accepts as a target: an absolute one, too.
fn target() -> impl Strategy<Value = Vec<u8>> {
    let escape =
        proptest::sample::select(vec!["%41", "%61", "%2F", "%3f", "%25", "%0a", "%E9", "%26"]);
    let piece = prop_oneof![
        2 => bytes(b"%%%414aA1/?&&=;.\xC3\xA9\xE9", 6),
        1 => escape.prop_map(|escape| escape.as_bytes().to_vec()),
        1 => Just(b"a=".to_vec()),
        1 => Just(b"?".to_vec()),
    ];
    let rest = proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    let head = prop_oneof![8 => Just("/"), 1 => Just("http://h/"), 1 => Just("hTtp://h%4/")];
    let whole = (head, rest).prop_map(|(head, rest)| [head.as_bytes(), rest.as_slice()].concat());
    prop_oneof![
        30 => whole,
        1 => Just(b"http://h".to_vec()),
        1 => Just(b"http://h?a=1".to_vec()),
        1 => Just(b"*".to_vec()),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let value = || bytes(b"aA1%;;,= \t=414\xE9", 9).prop_map(|value| value.trim_ascii().to_vec());
    let name = proptest::sample::select(vec!["x-a", "X-A", "Cookie", "cookie", "b1"]);
    let header = (name, value()).prop_map(|(name, value)| (name.to_owned(), value));
    let host = proptest::option::of(Just(("Host".to_owned(), b"h".to_vec())));
    let method = proptest::sample::select(vec!["GET", "A", "A1"]);
    let headers = proptest::collection::vec(header, 0..4);
    (method, target(), host, headers).prop_map(|(method, target, host, headers)| Request {
        method: method.into(),
        target,
        headers: host.into_iter().chain(headers).collect(),
        body: Vec::new(),
    })
}

fn block(when: Condition) -> BlockRule {
    BlockRule { when, deny: Deny::Abort, body_limit: DEFAULT_BODY_LIMIT }
}

fn translated(server: &Server, rule: &BlockRule) -> Option<WebRule> {
    translate(server, &ActionKind::BlockRequest { scope: None, rule: rule.clone() }).ok()
}

fn found(kind: WebKind, asked: &Match, request: &Request) -> bool {
    assert!(asked.pattern.len() <= MAX_PATTERN);
    let regex = Regex::new(&asked.pattern).unwrap_or_else(|e| panic!("{}: {e}", asked.pattern));
    shown(kind, &asked.input, request).iter().any(|value| regex.is_match(value).unwrap())
}

fn holds(kind: WebKind, clause: &Clause, request: &Request) -> bool {
    match clause {
        Clause::All(members) => members.iter().all(|member| holds(kind, member, request)),
        Clause::Any(members) => members.iter().any(|member| holds(kind, member, request)),
        Clause::Match(asked) => found(kind, asked, request),
        Clause::Not(asked) => !found(kind, asked, request),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn a_rule_blocks_the_same_requests_on_every_server(
        when in condition(),
        requests in proptest::collection::vec(request(), 12),
    ) {
        let rule = block(when);
        let Ok(reference) = CompiledRule::new(&rule) else { return Ok(()) };
        for kind in SERVERS {
            let Some(translated) = translated(&server(kind), &rule) else { continue };
            let WebRule::Block { when, .. } = &translated else { panic!("no rule that blocks") };
            for request in &requests {
                prop_assert_eq!(
                    holds(kind, when, request),
                    reference.blocks(request),
                    "{} {:?} {:?}", kind, request, translated
                );
            }
        }
    }

    #[test]
    fn rules_together_block_what_one_of_them_blocks(
        whens in proptest::collection::vec(condition(), 1..6),
        requests in proptest::collection::vec(request(), 6),
    ) {
        for kind in SERVERS {
            let (mut rules, mut references) = (Vec::new(), Vec::new());
            for rule in whens.iter().cloned().map(block) {
                let Ok(reference) = CompiledRule::new(&rule) else { continue };
                let Some(translated) = translated(&server(kind), &rule) else { continue };
                rules.push((format!("X.{}, revision 1", rules.len()), translated));
                references.push(reference);
            }
            let written = text(kind, &rules);
            for request in &requests {
                let blocks = references.iter().any(|rule| rule.blocks(request));
                if let Some(held) = holds_by_text(&written, request) {
                    prop_assert_eq!(held, blocks, "{} {:?} {:#?}", kind, request, written);
                }
            }
        }
    }
}

#[test]
fn of_two_hundred_rules_behind_their_gates_each_still_blocks() {
    let server = server(WebKind::Nginx);
    let texts: Vec<String> = (0..200_u32)
        .map(|at| format!("/{}{}x{}/", (b'a' + (at % 26) as u8) as char, at * 7919 % 1000, at))
        .collect();
    let rule = |text: &String| {
        let (field, operator) = (Field::Uri, Operator::Contains(text.clone()));
        let test = Test { field, decode: vec![Decode::Url], operator, case: Case::Ignore };
        let kind = ActionKind::BlockRequest { scope: None, rule: block(Condition::Test(test)) };
        ("X.1, revision 1".to_owned(), translate(&server, &kind).unwrap())
    };
    let written = text(WebKind::Nginx, &texts.iter().map(rule).collect::<Vec<_>>());
    let RuleText::Nginx { http, .. } = &written else { panic!("{written:?}") };
    assert!(http.contains("\"~*"), "there is no gate before the gates");
    let blocked = |target: Vec<u8>| {
        let request = Request { method: "GET".into(), target, ..Request::default() };
        holds_by_text(&written, &request).unwrap()
    };
    for text in &texts {
        let encoded = |at: usize| {
            let bytes = text.bytes().enumerate();
            bytes
                .flat_map(|(here, byte)| match here == at {
                    true => format!("%{byte:02x}").into_bytes(),
                    false => vec![byte.to_ascii_uppercase()],
                })
                .collect::<Vec<u8>>()
        };
        assert!(blocked([b"/q?r=".as_slice(), text.as_bytes()].concat()), "{text}");
        for at in 0..text.len() {
            assert!(blocked([b"/".as_slice(), &encoded(at)].concat()), "{text} at {at}");
        }
        assert!(!blocked(text.as_bytes()[..text.len() - 1].to_vec()), "{text}");
    }
    assert!(!blocked(b"/index.html?a=b".to_vec()));
}
