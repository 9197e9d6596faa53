//! Where a rule goes, and why it goes nowhere.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{SITE, element, find_placement, found, host, insert, rule, rules, server, web};
use stopgap_iis::config::{
    APPLICATION_HOST, Collection, Need, Place, PlacementRequest, PlacementTarget, Read, Refusal,
    Snapshot, effective_rules,
};
use stopgap_model::ServerPath;
use stopgap_model::mitigation::Scope;

const ROOT: &str = r"C:\root\web.config";
const OWA: &str = r"C:\owa\web.config";

fn scope(path: &str) -> Scope {
    Scope { site: SITE.to_ascii_lowercase(), path: path.to_owned() }
}

fn place(snapshot: &Snapshot, path: &str) -> Result<PlacementTarget, Refusal> {
    let mut targets = find_placement(snapshot, Some(&scope(path)), "S 1")?.targets;
    Ok(targets.remove(0))
}

fn location(snapshot: &Snapshot, path: &str) -> String {
    match place(snapshot, path).unwrap().place {
        Place::Location { path } => path,
        other => panic!("{other}"),
    }
}

#[test]
fn the_server_a_site_and_a_path_have_their_places() {
    let snapshot = server(&host("Allow", ""), &[]);
    assert_eq!(find_placement(&snapshot, None, "S 1").unwrap().targets[0].place, Place::Server);
    assert_eq!(location(&snapshot, ""), "Default Web Site");
    assert_eq!(location(&snapshot, "/OWA"), "Default Web Site/owa");
}

#[test]
fn a_rule_put_in_its_place_is_met_by_requests_of_the_scope() {
    let snapshot = server(&host("Allow", ""), &[]);
    for path in ["", "/owa"] {
        let target = place(&snapshot, path).unwrap();
        let bytes = snapshot.file(&target.file).unwrap().bytes().unwrap();
        let done = insert(bytes, &target.place, &rule("S 1")).unwrap();
        let changed = snapshot.with_file(&target.file, done.bytes).unwrap();
        let met = effective_rules(&changed, SITE, "/owa/Calendar/x").unwrap().rules;
        assert_eq!(met.len(), 1);
        assert_eq!((&met[0].item, &met[0].place), (&Ok(rule("S 1")), &target.place));
    }
}

#[test]
fn what_is_not_there_is_named() {
    let snapshot = server(&host("Allow", ""), &[]);
    let elsewhere = Scope { site: "x".to_owned(), path: String::new() };
    let refused = find_placement(&snapshot, Some(&elsewhere), "S 1").unwrap_err();
    assert_eq!(refused.to_string(), "the server has no site \"x\"; it has \"Default Web Site\"");
    assert!(matches!(place(&snapshot, "/nothing"), Err(Refusal::NoSuchPath { .. })));
    let none = host("Allow", "").replace("RewriteModule", "Other");
    assert_eq!(place(&server(&none, &[]), ""), Err(Refusal::NoModule));
    let undeclared = host("Allow", "").replace("name=\"rewrite\"", "name=\"x\"");
    let refused = place(&server(&undeclared, &[]), "");
    assert!(matches!(refused, Err(Refusal::SectionNotDeclared(name)) if name.ends_with("/rules")));
}

#[test]
fn a_name_that_is_taken_above_or_below_is_a_conflict() {
    for file in [ROOT, OWA] {
        let files = [(file, found(&web(&element("s 1"))))];
        let snapshot = server(&host("Allow", ""), &files);
        assert!(matches!(place(&snapshot, ""), Err(Refusal::NameTaken { .. })));
        assert!(matches!(find_placement(&snapshot, None, "S 1"), Err(Refusal::NameTaken { .. })));
    }
    let snapshot = server(&host("Allow", ""), &[(ROOT, found(&web(&element("S 1"))))]);
    assert!(matches!(place(&snapshot, "/owa"), Err(Refusal::NameTaken { .. })));
}

#[test]
fn where_rules_are_cleared_ours_goes_behind_the_clear() {
    let snapshot = server(&host("Allow", ""), &[(OWA, found(&web("<clear/>")))]);
    let target = place(&snapshot, "/owa").unwrap();
    assert_eq!((target.file.key(), target.place), (OWA.to_ascii_lowercase(), Place::WebConfig));
    assert_eq!(location(&snapshot, ""), "Default Web Site");
}

#[test]
fn a_clear_that_cannot_be_followed_is_refused() {
    let inner = rules("<clear/>");
    let narrow = format!(
        "<configuration><location inheritInChildApplications='false'>{inner}</location></configuration>"
    );
    // The applications below are reached.
    let snapshot = server(&host("Allow", ""), &[(ROOT, found(&narrow))]);
    assert_eq!(location(&snapshot, ""), "Default Web Site");
    let snapshot = server(&host("Allow", ""), &[(OWA, found(&narrow))]);
    let Err(Refusal::Locked(why)) = place(&snapshot, "/owa/Calendar") else {
        panic!("it is cut off")
    };
    assert_eq!(why.to_string().matches("web.config").count(), 1, "{why}");
    let snapshot = server(&host("Allow", ""), &[(ROOT, found(&web("<clear/>")))]);
    assert!(matches!(place(&snapshot, "/owa"), Err(Refusal::Locked(_))));
    let snapshot = server(&host("Allow", ""), &[(OWA, found(&web("<clear/>")))]);
    assert!(matches!(place(&snapshot, "/owa/Calendar"), Err(Refusal::Locked(_))));
}

