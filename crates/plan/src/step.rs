//! A plan, and the steps that it consists of.

use std::collections::BTreeSet;

use stopgap_model::own_answer::OwnAnswer;
use stopgap_model::report::MitigationReport;
use stopgap_model::web::{WebServer, WebSite};
use stopgap_model::{ActionId, Digest, FileEdit, MitigationId, Reason, ServerId, ServerPath};

use crate::installed::{CapturedService, InstalledAction, InstalledRule, InstalledService};
use crate::target_id::TargetId;

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
    /// The changes of services, each a `Step::Services`. Each is made, or taken back, alone.
    pub services: Vec<Step>,
    /// The other web servers on which the installed rules are as they were written.
    pub unchanged: Vec<UnchangedServer>,
    /// Those on which they are not, or on which that is not known.
    pub altered: Vec<AlteredServer>,
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
    /// An action is installed on IIS.
    Insert(Box<InstalledAction>),
    /// An action is removed from IIS.
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
        rules: Vec<InstalledRule>,
        /// The digest of what is written for them.
        text: Digest,
        /// The actions that are installed, or installed anew.
        installs: Vec<ActionId>,
        /// The actions that are removed.
        removals: Vec<Removal>,
        /// The rules that are removed, now or before, though a line of ours stays in a file that cannot
        /// be changed, and includes nothing.
        left: Vec<InstalledRule>,
    },
    /// From now on these services are disabled for an action, and no others.
    Services(Box<ServicesStep>),
}

/// What becomes of the services of one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicesStep {
    /// The mitigation.
    pub mitigation: MitigationId,
    /// Its revision.
    pub revision: u32,
    /// The digest of its document.
    pub hash: Digest,
    /// The action.
    pub action: ActionId,
    /// The services that are disabled for it afterwards; none where it is removed.
    pub disables: Vec<DisabledService>,
    /// Those that were disabled for it and for no other action, and are given back.
    pub gives_back: Vec<InstalledService>,
    /// Why it is removed, as a sentence without a full stop; `None`: it is installed.
    pub removed: Option<String>,
}

/// A service that is disabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisabledService {
    /// What the records will say of it.
    pub service: InstalledService,
    /// How it is before this change, for its rollback.
    pub before: CapturedService,
}

impl Step {
    /// The mitigations of which the step installs or removes something.
    #[must_use]
    pub fn mitigations(&self) -> Vec<&MitigationId> {
        match self {
            Self::Insert(placed) => vec![&placed.mitigation],
            Self::Remove { mitigation, .. } => vec![mitigation],
            Self::Services(step) => vec![&step.mitigation],
            Self::Rules { rules, installs, removals, .. } => {
                let installs: BTreeSet<&ActionId> = installs.iter().collect();
                let installs = rules.iter().filter(|placed| installs.contains(&placed.action));
                let installs = installs.map(|placed| &placed.mitigation);
                installs.chain(removals.iter().map(|out| &out.mitigation)).collect()
            }
        }
    }

    /// What it changes.
    #[must_use]
    pub fn target(&self) -> TargetId {
        match self {
            Self::Rules { server, .. } => TargetId::Web(server.clone()),
            Self::Insert(_) | Self::Remove { .. } => TargetId::Iis,
            Self::Services(step) => TargetId::Services(step.action.clone()),
        }
    }

    /// What becomes of services, if that is what the step is about.
    #[must_use]
    pub fn into_services(self) -> Option<ServicesStep> {
        match self {
            Self::Services(step) => Some(*step),
            Self::Insert(_) | Self::Remove { .. } | Self::Rules { .. } => None,
        }
    }

    /// Whether the step installs something of a mitigation.
    #[must_use]
    pub fn installs(&self, id: &MitigationId) -> bool {
        self.installed().contains(&id)
    }

    /// The mitigations of which the step installs something.
    #[must_use]
    pub fn installed(&self) -> Vec<&MitigationId> {
        match self {
            Self::Insert(placed) => vec![&placed.mitigation],
            Self::Rules { rules, installs, .. } => {
                let installs = rules.iter().filter(|placed| installs.contains(&placed.action));
                installs.map(|placed| &placed.mitigation).collect()
            }
            Self::Services(step) if step.removed.is_none() => vec![&step.mitigation],
            Self::Services(_) | Self::Remove { .. } => Vec::new(),
        }
    }

    /// The actions that the step installs or removes.
    #[must_use]
    pub fn actions(&self) -> Vec<&ActionId> {
        match self {
            Self::Insert(placed) => vec![&placed.action],
            Self::Remove { action, .. } => vec![action],
            Self::Services(step) => vec![&step.action],
            Self::Rules { installs, removals, .. } => {
                installs.iter().chain(removals.iter().map(|out| &out.action)).collect()
            }
        }
    }
}

/// An action that is removed from a web server other than IIS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The mitigation.
    pub mitigation: MitigationId,
    /// The action.
    pub action: ActionId,
    /// Why, as a sentence without a full stop.
    pub why: String,
}

/// What is to be done on one web server other than IIS.
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
    /// What of ours stays, or may stay, though all of it is taken out.
    pub strays: Vec<Reason>,
    /// The files to be replaced, made or removed, each once.
    pub edits: Vec<FileEdit>,
    /// What the server's own test is made of, before anything is replaced.
    pub staged: Vec<(stopgap_model::ServerPath, Vec<u8>)>,
    /// What they consist of: a `Step::Rules`.
    pub step: Step,
    /// Whether anything is installed that did not fail when it was last tried.
    pub fresh: bool,
    /// The digest of the configuration without anything of ours.
    pub configuration: Digest,
}

/// A web server on which the installed rules are as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnchangedServer {
    /// The server.
    pub server: WebServer,
    /// Its sites.
    pub sites: Vec<WebSite>,
    /// Those of them that the rules do not reach, as their file cannot be changed.
    pub unreached: Vec<WebSite>,
    /// What its configuration answers by itself.
    pub own_answers: Vec<OwnAnswer>,
    /// The rules, in order.
    pub rules: Vec<InstalledRule>,
}

/// A web server on which the installed rules are not as they were written, or on which that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlteredServer {
    /// The server.
    pub server: ServerId,
    /// Whether it does not run and nothing starts it.
    pub dormant: bool,
    /// The rules, in order.
    pub rules: Vec<InstalledRule>,
}
