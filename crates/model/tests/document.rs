//! Each thing that can be wrong in a mitigation document, told where it stands and how to mend it.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may say what they expect")]

use stopgap_model::document::{MAX_DOCUMENT, any_pattern, parse};
use stopgap_model::mitigation::{ActionKind, Expect, HeaderChange};
use stopgap_model::rule::{Condition, Deny, Field};
use stopgap_model::{Mitigation, Problem};

const BASE: &str = r#"schema = 1
id = "X1"
revision = 2
title = "A title"
cves = ["CVE-2024-4577"]
severity = "high"
impact = "None."
references = ["https://example.com/a"]

[[affected]]
product = "acme/thing"
roles = ["front"]
ranges = [{ introduced = "1.0", fixed = "1.5" }, { introduced = "2.0", fixed = "2.5" }]

[[action]]
id = "X1.1"
kind = "block-request"
scope = { site = "Default Web Site", path = "/owa/" }
deny = "abort"
when = [{ field = "uri", decode = ["url"], contains = "evil" }]

[[action]]
id = "X1.2"
kind = "disable-service"
services = ["Spooler"]
only_if = { version_below = "2.0" }

[[action]]
id = "X1.3"
kind = "response-header"
header = "X-Frame-Options"
append = "; x"
when = [{ field = "response-content-type", matches = "^text" }]

[[action]]
id = "X1.4"
kind = "request-header"
remove = "X-Sub"

[[probe]]
name = "attack"
request = "GET /evil"
headers = ["Cookie: a=b"]
expect = "blocked"

[[probe]]
name = "benign"
request = "GET /good"
expect = "allowed"
live = true

[[probe]]
name = "a page"
request = "GET /page"
response = { headers = ["Content-Type: text/html"] }
expect = { response_header = "X-Frame-Options", value = "sealed" }

[[probe]]
name = "a header that clients must not send"
request = "GET /sub"
headers = ["X-Own: 1"]
expect = { request_header = "X-Own" }
"#;

fn read(text: &str) -> Result<Mitigation, Vec<Problem>> {
    let refuse_bad = |pattern: &str| {
        if pattern == "bad(" { Err("the group is not closed".to_owned()) } else { Ok(()) }
    };
    parse(text.as_bytes(), &refuse_bad)
}

fn changed(old: &str, new: &str) -> String {
    assert_eq!(BASE.matches(old).count(), 1, "{old:?} is not in the base document once");
    BASE.replacen(old, new, 1)
}

/// One test for each wrong input: what is written for what, then what is marked, what is said,
/// and a part of what was expected or of the help.
macro_rules! wrong {
    ($($name:ident: $old:expr => $new:expr; $mark:expr, $says:expr, $mends:expr;)*) => {$(
        #[test]
        fn $name() {
            let text = changed($old, $new);
            let problems = read(&text).expect_err("it is wrong");
            assert_eq!(problems.len(), 1, "{problems:#?}");
            let problem = &problems[0];
            assert_eq!(&text[problem.span.clone()], $mark, "{problem:?}");
            assert_eq!(problem.message, $says);
            let mends = format!("{} | {}", problem.expected, problem.help);
            assert!(mends.contains($mends), "{mends:?} does not say {:?}", $mends);
        }
    )*};
}

const WHEN: &str = r#"[{ field = "uri", decode = ["url"], contains = "evil" }]"#;
const DEEP: &str = "not = { not = { not = { not = { not = { not = { not = { not = { field = \
                    \"uri\", equals = \"x\" } } } } } } } }";

