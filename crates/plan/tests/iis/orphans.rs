//! What is installed and no action of the catalog stands for: nothing is withdrawn for that alone.

use super::documents::{SITE, document, next, pools, two_words, w, withdrawn, word};
use super::server::{HOST, IN_SITE, server};
use super::story::Done::{Anew, Nothing, Removal};
use super::story::{Story, check, story};

/// A mitigation was put in, and the catalog has it no more.
fn gone(name: &str) -> Story {
    story(name, server(), &[w()]).applied().catalog(&[])
}

/// Of a mitigation with two actions the next revision has one.
fn dropped(name: &str) -> Story {
    story(name, server(), &[two_words()]).applied().catalog(&[next(&w())])
}

#[test]
fn what_the_catalog_has_no_more_stays() {
    let rule = "<rule name=\"Stopgap W.1\"";
    check(vec![
        gone("the catalog is empty")
            .finds("W.1", "applied", "not-in-catalog", Nothing)
            .whole("W", "applied", "not-in-catalog")
            .at("W.1", IN_SITE)
            .stands("W", &["Stopgap W.1"])
            .edits(&[]),
        gone("the catalog has another mitigation")
            .catalog(&[word("X", SITE, "ldap")])
            .finds("W.1", "applied", "not-in-catalog", Nothing)
            .finds("X.1", "pending", "for-every-server", super::story::Done::PutIn)
            .then(HOST, "Stopgap W.1", 1),
        gone("and it is blocked").blocked("W").finds("W.1", "applied", "not-in-catalog", Nothing),
        gone("and everything is switched off").switched_off().finds(
            "W.1",
            "applied",
            "not-in-catalog",
            Nothing,
        ),
        gone("and somebody deleted the rule")
            .restored(server())
            .finds("W.1", "drifted", "lost-and-not-in-catalog, part-gone", Nothing)
            .stands("W", &[])
            .edits(&[]),
        gone("and somebody disabled the rule: it is there, and nobody knows what it should say")
            .edited(HOST, rule, &format!("{rule} enabled=\"false\""))
            .finds("W.1", "applied", "not-in-catalog", Nothing),
        gone("and an administrator removes it")
            .take_back("W")
            .finds("W.1", "applied", "to-be-withdrawn(removed)", Removal)
            .then(HOST, &server().text(HOST), 1),
        gone("and an administrator removed it in a cycle that was cut short")
            .removed("W")
            .finds("W.1", "applied", "to-be-withdrawn(removed)", Removal)
            .then(HOST, "Stopgap", 0),
        gone("and the last try to remove it failed").take_back("W").failed("W.1").finds(
            "W.1",
            "failed",
            "not-withdrawn(other: removed)",
            Removal,
        ),
        gone("and its rule is gone, and an administrator removes it")
            .restored(server())
            .take_back("W")
            .finds("W.1", "applied", "to-be-withdrawn(removed)", Removal)
            .edits(&[]),
        gone("and another one is asked for").only("X").finds(
            "W.1",
            "applied",
            "not-in-catalog",
            Nothing,
        ),
        gone("and a change is still to be put back").stuck().finds(
            "W.1",
            "failed",
            "not-restored",
            Nothing,
        ),
        gone("and a change is still to be put back while it is to be removed")
            .stuck()
            .take_back("W")
            .finds("W.1", "failed", "not-restored", Nothing)
            .edits(&[]),
    ]);
}

#[test]
fn a_dropped_action_goes() {
    check(vec![
        dropped("a later revision has dropped it")
            .finds("W.2", "applied", "to-be-withdrawn(action-dropped)", Removal)
            .then(HOST, "Stopgap W.2", 0)
            .then(HOST, "Stopgap W.1", 1),
        dropped("dropped while the mitigation is blocked").blocked("W").finds(
            "W.2",
            "applied",
            "in-place, action-dropped",
            Nothing,
        ),
        dropped("dropped while everything is switched off").switched_off().finds(
            "W.2",
            "applied",
            "in-place, action-dropped",
            Nothing,
        ),
        dropped("dropped by a source in trouble").held().finds(
            "W.2",
            "applied",
            "in-place, action-dropped",
            Nothing,
        ),
        dropped("dropped while another one is asked for").only("X").finds(
            "W.2",
            "applied",
            "in-place, action-dropped",
            Nothing,
        ),
        dropped("dropped, and its last removal failed").failed("W.2").finds(
            "W.2",
            "failed",
            "not-withdrawn(other: action-dropped)",
            Removal,
        ),
        dropped("dropped while the other action is to be removed as well")
            .take_back("W")
            .finds("W.1", "applied", "to-be-withdrawn(removed)", Removal)
            .finds("W.2", "applied", "to-be-withdrawn(removed)", Removal)
            .then(HOST, &server().text(HOST), 1),
    ]);
}

