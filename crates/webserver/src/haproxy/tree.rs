//! What the configuration of HAProxy says, as far as it concerns us.

use stopgap_model::reason::ConfigPlace;

use super::own::Own;
use crate::source::Source;

/// The configuration of HAProxy.
#[derive(Debug, Default)]
pub(crate) struct Tree<'a> {
    /// The files, in the order read.
    pub(super) sources: Vec<Source<'a>>,
    /// What takes connections.
    pub(super) frontends: Vec<Frontend>,
    pub(super) backends: Vec<Backend>,
    /// The lines of ours: the file, where the line begins behind its blank, where it ends.
    pub(super) own: Vec<(usize, usize, usize)>,
}

/// What a section of defaults says, and a frontend takes from it.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    pub(super) name: String,
    mode: Option<String>,
    /// Where it has rules for requests, which are evaluated before those of the frontend.
    pub(super) rules: Option<(usize, usize)>,
    /// What answers by itself.
    own: Own,
    /// Whether a backend goes on to where the client wanted to.
    transparent: bool,
    /// Where what no rule sends elsewhere goes.
    pub(super) default_backend: Option<String>,
}

/// A `backend` section, or that side of a `listen` section.
#[derive(Debug, Default)]
pub(super) struct Backend {
    pub(super) name: String,
    mode: Option<String>,
    /// The address of each server, and the one of `dispatch`.
    pub(super) servers: Vec<String>,
    /// Whether connections go on to where the client wanted to, which is not known.
    pub(super) transparent: bool,
}

impl Backend {
    pub(super) fn new(name: &str, settings: &Settings) -> Self {
        let (mode, transparent) = (settings.mode.clone(), settings.transparent);
        Self { name: name.to_owned(), mode, servers: Vec::new(), transparent }
    }

    /// Whether it reads requests.
    pub(super) fn is_http(&self) -> bool {
        self.mode.as_deref() == Some("http")
    }

    /// Takes in a line of it.
    pub(super) fn line(&mut self, words: &[String]) {
        self.transparent = transparent(words).unwrap_or(self.transparent);
        match words {
            [first, mode, ..] if first == "mode" => self.mode = Some(mode.clone()),
            [first, address, ..] if first == "dispatch" => self.servers.push(address.clone()),
            [first, _, address, ..] if first == "server" => self.servers.push(address.clone()),
            [first, _, _, address, ..] if first == "server-template" => {
                self.servers.push(address.clone());
            }
            _ => {}
        }
    }
}

/// What a line says of `option transparent`, if it does.
fn transparent(words: &[String]) -> Option<bool> {
    let (no, words) = match words {
        [first, rest @ ..] if first == "no" => (true, rest),
        words => (false, words),
    };
    matches!(words, [first, name, ..] if first == "option" && name == "transparent").then_some(!no)
}

/// A `frontend` or `listen` section.
#[derive(Debug)]
pub(super) struct Frontend {
    pub(super) name: String,
    pub(super) source: usize,
    /// Where its line begins.
    pub(super) from: usize,
    /// Where its line ends, or its last `tcp-request`: our lines follow. HAProxy warns of one that
    /// comes behind an `http-request`, and with `zero-warning` does not start.
    pub(super) head: usize,
    /// How many conditions on lines are open around it; `None` once `head` can move no further.
    pub(super) depth: Option<usize>,
    /// Whether a `tcp-request` is inside of a condition, at whose end our lines can be.
    is_inner: bool,
    /// The blank that its first line that is not ours begins with.
    pub(super) indent: Option<Vec<u8>>,
    pub(super) settings: Settings,
    /// The backends that rules of it name.
    pub(super) leads_to: Vec<String>,
    /// Whether a rule of it has requests read from there on.
    pub(super) reads: bool,
    /// The side of a `listen` section that is a backend, to which other sections may lead too.
    pub(super) backend: Option<Backend>,
    /// The words of each `bind`.
    pub(super) binds: Vec<Vec<String>>,
    pub(super) disabled: bool,
    /// Whether connections begin with the PROXY protocol, by a rule of their own.
    pub(super) proxied: bool,
}

