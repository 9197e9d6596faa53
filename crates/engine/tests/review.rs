//! What happens between cycles: other people edit what actions share, revisions change what an action
//! is, and what is taken back is what others came to need.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use common::{Server, document, of, state};
use stopgap_store::Store;

const OWA: &str =
    r"C:\Program Files\Microsoft\Exchange Server\V15\FrontEnd\HttpProxy\owa\web.config";

fn removes_header(id: &str, path: &str) -> String {
    let action = format!(
        "[[action]]\nid = \"{id}.1\"\nkind = \"request-header\"\nremove = \"x-inner\"\n\
         scope = {{ site = \"Default Web Site\", path = \"{path}\" }}\n"
    );
    document(id, 1, &action)
}

fn disables_pool(id: &str) -> String {
    let action = format!(
        "[[action]]\nid = \"{id}.1\"\nkind = \"disable-app-pool\"\n\
         pools = [\"MSExchangeECPAppPool\"]\n"
    );
    document(id, 1, &action)
}

const BLOCK: &str = "[[action]]\nid = \"A.1\"\nkind = \"block-request\"\n\
                     scope = { site = \"Default Web Site\" }\ndeny = \"abort\"\n\
                     when = [{ field = \"uri\", contains = \"evil\" }]\n";
const ALLOWED: &str = "<add name=\"HTTP_X_INNER\" />";

#[test]
fn one_of_two_that_share_a_variable_is_put_right_though_the_other_may_not_be_touched() {
    let (one, two) = (removes_header("A", "/owa"), removes_header("B", "/ecp"));
    let mut server = Server::new(&[&one, &two]);
    let report = server.cycle();
    assert_eq!((state(&report, "A"), state(&report, "B")), ("applied", "applied"));
    let protected = server.host_config();
    assert_eq!(protected.matches(ALLOWED).count(), 1);
    server.edit_host(ALLOWED, "");
    server.block("B");
    let report = server.cycle();
    assert_eq!(server.host_config().matches(ALLOWED).count(), 1, "{:?}", of(&report, "A").reason);
    assert_eq!(state(&report, "A"), "applied", "{}", of(&report, "A").reason);
    let report = server.cycle();
    assert_eq!((state(&report, "A"), state(&report, "B")), ("applied", "applied"));
    let _ = server.take_back("A");
    assert_eq!(server.host_config().matches(ALLOWED).count(), 1);
    let _ = server.take_back("B");
    assert!(!server.host_config().contains("HTTP_X_INNER"));
}

#[test]
fn a_variable_that_a_rule_of_somebody_else_came_to_need_stays_allowed() {
    let one = removes_header("A", "/owa");
    let server = Server::new(&[&one]);
    let _ = server.cycle();
    let his = "<rewrite><rules><rule name=\"his\"><match url=\".*\" /><serverVariables>\
               <set name=\"HTTP_X_INNER\" value=\"1\" /></serverVariables><action type=\"None\" />\
               </rule></rules></rewrite>";
    server.edit(OWA, "</system.webServer>", &format!("{his}</system.webServer>"));
    assert_eq!(state(&server.cycle(), "A"), "applied");
    let report = server.take_back("A");
    let host = server.host_config();
    assert!(!host.contains("Stopgap A.1"), "{host}");
    assert!(host.contains(ALLOWED), "his rule answers 500 now: {}", of(&report, "A").reason);
}

#[test]
fn a_pool_that_two_mitigations_want_off_is_off_until_the_last_of_them_goes() {
    let (one, two) = (disables_pool("A"), disables_pool("B"));
    let server = Server::new(&[&one, &two]);
    let before = server.host_config();
    let report = server.cycle();
    assert_eq!((state(&report, "A"), state(&report, "B")), ("applied", "applied"));
    let off = server.host_config();
    let _ = server.take_back("A");
    assert!(server.host_config() == off, "B still wants it off");
    let _ = server.take_back("B");
    assert!(server.host_config() == before);
}

