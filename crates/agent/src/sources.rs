//! The catalog from what ships with the program and from the feeds, and how the feeds stand.

use std::collections::HashMap;

use jiff::Timestamp;
use stopgap_feed::tuf::Loaded;
use stopgap_feed::{
    Assembly, Content, Expiry, Feed, FeedName, Feeds, FetchStatus, Format, Known, NoPolicy,
    OrganisationPolicy, POLICY_NAME, Permissions, Source, Trouble, View,
};
use stopgap_model::policy::{Block, Policy, Switch};
use stopgap_model::reason::OfferReason;
use stopgap_model::{Catalog, Mitigation, MitigationId};
use stopgap_plan::InstalledState;
use stopgap_store::{Revisions, Store};

use crate::blocks::{BlockedBy, Origin};
use crate::catalog;
use crate::error::AgentError;

/// What all sources of mitigations offer, and how the feeds stand.
pub struct Sources {
    /// What they offer together.
    pub catalog: Catalog,
    /// The feeds, in the order of their names.
    pub feeds: Vec<FeedState>,
    policies: Vec<FeedPolicy>,
}

/// A feed: what it may ask for, what it offers, and whether it can be trusted now.
pub struct FeedState {
    /// What the administrator calls it.
    pub name: FeedName,
    /// Its format.
    pub format: Format,
    /// Where it is fetched from; `None`: it is carried in by hand.
    pub url: Option<String>,
    /// What it may ask for.
    pub permissions: Permissions,
    /// When it was fetched last, and what came of that.
    pub status: FetchStatus,
    /// Until when its signatures are good.
    pub expiry: Option<Expiry>,
    /// Why nothing new of it is applied; `None`: it is in order.
    pub trouble: Option<Trouble>,
    /// How many mitigations it offers, taken or not.
    pub mitigations: usize,
    /// How many other files it offers, which are not for this program.
    pub others: usize,
    /// Whether it offers a policy and was not given the power to.
    pub powerless_policy: bool,
    /// What else an administrator should know of it.
    pub notes: Vec<String>,
}

/// The organisation's policy as a feed carries it, or why it cannot be read.
#[derive(PartialEq, Eq)]
struct FeedPolicy {
    source: String,
    policy: Result<OrganisationPolicy, NoPolicy>,
}

impl Sources {
    /// Returns no source at all.
    #[must_use]
    pub fn none() -> Self {
        Self { catalog: Catalog::default(), feeds: Vec::new(), policies: Vec::new() }
    }

    /// Replaces what all sources offer with `catalog`. The organisation's policies hold for it too.
    #[must_use]
    pub fn replace_with(self, catalog: Catalog) -> Self {
        Self { catalog, feeds: Vec::new(), ..self }
    }

    /// Whether these offer and forbid the same as `other`.
    #[must_use]
    pub fn offer_the_same_as(&self, other: &Self) -> bool {
        self.catalog == other.catalog && self.policies == other.policies
    }

    /// Returns what ships with the program and what the feeds offer, from what was fetched of them last.
    ///
    /// # Errors
    /// What the state folder has of the feeds cannot be read.
    pub fn read(
        feeds: &Feeds,
        store: &Store,
        built_in: bool,
        now: Timestamp,
    ) -> Result<Self, AgentError> {
        let all = feeds.all()?;
        let known = KnownHere { revisions: store.revisions()?, installed: store.installed()?.0 };
        let assembly = Assembly::new(&known, catalog::built_in()?, built_in);
        let mut reading = Reading { assembly, policies: Vec::new() };
        let mut states = Vec::new();
        let _unchanged = if all.is_empty() { None } else { Some(feeds.reading()?) };
        for (at, feed) in all.iter().enumerate() {
            reading.assembly.next_feed(all.len() - at);
            let view = feeds.view(feed.clone(), now)?;
            let offered = reading.take(&source_of(&view, &all), &view);
            states.push(state_of(view, offered));
        }
        let Reading { assembly, policies } = reading;
        Ok(Self { catalog: assembly.finish(), feeds: states, policies })
    }

    /// Adds the organisation's policies to `policy`, which can only become stricter.
    pub fn apply_policies(&self, policy: &mut Policy) {
        for FeedPolicy { source, policy: word } in &self.policies {
            let off = match word {
                Ok(word) => (!word.enabled).then(|| source.clone()),
                // A policy that cannot be read could have said enabled = false.
                Err(why) => Some(format!("{source}, whose policy cannot be read: {why}")),
            };
            if let (Some(by), Switch::On) = (off, &policy.organisation) {
                policy.organisation = Switch::Off(by);
            }
        }
        for BlockedBy { id, by, .. } in self.blocks() {
            policy.blocked.entry(id).or_insert(Block { by, take_back: false });
        }
        self.block_as_spelled(policy);
    }

    /// Returns who of the feeds blocks which mitigation for the organisation.
    #[must_use]
    pub fn blocks(&self) -> Vec<BlockedBy> {
        let mut blocks = Vec::new();
        for FeedPolicy { source, policy } in &self.policies {
            for id in policy.iter().flat_map(|word| &word.blocked) {
                let (origin, by) = (Origin::Organisation, format!("the organisation, by {source}"));
                blocks.push(BlockedBy { id: id.clone(), origin, by });
            }
        }
        blocks
    }

    /// Blocks M1 where `m1` is blocked: whoever writes that would find out too late that it was not.
    fn block_as_spelled(&self, policy: &mut Policy) {
        let said = policy.blocked.iter();
        let said: HashMap<String, Block> =
            said.map(|(id, block)| (id.as_str().to_ascii_lowercase(), block.clone())).collect();
        for id in self.catalog.mitigations().map(|mitigation| &mitigation.id) {
            if let Some(block) = said.get(&id.as_str().to_ascii_lowercase()) {
                policy.blocked.entry(id.clone()).or_insert_with(|| block.clone());
            }
        }
    }

