//! What a change consists of.

use serde::{Deserialize, Serialize};
use stopgap_model::{ActionId, Digest, MitigationId, ServerId, ServerPath};

use super::all::all;
use super::iis::{Entry, Undo};
use super::services::Services;
use super::web::WebRule;

#[derive(Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub(super) enum Step {
    Insert(Box<InstalledAction>),
    Remove {
        mitigation: MitigationId,
        action: ActionId,
        files: Vec<ServerPath>,
        why: String,
    },
    Rules {
        server: ServerId,
        rules: Vec<InstalledRule>,
        text: Digest,
        put_in: Vec<ActionId>,
        taken_out: Vec<Removal>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left: Vec<InstalledRule>,
    },
    Services(Box<Services>),
}

#[derive(Serialize, Deserialize)]
pub(super) struct InstalledAction {
    mitigation: MitigationId,
    revision: u32,
    hash: Digest,
    action: ActionId,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    found: bool,
    parts: Vec<InstalledEntry>,
}

#[derive(Serialize, Deserialize)]
struct InstalledEntry {
    file: ServerPath,
    entry: Entry,
    undo: Undo,
}

#[derive(Serialize, Deserialize)]
pub(super) struct InstalledRule {
    mitigation: MitigationId,
    revision: u32,
    hash: Digest,
    action: ActionId,
    rule: WebRule,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Removal {
    mitigation: MitigationId,
    action: ActionId,
    why: String,
}

impl From<Step> for stopgap_plan::Step {
    fn from(it: Step) -> Self {
        match it {
            Step::Insert(placed) => Self::Insert(Box::new((*placed).into())),
            Step::Remove { mitigation, action, files, why } => {
                Self::Remove { mitigation, action, files, why }
            }
            Step::Rules { server, rules, text, put_in, taken_out, left } => Self::Rules {
                server,
                rules: all(rules),
                text,
                installs: put_in,
                removals: all(taken_out),
                left: all(left),
            },
            Step::Services(step) => Self::Services(Box::new((*step).into())),
        }
    }
}

impl From<stopgap_plan::Step> for Step {
    fn from(it: stopgap_plan::Step) -> Self {
        use stopgap_plan::Step as Theirs;
        match it {
            Theirs::Insert(placed) => Self::Insert(Box::new((*placed).into())),
            Theirs::Remove { mitigation, action, files, why } => {
                Self::Remove { mitigation, action, files, why }
            }
            Theirs::Rules { server, rules, text, installs, removals, left } => Self::Rules {
                server,
                rules: all(rules),
                text,
                put_in: installs,
                taken_out: all(removals),
                left: all(left),
            },
            Theirs::Services(step) => Self::Services(Box::new((*step).into())),
        }
    }
}

impl From<InstalledAction> for stopgap_plan::InstalledAction {
    fn from(it: InstalledAction) -> Self {
        let InstalledAction { mitigation, revision, hash, action, found, parts } = it;
        Self { mitigation, revision, hash, action, found, entries: all(parts) }
    }
}

impl From<stopgap_plan::InstalledAction> for InstalledAction {
    fn from(it: stopgap_plan::InstalledAction) -> Self {
        let stopgap_plan::InstalledAction { mitigation, revision, hash, action, found, entries } =
            it;
        Self { mitigation, revision, hash, action, found, parts: all(entries) }
    }
}

impl From<InstalledEntry> for stopgap_plan::InstalledEntry {
    fn from(InstalledEntry { file, entry, undo }: InstalledEntry) -> Self {
        Self { file, entry: entry.into(), undo: undo.into() }
    }
}

impl From<stopgap_plan::InstalledEntry> for InstalledEntry {
    fn from(
        stopgap_plan::InstalledEntry { file, entry, undo }: stopgap_plan::InstalledEntry,
    ) -> Self {
        Self { file, entry: entry.into(), undo: undo.into() }
    }
}

impl From<InstalledRule> for stopgap_plan::InstalledRule {
    fn from(it: InstalledRule) -> Self {
        let InstalledRule { mitigation, revision, hash, action, rule } = it;
        Self { mitigation, revision, hash, action, rule: rule.into() }
    }
}

impl From<stopgap_plan::InstalledRule> for InstalledRule {
    fn from(it: stopgap_plan::InstalledRule) -> Self {
        let stopgap_plan::InstalledRule { mitigation, revision, hash, action, rule } = it;
        Self { mitigation, revision, hash, action, rule: rule.into() }
    }
}

impl From<Removal> for stopgap_plan::Removal {
    fn from(Removal { mitigation, action, why }: Removal) -> Self {
        Self { mitigation, action, why }
    }
}

impl From<stopgap_plan::Removal> for Removal {
    fn from(it: stopgap_plan::Removal) -> Self {
        let stopgap_plan::Removal { mitigation, action, why } = it;
        Self { mitigation, action, why }
    }
}
