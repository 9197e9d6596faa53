//! Alternatives, parts of a URL, repeated headers: what is within what.

use super::*;

#[test]
fn a_rule_that_iis_answers_500_for_covers_nothing() {
    let wanted = || decoded_uri(finds(r"\{jndi:"));
    check(&[
        (rule(&[(DECODED, r"\{jndi:")]), wanted(), "same"),
        (
            rule(&[(DECODED, "{jndi:")]),
            wanted(),
            "not known: its pattern `{jndi:` is not valid ECMAScript: it has a `{` that begins no count",
        ),
    ]);
}

#[test]
fn other_ways_of_blocking_count_and_other_actions_do_not() {
    let both = || rule(&[(DECODED, "autodiscover"), (DECODED, "powershell")]);
    let acts = |action| changed(both(), |rule| rule.action = action);
    let respond = |status| Action::CustomResponse {
        status,
        substatus: 0,
        reason: String::new(),
        description: String::new(),
    };
    let rewrite = Action::Rewrite { url: "/".into(), append_query: true };
    check(&[
        (acts(respond(403)), m1(), "more: it answers 403 instead of closing the connection"),
        (acts(respond(200)), m1(), "unrelated: it does not block"),
        (acts(Action::None), m1(), "unrelated: it does not block"),
        (acts(rewrite), m1(), "unrelated: it does not block"),
        (rule(&[]), m1(), "more: it blocks every request"),
        (on_path(rule(&[]), "wp-login"), m1(), "unrelated: it looks for something else"),
        (
            rule(&[(RAW, "wp-login")]),
            m1(),
            "unrelated: it looks for something else, in {REQUEST_URI}",
        ),
        (
            rule(&[(DECODED, "*")]),
            m1(),
            "not known: its pattern `*` is not valid ECMAScript: Invalid atom character",
        ),
        (
            rule(&[(DECODED, r"(autodiscover).*\1")]),
            m1(),
            r"not known: {UrlDecode:{REQUEST_URI}} by `(autodiscover).*\1`: it refers back to a group",
        ),
    ]);
    let wanted = BlockRule { deny: Deny::Status(404), ..abort(m1()) };
    let closes = Coverage::Superset("it closes the connection instead of answering 404".into());
    assert_eq!(subsumes(&both(), &wanted), closes);
}

#[test]
fn alternatives_are_covered_one_by_one() {
    let any = |conditions: &[(&str, &str)]| {
        changed(rule(conditions), |rule| rule.grouping = Grouping::MatchAny)
    };
    let either = || When::Any(vec![decoded_uri(has("a/x")), header("cookie", has("b"))]);
    check(&[
        (any(&[(DECODED, "a/x"), (COOKIE, "b")]), either(), "same"),
        (any(&[(COOKIE, "b"), (DECODED, "a/x")]), either(), "same"),
        (
            any(&[(COOKIE, "b"), (DECODED, "a/"), ("{REMOTE_ADDR}", "1")]),
            either(),
            "more: it blocks other requests as well",
        ),
        (
            any(&[(DECODED, "autodiscover"), (COOKIE, "b")]),
            m1(),
            "more: it blocks other requests as well",
        ),
        (
            any(&[(DECODED, "a/x")]),
            either(),
            "less: its pattern `a/x` leaves some out, such as `` with `b`",
        ),
        (
            any(&[(DECODED, "^a*$"), (DECODED, "^b*$")]),
            decoded_uri(finds("^[ab]*$")),
            "less: its conditions leave some out, such as `ab`",
        ),
        (
            any(&[(DECODED, "^a"), (DECODED, "^[^a]"), (DECODED, "^$")]),
            decoded_uri(has("x")),
            "more: it blocks every request",
        ),
        (
            rule(&[(DECODED, "^[ab]*$")]),
            When::Any(vec![decoded_uri(finds("^a*$")), decoded_uri(finds("^b*$"))]),
            "more: it blocks other requests as well",
        ),
        (
            rule(&[(DECODED, "^(?!.*safe)")]),
            When::Not(Box::new(decoded_uri(has("safe")))),
            "more: it blocks other requests as well",
        ),
        (
            changed(rule(&[(DECODED, "safe")]), |rule| rule.conditions[0].negate = true),
            When::Not(Box::new(decoded_uri(has("safe")))),
            "same",
        ),
        // A condition that no request satisfies is covered by anything of the field.
        (
            rule(&[(DECODED, "q")]),
            When::All(vec![decoded_uri(finds("^a$")), decoded_uri(finds("^b$"))]),
            "more: it blocks other requests as well",
        ),
    ]);
}

