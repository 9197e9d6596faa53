//! Feeds as an administrator meets them: added, fetched, in trouble, carried in; and what they can do
//! on a server and what not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says plainly what it expects")]

mod common;

use std::path::PathBuf;

use common::{Run, VULNERABLE, on};
use jiff::{SignedDuration, Timestamp};
use stopgap_testkit::Tree;
use stopgap_testkit::repository::Repository;
use stopgap_testkit::web::{Misbehaviour, WebServer};

const M1: &str = include_str!("../../../catalog/M1.toml");

/// A server, a publisher, and the web between them.
struct Scene {
    tree: Tree,
    repository: Repository,
    web: WebServer,
}

impl Scene {
    /// Nothing is offered yet, and the feed is not added.
    fn new() -> Self {
        let repository = Repository::new(Timestamp::now());
        let web = WebServer::of(&repository.published);
        Self { tree: Tree::exchange(VULNERABLE), repository, web }
    }

    /// The feed `acme` is added with these powers and offers `documents`.
    fn with(powers: &[&str], documents: &[(&str, &str)]) -> Self {
        let mut scene = Self::new();
        scene.publish(documents);
        scene.add(powers);
        scene
    }

    fn publish(&mut self, documents: &[(&str, &str)]) {
        for (name, text) in documents {
            self.repository.set(name, text.as_bytes());
        }
        self.repository.publish();
        self.web.serve(&self.repository.published);
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path: PathBuf = self.tree.root().with_file_name(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn add(&self, powers: &[&str]) {
        let root = self.file("root.json", &self.repository.first_root());
        let url = self.web.url();
        let mut arguments = vec!["feed", "add", "acme", &url, "--root", &root];
        arguments.extend(powers);
        let run = self.on(&arguments);
        assert_eq!(run.code, 0, "{}", run.out);
    }

    fn on(&self, arguments: &[&str]) -> Run {
        on(&self.tree, arguments)
    }

    /// The first feed in what `check` or `feed list` tells.
    fn feed(run: &Run) -> serde_json::Value {
        let feeds = run.json()["feeds"].as_array().cloned().unwrap();
        feeds.into_iter().find(|feed| feed["name"] == "acme").unwrap()
    }
}

/// A mitigation for every server that blocks a word.
fn blocks(id: &str, revision: u32, word: &str) -> String {
    format!(
        "schema = 1\nid = \"{id}\"\nrevision = {revision}\ntitle = \"A test\"\nseverity = \"low\"\n\
         impact = \"None.\"\nno_live_probe = \"a test\"\n[[action]]\nid = \"{id}.1\"\n\
         kind = \"block-request\"\nscope = {{ site = \"Default Web Site\" }}\ndeny = \"abort\"\n\
         when = [{{ field = \"uri\", contains = \"{word}\" }}]\n"
    )
}

fn disables_pool(id: &str) -> String {
    format!(
        "schema = 1\nid = \"{id}\"\nrevision = 1\ntitle = \"A test\"\nseverity = \"low\"\n\
         impact = \"None.\"\nno_live_probe = \"a test\"\n[[action]]\nid = \"{id}.1\"\n\
         kind = \"disable-app-pool\"\npools = [\"MSExchangeECPAppPool\"]\n"
    )
}

#[test]
fn a_mitigation_from_a_feed_is_applied_and_told_with_its_source() {
    let mut scene = Scene::with(&[], &[("ACME-1.toml", &blocks("ACME-1", 1, "evil"))]);
    let run = scene.on(&["check"]);
    assert_eq!((run.code, run.state("ACME-1")), (0, "applied".into()), "{}", run.out);
    assert_eq!(run.mitigation("ACME-1")["source"], "feed acme");
    assert_eq!(run.mitigation("M1")["source"], "built in");
    assert_eq!(Scene::feed(&run)["ok"], true);
    // A newer revision replaces it, and what is withdrawn goes.
    scene.publish(&[("ACME-1.toml", &blocks("ACME-1", 2, "malice"))]);
    let run = scene.on(&["check"]);
    assert_eq!(
        (run.state("ACME-1"), &run.mitigation("ACME-1")["revision"]),
        ("applied".into(), &2.into())
    );
    let tombstone = "schema = 1\nid = \"ACME-1\"\nrevision = 3\ntitle = \"A test\"\nseverity = \"low\"\n\
                     impact = \"None.\"\nwithdrawn = \"it harms\"\n";
    scene.publish(&[("ACME-1.toml", tombstone)]);
    assert_eq!(scene.on(&["check"]).state("ACME-1"), "withdrawn");
    let history = scene.on(&["history"]).out;
    for event in ["feed-added", "feed-changed"] {
        assert!(history.contains(event), "{history}");
    }
}

#[test]
fn a_shipped_mitigation_is_revised_only_by_a_feed_that_was_given_it_and_in_one_step() {
    let newer =
        M1.replacen("revision = 5", "revision = 6", 1).replace("autodiscover", "autodiscove");
    for (powers, source, revision) in
        [(&[][..], "built in", 5), (&["--ids", "M1"][..], "feed acme", 6)]
    {
        let scene = Scene::new();
        assert_eq!(scene.on(&["check"]).state("M1"), "applied");
        let mut scene = scene;
        scene.publish(&[("M1.toml", &newer)]);
        scene.add(powers);
        let run = scene.on(&["check"]);
        let m1 = run.mitigation("M1");
        assert_eq!((&m1["source"], &m1["revision"]), (&source.into(), &revision.into()), "{m1}");
        assert_eq!(m1["state"], "applied");
        let config = stopgap_model::ServerPath::new(common::HOST_CONFIG);
        let text = String::from_utf8(scene.tree.read(&config)).unwrap();
        assert_eq!(text.matches("Stopgap M1.1").count(), 1);
        assert_eq!(text.contains("\"autodiscover\""), revision == 5, "{text}");
    }
}

#[test]
fn a_feed_disables_no_pool_unless_it_was_given_this_one() {
    for (powers, state) in [
        (&[][..], "unsupported"),
        (&["--pools", "MSExchangeOAB*"][..], "unsupported"),
        (&["--pools", "MSExchangeECP*"][..], "applied"),
    ] {
        let scene = Scene::with(powers, &[("ACME-1.toml", &disables_pool("ACME-1"))]);
        let run = scene.on(&["check"]);
        assert_eq!(run.state("ACME-1"), state, "{powers:?}: {}", run.out);
    }
}

#[test]
fn a_feed_that_cannot_be_reached_changes_nothing_and_keeps_nothing_else_from_being_done() {
    let mut scene = Scene::with(&[], &[("ACME-1.toml", &blocks("ACME-1", 1, "evil"))]);
    assert_eq!(scene.on(&["check"]).state("ACME-1"), "applied");
    let protected = scene.tree.snapshot();
    scene.publish(&[("ACME-1.toml", &blocks("ACME-1", 2, "malice"))]);
    scene.web.misbehave("metadata/timestamp.json", Misbehaviour::Status(403));
    let run = scene.on(&["check"]);
    assert_eq!(
        (run.code, run.state("ACME-1"), run.state("M1")),
        (3, "applied".into(), "applied".into())
    );
    assert_eq!(Scene::feed(&run)["ok"], false);
    assert!(scene.tree.snapshot() == protected);
    assert!(run.err.contains("note: feed acme has had no valid update"), "{}", run.err);
    // A server that was not protected before is not protected by it now, and that is told.
    scene.on(&["remove", "ACME-1", "--once"]);
    let run = scene.on(&["check"]);
    assert_eq!((run.code, run.state("ACME-1")), (3, "pending".into()));
    assert!(run.reason("ACME-1").contains("nothing new is applied"), "{}", run.reason("ACME-1"));
    for command in ["list", "status"] {
        let run = scene.on(&[command]);
        assert_eq!(run.code, 3, "{command}: {}", run.err);
    }
}

#[test]
fn an_expired_feed_keeps_what_is_in_force() {
    let mut scene = Scene::new();
    scene.repository.timestamp.expires = Timestamp::now() + SignedDuration::from_secs(3);
    scene.publish(&[("ACME-1.toml", &blocks("ACME-1", 1, "evil"))]);
    scene.add(&[]);
    assert_eq!(scene.on(&["check"]).state("ACME-1"), "applied");
    let protected = scene.tree.snapshot();
    std::thread::sleep(std::time::Duration::from_secs(4));
    // Not even asked again it gives anything new.
    let run = scene.on(&["list"]);
    assert_eq!((run.code, run.state("ACME-1")), (3, "applied".into()), "{}", run.out);
    let err: Vec<&str> = run.err.split_whitespace().collect();
    assert!(err.join(" ").contains("its timestamp metadata"), "{}", run.err);
    let run = scene.on(&["check"]);
    assert_eq!((run.code, run.state("ACME-1")), (3, "applied".into()), "{}", run.out);
    assert!(scene.tree.snapshot() == protected);
}

#[test]
fn a_feed_that_goes_back_is_refused_even_when_its_cache_is_gone() {
    let mut scene = Scene::with(&[], &[("ACME-1.toml", &blocks("ACME-1", 1, "evil"))]);
    let older = scene.repository.published.clone();
    scene.publish(&[("ACME-1.toml", &blocks("ACME-1", 2, "malice"))]);
    assert_eq!(scene.on(&["feed", "refresh"]).code, 0);
    scene.web.serve(&older);
    for cache in [true, false] {
        if !cache {
            std::fs::remove_dir_all(scene.tree.state().join("cache")).unwrap();
        }
        let run = scene.on(&["feed", "refresh", "acme"]);
        assert_eq!(run.code, 3, "{}", run.out);
        assert!(run.out.contains("goes back"), "{}", run.out);
    }
    let run = scene.on(&["check"]);
    assert_ne!(run.state("M1"), "pending");
    // The publisher's newest is taken again.
    scene.web.serve(&scene.repository.published);
    let run = scene.on(&["check"]);
    assert_eq!((run.code, &run.mitigation("ACME-1")["revision"]), (0, &2.into()), "{}", run.out);
}

#[test]
fn a_feed_signed_by_somebody_else_is_refused() {
    let scene = Scene::with(&[], &[]);
    let mut other = Repository::new(Timestamp::now());
    other.set("ACME-1.toml", blocks("ACME-1", 1, "evil").as_bytes());
    other.publish();
    scene.web.serve(&other.published);
    let run = scene.on(&["check"]);
    assert_eq!(run.code, 3);
    assert!(run.json()["mitigations"].as_array().unwrap().iter().all(|m| m["id"] != "ACME-1"));
    let reason = Scene::feed(&run)["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("0 valid signatures"), "{reason}");
}

#[test]
fn of_a_good_feed_the_one_bad_mitigation_is_refused_and_the_rest_stands() {
    let good = blocks("ACME-1", 1, "evil");
    let unknown_kind = good.replace("block-request", "explode").replace("ACME-1", "ACME-2");
    let schema = good.replace("schema = 1", "schema = 2").replace("ACME-1", "ACME-3");
    let belied = format!(
        "{}[[probe]]\nname = \"p\"\nrequest = \"GET /fine\"\nexpect = \"blocked\"\n",
        blocks("ACME-5", 1, "evil")
    );
    let other_prefix = blocks("OTHER-1", 1, "evil");
    let scene = Scene::with(
        &["--ids", "ACME-*"],
        &[
            ("ACME-1.toml", &good),
            ("ACME-2.toml", &unknown_kind),
            ("ACME-3.toml", &schema),
            ("ACME-4.toml", "[[[[ nonsense"),
            ("ACME-5.toml", &belied),
            ("ACME-6.toml", &blocks("ACME-7", 1, "evil")),
            ("OTHER-1.toml", &other_prefix),
            ("readme.txt", "not for this program"),
        ],
    );
    let run = scene.on(&["check"]);
    assert_eq!((run.code, run.state("ACME-1")), (1, "applied".into()), "{}", run.out);
    for (id, why) in [
        ("ACME-2", "explode"),
        ("ACME-3", "schema 2"),
        ("ACME-4", "line 1"),
        ("ACME-5", "belie"),
        ("ACME-6", "is of ACME-7"),
        ("OTHER-1", "was given the ids ACME-*"),
    ] {
        assert_eq!(run.state(id), "unsupported", "{id}");
        assert!(run.reason(id).contains(why), "{id}: {}", run.reason(id));
    }
    assert_eq!(Scene::feed(&run)["others"], 1);
    assert_eq!(scene.on(&["show", "ACME-2"]).code, 1);
}

#[test]
fn a_revision_that_comes_again_with_other_content_is_refused_and_what_is_in_force_stays() {
    let mut scene = Scene::with(&[], &[("ACME-1.toml", &blocks("ACME-1", 1, "evil"))]);
    assert_eq!(scene.on(&["check"]).state("ACME-1"), "applied");
    let protected = scene.tree.snapshot();
    scene.publish(&[("ACME-1.toml", &blocks("ACME-1", 1, "malice"))]);
    let run = scene.on(&["check"]);
    assert_eq!(run.state("ACME-1"), "applied", "{}", run.out);
    assert!(run.reason("ACME-1").contains("never names two contents"), "{}", run.out);
    assert!(scene.tree.snapshot() == protected);
}

#[test]
fn the_organisations_feed_can_switch_off_and_block_and_nothing_else() {
    let document = blocks("ACME-1", 1, "evil");
    let mut scene = Scene::with(
        &["--policy"],
        &[("policy.toml", "enabled = false\n"), ("ACME-1.toml", &document)],
    );
    let before = scene.tree.snapshot();
    let run = scene.on(&["check"]);
    assert_eq!(
        (run.code, run.state("M1"), run.state("ACME-1")),
        (0, "pending".into(), "pending".into())
    );
    assert!(run.reason("M1").contains("for the organisation by feed acme"), "{}", run.reason("M1"));
    assert!(scene.tree.snapshot() == before);
    scene.publish(&[("policy.toml", "blocked = [\"M1\"]\n")]);
    let run = scene.on(&["check"]);
    assert_eq!((run.state("M1"), run.state("ACME-1")), ("blocked".into(), "applied".into()));
    // A server's own switch holds against the organisation's yes.
    scene.publish(&[("policy.toml", "enabled = true\n")]);
    scene.on(&["disable"]);
    assert_eq!(scene.on(&["check"]).state("M1"), "pending");
    scene.on(&["enable"]);
    // What cannot be read could be a switch.
    scene.publish(&[("policy.toml", "enabeld = true\n")]);
    // Fetched before: while it is fetched, the policy of before holds.
    assert_eq!(scene.on(&["feed", "refresh"]).code, 0);
    let run = scene.on(&["check"]);
    assert_eq!(run.state("M1"), "pending");
    assert!(run.reason("M1").contains("enabeld"), "{}", run.reason("M1"));
}

#[test]
fn a_feed_switches_nothing_off_unless_it_was_given_that_power() {
    let document = blocks("ACME-1", 1, "evil");
    // The option from before says nothing any more, and is told.
    for powers in [&[][..], &["--no-policy"]] {
        let scene = Scene::with(
            powers,
            &[("policy.toml", "enabled = false\n"), ("ACME-1.toml", &document)],
        );
        let run = scene.on(&["check"]);
        assert_eq!((run.code, run.state("ACME-1")), (0, "applied".into()), "{}", run.out);
        let feed = Scene::feed(&run);
        assert_eq!((&feed["others"], &feed["powerless_policy"]), (&1.into(), &true.into()));
        assert_eq!(feed["powers"]["policy"], false);
    }
    let scene = Scene::with(&["--policy"], &[]);
    let run = scene.on(&["feed", "list"]);
    assert_eq!(Scene::feed(&run)["powers"]["policy"], true, "{}", run.out);
    assert_eq!(Scene::feed(&run)["powers"]["policy_from_before"], false, "{}", run.out);
    let root = scene.file("root.json", &scene.repository.first_root());
    let both = ["feed", "add", "other", "--root", &root, "--policy", "--no-policy"];
    assert_eq!(scene.on(&both).code, 2);
}

#[test]
fn a_feed_from_before_the_policy_had_to_be_given_keeps_it_and_that_is_told() {
    let scene = Scene::with(&["--policy"], &[("policy.toml", "enabled = false\n")]);
    let file = scene.tree.state().join("trust/feeds/acme/feed.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("policy = \"given\""), "{text}");
    std::fs::write(&file, text.replace("policy = \"given\"", "policy = true")).unwrap();
    let run = scene.on(&["check"]);
    assert_eq!(run.state("M1"), "pending", "{}", run.out);
    let state = scene.tree.state();
    let root = scene.tree.root();
    for command in [&["feed", "list"][..], &["status"]] {
        let mut arguments =
            vec!["--root", root.to_str().unwrap(), "--state", state.to_str().unwrap()];
        arguments.extend(command);
        let told = common::stopgap(&arguments).out;
        let told: Vec<&str> = told.split_whitespace().collect();
        assert!(told.join(" ").contains("before that had to be given"), "{told:?}");
    }
}

#[test]
fn a_thief_of_the_online_key_takes_neither_the_feed_nor_its_policy_away() {
    let policy = "blocked = [\"M2\"]\n";
    let mut scene = Scene::with(
        &["--policy"],
        &[("policy.toml", policy), ("ACME-1.toml", &blocks("ACME-1", 1, "evil"))],
    );
    assert_eq!(scene.on(&["check"]).state("ACME-1"), "applied");
    let protected = scene.tree.snapshot();
    let version = scene.repository.timestamp.version + 1;
    scene.repository.forge("metadata/timestamp.json", "timestamp", |signed| {
        signed["version"] = version.into();
        signed["meta"]["snapshot.json"]["hashes"]["sha256"] = "0".repeat(64).into();
    });
    scene.web.serve(&scene.repository.published);
    for _ in 0..2 {
        let run = scene.on(&["check"]);
        let states = (run.state("M1"), run.state("M2"), run.state("ACME-1"));
        assert_eq!(states, ("applied".into(), "blocked".into(), "applied".into()), "{}", run.out);
        assert_eq!((run.code, &Scene::feed(&run)["ok"]), (3, &false.into()), "{}", run.out);
        assert!(scene.tree.snapshot() == protected);
    }
    let run = scene.on(&["test-connectivity", "acme"]);
    assert_eq!((run.code, &run.json()["feeds"][0]["hop"]), (3, &"signature".into()), "{}", run.out);
    // The publisher's next one is taken.
    scene.publish(&[("ACME-1.toml", &blocks("ACME-1", 2, "malice"))]);
    let run = scene.on(&["check"]);
    assert_eq!((run.code, &run.mitigation("ACME-1")["revision"]), (0, &2.into()), "{}", run.out);
}

#[test]
fn an_unsigned_trial_does_not_get_around_the_organisations_policy() {
    let scene = Scene::with(&["--policy"], &[("policy.toml", "enabled = false\n")]);
    assert_eq!(scene.on(&["feed", "refresh"]).code, 0);
    let folder = scene.tree.root().with_file_name("trial");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("T.toml"), blocks("T", 1, "evil")).unwrap();
    let run = scene.on(&["check", "--catalog", folder.to_str().unwrap()]);
    assert_eq!(run.state("T"), "pending", "{}", run.out);
}

#[test]
fn the_ids_that_one_feed_was_given_are_not_revised_by_another() {
    let scene = Scene::with(&["--ids", "ACME-*"], &[("ACME-1.toml", &blocks("ACME-1", 1, "evil"))]);
    let mut other = Repository::new(Timestamp::now());
    other.set("ACME-1.toml", blocks("ACME-1", 2, "nothing-at-all").as_bytes());
    other.publish();
    let web = WebServer::of(&other.published);
    let root = scene.file("other.json", &other.first_root());
    assert_eq!(scene.on(&["feed", "add", "aaa", &web.url(), "--root", &root]).code, 0);
    let run = scene.on(&["check"]);
    let acme = run.mitigation("ACME-1");
    assert_eq!((&acme["source"], &acme["revision"]), (&"feed acme".into(), &1.into()), "{acme}");
    assert!(run.reason("ACME-1").contains("another feed was given"), "{}", run.out);
}

#[test]
fn the_shipped_catalog_can_be_turned_off() {
    let scene = Scene::with(&[], &[("ACME-1.toml", &blocks("ACME-1", 1, "evil"))]);
    std::fs::write(scene.tree.state().join("policy.toml"), "[catalog]\nbuilt_in = false\n")
        .unwrap();
    let run = scene.on(&["check"]);
    let ids: Vec<_> =
        run.json()["mitigations"].as_array().unwrap().iter().map(|m| m["id"].clone()).collect();
    assert_eq!(ids, ["ACME-1"]);
}

#[test]
fn a_feed_that_is_removed_leaves_what_is_in_force() {
    let scene = Scene::with(&[], &[("ACME-1.toml", &blocks("ACME-1", 1, "evil"))]);
    assert_eq!(scene.on(&["check"]).state("ACME-1"), "applied");
    let protected = scene.tree.snapshot();
    assert_eq!(scene.on(&["feed", "remove", "acme"]).code, 0);
    let run = scene.on(&["check"]);
    assert_eq!((run.code, run.state("ACME-1")), (0, "applied".into()));
    assert!(scene.tree.snapshot() == protected);
    assert_eq!(scene.on(&["feed", "remove", "acme"]).code, 2);
    assert_eq!(scene.on(&["remove", "ACME-1"]).state("ACME-1"), "withdrawn");
}

#[test]
fn a_wrong_root_or_name_or_address_is_no_feed() {
    let scene = Scene::new();
    let root = scene.file("root.json", &scene.repository.first_root());
    let text = String::from_utf8(scene.repository.first_root()).unwrap();
    let torn =
        scene.file("torn.json", text.replacen("\"version\": 1", "\"version\": 2", 1).as_bytes());
    let url = scene.web.url();
    for (arguments, code) in [
        (vec!["feed", "add", "acme", &url, "--root", &torn], 3),
        (vec!["feed", "add", "Acme", &url, "--root", &root], 2),
        (vec!["feed", "add", "acme", "ftp://x", "--root", &root], 2),
        (vec!["feed", "add", "acme", &url], 2),
        (vec!["feed", "add", "acme", &url, "--root", &root, "--kinds", "explode"], 2),
        (vec!["feed", "add", "acme", &url, "--root", &root], 0),
        (vec!["feed", "add", "acme", &url, "--root", &root], 2),
        (vec!["feed", "refresh", "other"], 2),
    ] {
        let run = scene.on(&arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}{}", run.out, run.err);
    }
}

#[test]
fn test_connectivity_names_the_hop() {
    let scene = Scene::with(&[], &[]);
    let run =
        common::stopgap(&["--state", scene.tree.state().to_str().unwrap(), "test-connectivity"]);
    assert!(run.out.contains("Result: Success.\nMessage: "), "{}", run.out);
    let hop = |scene: &Scene| {
        let run = scene.on(&["test-connectivity", "acme"]);
        println!("{}", run.out);
        assert_eq!(run.code, 3, "{}", run.out);
        run.json()["feeds"][0]["hop"].as_str().unwrap().to_owned()
    };
    scene.web.misbehave("metadata/timestamp.json", Misbehaviour::Status(404));
    assert_eq!(hop(&scene), "status");
    let other = Repository::new(Timestamp::now());
    let scene = Scene::with(&[], &[]);
    scene.web.serve(&other.published);
    assert_eq!(hop(&scene), "signature");
    let old = Repository::new(Timestamp::now() - SignedDuration::from_hours(48));
    let scene = Scene { web: WebServer::of(&old.published), repository: old, ..scene };
    scene.on(&["feed", "remove", "acme"]);
    scene.add(&[]);
    assert_eq!(hop(&scene), "freshness");
    scene.on(&["feed", "remove", "acme"]);
    let root = scene.file("root.json", &scene.repository.first_root());
    for (url, expected) in [("http://name.invalid/", "name"), ("http://127.0.0.1:1/", "connect")] {
        scene.on(&["feed", "add", "acme", url, "--root", &root]);
        assert_eq!(hop(&scene), expected);
        scene.on(&["feed", "remove", "acme"]);
    }
    let tls = scene.web.url().replacen("http:", "https:", 1);
    scene.on(&["feed", "add", "acme", &tls, "--root", &root]);
    assert_eq!(hop(&scene), "TLS");
}

#[test]
fn test_connectivity_sees_a_target_that_was_altered() {
    let mut scene = Scene::with(&[], &[("ACME-1.toml", &blocks("ACME-1", 1, "evil"))]);
    let good = scene.on(&["test-connectivity"]);
    assert_eq!(good.code, 0, "{}", good.out);
    let target = |path: &&String| path.ends_with("ACME-1.toml");
    let path = scene.repository.published.keys().find(target).unwrap().clone();
    let evil = blocks("ACME-1", 1, "live");
    scene.repository.published.insert(path, evil.into_bytes());
    scene.web.serve(&scene.repository.published);
    let state = scene.tree.state();
    let run = common::stopgap(&["--state", state.to_str().unwrap(), "test-connectivity"]);
    assert_eq!(run.code, 3, "{}", run.out);
    assert!(run.out.contains("Result: Failed.\nMessage: signature"), "{}", run.out);
    let run = common::stopgap(&["--state", state.to_str().unwrap(), "feed", "refresh"]);
    assert_eq!(run.code, 3, "{}", run.out);
    assert!(run.out.contains("acme: REFUSED: "), "{}", run.out);
}

/// One file with everything that was published.
fn bundle(repository: &Repository) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes) in &repository.published {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, bytes.as_slice()).unwrap();
    }
    tar.into_inner().unwrap()
}

