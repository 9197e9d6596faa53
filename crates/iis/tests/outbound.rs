//! What outbound IIS rules do to the headers of a response: computed by hand.

#![allow(clippy::unwrap_used, reason = "helpers of tests may say plainly what they expect")]

use stopgap_iis::rewrite::{
    Action, Circumstances, Condition, Entry, Evaluator, Grouping, MatchType, OutboundAction,
    OutboundMatch, OutboundRule, PatternSyntax, PreCondition, ResponseEntry, ResponseEvaluator,
    ResponseOutcome, RewriteMap, Rule, SetVariable, UrlMatch,
};
use stopgap_model::reason::IisReason;
use stopgap_model::{Request, Response};

fn rule(variable: &str, pattern: &str, value: &str) -> OutboundRule {
    OutboundRule {
        name: String::new(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: false,
        precondition: String::new(),
        target: OutboundMatch {
            variable: variable.into(),
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

fn condition(input: &str, pattern: &str) -> Condition {
    Condition {
        input: input.into(),
        match_type: MatchType::Pattern,
        pattern: pattern.into(),
        ignore_case: true,
        negate: false,
    }
}

fn when(mut rule: OutboundRule, input: &str, pattern: &str) -> OutboundRule {
    rule.conditions.push(condition(input, pattern));
    rule
}

fn guarded(rule: OutboundRule, precondition: &str) -> OutboundRule {
    OutboundRule { precondition: precondition.into(), ..rule }
}

fn stop(rule: OutboundRule) -> OutboundRule {
    OutboundRule { stop_processing: true, ..rule }
}

fn syntax(rule: OutboundRule, syntax: PatternSyntax) -> OutboundRule {
    OutboundRule { syntax, ..rule }
}

fn none(rule: OutboundRule) -> OutboundRule {
    OutboundRule { action: OutboundAction::None, ..rule }
}

fn preconditions() -> Vec<PreCondition> {
    let make = |name: &str, grouping, conditions| PreCondition {
        name: name.into(),
        syntax: PatternSyntax::EcmaScript,
        grouping,
        conditions,
    };
    let html = condition("{RESPONSE_CONTENT_TYPE}", "^text/html");
    let wildcard = PreCondition {
        syntax: PatternSyntax::Wildcard,
        ..make("Css", Grouping::MatchAll, vec![condition("{RESPONSE_CONTENT_TYPE}", "*css*")])
    };
    let referring = vec![condition("{URL}", "^/(.)"), condition("{C:1}", "^a$")];
    vec![
        make("IsHTML", Grouping::MatchAll, vec![html.clone()]),
        make(
            "Page",
            Grouping::MatchAll,
            vec![html.clone(), condition("{RESPONSE_STATUS}", "^200$")],
        ),
        make("Either", Grouping::MatchAny, vec![html, condition("{REQUEST_METHOD}", "^POST$")]),
        make("A", Grouping::MatchAll, referring),
        make(
            "Disk",
            Grouping::MatchAll,
            vec![Condition {
                match_type: MatchType::IsFile,
                ..condition("{REQUEST_FILENAME}", "")
            }],
        ),
        make("Wrong", Grouping::MatchAll, vec![condition("{URL}", "*")]),
        wildcard,
    ]
}

fn lines(text: &str) -> (Request, Response) {
    let (asked, answered) = text.split_once(" -> ").unwrap();
    let mut parts = asked.split(" | ");
    let mut request = Request::from_line(parts.next().unwrap()).unwrap();
    parts.for_each(|line| request.add_header_line(line).unwrap());
    let mut parts = answered.split(" | ");
    let status = parts.next().unwrap().parse().unwrap();
    let mut response = Response { status, headers: Vec::new() };
    parts.for_each(|line| response.add_header_line(line).unwrap());
    (request, response)
}

fn evaluator(rules: &[OutboundRule]) -> ResponseEvaluator {
    let names: Vec<String> = (1..=rules.len()).map(|number| number.to_string()).collect();
    let entries =
        rules.iter().zip(&names).map(|(rule, name)| ResponseEntry { name, rule: Ok(rule) });
    let maps = vec![RewriteMap {
        name: "Hosts".into(),
        default: "none".into(),
        ignore_case: true,
        entries: vec![("inside".into(), "outside".into())],
    }];
    ResponseEvaluator::new(entries, &preconditions(), maps)
}

/// The headers, the rules that changed them, and those that are undecided.
fn short(outcome: &ResponseOutcome) -> String {
    if outcome.fault.is_some() {
        return "500".to_owned();
    }
    let header =
        |(name, value): &(String, Vec<u8>)| format!("{name}: {}", String::from_utf8_lossy(value));
    let mut text = outcome.headers.iter().map(header).collect::<Vec<_>>().join(" | ");
    for change in &outcome.changes {
        text += &format!(" by {}", change.rule);
    }
    for undecided in &outcome.undecided {
        text += &format!(" ?{}", undecided.rule);
    }
    text
}

/// Rules, and what is asked of them with what comes of it.
type Table<'a> = Vec<(Vec<OutboundRule>, &'a [(&'a str, &'a str)])>;

fn check(table: Table<'_>) {
    for (at, (rules, cases)) in table.into_iter().enumerate() {
        let evaluator = evaluator(&rules);
        for (text, expected) in cases {
            let (request, response) = lines(text);
            let outcome = evaluator.evaluate(&request, &response);
            assert_eq!(short(&outcome), *expected, "row {at}: {text}: {outcome:?}");
        }
    }
}

#[test]
fn a_header_is_set_changed_or_taken_away() {
    check(vec![
        // What is not there is an empty text.
        (
            vec![rule("RESPONSE_X_Frame_Options", ".*", "DENY")],
            &[
                ("GET / -> 200", "X-Frame-Options: DENY by 1"),
                ("GET / -> 200 | A: b | x-frame-options: x", "A: b | x-frame-options: DENY by 1"),
                ("GET / -> 200 | X-Frame-Options: DENY", "X-Frame-Options: DENY"),
            ],
        ),
        (
            vec![rule("RESPONSE_CSP", "(.*)", "{R:1}; script-src-attr 'none'")],
            &[
                (
                    "GET / -> 200 | csp: default-src",
                    "csp: default-src; script-src-attr 'none' by 1",
                ),
                ("GET / -> 200", "CSP: ; script-src-attr 'none' by 1"),
                ("GET / -> 200 | CSP: a | csp: b", "CSP: a, b; script-src-attr 'none' by 1"),
            ],
        ),
        (
            vec![rule("RESPONSE_X-Powered-By", ".+", "")],
            &[
                ("GET / -> 200 | A: b | X-Powered-By: ASP.NET", "A: b by 1"),
                ("GET / -> 200 | A: b", "A: b"),
            ],
        ),
        // The whole value is replaced, not only the part that matched.
        (
            vec![rule("RESPONSE_LOCATION", "^https?://inside(.*)", "https://outside{R:1}")],
            &[
                (
                    "GET / -> 302 | Location: http://inside/a?b",
                    "Location: https://outside/a?b by 1",
                ),
                ("GET / -> 302 | Location: /a", "Location: /a"),
                ("GET / -> 200", ""),
            ],
        ),
        (vec![rule("RESPONSE_A", "b", "x")], &[("GET / -> 200 | A: abc", "A: x by 1")]),
        (vec![none(rule("RESPONSE_A", ".*", "x"))], &[("GET / -> 200 | A: b", "A: b")]),
        (
            vec![OutboundRule { enabled: false, ..rule("RESPONSE_A", ".*", "x") }],
            &[("GET / -> 200 | A: b", "A: b")],
        ),
        // Without `replace` a value that is there stays.
        (
            vec![OutboundRule {
                action: OutboundAction::Rewrite { value: "x".into(), replace: false },
                ..rule("RESPONSE_A", ".*", "")
            }],
            &[("GET / -> 200 | A: b", "A: b"), ("GET / -> 200", "A: x by 1")],
        ),
    ]);
}

#[test]
fn patterns_are_of_the_three_syntaxes_and_may_be_negated() {
    let negated = |mut rule: OutboundRule| {
        rule.target.negate = true;
        rule
    };
    let cased = |mut rule: OutboundRule| {
        rule.target.ignore_case = false;
        rule
    };
    check(vec![
        (
            vec![syntax(rule("RESPONSE_A", "b*", "{R:1}"), PatternSyntax::Wildcard)],
            &[("GET / -> 200 | A: Bcd", "A: cd by 1"), ("GET / -> 200 | A: abc", "A: abc")],
        ),
        (
            vec![syntax(rule("RESPONSE_A", "b.", "x"), PatternSyntax::ExactMatch)],
            &[("GET / -> 200 | A: B.", "A: x by 1"), ("GET / -> 200 | A: bc", "A: bc")],
        ),
        (vec![cased(rule("RESPONSE_A", "^b$", "x"))], &[("GET / -> 200 | A: B", "A: B")]),
        (
            vec![negated(rule("RESPONSE_A", "^(b)$", "x{R:1}"))],
            &[
                ("GET / -> 200 | A: c", "A: x by 1"),
                ("GET / -> 200", "A: x by 1"),
                ("GET / -> 200 | A: b", "A: b"),
            ],
        ),
        // IIS cannot read it.
        (vec![rule("RESPONSE_A", "*", "x")], &[("GET / -> 200", "500")]),
        (
            vec![guarded(rule("RESPONSE_A", "*", "x"), "IsHTML")],
            &[("GET / -> 200", ""), ("GET / -> 200 | Content-Type: text/html", "500")],
        ),
        // This evaluator cannot.
        (vec![rule("RESPONSE_A", r"(a)\1", "x")], &[("GET / -> 200 | A: aa", "A: aa ?1")]),
    ]);
}

#[test]
fn a_precondition_says_which_responses_a_rule_sees() {
    let x = |precondition: &str| vec![guarded(rule("RESPONSE_X", ".*", "1"), precondition)];
    check(vec![
        (
            x("IsHTML"),
            &[
                (
                    "GET / -> 200 | content-type: text/html; charset=x",
                    "content-type: text/html; charset=x | X: 1 by 1",
                ),
                ("GET / -> 200 | Content-Type: text/css", "Content-Type: text/css"),
                ("GET / -> 200", ""),
            ],
        ),
        (
            x("ishtml"),
            &[("GET / -> 200 | Content-Type: text/html", "Content-Type: text/html | X: 1 by 1")],
        ),
        (
            x("Page"),
            &[
                ("GET / -> 200 | Content-Type: text/html", "Content-Type: text/html | X: 1 by 1"),
                ("GET / -> 404 | Content-Type: text/html", "Content-Type: text/html"),
            ],
        ),
        (x("Either"), &[("POST / -> 200", "X: 1 by 1"), ("GET / -> 200", "")]),
        (x("A"), &[("GET /a -> 200", "X: 1 by 1"), ("GET /b -> 200", "")]),
        (
            x("Css"),
            &[("GET / -> 200 | Content-Type: text/css", "Content-Type: text/css | X: 1 by 1")],
        ),
        // The start page is a folder, whatever is on the disk.
        (x("Disk"), &[("GET /a -> 200", " ?1"), ("GET / -> 200", "")]),
        (x("Wrong"), &[("GET / -> 200", "500")]),
        // A name that is nowhere is an error of the configuration, even of a rule for bodies.
        (x("Missing"), &[("GET / -> 200", "500")]),
        (vec![guarded(rule("", "a", "b"), "Missing")], &[("GET / -> 200", "500")]),
    ]);
}

#[test]
fn conditions_see_the_request_and_the_response() {
    let x = |value: &str, input: &str, pattern: &str| {
        vec![when(rule("RESPONSE_X", "(.*)", value), input, pattern)]
    };
    check(vec![
        (
            x("{C:1}{R:1}", "{RESPONSE_Some_Header}", "(.)$"),
            &[
                ("GET / -> 200 | some-header: ab | X: c", "some-header: ab | X: bc by 1"),
                ("GET / -> 200", ""),
            ],
        ),
        (x("1", "{response_status}", "^5"), &[("GET / -> 503", "X: 1 by 1"), ("GET / -> 200", "")]),
        (
            x("{HTTP_ORIGIN}", "{REQUEST_URI}", "^/a"),
            &[("GET /a | Origin: o -> 200", "X: o by 1"), ("GET /b | Origin: o -> 200", "")],
        ),
        (
            x("{Hosts:{HTTP_HOST}}", "{HTTP_HOST}", "."),
            &[
                ("GET / | Host: inside -> 200", "X: outside by 1"),
                ("GET / | Host: h -> 200", "X: none by 1"),
            ],
        ),
        (
            x("1", "{RESPONSE_SET_COOKIE}", "a"),
            &[
                ("GET / -> 200 | Set-Cookie: a=b", "Set-Cookie: a=b | X: 1 by 1"),
                (
                    "GET / -> 200 | Set-Cookie: a=b | Set-Cookie: c",
                    "Set-Cookie: a=b | Set-Cookie: c ?1",
                ),
            ],
        ),
        (x("1", "{REMOTE_ADDR}", "."), &[("GET / -> 200", " ?1")]),
        (x("{REMOTE_ADDR}", "{URL}", "^/a"), &[("GET /a -> 200", " ?1"), ("GET /b -> 200", "")]),
    ]);
}

#[test]
fn later_rules_see_what_earlier_ones_made() {
    check(vec![
        (
            vec![rule("RESPONSE_A", "^b$", "c"), rule("RESPONSE_A", "^c$", "d")],
            &[("GET / -> 200 | A: b", "A: d by 1 by 2")],
        ),
        (
            vec![
                rule("RESPONSE_A", ".*", "c"),
                when(rule("RESPONSE_B", ".*", "1"), "{RESPONSE_A}", "^c$"),
            ],
            &[("GET / -> 200", "A: c | B: 1 by 1 by 2")],
        ),
        // A rule on another variable than a response header leaves the response alone.
        (
            vec![
                rule("HTTP_ACCEPT_ENCODING", ".*", "gzip"),
                when(rule("RESPONSE_B", ".*", "1"), "{HTTP_ACCEPT_ENCODING}", "gzip"),
                rule("RESPONSE_C", ".*", "1"),
            ],
            &[("GET / -> 200", "C: 1 by 3 ?2")],
        ),
        // A rule on the body as well, whatever it cannot tell.
        (
            vec![
                stop(when(rule("", "(a)\\1", "b"), "{REMOTE_ADDR}", ".")),
                rule("RESPONSE_C", ".*", "1"),
            ],
            &[("GET / -> 200", "C: 1 by 2")],
        ),
        (
            vec![rule("RESPONSE_SET_COOKIE", "(.*)", "{R:1}; Secure")],
            &[
                ("GET / -> 200 | Set-Cookie: a", "Set-Cookie: a; Secure by 1"),
                (
                    "GET / -> 200 | Set-Cookie: a | set-cookie: b",
                    "Set-Cookie: a | set-cookie: b ?1",
                ),
            ],
        ),
    ]);
}

#[test]
fn stopping_ends_the_rules_of_the_header_and_leaves_those_of_others_unknown() {
    check(vec![
        (
            vec![stop(rule("RESPONSE_A", "^b$", "c")), rule("RESPONSE_A", ".*", "d")],
            &[("GET / -> 200 | A: b", "A: c by 1"), ("GET / -> 200 | A: x", "A: d by 2")],
        ),
        (
            vec![stop(none(rule("RESPONSE_A", "^b$", ""))), rule("RESPONSE_a", ".*", "d")],
            &[("GET / -> 200 | A: b", "A: b")],
        ),
        (
            vec![stop(rule("RESPONSE_A", "^b$", "c")), rule("RESPONSE_B", "^1$", "2")],
            &[
                ("GET / -> 200 | A: b | B: 1", "A: c | B: 1 by 1 ?2"),
                ("GET / -> 200 | A: b | B: 3", "A: c | B: 3 by 1"),
                ("GET / -> 200 | A: x | B: 1", "A: x | B: 2 by 2"),
            ],
        ),
    ]);
}

#[test]
fn outbound_rules_see_the_request_as_inbound_rules_have_made_it() {
    let inbound = Rule {
        name: "in".into(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: false,
        url: UrlMatch { pattern: "^a$".into(), ignore_case: true, negate: false },
        grouping: Grouping::MatchAll,
        track_all_captures: false,
        conditions: Vec::new(),
        server_variables: vec![
            SetVariable { name: "HTTP_X".into(), value: "1".into(), replace: true },
            SetVariable { name: "HTTP_Y".into(), value: "{REMOTE_ADDR}".into(), replace: true },
        ],
        action: Action::Rewrite { url: "/b".into(), append_query: true },
    };
    let entry = Entry { name: "in", rule: Ok(&inbound), base: "/", forbidden: None };
    let (request, response) = lines("GET /a -> 200");
    let outcome = Evaluator::new([entry], Vec::new()).evaluate(&request);
    let value = "{HTTP_X} {URL} {UNENCODED_URL}";
    let evaluator =
        evaluator(&[rule("RESPONSE_A", ".*", value), rule("RESPONSE_B", ".*", "{HTTP_Y}")]);
    let after = evaluator.evaluate_after(&request, &Circumstances::default(), &outcome, &response);
    assert_eq!(short(&after), "A: 1 /b /a by 1 ?2");
    assert_eq!(short(&evaluator.evaluate(&request, &response)), "A: /a /a by 1");
}

#[test]
fn an_emptied_header_and_an_error_say_what_a_person_should_know() {
    let (request, response) = lines("GET / -> 200 | Server: x");
    let outcome = evaluator(&[rule("RESPONSE_Server", ".+", "")]).evaluate(&request, &response);
    assert!(outcome.notes[0].starts_with("the header Server is emptied;"), "{outcome:?}");
    assert_eq!(outcome.changes[0].header, "Server");
    let missing = guarded(rule("RESPONSE_A", ".*", "x"), "Missing");
    let outcome = evaluator(&[missing]).evaluate(&request, &response);
    let fault = "the rule `1` names the precondition `Missing`, which is not there";
    assert_eq!(outcome.fault.as_deref(), Some(fault));
    let unread = ResponseEntry { name: "odd", rule: Err(&IisReason::RuleWithoutMatch) };
    let outcome = ResponseEvaluator::new([unread], &[], Vec::new()).evaluate(&request, &response);
    assert_eq!(outcome.undecided[0].reason, IisReason::RuleWithoutMatch.to_string());
    assert_eq!(outcome.headers, response.headers);
}
