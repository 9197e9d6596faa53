//! The files of a Unix server: links are followed as the server follows them, and lead nowhere
//! else.
#![cfg(unix)] // the files of Unix servers
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use stopgap_fs::{FsError, LEFTOVER_SUFFIX, Reached, ReplaceError, UnixRoot, Writers};
use stopgap_model::Digest;
use stopgap_testkit::Tree;

/// The number of a user who is not root.
const CUSTOMER: u32 = 4711;

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
        let real = PathBuf::from("/etc/real/a.conf");
        assert_eq!(server.root.real_path(path), Ok(Some(real.clone())), "{path}");
        let reached = server.root.reach(path, 99).expect("followed").expect("a file");
        let bytes = Ok(Some(b"etc/real/a.conf".to_vec()));
        assert_eq!((reached.real, reached.bytes), (real, bytes), "{path}");
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
    let reached = |path| server.root.reach(path, 99);
    let new = Reached { real: "/etc/real/new".into(), bytes: Ok(None), writers: None };
    assert_eq!(reached("/etc/linked/new"), Ok(Some(new)));
    assert_eq!(reached("/etc/none/new"), Ok(None));
    let folder = reached("/etc/linked").expect("followed").expect("a folder");
    assert!(matches!(folder.bytes, Err(FsError::NotAFile { .. })), "{folder:?}");
    assert_eq!(folder.real, PathBuf::from("/etc/real"));
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

/// Gives something to another user, the link itself if it is one; `false`, with a line that says
/// so, where only root could.
fn give(server: &Server, path: &str, uid: u32) -> bool {
    if lchown(server.at(path), Some(uid), Some(uid)).is_err() {
        println!("skipped: only root can give files to other users");
        return false;
    }
    true
}

#[test]
fn a_customers_link_to_a_file_of_roots_is_not_followed() {
    let server = server(&["root/private", "home/own", "etc/x"]);
    server.mode("root/private", 0o600);
    server.link("/root/private", "home/absolute");
    server.link("../root/private", "home/relative");
    server.link("/root", "home/folder");
    server.link("absolute", "home/twice");
    server.link("/root/none", "home/none");
    for path in ["home", "home/own", "home/absolute", "home/relative", "home/folder", "home/none"] {
        if !give(&server, path, CUSTOMER) {
            return;
        }
    }
    let _ = give(&server, "home/twice", CUSTOMER);
    for (path, link) in [
        ("/home/absolute", "home/absolute"),
        ("/home/relative", "home/relative"),
        ("/home/twice", "home/absolute"),
        ("/home/folder/private", "home/folder"),
        ("/home/folder/none", "home/folder"),
        ("/home/none", "home/none"),
    ] {
        let foreign = FsError::ForeignLink { path: server.at(link), owner: CUSTOMER, other: 0 };
        assert_eq!(server.text(path), Err(foreign.clone()), "{path}");
        assert_eq!(server.root.real_path(path), Err(foreign.clone()), "{path}");
        assert_eq!(server.root.reach(path, 99), Err(foreign.clone()), "{path}");
        let old = Digest::of(b"root/private");
        let refused = Err(ReplaceError::Fs(foreign));
        assert_eq!(server.root.replace(path, old, b"new"), refused, "{path}");
        assert_eq!(server.root.remove(path, old), refused, "{path}");
        assert_eq!(server.root.create(path, b"new"), refused, "{path}");
    }
    // It hides nothing that others have, and is named.
    let names = |pattern| server.glob(pattern).expect("found");
    assert_eq!(names("/home/folder/*"), ["/home/folder"]);
    assert_eq!(names("/*/private"), ["/root/private"]);
    assert_eq!(names("/home/*/private"), ["/home/folder/private"]);
    let staged = server.root.stage("/home/folder/x", b"staged", None);
    assert!(matches!(staged, Err(FsError::ForeignLink { .. })));
    fs::write(server.at(&format!("root/.x{LEFTOVER_SUFFIX}")), "left").expect("written");
    let left = server.root.remove_leftover("/home/folder/x");
    assert!(matches!(left, Err(FsError::ForeignLink { .. })));
    assert_eq!(server.text("/root/private"), Ok(Some("root/private".to_owned())));
    assert_eq!(fs::read_dir(server.at("root")).expect("read").count(), 2);
}

