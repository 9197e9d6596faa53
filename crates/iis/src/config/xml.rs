//! Bytes → a checked XML document, and where in the bytes its parts are.
//!
//! The parser gives the range of a whole element but not of its tags; those are found here by
//! scanning. Everything that the parser accepts but that would make a range wrong, or its time more
//! than linear, is refused before it runs.

use std::ops::Range;

use roxmltree::{Attribute, Document, Node, ParsingOptions};
use stopgap_model::problem::one_line;

/// The largest configuration file that is read, in bytes. Real ones have up to 0.2 MB.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;
/// The deepest nesting of elements. Real files reach about 10.
pub const MAX_DEPTH: usize = 128;
/// The most attributes of one element; the parser's search for duplicates is quadratic in them.
pub const MAX_ATTRIBUTES: usize = 256;
/// The most namespace declarations of one file; the parser copies those in scope for each element
/// that adds one.
pub const MAX_NAMESPACES: usize = 512;

/// The parser keeps the length of an attribute's name in 16 bits.
const MAX_NAME: usize = u16::MAX as usize;
/// The parser keeps the width of `=` with the spaces around it in 8 bits.
const MAX_EQUALS: usize = u8::MAX as usize;

/// Why a file cannot be read as a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReadable {
    /// It is larger than [`MAX_FILE_BYTES`].
    #[error("it has {bytes} bytes, more than the limit of {MAX_FILE_BYTES}")]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
    /// It is written in another encoding than UTF-8.
    #[error("it is encoded in {0}; only UTF-8 is read")]
    Encoding(String),
    /// It is not valid UTF-8.
    #[error("its bytes are not UTF-8 from byte {at} on")]
    NotUtf8 {
        /// The offset of the first wrong byte.
        at: usize,
    },
    /// It has a document type declaration, which configuration files never need.
    #[error("it has a document type declaration (DTD)")]
    Dtd,
    /// Its elements are nested deeper than [`MAX_DEPTH`].
    #[error("its elements are nested deeper than {MAX_DEPTH} levels at {line}:{column}")]
    TooDeep {
        /// The line, from 1.
        line: u32,
        /// The column in characters, from 1.
        column: u32,
    },
    /// It has a shape that no tool writes and that is not worth its risk.
    #[error("it has {what} at {line}:{column}")]
    Unusual {
        /// The line, from 1.
        line: u32,
        /// The column in characters, from 1.
        column: u32,
        /// What it has.
        what: String,
    },
    /// It is not well-formed XML.
    #[error("it is not well-formed XML at {line}:{column}: {what}")]
    Malformed {
        /// The line, from 1.
        line: u32,
        /// The column in characters, from 1.
        column: u32,
        /// What is wrong there.
        what: String,
    },
    /// Its root element is not `configuration`.
    #[error("its root element is `{0}`, not `configuration`")]
    NotConfiguration(String),
    /// It was read, and IIS would refuse the rules in it or they could not be followed.
    #[error("its rules cannot be used: {0}")]
    Rules(String),
}

/// A well-formed configuration document over the original text, byte order mark included.
pub(crate) struct Doc<'a> {
    pub(crate) text: &'a str,
    tree: Document<'a>,
}

