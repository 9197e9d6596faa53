//! Feeds that are passed on: mirrored, bundled, verified, served.
#![cfg(unix)] // links of Unix
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use common::client::Server;
use common::{OFFLINE, ONLINE, Service, Team};
use jiff::{SignedDuration, Timestamp};
use stopgap_sign::{Envelope, TargetFile, snapshot, targets, timestamp};

const ROOT: &str = "acme/metadata/1.root.json";

fn files(team: &Team, place: &str) -> BTreeMap<String, Vec<u8>> {
    let names = ["metadata", "targets"].into_iter().flat_map(|folder| {
        let names = team.names(&format!("{place}/{folder}"));
        names.into_iter().map(move |name| format!("{folder}/{name}"))
    });
    names.map(|name| (name.clone(), team.bytes(&format!("{place}/{name}")))).collect()
}

/// The same change everywhere: what the published feed has next.
fn next(team: &Team) {
    team.add("A-1", 2);
    team.add("A-2", 1);
    team.acme(&["rotate", "timestamp", "--add", "1", "--remove", "timestamp-1"]).ok();
    team.sign_root();
    team.sign_targets();
    team.acme(&["publish", "www"]).ok();
}

/// Publishes targets with these names, signed with the right keys, past all checks.
fn publish_by_hand(team: &Team, names: &[&str]) {
    let hour = Timestamp::now() + SignedDuration::from_hours(1);
    let named = names.iter().map(|name| ((*name).to_owned(), TargetFile::of(b"evil")));
    let key = |role: &str, kind: &str, passphrase| {
        team.key(&format!("acme/keys/{kind}/{role}-1.key"), passphrase)
    };
    let signed = targets(2, hour, &named.collect(), &[]);
    let targets = Envelope::signed_by(signed, [&key("targets", "offline", OFFLINE)]);
    team.write("www/metadata/2.targets.json", targets.to_bytes());
    let signed = snapshot(2, hour, &BTreeMap::from([("targets.json".to_owned(), 2)]));
    let snapshot = Envelope::signed_by(signed, [&key("snapshot", "online", ONLINE)]).to_bytes();
    team.write("www/metadata/2.snapshot.json", &snapshot);
    let signed = timestamp(2, hour, 2, &snapshot);
    let timestamp = Envelope::signed_by(signed, [&key("timestamp", "online", ONLINE)]);
    team.write("www/metadata/timestamp.json", timestamp.to_bytes());
}

#[test]
fn a_mirror_of_a_served_feed_is_the_feed() {
    let team = Team::published();
    let service = Service::start(&team, "www");
    let mirror = || team.run(&["mirror", &service.url(), "mirror", "--root", ROOT]);
    mirror().ok().says("1 new");
    assert_eq!(files(&team, "mirror"), files(&team, "www"));
    let server = Server::new(&team, "state", ROOT);
    assert_eq!(server.follows(&team.path("mirror")), ["A-1.toml 1"]);
    mirror().ok().says("0 new");
    next(&team);
    mirror().ok().says("2 new");
    assert_eq!(files(&team, "mirror"), files(&team, "www"));
    assert_eq!(server.follows(&team.path("mirror")), ["A-1.toml 2", "A-2.toml 1"]);
    // Whoever knows only the newest root still mirrors all of them, for those who know the first.
    let newest = ["mirror", "www", "second", "--root", "www/metadata/2.root.json"];
    team.run(&newest).ok();
    assert_eq!(
        team.names("second/metadata"),
        ["1.root.json", "2.root.json", "2.snapshot.json", "2.targets.json", "timestamp.json",]
    );
}

