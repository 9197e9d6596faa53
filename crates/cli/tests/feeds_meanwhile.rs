//! What is done while feeds are fetched, and what comes of those that take their time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says plainly what it expects")]

mod common;

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use common::{FIXED, HOST_CONFIG, Run, VULNERABLE, command, on};
use jiff::Timestamp;
use stopgap_model::ServerPath;
use stopgap_testkit::Tree;
use stopgap_testkit::repository::Repository;
use stopgap_testkit::web::{Misbehaviour, WebServer};

const TIMESTAMP: &str = "metadata/timestamp.json";
/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(100);

/// A publisher on the web.
struct Office {
    repository: Repository,
    web: WebServer,
}

impl Office {
    fn offering(id: &str, revision: u32) -> Self {
        let repository = Repository::new(Timestamp::now());
        let web = WebServer::of(&repository.published);
        let mut office = Self { repository, web };
        office.publish(id, revision);
        office
    }

    fn publish(&mut self, id: &str, revision: u32) {
        let document = blocks(id, &format!("word-{revision}"), revision);
        self.repository.set(&format!("{id}.toml"), document.as_bytes());
        self.repository.publish();
        self.web.serve(&self.repository.published);
    }

    fn add_to(&self, tree: &Tree, name: &str, powers: &[&str]) {
        let root = tree.root().with_file_name(format!("{name}.json"));
        std::fs::write(&root, self.repository.first_root()).unwrap();
        let url = self.web.url();
        let mut arguments = vec!["feed", "add", name, &url, "--root", root.to_str().unwrap()];
        arguments.extend(powers);
        let run = on(tree, &arguments);
        assert_eq!(run.code, 0, "{}", run.out);
    }
}

fn blocks(id: &str, word: &str, revision: u32) -> String {
    format!(
        "schema = 1\nid = \"{id}\"\nrevision = {revision}\ntitle = \"A test\"\nseverity = \"low\"\n\
         impact = \"None.\"\nno_live_probe = \"a test\"\n[[action]]\nid = \"{id}.1\"\n\
         kind = \"block-request\"\nscope = {{ site = \"Default Web Site\" }}\ndeny = \"abort\"\n\
         when = [{{ field = \"uri\", contains = \"{word}\" }}]\n"
    )
}

/// A check in the background, ended when this is dropped.
struct Check(Option<Child>);

impl Check {
    fn of(tree: &Tree) -> Self {
        let mut check = command(tree, &["check"]);
        check.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(Some(check.spawn().unwrap()))
    }

    fn is_running(&mut self) -> bool {
        self.0.as_mut().unwrap().try_wait().unwrap().is_none()
    }

    fn end(mut self) -> Run {
        Run::of(&self.0.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn is_there(tree: &Tree, rule: &str) -> bool {
    let bytes = tree.read(&ServerPath::new(HOST_CONFIG));
    String::from_utf8_lossy(&bytes).contains(&format!("Stopgap {rule}"))
}

#[track_caller]
fn wait_for(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < LONG, "it did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_known_is_applied_while_a_feed_hangs() {
    let tree = Tree::exchange(VULNERABLE);
    let mut office = Office::offering("ACME-1", 1);
    office.add_to(&tree, "acme", &[]);
    assert_eq!(on(&tree, &["feed", "refresh"]).code, 0);
    // What ships with the program, and what was verified before.
    office.publish("ACME-1", 2);
    office.web.misbehave(TIMESTAMP, Misbehaviour::Hang);
    let mut check = Check::of(&tree);
    wait_for(|| is_there(&tree, "M1.1") && is_there(&tree, "ACME-1.1"));
    assert!(check.is_running(), "the feed hangs still");
    // The server ends, and the feed with it.
    drop(office);
    let run = check.end();
    let states = (run.code, run.state("M1"), run.state("ACME-1"));
    assert_eq!(states, (3, "applied".into(), "applied".into()), "{}{}", run.out, run.err);
    assert_eq!(run.json()["changed"], true, "what was done meanwhile is told");
}

#[test]
fn a_feed_that_hangs_keeps_no_other_back_and_ends() {
    let tree = Tree::exchange(VULNERABLE);
    let hung = Office::offering("A-1", 1);
    hung.web.misbehave(TIMESTAMP, Misbehaviour::Hang);
    let dripping = Office::offering("B-1", 1);
    dripping.web.misbehave(TIMESTAMP, Misbehaviour::Drip);
    let good = Office::offering("C-1", 1);
    for (name, office) in [("a", &hung), ("b", &dripping), ("c", &good)] {
        office.add_to(&tree, name, &[]);
    }
    let begun = Instant::now();
    let run = on(&tree, &["check"]);
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    let states = (run.code, run.state("M1"), run.state("C-1"));
    assert_eq!(states, (3, "applied".into(), "applied".into()), "{}{}", run.out, run.err);
    let feeds = run.json()["feeds"].as_array().cloned().unwrap();
    for (name, ok) in [("a", false), ("b", false), ("c", true)] {
        let feed = feeds.iter().find(|feed| feed["name"] == name).unwrap();
        assert_eq!(feed["ok"], ok, "{feed}");
    }
}

#[test]
fn a_policy_that_was_never_seen_is_waited_for() {
    let tree = Tree::exchange(VULNERABLE);
    let mut office = Office::offering("ACME-1", 1);
    office.repository.set("policy.toml", b"enabled = false\n");
    office.publish("ACME-1", 2);
    office.add_to(&tree, "acme", &["--policy"]);
    let before = tree.snapshot();
    let run = on(&tree, &["check"]);
    assert_eq!(run.state("M1"), "pending", "{}", run.out);
    assert!(tree.snapshot() == before);
}

#[test]
fn news_make_a_second_cycle_and_one_report() {
    let tree = Tree::exchange(VULNERABLE);
    let mut office = Office::offering("ACME-1", 1);
    office.add_to(&tree, "acme", &[]);
    let run = on(&tree, &["check"]);
    let states = (run.state("M1"), run.state("ACME-1"));
    assert_eq!(states, ("applied".into(), "applied".into()), "{}", run.out);
    let files = |run: &Run| {
        let files = run.json()["files"].as_array().cloned().unwrap();
        files.iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(files(&run), [HOST_CONFIG], "each file once");
    // The update is installed, and the feed has news: both are told.
    tree.set_exchange_build(FIXED);
    office.publish("ACME-1", 2);
    let run = on(&tree, &["check"]);
    let acme = run.mitigation("ACME-1");
    assert_eq!(
        (run.state("M1").as_str(), &acme["revision"]),
        ("withdrawn", &2.into()),
        "{}",
        run.out
    );
    assert_eq!(files(&run), [HOST_CONFIG]);
    let run = on(&tree, &["check"]);
    assert_eq!(run.state("M1"), "not-affected");
    assert_eq!((run.code, &run.json()["changed"]), (0, &false.into()), "{}", run.out);
}
