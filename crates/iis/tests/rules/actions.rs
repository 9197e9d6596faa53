//! What a rule does, and what the rules behind it see.

use super::*;

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
