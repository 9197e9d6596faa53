//! What the configuration of nginx says, as far as it concerns us.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::source::Source;
use super::streams::{Streams, passages};
use stopgap_model::host::ServerPath;

/// The configuration of nginx.
#[derive(Debug, Default)]
pub(crate) struct Tree<'a> {
    /// The files, each once.
    pub(super) sources: Vec<Source<'a>>,
    /// What each of them includes.
    pub(super) includes: Vec<Includes>,
    /// The file of each name.
    pub(super) names: BTreeMap<ServerPath, usize>,
    /// The blocks that something of ours belongs into.
    pub(super) blocks: Vec<Block>,
    /// The includes of ours that are there.
    pub(super) own: Vec<Own>,
    pub(super) servers: Vec<Server<'a>>,
    pub(crate) modules: Vec<String>,
    /// What passes connections on without reading requests.
    pub(super) streams: Streams,
    /// Where requests are passed on in another way than as HTTP, with the directive.
    pub(super) passes: Vec<(Span, String)>,
    /// Whether requests are passed on as gRPC: an nginx without it does not know its directives.
    pub(super) grpc: bool,
    /// The headers that the configuration itself sets on requests to others, in lower case.
    pub(super) headers: Vec<(Span, String)>,
    /// The patterns of includes.
    pub(super) patterns: Vec<(Span, String)>,
    /// The files that cannot be changed, and why.
    pub(super) fixed: BTreeMap<usize, String>,
    /// The files of which it is not known what they say, and why.
    pub(super) unread: BTreeMap<ServerPath, String>,
}

/// What a file includes.
#[derive(Debug, Default)]
pub(super) struct Includes {
    /// The include statements in it that are not ours, in order, with the names of the files.
    pub(super) statements: Vec<(usize, usize, Vec<ServerPath>)>,
    /// Whether all of it was gone through once.
    pub(super) complete: bool,
}

/// A range of bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) source: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// An include of ours that is there.
#[derive(Debug, Clone)]
pub(super) struct Own {
    pub(super) source: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    /// From where on it is taken out: with the end of the line before, unless a comment needs that
    /// so as not to go on with what follows.
    pub(super) cut: usize,
    /// What it names.
    pub(super) path: ServerPath,
}

/// Where a block is, as far as it concerns us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Outside of every block.
    Main,
    /// The `http` block.
    Http,
    /// A `server` block in it.
    Server,
    /// A block in that.
    Within,
    /// The `stream` block.
    Stream,
    /// A `server` block in it.
    StreamServer,
    /// A group of servers in it, or a map to a variable.
    StreamPlaces,
    /// Another one.
    Elsewhere,
}

impl Place {
    /// Where a block of this name in a block here is.
    pub(super) fn inner(self, name: &[u8]) -> Self {
        match (self, name) {
            (Self::Main, b"http") => Self::Http,
            (Self::Main, b"stream") => Self::Stream,
            (Self::Http, b"server") => Self::Server,
            (Self::Stream, b"server") => Self::StreamServer,
            (Self::Stream, b"upstream" | b"map") => Self::StreamPlaces,
            (Self::Server | Self::Within, _) => Self::Within,
            _ => Self::Elsewhere,
        }
    }
}

/// A kind of request that headers are set on by directives of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setter {
    Proxy,
    Grpc,
}

impl Setter {
    pub(super) fn of(directive: &[u8]) -> Option<Self> {
        match directive {
            b"proxy_set_header" => Some(Self::Proxy),
            b"grpc_set_header" => Some(Self::Grpc),
            _ => None,
        }
    }
}

/// A block that something of ours may belong into.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) place: Place,
    pub(super) source: usize,
    /// Where its statement begins.
    pub(super) from: usize,
    /// What is right behind its brace.
    pub(super) body: usize,
    /// Where the first statement in it that is not ours begins, if that is in the same file.
    pub(super) first: Option<usize>,
    /// Where the last one of those ends.
    pub(super) last: Option<usize>,
    /// Which server block it is, if it is one.
    pub(super) server: Option<usize>,
    /// Whether it sets headers of requests to others: such directives are inherited only by
    /// blocks that have none of the same name.
    pub(super) proxy: bool,
    pub(super) grpc: bool,
}

/// A server block.
#[derive(Debug, Default)]
pub(super) struct Server<'a> {
    /// The words of each `listen`.
    pub(super) listens: Vec<Vec<Cow<'a, [u8]>>>,
    pub(super) names: Vec<Cow<'a, [u8]>>,
    /// Whether it has `ssl on`.
    pub(super) ssl: bool,
}

impl Tree<'_> {
    /// A place in the files, for a person.
    pub(super) fn told(&self, span: Span) -> String {
        self.sources.get(span.source).map(|source| source.told(span.from)).unwrap_or_default()
    }

    fn told_once(&self, spans: &[Span]) -> Vec<String> {
        let mut spans = spans.to_vec();
        spans.sort_unstable();
        spans.dedup();
        spans.into_iter().map(|span| self.told(span)).collect()
    }
}

/// Whether requests are read anywhere.
pub(crate) fn reads_requests(tree: &Tree<'_>) -> bool {
    tree.blocks.iter().any(|block| block.place == Place::Http)
}

/// What rules do not reach.
pub(crate) fn gaps(tree: &Tree<'_>, server: &str, upstream: &str) -> Vec<String> {
    let mut gaps = Vec::new();
    if !server.is_empty() {
        gaps.extend(passages(tree).into_iter().map(|passage| passage.told));
    }
    if upstream.is_empty() {
        return gaps;
    }
    for directive in ["fastcgi_pass", "uwsgi_pass", "scgi_pass"] {
        let of = tree.passes.iter().filter(|(_, other)| other == directive);
        let spans: Vec<Span> = of.map(|(span, _)| *span).collect();
        gaps.extend(tree.told_once(&spans).into_iter().map(|at| {
            format!("{directive} in {at} passes all request headers on, which no rule can change")
        }));
    }
    let ours: Vec<String> = upstream.lines().filter_map(header).collect();
    let theirs = tree.headers.iter().filter(|(_, name)| ours.contains(name));
    let spans: Vec<Span> = theirs.map(|(span, _)| *span).collect();
    gaps.extend(
        tree.told_once(&spans)
            .into_iter()
            .map(|at| format!("{at} itself sets a request header that a rule is about")),
    );
    gaps
}

/// The header that a line of ours sets, in lower case.
fn header(line: &str) -> Option<String> {
    let mut words = line.split_ascii_whitespace();
    Setter::of(words.next()?.as_bytes())?;
    Some(words.next()?.trim_matches(['"', '\'']).to_ascii_lowercase())
}
