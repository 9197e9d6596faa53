//! What an administrator asks of one check: remove, reapply, only this one.

use super::documents::{SITE, next_word, two_words, until_fixed, w, word};
use super::server::{HOST, server};
use super::story::Done::{Anew, Nothing, PutIn, Removal};
use super::story::{Story, check, story};

fn on(name: &str) -> Story {
    story(name, server(), &[w(), word("X", SITE, "ldap")])
}

#[test]
fn removed_goes_and_stays_away() {
    let gone = "to-be-withdrawn(removed)";
    check(vec![
        on("removed in this check")
            .applied()
            .take_back("W")
            .finds("W.1", "applied", gone, Removal)
            .finds("X.1", "applied", "for-every-server", Nothing)
            .then(HOST, "Stopgap W.1", 0)
            .then(HOST, "Stopgap X.1", 1),
        on("removed for good, in a check that was cut short")
            .applied()
            .removed("W")
            .finds("W.1", "applied", gone, Removal),
        on("removed before, and not here").removed("W").finds("W.1", "blocked", "removed", Nothing),
        on("removed while the source is in trouble")
            .applied()
            .held()
            .removed("W")
            .finds("W.1", "applied", gone, Removal),
        on("removed though it is of another revision")
            .applied()
            .catalog(&[next_word()])
            .removed("W")
            .finds("W.1", "applied", gone, Removal),
        on("removed though the rule is gone")
            .applied()
            .restored(server())
            .removed("W")
            .finds("W.1", "applied", gone, Removal),
        story("both rules of it go", server(), &[two_words()])
            .applied()
            .take_back("W")
            .finds("W.1", "applied", gone, Removal)
            .finds("W.2", "applied", gone, Removal)
            .then(HOST, &server().text(HOST), 1),
        on("removed for good while another one is asked for: it waits")
            .applied()
            .removed("W")
            .only("X")
            .finds("W.1", "applied", gone, Nothing),
        on("removed in this check, whatever else is asked for")
            .applied()
            .take_back("W")
            .only("X")
            .finds("W.1", "applied", gone, Removal),
        story("removed though what Exchange it is is not known", server(), &[until_fixed(&w())])
            .applied()
            .but(|it| {
                it.facts.exchange =
                    stopgap_model::Fact::Unknown(stopgap_model::Reasons::text("access is denied"))
            })
            .take_back("W")
            .finds("W.1", "applied", gone, Removal),
    ]);
}

#[test]
fn only_what_is_asked_for_is_done() {
    let loosened = |story: Story| story.edited(HOST, "pattern=\"jndi\"", "pattern=\"jndi!\"");
    check(vec![
        on("one of two is asked for")
            .only("W")
            .finds("W.1", "pending", "for-every-server", PutIn)
            .finds("X.1", "pending", "for-every-server", Nothing)
            .then(HOST, "Stopgap W.1", 1)
            .then(HOST, "Stopgap X.1", 0),
        loosened(on("the other one has drifted").applied())
            .only("X")
            .finds("W.1", "drifted", "rule-edited", Nothing)
            .finds("X.1", "applied", "for-every-server", Nothing)
            .edits(&[]),
        loosened(on("the one that has drifted is asked for").applied())
            .only("W")
            .finds("W.1", "drifted", "rule-edited", Anew)
            .finds("X.1", "applied", "for-every-server", Nothing),
        on("what is asked for is not in the catalog")
            .only("Z")
            .finds("W.1", "pending", "for-every-server", Nothing)
            .finds("X.1", "pending", "for-every-server", Nothing)
            .edits(&[]),
        on("what is asked for is blocked")
            .only("W")
            .blocked("W")
            .finds("W.1", "blocked", "blocked", Nothing)
            .edits(&[]),
        on("reapplied though it is as it should be")
            .applied()
            .reapply("W")
            .finds("W.1", "applied", "for-every-server", Nothing)
            .edits(&[]),
        loosened(on("reapplied though it is blocked").applied()).reapply("W").blocked("W").finds(
            "W.1",
            "drifted",
            "rule-edited, blocked",
            Nothing,
        ),
    ]);
}
