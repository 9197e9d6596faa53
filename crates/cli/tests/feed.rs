//! `stopgap feed verify`: every check of a feed, explained.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::path::{Path, PathBuf};

use common::{Run, stopgap};
use stopgap_testkit::feed::{BODY, Publisher, RevocationList, Signing};

/// A folder with a feed and the anchors for it, of a publisher of our own.
struct Desk {
    folder: PathBuf,
    publisher: Publisher,
}

impl Desk {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("stopgap-feed-{}-{name}", std::process::id()));
        std::fs::create_dir_all(folder.join("anchors")).unwrap();
        let desk = Self { folder, publisher: Publisher::new() };
        desk.put("anchors/root.der", desk.publisher.root_certificate());
        desk.put("anchors/README", "not a certificate, and not taken for one");
        desk.put("feed.xml", desk.publisher.feed(BODY));
        desk
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.folder.join(name), bytes).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn verify(&self, more: &[&str]) -> Run {
        verify(Path::new(&self.path("feed.xml")), &self.path("anchors"), more)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn verify(feed: &Path, anchors: &str, more: &[&str]) -> Run {
    let feed = feed.to_str().unwrap();
    let command = ["feed", "verify", feed, "--format", "eocs", "--anchors", anchors];
    stopgap(&[&command, more].concat())
}

#[track_caller]
fn fits(run: &Run) {
    for line in run.out.lines().chain(run.err.lines()) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn every_check_is_told_on_a_line_of_its_own_and_a_sentence_ends_it() {
    let desk = Desk::new("told");
    let run = desk.verify(&["--at", "2025-07-01"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    fits(&run);
    assert!(run.out.starts_with("ok   document "), "{}", run.out);
    assert_eq!(run.out.lines().filter(|line| line.starts_with("ok   ")).count(), 10);
    let last = "Verified: EOCS version 1.0.4, stamped at 2025-06-01T12:00:00Z, with M1.";
    assert_eq!(run.out.lines().last(), Some(last));

    desk.put("feed.xml", desk.publisher.feed(BODY).replace("allow nothing", "allow everything"));
    let run = desk.verify(&["--at", "2025-07-01T08:00:00+02:00"]);
    assert_eq!(run.code, 3);
    fits(&run);
    assert!(run.out.contains("\nFAIL digest  "), "{}", run.out);
    assert!(run.out.contains("\nok   signature  "), "{}", run.out);
    assert!(run.out.contains("\nRefused: the document was changed after it was signed"));
    assert!(!run.out.contains("content"), "what was not signed is not read: {}", run.out);
}

#[test]
fn the_same_as_json() {
    let desk = Desk::new("json");
    let run = desk.verify(&["--json", "--at", "2025-07-01"]);
    let json = run.json();
    assert_eq!((run.code, &json["ok"], &json["reason"]), (0, &true.into(), &().into()));
    let names: Vec<&str> =
        json["checks"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    let expected = [
        "document",
        "signature form",
        "digest",
        "certificate",
        "signature",
        "time stamp",
        "stamping authority",
        "signer use",
        "signer path",
        "content",
    ];
    assert_eq!(names, expected);
    assert!(json["checks"].as_array().unwrap().iter().all(|check| check["ok"] == true));
    let action = &json["feed"]["configs"][0]["actions"][0];
    assert_eq!((&action["kind"], &action["value"]), (&"Rewrite".into(), &"allow nothing".into()));

    let run = desk.verify(&["--json", "--at", "2025-05-31"]);
    let json = run.json();
    assert_eq!((run.code, &json["ok"], &json["feed"]), (3, &false.into(), &().into()));
    let stamp = &json["checks"][5];
    assert_eq!((&stamp["name"], &stamp["ok"]), (&"time stamp".into(), &false.into()));
    assert!(json["reason"].as_str().unwrap().contains("later than 2025-05-31T00:00:00Z"));
}

#[test]
fn without_a_stamp_the_time_is_now() {
    let desk = Desk::new("now");
    let signing = Signing { stamp: None, ..desk.publisher.signing(BODY) };
    desk.put("feed.xml", desk.publisher.sign(&signing));
    // The signer's certificate ended with 2025.
    let run = desk.verify(&[]);
    assert_eq!(run.code, 3);
    assert!(run.out.contains("expired at 2026-01-01T00:00:00Z"), "{}", run.out);
    assert_eq!(desk.verify(&["--at", "2025-12-31"]).code, 0);
}

#[test]
fn a_revocation_list_among_the_anchors_counts() {
    let desk = Desk::new("revoked");
    desk.put("anchors/root.crl", RevocationList::new("Root", &[7]).sign(&desk.publisher.root));
    let run = desk.verify(&["--at", "2025-07-01"]);
    assert_eq!(run.code, 3);
    assert!(run.out.contains("a certificate of its path was revoked"), "{}", run.out);
    desk.put("anchors/root.crl", RevocationList::new("Root", &[8]).sign(&desk.publisher.root));
    let run = desk.verify(&["--at", "2025-07-01"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(run.out.contains("revoked by the list given"), "{}", run.out);
}

#[test]
fn anchors_that_cannot_be_used_are_told_and_nothing_is_trusted() {
    let desk = Desk::new("anchors");
    desk.put("anchors/other.pem", "nonsense");
    let run = desk.verify(&[]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.contains("other.pem"), "{}", run.err);
    std::fs::create_dir(desk.path("empty")).unwrap();
    let feed = desk.path("feed.xml");
    let run = verify(Path::new(&feed), &desk.path("empty"), &[]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("there is no trust anchor for a signer in"), "{}", run.err);
    let run = verify(Path::new(&feed), &desk.path("nowhere"), &[]);
    assert_eq!(run.code, 1);
    let run = verify(Path::new(&desk.path("nowhere.xml")), &desk.path("anchors"), &[]);
    assert_eq!(run.code, 1);
    assert_eq!(desk.verify(&["--at", "yesterday"]).code, 2);
}

#[test]
fn what_a_hostile_feed_says_does_not_reach_the_terminal_raw() {
    let desk = Desk::new("hostile");
    let evil = BODY.replace("M1", "M1\u{202e}\u{9b}31m");
    desk.put("feed.xml", desk.publisher.feed(&evil));
    let run = desk.verify(&["--at", "2025-07-01"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(run.out.contains("with M1"), "{}", run.out);
    assert!(!run.out.contains(['\u{9b}', '\u{202e}']), "{}", run.out);
    desk.put("feed.xml", vec![b' '; 9 * 1024 * 1024]);
    let run = desk.verify(&[]);
    assert_eq!(run.code, 3);
    assert!(run.out.contains("more than 8388608 bytes"), "{}", run.out);
}

#[test]
fn the_genuine_feed_verifies_with_anchors_of_its_own() {
    let Some(data) = stopgap_testkit::real_data() else { return };
    let feed = data.join("eocs/feed-2021-09-15.xml");
    let text = std::fs::read_to_string(&feed).unwrap();
    let desk = Desk::new("genuine");
    std::fs::remove_file(desk.path("anchors/root.der")).unwrap();
    // The root of the signer's path, and the issuer of the stamping authority.
    let certificates: Vec<&str> = text
        .split("<X509Certificate>")
        .skip(1)
        .map(|rest| rest.split_once('<').unwrap().0)
        .collect();
    for (name, index) in [("root.pem", 2), ("stamping.crt", 4)] {
        let pem = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            certificates[index]
        );
        desk.put(&format!("anchors/{name}"), pem);
    }
    for at in ["2021-09-16", "2023-01-01", "2026-11-24"] {
        let run = verify(&feed, &desk.path("anchors"), &["--at", at]);
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        fits(&run);
        assert!(run.out.ends_with("stamped at 2021-09-15T16:42:08.621Z, with PING1.\n"));
    }
    let run = verify(&feed, &desk.path("anchors"), &["--at", "2021-09-15"]);
    assert_eq!(run.code, 3, "before its stamp: {}", run.out);
}
