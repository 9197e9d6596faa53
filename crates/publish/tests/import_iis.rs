//! `stopgap-publish import-iis`: rules as EEMS, EOMT and people wrote them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says plainly what it expects")]

mod common;

use common::Run;
use common::scratch::{Scratch, publish};
use stopgap_iis::config::{Effective, standalone_rules};
use stopgap_iis::rewrite::Verdict;
use stopgap_model::document::parse;
use stopgap_model::{Mitigation, Request, RequestLine, Response};
use stopgap_pattern::check_document_pattern;
use stopgap_rules::{ActionSemantics, url_decode};

fn rule(name: &str, inside: &str) -> String {
    format!(
        "<rule name=\"{name}\" patternSyntax=\"ECMAScript\" stopProcessing=\"true\">{inside}</rule>"
    )
}

/// A rule that aborts where `input` matches `pattern`.
fn abort(name: &str, input: &str, pattern: &str) -> String {
    rule(
        name,
        &format!(
            "<match url=\".*\" /><conditions><add input=\"{input}\" pattern=\"{pattern}\" />\
             </conditions><action type=\"AbortRequest\" />"
        ),
    )
}

fn config(inbound: &str, outbound: &str) -> String {
    format!(
        "<configuration><system.webServer><rewrite><rules>{inbound}</rules>\
         <outboundRules>{outbound}</outboundRules></rewrite></system.webServer></configuration>"
    )
}

/// Answers 403 to what is in the query or in a header.
const BY_HAND: &str = "<match url=\".*\" /><conditions logicalGrouping=\"MatchAny\">\
    <add input=\"{QUERY_STRING}\" pattern=\"^%ad\" />\
    <add input=\"{HTTP_X_EVIL}\" pattern=\"jndi\" ignoreCase=\"false\" /></conditions>\
    <action type=\"CustomResponse\" statusCode=\"403\" statusReason=\"No\" statusDescription=\"No\" />";

const SEVERAL: &str = "<match url=\"(.*)\" /><conditions>\
    <add input=\"{REQUEST_METHOD}\" pattern=\"^POST$\" />\
    <add input=\"{REQUEST_URI}\" pattern=\"(?=.*evil)(?=.*thing)\" />\
    <add input=\"{HTTP_REFERER}\" pattern=\"SignOut\" negate=\"true\" /></conditions>\
    <action type=\"AbortRequest\" />";

/// As the assistant of IIS Manager writes a rule that blocks requests.
const ASSISTANT: &str = "<match url=\"*\" /><conditions>\
    <add input=\"{QUERY_STRING}\" pattern=\"*evil*\" />\
    <add input=\"{REQUEST_METHOD}\" pattern=\"GE*\" /></conditions>\
    <action type=\"CustomResponse\" statusCode=\"403\" statusReason=\"No\" statusDescription=\"No\" />";

/// The final M1 of EEMS, the cookies of EOMT's ProxyLogon, and two rules by hand.
fn published() -> String {
    let m1 = ("{UrlDecode:{REQUEST_URI}}", "(?=.*autodiscover)(?=.*powershell)");
    [
        abort("EEMS M1.1 PowerShell - inbound", m1.0, m1.1),
        abort(
            "X-AnonResource-Backend Abort - inbound",
            "{HTTP_COOKIE}",
            "(.*)X-AnonResource-Backend(.*)",
        ),
        abort("X-BEResource Abort - inbound", "{HTTP_COOKIE}", "(.*)X-BEResource=(.+)/(.+)~(.+)"),
        rule("By hand", BY_HAND),
        rule("Several", SEVERAL),
        rule("RequestBlockingRule1", ASSISTANT).replace("ECMAScript", "Wildcard"),
    ]
    .concat()
}

fn import(config: &str, arguments: &[&str]) -> Run {
    let scratch = Scratch::new();
    let file = scratch.file("web.config", config.as_bytes());
    publish(&[&["import-iis", &file], arguments].concat())
}

fn read(document: &str) -> Mitigation {
    parse(document.as_bytes(), &check_document_pattern)
        .unwrap_or_else(|problems| panic!("{problems:#?}\n{document}"))
}

