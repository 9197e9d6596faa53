//! The sections of HAProxy's configuration.

use std::collections::BTreeSet;

use stopgap_model::host::ServerPath;
use stopgap_model::problem::escaped;

use super::own;
use super::passages::passages;
use super::place::is_ours;
use super::tokens::words;
use crate::files::{Files, MAX_FILES, Need, Read, Trouble};
use crate::glob;
use crate::source::{Source, without_returns};

/// The words that begin a section. Whatever section they stand in, they begin the next one.
const SECTIONS: [&str; 20] = [
    "global",
    "defaults",
    "frontend",
    "backend",
    "listen",
    "userlist",
    "peers",
    "resolvers",
    "mailers",
    "program",
    "cache",
    "http-errors",
    "ring",
    "log-forward",
    "fcgi-app",
    "crt-store",
    "traces",
    "log-profile",
    "acme",
    "ruleset",
];

/// The most frontends: sixteen times as many as files may be read.
const MAX_FRONTENDS: usize = 16 * MAX_FILES;

/// The configuration of HAProxy.
#[derive(Debug, Default)]
pub(crate) struct Tree<'a> {
    /// The files, in the order read.
    pub(super) sources: Vec<Source<'a>>,
    /// What takes connections.
    pub(super) frontends: Vec<Frontend>,
    pub(super) backends: Vec<Backend>,
    defaults: Vec<Settings>,
    /// How many conditions on lines are open.
    depth: usize,
    /// The lines of ours: the file, where the line begins behind its blank, where it ends.
    pub(super) own: Vec<(usize, usize, usize)>,
}

/// What a section of defaults says, and a frontend takes from it.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    name: String,
    mode: Option<String>,
    /// Where it has rules for requests, which are evaluated before those of the frontend.
    rules: Option<(usize, usize)>,
    /// What answers by itself.
    own: own::Own,
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
    fn new(name: &str, settings: &Settings) -> Self {
        let (mode, transparent) = (settings.mode.clone(), settings.transparent);
        Self { name: name.to_owned(), mode, servers: Vec::new(), transparent }
    }

    /// Whether it reads requests.
    pub(super) fn is_http(&self) -> bool {
        self.mode.as_deref() == Some("http")
    }

    fn line(&mut self, words: &[String]) {
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
    depth: Option<usize>,
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
    /// Whether it reads requests: `mode tcp` is what holds where nothing else is said.
    pub(super) fn is_http(&self) -> bool {
        self.settings.mode.as_deref() == Some("http")
    }
}

/// The section that a line belongs to.
enum Section {
    None,
    Defaults,
    Frontend,
    Backend,
    Other,
}

/// What is still to be read.
pub(crate) fn needs(files: &Files) -> BTreeSet<Need> {
    files
        .server
        .config
        .iter()
        .flat_map(|path| files_at(files, path).err().unwrap_or_default())
        .collect()
}

/// The files that a path of the command line stands for; what is missing to know them.
fn files_at(files: &Files, path: &ServerPath) -> Result<Vec<ServerPath>, Vec<Need>> {
    match files.get(path) {
        None => Err(vec![Need::File(path.clone())]),
        Some(Read::Found { .. }) => Ok(vec![path.clone()]),
        Some(Read::Absent | Read::Unreadable(_)) => {
            let pattern = path.join("*.cfg").as_str().to_owned();
            match files.glob(&pattern) {
                None => Err(vec![Need::Glob(pattern)]),
                Some(Ok(found)) if !found.is_empty() => in_folder(files, found),
                Some(_) => Ok(vec![path.clone()]),
            }
        }
    }
}

fn in_folder(files: &Files, found: &[ServerPath]) -> Result<Vec<ServerPath>, Vec<Need>> {
    let unread = found.iter().filter(|path| files.get(path).is_none());
    let needs: Vec<Need> = unread.cloned().map(Need::File).collect();
    if needs.is_empty() { Ok(found.to_vec()) } else { Err(needs) }
}

