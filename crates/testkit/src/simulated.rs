//! An nginx in memory, as far as the live step sees it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use stopgap_host::{Answer, TestError};
use stopgap_model::web::{Account, LeftOut, WebServer, beside};
use stopgap_model::{Fact, ServerPath, WebKind};

/// Files, by [`ServerPath::key`].
type Files = BTreeMap<String, Vec<u8>>;

/// The main configuration file of the simulated server.
pub const NGINX_CONF: &str = "/etc/nginx/nginx.conf";

/// A request target that has this text is what the simulated server's rules block.
pub const MARKER: &str = "stopgap-probe";

/// How a simulated server misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// Not at all.
    #[default]
    Good,
    /// A reload does not come to its end.
    ReloadHangs,
    /// It is gone after a reload with rules of ours.
    DiesOfRules,
    /// It says that it took rules of ours, and goes on with what it had.
    IgnoresRules,
    /// With rules of ours every site answers 500.
    BreaksWithRules,
    /// Its own test refuses rules of ours.
    RefusesRules,
    /// Its own test refuses whatever there is.
    RefusesAll,
    /// Every site answers 503, whatever is asked.
    Ill,
}

/// An nginx that runs, in memory.
#[derive(Debug)]
pub struct SimulatedServer {
    /// The files that it took last.
    loaded: RefCell<Files>,
    alive: Cell<bool>,
    mood: Cell<Mood>,
    reloads: Cell<usize>,
    hidden: Cell<bool>,
    beside: RefCell<LeftOut>,
}

impl SimulatedServer {
    pub(crate) fn new(files: Files) -> Self {
        Self {
            loaded: RefCell::new(files),
            alive: Cell::new(true),
            mood: Cell::default(),
            reloads: Cell::new(0),
            hidden: Cell::new(false),
            beside: RefCell::default(),
        }
    }

    /// From now on it misbehaves so.
    pub fn set_mood(&self, mood: Mood) {
        self.mood.set(mood);
    }

    /// From now on it is found, or it is not.
    pub fn hide(&self, hidden: bool) {
        self.hidden.set(hidden);
    }

    /// From now on this is beside it and left out.
    pub fn leave_out(&self, beside: LeftOut) {
        self.beside.replace(beside);
    }

    pub(crate) fn left_out(&self) -> LeftOut {
        self.beside.borrow().clone()
    }

    pub(crate) fn is_found(&self) -> bool {
        !self.hidden.get()
    }

    /// It is stopped by somebody.
    pub fn stop(&self) {
        self.alive.set(false);
    }

    /// Whether it runs.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.alive.get()
    }

    /// The files that it took last.
    #[must_use]
    pub fn loaded(&self) -> Files {
        self.loaded.borrow().clone()
    }

    /// How often it was reloaded.
    #[must_use]
    pub fn reloads(&self) -> usize {
        self.reloads.get()
    }

    /// Whether it would start with these files: what is included is there, and what rules of ours
    /// need is defined.
    ///
    /// # Errors
    /// What is missing.
    pub fn would_start(files: &Files) -> Result<(), String> {
        let (mut met, mut left) = (BTreeSet::new(), vec![NGINX_CONF.to_owned()]);
        while let Some(path) = left.pop() {
            // A pattern may match nothing.
            let plain = path.replace("[s]", "s");
            let bytes = match files.get(&plain) {
                Some(bytes) => bytes,
                None if plain != path => continue,
                None => return Err(format!("{path} is not there")),
            };
            left.extend(includes(bytes));
            met.insert(plain);
        }
        let has = |name: &str| met.iter().any(|path| path.contains(name));
        match has("stopgap-server") && !has("stopgap-http") {
            true => Err("unknown \"stopgap\" variable".into()),
            false => Ok(()),
        }
    }

    pub(crate) fn facts(&self) -> WebServer {
        WebServer {
            kind: WebKind::Nginx,
            program: ServerPath::new("/usr/sbin/nginx"),
            config: vec![ServerPath::new(NGINX_CONF)],
            base: ServerPath::new("/usr/share/nginx"),
            variables: BTreeMap::new(),
            defines: Vec::new(),
            account: Account::root(),
            version: Fact::Known(stopgap_model::Version::from_parts(&[1, 22, 1])),
            modules: Fact::Known(Vec::new()),
            running: Fact::Known(self.alive.get()),
            source: "a test".into(),
            doubt: None,
        }
    }

    pub(crate) fn test(
        &self,
        files: &Files,
        staged: &[(ServerPath, Vec<u8>)],
    ) -> Result<(), TestError> {
        let mut planned = files.clone();
        for (path, bytes) in staged {
            // The main file is tested from beside; what it includes of ours it names so itself.
            let main = path.as_str() == NGINX_CONF;
            let beside = beside(path).key();
            planned.insert(if main { path.key() } else { beside }, bytes.clone());
        }
        let ours = staged.iter().any(|(_, bytes)| has_rules(bytes));
        let refused = match self.mood.get() {
            Mood::RefusesAll => Err("[emerg] unknown directive".to_owned()),
            Mood::RefusesRules if ours => Err("[emerg] unknown directive".to_owned()),
            _ => Self::would_start(&planned),
        };
        refused.map_err(|said| TestError::Refused {
            program: ServerPath::new("/usr/sbin/nginx"),
            said,
        })
    }

    pub(crate) fn reload(&self, files: &Files) -> Result<(), String> {
        self.reloads.set(self.reloads.get() + 1);
        let ours = files.get(NGINX_CONF).is_some_and(|main| has_rules(main));
        match self.mood.get() {
            Mood::ReloadHangs if ours => return Err("it did not take it in time".into()),
            Mood::DiesOfRules if ours => {
                self.alive.set(false);
                return Err("it is gone".into());
            }
            Mood::IgnoresRules if ours => return Ok(()),
            _ => {}
        }
        Self::would_start(files)?;
        self.loaded.replace(files.clone());
        Ok(())
    }

    pub(crate) fn start(&self, files: &Files) -> Result<(), String> {
        Self::would_start(files)?;
        self.loaded.replace(files.clone());
        self.alive.set(true);
        Ok(())
    }

    pub(crate) fn answer(&self, target: &[u8]) -> Answer {
        if !self.alive.get() {
            return Answer::Unreachable("nobody listens".into());
        }
        if self.mood.get() == Mood::Ill {
            return Answer::Status(503);
        }
        let ours = self.loaded.borrow().get(NGINX_CONF).is_some_and(|main| has_rules(main));
        if ours && self.mood.get() == Mood::BreaksWithRules {
            return Answer::Status(500);
        }
        let marked = target.windows(MARKER.len()).any(|part| part == MARKER.as_bytes());
        if ours && marked { Answer::Closed } else { Answer::Status(200) }
    }
}

fn has_rules(main: &[u8]) -> bool {
    String::from_utf8_lossy(main).contains("stopgap-")
}

/// The absolute paths that a configuration includes.
fn includes(main: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(main).into_owned();
    let words = text.split("include ").skip(1);
    words
        .map(|rest| {
            rest.trim_start_matches('"').split(['"', ';']).next().unwrap_or_default().to_owned()
        })
        .collect()
}
