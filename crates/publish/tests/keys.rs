//! Key files and passphrases.
#![cfg(unix)] // permission bits of Unix
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::io::{BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use common::{OFFLINE, ONLINE, Run, Team, mitigation};
use jiff::{SignedDuration, Timestamp};
use stopgap_sign::{Envelope, TargetFile, targets};

const TARGETS: &str = "acme/keys/offline/targets-1.key";

fn openssl(team: &Team, arguments: &[&str]) -> Run {
    let mut command = team.as_here(Command::new("openssl"));
    Run::of(&command.args(arguments).output().expect("openssl starts"))
}

/// Runs the program without some of the variables.
fn without(team: &Team, variables: &[&str], arguments: &[&str]) -> Run {
    let mut command = team.command(arguments);
    for variable in variables {
        command.env_remove(variable);
    }
    Run::of(&command.output().unwrap())
}

#[test]
fn every_key_is_encrypted_closed_to_others_and_read_by_openssl() {
    let team = Team::with_feed();
    for (kind, passphrase, roles) in
        [("offline", OFFLINE, ["root", "targets"]), ("online", ONLINE, ["snapshot", "timestamp"])]
    {
        let folder = format!("acme/keys/{kind}");
        assert_eq!(team.path(&folder).metadata().unwrap().permissions().mode() & 0o7777, 0o700);
        for role in roles {
            let file = format!("{folder}/{role}-1.key");
            assert!(team.read(&file).starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
            assert_eq!(team.path(&file).metadata().unwrap().permissions().mode() & 0o7777, 0o600);
            let id = team.key(&file, passphrase).public().id();
            let root = team.metadata("acme/metadata/1.root.json");
            assert_eq!(root["signed"]["roles"][role]["keyids"][0], id, "{role}");
            openssl(&team, &["pkey", "-noout", "-passin", "pass:another", "-in", &file])
                .ends_with(1);
            openssl(&team, &["pkey", "-noout", "-pubin", "-in", &format!("{folder}/{role}-1.pub")])
                .ok();
        }
    }
}

#[test]
fn a_wrong_passphrase_opens_nothing_and_is_not_repeated() {
    let team = Team::with_feed();
    team.add("A-1", 1);
    let staged = team.bytes("acme/staged/targets.json");
    let mut command = team.command(&["--dir", "acme", "sign", "--key", TARGETS]);
    let output = command.env("STOPGAP_PASSPHRASE", "not these words").output().unwrap();
    let run = Run::of(&output).ends_with(5).says("the passphrase does not open");
    assert!(!run.err.contains("not these words") && !run.out.contains("not these words"));
    assert_eq!(team.bytes("acme/staged/targets.json"), staged);
}

#[test]
fn the_passphrase_of_the_offline_keys_does_not_open_the_online_ones() {
    let team = Team::published();
    let mut command = team.command(&["--dir", "acme", "publish", "www"]);
    let output = command.env("STOPGAP_ONLINE_PASSPHRASE", OFFLINE).output().unwrap();
    Run::of(&output).ends_with(5).says("keys/online/snapshot-1.key");
}

#[test]
fn an_empty_passphrase_makes_no_keys() {
    let team = Team::new();
    for variable in ["STOPGAP_PASSPHRASE", "STOPGAP_ONLINE_PASSPHRASE"] {
        let mut command = team.command(&["--dir", "acme", "init"]);
        let output = command.env(variable, "").output().unwrap();
        Run::of(&output).ends_with(2).says("is empty");
    }
    team.write("empty", "\nsecond line\n");
    team.acme(&["init", "--passphrase-file", "empty"]).ends_with(2).says("is empty");
    assert_eq!(team.names("acme/keys"), [""; 0]);
}

#[test]
fn without_a_terminal_a_missing_passphrase_is_told() {
    let team = Team::with_feed();
    team.add("A-1", 1);
    without(&team, &["STOPGAP_PASSPHRASE"], &["--dir", "acme", "sign", "--key", TARGETS])
        .ends_with(2)
        .says("no terminal to ask at");
}

#[test]
fn passphrases_come_from_files_too_and_an_open_one_is_told() {
    let team = Team::new();
    team.write("offline.txt", "from a file\n");
    team.write("online.txt", "from another\r\n");
    std::fs::set_permissions(team.path("offline.txt"), PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::set_permissions(team.path("online.txt"), PermissionsExt::from_mode(0o644)).unwrap();
    let files = ["--passphrase-file", "offline.txt", "--online-passphrase-file", "online.txt"];
    let none = ["STOPGAP_PASSPHRASE", "STOPGAP_ONLINE_PASSPHRASE"];
    let run = without(&team, &none, &[&["--dir", "acme", "init"], &files[..]].concat()).ok();
    assert!(run.err.contains("online.txt is open to others (mode 0644)"), "{}", run.err);
    assert!(!run.err.contains("offline.txt"), "{}", run.err);
    team.key(TARGETS, "from a file");
    team.key("acme/keys/online/timestamp-1.key", "from another");
}

#[test]
fn a_key_that_others_can_read_is_told_and_used() {
    let team = Team::with_feed();
    team.add("A-1", 1);
    std::fs::set_permissions(team.path(TARGETS), PermissionsExt::from_mode(0o640)).unwrap();
    let run = team.sign_targets();
    assert!(run.err.contains("is open to others (mode 0640)"), "{}", run.err);
}

#[test]
fn a_key_or_a_folder_of_somebody_else_is_told() {
    let team = Team::with_feed();
    team.add("A-1", 1);
    if std::os::unix::fs::chown(team.path(TARGETS), Some(12345), None).is_err() {
        println!("skipped: only root can give a file away");
        return;
    }
    std::os::unix::fs::chown(team.path("acme"), Some(12345), None).unwrap();
    let run = team.sign_targets();
    assert_eq!(run.err.matches("belongs to user 12345").count(), 2, "{}", run.err);
}

#[test]
fn new_keys_are_not_made_in_a_folder_of_somebody_else_or_open_to_others() {
    let team = Team::with_feed();
    std::fs::set_permissions(team.path("acme/keys"), PermissionsExt::from_mode(0o755)).unwrap();
    team.acme(&["rotate", "targets", "--add", "1"]).ends_with(5).says("is open to others");
    assert_eq!(team.names("acme/keys/offline").len(), 4);
}

#[test]
fn keys_are_never_overwritten() {
    let team = Team::with_feed();
    let before = team.bytes(TARGETS);
    team.acme(&["init"]).ends_with(2).says("is a publisher's folder already");
    // What an `init` that was broken off left: keys, and no root yet.
    std::fs::remove_file(team.path("acme/metadata/1.root.json")).unwrap();
    team.acme(&["init"]).ends_with(2).says("keys are not overwritten");
    assert_eq!(team.bytes(TARGETS), before);
}

#[test]
fn what_is_no_encrypted_ed25519_key_is_refused() {
    let team = Team::with_feed();
    team.add("A-1", 1);
    openssl(&team, &["genpkey", "-algorithm", "ed25519", "-out", "plain.key"]).ok();
    let pass = format!("pass:{OFFLINE}");
    let elliptic = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes-256-cbc"];
    let out = ["-pass", &pass, "-out", "p256.key"];
    openssl(&team, &[&["genpkey"], &elliptic[..], &out].concat()).ok();
    team.write("garbage.key", b"\xff\x00");
    team.write("large.key", vec![b'-'; 100_000]);
    for (file, code, said) in [
        ("plain.key", 2, "is not an encrypted private key"),
        ("p256.key", 2, "is not an Ed25519 private key"),
        ("garbage.key", 2, "is not an encrypted private key"),
        ("large.key", 1, "is larger than"),
        ("missing.key", 1, "does not exist"),
        ("acme/keys/offline/targets-1.pub", 2, "is not an encrypted private key"),
    ] {
        team.acme(&["sign", "--key", file]).ends_with(code).says(said);
    }
}

#[test]
fn a_keeper_brings_a_key_that_openssl_made() {
    let team = Team::published();
    let pass = format!("pass:{OFFLINE}");
    openssl(
        &team,
        &["genpkey", "-algorithm", "ed25519", "-aes-256-cbc", "-pass", &pass, "-out", "her.key"],
    )
    .ok();
    openssl(&team, &["pkey", "-in", "her.key", "-passin", &pass, "-pubout", "-out", "her.pub"])
        .ok();
    team.acme(&["rotate", "targets", "--add-key", "her.pub", "--remove", "targets-1"]).ok();
    team.acme(&["rotate", "targets", "--add-key", "her.pub"]).ends_with(2).says("already");
    team.sign_root();
    team.acme(&["sign", "targets", "--key", "her.key"]).ok().says("complete");
    team.acme(&["publish", "www"]).ok();
    // TUF's own way to write a public key does as well.
    let key = team.metadata("www/metadata/1.root.json")["signed"]["keys"].clone();
    let (_, key) = key.as_object().unwrap().iter().next().unwrap();
    team.write("json.pub", key.to_string());
    team.write("no.pub", r#"{"keytype":"rsa"}"#);
    team.acme(&["rotate", "targets", "--add-key", "json.pub"]).ok();
    team.acme(&["rotate", "targets", "--add-key", "no.pub"])
        .ends_with(2)
        .says("Ed25519 public key");
}

#[test]
fn nobody_signs_a_hidden_delegation_or_a_version_that_blocks_all_later_ones() {
    let team = Team::published();
    team.add("A-2", 1);
    let staged = team.metadata("acme/staged/targets.json");
    let altered = |pointer: &str, value: serde_json::Value| {
        let mut altered = staged.clone();
        altered["signed"][pointer] = value;
        team.write("acme/staged/targets.json", altered.to_string());
        let key = "acme/keys/offline/targets-1.key";
        let run = team.acme(&["sign", "targets", "--key", key]).ends_with(3);
        let after = team.metadata("acme/staged/targets.json");
        assert!(after["signatures"].as_array().unwrap().is_empty(), "{pointer}");
        run
    };
    // Whoever has the machine with the online keys would be heard on every mitigation.
    let delegation = serde_json::json!({"keys": {}, "roles": [{"name": "other", "keyids": [],
        "threshold": 1, "paths": ["*"], "terminating": true}]});
    altered("delegations", delegation)
        .says("says something that this program did not write: delegations");
    altered("x-hidden", "y".into()).says("did not write: x-hidden");
    let mut targets = staged["signed"]["targets"].clone();
    targets["A-2.toml"]["custom"] = serde_json::json!({"run": "x"});
    altered("targets", targets).says("did not write: targets.A-2.toml.custom");
    altered("version", u64::MAX.into()).says("does not follow targets 1");
    team.write("acme/staged/targets.json", staged.to_string());
    team.sign_targets();
    team.acme(&["publish", "www"]).ok();
}

/// Stages targets with these files, that hold for so many days.
fn stage(team: &Team, version: u64, files: &[(&str, &[u8])], days: i64) {
    let named = files.iter().map(|(name, bytes)| ((*name).to_owned(), TargetFile::of(bytes)));
    let expiry = Timestamp::now() + SignedDuration::from_hours(24 * days);
    let signed = targets(version, expiry, &named.collect(), &[]);
    team.write("acme/staged/targets.json", Envelope::new(signed).to_bytes());
}

#[test]
fn nobody_signs_what_cannot_be_shown_or_holds_too_long_without_being_asked() {
    let team = Team::published();
    let first = team.bytes("A-1.toml");
    let put = |name: &str, bytes: &[u8]| {
        let sha256 = TargetFile::of(bytes).sha256;
        team.write(&format!("acme/targets/{sha256}.{name}"), bytes);
    };
    let other = mitigation("B-9", 1, "Another");
    put("A-3.toml", other.as_bytes());
    put("x.bin", b"\x00\x01");
    put("policy.toml", b"enabeld = false");
    let known = ("A-1.toml", &first[..]);
    let sign = ["sign", "targets", "--key", TARGETS];
    for (odd, days, said) in [
        (("A-2.toml", &b"not here"[..]), 90, "A-2.toml: the document is not at hand"),
        (("A-3.toml", other.as_bytes()), 90, "A-3.toml: it says that it is of B-9"),
        (("x.bin", b"\x00\x01"), 90, "x.bin: it is neither a mitigation nor the policy"),
        (("policy.toml", b"enabeld = false"), 90, "policy.toml: the policy cannot be read"),
        (known, 92, "targets 2 would hold for 91 days, and usually for 90"),
        (known, 36_500, "and usually for 90"),
    ] {
        stage(&team, 2, &[known, odd], days);
        let staged = team.bytes("acme/staged/targets.json");
        team.acme(&sign).ends_with(3).says(said).says("no terminal to ask at");
        assert_eq!(team.bytes("acme/staged/targets.json"), staged, "{said}");
        team.acme(&[&sign[..], &["--despite-doubts"]].concat()).ok().says(said).says("complete");
    }
    // What is usual is not asked about.
    put("policy.toml", b"enabled = false");
    stage(&team, 2, &[known, ("policy.toml", b"enabled = false")], 90);
    team.acme(&sign).ok().says("policy: EVERYTHING OFF, blocks nothing");
}

#[test]
fn a_person_is_asked_before_what_cannot_be_shown_is_signed() {
    let team = Team::published();
    stage(&team, 2, &[("A-2.toml", b"not here")], 90);
    let staged = team.bytes("acme/staged/targets.json");
    let line = format!("--dir acme sign targets --key {TARGETS}");
    let Some(run) = at_a_terminal(&team, &line, &["no"]) else { return };
    run.ends_with(3).says("not confirmed");
    assert_eq!(team.bytes("acme/staged/targets.json"), staged);
    team.write("words", OFFLINE);
    let line = format!("{line} --passphrase-file words");
    at_a_terminal(&team, &line, &["yes"]).unwrap().ok().says("complete");
}

#[test]
fn what_was_altered_beside_the_online_keys_is_not_passed_over_as_known() {
    let team = Team::published();
    // Whoever has that machine writes what he wants signed into the metadata that is compared with.
    let evil = mitigation("EVIL-1", 1, "Theirs");
    let sha256 = TargetFile::of(evil.as_bytes()).sha256;
    team.write(&format!("acme/targets/{sha256}.EVIL-1.toml"), &evil);
    let first = team.bytes("A-1.toml");
    let files = [("A-1.toml", &first[..]), ("EVIL-1.toml", evil.as_bytes())];
    stage(&team, 2, &files, 90);
    let forged = team.bytes("acme/staged/targets.json");
    team.write("acme/metadata/2.targets.json", forged);
    stage(&team, 3, &files, 90);
    let run = team.sign_targets();
    let shown = |name: &str| run.out.lines().any(|line| line.contains(name));
    assert!(shown("EVIL-1.toml") && shown("A-1.toml"), "{}", run.out);
    // What the key at hand signed before is known, and a wrong public half makes nothing known.
    let team = Team::published();
    team.add("A-2", 1);
    let run = team.sign_targets();
    assert!(!run.out.contains("A-1.toml") && run.out.contains("A-2.toml"), "{}", run.out);
    team.write("acme/keys/offline/targets-1.pub", team.bytes("acme/keys/online/snapshot-1.pub"));
    team.add("A-3", 1);
    team.acme(&["sign", "targets", "--key", TARGETS]).ends_with(3).says("is not the public half");
}

#[test]
fn an_old_online_key_with_another_passphrase_is_left_aside() {
    let team = Team::published();
    let with = |passphrase: &str, arguments: &[&str]| {
        let mut command = team.command(&[&["--dir", "acme"], arguments].concat());
        Run::of(&command.env("STOPGAP_ONLINE_PASSPHRASE", passphrase).output().unwrap())
    };
    for role in ["snapshot", "timestamp"] {
        let old = format!("{role}-1");
        with("new words", &["rotate", role, "--add", "1", "--remove", &old]).ok();
    }
    team.sign_root();
    with("new words", &["publish", "www"]).ok().says("it is on its way out");
    let run = with("new words", &["publish", "www"]).ok();
    assert_eq!(run.err, "");
    with(ONLINE, &["publish", "www"]).ends_with(5);
}

/// Runs the program for a person at a terminal, who answers each prompt with the next line.
fn at_a_terminal(team: &Team, line: &str, answers: &[&str]) -> Option<Run> {
    let mut script = Command::new("script");
    script.args(["-qec", &format!("{} {line}", common::program()), "/dev/null"]);
    let mut script = team.as_here(script);
    script.env_remove("STOPGAP_PASSPHRASE").env_remove("STOPGAP_ONLINE_PASSPHRASE");
    let Ok(mut child) = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
        println!("skipped: script is not installed");
        return None;
    };
    let mut typing = child.stdin.take().unwrap();
    let mut answers = answers.iter();
    let mut out = Vec::new();
    for byte in BufReader::new(child.stdout.take().unwrap()).bytes() {
        out.push(byte.unwrap());
        if out.ends_with(b": ")
            && let Some(answer) = answers.next()
        {
            writeln!(typing, "{answer}").unwrap();
        }
    }
    let out = String::from_utf8_lossy(&out).into_owned();
    Some(Run { code: child.wait().unwrap().code().unwrap(), out, err: String::new() })
}

#[test]
fn a_person_at_a_terminal_is_asked_twice() {
    let team = Team::new();
    let Some(run) = at_a_terminal(&team, "--dir acme init", &["one", "one", "two", "tow"]) else {
        return;
    };
    run.ends_with(2).says("the two passphrases are not the same");
    assert_eq!(team.names("acme/keys"), [""; 0]);
    let run =
        at_a_terminal(&team, "--dir acme init", &["sesame", "sesame", "other", "other"]).unwrap();
    run.ok().says("New passphrase of the offline keys");
    team.key(TARGETS, "sesame");
    team.key("acme/keys/online/snapshot-1.key", "other");
}
