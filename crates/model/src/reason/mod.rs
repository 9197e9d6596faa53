//! Why something is as it is: each reason is a value with a stable code and the facts, and shows itself as
//! a sentence in plain English, without a full stop.
//!
//! A family of reasons has a file of its own here, whichever crate finds them, so that one place lists all
//! that a report can say. `docs/reasons.md` says of each code what it means and what to do about it.
//!
//! To add a family: a file beside this one that uses [`family!`](family), its variant in `reasons!` below,
//! and its codes in `docs/reasons.md`.

mod affected;
mod change;
mod family;
mod file;
mod found;
mod iis;
mod iis_pool;
mod iis_rule;
mod installed;
mod offer;
mod other;
mod policy;
mod probe;
mod program;
mod reload;
mod rule;
mod server;
mod service;
mod together;
mod web_config;
mod web_rule;
mod webserver;

use std::fmt;

use serde::{Serialize, Serializer};

pub use affected::{AffectedReason, Product, ProductPlace};
pub use change::ChangeReason;
pub use file::FileReason;
pub use found::FoundReason;
pub use iis::IisReason;
pub use iis_pool::PoolReason;
pub use iis_rule::IisRuleReason;
pub use installed::InstalledReason;
pub use offer::OfferReason;
pub use other::OtherReason;
pub use policy::PolicyReason;
pub use probe::ProbeReason;
pub use program::ProgramReason;
pub use reload::ReloadReason;
pub use rule::RuleReason;
pub use server::ServerReason;
pub use service::ServiceReason;
pub use together::TogetherReason;
pub use web_config::{ConfigFault, ConfigTrouble};
pub use web_rule::WebRuleReason;
pub use webserver::{ConfigPlace, WebDifference, WebGap, WebRefusal};

/// Defines [`Reason`] from its families.
macro_rules! reasons {
    ($( $(#[$doc:meta])* $family:ident($type:ty) ),* $(,)?) => {
        /// One reason, remark or refusal.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        pub enum Reason {
            $( $(#[$doc])* #[error(transparent)] $family(#[from] $type) ),*
        }

        impl Reason {
            /// The stable code, for programs: kebab-case.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self { $( Self::$family(reason) => reason.code() ),* }
            }

            /// The codes of all reasons that there are.
            pub fn codes() -> impl Iterator<Item = &'static str> {
                let families: &[&'static [&'static str]] = &[$( <$type>::CODES ),*];
                families.iter().copied().flatten().copied()
            }
        }

        /// The code and the facts, and beside them the sentence as `text`.
        impl Serialize for Reason {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                #[derive(Serialize)]
                struct Shown<'r, T> {
                    #[serde(flatten)]
                    facts: &'r T,
                    text: String,
                }
                let text = self.to_string();
                match self {
                    $( Self::$family(facts) => Shown { facts, text }.serialize(serializer) ),*
                }
            }
        }

        $(
            impl From<$type> for Reasons {
                fn from(reason: $type) -> Self {
                    Self::from(Reason::from(reason))
                }
            }
        )*
    };
}

reasons! {
    /// What the administrator, the organisation or the publisher says.
    Policy(PolicyReason),
    /// What keeps an offer from being applied.
    Offer(OfferReason),
    /// What a rule cannot say on a server.
    Rule(RuleReason),
    /// Why the configuration of a web server cannot be read.
    WebConfig(ConfigTrouble),
    /// What a rule does not reach on a web server.
    WebGap(WebGap),
    /// Why rules have no place in the configuration of a web server.
    WebRefusal(WebRefusal),
    /// How what is in place on a web server differs from what is to be.
    WebDifference(WebDifference),
    /// What of IIS's configuration cannot be read, does not work, or has no place for a rule.
    Iis(IisReason),
    /// Whether a mitigation is for this server.
    Affected(AffectedReason),
    /// What is installed, and what becomes of it.
    Change(ChangeReason),
    /// What there is to protect.
    Server(ServerReason),
    /// What probes show.
    Probe(ProbeReason),
    /// How a rule stands on IIS.
    IisRule(IisRuleReason),
    /// How application pools stand.
    Pool(PoolReason),
    /// How services stand.
    Service(ServiceReason),
    /// How rules stand on another web server.
    WebRule(WebRuleReason),
    /// Reasons of several actions or servers.
    Together(TogetherReason),
    /// What keeps a file or folder from being used.
    File(FileReason),
    /// What becomes of asking a program or a process.
    Program(ProgramReason),
    /// What is not known of what is installed.
    Installed(InstalledReason),
    /// How web servers are found and started.
    Found(FoundReason),
    /// How web servers take their configuration.
    Reload(ReloadReason),
    /// What is known as a sentence only.
    Other(OtherReason),
}