wrong! {
    another_schema: "schema = 1" => "schema = 2"; "2", "schema 2 is not known", "`schema = 1`";
    a_missing_schema: "schema = 1\n" => ""; "", "`schema` is missing", "`schema = 1`";
    an_unknown_key: "impact =" => "impcat = 1\nimpact ="; "impcat", "unknown key `impcat`", "did you mean `impact`?";
    an_unknown_key_in_a_range: "fixed = \"2.5\"" => "fixed = \"2.5\", fixd = 1"; "fixd", "unknown key `fixd`", "did you mean `fixed`?";
    an_unknown_key_in_a_test: "decode = [\"url\"]" => "decoed = [\"url\"]"; "decoed", "unknown key `decoed`", "did you mean `decode`?";
    a_misspelt_operator: "contains =" => "contain ="; "contain", "unknown key `contain`", "did you mean `contains`?";
    a_misspelt_key_of_an_action: "only_if" => "only-if"; "only-if", "unknown key `only-if`", "did you mean `only_if`?";
    a_key_of_another_kind: "services =" => "pools = [\"P\"]\nservices ="; "pools", "`pools` does not belong to `disable-service`", "it belongs to `disable-app-pool`";
    a_missing_key_at_the_top: "title = \"A title\"\n" => ""; "", "`title` is missing", "one line";
    a_missing_key_in_a_table: "kind = \"disable-service\"\n" => ""; "[[action]]", "`kind` is missing", "block-request";
    a_missing_key_in_braces: ", fixed = \"2.5\"" => ""; "{ introduced = \"2.0\" }", "`fixed` is missing", "with the fix";
    a_wrong_type: "revision = 2" => "revision = \"2\""; "\"2\"", "`revision` is a string", "a whole number";
    a_list_for_a_text: "impact = \"None.\"" => "impact = []"; "[]", "`impact` is a list", "a string";
    revision_zero: "revision = 2" => "revision = 0"; "0", "`revision` is 0", "from 1 to";
    a_bad_id: "\"X1\"" => "\"../X1\""; "\"../X1\"", "`../X1` is not an id", "letters, digits";
    a_bad_version: "\"1.0\"" => "\"1.x\""; "\"1.x\"", "`1.x` is not a version", "15.2.1118.20";
    a_bad_cve: "CVE-2024-4577" => "CVE-24-1"; "\"CVE-24-1\"", "`CVE-24-1` cannot be used for `cves`", "CVE-2024-4577";
    a_reference_that_is_no_page: "https://example.com/a" => "javascript:a"; "\"javascript:a\"", "`javascript:a` cannot be used for `references`", "https://";
    a_repeated_entry: "[\"front\"]" => "[\"front\", \"front\"]"; "\"front\"", "`front` is in the list twice", "";
    an_unknown_severity: "\"high\"" => "\"hihg\""; "\"hihg\"", "unknown severity `hihg`", "did you mean `high`?";
    an_unknown_kind: "\"disable-service\"" => "\"disable-servce\""; "\"disable-servce\"", "unknown kind `disable-servce`", "did you mean `disable-service`?";
    an_unknown_field: "\"uri\"" => "\"url\""; "\"url\"", "unknown field `url`", "did you mean `uri`?";
    an_unknown_field_with_a_name: "\"uri\"" => "\"heder:x\""; "\"heder:x\"", "unknown field `heder`", "did you mean `header`?";
    a_field_without_its_name: "\"uri\"" => "\"header:\""; "\"header:\"", "`header:` needs a name", "`header:NAME`";
    a_field_with_a_name_it_does_not_take: "\"uri\"" => "\"uri:x\""; "\"uri:x\"", "`uri` takes no name", "`uri`";
    an_unknown_decoding: "[\"url\"]" => "[\"ulr\"]"; "\"ulr\"", "unknown decode `ulr`", "did you mean `url`?";
    an_unknown_case: "decode = [\"url\"]" => "case = \"exct\""; "\"exct\"", "unknown case `exct`", "did you mean `exact`?";
    an_unknown_expectation: "\"blocked\"" => "\"block\""; "\"block\"", "unknown expect `block`", "`blocked` or `allowed`";
    an_inverted_range: "\"2.5\"" => "\"1.9\""; "{ introduced = \"2.0\", fixed = \"1.9\" }", "no version is in 2.0 to 1.9", "lower than";
    a_range_without_a_version: "\"2.5\"" => "\"2.0.0\""; "{ introduced = \"2.0\", fixed = \"2.0.0\" }", "no version is in 2.0 to 2.0.0", "lower than";
    overlapping_ranges: "\"2.0\", fixed" => "\"1.4\", fixed"; "{ introduced = \"1.4\", fixed = \"2.5\" }", "the range overlaps 1.0 to 1.5", "in line 13";
    an_empty_list_of_ranges: "[{ introduced = \"1.0\", fixed = \"1.5\" }, { introduced = \"2.0\", fixed = \"2.5\" }]" => "[]"; "[]", "`ranges` is empty", "at least one";
    an_empty_role: "[\"front\"]" => "[\"\"]"; "\"\"", "`roles` is empty", "a text";
    a_role_in_upper_case: "[\"front\"]" => "[\"Front\"]"; "\"Front\"", "`Front` cannot be used for `roles`", "lower-case";
    an_empty_product: "\"acme/thing\"" => "\"\""; "\"\"", "`product` is empty", "a text";
    a_package_with_its_version: "\"acme/thing\"" => "\"pkg:npm/next@14.2.20\""; "\"pkg:npm/next@14.2.20\"", "`pkg:npm/next@14.2.20` cannot be used for `product`", "without its version";
    a_package_of_no_distribution: "\"acme/thing\"" => "\"pkg:deb/apache2\""; "\"pkg:deb/apache2\"", "`pkg:deb/apache2` cannot be used for `product`", "a package";
    a_version_that_dpkg_does_not_know: "product = \"acme/thing\"\nroles = [\"front\"]\nranges = [{ introduced = \"1.0\"" => "product = \"pkg:deb/debian/bash\"\nranges = [{ introduced = \"v1.0\""; "\"v1.0\"", "`v1.0` is not a version", "a Debian package";
    a_range_that_ends_before_it_begins_for_dpkg: "product = \"acme/thing\"\nroles = [\"front\"]\nranges = [{ introduced = \"1.0\", fixed = \"1.5\" }" => "product = \"pkg:deb/debian/bash\"\nranges = [{ introduced = \"1.0\", fixed = \"1.0~deb12u1\" }"; "{ introduced = \"1.0\", fixed = \"1.0~deb12u1\" }", "no version is in 1.0 to 1.0~deb12u1", "lower than";
    a_limit_for_products_of_two_kinds: "[[action]]\nid = \"X1.1\"" => "[[affected]]\nproduct = \"pkg:deb/debian/bash\"\n\n[[action]]\nid = \"X1.1\""; "{ version_below = \"2.0\" }", "the affected products have versions of different kinds", "two documents";
    a_product_without_a_name: "\"acme/thing\"" => "\"acme/\""; "\"acme/\"", "`acme/` cannot be used for `product`", "lower-case";
    two_operators: "contains = \"evil\"" => "contains = \"evil\", equals = \"x\""; "equals", "a test has one operator, this is another", "a condition of its own";
    no_operator: ", contains = \"evil\"" => ""; "{ field = \"uri\", decode = [\"url\"] }", "the test has no operator", "`matches`";
    an_empty_operator: "\"evil\" }" => "\"\" }"; "\"\"", "`contains` is empty", "nothing is in everything";
    a_rule_that_blocks_everything: WHEN => "[]"; "[]", "`when` is empty", "at least one";
    a_rule_without_a_condition: "when = [{ field = \"uri\", decode = [\"url\"], contains = \"evil\" }]\n" => ""; "[[action]]", "`when` is missing", "every request";
    any_that_is_a_table: WHEN => "[{ any = { field = \"uri\", equals = \"x\" } }]"; "{ field = \"uri\", equals = \"x\" }", "`any` is a table", "a list";
    any_that_is_empty: WHEN => "[{ any = [] }]"; "[]", "`any` is empty", "at least one";
    not_that_is_a_list: WHEN => "[{ not = [] }]"; "[]", "`not` is a list", "a table";
    a_test_beside_not: WHEN => "[{ not = { field = \"uri\", equals = \"x\" }, field = \"uri\" }]"; "field", "`field` is not allowed beside `not`", "in braces";
    conditions_that_nest_too_deep: WHEN => &format!("[{{ {DEEP} }}]"); "not", "the conditions nest too deep", "at most 8 levels";
    too_many_tests: WHEN => &format!("[{0}{0}]", format!("{{ any = [{}] }},", "{ field = \"uri\", equals = \"x\" },".repeat(33))); "when", "the conditions have 66 tests", "at most 64";
    a_refused_pattern: "\"^text\"" => "\"bad(\""; "\"bad(\"", "the group is not closed", "linear time";
    a_response_field_in_a_block: "\"uri\"" => "\"response-header:x\""; "\"response-header:x\"", "`response-header:x` is not known when a request is judged", "of the request";
    a_body_field_at_the_response: "\"response-content-type\"" => "\"body\""; "\"body\"", "`body` is not kept until the response", "head";
    a_body_limit_without_a_body: "deny = \"abort\"" => "deny = \"abort\"\nbody_limit = 9"; "body_limit", "no condition looks at the body", "body field";
    a_body_limit_of_nothing: "deny = \"abort\"" => "deny = \"abort\"\nbody_limit = 0"; "0", "`body_limit` is 0", "from 1 to";
    a_misspelt_deny: "\"abort\"" => "\"abrt\""; "\"abrt\"", "unknown deny `abrt`", "did you mean `abort`?";
    a_deny_that_lets_through: "\"abort\"" => "{ status = 200 }"; "200", "`status` is 200", "from 400 to 599";
    a_deny_that_is_a_number: "\"abort\"" => "403"; "403", "`deny` is a whole number", "a table";
    two_actions_of_one_id: "\"X1.2\"" => "\"X1.1\""; "\"X1.1\"", "another action is `X1.1`", "line 16";
    two_probes_of_one_name: "\"benign\"" => "\"attack\""; "\"attack\"", "another probe is `attack`", "line 41";
    a_probe_that_is_no_request: "\"GET /evil\"" => "\"GET /evil HTTP/1.1\""; "\"GET /evil HTTP/1.1\"", "`GET /evil HTTP/1.1` is not a request", "GET /x?y";
    a_probe_header_without_a_colon: "\"Cookie: a=b\"" => "\"Cookie\""; "\"Cookie\"", "`Cookie` is not a header", "Name: value";
    probe_headers_in_a_table: "[\"Cookie: a=b\"]" => "{ Cookie = \"a=b\" }"; "{ Cookie = \"a=b\" }", "`headers` is a table", "a list";
    a_response_to_a_blocked_request: "headers = [\"Cookie: a=b\"]" => "response = {}"; "response", "`response` is not allowed beside `expect = \"blocked\"`", "does not reach the application";
    a_response_that_nobody_looks_at: "headers = [\"X-Own: 1\"]" => "response = {}"; "response", "`response` is not allowed beside `request_header`", "two probes";
    a_changed_response_without_the_response: "response = { headers = [\"Content-Type: text/html\"] }\n" => ""; "{ response_header = \"X-Frame-Options\", value = \"sealed\" }", "`response` is missing", "what the application answers";
    a_response_that_is_a_line: "{ headers = [\"Content-Type: text/html\"] }" => "\"200 OK\""; "\"200 OK\"", "`response` is a string", "a table";
    a_response_that_is_not_one_yet: "{ headers = [\"Content-Type: text/html\"] }" => "{ status = 100 }"; "100", "`status` is 100", "from 200 to 599";
    a_response_with_a_body: "{ headers = [\"Content-Type: text/html\"] }" => "{ body = \"x\" }"; "body", "unknown key `body`", "`status` or `headers`";
    a_response_header_without_a_colon: "\"Content-Type: text/html\"" => "\"text/html\""; "\"text/html\"", "`text/html` is not a header", "Name: value";
    an_expectation_of_two_headers: "{ request_header = \"X-Own\" }" => "{ request_header = \"X-Own\", response_header = \"Y\" }"; "response_header", "a probe expects one header", "each header";
    an_expectation_of_no_header: "{ request_header = \"X-Own\" }" => "{ value = \"1\" }"; "{ value = \"1\" }", "no header is named", "`response_header`";
    an_expectation_of_a_misspelt_key: "request_header = \"X-Own\"" => "request_header = \"X-Own\", valeu = \"1\""; "valeu", "unknown key `valeu`", "did you mean `value`?";
    an_expected_header_that_is_no_token: "request_header = \"X-Own\"" => "request_header = \"X Own\""; "\"X Own\"", "`X Own` cannot be used for `request_header`", "header name";
    an_expected_value_with_a_line_break: "request_header = \"X-Own\"" => "request_header = \"X-Own\", value = \"a\\r\\nb\""; "\"a\\r\\nb\"", "`value` has the control character \\u{d}", "one line";
    an_expectation_that_is_a_truth_value: "{ request_header = \"X-Own\" }" => "true"; "true", "`expect` is a truth value", "a table";
    live_that_is_a_word: "live = true" => "live = \"yes\""; "\"yes\"", "`live` is a string", "`true` or `false`";
    a_header_that_is_no_token: "\"X-Sub\"" => "\"X Sub\""; "\"X Sub\"", "`X Sub` cannot be used for `remove`", "header name";
    header_beside_remove: "remove = \"X-Sub\"" => "remove = \"X-Sub\"\nheader = \"Y\""; "header", "`header` is not allowed beside `remove`", "names the header itself";
    a_header_changed_in_two_ways: "append = \"; x\"" => "append = \"; x\"\nset = \"y\""; "set", "a header is changed in one way", "an action of its own";
    a_header_that_is_not_changed: "append = \"; x\"\n" => ""; "[[action]]", "what is done to the header is missing", "`append`";
    a_header_value_with_a_line_break: "\"; x\"" => "\"a\\r\\nSet-Cookie: b\""; "\"a\\r\\nSet-Cookie: b\"", "`append` has the control character \\u{d}", "one line";
    a_header_that_is_removed_or_not: "append = \"; x\"" => "remove = false"; "false", "the action would do nothing", "`remove = true`";
    a_scope_path_without_its_slash: "\"/owa/\"" => "\"owa\""; "\"owa\"", "`owa` cannot be used for `path`", "`/owa`";
    a_scope_path_with_a_wildcard: "\"/owa/\"" => "\"/owa*\""; "\"/owa*\"", "`/owa*` cannot be used for `path`", "`/owa`";
    a_scope_path_that_climbs: "\"/owa/\"" => "\"/owa/../ecp\""; "\"/owa/../ecp\"", "`/owa/../ecp` cannot be used for `path`", "`/owa`";
    a_site_with_a_path: "\"Default Web Site\"" => "\"Default Web Site/owa\""; "\"Default Web Site/owa\"", "`Default Web Site/owa` cannot be used for `site`", "without a path";
    no_services: "[\"Spooler\"]" => "[]"; "[]", "`services` is empty", "at least one";
    a_service_that_reads_as_an_option: "\"Spooler\"" => "\"--now\""; "\"--now\"", "`--now` cannot be used for `services`", "a plain name";
    no_pools: "kind = \"disable-service\"\nservices = [\"Spooler\"]" => "kind = \"disable-app-pool\"\npools = []"; "[]", "`pools` is empty", "at least one";
    a_heartbeat_that_carries_something: "kind = \"disable-service\"\nservices = [\"Spooler\"]\n" => "kind = \"do-nothing\"\n"; "only_if", "`only_if` does not belong to `do-nothing`", "`id` or `kind`";
    a_control_character_in_the_title: "\"A title\"" => "\"A \\u001b[31mtitle\""; "\"A \\u001b[31mtitle\"", "`title` has the control character \\u{1b}", "plain text";
    a_title_that_turns_its_direction: "\"A title\"" => "\"A \\u202etitle\""; "\"A \\u202etitle\"", "`title` has the control character \\u{202e}", "plain text";
    a_title_with_a_mark_that_turns_what_is_beside_it: "\"A title\"" => "\"A \\u200ftitle\""; "\"A \\u200ftitle\"", "`title` has the control character \\u{200f}", "plain text";
    an_empty_impact: "\"None.\"" => "\" \""; "\" \"", "`impact` is empty", "a text";
    a_key_written_twice: "id = \"X1\"" => "id = \"X1\"\nid = \"X2\""; "id", "duplicate key", "";
    a_text_without_its_end: "\"A title\"" => "\"A title"; "", "invalid basic string", "`\"`";
    too_many_services: "[\"Spooler\"]" => &format!("{:?}", (0..65).map(|n| format!("S{n}")).collect::<Vec<_>>()); &format!("{:?}", (0..65).map(|n| format!("S{n}")).collect::<Vec<_>>()), "`services` has 65 entries", "at most 64";
}

