//! The panic button: what an administrator decides while a check is at work holds at once, and a signal
//! ends a command between two steps. Real nginx, real processes, a configuration test that hangs.
#![cfg(unix)] // locks and signals of Unix
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;
#[path = "web_servers/scene.rs"]
mod scene;

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{Run, leftovers};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, Signal, kill_process};
use scene::{NGINX, Scene, scene};

/// Three times the two seconds in which the switch works, as the machine may be busy.
const AT_ONCE: Duration = Duration::from_secs(6);
/// How long something is waited for that has to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// An nginx whose `nth` configuration test hangs until `let_go`, or until the test is over.
///
/// The first test of a check is that of the planned files; the second is the one before the reload, when
/// everything is written.
fn hanging_at(nth: usize) -> Option<Scene> {
    let scene = scene(&NGINX)?;
    scene.run_by(&format!(
        "#!/bin/sh\ncase \" $* \" in *\" -t \"*)\n  echo x >> {{dir}}/tests\n  \
         nth=$(wc -l < {{dir}}/tests)\n  \
         while [ $nth = {nth} ] && [ -e {{dir}}/tests ] && [ ! -e {{dir}}/program/go ]; do\n    \
         sleep 0.1\n  done\n  ;;\nesac\nexec {{program}} \"$@\"\n"
    ));
    Some(scene)
}

fn let_go(scene: &Scene) {
    fs::write(scene.dir().join("program/go"), "").unwrap();
}

/// Waits until so many configuration tests were begun.
#[track_caller]
fn wait_for_test(scene: &Scene, nth: usize) {
    until(&format!("test {nth}"), || {
        let tests = fs::read_to_string(scene.dir().join("tests")).unwrap_or_default();
        tests.lines().count() >= nth
    });
}

#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what} does not come");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The program, which hears every signal, even if the tests were started to ignore one (`nohup`).
fn hearing_signals() -> Command {
    let mut command = Command::new("/usr/bin/env");
    command.args(["--default-signal=HUP,INT,TERM", common::program()]);
    command
}

/// A command that runs beside the test.
struct Beside(Option<Child>);

impl Beside {
    fn new(scene: &Scene, arguments: &[&str]) -> Self {
        Self::of(hearing_signals().args(scene.arguments(arguments)))
    }

    fn of(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Self(Some(child.expect("the program starts")))
    }

