//! Which requests a rule is for.

use super::*;

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
