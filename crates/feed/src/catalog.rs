//! The catalog from all sources side by side: what ships with the program, and the feeds.
//!
//! Of one mitigation the highest revision holds that a source with the right to it offers. What is
//! refused is refused alone; the rest stands.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use stopgap_model::document::parse;
use stopgap_model::problem::one_line;
use stopgap_model::reason::OfferReason;
use stopgap_model::{
    Action, Catalog, Digest, Mitigation, MitigationId, Offer, Problem, Reasons, Refused,
};
use stopgap_rules::contradicted_probe;

use crate::permissions::{Permissions, Wildcard};
use crate::work::{self, Work};

/// How the names of mitigation documents end.
pub const DOCUMENT_SUFFIX: &str = ".toml";

/// A source of mitigations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// How it is named in output: `built in`, `feed acme`.
    pub name: String,
    /// What it may ask for. `None`: anything.
    pub permissions: Option<Permissions>,
    /// The ids that others were given by name: whoever was given none in particular has no right to
    /// them.
    pub given_to_others: Vec<Wildcard>,
    /// Why nothing new of it is applied, if so.
    pub hold: Option<Reasons>,
}

/// A feed has used up the work that it may cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the feed asks for more work than it may cause")]
pub struct TooMuchWork;

impl From<TooMuchWork> for OfferReason {
    fn from(_: TooMuchWork) -> Self {
        Self::TooMuchWork
    }
}

/// What is known of mitigations beside the sources.
pub trait Known {
    /// Why a revision is not to be taken, because it was seen with other content.
    fn reused(&self, mitigation: &Mitigation) -> Option<OfferReason>;
    /// Whether this very revision is in force: something of it is in place on the server, or it is a
    /// withdrawal that was taken.
    fn in_force(&self, mitigation: &Mitigation) -> bool;
    /// The highest revision of a mitigation that something is in place of.
    fn in_place(&self, id: &MitigationId) -> Option<u32>;
}

/// Puts the catalog together, source by source.
pub struct Assembly<'a> {
    known: &'a dyn Known,
    shipped: Vec<MitigationId>,
    shipped_actions: HashMap<String, MitigationId>,
    offers: Vec<Offer>,
    places: HashMap<MitigationId, usize>,
    refused: Vec<Refused>,
    announced: Vec<Announced>,
    /// What the feeds may still cause.
    work: Cell<Work>,
}

/// A mitigation that a source announces and does not define.
struct Announced {
    source: String,
    id: MitigationId,
    title: String,
}

impl Announced {
    /// Marks the mitigation as announced, or lists it as one that nobody defines.
    fn tell(self, catalog: &mut Catalog) {
        let Self { source, id, title } = self;
        let found = catalog.offers.iter_mut().find(|offer| offer.mitigation.id == id);
        if let Some(offer) = found {
            const MARK: &str = ", announced by ";
            if offer.source.split(MARK).skip(1).all(|by| by != source) {
                offer.source = format!("{}{MARK}{source}", offer.source);
            }
            return;
        }
        let reason = OfferReason::OnlyAnnounced { by: source.clone() }.into();
        let hash = Digest::of(b"");
        catalog.refused.push(Refused { id, revision: 0, hash, title, source, reason });
    }
}

impl<'a> Assembly<'a> {
    /// Begins with the mitigations that ship with the program. Where `use_shipped` does not hold they
    /// are not offered, and still no feed may use their ids that was not given them.
    #[must_use]
    pub fn new(known: &'a dyn Known, shipped: Vec<Mitigation>, use_shipped: bool) -> Self {
        let ids = shipped.iter().map(|mitigation| mitigation.id.clone()).collect();
        let of = |it: &Mitigation| {
            let id = it.id.clone();
            it.actions.iter().map(move |action| (folded(action), id.clone())).collect::<Vec<_>>()
        };
        let shipped_actions = shipped.iter().flat_map(of).collect();
        let mut assembly = Self {
            known,
            shipped: ids,
            shipped_actions,
            offers: Vec::new(),
            places: HashMap::new(),
            refused: Vec::new(),
            announced: Vec::new(),
            work: Cell::new(Work::new()),
        };
        if use_shipped {
            let name = "built in".to_owned();
            let source =
                Source { name, permissions: None, given_to_others: Vec::new(), hold: None };
            for mitigation in shipped {
                assembly.mitigation(&source, mitigation);
            }
        }
        assembly
    }