#[test]
fn a_pool_that_is_off_by_another_mitigation_of_ours_is_not_told_as_somebody_elses() {
    let (one, two) = (disables_pool("A"), disables_pool("B"));
    let mut server = Server::new(&[&one]);
    let before = server.host_config();
    let _ = server.cycle();
    server.publish(&[&one, &two]);
    let report = server.cycle();
    assert_eq!(state(&report, "B"), "applied", "{}", of(&report, "B").reason);
    let _ = server.take_back("A");
    assert!(server.host_config() != before, "B still wants it off");
    let _ = server.take_back("B");
    assert!(server.host_config() == before);
}

#[test]
fn an_action_that_becomes_another_kind_takes_its_rule_along() {
    let service =
        "[[action]]\nid = \"A.1\"\nkind = \"disable-service\"\nservices = [\"Spooler\"]\n";
    let (one, two) = (document("A", 1, BLOCK), document("A", 2, service));
    let mut server = Server::new(&[&one]);
    let before = server.host_config();
    assert_eq!(state(&server.cycle(), "A"), "applied");
    server.publish(&[&two]);
    let report = server.cycle();
    assert!(server.host_config() == before, "{:?}", of(&report, "A"));
}

#[test]
fn an_action_that_becomes_a_pool_that_is_not_here_takes_its_rule_along() {
    let pool = "[[action]]\nid = \"A.1\"\nkind = \"disable-app-pool\"\npools = [\"NoSuch\"]\n";
    let (one, two) = (document("A", 1, BLOCK), document("A", 2, pool));
    let mut server = Server::new(&[&one]);
    let before = server.host_config();
    assert_eq!(state(&server.cycle(), "A"), "applied");
    server.publish(&[&two]);
    let report = server.cycle();
    assert!(server.host_config() == before, "{:?}", of(&report, "A"));
}

#[test]
fn a_revision_that_this_server_cannot_express_leaves_the_older_rule_and_says_so() {
    let set = |revision, value: &str| {
        let action = format!(
            "[[action]]\nid = \"A.1\"\nkind = \"request-header\"\nheader = \"x-inner\"\nset = \"{value}\"\n\
             scope = {{ site = \"Default Web Site\", path = \"/owa\" }}\n"
        );
        document("A", revision, &action)
    };
    let (one, two) = (set(1, "plain"), set(2, "{R:1}"));
    let mut server = Server::new(&[&one]);
    let _ = server.cycle();
    let protected = server.host_config();
    server.publish(&[&two]);
    let report = server.cycle();
    assert!(server.host_config() == protected);
    let told = of(&report, "A");
    assert!(told.rules.contains(&"Stopgap A.1".to_owned()), "{told:?}");
    assert!(told.reason.to_string().contains("what is installed stays"), "{told:?}");
}

#[test]
fn two_rules_of_one_name_are_judged_each_for_itself() {
    let one = document("A", 1, BLOCK);
    let server = Server::new(&[&one]);
    let rule = |pattern: &str, clear: &str| {
        format!(
            "<rewrite><rules>{clear}<rule name=\"his\"><match url=\".*\" /><conditions>\
             <add input=\"{{UNENCODED_URL}}\" pattern=\"{pattern}\" /></conditions>\
             <action type=\"AbortRequest\" /></rule></rules></rewrite></system.webServer>"
        )
    };
    let above = format!(
        "<location path=\"Default Web Site\"><system.webServer>{}</location></configuration>",
        rule("evil", "")
    );
    server.edit_host("</configuration>", &above);
    server.edit(OWA, "</system.webServer>", &rule("other", "<clear />"));
    let report = server.cycle();
    assert_ne!(state(&report, "A"), "covered", "/owa is open: {:?}", of(&report, "A"));
}

#[test]
fn a_location_that_somebody_spells_otherwise_is_still_ours() {
    let one = removes_header("A", "/EWS/bin");
    let one = one.replace("/EWS/bin", "/EWS");
    let server = Server::new(&[&one]);
    let before = server.host_config();
    assert_eq!(state(&server.cycle(), "A"), "applied");
    server.edit_host("path=\"Default Web Site/EWS\"", "path=\"default web site/ews\"");
    let report = server.cycle();
    assert_eq!(state(&report, "A"), "applied", "{:?}", of(&report, "A"));
    let _ = server.take_back("A");
    let spelled = before.replace("path=\"Default Web Site/EWS\"", "path=\"default web site/ews\"");
    assert!(server.host_config() == spelled);
}