    fn pid(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap(), signal).unwrap();
    }

    /// What it came to.
    fn end(mut self) -> Run {
        Run::of(&self.0.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A command that has to answer at once.
#[track_caller]
fn at_once(scene: &Scene, arguments: &[&str]) -> Run {
    let begun = Instant::now();
    let run = scene.stopgap(arguments);
    assert!(begun.elapsed() < AT_ONCE, "{arguments:?} took {:?}", begun.elapsed());
    run
}

/// The same as text for a person.
fn text_of(scene: &Scene, arguments: &[&str]) -> Run {
    let all = scene.arguments(arguments);
    let all: Vec<&str> = all.iter().map(String::as_str).filter(|it| *it != "--json").collect();
    common::stopgap(&all)
}

fn decisions(scene: &Scene) -> String {
    fs::read_to_string(scene.dir().join("state/decisions.toml")).unwrap_or_default()
}

/// Nothing of ours is there, on the disk or in what the server serves.
#[track_caller]
fn as_before(scene: &Scene, before: &std::collections::BTreeMap<String, Vec<u8>>) {
    assert_eq!(scene.files(), *before);
    assert_eq!(scene.get("/x/stopgap-probe"), 200);
    assert_eq!(leftovers(scene.dir()), [""; 0]);
}

#[test]
fn disable_answers_at_once_beside_a_check_whose_nginx_test_hangs_and_the_check_stops_there() {
    for nth in [1, 2] {
        let Some(scene) = hanging_at(nth) else { return };
        let before = scene.files();
        let check = Beside::new(&scene, &["check"]);
        wait_for_test(&scene, nth);
        let disabled = at_once(&scene, &["disable", "--reason", "it hurts"]);
        assert_eq!(disabled.code, 0, "{}{}", disabled.out, disabled.err);
        let json = disabled.json();
        assert_eq!(json["enabled"], false);
        let who = format!("stopgap check (process {})", check.pid());
        assert!(json["running"] == who.as_str() || json["running"].is_null(), "{json}");
        let check = check.end();
        assert_eq!(check.state("WEB"), "pending", "{}", check.out);
        assert!(check.reason("WEB").contains("it hurts"), "{}", check.reason("WEB"));
        let halted = check.json()["halted"].to_string();
        assert!(halted.contains("switched off"), "{halted}");
        assert_eq!(check.json()["changed"], false);
        as_before(&scene, &before);
        // Hands off: the next check does nothing either, and switched on it protects.
        assert_eq!(scene.stopgap(&["check"]).json()["changed"], false);
        let on = text_of(&scene, &["enable"]);
        assert!(on.code == 0 && on.out.contains("is on"), "{}{}", on.out, on.err);
        let_go(&scene);
        assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied");
        assert!(scene.get_blocked("/x/stopgap-probe"));
    }
}

#[test]
fn a_stopped_process_that_holds_the_lock_keeps_nobody_from_deciding_and_is_named() {
    let Some(scene) = hanging_at(1) else { return };
    let check = Beside::new(&scene, &["check"]);
    wait_for_test(&scene, 1);
    // As if it hung itself: it sees no decision, and holds the lock.
    check.signal(Signal::STOP);
    let who = format!("stopgap check (process {})", check.pid());
    let begun = Instant::now();
    let off = text_of(&scene, &["disable"]);
    assert!(begun.elapsed() < AT_ONCE && off.code == 0, "{}{}", off.out, off.err);
    let told = off.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains(&format!("{who} is running: it stops before its next step")), "{told}");
    let blocked = at_once(&scene, &["block", "WEB"]);
    assert_eq!((blocked.code, &blocked.json()["running"]), (0, &who.as_str().into()));
    // Who removes is told that the decision holds, and that it is not carried out yet.
    let removed = at_once(&scene, &["remove", "WEB", "--wait", "0"]);
    assert_eq!(removed.code, 4, "{}", removed.out);
    assert!(removed.out.contains("blocked from now on, and not yet removed"), "{}", removed.out);
    assert!(removed.out.contains("the next check removes it"), "{}", removed.out);
    assert!(decisions(&scene).contains("take_back = true"), "{}", decisions(&scene));
    let status = scene.stopgap(&["status"]).json();
    assert_eq!(status["running"], who.as_str());
    check.signal(Signal::CONT);
    let check = check.end();
    assert_eq!(check.state("WEB"), "blocked", "{}", check.out);
    assert!(!scene.get_blocked("/x/stopgap-probe"));
}

#[test]
fn a_broken_policy_a_broken_trail_and_feeds_that_are_fetched_keep_nobody_from_deciding() {
    let Some(scene) = scene(&NGINX) else { return };
    assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied");
    let (state, policy) = (scene.dir().join("state"), scene.dir().join("policy/policy.toml"));
    let good = fs::read(&policy).unwrap();
    fs::write(&policy, "[server\nenabled = maybe\n").unwrap();
    fs::remove_file(state.join("audit.jsonl")).unwrap();
    fs::create_dir(state.join("audit.jsonl")).unwrap();
    fs::create_dir_all(state.join("trust")).unwrap();
    let fetching = fs::File::create(state.join("trust/lock")).unwrap();
    flock(&fetching, FlockOperation::LockExclusive).unwrap();
    assert_eq!(scene.stopgap(&["check"]).code, 2, "the policy is not broken enough");
    let off = at_once(&scene, &["disable"]);
    assert_eq!((off.code, &off.json()["enabled"]), (0, &false.into()), "{}", off.err);
    assert!(off.err.contains("policy.toml") && off.err.contains("audit trail"), "{}", off.err);
    let blocked = at_once(&scene, &["block", "WEB"]);
    assert_eq!(blocked.code, 0, "{}{}", blocked.out, blocked.err);
    assert!(blocked.err.contains("was not checked"), "{}", blocked.err);
    let removed = at_once(&scene, &["remove", "WEB"]);
    assert_eq!(removed.code, 2, "{}", removed.out);
    assert!(removed.out.contains("not yet removed"), "{}", removed.out);
    assert!(decisions(&scene).contains("take_back = true"), "{}", decisions(&scene));
    let on = at_once(&scene, &["enable"]);
    assert_eq!(on.code, 2, "{}", on.out);
    assert!(on.out.contains("this server's switch is on"), "{}", on.out);
    assert!(!decisions(&scene).contains("switched_off"), "{}", decisions(&scene));
    // All of it is carried out once the policy is mended.
    fs::write(&policy, good).unwrap();
    fs::remove_dir(state.join("audit.jsonl")).unwrap();
    let check = scene.stopgap(&["check"]);
    assert_eq!(check.state("WEB"), "withdrawn", "{}", check.out);
    assert_eq!(scene.get("/x/stopgap-probe"), 200);
    drop(fetching);
}

#[test]
fn what_is_removed_while_a_check_puts_it_in_is_gone_when_both_have_ended() {
    let Some(scene) = hanging_at(2) else { return };
    let before = scene.files();
    let check = Beside::new(&scene, &["check"]);
    wait_for_test(&scene, 2);
    let removed = scene.stopgap(&["remove", "WEB"]);
    assert_eq!((removed.code, removed.state("WEB").as_str()), (0, "blocked"), "{}", removed.out);
    let check = check.end();
    assert_eq!((check.code, check.state("WEB").as_str()), (0, "blocked"), "{}", check.out);
    assert_eq!(check.json()["halted"], serde_json::Value::Null, "the check went on without it");
    as_before(&scene, &before);
}

#[test]
fn what_is_blocked_while_a_check_puts_it_in_stays_and_is_not_applied_again() {
    let Some(scene) = hanging_at(2) else { return };
    let check = Beside::new(&scene, &["check"]);
    wait_for_test(&scene, 2);
    let blocked = at_once(&scene, &["block", "WEB"]);
    assert_eq!(blocked.code, 0, "{}", blocked.out);
    let_go(&scene);
    let check = check.end();
    assert_eq!((check.code, check.state("WEB").as_str()), (0, "applied"), "{}", check.out);
    assert_eq!(check.mitigation("WEB")["blocked"], true);
    assert!(scene.get_blocked("/x/stopgap-probe"));
    assert_eq!(scene.stopgap(&["remove", "WEB"]).state("WEB"), "withdrawn");
}

#[test]
fn a_signal_takes_back_what_was_begun_says_so_in_one_line_and_a_second_one_breaks_nothing() {
    let signals = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)];
    for ((signal, code), nth) in signals.into_iter().flat_map(|it| [(it, 1), (it, 2)]) {
        let Some(scene) = hanging_at(nth) else { return };
        let before = scene.files();
        let check = Beside::new(&scene, &["check"]);
        wait_for_test(&scene, nth);
        check.signal(signal);
        check.signal(signal);
        let run = check.end();
        let moment = format!("{signal:?} in test {nth}");
        assert_eq!(run.code, code, "{moment}: {}{}", run.out, run.err);
        let json = run.json();
        let said = json["error"].as_str().unwrap_or_default();
        let what = if nth == 1 { "nothing was changed" } else { "was rolled back" };
        assert!(said.starts_with("ended by SIG") && said.ends_with(what), "{moment}: {said}");
        assert_eq!(json["exit"], code, "{moment}");
        as_before(&scene, &before);
        let status = scene.stopgap(&["status"]);
        assert_eq!(status.json()["interrupted"], serde_json::json!([]), "{moment}");
        assert_eq!(status.state("WEB"), "pending", "{moment}: nothing failed: {}", status.out);
        let_go(&scene);
        assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied", "{moment}");
    }
}

