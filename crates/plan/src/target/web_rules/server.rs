//! One web server with what is on it of ours.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::reason::{
    ChangeReason, Reason, ServerReason, TogetherReason, WebGap, WebRuleReason,
};
use stopgap_model::report::State;
use stopgap_model::web::{Account, WebServer};
use stopgap_model::{ActionId, Digest, Fact, Reasons, ServerId, ServerPath, WebKind};
use stopgap_webserver::rule::{Server, WebRule, translate};
use stopgap_webserver::{Layout, Placement};

use super::recognised::recognised;
use super::text::{digest, rule_text};
use crate::context::{ActionContext, ActionKey};
use crate::input::{Input, WebConfig};
use crate::installed::{InstalledRule, InstalledRules};
use crate::step::{AlteredServer, Removal, UnchangedServer};
use crate::target_id::TargetId;

/// A web server with what is on it of ours.
pub(crate) struct WebTarget<'a> {
    pub(super) id: ServerId,
    /// `None`: it is not found any more, and records tell of it.
    pub(super) config: Option<&'a WebConfig>,
    /// Whether it is gone with its configuration.
    pub(super) gone: bool,
    /// Its configuration; or why it is not known.
    pub(super) layout: Result<Layout<'a>, Reasons>,
    /// What the translation must know of it.
    pub(super) can: Server,
    record: Cow<'a, [InstalledRule]>,
    /// Where in `record` the rule of an action is.
    by_action: BTreeMap<ActionId, usize>,
    /// What the records say was withdrawn though a line of ours is left.
    left: &'a [InstalledRule],
    /// Whether what is there was recognised by its text, as no record tells of it.
    pub(super) is_recognised: bool,
    /// The file that another server takes in, too, so that nothing can be written.
    pub(super) shared: Option<ServerPath>,
    /// Why nothing is done to it, if so: an earlier change is still to be put back.
    pub(super) not_restored: Option<&'a str>,
    pub(super) seen: Seen,
    /// What may be HTTP and is passed on unread, to where nothing else reads it.
    pub(super) passed_on: Vec<WebGap>,
    /// Where rules of a kind stand, for a person.
    places: RefCell<BTreeMap<&'static str, String>>,
    /// The rules that actions ask for, each translated once.
    rules: RefCell<BTreeMap<ActionKey<'a>, Result<WebRule, Reasons>>>,
    failures: BTreeMap<&'a ActionId, &'a str>,
}

/// What is on a web server of ours, as it was observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing.
    Nothing,
    /// What the records say, as it was written.
    Intact,
    /// What the records say, as another version of the program wrote it.
    Outdated,
    /// What the records say, and something changed it: how.
    Changed(Reasons),
    /// A file with the name of ours, of which no record tells.
    Taken(ServerPath),
    /// It cannot be known: why.
    Unknown(Reasons),
}

/// The most differences that one reason names.
const MAX_NAMED: usize = 3;

impl<'a> WebTarget<'a> {
    /// A server that was found.
    pub(super) fn found(input: &Input<'a>, config: &'a WebConfig) -> Self {
        let server = &config.facts.server;
        let id = server.id();
        let own = input.installed.web.get(&id);
        let layout = match &config.incomplete {
            Some(why) => Err(ServerReason::Unread { why: why.clone() }.into()),
            None => config.files.layout().map_err(Reasons::from),
        };
        let can = Server {
            kind: server.kind,
            version: server.version.known().cloned(),
            modules: config.facts.modules.iter().cloned().collect(),
        };
        let recorded = Cow::Borrowed(own.map_or_else(Default::default, |own| own.rules.as_slice()));
        let record = match &layout {
            Ok(layout) if recorded.is_empty() => Cow::Owned(recognised(input, layout, &can)),
            Ok(_) | Err(_) => recorded,
        };
        let is_recognised = matches!(&record, Cow::Owned(rules) if !rules.is_empty());
        let seen = match &layout {
            Err(why) => Seen::Unknown(why.clone()),
            Ok(layout) => observe(layout, server.kind, &record, own.map(|own| own.text)),
        };
        let left = own.map_or_else(Default::default, |own| own.left.as_slice());
        Self {
            is_recognised,
            ..Self::new(input, id, Some(config), (layout, can, seen), record, left)
        }
    }

    /// A server that records tell of and that is not found.
    pub(super) fn missing(input: &Input<'a>, id: &ServerId, own: &'a InstalledRules) -> Self {
        let why = Reasons::from(ServerReason::NotFound);
        let kind = id.kind().unwrap_or(WebKind::Nginx);
        let can = Server { kind, version: None, modules: BTreeSet::new() };
        let read = (Err(why.clone()), can, Seen::Unknown(why));
        let record = Cow::Borrowed(own.rules.as_slice());
        let gone = input.gone.contains(id);
        Self { gone, ..Self::new(input, id.clone(), None, read, record, &own.left) }
    }