#[test]
fn a_withdrawn_document_takes_all_of_it_out() {
    let on =
        |name: &str| story(name, server(), &[two_words()]).applied().catalog(&[withdrawn(&w())]);
    let why = "to-be-withdrawn(withdrawn)";
    check(vec![
        on("both actions go")
            .finds("W.1", "applied", why, Removal)
            .finds("W.2", "applied", why, Removal)
            .then(HOST, &server().text(HOST), 1),
        on("the rules are gone already")
            .restored(server())
            .finds("W.1", "applied", why, Removal)
            .edits(&[]),
        on("it is withdrawn while another one is asked for").only("X").finds(
            "W.1",
            "applied",
            "in-place, withdrawn",
            Nothing,
        ),
        on("it is withdrawn by a source in trouble").held().finds(
            "W.1",
            "applied",
            "in-place, withdrawn",
            Nothing,
        ),
        on("it is withdrawn and asked for").only("W").finds("W.1", "applied", why, Removal),
    ]);
}

#[test]
fn what_changed_its_kind_makes_room() {
    let to_pools = || next(&pools("W"));
    let heartbeat = || next(&document("W", "[[action]]\nid = \"W.1\"\nkind = \"do-nothing\"\n"));
    let on = |name: &str| story(name, server(), &[w()]).applied();
    let off = "autoStart=\"false\" startMode=\"OnDemand\"";
    check(vec![
        on("a rule becomes pools that do not start")
            .catalog(&[to_pools()])
            .finds("W.1", "pending", "for-every-server", Anew)
            .then(HOST, "Stopgap W.1", 0)
            .then(HOST, off, 2),
        on("a rule becomes pools, and it is blocked")
            .catalog(&[to_pools()])
            .blocked("W")
            .finds("W.1", "blocked", "blocked", Nothing),
        on("a rule becomes a heartbeat, and goes")
            .catalog(&[heartbeat()])
            .finds("W.1", "applied", "to-be-withdrawn(another-kind)", Removal)
            .then(HOST, "Stopgap W.1", 0),
        on("a rule becomes a heartbeat while all is switched off")
            .catalog(&[heartbeat()])
            .switched_off()
            .finds("W.1", "applied", "for-every-server", Nothing),
        on("a rule becomes a heartbeat of a source in trouble")
            .catalog(&[heartbeat()])
            .held()
            .finds("W.1", "applied", "for-every-server", Nothing),
        story("pools become a rule", server(), &[pools("W")])
            .applied()
            .catalog(&[next(&w())])
            .finds("W.1", "pending", "for-every-server", Anew)
            .then(HOST, "Stopgap W.1", 1)
            .then(HOST, off, 0),
    ]);
}

#[test]
fn no_mitigation_takes_what_another_one_installed() {
    let taken = || w().replacen("id = \"W\"", "id = \"V\"", 1);
    check(vec![
        story("another mitigation has an action of the same id", server(), &[w()])
            .applied()
            .catalog(&[taken()])
            .finds("W.1", "conflict", "action-id-taken", Nothing)
            .edits(&[])
            .then(HOST, "Stopgap W.1", 1),
        story("and both are offered", server(), &[w()])
            .applied()
            .catalog(&[w(), taken()])
            .whole("V", "conflict", "action-id-taken")
            .whole("W", "applied", "for-every-server")
            .edits(&[])
            .then(HOST, "Stopgap W.1", 1),
        story("both are new", server(), &[w(), taken().replace("jndi", "ldap")])
            .whole("W", "pending", "for-every-server")
            .whole("V", "conflict", "action-id-taken")
            .then(HOST, "pattern=\"jndi\"", 1)
            .then(HOST, "ldap", 0),
        story("both are new, and the first is blocked", server(), &[w(), taken()])
            .blocked("W")
            .whole("W", "blocked", "blocked")
            .whole("V", "pending", "for-every-server"),
        story("and it is to be removed, which does not touch the other's", server(), &[w()])
            .applied()
            .catalog(&[taken()])
            .take_back("V")
            .finds("W.1", "conflict", "action-id-taken", Nothing)
            .edits(&[]),
    ]);
}

#[test]
fn a_dropped_action_is_not_judged_with_those_that_its_mitigation_still_has() {
    // Somebody's rule lets through what W.1 is to block.
    let around = "<rules>\n<rule name=\"his\" stopProcessing=\"true\"><match url=\".*\" />\
                  <conditions><add input=\"{UNENCODED_URL}\" pattern=\"jndi\" /></conditions>\
                  <action type=\"None\" /></rule>";
    let on = |name: &str, others: &[String]| {
        let mut catalog = vec![next(&w())];
        catalog.extend(others.iter().cloned());
        story(name, server(), &[two_words()])
            .applied()
            .edited(HOST, "<rules>", around)
            .catalog(&catalog)
            .held()
            .finds("W.1", "drifted", "stands-without-effect(probe-not-blocked)", Nothing)
            .finds("W.2", "applied", "in-place, action-dropped", Nothing)
    };
    check(vec![
        on("its mitigation is the last of the catalog", &[]),
        on("another one follows it", &[word("X", SITE, "xslt")]),
    ]);
}
