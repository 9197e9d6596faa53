//! The order of Debian's versions, compared with the program that defines it.

#![allow(clippy::expect_used, reason = "helpers of tests may say what they expect")]

use std::cmp::Ordering;
use std::process::Command;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use stopgap_model::{Scheme, Version};

/// How many pairs are compared; each is a process or two.
const PAIRS: usize = 400;

/// The seed of the pairs.
const SEED: u64 = 20_141_224;

fn dpkg_says(a: &str, relation: &str, b: &str) -> bool {
    let asked = Command::new("dpkg").args(["--compare-versions", a, relation, b]).status();
    asked.expect("dpkg runs").success()
}

/// Versions of few characters, so that many pairs differ in one place.
fn versions() -> impl Strategy<Value = (String, String)> {
    let one = || "([01]:)?[0-2]([.~+a0-2-]{0,5}[a0-2~+.])?(-[~+.a0-2]{1,4})?";
    let near = (one(), "[~+.a0-2]{1,2}").prop_map(|(a, end)| (a.clone(), a + &end));
    proptest::prop_oneof![(one(), one()), near]
}

#[test]
fn debian_versions_are_ordered_as_dpkg_orders_them() {
    if Command::new("dpkg").arg("--version").output().is_err() {
        println!("skipped: dpkg is not on this machine");
        return;
    }
    println!("seed {SEED}");
    let config = Config { rng_seed: RngSeed::Fixed(SEED), ..Config::default() };
    let mut runner = TestRunner::new(config);
    for _ in 0..PAIRS {
        let (a, b) = versions().new_tree(&mut runner).expect("a pair").current();
        let read = |text: &str| Version::read(text, Scheme::Deb).expect("a version");
        match read(&a).cmp(&read(&b)) {
            Ordering::Less => assert!(dpkg_says(&a, "lt", &b), "{a} is not before {b}"),
            Ordering::Equal => assert!(dpkg_says(&a, "eq", &b), "{a} is not {b}"),
            Ordering::Greater => assert!(dpkg_says(&a, "gt", &b), "{a} is not behind {b}"),
        }
    }
}
