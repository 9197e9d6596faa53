//! Documents: what a publisher must know of one, the tombstone of a withdrawn one, and the policy.

use serde::Deserialize;
use stopgap_model::{MitigationId, Problem};

/// The largest document, in bytes, as servers read it.
pub(crate) const MAX_DOCUMENT: u64 = stopgap_model::document::MAX_DOCUMENT as u64;

/// The target that is the organisation's policy.
pub(crate) const POLICY: &str = "policy.toml";

/// The longest reason of a withdrawal, in characters: it stands in a table of 80 columns.
const MAX_REASON: usize = 200;

/// What a publisher must know of a document that was found good.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Head {
    pub(crate) id: MitigationId,
    pub(crate) revision: u32,
    title: String,
    severity: String,
    pub(crate) withdrawn: Option<String>,
}

impl Head {
    /// Reads it; `None` if it is not a document.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        toml::from_str(std::str::from_utf8(bytes).ok()?).ok()
    }

    /// The target's name.
    pub(crate) fn target(&self) -> String {
        target_of(&self.id)
    }

    /// The document that takes this one back on every server; `None` if there is no higher
    /// revision.
    pub(crate) fn tombstone(&self, reason: &str) -> Option<String> {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        Some(format!(
            "schema    = 1\nid        = {}\nrevision  = {}\ntitle     = {}\nseverity  = {}\n\
             impact    = \"None: it is withdrawn.\"\nwithdrawn = {}\n",
            quoted(self.id.as_str()),
            self.revision.checked_add(1)?,
            quoted(&self.title),
            quoted(&self.severity),
            quoted(reason),
        ))
    }
}

/// The target of a mitigation.
pub(crate) fn target_of(id: &MitigationId) -> String {
    format!("{id}.toml")
}

/// Whether a reason can stand in a document: one line of some length.
pub(crate) fn is_reason(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= MAX_REASON
        && stopgap_terminal::plain(text) == text
}

/// The organisation's policy, as a feed carries it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    enabled: Option<bool>,
    blocked: Option<Vec<MitigationId>>,
}

/// What a policy says, in a few words; `None` if it cannot be read.
pub(crate) fn policy_of(bytes: &[u8]) -> Option<String> {
    let policy: Policy = toml::from_str(std::str::from_utf8(bytes).ok()?).ok()?;
    let switch = if policy.enabled.unwrap_or(true) { "on" } else { "EVERYTHING OFF" };
    let blocked: Vec<String> =
        policy.blocked.unwrap_or_default().iter().map(ToString::to_string).collect();
    let blocked = if blocked.is_empty() { "nothing".into() } else { blocked.join(", ") };
    Some(format!("{switch}, blocks {blocked}"))
}

/// What is wrong in a policy.
pub(crate) fn policy_problem(bytes: &[u8]) -> Option<Problem> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            return Some(Problem::new(at..at + 1, format!("byte {at} is not UTF-8")));
        }
    };
    let error = toml::from_str::<Policy>(text).err()?;
    let problem = Problem::new(error.span().unwrap_or(0..0), error.message());
    Some(problem.help("the keys are `enabled = true` or `false`, and `blocked = [\"ID\"]`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_is_the_next_revision_whatever_the_words() {
        let text =
            "id = \"A-1\"\nrevision = 7\ntitle = 'say \"no\"'\nseverity = \"low\"\nother = 1";
        let head = Head::of(text.as_bytes()).unwrap();
        let tombstone = head.tombstone("a \"b\" \\ ' c").unwrap();
        let read = Head::of(tombstone.as_bytes()).unwrap();
        assert_eq!((read.revision, read.withdrawn.as_deref()), (8, Some("a \"b\" \\ ' c")));
        assert_eq!((read.id, read.title), (head.id.clone(), head.title.clone()));
        assert_eq!(Head { revision: u32::MAX, ..head }.tombstone("x"), None);
    }

    #[test]
    fn a_reason_is_one_line() {
        assert!(is_reason("the fix is out"));
        for bad in ["", "  ", "two\nlines", "\u{1b}[31m", "\u{202e}", &"x".repeat(201)] {
            assert!(!is_reason(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_policy_with_another_key_is_told() {
        assert_eq!(policy_problem(b"enabled = false\nblocked = [\"M1\"]"), None);
        assert_eq!(policy_problem(b""), None);
        assert_eq!(policy_of(b"").as_deref(), Some("on, blocks nothing"));
        let off = policy_of(b"enabled = false\nblocked = [\"M1\"]");
        assert_eq!(off.as_deref(), Some("EVERYTHING OFF, blocks M1"));
        assert_eq!(policy_of(b"enabeld = false"), None);
        for bad in [&b"enabeld = false"[..], b"blocked = [\"../x\"]", b"enabled = 1", b"\xff"] {
            assert!(policy_problem(bad).is_some());
        }
    }
}
