//! `[[affected]]`: products, roles, and the vulnerable versions of each branch.

use std::ops::Range;

use super::diagnostics::Diagnostics;
use super::limits::{MAX_AFFECTED, MAX_RANGES};
use super::table::{Item, Table};
use crate::mitigation::Affected;
use crate::problem::{Problem, one_line};
use crate::product::{PRODUCT_RULE, is_product, is_word};
use crate::version::{Scheme, Version, VersionRange};

/// The affected products; none if the document is for any server.
pub(super) fn all(log: &mut Diagnostics<'_>, top: &Table<'_>) -> Vec<Affected> {
    let Some(list) = top.get("affected") else { return Vec::new() };
    let items = list.list(log, MAX_AFFECTED);
    items.iter().filter_map(|item| one(log, item)).collect()
}

fn one(log: &mut Diagnostics<'_>, item: &Item<'_>) -> Option<Affected> {
    let table = item.table(log)?;
    table.deny_unknown(log, &["product", "roles", "ranges"]);
    let product = table
        .required(log, "product", "such as `product = \"microsoft/exchange-server\"`")
        .and_then(|item| product(log, &item));
    let roles = table.strings(log, "roles", is_word, "lower-case letters, digits, `-`, `.`, `_`");
    let scheme = product.as_deref().map_or(Scheme::Dotted, Scheme::of);
    let ranges = table.get("ranges").map_or_else(Vec::new, |item| ranges(log, &item, scheme));
    Some(Affected { product: product?, roles, ranges })
}

fn product(log: &mut Diagnostics<'_>, item: &Item<'_>) -> Option<String> {
    let text = item.single_line(log)?;
    if !is_product(text) {
        item.refuse(log, PRODUCT_RULE);
        return None;
    }
    Some(text.to_owned())
}

fn ranges(log: &mut Diagnostics<'_>, item: &Item<'_>, scheme: Scheme) -> Vec<VersionRange> {
    let mut found: Vec<(VersionRange, Range<usize>)> = Vec::new();
    for item in item.list(log, MAX_RANGES) {
        let Some(new) = range(log, &item, scheme) else { continue };
        let overlaps =
            |old: &VersionRange| old.introduced < new.fixed && new.introduced < old.fixed;
        if let Some((old, span)) = found.iter().find(|(old, _)| overlaps(old)) {
            let line = log.line(span.start);
            let message = format!("the range overlaps {} to {}", old.introduced, old.fixed);
            let help = format!("the other range is in line {line}; a version is in one branch");
            log.report(Problem::new(item.span.clone(), message).help(help));
        }
        found.push((new, item.span));
    }
    found.into_iter().map(|(range, _)| range).collect()
}

fn range(log: &mut Diagnostics<'_>, item: &Item<'_>, scheme: Scheme) -> Option<VersionRange> {
    let table = item.table(log)?;
    table.deny_unknown(log, &["introduced", "fixed"]);
    let introduced = table
        .required(log, "introduced", "the first vulnerable version")
        .and_then(|item| version(log, &item, scheme));
    let fixed = table
        .required(log, "fixed", "the first version with the fix")
        .and_then(|item| version(log, &item, scheme));
    let range = VersionRange { introduced: introduced?, fixed: fixed? };
    if range.introduced >= range.fixed {
        let message = format!("no version is in {} to {}", range.introduced, range.fixed);
        let problem = Problem::new(item.span.clone(), message);
        log.report(problem.expected("`introduced` lower than `fixed`"));
        return None;
    }
    Some(range)
}

/// A version of this scheme.
pub(super) fn version(
    log: &mut Diagnostics<'_>,
    item: &Item<'_>,
    scheme: Scheme,
) -> Option<Version> {
    let text = item.text(log)?;
    let version = Version::read(text, scheme).ok();
    if version.is_none() {
        let message = format!("`{}` is not a version", one_line(text));
        log.report(Problem::new(item.span.clone(), message).expected(scheme.expected()));
    }
    version
}
