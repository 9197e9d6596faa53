//! Rules of URL Rewrite on IIS: what is there of an action that asks for one, and what would be written.

pub(crate) mod caching;
pub(crate) mod desired;
pub(crate) mod existing;
pub(crate) mod observe;
pub(crate) mod place_text;

use stopgap_iis::config::{Gap, Placement, Refusal};
use stopgap_model::Reason;
use stopgap_model::Reasons;
use stopgap_model::ServerPath;
use stopgap_model::reason::{IisRuleReason, TogetherReason};
use stopgap_model::report::State;

use self::desired::{DesiredEntry, DesiredRule};
use self::existing::{Existing, existing};
use self::observe::{OurRule, missing, named, our_rule, without_rules};
use self::place_text::{place_text, texts};
use super::{Desired, Except, Observed, Refused, Stray};
use crate::context::ActionContext;
use crate::effective_config::EffectiveConfig;
use crate::installed::InstalledAction;
use crate::verify::{Probes, verify};

/// The most parts of a scope that are named as out of reach in one reason.
const MAX_GAPS: usize = 3;

/// A rule that an action asks for, on one server.
pub(crate) struct RuleCase<'a> {
    pub(crate) context: &'a ActionContext<'a>,
    pub(crate) config: &'a EffectiveConfig<'a>,
    pub(crate) wanted: &'a DesiredRule<'a>,
    /// What is installed for the action.
    pub(crate) record: Option<&'a InstalledAction>,
}

impl RuleCase<'_> {
    /// What is there of it.
    pub(crate) fn observe(&self) -> Observed {
        match self.record {
            Some(record) => self.observe_ours(record),
            None => self.observe_others(),
        }
    }

    fn observe_ours(&self, record: &InstalledAction) -> Observed {
        match our_rule(self.wanted, record, self.config) {
            OurRule::Intact(unknown) => {
                let except = match unknown.into_iter().next() {
                    Some(doubt) => Except::PerhapsThere(doubt),
                    None => Except::Nowhere,
                };
                Observed::Intact { except, more: Vec::new(), notes: self.incompletely_scanned() }
            }
            OurRule::Outdated => {
                let (installed, offered) = (record.revision, self.context.mitigation().revision);
                Observed::another_revision(installed, offered)
            }
            OurRule::Gone(how) => Observed::Gone(how.into()),
            OurRule::Changed(how) => Observed::Drifted(how.into()),
            OurRule::Hidden(how) => self.hidden(record, how.into()),
        }
    }

    /// Ours stands and is without effect somewhere: it is to stand where it holds, if there is such a place.
    fn hidden(&self, record: &InstalledAction, how: Reasons) -> Observed {
        let (entries, gaps) = match self.entries() {
            Ok(found) => found,
            Err(taken @ Refusal::NameTaken { .. }) => {
                let taken = IisRuleReason::NoPlace { why: taken.reason().into() };
                return Observed::Settled(State::Drifted, how.and(taken));
            }
            Err(_) => return Observed::Settled(State::Drifted, how),
        };
        let stands = |entry: &DesiredEntry| record.entries.iter().any(|part| entry.is(part));
        if !entries.iter().all(stands) {
            return Observed::Drifted(how);
        }
        let count = gaps.len().saturating_sub(MAX_GAPS);
        let more = (count > 0).then(|| TogetherReason::AndMore { count }.into());
        match Reasons::collect(gaps.into_iter().take(MAX_GAPS).chain(more)) {
            None => Observed::Settled(State::Drifted, how),
            Some(gaps) => Observed::Intact {
                except: Except::There(gaps),
                more: Vec::new(),
                notes: Vec::new(),
            },
        }
    }

    fn observe_others(&self) -> Observed {
        let Self { wanted, config, .. } = self;
        if let Some(other) = named(wanted, config).into_iter().next() {
            let rule = wanted.name().to_owned();
            let same = other.entry.as_ref().is_ok_and(|entry| *entry == wanted.rule);
            if same && missing(wanted, config, &|entry| *entry == wanted.rule).is_empty() {
                let rules = vec![rule.clone()];
                return self.covered(IisRuleReason::SameUnderOurName { rule }, rules, Probes::All);
            }
            let at = place_text(&other.file, &other.place);
            return Observed::Taken(IisRuleReason::NameTaken { rule, at }.into());
        }
        match existing(wanted, config) {
            Existing::Insufficient(hints) => Observed::Absent { hints, notes: Vec::new() },
            Existing::Cover { names, together, remark } => {
                // What gets past it by a line break is reported; the rest must hold.
                let probes = match remark {
                    Some(_) => Probes::WithoutLineBreaks,
                    None => Probes::All,
                };
                let reason = match names.as_slice() {
                    [rule] => IisRuleReason::OtherDoesIt { rule: rule.clone(), remark },
                    _ => IisRuleReason::OthersDoIt { rules: names.clone(), together, remark },
                };
                self.covered(reason, names, probes)
            }
        }
    }

    /// Rules that say the same cover the action, if the probes say so too.
    fn covered(&self, reason: IisRuleReason, rules: Vec<String>, probes: Probes) -> Observed {
        let context = self.context;
        let placed = std::slice::from_ref(&context.action.id);
        let facts = context.input.facts;
        if let Err(why) = verify(context.mitigation(), placed, facts, self.config, probes) {
            let why = why.into();
            let hints = vec![IisRuleReason::OthersWithoutEffect { rules, why }.into()];
            return Observed::Absent { hints, notes: Vec::new() };
        }
        Observed::Covered { reasons: reason.into(), rules, notes: Vec::new() }
    }

    /// What would be written.
    pub(crate) fn desired(&self) -> Result<Desired<Vec<DesiredEntry>>, Refused> {
        let placement = self.placement().map_err(refused)?;
        let installed = self.context.input.installed;
        let entries = self.wanted.entries(self.config, &placement, installed).map_err(refused)?;
        let why = placement.why.clone().into();
        let mut notes = vec![Reason::from(IisRuleReason::PlacedThere { why })];
        notes.extend(self.gaps(&placement));
        notes.extend(caching::note(self.wanted, &placement, self.config));
        notes.extend(self.incompletely_scanned());
        Ok(Desired { place: places(&entries), content: entries, notes })
    }

    fn placement(&self) -> Result<Placement, Refusal> {
        self.wanted.placement(self.config, self.record)
    }

    /// All that is to stand for the rule to hold, and what it will not reach.
    fn entries(&self) -> Result<(Vec<DesiredEntry>, Vec<Reason>), Refusal> {
        let placement = self.placement()?;
        let entries = self.wanted.entries(self.config, &placement, self.context.input.installed)?;
        Ok((entries, self.gaps(&placement)))
    }

    /// What a rule will not reach: where none of ours can be, and where IIS runs no rule at all.
    fn gaps(&self, placement: &Placement) -> Vec<Reason> {
        let reason = |gap: &Gap| {
            IisRuleReason::NotReached { at: gap.at.clone(), why: gap.why.clone().into() }.into()
        };
        let known = |gap: &Gap| placement.gaps.iter().any(|g| g.at.eq_ignore_ascii_case(&gap.at));
        let dead = without_rules(self.wanted, self.config);
        let dead = dead.iter().filter(|gap| !known(gap));
        placement.gaps.iter().chain(dead).map(reason).collect()
    }

    /// Where something that is not known could keep the rule from its effect.
    fn incompletely_scanned(&self) -> Vec<Reason> {
        let site = self.wanted.scope.map(|scope| scope.site.as_str());
        let folders = self.config.snapshot().incompletely_scanned_folders(site);
        let note = |(folder, why): (ServerPath, Reasons)| {
            IisRuleReason::IncompletelyScanned { folder: folder.to_string(), why }.into()
        };
        folders.into_iter().map(note).collect()
    }
}

