//! What failed is not tried again as long as nothing has changed, and is as soon as something has: each
//! try costs the server a reload, whose old processes stay while a connection is open.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use common::{StateFolder, blocking, engine, everything_on, published};
use jiff::{SignedDuration, Timestamp};
use stopgap_engine::{CycleReport, Engine};
use stopgap_model::report::State;
use stopgap_model::{Catalog, MitigationId, ServerPath};
use stopgap_plan::Order;
use stopgap_testkit::FailingHost;
use stopgap_testkit::simulated::{MARKER, Mood, NGINX_CONF, SiteMood};

const CONFIG: &str = "events {}\nhttp {\n  server {\n    listen 127.0.0.1:8080;\n    \
                      server_name a.test;\n  }\n}\n";

thread_local! {
    /// The minutes that have passed.
    static MINUTES: Cell<i64> = const { Cell::new(0) };
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(MINUTES.get())
}

/// A mitigation; the simulated server blocks it only where its text is [`MARKER`].
fn document(id: &str, revision: u32, text: &str) -> String {
    blocking(id, revision, text, text)
}

/// A server with its state folder.
struct Server {
    state: StateFolder,
    catalog: Catalog,
    host: FailingHost,
}

impl Server {
    fn new(documents: &[String]) -> Self {
        let main = (ServerPath::new(NGINX_CONF), CONFIG.as_bytes().to_vec());
        let host = FailingHost::new(vec![main]).with_nginx();
        MINUTES.set(0);
        Self { state: StateFolder::new(), catalog: published(documents), host }
    }

    fn publish(&mut self, documents: &[String]) {
        self.catalog = published(documents);
    }

    fn cycle_with(&self, order: &Order) -> CycleReport {
        let (policy, stop) = (everything_on(), AtomicBool::new(false));
        let engine = engine(&self.host, &self.state.store, &self.catalog, &policy, &stop);
        Engine { now, ..engine }.cycle(order).unwrap()
    }

    /// A cycle that nobody asked for; answers the state and the reason of a mitigation, and how often
    /// the server was reloaded.
    fn cycle(&self, id: &str) -> (State, String, usize) {
        self.of(&Order::default(), id)
    }

    fn of(&self, order: &Order, id: &str) -> (State, String, usize) {
        let before = self.host.web().reloads();
        let report = self.cycle_with(order);
        let of_it = report.mitigations.iter().find(|it| it.id.as_str() == id).unwrap();
        (of_it.state, of_it.reason.to_string(), self.host.web().reloads() - before)
    }

    /// The next cycle does nothing.
    #[track_caller]
    fn rests(&self, id: &str) -> String {
        let before = self.host.snapshot();
        let changes = self.state.store.changes().unwrap().len();
        let (state, reason, reloads) = self.cycle(id);
        assert_eq!((state, reloads), (State::Failed, 0), "{reason}");
        assert_eq!(self.host.snapshot(), before);
        assert_eq!(self.state.store.changes().unwrap().len(), changes, "{reason}");
        reason
    }

    /// The next cycle tries it, and it fails as before.
    #[track_caller]
    fn is_tried(&self, id: &str) {
        let (state, reason, reloads) = self.cycle(id);
        assert_eq!((state, reloads), (State::Failed, 2), "{reason}");
    }
}

fn ids(id: &str) -> BTreeSet<MitigationId> {
    BTreeSet::from([id.parse().unwrap()])
}

/// A server on which a mitigation fails that has no effect.
fn without_effect() -> Server {
    let server = Server::new(&[document("B", 1, "something-else")]);
    server.is_tried("B");
    server
}

#[test]
fn a_mitigation_without_effect_is_not_tried_again_however_much_time_passes() {
    let server = without_effect();
    for minutes in [0, 60, 10_000] {
        MINUTES.set(minutes);
        let reason = server.rests("B");
        assert!(
            reason.contains("is not blocked by") && reason.contains("last tried 1970-01-01"),
            "{reason}"
        );
        assert!(reason.ends_with("to try again: stopgap reapply B"), "{reason}");
    }
}

#[test]
fn a_configuration_that_was_changed_is_tried_with() {
    let server = without_effect();
    server.rests("B");
    server.host.write(&ServerPath::new(NGINX_CONF), format!("# mine\n{CONFIG}").as_bytes());
    server.is_tried("B");
    server.rests("B");
}

#[test]
fn another_revision_is_tried() {
    let mut server = without_effect();
    server.publish(&[document("B", 2, "yet-another")]);
    server.is_tried("B");
    server.rests("B");
    // One that has an effect is in force, and nothing of the failure is told any more.
    server.publish(&[document("B", 3, MARKER)]);
    let (state, reason, reloads) = server.cycle("B");
    assert_eq!((state, reloads), (State::Applied, 1), "{reason}");
    assert!(!reason.contains("again"), "{reason}");
}

#[test]
fn a_server_that_was_started_anew_is_tried() {
    let server = without_effect();
    server.host.web().start_anew();
    server.is_tried("B");
    server.rests("B");
}

#[test]
fn who_asks_by_name_has_it_tried_and_who_asks_for_another_has_not() {
    let server = without_effect();
    let named = Order { only: Some(ids("B")), ..Order::default() };
    assert_eq!(server.of(&named, "B").2, 2);
    let reapply = Order { only: Some(ids("B")), reapply: ids("B"), ..Order::default() };
    assert_eq!(server.of(&reapply, "B").2, 2);
    let another = Order { only: Some(ids("C")), ..Order::default() };
    assert_eq!(server.of(&another, "B").2, 0);
    server.rests("B");
}

