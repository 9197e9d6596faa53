//! The files of ours for nginx, and the includes that take them in.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::host::ServerPath;

use super::tree::{Block, Place, Setter, Tree};
use crate::files::Files;
use crate::source::{Source, without_returns};

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

    /// Returns the path of this file. It does not end in `.conf`, so that no pattern for configuration files
    /// matches it. It contains the name of the main file unless that is the usual one, because another
    /// server's main file may be in the same folder.
    pub(super) fn path(self, files: &Files) -> ServerPath {
        let (name, main) = (self.name(), files.main());
        files.beside_main(&match main.file_name() {
            USUAL_MAIN => format!("{name}.rules"),
            main => format!("{name}.{main}.rules"),
        })
    }

    /// Returns the pattern that our includes use. It matches this file alone, and nothing while the file does
    /// not exist: a site that could not be read when the last rule was removed keeps its include, and nginx
    /// must start with it.
    pub(super) fn pattern(self, files: &Files) -> ServerPath {
        let path = self.path(files).as_str().replace('\\', "\\\\");
        ServerPath::new(path.strip_suffix('s').map(|head| format!("{head}[s]")).unwrap_or(path))
    }

    /// Whether an include of this path names this file.
    pub(super) fn is_named(self, files: &Files, path: &ServerPath) -> bool {
        *path == self.pattern(files) || *path == self.path(files)
    }

    /// Returns where its include belongs in this block. In the `http` block it comes last, because nginx
    /// rejects a `map_hash_bucket_size` behind a `map` as a duplicate, and somebody may add one at any time.
    /// Elsewhere it comes first, before anything that answers a request.
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

    /// The parts of what rules are written as.
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

    /// Each file with its text.
    pub(super) fn all(&self) -> impl Iterator<Item = (Part, &str)> {
        self.0.iter().map(|(part, text)| (*part, text.as_str()))
    }

    /// Each file that is written.
    pub(super) fn written(&self) -> impl Iterator<Item = (Part, &str)> {
        self.all().filter(|(_, text)| !text.is_empty())
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

/// Returns where something is added at the end of a block: behind its last statement, and behind a comment in
/// the same line. `None` if the block has no statement in the file in which it begins.
fn end_of(block: &Block, source: &Source<'_>) -> Option<usize> {
    let last = block.last?;
    let line = source.rest_of_line(last);
    let is_over = matches!(line.trim_ascii_start(), [] | [b'#', ..]);
    Some(if is_over { last + without_returns(line).len() } else { last })
}

/// Returns the indentation of statements in this block. It is copied from a statement that is the first of its
/// line, because that stays the same with our lines in the file and without them.
fn indent(block: &Block, source: &Source<'_>) -> Vec<u8> {
    if let Some(indent) = block.first.and_then(|first| source.indent(first)) {
        return indent.to_vec();
    }
    let mut outer = source.indent(block.from).unwrap_or_default().to_vec();
    let step: &[u8] = if outer.contains(&b'\t') { b"\t" } else { b"    " };
    outer.extend_from_slice(step);
    outer
}

/// A path as nginx reads it.
pub(super) fn quoted(path: &ServerPath) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-[]".contains(&byte);
    if path.as_str().bytes().all(plain) {
        return path.as_str().to_owned();
    }
    format!("\"{}\"", path.as_str().replace('\\', "\\\\").replace('"', "\\\""))
}
