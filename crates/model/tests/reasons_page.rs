//! `docs/reasons.md` lists every code of a reason, and no other.

use std::collections::BTreeSet;

use stopgap_model::Reason;

const PAGE: &str = include_str!("../../../docs/reasons.md");

/// The rows of the tables, each with its cells.
fn rows() -> Vec<Vec<&'static str>> {
    let is_row = |line: &&str| line.starts_with("| `");
    let cells = |line: &'static str| line.trim_matches('|').split(" | ").map(str::trim).collect();
    PAGE.lines().filter(is_row).map(cells).collect()
}

#[test]
fn the_page_lists_every_code_and_no_other() {
    let codes: BTreeSet<&str> = Reason::codes().collect();
    let mut listed = BTreeSet::new();
    for row in rows() {
        let code = row[0].trim_matches('`');
        assert!(listed.insert(code), "{code} is listed twice");
    }
    let missing: Vec<_> = codes.difference(&listed).collect();
    let unknown: Vec<_> = listed.difference(&codes).collect();
    assert!(missing.is_empty(), "not in docs/reasons.md: {missing:?}");
    assert!(unknown.is_empty(), "in docs/reasons.md, and no code: {unknown:?}");
}

#[test]
fn each_row_says_what_the_code_means_and_what_to_do() {
    for row in rows() {
        assert_eq!(row.len(), 3, "{row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
}
