//! What a source of mitigations can do on a server, and what it cannot: a feed that is held, powers
//! that were not given, what is withdrawn, what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use common::{Server, document, of, state};
use stopgap_model::{Digest, Refused};
use stopgap_sandbox::APPLICATION_HOST;

const HOLD: &str = "feed a: its timestamp metadata expired on 2026-11-01 00:00 UTC";

fn blocks(id: &str, revision: u32, word: &str) -> String {
    let action = format!(
        "[[action]]\nid = \"{id}.1\"\nkind = \"block-request\"\n\
         scope = {{ site = \"Default Web Site\" }}\ndeny = \"abort\"\n\
         when = [{{ field = \"uri\", contains = \"{word}\" }}]\n"
    );
    document(id, revision, &action)
}

fn hold(server: &mut Server) {
    for offer in &mut server.catalog.offers {
        offer.hold = Some(stopgap_model::Reasons::text(HOLD));
    }
}

#[test]
fn an_expired_feed_applies_nothing_new() {
    let mut server = Server::new(&[&blocks("A", 1, "evil")]);
    let before = server.tree.snapshot();
    hold(&mut server);
    let report = server.cycle();
    assert_eq!(state(&report, "A"), "pending");
    let told = of(&report, "A").reason.to_string();
    assert!(told.contains(HOLD) && told.contains("nothing new"), "{told}");
    assert!(server.tree.snapshot() == before);
}

#[test]
fn what_an_expired_feed_once_brought_stays_in_force_and_is_put_right() {
    let mut server = Server::new(&[&blocks("A", 1, "evil")]);
    assert_eq!(state(&server.cycle(), "A"), "applied");
    let protected = server.tree.snapshot();
    hold(&mut server);
    assert_eq!(state(&server.cycle(), "A"), "applied");
    server.edit_host("pattern=\"evil\"", "pattern=\"mischief\"");
    assert_eq!(state(&server.cycle(), "A"), "applied");
    assert!(server.tree.snapshot() == protected);
}

#[test]
fn a_newer_revision_from_an_expired_feed_waits_and_the_older_one_stays() {
    let mut server = Server::new(&[&blocks("A", 1, "evil")]);
    assert_eq!(state(&server.cycle(), "A"), "applied");
    let protected = server.tree.snapshot();
    server.publish(&[&blocks("A", 2, "malice")]);
    hold(&mut server);
    let report = server.cycle();
    assert_eq!(state(&report, "A"), "applied");
    let told = of(&report, "A").reason.to_string();
    assert!(told.contains("1 here, 2 in the catalog") && told.contains(HOLD), "{told}");
    assert_eq!(told.matches("in the catalog").count(), 1, "{told}");
    assert!(server.tree.snapshot() == protected);
    server.publish(&[&blocks("A", 2, "malice")]);
    assert_eq!(state(&server.cycle(), "A"), "applied");
    assert!(server.host_config().contains("malice") && !server.host_config().contains("evil"));
}

#[test]
fn an_expired_feed_takes_nothing_back_but_what_is_fixed() {
    let affected = "[[affected]]\nproduct = \"microsoft/exchange-server\"\n\
                    ranges = [{ introduced = \"15.2.0\", fixed = \"15.2.1118.20\" }]\n";
    let one = blocks("A", 1, "evil").replacen("[[action]]", &format!("{affected}[[action]]"), 1);
    let mut server = Server::new(&[&one]);
    let before = server.tree.read(&stopgap_model::ServerPath::new(APPLICATION_HOST));
    assert_eq!(state(&server.cycle(), "A"), "applied");
    let tombstone = document("A", 2, "withdrawn = \"it harms\"\n");
    server.publish(&[&tombstone]);
    hold(&mut server);
    assert!(server.host_config().contains("evil"));
    server.publish(&[&one]);
    hold(&mut server);
    server.tree.set_exchange_build("15.2.1118.20");
    assert_eq!(state(&server.cycle(), "A"), "withdrawn");
    assert!(server.tree.read(&stopgap_model::ServerPath::new(APPLICATION_HOST)) == before);
}

