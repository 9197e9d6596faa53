//! A file is replaced wholly or not at all, and only while it is the expected one.
#![cfg(unix)] // the same of Windows is in windows_*.rs
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FlockOperation, XattrFlags, getxattr, setxattr};
use stopgap_fs::{FsError, LEFTOVER_SUFFIX, ReplaceError, Root};
use stopgap_model::Digest;
use stopgap_testkit::Tree;

const PARTS: [&str; 2] = ["c", "WEB.config"];
const OLD: &[u8] = b"old content";
const NEW: &[u8] = b"new content, longer";

struct Server {
    tree: Tree,
    root: Root,
    file: PathBuf,
}

fn server() -> Server {
    let tree = Tree::empty();
    let file = tree.root().join("C/web.config");
    fs::create_dir_all(tree.root().join("C")).expect("created");
    fs::write(&file, OLD).expect("written");
    let root = Root::open(&tree.root()).expect("opened");
    Server { tree, root, file }
}

impl Server {
    fn replace(&self) -> Result<(), ReplaceError> {
        self.root.replace(&PARTS, Digest::of(OLD), NEW)
    }

    fn leftover(&self) -> PathBuf {
        let name = self.file.file_name().expect("a file").to_string_lossy();
        self.file.with_file_name(format!(".{name}{LEFTOVER_SUFFIX}"))
    }

    /// Nothing changed, and nothing lies about.
    fn is_untouched(&self) -> bool {
        let files = self.tree.snapshot();
        files.len() == 1 && files.get("C/web.config").is_some_and(|bytes| bytes == OLD)
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn a_file_is_replaced_under_the_name_it_has_on_the_disk() {
    let server = server();
    assert_eq!(server.replace(), Ok(()));
    let files = server.tree.snapshot();
    assert_eq!(files.into_iter().collect::<Vec<_>>(), [("C/web.config".to_owned(), NEW.to_vec())]);
}

#[test]
fn permissions_owner_and_attributes_are_carried_over() {
    let server = server();
    fs::set_permissions(&server.file, Permissions::from_mode(0o640)).expect("set");
    if is_root() {
        std::os::unix::fs::chown(&server.file, Some(12), Some(34)).expect("owner set");
    }
    let attributes = setxattr(&server.file, "user.note", b"kept", XattrFlags::empty());
    if attributes.is_err() {
        println!("skipped: extended attributes, the temporary folder has none");
    }
    let before = fs::metadata(&server.file).expect("there");
    assert_eq!(server.replace(), Ok(()));
    let after = fs::metadata(&server.file).expect("there");
    assert_ne!(before.ino(), after.ino());
    let facts = |of: &fs::Metadata| (of.mode(), of.uid(), of.gid());
    assert_eq!(facts(&before), facts(&after));
    if attributes.is_ok() {
        let mut value = [0_u8; 16];
        let length = getxattr(&server.file, "user.note", &mut value[..]).expect("an attribute");
        assert_eq!(&value[..length], b"kept");
    }
}

#[test]
fn a_file_that_was_changed_is_left_alone_and_what_it_is_now_is_told() {
    let server = server();
    let result = server.root.replace(&PARTS, Digest::of(b"something else"), NEW);
    let changed = ReplaceError::Changed { path: server.file.clone(), found: Digest::of(OLD) };
    assert_eq!(result, Err(changed));
    assert!(server.is_untouched());
}

#[test]
fn a_file_that_another_process_has_locked_is_left_alone() {
    let server = server();
    let other = File::open(&server.file).expect("opened");
    for lock in [FlockOperation::NonBlockingLockExclusive, FlockOperation::NonBlockingLockShared] {
        rustix::fs::flock(&other, lock).expect("locked");
        assert_eq!(server.replace(), Err(ReplaceError::InUse { path: server.file.clone() }));
        assert!(server.is_untouched());
    }
    drop(other);
    assert_eq!(server.replace(), Ok(()));
}

/// A process of this user that holds a lock on the file, which it got already opened.
fn locked_by(user: u32, file: &File) -> Child {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "flock --nonblock 0 && echo locked && exec sleep 1000"]).uid(user);
    command.stdin(file.try_clone().expect("again")).stdout(Stdio::piped());
    let mut child = command.spawn().expect("a shell");
    let mut said = [0; 6];
    let out = child.stdout.as_mut().expect("piped");
    out.read_exact(&mut said).expect("it is locked");
    child
}

