//! A public folder: for everybody to read, and nothing leads out of it.
#![cfg(unix)] // the same of Windows is in windows_*.rs
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;

use stopgap_fs::{FsError, Lock, LockError, PublicDir};
use stopgap_testkit::Tree;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("there").mode() & 0o7777
}

fn public(tree: &Tree) -> PublicDir {
    PublicDir::open_or_create(&tree.state()).expect("a public folder")
}

#[test]
fn what_is_written_is_for_everybody_to_read() {
    let tree = Tree::empty();
    let folder = public(&tree);
    folder.create_dir("metadata").expect("created");
    folder.create_dir("metadata").expect("there already");
    folder.write_atomic("metadata/a.json", b"1").expect("written");
    folder.write_atomic("metadata/a.json", b"2").expect("replaced");
    assert_eq!(folder.read("metadata/a.json", 1), Ok(Some(b"2".to_vec())));
    assert_eq!(folder.list("metadata"), Ok(vec!["a.json".to_owned()]));
    for count in [2, 40] {
        let files: Vec<_> = (0..count).map(|n| (format!("{n}.toml"), vec![n; 3])).collect();
        folder.create_dir("targets").expect("created");
        folder.write_batch("targets", &files).expect("written");
        assert_eq!(folder.list("targets").map(|names| names.len()), Ok(files.len()));
        assert_eq!(folder.read("targets/1.toml", 3), Ok(Some(vec![1; 3])));
        assert_eq!(mode(&tree.state().join("targets/1.toml")), 0o644);
    }
    assert_eq!(mode(&tree.state().join("metadata")), 0o755);
    assert_eq!(mode(&tree.state().join("metadata/a.json")), 0o644);
    assert_eq!(folder.remove_file("metadata/a.json"), Ok(true));
    assert_eq!(folder.remove_file("metadata/a.json"), Ok(false));
}

#[test]
fn a_name_or_a_link_that_leads_out_of_it_is_refused() {
    let tree = Tree::empty();
    let folder = public(&tree);
    folder.create_dir("targets").expect("created");
    for name in ["", "..", "../x", "/etc/passwd", "targets/../../x", "targets//x", "a\0b"] {
        let refused = FsError::BadName { name: name.to_owned() };
        assert_eq!(folder.read(name, 9), Err(refused.clone()), "{name:?}");
        assert_eq!(folder.write_atomic(name, b"x"), Err(refused.clone()), "{name:?}");
        assert_eq!(folder.create_dir(name), Err(refused.clone()), "{name:?}");
        let batch = folder.write_batch("targets", &[(name.to_owned(), vec![])]);
        assert_eq!(batch, Err(refused), "{name:?}");
    }
    fs::write(tree.root().join("secret"), "secret").expect("written");
    symlink(tree.root().join("secret"), tree.state().join("targets/link")).expect("linked");
    symlink(tree.root(), tree.state().join("folder")).expect("linked");
    let link = FsError::Link { path: tree.state().join("targets/link") };
    assert_eq!(folder.read("targets/link", 9), Err(link));
    let link = FsError::Link { path: tree.state().join("folder") };
    assert_eq!(folder.read("folder/secret", 9), Err(link.clone()));
    assert_eq!(folder.write_atomic("folder/new", b"x"), Err(link));
    // A link is replaced, not written through.
    folder.write_atomic("targets/link", b"new").expect("replaced");
    assert_eq!(fs::read(tree.root().join("secret")).expect("there"), b"secret");
}

#[test]
fn one_at_a_time_holds_its_lock() {
    let tree = Tree::empty();
    let lock = Lock::acquire_public(&public(&tree), "pid 1").expect("free");
    let held = LockError::Held { by: "pid 1".to_owned() };
    assert_eq!(Lock::acquire_public(&public(&tree), "pid 2").err(), Some(held));
    drop(lock);
    assert!(Lock::acquire_public(&public(&tree), "pid 2").is_ok());
}

#[test]
fn what_is_not_there_is_told() {
    let tree = Tree::empty();
    let path = tree.state();
    assert_eq!(PublicDir::open(&path).err(), Some(FsError::NotFound { path: path.clone() }));
    let folder = public(&tree);
    assert_eq!(folder.read("metadata/x", 9), Ok(None));
    assert_eq!(folder.list("metadata"), Ok(vec![]));
    assert!(matches!(folder.write_atomic("metadata/x", b""), Err(FsError::NotFound { .. })));
    fs::write(path.join("large"), [0; 10]).expect("written");
    assert!(matches!(folder.read("large", 9), Err(FsError::TooLarge { max: 9, .. })));
    assert!(matches!(
        PublicDir::open_or_create(&path.join("large")),
        Err(FsError::NotAFolder { .. })
    ));
}
