//! One web server with what is on it of ours.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use stopgap_model::report::State;
use stopgap_model::web::{Account, WebServer};
use stopgap_model::{ActionId, Digest, Fact, ServerId, ServerPath, WebKind};
use stopgap_webserver::rule::Server;
use stopgap_webserver::{Layout, Placement};

use super::recognised::recognised;
use super::{Altered, Standing, TakenOut, WebConfig, WebPlaced, digest, passed, rule_text};
use crate::{Input, OwnRules};

/// A web server with what is on it of ours.
pub(crate) struct OnServer<'a> {
    pub(crate) id: ServerId,
    /// `None`: it is not found any more, and records tell of it.
    pub(crate) config: Option<&'a WebConfig>,
    /// Whether it is gone with its configuration.
    pub(crate) gone: bool,
    /// Its configuration; or why it is not known.
    pub(crate) layout: Result<Layout<'a>, String>,
    /// What the translation must know of it.
    pub(crate) can: Server,
    record: Cow<'a, [WebPlaced]>,
    /// What the records say was taken out though a line of ours stays.
    left: &'a [WebPlaced],
    /// Whether what is there was recognised by its text, as no record tells of it.
    pub(crate) is_recognised: bool,
    /// Why nothing can be written for it, if so: another server shares a file with it.
    pub(crate) shared: Option<String>,
    /// Why nothing is done to it, if so: an earlier change is still to be taken back.
    pub(crate) stuck: Option<&'a str>,
    pub(crate) seen: Seen,
    /// What may be HTTP and is passed on unread, to where nothing else reads it: sentences without a
    /// full stop.
    pub(crate) passed_on: Vec<String>,
    /// Where rules of a kind stand, for a person.
    places: RefCell<BTreeMap<&'static str, String>>,
    failures: BTreeMap<&'a ActionId, &'a str>,
}

/// What is on a web server of ours, as it was observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing.
    Nothing,
    /// What the records say, as it was written.
    Intact,
    /// What the records say, as another version of the program wrote it.
    Outdated,
    /// What the records say, and something changed it: what, as a sentence.
    Changed(String),
    /// A file with the name of ours, of which no record tells.
    Taken(ServerPath),
    /// It cannot be known: why.
    Unknown(String),
}

/// The most differences that one reason names.
const MAX_DIFFERENCES: usize = 3;

impl<'a> OnServer<'a> {
    /// The servers that were found, and those that records tell of and that are gone.
    pub(crate) fn all(input: &Input<'a>) -> Vec<Self> {
        let mut all: Vec<Self> =
            input.web.iter().map(|config| Self::found(input, config)).collect();
        let gone = input.in_place.web.iter().filter(|(_, own)| !own.rules.is_empty());
        share(&mut all);
        passed::look_at(&mut all);
        for (id, own) in gone.filter(|(id, _)| all.iter().all(|s| s.id != **id)).collect::<Vec<_>>()
        {
            all.push(Self::missing(input, id, own));
        }
        all
    }

    fn found(input: &Input<'a>, config: &'a WebConfig) -> Self {
        let server = &config.facts.server;
        let id = server.id();
        let own = input.in_place.web.get(&id);
        let layout = match &config.incomplete {
            Some(why) => Err(why.clone()),
            None => config.files.layout().map_err(|trouble| trouble.to_string()),
        };
        let can = Server {
            kind: server.kind,
            version: server.version.known().cloned(),
            modules: config.facts.modules.iter().cloned().collect(),
        };
        let mut record = Cow::Borrowed(own.map_or(&[][..], |own| &own.rules));
        let mut is_recognised = false;
        if let (true, Ok(layout)) = (record.is_empty(), &layout) {
            record = Cow::Owned(recognised(input, layout, &can));
            is_recognised = !record.is_empty();
        }
        let seen = match &layout {
            Err(why) => Seen::Unknown(why.clone()),
            Ok(layout) => observe(layout, server.kind, &record, own.map(|own| own.text)),
        };
        let failures = failures(input, &id);
        let stuck = stuck(input, &id);
        let places = RefCell::default();
        Self {
            id,
            config: Some(config),
            gone: false,
            layout,
            can,
            record,
            left: own.map_or(&[][..], |own| &own.left),
            is_recognised,
            shared: None,
            stuck,
            seen,
            passed_on: Vec::new(),
            places,
            failures,
        }
    }

