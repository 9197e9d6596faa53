//! Changes of headers, and what no server can say.

use std::collections::BTreeSet;

use stopgap_model::mitigation::{ActionKind, HeaderChange, Scope};
use stopgap_model::rule::{
    BlockRule, Case, Condition, DEFAULT_BODY_LIMIT, Decode, Deny, Field, Operator, Test,
};
use stopgap_model::web::WebKind;
use stopgap_webserver::rule::{Server, WebRule, translate};
use stopgap_webserver::{RuleText, text};

use crate::model::{SERVERS, server};

fn request_header(header: &str, change: HeaderChange) -> ActionKind {
    ActionKind::RequestHeader { scope: None, header: header.into(), change }
}

fn response_header(change: HeaderChange, when: Condition) -> ActionKind {
    ActionKind::ResponseHeader { scope: None, header: "X-Frame-Options".into(), change, when }
}

fn test(field: Field, operator: Operator) -> Condition {
    Condition::Test(Test { field, decode: Vec::new(), operator, case: Case::Ignore })
}

fn block(when: Condition, deny: Deny) -> ActionKind {
    let rule = BlockRule { when, deny, body_limit: DEFAULT_BODY_LIMIT };
    ActionKind::BlockRequest { scope: None, rule }
}

fn contains(field: Field, text: &str) -> ActionKind {
    block(test(field, Operator::Contains(text.into())), Deny::Abort)
}

/// What is written for the actions, without headings and comments.
fn written(kind: WebKind, actions: &[ActionKind]) -> Vec<String> {
    let rule = |action| ("X.1, revision 1".to_owned(), translate(&server(kind), action).unwrap());
    let rules: Vec<(String, WebRule)> = actions.iter().map(rule).collect();
    let all = match text(kind, &rules) {
        RuleText::Nginx { http, server, upstream } => format!("{http}{server}{upstream}"),
        RuleText::Apache { server } => server,
        RuleText::HaProxy { frontend } => frontend.join("\n"),
        RuleText::None => String::new(),
    };
    let code = all.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    code.map(str::to_owned).collect()
}

fn why(server: &Server, action: &ActionKind) -> String {
    translate(server, action).map_or_else(|error| error.to_string(), |rule| format!("{rule:?}"))
}

#[test]
fn the_header_that_next_js_trusts_is_taken_from_every_request() {
    let actions = [request_header("x-middleware-subrequest", HeaderChange::Remove)];
    assert_eq!(written(WebKind::Apache, &actions), ["RequestHeader unset x-middleware-subrequest"]);
    assert_eq!(
        written(WebKind::HaProxy, &actions),
        ["http-request del-header x-middleware-subrequest"]
    );
    let nginx = [
        "proxy_set_header x-middleware-subrequest \"\";",
        "grpc_set_header x-middleware-subrequest \"\";",
        "fastcgi_param HTTP_X_MIDDLEWARE_SUBREQUEST \"\" if_not_empty;",
        "uwsgi_param HTTP_X_MIDDLEWARE_SUBREQUEST \"\" if_not_empty;",
        "scgi_param HTTP_X_MIDDLEWARE_SUBREQUEST \"\" if_not_empty;",
    ];
    assert_eq!(written(WebKind::Nginx, &actions), nginx);
    let rule = translate(&server(WebKind::Nginx), &actions[0]).unwrap();
    let RuleText::Nginx { http, server, .. } = text(WebKind::Nginx, &[("X".into(), rule)]) else {
        unreachable!()
    };
    assert_eq!((http, server), (String::new(), String::new()));
}

#[test]
fn a_header_is_set_once() {
    let actions = [request_header("X-A", HeaderChange::Set(" a; b={1} ".into()))];
    assert_eq!(written(WebKind::Apache, &actions), ["RequestHeader set x-a \"a; b={1}\""]);
    assert_eq!(written(WebKind::HaProxy, &actions), ["http-request set-header x-a 'a; b={1}'"]);
    let actions = [response_header(HeaderChange::Set("DENY".into()), Condition::All(Vec::new()))];
    let apache =
        ["Header onsuccess unset X-Frame-Options", "Header always set X-Frame-Options \"DENY\""];
    assert_eq!(written(WebKind::Apache, &actions), apache);
    assert_eq!(
        written(WebKind::HaProxy, &actions),
        ["http-response set-header X-Frame-Options 'DENY'"]
    );
}

