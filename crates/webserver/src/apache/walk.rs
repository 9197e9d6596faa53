//! Goes through the files of Apache in the order in which Apache reads them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use stopgap_model::glob;
use stopgap_model::host::ServerPath;
use stopgap_model::reason::{ConfigFault, ConfigTrouble};

use super::conditions::{Holds, holds};
use super::lex::{Directive, Variables, next};
use super::macros::Macro;
use super::mark::OWN_FILE;
use super::own;
use super::tree::{Host, Include, Tree};
use crate::files::{Files, LEAST_WALKED, MAX_INCLUDE_DEPTH, MAX_WALKED_BYTES, Missing, Need, Read};
use crate::source::Source;

/// The most virtual hosts and addresses: three times as many as files may be read.
const MAX_HOSTS: usize = 65_536;
/// The most sections inside of each other; Apache has no bound of its own.
const MAX_SECTIONS: usize = 256;
/// The most bytes that variables put into one line, which is held several times.
const MAX_PUT_IN: usize = 1024 * 1024;

/// The directives that say something about sites, modules and paths.
const SETTINGS: [&str; 8] = [
    "define",
    "undefine",
    "serverroot",
    "loadmodule",
    "servername",
    "serveralias",
    "sslengine",
    "remoteipproxyprotocol",
];

/// A section that is open.
struct Open {
    name: String,
    from: usize,
    /// `None`: what stands in it is for a part of the requests.
    holds: Option<Holds>,
}

