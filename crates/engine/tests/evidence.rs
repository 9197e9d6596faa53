//! What was seen of the rules in place: which probe on which site, when, and what came back. What was not
//! seen is said beside `applied`, and is seen by the next check.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use common::{StateFolder, blocking, engine, everything_on, published};
use jiff::Timestamp;
use stopgap_engine::{CycleReport, Engine, Trouble};
use stopgap_host::WebServers as _;
use stopgap_model::evidence::{Answer, Tally, Verdict, Wanted};
use stopgap_model::policy::{Policy, Switch};
use stopgap_model::report::{MitigationReport, State};
use stopgap_model::{Catalog, ServerPath};
use stopgap_plan::Order;
use stopgap_testkit::FailingHost;
use stopgap_testkit::simulated::{MARKER, Mood, NGINX_CONF, SiteMood};

const CONFIG: &str = "events {}\nhttp {\n  server {\n    listen 127.0.0.1:8080;\n    \
                      server_name a.test;\n  }\n  server {\n    listen 127.0.0.1:8080;\n    \
                      server_name b.test;\n  }\n}\n";

fn document(revision: u32, probe: &str) -> String {
    blocking("A", revision, MARKER, probe)
}

/// A server with its state folder.
struct Scene {
    state: StateFolder,
    catalog: Catalog,
    policy: Policy,
}

impl Scene {
    fn new() -> Self {
        let (state, catalog) = (StateFolder::new(), published(&[document(1, MARKER)]));
        Self { state, catalog, policy: everything_on() }
    }

    fn publish(&mut self, document: &str) {
        self.catalog = published(&[document]);
    }

    fn engine<'a>(&'a self, host: &'a FailingHost, stop: &'a AtomicBool) -> Engine<'a> {
        engine(host, &self.state.store, &self.catalog, &self.policy, stop)
    }

    fn check(&self, host: &FailingHost) -> CycleReport {
        self.engine(host, &AtomicBool::new(false)).cycle(&Order::default()).unwrap()
    }

    fn look(&self, host: &FailingHost) -> MitigationReport {
        let stop = AtomicBool::new(false);
        let view = self.engine(host, &stop).look(&Order::default()).unwrap();
        view.plan.report.into_iter().find(|report| report.id.as_str() == "A").unwrap()
    }

    fn file(&self) -> PathBuf {
        self.state.folder().join("evidence.json")
    }
}

fn nginx_with(config: &str) -> FailingHost {
    let file = (ServerPath::new(NGINX_CONF), config.as_bytes().to_vec());
    FailingHost::new(vec![file]).with_nginx()
}

fn nginx() -> FailingHost {
    nginx_with(CONFIG)
}

fn start(host: &FailingHost) {
    host.control().unwrap().start(&host.web_servers()[0]).unwrap();
}

fn of(report: &CycleReport) -> &MitigationReport {
    report.mitigations.iter().find(|report| report.id.as_str() == "A").unwrap()
}

fn remark(report: &MitigationReport) -> String {
    report.evidence.remark().unwrap_or_default()
}

const WHOLE: Tally =
    Tally { blocked: 2, attacks: 2, passed: 2, others: 2, not_reached: 0, not_judged: 0 };

#[test]
fn what_was_seen_of_each_probe_on_each_site_is_kept_with_what_came_back() {
    let (scene, host) = (Scene::new(), nginx());
    let before = Timestamp::now();
    let report = scene.check(&host);
    assert_eq!((of(&report).state, remark(of(&report))), (State::Applied, String::new()));
    let seen = scene.look(&host).evidence;
    assert_eq!(seen, of(&report).evidence, "what a check saw is what is told later");
    assert_eq!(Tally::of(&seen.sightings), WHOLE);
    let attack = seen.sightings.iter().find(|it| it.wanted == Wanted::Blocked).unwrap();
    assert_eq!(attack.verdict, Verdict::Blocked);
    assert_eq!(attack.request, format!("GET /{MARKER}"));
    assert_eq!(attack.before, Some(Answer::Status(200)));
    assert_eq!(attack.after, Some(Answer::Closed));
    assert_eq!(attack.site.to_string(), "a.test:8080");
    assert!(attack.at >= before && attack.at <= Timestamp::now(), "{}", attack.at);
}

