//! On Windows a file is replaced wholly or not at all, with all that belongs to it, and only while it is
//! the expected one.
#![cfg(windows)]
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::fs::{self, File, OpenOptions};
use std::os::windows::fs::{FileTimesExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use stopgap_fs::{FsError, LEFTOVER_SUFFIX, ReplaceError, Root};
use stopgap_model::Digest;
use stopgap_testkit::Tree;
use stopgap_win32::Descriptor;

const PARTS: [&str; 2] = ["C", "WEB.config"];
const OLD: &[u8] = b"old content";
const NEW: &[u8] = b"new content, longer";

const HIDDEN: u32 = 0x2;
const READ: u32 = 0x8000_0000;
/// To look at the descriptor, and to change its access list.
const ACCESS_LIST: u32 = 0x0002_0000 | 0x0004_0000;

struct Server {
    tree: Tree,
    root: Root,
    file: PathBuf,
}

fn server() -> Server {
    let tree = Tree::empty();
    let file = tree.root().join(r"C\web.config");
    fs::create_dir_all(tree.root().join("C")).expect("created");
    fs::write(&file, OLD).expect("written");
    let root = Root::open(&tree.root()).expect("opened");
    Server { tree, root, file }
}

impl Server {
    fn replace(&self) -> Result<(), ReplaceError> {
        self.root.replace(&PARTS, Digest::of(OLD), NEW)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        self.file.with_file_name(format!(".web.config{suffix}"))
    }

    /// Nothing changed, and nothing lies about.
    fn is_untouched(&self) -> bool {
        let files = self.tree.snapshot();
        files.len() == 1 && files.get("C/web.config").is_some_and(|bytes| bytes == OLD)
    }

    fn opened(&self, access: u32, share: u32) -> File {
        let opened = OpenOptions::new().access_mode(access).share_mode(share).open(&self.file);
        opened.expect("opened")
    }

    fn descriptor(&self) -> String {
        let file = self.opened(READ | ACCESS_LIST, 7);
        Descriptor::of(&file).and_then(|it| it.text()).expect("a descriptor")
    }
}

fn in_use_by_another(result: &Result<(), ReplaceError>) -> bool {
    matches!(result, Err(ReplaceError::Fs(FsError::InUse { by, .. })) if !by.is_empty())
}

#[test]
fn a_file_is_replaced_under_the_name_it_has_on_the_disk() {
    let server = server();
    assert_eq!(server.replace(), Ok(()));
    let files = server.tree.snapshot();
    assert_eq!(files.into_iter().collect::<Vec<_>>(), [("C/web.config".to_owned(), NEW.to_vec())]);
}

#[test]
fn the_access_list_is_carried_over() {
    let server = server();
    for list in ["D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)", "D:P(A;;FA;;;SY)(A;;FA;;;BA)"] {
        fs::write(&server.file, OLD).expect("written");
        let given = Descriptor::from_text(list).expect("a descriptor");
        given.give_to(&server.opened(READ | ACCESS_LIST, 7), false).expect("given");
        let before = server.descriptor();
        assert_eq!(server.replace(), Ok(()));
        assert_eq!(server.descriptor(), before, "{list}");
    }
}

#[test]
fn attributes_and_the_time_when_it_was_made_are_carried_over() {
    let server = server();
    fs::remove_file(&server.file).expect("removed");
    let hidden =
        OpenOptions::new().write(true).create_new(true).attributes(HIDDEN).open(&server.file);
    let hidden = hidden.expect("made");
    std::io::Write::write_all(&mut &hidden, OLD).expect("written");
    let made = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    hidden.set_times(fs::FileTimes::new().set_created(made)).expect("set");
    drop(hidden);
    let before = fs::metadata(&server.file).expect("there");
    if before.file_attributes() & HIDDEN == 0 {
        println!("skipped: hidden files, this disk has none");
    }
    if before.created().ok() != Some(made) {
        println!("skipped: the time when a file was made, this disk does not keep it");
    }
    assert_eq!(server.replace(), Ok(()));
    let after = fs::metadata(&server.file).expect("there");
    assert_eq!(after.file_attributes() & HIDDEN, before.file_attributes() & HIDDEN);
    if before.created().ok() == Some(made) {
        assert_eq!(after.created().ok(), Some(made));
    }
}

#[test]
fn alternate_streams_are_carried_over() {
    let server = server();
    let mut stream = server.file.clone().into_os_string();
    stream.push(":note");
    let is_written = fs::write(&stream, b"kept").is_ok();
    if !is_written || stopgap_win32::streams(&server.file).is_ok_and(|found| found.is_empty()) {
        println!("skipped: alternate streams, this disk has none");
        return;
    }
    assert_eq!(server.replace(), Ok(()));
    assert_eq!(fs::read(&stream).expect("it is there"), b"kept");
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
fn a_file_that_an_editor_holds_open_is_left_alone() {
    for (access, share) in [(READ, 0), (0xc000_0000, 1), (0xc000_0000, 3)] {
        let server = server();
        let held = server.opened(access, share);
        let result = server.replace();
        assert!(in_use_by_another(&result), "{access:x}, {share}: {result:?}");
        drop(held);
        assert!(server.is_untouched());
        assert_eq!(server.replace(), Ok(()));
    }
}

#[test]
fn a_file_that_is_let_go_in_time_is_replaced() {
    let server = server();
    let held = server.opened(READ, 0);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            drop(held);
        });
        assert_eq!(server.replace(), Ok(()));
    });
    assert_eq!(fs::read(&server.file).expect("there"), NEW);
}

