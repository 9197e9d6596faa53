//! The shipped catalog is read, and hostile variants of it do no harm.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may say what they expect")]

use proptest::prelude::*;
use stopgap_model::document::{MAX_DOCUMENT, any_pattern, parse};
use stopgap_model::mitigation::{ActionKind, Expect};
use stopgap_model::{Action, Affected, Digest, Mitigation, Probe, Problem, Scheme, Version};

const CATALOG: [(&str, &[u8]); 11] = [
    ("PING1", include_bytes!("../../../catalog/PING1.toml")),
    ("M1", include_bytes!("../../../catalog/M1.toml")),
    ("M2", include_bytes!("../../../catalog/M2.toml")),
    ("CVE-2021-26855", include_bytes!("../../../catalog/CVE-2021-26855.toml")),
    ("CVE-2024-4577", include_bytes!("../../../catalog/CVE-2024-4577.toml")),
    ("CVE-2024-47176", include_bytes!("../../../catalog/CVE-2024-47176.toml")),
    ("CVE-2014-6271", include_bytes!("../../../catalog/CVE-2014-6271.toml")),
    ("CVE-2021-41773", include_bytes!("../../../catalog/CVE-2021-41773.toml")),
    ("CVE-2022-26134", include_bytes!("../../../catalog/CVE-2022-26134.toml")),
    ("CVE-2023-22515", include_bytes!("../../../catalog/CVE-2023-22515.toml")),
    ("CVE-2025-29927", include_bytes!("../../../catalog/CVE-2025-29927.toml")),
];

fn read(id: &str) -> Mitigation {
    let (_, bytes) = CATALOG.into_iter().find(|(name, _)| *name == id).expect("in the catalog");
    parse(bytes, &any_pattern).unwrap_or_else(|problems| panic!("{id}: {problems:#?}"))
}

fn affects(mitigation: &Mitigation, version: &str) -> bool {
    let version: Version = version.parse().expect("a version");
    let mut ranges = mitigation.affected.iter().flat_map(|affected| &affected.ranges);
    ranges.any(|range| range.contains(&version))
}

/// The verdicts on these versions of one product.
#[track_caller]
fn assert_affects(id: &str, product: &str, vulnerable: &[&str], fixed: &[&str]) {
    let mitigation = read(id);
    let of_product = |affected: &&Affected| affected.product == product;
    let ranges: Vec<_> =
        mitigation.affected.iter().filter(of_product).flat_map(|it| &it.ranges).collect();
    assert!(!ranges.is_empty(), "{product}");
    for (versions, expected) in [(vulnerable, true), (fixed, false)] {
        for text in versions {
            let version = Version::read(text, Scheme::of(product)).expect("a version");
            assert_eq!(ranges.iter().any(|range| range.contains(&version)), expected, "{text}");
        }
    }
}

#[test]
fn every_shipped_document_is_named_by_its_id_and_content() {
    for (id, bytes) in CATALOG {
        let mitigation = read(id);
        assert_eq!(mitigation.id.as_str(), id);
        assert_eq!(mitigation.hash, Digest::of(bytes));
    }
}

/// Whether a probe shows what the mitigation is against: it is blocked, or a header is changed.
fn shows_the_attack(probe: &Probe) -> bool {
    probe.expect != Expect::Allowed
}

#[test]
fn every_document_but_the_heartbeat_says_all_that_an_administrator_must_know() {
    for (id, _) in CATALOG.into_iter().filter(|(id, _)| *id != "PING1") {
        let mitigation = read(id);
        // Where a service is disabled there is no request to show.
        let is_of_services =
            |action: &Action| matches!(action.kind, ActionKind::DisableService { .. });
        if !mitigation.actions.iter().all(is_of_services) {
            assert!(mitigation.probes.iter().any(shows_the_attack), "{id} shows no attack");
            let benign = mitigation.probes.iter().filter(|probe| !shows_the_attack(probe)).count();
            assert!(benign >= 3, "{id} shows {benign} ordinary requests");
        }
        let mut live = mitigation.probes.iter().filter(|probe| probe.live);
        let has_live = live.any(shows_the_attack);
        assert_ne!(has_live, mitigation.no_live_probe.is_some(), "{id}: a live probe or a reason");
        assert!(mitigation.impact.len() > 20, "{id} says nothing of its impact");
        assert!(mitigation.references.len() >= 2, "{id} names no pages to read");
        assert!(!mitigation.cves.is_empty(), "{id} names no vulnerability");
        assert!(!mitigation.affected.is_empty(), "{id} is for every server");
        for affected in &mitigation.affected {
            // Neither packages nor the web servers have roles.
            let has_roles =
                ["microsoft/", "php/"].iter().any(|it| affected.product.starts_with(it));
            assert_eq!(affected.roles.is_empty(), !has_roles, "{id}");
            assert!(!affected.ranges.is_empty(), "{id}");
        }
    }
}

