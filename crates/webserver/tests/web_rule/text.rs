//! What is written into the configuration of each server.

use stopgap_model::mitigation::ActionKind;
use stopgap_model::rule::{
    BlockRule, Case, Condition, DEFAULT_BODY_LIMIT, Decode, Deny, Field, Operator, Test,
};
use stopgap_model::web::WebKind;
use stopgap_webserver::rule::{WebRule, translate};
use stopgap_webserver::{RuleText, text};

use crate::model::{SERVERS, server};

fn test(field: Field, decode: &[Decode], operator: Operator) -> Condition {
    Condition::Test(Test { field, decode: decode.to_vec(), operator, case: Case::Ignore })
}

fn rule(kind: WebKind, when: Vec<Condition>, deny: Deny) -> WebRule {
    let when = Condition::All(when);
    let rule = BlockRule { when, deny, body_limit: DEFAULT_BODY_LIMIT };
    translate(&server(kind), &ActionKind::BlockRequest { scope: None, rule }).unwrap()
}

fn sample(kind: WebKind) -> RuleText {
    let contains = |text: &str| Operator::Contains(text.into());
    let uri = |text: &str| test(Field::Uri, &[Decode::Url], contains(text));
    let rules = [
        (
            "M1.1, revision 5".to_owned(),
            rule(kind, vec![uri("autodiscover"), uri("powershell")], Deny::Abort),
        ),
        (
            "CF.1, revision 1".to_owned(),
            rule(
                kind,
                vec![
                    test(Field::Method, &[], Operator::Equals("POST".into())),
                    test(Field::Path, &[], Operator::StartsWith("/setup/".into())),
                ],
                Deny::Status(403),
            ),
        ),
        (
            "X.1, revision 2".to_owned(),
            rule(kind, vec![test(Field::Query, &[], contains("\"'${x}%{y}`#;\\ \n"))], Deny::Abort),
        ),
    ];
    text(kind, &rules)
}

/// Everything that is written for `kind`, but for comments.
fn written(text: &RuleText) -> String {
    let all = match text {
        RuleText::Nginx { http, server, upstream } => format!("{http}{server}{upstream}"),
        RuleText::Apache { server } => server.clone(),
        RuleText::HaProxy { frontend } => frontend.join("\n"),
        RuleText::None => String::new(),
    };
    let code = all.lines().filter(|line| !line.trim_start().starts_with('#'));
    code.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_value_that_tries_to_leave_its_quotes_stays_in_them() {
    let nginx = written(&sample(WebKind::Nginx));
    assert!(nginx.contains(r"\x22\x27\x24\x7B[Xx]\x7D\x25"), "{nginx}");
    let patterns = nginx.lines().filter_map(|line| line.trim_start().strip_prefix("\"~"));
    for pattern in patterns.map(|line| line.split('"').next().unwrap()) {
        assert!(!pattern.contains(['\'', '$', '#', '%', ';', ' ', '/']), "{pattern}");
    }
    let apache = written(&sample(WebKind::Apache));
    for line in apache.lines().filter(|line| line.starts_with("<If ")) {
        assert_eq!(line.matches('"').count(), 2, "{line}");
        assert!(!line.contains(['$', '#', ';', '`']) && !line.contains("%{y}"), "{line}");
    }
    let haproxy = written(&sample(WebKind::HaProxy));
    for line in haproxy.lines() {
        assert_eq!(line.matches('\'').count() % 2, 0, "{line}");
        assert!(!line.contains(['"', '$', '#', '`', '%']), "{line}");
    }
}

#[test]
fn a_label_that_tries_to_leave_its_comment_stays_in_it() {
    let evil = "X\nreturn 200; # \r\n\u{2028}\\".to_owned();
    for kind in SERVERS {
        let when = test(Field::Uri, &[], Operator::Contains("x".into()));
        let rules = [(evil.clone(), rule(kind, vec![when], Deny::Abort))];
        assert!(!written(&text(kind, &rules)).contains("return 200"), "{kind}");
    }
}

#[test]
fn no_rules_are_no_text() {
    for kind in SERVERS {
        assert!(text(kind, &[]).is_empty());
        assert_eq!(sample(kind), sample(kind));
    }
}