#[test]
fn a_signal_ends_remove_and_reapply_as_it_ends_a_check() {
    for command in ["remove", "reapply"] {
        let Some(scene) = hanging_at(4) else { return };
        assert_eq!(scene.stopgap(&["check"]).state("WEB"), "applied");
        // Two tests were made; of the command, the second one hangs.
        if command == "reapply" {
            scene.publish(&scene::contains("other"));
            scene.publish(&newer());
        }
        let protected = scene.files();
        let beside = Beside::new(&scene, &[command, "WEB"]);
        wait_for_test(&scene, 4);
        beside.signal(Signal::TERM);
        let run = beside.end();
        assert_eq!(run.code, 143, "{command}: {}{}", run.out, run.err);
        assert!(run.out.contains("was rolled back"), "{command}: {}", run.out);
        assert_eq!(scene.files(), protected, "{command}");
        assert!(scene.get_blocked("/x/stopgap-probe"), "{command}");
        let_go(&scene);
        // The removal was decided before: the next check finishes it.
        let check = scene.stopgap(&["check"]);
        let expected = if command == "remove" { "withdrawn" } else { "applied" };
        assert_eq!(check.state("WEB"), expected, "{command}: {}", check.out);
    }
}

/// A newer revision of the mitigation of the scene.
fn newer() -> String {
    "schema = 1\nid = \"WEB\"\nrevision = 2\ntitle = \"A test\"\nseverity = \"high\"\n\
     impact = \"None.\"\nno_live_probe = \"a test\"\n[[action]]\nid = \"WEB.1\"\n\
     kind = \"block-request\"\ndeny = \"abort\"\n\
     when = [{ field = \"uri\", decode = [\"url\"], contains = \"stopgap-probe\" }]\n"
        .to_owned()
}

