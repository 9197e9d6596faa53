//! What becomes of a rule of ours when somebody else comes by.

use super::documents::{SITE, next, response, w, word};
use super::server::{
    ECP, EVERYWHERE, HOST, IN_SITE, OWA, ROOT, Server, everything_passes, global, rules, server,
    web,
};
use super::story::Done::{Anew, Nothing};
use super::story::{Story, check, story};

const RULE: &str = "<rule name=\"Stopgap W.1\"";

/// A rule of ours stands on the server.
fn on(name: &str) -> Story {
    story(name, server(), &[w()]).applied()
}

/// The same beside a rule of the administrator's, in a `rules` section that he made.
fn beside_his(name: &str) -> Story {
    let his = super::server::abort_if("his", "{HTTP_USER_AGENT}", "badbot");
    story(name, server().location("Default Web Site", &rules(&his)), &[w()]).applied()
}

/// Somebody deletes our rule, with what stands in its lines.
fn deleted(story: Story) -> Story {
    let text = story.server.text(HOST);
    let at = text.find(RULE).expect("our rule is there");
    let end = at + text[at..].find("</rule>").expect("it ends") + "</rule>".len();
    story.wrote(HOST, &format!("{}{}", &text[..at], &text[end..]))
}

#[test]
fn an_edited_rule_is_made_anew() {
    check(vec![
        on("somebody disabled it")
            .edited(HOST, RULE, &format!("{RULE} enabled=\"false\""))
            .finds("W.1", "drifted", "rule-disabled", Anew)
            .at("W.1", IN_SITE)
            .then(HOST, "enabled=\"false\"", 0),
        on("somebody loosened its pattern")
            .edited(HOST, "pattern=\"jndi\"", "pattern=\"jndi!\"")
            .finds("W.1", "drifted", "rule-edited", Anew)
            .then(HOST, "jndi!", 0),
        on("somebody made it redirect")
            .edited(HOST, "type=\"AbortRequest\"", "type=\"Redirect\" url=\"/sorry\"")
            .finds("W.1", "drifted", "rule-edited", Anew)
            .then(HOST, "/sorry", 0),
        on("IIS Manager laid it out anew, which is no drift")
            .edited(HOST, RULE, "<rule\n    name=\"Stopgap W.1\"")
            .finds("W.1", "applied", "for-every-server", Nothing),
        deleted(on("somebody deleted it"))
            .finds("W.1", "drifted", "rule-gone", Anew)
            .then(HOST, RULE, 1),
        deleted(beside_his("somebody deleted it beside his own"))
            .finds("W.1", "drifted", "rule-gone", Anew)
            .then(HOST, "<rule name=\"his\"", 1)
            .then(HOST, RULE, 1),
        on("applicationHost.config came back from an old backup")
            .restored(server())
            .finds("W.1", "drifted", "rule-gone", Anew)
            .stands("W", &[])
            .then(HOST, RULE, 1),
        story("a global rule was disabled", server(), &[word("W", "", "jndi")])
            .applied()
            .edited(HOST, RULE, &format!("{RULE} enabled=\"false\""))
            .finds("W.1", "drifted", "rule-disabled", Anew)
            .at("W.1", EVERYWHERE),
        on("the last try to put it right failed")
            .edited(HOST, RULE, &format!("{RULE} enabled=\"false\""))
            .failed("W.1")
            .finds("W.1", "failed", "rule-disabled, last-try-failed", Anew),
    ]);
}

#[test]
fn where_drift_is_only_reported_nothing_is_done() {
    let loosened = |story: Story| story.edited(HOST, "pattern=\"jndi\"", "pattern=\"jndi!\"");
    check(vec![
        loosened(on("a loosened rule"))
            .drift_is_reported()
            .finds("W.1", "drifted", "rule-edited, reported-only", Nothing)
            .edits(&[]),
        loosened(on("a loosened rule that somebody reapplies"))
            .drift_is_reported()
            .reapply("W")
            .finds("W.1", "drifted", "rule-edited", Anew),
        loosened(on("a loosened rule while another one is reapplied"))
            .drift_is_reported()
            .reapply("X")
            .finds("W.1", "drifted", "rule-edited, reported-only", Nothing),
        deleted(on("a deleted rule"))
            .drift_is_reported()
            .finds("W.1", "drifted", "rule-gone, reported-only", Nothing)
            .stands("W", &[]),
        on("a clear in front of it")
            .wrote(ROOT, &web(&rules("<clear />")))
            .drift_is_reported()
            .finds("W.1", "drifted", "rule-dropped-by-clear, reported-only", Nothing),
        story("nothing is here yet, which is no drift", server(), &[w()])
            .drift_is_reported()
            .finds("W.1", "pending", "for-every-server", super::story::Done::PutIn),
        beside_his("a rule that ends the processing in front of it")
            .edited(HOST, "<rules>\n", &format!("<rules>\n{}\n", everything_passes("first")))
            .drift_is_reported()
            .finds("W.1", "drifted", "stands-without-effect(probe-not-blocked)", Nothing),
    ]);
}

