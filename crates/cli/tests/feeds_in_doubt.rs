//! What a feed once said and cannot say now: it is lost, unreachable, or somebody else is at it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says plainly what it expects")]

mod common;

use common::{Run, VULNERABLE, on};
use jiff::Timestamp;
use stopgap_testkit::Tree;
use stopgap_testkit::repository::Repository;
use stopgap_testkit::web::{Misbehaviour, WebServer};

const M1: &str = include_str!("../../../catalog/M1.toml");
const TIMESTAMP: &str = "metadata/timestamp.json";

/// A server that follows the feed `acme`.
struct Scene {
    tree: Tree,
    repository: Repository,
    web: WebServer,
}

impl Scene {
    /// The feed has these powers and offers `documents`.
    fn with(powers: &[&str], documents: &[(&str, &str)]) -> Self {
        let repository = Repository::new(Timestamp::now());
        let web = WebServer::of(&repository.published);
        let mut scene = Self { tree: Tree::exchange(VULNERABLE), repository, web };
        scene.publish(documents);
        scene.add(powers);
        scene
    }

    fn add(&self, powers: &[&str]) {
        let root = self.tree.root().with_file_name("root.json");
        std::fs::write(&root, self.repository.first_root()).unwrap();
        let url = self.web.url();
        let mut arguments = vec!["feed", "add", "acme", &url, "--root", root.to_str().unwrap()];
        arguments.extend(powers);
        let run = self.on(&arguments);
        assert_eq!(run.code, 0, "{}", run.out);
    }

    fn publish(&mut self, documents: &[(&str, &str)]) {
        for (name, text) in documents {
            self.repository.set(name, text.as_bytes());
        }
        self.repository.publish();
        self.web.serve(&self.repository.published);
    }

    fn on(&self, arguments: &[&str]) -> Run {
        on(&self.tree, arguments)
    }

    fn lose_the_cache(&self) {
        std::fs::remove_dir_all(self.tree.state().join("cache")).unwrap();
        self.web.misbehave(TIMESTAMP, Misbehaviour::Status(404));
    }
}

/// M1 as a feed revises it.
fn newer_m1() -> String {
    M1.replacen("revision = 5", "revision = 6", 1).replace("autodiscover", "autodiscove")
}

fn tombstone(id: &str, revision: u32) -> String {
    format!(
        "schema = 1\nid = \"{id}\"\nrevision = {revision}\ntitle = \"A test\"\nseverity = \"low\"\n\
         impact = \"None.\"\nwithdrawn = \"it harms\"\n"
    )
}

#[test]
fn a_newer_revision_in_force_never_goes_back_to_the_shipped_one() {
    let mut scene = Scene::with(&["--ids", "M1"], &[("M1.toml", &newer_m1())]);
    assert_eq!(scene.on(&["check"]).mitigation("M1")["revision"], 6);
    let protected = scene.tree.snapshot();
    let stays = |scene: &Scene, when: &str| {
        let run = scene.on(&["check"]);
        let m1 = run.mitigation("M1");
        assert_eq!((&m1["state"], &m1["in_force"]), (&"applied".into(), &6.into()), "{when}: {m1}");
        assert!(scene.tree.snapshot() == protected, "{when}: {m1}");
        m1["reason"].as_str().unwrap().to_owned()
    };
    scene.publish(&[("M1.toml", &newer_m1().replacen("revision = 6", "revision = 7\nx = 1", 1))]);
    let told = stays(&scene, "its next revision is malformed");
    assert!(told.contains("revision 6 is installed"), "{told}");
    scene.lose_the_cache();
    stays(&scene, "what was fetched is lost");
    assert_eq!(scene.on(&["feed", "remove", "acme"]).code, 0);
    stays(&scene, "the feed is removed");
    // The administrator's word is another matter.
    assert_eq!(scene.on(&["remove", "M1", "--once"]).state("M1"), "withdrawn");
    let run = scene.on(&["check"]);
    assert_eq!((run.code, &run.mitigation("M1")["in_force"]), (0, &5.into()), "{}", run.out);
}

#[test]
fn what_was_withdrawn_does_not_come_back_while_the_feed_is_unreachable() {
    let scene = Scene::with(&["--ids", "M1"], &[("M1.toml", &tombstone("M1", 6))]);
    let run = scene.on(&["check"]);
    assert_eq!((run.code, run.state("M1")), (0, "not-affected".into()), "{}", run.out);
    scene.web.misbehave(TIMESTAMP, Misbehaviour::Status(404));
    let run = scene.on(&["check"]);
    assert_eq!((run.code, run.state("M1")), (3, "not-affected".into()), "{}", run.out);
    assert!(run.reason("M1").contains("it harms"), "{}", run.reason("M1"));
}

