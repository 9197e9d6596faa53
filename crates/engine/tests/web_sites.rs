//! Sites of every sort on a simulated nginx: none that is silent, slow, elsewhere or tired of questions
//! delays the rules, and none that the rules break stays broken.
#![cfg(unix)] // nginx, Apache httpd and HAProxy of Unix
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{StateFolder, blocking, engine, everything_on, published};
use stopgap_engine::{CycleError, CycleReport, Engine, PROBE_TIME};
use stopgap_model::ServerPath;
use stopgap_model::report::{MitigationReport, State};
use stopgap_plan::Order;
use stopgap_testkit::FailingHost;
use stopgap_testkit::simulated::{MARKER, NGINX_CONF, SimulatedServer, SiteMood};

const CONFIG: &str = "events {}\nhttp {\n  server {\n    listen 127.0.0.1:8080;\n    \
                      server_name a.test;\n  }\n  server {\n    listen 127.0.0.1:8080;\n    \
                      server_name b.test b2.test;\n  }\n}\n";

/// Time enough for whatever takes no time by itself.
const PATIENCE: Duration = Duration::from_secs(10);

fn nginx(b: SiteMood) -> FailingHost {
    let files = vec![(ServerPath::new(NGINX_CONF), CONFIG.as_bytes().to_vec())];
    let host = FailingHost::new(files).with_nginx();
    host.web().set_site("b.test", b);
    host
}

/// A state folder, and how the sites are asked.
struct Scene {
    state: StateFolder,
    probe_time: Duration,
    stop: AtomicBool,
}

impl Scene {
    fn new() -> Self {
        Self { state: StateFolder::new(), probe_time: PROBE_TIME, stop: AtomicBool::new(false) }
    }

    fn check(&self, host: &FailingHost) -> CycleReport {
        self.cycle(host).unwrap()
    }

    fn cycle(&self, host: &FailingHost) -> Result<CycleReport, CycleError> {
        let catalog = published(&[blocking("A", 1, MARKER, MARKER)]);
        let policy = everything_on();
        let engine = engine(host, &self.state.store, &catalog, &policy, &self.stop);
        Engine { probe_time: self.probe_time, ..engine }.cycle(&Order::default())
    }
}

fn of(report: &CycleReport) -> &MitigationReport {
    report.mitigations.iter().find(|m| m.id.as_str() == "A").unwrap()
}

/// The state, and the notes of the action as one text.
fn told(report: &CycleReport) -> (State, String) {
    (
        of(report).state,
        of(report).actions[0].notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    )
}

#[track_caller]
fn failed_and_all_is_as_before(host: &FailingHost, report: &CycleReport, told: &str) {
    assert_eq!(of(report).state, State::Failed);
    assert!(of(report).reason.to_string().contains(told), "{}", of(report).reason);
    assert!(report.timings.iter().all(|timing| timing.enforced.is_none()));
    all_is_as_before(host);
}

#[track_caller]
fn all_is_as_before(host: &FailingHost) {
    let main = host.snapshot()[NGINX_CONF].clone();
    assert_eq!(String::from_utf8_lossy(&main), CONFIG);
    assert_eq!(host.web().loaded(), host.snapshot(), "the server runs with other files");
}

fn blocks(server: &SimulatedServer) -> bool {
    server.loaded().keys().any(|path| path.contains("stopgap-"))
}

#[test]
fn a_silent_site_is_named_is_asked_once_and_keeps_nothing_from_being_enforced() {
    let (scene, host) = (Scene::new(), nginx(SiteMood::Silent));
    let report = scene.check(&host);
    let (state, notes) = told(&report);
    assert_eq!(state, State::Applied);
    let expected = "not judged by b.test:8080, which had not answered within 5 s before the change";
    assert!(notes.contains(expected), "{notes}");
    assert_eq!(host.web().asked("b.test"), ["/"], "no probe goes to a site that is not judged by");
    let timing = &report.timings[0];
    assert!(timing.enforced.is_some_and(|enforced| enforced <= timing.total), "{timing:?}");
}

