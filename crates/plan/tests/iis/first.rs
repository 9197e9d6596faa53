//! A mitigation comes to a server for the first time, and to one that has it.

use super::documents::{IN_OWA, SITE, next, next_word, two_words, until_fixed, w, withdrawn, word};
use super::server::{ECP, EVERYWHERE, HOST, IN_SITE, OWA, rules, server, web};
use super::story::Done::{Anew, Nothing, PutIn, Removal};
use super::story::{Story, check, story};

fn on(name: &str, document: String) -> Story {
    story(name, server(), &[document])
}

#[test]
fn a_rule_is_put_in_where_its_scope_says() {
    check(vec![
        on("a rule for one site goes into its location", w())
            .finds("W.1", "pending", "for-every-server", PutIn)
            .at("W.1", IN_SITE)
            .note("W.1", "placed-there")
            .then(HOST, "<rule name=\"Stopgap W.1\"", 1)
            .edits(&[HOST])
            .stands("W", &[]),
        on("a rule for the whole server goes into the global rules", word("W", "", "jndi"))
            .finds("W.1", "pending", "for-every-server", PutIn)
            .at("W.1", EVERYWHERE)
            .then(HOST, "<globalRules>", 1),
        on("a rule for one application goes into its location", word("W", IN_OWA, "jndi"))
            .finds("W.1", "pending", "for-every-server", PutIn)
            .at("W.1", "applicationHost.config, location \"Default Web Site/owa\"")
            .then(HOST, "<location path=\"Default Web Site/owa\">", 1),
        on("two rules of one mitigation are put in together", two_words())
            .finds("W.1", "pending", "for-every-server", PutIn)
            .finds("W.2", "pending", "for-every-server", PutIn)
            .whole("W", "pending", "for-every-server")
            .then(HOST, "<location path=\"Default Web Site\">", 1)
            .edits(&[HOST]),
        story(
            "a clear in one application takes a second rule there",
            server().file(ECP, &web(&rules("<clear />"))),
            &[w()],
        )
        .finds("W.1", "pending", "for-every-server", PutIn)
        .then(HOST, "Stopgap W.1", 1)
        .then(ECP, "Stopgap W.1 /ecp", 1)
        .edits(&[HOST, ECP]),
    ]);
}

#[test]
fn what_is_in_place_is_left_as_it_is() {
    check(vec![
        on("the next check finds the rule as it was written", w())
            .applied()
            .finds("W.1", "applied", "for-every-server", Nothing)
            .whole("W", "applied", "for-every-server")
            .stands("W", &["Stopgap W.1"])
            .at("W.1", IN_SITE)
            .edits(&[]),
        on("an administrator writes a rule of his own beside ours", w())
            .applied()
            .edited(HOST, "<rule name=\"Stopgap W.1\"", {
                "<rule name=\"his\"><match url=\"^new$\" /><action type=\"None\" /></rule>\n\
                 <rule name=\"Stopgap W.1\""
            })
            .finds("W.1", "applied", "for-every-server", Nothing),
        on("somebody changes settings of an application that are no rules", w())
            .applied()
            .wrote(OWA, &web("<httpRedirect enabled=\"true\" destination=\"/\" />"))
            .finds("W.1", "applied", "for-every-server", Nothing),
    ]);
}

