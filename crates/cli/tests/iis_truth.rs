//! What is said of IIS was seen: everything of ours that is in place is named, whatever else is amiss.
#![allow(clippy::unwrap_used, reason = "a test says plainly what it expects")]

mod common;

use common::{FIXED, HOST_CONFIG, OLD, Run, VULNERABLE, on, stopgap};
use serde_json::json;
use stopgap_model::ServerPath;
use stopgap_testkit::Tree;

/// ProxyLogon: two rules here, and two pools that are not to start.
const PROXYLOGON: &str = "CVE-2021-26855";
const SITE_CONFIG: &str = r"C:\inetpub\wwwroot\web.config";
const ECP_CONFIG: &str =
    r"C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\ecp\web.config";
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
    assert_eq!(
        status.mitigation(PROXYLOGON)["in_place"],
        json!(POOLS),
        "{}",
        status.reason(PROXYLOGON)
    );
    let named = "pool MSExchangeECPAppPool, pool MSExchangeOABAppPool";
    let row = format!("Installed {PROXYLOGON} ({named})");
    let told = joined(&read(&tree, &["status"]));
    assert!(told.contains(&row), "{told}");
    let told = joined(&read(&tree, &["show", PROXYLOGON]));
    assert!(told.contains(&format!("Installed {named}")), "{told}");
    let told = read(&tree, &["list"]);
    assert!(told.contains("installed: pool"), "{told}");
}

#[test]
fn a_web_config_that_cannot_be_read_does_not_hide_the_pools_that_are_set_not_to_start() {
    let tree = Tree::exchange(OLD);
    tree.write(&ServerPath::new(SITE_CONFIG), b"<configuration>");
    let check = on(&tree, &["check", PROXYLOGON]);
    assert_eq!((check.code, check.state(PROXYLOGON)), (1, "partial".into()), "{}", check.out);
    let reason = check.reason(PROXYLOGON);
    let in_place = "1 of 3 actions installed (PL.4); PL.1, PL.2: unknown: ";
    assert!(reason.starts_with(in_place), "{reason}");
    assert_eq!(reason.matches("web.config").count(), 1, "{reason}");
    assert_eq!(check.mitigation(PROXYLOGON)["in_place"], json!(POOLS));
    let told = joined(&read(&tree, &["status"]));
    assert!(told.contains(&format!("Installed {PROXYLOGON} (pool MSExchangeECPAppPool")), "{told}");
}

#[test]
fn what_somebody_took_out_is_not_called_in_place() {
    let tree = Tree::exchange(OLD);
    on(&tree, &["check", PROXYLOGON]);
    let status = on(&tree, &["status"]);
    let rules = ["Stopgap PL.1", "Stopgap PL.2"];
    let named: Vec<&str> = rules.into_iter().chain(POOLS).collect();
    assert_eq!(
        status.mitigation(PROXYLOGON)["in_place"],
        json!(named),
        "{}",
        status.reason(PROXYLOGON)
    );
    edit(&tree, "<rule name=\"Stopgap PL.2\"", "<rule name=\"hers\"");
    let status = on(&tree, &["status"]);
    let left: Vec<&str> = named.into_iter().filter(|name| *name != "Stopgap PL.2").collect();
    assert_eq!(
        status.mitigation(PROXYLOGON)["in_place"],
        json!(left),
        "{}",
        status.reason(PROXYLOGON)
    );
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
    assert!(read(&other, &["status"]).contains("nothing of Stopgap"));
}

/// The server on which ProxyLogon's mitigation was put in, and then the state folder was lost.
fn with_lost_records() -> Tree {
    let tree = Tree::exchange(OLD);
    on(&tree, &["check", "M1", PROXYLOGON]);
    std::fs::remove_dir_all(tree.state()).unwrap();
    tree
}

#[track_caller]
fn action(run: &Run, mitigation: &str, id: &str) -> (String, String) {
    let mitigation = run.mitigation(mitigation);
    let actions = mitigation["actions"].as_array().unwrap();
    let found = actions.iter().find(|action| action["id"] == id).unwrap();
    let word = |name: &str| found[name].as_str().unwrap().to_owned();
    (word("state"), word("reason"))
}