impl<'a> Doc<'a> {
    /// The document in `bytes`, if it is one that can be read and edited safely.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, NotReadable> {
        let doc = Self::parse_any(bytes)?;
        let root = doc.name(doc.root());
        if root != "configuration" {
            return Err(NotReadable::NotConfiguration(one_line(root)));
        }
        Ok(doc)
    }

    /// The same_name, whatever its root element is.
    pub(crate) fn parse_any(bytes: &'a [u8]) -> Result<Self, NotReadable> {
        let text = decode(bytes)?;
        guard(text)?;
        let options = ParsingOptions { allow_dtd: false, ..ParsingOptions::default() };
        let tree = Document::parse_with_options(text, options).map_err(|e| malformed(text, &e))?;
        Ok(Self { text, tree })
    }

    /// The root element, which is `configuration` but in a file that holds one section.
    pub(crate) fn root(&self) -> Node<'_, 'a> {
        self.tree.root_element()
    }

    /// The element's name as written, with its prefix: IIS does not look at namespaces.
    pub(crate) fn name(&self, node: Node<'_, 'a>) -> &'a str {
        node.written_name()
    }

    /// The child elements with this name, in document order.
    pub(crate) fn children<'d>(
        &self,
        node: Node<'d, 'a>,
        name: &str,
    ) -> impl Iterator<Item = Node<'d, 'a>> {
        node.children().filter(move |child| child.is_element() && self.name(*child) == name)
    }

    /// The elements at the end of a path of names below `node`.
    pub(crate) fn descend<'d>(&self, node: Node<'d, 'a>, names: &[&str]) -> Vec<Node<'d, 'a>> {
        names.iter().fold(vec![node], |nodes, name| {
            nodes.into_iter().flat_map(|node| self.children(node, name)).collect()
        })
    }

    /// What stands in a range of the text; nothing, where the range is none of it.
    pub(crate) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// What stands before a place in the text.
    pub(crate) fn before(&self, at: usize) -> &'a str {
        self.text.get(..at).unwrap_or_default()
    }

    /// What stands behind a place in the text.
    pub(crate) fn behind(&self, at: usize) -> &'a str {
        self.text.get(at..).unwrap_or_default()
    }

    /// The text with something else in a range of it.
    pub(crate) fn with(&self, range: &Range<usize>, text: &str) -> Option<String> {
        let before = self.text.get(..range.start)?;
        let behind = self.text.get(range.end..)?;
        Some([before, text, behind].concat())
    }

    /// The text without these ranges, which are in order and do not overlap.
    pub(crate) fn without(&self, ranges: &[Range<usize>]) -> String {
        let ends = ranges.iter().map(|range| range.end);
        let starts = ranges.iter().map(|range| range.start);
        let kept = std::iter::once(0).chain(ends).zip(starts.chain([self.text.len()]));
        kept.map(|(from, to)| self.slice(from..to)).collect()
    }

    /// Where the start tag ends: just behind its `>`.
    pub(crate) fn start_tag_end(&self, node: Node<'_, 'a>) -> usize {
        tag_end(self.text, node.range().start).unwrap_or(node.range().end)
    }

    /// Whether the element is written as one tag, `<x />`.
    pub(crate) fn is_self_closing(&self, node: Node<'_, 'a>) -> bool {
        self.before(self.start_tag_end(node)).ends_with("/>")
    }

    /// Where the start tag's name and attributes end: before the spaces, `/` and `>` that close it.
    pub(crate) fn attributes_end(&self, node: Node<'_, 'a>) -> usize {
        let start = node.range().start;
        let tag = self.slice(start..self.start_tag_end(node));
        let tag = tag.strip_suffix('>').unwrap_or(tag);
        let tag = tag.strip_suffix('/').unwrap_or(tag);
        start + tag.trim_end_matches(is_blank_char).len()
    }

    /// Whether nothing but white space is between the tags, if there are two.
    pub(crate) fn is_empty(&self, node: Node<'_, 'a>) -> bool {
        if self.is_self_closing(node) {
            return true;
        }
        let range = node.range();
        // The last `</` of an element's range begins its own end tag.
        let end_tag =
            self.slice(range.clone()).rfind("</").map_or(range.end, |at| range.start + at);
        is_blank(self.slice(self.start_tag_end(node)..end_tag))
    }

    /// The white space at the beginning of the line that `at` is on.
    pub(crate) fn indentation(&self, at: usize) -> &'a str {
        let line = self.before(at).rsplit('\n').next().unwrap_or_default();
        let text = line.trim_start_matches([' ', '\t']);
        line.strip_suffix(text).unwrap_or_default()
    }

    /// Whether only white space is before `at` on its line, and there is a line before.
    pub(crate) fn begins_line(&self, at: usize) -> bool {
        self.before(at).trim_end_matches([' ', '\t']).ends_with('\n')
    }

    /// How lines end around `at`.
    pub(crate) fn newline(&self, at: usize) -> &'static str {
        let newline = self.before(at).rfind('\n').or_else(|| self.text.find('\n'));
        match newline {
            Some(at) if !self.before(at).ends_with('\r') => "\n",
            Some(_) | None => "\r\n",
        }
    }
}

