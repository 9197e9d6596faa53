//! Microsoft's feed as a source: it announces, and defines nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says plainly what it expects")]

mod common;

use common::{Run, VULNERABLE, on};
use stopgap_testkit::Tree;
use stopgap_testkit::feed::{BODY, Publisher, Signing};

/// The feed `msft` in a folder, with its anchors.
struct Office {
    tree: Tree,
    publisher: Publisher,
}

impl Office {
    fn new(body: &str) -> Self {
        let office = Self { tree: Tree::exchange(VULNERABLE), publisher: Publisher::new() };
        let anchors = office.tree.root().with_file_name("anchors");
        std::fs::create_dir(&anchors).unwrap();
        std::fs::write(anchors.join("root.der"), office.publisher.root_certificate()).unwrap();
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
