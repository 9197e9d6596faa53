//! Decides. Catalog, facts, policy and what is in place go in; the exact list of changes and a
//! report with one state and one reason for everything come out. Pure.
//!
//! Drift, withdrawal and a first application are the same question asked again: what is wanted
//! here, what is here, what takes it from the one to the other.

mod affected;
mod assemble;
mod caching;
mod case;
mod decide;
mod decision;
mod foreign;
mod found;
mod ground;
mod observe;
mod orphans;
mod planner;
mod pools;
mod rest;
mod verify;
mod web;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use stopgap_iis::config::{Entry, Scaffold, Snapshot, Undo};
use stopgap_model::policy::Policy;
use stopgap_model::report::MitigationReport;
use stopgap_model::{ActionId, Catalog, Digest, HostFacts, MitigationId, ServerId, ServerPath};

pub use stopgap_model::FileEdit;

pub use affected::{Affects, affects};
pub use ground::Ground;
pub use planner::{breaks, plan, summary};
pub use rest::{Rest, tried, tried_on_iis};
pub use verify::{Misbehaviour, Probes, verify};
pub use web::{Altered, Standing, TakenOut, WebChange, WebConfig, WebPlaced, rule_text};

/// How the names of our rules begin, so that an administrator knows them in IIS Manager.
pub const RULE_PREFIX: &str = "Stopgap ";

/// Whether a rule of this name is one of ours.
fn is_ours(name: &str) -> bool {
    name.starts_with(RULE_PREFIX)
}

/// The action that a rule of this name carries out, if it is one of ours.
fn action_of(name: &str) -> Option<&str> {
    let (start, rest) = name.split_at_checked(RULE_PREFIX.len())?;
    start.eq_ignore_ascii_case(RULE_PREFIX).then(|| rest.split(' ').next().unwrap_or_default())
}

/// The name of the rule that carries out an action.
#[must_use]
pub fn rule_name(action: &ActionId) -> String {
    format!("{RULE_PREFIX}{action}")
}

/// Everything a decision is made from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The verified mitigations.
    pub catalog: &'a Catalog,
    /// What was identified on the server.
    pub facts: &'a HostFacts,
    /// The configuration files that were read.
    pub snapshot: &'a Snapshot,
    /// The other web servers, with their configuration.
    pub web: &'a [WebConfig],
    /// Those of which records tell and that are gone with their configuration.
    pub gone: &'a BTreeSet<ServerId>,
    /// What is allowed.
    pub policy: &'a Policy,
    /// What the change records say we did.
    pub in_place: &'a InPlace,
    /// What failed when it was last tried.
    pub failures: &'a Failures,
    /// What was asked for beside the cycle's own duty.
    pub order: &'a Order,
}

/// What failed when it was last tried, with the errors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failures {
    /// On IIS, by action.
    pub actions: BTreeMap<ActionId, String>,
    /// On the other web servers, by server and action.
    pub web: BTreeMap<(ServerId, ActionId), String>,
    /// Servers on which a change could not be taken back whole; `None` is IIS. Until it is, nothing is
    /// done to them.
    pub stuck: BTreeMap<Option<ServerId>, String>,
    /// Those that are not tried again with the same, by server, `None` being IIS, and action.
    pub rests: BTreeMap<(Option<ServerId>, ActionId), Rest>,
}

impl Failures {
    /// What is tried again from a time up to `now`, in seconds since 1970, rests no longer.
    pub fn wake(&mut self, now: i64) {
        let is_due = |rest: &Rest| rest.again.as_ref().is_some_and(|(from, _)| *from <= now);
        self.rests.retain(|_, rest| !is_due(rest));
    }

    /// These, too; of one action the later ones hold.
    pub fn add(&mut self, later: &Self) {
        self.actions.extend(later.actions.clone());
        self.web.extend(later.web.clone());
        self.stuck.extend(later.stuck.clone());
        self.rests.extend(later.rests.clone());
    }

    /// Why nothing is done to the files of IIS, if so.
    #[must_use]
    pub fn stuck_iis(&self) -> Option<&str> {
        self.stuck.get(&None).map(String::as_str)
    }
}

/// What an administrator asked of this one cycle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// Change nothing but these mitigations. `None`: all.
    pub only: Option<BTreeSet<MitigationId>>,
    /// Take these back in this cycle, whether they are needed or not.
    pub take_back: BTreeSet<MitigationId>,
    /// Put these right in this cycle, even if drift is only to be reported.
    pub reapply: BTreeSet<MitigationId>,
}

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