#[test]
fn rules_are_known_by_their_text_when_the_state_folder_was_lost() {
    let tree = with_lost_records();
    let protected = text(&tree);
    let list = on(&tree, &["list"]);
    for (mitigation, id) in [("M1", "M1.1"), (PROXYLOGON, "PL.1"), (PROXYLOGON, "PL.2")] {
        let (state, reason) = action(&list, mitigation, id);
        assert_eq!(state, "applied", "{id}: {reason}");
        assert!(reason.contains("recognised by its text"), "{id}: {reason}");
    }
    let (state, reason) = action(&list, PROXYLOGON, "PL.4");
    assert_eq!(state, "covered", "{reason}");
    assert!(reason.contains("the records of this state folder do not have it"), "{reason}");
    let check = on(&tree, &["check", "M1", PROXYLOGON]);
    assert_eq!((check.state("M1"), check.state(PROXYLOGON)), ("applied".into(), "applied".into()));
    assert!(text(&tree) == protected, "nothing is changed to know it");
    // From then on the records tell of them.
    let list = on(&tree, &["list"]);
    assert!(!list.out.contains("recognised by its text"), "{}", list.reason("M1"));
    let history = read(&tree, &["history"]);
    assert!(joined(&history).contains("M1.1 found as it would be written in"), "{history}");
}