impl Frontend {
    /// A section that was just begun: its words, what it has from defaults, the file, where its line
    /// begins and ends, and how many conditions are open around it.
    pub(super) fn new(
        words: &[String],
        settings: Settings,
        source: usize,
        (from, head): (usize, usize),
        depth: usize,
    ) -> Self {
        let name = words.get(1).cloned().unwrap_or_default();
        let is_backend_too = words.first().is_some_and(|kind| kind == "listen");
        let backend = is_backend_too.then(|| Backend::new(&name, &settings));
        Self {
            name,
            source,
            from,
            head,
            depth: Some(depth),
            is_inner: false,
            indent: None,
            settings,
            leads_to: Vec::new(),
            reads: false,
            backend,
            binds: Vec::new(),
            disabled: false,
            proxied: false,
        }
    }

    /// Whether it reads requests: `mode tcp` is what holds where nothing else is said.
    pub(super) fn is_http(&self) -> bool {
        self.settings.mode.as_deref() == Some("http")
    }
}

impl<'a> Tree<'a> {
    /// The file of this number.
    pub(super) fn source(&self, number: usize) -> Option<&Source<'a>> {
        self.sources.get(number)
    }

    /// A place in a file.
    pub(super) fn place(&self, (source, at): (usize, usize)) -> Option<ConfigPlace> {
        Some(self.source(source)?.place(at))
    }
}

impl Settings {
    /// The same, as a section of this name begins with it.
    pub(super) fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Takes in a line of it.
    pub(super) fn line(&mut self, at: (usize, usize), words: &[String]) {
        self.transparent = transparent(words).unwrap_or(self.transparent);
        match words {
            [first, mode, ..] if first == "mode" => self.mode = Some(mode.clone()),
            [first, ..] if first == "http-request" => {
                self.rules = self.rules.or(Some(at));
                self.own.take_earlier_rule(at, words);
            }
            [first, name, ..] if first == "default_backend" => {
                self.default_backend = Some(name.clone());
            }
            _ => {}
        }
        self.own.take(at, words);
    }
}

impl Frontend {
    /// Moves the place of our lines behind a `tcp-request`, but never behind a rule that comes before
    /// ours then.
    pub(super) fn rule(&mut self, words: &[String], depth: usize, end: usize) {
        match words.first().map(String::as_str) {
            Some("http-request") => self.depth = None,
            Some("tcp-request") if self.depth == Some(depth) => self.head = end,
            Some("tcp-request") => self.is_inner = self.depth.is_some(),
            _ => {}
        }
    }

    /// What is in a condition may not be read: our lines are where they are read if the section is.
    pub(super) fn condition(&mut self, word: &str, depth: usize, end: usize) {
        // Behind the condition that a section stands in, or in another case of it, the section may not be
        // read; within it a `tcp-request` in a condition ends with that.
        let Some(own) = self.depth else { return };
        if depth < own || (depth == own && matches!(word, ".else" | ".elif")) {
            self.depth = None;
        } else if depth == own && self.is_inner {
            (self.head, self.is_inner) = (end, false);
        }
    }

    /// What answers by itself.
    pub(super) fn own(&self) -> &Own {
        &self.settings.own
    }

    /// Takes in a line of it.
    pub(super) fn line(&mut self, at: (usize, usize), words: Vec<String>) {
        self.settings.own.take(at, &words);
        if let Some(backend) = &mut self.backend {
            backend.line(&words);
        }
        match words.first().map(String::as_str) {
            Some("bind") => self.binds.push(words),
            Some("disabled") => self.disabled = true,
            Some("mode") => self.settings.mode = words.get(1).cloned(),
            Some("default_backend") => self.settings.default_backend = words.get(1).cloned(),
            Some("use_backend") => self.leads_to.extend(words.get(1).cloned()),
            Some("tcp-request") if words.iter().any(|word| word == "switch-mode") => {
                self.reads = true;
            }
            Some("tcp-request") if words.iter().any(|word| word == "expect-proxy") => {
                self.proxied = true;
            }
            _ => {}
        }
    }
}

/// Whether requests are read anywhere.
pub(crate) fn reads_requests(tree: &Tree<'_>) -> bool {
    tree.frontends.iter().any(Frontend::is_http)
}
