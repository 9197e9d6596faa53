//! What has our name and is in no record: the state folder was lost, or somebody copied a rule.

use super::documents::{
    IN_OWA, SITE, document, header, next_word, pools, response, until_fixed, w, word,
};
use super::server::{ECP, FIXED, HOST, IN_SITE, OWA, abort, rules, server, web};
use super::story::Done::{Anew, Nothing, PutIn, Recorded, Removal};
use super::story::{Story, check, story};

/// A mitigation was put in, and the records of that were lost.
fn lost(name: &str, document: String) -> Story {
    story(name, server(), &[document]).applied().lost()
}

#[test]
fn what_stands_to_the_letter_is_known_by_its_text() {
    let why = "for-every-server, known-by-text";
    check(vec![
        lost("a rule of a site", w())
            .finds("W.1", "applied", why, Recorded)
            .at("W.1", IN_SITE)
            .stands("W", &["Stopgap W.1"])
            .edits(&[]),
        lost("a global rule", word("W", "", "jndi")).finds("W.1", "applied", why, Recorded),
        lost("an outbound rule with its precondition", response("R", SITE))
            .finds("R.1", "applied", why, Recorded)
            .stands("R", &["Stopgap R.1", "Stopgap R.1 precondition"]),
        lost("a header's rule with its variable", header("H", SITE))
            .finds("H.1", "applied", why, Recorded),
        lost("a rule behind a clear in its web.config", word("W", IN_OWA, "jndi"))
            .finds("W.1", "applied", why, Recorded),
        lost("known, and blocked: no record is written", w()).blocked("W").finds(
            "W.1",
            "applied",
            "installed-and-blocked, known-by-text",
            Nothing,
        ),
        lost("known, and switched off: no record is written", w()).switched_off().finds(
            "W.1",
            "applied",
            "installed-and-switched-off, known-by-text",
            Nothing,
        ),
        lost("known, while another one is asked for", w())
            .only("X")
            .finds("W.1", "applied", why, Nothing),
        lost("known, and recorded from then on", w()).applied().finds(
            "W.1",
            "applied",
            "for-every-server",
            Nothing,
        ),
        lost("known, recorded, and then outdated", w()).applied().catalog(&[next_word()]).finds(
            "W.1",
            "applied",
            "another-revision",
            Anew,
        ),
        lost("known, and removed", w())
            .take_back("W")
            .finds("W.1", "applied", "to-be-withdrawn(removed), known-by-text", Removal)
            .then(HOST, "Stopgap", 0),
        lost("known, and the update came", until_fixed(&w()))
            .build(FIXED)
            .finds("W.1", "applied", "to-be-withdrawn(has-fix), known-by-text", Removal)
            .then(HOST, "Stopgap", 0),
    ]);
}

#[test]
fn what_is_not_to_the_letter_is_left_to_a_person() {
    let copied = web(&rules(&format!("<clear />\n{}", abort("Stopgap W.1", "jndi"))));
    check(vec![
        lost("somebody loosened it since", w())
            .edited(HOST, "pattern=\"jndi\"", "pattern=\"jndi!\"")
            .finds("W.1", "conflict", "name-taken", Nothing)
            .left("W", "stray-rule")
            .edits(&[]),
        lost("it is of an older revision", w())
            .catalog(&[next_word()])
            .finds("W.1", "conflict", "name-taken", Nothing)
            .left("W", "stray-rule"),
        lost("the catalog has it no more", w())
            .catalog(&[])
            .whole("W.1", "unknown", "unknown-name")
            .left("W.1", "stray-rule")
            .edits(&[]),
        lost("loosened, and the update came", until_fixed(&w()))
            .edited(HOST, "pattern=\"jndi\"", "pattern=\"jndi!\"")
            .build(FIXED)
            .finds("W.1", "not-affected", "has-fix, no-longer-needed(stray-rule)", Nothing)
            .left("W", "stray-rule"),
        story(
            "IIS Manager copied our rule behind a clear: ours holds, and the copy is told",
            server(),
            &[w()],
        )
        .applied()
        .wrote(ECP, &copied)
        .finds("W.1", "applied", "for-every-server", Nothing)
        .left("W", "stray-rule"),
        story("the copy is told when ours goes", server(), &[until_fixed(&w())])
            .applied()
            .wrote(OWA, &copied)
            .build(FIXED)
            .finds("W.1", "applied", "to-be-withdrawn(has-fix)", Removal)
            .left("W", "stray-rule")
            .then(HOST, "Stopgap", 0)
            .then(OWA, "Stopgap W.1", 1),
        story(
            "a rule with our name that nobody knows",
            server().location("Exchange Back End", &rules(&abort("Stopgap X9.1", "x"))),
            &[w()],
        )
        .finds("W.1", "pending", "for-every-server", PutIn)
        .whole("X9.1", "unknown", "unknown-name")
        .left("X9.1", "stray-rule")
        .left("W", ""),
    ]);
}

#[test]
fn pools_that_stay_off_are_told_when_the_threat_is_over() {
    let off = "autoStart=\"false\" startMode=\"OnDemand\"";
    let lost = |name: &str| lost(name, until_fixed(&pools("P")));
    check(vec![
        lost("the update came")
            .build(FIXED)
            .finds("P.1", "not-affected", "has-fix", Nothing)
            .left("P", "idle-pools")
            .then(HOST, off, 2),
        lost("while the threat is there they do what is wanted, whoever set them")
            .finds("P.1", "covered", "pools-set-already", Nothing)
            .left("P", ""),
        lost("who blocks it wants them off").build(FIXED).blocked("P").left("P", ""),
        lost("another mitigation wants them off")
            .catalog(&[until_fixed(&pools("P")), pools("Q")])
            .build(FIXED)
            .left("P", "")
            .finds("Q.1", "covered", "pools-set-already", Nothing),
        story(
            "a heartbeat has nothing that could be left over",
            server(),
            &[{ document("B", "[[action]]\nid = \"B.1\"\nkind = \"do-nothing\"\n") }],
        )
        .finds("B.1", "applied", "heartbeat", Nothing)
        .left("B", ""),
    ]);
}