#[test]
fn a_revision_takes_the_place_of_the_one_before() {
    let dropped = next(&w());
    check(vec![
        on("the next revision blocks another word, too", w())
            .applied()
            .catalog(&[next_word()])
            .finds("W.1", "applied", "another-revision", Anew)
            .then(HOST, "pattern=\"jndi\"", 0)
            .then(HOST, "pattern=\"jndi|ldap\"", 1),
        on("the next revision asks for the same rule, and nothing is written", w())
            .applied()
            .catalog(&[next(&w())])
            .finds("W.1", "applied", "for-every-server", Nothing)
            .edits(&[]),
        on("the next revision asks for the same rule in a smaller part of the site", w())
            .applied()
            .catalog(&[next(&word("W", IN_OWA, "jndi"))])
            .finds("W.1", "applied", "another-revision", Anew)
            .then(HOST, "Stopgap W.1", 1)
            .then(HOST, "<location path=\"Default Web Site/owa\"", 1),
        on("the next revision asks for it on one site only", word("W", "", "jndi"))
            .applied()
            .catalog(&[next(&w())])
            .finds("W.1", "applied", "another-revision", Anew)
            .then(HOST, "Stopgap W.1", 1)
            .then(HOST, "<globalRules>", 0),
        on("the next revision asks for it on the whole server", w())
            .applied()
            .catalog(&[next(&word("W", "", "jndi"))])
            .finds("W.1", "applied", "another-revision", Anew)
            .then(HOST, "<globalRules>", 1),
        on("a smaller scope of a source in trouble", w())
            .applied()
            .catalog(&[next(&word("W", IN_OWA, "jndi"))])
            .held()
            .finds("W.1", "applied", "another-revision, frozen", Nothing)
            .edits(&[]),
        on("the next revision has one action more", w())
            .applied()
            .catalog(&[next(&two_words())])
            .finds("W.1", "applied", "for-every-server", Nothing)
            .finds("W.2", "pending", "for-every-server", PutIn)
            .whole("W", "partial", "in-part, of-actions"),
        on("the next revision has one action less", two_words())
            .applied()
            .catalog(&[dropped])
            .finds("W.1", "applied", "for-every-server", Nothing)
            .finds("W.2", "applied", "to-be-withdrawn(action-dropped)", Removal)
            .then(HOST, "Stopgap W.1", 1)
            .then(HOST, "Stopgap W.2", 0),
        on("one of two rules was deleted, and the other one stands", two_words())
            .applied()
            .but(|it| {
                let text = it.server.text(HOST);
                let at = text.find("<rule name=\"Stopgap W.2\"").expect("it is there");
                let end = at + text[at..].find("</rule>").expect("it ends") + "</rule>".len();
                let text = format!("{}{}", &text[..at], &text[end..]);
                it.server = it.server.clone().file(HOST, &text);
            })
            .finds("W.1", "applied", "for-every-server", Nothing)
            .finds("W.2", "drifted", "rule-gone", Anew)
            .then(HOST, "Stopgap W.2", 1),
        on("the last try of the next revision failed", w())
            .applied()
            .catalog(&[next_word()])
            .failed("W.1")
            .finds("W.1", "failed", "another-revision, last-try-failed", Anew),
    ]);
}

#[test]
fn what_is_no_longer_needed_goes_and_leaves_nothing() {
    let w = || until_fixed(&w());
    let untouched = |story: Story| {
        let (file, text) = (HOST, server().text(HOST));
        story.then(file, &text, 1)
    };
    check(vec![
        untouched(
            on("the update came", w())
                .applied()
                .build(super::server::FIXED)
                .finds("W.1", "applied", "to-be-withdrawn(has-fix)", Removal)
                .stands("W", &["Stopgap W.1"]),
        ),
        untouched(
            on("its publisher withdraws it", w())
                .applied()
                .catalog(&[withdrawn(&w())])
                .finds("W.1", "applied", "to-be-withdrawn(withdrawn)", Removal)
                .whole("W", "applied", "to-be-withdrawn(withdrawn)"),
        ),
        on("a withdrawn mitigation was never here", withdrawn(&w()))
            .whole("W", "not-affected", "withdrawn")
            .edits(&[]),
        on("of two mitigations one is no longer needed", w())
            .catalog(&[w(), word("X", SITE, "ldap")])
            .applied()
            .build(super::server::FIXED)
            .finds("W.1", "applied", "to-be-withdrawn(has-fix)", Removal)
            .finds("X.1", "applied", "for-every-server", Nothing)
            .then(HOST, "Stopgap X.1", 1)
            .then(HOST, "Stopgap W.1", 0),
        on("Exchange was taken from the server", w())
            .applied()
            .but(|it| it.facts.exchange = stopgap_model::Fact::Absent)
            .finds("W.1", "applied", "to-be-withdrawn(not-installed)", Removal),
    ]);
}
