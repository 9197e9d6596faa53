//! ECMAScript's regular expressions, as its Annex B has browsers and IIS read them, into nodes.
//! Whether a text is one at all another crate decides; this says what it means over bytes.

use crate::ast::{ByteSet, Node};
use crate::error::{NotLinear, PatternError};
use crate::limits::{MAX_COUNT, MAX_DEPTH, MAX_PATTERN};

struct Parser {
    chars: Vec<char>,
    at: usize,
    fold: bool,
    groups: usize,
    total_groups: usize,
    depth: usize,
}

/// Whether a character or an escape is one byte, one character, or a set of bytes.
enum Atom {
    Set(ByteSet),
    Byte(u8),
    Char(char),
}

/// Reads `source` into nodes, and counts its capturing groups; `fold` ignores the case of ASCII letters.
///
/// # Errors
/// It is not ECMAScript, or not understood here.
pub fn parse(source: &str, fold: bool) -> Result<(Node, usize), PatternError> {
    if source.len() > MAX_PATTERN {
        return Err(NotLinear::TooLong.into());
    }
    // Before the syntax check, which recurses without a bound.
    if nests_too_deep(source) {
        return Err(NotLinear::TooDeep.into());
    }
    if let Err(error) = regress::Regex::new(source) {
        return Err(PatternError::Invalid(error.text));
    }
    Ok(nodes(source, fold)?)
}

/// The nodes of a pattern of which nothing but its syntax was checked, and the number of its groups.
fn nodes(source: &str, fold: bool) -> Result<(Node, usize), NotLinear> {
    let chars: Vec<char> = source.chars().collect();
    let total_groups = count_groups(&chars);
    let mut parser = Parser { chars, at: 0, fold, groups: 0, total_groups, depth: 0 };
    let node = parser.alternation()?;
    match parser.peek() {
        None => Ok((node, parser.groups)),
        Some(_) => Err(NotLinear::UnopenedGroup),
    }
}

