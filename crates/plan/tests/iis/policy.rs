//! Blocked, switched off, frozen, denied: what keeps hands off, and what it does not hide.

use super::documents::{next_word, until_fixed, w, withdrawn};
use super::server::{FIXED, HOST, server};
use super::story::Done::{Anew, Nothing, PutIn, Removal};
use super::story::{Story, check, story};

fn on(name: &str) -> Story {
    story(name, server(), &[until_fixed(&w())])
}

/// Somebody disabled our rule.
fn disabled(story: Story) -> Story {
    let rule = "<rule name=\"Stopgap W.1\"";
    story.edited(HOST, rule, &format!("{rule} enabled=\"false\""))
}

fn next() -> [String; 1] {
    [until_fixed(&next_word())]
}

#[test]
fn a_blocked_mitigation_is_left_alone() {
    check(vec![
        on("blocked and never here")
            .blocked("W")
            .finds("W.1", "blocked", "blocked", Nothing)
            .whole("W", "blocked", "blocked")
            .edits(&[]),
        on("blocked and in place, it stays")
            .applied()
            .blocked("W")
            .finds("W.1", "applied", "installed-and-blocked", Nothing)
            .stands("W", &["Stopgap W.1"]),
        disabled(on("blocked and drifted, it is told").applied()).blocked("W").finds(
            "W.1",
            "drifted",
            "rule-disabled, blocked",
            Nothing,
        ),
        on("blocked and outdated, the older revision stays")
            .applied()
            .catalog(&next())
            .blocked("W")
            .finds("W.1", "applied", "another-revision, blocked", Nothing),
        on("blocked and no longer needed, it goes").applied().blocked("W").build(FIXED).finds(
            "W.1",
            "applied",
            "to-be-withdrawn(has-fix)",
            Removal,
        ),
        on("blocked and the publisher withdraws it: it stays")
            .applied()
            .catalog(&[withdrawn(&w())])
            .blocked("W")
            .finds("W.1", "applied", "in-place, withdrawn", Nothing),
        on("another one is blocked").blocked("X").finds("W.1", "pending", "affected", PutIn),
        on("blocked and failed, that somebody blocked it is what is told")
            .failed("W.1")
            .blocked("W")
            .finds("W.1", "blocked", "blocked", Nothing),
    ]);
}

#[test]
fn switched_off_nothing_is_changed_by_itself() {
    check(vec![
        on("switched off and never here")
            .switched_off()
            .finds("W.1", "pending", "switched-off, affected", Nothing)
            .edits(&[]),
        on("switched off and in place").applied().switched_off().finds(
            "W.1",
            "applied",
            "installed-and-switched-off",
            Nothing,
        ),
        disabled(on("switched off and drifted").applied()).switched_off().finds(
            "W.1",
            "drifted",
            "rule-disabled, switched-off",
            Nothing,
        ),
        on("switched off and outdated").applied().catalog(&next()).switched_off().finds(
            "W.1",
            "applied",
            "another-revision, switched-off",
            Nothing,
        ),
        on("switched off and no longer needed: it stays")
            .applied()
            .build(FIXED)
            .switched_off()
            .finds("W.1", "applied", "not-needed-and-switched-off(has-fix)", Nothing),
        on("switched off and removed by hand: it goes")
            .applied()
            .switched_off()
            .take_back("W")
            .finds("W.1", "applied", "to-be-withdrawn(removed)", Removal),
        on("switched off and blocked: the block is what is told")
            .switched_off()
            .blocked("W")
            .finds("W.1", "blocked", "blocked", Nothing),
        on("on this server alone it is off as well")
            .but(|it| it.policy.server = stopgap_model::policy::Switch::Off("anna".into()))
            .finds("W.1", "pending", "switched-off, affected", Nothing),
        on("switched off and the publisher withdraws it")
            .applied()
            .catalog(&[withdrawn(&w())])
            .switched_off()
            .finds("W.1", "applied", "in-place, withdrawn", Nothing),
    ]);
}

#[test]
fn a_source_in_trouble_brings_nothing_new() {
    check(vec![
        on("frozen and never here")
            .held()
            .finds("W.1", "pending", "frozen, affected", Nothing)
            .edits(&[]),
        on("frozen and in place").applied().held().finds("W.1", "applied", "affected", Nothing),
        disabled(on("frozen and drifted: to repair this very revision is nothing new").applied())
            .held()
            .finds("W.1", "drifted", "rule-disabled", Anew),
        on("frozen with another revision than the one in place")
            .applied()
            .catalog(&next())
            .held()
            .finds("W.1", "applied", "another-revision, frozen", Nothing),
        disabled(on("frozen with another revision, and drifted").applied())
            .catalog(&next())
            .held()
            .finds("W.1", "drifted", "rule-disabled, frozen", Nothing),
        on("frozen with this revision, which the update is the fix of")
            .applied()
            .held()
            .build(FIXED)
            .finds("W.1", "applied", "to-be-withdrawn(has-fix)", Removal),
        on("frozen with another revision, which says that it is not needed")
            .applied()
            .catalog(&next())
            .held()
            .build(FIXED)
            .finds("W.1", "applied", "kept-while-frozen(has-fix)", Nothing),
        on("frozen and withdrawn by the publisher: it stays")
            .applied()
            .catalog(&[withdrawn(&w())])
            .held()
            .finds("W.1", "applied", "in-place, withdrawn", Nothing),
        on("frozen and removed by hand: it goes").applied().held().take_back("W").finds(
            "W.1",
            "applied",
            "to-be-withdrawn(removed)",
            Removal,
        ),
    ]);
}

#[test]
fn a_denied_action_is_not_carried_out() {
    check(vec![
        on("denied and never here")
            .denied("W.1")
            .finds("W.1", "unsupported", "not-permitted", Nothing)
            .whole("W", "unsupported", "not-permitted")
            .edits(&[]),
        on("denied since it is in place: it stays")
            .applied()
            .denied("W.1")
            .finds("W.1", "unsupported", "not-permitted, stays", Nothing)
            .stands("W", &["Stopgap W.1"]),
        on("denied and no longer needed: it goes").applied().denied("W.1").build(FIXED).finds(
            "W.1",
            "applied",
            "to-be-withdrawn(has-fix)",
            Removal,
        ),
        on("denied and removed by hand: it goes").applied().denied("W.1").take_back("W").finds(
            "W.1",
            "applied",
            "to-be-withdrawn(removed)",
            Removal,
        ),
        on("denied where it is not for this server").denied("W.1").build(FIXED).finds(
            "W.1",
            "not-affected",
            "has-fix",
            Nothing,
        ),
        story("of two actions one is denied", server(), &[super::documents::two_words()])
            .denied("W.2")
            .finds("W.1", "pending", "for-every-server", PutIn)
            .finds("W.2", "unsupported", "not-permitted", Nothing),
    ]);
}