#[test]
fn the_organisations_policy_is_not_lost_with_what_was_fetched() {
    for policy in ["blocked = [\"M1\"]\n", "enabled = false\n"] {
        let scene = Scene::with(&["--policy"], &[("policy.toml", policy)]);
        let before = scene.on(&["check"]);
        assert_ne!(before.state("M1"), "applied", "{}", before.out);
        scene.lose_the_cache();
        let run = scene.on(&["check"]);
        assert_eq!((run.code, run.state("M1")), (3, before.state("M1")), "{}", run.out);
        // Where it is lost as well it could be a switch.
        let trust = scene.tree.state().join("trust/feeds/acme");
        std::fs::remove_file(trust.join("taken.json")).unwrap();
        assert_ne!(scene.on(&["check"]).state("M1"), "applied");
    }
    // A torn newer one does not switch off either.
    let mut scene = Scene::with(&["--policy"], &[("policy.toml", "blocked = [\"M2\"]\n")]);
    assert_eq!(scene.on(&["feed", "refresh"]).code, 0);
    scene.publish(&[("policy.toml", "blocked = [\"M1\"]\n")]);
    let newer = scene.repository.published.keys().filter(|path| path.ends_with("policy.toml"));
    for path in newer.cloned().collect::<Vec<_>>() {
        scene.web.misbehave(&path, Misbehaviour::Short);
    }
    let run = scene.on(&["check"]);
    let states = (run.code, run.state("M1"), run.state("M2"));
    assert_eq!(states, (3, "applied".into(), "blocked".into()), "{}", run.out);
    // Nor with the note on when it was.
    let scene = Scene::with(&["--policy"], &[("policy.toml", "blocked = [\"M1\"]\n")]);
    assert_eq!(scene.on(&["feed", "refresh"]).code, 0);
    scene.web.misbehave(TIMESTAMP, Misbehaviour::Status(404));
    std::fs::remove_file(scene.tree.state().join("trust/feeds/acme/standing.json")).unwrap();
    let run = scene.on(&["check"]);
    assert_eq!((run.code, run.state("M1")), (3, "blocked".into()), "{}", run.out);
    // A feed that had none has nothing to say on it.
    let scene = Scene::with(&[], &[]);
    scene.on(&["feed", "refresh"]);
    scene.lose_the_cache();
    let run = scene.on(&["check"]);
    assert_eq!((run.code, run.state("M1")), (3, "applied".into()), "{}", run.out);
}

#[test]
fn a_block_in_a_policy_holds_however_the_id_is_spelled() {
    let scene = Scene::with(&["--policy"], &[("policy.toml", "blocked = [\"m1\"]\n")]);
    let policy = scene.tree.state().join("policy.toml");
    std::fs::write(policy, "[server]\nblocked = [\"m2\"]\n").unwrap();
    let run = scene.on(&["check"]);
    let states = (run.state("M1"), run.state("M2"));
    assert_eq!(states, ("blocked".into(), "blocked".into()), "{}", run.out);
}

#[test]
fn everybody_who_blocks_a_mitigation_is_named() {
    let scene = Scene::with(&["--policy"], &[("policy.toml", "blocked = [\"M1\"]\n")]);
    let policy = "[organisation]\nblocked = [\"M1\"]\n[server]\nblocked = [\"m2\"]\n";
    std::fs::write(scene.tree.state().join("policy.toml"), policy).unwrap();
    scene.on(&["check"]);
    scene.on(&["block", "M1", "--reason", "why"]);
    let status = scene.on(&["status"]).json();
    let text = |block: &serde_json::Value, name: &str| block[name].as_str().unwrap().to_owned();
    let blocks: Vec<_> = status["blocks"].as_array().unwrap().iter().collect();
    let told: Vec<_> =
        blocks.iter().map(|block| (text(block, "id"), text(block, "origin"))).collect();
    let expected =
        [("M1", "command"), ("M1", "organisation"), ("m2", "server"), ("M1", "organisation")];
    assert_eq!(told, expected.map(|(id, origin)| (id.to_owned(), origin.to_owned())));
    assert!(text(blocks[0], "by").ends_with(": why"), "{status}");
    assert!(text(blocks[3], "by").contains("acme"), "{status}");
    // A command ends what commands began, and nothing else.
    assert_eq!(scene.on(&["unblock", "M1"]).code, 0);
    let status = scene.on(&["status"]).json();
    let left = status["blocks"].as_array().unwrap();
    assert!(left.len() == 3 && left.iter().all(|block| block["origin"] != "command"), "{status}");
}

#[test]
fn a_policy_of_a_feed_cannot_turn_the_text_on_a_terminal() {
    let scene = Scene::with(&["--policy"], &[("policy.toml", "\"\\u202e\\u001b[2J\\n\" = true\n")]);
    scene.on(&["check"]);
    let state = scene.tree.state();
    let root = scene.tree.root();
    for command in [&["show", "M1"][..], &["reapply", "M1"], &["status"], &["list"]] {
        let mut arguments =
            vec!["--root", root.to_str().unwrap(), "--state", state.to_str().unwrap()];
        arguments.extend(command);
        let run = common::stopgap(&arguments);
        let told = format!("{}{}", run.out, run.err);
        assert!(told.contains("acme") && told.contains("\\u{202e}"), "{command:?}: {told}");
        assert!(!told.contains(['\u{202e}', '\u{1b}']), "{command:?}: {told:?}");
    }
}

