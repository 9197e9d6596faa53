//! Files of a Windows server are found as Windows finds them, however long their paths are.
#![cfg(windows)]
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::fs;
use std::os::windows::fs::{symlink_dir, symlink_file};
use std::path::Path;

use stopgap_fs::{FindLimits, FsError, Kind, Root, open_regular, read_below, read_bounded};
use stopgap_model::Digest;
use stopgap_testkit::Tree;

fn opened(tree: &Tree) -> Root {
    Root::open(&tree.root()).expect("opened")
}

#[test]
fn a_file_is_found_whatever_the_case_and_named_as_it_is_on_the_disk() {
    let tree = Tree::empty();
    fs::create_dir_all(tree.root().join(r"C\InetPub")).expect("created");
    fs::write(tree.root().join(r"C\InetPub\Web.config"), b"x").expect("written");
    let root = opened(&tree);
    let parts = ["c", "inetpub", "WEB.CONFIG"];
    assert_eq!(root.read(&parts, 9), Ok(Some(b"x".to_vec())));
    assert_eq!(root.kind(&parts), Ok(Some(Kind::File)));
    assert_eq!(root.kind(&["C", "INETPUB"]), Ok(Some(Kind::Folder)));
    let at = root.resolve(&parts).expect("found").expect("there");
    assert!(at.ends_with("Web.config"), "{}", at.display());
    for absent in [&["D", "x"][..], &["C", "inetpub", "x"], &["C", "x", "y"], &["C", "a?b"]] {
        assert_eq!(root.read(absent, 9), Ok(None), "{absent:?}");
    }
    let through = root.read(&["C", "inetpub", "web.config", "x"], 9);
    assert!(matches!(through, Err(FsError::NotAFolder { .. })), "{through:?}");
    assert!(matches!(root.read(&["C", "inetpub"], 9), Err(FsError::NotAFile { .. })));
    assert!(matches!(root.read(&parts, 0), Err(FsError::TooLarge { .. })));
}

#[test]
fn a_name_that_windows_would_change_or_that_leads_elsewhere_is_refused() {
    let tree = Tree::empty();
    let root = opened(&tree);
    for bad in ["..", ".", "", "a.", "a ", "web.config:note", r"a\b", "a/b", "a\0"] {
        let refused = root.read(&["C", bad], 9);
        assert!(matches!(refused, Err(FsError::BadName { .. })), "{bad:?}: {refused:?}");
    }
}

#[test]
fn a_path_of_three_hundred_characters_with_letters_of_all_kinds_is_read_replaced_and_found() {
    let tree = Tree::empty();
    let names = ["C", "Überprüfung größer", "资料夹", &"ж".repeat(120), &"x".repeat(120)];
    let folder = names.iter().fold(tree.root(), |above, name| above.join(name));
    // The standard library makes it whatever its length is.
    fs::create_dir_all(&folder).expect("created");
    fs::write(folder.join("web.config"), b"old").expect("written");
    assert!(folder.as_os_str().len() > 300);
    let root = opened(&tree);
    let parts = [&names[..], &["web.config"]].concat();
    assert_eq!(root.read(&parts, 9), Ok(Some(b"old".to_vec())));
    assert_eq!(root.replace(&parts, Digest::of(b"old"), b"new"), Ok(()));
    assert_eq!(read_bounded(&folder.join("web.config"), 9), Ok(b"new".to_vec()));
    let found = root.find(&["C"], "WEB.config", FindLimits::USUAL).expect("searched");
    assert_eq!(found.incomplete, None);
    assert_eq!(found.files, [parts[1..].iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()]);
}

#[test]
fn a_link_is_not_followed_and_is_a_reason_why_there_may_be_more() {
    let tree = Tree::empty();
    let (inside, outside) = (tree.root().join("C"), tree.root().join("outside"));
    fs::create_dir_all(&inside).expect("created");
    fs::create_dir_all(&outside).expect("created");
    fs::write(outside.join("web.config"), b"x").expect("written");
    if symlink_dir(&outside, inside.join("folder")).is_err()
        || symlink_file(outside.join("web.config"), inside.join("web.config")).is_err()
        || !fs::symlink_metadata(inside.join("folder")).is_ok_and(|it| it.is_symlink())
    {
        println!("skipped: symbolic links, none can be made here");
        return;
    }
    let root = opened(&tree);
    for parts in [&["C", "folder", "web.config"][..], &["C", "web.config"]] {
        let refused = root.read(parts, 9);
        assert!(matches!(refused, Err(FsError::Link { .. })), "{refused:?}");
    }
    assert!(
        root.find(&["C"], "web.config", FindLimits::USUAL).expect("searched").incomplete.is_some()
    );
    let below = read_below(&inside, &["folder", "web.config"], 9);
    assert!(matches!(below, Err(FsError::Link { .. })), "{below:?}");
}

#[test]
fn a_device_is_not_opened() {
    for device in [r"\\.\pipe\stopgap", "CON", r"\\.\PhysicalDrive0", r"C:\windows"] {
        let refused = open_regular(Path::new(device)).map(drop);
        let is_refused =
            matches!(refused, Err(FsError::NotAFile { .. } | FsError::NotFound { .. }));
        assert!(is_refused, "{device}: {refused:?}");
        let refused = read_bounded(Path::new(device), 9);
        let is_refused =
            matches!(refused, Err(FsError::NotAFile { .. } | FsError::NotFound { .. }));
        assert!(is_refused, "{device}: {refused:?}");
    }
}

#[test]
fn a_folder_that_is_in_use_cannot_be_put_aside() {
    let tree = Tree::empty();
    fs::create_dir_all(tree.root().join(r"C\a")).expect("created");
    let root = opened(&tree);
    if fs::rename(tree.root(), tree.root().with_file_name("aside")).is_ok() {
        println!("skipped: folders that are held open, here they can be renamed");
        return;
    }
    assert_eq!(root.kind(&["C", "a"]), Ok(Some(Kind::Folder)));
}
