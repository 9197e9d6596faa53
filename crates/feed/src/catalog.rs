//! The catalog from all sources side by side: what ships with the program, and the feeds.
//!
//! Of one mitigation the highest revision holds that a source with the right to it offers. What is
//! refused is refused alone; the rest stands.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use stopgap_model::document::parse;
use stopgap_model::problem::one_line;
use stopgap_model::{Action, Catalog, Digest, Mitigation, MitigationId, Offer, Problem, Refused};
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
    pub hold: Option<String>,
}

/// What is known of mitigations beside the sources.
pub trait Known {
    /// Why a revision is not to be taken, because it was seen with other content: a sentence
    /// without a full stop.
    fn reused(&self, mitigation: &Mitigation) -> Option<String>;
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
        let reason = format!("announced by {source}; no catalog here defines it");
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
    pub fn pay(&mut self, bytes: u64) -> Result<(), String> {
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
    pub fn unreadable(&mut self, source: &Source, name: &str, reason: String) -> bool {
        let id = name.strip_suffix(DOCUMENT_SUFFIX).and_then(|stem| stem.parse().ok());
        let Some(id) = id else { return false };
        self.refuse(source, id, Digest::of(b""), reason);
        true
    }

    /// Notes that `source` announces the mitigation `id`, which it cannot define. An id that is none
    /// of ours is not told.
    pub fn announce(&mut self, source: &Source, id: &str, title: &str) {
        let Ok(id) = id.parse() else { return };
        let (source, title) = (source.name.clone(), one_line(title));
        self.announced.push(Announced { source, id, title });
    }

    fn refuse(&mut self, source: &Source, id: MitigationId, hash: Digest, reason: String) {
        let (title, source) = (String::new(), source.name.clone());
        self.refused.push(Refused { id, revision: 0, hash, title, source, reason });
    }

    fn refuse_offer(&mut self, offer: Offer, reason: String) {
        let Mitigation { id, revision, hash, title, .. } = offer.mitigation;
        self.refused.push(Refused { id, revision, hash, title, source: offer.source, reason });
    }

    fn mitigation(&mut self, source: &Source, mitigation: Mitigation) {
        let permissions = source.permissions.as_ref();
        let refusal = permissions
            .and_then(|it| it.refuses_id(&mitigation.id, &self.shipped, &source.given_to_others))
            .or_else(|| self.known.reused(&mitigation));
        let denied = |action: &Action| {
            let why = permissions?.denies(&action.kind)?;
            Some((action.id.clone(), why))
        };
        let denied: BTreeMap<_, _> = mitigation.actions.iter().filter_map(denied).collect();
        // An older revision is kept as an offer that is frozen: the report says why it is not applied.
        let hold = source.hold.clone().or_else(|| self.goes_back(&mitigation));
        let offer = Offer { mitigation, source: source.name.clone(), denied, hold };
        match refusal {
            Some(reason) => self.refuse_offer(offer, reason),
            None => self.compete(offer),
        }
    }

    /// Why a revision would be a step back, if it is one. The source of the newer one may be gone, or
    /// what was taken of it: what is in force stays all the same.
    fn goes_back(&self, mitigation: &Mitigation) -> Option<String> {
        let newer = self.known.in_place(&mitigation.id).filter(|it| *it > mitigation.revision)?;
        Some(format!("revision {newer} is in place, and nothing goes back to an older one"))
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
            let reason = format!(
                "{} has revision {} with other content: a revision never names two contents",
                holder.source, offer.mitigation.revision
            );
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
                Some(format!("{of} has an action {} already", action.id))
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
fn spend(work: &Cell<Work>, price: u64) -> Result<(), String> {
    let mut left = work.get();
    let pays = left.spend(price);
    work.set(left);
    let why = || "the feed asks for more work than it may cause".to_owned();
    if pays { Ok(()) } else { Err(why()) }
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
fn read(id: &MitigationId, bytes: &[u8], work: &Cell<Work>) -> Result<Mitigation, String> {
    let check = |pattern: &str| {
        spend(work, work::of_pattern(pattern))?;
        stopgap_pattern::check_document_pattern(pattern).map_err(|error| error.to_string())
    };
    let mitigation = parse(bytes, &check).map_err(|problems| told(bytes, &problems))?;
    if mitigation.id != *id {
        return Err(format!("the document is of {}, not of {id}", mitigation.id));
    }
    // Before they are judged: one document may ask for hours.
    spend(work, work::of_judging(&mitigation))?;
    match contradicted_probe(&mitigation) {
        Ok(None) => Ok(mitigation),
        Ok(Some(why)) => Err(format!("its own probes belie it: {why}")),
        Err(why) => Err(why.to_string()),
    }
}

/// The first problem with its line, and how many there are.
fn told(bytes: &[u8], problems: &[Problem]) -> String {
    let Some(first) = problems.first() else { return "the document cannot be read".into() };
    let before = bytes.get(..first.span.start).unwrap_or_default();
    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    let more = match problems.len() {
        1 => String::new(),
        all => format!(" (and {} more)", all - 1),
    };
    let message = one_line(&first.message);
    format!("this version cannot read its document: line {line}: {message}{more}")
}

#[cfg(test)]
mod tests {
    use stopgap_model::document::any_pattern;

    use super::*;

    struct Nothing;

    impl Known for Nothing {
        fn reused(&self, _: &Mitigation) -> Option<String> {
            None
        }
        fn in_force(&self, _: &Mitigation) -> bool {
            false
        }
        fn in_place(&self, _: &MitigationId) -> Option<u32> {
            None
        }
    }

    fn document(id: &str, revision: u32, action: &str, title: &str) -> Vec<u8> {
        format!(
            "schema = 1\nid = \"{id}\"\nrevision = {revision}\ntitle = \"{title}\"\n\
             severity = \"high\"\nimpact = \"None.\"\nno_live_probe = \"a test\"\n\
             [[action]]\nid = \"{action}\"\nkind = \"do-nothing\"\n"
        )
        .into_bytes()
    }

    fn shipped(id: &str) -> Vec<Mitigation> {
        let bytes = document(id, 5, &format!("{id}.1"), "t");
        vec![parse(&bytes, &any_pattern).unwrap()]
    }

    fn feed(name: &str, ids: &[&str], hold: Option<&str>) -> Source {
        let ids: Vec<_> = ids.iter().map(|id| id.parse().unwrap()).collect();
        let permissions = Some(Permissions::given(&ids, &[], &[], &[]));
        let hold = hold.map(str::to_owned);
        Source { name: name.into(), permissions, given_to_others: Vec::new(), hold }
    }

    /// The source and revision of the only offer, and the reasons of what is refused.
    fn outcome(catalog: &Catalog) -> (String, u32, Vec<String>) {
        let [offer] = catalog.offers.as_slice() else { panic!("{catalog:?}") };
        let reasons = catalog.refused.iter().map(|refused| refused.reason.clone()).collect();
        (offer.source.clone(), offer.mitigation.revision, reasons)
    }

    #[test]
    fn a_feed_revises_a_shipped_mitigation_only_if_it_was_given_it() {
        let newer = document("M1", 6, "M1.1", "t");
        for (ids, source, revision) in [(&[][..], "built in", 5), (&["M1"][..], "feed a", 6)] {
            let mut assembly = Assembly::new(&Nothing, shipped("M1"), true);
            assert!(assembly.document(&feed("feed a", ids, None), "M1.toml", &newer));
            let (by, which, refused) = outcome(&assembly.finish());
            assert_eq!((by.as_str(), which), (source, revision), "{ids:?}: {refused:?}");
            assert_eq!(refused.is_empty(), !ids.is_empty(), "{refused:?}");
        }
    }

    #[test]
    fn where_the_shipped_catalog_is_off_its_ids_are_still_not_everybodys() {
        let mut assembly = Assembly::new(&Nothing, shipped("M1"), false);
        assembly.document(&feed("feed a", &[], None), "M1.toml", &document("M1", 6, "M1.1", "t"));
        let catalog = assembly.finish();
        assert!(catalog.offers.is_empty() && catalog.refused.len() == 1, "{catalog:?}");
    }

    #[test]
    fn an_expired_feed_does_not_take_a_shipped_protection_away() {
        let mut assembly = Assembly::new(&Nothing, shipped("M1"), true);
        let expired = feed("feed a", &["M1"], Some("it expired"));
        assembly.document(&expired, "M1.toml", &document("M1", 6, "M1.1", "t"));
        assert_eq!(outcome(&assembly.finish()).1, 5);
    }

    #[test]
    fn one_revision_with_two_contents_is_refused_and_the_first_stands() {
        let mut assembly = Assembly::new(&Nothing, Vec::new(), true);
        let other = document("A", 1, "A.1", "another");
        assembly.document(&feed("feed a", &[], None), "A.toml", &document("A", 1, "A.1", "t"));
        assembly.document(&feed("feed b", &[], None), "A.toml", &other);
        let (by, _, refused) = outcome(&assembly.finish());
        assert_eq!(by, "feed a");
        assert!(refused[0].contains("never names two contents"), "{refused:?}");
    }

    #[test]
    fn a_document_is_taken_only_under_its_own_name_and_uses_only_its_own_actions() {
        let source = feed("feed a", &[], None);
        let mut assembly = Assembly::new(&Nothing, shipped("M1"), true);
        assembly.document(&source, "B.toml", &document("A", 1, "A.1", "t"));
        assembly.document(&source, "C.toml", &document("C", 1, "m1.1", "t"));
        assembly.document(&source, "D.toml", b"schema = 7\n");
        assert!(!assembly.document(&source, "readme.txt", b"x"));
        let (_, _, refused) = outcome(&assembly.finish());
        assert!(refused[0].contains("is of A, not of B"), "{refused:?}");
        assert!(refused[1].contains("schema 7"), "{refused:?}");
        assert!(refused[2].contains("M1 has an action m1.1"), "{refused:?}");
    }

    #[test]
    fn a_kind_that_was_not_given_is_denied_for_its_action_alone() {
        let text = format!(
            "{}[[action]]\nid = \"A.2\"\nkind = \"disable-service\"\nservices = [\"Spooler\"]\n",
            String::from_utf8(document("A", 1, "A.1", "t")).unwrap()
        );
        let mut assembly = Assembly::new(&Nothing, Vec::new(), true);
        assembly.document(&feed("feed a", &[], None), "A.toml", text.as_bytes());
        let catalog = assembly.finish();
        let denied: Vec<_> = catalog.offers[0].denied.keys().map(|id| id.as_str()).collect();
        assert_eq!(denied, ["A.2"]);
    }

    #[test]
    fn a_feed_does_not_push_others_out_by_the_names_of_their_actions() {
        let mut shipped = shipped("M2");
        let bytes = document("CVE-1", 1, "PL.1", "t");
        shipped.push(parse(&bytes, &any_pattern).unwrap());
        let mut assembly = Assembly::new(&Nothing, shipped, true);
        let thief = feed("feed a", &["PL", "EVIL-*"], None);
        assembly.document(&thief, "PL.toml", &document("PL", 1, "PL.1", "t"));
        assembly.document(&thief, "EVIL-1.toml", &document("EVIL-1", 1, "acme-1.1", "t"));
        assembly.document(&thief, "EVIL-2.toml", &document("EVIL-2", 1, "M2.1", "t"));
        let acme = feed("feed b", &[], None);
        assembly.document(&acme, "ACME-1.toml", &document("ACME-1", 1, "ACME-1.1", "t"));
        let catalog = assembly.finish();
        let ids: Vec<_> = catalog.mitigations().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, ["M2", "CVE-1", "ACME-1"], "{catalog:?}");
    }

    #[test]
    fn a_feed_that_was_given_no_ids_does_not_offer_those_that_another_was_given() {
        let mut assembly = Assembly::new(&Nothing, Vec::new(), true);
        let given_to_others = vec!["ACME-*".parse().unwrap()];
        let other = Source { given_to_others, ..feed("feed b", &[], None) };
        assembly.document(&other, "ACME-1.toml", &document("ACME-1", 9, "ACME-1.1", "t"));
        let acme = feed("feed a", &["ACME-*"], None);
        assembly.document(&acme, "ACME-1.toml", &document("ACME-1", 1, "ACME-1.1", "t"));
        let (by, _, refused) = outcome(&assembly.finish());
        assert_eq!(by, "feed a");
        assert!(refused[0].contains("another feed was given"), "{refused:?}");
    }

    /// A document of `tests` tests and as many probes.
    fn heavy(id: &str, test: &str, tests: usize, probe: &str, probes: usize) -> Vec<u8> {
        let test = format!("{test}, ").repeat(tests);
        let action = format!(
            "[[action]]\nid = \"{id}.1\"\nkind = \"block-request\"\ndeny = \"abort\"\nwhen = [{test}]\n"
        );
        let probe = |n| {
            format!(
                "[[probe]]\nname = \"p{n}\"\nrequest = \"GET /{probe}\"\nexpect = \"allowed\"\n"
            )
        };
        let probes: String = (0..probes).map(probe).collect();
        let head = String::from_utf8(document(id, 1, &format!("{id}.0"), "t")).unwrap();
        format!("{head}{action}{probes}").into_bytes()
    }

    #[test]
    fn a_feed_that_asks_for_work_without_end_is_cut_off_and_others_are_not() {
        let long = "a".repeat(4000);
        let contains = format!("{{ field = \"uri\", contains = \"{long}b\" }}");
        let many = "{ field = \"uri\", matches = \"(a|b|c|d){900}x\" }";
        // One document that would take minutes; and many that take some time each.
        for (test, tests, probe, probes) in
            [(contains.as_str(), 30, long.as_str(), 25), (many, 60, "b", 200)]
        {
            let mut assembly = Assembly::new(&Nothing, Vec::new(), true);
            let (greedy, modest) = (feed("feed a", &[], None), feed("feed b", &[], None));
            assembly.next_feed(2);
            for n in 0..40 {
                let id = format!("N{n}");
                let bytes = heavy(&id, test, tests, probe, probes);
                assembly.document(&greedy, &format!("{id}.toml"), &bytes);
            }
            assembly.next_feed(1);
            assembly.document(&modest, "A.toml", &document("A", 1, "A.1", "t"));
            let catalog = assembly.finish();
            let cut = catalog.refused.iter().filter(|it| it.reason.contains("more work")).count();
            assert!(cut >= 30, "{cut}: {:?}", catalog.refused.first());
            assert!(catalog.mitigations().any(|mitigation| mitigation.id.as_str() == "A"));
        }
    }

    #[test]
    fn what_ten_thousand_mitigations_cost_is_paid_and_what_a_thousand_with_patterns_do() {
        let contains = "{ field = \"uri\", decode = [\"url\"], contains = \"/owa/auth/logon\" }";
        let matches = "{ field = \"uri\", matches = \"/owa/[a-z0-9]{1,32}/auth.(js|css)\" }";
        for (test, count) in [(contains, 10_000), (matches, 1_000)] {
            let bytes = heavy("A", test, 3, "owa/x/logon.aspx?replaceCurrent=1", 5);
            let work = Cell::new(Work::new());
            spend(&work, work::of_reading(bytes.len() as u64)).unwrap();
            read(&"A".parse().unwrap(), &bytes, &work).unwrap();
            let price = Work::new().all() - work.get().all();
            assert!(price * count < Work::new().all(), "{test}: {price}");
        }
    }

    #[test]
    fn what_is_announced_is_defined_by_whatever_source_comes_later() {
        let mut assembly = Assembly::new(&Nothing, Vec::new(), true);
        let microsoft = feed("feed a", &[], None);
        for _ in 0..2 {
            assembly.announce(&microsoft, "A", "t");
        }
        let other = feed("feed b", &[], None);
        assembly.document(&other, "A.toml", &document("A", 1, "A.1", "t"));
        let (by, _, refused) = outcome(&assembly.finish());
        assert_eq!((by.as_str(), refused.len()), ("feed b, announced by feed a", 0), "{refused:?}");
    }
}