    fn new(
        input: &Input<'a>,
        id: ServerId,
        config: Option<&'a WebConfig>,
        (layout, can, seen): (Result<Layout<'a>, Reasons>, Server, Seen),
        record: Cow<'a, [InstalledRule]>,
        left: &'a [InstalledRule],
    ) -> Self {
        let by_action = record.iter().enumerate().map(|(at, placed)| (placed.action.clone(), at));
        let by_action = by_action.collect();
        let target = TargetId::Web(id.clone());
        let failures = input.failures.tries.iter().filter(|((of, _), _)| *of == target);
        let failures = failures.map(|((_, action), error)| (action, error.as_str())).collect();
        let not_restored = input.failures.stuck(&target);
        let (places, rules) = (RefCell::default(), RefCell::default());
        let (is_recognised, shared, passed_on, gone) = (false, None, Vec::new(), false);
        Self {
            id,
            config,
            gone,
            layout,
            can,
            record,
            by_action,
            left,
            is_recognised,
            shared,
            not_restored,
            seen,
            passed_on,
            places,
            rules,
            failures,
        }
    }

    /// The server itself, where it is gone, as far as its id tells of it.
    pub(super) fn remembered(&self) -> WebServer {
        WebServer {
            kind: self.can.kind,
            program: ServerPath::new(""),
            config: vec![self.id.config()],
            base: ServerPath::new("/"),
            variables: BTreeMap::new(),
            defines: Vec::new(),
            account: Account::root(),
            version: Fact::Absent,
            modules: Fact::Absent,
            running: Fact::Known(false),
            source: "the records".into(),
            doubt: None,
            dormant: None,
            identity: String::new(),
        }
    }

    /// What is recorded, or was recognised, of an action.
    pub(super) fn record(&self, action: &ActionId) -> Option<&InstalledRule> {
        self.by_action.get(action).and_then(|at| self.record.get(*at))
    }

    /// All that is recorded or was recognised.
    pub(super) fn records(&self) -> &[InstalledRule] {
        &self.record
    }

    /// Why the last try of an action failed, if it did.
    pub(super) fn last_failure(&self, action: &ActionId) -> Option<&'a str> {
        self.failures.get(action).copied()
    }

    /// The rule that an action asks for in the server's terms, or why the server cannot say it.
    pub(super) fn rule(&self, context: &ActionContext<'a>) -> Result<WebRule, Reasons> {
        let mut rules = self.rules.borrow_mut();
        let rule = rules.entry(context.key()).or_insert_with(|| {
            translate(&self.can, &context.action.kind).map_err(|why| {
                let server = self.can.kind.name().to_owned();
                WebRuleReason::CannotSay { server, why: why.into() }.into()
            })
        });
        rule.clone()
    }

    /// What stands here as it was written; `None`: nothing does.
    pub(crate) fn unchanged_server(&self) -> Option<UnchangedServer> {
        let (Some(config), Ok(layout)) = (self.config, &self.layout) else { return None };
        if !matches!(self.seen, Seen::Intact | Seen::Outdated) {
            return None;
        }
        let server = config.facts.server.clone();
        let unreached = layout.unreached(&rule_text(server.kind, &self.record));
        let (sites, own_answers) = (layout.sites(), layout.own_answers());
        Some(UnchangedServer { server, sites, unreached, own_answers, rules: self.record.to_vec() })
    }

    /// What stood here by the records, and does not stand as it was written, or is not known to; `None`:
    /// nothing did.
    pub(crate) fn altered_rules(&self) -> Option<AlteredServer> {
        let is_altered = match self.seen {
            Seen::Changed(_) | Seen::Unknown(_) | Seen::Taken(_) => true,
            Seen::Nothing | Seen::Intact | Seen::Outdated => false,
        };
        let is_reported = is_altered && !self.gone && !self.record.is_empty();
        let (server, dormant) = (self.id.clone(), self.dormant().is_some());
        is_reported.then(|| AlteredServer { server, dormant, rules: self.record.to_vec() })
    }

    /// Why it does not run and nothing starts it, if so.
    pub(super) fn dormant(&self) -> Option<&Reasons> {
        self.config.and_then(|config| config.facts.server.dormant.as_ref())
    }