#[test]
fn every_branch_begins_right_behind_the_one_before() {
    for (id, _) in CATALOG {
        for affected in &read(id).affected {
            if Scheme::of(&affected.product) != Scheme::Dotted {
                continue;
            }
            for pair in affected.ranges.windows(2) {
                let (before, next) = (pair[0].fixed.to_string(), pair[1].introduced.to_string());
                let branch = |text: &str, parts| -> Vec<u32> {
                    text.split('.')
                        .take(parts)
                        .map(|part| part.parse().expect("a number"))
                        .collect()
                };
                // Exchange's branches are updates of a major version, PHP's are minor versions.
                let continues = branch(&before, 2) != branch(&next, 2)
                    || branch(&next, 3)[2] == branch(&before, 3)[2] + 1;
                assert!(continues, "{id}: {before} is followed by {next}");
            }
        }
    }
}

#[test]
fn a_page_of_outlook_on_the_web_is_sealed_from_each_branchs_first_build_to_its_fix() {
    let m2 = read("M2");
    for vulnerable in [
        "15.1.225.42",
        "15.1.2507.68",
        "15.2.221.12",
        "15.2.1544.40",
        "15.2.1748.10",
        "15.2.1748.45",
        "15.2.2562.17",
        "15.2.2562.42",
    ] {
        assert!(affects(&m2, vulnerable), "{vulnerable}");
    }
    for fixed in [
        "15.1.2507.69",
        "15.2.1544.41",
        "15.2.1748.46",
        "15.2.2562.43",
        "15.2.2600.1",
        "15.0.1497.48",
    ] {
        assert!(!affects(&m2, fixed), "{fixed}");
    }
}

#[test]
fn a_php_that_was_never_fixed_is_vulnerable_and_each_fixed_branch_is_not() {
    let php = read("CVE-2024-4577");
    for vulnerable in ["5.6.40", "7.4.33", "8.0.30", "8.1.28.0", "8.2.0", "8.2.19", "8.3.7.0"] {
        assert!(affects(&php, vulnerable), "{vulnerable}");
    }
    for fixed in ["8.1.29", "8.1.34.0", "8.2.20.0", "8.2.29", "8.3.8", "8.3.8.0", "8.4.0", "8.5.1"]
    {
        assert!(!affects(&php, fixed), "{fixed}");
    }
}

#[test]
fn every_blocking_document_has_live_probes_of_both_kinds() {
    for (id, _) in CATALOG {
        let mitigation = read(id);
        let blocks = |kind: &ActionKind| matches!(kind, ActionKind::BlockRequest { .. });
        if mitigation.actions.iter().any(|action| blocks(&action.kind)) {
            for expect in [Expect::Blocked, Expect::Allowed] {
                let mut probes = mitigation.probes.iter();
                assert!(probes.any(|probe| probe.live && probe.expect == expect), "{id}");
            }
        } else {
            assert!(mitigation.no_live_probe.is_some(), "{id}");
        }
    }
}

#[test]
fn live_attack_probes_carry_a_marker_and_do_not_write() {
    for (id, _) in CATALOG {
        for probe in read(id).probes.iter().filter(|probe| probe.live) {
            assert!(matches!(probe.request.method.as_str(), "GET" | "HEAD"), "{}", probe.name);
            assert!(probe.request.body.is_empty(), "{}", probe.name);
            let target = String::from_utf8_lossy(&probe.request.target).replace("%73", "s");
            let marked = target.replace("%65", "e").contains("stopgap-probe");
            assert!(marked || probe.expect == Expect::Allowed, "{}", probe.name);
        }
    }
}

