//! What the configuration of a web server says, once all of it is read.

use std::collections::BTreeSet;

use stopgap_model::FileEdit;
use stopgap_model::host::ServerPath;
use stopgap_model::own_answer::OwnAnswer;
use stopgap_model::reason::{ConfigTrouble, WebGap, WebRefusal};
use stopgap_model::web::{Listen, WebKind, WebSite};

use crate::files::Files;
use crate::passage::Passage;
use crate::placement::Placement;
use crate::rule_text::RuleText;
use crate::{apache, haproxy, nginx};

/// What the configuration of a web server says.
#[derive(Debug)]
pub struct Layout<'a> {
    files: &'a Files,
    kind: Kind<'a>,
}

#[derive(Debug)]
enum Kind<'a> {
    Nginx(nginx::Tree<'a>),
    Apache(apache::Tree<'a>),
    HaProxy(haproxy::Tree<'a>),
}

impl Files {
    /// Reads the configuration from its files.
    ///
    /// # Errors
    /// [`ConfigTrouble`] if they cannot be read as the server reads them.
    pub fn layout(&self) -> Result<Layout<'_>, ConfigTrouble> {
        let kind = match self.server.kind {
            WebKind::Nginx => Kind::Nginx(nginx::read(self)?),
            WebKind::HaProxy => Kind::HaProxy(haproxy::read(self)?),
            WebKind::Apache => Kind::Apache(apache::read(self)?),
        };
        Ok(Layout { files: self, kind })
    }
}

impl Layout<'_> {
    /// Returns the sites that answer HTTP, each once, in the order of the configuration.
    #[must_use]
    pub fn sites(&self) -> Vec<WebSite> {
        let sites = match &self.kind {
            Kind::Nginx(tree) => nginx::sites(tree),
            Kind::Apache(tree) => apache::sites(tree),
            Kind::HaProxy(tree) => haproxy::sites(tree),
        };
        // Several blocks may have one site; the first answers for it.
        let mut once = Vec::new();
        let mut seen = BTreeSet::new();
        for site in sites {
            if seen.insert((site.name.clone(), site.listen.clone(), site.tls)) {
                once.push(site);
            }
        }
        once
    }

    /// Returns what each block answers before Stopgap's rules are asked. For nginx this is nothing, because
    /// Stopgap's lines come first.
    #[must_use]
    pub fn own_answers(&self) -> Vec<OwnAnswer> {
        match &self.kind {
            Kind::Nginx(_) => Vec::new(),
            Kind::Apache(tree) => apache::own_answers(tree),
            Kind::HaProxy(tree) => haproxy::own_answers(tree),
        }
    }

    /// Returns the modules that the configuration loads: Apache's by their identifiers, nginx's by the
    /// names of their files.
    #[must_use]
    pub fn modules(&self) -> Vec<String> {
        match &self.kind {
            Kind::Nginx(tree) => tree.modules.clone(),
            Kind::Apache(tree) => tree.modules.clone(),
            Kind::HaProxy(_) => Vec::new(),
        }
    }

    /// Returns what this text cannot protect by its nature, such as connections that are passed on unread.
    #[must_use]
    pub fn gaps(&self, text: &RuleText) -> Vec<WebGap> {
        match (&self.kind, text) {
            (Kind::Nginx(tree), RuleText::Nginx { server, upstream, .. }) => {
                nginx::gaps(tree, server, upstream)
            }
            (Kind::Apache(tree), RuleText::Apache { server }) if !text.is_empty() => {
                apache::gaps(tree, server)
            }
            (Kind::HaProxy(tree), RuleText::HaProxy { .. }) if !text.is_empty() => {
                haproxy::gaps(tree)
            }
            _ => Vec::new(),
        }
    }

    /// Returns where this text belongs and does not take effect, because a file cannot be changed, could not
    /// be read, or overrides it.
    #[must_use]
    pub fn holes(&self, text: &RuleText) -> Vec<WebGap> {
        match (&self.kind, text) {
            (Kind::Nginx(tree), RuleText::Nginx { http, server, upstream }) => {
                let parts = nginx::Parts::new(tree, http, server, upstream);
                let mut holes = nginx::holes(self.files, tree, &parts);
                holes.extend(nginx::leaks(tree, upstream));
                holes
            }
            (Kind::HaProxy(tree), RuleText::HaProxy { frontend }) => {
                haproxy::holes(self.files, tree, frontend)
            }
            _ => Vec::new(),
        }
    }

    /// Returns what passes connections on without reading their requests.
    #[must_use]
    pub fn passages(&self) -> Vec<Passage> {
        match &self.kind {
            Kind::Nginx(tree) => nginx::passages(tree),
            Kind::HaProxy(tree) => haproxy::passages(tree),
            Kind::Apache(_) => Vec::new(),
        }
    }

    /// Returns the addresses at which requests are read, whether Stopgap can probe them or not.
    #[must_use]
    pub fn listens(&self) -> Vec<Listen> {
        match &self.kind {
            Kind::Nginx(tree) => nginx::listens(tree),
            Kind::Apache(tree) => apache::listens(tree),
            Kind::HaProxy(tree) => haproxy::listens(tree),
        }
    }

    /// Returns whether the server reads requests at all.
    #[must_use]
    pub fn reads_requests(&self) -> bool {
        match &self.kind {
            Kind::Nginx(tree) => nginx::reads_requests(tree),
            Kind::Apache(_) => true,
            Kind::HaProxy(tree) => haproxy::reads_requests(tree),
        }
    }

    /// Returns which lines of Stopgap's stay, or may stay, after a removal. They have no effect.
    #[must_use]
    pub fn strays(&self) -> Vec<WebGap> {
        match &self.kind {
            Kind::Nginx(tree) => nginx::strays(tree),
            Kind::Apache(_) | Kind::HaProxy(_) => Vec::new(),
        }
    }

    /// Returns Stopgap's lines in files that cannot be changed, and whether there are lines in other files.
    #[must_use]
    pub fn lines_left(&self) -> (Vec<WebGap>, bool) {
        match &self.kind {
            Kind::Nginx(tree) => nginx::lines_left(tree),
            Kind::Apache(_) | Kind::HaProxy(_) => (Vec::new(), false),
        }
    }

    /// Returns the sites that [`Layout::holes`] is about. They are not probed.
    #[must_use]
    pub fn unreached(&self, text: &RuleText) -> Vec<WebSite> {
        match (&self.kind, text) {
            (Kind::Nginx(tree), RuleText::Nginx { http, server, upstream }) => {
                nginx::unreached(self.files, tree, &nginx::Parts::new(tree, http, server, upstream))
            }
            (Kind::HaProxy(tree), RuleText::HaProxy { frontend }) => {
                haproxy::unreached(self.files, tree, frontend)
            }
            _ => Vec::new(),
        }
    }

    /// Returns where this text is or would be, for people.
    #[must_use]
    pub fn places(&self, text: &RuleText) -> Vec<String> {
        self.place(text).map(|placement| placement.places).unwrap_or_default()
    }

    /// Returns the edits after which exactly this text of Stopgap's is in the files. The empty text removes
    /// everything of Stopgap's.
    ///
    /// # Errors
    /// [`WebRefusal`] if the text has no place here.
    pub fn place(&self, text: &RuleText) -> Result<Placement, WebRefusal> {
        match (&self.kind, text) {
            (Kind::Nginx(tree), RuleText::None) => {
                nginx::place(self.files, tree, &nginx::Parts::none())
            }
            (Kind::Apache(tree), RuleText::None) => apache::place(self.files, tree, ""),
            (Kind::HaProxy(tree), RuleText::None) => haproxy::place(self.files, tree, &[]),
            (Kind::Nginx(tree), RuleText::Nginx { http, server, upstream }) => {
                nginx::place(self.files, tree, &nginx::Parts::new(tree, http, server, upstream))
            }
            (Kind::Apache(tree), RuleText::Apache { server }) => {
                apache::place(self.files, tree, server)
            }
            (Kind::HaProxy(tree), RuleText::HaProxy { frontend }) => {
                haproxy::place(self.files, tree, frontend)
            }
            _ => Err(WebRefusal::OtherLanguage),
        }
    }

    /// Returns the files that Stopgap would write and that another server may read too, with links followed:
    /// files of the configuration that get lines of Stopgap's, and for Apache Stopgap's own file, because its
    /// folder may be included by another server. Sorted, each once.
    #[must_use]
    pub fn written_files(&self) -> Vec<ServerPath> {
        let files = match &self.kind {
            Kind::Nginx(tree) => nginx::written_files(tree),
            Kind::Apache(tree) => apache::written_files(self.files, tree),
            Kind::HaProxy(tree) => haproxy::written_files(tree),
        };
        BTreeSet::from_iter(files).into_iter().collect()
    }

    /// Returns Stopgap's own files that exist, with their bytes.
    #[must_use]
    pub fn own_files(&self) -> Vec<(ServerPath, &[u8])> {
        let paths = match &self.kind {
            Kind::Nginx(_) => nginx::own_paths(self.files),
            Kind::Apache(tree) => apache::own_paths(self.files, tree),
            Kind::HaProxy(_) => Vec::new(),
        };
        let found = paths.into_iter().filter_map(|path| {
            let (_, bytes) = self.files.found(&path)?;
            Some((path, bytes))
        });
        found.collect()
    }

    /// Returns all of Stopgap's text that is in place; for HAProxy its lines, each with a line end.
    #[must_use]
    pub fn own_text(&self) -> Vec<u8> {
        match &self.kind {
            Kind::HaProxy(tree) => haproxy::own_text(tree),
            Kind::Nginx(_) | Kind::Apache(_) => self
                .own_files()
                .iter()
                .flat_map(|(_, bytes)| [bytes, b"\n".as_slice()])
                .flatten()
                .copied()
                .collect(),
        }
    }

    /// Returns whether Stopgap's text that is in place is exactly this one, even if an include is missing.
    #[must_use]
    pub fn says(&self, text: &RuleText) -> bool {
        let Ok(placement) = self.place(text) else { return false };
        if matches!(self.kind, Kind::HaProxy(_)) {
            return placement.edits.is_empty();
        }
        let own: Vec<&[u8]> = self.own_files().into_iter().map(|(_, bytes)| bytes).collect();
        let is_own = |edit: &FileEdit| {
            edit.after.is_none()
                || edit.before.as_ref().is_none_or(|bytes| own.contains(&bytes.as_slice()))
        };
        !placement.edits.iter().any(is_own)
    }
}
