//! What a feed may ask for. A feed has only the power that it was given.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use stopgap_model::reason::OfferReason;
use stopgap_model::{ActionKind, MitigationId};

/// The kinds of actions that a feed may ask for if nothing else is said: they change what a request
/// or a response carries. To stop a service or an application pool is a power of its own.
const USUAL_KINDS: [Kind; 4] =
    [Kind::BlockRequest, Kind::RequestHeader, Kind::ResponseHeader, Kind::DoNothing];

/// A kind of action, by its name in documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Requests are blocked.
    BlockRequest,
    /// A request header is changed.
    RequestHeader,
    /// A response header is changed.
    ResponseHeader,
    /// Services are disabled.
    DisableService,
    /// Application pools are disabled.
    DisableAppPool,
    /// Nothing is changed.
    DoNothing,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::BlockRequest,
        Self::RequestHeader,
        Self::ResponseHeader,
        Self::DisableService,
        Self::DisableAppPool,
        Self::DoNothing,
    ];

    /// The name in documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BlockRequest => "block-request",
            Self::RequestHeader => "request-header",
            Self::ResponseHeader => "response-header",
            Self::DisableService => "disable-service",
            Self::DisableAppPool => "disable-app-pool",
            Self::DoNothing => "do-nothing",
        }
    }

    fn of(kind: &ActionKind) -> Self {
        match kind {
            ActionKind::BlockRequest { .. } => Self::BlockRequest,
            ActionKind::RequestHeader { .. } => Self::RequestHeader,
            ActionKind::ResponseHeader { .. } => Self::ResponseHeader,
            ActionKind::DisableService { .. } => Self::DisableService,
            ActionKind::DisableAppPool { .. } => Self::DisableAppPool,
            ActionKind::DoNothing => Self::DoNothing,
        }
    }
}

impl FromStr for Kind {
    type Err = NotAPermission;

    fn from_str(text: &str) -> Result<Self, NotAPermission> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| NotAPermission::Kind(text.to_owned()))
    }
}

/// A name with `*` for any characters. Names differ by more than the case of their letters, as on
/// the servers that they are names on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Wildcard(String);

