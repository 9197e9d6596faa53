//! The listing of all files is what the library answers for each name.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "tests may say plainly what they expect"
)]

mod common;

use std::collections::BTreeMap;

use common::{now, shelf};
use proptest::collection::vec;
use proptest::prelude::*;
use stopgap_feed::tuf::{Client, Memory};
use stopgap_model::Digest;
use stopgap_testkit::repository::{DelegationTo, Repository};

const ROLES: [&str; 5] = ["targets", "a", "b", "c", "d"];
const NAMES: [&str; 3] = ["A-1", "A-2", "B-1"];
const PATTERNS: [&str; 4] = ["*", "A-*", "?-1", "none"];

/// Who delegates what to whom, and who says what.
#[derive(Debug, Clone)]
struct Graph {
    /// From, to, patterns, terminating.
    edges: Vec<(usize, usize, Vec<usize>, bool)>,
    /// Role, name.
    files: Vec<(usize, usize)>,
    /// A role that the snapshot does not have; the top one stands for none.
    unpinned: usize,
}

fn graphs() -> impl Strategy<Value = Graph> {
    let edge = (0..ROLES.len(), 0..ROLES.len(), vec(0..PATTERNS.len(), 1..3), any::<bool>());
    let file = (0..ROLES.len(), 0..NAMES.len());
    (vec(edge, 0..14), vec(file, 0..12), 0..ROLES.len() * 3).prop_map(|(edges, files, unpinned)| {
        Graph { edges, files, unpinned: if unpinned < ROLES.len() { unpinned } else { 0 } }
    })
}

fn publish(graph: &Graph) -> Repository {
    let mut repository = Repository::new(now());
    for role in &ROLES[1..] {
        repository.delegate("targets", role, &[]);
    }
    repository.top().to.clear();
    for (from, to, patterns, terminating) in &graph.edges {
        let paths = patterns.iter().map(|at| PATTERNS[*at].to_owned()).collect();
        let to = DelegationTo { role: ROLES[*to].to_owned(), paths, terminating: *terminating };
        let from = repository.targets.get_mut(ROLES[*from]).unwrap();
        // One role may delegate to another once.
        if !from.to.iter().any(|there| there.role == to.role) {
            from.to.push(to);
        }
    }
    for (role, name) in &graph.files {
        let bytes = format!("{} by {}", NAMES[*name], ROLES[*role]).into_bytes();
        let role = repository.targets.get_mut(ROLES[*role]).unwrap();
        role.files.insert(NAMES[*name].to_owned(), bytes);
    }
    repository.publish();
    if graph.unpinned > 0 {
        repository.forge("metadata/2.snapshot.json", "snapshot", |signed| {
            let pins = signed["meta"].as_object_mut().unwrap();
            pins.remove(&format!("{}.json", ROLES[graph.unpinned]));
        });
        repository.forge("metadata/timestamp.json", "timestamp", |signed| {
            signed["meta"]["snapshot.json"] = serde_json::json!({"version": 2});
        });
    }
    repository
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_file_that_is_listed_is_what_the_library_finds_and_nothing_else_is(graph in graphs()) {
        let repository = publish(&graph);
        let place = shelf(&repository.published);
        let mut client =
            Client::open(place, &repository.first_root(), Memory::default()).unwrap();
        client.refresh(now()).unwrap();
        let listing = client.files(now()).unwrap();
        let listed: BTreeMap<&str, Digest> =
            listing.files.iter().map(|file| (file.name.as_str(), file.sha256)).collect();
        for name in NAMES {
            let found = client.find(name, now()).unwrap().and_then(|target| target.sha256());
            prop_assert_eq!(listed.get(name).copied(), found, "{}", name);
        }
        for file in &listing.files {
            let words = format!("{} by {}", file.name, file.role);
            prop_assert_eq!(client.fetch(file), Ok(words.into_bytes()));
        }
    }
}

#[test]
fn a_terminating_delegation_ends_the_search_for_its_names() {
    let mut repository = Repository::new(now());
    repository.delegate("targets", "first", &["A-*"]);
    repository
        .delegate("targets", "second", &["*"])
        .files
        .extend([("A-1".to_owned(), b"second".to_vec()), ("B-1".to_owned(), b"second".to_vec())]);
    repository.top().to[0].terminating = true;
    repository.publish();
    let mut client =
        Client::open(shelf(&repository.published), &repository.first_root(), Memory::default())
            .unwrap();
    client.refresh(now()).unwrap();
    let listing = client.files(now()).unwrap();
    let names: Vec<&str> = listing.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["B-1"]);
}

#[test]
fn names_and_patterns_without_end_are_refused() {
    let mut repository = Repository::new(now());
    let patterns: Vec<String> = (0..1100).map(|at| format!("A-{at}-*")).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let many = repository.delegate("targets", "many", &patterns);
    many.files = (0..1000).map(|at| (format!("A-{at}-x"), Vec::new())).collect();
    repository.publish();
    let mut client =
        Client::open(shelf(&repository.published), &repository.first_root(), Memory::default())
            .unwrap();
    client.refresh(now()).unwrap();
    let refused = client.files(now()).map(|listing| listing.files.len());
    assert!(matches!(
        refused,
        Err(stopgap_feed::tuf::Refusal::TooMany { what: "patterns to compare", .. })
    ));
}