/// An element as it is written. IIS compares names letter by letter and knows no namespaces; to it,
/// `x:rules` and `x:name` are other names than `rules` and `name`.
pub(crate) trait Written<'d, 'a> {
    /// Its name with its prefix.
    fn written_name(&self) -> &'a str;
    /// Its attribute of this name, without any prefix.
    fn own_attribute_node(&self, name: &str) -> Option<Attribute<'d, 'a>>;
    /// The value of its attribute of this name, without any prefix.
    fn own_attribute(&self, name: &str) -> Option<&'d str>;
}

impl<'d, 'a> Written<'d, 'a> for Node<'d, 'a> {
    fn written_name(&self) -> &'a str {
        if !self.is_element() {
            return "";
        }
        // Behind the `<` of its start tag.
        let rest = self.document().input_text().get(self.range().start + 1..).unwrap_or_default();
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>');
        rest.split(ends).next().unwrap_or_default()
    }

    fn own_attribute_node(&self, name: &str) -> Option<Attribute<'d, 'a>> {
        self.attributes().find(|found| found.name() == name && found.namespace().is_none())
    }

    fn own_attribute(&self, name: &str) -> Option<&'d str> {
        self.own_attribute_node(name).map(|found| found.value())
    }
}

/// Whether a character is XML white space.
pub(crate) fn is_blank_char(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Whether a text is nothing but XML white space.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(is_blank_char)
}

/// The bytes as text, byte order mark included.
fn decode(bytes: &[u8]) -> Result<&str, NotReadable> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(NotReadable::TooLarge { bytes: bytes.len() });
    }
    // A byte order mark, or zero bytes between ASCII letters, tell a wide encoding.
    let wide = match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] | [0, 0, 0, _, ..] | [_, 0, 0, 0, ..] => {
            Some("UTF-32")
        }
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, _, ..] | [_, 0, ..] => Some("UTF-16"),
        _ => None,
    };
    if let Some(encoding) = wide {
        return Err(NotReadable::Encoding(encoding.to_owned()));
    }
    let ascii = bytes.is_ascii();
    if let Some(declared) = declared_encoding(bytes) {
        let name = declared.to_ascii_lowercase();
        let superset = name == "us-ascii"
            || name == "ascii"
            || name.starts_with("iso-8859-")
            || name.starts_with("windows-125");
        if name != "utf-8" && !(ascii && superset) {
            return Err(NotReadable::Encoding(one_line(&declared)));
        }
    }
    str::from_utf8(bytes).map_err(|error| NotReadable::NotUtf8 { at: error.valid_up_to() })
}

/// The value of `encoding` in the XML declaration, if there is one.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let bytes = bytes.strip_prefix(b"<?xml")?;
    let end = bytes.windows(2).position(|pair| pair == b"?>")?;
    let declaration = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start_matches(is_blank_char).strip_prefix('=')?;
    let value = value.trim_start_matches(is_blank_char);
    let quoted = |quote: char| value.strip_prefix(quote)?.split_once(quote);
    quoted('"').or_else(|| quoted('\'')).map(|(value, _)| value.to_owned())
}

