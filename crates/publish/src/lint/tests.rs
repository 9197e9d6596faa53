//! Each thing that review misses, found in a document that has it and nothing else.

use super::*;

/// A document that nothing is wrong with.
const BASE: &str = r#"schema = 1
id = "X1"
revision = 2
title = "A title"
severity = "high"
impact = "None known for ordinary clients."

[[affected]]
product = "acme/thing"
ranges = [{ introduced = "1.0", fixed = "1.5" }]

[[action]]
id = "X1.1"
kind = "block-request"
deny = "abort"
when = [{ field = "uri", decode = ["url"], contains = "/evilthing" }]

[[probe]]
name = "attack"
request = "POST /app/evilthing?x=1"
expect = "blocked"

[[probe]]
name = "attack, encoded"
request = "POST /app/%65vilthing?x=1"
expect = "blocked"

[[probe]]
name = "marker"
live = true
request = "GET /stopgap-probe/evilthing"
expect = "blocked"

[[probe]]
name = "ordinary"
live = true
request = "GET /stopgap-probe/good"
expect = "allowed"
"#;

const WHEN: &str = r#"{ field = "uri", decode = ["url"], contains = "/evilthing" }"#;

fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(BASE.to_owned(), |text, (old, new)| {
        assert_eq!(text.matches(old).count(), 1, "{old:?} is not in the document once");
        text.replacen(old, new, 1)
    })
}

fn named(text: &str) -> Vec<(Level, &'static str)> {
    let findings = lint("X1.toml", text.as_bytes());
    findings.iter().map(|finding| (finding.level, finding.name)).collect()
}

/// What is changed in the document, then the one finding, what it marks, and a part of its message.
macro_rules! finds {
    ($($test:ident: [$($old:expr => $new:expr),+]; $level:ident $name:expr, $mark:expr, $says:expr;)*) => {$(
        #[test]
        fn $test() {
            let text = changed(&[$(($old, $new)),+]);
            let findings = lint("X1.toml", text.as_bytes());
            assert_eq!(named(&text), [(Level::$level, $name)], "{findings:#?}");
            let problem = &findings[0].problem;
            assert_eq!(&text[problem.span.clone()], $mark, "{problem:?}");
            assert!(problem.message.contains($says), "{:?}", problem.message);
            let told = format!("{}{}", problem.expected, problem.help);
            assert!(!told.is_empty(), "it says how to mend it");
        }
    )*};
}

