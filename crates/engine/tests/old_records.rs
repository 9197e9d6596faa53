//! What an older version of the program changed on a server is undone to the byte by this one.
#![cfg(unix)] // the records of Unix servers among them, and links
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says plainly what it expects"
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

use common::{engine, everything_on, published};
use stopgap_engine::{CycleError, CycleReport};
use stopgap_host::Host;
use stopgap_model::{Catalog, MitigationId};
use stopgap_plan::Order;
use stopgap_store::{Status, Store};
use stopgap_testkit::FailingHost;
use stopgap_testkit::records::{OldServer, OldState, by_server_path, old_documents, old_states};

/// Everything that the old records are of.
const ALL: [&str; 8] = ["BLOCK", "REQUEST", "RESPONSE", "POOL", "SITE", "A", "B", "C"];

fn cycle(host: &dyn Host, store: &Store, order: &Order) -> Result<CycleReport, CycleError> {
    let (policy, stop) = (everything_on(), AtomicBool::new(false));
    // What the old records are of is known to nobody any more.
    engine(host, store, &Catalog::default(), &policy, &stop).cycle(order)
}

fn remove_all(host: &dyn Host, store: &Store) -> CycleReport {
    let ids: BTreeSet<MitigationId> = ALL.iter().map(|id| id.parse().unwrap()).collect();
    let order = Order { only: Some(ids.clone()), take_back: ids, ..Order::default() };
    cycle(host, store, &order).unwrap()
}

/// The host in memory with the files of `server`, for the stories of a server that runs.
fn live(server: &OldServer) -> FailingHost {
    FailingHost::new(by_server_path(server.files())).with_nginx()
}

#[track_caller]
fn nothing_is_in_place(store: &Store, what: &str) {
    let (in_place, failures) = store.installed().unwrap();
    assert_eq!((in_place.actions.len(), in_place.web.len()), (0, 0), "{what}: {in_place:?}");
    assert!(failures.not_restored.is_empty(), "{what}: {failures:?}");
    let is_open = |status: &Status| matches!(status, Status::Intended);
    assert!(!store.changes().unwrap().iter().any(|it| is_open(&it.status)), "{what}");
}

/// The first line of each file that is another one in `other`.
fn difference(files: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>) -> String {
    let lines = |files: &BTreeMap<String, Vec<u8>>, name: &str| -> Vec<String> {
        let bytes = files.get(name).map(Vec::as_slice).unwrap_or_default();
        String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
    };
    let names: BTreeSet<&String> = files.keys().chain(other.keys()).collect();
    let told = |name: &&String| {
        let (is, wanted) = (lines(files, name), lines(other, name));
        let at = is.iter().zip(&wanted).take_while(|(is, wanted)| is == wanted).count();
        format!("{name}, line {at}: {:?} instead of {:?}\n", is.get(at), wanted.get(at))
    };
    names.iter().filter(|name| files.get(**name) != other.get(**name)).map(told).collect()
}

/// Undoes everything on a copy of an old server, to which somebody did `edit` since.
fn undone(old: &OldState, edit: impl Fn(&OldServer)) -> (OldServer, BTreeMap<String, Vec<u8>>) {
    let (server, what) = (old.copy(), format!("{old:?}"));
    edit(&server);
    let store = Store::open(&server.state()).unwrap();
    if old.story.starts_with("live") {
        let host = live(&server);
        let _ = remove_all(&host, &store);
        nothing_is_in_place(&store, &what);
        let files = host.snapshot().into_iter();
        let files = files.map(|(path, bytes)| (path.trim_start_matches('/').to_owned(), bytes));
        assert_eq!(host.web().loaded(), host.snapshot(), "{what}: it runs with other files");
        return (server, files.collect());
    }
    let _ = remove_all(&server.host(), &store);
    nothing_is_in_place(&store, &what);
    let files = server.files();
    (server, files)
}

