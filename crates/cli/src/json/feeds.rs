//! Feeds: how they stand, what a refresh brought, what Microsoft's format says.

use jiff::Timestamp;
use serde::Serialize;
use stopgap_agent::sources::FeedState;
use stopgap_eocs::{Action, Config, Verified};
use stopgap_feed::tuf::Refreshed;
use stopgap_feed::{FeedName, Permissions, PolicyPermission};

/// Of `feed list`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SourcesObject {
    pub(crate) feeds: Vec<SourceObject>,
}

/// A source of mitigations: a feed, or what ships with the program.
#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum SourceObject {
    /// What ships with the program.
    Shipped(ShippedObject),
    /// A feed.
    Feed(Box<FeedObject>),
}

/// What ships with the program.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ShippedObject {
    name: String,
    ok: bool,
    /// Always null: it cannot fail.
    reason: Option<String>,
}

/// A feed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FeedObject {
    name: String,
    ok: bool,
    /// Why nothing new of it is applied; null where `ok` is true.
    reason: Option<String>,
    /// How long that has been so: `note`, `warning`, `WARNING`.
    level: Option<&'static str>,
    format: &'static str,
    url: Option<String>,
    mitigations: usize,
    /// Files that are no mitigations.
    others: usize,
    tried: Option<String>,
    fetched: Option<String>,
    expires: Option<String>,
    accepted_stale_days: u32,
    powers: PermissionsObject,
    /// Whether it offers a policy that counts for nothing.
    powerless_policy: bool,
    notes: Vec<String>,
}

/// What a feed may ask for.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PermissionsObject {
    ids: Vec<String>,
    kinds: Vec<String>,
    services: Vec<String>,
    pools: Vec<String>,
    policy: bool,
    /// Whether that is so only because the feed was added before this had to be given.
    policy_from_before: bool,
}

/// Of `feed refresh`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RefreshObject {
    pub(crate) feeds: Vec<FeedRefreshObject>,
}

/// What a refresh of one feed brought.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FeedRefreshObject {
    name: String,
    ok: bool,
    /// Why it was not taken; null where `ok` is true.
    reason: Option<String>,
    #[serde(flatten)]
    brought: Option<BroughtObject>,
}

/// The files that a refresh brought, and its cost; not there where nothing was taken.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BroughtObject {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
    requests: u64,
    bytes: u64,
}

/// Of `feed import`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ImportObject {
    name: String,
    ok: bool,
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
    accepted_stale_days: u32,
}

/// Of `feed verify`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FeedVerifyObject {
    pub(crate) ok: bool,
    pub(crate) checks: Vec<super::CheckObject>,
    /// The sentence of the first check that failed.
    pub(crate) reason: Option<String>,
    /// Null where `ok` is false.
    pub(crate) feed: Option<EocsObject>,
}

/// A verified feed in Microsoft's format.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct EocsObject {
    version: String,
    /// The stamped time.
    gen_time: Option<String>,
    configs: Vec<ConfigObject>,
}

/// One mitigation of such a feed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ConfigObject {
    id: String,
    description: String,
    actions: Vec<EocsActionObject>,
}

/// One action of such a mitigation.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct EocsActionObject {
    kind: String,
    scope: String,
    description: String,
    /// The text of its one `Value`; null where there is not one, or more in it than text.
    value: Option<String>,
    /// All that is in the action.
    xml: String,
}

impl SourceObject {
    /// What ships with the program.
    pub(crate) fn shipped(name: String) -> Self {
        Self::Shipped(ShippedObject { name, ok: true, reason: None })
    }

    /// A feed as it stands at `now`.
    pub(crate) fn feed(feed: &FeedState, now: Timestamp) -> Self {
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let trouble = feed.trouble.as_ref();
        Self::Feed(Box::new(FeedObject {
            name: feed.name.to_string(),
            ok: trouble.is_none(),
            reason: trouble.map(|trouble| trouble.why.clone()),
            level: trouble.map(|trouble| trouble.level(now).as_str()),
            format: feed.format.as_str(),
            url: feed.url.clone(),
            mitigations: feed.mitigations,
            others: feed.others,
            tried: text(feed.status.tried),
            fetched: text(feed.status.succeeded),
            expires: text(feed.expiry.as_ref().map(|expiry| expiry.at)),
            accepted_stale_days: feed.status.stale_days,
            powers: PermissionsObject::from(&feed.permissions),
            powerless_policy: feed.powerless_policy,
            notes: feed.notes.clone(),
        }))
    }
}

impl From<&Permissions> for PermissionsObject {
    fn from(permissions: &Permissions) -> Self {
        let names =
            |names: &[stopgap_feed::Wildcard]| names.iter().map(ToString::to_string).collect();
        Self {
            ids: names(&permissions.ids),
            kinds: permissions.kinds.iter().map(|kind| kind.as_str().to_owned()).collect(),
            services: names(&permissions.services),
            pools: names(&permissions.pools),
            policy: permissions.policy.is_there(),
            policy_from_before: permissions.policy == PolicyPermission::FromBefore,
        }
    }
}

impl FeedRefreshObject {
    /// A feed that was taken.
    pub(crate) fn taken(name: &FeedName, refreshed: &Refreshed) -> Self {
        let Refreshed { added, changed, removed, cost, .. } = refreshed.clone();
        let (requests, bytes) = (cost.requests, cost.bytes);
        let brought = Some(BroughtObject { added, changed, removed, requests, bytes });
        Self { name: name.to_string(), ok: true, reason: None, brought }
    }

    /// A feed that was not taken.
    pub(crate) fn refused(name: &FeedName, reason: String) -> Self {
        Self { name: name.to_string(), ok: false, reason: Some(reason), brought: None }
    }
}

impl ImportObject {
    /// A feed that was taken from a bundle.
    pub(crate) fn of(name: &FeedName, refreshed: &Refreshed, accepted_stale_days: u32) -> Self {
        let Refreshed { added, changed, removed, .. } = refreshed.clone();
        Self { name: name.to_string(), ok: true, added, changed, removed, accepted_stale_days }
    }
}

impl From<&Verified> for EocsObject {
    fn from(feed: &Verified) -> Self {
        let action = |action: &Action| EocsActionObject {
            kind: action.kind.clone(),
            scope: action.scope.clone(),
            description: action.description.clone(),
            value: action.value.clone(),
            xml: action.xml.clone(),
        };
        let config = |config: &Config| ConfigObject {
            id: config.id.clone(),
            description: config.description.clone(),
            actions: config.actions.iter().map(action).collect(),
        };
        Self {
            version: feed.version().to_string(),
            gen_time: feed.gen_time().map(|at| at.to_string()),
            configs: feed.configs().iter().map(config).collect(),
        }
    }
}
