//! A table of situations in which an action meets IIS: what is on the server, what a cycle finds
//! there, where it puts what it puts, the state with its reason, and the bytes when everything was
//! taken back.
//!
//! Each row is one incident. What it expects comes from how IIS works and from what an action's
//! states mean. The files beside this one hold the rows by their subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test says plainly what it expects"
)]

#[path = "iis_situations/documents.rs"]
mod documents;
#[path = "iis_situations/drift.rs"]
mod drift;
#[path = "iis_situations/equivalents.rs"]
mod equivalents;
#[path = "iis_situations/files.rs"]
mod files;
#[path = "iis_situations/headers.rs"]
mod headers;
#[path = "iis_situations/inheritance.rs"]
mod inheritance;
#[path = "iis_situations/interference.rs"]
mod interference;
#[path = "iis_situations/lost.rs"]
mod lost;
#[path = "iis_situations/names.rs"]
mod names;
#[path = "iis_situations/pools.rs"]
mod pools;
#[path = "iis_situations/rules.rs"]
mod rules;
#[path = "iis_situations/run.rs"]
mod run;
#[path = "iis_situations/server.rs"]
mod server;
#[path = "iis_situations/situation.rs"]
mod situation;
#[path = "iis_situations/states.rs"]
mod states;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use situation::Situation;

/// How many rows are played at a time.
const PLAYERS: usize = 4;

fn table() -> Vec<Situation> {
    let tables = [
        states::table(),
        equivalents::eomt(),
        equivalents::table(),
        names::table(),
        inheritance::table(),
        files::table(),
        interference::table(),
        drift::table(),
        headers::requests(),
        headers::responses(),
        pools::table(),
        lost::table(),
    ];
    tables.into_iter().flatten().collect()
}

#[test]
fn every_situation_is_told_handled_and_taken_back_to_the_byte() {
    let table = table();
    let names: BTreeSet<&str> = table.iter().map(|situation| situation.name).collect();
    assert_eq!(names.len(), table.len(), "two situations have one name");
    assert!(table.len() >= 60, "{} situations", table.len());
    let failures = play_all(&table);
    let (failed, all) = (failures.len(), table.len());
    assert!(failures.is_empty(), "{failed} of {all} situations:\n\n{}\n", failures.join("\n\n"));
    // Past the capture of a test's output: the number is for whoever reads it.
    let _ = writeln!(std::io::stdout(), "iis situations: {all}");
}

/// Plays every row, several at a time: most of the time goes by waiting for the disk.
fn play_all(table: &[Situation]) -> Vec<String> {
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..PLAYERS {
            scope.spawn(|| {
                while let Some(situation) = table.get(next.fetch_add(1, Ordering::Relaxed)) {
                    failures.lock().unwrap().extend(play(situation));
                }
            });
        }
    });
    failures.into_inner().unwrap()
}

/// In what a row differs, if it does. One that cannot be played must not hide the others.
fn play(situation: &Situation) -> Option<String> {
    let played = catch_unwind(AssertUnwindSafe(|| run::differences(situation)));
    let wrong = played.unwrap_or_else(|_| vec!["it cannot be played: see above".into()]);
    (!wrong.is_empty()).then(|| format!("{}\n    {}", situation.name, wrong.join("\n    ")))
}