/// What the server's files are to be, when they are `before` without anything of ours.
fn wanted(old: &OldState, mut before: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    match old.story.as_str() {
        // A line that somebody else added after the program was killed.
        "iis-interrupted" => before
            .get_mut("C/inetpub/wwwroot/owa/web.config")
            .unwrap()
            .extend_from_slice(b"<!-- somebody was here -->\n"),
        // Whose state folder was lost, of that nobody knows what a pool was set to before, and whether an
        // element that holds nothing but ours was there.
        "iis-found" => {
            let host = before.get_mut(EDITED[0]).unwrap();
            let text = String::from_utf8(host.clone()).unwrap();
            let (was, set) =
                (r#"="true" startMode='AlwaysRunning'"#, r#"="false" startMode="OnDemand""#);
            assert_eq!(text.matches(was).count(), 1);
            let text = text.replace(was, set);
            let (start, rest) = text.split_once("    <location").unwrap();
            let (empty, end) = rest.split_once("</location>\n").unwrap();
            assert!(empty.contains("<outboundRules />"), "{empty}");
            *host = format!("{start}{end}").into_bytes();
        }
        _ => {}
    }
    before
}

#[test]
fn whatever_became_of_it_what_older_versions_changed_is_undone_to_the_byte() {
    for old in old_states() {
        let (server, files) = undone(&old, |_| ());
        let wanted = wanted(&old, server.files_before());
        assert!(files == wanted, "{old:?}: {}", difference(&files, &wanted));
    }
}

/// The files of ours that are in `files`, with a line of somebody else's at the end of each.
fn with_a_line(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let line = |path: &String| if path.ends_with("onfig") { "<!-- his -->\n" } else { "# his\n" };
    let add = |(path, bytes): (&String, &Vec<u8>)| {
        (path.clone(), [bytes, line(path).as_bytes()].concat())
    };
    files.iter().map(add).collect()
}

const EDITED: [&str; 5] = [
    "C/Windows/System32/inetsrv/config/applicationHost.config",
    "C/inetpub/wwwroot/owa/web.config",
    "etc/nginx/nginx.conf",
    "etc/nginx/sites-available/default",
    "etc/haproxy/haproxy.cfg",
];

#[test]
fn rules_of_older_versions_are_taken_out_one_by_one_where_somebody_changed_the_files_since() {
    for old in old_states() {
        if !matches!(old.story.as_str(), "iis-committed" | "web-committed" | "iis-found") {
            continue;
        }
        let edited = |files: BTreeMap<String, Vec<u8>>| {
            let (his, rest): (BTreeMap<_, _>, BTreeMap<_, _>) =
                files.into_iter().partition(|(path, _)| EDITED.contains(&path.as_str()));
            with_a_line(&his).into_iter().chain(rest).collect::<BTreeMap<_, _>>()
        };
        let (server, files) = undone(&old, |server| {
            for (path, bytes) in edited(server.files()) {
                server.write(&path, &bytes);
            }
        });
        let wanted = edited(wanted(&old, server.files_before()));
        assert!(files == wanted, "{old:?}: {}", difference(&files, &wanted));
    }
}

#[test]
fn what_an_older_version_only_intended_is_healed_by_the_next_check() {
    let mut healed = 0;
    for old in old_states() {
        let is_live = old.story.starts_with("live");
        let (server, what) = (old.copy(), format!("{old:?}"));
        let store = Store::open(&server.state()).unwrap();
        let changes = store.changes().unwrap();
        let Some(open) = changes.iter().find(|it| it.status == Status::Intended) else { continue };
        let host: Box<dyn Host> = match is_live {
            true => Box::new(live(&server)),
            false => Box::new(server.host()),
        };
        let _ = cycle(&*host, &store, &Order::default()).unwrap();
        let before = by_server_path(server.files_before());
        for file in open.files.iter().filter(|_| is_live) {
            let was = before.iter().find(|(path, _)| *path == file.path);
            let is = match host.read(&file.path, u64::MAX) {
                stopgap_host::Read::Found(bytes) => Some(bytes),
                _ => None,
            };
            assert_eq!(is.as_deref(), was.map(|(_, bytes)| bytes.as_slice()), "{what}");
        }
        let number = open.number;
        let changes = store.changes().unwrap();
        let now = changes.iter().find(|it| it.number == number).unwrap();
        assert!(
            matches!(now.status, Status::Undone { .. } | Status::Halted { .. }),
            "{what}: {:?}",
            now.status
        );
        let left: Vec<String> =
            server.files().into_keys().filter(|path| path.ends_with(".stopgap-new")).collect();
        assert!(is_live || left.is_empty(), "{what}: {left:?}");
        healed += 1;
    }
    assert!(healed >= 11, "{healed}");
}

#[test]
fn what_was_undone_then_is_told_and_tried_again() {
    let documents = old_documents();
    for old in old_states() {
        if !old.story.ends_with("undone") || old.story.starts_with("live") {
            continue;
        }
        let (server, what) = (old.copy(), format!("{old:?}"));
        let store = Store::open(&server.state()).unwrap();
        let (_, failures) = store.installed().unwrap();
        assert!(!failures.tries.is_empty(), "{what}");
        let (policy, stop) = (everything_on(), AtomicBool::new(false));
        let is_for = |text: &&String| old.story.starts_with("iis") || !text.contains("\"POOL\"");
        let catalog = published(&documents.iter().filter(is_for).collect::<Vec<_>>());
        let host = server.host();
        let report = engine(&host, &store, &catalog, &policy, &stop).cycle(&Order::default());
        assert!(report.unwrap().changed, "{what}");
        let (_, failures) = store.installed().unwrap();
        assert!(failures.tries.is_empty(), "{what}: {failures:?}");
        let _ = remove_all(&host, &store);
        let (files, wanted) = (server.files(), server.files_before());
        assert!(files == wanted, "{what}: {}", difference(&files, &wanted));
    }
}

#[test]
fn a_record_of_a_newer_version_stops_the_check_before_anything_is_changed() {
    for story in ["web-committed", "iis-intended", "web-nginx-intended", "iis-undone"] {
        let server = OldState { commit: "abfb05c".into(), story: story.into() }.copy();
        let record = server.state().join("changes/000001/change.json");
        let text = std::fs::read_to_string(&record).unwrap();
        std::fs::write(&record, text.replacen("\"schema\": 1", "\"schema\": 3", 1)).unwrap();
        let (files, state) = (server.files(), server.state_files());
        let store = Store::open(&server.state()).unwrap();
        let catalog = published(&old_documents());
        let (policy, stop) = (everything_on(), AtomicBool::new(false));
        let host = server.host();
        let outcome = engine(&host, &store, &catalog, &policy, &stop).cycle(&Order::default());
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("changes/000001/change.json"), "{story}: {error}");
        assert!(error.contains("was written by a newer Stopgap"), "{story}: {error}");
        assert!(server.files() == files, "{story}: {}", difference(&server.files(), &files));
        let changes = |files: BTreeMap<String, Vec<u8>>| -> Vec<(String, Vec<u8>)> {
            files.into_iter().filter(|(path, _)| path.starts_with("changes/")).collect()
        };
        assert_eq!(changes(server.state_files()).len(), changes(state.clone()).len(), "{story}");
        assert!(changes(server.state_files()) == changes(state), "{story}");
    }
}