#[test]
fn a_slow_site_is_judged_when_the_rules_are_in_force() {
    let (scene, host) = (Scene::new(), nginx(SiteMood::Slow));
    let (state, notes) = told(&scene.check(&host));
    // Nobody waited for what it answers to the harmless probe.
    let expected = "1 of 4 probes are not judged: the sites answer too slowly";
    assert_eq!((state, notes.as_str()), (State::Applied, expected));
    assert!(blocks(host.web()));
    // Before, then after; and what is blocked is asked where it need not be known what was before.
    assert_eq!(host.web().asked("b.test"), ["/", "/", &format!("/{MARKER}")]);
}

#[test]
fn a_slow_site_that_the_rules_break_gets_everything_back() {
    let (scene, host) = (Scene::new(), nginx(SiteMood::SlowAndBreaksWithRules));
    let report = scene.check(&host);
    let told = "b.test:8080 answered with 200 before and now with 500";
    failed_and_all_is_as_before(&host, &report, told);
    assert_eq!(host.web().reloads(), 2);
}

#[test]
fn a_site_that_dies_by_the_change_gets_everything_back() {
    let (scene, host) = (Scene::new(), nginx(SiteMood::HangsWithRules));
    let report = scene.check(&host);
    let told = "b.test:8080 answered with 200 before and now with nothing in time";
    failed_and_all_is_as_before(&host, &report, told);
}

#[test]
fn a_page_that_did_not_answer_in_time_before_and_does_now_is_no_failure() {
    let (scene, host) = (Scene::new(), nginx(SiteMood::WakesUp));
    let (state, notes) = told(&scene.check(&host));
    assert_eq!(state, State::Applied);
    assert_eq!(notes, "1 of 4 probes are not judged: the sites answer too slowly");
}

#[test]
fn a_floating_address_on_another_node_is_not_here() {
    let (scene, host) = (Scene::new(), nginx(SiteMood::Elsewhere));
    let (state, notes) = told(&scene.check(&host));
    assert_eq!(state, State::Applied);
    let expected =
        "not judged by b.test:8080, which listens on 192.0.2.1: no address of this machine";
    assert!(notes.contains(expected), "{notes}");
    assert_eq!(host.web().asked("b.test"), ["/"]);
}

#[test]
fn a_site_that_was_asked_too_often_is_asked_again_later() {
    let (scene, host) = (Scene::new(), nginx(SiteMood::Limited(1)));
    let (state, notes) = told(&scene.check(&host));
    assert_eq!((state, notes.as_str()), (State::Applied, ""));
    assert_eq!(host.web().asked("b.test")[..2], ["/", "/"]);
}

#[test]
fn a_site_that_only_says_it_was_asked_too_often_is_named_and_is_no_failure() {
    let (scene, host) = (Scene::new(), nginx(SiteMood::LimitedForGood));
    let (state, notes) = told(&scene.check(&host));
    assert_eq!(state, State::Applied);
    assert!(notes.contains("b.test:8080, which answers with 429"), "{notes}");
    assert!(host.web().asked("b.test").len() < 20, "it is asked over and over");
}

#[test]
fn of_the_names_of_one_server_block_one_is_asked() {
    let (scene, host) = (Scene::new(), nginx(SiteMood::Limited(0)));
    let (state, _) = told(&scene.check(&host));
    assert_eq!(state, State::Applied);
    assert!(!host.web().asked("b.test").is_empty());
    assert!(host.web().asked("b2.test").is_empty());
}

#[test]
fn what_is_waited_for_ends_with_the_time_for_the_whole_server() {
    let mut scene = Scene::new();
    scene.probe_time = Duration::from_secs(1);
    let host = nginx(SiteMood::Stuck);
    let begun = Instant::now();
    let (state, notes) = told(&scene.check(&host));
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(state, State::Applied);
    assert!(notes.contains("not judged by b.test:8080"), "{notes}");
}

#[test]
fn a_stop_while_a_slow_site_is_waited_for_takes_the_change_back_at_once() {
    let mut scene = Scene::new();
    scene.probe_time = Duration::from_secs(600);
    let host = nginx(SiteMood::Stuck);
    let begun = Instant::now();
    let ended = std::thread::scope(|scope| {
        let stop = &scene.stop;
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(500));
            stop.store(true, Ordering::Relaxed);
        });
        scene.cycle(&host)
    });
    assert!(begun.elapsed() < PATIENCE);
    let Err(CycleError::Asked(ending)) = ended else { panic!("{ended:?}") };
    assert!(ending.rolled_back.is_some(), "{ending:?}");
    all_is_as_before(&host);
}