#[test]
fn a_customers_own_link_to_his_own_file_is_followed_wherever_it_is() {
    let server = server(&["home/app/own", "tmp/x", "etc/x"]);
    server.link("app/own", "home/own");
    server.link("/home/app", "tmp/app");
    server.link("/home/own", "etc/enabled");
    for path in ["home/app", "home/app/own", "home/own", "tmp/app"] {
        if !give(&server, path, CUSTOMER) {
            return;
        }
    }
    server.mode("home", 0o2775);
    server.mode("tmp", 0o1777);
    for path in ["/home/own", "/tmp/app/own", "/etc/enabled"] {
        assert_eq!(server.text(path), Ok(Some("home/app/own".to_owned())), "{path}");
    }
    let old = Digest::of(b"home/app/own");
    assert_eq!(server.root.replace("/etc/enabled", old, b"new"), Ok(()));
    let facts = fs::metadata(server.at("home/app/own")).expect("there");
    assert_eq!((facts.uid(), facts.len()), (CUSTOMER, 3));
}

#[test]
fn a_link_of_roots_that_somebody_moved_or_named_anew_is_not_followed() {
    let server = server(&["etc/secret", "home/deep/own", "home/own"]);
    // Root laid them where they led to what is in the same folder; the owner of the folder above
    // them moved one, and gave another one a second name.
    server.link("../etc/secret", "home/moved");
    server.link("/etc/secret", "home/deep/named");
    fs::hard_link(server.at("home/deep/named"), server.at("home/named")).expect("linked");
    server.link("own", "home/plain");
    server.link("/etc/secret", "home/absolute");
    for path in ["home", "home/own", "home/deep"] {
        if !give(&server, path, CUSTOMER) {
            return;
        }
    }
    for path in ["home/moved", "home/named"] {
        let foreign = FsError::ForeignLink { path: server.at(path), owner: 0, other: 0 };
        assert_eq!(server.text(&format!("/{path}")), Err(foreign), "{path}");
    }
    assert_eq!(server.text("/home/plain"), Ok(Some("home/own".to_owned())));
    assert_eq!(server.text("/home/absolute"), Ok(Some("etc/secret".to_owned())));
}

#[test]
fn a_link_that_is_exchanged_all_the_time_never_leads_to_the_file_of_another() {
    let server = server(&["etc/secret", "home/own"]);
    server.mode("etc/secret", 0o600);
    server.link("/etc/secret", "home/evil");
    server.link("own", "home/link");
    for path in ["home", "home/own", "home/evil", "home/link"] {
        if !give(&server, path, CUSTOMER) {
            return;
        }
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (evil, good) = (server.at("home/evil"), server.at("home/link"));
            let (aside, file) = (server.at("home/aside"), server.at("home/own"));
            while !done.load(Ordering::Relaxed) {
                for (one, other) in [(&evil, &good), (&evil, &file)] {
                    fs::rename(other, &aside).expect("his folder");
                    fs::rename(one, other).expect("his folder");
                    fs::rename(other, one).expect("his folder");
                    fs::rename(&aside, other).expect("his folder");
                }
            }
        });
        for _ in 0..1_000 {
            let read = server.text("/home/link");
            assert_ne!(read.ok().flatten().as_deref(), Some("etc/secret"));
            let old = Digest::of(b"etc/secret");
            assert!(server.root.replace("/home/link", old, b"stolen").is_err());
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(server.text("/etc/secret"), Ok(Some("etc/secret".to_owned())));
}