finds! {
    no_impact_at_all: ["impact = \"None known for ordinary clients.\"\n" => ""]; Error "no-impact", "", "`impact` is missing";
    an_impact_that_says_nothing: ["None known for ordinary clients." => "TODO"]; Warning "no-impact", "\"TODO\"", "says nothing";
    a_range_without_its_fix: [", fixed = \"1.5\"" => ""]; Error "no-fixed-version", "{ introduced = \"1.0\" }", "`fixed` is missing";
    a_product_without_a_fixed_version: ["ranges = [{ introduced = \"1.0\", fixed = \"1.5\" }]\n" => ""]; Warning "no-fixed-version", "\"acme/thing\"", "in which it is fixed";
    a_mitigation_for_every_server: ["[[affected]]\nproduct = \"acme/thing\"\nranges = [{ introduced = \"1.0\", fixed = \"1.5\" }]\n" => ""]; Warning "any-server", "", "for every server";
    a_package_of_a_misspelt_distribution: ["product = \"acme/thing\"" => "product = \"pkg:deb/debain/thing\""]; Warning "unknown-distribution", "\"pkg:deb/debain/thing\"", "no server is known";
    roles_of_a_package: ["product = \"acme/thing\"" => "product = \"pkg:deb/debian/thing\"\nroles = [\"front\"]"]; Error "unsupported-roles", "[\"front\"]", "has no roles";
    another_id_than_the_files_name: ["id = \"X1\"" => "id = \"X2\""]; Warning "file-name", "\"X2\"", "another name";
    the_name_of_the_policy_as_an_id: ["id = \"X1\"" => "id = \"Policy\""]; Error "reserved-id", "\"Policy\"", "`Policy`";
    a_key_that_nobody_knows: ["severity =" => "severty = 1\nseverity ="]; Error "unreadable", "severty", "unknown key";
    an_attack_probe_that_the_rule_does_not_block: ["POST /app/evilthing?x=1" => "POST /app/evil-thing?x=1"]; Error "probe-mismatch", "\"blocked\"", "is blocked by no rule";
    an_ordinary_probe_that_the_rule_blocks: ["GET /stopgap-probe/good" => "GET /stopgap-probe/evilthings"]; Error "probe-mismatch", "\"allowed\"", "must pass and is blocked";
    no_encoded_probe: ["POST /app/%65vilthing?x=1" => "PUT /app/evilthing"]; Warning "no-encoded-probe", "[{ field = \"uri\", decode = [\"url\"], contains = \"/evilthing\" }]", "encoded form";
    a_pattern_that_costs_too_much: [WHEN => "{ field = \"header:x-a\", matches = '(a+)+$' }, { field = \"uri\", decode = [\"url\"], contains = \"/evilthing\" }", "request = \"POST /app/evilthing?x=1\"" => "request = \"POST /app/evilthing?x=1\"\nheaders = [\"X-A: aa\"]", "request = \"POST /app/%65vilthing?x=1\"" => "request = \"POST /app/%65vilthing?x=1\"\nheaders = [\"X-A: aa\"]", "request = \"GET /stopgap-probe/evilthing\"" => "request = \"GET /stopgap-probe/evilthing\"\nheaders = [\"X-A: aa\"]"]; Error "not-linear", "'(a+)+$'", "linear time";
    a_live_attack_that_writes: ["GET /stopgap-probe/evilthing" => "POST /stopgap-probe/evilthing"]; Error "live-method", "\"POST /stopgap-probe/evilthing\"", "a POST may be sent";
    a_live_attack_with_a_payload: ["GET /stopgap-probe/evilthing" => "GET /stopgap-probe/evilthing?c=%24%7Bjndi:ldap%7D"]; Error "live-payload", "\"GET /stopgap-probe/evilthing?c=%24%7Bjndi:ldap%7D\"", "`${`";
    a_live_attack_that_is_the_first_step_of_an_exploit: ["GET /stopgap-probe/evilthing" => "GET /setup/evilthing"]; Error "live-payload", "\"GET /setup/evilthing\"", "`/setup/`";
    a_live_attack_with_a_blob: ["GET /stopgap-probe/evilthing" => "GET /stopgap-probe/evilthing?v=rO0ABXNyABdqYXZhLnV0aWwuUHJpb3"]; Error "live-payload", "\"GET /stopgap-probe/evilthing?v=rO0ABXNyABdqYXZhLnV0aWwuUHJpb3\"", "Base64";
    no_live_attack: ["live = true\nrequest = \"GET /stopgap-probe/evilthing\"" => "request = \"GET /stopgap-probe/evilthing\""]; Error "no-live-attack-probe", "", "no attack probe may be sent";
    no_live_ordinary_request: ["live = true\nrequest = \"GET /stopgap-probe/good\"" => "request = \"GET /stopgap-probe/good\""]; Error "no-live-benign-probe", "", "no ordinary probe may be sent";
    no_ordinary_request: ["[[probe]]\nname = \"ordinary\"\nlive = true\nrequest = \"GET /stopgap-probe/good\"\nexpect = \"allowed\"\n" => ""]; Error "no-benign-probe", "", "no probe is an ordinary request";
    a_reason_beside_a_live_probe: ["severity =" => "no_live_probe = \"cannot\"\nseverity ="]; Warning "redundant-reason", "\"cannot\"", "a reason for none";
    an_action_that_nothing_shows: ["[[probe]]\nname = \"attack\"" => "[[action]]\nid = \"X1.2\"\nkind = \"block-request\"\ndeny = \"abort\"\nwhen = [{ field = \"header:x-a\", contains = \"zz\" }]\n\n[[probe]]\nname = \"attack\""]; Warning "unproved-action", "\"X1.2\"", "no probe is blocked";
    a_rule_on_the_path_that_iis_cannot_say: ["deny = \"abort\"" => "deny = \"abort\"\nscope = { site = \"S\" }", WHEN => "{ field = \"path\", decode = [\"url\"], contains = \"/evilthing\" }"]; Warning "not-for-iis", "\"block-request\"", "IIS cannot say";
    a_request_with_an_argument_more: [WHEN => "{ field = \"uri\", decode = [\"url\"], matches = '/evilthing(?:\\?x=1)?$' }"]; Warning "anchored-bypass", "\"POST /app/evilthing?x=1\"", "`POST /app/evilthing?x=1&x=1`";
}