#[test]
fn a_patched_old_branch_is_not_vulnerable_and_an_unpatched_one_is() {
    let m1 = read("M1");
    for vulnerable in ["15.1.2375.31", "15.1.2507.13", "15.2.1118.15", "15.0.1497.42", "15.2.922.7"]
    {
        assert!(affects(&m1, vulnerable), "{vulnerable}");
    }
    for fixed in ["15.1.2375.37", "15.1.2507.16", "15.2.986.36", "15.2.1118.20", "15.0.1497.44"] {
        assert!(!affects(&m1, fixed), "{fixed}");
    }
    let proxylogon = read("CVE-2021-26855");
    for vulnerable in [
        "15.1.225.42",
        "15.1.1261.35",
        "15.1.1415.2",
        "15.1.1713.5",
        "15.1.2176.2",
        "15.2.221.12",
        "15.2.792.3",
        "15.0.516.32",
        "15.0.847.32",
        "15.0.1367.3",
        "15.0.1497.2",
    ] {
        assert!(affects(&proxylogon, vulnerable), "{vulnerable}");
    }
    for fixed in [
        "15.1.1415.10",
        "15.1.1713.10",
        "15.1.2176.9",
        "15.1.2242.4",
        "15.1.2507.6",
        "15.2.221.18",
        "15.2.792.10",
        "15.2.858.5",
        "15.2.1748.10",
        "15.0.847.64",
        "15.0.1395.12",
        "15.0.1473.6",
        "15.0.1497.12",
        "14.3.496.0",
    ] {
        assert!(!affects(&proxylogon, fixed), "{fixed}");
    }
}

#[test]
fn unified_messaging_is_left_alone_on_exchange_2019() {
    let action = read("CVE-2021-26855").actions.into_iter().find(|a| a.id.as_str() == "PL.3");
    let below = action.and_then(|action| action.only_below);
    assert_eq!(below.map(|version| version.to_string()).as_deref(), Some("15.2.0"));
}

#[test]
fn cups_browsed_is_vulnerable_before_the_build_that_does_not_listen_any_more() {
    assert_affects(
        "CVE-2024-47176",
        "pkg:deb/debian/cups-browsed",
        &["1.28.17-1", "1.28.17-3"],
        &["1.28.7-1+deb11u3", "1.28.16-1", "1.28.17-3+deb12u1", "1.28.17-3+deb12u2", "2.0.1-1"],
    );
}

#[test]
fn a_bash_with_only_the_first_fix_of_shellshock_is_vulnerable() {
    assert_affects(
        "CVE-2014-6271",
        "pkg:deb/debian/bash",
        &[
            "4.1-3",
            "4.1-3+deb6u1",
            "4.2+dfsg-0.1",
            "4.2+dfsg-0.1+deb7u1",
            "4.3-1~bpo70+1",
            "4.3-9.1",
        ],
        &["4.1-3+deb6u2", "4.2+dfsg-0.1+deb7u3", "4.3-9.2", "4.3-11+deb8u2", "5.2.15-2+b7"],
    );
    assert_affects(
        "CVE-2014-6271",
        "pkg:rpm/redhat/bash",
        &["0:3.2-33.el5.1", "0:4.1.2-15.el6_5.1", "0:4.2.45-5.el7", "0:4.2.45-5.el7_0.2"],
        &["0:3.2-33.el5_11.4", "0:4.1.2-15.el6_5.2", "0:4.2.45-5.el7_0.4", "0:5.1.8-9.el9"],
    );
}

