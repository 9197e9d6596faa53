//! Microsoft's feed as a source: it announces, and defines nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says plainly what it expects")]

mod common;

use common::{Run, VULNERABLE, on};
use serde_json::json;
use stopgap_testkit::Tree;
use stopgap_testkit::feed::{BODY, Publisher, RevocationList, Signing};

/// The feed `msft` in a folder, with its anchors.
struct Office {
    tree: Tree,
    publisher: Publisher,
}

impl Office {
    fn new(body: &str) -> Self {
        let office = Self { tree: Tree::exchange(VULNERABLE), publisher: Publisher::new() };
        let anchors = office.tree.root().with_file_name("anchors");
        for purpose in ["signer", "stamp"] {
            std::fs::create_dir_all(anchors.join(purpose)).unwrap();
            let root = office.publisher.root_certificate();
            std::fs::write(anchors.join(purpose).join("root.der"), root).unwrap();
        }
        office.publish(body);
        let url = format!("file://{}", office.file("feed.xml"));
        let anchors = anchors.to_str().unwrap();
        let run = on(
            &office.tree,
            &["feed", "add", "msft", &url, "--format", "eocs", "--anchors", anchors],
        );
        assert_eq!(run.code, 0, "{}", run.out);
        office
    }

    fn file(&self, name: &str) -> String {
        self.tree.root().with_file_name(name).to_str().unwrap().to_owned()
    }

    fn publish(&self, body: &str) {
        std::fs::write(self.file("feed.xml"), self.publisher.feed(body)).unwrap();
    }

    fn check(&self) -> Run {
        on(&self.tree, &["check"])
    }
}

#[test]
fn what_it_announces_is_marked_and_it_defines_nothing() {
    let other = BODY.replace("\"M1\"", "\"M9\"");
    let office = Office::new(&format!("{BODY}{other}"));
    let run = office.check();
    assert_eq!(
        (run.code, run.state("M1"), run.state("M9")),
        (1, "applied".into(), "unsupported".into()),
        "{}",
        run.out
    );
    assert_eq!(run.mitigation("M1")["source"], "built in, announced by feed msft");
    assert_eq!(run.mitigation("M2")["source"], "built in");
    assert!(run.mitigation("M9")["actions"].as_array().unwrap().is_empty());
    // Absence withdraws nothing.
    office.publish("");
    let run = office.check();
    assert_eq!((run.code, run.state("M1")), (0, "applied".into()), "{}", run.out);
    assert_eq!(run.mitigation("M1")["source"], "built in");
}

#[test]
fn it_never_goes_back_and_a_forged_one_is_refused() {
    let office = Office::new(BODY);
    let first = std::fs::read(office.file("feed.xml")).unwrap();
    assert_eq!(office.check().code, 0);
    // The same feed stamped earlier.
    let mut signing: Signing = office.publisher.signing(BODY);
    signing.stamp.as_mut().unwrap().gen_time = "20250530120000Z".into();
    std::fs::write(office.file("feed.xml"), office.publisher.sign(&signing)).unwrap();
    let run = office.check();
    assert_eq!((run.code, run.state("M1")), (3, "applied".into()), "{}", run.out);
    assert!(run.out.contains("earlier than"), "{}", run.out);
    std::fs::write(office.file("feed.xml"), &first).unwrap();
    assert_eq!(office.check().code, 0);
    let text = String::from_utf8(first).unwrap();
    std::fs::write(office.file("feed.xml"), text.replacen("M1", "M2", 1)).unwrap();
    let run = office.check();
    assert_eq!((run.code, run.state("M1")), (3, "applied".into()), "{}", run.out);
    assert_eq!(run.mitigation("M1")["source"], "built in, announced by feed msft");
}

#[test]
fn it_never_goes_back_when_what_was_seen_of_it_is_gone_or_altered() {
    let office = Office::new(BODY);
    let newest = std::fs::read(office.file("feed.xml")).unwrap();
    let mut signing: Signing = office.publisher.signing(BODY);
    signing.stamp.as_mut().unwrap().gen_time = "20250530120000Z".into();
    let older = office.publisher.sign(&signing);
    assert_eq!(office.check().code, 0);
    let seen = office.tree.state().join("trust/feeds/msft/seen.json");
    let text = std::fs::read_to_string(&seen).unwrap();
    let year = text.find("\"gen_time\": \"20").unwrap() + "\"gen_time\": \"20".len();
    let altered = format!("{}1{}", &text[..year], &text[year + 1..]);
    for altered in [None, Some(altered)] {
        std::fs::remove_file(&seen).unwrap();
        if let Some(altered) = altered {
            std::fs::write(&seen, altered).unwrap();
        }
        std::fs::write(office.file("feed.xml"), &older).unwrap();
        let run = office.check();
        assert_eq!((run.code, run.state("M1")), (3, "applied".into()), "{}", run.out);
        assert!(run.out.contains("add the feed anew"), "{}", run.out);
        std::fs::write(&seen, &text).unwrap();
        std::fs::write(office.file("feed.xml"), &newest).unwrap();
        assert_eq!(office.check().code, 0);
    }
}