/// Why something is as it is: at least one reason. The first is the main one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reasons {
    // In a box, because a reason may carry the reasons that it follows from.
    first: Box<Reason>,
    more: Vec<Reason>,
}

impl Reasons {
    /// A sentence without a full stop, where it is all that is known: of an older record, say.
    #[must_use]
    pub fn text(sentence: impl Into<String>) -> Self {
        OtherReason::Text { why: sentence.into() }.into()
    }

    /// The main reason.
    #[must_use]
    pub fn main(&self) -> &Reason {
        &self.first
    }

    /// All reasons, the main one first.
    pub fn iter(&self) -> impl Iterator<Item = &Reason> {
        std::iter::once(&*self.first).chain(&self.more)
    }

    /// Adds a reason behind the others.
    pub fn push(&mut self, reason: impl Into<Reason>) {
        self.more.push(reason.into());
    }

    /// These reasons with others behind them.
    #[must_use]
    pub fn and(mut self, others: impl Into<Self>) -> Self {
        let Self { first, more } = others.into();
        self.more.push(*first);
        self.more.extend(more);
        self
    }

    /// These reasons; `None` where there is none.
    pub fn collect(reasons: impl IntoIterator<Item = Reason>) -> Option<Self> {
        let mut reasons = reasons.into_iter();
        let first = Box::new(reasons.next()?);
        Some(Self { first, more: reasons.collect() })
    }

    /// Whether one of them, not of those that they follow from, has this code.
    #[must_use]
    pub fn has(&self, code: &str) -> bool {
        self.iter().any(|reason| reason.code() == code)
    }
}

impl From<Reason> for Reasons {
    fn from(reason: Reason) -> Self {
        Self { first: Box::new(reason), more: Vec::new() }
    }
}

/// Names for a person, each in backquotes.
fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// All sentences, joined by `; `.
impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.more.iter().try_for_each(|reason| write!(f, "; {reason}"))
    }
}

impl std::error::Error for Reasons {}

impl Serialize for Reasons {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_written_once_and_in_kebab_case() {
        let mut seen = BTreeSet::new();
        for code in Reason::codes() {
            assert!(seen.insert(code), "{code} is the code of two reasons");
            let is_kebab = code.split('-').all(|word| {
                !word.is_empty()
                    && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            });
            assert!(is_kebab, "{code}");
        }
    }

    #[test]
    fn reasons_show_their_sentences_in_order() {
        let blocked = PolicyReason::Blocked { by: "root, it hurts".into() };
        let reasons = Reasons::from(blocked).and(Reasons::text("the disk is full"));
        assert_eq!(reasons.to_string(), "blocked by root, it hurts; the disk is full");
        assert_eq!(reasons.main().code(), "blocked");
        assert!(reasons.has("other") && !reasons.has("withdrawn"));
    }

    #[test]
    fn json_has_the_code_the_facts_and_the_sentence() {
        let reasons = Reasons::from(PolicyReason::Blocked { by: "root".into() });
        let expected = r#"[{"code":"blocked","by":"root","text":"blocked by root"}]"#;
        assert_eq!(serde_json::to_string(&reasons).unwrap(), expected);
    }
}
