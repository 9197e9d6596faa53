//! Which frontends our lines reach, and which they do not, because a file cannot be changed.

use std::collections::BTreeSet;

use stopgap_model::Reasons;
use stopgap_model::reason::WebGap;
use stopgap_model::web::WebSite;

use super::mark::MARK;
use super::sites::sites_of;
use super::tree::{Frontend, Tree};
use crate::files::Files;
use crate::source::Source;

/// The blank before our lines in a section that has no other.
const INDENT: &[u8] = b"    ";

/// These lines as they stand at the head of a frontend.
pub(super) fn text(source: &Source<'_>, head: &Frontend, lines: &[String]) -> Vec<u8> {
    let indent = head.indent.as_deref().unwrap_or(INDENT);
    let line =
        |line: &String| [source.newline(), indent, line.as_bytes(), MARK.as_bytes()].concat();
    lines.iter().flat_map(line).collect()
}

/// Whether these lines stand here as whole lines.
pub(super) fn is_there(source: &Source<'_>, at: usize, text: &[u8]) -> bool {
    let rest = source.from(at).strip_prefix(text);
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'\r' | b'\n')))
}

/// Why the file of a frontend cannot be changed, if so.
pub(super) fn fixed<'f>(files: &'f Files, tree: &Tree<'_>, head: &Frontend) -> Option<&'f Reasons> {
    files.fixed(tree.source(head.source)?.real)
}

/// Whether our lines are at the head of a frontend, or can be put there.
pub(super) fn is_reached(
    files: &Files,
    tree: &Tree<'_>,
    head: &Frontend,
    lines: &[String],
) -> bool {
    let Some(source) = tree.source(head.source) else { return false };
    files.fixed(source.real).is_none() || is_there(source, head.head, &text(source, head, lines))
}

/// The frontends that these lines do not reach, because their file cannot be changed.
fn not_reached<'t>(
    files: &'t Files,
    tree: &'t Tree<'_>,
    lines: &'t [String],
) -> impl Iterator<Item = &'t Frontend> {
    let heads = tree.frontends.iter().filter(|one| one.is_http() && !lines.is_empty());
    heads.filter(|head| !is_reached(files, tree, head, lines))
}

/// What these lines do not reach because its file cannot be changed.
pub(crate) fn holes(files: &Files, tree: &Tree<'_>, lines: &[String]) -> Vec<WebGap> {
    let each = not_reached(files, tree, lines).filter_map(|head| {
        let (what, at) = (head.name.clone(), tree.place((head.source, head.from))?);
        let why = fixed(files, tree, head)?.clone();
        Some(WebGap::NotReached { what, at, why })
    });
    each.collect()
}

/// The sites of the frontends that these lines do not reach.
pub(crate) fn unreached(files: &Files, tree: &Tree<'_>, lines: &[String]) -> Vec<WebSite> {
    let not_reached: BTreeSet<(usize, usize)> =
        not_reached(files, tree, lines).map(|head| (head.source, head.from)).collect();
    if not_reached.is_empty() {
        return Vec::new();
    }
    sites_of(tree, |head| not_reached.contains(&(head.source, head.from)))
}
