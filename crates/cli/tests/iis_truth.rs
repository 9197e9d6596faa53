//! What is said of IIS was seen: everything of ours that is in place is named, whatever else is amiss.
#![allow(clippy::unwrap_used, reason = "a test says plainly what it expects")]

mod common;

use common::{HOST_CONFIG, OLD, on, stopgap};
use serde_json::json;
use stopgap_model::ServerPath;
use stopgap_testkit::Tree;

/// ProxyLogon: two rules here, and two pools that are not to start.
const PROXYLOGON: &str = "CVE-2021-26855";
const SITE_CONFIG: &str = r"C:\inetpub\wwwroot\web.config";
const POOLS: [&str; 2] = ["pool MSExchangeECPAppPool", "pool MSExchangeOABAppPool"];

fn text(tree: &Tree) -> String {
    String::from_utf8(tree.read(&ServerPath::new(HOST_CONFIG))).unwrap()
}

/// applicationHost.config with something replaced that is there.
fn edit(tree: &Tree, from: &str, to: &str) {
    let before = text(tree);
    assert!(before.contains(from), "`{from}` is there");
    tree.write(&ServerPath::new(HOST_CONFIG), before.replace(from, to).as_bytes());
}

/// What a person reads.
fn read(tree: &Tree, arguments: &[&str]) -> String {
    let (root, state) = (tree.root(), tree.state());
    let place = ["--root", root.to_str().unwrap(), "--state", state.to_str().unwrap()];
    stopgap(&[&place[..], arguments].concat()).out
}

/// Text as it was before it was wrapped.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn pools_that_are_set_not_to_start_are_named_where_no_rule_can_be_put_in() {
    let tree = Tree::exchange(OLD);
    edit(&tree, "<add name=\"RewriteModule\" image=", "<add name=\"OtherModule\" image=");
    let check = on(&tree, &["check"]);
    assert_eq!((check.code, check.state(PROXYLOGON)), (1, "partial".into()), "{}", check.out);
    let status = on(&tree, &["status"]);
    assert_eq!(status.mitigation(PROXYLOGON)["in_place"], json!(POOLS), "{}", status.reason(PROXYLOGON));
    let named = "pool MSExchangeECPAppPool, pool MSExchangeOABAppPool";
    let row = format!("In place {PROXYLOGON} ({named})");
    let told = joined(&read(&tree, &["status"]));
    assert!(told.contains(&row), "{told}");
    let told = joined(&read(&tree, &["show", PROXYLOGON]));
    assert!(told.contains(&format!("In place {named}")), "{told}");
    let told = read(&tree, &["list"]);
    assert!(told.contains("in place: pool"), "{told}");
}

#[test]
fn a_web_config_that_cannot_be_read_does_not_hide_the_pools_that_are_set_not_to_start() {
    let tree = Tree::exchange(OLD);
    tree.write(&ServerPath::new(SITE_CONFIG), b"<configuration>");
    let check = on(&tree, &["check", PROXYLOGON]);
    assert_eq!((check.code, check.state(PROXYLOGON)), (1, "partial".into()), "{}", check.out);
    let reason = check.reason(PROXYLOGON);
    let in_place = "1 of 3 actions in place (PL.4); PL.1, PL.2: unknown: ";
    assert!(reason.starts_with(in_place), "{reason}");
    assert_eq!(reason.matches("web.config").count(), 1, "{reason}");
    assert_eq!(check.mitigation(PROXYLOGON)["in_place"], json!(POOLS));
    let told = joined(&read(&tree, &["status"]));
    assert!(told.contains(&format!("In place {PROXYLOGON} (pool MSExchangeECPAppPool")), "{told}");
}

#[test]
fn what_somebody_took_out_is_not_called_in_place() {
    let tree = Tree::exchange(OLD);
    on(&tree, &["check", PROXYLOGON]);
    let status = on(&tree, &["status"]);
    let rules = ["Stopgap PL.1", "Stopgap PL.2"];
    let named: Vec<&str> = rules.into_iter().chain(POOLS).collect();
    assert_eq!(status.mitigation(PROXYLOGON)["in_place"], json!(named), "{}", status.reason(PROXYLOGON));
    edit(&tree, "<rule name=\"Stopgap PL.2\"", "<rule name=\"hers\"");
    let status = on(&tree, &["status"]);
    let left: Vec<&str> = named.into_iter().filter(|name| *name != "Stopgap PL.2").collect();
    assert_eq!(status.mitigation(PROXYLOGON)["in_place"], json!(left), "{}", status.reason(PROXYLOGON));
    assert_eq!(status.state(PROXYLOGON), "partial");
    assert!(status.reason(PROXYLOGON).contains("PL.2: drifted: "), "{}", status.reason(PROXYLOGON));
}

#[test]
fn the_rules_of_others_are_not_called_ours() {
    let tree = Tree::exchange(OLD);
    on(&tree, &["check", "M1"]);
    let theirs = text(&tree).replace("Stopgap M1.1", "hers");
    let other = Tree::exchange(OLD);
    other.write(&ServerPath::new(HOST_CONFIG), theirs.as_bytes());
    let status = on(&other, &["status"]);
    assert_eq!(status.state("M1"), "covered", "{}", status.reason("M1"));
    assert_eq!(status.mitigation("M1")["rules"], json!(["hers"]));
    assert_eq!(status.mitigation("M1")["in_place"], json!([]));
    assert!(read(&other, &["status"]).contains("nothing of ours"));
}