#[test]
fn a_mirror_of_a_tampered_feed_is_refused_and_leaves_everything_as_it_was() {
    let team = Team::published();
    team.run(&["mirror", "www", "mirror", "--root", ROOT]).ok();
    let before = files(&team, "mirror");
    next(&team);
    let good = files(&team, "www");
    for (name, bytes) in &good {
        let damaged: [Option<Vec<u8>>; 3] = [
            None,
            Some(bytes[..bytes.len() / 2].to_vec()),
            Some(bytes.iter().map(|byte| if *byte == b'1' { b'3' } else { *byte }).collect()),
        ];
        for damage in damaged {
            // Some files are of the past, and an answer that says "not there" ends the roots.
            let is_needed = matches!(name.as_str(), "metadata/timestamp.json")
                || name.starts_with("metadata/2.") && damage.is_some()
                || name.starts_with("metadata/2.") && !name.contains("root")
                || name.starts_with("targets/") && !before.contains_key(name);
            if !is_needed {
                continue;
            }
            let path = team.path(&format!("www/{name}"));
            match &damage {
                Some(bytes) => std::fs::write(&path, bytes).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            team.run(&["mirror", "www", "mirror", "--root", ROOT]).ends_with(3);
            assert_eq!(files(&team, "mirror"), before, "{name}");
            team.run(&["verify", "www", "--root", ROOT]).ends_with(3);
            team.run(&["bundle", "b.tar", "--from", "www", "--root", ROOT]).ends_with(3);
            assert!(!team.path("b.tar").exists());
            team.run(&["mirror", "www", "fresh", "--root", ROOT]).ends_with(3);
            assert!(!team.path("fresh").exists());
            std::fs::write(&path, bytes).unwrap();
        }
    }
    team.run(&["mirror", "www", "mirror", "--root", ROOT]).ok();
}

#[test]
fn a_mirror_never_goes_back() {
    let team = Team::published();
    team.copy("www", "old");
    next(&team);
    team.run(&["mirror", "www", "mirror", "--root", ROOT]).ok();
    let before = files(&team, "mirror");
    let run = team.run(&["mirror", "old", "mirror", "--root", ROOT]).ends_with(3);
    run.says("is not of the feed that is mirrored");
    // With the newest root in it, the old state is refused all the same.
    team.add("A-3", 1);
    team.acme(&["sign", "--key", "acme/keys/offline/targets-1.key"]).ok();
    team.copy("www", "older");
    team.acme(&["publish", "www"]).ok();
    team.run(&["mirror", "www", "mirror", "--root", ROOT]).ok();
    let after = files(&team, "mirror");
    assert_ne!(before, after);
    team.run(&["mirror", "older", "mirror", "--root", ROOT]).ends_with(3).says("goes back");
    assert_eq!(files(&team, "mirror"), after);
}

#[test]
fn another_feed_is_not_mirrored_over_this_one() {
    let team = Team::published();
    let other = Team::published();
    team.run(&["mirror", "www", "mirror", "--root", ROOT]).ok();
    let before = files(&team, "mirror");
    let (www, root) = (other.path("www"), other.path(ROOT));
    let (www, root) = (www.to_str().unwrap(), root.to_str().unwrap());
    team.run(&["mirror", www, "mirror", "--root", ROOT]).ends_with(3);
    team.run(&["mirror", www, "mirror", "--root", root]).ends_with(3);
    team.acme(&["publish", "mirror"]).ok();
    other
        .acme(&["publish", team.path("mirror").to_str().unwrap()])
        .ends_with(3)
        .says("is not from this folder");
    assert_eq!(files(&team, "mirror").len(), before.len());
}

#[test]
fn a_target_name_that_tries_to_leave_its_folder_is_not_passed_on() {
    for name in ["../evil.toml", "/etc/evil", "a/b.toml", "..", ".hidden", "a\\b", "a\u{202e}b"] {
        let team = Team::published();
        publish_by_hand(&team, &["good.toml", name]);
        for arguments in [
            &["mirror", "www", "mirror", "--root", ROOT][..],
            &["bundle", "b.tar", "--from", "www", "--root", ROOT],
            &["verify", "www", "--root", ROOT],
        ] {
            let run = team.run(arguments).ends_with(3);
            assert!(run.err.contains("is not passed on"), "{name}: {}", run.err);
            assert!(!run.err.contains('\u{202e}'));
        }
        assert!(!team.path("mirror").exists() && !team.path("b.tar").exists());
    }
}

#[test]
fn a_bundle_holds_the_whole_feed_and_is_the_same_every_time() {
    let team = Team::published();
    // An action adds two letters to it, and an id has at most 64.
    let long = "A".repeat(62);
    team.add(&long, 1);
    next(&team);
    team.acme(&["bundle", "own.tar"]).ok().says("3 targets");
    team.run(&["bundle", "www.tar", "--from", "www", "--root", ROOT]).ok();
    assert_eq!(team.bytes("own.tar"), team.bytes("www.tar"));
    team.run(&["verify", "own.tar", "--root", ROOT]).ok().says("3 targets");
    team.run(&["mirror", "own.tar", "mirror", "--root", ROOT]).ok();
    let server = Server::new(&team, "state", ROOT);
    assert_eq!(server.follows(&team.path("mirror")).len(), 3);
    // Cut anywhere, it is refused.
    let bytes = team.bytes("own.tar");
    for length in [0, 1, 511, 512, bytes.len() / 3, bytes.len() / 2] {
        team.write("cut.tar", &bytes[..length]);
        team.run(&["verify", "cut.tar", "--root", ROOT]).ends_with(3);
    }
}

#[test]
fn verify_tells_every_role_and_why_it_refuses() {
    let team = Team::published();
    let run = team.run(&["verify", "www", "--root", ROOT]).ok();
    for role in ["root ", "targets ", "snapshot ", "timestamp "] {
        assert!(run.out.lines().any(|line| line.starts_with(role)), "{role} in {}", run.out);
    }
    let json = team.run(&["verify", "www", "--root", ROOT, "--json"]).ok().json();
    assert_eq!((&json["ok"], json["checks"].as_array().unwrap().len()), (&true.into(), 5));
    let other = Team::with_feed();
    let root = other.path(ROOT);
    let strange = ["verify", "www", "--json", "--root", root.to_str().unwrap()];
    let json = team.run(&strange).ends_with(3).json();
    assert_eq!(json["ok"], false);
    assert!(json["checks"][0]["detail"].as_str().unwrap().contains("signatures"), "{json}");
    team.write("garbage.json", "{}");
    team.run(&["verify", "www", "--root", "garbage.json"]).ends_with(3);
    team.run(&["verify", "nowhere", "--root", ROOT]).ends_with(2);
    team.run(&["verify", "gopher://x", "--root", ROOT]).ends_with(2);
}

/// The status line of an answer, and its body.
fn ask(service: &Service, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(&service.address).unwrap();
    write!(stream, "{request}\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn a_served_folder_gives_away_the_feed_and_nothing_else() {
    let team = Team::published();
    team.write("www/secret", "secret");
    team.write("www/metadata/.hidden", "secret");
    std::os::unix::fs::symlink(team.path("acme/publisher.toml"), team.path("www/metadata/link"))
        .unwrap();
    let service = Service::start(&team, "www");
    let (head, body) = ask(&service, "GET /metadata/timestamp.json HTTP/1.1");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body, team.read("www/metadata/timestamp.json"));
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = format!("GET /metadata/timestamp.json HTTP/1.1\r\nIf-None-Match: {tag}");
    let (head, body) = ask(&service, &again);
    assert!(head.starts_with("HTTP/1.1 304") && body.is_empty(), "{head}");
    let (head, body) = ask(&service, "HEAD /metadata/timestamp.json HTTP/1.1");
    assert!(head.starts_with("HTTP/1.1 200") && body.is_empty(), "{head}");
    for path in [
        "/",
        "/secret",
        "/.lock",
        "/metadata/.hidden",
        "/metadata/link",
        "/metadata/../secret",
        "/metadata/%2e%2e/secret",
        "/targets/../../acme/publisher.toml",
        "/metadata/2.root.json",
        "//metadata/timestamp.json",
        "/metadata",
        "/metadata/",
    ] {
        let (head, body) = ask(&service, &format!("GET {path} HTTP/1.1"));
        assert!(head.starts_with("HTTP/1.1 404") && body.is_empty(), "{path}: {head}");
    }
    let (head, _) = ask(&service, "POST /metadata/timestamp.json HTTP/1.1\r\nContent-Length: 0");
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");
}
