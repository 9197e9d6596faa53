//! The state folder is private from its first byte, and files in it are durable.
#![cfg(unix)] // the same of Windows is in windows_*.rs
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use stopgap_fs::{FsError, PrivateDir, PrivateDirError};
use stopgap_testkit::Tree;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("there").mode() & 0o7777
}

fn folder(path: &Path, mode: u32) {
    fs::create_dir(path).expect("created");
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
}

fn private(tree: &Tree) -> PrivateDir {
    PrivateDir::open_or_create(&tree.state()).expect("a private folder")
}

#[test]
fn a_new_state_folder_is_closed_to_others_and_so_are_those_above_it() {
    let tree = Tree::empty();
    let path = tree.state().join("deep/er");
    let folder = PrivateDir::open_or_create(&path).expect("created");
    assert_eq!(folder.path(), path);
    for path in [tree.state(), tree.state().join("deep"), path] {
        assert_eq!(mode(&path), 0o700, "{}", path.display());
    }
}

#[test]
fn a_link_in_place_of_the_state_folder_is_refused_also_with_a_slash() {
    let tree = Tree::empty();
    folder(&tree.root().join("real"), 0o700);
    symlink(tree.root().join("real"), tree.state()).expect("linked");
    for path in [tree.state(), tree.state().join(""), tree.state().join(".")] {
        let refused = PrivateDirError::Fs(FsError::Link { path: tree.state() });
        assert_eq!(PrivateDir::open_or_create(&path).err(), Some(refused), "{}", path.display());
    }
}

#[test]
fn a_folder_that_somebody_else_owns_is_refused() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can give a folder away");
        return;
    }
    let tree = Tree::empty();
    let path = tree.state();
    folder(&path, 0o700);
    std::os::unix::fs::chown(&path, Some(1), None).expect("owner set");
    let refused =
        PrivateDirError::Foreign { path: path.clone(), owner: "1".into(), user: "0".into() };
    assert_eq!(PrivateDir::open_or_create(&path).err(), Some(refused));
}

#[test]
fn an_empty_folder_of_ones_own_is_closed() {
    for open in [0o755, 0o777, 0o750, 0o2770] {
        let tree = Tree::empty();
        folder(&tree.state(), open);
        private(&tree);
        assert_eq!(mode(&tree.state()) & 0o777, 0o700, "{open:o}");
    }
}

#[test]
fn a_home_folder_given_by_mistake_is_refused_and_stays_as_it_is() {
    let tree = Tree::empty();
    folder(&tree.state(), 0o755);
    fs::write(tree.state().join("letter"), b"").expect("written");
    let refused = PrivateDirError::Open { path: tree.state(), access: "mode 0755".into() };
    assert_eq!(PrivateDir::open_or_create(&tree.state()).err(), Some(refused));
    assert_eq!(mode(&tree.state()), 0o755);
}

#[test]
fn an_earlier_state_folder_that_others_could_only_read_is_closed() {
    for marker in ["audit.jsonl", "lock"] {
        let tree = Tree::empty();
        folder(&tree.state(), 0o755);
        fs::write(tree.state().join(marker), b"").expect("written");
        private(&tree);
        assert_eq!(mode(&tree.state()), 0o700, "{marker}");
    }
}

#[test]
fn a_state_folder_that_others_could_write_to_is_refused() {
    for open in [0o775, 0o757, 0o1777] {
        let tree = Tree::empty();
        folder(&tree.state(), open);
        fs::write(tree.state().join("audit.jsonl"), b"").expect("written");
        let refused =
            PrivateDirError::Writable { path: tree.state(), access: format!("mode {open:04o}") };
        assert_eq!(PrivateDir::open_or_create(&tree.state()).err(), Some(refused), "{open:o}");
    }
}

#[test]
fn a_closed_folder_with_other_things_in_it_is_taken() {
    let tree = Tree::empty();
    folder(&tree.state(), 0o700);
    fs::write(tree.state().join("policy.toml"), b"").expect("written");
    private(&tree);
}

#[test]
fn a_file_is_written_wholly_replaced_and_read_back() {
    let tree = Tree::empty();
    let state = private(&tree);
    state.create_dir("changes/0001/before").expect("created");
    for bytes in [&b"first"[..], b"2nd"] {
        state.write_atomic("changes/0001/before/x", bytes).expect("written");
        assert_eq!(state.read("changes/0001/before/x", 5), Ok(Some(bytes.to_vec())));
    }
    assert_eq!(mode(&tree.state().join("changes/0001/before/x")), 0o600);
    assert_eq!(mode(&tree.state().join("changes/0001/before")), 0o700);
    assert!(matches!(state.read("changes/0001/before/x", 2), Err(FsError::TooLarge { .. })));
}

