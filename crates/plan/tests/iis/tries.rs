//! What failed before, what is still to be put back, and what rests.

use stopgap_plan::{Rest, TargetId, tried_on_iis};

use super::documents::{SITE, until_fixed, w, word};
use super::server::{FIXED, HOST, server};
use super::story::Done::{Nothing, PutIn, Removal};
use super::story::{Story, check, story};

fn on(name: &str) -> Story {
    story(name, server(), &[until_fixed(&w())])
}

/// What is planned now was tried and failed, and rests.
fn resting(story: Story) -> Story {
    story.but(|it| {
        let plan = it.plan();
        let tried = tried_on_iis(&plan.edits);
        for action in plan.steps.iter().flat_map(stopgap_plan::Step::actions) {
            let since = "2026-11-30 20:00".to_owned();
            let rest = Rest { tried, tries: 3, since, again: None };
            it.failures.rests.insert((TargetId::Iis, action.clone()), rest);
            it.failures
                .tries
                .insert((TargetId::Iis, action.clone()), "the site answers 500".into());
        }
    })
}

#[test]
fn what_failed_is_tried_again_and_told() {
    check(vec![
        on("the first try failed")
            .failed("W.1")
            .finds("W.1", "failed", "last-try-failed", PutIn)
            .whole("W", "failed", "last-try-failed"),
        on("the try to take it out failed").applied().build(FIXED).failed("W.1").finds(
            "W.1",
            "failed",
            "not-withdrawn(other: has-fix)",
            Removal,
        ),
        on("the failure of what is in place and as it should be is of no concern")
            .applied()
            .failed("W.1")
            .finds("W.1", "applied", "affected", Nothing),
        on("the failure of what is not wanted here is of no concern")
            .build(FIXED)
            .failed("W.1")
            .finds("W.1", "not-affected", "has-fix", Nothing),
        on("the failure of another action is of no concern")
            .failed("X.1")
            .finds("W.1", "pending", "affected", PutIn),
    ]);
}

#[test]
fn what_is_still_to_be_put_back_keeps_hands_off() {
    check(vec![
        on("nothing is put in").stuck().finds("W.1", "failed", "not-restored", Nothing).edits(&[]),
        on("nothing is taken out")
            .applied()
            .stuck()
            .take_back("W")
            .finds("W.1", "failed", "not-restored", Nothing)
            .edits(&[]),
        on("what is in place is told as failed, as nobody knows it to be good")
            .applied()
            .stuck()
            .finds("W.1", "failed", "not-restored", Nothing),
        on("what is not for this server is of no concern").build(FIXED).stuck().finds(
            "W.1",
            "not-affected",
            "has-fix",
            Nothing,
        ),
        on("what is blocked and not here is of no concern")
            .blocked("W")
            .stuck()
            .finds("W.1", "blocked", "blocked", Nothing),
    ]);
}

#[test]
fn the_same_is_not_tried_twice_but_by_name() {
    let failed = "last-try-failed, resting";
    check(vec![
        resting(on("what failed rests")).finds("W.1", "failed", failed, Nothing).edits(&[]),
        resting(on("somebody reapplies it")).reapply("W").finds(
            "W.1",
            "failed",
            "last-try-failed",
            PutIn,
        ),
        resting(on("somebody asks for it alone")).only("W").finds(
            "W.1",
            "failed",
            "last-try-failed",
            PutIn,
        ),
        resting(on("somebody reapplies another one"))
            .reapply("X")
            .finds("W.1", "failed", failed, Nothing),
        resting(on("the files have changed since"))
            .edited(HOST, "<configSections>", "<!-- anna -->\n    <configSections>")
            .finds("W.1", "failed", "last-try-failed", PutIn),
        resting(on("another mitigation came, so it is another change"))
            .but(|it| {
                it.catalog = super::story::catalog(&[until_fixed(&w()), word("X", SITE, "ldap")]);
            })
            .finds("W.1", "failed", "last-try-failed", PutIn)
            .finds("X.1", "pending", "for-every-server", PutIn),
        resting(on("a removal rests as well").applied().build(FIXED))
            .finds("W.1", "failed", "not-withdrawn(other: has-fix), resting", Nothing)
            .then(HOST, "Stopgap W.1", 1),
        resting(on("a removal that rests is asked for").applied().build(FIXED))
            .take_back("W")
            .finds("W.1", "failed", "not-withdrawn(other: removed)", Removal),
        resting(on("a rule that is to be made anew rests").applied().edited(
            HOST,
            "pattern=\"jndi\"",
            "pattern=\"jndi!\"",
        ))
        .finds("W.1", "failed", "rule-edited, last-try-failed, resting", Nothing)
        .stands("W", &["Stopgap W.1"]),
        resting(on("it rests until a time that has come"))
            .but(|it| {
                for rest in it.failures.rests.values_mut() {
                    rest.again = Some((1_000, "soon".into()));
                }
                it.failures.wake(1_000);
            })
            .finds("W.1", "failed", "last-try-failed", PutIn),
        resting(on("it rests until a time that is still to come"))
            .but(|it| {
                for rest in it.failures.rests.values_mut() {
                    rest.again = Some((1_000, "soon".into()));
                }
                it.failures.wake(999);
            })
            .finds("W.1", "failed", failed, Nothing),
    ]);
}