#[test]
fn the_base_document_is_read() {
    let mitigation = read(BASE).expect("it is right");
    let ActionKind::BlockRequest { scope: Some(scope), rule } = &mitigation.actions[0].kind else {
        panic!("{:?}", mitigation.actions[0]);
    };
    assert_eq!((scope.path.as_str(), rule.deny), ("/owa", Deny::Abort));
    let ActionKind::RequestHeader { header, change, .. } = &mitigation.actions[3].kind else {
        panic!("{:?}", mitigation.actions[3]);
    };
    assert_eq!((header.as_str(), change), ("x-sub", &HeaderChange::Remove));
    assert_eq!(mitigation.probes[0].request.header_values("cookie").next(), Some(&b"a=b"[..]));
    assert!(mitigation.probes[1].live);
    assert_eq!(mitigation.probes[1].response, None);
    let response = mitigation.probes[2].response.as_ref().expect("a response");
    assert_eq!(response.status, 200);
    assert_eq!(response.header_values("content-type").next(), Some(&b"text/html"[..]));
    let name = "X-Frame-Options".to_owned();
    let expected = Expect::ResponseHeader { name, value: Some("sealed".into()) };
    assert_eq!(mitigation.probes[2].expect, expected);
    let expected = Expect::RequestHeader { name: "X-Own".into(), value: None };
    assert_eq!(mitigation.probes[3].expect, expected);
}