#[test]
fn a_server_without_a_network_takes_what_is_carried_in_and_never_goes_back() {
    let mut scene = Scene::new();
    let root = scene.file("root.json", &scene.repository.first_root());
    assert_eq!(scene.on(&["feed", "add", "acme", "--root", &root]).code, 0);
    let empty = scene.file("empty.tar", &bundle(&scene.repository));
    scene.publish(&[("ACME-1.toml", &blocks("ACME-1", 1, "evil"))]);
    let file = scene.file("feed.tar", &bundle(&scene.repository));
    let run = scene.on(&["feed", "import", &file]);
    assert_eq!(run.code, 0, "{}", run.out);
    let run = scene.on(&["check"]);
    assert_eq!((run.code, run.state("ACME-1")), (0, "applied".into()), "{}", run.out);
    let run = scene.on(&["feed", "import", &empty]);
    assert_eq!(run.code, 3, "{}", run.out);
    assert!(run.out.contains("goes back"), "{}", run.out);
    assert_eq!(scene.on(&["check"]).state("ACME-1"), "applied");
    // Of another publisher; cut off; no bundle at all.
    let other = scene.file("other.tar", &bundle(&Repository::new(Timestamp::now())));
    assert_eq!(scene.on(&["feed", "import", &other]).code, 3);
    let bytes = bundle(&scene.repository);
    let torn = scene.file("torn.tar", &bytes[..bytes.len() / 2]);
    assert_eq!(scene.on(&["feed", "import", &torn]).code, 3);
    let nonsense = scene.file("nonsense.tar", b"nonsense");
    assert_eq!(scene.on(&["feed", "import", &nonsense]).code, 3);
    let run = scene.on(&["check"]);
    assert_eq!((run.code, run.state("ACME-1")), (0, "applied".into()), "{}", run.out);
}

#[test]
fn a_bundle_that_expired_is_taken_only_on_the_administrators_word_which_is_written_down() {
    let mut scene = Scene::new();
    scene.repository = Repository::new(Timestamp::now() - SignedDuration::from_hours(3 * 24));
    scene.publish(&[("ACME-1.toml", &blocks("ACME-1", 1, "evil"))]);
    let root = scene.file("root.json", &scene.repository.first_root());
    assert_eq!(scene.on(&["feed", "add", "acme", "--root", &root]).code, 0);
    let file = scene.file("feed.tar", &bundle(&scene.repository));
    for days in ["0", "1"] {
        let run = scene.on(&["feed", "import", &file, "--accept-stale", days]);
        assert_eq!(run.code, 3, "{days}: {}", run.out);
        assert!(run.out.contains("timestamp expired"), "{}", run.out);
    }
    let run = scene.on(&["feed", "import", &file, "--accept-stale", "3"]);
    assert_eq!(run.code, 0, "{}", run.out);
    let run = scene.on(&["check"]);
    assert_eq!((run.code, run.state("ACME-1")), (0, "applied".into()), "{}", run.out);
    let history = scene.on(&["history"]).out;
    assert!(history.contains("expired up to 3 days ago"), "{history}");
}