#[test]
fn a_file_is_not_written_where_there_is_no_folder() {
    let tree = Tree::empty();
    let state = private(&tree);
    let path = tree.state().join("changes");
    assert_eq!(state.write_atomic("changes/x", b""), Err(FsError::NotFound { path }));
    assert_eq!(state.read("changes/x", 9), Ok(None));
    assert_eq!(state.list("changes"), Ok(Vec::new()));
    assert_eq!(state.remove_file("changes/x"), Ok(false));
    assert_eq!(state.remove_dir_all("changes"), Ok(false));
}

#[test]
fn what_a_killed_write_left_is_not_listed_and_written_over() {
    let tree = Tree::empty();
    let state = private(&tree);
    fs::write(tree.state().join(".b.stopgap-new"), b"half").expect("written");
    state.create_dir("a").expect("created");
    state.write_atomic("c", b"").expect("written");
    assert_eq!(state.list(""), Ok(vec!["a".to_owned(), "c".to_owned()]));
    state.write_atomic("b", b"whole").expect("written");
    assert!(!tree.state().join(".b.stopgap-new").exists());
}

#[test]
fn files_and_folders_are_removed() {
    let tree = Tree::empty();
    let state = private(&tree);
    state.create_dir("changes/1").expect("created");
    state.write_atomic("changes/1/x", b"").expect("written");
    assert_eq!(state.remove_file("changes/1/x"), Ok(true));
    assert_eq!(state.remove_file("changes/1/x"), Ok(false));
    state.write_atomic("changes/1/y", b"").expect("written");
    assert_eq!(state.remove_dir_all("changes"), Ok(true));
    assert_eq!(state.list(""), Ok(Vec::new()));
}

#[test]
fn a_path_cannot_lead_out_of_the_folder() {
    let tree = Tree::empty();
    let state = private(&tree);
    for rel in ["../x", "a/../../x", "/etc/x", "a//b", ".", "a/.", "", "a\0b", "a/"] {
        let refused = FsError::BadName { name: rel.to_owned() };
        assert_eq!(state.write_atomic(rel, b""), Err(refused.clone()), "{rel:?}");
        assert_eq!(state.read(rel, 9), Err(refused.clone()), "{rel:?}");
        assert_eq!(state.create_dir(rel), Err(refused.clone()), "{rel:?}");
        assert_eq!(state.remove_dir_all(rel), Err(refused), "{rel:?}");
    }
    symlink(tree.root(), tree.state().join("link")).expect("linked");
    assert!(matches!(state.write_atomic("link/x", b""), Err(FsError::Link { .. })));
    assert!(matches!(state.remove_dir_all("link"), Err(FsError::Link { .. })));
    assert!(tree.root().exists());
}

fn files(names: &[&str]) -> Vec<(String, Vec<u8>)> {
    names.iter().map(|name| ((*name).to_owned(), name.as_bytes().to_vec())).collect()
}

#[test]
fn many_files_are_written_at_once_and_removed_at_once() {
    let tree = Tree::empty();
    let state = private(&tree);
    state.create_dir("cache").expect("created");
    state.write_batch("cache", &files(&["a", "b", "c"])).expect("written");
    state.write_batch("cache", &[("b".into(), b"new".to_vec())]).expect("written");
    assert_eq!(state.list("cache"), Ok(vec!["a".into(), "b".into(), "c".into()]));
    assert_eq!(state.read("cache/b", 10), Ok(Some(b"new".to_vec())));
    assert_eq!(mode(&tree.state().join("cache/a")), 0o600);
    state.remove_batch("cache", &["a".into(), "c".into(), "gone".into()]).expect("removed");
    assert_eq!(state.list("cache"), Ok(vec!["b".into()]));
}

#[test]
fn of_many_files_none_leads_elsewhere() {
    let tree = Tree::empty();
    let state = private(&tree);
    state.create_dir("cache").expect("created");
    for name in ["../x", "a/b", "", "..", "/x"] {
        let bad = FsError::BadName { name: name.into() };
        assert_eq!(state.write_batch("cache", &files(&["a", name])), Err(bad.clone()), "{name}");
        assert_eq!(state.remove_batch("cache", &[name.into()]), Err(bad), "{name}");
    }
    assert_eq!(state.list("cache"), Ok(Vec::new()), "nothing was left lying about");
    assert!(matches!(state.write_batch("none", &files(&["a"])), Err(FsError::NotFound { .. })));
}

#[test]
fn of_many_files_of_which_one_cannot_be_written_none_is_torn() {
    let tree = Tree::empty();
    let state = private(&tree);
    state.create_dir("cache").expect("created");
    state.write_batch("cache", &[("a".into(), b"old".to_vec())]).expect("written");
    fs::create_dir(tree.state().join("cache/.b.stopgap-new")).expect("in the way");
    assert!(state.write_batch("cache", &files(&["a", "b"])).is_err());
    assert_eq!(state.read("cache/a", 10), Ok(Some(b"old".to_vec())));
}