    fn missing(input: &Input<'a>, id: &'a ServerId, own: &'a OwnRules) -> Self {
        let why = "the web server is not found here any more".to_owned();
        Self {
            id: id.clone(),
            config: None,
            gone: input.gone.contains(id),
            layout: Err(why.clone()),
            can: Server { kind: WebKind::Nginx, version: None, modules: BTreeSet::new() },
            record: Cow::Borrowed(&own.rules),
            left: &own.left,
            is_recognised: false,
            shared: None,
            stuck: stuck(input, id),
            seen: Seen::Unknown(why),
            passed_on: Vec::new(),
            places: RefCell::default(),
            failures: failures(input, id),
        }
    }

    /// The server itself, where it is gone, as far as its id tells of it.
    pub(crate) fn remembered(&self) -> WebServer {
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

    /// Why it does not run and nothing starts it, if so.
    pub(crate) fn dormant(&self) -> Option<&str> {
        self.config.and_then(|config| config.facts.server.dormant.as_deref())
    }

    /// What the records say of an action.
    pub(crate) fn record(&self, action: &ActionId) -> Option<&WebPlaced> {
        self.record.iter().find(|placed| placed.action == *action)
    }

    /// All that the records say.
    pub(crate) fn records(&self) -> &[WebPlaced] {
        &self.record
    }

    /// What stands here as it was written; `None`: nothing does.
    pub(crate) fn standing(&self) -> Option<Standing> {
        let (Some(config), Ok(layout)) = (self.config, &self.layout) else { return None };
        if !matches!(self.seen, Seen::Intact | Seen::Outdated) {
            return None;
        }
        let server = config.facts.server.clone();
        let unreached = layout.unreached(&rule_text(server.kind, &self.record));
        let (sites, own_answers) = (layout.sites(), layout.own_answers());
        Some(Standing { server, sites, unreached, own_answers, rules: self.record.to_vec() })
    }

    /// What stood here by the records, and does not stand as it was written, or is not known to; `None`:
    /// nothing did.
    pub(crate) fn altered(&self) -> Option<Altered> {
        let is_altered = match self.seen {
            Seen::Changed(_) | Seen::Unknown(_) | Seen::Taken(_) => true,
            Seen::Nothing | Seen::Intact | Seen::Outdated => false,
        };
        let is_told = is_altered && !self.gone && !self.record.is_empty();
        let (server, dormant) = (self.id.clone(), self.dormant().is_some());
        is_told.then(|| Altered { server, dormant, rules: self.record.to_vec() })
    }

    /// What was taken out though a line of ours stays.
    pub(crate) fn left(&self) -> &'a [WebPlaced] {
        self.left
    }

    /// The lines of ours that stay in files that cannot be changed though no rule is there, and whether
    /// others are there, which can be taken out now.
    pub(crate) fn lines_left(&self) -> (Vec<String>, bool) {
        match &self.layout {
            Ok(layout) if self.record.is_empty() && !self.left.is_empty() => {
                let (left, others) = layout.lines_left();
                (sentences(&left), others)
            }
            _ => (Vec::new(), false),
        }
    }

    /// What is taken out, now or before, where a line of ours stays, or may stay.
    pub(crate) fn still_left(&self, taken_out: &[TakenOut]) -> Vec<WebPlaced> {
        let stays = self.layout.as_ref().is_ok_and(|layout| !layout.strays().is_empty());
        let now = taken_out.iter().filter_map(|out| self.record(&out.action));
        let before = self.left.iter().filter(|left| self.record(&left.action).is_none());
        if stays { now.chain(before).cloned().collect() } else { Vec::new() }
    }

