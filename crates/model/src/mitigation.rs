//! A mitigation: what it is for, what it changes, and the probes that prove it.

use crate::digest::Digest;
use crate::id::{ActionId, MitigationId};
use crate::request::{Request, Response};
use crate::rule::{BlockRule, Condition};
use crate::version::{Version, VersionRange};

/// A named, revisioned set of actions against one threat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mitigation {
    /// Its id, such as `M1`.
    pub id: MitigationId,
    /// The revision of its content, from 1.
    pub revision: u32,
    /// The digest of the document it was read from; a revision never names two contents.
    pub hash: Digest,
    /// One line that says what it is against.
    pub title: String,
    /// The CVE ids it is against.
    pub cves: Vec<String>,
    /// How bad the threat is.
    pub severity: Severity,
    /// What an administrator will notice.
    pub impact: String,
    /// Pages to read.
    pub references: Vec<String>,
    /// The products it is for. Empty: any server.
    pub affected: Vec<Affected>,
    /// What it changes.
    pub actions: Vec<Action>,
    /// What must become of which request.
    pub probes: Vec<Probe>,
    /// Why there is no probe that may be sent to a live server, if there is none.
    pub no_live_probe: Option<String>,
    /// Why the publisher withdrew it. Then it has no actions and no probes: what older revisions
    /// installed is to be withdrawn.
    pub withdrawn: Option<String>,
}

/// How bad a threat is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// The word used in documents and output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A product in the versions and roles that a mitigation is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// The product's name, such as `microsoft/exchange-server`.
    pub product: String,
    /// The affected roles. Empty: any role.
    pub roles: Vec<String>,
    /// The vulnerable versions, one range for each branch. Empty: every version.
    pub ranges: Vec<VersionRange>,
}

/// One change that a mitigation asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Its id, such as `M1.1`.
    pub id: ActionId,
    /// Narrows the affected versions: only below this one.
    pub only_below: Option<Version>,
    /// What it changes.
    pub kind: ActionKind,
}

/// What an action changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionKind {
    /// Requests are blocked.
    BlockRequest {
        /// Where the rule holds. `None`: the whole server.
        scope: Option<Scope>,
        /// Which requests, and how.
        rule: BlockRule,
    },
    /// A request header is removed or set before the application sees it.
    RequestHeader {
        /// Where it holds. `None`: the whole server.
        scope: Option<Scope>,
        /// The header's name, lower case.
        header: String,
        /// What is done to it.
        change: HeaderChange,
    },
    /// A response header is changed before the client sees it.
    ResponseHeader {
        /// Where it holds. `None`: the whole server.
        scope: Option<Scope>,
        /// The header's name, as written.
        header: String,
        /// What is done to it.
        change: HeaderChange,
        /// The responses it is done to.
        when: Condition,
    },
    /// Services are stopped and disabled.
    DisableService {
        /// The services' names.
        services: Vec<String>,
    },
    /// Application pools are stopped and disabled.
    DisableAppPool {
        /// The pools' names.
        pools: Vec<String>,
    },
    /// Nothing is changed: the heartbeat.
    DoNothing,
}

impl ActionKind {
    /// The kind's name in documents and output.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::BlockRequest { .. } => "block-request",
            Self::RequestHeader { .. } => "request-header",
            Self::ResponseHeader { .. } => "response-header",
            Self::DisableService { .. } => "disable-service",
            Self::DisableAppPool { .. } => "disable-app-pool",
            Self::DoNothing => "do-nothing",
        }
    }
}

/// A change of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderChange {
    /// The header is removed.
    Remove,
    /// The header gets this value.
    Set(String),
    /// This is put behind the header's value.
    Append(String),
}

/// Where on a web server an action holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The site's name, such as `Default Web Site`.
    pub site: String,
    /// The path in the site without a trailing slash, such as `/owa`. Empty: the whole site.
    pub path: String,
}

/// A request and what must become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What it stands for.
    pub name: String,
    /// The request.
    pub request: Request,
    /// The response that the application gives to it, where outbound rules are to be judged.
    pub response: Option<Response>,
    /// What must become of it.
    pub expect: Expect,
    /// Whether it is harmless enough to be sent to a running server.
    pub live: bool,
}

/// What must become of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// It must be blocked.
    Blocked,
    /// It must pass as it was sent, and so must its response.
    Allowed,
    /// It must pass, and the application must see this header so.
    RequestHeader {
        /// The header's name.
        name: String,
        /// Its value. `None`: the header must not be there.
        value: Option<String>,
    },
    /// It must pass, and the client must see this header of the response so.
    ResponseHeader {
        /// The header's name.
        name: String,
        /// Its value. `None`: the header must not be there.
        value: Option<String>,
    },
}