#[test]
fn a_rule_that_another_one_hides_from_some_requests_does_not_cover() {
    let one = document("A", 1, BLOCK);
    let server = Server::new(&[&one]);
    let rules = "<location path=\"Default Web Site\"><system.webServer><rewrite><rules><rule name=\"first\" stopProcessing=\"true\"><match url=\"^owa/\" />\
         <action type=\"None\" /></rule><rule name=\"his\"><match url=\".*\" /><conditions>\
         <add input=\"{UNENCODED_URL}\" pattern=\"evil\" /></conditions>\
         <action type=\"AbortRequest\" /></rule></rules></rewrite></system.webServer></location>\
         </configuration>";
    server.edit_host("</configuration>", rules);
    let report = server.cycle();
    assert_eq!(state(&report, "A"), "applied", "/owa/ is open: {:?}", of(&report, "A"));
}

#[test]
fn a_rule_that_cannot_do_its_work_is_not_tried_again_and_again() {
    let probe = "[[probe]]\nname = \"attack\"\nrequest = \"GET /evil\"\nexpect = \"blocked\"\n";
    let one = document("A", 1, &format!("{BLOCK}{probe}"));
    let server = Server::new(&[&one]);
    assert_eq!(state(&server.cycle(), "A"), "applied");
    let hides = "<system.webServer><rewrite><globalRules><rule name=\"first\" \
                 stopProcessing=\"true\"><match url=\".*\" /><action type=\"None\" /></rule>\
                 </globalRules></rewrite></system.webServer></configuration>";
    server.edit_host("</configuration>", hides);
    let report = server.cycle();
    assert_eq!(state(&report, "A"), "drifted", "{:?}", of(&report, "A"));
    let changes = || std::fs::read_dir(server.tree.state().join("changes")).unwrap().count();
    let (told, tries) = (of(&report, "A").reason.clone(), changes());
    for _ in 0..3 {
        let report = server.cycle();
        assert_eq!(of(&report, "A").reason, told);
    }
    assert_eq!(changes(), tries);
}

#[test]
fn a_rule_whose_records_were_lost_is_never_told_as_gone() {
    let affected = "[[affected]]\nproduct = \"microsoft/exchange-server\"\n\
                    ranges = [{ introduced = \"15.2.0\", fixed = \"15.2.1118.20\" }]\n";
    let one = document("A", 1, &format!("{affected}{BLOCK}"));
    let mut server = Server::new(&[&one]);
    assert_eq!(state(&server.cycle(), "A"), "applied");
    server.store = Store::open(&server.tree.state().with_file_name("another")).unwrap();
    assert_eq!(state(&server.cycle(), "A"), "applied", "its text is known");
    // What somebody edited is not, and is nobody's to take but his.
    server.store = Store::open(&server.tree.state().with_file_name("a third")).unwrap();
    server.edit_host("<action type=\"AbortRequest\" />", "<action type=\"None\" />");
    let report = server.take_back("A");
    assert!(server.host_config().contains("Stopgap A.1"));
    assert_eq!(state(&report, "A"), "covered");
    let place = "applicationHost.config, location \"Default Web Site\"";
    let told = of(&report, "A").reason.to_string();
    assert!(told.contains("by hand") && told.contains(place), "{told}");
    server.tree.set_exchange_build("15.2.1118.20");
    let report = server.cycle();
    assert_eq!(state(&report, "A"), "not-affected");
    let told = of(&report, "A").reason.to_string();
    assert!(told.contains("by hand") && told.contains(place), "{told}");
}

#[test]
fn a_rule_that_does_not_reach_all_of_its_scope_is_in_place_in_part() {
    let one = document("A", 1, BLOCK);
    let server = Server::new(&[&one]);
    let clears = "<rewrite><rules><clear /></rules></rewrite></system.webServer>";
    server.edit(OWA, "</system.webServer>", clears);
    let report = server.cycle();
    let (state, told) = (state(&report, "A"), of(&report, "A").reason.to_string());
    assert_eq!(state, "partial");
    assert!(
        told.starts_with("1 of 1 actions installed in part; A.1: installed; not for"),
        "{told}"
    );
}
