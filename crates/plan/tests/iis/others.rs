//! Rules of others: those that do the same, those that fall short, and those that have our name.

use super::documents::{SITE, until_fixed, w, word};
use super::server::{
    ECP, FIXED, HOST, OWA, ROOT, Server, abort, abort_if, everything_passes, global, rules, server,
    web,
};
use super::story::Done::{Nothing, PutIn};
use super::story::{Story, check, story};

fn on(name: &str, server: Server) -> Story {
    story(name, server, &[until_fixed(&w())])
}

/// A server with rules in the web.config of the site's root.
fn at_root(inner: &str) -> Server {
    server().file(ROOT, &web(&rules(inner)))
}

#[test]
fn a_rule_of_others_that_does_the_same_covers() {
    let narrow = |name: &str| {
        let rule = rules(&abort(name, "jndi"));
        format!(
            "<configuration><location path=\".\" inheritInChildApplications=\"false\">\
             <system.webServer>{rule}</system.webServer></location></configuration>"
        )
    };
    let each = || server().file(ROOT, &narrow("r")).file(OWA, &narrow("o")).file(ECP, &narrow("e"));
    check(vec![
        on("in the web.config of the site's root", at_root(&abort("his", "jndi")))
            .finds("W.1", "covered", "other-rule-does-it", Nothing)
            .whole("W", "covered", "other-rule-does-it")
            .edits(&[]),
        on("in the global rules", server().everywhere(&global(&abort("his", "jndi")))).finds(
            "W.1",
            "covered",
            "other-rule-does-it",
            Nothing,
        ),
        on("in a location", server().location("Default Web Site", &rules(&abort("his", "jndi"))))
            .finds("W.1", "covered", "other-rule-does-it", Nothing),
        on("a rule that blocks more", at_root(&abort("his", "jn"))).finds(
            "W.1",
            "covered",
            "other-rule-does-it",
            Nothing,
        ),
        on("one rule for each application", each()).finds(
            "W.1",
            "covered",
            "other-rules-do-it",
            Nothing,
        ),
        on("one application without its own rule", each().file(ECP, &web(""))).finds(
            "W.1",
            "pending",
            "affected, other-rule-elsewhere, other-rule-elsewhere",
            PutIn,
        ),
        on("covered, and the update came", at_root(&abort("his", "jndi"))).build(FIXED).finds(
            "W.1",
            "not-affected",
            "has-fix, others-no-longer-needed",
            Nothing,
        ),
        on("covered, and blocked: nothing would be done anyway", at_root(&abort("his", "jndi")))
            .blocked("W")
            .finds("W.1", "covered", "other-rule-does-it", Nothing),
        on("covered, and switched off", at_root(&abort("his", "jndi"))).switched_off().finds(
            "W.1",
            "covered",
            "other-rule-does-it",
            Nothing,
        ),
    ]);
}

#[test]
fn a_rule_of_others_that_falls_short_is_named() {
    let disabled = abort("his", "jndi").replace("<rule ", "<rule enabled=\"false\" ");
    let behind = format!("{}\n{}", everything_passes("first"), abort("his", "jndi"));
    check(vec![
        on("it is disabled", at_root(&disabled)).finds(
            "W.1",
            "pending",
            "affected, other-rule-disabled",
            PutIn,
        ),
        on("it stands behind one that ends the processing", at_root(&behind)).finds(
            "W.1",
            "pending",
            "affected, other-rule-behind",
            PutIn,
        ),
        on("it does not decode", at_root(&abort_if("his", "{REQUEST_URI}", "jndi"))).finds(
            "W.1",
            "pending",
            "affected, other-rule-falls-short",
            PutIn,
        ),
        on("one application clears it", {
            at_root(&abort("his", "jndi")).file(ECP, &web(&rules("<clear />")))
        })
        .finds("W.1", "pending", "affected, other-rule-elsewhere", PutIn),
        on("it is for another site", {
            server().location("Exchange Back End", &rules(&abort("his", "jndi")))
        })
        .finds("W.1", "pending", "affected", PutIn),
        on("it blocks another word", at_root(&abort("his", "ldap")))
            .finds("W.1", "pending", "affected", PutIn),
        on("it falls short, and the last try of ours failed", at_root(&disabled))
            .failed("W.1")
            .finds("W.1", "failed", "last-try-failed", PutIn),
    ]);
}

#[test]
fn a_name_that_is_taken_is_a_conflict() {
    let taken = abort_if("Stopgap W.1", "{HTTP_USER_AGENT}", "badbot");
    let whole = |name: &str, server: Server| story(name, server, &[word("W", "", "jndi")]);
    check(vec![
        on("by a rule at the site's root", at_root(&taken))
            .finds("W.1", "conflict", "name-taken", Nothing)
            .whole("W", "conflict", "name-taken")
            .left("W", "stray-rule")
            .edits(&[]),
        on("by a rule of another site, where it is in nobody's way", {
            server().location("Exchange Back End", &rules(&taken))
        })
        .finds("W.1", "pending", "affected", PutIn)
        .left("W", "stray-rule"),
        on("by a global rule", server().everywhere(&global(&taken))).finds(
            "W.1",
            "conflict",
            "name-taken",
            Nothing,
        ),
        whole("by a rule of one site, for a rule of all", at_root(&taken)).finds(
            "W.1",
            "conflict",
            "name-taken",
            Nothing,
        ),
        on("by another spelling of our name", at_root(&taken.replace("Stopgap", "STOPGAP"))).finds(
            "W.1",
            "conflict",
            "name-taken",
            Nothing,
        ),
        on("taken, and blocked: the name is what is told", at_root(&taken)).blocked("W").finds(
            "W.1",
            "conflict",
            "name-taken",
            Nothing,
        ),
        on("taken, and removed", at_root(&taken)).removed("W").finds(
            "W.1",
            "covered",
            "removed, removed-but-stray",
            Nothing,
        ),
        on("taken, and the update came", at_root(&taken)).build(FIXED).finds(
            "W.1",
            "not-affected",
            "has-fix, no-longer-needed(stray-rule)",
            Nothing,
        ),
        on("our own rule to the letter at another place, by no record", {
            let ours = abort("Stopgap W.1", "jndi");
            at_root(&ours)
        })
        .finds("W.1", "covered", "same-rule-without-record", Nothing),
    ]);
}

#[test]
fn a_mitigation_that_would_not_work_is_not_put_in() {
    check(vec![
        on("a global rule lets everything pass before ours", {
            server().everywhere(&global(&everything_passes("first")))
        })
        .finds("W.1", "conflict", "would-not-work(probe-not-blocked)", Nothing)
        .edits(&[]),
        on("two rules of one name at the root are an error of IIS before us", {
            at_root(&format!("{}\n{}", abort("twice", "a"), abort("twice", "b")))
        })
        .finds("W.1", "conflict", "no-place-for-rule", Nothing),
        story(
            "of two mitigations one would not work, and the other is put in",
            {
                let first = abort_if("pass", "{UrlDecode:{REQUEST_URI}}", "jndi")
                    .replace("type=\"AbortRequest\"", "type=\"None\"");
                server().everywhere(&global(&first))
            },
            &[w(), word("X", SITE, "ldap")],
        )
        .finds("W.1", "conflict", "would-not-work(probe-not-blocked)", Nothing)
        .finds("X.1", "pending", "for-every-server", PutIn)
        .then(HOST, "Stopgap W.1", 0)
        .then(HOST, "Stopgap X.1", 1),
    ]);
}
