//! Goes through the files of nginx in the order in which nginx reads them.

use std::collections::BTreeSet;

use stopgap_model::glob;
use stopgap_model::host::ServerPath;
use stopgap_model::reason::{ConfigFault, ConfigTrouble};

use super::lex::{End, Lexer, Statement};
use super::needs::full_path;
use super::parts::{own_includes, own_paths};
use super::span::Span;
use super::streams;
use super::tree::{Block, Header, Includes, Own, Place, Server, Setter, Tree};
use crate::files::{
    Files, LEAST_WALKED, MAX_FILES, MAX_NGINX_DEPTH, MAX_WALKED_BYTES, Missing, Need, Read,
};
use crate::source::Source;

/// The most blocks that something of ours belongs into: sixteen times as many as files may be read.
const MAX_BLOCKS: usize = 16 * MAX_FILES;

/// A walk through all files.
pub(super) struct Walk<'a> {
    files: &'a Files,
    /// What the includes of ours name.
    own: BTreeSet<ServerPath>,
    pub(super) tree: Tree<'a>,
    pub(super) missing: Missing,
    /// The blocks that are open.
    stack: Vec<Block>,
    /// The files that are being read: each was included by the one before.
    reading: Vec<usize>,
    walked: usize,
    /// Where the statement before ends.
    behind: usize,
    /// The group or variable of the `stream` block that is open.
    places: String,
}

impl<'a> Walk<'a> {
    pub(super) fn new(files: &'a Files) -> Self {
        let own = own_includes(files);
        Self {
            files,
            own,
            tree: Tree::default(),
            missing: Missing::new(),
            stack: Vec::new(),
            reading: Vec::new(),
            walked: 0,
            behind: 0,
            places: String::new(),
        }
    }

    pub(super) fn run(&mut self) -> Result<(), ConfigTrouble> {
        let own = own_paths(self.files);
        let unread = own.into_iter().filter(|path| self.files.get(path).is_none());
        self.missing.extend(unread.map(|path| (Need::File(path), BTreeSet::new())));
        let main = self.files.main();
        self.file(&main, None)
    }

    /// Goes through a file. `by`: the include statement that names it.
    fn file(&mut self, path: &ServerPath, by: Option<Span>) -> Result<(), ConfigTrouble> {
        let Some(source) = self.source(path, by)? else { return Ok(()) };
        let Some((real, bytes)) = self.tree.source(source).map(|file| (file.real, file.bytes))
        else {
            return Ok(());
        };
        let is_open = |open: &usize| self.tree.source(*open).is_some_and(|file| file.real == real);
        if self.reading.iter().any(is_open) {
            return Err(self.trouble(by, ConfigFault::IncludesItself { file: path.clone() }));
        }
        if self.reading.len() > MAX_NGINX_DEPTH {
            let fault = ConfigFault::TooDeep { most: MAX_NGINX_DEPTH };
            self.tree.unread.insert(path.clone(), fault);
            return Ok(());
        }
        self.walked = self.walked.saturating_add(bytes.len().max(LEAST_WALKED));
        if self.walked > MAX_WALKED_BYTES {
            return Err(self.trouble(by, ConfigFault::TooManyBytes { most: MAX_WALKED_BYTES }));
        }
        self.reading.push(source);
        self.statements(source, bytes)?;
        self.reading.pop();
        if let Some(includes) = self.tree.includes.get_mut(source) {
            includes.complete = true;
        }
        Ok(())
    }

    /// Goes through the statements of a file, which closes each block that it opens.
    fn statements(&mut self, source: usize, bytes: &'a [u8]) -> Result<(), ConfigTrouble> {
        let outer = self.stack.len();
        self.behind = 0;
        let mut lexer = Lexer::new(bytes);
        loop {
            match lexer.next() {
                Err((at, what)) => return Err(self.trouble(Some(span(source, at, at)), what)),
                Ok(None) => break,
                Ok(Some(statement)) => {
                    let behind = statement.to;
                    self.statement(source, outer, statement)?;
                    self.behind = behind;
                }
            }
        }
        if self.stack.len() > outer {
            let open = self.stack.last().map(|block| span(source, block.from, block.from));
            return Err(self.trouble(open, ConfigFault::OpenBlock));
        }
        Ok(())
    }

