//! Puts our lines at the heads of the frontends, and takes them out to the byte.

use std::collections::BTreeSet;

use stopgap_model::host::ServerPath;
use stopgap_model::problem::{escaped, one_line};
use stopgap_model::web::WebSite;

use super::parse::{Frontend, Tree};
use super::sites::sites_of;
use crate::files::Files;
use crate::placement::{EditError, Placement};
use crate::source::{Differences, Source, edits};
use crate::splice::{Splice, Splices};

/// What every line of ours ends with: each says itself whose it is, whatever becomes of the others.
const MARK: &str = " # by Stopgap";

/// The blank before our lines in a section that has no other.
const INDENT: &[u8] = b"    ";

/// Whether a line is ours.
pub(super) fn is_ours(line: &[u8]) -> bool {
    line.trim_ascii_end().ends_with(MARK.as_bytes())
}

/// The lines of ours that are there, without what they end with.
pub(crate) fn own_text(tree: &Tree<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    for (source, from, to) in &tree.own {
        let line = tree.sources.get(*source).and_then(|source| source.bytes.get(*from..*to));
        let line = line.unwrap_or_default().trim_ascii_end();
        text.extend_from_slice(line.strip_suffix(MARK.as_bytes()).unwrap_or(line));
        text.push(b'\n');
    }
    text
}

/// What brings the files to exactly these lines in place.
pub(crate) fn place(
    files: &Files,
    tree: &Tree<'_>,
    lines: &[String],
) -> Result<Placement, EditError> {
    if let Some(line) = lines.iter().find(|line| line.contains(['\n', '\r'])) {
        return Err(EditError::Nowhere(format!("a rule is no single line: {}", one_line(line))));
    }
    let heads: Vec<&Frontend> = tree.frontends.iter().filter(|one| one.is_http()).collect();
    if heads.is_empty() && !lines.is_empty() {
        return Err(EditError::Nowhere("no frontend of the configuration is in mode http".into()));
    }
    let (heads, others): (Vec<&Frontend>, Vec<&Frontend>) =
        heads.into_iter().partition(|head| is_reached(files, tree, head, lines));
    if let (true, Some(head)) = (heads.is_empty(), others.first()) {
        let why = files.fixed(tree.sources[head.source].real).unwrap_or_default();
        return Err(EditError::Nowhere(format!("nothing of ours can be put in: {why}")));
    }
    // Lines of ours do what they say, whatever becomes of others: those that are to go and cannot are no
    // success.
    let stays = |of: usize| !heads.iter().any(|head| head.source == of);
    let kept = tree.own.iter().find_map(|(of, start, _)| {
        let source = tree.sources.get(*of).filter(|_| stays(*of))?;
        Some((source.told(*start), files.fixed(source.real)?))
    });
    if let Some((at, why)) = kept {
        let why = format!("the line of ours in {at} cannot be changed: {why}");
        return Err(EditError::Nowhere(why));
    }
    let mut differences = Differences::default();
    let splices = splices(files, tree, &heads, lines, &mut differences);
    let places = if lines.is_empty() { Vec::new() } else { places(tree, &heads) };
    Ok(Placement {
        edits: edits(&tree.sources, &splices),
        places,
        differences: differences.told(&tree.sources),
        staged: staged(tree, &splices),
    })
}

/// The files that lines of ours would stand in.
pub(crate) fn written_files(tree: &Tree<'_>) -> Vec<ServerPath> {
    let heads = tree.frontends.iter().filter(|one| one.is_http());
    heads.map(|head| tree.sources[head.source].real.clone()).collect()
}

/// Whether our lines are at the head of a frontend, or can be put there.
fn is_reached(files: &Files, tree: &Tree<'_>, head: &Frontend, lines: &[String]) -> bool {
    let source = &tree.sources[head.source];
    files.fixed(source.real).is_none()
        || is_there(&source.bytes[head.head..], &text(source, head, lines))
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
pub(crate) fn holes(files: &Files, tree: &Tree<'_>, lines: &[String]) -> Vec<String> {
    let told = not_reached(files, tree, lines).map(|head| {
        let source = &tree.sources[head.source];
        let (name, at) = (one_line(&head.name), source.told(head.from));
        let why = files.fixed(source.real).unwrap_or_default();
        format!("{name} in {at} is not reached: {why}")
    });
    told.collect()
}

/// The sites of the frontends that these lines do not reach.
pub(crate) fn unreached(files: &Files, tree: &Tree<'_>, lines: &[String]) -> Vec<WebSite> {
    let not_reached: BTreeSet<usize> =
        not_reached(files, tree, lines).map(|head| head.from).collect();
    if not_reached.is_empty() {
        return Vec::new();
    }
    let source = |head: &Frontend| files.fixed(tree.sources[head.source].real).is_some();
    sites_of(tree, |head| source(head) && not_reached.contains(&head.from))
}

fn splices(
    files: &Files,
    tree: &Tree<'_>,
    heads: &[&Frontend],
    lines: &[String],
    differences: &mut Differences,
) -> Splices {
    let mut splices = Splices::default();
    let mut expected = BTreeSet::new();
    for head in heads.iter().filter(|_| !lines.is_empty()) {
        let source = &tree.sources[head.source];
        let text = text(source, head, lines);
        let (from, to) = (head.head, head.head);
        if is_there(&source.bytes[from..], &text) {
            expected.insert((head.source, from, from + text.len()));
        } else {
            let what = format!("our lines are not in {}", one_line(&head.name));
            differences.add(head.source, head.from, what);
        }
        if files.fixed(source.real).is_none() {
            splices.replace(source.real, Splice { from, to, text });
        }
    }
    for (of, start, to) in &tree.own {
        let source = &tree.sources[*of];
        if files.fixed(source.real).is_some() {
            continue;
        }
        let (from, to) = (source.taken_out_from(*start), *to);
        splices.replace(source.real, Splice { from, to, text: Vec::new() });
        let before = expected.range(..=(*of, from, usize::MAX)).next_back();
        if !before.is_some_and(|(other, _, end)| other == of && to <= *end) {
            differences.add(*of, *start, "a line of ours stands where none belongs".into());
        }
    }
    splices
}

/// Whether a text begins with these lines as whole lines.
fn is_there(bytes: &[u8], text: &[u8]) -> bool {
    let rest = bytes.strip_prefix(text);
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'\r' | b'\n')))
}

fn text(source: &Source<'_>, head: &Frontend, lines: &[String]) -> Vec<u8> {
    let indent = head.indent.as_deref().unwrap_or(INDENT);
    let line =
        |line: &String| [source.newline(), indent, line.as_bytes(), MARK.as_bytes()].concat();
    lines.iter().flat_map(line).collect()
}

fn places(tree: &Tree<'_>, heads: &[&Frontend]) -> Vec<String> {
    let mut places = Vec::new();
    for (at, source) in tree.sources.iter().enumerate() {
        let names: Vec<&str> =
            heads.iter().filter(|head| head.source == at).map(|head| head.name.as_str()).collect();
        let path = escaped(source.path.as_str());
        match names.as_slice() {
            [] => {}
            [name] => places.push(format!("{path}, at the head of {}", one_line(name))),
            names => places.push(format!("{path}, at the heads of {} frontends", names.len())),
        }
    }
    places
}

/// Every file in the order read, as it will be: HAProxy is tested with all of them.
fn staged(tree: &Tree<'_>, splices: &Splices) -> Vec<(ServerPath, Vec<u8>)> {
    let files = tree.sources.iter();
    files.map(|file| (file.path.clone(), splices.applied(file.real, file.bytes))).collect()
}
