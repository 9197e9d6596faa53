//! A server's files under a folder, through the host's door.

use stopgap_host::{Files as _, Found, FsError, Host, Read, ReplaceError};
use stopgap_model::{Digest, ServerPath};
use stopgap_sandbox::{APPLICATION_HOST, Newline};
use stopgap_testkit::{FailingHost, Fault, Tree, real_data};

const BUILD: &str = "15.02.1118.007";

fn config() -> ServerPath {
    ServerPath::new(APPLICATION_HOST)
}

#[test]
fn a_file_is_replaced_and_put_back_to_the_byte() {
    let tree = Tree::exchange(BUILD);
    let before = tree.snapshot();
    let old = tree.read(&config());
    let host = tree.host();
    assert_eq!(host.replace(&config(), Digest::of(&old), b"new"), Ok(()));
    assert_eq!(host.read(&config(), 100), Read::Found(b"new".to_vec()));
    assert_ne!(tree.snapshot(), before);
    assert_eq!(host.replace(&config(), Digest::of(b"new"), &old), Ok(()));
    assert_eq!(tree.snapshot(), before);
}

#[test]
fn a_file_that_somebody_else_wrote_meanwhile_is_left_alone() {
    let tree = Tree::exchange(BUILD);
    let old = tree.read(&config());
    tree.write(&config(), b"theirs");
    let found = Digest::of(b"theirs");
    let result = tree.host().replace(&config(), Digest::of(&old), b"ours");
    assert!(matches!(result, Err(ReplaceError::Changed { found: now, .. }) if now == found));
    assert_eq!(tree.read(&config()), b"theirs");
}

#[test]
fn a_path_that_is_not_on_a_drive_cannot_be_replaced() {
    let tree = Tree::empty();
    let result = tree.host().replace(&ServerPath::new(r"..\x"), Digest::of(b""), b"");
    assert!(matches!(result, Err(ReplaceError::Fs(FsError::BadName { .. }))));
}

#[test]
fn a_host_says_where_it_is() {
    let tree = Tree::empty();
    assert_eq!(tree.host().name(), format!("tree {}", tree.root().display()));
}

#[test]
fn a_real_server_is_laid_out_where_its_configuration_says() {
    let Some(data) = real_data() else { return };
    for newline in [Newline::Lf, Newline::CrLf] {
        let tree = Tree::real(&data, BUILD, newline);
        let text = String::from_utf8(tree.read(&config())).expect("UTF-8");
        assert_eq!(text.contains("\r\n"), newline == Newline::CrLf);
        // Every folder with a web.config is one that applicationHost.config names.
        for path in tree.snapshot().keys().filter(|path| path.ends_with("web.config")) {
            let folder = path.trim_end_matches("/web.config").trim_start_matches("C/");
            let folder = folder.replace('/', "\\");
            let folder = folder.replace("Windows\\System32", "%windir%\\System32");
            let folder = folder.replace("inetpub", "%SystemDrive%\\inetpub");
            assert!(text.contains(&format!("{folder}\"")), "{folder}");
        }
    }
}

/// What both hosts must do alike.
fn is_a_host(host: &dyn Host) {
    let path = ServerPath::new(r"C:\A\web.config");
    let respelled = ServerPath::new(r"c:/a/WEB.config");
    assert_eq!(host.read(&respelled, 3), Read::Found(b"old".to_vec()));
    assert!(matches!(host.read(&path, 2), Read::Unreadable(_)));
    assert_eq!(host.read(&ServerPath::new(r"C:\A\none"), 3), Read::Absent);
    let found = |paths: &[&str]| Found {
        files: paths.iter().map(|path| ServerPath::new(*path)).collect(),
        incomplete: None,
    };
    let find = |folder: &str, name| host.find(&ServerPath::new(folder), name);
    let all = [r"C:\A\web.config", r"C:\A\auth\web.config", r"C:\A\auth\x\web.config"];
    assert_eq!(find(r"C:\A", "Web.Config"), found(&all));
    assert_eq!(find(r"C:\A\auth\", "web.config"), found(&all[1..]));
    assert_eq!(find(r"C:\A", "none"), found(&[]));
    assert_eq!(find(r"D:\A", "web.config"), found(&[]));
    let wrong = host.replace(&path, Digest::of(b"other"), b"new");
    assert!(matches!(wrong, Err(ReplaceError::Changed { .. })));
    assert_eq!(host.replace(&respelled, Digest::of(b"old"), b"new"), Ok(()));
    assert_eq!(host.read(&path, 3), Read::Found(b"new".to_vec()));
    let missing = host.replace(&ServerPath::new(r"C:\A\none"), Digest::of(b""), b"");
    assert!(matches!(missing, Err(ReplaceError::Missing { .. })));
    assert_eq!(host.remove_leftover(&path), Ok(false));
}

#[test]
fn a_host_in_memory_and_a_tree_do_the_same() {
    let paths = [
        r"C:\A\web.config",
        r"C:\A\auth\x\web.config",
        r"C:\A\auth\web.config",
        r"C:\AB\web.config",
    ];
    let files: Vec<_> = paths.iter().map(|p| (ServerPath::new(*p), b"old".to_vec())).collect();
    is_a_host(&Tree::holding(files.clone()).host());
    is_a_host(&FailingHost::new(files));
}

#[test]
fn a_search_that_cannot_be_made_says_so() {
    let tree = Tree::holding(vec![(ServerPath::new(r"C:\A\web.config"), Vec::new())]);
    let host = tree.host();
    let why = |folder: &str, name| host.find(&ServerPath::new(folder), name).incomplete;
    assert!(why(r"\\server\share", "web.config").is_some_and(|why| why.has("path-without-drive")));
    assert!(why(r"C:\A\web.config", "x").is_some_and(|why| why.has("not-a-folder")));
    assert!(why(r"C:\A", "..").is_some_and(|why| why.has("not-a-file-name")));
    let host = FailingHost::new(Vec::new()).with(Fault::FailAt(1));
    assert!(host.find(&ServerPath::new(r"C:\A"), "web.config").incomplete.is_some());
}

#[test]
fn a_host_in_memory_fails_when_it_is_told_to() {
    let path = ServerPath::new(r"C:\web.config");
    let files = || vec![(path.clone(), b"old".to_vec())];
    let old = Digest::of(b"old");

    let host = FailingHost::new(files()).with(Fault::FailAt(2));
    assert!(matches!(host.read(&path, 9), Read::Found(_)));
    assert!(host.replace(&path, old, b"new").is_err());
    assert_eq!(host.replace(&path, old, b"new"), Ok(()));
    assert_eq!(host.operations(), 3);

    let host = FailingHost::new(files()).with(Fault::DieAt(1));
    assert!(host.replace(&path, old, b"new").is_err());
    assert!(matches!(host.read(&path, 9), Read::Unreadable(_)));
    let host = host.restarted();
    assert_eq!(host.read(&path, 9), Read::Found(b"old".to_vec()));
    assert_eq!(host.remove_leftover(&path), Ok(true));

    let change = Fault::ChangeBefore(2, path.clone(), b"theirs".to_vec());
    let host = FailingHost::new(files()).with(change);
    assert!(matches!(host.read(&path, 9), Read::Found(_)));
    let result = host.replace(&path, old, b"new");
    assert!(matches!(result, Err(ReplaceError::Changed { .. })));

    let host = FailingHost::new(files()).with(Fault::NotDurableAt(1));
    let result = host.replace(&path, old, b"new");
    assert!(matches!(result, Err(ReplaceError::NotDurable { .. })));
    assert_eq!(host.read(&path, 9), Read::Found(b"new".to_vec()));
}
