//! Files of one name below a folder are found, all of them or with the reason why not.
#![cfg(unix)] // the same of Windows is in windows_*.rs
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use stopgap_fs::{FindLimits, FoundFiles, FsError, NotSearched, Root};
use stopgap_testkit::Tree;

const NAME: &str = "web.config";

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

fn find(root: &Root, limits: FindLimits) -> FoundFiles {
    root.find(&["C", "site"], NAME, limits).expect("searched")
}

fn found(root: &Root) -> (Vec<String>, Option<NotSearched>) {
    let found = find(root, FindLimits::USUAL);
    (found.files.iter().map(|parts| parts.join("/")).collect(), found.incomplete)
}

#[test]
fn every_file_of_the_name_is_found_in_any_spelling_and_in_a_stable_order() {
    let (_tree, root) = tree_with(&[
        "C/Site/web.config",
        "C/Site/b/WEB.Config",
        "C/Site/B/web.config",
        "C/Site/auth/deep/er/Web.config",
        "C/Site/auth/web.config",
        "C/Site/auth/web.config.bak",
        "C/Site/auth/my-web.config",
        "C/Site/web.config.d/x",
        "C/other/web.config",
        "D/site/web.config",
    ]);
    let expected = [
        "web.config",
        "B/web.config",
        "auth/web.config",
        "auth/deep/er/Web.config",
        "b/WEB.Config",
    ];
    assert_eq!(found(&root), (expected.map(str::to_owned).to_vec(), None));
}

#[test]
fn two_spellings_in_one_folder_are_both_told() {
    let (_tree, root) = tree_with(&["C/site/a/web.config", "C/site/a/WEB.CONFIG"]);
    let expected = ["a/WEB.CONFIG", "a/web.config"].map(str::to_owned).to_vec();
    assert_eq!(found(&root), (expected, None));
}

#[test]
fn a_folder_that_is_not_there_has_no_files() {
    let (_tree, root) = tree_with(&["C/file"]);
    for asked in [&["D"][..], &["C", "none"], &["C", "none", "deeper"]] {
        let nothing = FoundFiles::default();
        assert_eq!(root.find(asked, NAME, FindLimits::USUAL), Ok(nothing), "{asked:?}");
    }
}

#[test]
fn what_is_no_folder_or_no_name_is_refused() {
    let (tree, root) = tree_with(&["C/file", "C/real/web.config"]);
    symlink("real", tree.root().join("C/linked")).expect("linked");
    let find = |asked: &[&str], name| root.find(asked, name, FindLimits::USUAL);
    let path = tree.root().join("C/file");
    assert_eq!(find(&["C", "file"], NAME), Err(FsError::NotAFolder { path }));
    let path = tree.root().join("C/linked");
    assert_eq!(find(&["C", "linked"], NAME), Err(FsError::Link { path }));
    for name in ["", "..", "a/b", r"a\b", "web.config."] {
        let name_is_bad = Err(FsError::BadName { name: name.to_owned() });
        assert_eq!(find(&["C"], name), name_is_bad, "{name:?}");
    }
}

#[test]
fn no_link_is_followed_and_each_is_a_doubt() {
    for (target, link) in [
        ("../other", "C/site/folder"),
        ("../other/web.config", "C/site/web.config"),
        (".", "C/site/loop"),
    ] {
        let (tree, root) = tree_with(&["C/other/web.config", "C/site/z/web.config"]);
        let path = tree.root().join(link);
        symlink(target, &path).expect("linked");
        let (files, why) = found(&root);
        assert_eq!(files, ["z/web.config"], "{link}");
        assert_eq!(why, Some(NotSearched::Fs(FsError::Link { path })), "{link}");
    }
}

#[test]
fn a_folder_or_a_pipe_of_the_name_is_not_a_file_of_the_name() {
    let (tree, root) = tree_with(&["C/site/web.config/web.config"]);
    let pipe = tree.root().join("C/site/a");
    fs::create_dir(&pipe).expect("created");
    let mode = rustix::fs::Mode::RWXU;
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, pipe.join(NAME), kind, mode, 0).expect("made");
    assert_eq!(found(&root), (vec!["web.config/web.config".to_owned()], None));
}