    /// The documents of the next feed follow; with it, so many feeds are left.
    pub fn next_feed(&mut self, left: usize) {
        self.work.get_mut().next_feed(left);
    }

    /// Pays for finding and reading a document of so many bytes. If the feed has used up what it may cause,
    /// the document is not to be read: [`Assembly::unreadable`] with what this says.
    ///
    /// # Errors
    /// It has.
    pub fn pay(&mut self, bytes: u64) -> Result<(), TooMuchWork> {
        spend(&self.work, work::of_reading(bytes))
    }

    /// Adds a document that `source` offers under `name`. Answers whether the name is one of a
    /// mitigation; what is offered under other names is not for this program.
    pub fn document(&mut self, source: &Source, name: &str, bytes: &[u8]) -> bool {
        let id = name.strip_suffix(DOCUMENT_SUFFIX).and_then(|stem| stem.parse().ok());
        let Some(id) = id else { return false };
        match read(&id, bytes, &self.work) {
            Ok(mitigation) => self.mitigation(source, mitigation),
            Err(reason) => self.refuse(source, id, Digest::of(bytes), reason),
        }
        true
    }

    /// Adds what `source` offers under `name` and cannot be read. Answers as `document` does.
    pub fn unreadable(
        &mut self,
        source: &Source,
        name: &str,
        reason: impl Into<OfferReason>,
    ) -> bool {
        let id = name.strip_suffix(DOCUMENT_SUFFIX).and_then(|stem| stem.parse().ok());
        let Some(id) = id else { return false };
        self.refuse(source, id, Digest::of(b""), reason.into());
        true
    }

    /// Notes that `source` announces the mitigation `id`, which it cannot define. An id that is none
    /// of ours is not told.
    pub fn announce(&mut self, source: &Source, id: &str, title: &str) {
        let Ok(id) = id.parse() else { return };
        let (source, title) = (source.name.clone(), one_line(title));
        self.announced.push(Announced { source, id, title });
    }

    fn refuse(&mut self, source: &Source, id: MitigationId, hash: Digest, reason: OfferReason) {
        let (title, source, reason) = (String::new(), source.name.clone(), reason.into());
        self.refused.push(Refused { id, revision: 0, hash, title, source, reason });
    }

    fn refuse_offer(&mut self, offer: Offer, reason: OfferReason) {
        let Mitigation { id, revision, hash, title, .. } = offer.mitigation;
        let reason = reason.into();
        self.refused.push(Refused { id, revision, hash, title, source: offer.source, reason });
    }

    fn mitigation(&mut self, source: &Source, mitigation: Mitigation) {
        let permissions = source.permissions.as_ref();
        let refusal = permissions
            .and_then(|it| it.refuses_id(&mitigation.id, &self.shipped, &source.given_to_others))
            .or_else(|| self.known.reused(&mitigation));
        let denied = |action: &Action| {
            let why = permissions?.denies(&action.kind)?;
            Some((action.id.clone(), why.into()))
        };
        let denied: BTreeMap<_, _> = mitigation.actions.iter().filter_map(denied).collect();
        // An older revision is kept as an offer that is frozen: the report says why it is not applied.
        let hold = source.hold.clone().or_else(|| self.goes_back(&mitigation).map(Reasons::from));
        let offer = Offer { mitigation, source: source.name.clone(), denied, hold };
        match refusal {
            Some(reason) => self.refuse_offer(offer, reason),
            None => self.compete(offer),
        }
    }

    /// Why a revision would be a step back, if it is one. The source of the newer one may be gone, or
    /// what was taken of it: what is in force stays all the same.
    fn goes_back(&self, mitigation: &Mitigation) -> Option<OfferReason> {
        let installed = self.known.in_place(&mitigation.id);
        let installed = installed.filter(|it| *it > mitigation.revision)?;
        Some(OfferReason::OlderThanInstalled { installed })
    }

