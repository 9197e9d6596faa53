//! Whole reports, as a person reads them.

use super::documents::{SITE, header, next_word, pools, response, until_fixed, w, word};
use super::server::{ECP, FIXED, HOST, ROOT, abort, rules, server, web};
use super::story::{Story, story};

const FIRST: &str = r#"W pending: Exchange 15.2.1118.7 with the role mailbox is affected
  W.1 block-request pending (applicationHost.config, location "Default Web Site"): Exchange 15.2.1118.7 with the role mailbox is affected
H pending: it is for every server
  H.1 request-header pending (applicationHost.config, location "Default Web Site"; applicationHost.config, at its root): it is for every server
R pending: it is for every server
  R.1 response-header pending (applicationHost.config, location "Default Web Site"): it is for every server
P pending: it is for every server
  P.1 disable-app-pool pending (applicationHost.config, for the whole server): it is for every server
X pending: it is for every server
  X.1 block-request pending (applicationHost.config, location "Default Web Site"): it is for every server
"#;

const DAY: &str = r#"W applied: to be withdrawn: Exchange 15.2.1118.20 has the fix, which came with 15.2.1118.20
  W.1 block-request applied (applicationHost.config, location "Default Web Site"): to be withdrawn: Exchange 15.2.1118.20 has the fix, which came with 15.2.1118.20
R drifted: the rule was edited, namely its action
  R.1 response-header drifted (applicationHost.config, location "Default Web Site"): the rule was edited, namely its action
P applied: installed; blocked by anna: breaks the print server, so it would not be applied again; set not to start: MSExchangeECPAppPool, MSExchangeOABAppPool
  P.1 disable-app-pool applied (applicationHost.config, for the whole server): installed; blocked by anna: breaks the print server, so it would not be applied again; set not to start: MSExchangeECPAppPool, MSExchangeOABAppPool
X pending: it is for every server; the rule `his` does it, but not for Default Web Site/ecp
  X.1 block-request pending (applicationHost.config, location "Default Web Site"): it is for every server; the rule `his` does it, but not for Default Web Site/ecp
H applied: installed, but not in this catalog; it stays until you remove it: stopgap remove H
  H.1 request-header applied (applicationHost.config, location "Default Web Site"; applicationHost.config, at its root): installed, but not in this catalog; it stays until you remove it: stopgap remove H
"#;

fn documents() -> Vec<String> {
    vec![
        until_fixed(&w()),
        header("H", SITE),
        response("R", SITE),
        pools("P"),
        word("X", SITE, "ldap"),
    ]
}

/// A report as text: a line for each mitigation, and lines for its actions.
fn shown(story: &Story) -> String {
    let mut text = String::new();
    for report in story.plan().report {
        text += &format!("{} {}: {}\n", report.id, report.state.as_str(), report.told());
        for action in report.actions {
            text += &format!("  {} {} {}", action.id, action.kind, action.state.as_str());
            if !action.place.is_empty() {
                text += &format!(" ({})", action.place);
            }
            text += &format!(": {}\n", action.reason);
        }
    }
    text
}

fn is_told(story: &Story, expected: &str) {
    let found = shown(story);
    assert_eq!(found, expected, "{found}");
}

#[test]
fn a_first_check() {
    let story = story("a first check", server(), &documents());
    is_told(&story, FIRST);
}

#[test]
fn a_day_with_something_of_everything() {
    let his = server().file(ROOT, &web(&rules(&abort("his", "ldap"))));
    let story = story("a bad day", his, &documents())
        .applied()
        .catalog(&[
            until_fixed(&next_word()),
            response("R", SITE),
            pools("P"),
            word("X", SITE, "ldap"),
        ])
        .edited(HOST, "value=\"DENY\"", "value=\"SAMEORIGIN\"")
        .wrote(ECP, "<configuration>")
        .blocked("P")
        .build(FIXED);
    is_told(&story, DAY);
}
