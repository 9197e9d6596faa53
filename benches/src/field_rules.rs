//! Rules like those of the field: mostly on the url-decoded request target, some on a method and a
//! path, some on a cookie.

use stopgap_model::rule::{
    BlockRule, Case, Condition, DEFAULT_BODY_LIMIT, Decode, Deny, Field, Operator, Test,
};

/// Where applications have had holes.
const PLACES: [&str; 20] = [
    "/wp-content/plugins/",
    "/cgi-bin/",
    "/api/v1/admin/",
    "/_layouts/15/",
    "/autodiscover/",
    "/vpn/../vpns/",
    "/remote/fgt_lang",
    "/owa/auth/",
    "/ecp/",
    "/manager/html/",
    "/solr/admin/",
    "/actuator/",
    "/struts2-showcase/",
    "/webtools/control/",
    "/mgmt/tm/util/",
    "/dana-na/",
    "/sdk/",
    "/ui/vropspluginui/",
    "/setup/",
    "/goform/",
];
/// What came behind.
const TAILS: [&str; 10] = [
    "upload.php",
    "bash",
    "exec",
    "ToolPane.aspx",
    "proxylogon.ecp",
    "users/reset",
    "config.xml",
    "gateway/env",
    "invokefunction",
    "session_login.cgi",
];

/// The path that rule `number` is about.
fn path(number: usize) -> String {
    format!("{}x{number}/{}", PLACES[number % 20], TAILS[number % 10])
}

fn test(field: Field, operator: Operator) -> Condition {
    let decodes = matches!(field, Field::Uri | Field::Path | Field::Query);
    let decode = if decodes { vec![Decode::Url] } else { Vec::new() };
    Condition::Test(Test { field, decode, operator, case: Case::Ignore })
}

fn condition(number: usize) -> Condition {
    let path = path(number);
    match number % 10 {
        0..=3 => test(Field::Uri, Operator::Contains(path)),
        4 => test(Field::Path, Operator::Equals(path)),
        5 => test(Field::Path, Operator::StartsWith(path)),
        6 => test(Field::Path, Operator::EndsWith(path)),
        7 => Condition::All(vec![
            test(Field::Method, Operator::Equals("POST".into())),
            test(Field::Path, Operator::Equals(path)),
        ]),
        8 => {
            let cookie = Field::Header("cookie".into());
            test(cookie, Operator::Contains(format!("backend-resource-{number}=")))
        }
        _ => {
            let (place, tail) = (escaped(PLACES[number % 20]), escaped(TAILS[number % 10]));
            test(Field::Uri, Operator::Matches(format!("{place}x{number}[^/]*/{tail}")))
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('.', "\\.")
}

/// `count` rules.
pub(crate) fn rules(count: usize) -> Vec<BlockRule> {
    let rule = |number| BlockRule {
        when: condition(number),
        deny: Deny::Abort,
        body_limit: DEFAULT_BODY_LIMIT,
    };
    (0..count).map(rule).collect()
}

/// For each of the rules that a GET without headers can meet, a target that it blocks.
pub(crate) fn attacks(count: usize) -> impl Iterator<Item = String> {
    let numbers = (0..count).filter(|number| !matches!(number % 10, 7 | 8));
    numbers.map(|number| path(number).replace('x', "%78"))
}

/// The rules as mitigation documents for every nginx, each with one probe that is sent and must be
/// blocked, and one that must pass.
pub(crate) fn documents(count: usize) -> Vec<String> {
    let document = |(number, rule): (usize, BlockRule)| {
        let tests = match &rule.when {
            Condition::All(conditions) => conditions.iter().map(written).collect::<Vec<_>>(),
            one => vec![written(one)],
        };
        let (method, target, header) = match number % 10 {
            7 => ("POST", path(number), None),
            8 => ("GET", "/".to_owned(), Some(format!("Cookie: backend-resource-{number}=1"))),
            _ => ("GET", path(number).replacen('x', "%78", 1), None),
        };
        let header = header.map_or(String::new(), |header| format!("headers = [\"{header}\"]\n"));
        format!(
            "schema   = 1\nid       = \"R{number}\"\nrevision = 1\n\
             title    = \"A benchmark's mitigation\"\ncves     = [\"CVE-2026-1{number:04}\"]\n\
             severity = \"high\"\nimpact   = \"None.\"\n\
             references = [\"https://example.com/R{number}\"]\n\n\
             [[affected]]\nproduct = \"nginx/nginx\"\n\
             ranges  = [{{ introduced = \"1.0\", fixed = \"9.0\" }}]\n\n\
             [[action]]\nid    = \"R{number}.1\"\nkind  = \"block-request\"\ndeny  = \"abort\"\n\
             when  = [{}]\n\n\
             [[probe]]\nname    = \"attack\"\nrequest = \"{method} {target}\"\n{header}\
             expect  = \"blocked\"\nlive    = true\n\n\
             [[probe]]\nname    = \"an ordinary page\"\nrequest = \"GET /page-{number}\"\n\
             expect  = \"allowed\"\nlive    = true\n",
            tests.join(", ")
        )
    };
    rules(count).into_iter().enumerate().map(document).collect()
}

/// A test as a document writes it.
fn written(condition: &Condition) -> String {
    let Condition::Test(test) = condition else { return String::new() };
    let decode = if test.decode.is_empty() { "" } else { "decode = [\"url\"], " };
    let (name, text) = (test.operator.name(), test.operator.text());
    format!("{{ field = \"{}\", {decode}{name} = '{text}' }}", test.field)
}

#[cfg(test)]
mod tests {
    use stopgap_model::document::{any_pattern, parse};
    use stopgap_model::mitigation::ActionKind;

    use super::*;

    #[test]
    fn every_document_says_its_rule() {
        for (document, mut rule) in documents(40).iter().zip(rules(40)) {
            // A document's list of tests is a conjunction, be it of one.
            if let Condition::Test(_) = rule.when {
                rule.when = Condition::All(vec![rule.when]);
            }
            let mitigation = parse(document.as_bytes(), &any_pattern);
            let kind = mitigation.map(|mitigation| mitigation.actions[0].kind.clone());
            assert_eq!(kind, Ok(ActionKind::BlockRequest { scope: None, rule }), "{document}");
        }
    }
}
