//! What is installed on the servers, folded from the change records.

use std::collections::BTreeMap;

use stopgap_iis::config::{Entry, Undo, Wrapper};
use stopgap_model::service::{Service, ServiceFacts, StartMode, StartSetup, StopsToo};
use stopgap_model::{ActionId, Digest, MitigationId, ServerId, ServerPath};
use stopgap_webserver::rule::WebRule;

/// An action that is installed on IIS, with all that is needed to remove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledAction {
    /// The mitigation.
    pub mitigation: MitigationId,
    /// Its revision.
    pub revision: u32,
    /// The digest of its document.
    pub hash: Digest,
    /// The action.
    pub action: ActionId,
    /// Whether it was found there, as Stopgap would have written it, and not installed by a change.
    pub found: bool,
    /// What was written for it, the rule that does the work first.
    pub entries: Vec<InstalledEntry>,
}

/// One entry that was written into a file for an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledEntry {
    /// The file.
    pub file: ServerPath,
    /// The entry as it was written.
    pub entry: Entry,
    /// The inverse of putting it in.
    pub undo: Undo,
}

impl InstalledAction {
    /// The files that it is in, each once.
    #[must_use]
    pub fn files(&self) -> Vec<ServerPath> {
        let mut files: Vec<ServerPath> = Vec::new();
        for part in &self.entries {
            if files.iter().all(|file| file.key() != part.file.key()) {
                files.push(part.file.clone());
            }
        }
        files
    }
}

/// Everything that is installed, folded from the change records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstalledState {
    /// The actions that are installed on IIS.
    pub actions: BTreeMap<ActionId, InstalledAction>,
    /// The files that carry them, by `ServerPath::key`.
    pub files: BTreeMap<String, ManagedFile>,
    /// The rules on the other web servers.
    pub web: BTreeMap<ServerId, InstalledRules>,
    /// The services that are disabled, by action.
    pub services: BTreeMap<ActionId, InstalledServices>,
}

impl InstalledState {
    /// What is installed on any server: each time the mitigation, its revision and the digest of its
    /// document.
    pub fn revisions(&self) -> impl Iterator<Item = (&MitigationId, u32, Digest)> {
        let on_iis = self.actions.values().map(|it| (&it.mitigation, it.revision, it.hash));
        let rules = self.web.values().flat_map(|own| &own.rules);
        let rules = rules.map(|it| (&it.mitigation, it.revision, it.hash));
        let services = self.services.values().map(|it| (&it.mitigation, it.revision, it.hash));
        on_iis.chain(rules).chain(services)
    }
}

/// The services that are disabled for an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledServices {
    /// The mitigation.
    pub mitigation: MitigationId,
    /// Its revision.
    pub revision: u32,
    /// The digest of its document.
    pub hash: Digest,
    /// The action.
    pub action: ActionId,
    /// The services, in the order in which the action names them.
    pub services: Vec<InstalledService>,
}

/// A service that is disabled, with all that is needed to give it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledService {
    /// Its own name.
    pub name: String,
    /// How it was before it was first disabled for any action that still stands.
    pub original: CapturedService,
}

/// How a service was before a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturedService {
    /// How its start was set up.
    pub setup: StartSetup,
    /// Whether nothing started it even then.
    pub was_disabled: bool,
    /// Whether it ran.
    pub ran: bool,
    /// What ran and stops with it, in the order in which that stops.
    pub stops_too: Vec<StopsToo>,
}

impl CapturedService {
    /// How a service is now.
    #[must_use]
    pub fn of(facts: &ServiceFacts) -> Self {
        let Service { setup, start_mode, .. } = &facts.service;
        Self {
            setup: setup.clone(),
            was_disabled: *start_mode == StartMode::Disabled,
            ran: facts.service.runs(),
            stops_too: facts.stops_too.clone(),
        }
    }
}

/// The rules that are installed on one web server other than IIS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledRules {
    /// The rules, in order.
    pub rules: Vec<InstalledRule>,
    /// The digest of what was written for them.
    pub text: Digest,
    /// The rules that were removed though a line of ours stays, which includes nothing.
    pub left: Vec<InstalledRule>,
}

/// A file in which something is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedFile {
    /// The elements that were created around it since the file was last without anything of ours.
    pub wrappers: Vec<Wrapper>,
    /// The bytes before our first change and the digest after our last one, if every change since
    /// began with the bytes that the one before it left.
    pub original: Option<Original>,
}

/// A file as it was before our first change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The digest that the file had after our last change.
    pub tip: Digest,
}

/// A rule that is installed on a web server other than IIS, or that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledRule {
    /// The mitigation.
    pub mitigation: MitigationId,
    /// Its revision.
    pub revision: u32,
    /// The digest of its document.
    pub hash: Digest,
    /// The action.
    pub action: ActionId,
    /// The rule in the server's terms.
    pub rule: WebRule,
}