fn rule(when: &str) -> Vec<Finding> {
    lint("X1.toml", changed(&[(WHEN, when)]).as_bytes())
}

fn message(findings: &[Finding], name: &str) -> String {
    let found = findings.iter().find(|finding| finding.name == name);
    found.unwrap_or_else(|| panic!("{name} is not among {findings:#?}")).problem.message.clone()
}

#[test]
fn nothing_is_wrong_with_the_base() {
    assert_eq!(named(BASE), []);
}

#[test]
fn the_shipped_catalog_is_clean() {
    let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/../../catalog");
    let mut seen = 0;
    for entry in std::fs::read_dir(catalog).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(lint(&path.display().to_string(), &bytes), [], "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 5);
}

#[test]
fn a_withdrawn_mitigation_needs_no_probes() {
    let text = "schema = 1\nid = \"X1\"\nrevision = 3\ntitle = \"t\"\nseverity = \"low\"\n\
                impact = \"none\"\nwithdrawn = \"fixed\"\n";
    assert_eq!(named(text), []);
}

#[test]
fn a_mitigation_that_touches_no_request_needs_no_probes() {
    let start = BASE.find("kind = \"block-request\"").unwrap();
    let text = format!("{}kind = \"disable-service\"\nservices = [\"S\"]\n", &BASE[..start]);
    assert_eq!(named(&text), []);
}

#[test]
fn a_header_mitigation_shows_its_attack_by_the_header() {
    let start = BASE.find("kind = \"block-request\"").unwrap();
    let text = format!(
        "{}kind = \"request-header\"\nremove = \"x-a\"\n\n[[probe]]\nname = \"a\"\nlive = true\n\
         request = \"GET /a\"\nheaders = [\"X-A: 1\"]\nexpect = {{ request_header = \"X-A\" }}\n\n\
         [[probe]]\nname = \"b\"\nlive = true\nrequest = \"GET /a\"\nexpect = \"allowed\"\n",
        &BASE[..start]
    );
    assert_eq!(named(&text), []);
}

#[test]
fn a_rule_that_does_not_decode_is_got_past_by_one_letter() {
    let findings = rule(r#"{ field = "path", contains = "evilthing" }"#);
    assert_eq!(
        message(&findings, "encoded-bypass"),
        "the same request in another encoding passes: `POST /app/%65vilthing?x=1`"
    );
    let findings = rule(r#"{ field = "uri", contains = "%65vilthing" }"#);
    let shown = message(&findings, "encoded-bypass");
    assert!(shown.contains("/app/%65%76ilthing") || shown.contains("%65%76"), "{shown}");
}

#[test]
fn a_page_is_got_by_an_encoded_path_without_its_new_header() {
    let start = BASE.find("kind = \"block-request\"").unwrap();
    let document = |decode: &str| {
        format!(
            "{}kind = \"response-header\"\nheader = \"X-A\"\nset = \"b\"\n\
             when = [{{ field = \"uri\"{decode}, starts-with = \"/owa/\" }}]\n\n\
             [[probe]]\nname = \"a\"\nlive = true\nrequest = \"GET /owa/\"\n\
             response = {{ status = 200 }}\n\
             expect = {{ response_header = \"X-A\", value = \"b\" }}\n\n\
             [[probe]]\nname = \"b\"\nlive = true\nrequest = \"GET /a\"\nexpect = \"allowed\"\n",
            &BASE[..start]
        )
    };
    let findings = lint("X1.toml", document("").as_bytes());
    assert!(message(&findings, "encoded-bypass").ends_with("`GET /%6fwa/`"), "{findings:#?}");
    assert_eq!(named(&document(", decode = [\"url\"]")), []);
}

#[test]
fn a_header_that_ordinary_requests_need() {
    let start = BASE.find("kind = \"block-request\"").unwrap();
    let text = format!(
        "{}kind = \"request-header\"\nremove = \"cookie\"\n\n[[probe]]\nname = \"a\"\nlive = true\n\
         request = \"GET /a\"\nheaders = [\"Cookie: 1\"]\nexpect = {{ request_header = \"Cookie\" }}\n\n\
         [[probe]]\nname = \"b\"\nlive = true\nrequest = \"GET /a\"\nexpect = \"allowed\"\n",
        &BASE[..start]
    );
    let findings = lint("X1.toml", text.as_bytes());
    assert_eq!(named(&text), [(Level::Warning, "too-broad")]);
    assert!(message(&findings, "too-broad").contains("`GET /owa/`"));
}

#[test]
fn an_exact_rule_on_an_escape_is_got_past_by_the_case_of_its_digits() {
    let text = changed(&[
        (WHEN, r#"{ field = "query", case = "exact", contains = "%aD" }"#),
        ("POST /app/evilthing?x=1", "POST /app?%aD"),
        ("POST /app/%65vilthing?x=1", "POST /%61pp?%aD"),
        ("GET /stopgap-probe/evilthing", "GET /stopgap-probe?%aD"),
    ]);
    let findings = lint("X1.toml", text.as_bytes());
    assert!(message(&findings, "encoded-bypass").contains("`POST /app?%Ad`"));
}

#[test]
fn a_form_is_got_past_by_an_encoded_letter() {
    let form =
        "headers = [\"Content-Type: application/x-www-form-urlencoded\"]\nbody = \"a=evilthing\"";
    let text = changed(&[
        (WHEN, r#"{ field = "body-args", contains = "evilthing" }"#),
        ("request = \"POST /app/evilthing?x=1\"", &format!("request = \"POST /app\"\n{form}")),
    ]);
    let findings = lint("X1.toml", text.as_bytes());
    assert!(message(&findings, "encoded-bypass").contains("with the body a=%65vilthing"));
}

#[test]
fn a_line_feed_in_a_body_gets_past_a_dot() {
    let body = "body = \"evil and thing\"";
    let text = changed(&[
        (WHEN, r#"{ field = "body", matches = "evil.{1,9}thing" }"#),
        ("request = \"POST /app/evilthing?x=1\"", &format!("request = \"POST /app\"\n{body}")),
        ("request = \"POST /app/%65vilthing?x=1\"", &format!("request = \"PUT /app\"\n{body}")),
    ]);
    let findings = lint("X1.toml", text.as_bytes());
    let shown = message(&findings, "line-feed-bypass");
    assert_eq!(
        shown,
        "a line feed gets past it: `POST /app, with the body evil and \\nthing` passes"
    );
    let findings = lint("X1.toml", text.replace("evil.{1,9}", r"evil[\\s\\S]{1,9}").as_bytes());
    assert!(findings.iter().all(|finding| finding.name != "line-feed-bypass"), "{findings:#?}");
}

#[test]
fn an_anchor_that_nothing_meets() {
    for when in [
        r#"{ field = "uri", starts-with = "app/" }"#,
        r#"{ field = "path", equals = "app" }"#,
        r#"{ field = "path", matches = "^setup/" }"#,
    ] {
        let findings = rule(when);
        assert!(message(&findings, "anchor").contains("first slash"), "{when}");
    }
    let findings = rule(r#"{ field = "query", matches = '^\?x' }"#);
    assert!(message(&findings, "anchor").contains("question mark"));
    for when in
        [r#"{ field = "uri", matches = "^/app" }"#, r#"{ field = "query", starts-with = "x" }"#]
    {
        assert!(rule(when).iter().all(|finding| finding.name != "anchor"), "{when}");
    }
}

#[test]
fn a_path_from_its_head_is_got_past_by_a_slash_more() {
    let findings = rule(r#"{ field = "path", decode = ["url"], starts-with = "/app/evil" }"#);
    assert!(message(&findings, "anchored-bypass").contains("`POST //app/evilthing?x=1`"));
}

#[test]
fn a_rule_that_blocks_ordinary_requests_is_too_broad() {
    let findings = rule(r#"{ field = "uri", decode = ["url"], contains = "/" }"#);
    let told = message(&findings, "too-broad");
    assert!(told.contains("an ordinary request is blocked: `GET /owa/`, and "), "{told}");
    let findings = rule(r#"{ field = "uri", decode = ["url"], contains = "powershell" }"#);
    assert!(message(&findings, "too-broad").contains("powershell"));
}

#[test]
fn a_payload_that_the_rule_asks_for_is_left_to_a_person() {
    let text = changed(&[
        (WHEN, r#"{ field = "uri", decode = ["url"], contains = "${" }"#),
        ("POST /app/evilthing?x=1", "POST /app/${x}"),
        ("POST /app/%65vilthing?x=1", "POST /%61pp/%24%7Bx"),
        ("GET /stopgap-probe/evilthing", "GET /stopgap-probe/%24%7Bx"),
    ]);
    assert_eq!(named(&text), [(Level::Warning, "live-payload")]);
    // Alone on a marked path it has nothing to act with.
    let bare = text.replace("GET /stopgap-probe/%24%7Bx", "GET /stopgap-probe/%24%7B");
    assert_eq!(named(&bare), []);
    let unmarked = text.replace("GET /stopgap-probe/%24%7Bx", "GET /%24%7B");
    assert_eq!(named(&unmarked), [(Level::Warning, "live-payload")]);
}

#[test]
fn a_way_up_to_a_marker_is_left_to_a_person() {
    let text = changed(&[("GET /stopgap-probe/evilthing", "GET /icons/.%2e/evilthing")]);
    assert_eq!(named(&text), [(Level::Warning, "live-payload")]);
    let text = changed(&[("GET /stopgap-probe/evilthing", "GET /evilthing/.%2e/etc/passwd")]);
    assert_eq!(named(&text), [(Level::Error, "live-payload")]);
}

#[test]
fn a_revision_with_another_content_and_one_that_goes_back() {
    let old = BASE.replace("A title", "Another title");
    let names = |new: &str, old: &str| -> Vec<&str> {
        let findings = against(new.as_bytes(), &[old.as_bytes().to_vec()]);
        findings.iter().map(|finding| finding.name).collect()
    };
    assert_eq!(names(BASE, &old), ["reused-revision"]);
    assert_eq!(names(BASE, BASE), [""; 0]);
    assert_eq!(names(BASE, &BASE.replace("revision = 2", "revision = 3")), ["older-revision"]);
    assert_eq!(names(BASE, &BASE.replace("revision = 2", "revision = 1")), [""; 0]);
    assert_eq!(names(BASE, &old.replace("\"X1\"", "\"X2\"")), [""; 0]);
    assert_eq!(names(BASE, "not a document"), [""; 0]);
}

#[test]
fn probes_without_end_do_not_take_time_without_end() {
    let long = format!("/evilthing{}", "/a-".repeat(1_300));
    let probe = |at: usize| {
        format!("[[probe]]\nname = \"{at}\"\nrequest = \"GET {long}\"\nexpect = \"blocked\"\n")
    };
    let probes: String = (0..10).map(probe).collect();
    let base = changed(&[("contains = \"/evilthing\"", "matches = \"/evil.?thing\"")]);
    let findings = lint("X1.toml", format!("{base}\n{probes}").as_bytes());
    let names: Vec<&str> = findings.iter().map(|finding| finding.name).collect();
    assert_eq!(names, ["search-cut-short"]);
}

/// M1 as it was published on one day of 2022, with the probes that it should have had.
fn m1(when: &str) -> Vec<Finding> {
    let text = format!(
        r#"schema = 1
id = "M1"
revision = 1
title = "ProxyNotShell"
severity = "critical"
impact = "None known for ordinary clients."
[[affected]]
product = "microsoft/exchange-server"
ranges = [{{ introduced = "15.2.0", fixed = "15.2.986.36" }}]
[[action]]
id = "M1.1"
kind = "block-request"
deny = "abort"
when = [{when}]
[[probe]]
name = "attack"
request = "GET /autodiscover/autodiscover.json?a@foo.var/owa/?&Email=autodiscover/autodiscover.json?a@foo.var&Protocol=XYZ&FooProtocol=Powershell"
expect = "blocked"
[[probe]]
name = "marker"
live = true
request = "GET /autodiscover/autodiscover.json?a@stopgap-probe&powershell"
expect = "blocked"
[[probe]]
name = "ordinary"
live = true
request = "GET /autodiscover/autodiscover.json?Email=user@example.com&Protocol=EWS"
expect = "allowed"
"#
    );
    lint("M1.toml", text.as_bytes())
}

#[test]
fn m1_of_30_september_is_got_past_by_an_encoded_letter() {
    let findings = m1(r"{ field = 'uri', matches = '.*autodiscover\.json.*\@.*Powershell.*' }");
    let shown = message(&findings, "encoded-bypass");
    assert!(shown.contains("FooProtocol=%50owershell`"), "{shown}");
    message(&findings, "not-linear");
    message(&findings, "word-order");
}

#[test]
fn m1_of_3_october_is_got_past_by_an_encoded_letter() {
    let findings = m1(r"{ field = 'uri', matches = '.*autodiscover\.json.*Powershell.*' }");
    assert!(message(&findings, "encoded-bypass").contains("FooProtocol=%50owershell`"));
}

#[test]
fn m1_of_6_october_is_got_past_by_the_order_of_its_words_and_by_a_line_feed() {
    let findings =
        m1(r"{ field = 'uri', decode = ['url'], matches = '.*autodiscover\.json.*Powershell.*' }");
    assert!(findings.iter().all(|finding| finding.name != "encoded-bypass"), "{findings:#?}");
    let order = message(&findings, "word-order");
    assert!(order.contains("`GET /Powershell?autodiscover.json` passes"), "{order}");
    let shown = message(&findings, "line-feed-bypass");
    assert!(shown.contains("FooProtocol=%0aPowershell` passes"), "{shown}");
}

#[test]
fn m1_of_7_october_is_got_past_by_a_line_feed() {
    let findings =
        m1("{ field = 'uri', decode = ['url'], matches = '(?=.*autodiscover)(?=.*powershell)' }");
    let shown = message(&findings, "line-feed-bypass");
    assert!(shown.contains("FooProtocol=%0aPowershell` passes"), "{shown}");
    message(&findings, "not-linear");
    let gaps = ["encoded-bypass", "word-order"];
    assert!(findings.iter().all(|finding| !gaps.contains(&finding.name)), "{findings:#?}");
}

#[test]
fn m1_as_the_catalog_has_it_has_none_of_these_gaps() {
    let findings = m1("{ field = 'uri', decode = ['url'], contains = 'autodiscover' }, \
                       { field = 'uri', decode = ['url'], contains = 'powershell' }");
    let names: Vec<&str> = findings.iter().map(|finding| finding.name).collect();
    assert_eq!(names, ["no-encoded-probe"]);
}

#[test]
fn what_a_finding_shows_cannot_write_on_the_terminal() {
    let text = changed(&[("name = \"attack\"\n", "name = \"a\"\n"), ("A title", "a\\u001b[31m")]);
    for finding in lint("X1.toml", text.as_bytes()) {
        let said = format!("{:?}", finding.problem.message);
        assert!(!finding.problem.message.contains(char::is_control), "{said}");
    }
    let text = changed(&[(WHEN, r#"{ field = "uri", matches = "\u001b(" }"#)]);
    for finding in lint("X1.toml", text.as_bytes()) {
        assert!(!finding.problem.message.contains(char::is_control), "{finding:?}");
    }
}
