//! What of URL Rewrite is in effect for a path.

use stopgap_model::host::ServerPath;
use stopgap_model::reason::IisReason;

use super::place::Place;
use crate::rewrite::{OutboundRule, PreCondition, RewriteMap, Rule};

/// Something in effect for a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InEffect<T> {
    /// Its name.
    pub name: String,
    /// What it says, or why that is not understood.
    pub item: Result<T, IisReason>,
    /// The URL path of the place where it is: `/`, or such as `/owa/`. A rule's `match` is
    /// relative to it.
    pub base: String,
    /// The file that it is in.
    pub file: ServerPath,
    /// Where in that file.
    pub place: Place,
}

/// A rule that a request meets.
pub type EffectiveRule = InEffect<Rule>;

/// What of URL Rewrite is in effect for one path of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// The inbound rules in the order in which they run: global ones, then those of parents before
    /// those of children.
    pub rules: Vec<EffectiveRule>,
    /// The outbound rules, or why they are not known.
    pub outbound: Result<Outbound, IisReason>,
    /// The names of the variables that distributed rules may set, or why they are not known.
    pub allowed: Result<Vec<String>, IisReason>,
    /// The rewrite maps that their templates may use. One that is not known is not among them.
    pub maps: Vec<RewriteMap>,
    /// Whether the rewrite module runs for this path: it must be among `globalModules` and among the
    /// `modules` that are in effect here. Where it does not, no rule has any effect.
    pub module: bool,
    /// Whether the configuration lets the kernel keep responses in its cache.
    pub kernel_cache: bool,
}

/// The outbound rules in effect for one path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outbound {
    /// In the order in which they run.
    pub rules: Vec<InEffect<OutboundRule>>,
    /// The preconditions that they may name.
    pub preconditions: Vec<InEffect<PreCondition>>,
}

/// Why it cannot be said which rules a request meets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// IIS answers every such request with 500.19.
    #[error("the configuration is broken (500.19): {reason}, in {file}")]
    Broken {
        /// What is wrong.
        reason: IisReason,
        /// The file that makes it so.
        file: ServerPath,
    },
    /// Something that the answer needs is not known.
    #[error(transparent)]
    Unknown(IisReason),
}

impl From<Fault> for IisReason {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Broken { reason, file } => {
                Self::Broken { fault: Box::new(reason), file: file.to_string() }
            }
            Fault::Unknown(reason) => reason,
        }
    }
}
