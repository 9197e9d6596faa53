//! The files of a Unix server: links are followed as the server follows them, and lead nowhere
//! else.
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use stopgap_fs::{FsError, LEFTOVER_SUFFIX, ReplaceError, UnixRoot};
use stopgap_model::Digest;
use stopgap_testkit::Tree;

struct Server {
    tree: Tree,
    root: UnixRoot,
}

fn server(files: &[&str]) -> Server {
    let tree = Tree::empty();
    for file in files {
        let path = tree.root().join(file);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("created");
        fs::write(path, *file).expect("written");
    }
    let root = UnixRoot::open(&tree.root()).expect("opened");
    Server { tree, root }
}

impl Server {
    fn at(&self, path: &str) -> PathBuf {
        self.tree.root().join(path)
    }

    fn link(&self, target: impl AsRef<Path>, path: &str) {
        symlink(target, self.at(path)).expect("linked");
    }

    fn mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.at(path), Permissions::from_mode(mode)).expect("changed");
    }

    fn text(&self, path: &str) -> Result<Option<String>, FsError> {
        let bytes = self.root.read(path, 1000)?;
        Ok(bytes.map(|bytes| String::from_utf8(bytes).expect("text")))
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, FsError> {
        let found = self.root.glob(pattern)?;
        Ok(found.iter().map(|path| path.display().to_string()).collect())
    }
}

#[test]
fn a_link_leads_below_the_root_wherever_it_points() {
    let server = server(&["etc/real/a.conf", "etc/x"]);
    server.link("/etc/real", "etc/absolute");
    server.link("real/a.conf", "etc/relative");
    server.link("../../../../../etc/real/../real/./a.conf", "etc/upwards");
    server.link("absolute/a.conf", "etc/twice");
    for path in ["/etc/absolute/a.conf", "/etc/relative", "/etc/upwards", "/etc/twice"] {
        assert_eq!(server.text(path), Ok(Some("etc/real/a.conf".to_owned())), "{path}");
        let real = server.root.real_path(path);
        assert_eq!(real, Ok(Some("/etc/real/a.conf".into())), "{path}");
    }
    let up = server.text("/../../etc/./real/..//x");
    assert_eq!(up, Ok(Some("etc/x".to_owned())));
}

#[test]
fn a_path_that_leads_nowhere_is_where_a_file_would_be_made() {
    let server = server(&["etc/real/a.conf"]);
    server.link("real", "etc/linked");
    let real = |path| server.root.real_path(path);
    assert_eq!(real("/etc/linked/new"), Ok(Some("/etc/real/new".into())));
    assert_eq!(real("/etc/none/new"), Ok(None));
    assert_eq!(real("/"), Ok(Some("/".into())));
    assert_eq!(real("/etc/linked/.."), Ok(Some("/etc".into())));
    assert_eq!(server.text("/etc/linked/new"), Ok(None));
    assert_eq!(server.text("/etc/none/new"), Ok(None));
    let bad = |path| matches!(real(path), Err(FsError::BadName { .. }));
    assert!(bad("etc") && bad("") && bad("/a\0"));
}

#[test]
fn links_in_a_circle_are_told() {
    let server = server(&["etc/x"]);
    server.link("b", "etc/a");
    server.link("a", "etc/b");
    server.link("self/self", "etc/self");
    for path in ["/etc/a", "/etc/self", "/etc/self/x"] {
        assert!(matches!(server.text(path), Err(FsError::TooManyLinks { .. })), "{path}");
    }
    let deep = format!("/etc{}/x", "/y".repeat(4000));
    assert!(matches!(server.text(&deep), Err(FsError::TooManyLinks { .. })));
}

#[test]
fn a_link_that_others_may_have_put_there_is_not_followed() {
    let server = server(&["etc/x", "tmp/file"]);
    server.link("/etc/x", "tmp/linked");
    for mode in [0o775, 0o757, 0o1777] {
        server.mode("tmp", mode);
        let read = server.text("/tmp/linked");
        let folder = server.at("tmp");
        assert_eq!(read, Err(FsError::Exposed { path: folder.clone() }), "{mode:o}");
        let replaced = server.root.replace("/tmp/linked", Digest::of(b"etc/x"), b"new");
        assert_eq!(replaced, Err(ReplaceError::Fs(FsError::Exposed { path: folder })));
        assert_eq!(server.text("/tmp/file"), Ok(Some("tmp/file".to_owned())));
    }
    server.mode("tmp", 0o755);
    assert_eq!(server.text("/tmp/linked"), Ok(Some("etc/x".to_owned())));
}

#[test]
fn a_file_behind_a_link_is_replaced_and_the_link_stays() {
    let server = server(&["etc/available/site"]);
    server.link("available/site", "etc/enabled");
    server.mode("etc/available/site", 0o640);
    let old = Digest::of(b"etc/available/site");
    assert_eq!(server.root.replace("/etc/enabled", old, b"new"), Ok(()));
    assert_eq!(server.text("/etc/available/site"), Ok(Some("new".to_owned())));
    assert!(fs::symlink_metadata(server.at("etc/enabled")).expect("there").is_symlink());
    let mode = fs::metadata(server.at("etc/available/site")).expect("there").mode();
    assert_eq!(mode & 0o7777, 0o640);
}

#[test]
fn a_file_is_made_for_everybody_to_read_and_never_over_another() {
    let server = server(&["etc/x"]);
    assert_eq!(server.root.create("/etc/new", b"new"), Ok(()));
    assert_eq!(fs::metadata(server.at("etc/new")).expect("there").mode() & 0o7777, 0o644);
    let again = server.root.create("/etc/new", b"other");
    assert!(
        matches!(again, Err(ReplaceError::Changed { found, .. }) if found == Digest::of(b"new"))
    );
    assert!(matches!(server.root.create("/none/new", b""), Err(ReplaceError::Missing { .. })));
    assert_eq!(server.text("/etc/new"), Ok(Some("new".to_owned())));
    assert_eq!(fs::read_dir(server.at("etc")).expect("read").count(), 2);
}

