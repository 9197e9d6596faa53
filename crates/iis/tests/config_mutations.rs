//! Every file of a server, damaged in every way that a seeded generator knows: a refusal in one
//! line or a correct edit, never a panic, never a changed byte elsewhere.
//!
//! `STOPGAP_SEED` gives another seed, `STOPGAP_MUTATIONS` the number of mutants of each file;
//! `cargo xtask mutations` runs many.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/check.rs"]
mod check;
#[path = "common/mutate.rs"]
mod mutate;

use std::path::PathBuf;

use check::{ask_everything, every_kind, pools_of, server, there_and_back};
use mutate::{Random, mutate};
use stopgap_iis::config::{APPLICATION_HOST, Entry, Place};
use stopgap_model::host::ServerPath;
use stopgap_sandbox::{Build, ExchangeServer, Newline};

/// How many mutants of each file an ordinary test run looks at.
const FEW: u64 = 4;
const SEED: u64 = 20_221_007;
const PATTERN: &str = "(?=.*\"a\")]]>&<'\n\u{1F600}";
const PATHS: [&str; 3] = ["/", "/owa/auth/logon.aspx", "/ecp"];

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}: not a number: {text}")),
        Err(_) => default,
    }
}

/// Tells, when a check fails, which mutant it was.
struct Mutant<'m> {
    path: &'m str,
    seed: u64,
    damage: Vec<&'static str>,
    bytes: Vec<u8>,
}

impl Drop for Mutant<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { path, seed, damage, bytes } = self;
            eprintln!("{path} with STOPGAP_SEED={seed} STOPGAP_MUTATIONS=1, {damage:?}:");
            eprintln!("{}", String::from_utf8_lossy(bytes));
        }
    }
}

/// How many edits went in, and how many were refused.
#[derive(Default)]
struct Count {
    edits: usize,
    refusals: usize,
}

/// Looks at `STOPGAP_MUTATIONS` mutants of the files of a server from the `first` on.
fn all_mutants(files: &[(String, Vec<u8>)], first: usize) -> Count {
    let (seed, times) = (number("STOPGAP_SEED", SEED), number("STOPGAP_MUTATIONS", FEW));
    println!("seed {seed}, {times} mutants of each of {} files", files.len() - first);
    let mut count = Count::default();
    for (at, (path, bytes)) in files.iter().enumerate().skip(first) {
        for turn in 0..times {
            let seed = seed.wrapping_add(turn);
            let mut random = Random(seed ^ (at as u64) << 40);
            let mut bytes = bytes.clone();
            let damage = mutate(&mut bytes, &mut random);
            let mutant = Mutant { path, seed, damage, bytes };
            look_at(files, at, &mutant, &mut random, &mut count);
        }
    }
    println!("{} edits, {} refusals", count.edits, count.refusals);
    count
}

fn look_at(
    files: &[(String, Vec<u8>)],
    at: usize,
    mutant: &Mutant<'_>,
    random: &mut Random,
    count: &mut Count,
) {
    let bytes = mutant.bytes.as_slice();
    let whole: Vec<(&str, &[u8])> = files
        .iter()
        .enumerate()
        .map(|(other, (path, own))| (path.as_str(), if other == at { bytes } else { own }))
        .collect();
    ask_everything(&server(whole[0].1, &whole), &PATHS);

    let mut entries = every_kind(PATTERN);
    // A web.config takes what stands at its root, and applicationHost.config all else.
    entries.retain(|(place, _)| (at == 0) != (*place == Place::WebConfig));
    entries.extend(pools_of(bytes, 2));
    let turn = random.below(entries.len());
    entries.rotate_left(turn);
    for (place, entry) in entries.iter().take(5) {
        match there_and_back(bytes, place, entry) {
            Ok(_) => count.edits += 1,
            Err(_) => count.refusals += 1,
        }
    }
    let order = random.next();
    check::all_there_and_back(bytes, &entries, order);
    if let Some((place, one)) = entries.iter().find(|(_, entry)| matches!(entry, Entry::Rule(_))) {
        let other = Entry::Rule(check::hard_rule("Stopgap R0", "x"));
        check::many_at_once(bytes, place, &[one, &other]);
    }
}

fn synthetic(newline: Newline) -> Vec<(String, Vec<u8>)> {
    let server = ExchangeServer { newline, ..ExchangeServer::new(Build::new(15, 2, 1118, 7)) };
    let server = server.with_php(Build::new(8, 1, 20, 0));
    let is_config =
        |(path, _): &(ServerPath, _)| path.as_str().to_ascii_lowercase().ends_with(".config");
    let files = server.files().into_iter().filter(is_config);
    let mut files: Vec<_> = files.map(|(path, bytes)| (path.to_string(), bytes)).collect();
    // One spelling, as the snapshot asks for it.
    files[0].0 = APPLICATION_HOST.to_owned();
    files
}

#[test]
fn a_damaged_file_of_the_invented_server_is_refused_or_edited_rightly() {
    let mut files = synthetic(Newline::CrLf);
    // Every other file has line feeds alone.
    for (at, (_, bytes)) in synthetic(Newline::Lf).into_iter().enumerate().skip(1).step_by(2) {
        files[at].1 = bytes;
    }
    let count = all_mutants(&files, 0);
    assert!(count.edits > 0 && count.refusals > 0);
}

#[test]
fn a_damaged_file_of_a_real_server_is_refused_or_edited_rightly() {
    let Some(folder) = std::env::var_os("STOPGAP_REAL_DATA").map(PathBuf::from) else {
        println!("skipped: STOPGAP_REAL_DATA is not set");
        return;
    };
    let entries = std::fs::read_dir(folder.join("exchange-2019")).unwrap();
    let mut names: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    // applicationHost.config first; each of the others stands for the web.config of one site.
    names.sort_by_key(|path| (!path.ends_with("applicationHost.config"), path.clone()));
    let host = std::fs::read(&names[0]).unwrap();
    let mut count = Count::default();
    for name in &names {
        println!("{}", name.display());
        let mine = std::fs::read(name).unwrap();
        let is_host = name.to_string_lossy().to_lowercase().contains("applicationhost");
        let web = (r"C:\inetpub\wwwroot\web.config".to_owned(), mine.clone());
        let of = if is_host { mine } else { host.clone() };
        let mut files = vec![(APPLICATION_HOST.to_owned(), of)];
        files.extend((!is_host).then_some(web));
        let of = all_mutants(&files, usize::from(!is_host));
        count.edits += of.edits;
        count.refusals += of.refusals;
    }
    assert!(count.edits > 0 && count.refusals > 0);
}
