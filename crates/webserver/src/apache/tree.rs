//! What the configuration of Apache says, as far as it concerns us.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::host::ServerPath;
use stopgap_model::reason::ConfigPlace;

use super::own::Own;
use crate::source::Source;

/// The configuration of Apache.
#[derive(Debug, Default)]
pub(crate) struct Tree<'a> {
    pub(super) sources: Vec<Source<'a>>,
    /// The file of each name.
    pub(super) names: BTreeMap<ServerPath, usize>,
    pub(super) listens: Vec<Vec<String>>,
    /// The main server is the first.
    pub(super) hosts: Vec<Host>,
    pub(crate) modules: Vec<String>,
    /// The includes by a pattern that hold for the whole server.
    pub(super) includes: Vec<Include>,
    /// The lines of ours that include a file of ours: the file, from, to.
    pub(super) own: Vec<(usize, usize, usize)>,
    /// Where `Satisfy Any` stands.
    pub(super) satisfy_any: BTreeSet<(usize, usize)>,
    /// The uses of macros of which it is not known what they say, with the name.
    pub(super) unknown_uses: BTreeMap<(usize, usize), String>,
}

/// An include by a pattern, outside of every section but those whose condition holds.
#[derive(Debug, Clone)]
pub(super) struct Include {
    pub(super) source: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    /// The pattern, from the root of the file system on.
    pub(super) pattern: ServerPath,
    pub(super) found: Vec<ServerPath>,
    /// How many modules were loaded before it.
    pub(super) loaded: usize,
}

/// A virtual host, or the main server.
#[derive(Debug, Default)]
pub(super) struct Host {
    pub(super) addresses: Vec<String>,
    pub(super) name: Option<String>,
    pub(super) aliases: Vec<String>,
    pub(super) tls: Option<bool>,
    pub(super) proxied: bool,
    /// What it answers by itself.
    pub(super) own: Own,
}

impl<'a> Tree<'a> {
    /// The file of this number.
    pub(super) fn source(&self, number: usize) -> Option<&Source<'a>> {
        self.sources.get(number)
    }

    /// A place in a file.
    pub(super) fn place(&self, (source, at): (usize, usize)) -> Option<ConfigPlace> {
        Some(self.source(source)?.place(at))
    }
}
