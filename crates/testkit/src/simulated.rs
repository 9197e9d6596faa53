//! An nginx in memory, as far as the live step sees it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use stopgap_host::{Answer, TestError};
use stopgap_model::web::{Account, LeftOut, WebServer, beside};
use stopgap_model::{Fact, Reasons, ServerPath, WebKind};

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
    /// Its own test refuses rules of ours in which this stands.
    RefusesRulesWith(&'static str),
    /// Once it has taken rules of ours every site answers 500, whatever it takes afterwards.
    NeverRecovers,
    /// Its own test refuses whatever there is.
    RefusesAll,
    /// Every site answers 503, whatever is asked.
    Ill,
}

/// How a site of a simulated server misbehaves, whatever the server's mood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteMood {
    /// It never answers, and the time for its answer is over at once.
    Silent,
    /// It never answers, and no time for its answer is ever over.
    Stuck,
    /// It answers, and takes its time.
    Slow,
    /// The same, and with rules of ours it answers 500.
    SlowAndBreaksWithRules,
    /// It answers, and with rules of ours it does not any more.
    HangsWithRules,
    /// It does not answer in time what is not `/`, until rules of ours are there.
    WakesUp,
    /// It listens on an address that another machine has.
    Elsewhere,
    /// It answers 429 to the first questions, so many.
    Limited(usize),
    /// It answers 429 to whatever is asked once rules of ours are there.
    LimitedForGood,
    /// Another program answers in its place, which has no rules of ours.
    Shadowed,
    /// It answers what rules of ours block with this status, whether they are there or not.
    AnswersAttackWith(u16),
    /// With rules of ours it answers 404 to what they do not block and is not `/`.
    MissesPagesWithRules,
}

/// How quickly an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    Quick,
    Slow,
    Never,
}

/// An nginx that runs, in memory.
#[derive(Debug)]
pub struct SimulatedServer {
    /// Its main configuration file; its files are those in the same folder.
    main: ServerPath,
    /// Whether it has ever taken rules of ours.
    marked: Cell<bool>,
    /// The files that it took last.
    loaded: RefCell<Files>,
    alive: Cell<bool>,
    mood: Cell<Mood>,
    reloads: Cell<usize>,
    /// How often it was started anew.
    starts: Cell<usize>,
    hidden: Cell<bool>,
    beside: RefCell<LeftOut>,
    /// The sites that misbehave, by their names.
    sites: RefCell<BTreeMap<String, SiteMood>>,
    /// The names of the sites that were asked, in that order, with the targets.
    asked: RefCell<Vec<(String, String)>>,
}

impl SimulatedServer {
    pub(crate) fn new(main: &ServerPath, files: &Files) -> Self {
        Self {
            main: main.clone(),
            marked: Cell::new(false),
            loaded: RefCell::new(of_folder(main, files)),
            alive: Cell::new(true),
            mood: Cell::default(),
            reloads: Cell::new(0),
            starts: Cell::new(0),
            hidden: Cell::new(false),
            beside: RefCell::default(),
            sites: RefCell::default(),
            asked: RefCell::default(),
        }
    }

    /// From now on the site of this name misbehaves so.
    pub fn set_site(&self, name: &str, mood: SiteMood) {
        self.sites.borrow_mut().insert(name.to_owned(), mood);
    }

