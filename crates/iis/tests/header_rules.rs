//! What inbound IIS rules do to the headers of a request: computed by hand.

#![allow(clippy::unwrap_used, reason = "helpers of tests may say plainly what they expect")]

use stopgap_iis::rewrite::{
    Action, Condition, Entry, Evaluator, Grouping, MatchType, Outcome, PatternSyntax, RewriteMap,
    Rule, SetVariable, UrlMatch, Verdict, uncached_variables,
};
use stopgap_model::Request;

fn rule(url: &str, sets: &[(&str, &str)], action: Action) -> Rule {
    let set = |(name, value): &(&str, &str)| SetVariable {
        name: (*name).into(),
        value: (*value).into(),
        replace: true,
    };
    Rule {
        name: String::new(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: false,
        url: UrlMatch { pattern: url.into(), ignore_case: true, negate: false },
        grouping: Grouping::MatchAll,
        track_all_captures: false,
        conditions: Vec::new(),
        server_variables: sets.iter().map(set).collect(),
        action,
    }
}

fn set(name: &str, value: &str) -> Rule {
    rule(".*", &[(name, value)], Action::None)
}

fn keep(mut rule: Rule) -> Rule {
    rule.server_variables.iter_mut().for_each(|variable| variable.replace = false);
    rule
}

fn when(mut rule: Rule, input: &str, pattern: &str) -> Rule {
    rule.conditions.push(Condition {
        input: input.into(),
        match_type: MatchType::Pattern,
        pattern: pattern.into(),
        ignore_case: true,
        negate: false,
    });
    rule
}

fn abort_when(input: &str, pattern: &str) -> Rule {
    when(rule(".*", &[], Action::AbortRequest), input, pattern)
}

fn request(text: &str) -> Request {
    let mut lines = text.split(" | ");
    let mut request = Request::from_line(lines.next().unwrap()).unwrap();
    lines.for_each(|line| request.add_header_line(line).unwrap());
    request
}

fn outcome(rules: &[Rule], line: &str) -> Outcome {
    let names: Vec<String> = (1..=rules.len()).map(|number| number.to_string()).collect();
    let entries = rules.iter().zip(&names).map(|(rule, name)| Entry {
        name,
        rule: Ok(rule),
        base: "/",
        forbidden: None,
    });
    let maps = vec![RewriteMap {
        name: "Sites".into(),
        default: "none".into(),
        ignore_case: true,
        entries: vec![("h".into(), "one".into())],
    }];
    Evaluator::new(entries, maps).evaluate(&request(line))
}

/// The verdict, the undecided rules, and the headers where rules have changed them.
fn short(outcome: &Outcome) -> String {
    let mut text = match &outcome.verdict {
        Verdict::Allowed => "allowed".to_owned(),
        Verdict::Blocked { status: None } => "abort".to_owned(),
        Verdict::Blocked { status: Some(status) } => status.to_string(),
        Verdict::Rewritten { url } => format!("=> {url}"),
        Verdict::Redirected { status, url } => format!("{status} {url}"),
    };
    for undecided in &outcome.undecided {
        text += &format!(" ?{}", undecided.rule);
    }
    for (name, value) in outcome.headers.iter().flatten() {
        text += &format!(" | {name}: {}", String::from_utf8_lossy(value));
    }
    for unknown in &outcome.unknown_headers {
        text += &format!(" | {}?", unknown.name);
    }
    text
}

/// Rules, and what is asked of them with what comes of it.
type Table<'a> = Vec<(Vec<Rule>, &'a [(&'a str, &'a str)])>;

fn check(table: Table<'_>) {
    for (at, (rules, cases)) in table.into_iter().enumerate() {
        for (line, expected) in cases {
            let outcome = outcome(&rules, line);
            assert_eq!(short(&outcome), *expected, "row {at}: {line}: {outcome:?}");
        }
    }
}

