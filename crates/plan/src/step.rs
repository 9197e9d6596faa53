//! A plan, and the steps that it consists of.

use stopgap_model::own_answer::OwnAnswer;
use stopgap_model::report::MitigationReport;
use stopgap_model::web::{WebServer, WebSite};
use stopgap_model::{ActionId, Digest, FileEdit, MitigationId, ServerId, ServerPath};

use crate::installed::{Placed, WebPlaced};

/// What is to be done, and the state of everything as it was observed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Plan {
    /// The files to be replaced, each once.
    pub edits: Vec<FileEdit>,
    /// What the edits consist of, in order.
    pub steps: Vec<Step>,
    /// The changes of the other web servers. Each is made, or taken back, alone.
    pub web: Vec<WebChange>,
    /// The other web servers on which rules of ours stand as they were written.
    pub standing: Vec<Standing>,
    /// Those on which the rules of the records do not stand so, or are not known to.
    pub altered: Vec<Altered>,
    /// Every mitigation with its state before the edits, and the reason.
    pub report: Vec<MitigationReport>,
}

impl Plan {
    /// Every file that is to be replaced, made or removed.
    pub fn all_edits(&self) -> impl Iterator<Item = &FileEdit> {
        self.edits.iter().chain(self.web.iter().flat_map(|change| &change.edits))
    }
}

/// One change of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// What carries out an action is put in.
    Insert(Box<Placed>),
    /// What we put in is taken out.
    Remove {
        /// The mitigation.
        mitigation: MitigationId,
        /// The action.
        action: ActionId,
        /// The files it is taken from.
        files: Vec<ServerPath>,
        /// Why, as a sentence without a full stop.
        why: String,
    },
    /// From now on a web server other than IIS has exactly these rules of ours.
    Rules {
        /// The server.
        server: ServerId,
        /// The rules, in order.
        rules: Vec<WebPlaced>,
        /// The digest of what is written for them.
        text: Digest,
        /// The actions that are put in, or put in anew.
        put_in: Vec<ActionId>,
        /// The actions that are taken out.
        taken_out: Vec<TakenOut>,
        /// The rules that are taken out, now or before, though a line of ours stays in a file that cannot
        /// be changed, and takes in nothing.
        left: Vec<WebPlaced>,
    },
}

impl Step {
    /// The mitigations of which the step puts something in or takes something out.
    #[must_use]
    pub fn mitigations(&self) -> Vec<&MitigationId> {
        match self {
            Self::Insert(placed) => vec![&placed.mitigation],
            Self::Remove { mitigation, .. } => vec![mitigation],
            Self::Rules { rules, put_in, taken_out, .. } => {
                let put_in = rules.iter().filter(|placed| put_in.contains(&placed.action));
                let put_in = put_in.map(|placed| &placed.mitigation);
                put_in.chain(taken_out.iter().map(|out| &out.mitigation)).collect()
            }
        }
    }

    /// The web server whose rules it is about; `None`: IIS.
    #[must_use]
    pub fn server(&self) -> Option<&ServerId> {
        match self {
            Self::Rules { server, .. } => Some(server),
            Self::Insert(_) | Self::Remove { .. } => None,
        }
    }

    /// The actions that the step puts in or takes out.
    #[must_use]
    pub fn actions(&self) -> Vec<&ActionId> {
        match self {
            Self::Insert(placed) => vec![&placed.action],
            Self::Remove { action, .. } => vec![action],
            Self::Rules { put_in, taken_out, .. } => {
                put_in.iter().chain(taken_out.iter().map(|out| &out.action)).collect()
            }
        }
    }
}

/// An action that is taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOut {
    /// The mitigation.
    pub mitigation: MitigationId,
    /// The action.
    pub action: ActionId,
    /// Why, as a sentence without a full stop.
    pub why: String,
}

/// What is to be done on one web server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebChange {
    /// The server.
    pub server: WebServer,
    /// Its sites.
    pub sites: Vec<WebSite>,
    /// Those of them that the rules do not reach, as their file cannot be changed.
    pub unreached: Vec<WebSite>,
    /// What its sites answer by themselves.
    pub own_answers: Vec<OwnAnswer>,
    /// What of ours stays, or may stay, though all of it is taken out: sentences without a full stop.
    pub strays: Vec<String>,
    /// The files to be replaced, made or removed, each once.
    pub edits: Vec<FileEdit>,
    /// What the server's own test is made of, before anything is replaced.
    pub staged: Vec<(stopgap_model::ServerPath, Vec<u8>)>,
    /// What they consist of: a `Step::Rules`.
    pub step: Step,
    /// Whether anything is put in that did not fail when it was last tried.
    pub fresh: bool,
    /// The digest of the configuration without anything of ours.
    pub configuration: Digest,
}

/// A web server on which rules of ours stand as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The server.
    pub server: WebServer,
    /// Its sites.
    pub sites: Vec<WebSite>,
    /// Those of them that the rules do not reach, as their file cannot be changed.
    pub unreached: Vec<WebSite>,
    /// What its configuration answers by itself.
    pub own_answers: Vec<OwnAnswer>,
    /// The rules, in order.
    pub rules: Vec<WebPlaced>,
}

/// A web server on which the records tell of rules of ours that do not stand as they were written, or of
/// which that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Altered {
    /// The server.
    pub server: ServerId,
    /// Whether it does not run and nothing starts it.
    pub dormant: bool,
    /// The rules, in order.
    pub rules: Vec<WebPlaced>,
}
