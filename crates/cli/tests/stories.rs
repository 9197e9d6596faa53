//! What an administrator does, from the command line.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::process::Command;

use common::{FIXED, HOST_CONFIG, OLD, VULNERABLE, command, on, stopgap};
use stopgap_model::ServerPath;
use stopgap_testkit::Tree;

fn host_config() -> ServerPath {
    ServerPath::new(HOST_CONFIG)
}

#[test]
fn a_vulnerable_server_is_protected_until_its_update_and_then_left_as_it_was() {
    let tree = Tree::exchange(VULNERABLE);
    let before = tree.snapshot();
    assert_eq!(on(&tree, &["list"]).state("M1"), "pending");

    let dry = on(&tree, &["check", "--dry-run"]);
    assert_eq!(tree.snapshot(), before, "a dry run changes nothing");
    assert!(dry.out.contains("Stopgap M1.1"), "{}", dry.out);
    assert_eq!(dry.json()["changed"], false);

    let check = on(&tree, &["check"]);
    assert_eq!((check.code, check.state("M1")), (0, "applied".into()), "{}", check.out);
    assert_eq!(check.json()["changed"], true);
    assert_eq!(check.mitigation("M1")["rules"][0], "Stopgap M1.1");
    let changed: Vec<_> = tree
        .snapshot()
        .into_iter()
        .filter(|(path, bytes)| before.get(path) != Some(bytes))
        .collect();
    assert_eq!(changed.len(), 1, "one file is changed");

    let again = on(&tree, &["check"]);
    assert_eq!((again.code, again.json()["changed"].clone()), (0, false.into()));

    tree.set_exchange_build(FIXED);
    let withdrawn = on(&tree, &["check"]);
    assert_eq!(withdrawn.state("M1"), "withdrawn");
    assert_eq!(on(&tree, &["list"]).state("M1"), "not-affected");
    assert_eq!(tree.read(&host_config()), original(&before));
}

#[test]
fn patch_makes_of_a_file_what_the_dry_run_shows_and_the_check_writes() {
    let tree = Tree::exchange(VULNERABLE);
    let dry = on(&tree, &["check", "--dry-run"]);
    // The difference is one of lines, so it shows no carriage returns.
    let lines = || String::from_utf8_lossy(&tree.read(&host_config())).replace('\r', "");
    let [file, difference] = ["file", "difference"].map(|name| tree.root().with_file_name(name));
    std::fs::write(&file, lines()).expect("the file before");
    let diff = dry.json()["files"][0]["diff"].as_str().map(str::to_owned);
    let diff = diff.expect("a difference");
    assert!(diff.starts_with(&format!("--- {HOST_CONFIG}\n+++ {HOST_CONFIG}\n@@ ")), "{diff}");
    std::fs::write(&difference, diff).expect("the difference");
    let Ok(patch) = Command::new("patch").arg(&file).arg(&difference).output() else {
        eprintln!("skipped: patch is not installed");
        return;
    };
    assert!(patch.status.success(), "{}", String::from_utf8_lossy(&patch.stdout));
    assert_eq!(on(&tree, &["check"]).code, 0);
    assert_eq!(std::fs::read_to_string(&file).expect("the file after"), lines());
}

fn original(before: &std::collections::BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let same = |path: &&String| path.to_ascii_lowercase().ends_with("applicationhost.config");
    let path = before.keys().find(same).expect("applicationHost.config");
    before[path].clone()
}

#[test]
fn every_mitigation_of_the_catalog_is_taken_back_to_the_byte_in_either_order() {
    for order in [["M1", "M2", "CVE-2021-26855"], ["CVE-2021-26855", "M2", "M1"]] {
        let tree = Tree::exchange(OLD);
        let before = tree.snapshot();
        let check = on(&tree, &["check"]);
        assert_eq!(check.state("M1"), "applied", "{}", check.out);
        assert_eq!(check.state("M2"), "applied");
        assert_eq!(check.state("CVE-2021-26855"), "applied");
        assert_eq!(check.code, 0, "on Exchange 2019 there is no service to disable");
        for id in order {
            let removed = on(&tree, &["remove", id]);
            assert_eq!(removed.state(id), "withdrawn", "{}", removed.out);
        }
        assert_eq!(tree.snapshot(), before);
    }
}

#[test]
fn a_location_that_is_spelled_in_another_case_is_the_same_place() {
    let tree = Tree::exchange(VULNERABLE);
    let host = ServerPath::new(HOST_CONFIG);
    let text = String::from_utf8(tree.read(&host)).unwrap();
    let shouted =
        text.replace("<location path=\"Default Web Site", "<location path=\"DEFAULT web SITE");
    assert_ne!(shouted, text);
    tree.write(&host, shouted.as_bytes());
    let before = tree.snapshot();
    assert_eq!(on(&tree, &["check"]).state("M1"), "applied");
    let protected = tree.snapshot();
    let again = on(&tree, &["check"]);
    assert_eq!((again.code, again.state("M1")), (0, "applied".into()), "{}", again.out);
    assert_eq!(again.json()["changed"], false);
    assert!(tree.snapshot() == protected);
    on(&tree, &["remove", "M1", "M2"]);
    assert!(tree.snapshot() == before);
}