#[test]
fn only_two_versions_of_apache_climb_out_of_the_document_root() {
    let of = |product, vulnerable: &[&str], fixed: &[&str]| {
        assert_affects("CVE-2021-41773", product, vulnerable, fixed);
    };
    of("apache/httpd", &["2.4.49", "2.4.50"], &["2.4.48", "2.4.51", "2.4.62", "2.2.34"]);
    of(
        "pkg:deb/debian/apache2",
        &["2.4.49-1", "2.4.49-4", "2.4.50-1"],
        &["2.4.48-3.1+deb11u1", "2.4.51-1~deb11u1", "2.4.51-1", "2.4.62-1~deb12u2"],
    );
    of("pkg:rpm/fedora/httpd", &["0:2.4.49-1.fc34"], &["0:2.4.48-1.fc34", "0:2.4.51-2.fc35"]);
}

#[test]
fn each_branch_of_what_is_declared_ends_with_its_own_fix() {
    assert_affects(
        "CVE-2025-29927",
        "pkg:npm/next",
        &["11.1.4", "12.3.4", "13.0.0", "14.2.24", "15.2.2"],
        &["11.1.3", "12.3.5", "13.5.9", "14.2.25", "15.2.3", "15.3.0", "16.0.0"],
    );
    let confluence = "pkg:maven/com.atlassian.confluence/confluence";
    assert_affects(
        "CVE-2022-26134",
        confluence,
        &["6.13.23", "7.4.16", "7.12.5", "7.13.6", "7.15.1", "7.18.0"],
        &["7.4.17", "7.4.18", "7.13.7", "7.14.3", "7.15.2", "7.16.4", "7.17.4", "7.18.1", "8.0.0"],
    );
    assert_affects(
        "CVE-2023-22515",
        confluence,
        &["8.0.0", "8.2.3", "8.3.2", "8.4.2", "8.5.1"],
        &["7.19.16", "8.3.3", "8.3.4", "8.4.3", "8.5.2", "8.6.0"],
    );
}

fn assert_marks_text(bytes: &[u8], problems: &[Problem]) {
    assert!(!problems.is_empty());
    let mut last = 0;
    for problem in problems {
        let span = problem.span.clone();
        assert!(span.start <= span.end && span.end <= bytes.len(), "{problem:?}");
        assert!(last <= span.start, "not sorted: {problems:?}");
        last = span.start;
        if let Ok(text) = std::str::from_utf8(bytes) {
            assert!(text.get(span).is_some(), "{problem:?}");
        }
        for said in [&problem.message, &problem.expected, &problem.help] {
            assert!(!said.contains(char::is_control), "{problem:?}");
        }
    }
}

fn check(bytes: &[u8]) {
    let refuse = |pattern: &str| {
        if pattern.len().is_multiple_of(2) { Ok(()) } else { Err("it is odd".to_owned()) }
    };
    if let Err(problems) = parse(bytes, &refuse) {
        assert_marks_text(bytes, &problems);
    }
}

#[test]
fn a_document_of_nothing_but_opening_brackets_is_refused_without_harm() {
    for bracket in ["[", "{", "a.", "a=[", "a={b=", "[[a]]\n", "\"", "'''", "\u{feff}", "x=1\n"] {
        check(bracket.repeat(MAX_DOCUMENT / 16 / bracket.len()).as_bytes());
    }
}

/// A cut, an insertion or a copy inside a catalog file.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "\"",
        "[",
        "]",
        "{",
        "}",
        "=",
        "\n",
        "[[action]]\n",
        "é",
        "\u{0}",
        "any",
        "not = ",
        "9",
        "kind = \"do-nothing\"\n",
        "'",
        ",",
        "\u{feff}",
        "\r",
    ];
    let edit = (any::<prop::sample::Index>(), 0..40_usize, prop::sample::select(words.to_vec()));
    (0..CATALOG.len(), prop::collection::vec(edit, 1..6)).prop_map(|(file, edits)| {
        let mut bytes = CATALOG[file].1.to_vec();
        for (at, cut, word) in edits {
            let at = at.index(bytes.len());
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, word.bytes());
        }
        bytes
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&bytes);
    }

    #[test]
    fn arbitrary_text_never_panics(text in "(schema = 1\n)?(\\PC|[\n\\[\\]{}=\"'.#,]){0,200}") {
        check(text.as_bytes());
    }

    #[test]
    fn a_mutated_catalog_file_never_panics(bytes in mutated()) {
        check(&bytes);
    }
}