    /// What was withdrawn though a line of ours is left.
    pub(super) fn left(&self) -> &'a [InstalledRule] {
        self.left
    }

    /// The lines of ours that are left in files that cannot be changed though no rule is there, and whether
    /// others are there, which can be taken out now.
    pub(super) fn lines_left(&self) -> (Option<Reasons>, bool) {
        match &self.layout {
            Ok(layout) if self.record.is_empty() && !self.left.is_empty() => {
                let (stuck, others) = layout.lines_left();
                (first_of(stuck.into_iter().map(Reason::from)), others)
            }
            _ => (None, false),
        }
    }

    /// What is withdrawn, now or before, where a line of ours is left, or may be.
    pub(super) fn still_left(&self, removals: &[Removal]) -> Vec<InstalledRule> {
        let stays = self.layout.as_ref().is_ok_and(|layout| !layout.strays().is_empty());
        let now = removals.iter().filter_map(|out| self.record(&out.action));
        let before = self.left.iter().filter(|left| self.record(&left.action).is_none());
        if stays { now.chain(before).cloned().collect() } else { Vec::new() }
    }

    /// Where a rule stands or would stand, for a person.
    pub(super) fn place(&self, placed: &InstalledRule) -> String {
        let Ok(layout) = &self.layout else { return String::new() };
        let mut places = self.places.borrow_mut();
        let place = places.entry(placed.rule.kind()).or_insert_with(|| {
            let text = rule_text(self.can.kind, std::slice::from_ref(placed));
            layout.places(&text).join("; ")
        });
        place.clone()
    }

    /// Why nothing can be taken out of it, and what state that is; `None`: it can.
    pub(super) fn why_not_changed(&self) -> Option<(State, Reasons)> {
        if self.gone {
            return None;
        }
        if let Some(why) = self.not_restored {
            return Some((State::Failed, ChangeReason::NotRestored { why: why.into() }.into()));
        }
        if let Seen::Unknown(why) = &self.seen {
            return Some((State::Unknown, why.clone()));
        }
        if let Some(file) = &self.shared {
            let file = file.to_string();
            return Some((State::Conflict, ServerReason::SharedFile { file }.into()));
        }
        let why = self.config?.refused.clone()?;
        Some((State::Conflict, ServerReason::Refused { why }.into()))
    }

    /// What a rule does not reach here though an attack may come there: a file cannot be changed or is
    /// not known, or connections are passed on unread.
    pub(super) fn holes(&self, placed: &InstalledRule) -> Option<Reasons> {
        let layout = self.layout.as_ref().ok()?;
        let text = rule_text(self.can.kind, std::slice::from_ref(placed));
        let holes = layout.holes(&text).into_iter().chain(self.passed_on.iter().cloned());
        first_of(holes.map(Reason::from))
    }

    /// Whether it reads no requests and passes none on unread: no mitigation of requests concerns it.
    pub(super) fn has_no_requests(&self) -> bool {
        self.passed_on.is_empty()
            && self.layout.as_ref().is_ok_and(|layout| !layout.reads_requests())
    }

    /// What a person should know of what is put on it.
    pub(super) fn notes(&self, placed: &InstalledRule) -> Vec<Reason> {
        let Some(config) = self.config else { return Vec::new() };
        let mut notes: Vec<Reason> = Vec::new();
        if let Ok(layout) = &self.layout {
            let text = rule_text(self.can.kind, std::slice::from_ref(placed));
            let gaps = layout.gaps(&text).into_iter().chain(layout.holes(&text));
            notes.extend(gaps.map(Reason::from));
        }
        let server = self.id.to_string();
        match &config.facts.server.running {
            Fact::Known(true) => {}
            Fact::Known(false) | Fact::Absent => {
                notes.push(ServerReason::NotRunning { server }.into());
            }
            Fact::Unknown(why) => {
                let why = why.clone();
                notes.push(ServerReason::RunningUnknown { server, why }.into());
            }
        }
        notes
    }
}

/// What is there of ours, where these rules should be; `written` is the digest of what the records say
/// was written for them.
fn observe(
    layout: &Layout<'_>,
    kind: WebKind,
    rules: &[InstalledRule],
    written: Option<Digest>,
) -> Seen {
    if rules.is_empty() {
        let taken = layout.own_files().into_iter().next();
        return taken.map_or(Seen::Nothing, |(path, _)| Seen::Taken(path));
    }
    let text = rule_text(kind, rules);
    match layout.place(&text) {
        Err(refusal) => Seen::Changed(refusal.into()),
        Ok(Placement { edits, .. }) if edits.is_empty() => Seen::Intact,
        Ok(_) if written.is_some_and(|written| written != digest(&text)) => Seen::Outdated,
        Ok(Placement { differences, .. }) => {
            let differences = first_of(differences.into_iter().map(Reason::from));
            Seen::Changed(differences.unwrap_or_else(|| ChangeReason::AnotherVersion.into()))
        }
    }
}

/// The first of many reasons, and how many more there are; `None`: there is none.
fn first_of(all: impl Iterator<Item = Reason>) -> Option<Reasons> {
    let mut all: Vec<Reason> = all.collect();
    let count = all.len().saturating_sub(MAX_NAMED);
    all.truncate(MAX_NAMED);
    if count > 0 {
        all.push(TogetherReason::AndMore { count }.into());
    }
    Reasons::collect(all)
}
