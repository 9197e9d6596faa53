//! One cycle at a time holds the lock, and a killed one does not hold it for ever.
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stopgap_fs::{Lock, LockError, PrivateDir};
use stopgap_testkit::Tree;

/// Set for the copy of this program that plays the other process.
const STATE: &str = "STOPGAP_TEST_STATE";

fn state(tree: &Tree) -> PrivateDir {
    PrivateDir::open_or_create(&tree.state()).expect("a private folder")
}

fn take(state: &PrivateDir, wait: Duration) -> Result<Lock, LockError> {
    Lock::acquire(state, "pid 2, stopgap run", wait, &mut |_| {})
}

/// Not a test by itself: the other process of those below.
#[test]
fn the_other_process() {
    let Some(path) = std::env::var_os(STATE) else { return };
    let state = PrivateDir::open_or_create(path.as_ref()).expect("a private folder");
    let lock = Lock::acquire(&state, "pid 1, stopgap check", Duration::ZERO, &mut |_| {});
    println!("taken {}", lock.is_ok());
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn a_lock_of_another_process_is_told_and_ends_when_it_is_killed() {
    let tree = Tree::empty();
    let state = state(&tree);
    let mut other = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "the_other_process", "--nocapture"])
        .env(STATE, tree.state())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let output = BufReader::new(other.stdout.take().expect("its output"));
    let taken = output.lines().map_while(Result::ok).any(|line| line.contains("taken true"));
    let held = take(&state, Duration::ZERO).err();
    other.kill().expect("killed");
    other.wait().expect("ended");
    assert!(taken, "the other process took the lock");
    assert_eq!(held, Some(LockError::Held { by: "pid 1, stopgap check".to_owned() }));
    assert!(take(&state, Duration::ZERO).is_ok());
}

#[test]
fn whoever_waits_is_told_once_for_whom_and_gets_the_lock() {
    let tree = Tree::empty();
    let state = state(&tree);
    let first = Lock::acquire(&state, "first\nline", Duration::ZERO, &mut |_| {}).expect("taken");
    let mut told = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            drop(first);
        });
        let wait = Duration::from_secs(30);
        let second = Lock::acquire(&state, "second", wait, &mut |by| told.push(by.to_owned()));
        assert!(second.is_ok());
    });
    assert_eq!(told.first().map(String::as_str), Some("first line"));
    assert!(told.len() <= 2, "{told:?}");
}

#[test]
fn waiting_ends() {
    let tree = Tree::empty();
    let state = state(&tree);
    let _first = take(&state, Duration::ZERO).expect("taken");
    let start = Instant::now();
    let held = LockError::Held { by: "pid 2, stopgap run".to_owned() };
    assert_eq!(take(&state, Duration::from_millis(120)).err(), Some(held));
    assert!(start.elapsed() >= Duration::from_millis(120));
}

#[test]
fn a_dropped_lock_can_be_taken_again_and_the_file_says_nobody() {
    let tree = Tree::empty();
    let state = state(&tree);
    drop(take(&state, Duration::ZERO).expect("taken"));
    assert_eq!(state.read("lock", 100), Ok(Some(Vec::new())));
    assert!(take(&state, Duration::ZERO).is_ok());
}
