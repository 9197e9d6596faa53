//! Puts our includes into the blocks, and takes them out to the byte.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::host::ServerPath;
use stopgap_model::problem::escaped;

use super::test_config::staged;
use super::tree::{Block, Place, Setter, Tree};
use crate::files::{Files, Read};
use crate::glob;
use crate::placement::{EditError, Placement};
use crate::source::{Differences, Source, changed, edits, without_returns};
use crate::splice::{Splice, Splices, own_file};
use stopgap_model::FileEdit;

/// The name of the main file where nothing else is said.
const USUAL_MAIN: &str = "nginx.conf";

/// A file of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// What stands in the `http` block.
    Http,
    /// What stands in every `server` block.
    Server,
    /// The headers of requests that are passed on in one way. Each has a file of its own, because each
    /// kind of directive is inherited by itself: what is put where there is only one kind must not cut
    /// off another.
    Headers(Setter),
}

impl Part {
    const ALL: [Self; 7] = [
        Self::Http,
        Self::Server,
        Self::Headers(Setter::Proxy),
        Self::Headers(Setter::Grpc),
        Self::Headers(Setter::FastCgi),
        Self::Headers(Setter::Uwsgi),
        Self::Headers(Setter::Scgi),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Http => "stopgap-http",
            Self::Server => "stopgap-server",
            Self::Headers(Setter::Proxy) => "stopgap-upstream",
            Self::Headers(Setter::Grpc) => "stopgap-grpc",
            Self::Headers(Setter::FastCgi) => "stopgap-fastcgi",
            Self::Headers(Setter::Uwsgi) => "stopgap-uwsgi",
            Self::Headers(Setter::Scgi) => "stopgap-scgi",
        }
    }

    /// It does not end in `.conf`, so that no pattern that takes in configuration files takes it in.
    /// The main file's name is in it, unless that is the usual one: there may be others beside it.
    pub(super) fn path(self, files: &Files) -> ServerPath {
        let (name, main) = (self.name(), files.main());
        files.beside_main(&match main.file_name() {
            USUAL_MAIN => format!("{name}.rules"),
            main => format!("{name}.{main}.rules"),
        })
    }

    /// The pattern that takes in this file alone, and nothing while it is not there: a site that was
    /// not read when the last rule went keeps its include, and nginx starts with that, too.
    fn pattern(self, files: &Files) -> ServerPath {
        let path = self.path(files).as_str().replace('\\', "\\\\");
        ServerPath::new(path.strip_suffix('s').map(|head| format!("{head}[s]")).unwrap_or(path))
    }

    /// Whether an include of this path names this file.
    pub(super) fn is_named(self, files: &Files, path: &ServerPath) -> bool {
        *path == self.pattern(files) || *path == self.path(files)
    }

    /// Where it belongs in this block. What is of the `http` block comes last there: nginx takes a
    /// `map_hash_bucket_size` behind a `map` for a duplicate, and somebody may write one any time.
    /// The rest comes first, before whatever answers a request.
    fn at(self, block: &Block, source: &Source<'_>) -> usize {
        let end = if self == Self::Http { end_of(block, source) } else { None };
        end.unwrap_or(block.body)
    }

    /// Whether it belongs into this block.
    pub(super) fn belongs(self, block: &Block) -> bool {
        let is_http = block.place == Place::Http;
        match self {
            Self::Http => is_http,
            Self::Server => block.place == Place::Server,
            Self::Headers(setter) => is_http || block.sets.contains(&setter),
        }
    }
}

/// The paths of our files.
pub(crate) fn own_paths(files: &Files) -> Vec<ServerPath> {
    Part::ALL.iter().map(|part| part.path(files)).collect()
}

/// The files that lines of ours would stand in.
pub(crate) fn written_files(tree: &Tree<'_>) -> Vec<ServerPath> {
    tree.blocks.iter().map(|block| tree.sources[block.source].real.clone()).collect()
}

/// What the includes of ours name: the pattern of each file, and its path as a person may write it.
pub(super) fn own_includes(files: &Files) -> BTreeSet<ServerPath> {
    Part::ALL.iter().flat_map(|part| [part.pattern(files), part.path(files)]).collect()
}

/// The texts of our files; an empty one: no file.
#[derive(Debug)]
pub(crate) struct Parts(Vec<(Part, String)>);

impl Parts {
    /// No text of ours.
    pub(crate) fn none() -> Self {
        Self(Part::ALL.map(|part| (part, String::new())).to_vec())
    }

    pub(crate) fn new(tree: &Tree<'_>, http: &str, server: &str, upstream: &str) -> Self {
        let of = |wanted: Setter| -> String {
            let lines = upstream.split_inclusive('\n').filter(|line| {
                let name = line.split_ascii_whitespace().next().unwrap_or_default();
                // Comments are for all.
                Setter::of(name.as_bytes()).is_none_or(|setter| setter == wanted)
            });
            let is_used = wanted == Setter::Proxy || tree.passes.contains(&wanted);
            if is_used { lines.collect() } else { String::new() }
        };
        let text = |part: Part| match part {
            Part::Http => http.to_owned(),
            Part::Server => server.to_owned(),
            Part::Headers(setter) => of(setter),
        };
        Self(Part::ALL.map(|part| (part, text(part))).to_vec())
    }