#[test]
fn a_lock_of_a_user_who_may_only_read_the_file_keeps_nobody_from_replacing_it() {
    if !is_root() {
        println!("skipped: only root can be another user");
        return;
    }
    for (user, owner, counts) in [(4711, 0, false), (4711, 4711, true), (0, 0, true)] {
        let server = server();
        std::os::unix::fs::chown(&server.file, Some(owner), None).expect("owner set");
        let file = File::open(&server.file).expect("opened");
        let mut holder = locked_by(user, &file);
        drop(file);
        let result = server.replace();
        holder.kill().expect("ended");
        holder.wait().expect("waited for");
        let in_use = Err(ReplaceError::InUse { path: server.file.clone() });
        let expected = if counts { in_use } else { Ok(()) };
        assert_eq!(result, expected, "{user} locks a file of {owner}");
    }
}

#[test]
fn a_read_only_file_is_left_alone_even_by_root() {
    let server = server();
    fs::set_permissions(&server.file, Permissions::from_mode(0o444)).expect("set");
    assert_eq!(server.replace(), Err(ReplaceError::ReadOnly { path: server.file.clone() }));
    assert!(server.is_untouched());
}

#[test]
fn a_file_with_a_second_name_is_left_alone() {
    let server = server();
    fs::hard_link(&server.file, server.tree.root().join("second")).expect("linked");
    assert_eq!(server.replace(), Err(ReplaceError::HardLinked { path: server.file.clone() }));
    assert_eq!(fs::read(&server.file).expect("there"), OLD);
}

#[test]
fn a_file_that_is_gone_is_missing() {
    let server = server();
    fs::remove_file(&server.file).expect("removed");
    assert!(matches!(server.replace(), Err(ReplaceError::Missing { .. })));
    fs::remove_dir(server.tree.root().join("C")).expect("removed");
    assert!(matches!(server.replace(), Err(ReplaceError::Missing { .. })));
}

#[test]
fn a_link_in_place_of_the_file_is_not_written_through() {
    let server = server();
    let elsewhere = server.tree.root().join("elsewhere");
    fs::rename(&server.file, &elsewhere).expect("renamed");
    symlink(&elsewhere, &server.file).expect("linked");
    let link = FsError::Link { path: server.file.clone() };
    assert_eq!(server.replace(), Err(ReplaceError::Fs(link)));
    assert_eq!(fs::read(&elsewhere).expect("there"), OLD);
}

#[test]
fn what_a_killed_replacement_left_is_written_over() {
    let server = server();
    fs::write(server.leftover(), b"half a fi").expect("written");
    assert_eq!(server.replace(), Ok(()));
    assert_eq!(server.tree.snapshot().len(), 1);
}

#[test]
fn a_link_planted_under_the_new_files_name_is_not_followed() {
    let server = server();
    let victim = server.tree.state();
    fs::write(&victim, b"victim").expect("written");
    symlink(&victim, server.leftover()).expect("linked");
    assert_eq!(server.replace(), Ok(()));
    assert_eq!(fs::read(&victim).expect("there"), b"victim");
    assert!(fs::symlink_metadata(&server.file).expect("there").is_file());
}

#[test]
fn a_new_file_that_cannot_be_written_leaves_the_old_one() {
    let server = server();
    fs::create_dir(server.leftover()).expect("created");
    assert!(matches!(server.replace(), Err(ReplaceError::Fs(FsError::Io { .. }))));
    assert_eq!(fs::read(&server.file).expect("there"), OLD);
}

#[test]
fn what_a_killed_replacement_left_is_removed_also_without_the_file() {
    let server = server();
    assert_eq!(server.root.remove_leftover(&PARTS), Ok(false));
    fs::write(server.leftover(), b"half").expect("written");
    assert_eq!(server.root.remove_leftover(&PARTS), Ok(true));
    assert!(server.is_untouched());
    fs::write(server.leftover(), b"half").expect("written");
    fs::remove_file(&server.file).expect("removed");
    assert_eq!(server.root.remove_leftover(&PARTS), Ok(true));
    assert_eq!(server.tree.snapshot().len(), 0);
    assert_eq!(server.root.remove_leftover(&["D", "nothing", "here"]), Ok(false));
}

#[test]
fn whoever_reads_meanwhile_sees_the_old_or_the_new_file_never_a_part() {
    let server = server();
    let (first, second) = (vec![b'1'; 100_000], vec![b'2'; 150_000]);
    fs::write(&server.file, &first).expect("written");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let seen = fs::read(&server.file).expect("always there");
                assert!(seen == first || seen == second, "{} bytes", seen.len());
            }
        });
        for _ in 0..20 {
            for (from, to) in [(&first, &second), (&second, &first)] {
                assert_eq!(server.root.replace(&PARTS, Digest::of(from), to), Ok(()));
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}
