//! Which rules a request meets.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{SITE, element, found, host, host_with, rules, server, web};
use stopgap_iis::config::{
    APPLICATION_HOST, Collection, Fault, Need, Place, Read, Snapshot, effective_rules,
    entries_named, standalone_rules,
};
use stopgap_model::host::{Fact, ServerPath};

const ROOT: &str = r"C:\root\web.config";
const OWA: &str = r"C:\owa\web.config";

fn names(snapshot: &Snapshot, path: &str) -> Vec<String> {
    let effective = effective_rules(snapshot, SITE, path).unwrap();
    effective.rules.into_iter().map(|rule| format!("{} {}", rule.base, rule.name)).collect()
}

fn fault(snapshot: &Snapshot, path: &str) -> Fault {
    effective_rules(snapshot, SITE, path).unwrap_err()
}

fn is_broken(snapshot: &Snapshot, path: &str, word: &str) {
    match fault(snapshot, path) {
        Fault::Broken { reason, .. } => assert!(reason.to_string().contains(word), "{reason}"),
        Fault::Unknown(why) => panic!("{why}"),
    }
}

#[test]
fn a_snapshot_asks_for_the_server_s_file_and_then_for_every_web_config_once() {
    let mut snapshot = Snapshot::new();
    assert_eq!(snapshot.needs(), [Need::File(ServerPath::new(APPLICATION_HOST))]);
    assert!(matches!(snapshot.iis(), Fact::Unknown(_)));
    snapshot.provide(ServerPath::new(APPLICATION_HOST), found(&host("Allow", ""))).unwrap();
    let files = [r"c:\OWA\web.config", r"C:\root\web.config"].map(ServerPath::new);
    let folders = [r"c:\OWA", r"C:\root"].map(ServerPath::new);
    let needs = files.map(Need::File).into_iter().chain(folders.map(Need::Folder));
    assert_eq!(snapshot.needs(), needs.collect::<Vec<_>>());
    let Fact::Known(iis) = snapshot.iis() else { panic!("it was read") };
    assert_eq!((iis.pools, iis.modules), (vec!["Pool".into()], vec!["RewriteModule".into()]));
    assert!(matches!(iis.sites[0].applications[3].directories[0].physical, Fact::Unknown(_)));
}

#[test]
fn without_its_configuration_iis_is_absent_and_a_broken_one_is_unknown() {
    let path = ServerPath::new(APPLICATION_HOST);
    let mut snapshot = Snapshot::new();
    snapshot.provide(path.clone(), Read::Absent).unwrap();
    assert!(snapshot.closed());
    assert_eq!(snapshot.iis(), Fact::Absent);
    snapshot.provide(path, found("<configuration>")).unwrap();
    assert!(snapshot.closed());
    assert!(matches!(snapshot.iis(), Fact::Unknown(_)));
}

#[test]
fn rules_run_from_the_server_down_to_the_folder() {
    let rewrite = format!(
        "<rewrite><globalRules>{}</globalRules><rules>{}</rules></rewrite>",
        element("global"),
        element("root")
    );
    let rest = format!(
        "<location path='Default Web Site/owa'>{}</location><location path='default web site'>{}</location>",
        rules(&element("owa location")),
        rules(&element("site location"))
    );
    let inner = format!(
        "<configuration>{}<location path='owa/auth'>{}</location></configuration>",
        rules(&element("site web")),
        rules(&element("auth"))
    );
    let snapshot = server(
        &host_with("Allow", &rewrite, &rest),
        &[(ROOT, found(&inner)), (OWA, found(&web(&element("owa web"))))],
    );
    let all = [
        "/ global",
        "/ root",
        "/ site location",
        "/owa/ owa location",
        "/ site web",
        "/owa/auth/ auth",
        "/owa/ owa web",
    ];
    assert_eq!(names(&snapshot, "/OWA/auth/x.js"), all);
    assert_eq!(names(&snapshot, "/x"), ["/ global", "/ root", "/ site location", "/ site web"]);
}

#[test]
fn clear_and_remove_drop_what_is_inherited() {
    let root = found(&web(&(element("a") + &element("b"))));
    let clear = found(&web(&format!("<clear/>{}", element("c"))));
    let snapshot = server(&host("Allow", ""), &[(ROOT, root.clone()), (OWA, clear)]);
    assert_eq!(names(&snapshot, "/owa"), ["/owa/ c"]);
    let remove = found(&web("<remove name='A'/>"));
    let snapshot = server(&host("Allow", ""), &[(ROOT, root), (OWA, remove)]);
    assert_eq!(names(&snapshot, "/owa"), ["/ b"]);
}

#[test]
fn what_is_not_inherited_does_not_reach_child_applications() {
    let inner = format!(
        "<configuration><location inheritInChildApplications='false'>{}</location></configuration>",
        rules(&element("a"))
    );
    let snapshot = server(&host("Allow", ""), &[(ROOT, found(&inner))]);
    assert_eq!(names(&snapshot, "/x/y"), ["/ a"]);
    assert!(names(&snapshot, "/owa").is_empty());
}

#[test]
fn one_name_twice_on_a_path_breaks_that_path_only() {
    let files = [(ROOT, found(&web(&element("a")))), (OWA, found(&web(&element("A"))))];
    let snapshot = server(&host("Allow", ""), &files);
    is_broken(&snapshot, "/owa", "two rules");
    assert_eq!(names(&snapshot, "/"), ["/ a"]);
}

