//! Rules that were written for the purpose, and what is asked beside.

use super::*;

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
        (exact("PowerShell"), m1(), "less: it is case-sensitive"),
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