    pub(super) fn written(&self) -> impl Iterator<Item = (Part, &str)> {
        let all = self.0.iter().map(|(part, text)| (*part, text.as_str()));
        all.filter(|(_, text)| !text.is_empty())
    }

    /// The lines of ours that belong into this block, an include of each part by what names it, with
    /// the places where they belong.
    pub(super) fn within(
        &self,
        block: &Block,
        source: &Source<'_>,
        name: impl Fn(Part) -> String,
    ) -> Vec<(usize, Vec<u8>)> {
        let newline = source.newline();
        let indent = indent(block, source);
        let mut lines: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        for (part, _) in self.written().filter(|(part, _)| part.belongs(block)) {
            let lines = lines.entry(part.at(block, source)).or_default();
            lines.extend_from_slice(newline);
            lines.extend_from_slice(&indent);
            lines.extend_from_slice(format!("include {};", name(part)).as_bytes());
        }
        lines.into_iter().collect()
    }
}

/// Where a block ends for what is added to it: behind its last statement, and behind the comment that
/// is in that one's line. `None`: it has no statement in the file in which it begins.
fn end_of(block: &Block, source: &Source<'_>) -> Option<usize> {
    let last = block.last?;
    let rest = source.bytes.get(last..)?;
    let line = &rest[..rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())];
    let is_over = matches!(line.trim_ascii_start(), [] | [b'#', ..]);
    Some(if is_over { last + without_returns(line).len() } else { last })
}

/// The blank that a statement in this block begins with. It is taken from statements that are the
/// first of their line, which they are with our lines in the file and without them.
fn indent(block: &Block, source: &Source<'_>) -> Vec<u8> {
    if let Some(indent) = block.first.and_then(|first| source.indent(first)) {
        return indent.to_vec();
    }
    let mut outer = source.indent(block.from).unwrap_or_default().to_vec();
    let step: &[u8] = if outer.contains(&b'\t') { b"\t" } else { b"    " };
    outer.extend_from_slice(step);
    outer
}

pub(super) fn quoted(path: &ServerPath) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-[]".contains(&byte);
    if path.as_str().bytes().all(plain) {
        return path.as_str().to_owned();
    }
    format!("\"{}\"", path.as_str().replace('\\', "\\\\").replace('"', "\\\""))
}

/// What brings the files to exactly these texts in place.
pub(crate) fn place(files: &Files, tree: &Tree<'_>, parts: &Parts) -> Result<Placement, EditError> {
    possible(files, tree, parts)?;
    let mut differences = Differences::default();
    let splices = splices(files, tree, parts, &mut differences);
    let mut all = own_edits(files, parts);
    let mut told: Vec<String> = all.iter().map(changed).collect();
    told.extend(differences.told(&tree.sources));
    all.extend(edits(&tree.sources, &splices));
    in_order(&mut all, tree, parts);
    let staged = staged(files, tree, parts, &splices);
    Ok(Placement { edits: all, places: places(files, tree, parts), differences: told, staged })
}

/// An order in which each step alone is a configuration that starts: files of ours are there before
/// they are included and after, and what defines our variables is included first and taken out last.
fn in_order(edits: &mut [FileEdit], tree: &Tree<'_>, parts: &Parts) {
    let of_http = |edit: &FileEdit| {
        let mut blocks = tree.blocks.iter().filter(|block| block.place == Place::Http);
        blocks.any(|block| *tree.sources[block.source].real == edit.path)
    };
    let comes = parts.written().any(|(part, _)| part == Part::Http);
    edits.sort_by_key(|edit| match (&edit.before, &edit.after) {
        (None, _) => 0,
        (_, None) => 4,
        _ if of_http(edit) => {
            if comes {
                1
            } else {
                3
            }
        }
        _ => 2,
    });
}

fn splices(
    files: &Files,
    tree: &Tree<'_>,
    parts: &Parts,
    differences: &mut Differences,
) -> Splices {
    let mut splices = Splices::default();
    let mut expected = BTreeSet::new();
    for block in &tree.blocks {
        let source = &tree.sources[block.source];
        if !is_reached(files, tree, parts, block) {
            continue;
        }
        for (from, text) in lines_in(files, parts, block, source) {
            if is_there(source, from, &text) {
                expected.insert((block.source, from, from + text.len()));
            } else {
                let what = format!("our lines are not in {}", named(block.place));
                differences.add(block.source, block.from, what);
            }
            if !tree.fixed.contains_key(&block.source) {
                splices.replace(source.real, Splice { from, to: from, text });
            }
        }
    }
    // What of ours stands in a file that cannot be changed stays: it takes in what of our files is there.
    for own in tree.own.iter().filter(|own| !tree.fixed.contains_key(&own.source)) {
        let source = &tree.sources[own.source];
        let (from, to) = (own.cut, own.to);
        splices.replace(source.real, Splice { from, to, text: Vec::new() });
        let before = expected.range(..=(own.source, from, usize::MAX)).next_back();
        if !before.is_some_and(|(of, _, end)| *of == own.source && to <= *end) {
            differences.add(
                own.source,
                own.from,
                "a line of ours stands where none belongs".into(),
            );
        }
    }
    splices
}

