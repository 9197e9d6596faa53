//! A feed in a folder and in a bundle.
#![cfg(unix)] // links of Unix, and addresses of files as Unix has them
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests may say plainly what they expect"
)]

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use common::{Server, now};
use proptest::prelude::*;
use stopgap_feed::{
    Answer, BundleTransport, ConnectStep, DirTransport, Network, Transport, TransportError,
    open_transport,
};
use stopgap_testkit::Tree;
use stopgap_testkit::repository::Repository;
use tar::{Builder, EntryType, Header};

fn repository() -> Repository {
    let mut repository = Repository::new(now());
    repository.set("A.toml", b"a");
    // With its digest before it, longer than the name field of a tar.
    repository.set(&format!("{}.toml", "LONG-".repeat(10)), b"long");
    repository.publish();
    repository
}

fn step(answer: Result<Answer, TransportError>) -> ConnectStep {
    answer.expect_err("an error").step
}

/// A bundle with these entries, each with its kind and what it links to.
fn bundle(tree: &Tree, entries: &[(&str, EntryType, &[u8])]) -> std::path::PathBuf {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, bytes) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_size(bytes.len() as u64);
        // As it is: the library itself refuses to write what leads elsewhere.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    let path = tree.root().join("feed.bundle");
    fs::write(&path, builder.into_inner().unwrap()).unwrap();
    path
}

fn refused(path: &Path) -> String {
    BundleTransport::open(path).expect_err("refused").why
}

#[test]
fn a_feed_in_a_folder_is_fetched_like_one_from_the_web() {
    let repository = repository();
    let tree = Tree::empty();
    repository.write_to(&tree.root());
    let url = format!("file://{}", tree.root().display());
    let server = Server::trusting(&repository);
    let place = open_transport(&url, &Network::default()).unwrap();
    assert_eq!(server.feed().refresh(place, now()).unwrap().added.len(), 2);
    assert_eq!(server.offered().unwrap()["A.toml"], b"a");
}

#[test]
fn a_folder_is_read_within_bounds_and_without_following_links() {
    let tree = Tree::empty();
    let (root, outside) = (tree.root().join("feed"), tree.root().join("outside"));
    fs::create_dir_all(root.join("metadata")).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), b"secret").unwrap();
    fs::write(root.join("metadata/large"), [0; 101]).unwrap();
    symlink(outside.join("secret"), root.join("metadata/link")).unwrap();
    symlink(&outside, root.join("targets")).unwrap();
    let folder = DirTransport::new(&root);
    let get = |path| folder.get(path, 100, None);
    assert_eq!(step(get("metadata/large")), ConnectStep::Length);
    assert_eq!(step(get("metadata/link")), ConnectStep::File);
    assert_eq!(step(get("targets/secret")), ConnectStep::File);
    assert_eq!(step(get("metadata")), ConnectStep::File);
    assert_eq!(step(get("../outside/secret")), ConnectStep::Name);
    assert_eq!(get("metadata/none"), Ok(Answer::Absent));
    assert_eq!(
        DirTransport::new(&root.join("none")).get("metadata/a", 100, None),
        Ok(Answer::Absent)
    );
}

#[test]
fn a_bundle_is_verified_like_a_feed_from_the_web() {
    let repository = repository();
    let tree = Tree::empty();
    for is_dotted in [false, true] {
        let path = tree.root().join("feed.bundle");
        let mut builder = Builder::new(fs::File::create(&path).unwrap());
        for (name, bytes) in &repository.published {
            let mut header = Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            let name = if is_dotted { format!("./{name}") } else { name.clone() };
            builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
        }
        builder.finish().unwrap();
        let server = Server::trusting(&repository);
        let bundle = Arc::new(BundleTransport::open(&path).unwrap());
        assert_eq!(server.feed().refresh(bundle, now()).unwrap().added.len(), 2);
        assert_eq!(server.offered().unwrap()["A.toml"], b"a");
    }
}

