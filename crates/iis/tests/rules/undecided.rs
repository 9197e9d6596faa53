//! What cannot be told, and what IIS refuses.

use super::*;

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
