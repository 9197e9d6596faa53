//! What a web server's configuration names is read with the rights of whoever could have it named.
#![cfg(unix)] // files that servers of Unix include
#![allow(clippy::expect_used, reason = "a test says plainly what it expects")]

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use stopgap_host::{Files as _, LinuxHost, Read, ReplaceError, WebServers as _, Writers};
use stopgap_model::host::Fact;
use stopgap_model::web::{Account, WebKind, WebServer, WebSettings};
use stopgap_model::{Digest, ServerPath};

/// Users who are not root and whom no machine has.
const CUSTOMER: u32 = 47_110;
const OTHER: u32 = 47_111;

struct Files(PathBuf);

impl Files {
    /// A folder that everybody may look into; `None`, with a line that says so, without root's rights.
    fn new(name: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root can give files to other users");
            return None;
        }
        let dir = std::env::temp_dir().join(format!("stopgap-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("created");
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).expect("our own");
        Some(Self(dir))
    }

    fn write(&self, name: &str, owner: u32, mode: u32) -> ServerPath {
        let path = self.0.join(name);
        fs::write(&path, name).expect("written");
        chown(&path, Some(owner), Some(owner)).expect("given");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
        ServerPath::new(path.to_str().expect("text"))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn server(account: Account) -> WebServer {
    WebServer {
        kind: WebKind::Nginx,
        program: ServerPath::new("/usr/sbin/nginx"),
        config: vec![ServerPath::new("/etc/nginx/nginx.conf")],
        base: ServerPath::new("/"),
        variables: BTreeMap::new(),
        defines: Vec::new(),
        account,
        version: Fact::Absent,
        modules: Fact::Absent,
        running: Fact::Known(true),
        source: "a test".into(),
        doubt: None,
        dormant: None,
        identity: String::new(),
    }
}

#[test]
fn whoever_has_a_file_included_has_it_read_as_he_could_read_it_himself() {
    let Some(files) = Files::new("named") else { return };
    let host = LinuxHost::open(WebSettings::default()).expect("this machine");
    let (roots, his) = (files.write("roots", 0, 0o600), files.write("his", CUSTOMER, 0o600));
    let (open, others) = (files.write("open", 0, 0o644), files.write("others", OTHER, 0o640));
    let read = |account: &Account, word, path: &ServerPath| {
        let named = host.read_named(&server(account.clone()), word, path, 99);
        matches!(named.read, Read::Found(_))
    };
    let (root, user) = (Account::root(), Account::user(CUSTOMER, CUSTOMER));
    let (customer, several) = (Writers::User(CUSTOMER), Writers::Several);
    for (account, word, may) in [
        (&root, Writers::Root, [true, true, true, true]),
        (&root, customer, [false, true, true, false]),
        (&root, several, [false, false, true, false]),
        // What the server itself may not read is not read for it, whoever names it.
        (&user, Writers::Root, [false, true, true, false]),
        (&user, customer, [false, true, true, false]),
        (&user, Writers::User(OTHER), [false, false, true, false]),
    ] {
        let found = [&roots, &his, &open, &others].map(|path| read(account, word, path));
        assert_eq!(found, may, "{account} on the word of {word:?}");
    }
}

#[test]
fn whoever_has_a_file_included_has_it_changed_only_if_it_is_his() {
    let Some(files) = Files::new("changed") else { return };
    let host = LinuxHost::open(WebSettings::default()).expect("this machine");
    let (roots, his) = (files.write("roots", 0, 0o644), files.write("his", CUSTOMER, 0o644));
    let root = server(Account::root());
    let change = |path: &ServerPath| {
        let now = fs::read(path.as_str()).expect("there");
        host.replace(path, Digest::of(&now), b"changed")
    };
    let look = |word, path: &ServerPath| host.read_named(&root, word, path, 99);
    for word in [Writers::User(CUSTOMER), Writers::Several] {
        look(word, &roots);
        let refused = change(&roots);
        assert!(matches!(refused, Err(ReplaceError::Fs(_))), "{refused:?}");
        assert_eq!(fs::read(roots.as_str()).expect("there"), b"roots");
    }
    look(Writers::User(CUSTOMER), &his);
    assert_eq!(change(&his), Ok(()));
    // What root names too is read on root's word.
    look(Writers::Root, &roots);
    assert_eq!(change(&roots), Ok(()));
    assert!(Path::new(roots.as_str()).exists());
}

#[test]
fn a_pattern_in_a_customers_file_finds_nothing_in_a_folder_of_roots() {
    let Some(files) = Files::new("globbed") else { return };
    let host = LinuxHost::open(WebSettings::default()).expect("this machine");
    let _ = files.write("x.conf", 0, 0o644);
    fs::set_permissions(&files.0, Permissions::from_mode(0o700)).expect("our own");
    let pattern = format!("{}/*.conf", files.0.display());
    let root = server(Account::root());
    let found = |word| host.glob_named(&root, word, &pattern);
    assert_eq!(found(Writers::Root).map(|found| found.len()), Ok(1));
    assert!(found(Writers::User(CUSTOMER)).is_err());
    assert!(found(Writers::Several).is_err());
}