/// What the files say.
pub(crate) fn read(files: &Files) -> Result<Tree<'_>, Trouble> {
    let mut tree = Tree::default();
    for path in &files.server.config {
        let whole = |what: &str| Trouble { path: path.clone(), line: None, what: what.into() };
        if glob::is_pattern(path.as_str()) {
            return Err(whole("its path has a character of patterns"));
        }
        let all = files_at(files, path).map_err(|_| whole("not all of it was read yet"))?;
        for path in all {
            tree.file(files, &path)?;
        }
    }
    Ok(tree)
}

impl<'a> Tree<'a> {
    fn file(&mut self, files: &'a Files, path: &ServerPath) -> Result<(), Trouble> {
        let trouble = |what: String| Trouble { path: path.clone(), line: None, what };
        let (real, bytes) = match files.get(path) {
            Some(Read::Found { real, bytes }) => (real, bytes),
            Some(Read::Unreadable(why)) => {
                return Err(trouble(format!("it cannot be read: {}", escaped(why))));
            }
            Some(Read::Absent) | None => return Err(trouble("it is not there".into())),
        };
        self.sources.push(Source::new(path.clone(), real, bytes));
        let mut section = Section::None;
        self.depth = 0;
        let mut from = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = without_returns(line.strip_suffix(b"\n").unwrap_or(line));
            self.line(files, &mut section, from, text)?;
            from += line.len();
        }
        Ok(())
    }

    fn line(
        &mut self,
        files: &Files,
        section: &mut Section,
        from: usize,
        text: &[u8],
    ) -> Result<(), Trouble> {
        let blank = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let source = self.sources.len() - 1;
        if is_ours(text) {
            self.own.push((source, from + blank, from + text.len()));
            return Ok(());
        }
        let Some(words) = words(text, &files.server.variables) else {
            return Err(self.trouble(from, "a quote has no end".into()));
        };
        let Some(first) = words.first() else { return Ok(()) };
        // A line that begins with a point is a condition on lines; what is in each case is read.
        if first.starts_with('.') {
            self.condition(first, from + text.len());
            return Ok(());
        }
        if SECTIONS.contains(&first.as_str()) {
            if let Some(frontend) = self.frontends.last_mut() {
                frontend.depth = None;
            }
            *section = self.section(from, from + text.len(), &words)?;
            return Ok(());
        }
        match section {
            Section::Frontend => {
                let Some(frontend) = self.frontends.last_mut() else { return Ok(()) };
                frontend.indent.get_or_insert_with(|| text[..blank].to_vec());
                frontend.rule(&words, self.depth, from + text.len());
                frontend.line((source, from), words);
            }
            Section::Defaults => {
                let Some(defaults) = self.defaults.last_mut() else { return Ok(()) };
                defaults.line((source, from), &words);
            }
            Section::Backend => {
                let Some(backend) = self.backends.last_mut() else { return Ok(()) };
                backend.line(&words);
            }
            Section::None | Section::Other => {}
        }
        Ok(())
    }

    /// A condition on lines, whose line ends here.
    fn condition(&mut self, word: &str, end: usize) {
        match word {
            ".if" => self.depth += 1,
            ".endif" => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        let source = self.sources.len() - 1;
        if let Some(frontend) = self.frontends.last_mut().filter(|one| one.source == source) {
            frontend.condition(word, self.depth, end);
        }
    }

    fn trouble(&self, at: usize, what: String) -> Trouble {
        let source = self.sources.last();
        let path = source.map_or_else(|| ServerPath::new(""), |source| source.path.clone());
        Trouble { path, line: source.map(|source| source.line(at)), what }
    }

    fn section(&mut self, from: usize, head: usize, words: &[String]) -> Result<Section, Trouble> {
        let word = |at: usize| words.get(at).map_or("", String::as_str);
        match word(0) {
            "defaults" => {
                let (name, settings) = match word(1) {
                    "from" => ("", self.settings(word(2))),
                    name if word(2) == "from" => (name, self.settings(word(3))),
                    name => (name, Settings::default()),
                };
                self.defaults.push(Settings { name: name.to_owned(), ..settings });
                Ok(Section::Defaults)
            }
            "frontend" | "listen" => {
                if self.frontends.len() >= MAX_FRONTENDS {
                    let what = format!("there are more than {MAX_FRONTENDS} frontends up to here");
                    return Err(self.trouble(from, what));
                }
                let settings = match word(2) {
                    "from" => self.settings(word(3)),
                    _ => self.defaults.last().cloned().unwrap_or_default(),
                };
                let backend = (word(0) == "listen").then(|| Backend::new(word(1), &settings));
                self.frontends.push(Frontend {
                    name: word(1).to_owned(),
                    source: self.sources.len() - 1,
                    from,
                    head,
                    depth: Some(self.depth),
                    is_inner: false,
                    indent: None,
                    settings,
                    leads_to: Vec::new(),
                    reads: false,
                    backend,
                    binds: Vec::new(),
                    disabled: false,
                    proxied: false,
                });
                Ok(Section::Frontend)
            }
            "backend" => {
                let settings = match word(2) {
                    "from" => self.settings(word(3)),
                    _ => self.defaults.last().cloned().unwrap_or_default(),
                };
                self.backends.push(Backend::new(word(1), &settings));
                Ok(Section::Backend)
            }
            _ => Ok(Section::Other),
        }
    }

    /// What the defaults of this name say.
    fn settings(&self, name: &str) -> Settings {
        let named = self.defaults.iter().rev().find(|defaults| defaults.name == name);
        named.cloned().unwrap_or_default()
    }
}