#[test]
fn the_parts_of_a_url_are_parts_of_it_and_decoding_is_followed() {
    let more = "more: it blocks other requests as well";
    let one = |input, pattern| rule(&[(input, pattern)]);
    let query_is = |pattern| query(finds(pattern));
    check(&[
        (one(RAW, "x"), query(has("x")), more),
        (one(RAW, r"\?.*x"), query(has("x")), "same"),
        (one(RAW, r"\?%ad"), query_is("^%ad"), more),
        (one(RAW, r"^[^?]*\?%ad"), query_is("^%ad"), "same"),
        (one("{QUERY_STRING}", "^%ad"), query_is("^%ad"), "same"),
        (one("{QUERY_STRING}", "%ad"), query_is("^%ad"), more),
        (one("{UrlDecode:{QUERY_STRING}}", r"^\xad"), query_is("^%ad"), more),
        (one(DECODED, r"\xad"), query_is("^%ad"), more),
        (one("{QUERY_STRING}", "x"), uri(has("x")), "less: it looks only at the query"),
        (
            one(RAW, "^/setup/"),
            test(Field::Path, &[], Operator::StartsWith("/setup/".into())),
            "same",
        ),
        (
            one(DECODED, "^/setup/"),
            test(Field::Path, &[Decode::Url], Operator::StartsWith("/setup/".into())),
            "same",
        ),
        // A `%` before the word can take its first letters with it: `%1autodiscover`.
        (
            one(DECODED, "autodiscover"),
            uri(has("autodiscover")),
            "less: it looks at the URL only after decoding it",
        ),
        // No hexadecimal digit is in this one.
        (one(DECODED, "xyz"), uri(has("xyz")), more),
        (one(RAW, "xyz"), decoded_uri(has("xyz")), "less: it does not decode the URL"),
        (one(DECODED, r"\$\{"), uri(finds(r"\$\{|%24%7b")), more),
        (
            one(RAW, "(%78|x)(%79|y)"),
            decoded_uri(finds("XY|xy")),
            "less: it does not decode the URL",
        ),
        (
            changed(one(RAW, "(%78|x)(%79|y)"), |rule| rule.conditions[0].ignore_case = false),
            When::Test(Test {
                field: Field::Uri,
                decode: vec![Decode::Url],
                operator: has("xy"),
                case: Case::Exact,
            }),
            "same",
        ),
        // What is decoded once can look encoded: it was `%2541`, `%%341` or `%4%31`.
        (one(RAW, "%25|%%3|%4%3"), decoded_uri(finds("^%4[0-9]")), more),
        // An absent query is an empty one for IIS.
        (one("{QUERY_STRING}", "^$"), When::Not(Box::new(query(finds("[^]")))), "same"),
    ]);
}

#[test]
fn a_repeated_header_is_one_text_for_iis() {
    let one = |pattern| rule(&[("{HTTP_X_FORWARDED_FOR}", pattern)]);
    let wanted = |operator| header("x-forwarded-for", operator);
    check(&[
        (one("evil"), wanted(has("evil")), "same"),
        (
            one("^evil$"),
            wanted(Operator::Equals("evil".into())),
            "less: its pattern `^evil$` leaves some out, such as `,evil`",
        ),
        (
            one("(^|,) ?evil(,|$)"),
            wanted(Operator::Equals("evil".into())),
            "more: it blocks other requests as well",
        ),
        (rule(&[("{HTTP_HOST}", "evil")]), test(Field::Host, &[], has("evil")), "same"),
        (rule(&[("{HTTP_HOST}", "evil")]), header("host", has("evil")), "same"),
    ]);
}

#[test]
fn the_conditions_of_a_precondition_are_judged_like_those_of_a_rule() {
    let html = test(Field::ResponseContentType, &[], finds("^text/html"));
    let shell = uri(finds(r"^/owa/?($|\?|default\.aspx)"));
    let wanted = When::All(vec![html.clone(), shell]);
    let judged = |conditions: &[(&str, &str)], wanted: &When| {
        let conditions: Vec<_> = conditions.iter().map(|(i, p)| condition(i, p)).collect();
        let syntax = PatternSyntax::EcmaScript;
        short(&subsumes_conditions(&conditions, Grouping::MatchAll, syntax, wanted))
    };
    let kind = ("{RESPONSE_CONTENT_TYPE}", "^text/html");
    let at = |pattern| judged(&[kind, (RAW, pattern)], &wanted);
    assert_eq!(at(r"^/owa/?($|\?|default\.aspx)"), "same");
    assert_eq!(at(r"^/owa(/?$|/?\?|/?default\.aspx)"), "same");
    assert_eq!(at("^/owa"), "more: it blocks other requests as well");
    assert_eq!(
        at("^/owa/"),
        "less: its pattern `^/owa/` leaves some out, such as `/owa` with \
         `text/html`"
    );
    // IIS sees the parameters behind the media type.
    let exact = [("{RESPONSE_CONTENT_TYPE}", "^text/html$")];
    let is_html = test(Field::ResponseContentType, &[], Operator::Equals("text/html".into()));
    assert_eq!(
        judged(&exact, &is_html),
        "less: its pattern `^text/html$` leaves some out, such as \
         `text/html;`"
    );
    assert_eq!(judged(&[kind], &is_html), "more: it blocks other requests as well");
    let policy = test(Field::ResponseHeader("x-policy".into()), &[], has("none"));
    assert_eq!(judged(&[("{RESPONSE_X_POLICY}", "none")], &policy), "same");
    assert_eq!(
        judged(&[("{RESPONSE_STATUS}", "200")], &policy),
        "not known: {RESPONSE_STATUS} by `200`: what IIS makes of the input `{RESPONSE_STATUS}` \
         is not known here"
    );
}