#[test]
fn a_locked_or_narrow_location_is_refused() {
    let with = |path: &str, attribute: &str| {
        let rest = format!("<location path='{path}' {attribute}>{}</location>", rules(""));
        place(&server(&host("Allow", &rest), &[]), "/owa")
    };
    let denied = "overrideMode='Deny'";
    assert!(matches!(with("Default Web Site", denied), Err(Refusal::Locked(_))));
    assert!(matches!(with("Default Web Site/owa", denied), Err(Refusal::Locked(_))));
    let narrow = "inheritInChildApplications='false'";
    assert!(matches!(with("Default Web Site/owa", narrow), Err(Refusal::Locked(_))));
    assert!(with("Default Web Site", narrow).is_ok());
}

#[test]
fn a_server_that_locks_web_config_still_takes_a_location() {
    assert_eq!(location(&server(&host("Deny", ""), &[]), ""), "Default Web Site");
}

#[test]
fn an_unreadable_file_on_the_way_is_unknown_and_one_beside_it_is_not() {
    let files = [(OWA, Read::Unreadable(stopgap_model::Reasons::text("access denied")))];
    let snapshot = server(&host("Allow", ""), &files);
    assert!(matches!(place(&snapshot, "/owa"), Err(Refusal::Unknown(_))));
    assert!(place(&snapshot, "").is_ok());
    let files = [(ROOT, found("<configuration>"))];
    assert!(matches!(place(&server(&host("Allow", ""), &files), ""), Err(Refusal::Unknown(_))));
}

#[test]
fn a_configuration_that_is_broken_already_is_not_added_to() {
    let files = [(ROOT, found(&web(&(element("a") + &element("a")))))];
    assert!(matches!(place(&server(&host("Allow", ""), &files), ""), Err(Refusal::Broken(_))));
}

#[test]
fn a_folder_full_of_uploads_uses_up_nothing_that_the_server_needs() {
    let mut snapshot = Snapshot::new();
    snapshot.provide(ServerPath::new(APPLICATION_HOST), found(&host("Allow", ""))).unwrap();
    let upload = |at: usize| ServerPath::new(format!(r"C:\root\up\{at}\web.config"));
    let files: Vec<ServerPath> = (0..9000).map(upload).collect();
    let owa = ServerPath::new(OWA);
    snapshot.provide_folder(ServerPath::new(r"C:\root"), files, None);
    snapshot.provide_folder(ServerPath::new(r"c:\OWA"), vec![owa], None);
    let large = format!("<configuration><!--{}--></configuration>", "x".repeat(100_000));
    for need in snapshot.needs() {
        let Need::File(path) = need else { panic!("the folders were searched") };
        snapshot.provide(path, found(&large)).unwrap();
    }
    assert!(snapshot.closed());
    assert_eq!(location(&snapshot, ""), "Default Web Site");
    let told = snapshot.incompletely_scanned_folders(Some(SITE));
    assert!(told[0].1.has("too-many-plain-files"), "{told:?}");
    let unread = effective_rules(&snapshot, SITE, "/up/2000").unwrap_err().to_string();
    assert!(unread.contains("more than 16 MiB together"), "{unread}");
    assert!(effective_rules(&snapshot, SITE, "/up/0").is_ok());
}

#[test]
fn no_more_than_a_bound_of_uploaded_files_is_written_to() {
    let paths: Vec<String> = (0..70).map(|at| format!(r"C:\root\up\{at}\web.config")).collect();
    let files: Vec<(&str, Read)> =
        paths.iter().map(|path| (path.as_str(), found(&web("<clear/>")))).collect();
    let snapshot = server(&host("Allow", ""), &files);
    let placement = find_placement(&snapshot, Some(&scope("")), "S 1").unwrap();
    assert_eq!((placement.targets.len(), placement.gaps.len()), (1 + 64, 6));
    assert!(
        placement.gaps[0].why.to_string().contains("no more than 64"),
        "{:?}",
        placement.gaps[0]
    );
}

#[test]
fn an_outbound_rule_for_a_server_without_sites_is_refused_in_words() {
    let without =
        host("Allow", "").replace("<site name", "<:site name").replace("</site>", "</:site>");
    let without = without.replace(
        "<section name=\"rules\"",
        "<section name=\"outboundRules\" /><section name=\"rules\"",
    );
    let snapshot = server(&without, &[]);
    let own = |_: &ServerPath, _: &Place, _: &str| false;
    let collection = Collection::OutboundRules;
    let placing = PlacementRequest { scope: None, collection, name: "S 1", own: &own };
    let refused = stopgap_iis::config::find_placement(&snapshot, &placing);
    assert_eq!(refused, Err(Refusal::NoSites));
}
