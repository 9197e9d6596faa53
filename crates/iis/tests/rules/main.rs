//! What IIS rules do to requests: verdicts computed by hand.

#![allow(clippy::unwrap_used, reason = "helpers of tests may say plainly what they expect")]

use stopgap_iis::rewrite::{
    Action, Condition, Entry, Evaluator, Grouping, MatchType, Outcome, PatternSyntax, RedirectType,
    RewriteMap, Rule, UrlMatch, Verdict,
};
use stopgap_model::Request;
use stopgap_model::reason::IisReason;

fn rule(url: &str, action: Action) -> Rule {
    Rule {
        name: String::new(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: false,
        url: UrlMatch { pattern: url.into(), ignore_case: true, negate: false },
        grouping: Grouping::MatchAll,
        track_all_captures: false,
        conditions: Vec::new(),
        server_variables: Vec::new(),
        action,
    }
}

fn abort(url: &str) -> Rule {
    rule(url, Action::AbortRequest)
}

fn rewrite(url: &str, to: &str) -> Rule {
    rule(url, Action::Rewrite { url: to.into(), append_query: true })
}

fn redirect(url: &str, to: &str, kind: RedirectType, append_query: bool) -> Rule {
    rule(url, Action::Redirect { url: to.into(), append_query, kind })
}

fn respond(url: &str, status: u16) -> Rule {
    let (reason, description) = (String::new(), String::new());
    rule(url, Action::CustomResponse { status, substatus: 0, reason, description })
}

/// A rule with a condition more.
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

/// A rule with a condition more that must not hold.
fn unless(rule: Rule, input: &str, pattern: &str) -> Rule {
    let mut rule = when(rule, input, pattern);
    rule.conditions.last_mut().unwrap().negate = true;
    rule
}

fn asks_the_disk(rule: Rule, match_type: MatchType) -> Rule {
    let mut rule = when(rule, "{REQUEST_FILENAME}", "");
    rule.conditions.last_mut().unwrap().match_type = match_type;
    rule
}

fn any(rule: Rule) -> Rule {
    Rule { grouping: Grouping::MatchAny, ..rule }
}

fn stop(rule: Rule) -> Rule {
    Rule { stop_processing: true, ..rule }
}

fn syntax(rule: Rule, syntax: PatternSyntax) -> Rule {
    Rule { syntax, ..rule }
}

fn exact_case(mut rule: Rule) -> Rule {
    rule.url.ignore_case = false;
    rule.conditions.iter_mut().for_each(|condition| condition.ignore_case = false);
    rule
}

fn not_url(mut rule: Rule) -> Rule {
    rule.url.negate = true;
    rule
}

fn maps() -> Vec<RewriteMap> {
    let entries = [("old", "new"), ("a b", "c")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let map = |name: &str, default: &str, ignore_case| RewriteMap {
        name: name.into(),
        default: default.into(),
        ignore_case,
        entries: entries.to_vec(),
    };
    vec![map("Moved", "", true), map("Strict", "none", false)]
}

/// A request line, and header lines behind ` | `.
fn request(text: &str) -> Request {
    let mut lines = text.split(" | ");
    let mut request = Request::from_line(lines.next().unwrap()).unwrap();
    lines.for_each(|line| request.add_header_line(line).unwrap());
    request
}

fn outcome(rules: &[(&str, Rule)], line: &str) -> Outcome {
    let names: Vec<String> = (1..=rules.len()).map(|number| number.to_string()).collect();
    let entries = rules.iter().zip(&names).map(|((base, rule), name)| Entry {
        name,
        rule: Ok(rule),
        base,
        forbidden: None,
    });
    Evaluator::new(entries, maps()).evaluate(&request(line))
}

/// An outcome in a few signs: what becomes of the request, `by` which rule, and which are undecided.
fn short(outcome: &Outcome) -> String {
    let mut text = match &outcome.verdict {
        Verdict::Allowed => "allowed".to_owned(),
        Verdict::Blocked { status: None } => "abort".to_owned(),
        Verdict::Blocked { status: Some(status) } => status.to_string(),
        Verdict::Rewritten { url } => format!("=> {url}"),
        Verdict::Redirected { status, url } => format!("{status} {url}"),
    };
    if let Some(by) = &outcome.by {
        text += &format!(" by {by}");
    }
    for undecided in &outcome.undecided {
        text += &format!(" ?{}", undecided.rule);
    }
    text
}

/// Rules of the site, and requests with what becomes of them.
type Table<'a> = Vec<(Vec<Rule>, &'a [(&'a str, &'a str)])>;

fn check(base: &str, table: Table<'_>) {
    for (at, (rules, cases)) in table.into_iter().enumerate() {
        let rules: Vec<_> = rules.into_iter().map(|rule| (base, rule)).collect();
        for (line, expected) in cases {
            let outcome = outcome(&rules, line);
            assert_eq!(short(&outcome), *expected, "row {at}: {line}: {outcome:?}");
        }
    }
}

#[test]
fn the_url_is_the_decoded_path_without_its_slash_and_its_query() {
    check(
        "/",
        vec![
            (
                vec![abort("^owa/")],
                &[
                    ("GET /owa/", "abort by 1"),
                    ("GET /OWA/x", "abort by 1"),
                    ("GET /%6fwa/", "abort by 1"),
                    ("GET //owa/", "abort by 1"),
                    ("GET /x/../owa/", "abort by 1"),
                    ("GET /x/%2e%2e/owa/", "abort by 1"),
                    (r"GET \owa\", "abort by 1"),
                    ("GET /owa/../x", "allowed"),
                    ("GET /x?/../owa/", "allowed"),
                    ("GET /x?owa/", "allowed"),
                ],
            ),
            (
                vec![abort("^$")],
                &[("GET /", "abort by 1"), ("GET /?x", "abort by 1"), ("GET /x", "allowed")],
            ),
            (vec![abort(r"\?")], &[("GET /a?b", "allowed"), ("GET /a%3fb", "abort by 1")]),
            (
                vec![exact_case(abort("^owa"))],
                &[("GET /owa", "abort by 1"), ("GET /OWA", "allowed")],
            ),
            (vec![not_url(abort("^owa"))], &[("GET /owa", "allowed"), ("GET /ecp", "abort by 1")]),
            (vec![Rule { enabled: false, ..abort("*") }], &[("GET /x", "allowed")]),
            (vec![abort("*")], &[("GET /x", "500 by 1")]),
            (vec![when(abort("x"), "{URL}", "(")], &[("GET /x", "500 by 1")]),
        ],
    );
}

#[test]
fn a_rule_in_a_folder_sees_what_is_below_it() {
    check(
        "/owa/",
        vec![
            (
                vec![abort("^auth/")],
                &[
                    ("GET /owa/auth/x", "abort by 1"),
                    ("GET /OWA/auth/", "abort by 1"),
                    ("GET /auth/", "allowed"),
                    ("GET /owaauth/", "allowed"),
                    ("GET /ecp/owa/auth/", "allowed"),
                ],
            ),
            (vec![abort("^$")], &[("GET /owa", "abort by 1"), ("GET /owa/", "abort by 1")]),
            // An invalid pattern breaks only what is below it.
            (vec![abort("*")], &[("GET /owa/x", "500 by 1"), ("GET /ecp/", "allowed")]),
            (vec![rewrite("^a$", "b")], &[("GET /owa/a", "=> /owa/b by 1")]),
            (vec![rewrite("^a$", "/b")], &[("GET /owa/a?q", "=> /b?q by 1")]),
        ],
    );
}

#[test]
fn wildcards_and_exact_texts_match_the_whole_string() {
    let (wildcard, exact) = (PatternSyntax::Wildcard, PatternSyntax::ExactMatch);
    check(
        "/",
        vec![
            (
                vec![syntax(abort("owa/*"), wildcard)],
                &[
                    ("GET /owa/", "abort by 1"),
                    ("GET /OWA/x/y", "abort by 1"),
                    ("GET /x/owa/", "allowed"),
                ],
            ),
            (
                vec![syntax(abort("a?c"), wildcard)],
                &[("GET /abc", "abort by 1"), ("GET /ac", "allowed")],
            ),
            (
                vec![syntax(abort("*"), wildcard)],
                &[("GET /x%0ay", "abort by 1"), ("GET /", "abort by 1")],
            ),
            (
                vec![syntax(abort("a.c"), wildcard)],
                &[("GET /a.c", "abort by 1"), ("GET /abc", "allowed")],
            ),
            (vec![exact_case(syntax(abort("a*"), wildcard))], &[("GET /Ab", "allowed")]),
            // A question mark is no capture.
            (
                vec![syntax(rewrite("*/?/*", "{R:2}-{R:1}"), wildcard)],
                &[("GET /a/b/c", "=> /c-a by 1")],
            ),
            (
                vec![syntax(abort("a.c"), exact)],
                &[
                    ("GET /a.c", "abort by 1"),
                    ("GET /A.C", "abort by 1"),
                    ("GET /abc", "allowed"),
                    ("GET /a.c/", "allowed"),
                ],
            ),
            (vec![exact_case(syntax(abort("a"), exact))], &[("GET /A", "allowed")]),
            // The syntax is that of the conditions as well.
            (
                vec![when(syntax(abort("*"), wildcard), "{QUERY_STRING}", "*evil*")],
                &[("GET /x?an-EVIL-one", "abort by 1"), ("GET /x", "allowed")],
            ),
            (
                vec![when(syntax(abort("x"), exact), "{HTTP_HOST}", "h*")],
                &[("GET /x | Host: h*", "abort by 1"), ("GET /x | Host: hi", "allowed")],
            ),
        ],
    );
}

#[test]
fn conditions_all_or_any_and_what_they_capture() {
    let both = || when(when(abort("x"), "{QUERY_STRING}", "a"), "{REQUEST_METHOD}", "^post$");
    let two = |rule| when(when(rule, "{QUERY_STRING}", "(a.)(b.)"), "{HTTP_COOKIE}", "(c.)");
    let echo = |url: &str| rewrite(".*", url);
    let captures = "GET /x?a1b2 | Cookie: c3";
    check(
        "/",
        vec![
            (
                vec![both()],
                &[
                    ("POST /x?a", "abort by 1"),
                    ("POST /x?b", "allowed"),
                    ("GET /x?a", "allowed"),
                    ("POST /y?a", "allowed"),
                ],
            ),
            (
                vec![any(both())],
                &[
                    ("POST /x?b", "abort by 1"),
                    ("GET /x?a", "abort by 1"),
                    ("GET /x?b", "allowed"),
                    ("POST /y?a", "allowed"),
                ],
            ),
            (vec![any(abort("x"))], &[("GET /x", "abort by 1")]),
            (
                vec![unless(abort(".*"), "{HTTP_X_OK}", "^1$")],
                &[
                    ("GET /x | X-OK: 1", "allowed"),
                    ("GET /x | X-Ok: 2", "abort by 1"),
                    ("GET /x", "abort by 1"),
                ],
            ),
            (vec![exact_case(when(abort("x"), "{QUERY_STRING}", "a"))], &[("GET /x?A", "allowed")]),
            // The groups of the last condition that matched.
            (vec![two(echo("/{C:0}-{C:1}"))], &[(captures, "=> /c3-c3?a1b2 by 1")]),
            (vec![any(two(echo("/{C:1}{C:2}")))], &[(captures, "=> /a1b2?a1b2 by 1")]),
            // The groups of all, one after the other.
            (
                vec![Rule { track_all_captures: true, ..two(echo("/{C:0}-{C:1}-{C:2}-{C:3}")) }],
                &[(captures, "=> /a1b2-a1-b2-c3?a1b2 by 1")],
            ),
            // A condition's input can refer to the rule and to the condition before.
            (
                vec![when(when(abort("^(.)"), "{QUERY_STRING}", "^(.)"), "{R:1}{C:1}", "^xa$")],
                &[("GET /x?a", "abort by 1"), ("GET /y?a", "allowed")],
            ),
            // A negated pattern leaves nothing to refer to.
            (vec![not_url(rewrite("^(a)", "/n{R:1}{R:0}"))], &[("GET /b", "=> /n by 1")]),
            // What engines do not agree on is not guessed.
            (vec![rewrite("^(?:(a)|b)*$", "/{R:1}")], &[("GET /ab", "=> /{R:1} by 1")]),
        ],
    );
}

#[test]
fn an_action_ends_the_rules_or_lets_them_go_on() {
    let none = |url| rule(url, Action::None);
    check(
        "/",
        vec![
            (vec![respond("x", 403)], &[("GET /x", "403 by 1")]),
            (vec![respond("x", 404), abort("x")], &[("GET /x", "404 by 1")]),
            (vec![none("x"), abort("x")], &[("GET /x", "abort by 2")]),
            (
                vec![stop(none("x")), abort(".*")],
                &[("GET /x", "allowed"), ("GET /y", "abort by 2")],
            ),
            // Stopping is of a rule that matched.
            (
                vec![stop(unless(none("x"), "{QUERY_STRING}", "a")), abort("x")],
                &[("GET /x", "allowed"), ("GET /x?a", "abort by 2")],
            ),
            (vec![stop(rewrite("^a$", "b")), abort("^b$")], &[("GET /a", "=> /b by 1")]),
            (vec![rewrite("^a$", "b"), abort("^b$")], &[("GET /a", "abort by 2")]),
            (vec![rewrite("^a$", "b"), abort("^a$")], &[("GET /a", "=> /b by 1")]),
            (vec![rewrite("^a$", "b"), rewrite("^b$", "c")], &[("GET /a?q", "=> /c?q by 2")]),
        ],
    );
}

#[test]
fn a_redirection_has_its_status_and_perhaps_the_query() {
    use RedirectType::{Found, Permanent, SeeOther, Temporary};
    check(
        "/",
        vec![
            (
                vec![redirect("^a", "/b", Permanent, true)],
                &[("GET /a", "301 /b by 1"), ("GET /a?q=1", "301 /b?q=1 by 1")],
            ),
            (vec![redirect("^a", "/b", Found, false)], &[("GET /a?q", "302 /b by 1")]),
            (
                vec![redirect("^a", "/b?x", SeeOther, true)],
                &[("GET /a?q", "303 /b?x&q by 1"), ("GET /a?", "303 /b?x by 1")],
            ),
            (
                vec![redirect("^(.*)$", "https://{HTTP_HOST}/{R:1}", Temporary, true), abort(".*")],
                &[("GET /a/b?q | Host: h.example", "307 https://h.example/a/b?q by 1")],
            ),
            (
                vec![when(
                    redirect(".*", "https://{SERVER_NAME}{URL}", Permanent, false),
                    "{HTTP_HOST}",
                    ":80$",
                )],
                &[
                    ("GET /%61 | Host: h:80", "301 https://h/a by 1"),
                    ("GET /a | Host: h", "allowed"),
                ],
            ),
        ],
    );
}

#[test]
fn functions_and_maps_change_a_text() {
    let query_is = |input: &str, pattern: &str| vec![when(abort(".*"), input, pattern)];
    check(
        "/",
        vec![
            (
                query_is("{UrlDecode:{QUERY_STRING}}", "^a b$"),
                &[
                    ("GET /?a%20b", "abort by 1"),
                    ("GET /?a+b", "allowed"),
                    ("GET /?a%2520b", "allowed"),
                ],
            ),
            (
                query_is("{UrlDecode:{UrlDecode:{QUERY_STRING}}}", "^a b$"),
                &[("GET /?a%2520b", "abort by 1")],
            ),
            (query_is("{urldecode:{query_string}}", "^a$"), &[("GET /?%61", "abort by 1")]),
            (query_is("{UrlEncode:{R:0}}", "^a%20b$"), &[("GET /a%20b", "abort by 1")]),
            // Encoders do not agree on a slash.
            (query_is("{UrlEncode:{URL}}", "^/a"), &[("GET /a", "allowed ?1")]),
            (
                vec![exact_case(when(abort(".*"), "{ToLower:{HTTP_X_A}}", "^abc$"))],
                &[("GET / | X-A: ABC", "abort by 1")],
            ),
            (
                query_is("x{REQUEST_METHOD}-{QUERY_STRING}", "^xGET-a$"),
                &[("GET /?a", "abort by 1")],
            ),
            (
                vec![when(rewrite("^(.*)$", "/{C:1}"), "{Moved:{R:1}}", "(.+)")],
                &[
                    ("GET /old", "=> /new by 1"),
                    ("GET /OLD", "=> /new by 1"),
                    ("GET /a%20b", "=> /c by 1"),
                    ("GET /x", "allowed"),
                ],
            ),
            (
                vec![rewrite("^(.*)$", "/{strict:{R:1}}")],
                &[("GET /old", "=> /new by 1"), ("GET /OLD", "=> /none by 1")],
            ),
            (query_is("{HTTP_X_A}", "^1, 2$"), &[("GET / | X-A: 1 | x-a: 2", "abort by 1")]),
            (
                query_is("{HTTP_COOKIE}", "^a; b$"),
                &[("GET / | Cookie: a | cookie: b", "abort by 1")],
            ),
        ],
    );
}

#[test]
fn later_rules_see_the_rewritten_url_and_can_ask_for_the_one_requested() {
    let moved = || rewrite("^a$", "b?x=1");
    let later = |input: &str, pattern: &str| vec![moved(), when(abort(".*"), input, pattern)];
    check(
        "/",
        vec![
            (later("{REQUEST_URI}", "^/b"), &[("GET /a?q", "abort by 2")]),
            (later("{REQUEST_URI}", "^/a"), &[("GET /a?q", "=> /b?x=1&q by 1")]),
            (later("{UNENCODED_URL}", r"^/a\?q$"), &[("GET /a?q", "abort by 2")]),
            (later("{UNENCODED_URL}", "%61"), &[("GET /%61", "abort by 2")]),
            (later("{QUERY_STRING}", "^x=1&q$"), &[("GET /a?q", "abort by 2")]),
            (later("{URL}", "^/b$"), &[("GET /a?q", "abort by 2"), ("GET /c", "allowed")]),
            // Elsewhere: no rule of this site sees it.
            (
                vec![rewrite("^a$", "http://other/a"), abort(".*")],
                &[("GET /a", "=> http://other/a by 1"), ("GET /b", "abort by 2")],
            ),
        ],
    );
    // Out of the folder whose rules follow, or into it.
    let rules = |to: &str| [("/", rewrite("^a$", to)), ("/owa/", abort(".*"))];
    assert_eq!(short(&outcome(&rules("/owa/x"), "GET /a")), "abort by 2");
    assert_eq!(short(&outcome(&rules("/ecp/x"), "GET /a")), "=> /ecp/x by 1");
    assert_eq!(short(&outcome(&rules("/ecp/x"), "GET /owa/a")), "abort by 2");
}

#[test]
fn what_is_not_in_the_request_leaves_a_rule_undecided() {
    let unknown = |input: &str| vec![when(abort("x"), input, ".")];
    let unsure = || when(abort("x"), "{REMOTE_ADDR}", "^10");
    check(
        "/",
        vec![
            (unknown("{REMOTE_ADDR}"), &[("GET /x", "allowed ?1"), ("GET /y", "allowed")]),
            (unknown("{HTTPS}"), &[("GET /x", "allowed ?1")]),
            (unknown("{SERVER_PORT}"), &[("GET /x | Host: h:80", "allowed ?1")]),
            (unknown("{SERVER_PROTOCOL}"), &[("GET /x", "allowed ?1")]),
            (unknown("{HTTP_X_ORIGINAL_URL}"), &[("GET /x | X-Original-URL: /y", "allowed ?1")]),
            (unknown("{NoSuchMap:{URL}}"), &[("GET /x", "allowed ?1")]),
            (unknown("{URL"), &[("GET /x", "allowed ?1")]),
            (unknown("{r:0}"), &[("GET /x", "allowed ?1")]),
            (vec![asks_the_disk(abort("x"), MatchType::IsFile)], &[("GET /x", "allowed ?1")]),
            (vec![asks_the_disk(abort("x"), MatchType::IsDirectory)], &[("GET /x", "allowed ?1")]),
            (vec![abort(r"(a)\1")], &[("GET /x", "allowed ?1")]),
            // IIS is presumed to answer 500, which does not count as blocked.
            (vec![redirect("x", "/{R:1}", RedirectType::Found, true)], &[("GET /x", "allowed ?1")]),
            (vec![unknown("{C:1}").remove(0)], &[("GET /x", "allowed ?1")]),
            // The rules behind it are asked as if it did not match.
            (vec![unsure(), respond("x", 403)], &[("GET /x", "403 by 2 ?1")]),
            (vec![respond("x", 403), unsure()], &[("GET /x", "403 by 1")]),
            (vec![stop(unsure()), unsure(), abort("y")], &[("GET /xy", "abort by 3 ?1 ?2")]),
            // One that fails decides `all`, one that holds decides `any`.
            (
                vec![when(unsure(), "{QUERY_STRING}", "a")],
                &[("GET /x?b", "allowed"), ("GET /x?a", "allowed ?1")],
            ),
            (
                vec![any(when(unsure(), "{QUERY_STRING}", "a"))],
                &[("GET /x?a", "abort by 1"), ("GET /x?b", "allowed ?1")],
            ),
        ],
    );
    let entry =
        Entry { name: "odd", rule: Err(&IisReason::RuleWithoutMatch), base: "/", forbidden: None };
    let outcome = Evaluator::new([entry], Vec::new()).evaluate(&request("GET /x"));
    assert_eq!((outcome.verdict, outcome.by), (Verdict::Allowed, None));
    assert_eq!(outcome.undecided[0].reason, IisReason::RuleWithoutMatch.to_string());
}

#[test]
fn a_pattern_beyond_linear_time_leaves_undecided_only_what_depends_on_it() {
    let twice = r"(\w)\1";
    let both = |rule: Rule| when(when(rule, "{QUERY_STRING}", twice), "{REQUEST_METHOD}", "POST");
    let go = |to: &str| redirect("^x$", to, RedirectType::Permanent, false);
    let either = |to: &str| any(when(when(go(to), "{QUERY_STRING}", twice), "{URL}", "(x)"));
    let chained = when(when(abort("^x$"), "{QUERY_STRING}", twice), "{C:1}", "^a$");
    let not = not_url(when(abort(twice), "[{R:1}]", r"^\[\]$"));
    check(
        "/",
        vec![
            (
                vec![both(abort("^x$"))],
                &[("POST /x", "allowed ?1"), ("GET /x", "allowed"), ("POST /y", "allowed")],
            ),
            // The rule's own pattern, where a condition excludes the rule or sees what it captured.
            (
                vec![when(abort(twice), "{REQUEST_METHOD}", "POST")],
                &[("POST /x", "allowed ?1"), ("GET /x", "allowed")],
            ),
            (vec![when(abort(twice), "{R:1}", "^a$")], &[("GET /x", "allowed ?1")]),
            (vec![not], &[("GET /x", "allowed ?1")]),
            // A condition that sees what the one before captured.
            (vec![chained], &[("GET /x?bb", "allowed ?1")]),
            // The rule matches either way, and refers to the one condition or the other.
            (vec![either("/to")], &[("GET /x?aa", "301 /to by 1")]),
            (vec![either("/{C:1}")], &[("GET /x?aa", "301 /{C:1} by 1")]),
            // Whether a rule matches that does nothing is no matter, unless it ends the rules.
            (vec![rule(twice, Action::None), abort("x")], &[("GET /x", "abort by 2")]),
            (vec![stop(rule(twice, Action::None)), abort("x")], &[("GET /x", "abort by 2 ?1")]),
        ],
    );
}

#[test]
fn the_patterns_that_m1_had_one_after_the_other() {
    let abort_when = |input, pattern| vec![when(abort(".*"), input, pattern)];
    let raw = |pattern| abort_when("{REQUEST_URI}", pattern);
    let decoded = |pattern| abort_when("{UrlDecode:{REQUEST_URI}}", pattern);
    let published = "GET /autodiscover/autodiscover.json?a@foo.var/owa/?&Email=autodiscover/\
                     autodiscover.json?a@foo.var&Protocol=XYZ&FooProtocol=Powershell";
    let requests = [
        published,
        "GET /autodiscover/autodiscover.json?a%40foo.var/powershell",
        "GET /powershell?x=autodiscover.json",
        "GET /autodiscover/autodiscover.json?a@foo.var/%50owershell",
        "GET /autodiscover/?powershell",
        "GET /autodiscover%0a?powershell",
        "GET /autodiscover/autodiscover.json?Email=user@example.com&Protocol=EWS",
        "GET /powershell/?clientApplication=ManagementShell",
    ];
    let revisions = [
        (raw(r".*autodiscover\.json.*\@.*Powershell.*"), "x......."),
        (raw(r".*autodiscover\.json.*Powershell.*"), "xx......"),
        (raw(r"(?=.*autodiscover\.json)(?=.*powershell)"), "xxx....."),
        (decoded(r"(?=.*autodiscover\.json)(?=.*powershell)"), "xxxx...."),
        (decoded("(?=.*autodiscover)(?=.*powershell)"), "xxxxx..."),
    ];
    for (rules, expected) in revisions {
        let rules: Vec<_> = rules.into_iter().map(|rule| ("/", rule)).collect();
        let blocked = requests.iter().map(|line| match outcome(&rules, line).verdict {
            Verdict::Blocked { status: None } => 'x',
            _ => '.',
        });
        assert_eq!(blocked.collect::<String>(), expected, "{}", rules[0].1.conditions[0].pattern);
    }
    // The catalog's form: two conditions see past the line break.
    let uri = "{UrlDecode:{REQUEST_URI}}";
    let two = when(when(abort(".*"), uri, "autodiscover"), uri, "powershell");
    assert_eq!(short(&outcome(&[("/", two)], requests[5])), "abort by 1");
}

#[test]
fn an_invalid_pattern_says_why_iis_answers_500() {
    let outcome = outcome(&[("/", abort("*"))], "GET /");
    assert!(outcome.note.unwrap().starts_with("IIS answers 500: the pattern `*`"));
}