impl Wildcard {
    /// Whether it stands for every name.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'*')
    }

    fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.to_ascii_lowercase(), name.to_ascii_lowercase());
        let mut parts = pattern.split('*');
        let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
            return false;
        };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else { return rest.is_empty() };
        for part in parts {
            // The first find is the best: it leaves most for the parts behind it.
            match rest.split_once(part) {
                Some((_, behind)) => rest = behind,
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

impl FromStr for Wildcard {
    type Err = NotAPermission;

    fn from_str(text: &str) -> Result<Self, NotAPermission> {
        let good = !text.is_empty() && text.len() <= 256 && !text.chars().any(char::is_control);
        if good { Ok(Self(text.to_owned())) } else { Err(NotAPermission::Name(text.to_owned())) }
    }
}

impl TryFrom<String> for Wildcard {
    type Error = NotAPermission;

    fn try_from(text: String) -> Result<Self, NotAPermission> {
        text.parse()
    }
}

impl From<Wildcard> for String {
    fn from(wildcard: Wildcard) -> Self {
        wildcard.0
    }
}

impl fmt::Display for Wildcard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text names no power.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPermission {
    /// No such kind of action.
    #[error("`{0}` is no kind of action")]
    Kind(String),
    /// No name.
    #[error("`{0}` is no name: 1 to 256 characters, with `*` for any")]
    Name(String),
}

/// What a feed may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    /// The ids of the mitigations it may offer. Empty: all that the catalog which ships with the
    /// program does not use.
    #[serde(default)]
    pub ids: Vec<Wildcard>,
    /// The kinds of actions it may ask for.
    pub kinds: BTreeSet<Kind>,
    /// The services it may disable. Empty: any, if it may disable services.
    #[serde(default)]
    pub services: Vec<Wildcard>,
    /// The application pools it may disable. Empty: any, if it may disable application pools.
    #[serde(default)]
    pub pools: Vec<Wildcard>,
    /// Whether its policy is the organisation's. That can only make things stricter; and it can switch
    /// everything off.
    #[serde(default)]
    pub policy: PolicyPermission,
}

/// Whether a feed's policy is the organisation's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "PolicyWord", from = "PolicyWord")]
pub enum PolicyPermission {
    /// It is, because the feed was added before this power had to be given: as such feeds say, or
    /// leave out.
    #[default]
    FromBefore,
    /// It is: the power was given.
    Given,
    /// It is not.
    Not,
}

/// The power as it is written. A program from before it had to be given wrote `true` or `false`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum PolicyWord {
    Before(bool),
    Given(Given),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Given {
    Given,
}

impl From<PolicyPermission> for PolicyWord {
    fn from(power: PolicyPermission) -> Self {
        match power {
            PolicyPermission::FromBefore => Self::Before(true),
            PolicyPermission::Given => Self::Given(Given::Given),
            PolicyPermission::Not => Self::Before(false),
        }
    }
}

impl From<PolicyWord> for PolicyPermission {
    fn from(word: PolicyWord) -> Self {
        match word {
            PolicyWord::Before(true) => Self::FromBefore,
            PolicyWord::Given(Given::Given) => Self::Given,
            PolicyWord::Before(false) => Self::Not,
        }
    }
}

impl PolicyPermission {
    /// Whether the feed has it.
    #[must_use]
    pub fn is_there(self) -> bool {
        self != Self::Not
    }
}

impl Permissions {
    /// The powers that are given: `kinds` if any, else the usual ones; and to whom names of services
    /// or pools are given, the power to disable these. The organisation's policy is a power apart.
    #[must_use]
    pub fn given(
        ids: &[Wildcard],
        kinds: &[Kind],
        services: &[Wildcard],
        pools: &[Wildcard],
    ) -> Self {
        let kinds = if kinds.is_empty() { &USUAL_KINDS } else { kinds };
        let mut kinds: BTreeSet<Kind> = kinds.iter().copied().collect();
        if !services.is_empty() {
            kinds.insert(Kind::DisableService);
        }
        if !pools.is_empty() {
            kinds.insert(Kind::DisableAppPool);
        }
        let (ids, services, pools) = (ids.to_vec(), services.to_vec(), pools.to_vec());
        Self { ids, kinds, services, pools, policy: PolicyPermission::Not }
    }

    /// These powers, and that of the organisation's policy.
    #[must_use]
    pub fn with_policy(self) -> Self {
        Self { policy: PolicyPermission::Given, ..self }
    }

    /// The ids that it was given in particular.
    pub fn own_ids(&self) -> impl Iterator<Item = &Wildcard> {
        self.ids.iter().filter(|wildcard| !wildcard.is_any())
    }

    /// Why the mitigation `id` may not be offered, if so.
    #[must_use]
    pub fn refuses_id(
        &self,
        id: &MitigationId,
        shipped: &[MitigationId],
        given_to_others: &[Wildcard],
    ) -> Option<OfferReason> {
        if self.ids.iter().any(|wildcard| wildcard.matches(id.as_str())) {
            return None;
        }
        if !self.ids.is_empty() {
            return Some(OfferReason::IdNotGiven { given: list(&self.ids), id: id.to_string() });
        }
        let is_shipped =
            shipped.iter().any(|other| other.as_str().eq_ignore_ascii_case(id.as_str()));
        if is_shipped {
            return Some(OfferReason::IdOfShipped { id: id.to_string() });
        }
        let other = given_to_others.iter().find(|wildcard| wildcard.matches(id.as_str()))?;
        Some(OfferReason::IdOfAnotherFeed { ids: other.to_string() })
    }

    /// Why an action of this kind may not be asked for, if so.
    #[must_use]
    pub fn denies(&self, kind: &ActionKind) -> Option<OfferReason> {
        if !self.kinds.contains(&Kind::of(kind)) {
            return Some(OfferReason::KindNotGiven { kind: kind.name().to_owned() });
        }
        let (names, given, what) = match kind {
            ActionKind::DisableService { services } => (services, &self.services, "services"),
            ActionKind::DisableAppPool { pools } => (pools, &self.pools, "application pools"),
            _ => return None,
        };
        let allowed = |name: &&String| given.iter().any(|wildcard| wildcard.matches(name));
        let other = names.iter().find(|name| !given.is_empty() && !allowed(name))?;
        let (what, name) = (what.to_owned(), other.clone());
        Some(OfferReason::NameNotGiven { what, given: list(given), name })
    }
}

fn list(wildcards: &[Wildcard]) -> Vec<String> {
    wildcards.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wildcards(texts: &[&str]) -> Vec<Wildcard> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_feed_from_before_the_policy_had_to_be_given_keeps_it_and_is_known_by_that() {
        let read =
            |text: &str| toml::from_str::<Permissions>(text).map(|powers| powers.policy).ok();
        assert_eq!(read("kinds = []\n"), Some(PolicyPermission::FromBefore));
        assert_eq!(read("kinds = []\npolicy = true\n"), Some(PolicyPermission::FromBefore));
        assert_eq!(read("kinds = []\npolicy = false\n"), Some(PolicyPermission::Not));
        assert_eq!(read("kinds = []\npolicy = \"yes\"\n"), None);
        let usual = Permissions::given(&[], &[], &[], &[]);
        assert!(!usual.policy.is_there());
        for powers in [usual.clone(), usual.with_policy()] {
            let text = toml::to_string(&powers).unwrap();
            assert_eq!(read(&text), Some(powers.policy), "{text}");
        }
    }

    #[test]
    fn a_star_stands_for_any_characters_and_nothing_else_does() {
        let matches = |pattern: &str, name: &str| {
            pattern.parse::<Wildcard>().is_ok_and(|wildcard| wildcard.matches(name))
        };
        for (pattern, name) in
            [("*", "x"), ("ACME-*", "acme-1"), ("*-x-*", "a-x-"), ("a*b*c", "abbc"), ("M1", "m1")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("ACME-*", "ACM-1"), ("a*b", "ab2"), ("M1", "M11"), ("a*a", "a"), ("M.", "M1")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        assert!("".parse::<Wildcard>().is_err());
    }

    #[test]
    fn by_default_no_feed_disables_anything_or_revises_the_shipped_catalog() {
        let usual = Permissions::given(&[], &[], &[], &[]);
        let services = ActionKind::DisableService { services: vec!["Spooler".into()] };
        let pools = ActionKind::DisableAppPool { pools: vec!["P".into()] };
        assert!(usual.denies(&services).is_some() && usual.denies(&pools).is_some());
        assert_eq!(usual.denies(&ActionKind::DoNothing), None);
        let shipped: [MitigationId; 1] = ["M1".parse().unwrap()];
        assert!(usual.refuses_id(&"m1".parse().unwrap(), &shipped, &[]).is_some());
        assert_eq!(usual.refuses_id(&"ACME-1".parse().unwrap(), &shipped, &[]), None);
        let given = Permissions::given(&wildcards(&["M*"]), &[], &[], &[]);
        assert_eq!(given.refuses_id(&shipped[0], &shipped, &[]), None);
        assert!(given.refuses_id(&"ACME-1".parse().unwrap(), &shipped, &[]).is_some());
    }

    #[test]
    fn names_of_services_are_the_power_to_disable_these_and_no_others() {
        let powers = Permissions::given(&[], &[], &wildcards(&["MSExchange*"]), &[]);
        let disable = |names: &[&str]| ActionKind::DisableService {
            services: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(powers.denies(&disable(&["MSExchangeUM"])), None);
        let why = powers.denies(&disable(&["MSExchangeUM", "W3SVC"])).unwrap().to_string();
        assert!(why.contains("W3SVC"), "{why}");
    }
}
