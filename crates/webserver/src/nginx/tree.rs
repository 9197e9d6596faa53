//! What the configuration of nginx says, as far as it concerns us.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::Reasons;
use stopgap_model::host::ServerPath;
use stopgap_model::reason::{ConfigFault, ConfigPlace};

use super::span::Span;
use super::streams::Streams;
use crate::source::Source;

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
    /// How requests are passed on, beside as HTTP: an nginx without one of these ways does not know its
    /// directives.
    pub(super) passes: BTreeSet<Setter>,
    /// The headers that the configuration itself sets on requests to others, in lower case.
    pub(super) headers: Vec<Header>,
    /// The patterns of includes.
    pub(super) patterns: Vec<(Span, String)>,
    /// The files that cannot be changed, and why.
    pub(super) fixed: BTreeMap<usize, Reasons>,
    /// The files of which it is not known what they say, and why.
    pub(super) unread: BTreeMap<ServerPath, ConfigFault>,
}

/// A header that the configuration itself sets on requests to others.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Header {
    pub(super) at: Span,
    /// Its name, in lower case.
    pub(super) name: String,
    /// Whether what it is set to depends on the request.
    pub(super) varies: bool,
}

/// What a file includes.
#[derive(Debug, Default)]
pub(super) struct Includes {
    /// The include statements in it that are not ours, in order, with the names of the files.
    pub(super) statements: Vec<(usize, usize, Vec<ServerPath>)>,
    /// Whether all of it was gone through once.
    pub(super) complete: bool,
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
    /// A group of servers in it.
    StreamGroup,
    /// A map to a variable in it.
    StreamMap,
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
            (Self::Stream, b"upstream") => Self::StreamGroup,
            (Self::Stream, b"map") => Self::StreamMap,
            (Self::Server | Self::Within, _) => Self::Within,
            _ => Self::Elsewhere,
        }
    }
}

/// A way to pass requests on, with directives of its own that set headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Setter {
    Proxy,
    Grpc,
    FastCgi,
    Uwsgi,
    Scgi,
}

impl Setter {
    /// The way whose headers a directive sets.
    pub(super) fn of(directive: &[u8]) -> Option<Self> {
        match directive {
            b"proxy_set_header" => Some(Self::Proxy),
            b"grpc_set_header" => Some(Self::Grpc),
            b"fastcgi_param" => Some(Self::FastCgi),
            b"uwsgi_param" => Some(Self::Uwsgi),
            b"scgi_param" => Some(Self::Scgi),
            _ => None,
        }
    }

    /// The way that a directive passes requests on.
    pub(super) fn of_pass(directive: &[u8]) -> Option<Self> {
        match directive {
            b"grpc_pass" => Some(Self::Grpc),
            b"fastcgi_pass" => Some(Self::FastCgi),
            b"uwsgi_pass" => Some(Self::Uwsgi),
            b"scgi_pass" => Some(Self::Scgi),
            _ => None,
        }
    }

    /// The header that its directive is about, in lower case; none where it is another parameter.
    pub(super) fn header(self, name: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        match self {
            Self::Proxy | Self::Grpc => Some(name),
            // The type of a body has a name without the beginning, too.
            Self::FastCgi | Self::Uwsgi | Self::Scgi if name == "content_type" => {
                Some("content-type".into())
            }
            Self::FastCgi | Self::Uwsgi | Self::Scgi => {
                name.strip_prefix("http_").map(|name| name.replace('_', "-"))
            }
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
    pub(super) sets: BTreeSet<Setter>,
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

impl<'a> Tree<'a> {
    /// The file of this number.
    pub(super) fn source(&self, number: usize) -> Option<&Source<'a>> {
        self.sources.get(number)
    }

    /// Where a span begins.
    pub(super) fn place(&self, span: Span) -> Option<ConfigPlace> {
        Some(self.source(span.source)?.place(span.from))
    }

    /// Whether a file cannot be changed.
    pub(super) fn is_fixed(&self, source: usize) -> bool {
        self.fixed.contains_key(&source)
    }
}

/// Whether requests are read anywhere.
pub(crate) fn reads_requests(tree: &Tree<'_>) -> bool {
    tree.blocks.iter().any(|block| block.place == Place::Http)
}
