//! Targets: what there is on a server to carry actions out with.
//!
//! A new kind of target, such as the services of systemd, is one more implementation of [`Target`], which
//! says what is observed, what would be written, and nothing of when. Whether anything is done is decided
//! for all targets alike, in `decide.rs`.

pub(crate) mod iis;
pub(crate) mod iis_pools;
pub(crate) mod iis_rules;
pub(crate) mod nowhere;
pub(crate) mod services;
pub(crate) mod web_rules;

use stopgap_model::reason::{ChangeReason, PolicyReason};
use stopgap_model::report::State;
use stopgap_model::{ActionId, ActionKind, Digest, MitigationId, Reason, Reasons};

use crate::context::ActionContext;
use crate::decision::Decision;

/// One server on which actions of some kinds can be carried out.
pub(crate) trait Target<'a> {
    /// What is written for an action.
    type Content: Clone;

    /// The server's name for a person, where several are named.
    fn name(&self) -> String;

    /// Whether it is a place for actions of this kind, be they carried out or not.
    fn takes(&self, kind: &ActionKind) -> bool;

    /// Whether there is something here that an action could protect.
    fn serves(&self) -> bool;

    /// What is installed here of ours for an action; `None`: nothing is.
    fn installed(&self, action: &ActionId) -> Option<Installed<'_>>;

    /// All that is installed here of ours.
    fn all_installed(&self) -> Vec<Installed<'_>>;

    /// Why all that is installed for an action makes room for what it asks for now, if it does: that is
    /// carried out in another way, or elsewhere.
    fn superseded(&self, _context: &ActionContext<'a>) -> Option<PolicyReason> {
        None
    }

    /// Whether what is installed was recognised by its text, since no record tells of it.
    fn is_recognised(&self, action: &ActionId) -> bool;

    /// What is there of an action that is for this machine.
    fn observe(&self, context: &ActionContext<'a>) -> Observed;

    /// What would be written to carry an action out.
    fn desired(&self, context: &ActionContext<'a>) -> Result<Desired<Self::Content>, Refused>;

    /// What is there of something of ours that no action of the catalog stands for.
    fn observe_orphan(&self, action: &ActionId) -> Orphan;

    /// Where something of ours stands, for a person.
    fn place_of(&self, action: &ActionId) -> String;

    /// The names of the rules of ours for an action, as they are found here.
    fn rules_of(&self, action: &ActionId) -> Vec<String>;

    /// What of ours is there for an action, by name.
    fn installed_names(&self, action: &ActionId) -> Vec<String>;

    /// Why the last try of an action failed here, if it did.
    fn failure(&self, action: &ActionId) -> Option<&str>;

    /// Why nothing is done here, if so: an earlier change is still to be put back.
    fn not_restored(&self) -> Option<&str>;

    /// Why nothing can be changed here, and in which state that leaves an action; `None`: it can.
    fn hindrance(&self) -> Option<(State, Reasons)> {
        None
    }

    /// Whether the server is gone, so that only what is recorded of it is to go.
    fn is_gone(&self) -> bool {
        false
    }

    /// Why the server does not run and nothing starts it, if so.
    fn dormant(&self) -> Option<&Reasons> {
        None
    }

    /// Something with the name of ours that no record tells of and that a person has to take out.
    fn stray(&self, _context: &ActionContext<'a>) -> Option<Stray> {
        None
    }

    /// What an administrator could take out, where an action is not needed here: what others have put there.
    fn no_longer_needed(&self, _context: &ActionContext<'a>) -> Option<Reason> {
        None
    }

    /// The decision with what only this kind of target knows of.
    fn completed(
        &self,
        _context: &ActionContext<'a>,
        decision: Decision<Self::Content>,
    ) -> Decision<Self::Content> {
        decision
    }
}

/// Something that is installed of ours, by the records or by its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Installed<'a> {
    pub(crate) mitigation: &'a MitigationId,
    pub(crate) revision: u32,
    pub(crate) hash: Digest,
    pub(crate) action: &'a ActionId,
    /// The kind of the action, as far as what is installed says it.
    pub(crate) kind: &'static str,
}

/// What is on a target for one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Observed {
    /// It is not known.
    Unknown(Reasons),
    /// The target cannot carry the action out.
    Unable(Reasons),
    /// Nothing is here that the action is about.
    NothingHere(Reasons),
    /// What ours would be called is taken by something else.
    Taken(Reasons),
    /// What is not ours does the same.
    Covered {
        reasons: Reasons,
        /// The names of the rules that do.
        rules: Vec<String>,
        notes: Vec<Reason>,
    },
    /// Nothing does what the action wants.
    Absent {
        /// What falls short of it.
        hints: Vec<Reason>,
        notes: Vec<Reason>,
    },
    /// Ours, as we wrote it.
    Intact {
        /// Where it does not hold, or where that is not known.
        except: Except,
        /// What more there is to say.
        more: Vec<Reason>,
        notes: Vec<Reason>,
    },
    /// Ours, for another revision or by another version of the program.
    Outdated(Reasons),
    /// Ours was there, and is gone.
    Gone(Reasons),
    /// Ours is there, and something changed it or keeps it from its effect.
    Drifted(Reasons),
    /// Nothing can or need be done about how it is.
    Settled(State, Reasons),
}

impl Observed {
    /// Ours, as it was written for another revision.
    pub(crate) fn another_revision(installed: u32, offered: u32) -> Self {
        Self::Outdated(ChangeReason::AnotherRevision { installed, offered }.into())
    }
}

/// Where what is installed does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Except {
    /// Nowhere: it holds.
    Nowhere,
    /// Whether it holds everywhere is not known.
    PerhapsThere(Reason),
    /// It does not hold there.
    There(Reasons),
}

/// What would be written to carry an action out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Desired<C> {
    pub(crate) content: C,
    /// Where, for a person.
    pub(crate) place: String,
    pub(crate) notes: Vec<Reason>,
}

/// Why nothing can be written to carry an action out, and in which state that leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) state: State,
    pub(crate) why: Reasons,
}

/// What is there of something of ours that no action of the catalog stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Orphan {
    /// It is there.
    Stands,
    /// Something changed it.
    Drifted(Reasons),
    /// It is not known.
    Unknown(Reasons),
}

/// Something with the name of ours in no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stray {
    /// The name.
    pub(crate) name: String,
    /// Where.
    pub(crate) at: String,
}