    /// The file of this name; `None` if it was not read yet.
    fn source(
        &mut self,
        path: &ServerPath,
        by: Option<Span>,
    ) -> Result<Option<usize>, ConfigTrouble> {
        if let Some(known) = self.tree.names.get(path) {
            return Ok(Some(*known));
        }
        match self.files.get(path) {
            None => {
                self.lacks(Need::File(path.clone()), by);
                Ok(None)
            }
            Some(Read::Absent) => {
                Err(self.trouble(by, ConfigFault::Missing { file: path.clone() }))
            }
            // A file is whole in itself: nginx takes none that closes a block of another one, or leaves
            // one open. So one that cannot be read says nothing of the others.
            Some(Read::Unreadable(why)) if by.is_some() => {
                let fault = ConfigFault::CannotBeRead { why: why.clone() };
                self.tree.unread.insert(path.clone(), fault);
                Ok(None)
            }
            Some(Read::Unreadable(why)) => {
                let (file, why) = (path.clone(), why.clone());
                Err(self.trouble(by, ConfigFault::Unreadable { file, why }))
            }
            Some(Read::Found { real, bytes }) => {
                let number = self.tree.sources.len();
                let path = path.clone();
                if let Some(why) = self.files.fixed(real) {
                    self.tree.fixed.insert(number, why.to_owned());
                }
                self.tree.names.insert(path.clone(), number);
                self.tree.sources.push(Source::new(path, real, bytes));
                self.tree.includes.push(Includes::default());
                Ok(Some(number))
            }
        }
    }

    /// Takes note of what is not known yet, and of the file that names it.
    fn lacks(&mut self, need: Need, by: Option<Span>) {
        let by = by.and_then(|span| self.tree.sources.get(span.source));
        let by = by.map(|source| source.path.clone());
        self.missing.entry(need).or_default().extend(by);
    }

    fn trouble(&self, at: Option<Span>, what: ConfigFault) -> ConfigTrouble {
        let (path, line) = match at.and_then(|span| self.tree.place(span)) {
            Some(place) => (place.file, Some(place.line)),
            None => (self.files.main(), None),
        };
        ConfigTrouble { path, line, what }
    }

    fn statement(
        &mut self,
        source: usize,
        outer: usize,
        statement: Statement<'a>,
    ) -> Result<(), ConfigTrouble> {
        let at = span(source, statement.from, statement.to);
        if self.tree.blocks.len().max(self.tree.servers.len()) > MAX_BLOCKS {
            let what = ConfigFault::TooManyBlocks { most: MAX_BLOCKS };
            return Err(self.trouble(Some(at), what));
        }
        match statement.end {
            End::Close if self.stack.len() == outer => {
                Err(self.trouble(Some(at), ConfigFault::ClosesNothing))
            }
            End::Close => {
                self.close();
                self.last(at);
                Ok(())
            }
            End::Open => {
                self.first(at);
                self.open(at, &statement);
                Ok(())
            }
            End::Simple if statement.name() == b"include" => self.include(at, &statement),
            End::Simple => {
                self.first(at);
                self.simple(at, statement);
                Ok(())
            }
        }
    }

    /// Remembers the first statement of a block, and the last one so far.
    fn first(&mut self, at: Span) {
        if let Some(block) = self.stack.last_mut()
            && block.source == at.source
        {
            block.first.get_or_insert(at.from);
            block.last = Some(at.to);
        }
    }

    /// Remembers where the last statement of a block ends: here, so far.
    fn last(&mut self, at: Span) {
        if let Some(block) = self.stack.last_mut()
            && block.source == at.source
        {
            block.last = Some(at.to);
        }
    }

    fn place(&self) -> Place {
        self.stack.last().map_or(Place::Main, |block| block.place)
    }

    fn open(&mut self, at: Span, statement: &Statement<'a>) {
        let place = self.place().inner(statement.name());
        let server = (place == Place::Server).then_some(self.tree.servers.len());
        match place {
            Place::StreamServer => self.tree.streams.servers.push(streams::Server::new(at)),
            // A group has its name behind the word, a map its variable.
            Place::StreamGroup | Place::StreamMap => {
                let name = statement.words.last().map(|word| String::from_utf8_lossy(word));
                self.places = name.unwrap_or_default().into_owned();
            }
            _ => {}
        }
        if place == Place::Server {
            self.tree.servers.push(Server::default());
        }
        self.stack.push(Block {
            place,
            source: at.source,
            from: at.from,
            body: at.to,
            first: None,
            last: None,
            server,
            sets: BTreeSet::new(),
        });
    }

    fn close(&mut self) {
        let Some(block) = self.stack.pop() else { return };
        let sets = !block.sets.is_empty();
        match block.place {
            Place::Http | Place::Server => self.tree.blocks.push(block),
            Place::Within if sets => self.tree.blocks.push(block),
            _ => {}
        }
    }