#[test]
fn while_another_process_waits_for_a_slow_network_a_check_goes_on_with_what_was_taken() {
    let scene = Scene::with(&["--ids", "X-*"], &[]);
    assert_eq!(scene.on(&["feed", "refresh"]).code, 0);
    let feeds = stopgap_feed::Feeds::open(&scene.tree.state()).unwrap();
    let _fetching = feeds.lock("a test", std::time::Duration::ZERO, &mut |_| {}).unwrap();
    let run = scene.on(&["check", "--wait", "0"]);
    assert_eq!((run.code, run.state("M1")), (0, "applied".into()), "{}{}", run.out, run.err);
    assert!(run.err.contains("fetched by a test"), "{}", run.err);
    // To fetch is all that a refresh is for.
    assert_eq!(scene.on(&["feed", "refresh", "--wait", "0"]).code, 4);
    // What an administrator decides does not wait, but for a new feed in the old one's place.
    for decision in [&["block", "M1"][..], &["remove", "M1"], &["feed", "remove", "acme"]] {
        let run = scene.on(&[decision, &["--wait", "0"]].concat());
        assert_eq!(run.code, 0, "{decision:?}: {}", run.out);
    }
    let root = scene.tree.root().with_file_name("root.json");
    let again = ["feed", "add", "acme", "--root", root.to_str().unwrap(), "--wait", "0"];
    assert_eq!(scene.on(&again).code, 4);
}

#[test]
fn a_torn_note_on_when_a_feed_was_fetched_is_trouble_of_this_feed_alone() {
    let scene = Scene::with(&[], &[]);
    assert_eq!(scene.on(&["check"]).code, 0);
    let file = scene.tree.state().join("trust/feeds/acme/standing.json");
    scene.web.misbehave(TIMESTAMP, Misbehaviour::Status(404));
    for text in ["{", "{\"succeeded\":\"2026-11-01T00:00:00Z\",\"stale_days\":4000000000}"] {
        std::fs::write(&file, text).unwrap();
        let run = scene.on(&["check"]);
        assert_eq!((run.code, run.state("M1")), (3, "applied".into()), "{}{}", run.out, run.err);
        assert_eq!(scene.on(&["disable"]).code, 0);
        assert_eq!(scene.on(&["enable"]).code, 0);
    }
    scene.web.misbehave(TIMESTAMP, Misbehaviour::StatusFor(503, 0));
    let run = scene.on(&["check"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
}

#[test]
fn a_note_of_a_newer_version_on_when_a_feed_was_fetched_is_left_alone() {
    let scene = Scene::with(&[], &[]);
    assert_eq!(scene.on(&["check"]).code, 0);
    let file = scene.tree.state().join("trust/feeds/acme/standing.json");
    let newer = "{\"schema\":2,\"fetched\":\"often\"}";
    std::fs::write(&file, newer).unwrap();
    for command in ["check", "check"] {
        let run = scene.on(&[command]);
        assert_eq!((run.code, run.state("M1")), (3, "applied".into()), "{}{}", run.out, run.err);
        let what_to_do = "Use the version of stopgap that was here last, or a newer one";
        let told = format!("{}{}", run.out, run.err);
        assert!(told.contains("standing.json") && told.contains(what_to_do), "{told}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), newer);
    }
    assert_eq!(scene.on(&["feed", "refresh"]).code, 3);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), newer);
}

#[test]
fn a_feed_that_is_carried_in_by_hand_is_not_called_good_before_it_came() {
    let scene = Scene::with(&[], &[]);
    assert_eq!(scene.on(&["feed", "remove", "acme"]).code, 0);
    let (root, state) = (scene.tree.root().with_file_name("root.json"), scene.tree.state());
    let add = ["feed", "add", "acme", "--root", root.to_str().unwrap()];
    assert_eq!(scene.on(&add).code, 0);
    let run = common::stopgap(&["--state", state.to_str().unwrap(), "feed", "refresh"]);
    assert!(run.out.contains("carried in by hand"), "{}", run.out);
    assert!(!run.out.contains("good"), "{}", run.out);
}

#[test]
fn a_feed_whose_server_is_down_is_not_called_refused() {
    let scene = Scene::with(&[], &[]);
    let state = scene.tree.state();
    let refresh = || common::stopgap(&["--state", state.to_str().unwrap(), "feed", "refresh"]);
    scene.web.misbehave(TIMESTAMP, Misbehaviour::Status(503));
    let run = refresh();
    assert_eq!(run.code, 3, "{}", run.out);
    assert!(run.out.contains("acme: NOT REACHED: "), "{}{}", run.out, run.err);
    assert!(!run.out.contains("REFUSED"), "{}", run.out);
}
