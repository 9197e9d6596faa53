//! The words of an nginx configuration file, read as nginx's own reader does.

use std::borrow::Cow;

use stopgap_model::reason::ConfigFault;

/// How a statement ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// With `;`, or a block of Lua.
    Simple,
    /// With `{`: it opens a block.
    Open,
    /// It is the `}` of a block.
    Close,
}

/// A statement: words and what ends them.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    pub(super) words: Vec<Cow<'a, [u8]>>,
    pub(super) end: End,
    /// Where the first word begins, its quote included.
    pub(super) from: usize,
    /// What is behind the last byte.
    pub(super) to: usize,
}

impl Statement<'_> {
    /// The first word: the name of the directive or block.
    pub(super) fn name(&self) -> &[u8] {
        self.words.first().map_or(b"", |word| word)
    }
}

/// Why the words end before the file does: where, and what is wrong.
pub(super) type Bad = (usize, ConfigFault);

/// Goes through the statements of a file.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next statement; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Statement<'a>>, Bad> {
        let mut words = Vec::new();
        let mut from = self.at;
        loop {
            self.skip_blank();
            let Some(byte) = self.peek() else {
                if words.is_empty() {
                    return Ok(None);
                }
                return Err((from, ConfigFault::UnfinishedStatement));
            };
            if words.is_empty() {
                from = self.at;
            }
            // A mark ends a statement, but for a `}` that begins one: that closes a block.
            let end = match (byte, words.is_empty()) {
                (b'}', true) => End::Close,
                (b';', false) => End::Simple,
                (b'{', false) => End::Open,
                (b';' | b'{', true) | (b'}', false) => {
                    let character = char::from(byte);
                    return Err((self.at, ConfigFault::Unexpected { character }));
                }
                _ => {
                    words.push(self.word()?);
                    continue;
                }
            };
            self.at += 1;
            let statement = Statement { words, end, from, to: self.at };
            return self.with_foreign_block(statement).map(Some);
        }
    }

    /// A block of Lua is read by another reader: its quotes and braces are not nginx's.
    fn with_foreign_block(&mut self, statement: Statement<'a>) -> Result<Statement<'a>, Bad> {
        if statement.end != End::Open || !statement.name().ends_with(b"_by_lua_block") {
            return Ok(statement);
        }
        self.at = super::lua::block_end(self.bytes, self.at)
            .ok_or((statement.from, ConfigFault::OpenLua))?;
        Ok(Statement { end: End::Simple, to: self.at, ..statement })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_blank(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'#' => {
                    let rest = self.bytes.get(self.at..).unwrap_or_default();
                    let line = rest.iter().position(|byte| *byte == b'\n');
                    self.at += line.unwrap_or(rest.len());
                }
                byte if is_blank(byte) => self.at += 1,
                _ => return,
            }
        }
    }

    fn word(&mut self) -> Result<Cow<'a, [u8]>, Bad> {
        match self.peek() {
            Some(quote @ (b'"' | b'\'')) => self.quoted(quote),
            _ => self.bare(),
        }
    }

    fn quoted(&mut self, quote: u8) -> Result<Cow<'a, [u8]>, Bad> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err((start, ConfigFault::OpenQuote)),
                // Whatever stands behind a backslash ends nothing.
                Some(b'\\') => self.at += 2,
                Some(byte) if byte == quote => break,
                Some(_) => self.at += 1,
            }
        }
        let word = unescaped(self.bytes.get(start + 1..self.at).unwrap_or_default());
        self.at += 1;
        match self.peek() {
            Some(byte) if is_blank(byte) || matches!(byte, b';' | b'{' | b')') => Ok(word),
            None => Ok(word),
            Some(_) => Err((self.at, ConfigFault::BehindQuote)),
        }
    }

    fn bare(&mut self) -> Result<Cow<'a, [u8]>, Bad> {
        let start = self.at;
        let mut variable = false;
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => {
                    self.at += 2;
                    variable = false;
                    continue;
                }
                // The brace of `${name}` is part of the word.
                b'{' if variable => {}
                b';' | b'{' => break,
                byte if is_blank(byte) => break,
                _ => {}
            }
            variable = byte == b'$';
            self.at += 1;
        }
        // A backslash at the end of the file leads beyond it.
        self.at = self.at.min(self.bytes.len());
        Ok(unescaped(self.bytes.get(start..self.at).unwrap_or_default()))
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A word without the backslashes that nginx takes away.
fn unescaped(word: &[u8]) -> Cow<'_, [u8]> {
    if !word.contains(&b'\\') {
        return Cow::Borrowed(word);
    }
    let mut text = Vec::with_capacity(word.len());
    let mut bytes = word.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let meant = match (byte, bytes.peek()) {
            (b'\\', Some(b't')) => b'\t',
            (b'\\', Some(b'r')) => b'\r',
            (b'\\', Some(b'n')) => b'\n',
            (b'\\', Some(b'"' | b'\'' | b'\\')) => bytes.peek().copied().unwrap_or(byte),
            _ => {
                text.push(byte);
                continue;
            }
        };
        bytes.next();
        text.push(meant);
    }
    Cow::Owned(text)
}