#[test]
fn only_the_expected_file_is_removed() {
    let server = server(&["etc/x"]);
    let theirs = server.root.remove("/etc/x", Digest::of(b"ours"));
    assert!(matches!(theirs, Err(ReplaceError::Changed { .. })));
    assert_eq!(server.root.remove("/etc/x", Digest::of(b"etc/x")), Ok(()));
    let gone = server.root.remove("/etc/x", Digest::of(b"etc/x"));
    assert!(matches!(gone, Err(ReplaceError::Missing { .. })));
    let none = server.root.remove("/none/x", Digest::of(b""));
    assert!(matches!(none, Err(ReplaceError::Missing { .. })));
}

#[test]
fn a_staged_file_is_there_for_a_while_and_what_a_killed_run_left_is_removed() {
    let server = server(&["etc/x"]);
    let beside = server.at(&format!("etc/.x{LEFTOVER_SUFFIX}"));
    let staged = server.root.stage("/etc/x", b"staged").expect("staged");
    assert_eq!(fs::read(&beside).expect("there"), b"staged");
    assert_eq!(fs::metadata(&beside).expect("there").mode() & 0o7777, 0o600);
    drop(staged);
    assert!(!beside.exists());
    fs::write(&beside, "left").expect("written");
    assert_eq!(server.root.remove_leftover("/etc/x"), Ok(true));
    assert_eq!(server.root.remove_leftover("/etc/x"), Ok(false));
    assert_eq!(server.root.remove_leftover("/none/x"), Ok(false));
    assert!(matches!(server.root.stage("/none/x", b""), Err(FsError::NotFound { .. })));
}

#[test]
fn a_file_is_staged_beside_the_link_that_leads_to_it() {
    let server = server(&["etc/nginx/x", "srv/real.conf"]);
    server.link("/srv/real.conf", "etc/nginx/nginx.conf");
    let beside = server.at(&format!("etc/nginx/.nginx.conf{LEFTOVER_SUFFIX}"));
    let staged = server.root.stage("/etc/nginx/nginx.conf", b"staged").expect("staged");
    assert_eq!(fs::read(&beside).expect("there"), b"staged");
    drop(staged);
    for left in [&beside, &server.at(&format!("srv/.real.conf{LEFTOVER_SUFFIX}"))] {
        fs::write(left, "left").expect("written");
        assert_eq!(server.root.remove_leftover("/etc/nginx/nginx.conf"), Ok(true));
        assert!(!left.exists());
    }
    assert_eq!(server.text("/etc/nginx/nginx.conf"), Ok(Some("srv/real.conf".to_owned())));
}

#[test]
fn a_glob_is_in_the_order_of_bytes_and_leaves_hidden_names_out() {
    let server = server(&[
        "c/b.conf",
        "c/B.conf",
        "c/a.conf",
        "c/.h.conf",
        "c/a.conf~",
        "c/d/x.conf",
        "c-/y.conf",
    ]);
    server.link("a.conf", "c/l.conf");
    server.link("nowhere", "c/m.conf");
    server.link("d", "c/e");
    let glob = |pattern| server.glob(pattern).expect("found");
    let all = ["/c/B.conf", "/c/a.conf", "/c/b.conf", "/c/l.conf", "/c/m.conf"];
    assert_eq!(glob("/c/*.conf"), all);
    assert_eq!(glob("/c/*/*.conf"), ["/c/d/x.conf", "/c/e/x.conf"]);
    assert_eq!(glob("/*/?.conf"), [&["/c-/y.conf"], &all[..]].concat());
    assert_eq!(glob("/c/.*.conf"), ["/c/.h.conf"]);
    assert_eq!(glob("/c/[!a].conf"), ["/c/B.conf", "/c/b.conf", "/c/l.conf", "/c/m.conf"]);
    assert_eq!(glob("/c/a.conf"), ["/c/a.conf"]);
    for none in ["/c/z*", "/none/*", "/c/none", "/c/a.conf/*", "/*/a.conf/x/y"] {
        assert_eq!(glob(none), [""; 0], "{none}");
    }
    assert!(matches!(server.glob("c/*"), Err(FsError::BadName { .. })));
}

#[test]
fn a_glob_of_more_files_than_a_server_has_is_told() {
    let server = server(&["c/x"]);
    for at in 0..4_100 {
        fs::write(server.at(&format!("c/{at}.conf")), "").expect("written");
    }
    assert!(matches!(server.glob("/c/*.conf"), Err(FsError::TooMany { max: 4_096, .. })));
    assert_eq!(server.glob("/c/1*.conf").map(|found| found.len()), Ok(1_111));
}

#[test]
fn a_program_that_others_may_write_is_not_trusted() {
    let server = server(&["bin/nginx", "open/nginx"]);
    server.mode("bin/nginx", 0o755);
    server.mode("open", 0o777);
    assert_eq!(server.root.require_guarded("/bin/nginx"), Ok(()));
    let exposed = |path: &str| FsError::Exposed { path: server.at(path) };
    assert_eq!(server.root.require_guarded("/open/nginx"), Err(exposed("open")));
    server.mode("bin/nginx", 0o775);
    assert_eq!(server.root.require_guarded("/bin/nginx"), Err(exposed("bin/nginx")));
    let none = server.root.require_guarded("/bin/none");
    assert!(matches!(none, Err(FsError::Io { .. } | FsError::NotFound { .. })));
}
