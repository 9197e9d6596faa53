//! What rules do not reach on HAProxy, or reach late, wherever the configuration stands.

use std::collections::BTreeSet;

use stopgap_model::reason::WebGap;

use super::passages::passages;
use super::tree::Tree;

/// What rules do not reach, or reach late.
pub(crate) fn gaps(tree: &Tree<'_>) -> Vec<WebGap> {
    let mut gaps: Vec<WebGap> = passages(tree).into_iter().map(|passage| passage.gap).collect();
    // Several frontends may have the same defaults.
    let http = tree.frontends.iter().filter(|frontend| frontend.is_http());
    let earlier: BTreeSet<_> = http.filter_map(|frontend| frontend.settings.rules).collect();
    let earlier = earlier.into_iter().filter_map(|at| tree.place(at));
    gaps.extend(earlier.map(|at| WebGap::DefaultsFirst { at }));
    let stale = tree.sources.iter().filter(|source| has_digest(source.bytes));
    gaps.extend(stale.map(|source| WebGap::StaleDigest { file: source.path.clone() }));
    gaps
}

/// Whether the first line of a file is a comment with a digest of the rest.
fn has_digest(bytes: &[u8]) -> bool {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Some(comment) = first.trim_ascii().strip_prefix(b"#") else { return false };
    let mut words = comment.split(|byte| !byte.is_ascii_alphanumeric());
    words.any(|word| {
        matches!(word.len(), 32 | 40 | 64 | 128) && word.iter().all(u8::is_ascii_hexdigit)
    })
}
