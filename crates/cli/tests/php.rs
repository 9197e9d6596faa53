//! A server whose IIS runs PHP.
#![allow(clippy::unwrap_used, reason = "a test says plainly what it expects")]

mod common;

use common::{FIXED, on, stopgap};
use serde_json::json;
use stopgap_model::ServerPath;
use stopgap_sandbox::{Build, ExchangeServer, PHP_PROGRAM};
use stopgap_testkit::Tree;

const VULNERABLE: Build = Build::new(8, 1, 28, 0);
const UPDATED: Build = Build::new(8, 1, 29, 0);
const ID: &str = "CVE-2024-4577";

fn server(php: Build) -> Tree {
    Tree::holding(ExchangeServer::new(FIXED.parse().unwrap()).with_php(php).files())
}

fn program() -> ServerPath {
    ServerPath::new(PHP_PROGRAM)
}

/// The verdict on a request to the site that runs PHP.
fn verdict(tree: &Tree, target: &str) -> String {
    let request = format!("GET {target}");
    on(tree, &["try", "--site", "Shop", "--request", &request]).json()["verdict"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn facts_name_each_php_with_its_version() {
    let tree = server(VULNERABLE);
    let facts = on(&tree, &["facts"]).json();
    let expected = json!([{"program": PHP_PROGRAM, "version": "8.1.28.0"}]);
    assert_eq!(facts["server"]["facts"]["php"], expected);
    let (root, state) = (tree.root(), tree.state());
    let place = ["--root", root.to_str().unwrap(), "--state", state.to_str().unwrap()];
    let text = stopgap(&[&place[..], &["facts"]].concat()).out;
    assert!(
        text.contains("PHP           8.1.28.0\n  program     C:\\Program Files\\PHP"),
        "{text}"
    );
    let none = on(&Tree::exchange(FIXED), &["facts"]).json();
    assert_eq!(none["server"]["facts"]["php"], json!(null));
}

#[test]
fn a_vulnerable_php_is_protected_until_it_is_updated() {
    let tree = server(VULNERABLE);
    let before = tree.snapshot();
    // The site's own rule asks whether there is such a file; the tree has none.
    assert_eq!(verdict(&tree, "/index.php?%adZ"), "rewritten");
    let check = on(&tree, &["check"]);
    assert_eq!(check.state(ID), "applied", "{}", check.reason(ID));
    assert!(
        check.reason(ID).contains(r"PHP 8.1.28.0 in C:\Program Files\PHP"),
        "{}",
        check.reason(ID)
    );
    for attack in ["/index.php?%adZ", "/a?+%20%ADZ", "/%69ndex.php?%22%adZ"] {
        assert_eq!(verdict(&tree, attack), "blocked", "{attack}");
    }
    assert_eq!(verdict(&tree, "/index.php?q=%C2%AD"), "rewritten");

    tree.write(&program(), &ExchangeServer::php_program(UPDATED));
    let withdrawn = on(&tree, &["check"]);
    assert_eq!(withdrawn.state(ID), "withdrawn", "{}", withdrawn.reason(ID));
    tree.write(&program(), &ExchangeServer::php_program(VULNERABLE));
    assert!(tree.snapshot() == before, "every file is as it was");
}

#[test]
fn an_updated_php_is_left_alone() {
    let tree = server(UPDATED);
    assert_eq!(on(&tree, &["list"]).state(ID), "not-affected");
    let why = on(&tree, &["list"]).reason(ID);
    assert!(why.ends_with("has the fix, which came with 8.1.29"), "{why}");
}

#[test]
fn a_php_that_is_torn_or_gone_is_unknown_and_what_protects_it_stays() {
    let tree = server(VULNERABLE);
    on(&tree, &["check"]);
    let whole = tree.read(&program());
    tree.write(&program(), &whole[..0x180]);
    let torn = on(&tree, &["check"]);
    assert_eq!(torn.state(ID), "unknown");
    assert!(torn.reason(ID).contains("what is installed stays"), "{}", torn.reason(ID));
    tree.remove(&program());
    let gone = on(&tree, &["check"]);
    assert_eq!(gone.state(ID), "unknown");
    assert!(gone.reason(ID).contains("which is not there"), "{}", gone.reason(ID));
    assert_eq!(verdict(&tree, "/index.php?%adZ"), "blocked");
}

#[test]
fn a_web_config_that_cannot_be_read_may_name_a_php() {
    let tree = Tree::exchange(FIXED);
    let path = ServerPath::new(r"C:\inetpub\wwwroot\web.config");
    tree.write(&path, b"<configuration><system.webServer>");
    let list = on(&tree, &["list"]);
    assert_eq!(list.state(ID), "unknown");
    assert!(list.reason(ID).contains("whether it names a PHP is not known"), "{}", list.reason(ID));
}