    /// Returns where the mitigations come from, in a few words.
    #[must_use]
    pub fn summary(&self) -> String {
        let names = self.names();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    }

    /// Returns the sources that offer something, each once.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for offer in &self.catalog.offers {
            let source = offer.source.split(", announced by").next().unwrap_or_default();
            if !names.iter().any(|name| name == source) {
                names.push(source.to_owned());
            }
        }
        names
    }
}

/// How many mitigations a feed offers, and how many other files.
#[derive(Default)]
struct Offered {
    mitigations: usize,
    others: usize,
    powerless_policy: bool,
}

/// The sources as they are read one after the other.
struct Reading<'a> {
    assembly: Assembly<'a>,
    policies: Vec<FeedPolicy>,
}

impl Reading<'_> {
    /// Takes what a feed offers.
    fn take(&mut self, source: &Source, view: &View) -> Offered {
        let has_policy = view.feed.permissions.policy.is_there();
        match &view.content {
            Content::Nothing if has_policy => {
                match &view.kept_policy {
                    Some(bytes) => self.policy(source, OrganisationPolicy::read(bytes)),
                    // A lost policy could have said enabled = false, like one that cannot be read.
                    None if view.status.has_policy => {
                        self.policy(source, Err(NoPolicy::Lost));
                    }
                    None => {}
                }
                Offered::default()
            }
            Content::Nothing => Offered::default(),
            Content::Tuf(loaded) => self.take_tuf(source, view, loaded),
            Content::Eocs(feed) => {
                for config in feed.configs() {
                    self.assembly.announce(source, &config.id, &config.description);
                }
                Offered { mitigations: feed.configs().len(), ..Offered::default() }
            }
        }
    }

    /// Takes the files of a repository: mitigation documents, and the policy if the feed may have one.
    fn take_tuf(&mut self, source: &Source, view: &View, loaded: &Loaded) -> Offered {
        let has_policy = view.feed.permissions.policy.is_there();
        let listing = loaded.listing();
        let mut offered = Offered { others: listing.refused.len(), ..Offered::default() };
        for file in &listing.files {
            let is_policy = file.name == POLICY_NAME;
            // The policy is read whatever the documents cost, so that they cannot push it aside.
            let paid = if is_policy { Ok(()) } else { self.assembly.pay(file.length) };
            let not_read = |why: String| OfferReason::DocumentNotRead { why };
            let bytes = paid
                .map_err(OfferReason::from)
                .and_then(|()| loaded.read(file).map_err(|error| not_read(error.to_string())));
            let is_mitigation = match bytes {
                _ if is_policy && !has_policy => {
                    offered.powerless_policy = true;
                    false
                }
                bytes if is_policy => {
                    let bytes = bytes.or_else(|why| {
                        view.kept_policy.clone().ok_or(NoPolicy::NotRead(why.to_string()))
                    });
                    self.policy(source, bytes.and_then(|it| OrganisationPolicy::read(&it)));
                    continue;
                }
                Ok(bytes) => self.assembly.document(source, &file.name, &bytes),
                Err(why) => self.assembly.unreadable(source, &file.name, why),
            };
            let count = if is_mitigation { &mut offered.mitigations } else { &mut offered.others };
            *count += 1;
        }
        offered
    }

    fn policy(&mut self, source: &Source, policy: Result<OrganisationPolicy, NoPolicy>) {
        self.policies.push(FeedPolicy { source: source.name.clone(), policy });
    }
}

fn state_of(view: View, offered: Offered) -> FeedState {
    let View { feed, status, expiry, trouble, notes, .. } = view;
    let Feed { name, url, format, permissions, .. } = feed;
    let Offered { mitigations, others, powerless_policy } = offered;
    FeedState {
        name,
        format,
        url,
        permissions,
        status,
        expiry,
        trouble,
        mitigations,
        others,
        powerless_policy,
        notes,
    }
}

/// Returns a feed as a source, beside all others.
fn source_of(view: &View, all: &[Feed]) -> Source {
    let others = all.iter().filter(|feed| feed.name != view.feed.name);
    let given_to_others = others.flat_map(|feed| feed.permissions.own_ids().cloned()).collect();
    let name = format!("feed {}", view.feed.name);
    let hold = view.trouble.as_ref().map(|trouble| {
        OfferReason::FeedInTrouble { feed: name.clone(), why: trouble.why.clone() }.into()
    });
    Source { name, permissions: Some(view.feed.permissions.clone()), given_to_others, hold }
}

/// What the state folder has of mitigations.
struct KnownHere {
    revisions: Revisions,
    installed: InstalledState,
}

impl Known for KnownHere {
    fn reused(&self, mitigation: &Mitigation) -> Option<OfferReason> {
        self.revisions.reused(mitigation)
    }

    fn in_force(&self, mitigation: &Mitigation) -> bool {
        let mut placed = self.installed.revisions();
        let is_placed = placed.any(|(id, _, hash)| *id == mitigation.id && hash == mitigation.hash);
        // After a withdrawal nothing is installed, and yet it must not be lost.
        is_placed || (mitigation.withdrawn.is_some() && self.revisions.knows(mitigation))
    }

    fn in_place(&self, id: &MitigationId) -> Option<u32> {
        let placed = self.installed.revisions();
        placed.filter(|(of, ..)| *of == id).map(|(_, revision, _)| revision).max()
    }
}