#[test]
fn a_server_that_was_down_is_probed_when_it_runs_again_and_nothing_else_is_done_to_it() {
    let (scene, host) = (Scene::new(), nginx());
    host.web().stop();
    let report = scene.check(&host);
    assert_eq!(of(&report).state, State::Applied);
    let told = "not yet probed on nginx:/etc/nginx/nginx.conf";
    assert!(of(&report).reason.to_string().ends_with(told), "{}", of(&report).reason);
    let files = host.snapshot();
    start(&host);
    // Who only looks does not ask, and says that nobody did.
    let looked = scene.look(&host);
    assert!(looked.reason.to_string().ends_with(told), "{}", looked.reason);
    assert_eq!(host.web().asked("a.test"), [""; 0]);
    let report = scene.check(&host);
    assert_eq!((of(&report).state, remark(of(&report))), (State::Applied, String::new()));
    assert!(!report.changed);
    assert_eq!((host.snapshot(), host.web().reloads()), (files, 0));
    assert_eq!(Tally::of(&of(&report).evidence.sightings), WHOLE);
    assert_eq!(scene.look(&host).evidence, of(&report).evidence);
    // What was seen is not asked again.
    let asked = host.web().asked("a.test").len();
    let _ = scene.check(&host);
    assert_eq!(host.web().asked("a.test").len(), asked);
}

#[test]
fn a_site_that_another_program_answers_when_the_server_comes_up_is_not_called_protected() {
    let (scene, host) = (Scene::new(), nginx());
    host.web().stop();
    let _ = scene.check(&host);
    start(&host);
    host.web().set_site("b.test", SiteMood::Shadowed);
    let report = scene.check(&host);
    assert_eq!(of(&report).state, State::Partial, "{}", of(&report).reason);
    assert!(!report.changed, "what is installed stays: it protects the other site");
    for report in [of(&report), &scene.look(&host)] {
        assert_eq!(report.state, State::Partial);
        let told = "the probe \"marker\" is not blocked by b.test:8080: it was answered with 200";
        assert!(report.reason.to_string().contains(told), "{}", report.reason);
        assert_eq!(Tally::of(&report.evidence.sightings).blocked, 1);
        assert!(!report.rules.is_empty(), "it is named as in place");
    }
    // Once the other program is gone, the next check sees that.
    host.web().set_site("b.test", SiteMood::Limited(0));
    let report = scene.check(&host);
    assert_eq!((of(&report).state, remark(of(&report))), (State::Applied, String::new()));
    assert_eq!(Tally::of(&of(&report).evidence.sightings), WHOLE);
}

/// With this status for what is denied.
fn denied_with(status: u16) -> String {
    document(1, MARKER).replace("deny = \"abort\"", &format!("deny = {{ status = {status} }}"))
}

fn answer_the_attack_with(host: &FailingHost, status: u16) {
    for site in ["a.test", "b.test"] {
        host.web().set_site(site, SiteMood::AnswersAttackWith(status));
    }
}

#[test]
fn an_attack_that_makes_the_application_fail_when_the_server_comes_up_is_told_as_not_blocked() {
    for status in [500, 502] {
        let (scene, host) = (Scene::new(), nginx());
        host.web().stop();
        let _ = scene.check(&host);
        start(&host);
        answer_the_attack_with(&host, status);
        let report = scene.check(&host);
        assert_eq!(of(&report).state, State::Partial, "{}", of(&report).reason);
        let told = format!("it was answered with {status}");
        assert!(of(&report).reason.to_string().contains(&told), "{}", of(&report).reason);
    }
}

#[test]
fn a_limit_that_the_attack_meets_when_the_server_comes_up_shows_nothing() {
    let (scene, host) = (Scene::new(), nginx());
    host.web().stop();
    let _ = scene.check(&host);
    start(&host);
    answer_the_attack_with(&host, 503);
    let report = scene.check(&host);
    assert_eq!(of(&report).state, State::Applied);
    assert!(remark(of(&report)).starts_with("not yet probed"), "{}", of(&report).reason);
}

