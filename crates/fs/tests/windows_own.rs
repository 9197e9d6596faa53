//! On Windows the state folder is closed to ordinary users from its first byte.
#![cfg(windows)]
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::fs::{self, File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::Path;

use stopgap_fs::{
    FsError, PrivateDir, PrivateDirError, PublicDir, others, read_obeyed, require_guarded,
};
use stopgap_testkit::Tree;
use stopgap_win32::Descriptor;

/// To look at the descriptor, and to change its access list.
const ACCESS_LIST: u32 = 0x0002_0000 | 0x0004_0000;
const BACKUP_SEMANTICS: u32 = 0x0200_0000;

const OPEN: &str = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;WD)";
const READABLE: &str = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FRFX;;;WD)";

fn give(path: &Path, list: &str) {
    let descriptor = Descriptor::from_text(list).expect("a descriptor");
    let opened: File = OpenOptions::new()
        .access_mode(ACCESS_LIST)
        .custom_flags(BACKUP_SEMANTICS)
        .open(path)
        .expect("opened");
    descriptor.give_to(&opened, false).expect("given");
}

fn private(tree: &Tree) -> PrivateDir {
    PrivateDir::open_or_create(&tree.state()).expect("a private folder")
}

#[test]
fn a_new_state_folder_is_closed_to_others_and_so_are_those_above_it() {
    let tree = Tree::empty();
    let path = tree.state().join(r"deep\er");
    let folder = PrivateDir::open_or_create(&path).expect("created");
    assert_eq!(folder.path(), path);
    folder.write_atomic("x", b"secret").expect("written");
    folder.create_dir("a/b").expect("created");
    for path in [tree.state(), tree.state().join("deep"), path.clone(), path.join(r"a\b")] {
        assert_eq!(others(&path), Vec::<String>::new(), "{}", path.display());
    }
    assert_eq!(others(&path.join("x")), Vec::<String>::new());
}

#[test]
fn an_empty_folder_that_others_may_write_to_is_closed() {
    let tree = Tree::empty();
    fs::create_dir(tree.state()).expect("created");
    give(&tree.state(), OPEN);
    assert_ne!(others(&tree.state()), Vec::<String>::new());
    private(&tree);
    assert_eq!(others(&tree.state()), Vec::<String>::new());
}

