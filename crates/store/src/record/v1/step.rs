//! What a change consists of.

use serde::{Deserialize, Serialize};
use stopgap_model::{ActionId, Digest, MitigationId, ServerId, ServerPath};

use super::all::all;
use super::iis::{Entry, Undo};
use super::web::WebRule;

#[derive(Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub(super) enum Step {
    Insert(Box<Placed>),
    Remove {
        mitigation: MitigationId,
        action: ActionId,
        files: Vec<ServerPath>,
        why: String,
    },
    Rules {
        server: ServerId,
        rules: Vec<WebPlaced>,
        text: Digest,
        put_in: Vec<ActionId>,
        taken_out: Vec<TakenOut>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        left: Vec<WebPlaced>,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) struct Placed {
    mitigation: MitigationId,
    revision: u32,
    hash: Digest,
    action: ActionId,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    found: bool,
    parts: Vec<Part>,
}

#[derive(Serialize, Deserialize)]
struct Part {
    file: ServerPath,
    entry: Entry,
    undo: Undo,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WebPlaced {
    mitigation: MitigationId,
    revision: u32,
    hash: Digest,
    action: ActionId,
    rule: WebRule,
}

#[derive(Serialize, Deserialize)]
pub(super) struct TakenOut {
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
                put_in,
                taken_out: all(taken_out),
                left: all(left),
            },
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
            Theirs::Rules { server, rules, text, put_in, taken_out, left } => Self::Rules {
                server,
                rules: all(rules),
                text,
                put_in,
                taken_out: all(taken_out),
                left: all(left),
            },
        }
    }
}

impl From<Placed> for stopgap_plan::Placed {
    fn from(it: Placed) -> Self {
        let Placed { mitigation, revision, hash, action, found, parts } = it;
        Self { mitigation, revision, hash, action, found, parts: all(parts) }
    }
}

impl From<stopgap_plan::Placed> for Placed {
    fn from(it: stopgap_plan::Placed) -> Self {
        let stopgap_plan::Placed { mitigation, revision, hash, action, found, parts } = it;
        Self { mitigation, revision, hash, action, found, parts: all(parts) }
    }
}

impl From<Part> for stopgap_plan::Part {
    fn from(Part { file, entry, undo }: Part) -> Self {
        Self { file, entry: entry.into(), undo: undo.into() }
    }
}

impl From<stopgap_plan::Part> for Part {
    fn from(stopgap_plan::Part { file, entry, undo }: stopgap_plan::Part) -> Self {
        Self { file, entry: entry.into(), undo: undo.into() }
    }
}

impl From<WebPlaced> for stopgap_plan::WebPlaced {
    fn from(it: WebPlaced) -> Self {
        let WebPlaced { mitigation, revision, hash, action, rule } = it;
        Self { mitigation, revision, hash, action, rule: rule.into() }
    }
}

impl From<stopgap_plan::WebPlaced> for WebPlaced {
    fn from(it: stopgap_plan::WebPlaced) -> Self {
        let stopgap_plan::WebPlaced { mitigation, revision, hash, action, rule } = it;
        Self { mitigation, revision, hash, action, rule: rule.into() }
    }
}

impl From<TakenOut> for stopgap_plan::TakenOut {
    fn from(TakenOut { mitigation, action, why }: TakenOut) -> Self {
        Self { mitigation, action, why }
    }
}

impl From<stopgap_plan::TakenOut> for TakenOut {
    fn from(it: stopgap_plan::TakenOut) -> Self {
        let stopgap_plan::TakenOut { mitigation, action, why } = it;
        Self { mitigation, action, why }
    }
}