#[test]
fn a_command_that_was_started_to_ignore_hang_ups_goes_on() {
    let Some(scene) = hanging_at(2) else { return };
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' HUP; exec \"$@\"", "sh", common::program()]);
    let check = Beside::of(command.args(scene.arguments(&["check"])));
    wait_for_test(&scene, 2);
    check.signal(Signal::HUP);
    thread::sleep(Duration::from_millis(300));
    let_go(&scene);
    let check = check.end();
    assert_eq!((check.code, check.state("WEB").as_str()), (0, "applied"), "{}", check.err);
}

#[test]
fn a_change_that_was_killed_is_told_as_cut_short_and_goes_back_even_when_switched_off() {
    let Some(scene) = hanging_at(2) else { return };
    let before = scene.files();
    let check = Beside::new(&scene, &["check"]);
    wait_for_test(&scene, 2);
    // While somebody is at it, it is neither applied nor cut short.
    let status = scene.stopgap(&["status"]);
    let who = format!("stopgap check (process {})", check.pid());
    assert_eq!(status.json()["running"], who.as_str());
    assert_eq!(status.state("WEB"), "pending", "{}", status.out);
    assert!(status.reason("WEB").contains(&who), "{}", status.out);
    check.signal(Signal::KILL);
    check.end();
    assert_ne!(scene.files(), before, "nothing was begun");
    for command in [["status"].as_slice(), &["list"], &["check", "--dry-run"]] {
        let run = scene.stopgap(command);
        assert_eq!(
            (run.code, run.state("WEB").as_str()),
            (1, "unknown"),
            "{command:?} {}",
            run.out
        );
        assert!(run.reason("WEB").contains("was cut short"), "{}", run.out);
    }
    let shown = scene.stopgap(&["show", "WEB"]);
    assert_eq!((shown.code, &shown.json()["state"]), (1, &"unknown".into()), "{}", shown.out);
    let status = scene.stopgap(&["status"]).json();
    assert_eq!(status["running"], serde_json::Value::Null);
    assert_eq!(status["interrupted"][0]["mitigations"], serde_json::json!(["WEB"]), "{status}");
    let history = text_of(&scene, &["history"]);
    assert_eq!(history.code, 1, "{}", history.out);
    assert!(history.out.contains("Cut short: change 1 of nginx"), "{}", history.out);
    // Hands off is no reason to leave a change half-made.
    let_go(&scene);
    assert_eq!(scene.stopgap(&["disable"]).code, 0);
    let check = scene.stopgap(&["check"]);
    assert_eq!((check.code, check.state("WEB").as_str()), (0, "pending"), "{}", check.out);
    as_before(&scene, &before);
    assert_eq!(scene.stopgap(&["history"]).code, 0);
    assert_eq!(scene.stopgap(&["status"]).json()["interrupted"], serde_json::json!([]));
}

/// `run` with the built-in catalog alone, as it takes no unsigned one.
fn service(scene: &Scene) -> Beside {
    let all = scene.arguments(&["run"]);
    let at = all.iter().position(|it| it == "--catalog").unwrap();
    let mut all: Vec<String> = [&all[..at], &all[at + 2..]].concat();
    all.retain(|it| it != "--unsigned" && it != "--json");
    Beside::of(hearing_signals().args(all))
}

fn checks(scene: &Scene) -> usize {
    let trail = fs::read_to_string(scene.dir().join("state/audit.jsonl")).unwrap_or_default();
    trail.lines().filter(|line| line.contains("\"checked\"")).count()
}

#[test]
fn a_hang_up_asks_the_service_for_a_cycle_and_a_signal_ends_it_where_it_stands() {
    let Some(scene) = scene(&NGINX) else { return };
    let service = service(&scene);
    until("the first cycle", || checks(&scene) == 1);
    service.signal(Signal::HUP);
    until("the second cycle", || checks(&scene) == 2);
    service.signal(Signal::TERM);
    let run = service.end();
    assert_eq!(run.code, 143, "{}", run.err);
    assert!(run.err.contains("ended by SIGTERM: "), "{}", run.err);
}