/// Where entries stand, for a person.
pub(crate) fn places(entries: &[DesiredEntry]) -> String {
    texts(entries.iter().map(|entry| place_text(&entry.file, &entry.place)))
}

/// A rule of our name that no record tells of and that is not what we would write there. It may be
/// somebody's, so nobody but a person takes it out.
pub(crate) fn stray(wanted: &DesiredRule<'_>, config: &EffectiveConfig<'_>) -> Option<Stray> {
    let found = named(wanted, config).into_iter().next()?;
    let at = place_text(&found.file, &found.place);
    Some(Stray { name: wanted.name().to_owned(), at })
}

/// The names of rules of others that do what `wanted` asks for.
pub(crate) fn covering(wanted: &DesiredRule<'_>, config: &EffectiveConfig<'_>) -> Vec<String> {
    match existing(wanted, config) {
        Existing::Cover { names, .. } => names,
        Existing::Insufficient(_) => Vec::new(),
    }
}

fn refused(refusal: Refusal) -> Refused {
    let why = refusal.reason();
    let state = match refusal {
        Refusal::NameTaken { .. } | Refusal::Broken(_) => State::Conflict,
        Refusal::Unknown(_) => State::Unknown,
        Refusal::NoSites
        | Refusal::NoSuchSite { .. }
        | Refusal::NoSuchPath { .. }
        | Refusal::NoModule
        | Refusal::ModuleOff(_)
        | Refusal::SectionNotDeclared(_)
        | Refusal::Locked(_) => State::Unsupported,
    };
    Refused { state, why: IisRuleReason::NoPlace { why: why.into() }.into() }
}
