//! The umask belongs to the whole process, so this test has a program of its own.
#![cfg(unix)] // Windows has no umask

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use rustix::fs::Mode;
use stopgap_fs::{Lock, PrivateDir, UnixRoot};
use stopgap_testkit::Tree;

#[test]
fn no_umask_opens_the_state_to_others_or_closes_it_to_its_owner() {
    for umask in [0o000, 0o022, 0o277] {
        let tree = Tree::empty();
        let before = rustix::process::umask(Mode::from_raw_mode(umask));
        let state = PrivateDir::open_or_create(&tree.state()).expect("created");
        state.create_dir("changes").expect("created");
        state.write_atomic("changes/x", b"x").expect("written");
        let mut log = state.open_log("audit.jsonl", Duration::ZERO).expect("opened");
        log.add(b"x", 10).expect("written");
        UnixRoot::open(&tree.root()).expect("opened").create("/new", b"x").expect("made");
        let lock = Lock::acquire(&state, "pid 1", Duration::ZERO, &mut |_| {}).expect("taken");
        rustix::process::umask(before);
        for (rel, expected) in [
            ("", 0o700),
            ("changes", 0o700),
            ("changes/x", 0o600),
            ("audit.jsonl", 0o600),
            ("lock", 0o600),
        ] {
            let mode = fs::metadata(tree.state().join(rel)).expect("there").mode() & 0o7777;
            assert_eq!(mode, expected, "{rel:?} with umask {umask:03o}");
        }
        let mode = fs::metadata(tree.root().join("new")).expect("there").mode() & 0o7777;
        assert_eq!(mode, 0o644, "a file of a server, with umask {umask:03o}");
        drop(lock);
    }
}