#[test]
fn a_state_folder_that_others_could_write_to_is_refused_and_they_are_named() {
    let tree = Tree::empty();
    fs::create_dir(tree.state()).expect("created");
    give(&tree.state(), OPEN);
    fs::write(tree.state().join("audit.jsonl"), b"").expect("written");
    match PrivateDir::open_or_create(&tree.state()) {
        Err(PrivateDirError::Writable { access, .. }) => {
            assert!(access.ends_with("may write to it"), "{access}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_with_other_things_that_others_can_read_is_refused_and_stays_as_it_is() {
    let tree = Tree::empty();
    fs::create_dir(tree.state()).expect("created");
    give(&tree.state(), READABLE);
    fs::write(tree.state().join("letter"), b"").expect("written");
    let refused = PrivateDir::open_or_create(&tree.state());
    assert!(matches!(refused, Err(PrivateDirError::Open { .. })), "{refused:?}");
    // One that is known as a state folder is closed.
    fs::write(tree.state().join("lock"), b"").expect("written");
    private(&tree);
}

#[test]
fn a_folder_in_whose_place_somebody_else_could_put_another_is_refused() {
    let tree = Tree::empty();
    let above = tree.state();
    fs::create_dir(&above).expect("created");
    give(&above, OPEN);
    let refused = PrivateDir::open_or_create(&above.join("state")).map(drop);
    assert_eq!(refused, Err(PrivateDirError::Fs(FsError::Exposed { path: above })));
}

#[test]
fn what_is_obeyed_or_run_must_be_closed_to_others_and_so_must_be_the_way_to_it() {
    let tree = Tree::empty();
    let (folder, file) = (tree.root().join("in"), tree.root().join(r"in\policy.toml"));
    fs::create_dir(&folder).expect("created");
    fs::write(&file, b"x").expect("written");
    give(&folder, READABLE);
    give(&file, READABLE);
    assert_eq!(read_obeyed(&file, 10), Ok(b"x".to_vec()));
    assert_eq!(require_guarded(&file), Ok(()));
    give(&file, OPEN);
    let exposed = FsError::Exposed { path: file.clone() };
    assert_eq!(read_obeyed(&file, 10), Err(exposed.clone()));
    assert_eq!(require_guarded(&file), Err(exposed));
    give(&file, READABLE);
    give(&folder, OPEN);
    let exposed = FsError::Exposed { path: folder };
    assert_eq!(read_obeyed(&file, 10), Err(exposed.clone()));
    assert_eq!(require_guarded(&file), Err(exposed));
}

#[test]
fn files_are_written_wholly_replaced_read_listed_and_removed() {
    let tree = Tree::empty();
    let state = private(&tree);
    state.create_dir("changes/0001/before").expect("created");
    for bytes in [&b"first"[..], b"2nd"] {
        state.write_atomic("changes/0001/before/x", bytes).expect("written");
        assert_eq!(state.read("changes/0001/before/x", 5), Ok(Some(bytes.to_vec())));
    }
    assert!(matches!(state.read("changes/0001/before/x", 2), Err(FsError::TooLarge { .. })));
    fs::write(tree.state().join(".b.stopgap-new"), b"half").expect("written");
    state
        .write_batch("", &[("b".into(), b"1".to_vec()), ("c".into(), b"2".to_vec())])
        .expect("written");
    assert_eq!(state.list(""), Ok(vec!["b".into(), "c".into(), "changes".into()]));
    state.remove_batch("", &["b".into(), "gone".into()]).expect("removed");
    assert_eq!(state.remove_file("c"), Ok(true));
    assert_eq!(state.remove_file("c"), Ok(false));
    assert_eq!(state.remove_dir_all("changes"), Ok(true));
    assert_eq!(state.list(""), Ok(Vec::new()));
}

#[test]
fn a_path_cannot_lead_out_of_the_folder_nor_into_a_stream() {
    let tree = Tree::empty();
    let state = private(&tree);
    for rel in ["../x", "a/../../x", r"..\x", r"C:\x", "/x", "a//b", "a/.", "", "a:b", "a.", "a "] {
        let refused = FsError::BadName { name: rel.to_owned() };
        assert_eq!(state.write_atomic(rel, b""), Err(refused.clone()), "{rel:?}");
        assert_eq!(state.read(rel, 9), Err(refused), "{rel:?}");
    }
}

#[test]
fn room_that_was_taken_is_written_to() {
    let tree = Tree::empty();
    let state = private(&tree);
    state.write_atomic("record", b"{}").expect("written");
    state.make_spare("spare", 4096).expect("made");
    assert_eq!(state.length("spare"), Ok(Some(4096)));
    state.keep_room("record", 4096).expect("there is room");
    state.write_onto("record", "spare", b"{\"a\":1}").expect("written");
    assert_eq!(state.read("record", 100), Ok(Some(b"{\"a\":1}".to_vec())));
    assert_eq!(state.length("spare"), Ok(None));
    state.write_even_if_full("record", "spare", b"{}").expect("written");
    state.write_in_place("head", b"1").expect("written");
    assert_eq!(state.read("head", 9), Ok(Some(b"1".to_vec())));
    assert!(state.free().expect("asked") > 0);
    assert!(state.keep_room("record", u64::MAX).is_err_and(|error| error.is_full()));
}

#[test]
fn a_log_grows_by_one_writer_at_a_time() {
    let tree = Tree::empty();
    let state = private(&tree);
    let wait = std::time::Duration::from_millis(20);
    let mut log = state.open_log("audit.jsonl", wait).expect("opened");
    log.add(b"one\n", 100).expect("added");
    assert!(state.open_log("audit.jsonl", wait).is_err());
    assert_eq!(state.read("audit.jsonl", 100), Ok(Some(b"one\n".to_vec())), "it can be read");
    drop(log);
    let mut log = state.open_log("audit.jsonl", wait).expect("opened");
    log.add(b"two\n", 100).expect("added");
    assert_eq!(log.end(4), Ok(b"two\n".to_vec()));
    log.cut(4).expect("cut");
    assert_eq!(log.length(), Ok(4));
}

#[test]
fn files_for_everybody_are_written_and_read() {
    let tree = Tree::empty();
    let folder = PublicDir::open_or_create(&tree.state().join("a")).expect("made");
    folder.create_dir("targets").expect("created");
    folder.write_atomic("targets/x", b"1").expect("written");
    folder.write_batch("targets", &[("y".into(), b"2".to_vec())]).expect("written");
    assert_eq!(folder.list("targets"), Ok(vec!["x".into(), "y".into()]));
    assert_eq!(folder.read("targets/y", 9), Ok(Some(b"2".to_vec())));
    assert_eq!(folder.remove_file("targets/y"), Ok(true));
}
