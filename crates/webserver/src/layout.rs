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
    /// What the files say.
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
    /// The sites that answer HTTP, each once, in order.
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

    /// What each block answers by itself. Of nginx nothing: our lines come first.
    #[must_use]
    pub fn own_answers(&self) -> Vec<OwnAnswer> {
        match &self.kind {
            Kind::Nginx(_) => Vec::new(),
            Kind::Apache(tree) => apache::own_answers(tree),
            Kind::HaProxy(tree) => haproxy::own_answers(tree),
        }
    }

    /// The modules that the configuration loads: Apache's by their identifiers, nginx's by the
    /// names of their files.
    #[must_use]
    pub fn modules(&self) -> Vec<String> {
        match &self.kind {
            Kind::Nginx(tree) => tree.modules.clone(),
            Kind::Apache(tree) => tree.modules.clone(),
            Kind::HaProxy(_) => Vec::new(),
        }
    }

    /// What this text does not reach, or not all of it, wherever the configuration stands.
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

    /// What this text does not reach though it belongs there, because a file cannot be changed, is not
    /// known, or says otherwise.
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

    /// What passes connections on without reading requests.
    #[must_use]
    pub fn passages(&self) -> Vec<Passage> {
        match &self.kind {
            Kind::Nginx(tree) => nginx::passages(tree),
            Kind::HaProxy(tree) => haproxy::passages(tree),
            Kind::Apache(_) => Vec::new(),
        }
    }

    /// Where requests are read, whether it can be asked there or not.
    #[must_use]
    pub fn listens(&self) -> Vec<Listen> {
        match &self.kind {
            Kind::Nginx(tree) => nginx::listens(tree),
            Kind::Apache(tree) => apache::listens(tree),
            Kind::HaProxy(tree) => haproxy::listens(tree),
        }
    }

    /// Whether requests are read anywhere.
    #[must_use]
    pub fn reads_requests(&self) -> bool {
        match &self.kind {
            Kind::Nginx(tree) => nginx::reads_requests(tree),
            Kind::Apache(_) => true,
            Kind::HaProxy(tree) => haproxy::reads_requests(tree),
        }
    }

    /// What of ours stays, or may stay, when all of it is taken out, and does nothing.
    #[must_use]
    pub fn strays(&self) -> Vec<WebGap> {
        match &self.kind {
            Kind::Nginx(tree) => nginx::strays(tree),
            Kind::Apache(_) | Kind::HaProxy(_) => Vec::new(),
        }
    }

    /// The lines of ours that are there in files that cannot be changed, and whether there are others.
    #[must_use]
    pub fn lines_left(&self) -> (Vec<WebGap>, bool) {
        match &self.kind {
            Kind::Nginx(tree) => nginx::lines_left(tree),
            Kind::Apache(_) | Kind::HaProxy(_) => (Vec::new(), false),
        }
    }

    /// The sites that this text does not reach for such a reason. Whether it does is not asked of them.
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

    /// Where this text is or would be, for a person.
    #[must_use]
    pub fn places(&self, text: &RuleText) -> Vec<String> {
        self.place(text).map(|placement| placement.places).unwrap_or_default()
    }

    /// What brings the files from what they are to exactly this text of ours in place; the empty
    /// text takes all of ours out.
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

    /// The files that are shared with whatever else reads them, links followed: those of others in
    /// which lines of ours would stand, and Apache's file of ours, which is in a folder that another
    /// server may take in, too. Sorted, each once.
    #[must_use]
    pub fn written_files(&self) -> Vec<ServerPath> {
        let files = match &self.kind {
            Kind::Nginx(tree) => nginx::written_files(tree),
            Kind::Apache(tree) => apache::written_files(self.files, tree),
            Kind::HaProxy(tree) => haproxy::written_files(tree),
        };
        BTreeSet::from_iter(files).into_iter().collect()
    }

    /// The files of ours that are there, with their bytes.
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

    /// What of ours is there, as text: of HAProxy the lines, each with its end.
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

    /// Whether what of ours is there is exactly this text, included everywhere or not.
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