fn get(line: &str, headers: &[&str]) -> Request {
    let mut request = Request::from_line(line).unwrap();
    headers.iter().for_each(|line| request.add_header_line(line).unwrap());
    request
}

/// The ordinary requests, and attacks in several forms.
fn requests() -> Vec<Request> {
    let corpus = include_str!("../corpus/ordinary.jsonl");
    let read = |line: &str| serde_json::from_str::<RequestLine>(line).unwrap().read().unwrap().0;
    let mut requests: Vec<Request> = corpus.lines().map(read).collect();
    for line in [
        "GET /autodiscover/autodiscover.json?a@foo.var/owa/?&Protocol=XYZ&FooProtocol=Powershell",
        "GET /autodiscover/autodiscover.json?a@foo.var&FooProtocol=%50owershell",
        "GET /powershell/autodiscover",
        "GET /autodiscover/?x=%0apowershell",
        "GET /a%0aautodiscover?powershell%0a",
        "GET /autodiscover%0d?powershell",
        "POST /evil?thing",
        "POST /thing/evil",
        "GET /thing/evil",
        "GET /index.php?%ADd+allow",
        "GET /index.php?x=%AD",
        "GET /?Evil",
        "GET /?thisisevilthing%0a",
        "GET /evil?no",
    ] {
        let evil = ["X-Evil: ${jndi:x}", "X-Evil: y"];
        for headers in [&[][..], &["Referer: https://a/SignOut.aspx"], &evil] {
            requests.push(get(line, headers));
        }
    }
    for cookie in [
        "X-AnonResource-Backend=a",
        "a=b; x-anonresource-backend=a",
        "X-BEResource=server/x~1",
        "X-BEResource=//~~~",
        "X-BEResource=/~1",
        "X-BEResource=a/~1",
        "X-BEResource=a/b~",
        "X-BEResource=a~b/c",
        "X-BEResource=a~b/c/d~e",
        "X-BEResource=a/b; c~d",
    ] {
        requests.push(get("GET /owa/auth/x.js", &[&format!("Cookie: {cookie}")]));
        requests.push(get("GET /owa/auth/x.js", &["Cookie: z=1", &format!("Cookie: {cookie}")]));
    }
    requests
}

fn is_blocked(rules: &Effective, name: &str, request: &Request) -> bool {
    let outcome = rules.evaluator(|rule| rule == name).evaluate(request);
    assert!(outcome.undecided.is_empty(), "{outcome:?}");
    matches!(outcome.verdict, Verdict::Blocked { .. })
}