#[test]
fn another_mitigation_is_applied_at_once_and_wakes_no_other() {
    let mut server = without_effect();
    server.publish(&[document("B", 1, "something-else"), document("A", 1, MARKER)]);
    let (state, reason, reloads) = server.cycle("A");
    assert_eq!((state, reloads), (State::Applied, 1), "{reason}");
    server.rests("B");
    // It goes again as well.
    let gone = Order { only: Some(ids("A")), take_back: ids("A"), ..Order::default() };
    let (state, reason, reloads) = server.of(&gone, "A");
    assert_eq!((state, reloads), (State::Withdrawn, 1), "{reason}");
}

#[test]
fn what_the_server_refuses_of_one_mitigation_keeps_no_other_out() {
    for culprit in ["A.1, revision", "B.1, revision", "D.1, revision"] {
        let all = ["A", "B", "C", "D"];
        let server = Server::new(&all.map(|id| document(id, 1, MARKER)));
        server.host.web().set_mood(Mood::RefusesRulesWith(culprit));
        let report = server.cycle_with(&Order::default());
        for mitigation in &report.mitigations {
            let is_at_fault = culprit.starts_with(mitigation.id.as_str());
            let wanted = if is_at_fault { State::Failed } else { State::Applied };
            assert_eq!(mitigation.state, wanted, "{culprit}: {}", mitigation.reason);
            assert_eq!(
                mitigation.reason.to_string().contains("pcre2_compile"),
                is_at_fault,
                "{culprit}"
            );
        }
        // What is refused never reached the server.
        assert_eq!(server.host.web().reloads(), 1, "{culprit}");
        server.rests(&culprit[..1]);
    }
}

#[test]
fn what_goes_is_not_held_up_by_what_fails_beside_it() {
    let mut server = Server::new(&[document("A", 1, MARKER)]);
    assert_eq!(server.cycle("A").0, State::Applied);
    // The server answers 500 with any rule of ours, whoever is at fault.
    server.host.web().set_mood(Mood::ReloadHangs);
    let withdrawn = "schema = 1\nid = \"A\"\nrevision = 3\ntitle = \"A test\"\nwithdrawn = \"it broke\"\n\
                     severity = \"high\"\nimpact = \"None.\"\n";
    server.publish(&[withdrawn.to_owned(), document("B", 1, "something-else")]);
    let (state, reason, _) = server.cycle("A");
    assert_eq!(state, State::Failed, "{reason}");
    let (state, reason, _) = server.cycle("A");
    assert_eq!(state, State::Withdrawn, "{reason}");
    assert_eq!(server.host.snapshot()[NGINX_CONF], CONFIG.as_bytes());
}

#[test]
fn what_may_be_the_moments_fault_is_tried_again_after_a_time_that_grows() {
    let server = Server::new(&[document("A", 1, MARKER)]);
    server.host.web().set_mood(Mood::BreaksWithRules);
    server.is_tried("A");
    let mut tries = Vec::new();
    for minute in (0..=4 * 24 * 60).step_by(15) {
        MINUTES.set(minute);
        if server.cycle("A").2 > 0 {
            tries.push(minute);
        }
    }
    assert_eq!(tries[..6], [30, 90, 210, 450, 930, 1890]);
    let last = &tries[5..];
    assert!(last.windows(2).all(|pair| pair[1] - pair[0] == 24 * 60), "{tries:?}");
    let reason = server.rests("A");
    assert!(reason.contains("before and now with 500"), "{reason}");
    assert!(reason.contains("not again before 1970-01-"), "{reason}");
    // Once the application works it is applied, and the next trouble is a new one.
    server.host.web().set_mood(Mood::Good);
    MINUTES.set(7 * 24 * 60);
    assert_eq!(server.cycle("A").0, State::Applied);
}

#[test]
fn an_application_that_knows_our_questions_keeps_nothing_out_for_good() {
    let harmless = "[[probe]]\nname = \"harmless\"\nlive = true\nrequest = \"GET /shop\"\n\
                    expect = \"allowed\"\n";
    let server = Server::new(&[format!("{}{harmless}", document("A", 1, MARKER))]);
    server.host.web().set_site("a.test", SiteMood::MissesPagesWithRules);
    server.is_tried("A");
    let reason = server.rests("A");
    assert!(reason.contains("must pass") && reason.contains("now with 404"), "{reason}");
    MINUTES.set(30);
    server.is_tried("A");
    server.host.web().set_site("a.test", SiteMood::Limited(0));
    MINUTES.set(90);
    assert_eq!(server.cycle("A").0, State::Applied);
}

#[test]
fn a_removal_that_fails_rests_and_is_tried_when_it_is_asked_for() {
    let mut server = Server::new(&[document("A", 1, MARKER), document("B", 1, MARKER)]);
    assert_eq!(server.cycle("A").0, State::Applied);
    server.host.web().set_mood(Mood::ReloadHangs);
    let withdrawn = "schema = 1\nid = \"A\"\nrevision = 3\ntitle = \"A test\"\nwithdrawn = \"it broke\"\n\
                     severity = \"high\"\nimpact = \"None.\"\n";
    // B stays, so the server does not take the change.
    server.publish(&[withdrawn.to_owned(), document("B", 1, MARKER)]);
    let (state, reason, _) = server.cycle("A");
    assert_eq!(state, State::Failed, "{reason}");
    let reason = server.rests("A");
    assert!(reason.contains("could not be withdrawn"), "{reason}");
    let gone = Order { only: Some(ids("A")), take_back: ids("A"), ..Order::default() };
    assert!(server.of(&gone, "A").2 > 0);
}
