//! `cargo xtask parity`: the whole run. The seed is `STOPGAP_SEED`, and is printed;
//! `STOPGAP_VERBOSE` tells why a server does not carry a rule.

use std::process::ExitCode;

use stopgap_parity::{BOUND, Parity, Worst};

/// The seed unless the environment gives another.
const SEED: u64 = 2026;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all is well.
fn run() -> Result<bool, String> {
    let seed = match std::env::var("STOPGAP_SEED") {
        Ok(text) => text.parse().map_err(|_| format!("STOPGAP_SEED is no number: {text}"))?,
        Err(_) => SEED,
    };
    println!("seed: {seed}");
    let parity = Parity::start(seed)?;
    if let Some(id) = std::env::args().nth(1) {
        println!("{}", parity.rule(&id).unwrap_or_default());
    }
    parity.carried().iter().for_each(|line| println!("{line}"));
    if std::env::var_os("STOPGAP_VERBOSE").is_some() {
        parity.refused().iter().for_each(|line| println!("{line}"));
    }
    let mut is_well = true;
    let figures = parity.compare(1)?;
    for together in parity.worst(1)? {
        let mut is_good = is_bounded(&together);
        // What all rules together keep, each of them keeps.
        if !is_good && let Some(alone) = parity.worst_alone(together.kind)? {
            is_good = is_bounded(&alone) && together.failures.is_empty();
        }
        is_well &= is_good;
    }
    figures.details().iter().for_each(|line| println!("{line}"));
    println!("{}", figures.line());
    Ok(is_well && figures.is_clean())
}

/// Prints what the worst requests cost; whether it is little enough.
fn is_bounded(worst: &Worst) -> bool {
    let Worst { kind, milliseconds, requests, slowest, failures, .. } = worst;
    let rules = match &worst.alone {
        Some(id) => format!("the slowest rule alone, {id}"),
        None => "all rules together".to_owned(),
    };
    println!(
        "worst case, {kind}, {rules}: {milliseconds:.2} ms more than without (at most {BOUND}), \
         of {requests} requests: {slowest}"
    );
    failures.iter().for_each(|line| println!("{kind} answers 500: {line}"));
    *milliseconds <= BOUND && failures.is_empty()
}