#[test]
fn after_the_update_the_rules_go_and_pools_that_nobody_recorded_are_told_until_they_start() {
    let before = text(&Tree::exchange(OLD));
    let tree = with_lost_records();
    tree.set_exchange_build(FIXED);
    let check = on(&tree, &["check"]);
    assert_eq!(check.code, 1, "{}", check.reason(PROXYLOGON));
    assert_eq!(
        (check.state("M1"), check.state(PROXYLOGON)),
        ("withdrawn".into(), "withdrawn".into())
    );
    let off = ["autoStart=\"false\"", "autoStart = \"false\""];
    let after = text(&tree);
    assert!(!after.contains("Stopgap"));
    assert!(off.iter().all(|off| after.matches(off).count() == 1), "both pools stay as they are");
    for _ in 0..2 {
        let check = on(&tree, &["check"]);
        let told = check.mitigation(PROXYLOGON)["leftovers"][0].as_str().unwrap().to_owned();
        assert_eq!((check.code, check.state(PROXYLOGON)), (1, "not-affected".into()), "{told}");
        assert!(told.contains("MSExchangeECPAppPool, MSExchangeOABAppPool"), "{told}");
        assert!(told.contains("set autoStart to true"), "{told}");
        for command in [&["status"][..], &["list"], &["show", PROXYLOGON]] {
            let read = joined(&read(&tree, command)).replace(' ', "");
            assert!(read.contains("setnottostart,asPL.4doesit"), "{command:?}: {read}");
        }
    }
    assert!(text(&tree) == after, "what an administrator may have set is not touched");
    // Who wants it so says that, and is not told again.
    on(&tree, &["block", PROXYLOGON]);
    let list = on(&tree, &["list"]);
    assert_eq!((list.code, &list.mitigation(PROXYLOGON)["leftovers"]), (0, &json!([])));
    on(&tree, &["unblock", PROXYLOGON]);
    for off in off {
        edit(&tree, off, &off.replace("false", "true"));
    }
    let check = on(&tree, &["check"]);
    assert_eq!((check.code, check.state(PROXYLOGON)), (0, "not-affected".into()));
    assert_eq!(check.mitigation(PROXYLOGON)["leftovers"], json!([]));
    let without_pools = |text: &str| {
        let lines = text.lines().filter(|line| POOLS.iter().all(|pool| !line.contains(&pool[5..])));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(without_pools(&text(&tree)) == without_pools(&before), "all else is as it was");
}

#[test]
fn a_rule_of_ours_that_iis_manager_copied_is_told_until_it_is_gone() {
    let tree = Tree::exchange(VULNERABLE);
    on(&tree, &["check"]);
    let protected = text(&tree);
    let start = protected.find("<rule name=\"Stopgap M1.1\"").unwrap();
    let end = start + protected[start..].find("</rule>").unwrap() + "</rule>".len();
    let rule = &protected[start..end];
    let config = ServerPath::new(ECP_CONFIG);
    let copied = format!(
        "<configuration><system.webServer><rewrite><rules><clear />{rule}</rules></rewrite>\
         </system.webServer></configuration>"
    );
    tree.write(&config, copied.as_bytes());
    let check = on(&tree, &["check"]);
    assert_eq!((check.code, check.state("M1")), (1, "applied".into()), "{}", check.reason("M1"));
    let told = check.mitigation("M1")["leftovers"][0].as_str().unwrap().to_owned();
    assert!(told.contains("`Stopgap M1.1`") && told.contains("by hand"), "{told}");
    assert!(joined(&read(&tree, &["show", "M1"])).contains("has to be taken out by hand"));
    // It is told as well once the update has taken ours back.
    tree.set_exchange_build(FIXED);
    assert_eq!(on(&tree, &["check"]).code, 1);
    let check = on(&tree, &["check"]);
    assert_eq!(
        (check.code, check.state("M1")),
        (1, "not-affected".into()),
        "{}",
        check.reason("M1")
    );
    assert!(tree.read(&config) == copied.as_bytes(), "whose it is nobody knows");
    tree.write(&config, b"<configuration></configuration>");
    let check = on(&tree, &["check"]);
    assert_eq!(
        (check.code, check.state("M1")),
        (0, "not-affected".into()),
        "{}",
        check.reason("M1")
    );
}

#[test]
fn a_module_that_runs_no_rule_protects_nothing() {
    let tree = Tree::exchange(VULNERABLE);
    let before = text(&tree);
    assert_eq!(before.matches("<add name=\"RewriteModule\" />").count(), 1);
    edit(&tree, "<add name=\"RewriteModule\" />", "");
    let check = on(&tree, &["check"]);
    assert_eq!(
        (check.code, check.state("M1")),
        (1, "unsupported".into()),
        "{}",
        check.reason("M1")
    );
    assert!(
        check.reason("M1").contains("URL Rewrite module does not run"),
        "{}",
        check.reason("M1")
    );
    let attack = "GET /autodiscover/x?powershell";
    let tried = on(&tree, &["try", "--site", "Default Web Site", "--request", attack]);
    assert_eq!(tried.json()["verdict"], "allowed");
    assert!(!text(&tree).contains("Stopgap"));
}

#[test]
fn a_clear_that_the_root_application_alone_sees_costs_the_root_application_alone() {
    let tree = Tree::exchange(VULNERABLE);
    let narrow = "<configuration><location inheritInChildApplications=\"false\"><system.webServer>\
                  <rewrite><rules><clear /></rules></rewrite></system.webServer></location>\
                  </configuration>";
    tree.write(&ServerPath::new(SITE_CONFIG), narrow.as_bytes());
    let before = tree.snapshot();
    let check = on(&tree, &["check"]);
    assert_eq!((check.code, check.state("M1")), (1, "partial".into()), "{}", check.reason("M1"));
    assert_eq!(check.reason("M1").matches("web.config").count(), 1, "{}", check.reason("M1"));
    let attack = "GET /autodiscover/x?powershell";
    let tried = on(&tree, &["try", "--site", "Default Web Site", "--request", attack]);
    assert_eq!(tried.json()["verdict"], "blocked", "Autodiscover is an application of its own");
    let shown = joined(&read(&tree, &["show", "M1"]));
    assert!(shown.contains("where the rules stand they block"), "{shown}");
    assert!(!shown.contains("block 0 of"), "{shown}");
    on(&tree, &["remove", "M1", "M2"]);
    assert!(tree.snapshot() == before);
}
