//! Files of a server are found as Windows finds them, and nothing leads out of the folder.
#![cfg(unix)] // the same of Windows is in windows_*.rs
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::fs;
use std::os::unix::fs::symlink;

use stopgap_fs::{FsError, Root, read_bounded};
use stopgap_testkit::Tree;

fn tree_with(files: &[&str]) -> (Tree, Root) {
    let tree = Tree::empty();
    for file in files {
        let path = tree.root().join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        fs::write(&path, file).expect("written");
    }
    let root = Root::open(&tree.root()).expect("opened");
    (tree, root)
}

#[test]
fn a_file_is_found_without_regard_to_case_at_every_step() {
    let (tree, root) = tree_with(&["C/Windows/System32/inetsrv/Config/applicationHost.config"]);
    let asked = ["c", "WINDOWS", "system32", "InetSrv", "config", "APPLICATIONHOST.CONFIG"];
    let place = tree.root().join("C/Windows/System32/inetsrv/Config/applicationHost.config");
    assert_eq!(root.resolve(&asked), Ok(Some(place)));
    assert!(matches!(root.read(&asked, 1000), Ok(Some(bytes)) if bytes.starts_with(b"C/Windows")));
}

#[test]
fn what_is_not_there_is_absent_at_every_step() {
    let (_tree, root) = tree_with(&["C/a/file"]);
    for asked in [&["D"][..], &["C", "b", "file"], &["C", "a", "other"], &["X", "Y", "Z"]] {
        assert_eq!(root.read(asked, 10), Ok(None), "{asked:?}");
        assert_eq!(root.resolve(asked), Ok(None), "{asked:?}");
    }
}

#[test]
fn a_link_on_the_way_or_at_the_end_is_refused_even_if_it_stays_inside() {
    let (tree, root) = tree_with(&["C/real/web.config"]);
    let place = tree.root().join("C");
    symlink("real", place.join("linked")).expect("linked");
    symlink("/etc", place.join("outside")).expect("linked");
    symlink("web.config", place.join("real/other.config")).expect("linked");
    symlink("nowhere", place.join("real/dangling.config")).expect("linked");
    let cases = [
        (&["C", "linked", "web.config"][..], "linked"),
        (&["C", "outside", "passwd"], "outside"),
        (&["C", "real", "OTHER.config"], "real/other.config"),
        (&["C", "real", "dangling.config"], "real/dangling.config"),
    ];
    for (asked, link) in cases {
        let path = place.join(link);
        assert_eq!(root.read(asked, 1000), Err(FsError::Link { path }), "{asked:?}");
    }
}

#[test]
fn a_folder_swapped_for_a_link_after_the_root_was_opened_leads_nowhere() {
    let (tree, root) = tree_with(&["C/a/file"]);
    fs::rename(tree.root().join("C"), tree.root().join("moved")).expect("renamed");
    symlink("moved", tree.root().join("C")).expect("linked");
    assert!(matches!(root.read(&["C", "a", "file"], 100), Err(FsError::Link { .. })));
}

#[test]
fn two_names_that_differ_in_case_only_are_ambiguous() {
    let (tree, root) = tree_with(&["C/Web.config", "C/web.config", "C/X/a", "C/x/b"]);
    let expected = FsError::Ambiguous {
        folder: tree.root().join("C"),
        first: "Web.config".to_owned(),
        second: "web.config".to_owned(),
    };
    // Even for the one that is spelled exactly so: Windows has one file of this name.
    assert_eq!(root.read(&["C", "web.config"], 100), Err(expected));
    assert!(matches!(root.read(&["C", "x", "b"], 100), Err(FsError::Ambiguous { .. })));
}

#[test]
fn names_that_windows_takes_for_another_place_are_refused() {
    let (_tree, root) = tree_with(&["C/a"]);
    for name in ["..", ".", "", "a/b", r"a\b", "a:stream", "a.", "a ", "a\0", "a\n"] {
        let refused = Err(FsError::BadName { name: name.to_owned() });
        assert_eq!(root.read(&["C", name], 100), refused, "{name:?}");
    }
    assert!(matches!(root.read(&[], 100), Err(FsError::BadName { .. })));
}

#[test]
fn only_letters_of_ascii_have_two_cases() {
    let (_tree, root) = tree_with(&["C/Ä"]);
    assert_eq!(root.read(&["C", "ä"], 100), Ok(None));
    assert!(matches!(root.read(&["c", "Ä"], 100), Ok(Some(_))));
}

#[test]
fn a_file_where_a_folder_should_be_is_told() {
    let (tree, root) = tree_with(&["C/inetpub"]);
    let path = tree.root().join("C/inetpub");
    let asked = ["C", "inetpub", "wwwroot"];
    assert_eq!(root.read(&asked, 100), Err(FsError::NotAFolder { path }));
    let path = tree.root().join("C");
    assert_eq!(root.read(&["C"], 100), Err(FsError::NotAFile { path }));
}

#[test]
fn a_pipe_is_not_waited_for() {
    let (tree, root) = tree_with(&["C/a"]);
    let path = tree.root().join("C/pipe");
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    assert_eq!(root.read(&["C", "pipe"], 9), Err(FsError::NotAFile { path: path.clone() }));
    assert_eq!(read_bounded(&path, 9), Err(FsError::NotAFile { path }));
}

#[test]
fn a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_too_large() {
    let (tree, root) = tree_with(&["C/12345"]);
    let path = tree.root().join("C/12345");
    assert_eq!(root.read(&["C", "12345"], 7), Ok(Some(b"C/12345".to_vec())));
    let too_large = FsError::TooLarge { path: path.clone(), max: 6 };
    assert_eq!(root.read(&["C", "12345"], 6), Err(too_large.clone()));
    assert_eq!(read_bounded(&path, 7), Ok(b"C/12345".to_vec()));
    assert_eq!(read_bounded(&path, 6), Err(too_large));
}

#[test]
fn a_policy_file_that_is_a_link_or_missing_is_refused() {
    let (tree, _root) = tree_with(&["policy"]);
    let link = tree.root().join("link");
    symlink("policy", &link).expect("linked");
    assert_eq!(read_bounded(&link, 100), Err(FsError::Link { path: link }));
    let path = tree.root().join("none");
    assert_eq!(read_bounded(&path, 100), Err(FsError::NotFound { path }));
}

#[test]
fn a_root_that_is_not_a_folder_is_refused() {
    let (tree, _root) = tree_with(&["file"]);
    let path = tree.root().join("file");
    assert_eq!(Root::open(&path).err(), Some(FsError::NotAFolder { path }));
    let path = tree.root().join("none");
    assert_eq!(Root::open(&path).err(), Some(FsError::NotFound { path }));
}
