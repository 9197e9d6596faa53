//! Files below a folder that somebody else carries in.
#![cfg(unix)] // the same of Windows is in windows_*.rs
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::fs;
use std::os::unix::fs::symlink;

use stopgap_fs::{FsError, read_below};
use stopgap_testkit::Tree;

#[test]
fn a_file_below_a_folder_is_read_as_it_is_spelled() {
    let tree = Tree::empty();
    fs::create_dir(tree.root().join("a")).expect("created");
    fs::write(tree.root().join("a/b"), b"bytes").expect("written");
    let read = |parts: &[&str], max| read_below(&tree.root(), parts, max);
    assert_eq!(read(&["a", "b"], 5), Ok(Some(b"bytes".to_vec())));
    assert!(matches!(read(&["a", "b"], 4), Err(FsError::TooLarge { max: 4, .. })));
    for parts in [&["a", "B"][..], &["A", "b"], &["c", "b"]] {
        assert_eq!(read(parts, 5), Ok(None), "{parts:?}");
    }
    assert!(matches!(read(&["a"], 5), Err(FsError::NotAFile { .. })));
    assert!(matches!(read(&["a", "b", "c"], 5), Err(FsError::NotAFolder { .. })));
}

#[test]
fn a_way_that_leads_elsewhere_is_refused() {
    let tree = Tree::empty();
    let outside = tree.root().join("outside");
    let inside = tree.root().join("inside");
    fs::create_dir_all(&outside).expect("created");
    fs::create_dir_all(&inside).expect("created");
    fs::write(outside.join("x"), b"x").expect("written");
    symlink(&outside, inside.join("folder")).expect("linked");
    symlink(outside.join("x"), inside.join("file")).expect("linked");
    let read = |parts: &[&str]| read_below(&inside, parts, 5);
    assert!(matches!(read(&["folder", "x"]), Err(FsError::Link { .. })));
    assert!(matches!(read(&["file"]), Err(FsError::Link { .. })));
    for parts in [&[][..], &["..", "outside", "x"], &["../outside/x"], &["", "x"], &["."], &["a\0"]]
    {
        assert!(matches!(read(parts), Err(FsError::BadName { .. })), "{parts:?}");
    }
}
