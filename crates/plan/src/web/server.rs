//! One web server with what is on it of ours.

use std::collections::{BTreeMap, BTreeSet};

use stopgap_edit::web::{Layout, Placement};
use stopgap_model::web::WebServer;
use stopgap_model::{ActionId, Fact, ServerId, ServerPath, WebKind};
use stopgap_rules::web::Server;

use super::{WebConfig, WebPlaced, digest, rule_text};
use crate::{Input, OwnRules};

/// A web server with what is on it of ours.
pub(crate) struct OnServer<'a> {
    pub(crate) id: ServerId,
    /// `None`: it is not found any more, and records tell of it.
    pub(crate) config: Option<&'a WebConfig>,
    /// Its configuration; or why it is not known.
    pub(crate) layout: Result<Layout<'a>, String>,
    /// What the translation must know of it.
    pub(crate) can: Server,
    record: &'a [WebPlaced],
    pub(crate) seen: Seen,
    /// Where what is on it stands, for a person.
    pub(crate) places: Vec<String>,
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
        let record = own.map_or(&[][..], |own| &own.rules);
        let (seen, places) = match &layout {
            Err(why) => (Seen::Unknown(why.clone()), Vec::new()),
            Ok(layout) => observe(layout, server.kind, own),
        };
        let can = Server {
            kind: server.kind,
            version: server.version.known().cloned(),
            modules: config.facts.modules.iter().cloned().collect(),
        };
        let failures = failures(input, &id);
        Self { id, config: Some(config), layout, can, record, seen, places, failures }
    }

    fn missing(input: &Input<'a>, id: &'a ServerId, own: &'a OwnRules) -> Self {
        let why = format!("{id} is not found here any more");
        Self {
            id: id.clone(),
            config: None,
            layout: Err(why.clone()),
            can: Server { kind: WebKind::Nginx, version: None, modules: BTreeSet::new() },
            record: &own.rules,
            seen: Seen::Unknown(why),
            places: Vec::new(),
            failures: failures(input, id),
        }
    }

    /// The server itself, where it is gone.
    pub(crate) fn gone(&self) -> WebServer {
        let (_, config) = self.id.as_str().split_once(':').unwrap_or_default();
        WebServer {
            kind: self.can.kind,
            program: ServerPath::new(""),
            config: vec![ServerPath::new(config)],
            base: ServerPath::new("/"),
            variables: BTreeMap::new(),
            defines: Vec::new(),
            version: Fact::Absent,
            modules: Fact::Absent,
            running: Fact::Known(false),
            source: "the records".into(),
        }
    }

    /// What the records say of an action.
    pub(crate) fn record(&self, action: &ActionId) -> Option<&'a WebPlaced> {
        self.record.iter().find(|placed| placed.action == *action)
    }

    /// All that the records say.
    pub(crate) fn records(&self) -> &'a [WebPlaced] {
        self.record
    }

    /// Why the last try of an action failed, if it did.
    pub(crate) fn failure(&self, action: &ActionId) -> Option<&'a str> {
        self.failures.get(action).copied()
    }

    /// The server's name for a person, as it is told apart from others.
    pub(crate) fn name(&self) -> String {
        self.id.to_string()
    }

    /// What a person should know of what is put on it.
    pub(crate) fn notes(&self, placed: &WebPlaced) -> Vec<String> {
        let Some(config) = self.config else { return Vec::new() };
        let mut notes = Vec::new();
        if let Ok(layout) = &self.layout {
            let text = rule_text(self.can.kind, std::slice::from_ref(placed));
            notes.extend(layout.gaps(&text));
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

fn failures<'a>(input: &Input<'a>, id: &ServerId) -> BTreeMap<&'a ActionId, &'a str> {
    let of_it = input.failures.web.iter().filter(|((server, _), _)| server == id);
    of_it.map(|((_, action), error)| (action, error.as_str())).collect()
}

/// What is there of ours, and where.
fn observe(layout: &Layout<'_>, kind: WebKind, own: Option<&OwnRules>) -> (Seen, Vec<String>) {
    let Some(own) = own.filter(|own| !own.rules.is_empty()) else {
        let taken = layout.own_files().into_iter().next();
        return (taken.map_or(Seen::Nothing, |(path, _)| Seen::Taken(path)), Vec::new());
    };
    let text = rule_text(kind, &own.rules);
    match layout.place(&text) {
        Err(error) => (Seen::Changed(error.to_string()), Vec::new()),
        Ok(Placement { edits, places, .. }) if edits.is_empty() => (Seen::Intact, places),
        Ok(Placement { places, .. }) if digest(&text) != own.text => (Seen::Outdated, places),
        Ok(Placement { places, differences, .. }) => {
            let more = differences.len().saturating_sub(MAX_DIFFERENCES);
            let mut told = differences;
            told.truncate(MAX_DIFFERENCES);
            if more > 0 {
                told.push(format!("and {more} more"));
            }
            (Seen::Changed(told.join("; ")), places)
        }
    }
}