#[test]
fn a_newer_revision_from_an_expired_feed_does_not_say_that_this_server_is_not_affected() {
    let affected = |fixed: &str| {
        format!(
            "[[affected]]\nproduct = \"microsoft/exchange-server\"\n\
             ranges = [{{ introduced = \"15.2.0\", fixed = \"{fixed}\" }}]\n[[action]]"
        )
    };
    let revised = |revision, fixed: &str| {
        blocks("A", revision, "evil").replacen("[[action]]", &affected(fixed), 1)
    };
    let mut server = Server::new(&[&revised(1, "15.2.1118.20")]);
    assert_eq!(state(&server.cycle(), "A"), "applied");
    let protected = server.tree.snapshot();
    server.publish(&[&revised(2, "15.2.100")]);
    hold(&mut server);
    let report = server.cycle();
    assert_eq!(state(&report, "A"), "applied");
    let told = of(&report, "A").reason.to_string();
    assert!(told.contains(HOLD), "{told}");
    assert!(server.tree.snapshot() == protected);
    // Once the feed is good again, its word counts.
    server.publish(&[&revised(2, "15.2.100")]);
    assert_eq!(state(&server.cycle(), "A"), "withdrawn");
}

#[test]
fn what_its_publisher_withdraws_is_taken_back_to_the_byte() {
    let mut server = Server::new(&[&blocks("A", 1, "evil")]);
    let before = server.tree.snapshot();
    assert_eq!(state(&server.cycle(), "A"), "applied");
    server.publish(&[&document("A", 2, "withdrawn = \"it harms Outlook\"\n")]);
    let report = server.cycle();
    assert_eq!(state(&report, "A"), "withdrawn");
    let told = of(&report, "A").reason.to_string();
    assert!(told.contains("withdrawn by its publisher: it harms Outlook"), "{told}");
    assert!(server.tree.snapshot() == before);
    let report = server.cycle();
    assert_eq!(state(&report, "A"), "not-affected");
    assert!(of(&report, "A").reason.to_string().contains("it harms Outlook"));
}

#[test]
fn an_action_that_a_revision_drops_is_told_as_taken_back() {
    let both = format!(
        "{}{}",
        blocks("A", 1, "evil"),
        "[[action]]\nid = \"A.2\"\nkind = \"block-request\"\n\
         scope = { site = \"Default Web Site\" }\ndeny = \"abort\"\n\
         when = [{ field = \"uri\", contains = \"malice\" }]\n"
    );
    let mut server = Server::new(&[&both]);
    assert_eq!(state(&server.cycle(), "A"), "applied");
    server.publish(&[&blocks("A", 2, "evil")]);
    let report = server.cycle();
    let actions = &of(&report, "A").actions;
    let dropped = actions.iter().find(|action| action.id.as_str() == "A.2").unwrap();
    assert_eq!(dropped.state.as_str(), "withdrawn");
    assert!(!server.host_config().contains("malice"));
}

#[test]
fn a_feed_disables_no_pool_that_it_was_not_given() {
    let pool = "[[action]]\nid = \"A.2\"\nkind = \"disable-app-pool\"\n\
                pools = [\"MSExchangeECPAppPool\"]\n";
    let mut server = Server::new(&[&format!("{}{pool}", blocks("A", 1, "evil"))]);
    let why = "the feed was not given the power disable-app-pool";
    server.catalog.offers[0]
        .denied
        .insert("A.2".parse().unwrap(), stopgap_model::Reasons::text(why));
    let before = server.host_config();
    let report = server.cycle();
    assert_eq!(state(&report, "A"), "partial");
    let told = of(&report, "A").reason.to_string();
    assert!(told.contains(why), "{told}");
    let pools = |text: &str| text.matches("autoStart=\"false\"").count();
    assert_eq!(pools(&server.host_config()), pools(&before));
}

#[test]
fn no_mitigation_takes_over_what_another_one_put_there() {
    let mut server = Server::new(&[&blocks("A", 1, "evil")]);
    assert_eq!(state(&server.cycle(), "A"), "applied");
    let protected = server.tree.snapshot();
    let thief = blocks("A", 1, "nothing").replacen("id = \"A\"", "id = \"B\"", 1);
    server.publish(&[&thief]);
    let report = server.cycle();
    assert_eq!((state(&report, "A"), state(&report, "B")), ("applied", "conflict"));
    assert!(server.tree.snapshot() == protected);
}

#[test]
fn what_is_refused_is_told_and_the_rest_stands() {
    let mut server = Server::new(&[&blocks("A", 1, "evil")]);
    let refused = |id: &str| Refused {
        id: id.parse().unwrap(),
        revision: 7,
        hash: Digest::of(b"x"),
        title: String::new(),
        source: "feed b".into(),
        reason: stopgap_model::Reasons::text("it cannot be read"),
    };
    server.catalog.refused = vec![refused("A"), refused("B")];
    let report = server.cycle();
    assert_eq!((state(&report, "A"), state(&report, "B")), ("applied", "unsupported"));
    let told = of(&report, "A").reason.to_string();
    assert!(told.contains("what feed b offers as its revision 7 is refused"), "{told}");
    assert_eq!(of(&report, "B").source, "feed b");
}