/// The splices of ours that take out what is there of ours.
pub(super) fn removals(tree: &Tree<'_>, source: usize) -> Vec<Splice> {
    let own = tree.own.iter().filter(|own| own.source == source);
    own.map(|own| Splice { from: own.cut, to: own.to, text: Vec::new() }).collect()
}

/// The lines of ours that belong into a block, with the places where they belong.
fn lines_in(
    files: &Files,
    parts: &Parts,
    block: &Block,
    source: &Source<'_>,
) -> Vec<(usize, Vec<u8>)> {
    parts.within(block, source, |part| quoted(&part.pattern(files)))
}

fn is_there(source: &Source<'_>, from: usize, text: &[u8]) -> bool {
    source.bytes.get(from..).is_some_and(|rest| rest.starts_with(text))
}

/// Whether what belongs into a block is there or can be put there.
pub(super) fn is_reached(files: &Files, tree: &Tree<'_>, parts: &Parts, block: &Block) -> bool {
    if !tree.fixed.contains_key(&block.source) {
        return true;
    }
    let source = &tree.sources[block.source];
    let mut lines = lines_in(files, parts, block, source).into_iter();
    lines.all(|(from, text)| is_there(source, from, &text))
}

fn named(place: Place) -> &'static str {
    match place {
        Place::Http => "the http block",
        Place::Server => "the server block",
        _ => "the block that sets request headers",
    }
}

/// Refuses what nginx would not read as it is meant.
fn possible(files: &Files, tree: &Tree<'_>, parts: &Parts) -> Result<(), EditError> {
    for path in own_paths(files) {
        if let Some(Read::Unreadable(why)) = files.get(&path) {
            let path = escaped(path.as_str());
            return Err(EditError::Unreadable(format!("{path} cannot be read: {why}")));
        }
    }
    if parts.written().next().is_none() {
        return Ok(());
    }
    if !tree.blocks.iter().any(|block| block.place == Place::Http) {
        return Err(EditError::Nowhere("the configuration has no http block".into()));
    }
    for place in [Place::Http, Place::Server] {
        let of_it = || tree.blocks.iter().filter(|block| block.place == place);
        let is_reached = of_it().any(|block| is_reached(files, tree, parts, block));
        let fixed = of_it().find_map(|block| tree.fixed.get(&block.source));
        if let (false, Some(why)) = (is_reached, fixed) {
            let why = format!("nothing of ours can be put into {}: {why}", named(place));
            return Err(EditError::Nowhere(why));
        }
    }
    for path in own_paths(files) {
        if glob::is_pattern(path.as_str()) {
            let path = escaped(path.as_str());
            return Err(EditError::Nowhere(format!("nginx would take {path} for a pattern")));
        }
        if let Some((span, pattern)) =
            tree.patterns.iter().find(|(_, pattern)| glob::takes_in(pattern, &path))
        {
            let (at, pattern) = (tree.told(*span), escaped(pattern));
            return Err(EditError::Nowhere(format!(
                "the include of {pattern} in {at} would take in our files, too"
            )));
        }
    }
    Ok(())
}

fn own_edits(files: &Files, parts: &Parts) -> Vec<FileEdit> {
    let edits = parts
        .0
        .iter()
        .filter_map(|(part, text)| own_file(files, &part.path(files), text.as_bytes()));
    edits.collect()
}

fn places(files: &Files, tree: &Tree<'_>, parts: &Parts) -> Vec<String> {
    let places = parts.written().map(|(part, _)| {
        let blocks = tree.blocks.iter().filter(|block| part.belongs(block));
        let blocks = blocks.filter(|block| is_reached(files, tree, parts, block));
        let count = blocks.map(|block| (block.source, block.body)).collect::<BTreeSet<_>>().len();
        let path = part.path(files);
        let what = match (part, count) {
            (Part::Http, _) => "in the http block".to_owned(),
            (Part::Server, 1) => "in 1 server block".to_owned(),
            (Part::Server, _) => format!("in {count} server blocks"),
            (_, 1) => "in 1 block".to_owned(),
            (_, _) => format!("in {count} blocks"),
        };
        format!("{}, included {what}", escaped(path.as_str()))
    });
    places.collect()
}
