//! What administrators decided by a command: who, when and why.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stopgap_fs::{Lock, LockError};
use stopgap_model::MitigationId;
use stopgap_model::policy::{Block, Policy, Switch};

use crate::error::{StoreError, unreadable};
use crate::layout::{
    BLOCK, DECISIONS, DECISIONS_LOCK, DECISIONS_SPARE, MAX_RECORD, MORE_DECISIONS,
};
use crate::store::Store;

/// How long a decision waits for another one that is being written. That takes milliseconds, so who
/// waits longer is told, and within the two seconds in which the switch works.
const DECISION_WAIT: Duration = Duration::from_secs(1);

/// The schema of `decisions.toml`, which stands in no file of schema 1: programs of before there were
/// numbers read those, too.
const SCHEMA: u32 = 1;

/// What administrators decided by commands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions {
    /// Automatic mitigation was switched off on this server.
    pub switched_off: Option<Decision>,
    /// The mitigations that were blocked.
    pub blocked: BTreeMap<MitigationId, Decision>,
}

/// One decision of an administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Who decided.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why; empty if nothing was said.
    pub why: String,
    /// Whether what is installed is to be withdrawn.
    pub take_back: bool,
}

/// What every `decisions.toml` of every schema may have.
#[derive(Deserialize)]
struct Numbered {
    #[serde(default = "first_schema")]
    schema: u32,
}

fn first_schema() -> u32 {
    1
}

/// Schema 1 of `decisions.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionsV1 {
    #[serde(default, skip_serializing)]
    #[allow(dead_code, reason = "it was looked at before the rest was read")]
    schema: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    switched_off: Option<DecisionV1>,
    #[serde(default)]
    blocked: BTreeMap<MitigationId, DecisionV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionV1 {
    by: String,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    why: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    take_back: bool,
}

/// The decisions in the bytes of `file`.
///
/// # Errors
/// A newer program wrote it, or it cannot be read.
pub(crate) fn read(file: &str, bytes: &[u8]) -> Result<Decisions, StoreError> {
    let text = std::str::from_utf8(bytes).map_err(|error| unreadable(file, &error))?;
    let wrong = |error: toml::de::Error| unreadable(file, &error.message());
    let Numbered { schema } = toml::from_str(text).map_err(wrong)?;
    if schema > SCHEMA {
        return Err(StoreError::Newer { file: file.to_owned(), schema, known: SCHEMA });
    }
    Ok(toml::from_str::<DecisionsV1>(text).map_err(wrong)?.into())
}

/// The decisions as they are written.
///
/// # Errors
/// None that is known: what decisions are made of can be written.
pub(crate) fn write(decisions: &Decisions) -> Result<String, toml::ser::Error> {
    toml::to_string(&DecisionsV1::from(decisions.clone()))
}

impl From<DecisionsV1> for Decisions {
    fn from(it: DecisionsV1) -> Self {
        let blocked = it.blocked.into_iter().map(|(id, decision)| (id, decision.into())).collect();
        Self { switched_off: it.switched_off.map(Into::into), blocked }
    }
}

impl From<Decisions> for DecisionsV1 {
    fn from(it: Decisions) -> Self {
        let blocked = it.blocked.into_iter().map(|(id, decision)| (id, decision.into())).collect();
        Self { schema: SCHEMA, switched_off: it.switched_off.map(Into::into), blocked }
    }
}

impl From<DecisionV1> for Decision {
    fn from(DecisionV1 { by, at, why, take_back }: DecisionV1) -> Self {
        Self { by, at, why, take_back }
    }
}

impl From<Decision> for DecisionV1 {
    fn from(Decision { by, at, why, take_back }: Decision) -> Self {
        Self { by, at, why, take_back }
    }
}

impl Decisions {
    /// Makes a policy as strict as what was decided. What it does not allow already it keeps.
    pub fn restrict(&self, policy: &mut Policy) {
        if let (Some(said), Switch::On) = (&self.switched_off, &policy.server) {
            policy.server = Switch::Off(said.phrase());
        }
        for (id, said) in &self.blocked {
            let known = policy.blocked.get(id);
            if known.is_none_or(|known| said.take_back && !known.take_back) {
                let block = Block { by: said.phrase(), take_back: said.take_back };
                policy.blocked.insert(id.clone(), block);
            }
        }
    }
}

impl Decision {
    /// Who, when and why, as a phrase.
    #[must_use]
    pub fn phrase(&self) -> String {
        let at = self.at.strftime("%Y-%m-%d %H:%M UTC");
        let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why) };
        format!("{}, {at}{why}", self.by)
    }
}

impl Store {
    /// Changes what administrators decided, at once: nobody who holds the lock is waited for.
    /// Answers what `change` does.
    ///
    /// # Errors
    /// The file cannot be read or written; or another process writes it and does not come to an end
    /// within a second.
    pub fn decide<T>(
        &self,
        holder: &str,
        change: impl FnOnce(&mut Decisions) -> T,
    ) -> Result<T, StoreError> {
        let _lock = self.lock_decisions(holder)?;
        let before = self.decisions()?;
        let mut decisions = before.clone();
        let answer = change(&mut decisions);
        if decisions != before {
            self.save_decisions(&decisions)?;
        }
        Ok(answer)
    }

    pub(crate) fn lock_decisions(&self, holder: &str) -> Result<Lock, LockError> {
        Lock::acquire_named(&self.dir, DECISIONS_LOCK, holder, DECISION_WAIT, &mut |_| {})
    }

    /// What administrators decided by a command.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn decisions(&self) -> Result<Decisions, StoreError> {
        let Some(bytes) = self.dir.read(DECISIONS, MAX_RECORD)? else {
            return Ok(Decisions::default());
        };
        read(DECISIONS, &bytes)
    }

    /// Remembers what administrators decided, on a full disk too.
    fn save_decisions(&self, decisions: &Decisions) -> Result<(), StoreError> {
        let text = write(decisions).map_err(|error| unreadable(DECISIONS, &error))?;
        self.dir.write_even_if_full(DECISIONS, DECISIONS_SPARE, text.as_bytes())?;
        // On a full disk the two files keep the room that they have.
        let _ = self.keep_room_to_decide(text.len());
        Ok(())
    }

    /// Takes room for decisions of `bytes` bytes and for more.
    pub(crate) fn keep_room_to_decide(&self, bytes: usize) -> Result<(), StoreError> {
        let room = (bytes as u64 + MORE_DECISIONS).next_multiple_of(BLOCK);
        for file in [DECISIONS, DECISIONS_SPARE] {
            let has = self.dir.length(file)?.unwrap_or(0);
            self.dir.keep_room(file, room.saturating_sub(has))?;
        }
        Ok(())
    }
}
