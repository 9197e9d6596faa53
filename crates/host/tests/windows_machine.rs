//! The files of this machine, by the paths of Windows.
#![cfg(windows)]
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use stopgap_host::{Files as _, Read, ReplaceError, WindowsHost};
use stopgap_model::web::WebSettings;
use stopgap_model::{Digest, ServerPath};

fn host() -> WindowsHost {
    WindowsHost::open(WebSettings::default()).expect("this machine")
}

#[test]
fn a_file_is_read_replaced_and_found_on_its_disk() {
    let folder = std::env::temp_dir().join(format!("stopgap-machine-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("in")).expect("created");
    std::fs::write(folder.join(r"in\Web.config"), b"old").expect("written");
    let folder_path = ServerPath::new(folder.to_string_lossy());
    let path = folder_path.join(r"IN\web.CONFIG");
    let host = host();
    assert_eq!(host.read(&path, 9), Read::Found(b"old".to_vec()));
    assert_eq!(host.replace(&path, Digest::of(b"old"), b"new"), Ok(()));
    assert_eq!(std::fs::read(folder.join(r"in\Web.config")).expect("there"), b"new");
    let found = host.find(&folder_path, "web.config");
    assert_eq!((found.files, found.incomplete), (vec![folder_path.join(r"in\Web.config")], None));
    std::fs::remove_dir_all(&folder).expect("removed");
    assert_eq!(host.read(&path, 9), Read::Absent);
    assert!(matches!(
        host.replace(&path, Digest::of(b"new"), b""),
        Err(ReplaceError::Missing { .. })
    ));
}

#[test]
fn what_windows_does_not_have_is_absent_and_what_is_no_path_is_told() {
    let host = host();
    for path in [r"Q:\x", "/etc/passwd", r"C:\no such folder\x"] {
        assert_eq!(host.read(&ServerPath::new(path), 9), Read::Absent, "{path}");
    }
    for path in [r"C:x", r"C:\a\..\b", r"C:\a:b", r"\\server\share\x"] {
        let read = host.read(&ServerPath::new(path), 9);
        assert!(matches!(read, Read::Unreadable(_)), "{path}: {read:?}");
    }
}

#[test]
fn windows_is_where_it_is_whatever_disk_a_path_names() {
    let program = ServerPath::new(r"c:\WINDOWS\system32\kernel32.dll");
    assert!(matches!(host().read(&program, u64::MAX), Read::Found(_)));
}