#[test]
fn what_others_changed_since_is_kept_when_a_rule_is_taken_back() {
    let tree = Tree::exchange(VULNERABLE);
    let before = tree.read(&host_config());
    on(&tree, &["check", "M1"]);
    let text = String::from_utf8(tree.read(&host_config())).unwrap();
    let edited = text.replacen("<configuration>", "<configuration><!-- mine -->", 1);
    tree.write(&host_config(), edited.as_bytes());
    on(&tree, &["remove", "M1"]);
    let expected = String::from_utf8(before).unwrap().replacen(
        "<configuration>",
        "<configuration><!-- mine -->",
        1,
    );
    assert_eq!(String::from_utf8(tree.read(&host_config())).unwrap(), expected);
}

#[test]
fn remove_keeps_it_away_and_remove_once_does_not() {
    let tree = Tree::exchange(VULNERABLE);
    on(&tree, &["check"]);
    assert_eq!(on(&tree, &["remove", "M1", "--reason", "a clash"]).state("M1"), "withdrawn");
    let later = on(&tree, &["check"]);
    assert_eq!(later.state("M1"), "blocked");
    assert!(later.reason("M1").contains("a clash"), "{}", later.out);
    let refused = on(&tree, &["reapply", "M1"]);
    assert_eq!(refused.code, 2);
    assert!(refused.out.contains("stopgap unblock M1"), "{}", refused.out);
    assert_eq!(on(&tree, &["unblock", "M1"]).code, 0);
    assert_eq!(on(&tree, &["check"]).state("M1"), "applied");
    assert_eq!(on(&tree, &["remove", "--once", "M1"]).state("M1"), "withdrawn");
    assert_eq!(on(&tree, &["check"]).state("M1"), "applied");
}

#[test]
fn block_keeps_what_is_in_place_and_says_so() {
    let tree = Tree::exchange(VULNERABLE);
    on(&tree, &["check"]);
    let protected = tree.snapshot();
    assert_eq!(on(&tree, &["block", "M1"]).code, 0);
    let check = on(&tree, &["check"]);
    assert_eq!(check.state("M1"), "applied");
    assert_eq!(check.mitigation("M1")["blocked"], true);
    assert_eq!(tree.snapshot(), protected);
}

#[test]
fn a_mitigation_blocked_before_it_was_applied_is_not_applied() {
    let tree = Tree::exchange(VULNERABLE);
    let before = tree.snapshot();
    on(&tree, &["block", "M1"]);
    assert_eq!(on(&tree, &["check", "M1"]).state("M1"), "blocked");
    assert_eq!(tree.snapshot(), before);
}

#[test]
fn switched_off_means_hands_off_also_after_the_update() {
    let tree = Tree::exchange(VULNERABLE);
    on(&tree, &["check"]);
    on(&tree, &["disable", "--reason", "a migration"]);
    tree.set_exchange_build(FIXED);
    let protected = tree.snapshot();
    let check = on(&tree, &["check"]);
    assert_eq!(check.state("M1"), "applied");
    assert!(check.reason("M1").contains("a migration"), "{}", check.out);
    assert_eq!(tree.snapshot(), protected);
    assert_eq!(on(&tree, &["status"]).json()["enabled"], false);
    on(&tree, &["enable"]);
    assert_eq!(on(&tree, &["check"]).state("M1"), "withdrawn");
}

#[test]
fn the_organisations_switch_wins_over_the_servers() {
    let tree = Tree::exchange(VULNERABLE);
    let policy = tree.root().with_file_name("policy.toml");
    std::fs::write(&policy, "[organisation]\nenabled = false\n").unwrap();
    let policy = policy.to_str().unwrap();
    let before = tree.snapshot();
    on(&tree, &["enable"]);
    let check = on(&tree, &["check", "--policy", policy]);
    assert_eq!(check.state("M1"), "pending");
    assert!(check.reason("M1").contains("organisation"), "{}", check.out);
    assert_eq!(tree.snapshot(), before);
    std::fs::remove_file(policy).unwrap();
}

#[test]
fn a_rule_that_somebody_deleted_is_drift_and_is_put_back() {
    let tree = Tree::exchange(VULNERABLE);
    let before = tree.read(&host_config());
    on(&tree, &["check", "M1"]);
    let protected = tree.read(&host_config());
    tree.write(&host_config(), &before);
    let list = on(&tree, &["list"]);
    assert_eq!((list.code, list.state("M1")), (1, "drifted".into()));
    assert_eq!(on(&tree, &["check", "M1"]).state("M1"), "applied");
    assert_eq!(tree.read(&host_config()), protected);
    on(&tree, &["remove", "M1"]);
    assert_eq!(tree.read(&host_config()), before);
}

