//! Every check with its outcome.

use std::fmt;

use crate::content::Verified;
use crate::refusal::Refusal;

/// The checks, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckName {
    /// Bytes that are read at all.
    Document,
    /// The one form of signature that is accepted.
    SignatureForm,
    /// The document is the one that was signed.
    Digest,
    /// The signer's certificate and its key.
    Certificate,
    /// The signature verifies.
    Signature,
    /// The countersignature stamps this signature.
    TimeStamp,
    /// The stamping authority is trusted.
    StampingAuthority,
    /// The signer's certificate is for signing feeds.
    SignerUse,
    /// The signer's path leads to an anchor.
    SignerPath,
    /// What was signed is a feed.
    Content,
}

impl CheckName {
    /// The name as it is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::SignatureForm => "signature form",
            Self::Digest => "digest",
            Self::Certificate => "certificate",
            Self::Signature => "signature",
            Self::TimeStamp => "time stamp",
            Self::StampingAuthority => "stamping authority",
            Self::SignerUse => "signer use",
            Self::SignerPath => "signer path",
            Self::Content => "content",
        }
    }
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One check that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub name: CheckName,
    /// What was found, or why it failed.
    pub outcome: Result<String, Refusal>,
}

/// Every check that was made, and what came of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Report {
    /// The checks in their order. What could not be judged after a failure is not there.
    pub checks: Vec<Check>,
    /// The verified feed, or the first failure.
    pub outcome: Result<Verified, Refusal>,
}

/// Checks as they are made.
#[derive(Debug, Default)]
pub(crate) struct Record(Vec<Check>);

impl Record {
    /// Notes the outcome of a check, and answers what it found.
    pub(crate) fn note<T>(
        &mut self,
        name: CheckName,
        outcome: Result<T, Refusal>,
        detail: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let (outcome, found) = match outcome {
            Ok(found) => (Ok(detail(&found)), Some(found)),
            Err(refusal) => (Err(refusal), None),
        };
        self.0.push(Check { name, outcome });
        found
    }

    /// The first failure.
    pub(crate) fn failure(&self) -> Option<Refusal> {
        self.0.iter().find_map(|check| check.outcome.clone().err())
    }

    /// The report; `content` is asked only if nothing failed.
    pub(crate) fn finish(mut self, content: impl FnOnce() -> Result<Verified, Refusal>) -> Report {
        if let Some(refusal) = self.failure() {
            return Report { checks: self.0, outcome: Err(refusal) };
        }
        let outcome = content();
        self.note(CheckName::Content, outcome.as_ref().map_err(Clone::clone), |feed| {
            let actions: usize = feed.configs().iter().map(|config| config.actions.len()).sum();
            format!(
                "EOCS version {}: {}, {}",
                feed.version(),
                counted(feed.configs().len(), "mitigation"),
                counted(actions, "action")
            )
        });
        Report { checks: self.0, outcome }
    }
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