#[test]
fn a_hidden_rule_is_put_where_it_holds() {
    let clear = || web(&rules("<clear />"));
    let first = || format!("<rules>\n{}\n", everything_passes("first"));
    check(vec![
        on("a clear came to the site's root")
            .wrote(ROOT, &clear())
            .finds("W.1", "drifted", "rule-dropped-by-clear", Anew)
            .then(ROOT, "Stopgap W.1", 1),
        on("a clear came to one application")
            .wrote(ECP, &clear())
            .finds("W.1", "drifted", "rule-dropped-by-clear", Anew)
            .then(ECP, "Stopgap W.1 /ecp", 1)
            .then(HOST, "Stopgap W.1", 1),
        on("one application removes it by its name, and no place helps")
            .wrote(ECP, &web(&rules("<remove name=\"Stopgap W.1\" />")))
            .finds("W.1", "partial", "in-place, scope-not-reached, for-every-server", Nothing)
            .whole("W", "partial", "in-part, of-actions"),
        beside_his("a rule that ends the processing was moved in front of ours")
            .edited(HOST, "<rules>\n", &first())
            .finds("W.1", "drifted", "stands-without-effect(probe-not-blocked)", Anew)
            .then(HOST, RULE, 1),
        on("a global rule ends the processing before any rule of ours")
            .but(|it| {
                it.server = it.server.clone().everywhere(&global(&everything_passes("first")))
            })
            .finds(
                "W.1",
                "drifted",
                "stands-without-effect(probe-not-blocked), would-not-work(probe-not-blocked)",
                Nothing,
            ),
        on("the module was taken out of the site")
            .but(|it| {
                let off = "<modules><remove name=\"RewriteModule\" /></modules>";
                let open = "<location path=\"Default Web Site\">\n        <system.webServer>\n";
                let text = it.server.text(HOST);
                assert!(text.contains("<location path=\"Default Web Site\">"), "{text}");
                it.server = match text.contains(open) {
                    true => it.server.clone().edit(HOST, open, &format!("{open}{off}\n")),
                    false => it.server.clone().location("Default Web Site", off),
                };
            })
            .finds("W.1", "drifted", "module-off", Nothing),
        on("one application does not run the module any more")
            .but(|it| {
                let off = "<modules><remove name=\"RewriteModule\" /></modules>";
                it.server = it.server.clone().location("Default Web Site/owa", off);
            })
            .finds("W.1", "partial", "in-place, scope-not-reached, for-every-server", Nothing),
    ]);
}

#[test]
fn the_file_that_carried_a_rule_was_replaced() {
    let cleared = || server().file(ECP, &web(&rules("<clear />")));
    let plain = web("<httpRedirect enabled=\"false\" />");
    let on = |name: &str, server: Server| story(name, server, &[w()]).applied();
    check(vec![
        on("an update replaced the web.config, which clears no more", cleared())
            .wrote(ECP, &plain)
            .finds("W.1", "drifted", "rule-gone", Anew)
            .then(ECP, "Stopgap", 0)
            .then(HOST, RULE, 1),
        on("an update replaced the web.config, which clears as before", cleared())
            .wrote(ECP, &web(&format!("<!-- CU13 -->{}", rules("<clear />"))))
            .finds("W.1", "drifted", "rule-gone", Anew)
            .then(ECP, "Stopgap W.1 /ecp", 1),
        on("the web.config is gone, and our second rule with it", cleared())
            .but(|it| {
                it.server = it.server.clone().with(ECP, stopgap_iis::config::Read::Absent);
            })
            .finds("W.1", "drifted", "rule-gone-with-file", Anew),
    ]);
}

#[test]
fn what_stands_beside_a_rule_drifts_with_it() {
    let response = || story("", server(), &[response("R", SITE)]).applied();
    let named = |name: &str| {
        let mut story = response();
        name.clone_into(&mut story.name);
        story
    };
    check(vec![
        named("somebody edited the precondition")
            .edited(HOST, "pattern=\"^text/html", "pattern=\"^text/plain")
            .finds("R.1", "drifted", "rule-edited", Anew)
            .then(HOST, "text/plain", 0),
        named("somebody edited the outbound rule's value")
            .edited(HOST, "value=\"DENY\"", "value=\"SAMEORIGIN\"")
            .finds("R.1", "drifted", "rule-edited", Anew)
            .then(HOST, "SAMEORIGIN", 0),
        named("another application's settings are of no concern")
            .wrote(OWA, &web("<httpRedirect enabled=\"true\" destination=\"/\" />"))
            .finds("R.1", "applied", "for-every-server", Nothing),
    ]);
}

#[test]
fn what_an_earlier_revision_installed_is_not_judged_by_the_probes_of_a_later_one() {
    let later = |name: &str| {
        let ldap = next(&word("W", SITE, "ldap"));
        story(name, server(), &[w()]).applied().catalog(&[ldap])
    };
    check(vec![
        later("the source of the later revision is in trouble").held().finds(
            "W.1",
            "applied",
            "another-revision, frozen",
            Nothing,
        ),
        later("the mitigation is blocked").blocked("W").finds(
            "W.1",
            "applied",
            "another-revision, blocked",
            Nothing,
        ),
        later("all is switched off").switched_off().finds(
            "W.1",
            "applied",
            "another-revision, switched-off",
            Nothing,
        ),
        later("another one is asked for").only("X").finds(
            "W.1",
            "applied",
            "another-revision",
            Nothing,
        ),
    ]);
}