    /// Why the last try of an action failed, if it did.
    pub(crate) fn failure(&self, action: &ActionId) -> Option<&'a str> {
        self.failures.get(action).copied()
    }

    /// The server's name for a person, as it is told apart from others.
    pub(crate) fn name(&self) -> String {
        self.id.to_string()
    }

    /// Where a rule stands or would stand, for a person.
    pub(crate) fn place_of(&self, placed: &WebPlaced) -> String {
        let Ok(layout) = &self.layout else { return String::new() };
        let mut places = self.places.borrow_mut();
        let place = places.entry(placed.rule.kind()).or_insert_with(|| {
            let text = rule_text(self.can.kind, std::slice::from_ref(placed));
            layout.places(&text).join("; ")
        });
        place.clone()
    }

    /// Why nothing can be taken out of it, and what state that is; `None`: it can.
    pub(crate) fn hindrance(&self) -> Option<(State, &str)> {
        if self.gone {
            return None;
        }
        if let Some(why) = self.stuck {
            return Some((State::Failed, why));
        }
        let refused = self.config.and_then(|config| config.refused.as_deref());
        match (&self.seen, self.shared.as_deref().or(refused)) {
            (Seen::Unknown(why), _) => Some((State::Unknown, why)),
            (_, Some(why)) => Some((State::Conflict, why)),
            _ => None,
        }
    }

    /// What a rule does not reach here though an attack may come there: a file cannot be changed or is
    /// not known, or connections are passed on unread.
    pub(crate) fn holes(&self, placed: &WebPlaced) -> Vec<String> {
        let Ok(layout) = &self.layout else { return Vec::new() };
        let text = rule_text(self.can.kind, std::slice::from_ref(placed));
        let mut holes = sentences(&layout.holes(&text));
        holes.extend(self.passed_on.iter().cloned());
        holes
    }

    /// Whether it reads no requests and passes none on unread: no mitigation of requests concerns it.
    pub(crate) fn has_no_requests(&self) -> bool {
        self.passed_on.is_empty()
            && self.layout.as_ref().is_ok_and(|layout| !layout.reads_requests())
    }

    /// What a person should know of what is put on it.
    pub(crate) fn notes(&self, placed: &WebPlaced) -> Vec<String> {
        let Some(config) = self.config else { return Vec::new() };
        let mut notes = Vec::new();
        if let Ok(layout) = &self.layout {
            let text = rule_text(self.can.kind, std::slice::from_ref(placed));
            notes.extend(sentences(&layout.gaps(&text)));
            notes.extend(sentences(&layout.holes(&text)));
        }
        match &config.facts.server.running {
            Fact::Known(true) => {}
            Fact::Known(false) | Fact::Absent => {
                notes.push(format!("{} does not run: written, not probed", self.name()));
            }
            Fact::Unknown(why) => {
                notes.push(format!("{} is written and not probed: {why}", self.name()));
            }
        }
        notes
    }
}

/// Reasons as sentences.
pub(super) fn sentences<T: ToString>(reasons: &[T]) -> Vec<String> {
    reasons.iter().map(ToString::to_string).collect()
}

/// Where two servers take in one file that lines of ours belong into, each would undo what the other
/// needs there: for both of them nothing is written.
fn share(all: &mut [OnServer<'_>]) {
    if all.len() < 2 {
        return;
    }
    let files: Vec<Vec<ServerPath>> = all
        .iter()
        .map(|server| server.layout.as_ref().map(Layout::written_files).unwrap_or_default())
        .collect();
    for (at, server) in all.iter_mut().enumerate() {
        let others = files.iter().enumerate().filter(|(other, _)| *other != at);
        let mut theirs = others.flat_map(|(_, files)| files);
        if let Some(shared) = theirs.find(|file| files[at].contains(file)) {
            server.shared = Some(format!("another web server takes in {shared} too"));
        }
    }
}

fn failures<'a>(input: &Input<'a>, id: &ServerId) -> BTreeMap<&'a ActionId, &'a str> {
    let of_it = input.failures.web.iter().filter(|((server, _), _)| server == id);
    of_it.map(|((_, action), error)| (action, error.as_str())).collect()
}

fn stuck<'a>(input: &Input<'a>, id: &ServerId) -> Option<&'a str> {
    input.failures.stuck.get(&Some(id.clone())).map(String::as_str)
}

/// What is there of ours, where these rules should be; `written` is the digest of what the records say
/// was written for them.
fn observe(
    layout: &Layout<'_>,
    kind: WebKind,
    rules: &[WebPlaced],
    written: Option<Digest>,
) -> Seen {
    if rules.is_empty() {
        let taken = layout.own_files().into_iter().next();
        return taken.map_or(Seen::Nothing, |(path, _)| Seen::Taken(path));
    }
    let text = rule_text(kind, rules);
    match layout.place(&text) {
        Err(error) => Seen::Changed(error.to_string()),
        Ok(Placement { edits, .. }) if edits.is_empty() => Seen::Intact,
        Ok(_) if written.is_some_and(|written| written != digest(&text)) => Seen::Outdated,
        Ok(Placement { differences, .. }) => Seen::Changed(first_of(sentences(&differences))),
    }
}

/// Several sentences as one; of many the first ones, and how many more there are.
pub(crate) fn first_of(mut all: Vec<String>) -> String {
    let more = all.len().saturating_sub(MAX_DIFFERENCES);
    all.truncate(MAX_DIFFERENCES);
    if more > 0 {
        all.push(format!("and {more} more"));
    }
    all.join("; ")
}