/// A walk through all files.
pub(super) struct Walk<'a> {
    files: &'a Files,
    pub(super) tree: Tree<'a>,
    pub(super) missing: Missing,
    variables: Variables,
    root: ServerPath,
    stack: Vec<Open>,
    reading: Vec<usize>,
    walked: usize,
    /// The virtual host that is open.
    host: usize,
    /// The macros by their names in lower case.
    macros: BTreeMap<String, Rc<Macro>>,
    /// The macros that are being used, each by the lines of the one before.
    using: Vec<String>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(files: &'a Files) -> Self {
        let mut variables = Variables::default();
        for name in &files.server.defines {
            variables.define(name, None);
        }
        Self {
            files,
            tree: Tree { hosts: vec![Host::default()], ..Tree::default() },
            missing: Missing::new(),
            variables,
            root: files.server.base.clone(),
            stack: Vec::new(),
            reading: Vec::new(),
            walked: 0,
            host: 0,
            macros: BTreeMap::new(),
            using: Vec::new(),
        }
    }

    pub(super) fn run(&mut self) -> Result<(), ConfigTrouble> {
        let main = self.files.main();
        self.named(&main, None, false)
    }

    /// Goes through a file, or all files of a folder. `by`: the directive that names it.
    fn named(
        &mut self,
        path: &ServerPath,
        by: Option<(usize, usize)>,
        optional: bool,
    ) -> Result<(), ConfigTrouble> {
        if self.reading.len() > MAX_INCLUDE_DEPTH {
            return Err(self.trouble(by, ConfigFault::TooDeep { most: MAX_INCLUDE_DEPTH }));
        }
        match self.files.get(path) {
            None => {
                self.lacks(Need::File(path.clone()), by);
                Ok(())
            }
            Some(Read::Found { real, bytes }) => self.file(path, real, bytes, by),
            // An optional include may name nothing.
            Some(Read::Absent) if optional => Ok(()),
            Some(read) => {
                // It may be a folder, whose files are all taken in.
                let pattern = path.join("*").as_str().to_owned();
                match self.files.glob(&pattern) {
                    None => {
                        self.lacks(Need::Glob(pattern), by);
                        Ok(())
                    }
                    Some(Ok(found)) if !found.is_empty() => self.folder(found, by),
                    Some(_) => {
                        let file = path.clone();
                        let what = match read {
                            Read::Unreadable(why) => {
                                ConfigFault::Unreadable { file, why: why.clone() }
                            }
                            Read::Absent | Read::Found { .. } => ConfigFault::Missing { file },
                        };
                        Err(self.trouble(by, what))
                    }
                }
            }
        }
    }

    /// Takes note of what is not known yet, and of the file that names it.
    fn lacks(&mut self, need: Need, by: Option<(usize, usize)>) {
        let by = by.and_then(|(source, _)| self.tree.sources.get(source));
        let by = by.map(|source| source.path.clone());
        self.missing.entry(need).or_default().extend(by);
    }

    /// Goes through the files of a folder, as deep as folders may be in each other.
    fn folder(
        &mut self,
        found: &[ServerPath],
        by: Option<(usize, usize)>,
    ) -> Result<(), ConfigTrouble> {
        let Some(at) = self.reading.last().copied() else { return Ok(()) };
        self.reading.push(at);
        found.iter().try_for_each(|path| self.named(path, by, false))?;
        self.reading.pop();
        Ok(())
    }

    fn file(
        &mut self,
        path: &ServerPath,
        real: &'a ServerPath,
        bytes: &'a [u8],
        by: Option<(usize, usize)>,
    ) -> Result<(), ConfigTrouble> {
        let source = *self.tree.names.entry(path.clone()).or_insert_with(|| {
            self.tree.sources.push(Source::new(path.clone(), real, bytes));
            self.tree.sources.len() - 1
        });
        // A folder is noted as the file that names it, which is read at the same time.
        let is_open = |open: &usize| self.tree.source(*open).is_some_and(|file| file.real == real);
        if self.reading.iter().any(is_open) {
            return Err(self.trouble(by, ConfigFault::IncludesItself { file: path.clone() }));
        }
        self.walks(bytes.len(), by)?;
        self.reading.push(source);
        let outer = self.stack.len();
        self.lines((source, outer), bytes, None)?;
        self.end(source, outer)?;
        self.reading.pop();
        Ok(())
    }

    /// Counts bytes that are gone through.
    fn walks(&mut self, bytes: usize, by: Option<(usize, usize)>) -> Result<(), ConfigTrouble> {
        self.walked = self.walked.saturating_add(bytes.max(LEAST_WALKED));
        if self.walked > MAX_WALKED_BYTES {
            return Err(self.trouble(by, ConfigFault::TooManyBytes { most: MAX_WALKED_BYTES }));
        }
        Ok(())
    }

    /// At the end of a file Apache closes the sections whose condition holds, and no others.
    fn end(&mut self, source: usize, outer: usize) -> Result<(), ConfigTrouble> {
        let opened = self.stack.get(outer..).unwrap_or_default();
        let unclosed = opened.iter().find(|open| open.holds.is_none_or(|holds| holds == Holds::No));
        if let Some(open) = unclosed {
            let what = ConfigFault::OpenSection { section: open.name.clone() };
            return Err(self.trouble(Some((source, open.from)), what));
        }
        self.stack.truncate(outer);
        Ok(())
    }

    /// Goes through lines of a file, of which the sections from `outer` on are its own. `used`: they are
    /// those of a macro that is used there.
    fn lines(
        &mut self,
        (source, outer): (usize, usize),
        bytes: &[u8],
        used: Option<(usize, usize)>,
    ) -> Result<(), ConfigTrouble> {
        let mut at = 0;
        loop {
            // Once variables have put in more than a line may have, nothing more is copied.
            let put_in = Cell::new(0_usize);
            let value = |name: &str| {
                let value = self.value(name)?;
                put_in.set(put_in.get().saturating_add(value.len()));
                (put_in.get() <= MAX_PUT_IN).then(|| value.to_owned())
            };
            let Some((mut directive, behind)) = next(bytes, at, &value) else { return Ok(()) };
            at = behind;
            self.puts_in(put_in.get(), (source, used.map_or(directive.from, |(from, _)| from)))?;
            if directive.name.eq_ignore_ascii_case("<Macro") && self.holds() != Holds::No {
                let (name, found, behind) = Macro::read(&directive, bytes)
                    .map_err(|what| self.trouble(Some((source, directive.from)), what))?;
                self.macros.insert(name, Rc::new(found));
                at = behind;
                continue;
            }
            // Lines of a macro have no place of their own: theirs is where it is used.
            if let Some((from, to)) = used {
                (directive.from, directive.to) = (from, to);
            }
            self.directive(source, outer, &directive)?;
        }
    }

    /// What `Define` or the environment says that a variable is.
    fn value(&self, name: &str) -> Option<&str> {
        let given = || self.files.server.variables.get(name).map(String::as_str);
        self.variables.value(name).or_else(given)
    }

    /// Counts bytes that variables put into a line.
    fn puts_in(&mut self, bytes: usize, at: (usize, usize)) -> Result<(), ConfigTrouble> {
        if bytes > MAX_PUT_IN {
            return Err(self.trouble(Some(at), ConfigFault::LongLine { most: MAX_PUT_IN }));
        }
        if bytes == 0 { Ok(()) } else { self.walks(bytes, Some(at)) }
    }

    /// Counts words that are kept, each of which takes more room than its text.
    fn keeps(&mut self, words: &[String], at: (usize, usize)) -> Result<(), ConfigTrouble> {
        self.walks(words.len().saturating_mul(LEAST_WALKED), Some(at))
    }

    /// Reads the lines of a macro where it is used.
    fn uses(
        &mut self,
        (source, outer): (usize, usize),
        directive: &Directive,
    ) -> Result<(), ConfigTrouble> {
        let at = (source, directive.from);
        let words = directive.words();
        let name = words.first().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
        let Some(lines) = self.macros.get(&name).cloned() else {
            // It may be defined in a section of which it is not known whether it is read either.
            if self.holds() == Holds::Perhaps {
                self.tree.unknown_uses.insert(at, name);
                return Ok(());
            }
            return Err(self.trouble(Some(at), ConfigFault::UnknownMacro { name }));
        };
        if self.using.contains(&name) || self.using.len() >= MAX_INCLUDE_DEPTH {
            return Err(self.trouble(Some(at), ConfigFault::MacroInMacro { name }));
        }
        self.walks(lines.cost(), Some(at))?;
        // What a use makes counts before it is made.
        let room = MAX_WALKED_BYTES.saturating_sub(self.walked);
        let Some(text) = lines.with(words.get(1..).unwrap_or_default(), room) else {
            return Err(self.trouble(Some(at), ConfigFault::MacroWords { name }));
        };
        self.walks(text.len(), Some(at))?;
        self.using.push(name);
        self.lines((source, outer), &text, Some((directive.from, directive.to)))?;
        self.using.pop();
        Ok(())
    }

    fn trouble(&self, at: Option<(usize, usize)>, what: ConfigFault) -> ConfigTrouble {
        let (path, line) = match at.and_then(|at| self.tree.place(at)) {
            Some(place) => (place.file, Some(place.line)),
            None => (self.files.main(), None),
        };
        ConfigTrouble { path, line, what }
    }

    /// Whether Apache reads what stands here.
    fn holds(&self) -> Holds {
        let all = self.stack.iter().filter_map(|open| open.holds);
        all.min().unwrap_or(Holds::Yes)
    }

    /// Whether it stands outside of every section but those with a condition.
    fn for_all(&self) -> bool {
        self.stack.iter().all(|open| open.holds.is_some())
    }

    fn directive(
        &mut self,
        source: usize,
        outer: usize,
        directive: &Directive,
    ) -> Result<(), ConfigTrouble> {
        let at = (source, directive.from);
        if let Some(name) = directive.name.strip_prefix("</") {
            return self.close(at, outer, name);
        }
        if directive.name.starts_with('<') {
            return self.open(at, directive);
        }
        if self.holds() == Holds::No {
            return Ok(());
        }
        let name = directive.name.to_ascii_lowercase();
        match name.as_str() {
            "include" | "includeoptional" => {
                return self.include(source, directive, name == "includeoptional");
            }
            "listen" if self.tree.listens.len() < MAX_HOSTS => {
                let words = directive.words();
                self.keeps(&words, at)?;
                self.tree.listens.push(words);
            }
            "use" => return self.uses((source, outer), directive),
            "undefmacro" => {
                let name = directive.words().into_iter().next().unwrap_or_default();
                self.macros.remove(&name.to_ascii_lowercase());
            }
            "satisfy" if directive.arguments.eq_ignore_ascii_case("any") => {
                self.tree.satisfy_any.insert(at);
            }
            _ if own::DIRECTIVES.contains(&name.as_str()) => self.answers(at, &name, directive),
            _ if SETTINGS.contains(&name.as_str()) => {
                self.setting(at, &name, &directive.words())?
            }
            _ => {}
        }
        Ok(())
    }

    /// A directive that answers by itself, where it holds for all requests of a host: for a part of them it
    /// is looked at when access is granted.
    fn answers(&mut self, at: (usize, usize), name: &str, directive: &Directive) {
        let is_host = |open: &Open| open.name.eq_ignore_ascii_case("<VirtualHost");
        if !self.stack.iter().all(|open| open.holds.is_some() || is_host(open)) {
            return;
        }
        if let Some(host) = self.tree.hosts.get_mut(self.host) {
            host.own.take(name, directive, at);
        }
    }

    fn setting(
        &mut self,
        at: (usize, usize),
        name: &str,
        words: &[String],
    ) -> Result<(), ConfigTrouble> {
        let Some(first) = words.first() else { return Ok(()) };
        self.keeps(words, at)?;
        match name {
            "define" => self.variables.define(first, words.get(1).cloned()),
            "undefine" => self.variables.undefine(first),
            "serverroot" => self.root = ServerPath::new(first.clone()),
            "loadmodule" => self.tree.modules.push(first.clone()),
            _ => {
                let Some(host) = self.tree.hosts.get_mut(self.host) else { return Ok(()) };
                match name {
                    "servername" => host.name = Some(first.clone()),
                    "serveralias" => host.aliases.extend_from_slice(words),
                    "sslengine" => host.tls = Some(!first.eq_ignore_ascii_case("off")),
                    "remoteipproxyprotocol" => host.proxied = first.eq_ignore_ascii_case("on"),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn open(&mut self, at: (usize, usize), section: &Directive) -> Result<(), ConfigTrouble> {
        if self.stack.len() >= MAX_SECTIONS {
            return Err(self.trouble(Some(at), ConfigFault::SectionsTooDeep { most: MAX_SECTIONS }));
        }
        let is_read = self.holds() != Holds::No;
        let variables = &self.variables;
        let decided = holds(section, &self.files.server, &self.tree.modules, variables);
        if section.name.eq_ignore_ascii_case("<VirtualHost") && is_read {
            if self.tree.hosts.len() > MAX_HOSTS {
                return Err(self.trouble(Some(at), ConfigFault::TooManyHosts { most: MAX_HOSTS }));
            }
            self.host = self.tree.hosts.len();
            let addresses = section.words();
            self.keeps(&addresses, at)?;
            self.tree.hosts.push(Host { addresses, ..Host::default() });
        }
        self.stack.push(Open { name: section.name.clone(), from: at.1, holds: decided });
        Ok(())
    }

    fn close(&mut self, at: (usize, usize), outer: usize, name: &str) -> Result<(), ConfigTrouble> {
        let open = self.stack.pop().filter(|_| self.stack.len() >= outer);
        let open = open.as_ref().and_then(|open| open.name.strip_prefix('<'));
        if !open.is_some_and(|open| open.eq_ignore_ascii_case(name)) {
            let section = name.to_owned();
            return Err(self.trouble(Some(at), ConfigFault::EndsNoSection { section }));
        }
        if name.eq_ignore_ascii_case("VirtualHost") {
            // What follows is of the main server again.
            self.host = 0;
        }
        Ok(())
    }

    fn include(
        &mut self,
        source: usize,
        directive: &Directive,
        optional: bool,
    ) -> Result<(), ConfigTrouble> {
        let at = (source, directive.from);
        let words = directive.words();
        let Some(named) = words.first() else {
            return Err(self.trouble(Some(at), ConfigFault::EmptyInclude));
        };
        let path = ServerPath::new(named.clone());
        let path = if path.is_unix() { path } else { self.root.join(named) };
        // What stands in a macro is in a line of somebody else's.
        let is_used = !self.using.is_empty();
        if path == self.files.beside_main(OWN_FILE) {
            if is_used {
                return Ok(());
            }
            self.tree.own.push((source, directive.from, directive.to));
            return Ok(());
        }
        if !glob::is_pattern(path.as_str()) {
            return self.named(&path, Some(at), optional);
        }
        let found = match self.files.glob(path.as_str()) {
            None => {
                self.lacks(Need::Glob(path.as_str().to_owned()), Some(at));
                &Vec::new()
            }
            Some(Ok(found)) => found,
            Some(Err(why)) => {
                let (pattern, why) = (path.as_str().to_owned(), why.clone());
                return Err(self.trouble(Some(at), ConfigFault::PatternNotKnown { pattern, why }));
            }
        };
        if self.for_all() && self.holds() == Holds::Yes && !is_used {
            let (from, to) = (directive.from, directive.to);
            let (found, loaded) = (found.clone(), self.tree.modules.len());
            self.tree.includes.push(Include { source, from, to, pattern: path, found, loaded });
        }
        let others = found.iter().filter(|found| found.file_name() != OWN_FILE);
        others.into_iter().try_for_each(|found| self.named(found, Some(at), false))
    }
}
