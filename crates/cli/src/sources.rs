//! The catalog from what ships with the program and from the feeds, and how the feeds stand.

use std::collections::HashMap;

use jiff::Timestamp;
use stopgap_feed::{
    Assembly, Content, Expiry, Feed, FeedName, Feeds, Format, Known, OrganisationPolicy,
    POLICY_NAME, Powers, Source, Standing, Trouble, View,
};
use stopgap_model::policy::{Block, Policy, Switch};
use stopgap_model::{Catalog, Mitigation, MitigationId};
use stopgap_plan::InPlace;
use stopgap_store::{Revisions, Store};

use crate::catalog;
use crate::error::CliError;

/// The sources of mitigations.
pub(crate) struct Sources {
    pub(crate) catalog: Catalog,
    pub(crate) feeds: Vec<FeedState>,
    policies: Vec<FeedPolicy>,
}

/// How a feed stands.
pub(crate) struct FeedState {
    pub(crate) name: FeedName,
    pub(crate) format: Format,
    pub(crate) url: Option<String>,
    pub(crate) powers: Powers,
    pub(crate) standing: Standing,
    pub(crate) expiry: Option<Expiry>,
    pub(crate) trouble: Option<Trouble>,
    /// How many mitigations it offers, taken or not.
    pub(crate) mitigations: usize,
    /// How many other files it offers, which are not for this program.
    pub(crate) others: usize,
    /// Whether it offers a policy and was not given the power to.
    pub(crate) powerless_policy: bool,
    /// What a person should know of it beside.
    pub(crate) notes: Vec<String>,
}

/// The organisation's policy as a feed carries it, or why it cannot be read.
#[derive(PartialEq, Eq)]
struct FeedPolicy {
    source: String,
    policy: Result<OrganisationPolicy, String>,
}

impl Sources {
    /// No source.
    pub(crate) fn none() -> Self {
        Self { catalog: Catalog::default(), feeds: Vec::new(), policies: Vec::new() }
    }

    /// This catalog in place of what all sources offer. The organisation's word holds for it too.
    pub(crate) fn instead(self, catalog: Catalog) -> Self {
        Self { catalog, feeds: Vec::new(), ..self }
    }

    /// Whether nothing else is offered or said than by these.
    pub(crate) fn offer_the_same_as(&self, other: &Self) -> bool {
        self.catalog == other.catalog && self.policies == other.policies
    }

    /// What ships with the program and what the feeds offer, from what was taken of them last.
    pub(crate) fn read(
        feeds: &Feeds,
        store: &Store,
        built_in: bool,
        now: Timestamp,
    ) -> Result<Self, CliError> {
        let all = feeds.all()?;
        let known = KnownHere { revisions: store.revisions()?, in_place: store.in_place()?.0 };
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

    /// Adds the organisation's word to `policy`: it can only become stricter.
    pub(crate) fn restrict(&self, policy: &mut Policy) {
        for FeedPolicy { source, policy: word } in &self.policies {
            let off = match word {
                Ok(word) => {
                    for id in &word.blocked {
                        let by = format!("the organisation, by {source}");
                        let block = Block { by, take_back: false };
                        policy.blocked.entry(id.clone()).or_insert(block);
                    }
                    (!word.enabled).then(|| source.clone())
                }
                // What is not understood could be a switch.
                Err(why) => Some(format!("{source}, whose policy cannot be read: {why}")),
            };
            if let (Some(by), Switch::On) = (off, &policy.organisation) {
                policy.organisation = Switch::Off(by);
            }
        }
        self.block_as_spelled(policy);
    }

    /// Who writes `m1` means M1, and would find out too late that it was not blocked.
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

    /// Where the mitigations come from, in a few words.
    pub(crate) fn summary(&self) -> String {
        let names = self.names();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    }

    /// The sources that offer something, each once.
    pub(crate) fn names(&self) -> Vec<String> {
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
        let has_policy = view.feed.powers.policy.is_there();
        let kept = || view.kept_policy.clone();
        let mut offered = Offered::default();
        match &view.content {
            Content::Nothing if has_policy => match kept() {
                Some(bytes) => self.policy(source, OrganisationPolicy::read(&bytes)),
                // What is lost could be a switch, as what is not understood.
                None if view.standing.has_policy => {
                    self.policy(source, Err("what was taken of it is lost".into()));
                }
                None => {}
            },
            Content::Nothing => {}
            Content::Tuf(loaded) => {
                offered.others = loaded.listing().refused.len();
                for file in &loaded.listing().files {
                    let paid = if file.name == POLICY_NAME {
                        Ok(())
                    } else {
                        self.assembly.pay(file.length)
                    };
                    let read = |()| loaded.read(file).map_err(|error| error.to_string());
                    let bytes = paid.and_then(read);
                    let is_one = match bytes {
                        _ if file.name == POLICY_NAME && !has_policy => {
                            offered.powerless_policy = true;
                            false
                        }
                        bytes if file.name == POLICY_NAME => {
                            let bytes = bytes.or_else(|why| kept().ok_or(why));
                            self.policy(source, bytes.and_then(|it| OrganisationPolicy::read(&it)));
                            continue;
                        }
                        Ok(bytes) => self.assembly.document(source, &file.name, &bytes),
                        Err(why) => self.assembly.unreadable(source, &file.name, why),
                    };
                    let count = if is_one { &mut offered.mitigations } else { &mut offered.others };
                    *count += 1;
                }
            }
            Content::Eocs(feed) => {
                offered.mitigations = feed.configs().len();
                for config in feed.configs() {
                    self.assembly.announce(source, &config.id, &config.description);
                }
            }
        }
        offered
    }

    fn policy(&mut self, source: &Source, policy: Result<OrganisationPolicy, String>) {
        self.policies.push(FeedPolicy { source: source.name.clone(), policy });
    }
}

fn state_of(view: View, offered: Offered) -> FeedState {
    let View { feed, standing, expiry, trouble, notes, .. } = view;
    let Feed { name, url, format, powers, .. } = feed;
    let Offered { mitigations, others, powerless_policy } = offered;
    FeedState {
        name,
        format,
        url,
        powers,
        standing,
        expiry,
        trouble,
        mitigations,
        others,
        powerless_policy,
        notes,
    }
}

/// What is offered by a feed, beside all others.
fn source_of(view: &View, all: &[Feed]) -> Source {
    let others = all.iter().filter(|feed| feed.name != view.feed.name);
    let given_to_others = others.flat_map(|feed| feed.powers.own_ids().cloned()).collect();
    let name = format!("feed {}", view.feed.name);
    let hold = view.trouble.as_ref().map(|trouble| format!("{name}: {}", trouble.why));
    Source { name, powers: Some(view.feed.powers.clone()), given_to_others, hold }
}

/// What the state folder knows of mitigations.
struct KnownHere {
    revisions: Revisions,
    in_place: InPlace,
}

impl Known for KnownHere {
    fn reused(&self, mitigation: &Mitigation) -> Option<String> {
        self.revisions.reused(mitigation)
    }

    fn in_force(&self, mitigation: &Mitigation) -> bool {
        let mut placed = self.in_place.actions.values();
        let is_placed =
            placed.any(|it| it.mitigation == mitigation.id && it.hash == mitigation.hash);
        // Of a withdrawal that was taken nothing is in place, and yet it must not be lost.
        is_placed || (mitigation.withdrawn.is_some() && self.revisions.knows(mitigation))
    }

    fn in_place(&self, id: &MitigationId) -> Option<u32> {
        let placed = self.in_place.actions.values();
        placed.filter(|placed| placed.mitigation == *id).map(|placed| placed.revision).max()
    }
}