    /// What the site of this name was asked for, in that order.
    #[must_use]
    pub fn asked(&self, name: &str) -> Vec<String> {
        let asked = self.asked.borrow();
        asked.iter().filter(|(site, _)| site == name).map(|(_, target)| target.clone()).collect()
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

    /// Somebody stops it and starts it again.
    pub fn start_anew(&self) {
        self.starts.set(self.starts.get() + 1);
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

    /// The path of its main configuration file.
    #[must_use]
    pub fn main(&self) -> &ServerPath {
        &self.main
    }

    /// Those of these files that are its own.
    #[must_use]
    pub fn own_of(&self, files: &Files) -> Files {
        of_folder(&self.main, files)
    }

    /// Whether it serves a site of this name.
    pub(crate) fn serves(&self, name: &str) -> bool {
        let loaded = self.loaded.borrow();
        loaded.values().any(|text| String::from_utf8_lossy(text).contains(name))
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

    /// Whether the nginx of [`NGINX_CONF`] would start with these files: what is included is there,
    /// and what rules of ours need is defined.
    ///
    /// # Errors
    /// What is missing.
    pub fn would_start(files: &Files) -> Result<(), Reasons> {
        Self::would_start_from(NGINX_CONF, files)
    }

    fn would_start_from(main: &str, files: &Files) -> Result<(), Reasons> {
        let (mut met, mut left) = (BTreeSet::new(), vec![main.to_owned()]);
        while let Some(path) = left.pop() {
            // A pattern may match nothing.
            let plain = path.replace("[s]", "s");
            let bytes = match files.get(&plain) {
                Some(bytes) => bytes,
                None if plain != path => continue,
                None => return Err(Reasons::text(format!("{path} is not there"))),
            };
            left.extend(includes(bytes));
            met.insert(plain);
        }
        let has = |name: &str| met.iter().any(|path| path.contains(name));
        match has("stopgap-server") && !has("stopgap-http") {
            true => Err(Reasons::text("unknown \"stopgap\" variable")),
            false => Ok(()),
        }
    }

    pub(crate) fn facts(&self) -> WebServer {
        WebServer {
            kind: WebKind::Nginx,
            program: ServerPath::new("/usr/sbin/nginx"),
            config: vec![self.main.clone()],
            base: ServerPath::new("/usr/share/nginx"),
            variables: BTreeMap::new(),
            defines: Vec::new(),
            account: Account::root(),
            version: Fact::Known(stopgap_model::Version::from_parts(&[1, 22, 1])),
            modules: Fact::Known(Vec::new()),
            running: Fact::Known(self.alive.get()),
            source: "a test".into(),
            doubt: None,
            dormant: None,
            identity: format!("start {}", self.starts.get()),
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
            let main = *path == self.main;
            let beside = beside(path).key();
            planned.insert(if main { path.key() } else { beside }, bytes.clone());
        }
        let ours = staged.iter().any(|(_, bytes)| has_rules(bytes));
        let has =
            |what| staged.iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains(what));
        let refused = match self.mood.get() {
            Mood::RefusesAll => Err(Reasons::text("[emerg] unknown directive")),
            Mood::RefusesRules if ours => Err(Reasons::text("[emerg] unknown directive")),
            Mood::RefusesRulesWith(what) if has(what) => {
                Err(Reasons::text("[emerg] pcre2_compile() failed"))
            }
            _ => Self::would_start_from(self.main.as_str(), &planned),
        };
        refused.map_err(|said| TestError::Refused {
            program: ServerPath::new("/usr/sbin/nginx"),
            said: said.to_string(),
        })
    }

    pub(crate) fn reload(&self, files: &Files) -> Result<(), Reasons> {
        self.reloads.set(self.reloads.get() + 1);
        let ours = files.get(&self.main.key()).is_some_and(|main| has_rules(main));
        match self.mood.get() {
            Mood::ReloadHangs if ours => return Err(Reasons::text("it did not take it in time")),
            Mood::DiesOfRules if ours => {
                self.alive.set(false);
                return Err(Reasons::text("it is gone"));
            }
            Mood::IgnoresRules if ours => return Ok(()),
            _ => {}
        }
        self.take(files)
    }

    pub(crate) fn start(&self, files: &Files) -> Result<(), Reasons> {
        self.take(files)?;
        self.start_anew();
        self.alive.set(true);
        Ok(())
    }

    fn take(&self, files: &Files) -> Result<(), Reasons> {
        Self::would_start_from(self.main.as_str(), files)?;
        self.loaded.replace(self.own_of(files));
        self.marked.set(self.marked.get() || self.has_ours());
        Ok(())
    }

    fn has_ours(&self) -> bool {
        self.loaded.borrow().get(&self.main.key()).is_some_and(|main| has_rules(main))
    }

    pub(crate) fn answer(&self, site: &str, target: &[u8]) -> (Pace, Answer) {
        let told = (site.to_owned(), String::from_utf8_lossy(target).into_owned());
        self.asked.borrow_mut().push(told);
        let ours = self.has_ours();
        let usual = self.usual_answer(target);
        let mut sites = self.sites.borrow_mut();
        let Some(mood) = sites.get_mut(site) else { return (Pace::Quick, usual) };
        match mood {
            SiteMood::Silent => (Pace::Slow, Answer::Nothing),
            SiteMood::Stuck => (Pace::Never, Answer::Nothing),
            SiteMood::HangsWithRules if ours => (Pace::Slow, Answer::Nothing),
            SiteMood::SlowAndBreaksWithRules if ours => (Pace::Slow, Answer::Status(500)),
            // What is blocked is so at once.
            SiteMood::Slow if usual == Answer::Closed => (Pace::Quick, usual),
            SiteMood::Slow | SiteMood::SlowAndBreaksWithRules => (Pace::Slow, usual),
            SiteMood::WakesUp if !ours && target != b"/" => (Pace::Slow, Answer::Nothing),
            SiteMood::Elsewhere => (Pace::Quick, Answer::NotHere([192, 0, 2, 1].into())),
            SiteMood::Limited(times) if *times > 0 => {
                *times -= 1;
                (Pace::Quick, Answer::Status(429))
            }
            SiteMood::Shadowed => (Pace::Quick, Answer::Status(200)),
            SiteMood::LimitedForGood if ours => (Pace::Quick, Answer::Status(429)),
            SiteMood::AnswersAttackWith(status) if is_attack(target) => {
                (Pace::Quick, Answer::Status(*status))
            }
            SiteMood::MissesPagesWithRules if ours && usual != Answer::Closed && target != b"/" => {
                (Pace::Quick, Answer::Status(404))
            }
            SiteMood::AnswersAttackWith(_)
            | SiteMood::MissesPagesWithRules
            | SiteMood::HangsWithRules
            | SiteMood::WakesUp
            | SiteMood::Limited(_)
            | SiteMood::LimitedForGood => (Pace::Quick, usual),
        }
    }

    fn usual_answer(&self, target: &[u8]) -> Answer {
        if !self.alive.get() {
            return Answer::Unreachable("nobody listens".into());
        }
        if self.mood.get() == Mood::Ill {
            return Answer::Status(503);
        }
        let ours = self.has_ours();
        if self.mood.get() == Mood::NeverRecovers && self.marked.get() {
            return Answer::Status(500);
        }
        if ours && self.mood.get() == Mood::BreaksWithRules {
            return Answer::Status(500);
        }
        if ours && is_attack(target) { Answer::Closed } else { Answer::Status(200) }
    }
}

fn is_attack(target: &[u8]) -> bool {
    target.windows(MARKER.len()).any(|part| part == MARKER.as_bytes())
}

/// The files in the folder that this one is in, and below it.
fn of_folder(main: &ServerPath, files: &Files) -> Files {
    let folder = main.folder().map(|folder| format!("{}/", folder.key())).unwrap_or_default();
    let own = files.iter().filter(|(path, _)| path.starts_with(&folder));
    own.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
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