/// Where the start tag that begins at `start` ends, just behind its `>`; quotes are respected.
fn tag_end(text: &str, start: usize) -> Option<usize> {
    let mut quote = None;
    for (at, &byte) in text.as_bytes().iter().enumerate().skip(start) {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return Some(at + 1),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// Refuses what the parser must not see. What is not well-formed is left for the parser to name.
fn guard(text: &str) -> Result<(), NotReadable> {
    let (mut at, mut depth, mut namespaces) = (0, 0_usize, 0_usize);
    while let Some((start, rest)) = next_tag(text, at) {
        let skip = |close: &str| rest.find(close).map(|found| start + found + close.len());
        // Comments and the like can hold what looks like a tag, and are skipped whole.
        let next = if rest.starts_with("<!--") {
            skip("-->")
        } else if rest.starts_with("<![CDATA[") {
            skip("]]>")
        } else if rest.starts_with("<?") {
            skip("?>")
        } else if rest.starts_with("<!DOCTYPE") {
            return Err(NotReadable::Dtd);
        } else if rest.starts_with("</") {
            depth = depth.saturating_sub(1);
            skip(">")
        } else {
            let end = tag_end(text, start);
            if let Some(end) = end {
                namespaces += check_attributes(text, start, end)?;
                depth += usize::from(!text.get(..end).is_some_and(|tag| tag.ends_with("/>")));
            }
            end
        };
        let Some(next) = next else { return Ok(()) };
        if depth > MAX_DEPTH {
            let (line, column) = position(text, start);
            return Err(NotReadable::TooDeep { line, column });
        }
        if namespaces > MAX_NAMESPACES {
            return Err(unusual(text, start, "too many namespace declarations"));
        }
        at = next;
    }
    Ok(())
}

/// The first `<` from a place on: where it is, and the text from there.
fn next_tag(text: &str, from: usize) -> Option<(usize, &str)> {
    let start = from + text.get(from..)?.find('<')?;
    Some((start, text.get(start..)?))
}

/// Checks the attributes of one start tag and counts its namespace declarations.
fn check_attributes(text: &str, start: usize, end: usize) -> Result<usize, NotReadable> {
    let tag = text.get(start..end).unwrap_or_default();
    let (mut quote, mut count, mut namespaces) = (None, 0, 0);
    for (at, byte) in tag.bytes().enumerate() {
        // Within quotes an equals sign is text.
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None, b'=') => {
                count += 1;
                if count > MAX_ATTRIBUTES {
                    return Err(unusual(text, start, "an element with too many attributes"));
                }
                let (before, after) = tag.split_at_checked(at).unwrap_or_default();
                let before = before.trim_end_matches(is_blank_char);
                let after = after.strip_prefix('=').unwrap_or(after);
                let after = after.trim_start_matches(is_blank_char);
                if tag.len() - after.len() - before.len() > MAX_EQUALS {
                    return Err(unusual(text, start + at, "too much white space around `=`"));
                }
                let name = before.rsplit(is_blank_char).next().unwrap_or_default();
                if name.len() > MAX_NAME {
                    return Err(unusual(text, start + at, "an attribute with too long a name"));
                }
                namespaces += usize::from(name.starts_with("xmlns"));
            }
            _ => {}
        }
    }
    Ok(namespaces)
}

fn unusual(text: &str, at: usize, what: &str) -> NotReadable {
    let (line, column) = position(text, at);
    NotReadable::Unusual { line, column, what: what.to_owned() }
}

/// Line and column of an offset, both from 1; the column in characters.
fn position(text: &str, at: usize) -> (u32, u32) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

fn malformed(text: &str, error: &roxmltree::Error) -> NotReadable {
    if matches!(error, roxmltree::Error::DtdDetected) {
        return NotReadable::Dtd;
    }
    // These two carry no position: what is missing is missing at the end.
    let at_end = matches!(error, roxmltree::Error::UnclosedRootNode | roxmltree::Error::NoRootNode);
    let (line, column) =
        if at_end { position(text, text.len()) } else { (error.pos().row, error.pos().col) };
    let what = error.to_string().replace(&format!(" at {}", error.pos()), "");
    NotReadable::Malformed { line, column, what: one_line(&what) }
}