#[test]
fn a_header_that_a_rule_sets_is_what_the_application_sees() {
    check(vec![
        (
            vec![set("HTTP_X_FOO", "1")],
            &[
                ("GET /", "allowed | x-foo: 1"),
                ("GET / | A: b | X-Foo: 0 | C: d | x-foo: 2", "allowed | A: b | X-Foo: 1 | C: d"),
                // Nothing is changed where it has the value already.
                ("GET / | X-Foo: 1", "allowed"),
                // The header with an underscore is another one.
                ("GET / | X_Foo: 0", "allowed | X_Foo: 0 | x-foo: 1"),
            ],
        ),
        (vec![set("http_x-foo", "1")], &[("GET /", "allowed | x-foo: 1")]),
        // An empty value takes the header away.
        (
            vec![set("HTTP_X_FOO", "")],
            &[("GET / | A: b | X-Foo: 0", "allowed | A: b"), ("GET / | A: b", "allowed")],
        ),
        (
            vec![set("HTTP_COOKIE", "{HTTP_COOKIE}; c=d")],
            &[("GET / | Cookie: a=b | Cookie: e=f", "allowed | Cookie: a=b; e=f; c=d")],
        ),
        // Only a rule that matches sets anything.
        (
            vec![when(rule("^a", &[("HTTP_X", "1")], Action::None), "{QUERY_STRING}", "q")],
            &[("GET /a?q", "allowed | x: 1"), ("GET /b?q", "allowed"), ("GET /a", "allowed")],
        ),
    ]);
}

#[test]
fn a_value_is_a_template() {
    check(vec![
        (
            vec![when(
                rule(
                    "^(.)(.)",
                    &[("HTTP_X", "{R:2}-{C:1}-{ToLower:{QUERY_STRING}}")],
                    Action::None,
                ),
                "{QUERY_STRING}",
                "^(.)",
            )],
            &[("GET /ab?Qx", "allowed | x: b-Q-qx")],
        ),
        (
            vec![set("HTTP_X", "{Sites:{HTTP_HOST}}{UrlDecode:%41}")],
            &[("GET / | Host: h", "allowed | Host: h | x: oneA")],
        ),
        (
            vec![set("HTTP_X", "{HtmlEncode:{QUERY_STRING}}")],
            &[("GET /?<a&b>", "allowed | x: &lt;a&amp;b&gt;"), ("GET /?a'", "allowed | x?")],
        ),
        // In order, each seeing the one before.
        (
            vec![rule(".*", &[("HTTP_A", "1"), ("HTTP_B", "{HTTP_A}2")], Action::None)],
            &[("GET /", "allowed | a: 1 | b: 12")],
        ),
        // The action is made from what was there before.
        (
            vec![rule(
                "^x$",
                &[("HTTP_A", "1")],
                Action::Rewrite { url: "/y{HTTP_A}".into(), append_query: true },
            )],
            &[("GET /x | A: 0", "=> /y0 | A: 1")],
        ),
        // The value of the URL is that before the rewrite.
        (
            vec![rule(
                "^x$",
                &[("HTTP_X_ORIGINAL", "{URL}")],
                Action::Rewrite { url: "/y".into(), append_query: true },
            )],
            &[("GET /x", "=> /y | x-original: /x")],
        ),
    ]);
}

#[test]
fn later_rules_see_the_header_that_was_set() {
    check(vec![
        (
            vec![set("HTTP_X", "evil"), abort_when("{HTTP_X}", "^evil$")],
            &[("GET / | X: good", "abort | X: evil")],
        ),
        (vec![set("HTTP_X", ""), abort_when("{HTTP_X}", ".")], &[("GET / | X: evil", "allowed")]),
        (
            vec![set("HTTP_HOST", "b:81"), abort_when("{SERVER_NAME}", "^b$")],
            &[("GET / | Host: a", "abort | Host: b:81")],
        ),
        (
            vec![set("HTTP_CONTENT_TYPE", "x"), abort_when("{CONTENT_TYPE}", "^x$")],
            &[("GET /", "abort | content-type: x")],
        ),
        (vec![abort_when("{HTTP_X}", "^1$"), set("HTTP_X", "1")], &[("GET /", "allowed | x: 1")]),
    ]);
}

#[test]
fn a_value_that_is_there_is_left_without_replace() {
    check(vec![(
        vec![keep(set("HTTP_X", "1"))],
        &[
            ("GET /", "allowed | x: 1"),
            ("GET / | X: 0", "allowed"),
            ("GET / | X: ", "allowed | X: 1"),
        ],
    )]);
}