    fn simple(&mut self, at: Span, statement: Statement<'a>) {
        let place = self.place();
        if place == Place::Main && statement.name() == b"load_module" {
            let module = statement.words.get(1).map(|word| String::from_utf8_lossy(word));
            let file = module.map(|module| ServerPath::new(module).file_name().to_owned());
            self.tree.modules.extend(file);
        }
        match place {
            Place::StreamServer => {
                if let Some(server) = self.tree.streams.servers.last_mut() {
                    server.line(&statement.words);
                }
            }
            Place::StreamGroup | Place::StreamMap => self.place_of_streams(place, &statement),
            _ => {}
        }
        if !matches!(place, Place::Http | Place::Server | Place::Within) {
            return;
        }
        if let Some(setter) = Setter::of(statement.name()) {
            self.sets(at, setter, &statement);
        } else if let Some(way) = Setter::of_pass(statement.name()) {
            self.tree.passes.insert(way);
        } else if place == Place::Server {
            self.of_server(statement);
        }
    }

    /// A line of a group (`server 127.0.0.1:1 weight=5;`), which has others that name no place
    /// (`hash $remote_addr;`), or of a map (`shop.test 127.0.0.1:1;`).
    fn place_of_streams(&mut self, block: Place, statement: &Statement<'a>) {
        let place = match (block, statement.words.as_slice()) {
            (Place::StreamGroup, [name, place, ..]) if **name == *b"server" => place,
            (Place::StreamMap, [_, place]) => place,
            _ => return,
        };
        let place = String::from_utf8_lossy(place).into_owned();
        self.tree.streams.places.entry(self.places.clone()).or_default().push(place);
    }

    fn sets(&mut self, at: Span, setter: Setter, statement: &Statement<'a>) {
        if let Some(block) = self.stack.last_mut() {
            block.sets.insert(setter);
        }
        self.tree.passes.insert(setter);
        let Some(name) = statement.words.get(1) else { return };
        let Some(name) = setter.header(&String::from_utf8_lossy(name)) else { return };
        let varies = statement.words.get(2).is_some_and(|value| value.contains(&b'$'));
        self.tree.headers.push(Header { at, name, varies });
    }

    fn of_server(&mut self, statement: Statement<'a>) {
        let Some(server) = self.tree.servers.last_mut() else { return };
        match statement.name() {
            b"listen" => server.listens.push(statement.words.into_iter().skip(1).collect()),
            b"server_name" => server.names.extend(statement.words.into_iter().skip(1)),
            b"ssl" => server.ssl = statement.words.get(1).is_some_and(|word| **word == *b"on"),
            _ => {}
        }
    }

    fn include(&mut self, at: Span, statement: &Statement<'a>) -> Result<(), ConfigTrouble> {
        let [_, named] = statement.words.as_slice() else {
            return Err(self.trouble(Some(at), ConfigFault::IncludeWords));
        };
        let Ok(named) = std::str::from_utf8(named) else {
            return Err(self.trouble(Some(at), ConfigFault::IncludeNotUtf8));
        };
        let path = full_path(self.files, named);
        if self.own.contains(&path) {
            self.own_include(at, path);
            return Ok(());
        }
        self.first(at);
        let Some(targets) = self.targets(at, path)? else { return Ok(()) };
        // A file that is included again says the same again.
        if let Some(includes) = self.tree.includes.get_mut(at.source)
            && !includes.complete
        {
            includes.statements.push((at.from, at.to, targets.clone()));
        }
        targets.iter().try_for_each(|target| self.file(target, Some(at)))
    }

    fn own_include(&mut self, at: Span, path: ServerPath) {
        let Some(source) = self.tree.source(at.source) else { return };
        let line = source.cut_from(at.from);
        // The end of the line before is taken out with it, unless a comment ends there and something
        // follows in our line: that would become a part of the comment.
        let rest = source.rest_of_line(at.to);
        let is_alone = line == self.behind || rest.trim_ascii().is_empty();
        let cut = if is_alone { line } else { at.from };
        self.tree.own.push(Own { source: at.source, from: at.from, to: at.to, cut, path });
    }

    /// The files that an include names; `None` if that is not known yet.
    fn targets(
        &mut self,
        at: Span,
        path: ServerPath,
    ) -> Result<Option<Vec<ServerPath>>, ConfigTrouble> {
        if !glob::is_pattern(path.as_str()) {
            return Ok(Some(vec![path]));
        }
        let pattern = path.as_str().to_owned();
        self.tree.patterns.push((at, pattern.clone()));
        match self.files.glob(&pattern) {
            None => {
                self.lacks(Need::Glob(pattern), Some(at));
                Ok(None)
            }
            Some(Ok(found)) => Ok(Some(found.clone())),
            Some(Err(why)) => {
                let what = ConfigFault::PatternNotKnown { pattern, why: why.clone() };
                Err(self.trouble(Some(at), what))
            }
        }
    }
}

fn span(source: usize, from: usize, to: usize) -> Span {
    Span { source, from, to }
}
