//! Reads the sections of HAProxy's configuration.

use std::collections::BTreeSet;

use stopgap_model::glob;
use stopgap_model::host::ServerPath;
use stopgap_model::reason::{ConfigFault, ConfigTrouble};

use super::mark::is_ours;
use super::tokens::words;
use super::tree::{Backend, Frontend, Settings, Tree};
use crate::files::{Files, MAX_FILES, Need, Read};
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
pub(crate) fn read(files: &Files) -> Result<Tree<'_>, ConfigTrouble> {
    let tree = Tree::default();
    let mut reader = Reader { files, tree, defaults: Vec::new(), section: Section::None, depth: 0 };
    for path in &files.server.config {
        let whole = |what| ConfigTrouble { path: path.clone(), line: None, what };
        if glob::is_pattern(path.as_str()) {
            return Err(whole(ConfigFault::PathIsPattern));
        }
        let all = files_at(files, path).map_err(|_| whole(ConfigFault::NotReadYet))?;
        for path in all {
            reader.file(&path)?;
        }
    }
    Ok(reader.tree)
}

/// Reads one file after the other.
struct Reader<'a> {
    files: &'a Files,
    tree: Tree<'a>,
    /// The `defaults` sections up to here.
    defaults: Vec<Settings>,
    /// The section that lines belong to.
    section: Section,
    /// How many conditions on lines are open.
    depth: usize,
}

/// A line: where it begins, how much blank it begins with, and where it ends.
struct Line<'l> {
    from: usize,
    blank: &'l [u8],
    to: usize,
}

impl Reader<'_> {
    fn file(&mut self, path: &ServerPath) -> Result<(), ConfigTrouble> {
        let trouble = |what| ConfigTrouble { path: path.clone(), line: None, what };
        let (real, bytes) = match self.files.get(path) {
            Some(Read::Found { real, bytes }) => (real, bytes),
            Some(Read::Unreadable(why)) => {
                return Err(trouble(ConfigFault::CannotBeRead { why: why.clone() }));
            }
            Some(Read::Absent) | None => return Err(trouble(ConfigFault::Absent)),
        };
        self.tree.sources.push(Source::new(path.clone(), real, bytes));
        // No section and no condition goes on in the next file.
        (self.section, self.depth) = (Section::None, 0);
        let mut from = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let text = without_returns(line.strip_suffix(b"\n").unwrap_or(line));
            self.line(from, text)?;
            from += line.len();
        }
        Ok(())
    }

    /// The number of the file that is being read.
    fn source(&self) -> usize {
        self.tree.sources.len().saturating_sub(1)
    }

    fn line(&mut self, from: usize, text: &[u8]) -> Result<(), ConfigTrouble> {
        let blank = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let (blank, _) = text.split_at(blank);
        let line = Line { from, blank, to: from + text.len() };
        if is_ours(text) {
            self.tree.own.push((self.source(), from + blank.len(), line.to));
            return Ok(());
        }
        let Some(words) = words(text, &self.files.server.variables) else {
            return Err(self.trouble(from, ConfigFault::OpenQuote));
        };
        match words.first().map(String::as_str) {
            None => Ok(()),
            // A line that begins with a point is a condition on lines; what is in each case is read.
            Some(word) if word.starts_with('.') => {
                self.condition(word, line.to);
                Ok(())
            }
            Some(word) if SECTIONS.contains(&word) => {
                // Where our lines are in the section before moves no further.
                if let Some(frontend) = self.tree.frontends.last_mut() {
                    frontend.depth = None;
                }
                self.section = self.begin(&line, &words)?;
                Ok(())
            }
            Some(_) => {
                self.of_section(&line, words);
                Ok(())
            }
        }
    }

    /// Takes in a line of the section that is open.
    fn of_section(&mut self, line: &Line<'_>, words: Vec<String>) {
        let at = (self.source(), line.from);
        match self.section {
            Section::Frontend => {
                let Some(frontend) = self.tree.frontends.last_mut() else { return };
                frontend.indent.get_or_insert_with(|| line.blank.to_vec());
                frontend.rule(&words, self.depth, line.to);
                frontend.line(at, words);
            }
            Section::Defaults => {
                let Some(defaults) = self.defaults.last_mut() else { return };
                defaults.line(at, &words);
            }
            Section::Backend => {
                let Some(backend) = self.tree.backends.last_mut() else { return };
                backend.line(&words);
            }
            Section::None | Section::Other => {}
        }
    }

    /// A condition on lines, whose line ends here.
    fn condition(&mut self, word: &str, end: usize) {
        match word {
            ".if" => self.depth += 1,
            ".endif" => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        let source = self.source();
        if let Some(frontend) = self.tree.frontends.last_mut().filter(|one| one.source == source) {
            frontend.condition(word, self.depth, end);
        }
    }

    fn trouble(&self, at: usize, what: ConfigFault) -> ConfigTrouble {
        let (path, line) = match self.tree.sources.last() {
            Some(source) => (source.path.clone(), Some(source.line(at))),
            None => (ServerPath::new(""), None),
        };
        ConfigTrouble { path, line, what }
    }

    /// Begins the section of this line.
    fn begin(&mut self, line: &Line<'_>, words: &[String]) -> Result<Section, ConfigTrouble> {
        let word = |at: usize| words.get(at).map_or("", String::as_str);
        match word(0) {
            "defaults" => {
                let (name, settings) = match word(1) {
                    "from" => ("", self.settings(word(2))),
                    name if word(2) == "from" => (name, self.settings(word(3))),
                    name => (name, Settings::default()),
                };
                self.defaults.push(settings.named(name));
                Ok(Section::Defaults)
            }
            "frontend" | "listen" => {
                if self.tree.frontends.len() >= MAX_FRONTENDS {
                    let what = ConfigFault::TooManyFrontends { most: MAX_FRONTENDS };
                    return Err(self.trouble(line.from, what));
                }
                let (settings, source) = (self.defaults_of(words), self.source());
                let span = (line.from, line.to);
                let frontend = Frontend::new(words, settings, source, span, self.depth);
                self.tree.frontends.push(frontend);
                Ok(Section::Frontend)
            }
            "backend" => {
                self.tree.backends.push(Backend::new(word(1), &self.defaults_of(words)));
                Ok(Section::Backend)
            }
            _ => Ok(Section::Other),
        }
    }

    /// What the defaults say that a section has: those that it names, or the last ones.
    fn defaults_of(&self, words: &[String]) -> Settings {
        match words {
            [_, _, from, name, ..] if from == "from" => self.settings(name),
            [_, _, from] if from == "from" => self.settings(""),
            _ => self.defaults.last().cloned().unwrap_or_default(),
        }
    }

    /// What the defaults of this name say.
    fn settings(&self, name: &str) -> Settings {
        let named = self.defaults.iter().rev().find(|defaults| defaults.name == name);
        named.cloned().unwrap_or_default()
    }
}