#[test]
fn what_cannot_be_told_is_known_to_be_unknown() {
    let proxy = || set("HTTP_X_FORWARDED_FOR", "{REMOTE_ADDR}");
    check(vec![
        // The common rule of a proxy leaves every other rule decided.
        (
            vec![proxy(), abort_when("{QUERY_STRING}", "evil")],
            &[
                ("GET /", "allowed | x-forwarded-for?"),
                ("GET /?evil | X-Forwarded-For: 1", "abort | x-forwarded-for?"),
            ],
        ),
        (
            vec![proxy(), abort_when("{HTTP_X_FORWARDED_FOR}", "^10")],
            &[("GET /", "allowed ?2 | x-forwarded-for?")],
        ),
        (
            vec![proxy(), set("HTTP_X_FORWARDED_FOR", "1")],
            &[("GET /", "allowed | x-forwarded-for: 1")],
        ),
        (
            vec![proxy(), keep(set("HTTP_X_FORWARDED_FOR", "1"))],
            &[("GET /", "allowed | x-forwarded-for?")],
        ),
        // Another variable than a header matters to the rules that ask for it.
        (
            vec![set("ORIGINAL_URI", "x"), abort_when("{QUERY_STRING}", "evil")],
            &[("GET /?evil", "abort"), ("GET /", "allowed")],
        ),
        (
            vec![set("ORIGINAL_URI", "x"), abort_when("{ORIGINAL_URI}", "x")],
            &[("GET /", "allowed ?2")],
        ),
        (
            vec![set("QUERY_STRING", "x"), abort_when("{REQUEST_URI}", "x")],
            &[("GET /x", "allowed ?2")],
        ),
        (vec![set("QUERY_STRING", "x"), abort_when("{URL}", "x")], &[("GET /x", "abort")]),
        (vec![set("URL", "/x"), abort_when("{REQUEST_URI}", "x")], &[("GET /x", "allowed ?2")]),
        // A pattern that matches everything matches whatever the URL is.
        (vec![set("URL", "/x"), abort_when("{HTTP_A}", "x")], &[("GET /x | A: x", "abort")]),
        // A response is not there yet.
        (vec![abort_when("{RESPONSE_X}", "^$")], &[("GET /", "allowed ?1")]),
    ]);
    let note = outcome(&[set("URL", "/x")], "GET /").note.unwrap();
    assert_eq!(note, "the application may see another URL, which the rule `1` sets");
}

#[test]
fn a_variable_that_is_not_allowed_answers_500_where_the_rule_matches() {
    let set = rule("^a", &[("HTTP_X", "1")], Action::None);
    let answer = |forbidden, line| {
        let entry = Entry { name: "setter", rule: Ok(&set), base: "/", forbidden };
        Evaluator::new([entry], Vec::new()).evaluate(&request(line))
    };
    let refused = answer(Some("HTTP_X"), "GET /a");
    assert_eq!(refused.verdict, Verdict::Blocked { status: Some(500) });
    assert_eq!(refused.by.as_deref(), Some("setter"));
    assert_eq!(refused.headers, None);
    let note = "IIS answers 500: the variable HTTP_X may not be set, see allowedServerVariables";
    assert_eq!(refused.note.as_deref(), Some(note));
    assert_eq!(answer(Some("HTTP_X"), "GET /b").verdict, Verdict::Allowed);
    assert_eq!(answer(None, "GET /a").verdict, Verdict::Allowed);
}

#[test]
fn a_rule_tells_which_of_its_variables_turn_off_the_kernel_cache() {
    let on_the_url = abort_when("{UrlDecode:{REQUEST_URI}}{HTTP_HOST}{R:1}", ".");
    assert_eq!(uncached_variables(&on_the_url), [""; 0]);
    let rule = when(
        rule(
            ".*",
            &[("HTTP_X", "{http_referer}{HTTP_COOKIE}")],
            Action::Redirect {
                url: "https://{SERVER_NAME}{URL}".into(),
                append_query: true,
                kind: stopgap_iis::rewrite::RedirectType::Found,
            },
        ),
        "{Sites:{HTTP_COOKIE}}{HTTPS}",
        ".",
    );
    assert_eq!(uncached_variables(&rule), ["HTTP_COOKIE", "HTTPS", "HTTP_REFERER", "SERVER_NAME"]);
}