#[test]
fn a_bundle_by_tar_itself_with_extended_names_is_read() {
    let repository = repository();
    let tree = Tree::empty();
    repository.write_to(&tree.root().join("feed"));
    for format in ["gnu", "pax"] {
        let path = tree.root().join(format!("{format}.bundle"));
        let made = std::process::Command::new("tar")
            .arg("-C")
            .arg(tree.root().join("feed"))
            .arg(format!("--format={format}"))
            .arg("-cf")
            .args([path.as_os_str(), ".".as_ref()])
            .status();
        let Ok(made) = made else {
            println!("skipped: there is no tar here");
            return;
        };
        assert!(made.success(), "{format}");
        let bundle = BundleTransport::open(&path).unwrap();
        for (name, bytes) in &repository.published {
            let answer = bundle.get(name, 100_000, None);
            assert_eq!(answer, Ok(Answer::Found { bytes: bytes.clone(), validator: None }));
        }
    }
}

#[test]
fn a_bundle_is_read_within_bounds() {
    let tree = Tree::empty();
    let path = bundle(&tree, &[("metadata/a", EntryType::Regular, &[1; 101])]);
    let bundle = BundleTransport::open(&path).unwrap();
    assert_eq!(step(bundle.get("metadata/a", 100, None)), ConnectStep::Length);
    assert_eq!(bundle.get("metadata/b", 100, None), Ok(Answer::Absent));
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len((512 << 20) + 1).unwrap();
    assert_eq!(BundleTransport::open(&path).expect_err("too large").step, ConnectStep::Length);
}

#[test]
fn what_is_no_file_of_a_feed_refuses_the_bundle() {
    let tree = Tree::empty();
    let one = |name: &str, kind| refused(&bundle(&tree, &[(name, kind, b"")]));
    for name in ["../x", "/etc/x", "metadata/../../x", "a\\b", "a b", ".", "metadata//x"] {
        assert!(one(name, EntryType::Regular).contains("not the name"), "{name}");
    }
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Fifo, EntryType::GNUSparse] {
        assert!(one("metadata/x", kind).contains("something else"), "{kind:?}");
    }
    let twice = [("a", EntryType::Regular, &b""[..]), ("a", EntryType::Regular, b"")];
    assert!(refused(&bundle(&tree, &twice)).contains("twice"));
    let long = vec![b'a'; 5000];
    let long = [("x", EntryType::GNULongName, &long[..]), ("a", EntryType::Regular, b"")];
    assert!(refused(&bundle(&tree, &long)).contains("too long"));
    let moved = [("x", EntryType::XHeader, &b"12 size=100\n"[..]), ("a", EntryType::Regular, b"")];
    assert!(refused(&bundle(&tree, &moved)).contains("size"));
    let many = vec![("d", EntryType::Directory, &b""[..]); 50_001];
    assert!(refused(&bundle(&tree, &many)).contains("entries"));
}

#[test]
fn a_bundle_that_is_cut_off_is_refused() {
    let tree = Tree::empty();
    let path = bundle(&tree, &[("a", EntryType::Regular, &[1; 2000])]);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..1500]).unwrap();
    assert!(refused(&path).contains("cut off"));
    fs::write(&path, b"not a tar at all, but long enough to be one".repeat(20)).unwrap();
    assert!(!refused(&path).is_empty());
    assert_eq!(
        BundleTransport::open(&tree.root().join("none")).expect_err("none").step,
        ConnectStep::File
    );
    assert_eq!(BundleTransport::open(&tree.root()).expect_err("a folder").step, ConnectStep::File);
}

proptest! {
    #[test]
    fn no_bytes_make_a_bundle_panic_or_lead_elsewhere(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..2000),
        name in "[a-z./]{0,20}",
    ) {
        let tree = Tree::empty();
        let path = bundle(&tree, &[(&name, EntryType::Regular, b"x")]);
        let start = fs::read(&path).unwrap();
        bytes.splice(0..0, start[..1024].iter().copied());
        fs::write(&path, &bytes).unwrap();
        if let Ok(bundle) = BundleTransport::open(&path) {
            prop_assert!(bundle.get("metadata/../x", 100, None).is_err());
        }
    }
}