#[test]
fn a_file_that_is_held_for_reading_is_waited_for_when_it_is_read() {
    let server = server();
    let held = server.opened(READ, 0);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            drop(held);
        });
        assert_eq!(server.root.read(&PARTS, 100), Ok(Some(OLD.to_vec())));
    });
    let _held = server.opened(READ, 0);
    let refused = server.root.read(&PARTS, 100);
    assert!(matches!(refused, Err(FsError::InUse { .. })), "{refused:?}");
}

#[test]
fn a_read_only_file_is_left_alone() {
    let server = server();
    let mut permissions = fs::metadata(&server.file).expect("there").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&server.file, permissions.clone()).expect("set");
    assert_eq!(server.replace(), Err(ReplaceError::ReadOnly { path: server.file.clone() }));
    assert!(server.is_untouched());
    #[allow(clippy::permissions_set_readonly_false, reason = "there is nobody else on Windows")]
    permissions.set_readonly(false);
    fs::set_permissions(&server.file, permissions).expect("set");
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
fn what_a_killed_replacement_left_is_written_over_and_removed() {
    let server = server();
    assert_eq!(server.root.remove_leftover(&PARTS), Ok(false));
    fs::write(server.beside(LEFTOVER_SUFFIX), b"half a fi").expect("written");
    assert_eq!(server.root.remove_leftover(&PARTS), Ok(true));
    assert!(server.is_untouched());
    fs::write(server.beside(LEFTOVER_SUFFIX), b"half a fi").expect("written");
    assert_eq!(server.replace(), Ok(()));
    assert_eq!(server.tree.snapshot().len(), 1);
}

#[test]
fn an_old_file_that_lost_its_name_to_no_other_gets_it_back() {
    let server = server();
    // So a crash between the two steps of `ReplaceFileW` leaves it.
    fs::rename(&server.file, server.beside(".stopgap-old")).expect("renamed");
    fs::write(server.beside(LEFTOVER_SUFFIX), NEW).expect("written");
    let parts = ["C", "web.config"];
    assert_eq!(server.root.remove_leftover(&parts), Ok(true));
    assert!(server.is_untouched());
    // And so one behind them.
    fs::write(server.beside(".stopgap-old"), b"older").expect("written");
    assert_eq!(server.root.remove_leftover(&parts), Ok(true));
    assert!(server.is_untouched());
}

#[test]
fn whoever_reads_meanwhile_sees_the_old_or_the_new_file_never_a_part_and_never_none() {
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
                let replaced = server.root.replace(&PARTS, Digest::of(from), to);
                done.store(replaced.is_err(), Ordering::Relaxed);
                assert_eq!(replaced, Ok(()));
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}
