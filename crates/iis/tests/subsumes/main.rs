//! Foreign IIS rules against what a mitigation wants: recognised by what they do.

use stopgap_iis::rewrite::{
    Action, Condition, Coverage, Grouping, MatchType, PatternSyntax, Rule, UrlMatch, subsumes,
    subsumes_conditions,
};
use stopgap_model::rule::{
    BlockRule, Case, Condition as When, DEFAULT_BODY_LIMIT, Decode, Deny, Field, Operator, Test,
};

const DECODED: &str = "{UrlDecode:{REQUEST_URI}}";
const RAW: &str = "{REQUEST_URI}";
const COOKIE: &str = "{HTTP_COOKIE}";

/// An aborting rule with these conditions.
fn rule(conditions: &[(&str, &str)]) -> Rule {
    Rule {
        name: "foreign".into(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: true,
        url: UrlMatch { pattern: ".*".into(), ignore_case: true, negate: false },
        grouping: Grouping::MatchAll,
        track_all_captures: false,
        conditions: conditions.iter().map(|(input, pattern)| condition(input, pattern)).collect(),
        server_variables: Vec::new(),
        action: Action::AbortRequest,
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

fn changed(mut rule: Rule, change: impl FnOnce(&mut Rule)) -> Rule {
    change(&mut rule);
    rule
}

fn on_path(rule: Rule, pattern: &str) -> Rule {
    changed(rule, |rule| rule.url.pattern = pattern.into())
}

fn test(field: Field, decode: &[Decode], operator: Operator) -> When {
    When::Test(Test { field, decode: decode.to_vec(), operator, case: Case::Ignore })
}

fn has(text: &str) -> Operator {
    Operator::Contains(text.into())
}

fn finds(pattern: &str) -> Operator {
    Operator::Matches(pattern.into())
}

fn decoded_uri(operator: Operator) -> When {
    test(Field::Uri, &[Decode::Url], operator)
}

fn uri(operator: Operator) -> When {
    test(Field::Uri, &[], operator)
}

fn query(operator: Operator) -> When {
    test(Field::Query, &[], operator)
}

fn header(name: &str, operator: Operator) -> When {
    test(Field::Header(name.into()), &[], operator)
}

fn abort(when: When) -> BlockRule {
    BlockRule { when, deny: Deny::Abort, body_limit: DEFAULT_BODY_LIMIT }
}

/// The catalog's M1.
fn m1() -> When {
    When::All(vec![decoded_uri(has("autodiscover")), decoded_uri(has("powershell"))])
}

/// The catalog's second rule for CVE-2021-26855.
fn be_resource() -> When {
    header("cookie", finds(r"X-BEResource=.[^/\r\n]*/.[^~\r\n]*~."))
}

fn short(coverage: &Coverage) -> String {
    match coverage {
        Coverage::Same => "same".into(),
        Coverage::Superset(why) => format!("more: {why}"),
        Coverage::ExceptLineFeeds(_) => "except line feeds".into(),
        Coverage::Subset(why) => format!("less: {why}"),
        Coverage::Unrelated(why) => format!("unrelated: {why}"),
        Coverage::NotKnown(why) => format!("not known: {why}"),
    }
}

fn check(table: &[(Rule, When, &str)]) {
    let mut wrong = Vec::new();
    for (at, (rule, wanted, expected)) in table.iter().enumerate() {
        let found = short(&subsumes(rule, &abort(wanted.clone())));
        if found != *expected {
            let conditions: Vec<_> =
                rule.conditions.iter().map(|c| (c.input.as_str(), c.pattern.as_str())).collect();
            wrong.push(format!(
                "{at} {conditions:?} {}\n    {found}\n    {expected}",
                rule.url.pattern
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_rules_that_eems_and_eomt_wrote_for_m1_are_told_apart() {
    let one = |input, pattern| rule(&[(input, pattern)]);
    let eems = "(?=.*autodiscover)(?=.*powershell)";
    check(&[
        (one(DECODED, eems), m1(), "except line feeds"),
        (one(DECODED, "(?=.*powershell)(?=.*autodiscover)"), m1(), "except line feeds"),
        (one(DECODED, "^(?=.*autodiscover)(?=.*powershell)"), m1(), "except line feeds"),
        (one(DECODED, r"(?=[^]*autodiscover)(?=[^]*powershell)"), m1(), "same"),
        (
            one(RAW, r".*autodiscover\.json.*\@.*Powershell.*"),
            m1(),
            r"less: it does not decode the URL, it also requires `\.json` and `\@`, and it needs the words in this order",
        ),
        (
            one(RAW, r".*autodiscover\.json.*Powershell.*"),
            m1(),
            r"less: it does not decode the URL, it also requires `\.json`, and it needs the words in this order",
        ),
        (
            one(DECODED, r".*autodiscover\.json.*Powershell.*"),
            m1(),
            r"less: it also requires `\.json`, and it needs the words in this order",
        ),
        (
            one("{UrlDecode: {REQUEST_URI}}", r".*autodiscover\.json.*Powershell.*"),
            m1(),
            r"not known: {UrlDecode: {REQUEST_URI}} by `.*autodiscover\.json.*Powershell.*`: what IIS makes of the input `{UrlDecode: {REQUEST_URI}}` is not known here",
        ),
        (one(RAW, eems), m1(), "less: it does not decode the URL"),
        (one("{UNENCODED_URL}", eems), m1(), "less: it does not decode the URL"),
        (one(DECODED, "autodiscover.*powershell"), m1(), "less: it needs the words in this order"),
        (one(DECODED, "autodiscover"), m1(), "more: it blocks other requests as well"),
        (one(DECODED, "powershell"), m1(), "more: it blocks other requests as well"),
        (one(DECODED, "autodiscover|powershell"), m1(), "more: it blocks other requests as well"),
        (
            one(DECODED, "(autodiscover|powershell).*(autodiscover|powershell)"),
            m1(),
            "except line feeds",
        ),
        (
            one(DECODED, r"(?=.*autodiscover\.xml)(?=.*powershell)"),
            m1(),
            r"less: it also requires `\.xml`",
        ),
    ]);
}

#[test]
fn the_same_two_conditions_are_the_same_however_they_are_written() {
    let both = |a, b| rule(&[(DECODED, a), (DECODED, b)]);
    let same = [
        both("autodiscover", "powershell"),
        both("powershell", "autodiscover"),
        both(".*autodiscover.*", "(.*)powershell(.*)"),
        both("AutoDiscover", "PowerShell|powershell"),
        both("auto(?:discover)", "power(shell|shell)"),
        both("a[u]todiscover", "p[oO]wershell"),
        both("autodiscover", r"\u0070owershell"),
        both("autodiscove(?=r)r", "powershell(?!)|powershell"),
        rule(&[("{urldecode:{request_uri}}", "autodiscover"), (DECODED, "powershell")]),
        rule(&[("{UrlDecode:{UNENCODED_URL}}", "autodiscover"), (DECODED, "powershell")]),
        // What is asked once more changes nothing.
        rule(&[(DECODED, "autodiscover"), (DECODED, "powershell"), (DECODED, "discover")]),
        rule(&[(DECODED, "autodiscover"), (DECODED, "powershell"), (DECODED, "")]),
        changed(both("autodiscover", "powershell"), |rule| rule.enabled = false),
        changed(both("autodiscover", "powershell"), |rule| rule.stop_processing = false),
        changed(both("autodiscover", "powershell"), |rule| rule.track_all_captures = true),
        changed(both("[aA][uU][tT][oO][dD][iI][sS][cC][oO][vV][eE][rR]", "powershell"), |rule| {
            rule.conditions[0].ignore_case = false;
        }),
        changed(both("*autodiscover*", "*powershell*"), |rule| {
            rule.syntax = PatternSyntax::Wildcard;
            rule.url.pattern = "*".into();
        }),
        // A negated pattern that excludes what the others exclude already.
        changed(
            rule(&[(DECODED, "autodiscover"), (DECODED, "powershell"), (DECODED, "^$")]),
            |r| {
                r.conditions[2].negate = true;
            },
        ),
    ];
    let table: Vec<_> = same.into_iter().map(|rule| (rule, m1(), "same")).collect();
    check(&table);
    let one = |pattern| (rule(&[(RAW, pattern)]), uri(has("x")), "same");
    let anchored = ["^.*x", "x.*$", "^.*x.*$"];
    check(&["(.*)x(.*)", ".*x.*", "x", "x|x", "x+", "[xX]", "(x)", "x?x"].map(one));
    // There is no line break in a URL as it is sent.
    check(&anchored.map(one));
    check(&anchored.map(|p| (rule(&[(DECODED, p)]), decoded_uri(has("x")), "except line feeds")));
}

#[test]
fn eomts_rules_for_proxylogon_are_those_of_the_catalog() {
    let cookie = |pattern| rule(&[(COOKIE, pattern)]);
    let anonymous = || header("cookie", has("X-AnonResource-Backend"));
    check(&[
        (cookie("(.*)X-AnonResource-Backend(.*)"), anonymous(), "same"),
        (cookie("(.*)X-BEResource=(.+)/(.+)~(.+)"), be_resource(), "same"),
        (on_path(cookie("(.*)X-BEResource=(.+)/(.+)~(.+)"), "(.*)"), be_resource(), "same"),
        (cookie("X-BEResource=.+/.+~.+"), be_resource(), "same"),
        (cookie("X-BEResource="), be_resource(), "more: it blocks other requests as well"),
        (
            cookie("X-BEResource=(.+)/(.+)~(.+);"),
            be_resource(),
            "less: it also requires `;`, and it needs the words in this order",
        ),
        (cookie("X-AnonResource"), anonymous(), "more: it blocks other requests as well"),
        (
            cookie("X-AnonResource-Backend=localhost"),
            anonymous(),
            "less: it also requires `=localhost`",
        ),
        (
            cookie("(.*)X-AnonResource-Backend(.*)"),
            be_resource(),
            "unrelated: it looks for something else, in {HTTP_COOKIE}",
        ),
        (
            rule(&[("{HTTP_USER_AGENT}", "X-AnonResource-Backend")]),
            anonymous(),
            "unrelated: it looks for something else, in {HTTP_USER_AGENT}",
        ),
    ]);
}

#[test]
fn a_path_narrows_a_rule_unless_every_path_matches() {
    let both = || rule(&[(DECODED, "autodiscover"), (DECODED, "powershell")]);
    let less = "less: it looks only at requests whose path matches `^autodiscover/`";
    let none = |pattern: &str| changed(on_path(both(), pattern), |rule| rule.url.negate = true);
    check(&[
        (on_path(both(), "(.*)"), m1(), "same"),
        (on_path(both(), ""), m1(), "same"),
        (on_path(both(), "^"), m1(), "same"),
        (on_path(both(), ".*?|x"), m1(), "same"),
        (on_path(both(), "^.*$"), m1(), "except line feeds"),
        (on_path(both(), "^autodiscover/"), m1(), less),
        (on_path(both(), "^$"), m1(), "less: it looks only at requests whose path matches `^$`"),
        (on_path(both(), ".+"), m1(), "less: it looks only at requests whose path matches `.+`"),
        (none("[]"), m1(), "same"),
        (none("$^x"), m1(), "same"),
        (none("^ecp"), m1(), "less: it looks only at requests whose path does not match `^ecp`"),
        (none(".*"), m1(), "less: it looks only at requests whose path does not match `.*`"),
    ]);
}

#[test]
fn what_a_rule_asks_beside_leaves_requests_out() {
    let both =
        |more: (&str, &str)| rule(&[(DECODED, "autodiscover"), (DECODED, "powershell"), more]);
    let unless = |more: (&str, &str)| changed(both(more), |rule| rule.conditions[2].negate = true);
    let exact = |pattern: &str| {
        changed(both((DECODED, pattern)), |rule| rule.conditions[2].ignore_case = false)
    };
    check(&[
        (
            both(("{HTTP_USER_AGENT}", "python")),
            m1(),
            "less: it also requires `python` in {HTTP_USER_AGENT}",
        ),
        (both(("{HTTP_USER_AGENT}", ".*")), m1(), "same"),
        (
            both(("{REMOTE_ADDR}", "^10")),
            m1(),
            "less: it also asks {REMOTE_ADDR} by `^10`, and what IIS makes of the input `{REMOTE_ADDR}` is not known here",
        ),
        (
            unless(("{REQUEST_METHOD}", "^GET$")),
            m1(),
            "less: it leaves out requests whose {REQUEST_METHOD} matches `^GET$`",
        ),
        (
            unless((DECODED, "Email=")),
            m1(),
            "less: it leaves out requests whose {UrlDecode:{REQUEST_URI}} matches `Email=`",
        ),
        (exact("PowerShell"), m1(), "less: it minds the case of letters"),
        (
            changed(both(("{REQUEST_FILENAME}", "")), |rule| {
                rule.conditions[2].match_type = MatchType::IsFile;
            }),
            m1(),
            "less: it also asks {REQUEST_FILENAME}, and it asks whether a file or folder is there",
        ),
        (both((DECODED, "^/[^?]*powershell")), m1(), "less: it also requires `^/[^?]*`"),
    ]);
}

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