impl Settings {
    fn line(&mut self, at: (usize, usize), words: &[String]) {
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
    fn rule(&mut self, words: &[String], depth: usize, end: usize) {
        match words.first().map(String::as_str) {
            Some("http-request") => self.depth = None,
            Some("tcp-request") if self.depth == Some(depth) => self.head = end,
            Some("tcp-request") => self.is_inner = self.depth.is_some(),
            _ => {}
        }
    }

    /// What is in a condition may not be read: our lines are where they are read if the section is.
    fn condition(&mut self, word: &str, depth: usize, end: usize) {
        let Some(own) = self.depth else { return };
        if depth < own || (depth == own && matches!(word, ".else" | ".elif")) {
            self.depth = None;
        } else if depth == own && self.is_inner {
            (self.head, self.is_inner) = (end, false);
        }
    }

    /// What answers by itself.
    pub(super) fn own(&self) -> &own::Own {
        &self.settings.own
    }

    fn line(&mut self, at: (usize, usize), words: Vec<String>) {
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

/// What rules do not reach, or reach late.
pub(crate) fn gaps(tree: &Tree<'_>) -> Vec<String> {
    let mut gaps: Vec<String> = passages(tree).into_iter().map(|passage| passage.told).collect();
    let mut earlier = BTreeSet::new();
    let told = |source: usize, at: usize| {
        tree.sources.get(source).map(|source| source.told(at)).unwrap_or_default()
    };
    for frontend in &tree.frontends {
        earlier.extend(frontend.settings.rules.filter(|_| frontend.is_http()));
    }
    gaps.extend(earlier.into_iter().map(|(source, at)| {
        format!("the rules of defaults in {} come before ours", told(source, at))
    }));
    gaps.extend(tree.sources.iter().filter(|source| has_digest(source.bytes)).map(|source| {
        format!(
            "{} begins with a digest of the rest of it, as HAProxy's data plane API writes it: with our \
             lines in it the digest is stale",
            escaped(source.path.as_str())
        )
    }));
    gaps
}

/// Whether the first line of a file is a comment with a digest of the rest.
fn has_digest(bytes: &[u8]) -> bool {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Some(comment) = first.trim_ascii().strip_prefix(b"#") else { return false };
    let mut words = comment.split(|byte| !byte.is_ascii_alphanumeric());
    words.any(|word| {
        matches!(word.len(), 32 | 40 | 64 | 128) && word.iter().all(u8::is_ascii_hexdigit)
    })
}