#[test]
fn a_device_and_a_pipe_are_not_opened() {
    let server = server(&["etc/x"]);
    let pipe = server.at("etc/pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o666), 0).expect("made");
    let read = server.text("/etc/pipe");
    assert_eq!(read, Err(FsError::NotAFile { path: pipe }));
    if UnixRoot::open(Path::new("/")).expect("opened").read("/dev/null", 10).is_ok() {
        panic!("a device was read");
    }
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
    let staged = server.root.stage("/etc/x", b"staged", None).expect("staged");
    assert_eq!(fs::read(&beside).expect("there"), b"staged");
    assert_eq!(fs::metadata(&beside).expect("there").mode() & 0o7777, 0o600);
    drop(staged);
    assert!(!beside.exists());
    if let Ok(staged) = server.root.stage("/etc/x", b"staged", Some((CUSTOMER, CUSTOMER))) {
        let facts = fs::metadata(&beside).expect("there");
        assert_eq!((facts.uid(), facts.gid(), facts.mode() & 0o7777), (CUSTOMER, CUSTOMER, 0o600));
        drop(staged);
    }
    fs::write(&beside, "left").expect("written");
    assert_eq!(server.root.remove_leftover("/etc/x"), Ok(true));
    assert_eq!(server.root.remove_leftover("/etc/x"), Ok(false));
    assert_eq!(server.root.remove_leftover("/none/x"), Ok(false));
    assert!(matches!(server.root.stage("/none/x", b"", None), Err(FsError::NotFound { .. })));
}

#[test]
fn a_file_is_staged_beside_the_link_that_leads_to_it() {
    let server = server(&["etc/nginx/x", "srv/real.conf"]);
    server.link("/srv/real.conf", "etc/nginx/nginx.conf");
    let beside = server.at(&format!("etc/nginx/.nginx.conf{LEFTOVER_SUFFIX}"));
    let staged = server.root.stage("/etc/nginx/nginx.conf", b"staged", None).expect("staged");
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
    for at in 0..20_001 {
        fs::write(server.at(&format!("c/{at}.conf")), "").expect("written");
    }
    assert!(matches!(server.glob("/c/*.conf"), Err(FsError::TooMany { max: 20_000, .. })));
    assert_eq!(server.glob("/c/1*.conf").map(|found| found.len()), Ok(11_111));
}

#[test]
fn a_program_that_others_may_write_is_not_trusted() {
    let server = server(&["bin/nginx", "open/deep/nginx", "sticky/nginx", "sticky/own/nginx"]);
    server.mode("bin/nginx", 0o755);
    server.mode("open", 0o775);
    server.mode("sticky", 0o1777);
    let trusted = |path: &str| server.root.require_guarded(path);
    let exposed = |path: &str| Err(FsError::Exposed { path: server.at(path) });
    for path in ["/bin/nginx", "/bin", "/sticky/nginx", "/sticky/own/nginx"] {
        assert_eq!(trusted(path), Ok(()), "{path}");
    }
    assert_eq!(server.root.read_guarded("/bin/nginx", 99), Ok(Some(b"bin/nginx".to_vec())));
    let read = server.root.read_guarded("/open/deep/nginx", 99);
    assert_eq!(read, Err(FsError::Exposed { path: server.at("open") }));
    // Whoever may write a folder far above exchanges the one below it.
    assert_eq!(trusted("/open/deep/nginx"), exposed("open"));
    // Something else can be put into a sticky folder, beside what is there.
    assert_eq!(trusted("/sticky"), exposed("sticky"));
    server.link("/bin/nginx", "open/linked");
    server.link("/open/linked", "bin/linked");
    assert_eq!(trusted("/bin/linked"), exposed("open"));
    server.mode("bin/nginx", 0o775);
    assert_eq!(trusted("/bin/nginx"), exposed("bin/nginx"));
    assert!(matches!(trusted("/bin/none"), Err(FsError::NotFound { .. })));
    if give(&server, "sticky/own", CUSTOMER) {
        assert_eq!(trusted("/sticky/own/nginx"), exposed("sticky/own"));
        let reached = |path: &str| server.root.reach(path, 99).expect("followed");
        let writers = |path: &str| reached(path).and_then(|reached| reached.writers);
        assert_eq!(writers("/sticky/own/nginx"), Some((Writers::User(CUSTOMER), 0)));
        assert_eq!(writers("/sticky/nginx"), Some((Writers::Root, 0)));
        assert_eq!(writers("/open/deep/nginx"), Some((Writers::Several, 0)));
        assert_eq!(writers("/open/none"), None);
        // A group that is his alone is he.
        server.mode("sticky/own", 0o2775);
        assert_eq!(writers("/sticky/own/nginx"), Some((Writers::User(CUSTOMER), 0)));
        server.mode("sticky/own", 0o777);
        assert_eq!(writers("/sticky/own/nginx"), Some((Writers::Several, 0)));
    }
}