    /// Of two offers the one holds that can be applied now, or is already; then the higher revision;
    /// then the one that came first.
    fn compete(&mut self, offer: Offer) {
        let id = offer.mitigation.id.clone();
        let place = self.places.get(&id).copied();
        let Some(holder) = place.and_then(|place| self.offers.get(place)) else {
            self.places.insert(id, self.offers.len());
            self.offers.push(offer);
            return;
        };
        let same_revision = holder.mitigation.revision == offer.mitigation.revision;
        if same_revision && holder.mitigation.hash != offer.mitigation.hash {
            let (by, revision) = (holder.source.clone(), offer.mitigation.revision);
            let reason = OfferReason::TwoContents { by, revision };
            return self.refuse_offer(offer, reason);
        }
        let rank = |offer: &Offer| {
            let counts = offer.hold.is_none() || self.known.in_force(&offer.mitigation);
            (counts, offer.mitigation.revision)
        };
        if rank(&offer) > rank(holder)
            && let Some(holder) = place.and_then(|place| self.offers.get_mut(place))
        {
            *holder = offer;
        }
    }

    /// The catalog. An action has one mitigation: the shipped one that uses its id; else the one whose
    /// id its own begins with; else the one that came first.
    #[must_use]
    pub fn finish(mut self) -> Catalog {
        let offers = std::mem::take(&mut self.offers);
        let mut owners = std::mem::take(&mut self.shipped_actions);
        // Names that say whose they are come first, so that no other feed takes them by being earlier.
        for is_own in [true, false] {
            for Mitigation { id, actions, .. } in offers.iter().map(|offer| &offer.mitigation) {
                let names = actions.iter().map(folded);
                for name in names.filter(|name| is_named_after(name, id) == is_own) {
                    owners.entry(name).or_insert_with(|| id.clone());
                }
            }
        }
        let mut taken = Vec::new();
        for offer in offers {
            let Mitigation { id, actions, .. } = &offer.mitigation;
            let other = actions.iter().find_map(|action| {
                let of = owners.get(&folded(action)).filter(|of| *of != id)?;
                let (mitigation, action) = (of.to_string(), action.id.to_string());
                Some(OfferReason::ActionOfAnother { mitigation, action })
            });
            match other {
                Some(reason) => self.refuse_offer(offer, reason),
                None => taken.push(offer),
            }
        }
        // What is only announced fills the gaps that the offers leave.
        let mut catalog = Catalog { offers: taken, refused: self.refused };
        for announced in self.announced {
            announced.tell(&mut catalog);
        }
        catalog
    }
}

/// Spends this much of what the feeds may cause.
fn spend(work: &Cell<Work>, price: u64) -> Result<(), TooMuchWork> {
    let mut left = work.get();
    let pays = left.spend(price);
    work.set(left);
    if pays { Ok(()) } else { Err(TooMuchWork) }
}

/// The name of an action, as a server without regard to the case of letters has it.
fn folded(action: &Action) -> String {
    action.id.as_str().to_ascii_lowercase()
}

/// Whether an action is named as one of this mitigation: `M1.1` is of `M1`.
fn is_named_after(action: &str, id: &MitigationId) -> bool {
    let rest = action.strip_prefix(&id.as_str().to_ascii_lowercase());
    rest.is_some_and(|rest| rest.starts_with('.'))
}

/// Reads a document that is offered as the mitigation `id`.
fn read(id: &MitigationId, bytes: &[u8], work: &Cell<Work>) -> Result<Mitigation, OfferReason> {
    let check = |pattern: &str| {
        spend(work, work::of_pattern(pattern)).map_err(|error| error.to_string())?;
        stopgap_pattern::check_document_pattern(pattern).map_err(|error| error.to_string())
    };
    let mitigation = parse(bytes, &check).map_err(|problems| told(bytes, &problems))?;
    if mitigation.id != *id {
        return Err(OfferReason::DocumentOfAnother {
            found: mitigation.id.to_string(),
            id: id.to_string(),
        });
    }
    // Before they are judged: one document may ask for hours.
    spend(work, work::of_judging(&mitigation))?;
    match contradicted_probe(&mitigation) {
        Ok(None) => Ok(mitigation),
        Ok(Some(why)) => Err(OfferReason::Contradicted { why }),
        Err(why) => Err(OfferReason::Pattern { why: why.to_string() }),
    }
}

/// The first problem with its line, and how many there are.
fn told(bytes: &[u8], problems: &[Problem]) -> OfferReason {
    let Some(first) = problems.first() else { return OfferReason::DocumentUnreadable };
    let before = bytes.get(..first.span.start).unwrap_or_default();
    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    let (what, more) = (one_line(&first.message), problems.len() - 1);
    OfferReason::DocumentWrong { line, what, more }
}

#[cfg(test)]
mod tests;