#[test]
fn the_status_of_a_probes_response_may_be_said() {
    let text = changed(r#"{ headers = ["Content-Type: text/html"] }"#, "{ status = 404 }");
    let mitigation = read(&text).expect("it is right");
    let response = mitigation.probes[2].response.as_ref().expect("a response");
    assert_eq!((response.status, response.headers.len()), (404, 0));
}

#[test]
fn everything_wrong_in_a_response_and_its_expectation_is_told_at_once() {
    let text = changed(
        r#"{ headers = ["Content-Type: text/html"] }"#,
        r#"{ status = 9, headers = ["x"] }"#,
    )
    .replace(r#"response_header = "X-Frame-Options""#, r#"response_header = "X Frame""#);
    let problems = read(&text).expect_err("it is wrong");
    let marked: Vec<&str> = problems.iter().map(|p| &text[p.span.clone()]).collect();
    assert_eq!(marked, ["9", "\"x\"", "\"X Frame\""]);
}

#[test]
fn groups_nest_and_names_of_headers_are_lower_case() {
    let text = changed(
        WHEN,
        r#"[{ any = [{ field = "header:X-A", equals = "x" }, { not = { field = "arg:A", equals = "y" } }] }]"#,
    );
    let mitigation = read(&text).expect("it is right");
    let ActionKind::BlockRequest { rule, .. } = &mitigation.actions[0].kind else { panic!() };
    let Condition::All(all) = &rule.when else { panic!("{rule:?}") };
    let Condition::Any(any) = &all[0] else { panic!("{all:?}") };
    let Condition::Test(test) = &any[0] else { panic!("{any:?}") };
    assert_eq!(test.field, Field::Header("x-a".into()));
    assert!(matches!(any[1], Condition::Not(_)));
}

#[test]
fn a_file_without_content() {
    for text in ["", " \n", "\u{feff}"] {
        let problems = read(text).expect_err("it is empty");
        assert_eq!(problems[0].message, "the document is empty", "{text:?}");
    }
}

#[test]
fn a_file_that_is_too_large() {
    let problems = read(&" ".repeat(MAX_DOCUMENT + 1)).expect_err("it is too large");
    assert_eq!(problems[0].message, "the document is 262145 bytes long");
}

#[test]
fn a_file_that_is_not_utf_8() {
    let problems = parse(b"schema = 1\xff\n", &any_pattern).expect_err("it is not text");
    assert_eq!((problems[0].span.clone(), problems.len()), (10..11, 1));
}

#[test]
fn a_mitigation_without_an_action() {
    let text = &BASE[..BASE.find("[[action]]").expect("an action")];
    let problems = read(text).expect_err("it changes nothing");
    assert_eq!(problems[0].message, "`action` is missing");
}

const TOMBSTONE: &str = "schema = 1\nid = \"X1\"\nrevision = 3\ntitle = \"A title\"\n\
                         severity = \"high\"\nimpact = \"None.\"\n";

#[test]
fn a_withdrawn_mitigation_needs_a_reason_and_nothing_else() {
    let withdrawn = read(&format!("{TOMBSTONE}withdrawn = \"Every build has the fix.\"\n"));
    let withdrawn = withdrawn.expect("it is right");
    assert_eq!(withdrawn.withdrawn.as_deref(), Some("Every build has the fix."));
    assert_eq!((withdrawn.actions.len(), withdrawn.probes.len()), (0, 0));
    let messages = |problems: Vec<Problem>| -> Vec<String> {
        problems.into_iter().map(|problem| problem.message).collect()
    };
    for (reason, said) in
        [("\"\"", "`withdrawn` is empty"), ("true", "`withdrawn` is a truth value")]
    {
        let problems = read(&format!("{TOMBSTONE}withdrawn = {reason}\n")).expect_err("no reason");
        assert_eq!(messages(problems), [said]);
    }
}

#[test]
fn a_withdrawn_mitigation_that_still_acts() {
    let text = changed("severity =", "withdrawn = \"fixed\"\nseverity =");
    let problems = read(&text).expect_err("it says two things");
    let marked: Vec<_> =
        problems.iter().map(|p| (&text[p.span.clone()], p.message.as_str())).collect();
    let said =
        ["`action` is not allowed beside `withdrawn`", "`probe` is not allowed beside `withdrawn`"];
    assert_eq!(marked, [("action", said[0]), ("probe", said[1])]);
}

#[test]
fn everything_wrong_is_told_at_once_and_in_order() {
    let text = changed("\"high\"", "\"hihg\"")
        .replace("impact =", "impcat =")
        .replace("\"2.5\"", "\"1.9\"")
        .replace("\"uri\"", "\"url\"")
        .replace("\"X1.2\"", "\"X1.1\"")
        .replace("\"^text\"", "\"bad(\"")
        .replace("\"GET /evil\"", "\"GET\"");
    let problems = read(&text).expect_err("it is wrong");
    let marked: Vec<&str> = problems.iter().map(|p| &text[p.span.clone()]).collect();
    let expected = [
        "",
        "\"hihg\"",
        "impcat",
        "{ introduced = \"2.0\", fixed = \"1.9\" }",
        "\"url\"",
        "\"X1.1\"",
        "\"bad(\"",
        "\"GET\"",
    ];
    assert_eq!(marked, expected);
}

#[test]
fn a_syntax_error_does_not_make_what_is_behind_it_missing() {
    let text = changed("title = \"A title\"", "title \"A title\"");
    let problems = read(&text).expect_err("it is wrong");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0].message, "key with no value");
}

#[test]
fn syntax_errors_do_not_hide_what_else_is_wrong_nor_invent_anything() {
    let text = changed("revision = 2", "revision = ").replace("\"high\"", "\"hihg\"");
    let problems = read(&text).expect_err("it is wrong");
    let marked: Vec<&str> = problems.iter().map(|p| &text[p.span.clone()]).collect();
    assert_eq!(marked, ["", "\"hihg\""], "{problems:#?}");
}