#[test]
fn anchors_that_are_not_told_apart_go_on_working_and_are_told() {
    let office = Office::new(BODY);
    assert_eq!(office.check().code, 0);
    assert_eq!(on(&office.tree, &["feed", "list"]).json()["feeds"][0]["notes"], json!([]));
    // As a program from before kept them.
    let kept = office.tree.state().join("trust/feeds/msft/anchors");
    std::fs::rename(kept.join("signer/root.der"), kept.join("root.der")).unwrap();
    for purpose in ["signer", "stamp"] {
        std::fs::remove_dir_all(kept.join(purpose)).unwrap();
    }
    let run = office.check();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.err.contains("alike"), "{}", run.err);
    // An anchor for time stamps alone vouches for no signer.
    std::fs::create_dir(kept.join("stamp")).unwrap();
    std::fs::rename(kept.join("root.der"), kept.join("stamp/root.der")).unwrap();
    let run = office.check();
    assert_eq!(run.code, 3, "{}{}", run.out, run.err);
    assert!(run.out.contains("no trust anchor for a signer"), "{}", run.out);
}

#[test]
fn every_revocation_list_counts_and_one_that_is_out_of_date_is_told() {
    let office = Office::new(BODY);
    assert_eq!(office.check().code, 0);
    let kept = office.tree.state().join("trust/feeds/msft/anchors");
    let write = |name: &str, list: RevocationList| {
        std::fs::write(kept.join(name), list.sign(&office.publisher.root)).unwrap();
    };
    let late = Some("250701000000Z");
    write("a.crl", RevocationList { next_update: late, ..RevocationList::new("Root", &[1]) });
    let run = office.check();
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let told: Vec<&str> = run.err.split_whitespace().collect();
    assert!(told.join(" ").contains("should have been replaced by 2025-07-01"), "{}", run.err);
    // The second list of the same issuer has the signer on it.
    write("b.crl", RevocationList { next_update: late, ..RevocationList::new("Root", &[7]) });
    let run = office.check();
    assert_eq!((run.code, run.state("M1")), (3, "applied".into()), "{}", run.out);
    assert!(run.out.contains("revoked"), "{}", run.out);
}

#[test]
fn a_pipe_a_device_or_a_folder_is_no_feed_and_nothing_waits_for_it() {
    let office = Office::new(BODY);
    let pipe = office.file("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let anchors = office.file("anchors");
    for odd in [pipe.as_str(), "/dev/zero", "/dev/tty", "/"] {
        let run = on(&office.tree, &["feed", "import", odd]);
        assert_ne!(run.code, 0, "{odd}: {}", run.out);
        let verify = ["feed", "verify", odd, "--format", "eocs", "--anchors", &anchors];
        assert_ne!(on(&office.tree, &verify).code, 0, "{odd}");
        let add = ["feed", "add", "acme", "--root", odd];
        assert_ne!(on(&office.tree, &add).code, 0, "{odd}");
        let add = ["feed", "add", "acme", "--format", "eocs", "--anchors", odd];
        assert_ne!(on(&office.tree, &add).code, 0, "{odd}");
    }
    std::fs::rename(&pipe, format!("{anchors}/signer/more.pem")).unwrap();
    let file = office.file("feed.xml");
    let verify = ["feed", "verify", &file, "--format", "eocs", "--anchors", &anchors];
    let run = on(&office.tree, &verify);
    assert!(run.code != 0 && run.out.contains("not a regular file"), "{}", run.out);
}

#[test]
fn a_cache_that_cannot_be_read_is_fetched_again() {
    let office = Office::new(BODY);
    assert_eq!(office.check().code, 0);
    let cache = office.tree.state().join("cache/feeds/msft/feed.xml");
    std::fs::write(&cache, vec![b' '; 64 << 20]).unwrap();
    let run = office.check();
    assert_eq!(run.code, 0, "{}", run.out);
}

#[test]
fn what_it_took_to_fetch_it_is_told() {
    let office = Office::new(BODY);
    let run = on(&office.tree, &["feed", "refresh"]);
    let length = std::fs::metadata(office.file("feed.xml")).unwrap().len();
    let feed = &run.json()["feeds"][0];
    assert_eq!((&feed["requests"], &feed["bytes"]), (&1.into(), &length.into()), "{feed}");
}
