//! Which sites of a web server are asked.

use std::collections::BTreeSet;

use stopgap_model::Request;
use stopgap_model::rule::{BlockRule, Condition, DEFAULT_BODY_LIMIT, Deny, Field};
use stopgap_model::web::{Listen, WebSite};
use stopgap_model::{Action, ActionKind};
use stopgap_rules::CompiledRule;

/// The most sites that are asked for no other reason than that a rule names them.
const MAX_NAMED: usize = 100;

/// Of each block of the configuration one name at each address, as all its names have the same
/// settings; and the names that the rules of `actions` tell apart from others.
pub(super) fn sites_to_ask<'a>(
    sites: &'a [WebSite],
    actions: impl IntoIterator<Item = &'a Action>,
) -> Vec<&'a WebSite> {
    let named = Named::of(actions);
    let (mut met, mut more) = (BTreeSet::new(), 0);
    let is_asked = |site: &&'a WebSite| {
        if matches!(site.listen, Listen::Unasked(_)) {
            return false;
        }
        if met.insert((site.block, &site.listen, site.tls)) {
            return true;
        }
        let is_named = more < MAX_NAMED && named.names(&site.name);
        more += usize::from(is_named);
        is_named
    };
    sites.iter().filter(is_asked).collect()
}

/// The names of hosts that rules tell apart from others.
struct Named(Vec<CompiledRule>);

impl Named {
    fn of<'a>(actions: impl IntoIterator<Item = &'a Action>) -> Self {
        let mut tests = Vec::new();
        for action in actions {
            if let ActionKind::BlockRequest { rule, .. } = &action.kind {
                host_tests(&rule.when, &mut tests);
            }
        }
        // A pattern that cannot be used was refused when the rule was translated.
        Self(tests.iter().filter_map(|test| CompiledRule::new(test).ok()).collect())
    }

    fn names(&self, name: &str) -> bool {
        let headers = vec![("Host".to_owned(), name.as_bytes().to_vec())];
        let request =
            Request { method: "GET".into(), target: b"/".to_vec(), headers, body: Vec::new() };
        self.0.iter().any(|test| test.blocks(&request))
    }
}

/// The tests of a request's host in a condition, each as a rule of its own.
fn host_tests(when: &Condition, tests: &mut Vec<BlockRule>) {
    match when {
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().for_each(|part| host_tests(part, tests));
        }
        Condition::Not(part) => host_tests(part, tests),
        Condition::Test(test) if test.field == Field::Host => {
            let when = Condition::Test(test.clone());
            tests.push(BlockRule { when, deny: Deny::Abort, body_limit: DEFAULT_BODY_LIMIT });
        }
        Condition::Test(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stopgap_model::document;

    fn site(name: &str, block: usize, port: u16) -> WebSite {
        WebSite { name: name.into(), listen: Listen::Port(None, port), tls: false, block }
    }

    fn names<'a>(asked: &[&'a WebSite]) -> Vec<&'a str> {
        asked.iter().map(|site| site.name.as_str()).collect()
    }

    #[test]
    fn of_two_thousand_names_of_one_block_one_is_asked_at_each_port() {
        let names = (0..2_000).flat_map(|n| [80, 443].map(|port| site(&format!("n{n}"), 0, port)));
        let mut sites: Vec<WebSite> = names.collect();
        sites.push(site("other", 1, 80));
        let asked = sites_to_ask(&sites, []);
        let told: Vec<String> = asked.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["n0:80", "n0:443", "other:80"]);
    }

    #[test]
    fn a_name_that_a_rule_tells_apart_is_asked_too() {
        let text = "schema = 1\nid = \"A\"\nrevision = 1\ntitle = \"A test\"\nseverity = \"high\"\n\
                    impact = \"None.\"\nno_live_probe = \"a test\"\n[[action]]\nid = \"A.1\"\n\
                    kind = \"block-request\"\ndeny = \"abort\"\nwhen = [\n\
                    { field = \"host\", ends-with = \".shop\" },\n\
                    { field = \"uri\", contains = \"x\" } ]\n";
        let mitigation = document::parse(text.as_bytes(), &document::any_pattern).unwrap();
        let sites: Vec<WebSite> =
            ["a.test", "b.test", "b.shop", "c.shop"].map(|name| site(name, 0, 80)).into();
        let asked = sites_to_ask(&sites, &mitigation.actions);
        assert_eq!(names(&asked), ["a.test", "b.shop", "c.shop"]);
    }

    #[test]
    fn a_site_that_cannot_be_asked_stands_for_no_other() {
        let unasked = WebSite { listen: Listen::Unasked("QUIC".into()), ..site("a.test", 0, 80) };
        let sites = [unasked, site("b.test", 0, 80)];
        assert_eq!(names(&sites_to_ask(&sites, [])), ["b.test"]);
    }
}