#[test]
fn a_folder_that_cannot_be_read_is_told_and_the_others_are_searched() {
    let (tree, root) =
        tree_with(&["C/site/a/web.config", "C/site/m/web.config", "C/site/z/web.config"]);
    let closed = tree.root().join("C/site/m");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("closed");
    let may_read_all = fs::read_dir(&closed).is_ok();
    let (files, why) = found(&root);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("opened");
    if may_read_all {
        println!("skipped: this user may read every folder");
        return;
    }
    assert_eq!(files, ["a/web.config", "z/web.config"]);
    let Some(NotSearched::Fs(error)) = why else { panic!("{why:?}") };
    assert!(error.is_permission_denied(), "{error}");
    assert!(error.to_string().ends_with("C/site/m"), "{error}");
}

#[test]
fn a_name_that_windows_cannot_have_is_told_where_it_matters() {
    let names: [&[u8]; 4] = [b"a\\b", b"a:b", b"a.", b"caf\xe9"];
    for name in names {
        let (tree, root) = tree_with(&["C/site/web.config"]);
        let folder = tree.root().join("C/site").join(Path::new(std::ffi::OsStr::from_bytes(name)));
        fs::create_dir(&folder).expect("created");
        let (files, why) = found(&root);
        assert_eq!(files, ["web.config"], "{name:?}");
        assert!(matches!(why, Some(NotSearched::Name { .. })), "{why:?}");
        fs::remove_dir(&folder).expect("removed");
        // A file of such a name is not the one that is looked for.
        fs::write(&folder, "").expect("written");
        assert_eq!(found(&root).1, None, "{name:?}");
    }
}

#[test]
fn folders_that_nest_without_end_are_searched_to_a_depth() {
    let deep = format!("C/site/{}web.config", "d/".repeat(140));
    let (_tree, root) = tree_with(&["C/site/z/web.config", &deep]);
    let limit = |limit| Some(NotSearched::Limit { what: "levels of folders", limit });
    assert_eq!(found(&root), (vec!["z/web.config".to_owned()], limit(128)));
    let to = |depth| find(&root, FindLimits { depth, ..FindLimits::USUAL });
    assert_eq!(to(139).incomplete, limit(139));
    assert_eq!((to(140).files.len(), to(140).incomplete), (2, None));
    assert_eq!(to(0), FoundFiles { files: Vec::new(), incomplete: limit(0) });
}

#[test]
fn each_bound_is_kept_to_the_last_one_and_told() {
    let (_tree, root) =
        tree_with(&["C/site/web.config", "C/site/a/web.config", "C/site/b/web.config"]);
    let usual = FindLimits::USUAL;
    let found = |limits| {
        let found = find(&root, limits);
        (found.files.len(), found.incomplete.map(|why| why.to_string()))
    };
    let more = |text: &str| Some(format!("there are more than {text}"));
    assert_eq!(found(FindLimits { folders: 3, ..usual }), (3, None));
    assert_eq!(found(FindLimits { folders: 2, ..usual }), (2, more("2 folders")));
    assert_eq!(found(FindLimits { folders: 0, ..usual }), (0, more("0 folders")));
    assert_eq!(found(FindLimits { files: 3, ..usual }), (3, None));
    assert_eq!(found(FindLimits { files: 2, ..usual }), (2, more("2 files of this name")));
    assert_eq!(found(FindLimits { names: 5, ..usual }), (3, None));
    assert_eq!(found(FindLimits { names: 4, ..usual }), (2, more("4 names")));
}

/// A measurement, not a test: `cargo test --release -p stopgap-fs --test find -- --ignored`.
#[test]
#[ignore = "prints how long a search takes, and asserts no time"]
fn twenty_thousand_folders() {
    let (tree, root) = tree_with(&["C/site/web.config"]);
    for at in 0..20_000 {
        let folder = tree.root().join(format!("C/site/{}/{}/{at}", at % 20, at % 400));
        fs::create_dir_all(&folder).expect("created");
        for file in ["a.js", "b.css", "c.aspx"] {
            fs::write(folder.join(file), "").expect("written");
        }
    }
    for _ in 0..3 {
        let began = std::time::Instant::now();
        let found = find(&root, FindLimits::USUAL);
        println!("{:?} for 20,421 folders of 60,000 files: {found:?}", began.elapsed());
        assert_eq!((found.files.len(), found.incomplete), (1, None));
    }
}