#[test]
fn a_folder_that_two_nested_applications_share_doubles_its_rules() {
    let snapshot = server(&host("Allow", ""), &[(OWA, found(&web(&element("a"))))]);
    assert_eq!(names(&snapshot, "/owa"), ["/owa/ a"]);
    is_broken(&snapshot, "/owa/Calendar", "two rules");
}

#[test]
fn a_locked_section_that_appears_below_is_broken() {
    let files = [(ROOT, found(&web("")))];
    is_broken(&server(&host("Deny", ""), &files), "/", "locked");
    assert!(names(&server(&host("Deny", ""), &[]), "/").is_empty());
    let location = |mode: &str| {
        format!("<location path='Default Web Site' overrideMode='{mode}'>{}</location>", rules(""))
    };
    is_broken(&server(&host("Allow", &location("Deny")), &files), "/", "locked");
    assert!(names(&server(&host("Deny", &location("Allow")), &files), "/").is_empty());
}

#[test]
fn a_section_twice_or_undeclared_is_broken() {
    let twice = format!("<configuration>{}{}</configuration>", rules(""), rules(""));
    is_broken(&server(&host("Allow", ""), &[(ROOT, found(&twice))]), "/", "twice");
    let undeclared = host("Allow", "").replace("<section name=\"rules\"", "<section name=\"x\"");
    is_broken(&server(&undeclared, &[(ROOT, found(&web("")))]), "/", "not declared");
    assert!(names(&server(&undeclared, &[]), "/").is_empty());
}

#[test]
fn what_cannot_be_read_is_unknown_where_it_matters() {
    let files = [(OWA, Read::Unreadable(stopgap_model::Reasons::text("access denied")))];
    let snapshot = server(&host("Allow", ""), &files);
    assert!(
        matches!(fault(&snapshot, "/owa"), Fault::Unknown(why) if why.to_string().contains("access"))
    );
    assert!(names(&snapshot, "/").is_empty());
    assert!(
        matches!(fault(&snapshot, "/lost/x"), Fault::Unknown(why) if why.to_string().contains("NOWHERE"))
    );
    let elsewhere = "<configuration><system.webServer><rewrite><rules configSource='r.config'/></rewrite></system.webServer></configuration>";
    let snapshot = server(&host("Allow", ""), &[(ROOT, found(elsewhere))]);
    assert!(
        matches!(fault(&snapshot, "/"), Fault::Unknown(why) if why.to_string().contains("r.config"))
    );
}

#[test]
fn a_section_in_a_file_of_its_own_is_followed() {
    let elsewhere = "<configuration><system.webServer><rewrite><rules configSource='r.config'/></rewrite></system.webServer></configuration>";
    let held = format!("<rules><clear/>{}</rules>", element("held"));
    let files = [(ROOT, found(elsewhere)), (r"C:\root\r.config", found(&held))];
    assert_eq!(names(&server(&host("Allow", ""), &files), "/owa"), ["/ held"]);
    // One that is somewhere else on the disk, or is a configuration file itself, is not followed.
    for bad in ["..\\r.config", "C:\\r.config", "web.config", "a//b"] {
        let text = elsewhere.replace("r.config", bad);
        let snapshot = server(&host("Allow", ""), &[(ROOT, found(&text))]);
        assert!(
            matches!(fault(&snapshot, "/"), Fault::Unknown(why) if why.to_string().contains(bad)),
            "{bad}"
        );
    }
}

#[test]
fn a_rule_that_is_not_understood_is_kept_with_its_reason() {
    let odd = element("odd").replace("<rule ", "<rule patternSyntax='Klingon' ");
    let known = element("known").replace("<rule ", "<rule patternSyntax='Regular Expressions' ");
    let effective = standalone_rules(web(&(odd + &known)).as_bytes()).unwrap();
    assert!(matches!(&effective.rules[0].item, Err(why) if why.to_string().contains("Klingon")));
    assert_eq!(effective.rules[0].name, "odd");
    assert!(effective.rules[1].item.is_ok());
}

#[test]
fn a_removed_module_means_that_no_rule_runs() {
    let inner = "<configuration><system.webServer><modules><remove name='RewriteModule'/></modules></system.webServer></configuration>";
    let snapshot = server(&host("Allow", ""), &[(OWA, found(inner))]);
    assert!(!effective_rules(&snapshot, SITE, "/owa").unwrap().module);
    assert!(effective_rules(&snapshot, SITE, "/").unwrap().module);
}

#[test]
fn a_planned_change_can_be_looked_at_and_names_are_found_everywhere() {
    let snapshot = server(&host("Allow", ""), &[]);
    let changed =
        snapshot.with_file(&ServerPath::new(ROOT), web(&element("a")).into_bytes()).unwrap();
    assert!(names(&snapshot, "/").is_empty());
    assert_eq!(names(&changed, "/"), ["/ a"]);
    let named = entries_named(&changed, Collection::Rules, "A");
    assert_eq!(named.len(), 1);
    assert_eq!(
        (named[0].file.as_str(), &named[0].place),
        (r"C:\root\web.config", &Place::WebConfig)
    );
}

#[test]
fn rewrite_maps_come_with_the_rules() {
    let text = "<configuration><system.webServer><rewrite><rewriteMaps><rewriteMap name='m' defaultValue='d'><add key='k' value='v'/></rewriteMap></rewriteMaps></rewrite></system.webServer></configuration>";
    let maps = standalone_rules(text.as_bytes()).unwrap().maps;
    assert_eq!((maps[0].name.as_str(), maps[0].default.as_str()), ("m", "d"));
    assert_eq!(maps[0].entries, [("k".to_owned(), "v".to_owned())]);
}
