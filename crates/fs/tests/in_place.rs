//! Files over which no other one can be renamed: what is written itself, what is left alone, and why.
#![cfg(unix)] // the files of Unix servers
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use stopgap_fs::{ReplaceError, ReplaceMethod, UnixRoot};
use stopgap_model::Digest;
use stopgap_testkit::Tree;

const OLD: &[u8] = b"old content";
const NEW: &[u8] = b"new content, longer";
/// The number of a user who is not root.
const CUSTOMER: u32 = 4711;

struct Server {
    tree: Tree,
    root: UnixRoot,
}

fn server() -> Server {
    let tree = Tree::empty();
    fs::create_dir_all(tree.root().join("conf")).expect("created");
    fs::write(tree.root().join("conf/a"), OLD).expect("written");
    fs::write(tree.root().join("elsewhere"), OLD).expect("written");
    let root = UnixRoot::open(&tree.root()).expect("opened");
    Server { tree, root }
}

impl Server {
    fn at(&self, path: &str) -> PathBuf {
        self.tree.root().join(path)
    }

    fn replace(&self) -> Result<(), ReplaceError> {
        self.root.replace("/conf/a", Digest::of(OLD), NEW)
    }

    /// It is told without trying, and a try comes to the same and changes nothing.
    #[track_caller]
    fn is_left_alone(&self, why: &ReplaceError) {
        assert_eq!(self.root.replace_method("/conf/a").as_ref(), Err(why));
        assert_eq!(self.replace().as_ref(), Err(why));
        assert_eq!(fs::read(self.at("conf/a")).expect("read"), OLD);
        assert_eq!(fs::read_dir(self.at("conf")).expect("listed").count(), 1);
    }
}

/// A mount that is there until this is dropped.
struct Mount(PathBuf);

impl Mount {
    fn bind(from: &Path, to: &Path) -> Option<Self> {
        let done = Command::new("mount").arg("--bind").args([from, to]).output();
        if done.is_ok_and(|output| output.status.success()) {
            return Some(Self(to.to_owned()));
        }
        println!("skipped: nothing can be mounted here");
        None
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: only root can set this up");
    }
    root
}

#[test]
fn a_file_that_is_a_bind_mount_is_written_itself_where_only_root_can_write() {
    let server = server();
    let Some(_mount) = Mount::bind(&server.at("elsewhere"), &server.at("conf/a")) else { return };
    assert_eq!(server.root.replace_method("/conf/a"), Ok(ReplaceMethod::InPlace));
    let before = fs::metadata(server.at("conf/a")).expect("read");
    assert_eq!(server.replace(), Ok(()));
    assert_eq!(fs::read(server.at("elsewhere")).expect("read"), NEW, "what is mounted there");
    let after = fs::metadata(server.at("conf/a")).expect("read");
    assert_eq!((before.ino(), before.mode()), (after.ino(), after.mode()));
    // And back to what is shorter.
    assert_eq!(server.root.replace("/conf/a", Digest::of(NEW), OLD), Ok(()));
    assert_eq!(fs::read(server.at("elsewhere")).expect("read"), OLD);
    // Not over what somebody else wrote.
    fs::write(server.at("elsewhere"), "somebody's").expect("written");
    let found = Digest::of(b"somebody's");
    let path = server.at("conf/a");
    assert_eq!(server.replace(), Err(ReplaceError::Changed { path, found }));
    assert_eq!(fs::read(server.at("elsewhere")).expect("read"), b"somebody's");
}

#[test]
fn a_bind_mount_that_others_may_write_is_left_alone() {
    if !is_root() {
        return;
    }
    for exposed in ["conf", "elsewhere"] {
        let server = server();
        let Some(_mount) = Mount::bind(&server.at("elsewhere"), &server.at("conf/a")) else {
            return;
        };
        chown(server.at(exposed), Some(CUSTOMER), Some(CUSTOMER)).expect("given away");
        server.is_left_alone(&ReplaceError::Mounted { path: server.at("conf/a") });
    }
}

#[test]
fn the_immutable_attribute_is_never_lifted() {
    let kept =
        [("conf/a", IFlags::IMMUTABLE), ("conf/a", IFlags::APPEND), ("conf", IFlags::IMMUTABLE)];
    for (path, flag) in kept {
        let server = server();
        let file = File::open(server.at(path)).expect("opened");
        let plain = ioctl_getflags(&file).unwrap_or(IFlags::empty());
        if ioctl_setflags(&file, plain | flag).is_err() {
            println!("skipped: the file system knows no such attribute, or this is not root");
            return;
        }
        server.is_left_alone(&ReplaceError::Immutable { path: server.at("conf/a") });
        assert!(ioctl_getflags(&file).expect("read").contains(flag), "it was lifted from {path}");
        ioctl_setflags(&file, plain).expect("lifted by the test");
        assert_eq!(server.replace(), Ok(()));
    }
}

#[test]
fn a_second_name_is_neither_parted_from_the_first_nor_written_with_it() {
    let server = server();
    fs::hard_link(server.at("conf/a"), server.at("second")).expect("linked");
    server.is_left_alone(&ReplaceError::HardLinked { path: server.at("conf/a") });
}

#[test]
fn a_file_without_write_permission_is_changed_where_only_root_may_write_and_keeps_it() {
    let server = server();
    fs::set_permissions(server.at("conf/a"), Permissions::from_mode(0o444)).expect("set");
    assert_eq!(server.replace(), Ok(()));
    let facts = fs::metadata(server.at("conf/a")).expect("read");
    assert_eq!(facts.mode() & 0o7777, 0o444);
}

#[test]
fn a_file_of_a_customer_without_write_permission_is_left_alone() {
    if !is_root() {
        return;
    }
    let server = server();
    chown(server.at("conf/a"), Some(CUSTOMER), Some(CUSTOMER)).expect("given away");
    fs::set_permissions(server.at("conf/a"), Permissions::from_mode(0o444)).expect("set");
    server.is_left_alone(&ReplaceError::ReadOnly { path: server.at("conf/a") });
}

#[test]
fn a_file_that_somebody_holds_locked_is_left_alone() {
    let server = server();
    let file = File::open(server.at("conf/a")).expect("opened");
    file.lock().expect("locked");
    server.is_left_alone(&ReplaceError::InUse { path: server.at("conf/a") });
    drop(file);
    assert_eq!(server.root.replace_method("/conf/a"), Ok(ReplaceMethod::Rename));
    // To ask how leaves no lock behind.
    let file = File::open(server.at("conf/a")).expect("opened");
    assert!(file.try_lock().is_ok());
}