#[test]
fn a_media_type_is_told_without_its_parameters() {
    let html = test(Field::ResponseContentType, Operator::Equals("text/html".into()));
    let actions = [response_header(HeaderChange::Remove, html)];
    for line in written(WebKind::Apache, &actions) {
        assert!(line.ends_with(r#"(?![\x09\x0A\x0C\x0D\x20]*+[^\x09\x0A\x0C\x0D\x20\x3B])/""#));
        assert!(line.contains(r#"unset X-Frame-Options "expr=%{CONTENT_TYPE} =~ /\A"#), "{line}");
    }
    let haproxy = written(WebKind::HaProxy, &actions);
    let start = "http-response del-header X-Frame-Options if { res.fhdr(content-type) -m reg -- '";
    assert!(haproxy[0].starts_with(start), "{haproxy:?}");
}

#[test]
fn rules_that_block_see_a_header_before_another_mitigation_takes_it() {
    let actions =
        [request_header("x-a", HeaderChange::Remove), contains(Field::Header("x-a".into()), "b")];
    let lines = written(WebKind::HaProxy, &actions);
    assert!(lines[0].starts_with("http-request reject"), "{lines:?}");
}

#[test]
fn a_value_that_would_be_more_than_itself_is_refused() {
    for kind in SERVERS {
        let server = server(kind);
        for value in
            ["a\"b", "a'b", "a\\b", "$host", "%{HTTP_HOST}e", "a\nb", "é", "", " ", "expr=true"]
        {
            let action = request_header("x-a", HeaderChange::Set(value.into()));
            assert!(translate(&server, &action).is_err(), "{kind} {value:?}");
        }
        for name in ["x'a", "x\"a", "x a", "x$a", "", "x;", "x)", "é", "Host", "content-length"] {
            let action = request_header(name, HeaderChange::Remove);
            assert!(translate(&server, &action).is_err(), "{kind} {name:?}");
            let action = contains(Field::Header(name.into()), "a");
            let host = name == "Host" || name == "content-length";
            assert!(host || translate(&server, &action).is_err(), "{kind} {name:?}");
        }
        let append = HeaderChange::Append("; x".into());
        let action = response_header(append, Condition::All(Vec::new()));
        assert!(translate(&server, &action).is_err(), "{kind}");
    }
}

#[test]
fn what_a_server_cannot_say_is_told_with_the_reason() {
    let (nginx, apache, haproxy) =
        (server(WebKind::Nginx), server(WebKind::Apache), server(WebKind::HaProxy));
    let old = Server { version: "1.22.1".parse().ok(), ..nginx.clone() };
    let bare = Server { modules: BTreeSet::new(), ..apache.clone() };
    let x_a = contains(Field::Header("x-a".into()), "b");
    let set = response_header(HeaderChange::Set("1".into()), Condition::All(Vec::new()));
    let status =
        |status| block(test(Field::Uri, Operator::Contains("a".into())), Deny::Status(status));
    let base64 = Condition::Test(Test {
        field: Field::Uri,
        decode: vec![Decode::Base64],
        operator: Operator::Contains("a".into()),
        case: Case::Ignore,
    });
    for (server, action, reason) in [
        (&old, &x_a, "only the first of repeated headers"),
        (&nginx, &contains(Field::Header("x_a".into()), "b"), "cannot be named to nginx"),
        (&nginx, &contains(Field::HeaderNames, "b"), "nginx shows none"),
        (&nginx, &set, "nginx can only add a response header"),
        (&nginx, &status(444), "with the status 444"),
        (&apache, &contains(Field::Host, "b"), "replaces it by the authority"),
        (&apache, &contains(Field::Cookie("a".into()), "b"), "joins Cookie headers by a comma"),
        (&apache, &contains(Field::AnyHeader, "b"), "does not show all headers"),
        (&apache, &status(404), "with the status 404"),
        (&bare, &set, "headers_module, which is not loaded"),
        (&haproxy, &contains(Field::Body, "b"), "shows no whole body"),
        (&haproxy, &contains(Field::Header("cookie".into()), "a; b"), "joins or parts"),
        (&haproxy, &status(418), "with the status 418"),
        (&haproxy, &block(base64, Deny::Abort), "only percent-encoding"),
        (&haproxy, &contains(Field::ResponseContentType, "b"), "before there is a response"),
        (&haproxy, &ActionKind::DoNothing, "it is not for HAProxy"),
    ] {
        let told = why(server, action);
        assert!(told.contains(reason), "{reason}: {told}");
    }
}

#[test]
fn a_scope_names_a_site_of_iis() {
    let scope = Some(Scope { site: "Default Web Site".into(), path: String::new() });
    let action =
        ActionKind::RequestHeader { scope, header: "x-a".into(), change: HeaderChange::Remove };
    for kind in SERVERS {
        assert!(why(&server(kind), &action).contains("the site `Default Web Site` of IIS"));
    }
}

#[test]
fn a_pattern_that_would_be_too_long_a_word_is_refused() {
    let long = Condition::Test(Test {
        field: Field::Uri,
        decode: vec![Decode::Url],
        operator: Operator::Contains("a".repeat(300)),
        case: Case::Ignore,
    });
    for kind in SERVERS {
        let told = why(&server(kind), &block(long.clone(), Deny::Abort));
        assert!(told.contains("longer than 4000 bytes"), "{told}");
    }
}

#[test]
fn a_pattern_that_makes_an_engine_work_is_refused() {
    for pattern in ["^(a+)+$", "(a|a)*b", ".*a.*b", "(?=a)b", "(a)\\1"] {
        let when = test(Field::Uri, Operator::Matches(pattern.into()));
        for kind in SERVERS {
            assert!(translate(&server(kind), &block(when.clone(), Deny::Abort)).is_err());
        }
    }
}

#[test]
fn a_pattern_that_would_fill_an_engine_is_refused_and_a_long_request_is_not() {
    let decoded = |pattern: &str| {
        Condition::Test(Test {
            field: Field::Uri,
            decode: vec![Decode::Url],
            operator: Operator::Matches(pattern.into()),
            case: Case::Ignore,
        })
    };
    for pattern in ["x(([a-f]{16}){16}){16}y", "x[a-f]{900}y", "x(([a-f]{9}z){9}z){9}y"] {
        for kind in SERVERS {
            let told = why(&server(kind), &block(decoded(pattern), Deny::Abort));
            assert!(told.contains("engine"), "{pattern}: {told}");
        }
    }
    for pattern in ["x[a-f]+y", "x[a-f]{0,100}y", "x(ab)*y", "x[a-f]{100}y"] {
        for kind in SERVERS {
            let told = why(&server(kind), &block(decoded(pattern), Deny::Abort));
            assert!(told.contains("+(?:[Yy]"), "{told}");
        }
    }
}

#[test]
fn more_conditions_than_a_line_of_haproxy_has_words_for_are_refused() {
    let some = |count: usize| {
        let tests = (0..count).map(|n| test(Field::Uri, Operator::Contains(format!("x{n}"))));
        tests.collect::<Vec<_>>()
    };
    let haproxy = server(WebKind::HaProxy);
    assert!(translate(&haproxy, &block(Condition::All(some(8)), Deny::Abort)).is_ok());
    assert!(translate(&haproxy, &block(Condition::All(some(9)), Deny::Abort)).is_err());
    let ways = Condition::All((0..7).map(|_| Condition::Any(some(2))).collect());
    assert!(why(&haproxy, &block(ways, Deny::Abort)).contains("more than 64 ways"));
    assert!(translate(&haproxy, &block(Condition::Any(some(64)), Deny::Abort)).is_ok());
}
