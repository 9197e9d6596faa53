//! `cargo xtask parity`: the whole run. The seed is `STOPGAP_SEED`, and is printed;
//! `STOPGAP_VERBOSE` tells why a server does not carry a rule.

use std::process::ExitCode;

use stopgap_parity::Parity;

/// The seed unless the environment gives another.
const SEED: u64 = 2026;
/// How many milliseconds the worst request may take longer with the rules.
const BOUND: f64 = 20.0;

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
    for worst in parity.worst(1)? {
        println!(
            "worst case, {}: {:.2} ms more than without rules, of {} requests (at most {BOUND}): {}",
            worst.kind, worst.milliseconds, worst.requests, worst.slowest
        );
        worst.failures.iter().for_each(|line| println!("{} answers 500: {line}", worst.kind));
        is_well &= worst.milliseconds <= BOUND && worst.failures.is_empty();
    }
    figures.details().iter().for_each(|line| println!("{line}"));
    println!("{}", figures.line());
    Ok(is_well && figures.is_clean())
}
