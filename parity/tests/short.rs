//! A short run of `cargo xtask parity`: fewer requests, and no times.
#![allow(clippy::unwrap_used, reason = "a test says plainly what it expects")]

use stopgap_parity::Parity;

/// The seed of the whole run, so that a difference here is one there.
const SEED: u64 = 2026;

#[test]
fn every_server_that_is_installed_says_of_requests_what_the_reference_says() {
    let parity = Parity::start(SEED).unwrap();
    let figures = parity.compare(parity.requests().div_ceil(800)).unwrap();
    println!("{}", figures.line());
    assert!(figures.differences.is_empty(), "{}", figures.details().join("\n"));
    for worst in parity.worst(20).unwrap() {
        assert!(worst.failures.is_empty(), "{} answers 500: {:?}", worst.kind, worst.failures);
    }
}