#[test]
fn a_rule_that_somebody_disabled_is_drift_and_is_put_back() {
    let tree = Tree::exchange(VULNERABLE);
    let before = tree.read(&host_config());
    on(&tree, &["check", "M1"]);
    let text = String::from_utf8(tree.read(&host_config())).unwrap();
    let edited = text
        .replace("<rule name=\"Stopgap M1.1\"", "<rule name=\"Stopgap M1.1\" enabled=\"false\"");
    assert_ne!(text, edited);
    tree.write(&host_config(), edited.as_bytes());
    let list = on(&tree, &["list"]);
    assert!(list.reason("M1").contains("disabled"), "{}", list.out);
    assert_eq!(on(&tree, &["check", "M1"]).state("M1"), "applied");
    on(&tree, &["remove", "M1"]);
    assert_eq!(tree.read(&host_config()), before);
}

#[test]
fn an_edge_transport_server_and_an_empty_tree_are_not_touched() {
    let tree = Tree::empty();
    let check = on(&tree, &["check"]);
    assert_eq!((check.code, check.state("M1")), (0, "not-affected".into()), "{}", check.out);
    assert_eq!(check.state("PING1"), "applied");
}

#[test]
fn check_with_an_id_touches_nothing_else() {
    let tree = Tree::exchange(OLD);
    let check = on(&tree, &["check", "M1"]);
    assert_eq!(check.state("M1"), "applied");
    let other = check.mitigation("CVE-2021-26855");
    assert_eq!(other["actions"][0]["state"], "pending", "{other}");
    let unknown = on(&tree, &["check", "m1"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.out.contains("did you mean `M1`"), "{}", unknown.out);
}

#[test]
fn the_service_runs_a_cycle_at_once_and_stops_on_a_signal() {
    let tree = Tree::exchange(VULNERABLE);
    let mut child = command(&tree, &["run"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let text = String::from_utf8_lossy(&tree.read(&host_config())).into_owned();
    assert!(!text.contains("Stopgap M1.1"));
    for _ in 0..600 {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let status = on(&tree, &["status"]).json();
        if status["last_check"].is_string() {
            break;
        }
    }
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(143));
    assert_eq!(on(&tree, &["list"]).state("M1"), "applied");
    let refused = on(&tree, &["run", "--catalog", "."]);
    assert_eq!(refused.code, 2, "{}", refused.out);
}

#[test]
fn the_demo_ends_as_it_says() {
    let run = stopgap(&["demo", "--json"]);
    let json = run.json();
    assert_eq!((run.code, &json["ok"]), (0, &true.into()), "{json}");
    let names: Vec<&str> = json["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["name"].as_str().unwrap())
        .collect();
    let expected = [
        "attack-before",
        "forged-feed",
        "check",
        "attack-after",
        "encoded-attack-after",
        "benign-after",
        "update-installed",
        "withdrawn",
        "restored",
    ];
    assert_eq!(names, expected);
}

#[test]
fn the_history_is_a_chain_and_a_changed_line_shows() {
    let tree = Tree::exchange(VULNERABLE);
    on(&tree, &["check", "M1"]);
    on(&tree, &["block", "M1", "--reason", "try"]);
    let history = on(&tree, &["history"]).json();
    let events: Vec<&str> = history["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["event"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["applied", "checked", "blocked"]);
    let trail = tree.state().join("audit.jsonl");
    let text = std::fs::read_to_string(&trail).unwrap();
    std::fs::write(&trail, text.replacen("applied", "checked", 1)).unwrap();
    let broken = on(&tree, &["history"]);
    assert_eq!(broken.code, 1);
    assert!(broken.out.contains("audit.jsonl"), "{}", broken.out);
}

#[test]
fn output_for_people_fits_eighty_columns() {
    let tree = Tree::exchange(OLD);
    on(&tree, &["check"]);
    let (root, state) = (tree.root(), tree.state());
    let place = ["--root", root.to_str().unwrap(), "--state", state.to_str().unwrap()];
    for verb in [vec!["status"], vec!["list"], vec!["facts"], vec!["show", "CVE-2021-26855"]] {
        let run = stopgap(&[&place[..], &verb].concat());
        assert!(!run.out.contains('\u{1b}'), "no colour where there is no terminal");
        for line in run.out.lines() {
            let fits = line.chars().count() <= 80
                || !line.trim().contains(' ')
                || line.starts_with("Read:");
            assert!(fits, "{verb:?}: {line}");
        }
    }
}
