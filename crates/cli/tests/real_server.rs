//! A real Exchange server's configuration, where `STOPGAP_REAL_DATA` names one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::path::Path;

use common::{HOST_CONFIG, OLD, on};
use stopgap_model::ServerPath;
use stopgap_sandbox::Newline;
use stopgap_testkit::{RealServer, Tree, real_data};

#[test]
fn every_mitigation_leaves_a_real_servers_configuration_as_it_was() {
    let Some(data) = real_data() else { return };
    for newline in [Newline::Lf, Newline::CrLf] {
        for ids in [&["M1"][..], &["CVE-2021-26855"], &["CVE-2021-26855", "M1"]] {
            let tree = Tree::real(&data, OLD, newline);
            let before = tree.snapshot();
            let check = on(&tree, &[&["check"], ids].concat());
            for id in ids {
                assert!(
                    ["applied", "partial"].contains(&check.state(id).as_str()),
                    "{}",
                    check.out
                );
            }
            assert_ne!(tree.snapshot(), before);
            let removed = on(&tree, &[&["remove"], ids].concat());
            assert!(ids.iter().all(|id| removed.state(id) == "withdrawn"), "{}", removed.out);
            assert!(tree.snapshot() == before, "the same bytes for {ids:?}");
        }
    }
}

#[test]
fn a_broken_application_host_config_is_refused_and_left_untouched() {
    let Some(data) = real_data() else { return };
    let tree = Tree::real(&data, OLD, Newline::CrLf);
    let broken = RealServer::new(&data).file("BadApplicationHost.config");
    tree.write(&ServerPath::new(HOST_CONFIG), &broken);
    let before = tree.snapshot();
    let check = on(&tree, &["check"]);
    assert_eq!((check.code, check.state("M1")), (1, "unknown".into()), "{}", check.out);
    assert!(check.reason("M1").contains("applicationHost.config"), "{}", check.out);
    assert!(tree.snapshot() == before);
}

#[test]
fn a_site_with_a_web_config_that_is_not_well_formed_is_refused_and_left_untouched() {
    let Some(data) = real_data() else { return };
    let tree = Tree::real(&data, OLD, Newline::Lf);
    let broken = RealServer::new(&data).file("DefaultWebSite_web1.config");
    tree.write(&ServerPath::new(SITE_CONFIG), &broken);
    let before = tree.snapshot();
    let check = on(&tree, &["check", "M1"]);
    assert_eq!((check.code, check.state("M1")), (1, "unknown".into()), "{}", check.out);
    assert!(check.reason("M1").contains("web.config"), "{}", check.out);
    assert!(tree.snapshot() == before);
    // Application pools are no matter of that file: it blocks only what depends on it.
    let check = on(&tree, &["check"]);
    let actions = &check.mitigation("CVE-2021-26855")["actions"];
    let states: Vec<_> = actions.as_array().unwrap().iter().map(|a| a["state"].clone()).collect();
    assert_eq!(states, ["unknown", "unknown", "not-affected", "applied"], "{}", check.out);
    assert_eq!(tree.read(&ServerPath::new(SITE_CONFIG)), broken);
    on(&tree, &["remove", "CVE-2021-26855"]);
    assert!(tree.snapshot() == before);
}

const SITE_CONFIG: &str = r"C:\inetpub\wwwroot\web.config";
const ATTACK: &str = "GET /autodiscover/autodiscover.json?a@foo.var&FooProtocol=%50owershell";
/// The rules that other tools and an administrator put into the site's web.config.
const FOREIGN: [&str; 3] =
    ["EEMS M1.1 PowerShell - inbound", "PowerShell - inbound", "RequestBlockingRule1"];

/// The site's web.config with the three rules of others, made well-formed: where a second
/// `<system.web>` begins, the first one's end tag belongs. The rules then stand beside the
/// `<location inheritInChildApplications="false">` of that file and not in it.
fn repaired(data: &Path) -> String {
    let broken = RealServer::new(data).file("DefaultWebSite_web1.config");
    let broken = String::from_utf8(broken).unwrap();
    let (head, tail) = broken.rsplit_once("<system.web>").unwrap();
    let repaired = format!("{head}</system.web>{tail}");
    let (location, rules) = repaired.split_once("</location>").unwrap();
    assert!(location.contains(r#"<location inheritInChildApplications="false">"#));
    assert!(!location.contains("<rewrite>") && rules.contains("<rewrite>"));
    repaired
}

fn with_site_config(data: &Path, text: &str) -> Tree {
    let tree = Tree::real(data, OLD, Newline::Lf);
    tree.write(&ServerPath::new(SITE_CONFIG), text.as_bytes());
    tree
}

#[test]
fn rules_of_others_that_hold_for_the_whole_site_cover_m1_and_are_named() {
    let Some(data) = real_data() else { return };
    for text in [repaired(&data), repaired(&data).replace('\n', "\r\n")] {
        let tree = with_site_config(&data, &text);
        let before = tree.snapshot();
        let list = on(&tree, &["list"]);
        let m1 = list.mitigation("M1");
        assert_eq!((list.code, list.state("M1")), (0, "covered".into()), "{}", list.out);
        assert_eq!(m1["rules"], serde_json::json!(FOREIGN));
        for rule in FOREIGN {
            assert!(list.reason("M1").contains(&format!("`{rule}`")), "{}", list.out);
        }
        // Their pattern does not see past a line break, and ours would.
        assert!(list.reason("M1").contains("%0A"), "{}", list.out);
        // What is said of the plan is what becomes of requests, also below the application.
        let tried = on(&tree, &["try", "--site", "Default Web Site", "--request", ATTACK]).json();
        assert_eq!((&tried["verdict"], &tried["by"]), (&"blocked".into(), &FOREIGN[0].into()));
        // Nothing is added to what is covered.
        assert_eq!(on(&tree, &["check", "M1"]).state("M1"), "covered");
        assert!(tree.snapshot() == before);
    }
}

/// The same rules moved into the `<location inheritInChildApplications="false">`.
fn for_the_root_application_only(repaired: &str) -> String {
    let (head, tail) = repaired.split_once("<rewrite>").unwrap();
    let (rewrite, tail) = tail.split_once("</rewrite>").unwrap();
    let rewrite = format!("<rewrite>{rewrite}</rewrite></system.webServer>");
    let head = head.replacen("</system.webServer>", &rewrite, 1);
    format!("{head}{tail}")
}

#[test]
fn rules_of_others_that_no_application_inherits_do_not_cover_m1() {
    let Some(data) = real_data() else { return };
    let tree = with_site_config(&data, &for_the_root_application_only(&repaired(&data)));
    let before = tree.snapshot();
    let list = on(&tree, &["list"]);
    let tried = on(&tree, &["try", "--site", "Default Web Site", "--request", ATTACK]).json();
    assert_eq!(tried["verdict"], "allowed", "the application of Autodiscover inherits no rule");
    assert_eq!(list.state("M1"), "pending", "{}", list.out);
    for rule in FOREIGN {
        let part = format!("the rule `{rule}` does it, but not for ");
        assert!(list.reason("M1").contains(&part), "{}", list.out);
    }
    assert_eq!(on(&tree, &["check", "M1"]).state("M1"), "applied");
    let tried = on(&tree, &["try", "--site", "Default Web Site", "--request", ATTACK]).json();
    assert_eq!((&tried["verdict"], &tried["by"]), (&"blocked".into(), &"Stopgap M1.1".into()));
    on(&tree, &["remove", "M1"]);
    assert!(tree.snapshot() == before);
}