#[test]
fn a_deny_with_a_status_of_a_site_in_trouble_is_evidence_when_the_server_comes_up() {
    for status in [429, 500, 503] {
        let (mut scene, host) = (Scene::new(), nginx());
        scene.publish(&denied_with(status));
        host.web().stop();
        let _ = scene.check(&host);
        start(&host);
        answer_the_attack_with(&host, status);
        let report = scene.check(&host);
        assert_eq!(of(&report).state, State::Applied, "{status}: {}", of(&report).reason);
        assert_eq!(Tally::of(&of(&report).evidence.sightings), WHOLE, "{status}");
    }
}

#[test]
fn what_the_application_answered_before_the_rule_as_the_rule_does_is_not_called_blocked() {
    let (mut scene, host) = (Scene::new(), nginx());
    scene.publish(&denied_with(403));
    answer_the_attack_with(&host, 403);
    for check in ["that puts it in", "after it", "after that"] {
        let report = scene.check(&host);
        let of_it = of(&report);
        assert_eq!(of_it.state, State::Applied, "{check}: {}", of_it.reason);
        let tally = Tally::of(&of_it.evidence.sightings);
        assert_eq!((tally.blocked, tally.not_judged), (0, 2), "{check}");
        assert!(remark(of_it).starts_with("not yet probed"), "{check}: {}", of_it.reason);
        let notes =
            of_it.actions[0].notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        assert!(notes.contains("answered with 403 before the rule was there"), "{check}: {notes}");
    }
    assert_eq!(host.web().reloads(), 1);
}

#[test]
fn what_an_older_revision_blocked_is_still_blocked_by_the_next_one() {
    let (mut scene, host) = (Scene::new(), nginx());
    let _ = scene.check(&host);
    scene.publish(&document(2, &format!("x/{MARKER}")));
    let report = scene.check(&host);
    assert_eq!((of(&report).state, of(&report).in_force), (State::Applied, Some(2)));
    assert_eq!(Tally::of(&of(&report).evidence.sightings), WHOLE);
}

#[test]
fn evidence_that_is_lost_damaged_or_of_another_version_costs_the_evidence_and_nothing_else() {
    type Damage = fn(Vec<u8>) -> Option<Vec<u8>>;
    let damages: [(&str, Damage); 5] = [
        ("deleted", |_| None),
        ("truncated", |bytes| Some(bytes[..bytes.len() / 2].to_vec())),
        ("emptied", |_| Some(Vec::new())),
        ("overwritten", |_| Some(b"\xff\xfe not json".to_vec())),
        ("newer", |bytes| {
            let text = String::from_utf8(bytes).unwrap();
            Some(text.replacen("\"schema\":1", "\"schema\":2", 1).into_bytes())
        }),
    ];
    for (how, damage) in damages {
        let (scene, host) = (Scene::new(), nginx());
        let _ = scene.check(&host);
        let files = host.snapshot();
        match damage(std::fs::read(scene.file()).unwrap()) {
            Some(bytes) => std::fs::write(scene.file(), bytes).unwrap(),
            None => std::fs::remove_file(scene.file()).unwrap(),
        }
        let looked = scene.look(&host);
        assert_eq!(looked.state, State::Applied, "{how}");
        assert!(remark(&looked).starts_with("not yet probed"), "{how}: {}", looked.reason);
        let report = scene.check(&host);
        assert_eq!(report.troubles.len(), 0, "{how}");
        assert_eq!((host.snapshot(), host.web().reloads()), (files, 1), "{how}");
        assert_eq!(Tally::of(&scene.look(&host).evidence.sightings), WHOLE, "{how}");
    }
}

