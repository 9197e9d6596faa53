//! What is on the servers by our doing, folded from the change records.

use std::collections::BTreeMap;

use stopgap_iis::config::{Entry, Scaffold, Undo};
use stopgap_model::{ActionId, Digest, MitigationId, ServerId, ServerPath};
use stopgap_webserver::rule::WebRule;

/// What carries out an action on the server, with all that is needed to take it out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The mitigation.
    pub mitigation: MitigationId,
    /// Its revision.
    pub revision: u32,
    /// The digest of its document.
    pub hash: Digest,
    /// The action.
    pub action: ActionId,
    /// Whether it was found there, as it would have been written, and not put in.
    pub found: bool,
    /// What was put in, the rule that does the work first.
    pub parts: Vec<Part>,
}

/// One thing that was put into a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The file.
    pub file: ServerPath,
    /// The thing as it was written.
    pub entry: Entry,
    /// The inverse of putting it in.
    pub undo: Undo,
}

impl Placed {
    /// The files that it is in, each once.
    #[must_use]
    pub fn files(&self) -> Vec<ServerPath> {
        let mut files: Vec<ServerPath> = Vec::new();
        for part in &self.parts {
            if files.iter().all(|file| file.key() != part.file.key()) {
                files.push(part.file.clone());
            }
        }
        files
    }
}

/// What is on the server by our doing, folded from the change records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InPlace {
    /// What we put in and did not take out, by action.
    pub actions: BTreeMap<ActionId, Placed>,
    /// The files that carry them, by `ServerPath::key`.
    pub files: BTreeMap<String, OwnFile>,
    /// The rules on the other web servers.
    pub web: BTreeMap<ServerId, OwnRules>,
}

impl InPlace {
    /// What is installed on any server: each time the mitigation, its revision and the digest of its
    /// document.
    pub fn revisions(&self) -> impl Iterator<Item = (&MitigationId, u32, Digest)> {
        let on_iis = self.actions.values().map(|it| (&it.mitigation, it.revision, it.hash));
        let rules = self.web.values().flat_map(|own| &own.rules);
        on_iis.chain(rules.map(|it| (&it.mitigation, it.revision, it.hash)))
    }
}

/// The rules of ours on a web server other than IIS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRules {
    /// The rules, in order.
    pub rules: Vec<WebPlaced>,
    /// The digest of what was written for them.
    pub text: Digest,
    /// The rules that were taken out though a line of ours stays, which takes in nothing.
    pub left: Vec<WebPlaced>,
}

/// A file that carries something of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// The elements we made around it since the file was last without any.
    pub scaffold: Vec<Scaffold>,
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

/// A rule of ours on a web server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebPlaced {
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