#[test]
fn an_imported_rule_blocks_what_the_rule_blocked() {
    let config = config(&published(), "");
    let run = import(&config, &[]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let mitigation = read(&run.out);
    let rules = standalone_rules(config.as_bytes()).unwrap();
    assert_eq!(mitigation.actions.len(), rules.rules.len());
    let (mut blocked, mut past_a_line_feed) = (vec![0; rules.rules.len()], 0);
    for (at, (action, rule)) in mitigation.actions.iter().zip(&rules.rules).enumerate() {
        let meaning = ActionSemantics::of(action).unwrap().unwrap();
        for request in requests().iter().filter(|request| request.target.starts_with(b"/")) {
            let before = is_blocked(&rules, &rule.name, request);
            let now = meaning.blocks(request);
            blocked[at] += usize::from(now);
            if before == now {
                continue;
            }
            // The one difference, which the document's head tells: M1 asks for one line.
            let has_line_end = url_decode(&request.target).iter().any(|b| b"\r\n".contains(b));
            assert!(at == 0 && now && has_line_end, "{}: {request:?}", rule.name);
            past_a_line_feed += 1;
        }
    }
    assert!(blocked.iter().all(|count| *count >= 3), "{blocked:?}");
    assert!(past_a_line_feed >= 3);
    let remark = "mind: `(?=.*autodiscover)(?=.*powershell)` asks for its words in one line";
    assert!(run.out.contains(remark), "{}", run.out);
}

/// What the final rule of M2 does to responses, as EEMS names it.
const M2: &str = "<rule name=\"EEMS M2.1 OWA CSP - outbound\" preCondition=\"EEMS M2.1 shell\">\
    <match serverVariable=\"RESPONSE_Content_Security_Policy\" pattern=\"(.*)\" />\
    <action type=\"Rewrite\" value=\"{R:1}; script-src-attr 'none'\" /></rule>\
    <preConditions><preCondition name=\"EEMS M2.1 shell\" logicalGrouping=\"MatchAll\">\
    <add input=\"{RESPONSE_CONTENT_TYPE}\" pattern=\"^text/html\" />\
    <add input=\"{REQUEST_URI}\" pattern=\"^/owa/?($|\\?|default\\.aspx)\" />\
    </preCondition></preConditions>";

#[test]
fn an_imported_outbound_rule_changes_what_the_rule_changed() {
    let config = config("", M2);
    let run = import(&config, &["--id", "M2-OURS"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let mitigation = read(&run.out);
    assert_eq!(mitigation.id.as_str(), "M2-OURS");
    let meaning = ActionSemantics::of(&mitigation.actions[0]).unwrap().unwrap();
    let rules = standalone_rules(config.as_bytes()).unwrap();
    let evaluator = rules.response_evaluator(|_| true).unwrap();
    let policy = |headers: &[(String, Vec<u8>)]| -> Vec<Vec<u8>> {
        let is_it = |name: &str| name.eq_ignore_ascii_case("content-security-policy");
        headers.iter().filter(|(name, _)| is_it(name)).map(|(_, value)| value.clone()).collect()
    };
    let targets = ["/owa/", "/owa", "/owa/?bO=1", "/owa/default.aspx", "/owa/x.js", "/"];
    let mut changed = 0;
    for target in targets {
        for head in [
            &["Content-Type: text/html; charset=utf-8", "Content-Security-Policy: a 'self'"][..],
            &["Content-Type: TEXT/HTML"],
            &["Content-Type: application/json", "Content-Security-Policy: a"],
            &[],
        ] {
            let (request, mut response) = (get(&format!("GET {target}"), &[]), Response::default());
            head.iter().for_each(|line| response.add_header_line(line).unwrap());
            let by_rule = evaluator.evaluate(&request, &response);
            let ours = meaning.response_headers(&request, &response);
            changed += usize::from(ours.is_some());
            let ours = policy(&ours.unwrap_or(response.headers));
            assert_eq!(ours, policy(&by_rule.headers), "{target} {head:?}");
        }
    }
    assert_eq!(changed, 8);
}

#[test]
fn a_rule_that_takes_a_request_header_away_or_sets_it() {
    let set = |value: &str, conditions: &str| {
        let rule = format!(
            "<rule name=\"Sub\"><match url=\".*\" />{conditions}<serverVariables>\
             <set name=\"HTTP_X_SUB\" value=\"{value}\" /></serverVariables>\
             <action type=\"None\" /></rule>"
        );
        config(&rule, "")
    };
    let asked = "<conditions><add input=\"{HTTP_X_SUB}\" pattern=\".+\" /></conditions>";
    for conditions in ["", asked] {
        let run = import(&set("", conditions), &[]);
        assert!(run.out.contains("\nremove = \"x-sub\"\n"), "{}{}", run.out, run.err);
    }
    let run = import(&set("fixed", ""), &[]);
    assert!(run.out.contains("\nheader = \"x-sub\"\nset = \"fixed\"\n"), "{}{}", run.out, run.err);
    for (value, conditions, why) in
        [("fixed", asked, "some requests only"), ("{C:0}", "", "braces")]
    {
        let run = import(&set(value, conditions), &[]);
        assert_eq!((run.code, run.out.as_str()), (1, ""));
        assert!(run.err.contains(why), "{}", run.err);
    }
}

#[test]
fn what_cannot_be_said_exactly_is_refused_rule_by_rule_with_its_reason() {
    let words = ".*autodiscover\\.json.*Powershell.*";
    let inbound = [
        abort("Good", "{QUERY_STRING}", "evil"),
        abort("M1 of 30 September", "{REQUEST_URI}", ".*autodiscover\\.json.*\\@.*Powershell.*"),
        abort("M1 of 5 October", "{UrlDecode: {REQUEST_URI}}", words),
        abort("Repeated", "{HTTP_X_A}", "^evil"),
        abort("Missing", "{HTTP_X_A}", "a*"),
        abort("Address", "{REMOTE_ADDR}", "^10\\."),
        rule("Path", "<match url=\"^setup/\" /><action type=\"AbortRequest\" />"),
        rule("All", "<match url=\".*\" /><action type=\"AbortRequest\" />"),
        rule("Order", ASSISTANT).replace("ECMAScript", "Wildcard").replace("*evil*", "*e*l*"),
        rule("Redirect", "<match url=\"^old\" /><action type=\"Redirect\" url=\"new\" />"),
        abort("Off", "{QUERY_STRING}", "x").replace("<rule ", "<rule enabled=\"false\" "),
    ]
    .concat();
    let body = "<rule name=\"Body\"><match filterByTags=\"A\" pattern=\"x\" />\
                <action type=\"Rewrite\" value=\"y\" /></rule>";
    let run = import(&config(&inbound, body), &["--json"]);
    assert_eq!(run.code, 1);
    let object: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(object["taken"][0]["rule"], "Good");
    assert_eq!(read(object["document"].as_str().unwrap()).actions.len(), 1);
    let reason = |name: &str| {
        let refused = object["refused"].as_array().unwrap().iter();
        let found = refused.into_iter().find(|rule| rule["rule"] == name);
        found.unwrap_or_else(|| panic!("{name} is not in {object:#}"))["reason"].as_str().unwrap()
    };
    for (name, why) in [
        ("M1 of 30 September", "linear time"),
        ("M1 of 5 October", "{UrlDecode: {REQUEST_URI}}"),
        ("Repeated", "repeated"),
        ("Missing", "empty"),
        ("Address", "{REMOTE_ADDR}"),
        ("Path", "`^setup/`"),
        ("All", "every request"),
        ("Order", "`*e*l*`"),
        ("Redirect", "does not block"),
        ("Off", "disabled"),
        ("Body", "body"),
    ] {
        assert!(reason(name).contains(why), "{name}: {}", reason(name));
    }
}

#[test]
fn a_rule_that_an_earlier_one_may_hide_is_taken_with_a_remark() {
    let pass = rule(
        "Ours pass",
        "<match url=\".*\" /><conditions><add input=\"{HTTP_HOST}\" pattern=\"internal\" />\
         </conditions><action type=\"None\" />",
    );
    let both = config(&(pass + &abort("Block", "{QUERY_STRING}", "evil")), "");
    let run = import(&both, &["--rule", "block"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("mind: the rule `Ours pass` stands before it"), "{}", run.out);
}

#[test]
fn names_are_wanted_in_any_case_and_a_name_that_is_not_there_is_an_error() {
    let run = import(&config(&published(), M2), &["--rule", "BY HAND"]);
    assert_eq!(read(&run.out).actions.len(), 1);
    let run = import(&config(&published(), ""), &["--rule", "nobody"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.contains("it has no such rule"), "{}", run.err);
}

#[test]
fn an_id_that_leaves_no_room_for_a_number() {
    let id = "A".repeat(64);
    let run = import(&config(&published(), M2), &["--id", &id]);
    let mitigation = read(&run.out);
    assert_eq!((mitigation.id.as_str(), mitigation.actions.len()), (id.as_str(), 7));
    assert_eq!(import(&config("", M2), &["--id", "../a"]).code, 2);
}

#[test]
fn a_hostile_name_and_file_do_no_harm() {
    let inbound = abort("&#x9b;31m&#x202e;&#10;deny = x", "{QUERY_STRING}", "evil");
    let run = import(&config(&inbound, ""), &[]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(!run.out.contains(['\u{9b}', '\u{202e}']), "{:?}", run.out);
    read(&run.out);
    for bytes in ["", "<configuration>", "<!DOCTYPE a [<!ENTITY b 'c'>]><configuration/>", "\u{0}"]
    {
        let run = import(bytes, &[]);
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{bytes:?}");
        assert!(run.err.starts_with("error: "), "{}", run.err);
    }
}
