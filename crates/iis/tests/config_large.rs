//! Servers and sections of thousands: the answers are those of small ones.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fmt::Write as _;

use common::{SITE, element, find_placement, found, rules, server, web};
use stopgap_iis::config::{APPLICATION_HOST, Fault, Need, Read, Snapshot, effective_rules, levels};
use stopgap_model::Scope;
use stopgap_model::host::ServerPath;

/// The server's file with `count` more applications, each with this physical path.
fn with_applications(count: usize, folder: impl Fn(usize) -> String) -> String {
    let mut applications = String::new();
    for at in 0..count {
        let (path, folder) = (format!("/a{at}"), folder(at));
        let inner = format!("<virtualDirectory path=\"/\" physicalPath=\"{folder}\" />");
        writeln!(applications, "<application path=\"{path}\">{inner}</application>").unwrap();
    }
    common::host("Allow", "").replace(
        "<application path=\"/owa\">",
        &format!("{applications}<application path=\"/owa\">"),
    )
}

fn names(snapshot: &Snapshot, path: &str) -> Vec<String> {
    let met = effective_rules(snapshot, SITE, path).unwrap();
    met.rules.into_iter().map(|rule| rule.name).collect()
}

#[test]
fn a_rule_that_was_removed_may_be_added_again_and_comes_last_then() {
    let section = [
        &element("a"),
        &element("b"),
        "<remove name='A' />",
        &element("c"),
        &element("a"),
        "<remove name='never there' /><remove name='b' /><remove name='b' />",
    ]
    .concat();
    let web = web(&section);
    let snapshot = server(&common::host("Allow", ""), &[(r"C:\root\web.config", found(&web))]);
    assert_eq!(names(&snapshot, "/"), ["c", "a"]);
    let cleared = web.replace("</rules>", &format!("<clear />{}</rules>", element("b")));
    let snapshot = server(&common::host("Allow", ""), &[(r"C:\root\web.config", found(&cleared))]);
    assert_eq!(names(&snapshot, "/"), ["b"]);
}

#[test]
fn a_locked_rule_cannot_be_removed_and_one_that_is_gone_locks_nothing() {
    let locked = element("a").replace("<rule ", "<rule lockItem='true' ");
    for (below, broken) in
        [("<remove name='A' />", true), ("<clear />", true), ("<remove name='b' />", false)]
    {
        let host = common::host(
            "Allow",
            &format!("<location path='{SITE}'>{}</location>", rules(&locked)),
        );
        let files = [(r"C:\root\web.config", found(&web(below)))];
        let met = effective_rules(&server(&host, &files), SITE, "/");
        match met {
            Err(Fault::Broken { reason, .. }) => {
                assert!(broken, "{below}");
                assert_eq!(reason.to_string(), "\"a\" above is locked");
            }
            met => assert_eq!((met.unwrap().rules.len(), broken), (1, false), "{below}"),
        }
    }
}

#[test]
fn every_one_of_many_applications_that_clear_has_a_place_and_a_name_of_its_own() {
    let host = with_applications(300, |at| format!("C:\\apps\\a{at}"));
    let paths: Vec<String> = (0..300).map(|at| format!("C:\\apps\\a{at}\\web.config")).collect();
    let clear = web("<clear />");
    let files: Vec<(&str, Read)> =
        paths.iter().map(|path| (path.as_str(), found(&clear))).collect();
    let snapshot = server(&host, &files);
    let scope = Scope { site: SITE.to_owned(), path: String::new() };
    let placement = find_placement(&snapshot, Some(&scope), "Stopgap M1.1").unwrap();
    assert_eq!((placement.targets.len(), placement.gaps.len()), (301, 0));
    assert_eq!(placement.targets[0].suffix, "");
    let mut suffixes: Vec<_> = placement.targets.iter().map(|t| t.suffix.as_str()).collect();
    suffixes.sort_unstable();
    suffixes.dedup();
    assert_eq!(suffixes.len(), 301);
    assert!(suffixes.contains(&" /a299"));

    // A name that is taken in one of them alone is a conflict all the same.
    let taken = web(&format!("<clear />{}", element("Stopgap M1.1 /a7")));
    let mut files = files;
    files[7].1 = found(&taken);
    let refused = find_placement(&server(&host, &files), Some(&scope), "Stopgap M1.1").unwrap_err();
    let why = "a rule \"Stopgap M1.1 /a7\" is there already: C:\\apps\\a7\\web.config, at its root";
    assert_eq!(refused.to_string(), why);
}

#[test]
fn applications_that_share_a_folder_of_many_are_told_to_be_too_many() {
    for (count, known) in [(100, true), (300, false)] {
        let host = with_applications(count, |_| r"C:\root\shared".to_owned());
        let mut snapshot = Snapshot::new();
        snapshot.provide(ServerPath::new(APPLICATION_HOST), found(&host)).unwrap();
        for need in snapshot.needs() {
            let Need::Folder(folder) = need else { continue };
            let below = |at| folder.join(&format!("shared\\d{at}\\web.config"));
            let files = (0..count).map(below).collect();
            snapshot.provide_folder(folder.clone(), files, None);
        }
        for need in snapshot.needs() {
            let Need::File(path) = need else { panic!("{need:?}") };
            snapshot.provide(path, Read::Absent).unwrap();
        }
        let scope = Scope { site: SITE.to_owned(), path: "/a7".to_owned() };
        let found = levels(&snapshot, Some(&scope));
        let met = effective_rules(&snapshot, SITE, "/a7/d5/x");
        if known {
            // The application, and each folder in it.
            assert_eq!(found.unwrap().len(), 101);
            assert_eq!(met.unwrap().rules.len(), 0);
        } else {
            let why = "the sites have more than 65536 folders".to_owned();
            assert_eq!(found.unwrap_err().to_string(), why);
            assert_eq!(met.unwrap_err().to_string(), why);
        }
    }
}