/// Whether groups nest deeper than is allowed.
fn nests_too_deep(source: &str) -> bool {
    let (mut depth, mut bytes) = (0_usize, source.bytes());
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

/// Where in a pattern a `{` begins no count such as `{2,3}`, counted in characters. It stands for itself
/// by Annex B, and is an error in the third edition.
#[must_use]
pub fn braces_without_count(source: &str) -> Vec<usize> {
    let chars: Vec<char> = source.chars().collect();
    let mut parser = Parser { chars, at: 0, fold: false, groups: 0, total_groups: 0, depth: 0 };
    let mut found = Vec::new();
    let mut in_class = false;
    // Whether there is something before that can be repeated.
    let mut atom = false;
    while let Some(c) = parser.peek() {
        let count = parser.quantifier().filter(|_| atom);
        match (c, count) {
            ('{', Some((_, _, length))) if !in_class => {
                parser.at += length;
                continue;
            }
            ('{', _) if !in_class => found.push(parser.at),
            ('\\', _) => parser.at += 1,
            ('[', _) => in_class = true,
            (']', _) => in_class = false,
            _ => {}
        }
        atom = in_class || !matches!(c, '(' | '|' | '^');
        parser.at += 1;
    }
    found
}

/// The number of capturing groups: `\1` is a reference only if there is such a group.
fn count_groups(chars: &[char]) -> usize {
    let (mut count, mut in_class, mut rest) = (0, false, chars);
    while let Some((&c, after)) = rest.split_first() {
        rest = after;
        match c {
            // What is escaped opens nothing.
            '\\' => rest = after.get(1..).unwrap_or_default(),
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class && after.first() != Some(&'?') => count += 1,
            _ => {}
        }
    }
    count
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// What is not read yet.
    fn rest(&self) -> &[char] {
        self.chars.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn take(&mut self, text: &str) -> bool {
        let taken = self.rest().iter().copied().take(text.len()).eq(text.chars());
        if taken {
            self.at += text.len();
        }
        taken
    }

    fn alternation(&mut self) -> Result<Node, NotLinear> {
        let mut branches = vec![self.sequence()?];
        while self.take("|") {
            branches.push(self.sequence()?);
        }
        Ok(if branches.len() == 1 { branches.remove(0) } else { Node::Alternate(branches) })
    }

    fn sequence(&mut self) -> Result<Node, NotLinear> {
        let mut nodes = Vec::new();
        while self.peek().is_some_and(|c| !matches!(c, '|' | ')')) {
            let atom = self.atom()?;
            nodes.push(self.quantified(atom)?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Concat(nodes) })
    }

    fn quantified(&mut self, atom: Node) -> Result<Node, NotLinear> {
        let Some((min, max, length)) = self.quantifier() else { return Ok(atom) };
        self.at += length;
        let greedy = !self.take("?");
        if matches!(atom, Node::LookAhead { .. }) {
            // Once is as good as often.
            let optional = min == 0;
            return Ok(if optional { Node::Alternate(vec![atom, Node::empty()]) } else { atom });
        }
        if min > MAX_COUNT || max.is_some_and(|max| max > MAX_COUNT) {
            return Err(NotLinear::CountTooLarge);
        }
        Ok(Node::Repeat { node: Box::new(atom), min, max, greedy })
    }

    /// The quantifier at this place, if there is one, and its length. Braces that say no count are
    /// literal.
    fn quantifier(&self) -> Option<(u32, Option<u32>, usize)> {
        match self.peek()? {
            '*' => return Some((0, None, 1)),
            '+' => return Some((1, None, 1)),
            '?' => return Some((0, Some(1), 1)),
            '{' => {}
            _ => return None,
        }
        let rest = self.chars.get(self.at + 1..)?;
        let end = rest.iter().position(|&c| c == '}')?;
        let text: String = rest.iter().take(end).collect();
        let number = |digits: &str| {
            let all = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            // A count beyond the type is beyond the limit as well.
            all.then(|| digits.parse::<u32>().unwrap_or(u32::MAX))
        };
        let (min, max) = match text.split_once(',') {
            None => (number(&text)?, Some(number(&text)?)),
            Some((low, "")) => (number(low)?, None),
            Some((low, high)) => (number(low)?, Some(number(high)?)),
        };
        Some((min, max, end + 2))
    }

    fn atom(&mut self) -> Result<Node, NotLinear> {
        match self.next() {
            None => Ok(Node::empty()),
            Some('^') => Ok(Node::Start),
            Some('$') => Ok(Node::End),
            Some('.') => Ok(Node::Set(ByteSet::of(*b"\n\r").complement())),
            Some('(') => self.group(),
            Some('[') => self.class(),
            Some('\\') => self.escape(),
            Some(c) => Ok(self.literal(c)),
        }
    }

    fn group(&mut self) -> Result<Node, NotLinear> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(NotLinear::TooDeep);
        }
        if self.take("?<") {
            return Err(NotLinear::LookBehind);
        }
        // A group that looks ahead captures nothing itself.
        let look = if self.take("?=") { Some(false) } else { self.take("?!").then_some(true) };
        let mut index = None;
        if look.is_none() && !self.take("?:") {
            self.groups += 1;
            index = Some(self.groups);
        }
        let node = Box::new(self.alternation()?);
        if !self.take(")") {
            return Err(NotLinear::UnclosedGroup);
        }
        self.depth -= 1;
        Ok(match look {
            Some(negate) => Node::LookAhead { negate, node },
            None => Node::Group { index, node },
        })
    }

    fn literal(&self, c: char) -> Node {
        let mut buffer = [0; 4];
        let bytes = c.encode_utf8(&mut buffer).bytes();
        let mut nodes: Vec<Node> = bytes.map(|byte| self.byte(byte)).collect();
        // A character beyond ASCII is repeated as a whole.
        if nodes.len() == 1 {
            nodes.remove(0)
        } else {
            Node::Group { index: None, node: Box::new(Node::Concat(nodes)) }
        }
    }

    fn byte(&self, byte: u8) -> Node {
        Node::Set(self.folded(ByteSet::of([byte])))
    }

    fn folded(&self, set: ByteSet) -> ByteSet {
        if self.fold { set.folded() } else { set }
    }

    fn escape(&mut self) -> Result<Node, NotLinear> {
        if self.take("b") {
            return Ok(Node::WordBoundary { negate: false });
        }
        if self.take("B") {
            return Ok(Node::WordBoundary { negate: true });
        }
        let digits: String = self.rest().iter().take_while(|c| c.is_ascii_digit()).collect();
        let number = digits.parse::<usize>().unwrap_or(usize::MAX);
        if !digits.is_empty() && number >= 1 && number <= self.total_groups {
            self.at += digits.len();
            return Ok(Node::BackReference);
        }
        Ok(match self.character_escape()? {
            Atom::Set(set) => Node::Set(self.folded(set)),
            Atom::Char(c) => self.literal(c),
            Atom::Byte(byte) => self.byte(byte),
        })
    }

    /// An escape that means the same inside a class and outside.
    fn character_escape(&mut self) -> Result<Atom, NotLinear> {
        let digits = ByteSet::of(b'0'..=b'9');
        let words = digits.union(ByteSet::of((b'a'..=b'z').chain(b'A'..=b'Z').chain(*b"_")));
        let spaces = ByteSet::of(*b"\t\n\x0b\x0c\r ");
        Ok(match self.next() {
            None => return Err(NotLinear::EndsWithBackslash),
            Some('d') => Atom::Set(digits),
            Some('D') => Atom::Set(digits.complement()),
            Some('w') => Atom::Set(words),
            Some('W') => Atom::Set(words.complement()),
            Some('s') => Atom::Set(spaces),
            Some('S') => Atom::Set(spaces.complement()),
            Some('t') => Atom::Byte(b'\t'),
            Some('n') => Atom::Byte(b'\n'),
            Some('v') => Atom::Byte(0x0b),
            Some('f') => Atom::Byte(0x0c),
            Some('r') => Atom::Byte(b'\r'),
            Some('c') => self.control(),
            Some('x') => self.hex(2).map_or(Atom::Byte(b'x'), |value| Atom::Byte(value as u8)),
            Some('u') => match self.hex(4) {
                None => Atom::Byte(b'u'),
                Some(value) => match char::from_u32(value) {
                    Some(c) => Atom::Char(c),
                    None => return Err(NotLinear::HalfSurrogate),
                },
            },
            Some(c @ '0'..='7') => Atom::Byte(self.octal(c)),
            Some(c) => Atom::Char(c),
        })
    }

    /// `\cA`; without a letter the backslash stands for itself (Annex B).
    fn control(&mut self) -> Atom {
        match self.peek() {
            Some(c) if c.is_ascii_alphabetic() => {
                self.at += 1;
                Atom::Byte(c as u8 & 31)
            }
            _ => {
                self.at -= 1;
                Atom::Byte(b'\\')
            }
        }
    }

    fn hex(&mut self, count: usize) -> Option<u32> {
        let digits: String = self.chars.get(self.at..self.at + count)?.iter().collect();
        let all = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let value = all.then(|| u32::from_str_radix(&digits, 16).ok())??;
        self.at += count;
        Some(value)
    }

    /// Annex B: up to three octal digits, 255 at most.
    fn octal(&mut self, first: char) -> u8 {
        let mut value = first.to_digit(8).unwrap_or(0);
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            if value * 8 + digit > 255 {
                break;
            }
            value = value * 8 + digit;
            self.at += 1;
        }
        value as u8
    }

    fn class(&mut self) -> Result<Node, NotLinear> {
        let negate = self.take("^");
        let mut set = ByteSet::EMPTY;
        let mut beyond = Vec::new();
        loop {
            match self.peek() {
                None => return Err(NotLinear::UnclosedClass),
                Some(']') => break,
                Some(_) => {}
            }
            let low = self.class_atom()?;
            let is_range = self.peek() == Some('-') && self.chars.get(self.at + 1) != Some(&']');
            if !is_range {
                set = set.union(class_set(&low, &mut beyond));
                continue;
            }
            self.at += 1;
            let high = self.class_atom()?;
            // A range is of bytes: both its ends have to be one.
            set = set.union(match (&low, &high, single(&low), single(&high)) {
                (_, _, Some(low), Some(high)) => ByteSet::of(low..=high),
                // Annex B: with a class at either end the dash stands for itself.
                (Atom::Set(_), ..) | (_, Atom::Set(_), ..) => {
                    let ends = class_set(&low, &mut beyond).union(class_set(&high, &mut beyond));
                    ends.union(ByteSet::of(*b"-"))
                }
                _ => return Err(NotLinear::RangeBeyondAscii),
            });
        }
        self.at += 1;
        let set = self.folded(set);
        match (negate, beyond.is_empty()) {
            (true, true) => Ok(Node::Set(set.complement())),
            (false, true) => Ok(Node::Set(set)),
            (false, false) => Ok(self.class_beyond(set, &beyond)),
            (true, false) => Err(NotLinear::ExcludesBeyondAscii),
        }
    }

    /// A byte of `set` or one of the characters, each the bytes of its UTF-8.
    fn class_beyond(&self, set: ByteSet, beyond: &[char]) -> Node {
        let mut branches: Vec<Node> = beyond.iter().map(|&c| self.literal(c)).collect();
        if set != ByteSet::EMPTY {
            branches.push(Node::Set(set));
        }
        Node::Group { index: None, node: Box::new(Node::Alternate(branches)) }
    }

    fn class_atom(&mut self) -> Result<Atom, NotLinear> {
        match self.next() {
            Some('\\') if self.take("b") => Ok(Atom::Byte(8)),
            Some('\\') => match (self.peek(), self.chars.get(self.at + 1)) {
                // Annex B: in a class `\c` takes a digit and `_` as well.
                (Some('c'), Some(&c)) if c.is_ascii_digit() || c == '_' => {
                    self.at += 2;
                    Ok(Atom::Byte(c as u8 & 31))
                }
                _ => self.character_escape(),
            },
            Some(c) => Ok(Atom::Char(c)),
            None => Err(NotLinear::UnclosedClass),
        }
    }
}

/// The bytes of a part of a class; a character beyond ASCII is put aside.
fn class_set(atom: &Atom, beyond: &mut Vec<char>) -> ByteSet {
    match atom {
        Atom::Set(set) => *set,
        Atom::Byte(byte) => ByteSet::of([*byte]),
        Atom::Char(c) if c.is_ascii() => ByteSet::of([*c as u8]),
        Atom::Char(c) => {
            beyond.push(*c);
            ByteSet::EMPTY
        }
    }
}

fn single(atom: &Atom) -> Option<u8> {
    match atom {
        Atom::Byte(byte) => Some(*byte),
        Atom::Char(c) if c.is_ascii() => Some(*c as u8),
        Atom::Char(_) | Atom::Set(_) => None,
    }
}