#[test]
fn evidence_that_cannot_be_written_is_told_and_keeps_nothing_from_being_protected() {
    let (scene, host) = (Scene::new(), nginx());
    // Root writes whatever the mode is; nobody puts a file in the place of a folder.
    std::fs::create_dir(scene.file()).unwrap();
    std::fs::write(scene.file().join("x"), "x").unwrap();
    let report = scene.check(&host);
    assert_eq!(of(&report).state, State::Applied);
    assert!(matches!(report.troubles.as_slice(), [Trouble::NotKept(_)]), "{:?}", report.troubles);
    assert_eq!(remark(of(&report)), "", "it was seen all the same");
    assert!(remark(&scene.look(&host)).starts_with("not yet probed"));
    std::fs::remove_dir_all(scene.file()).unwrap();
    let report = scene.check(&host);
    assert_eq!((report.troubles.len(), host.web().reloads()), (0, 1));
    assert_eq!(remark(&scene.look(&host)), "");
}

#[test]
fn what_was_seen_of_an_older_revision_or_before_it_was_taken_out_says_nothing() {
    let (mut scene, host) = (Scene::new(), nginx());
    let _ = scene.check(&host);
    host.web().stop();
    scene.publish(&document(2, &format!("x/{MARKER}")));
    let report = scene.check(&host);
    assert_eq!((of(&report).state, of(&report).in_force), (State::Applied, Some(2)));
    assert!(remark(of(&report)).starts_with("not yet probed"), "{}", of(&report).reason);
    assert_eq!(of(&report).evidence.sightings, []);
    start(&host);
    let report = scene.check(&host);
    let attacks = of(&report).evidence.sightings.iter().filter(|it| it.wanted == Wanted::Blocked);
    let attacks: Vec<&str> = attacks.map(|it| it.request.as_str()).collect();
    let expected = format!("GET /x/{MARKER}");
    assert_eq!(attacks, [expected.as_str(); 2]);
}

#[test]
fn a_site_that_answers_every_request_with_502_is_named_until_it_answers_otherwise() {
    let (scene, host) = (Scene::new(), nginx());
    host.web().set_mood(Mood::Ill);
    let report = scene.check(&host);
    assert_eq!(of(&report).state, State::Applied, "{}", of(&report).reason);
    assert!(remark(of(&report)).starts_with("not yet probed"), "{}", of(&report).reason);
    let notes =
        of(&report).actions[0].notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    assert!(notes.contains("which answers every request with 503"), "{notes}");
    assert!(
        scene.look(&host).actions[0]
            .notes
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
            .contains("every request with 503")
    );
    host.web().set_mood(Mood::Good);
    let report = scene.check(&host);
    assert_eq!((remark(of(&report)), report.changed), (String::new(), false));
    assert_eq!(of(&report).actions[0].notes, []);
}

#[test]
fn a_switched_off_server_is_not_asked() {
    let (mut scene, host) = (Scene::new(), nginx());
    host.web().stop();
    let _ = scene.check(&host);
    start(&host);
    scene.policy.server = Switch::Off("by a test".into());
    let report = scene.check(&host);
    assert!(remark(of(&report)).starts_with("not yet probed"), "{}", of(&report).reason);
    assert_eq!(host.web().asked("a.test"), [""; 0]);
}

#[test]
fn of_more_sites_than_are_asked_at_once_all_are_seen_in_the_end() {
    let mut config = "events {}\nhttp {\n".to_owned();
    for n in 0..600 {
        let _ = writeln!(config, "server {{ listen 127.0.0.1:8080; server_name n{n}.test; }}");
    }
    config.push_str("}\n");
    let (scene, host) = (Scene::new(), nginx_with(&config));
    let report = scene.check(&host);
    assert_eq!(of(&report).state, State::Applied, "{}", of(&report).reason);
    let told = format!("not yet probed on 600 of 600 sites of nginx:{NGINX_CONF}");
    let mut reason = of(&report).reason.to_string();
    for _ in 0..20 {
        assert!(reason.len() < 300 && !reason.contains(&told), "{reason}");
        if !reason.contains("not yet probed") {
            break;
        }
        reason = of(&scene.check(&host)).reason.to_string();
    }
    assert!(!reason.contains("not yet probed"), "{reason}");
    let tally = Tally::of(&scene.look(&host).evidence.sightings);
    assert_eq!((tally.blocked, tally.passed), (600, 600));
    assert_eq!(host.web().reloads(), 1);
}
