//! A look at the bytes before any parser sees them, so that a parser's time and memory are bounded
//! and two parsers cannot read different documents in them.

use roxmltree::{Document, Node, ParsingOptions};

use crate::form::{DSIG, STAMP_NS};
use crate::refusal::DocumentFault;
use crate::shown::said;

/// The largest document that is read, in bytes: 10,000 mitigations of 800 bytes each.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// How deep elements may stand in each other. The format's deepest needs seven, a countersigned
/// signature six.
pub const MAX_DEPTH: usize = 32;
/// How many tags, comments and CDATA sections are read: 10,000 mitigations of some ten each, twice.
pub const MAX_MARKUP: usize = 200_000;
/// The attributes of one element; parsers compare each with each. The format's largest has three.
const MAX_ATTRIBUTES: usize = 16;
/// Namespace declarations in the document. The feed's has two; each costs at every element below.
const MAX_NAMESPACES: usize = 16;

const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// The text of a document that may be parsed.
pub(crate) fn scan(bytes: &[u8]) -> Result<&str, DocumentFault> {
    if bytes.len() > MAX_BYTES {
        return Err(DocumentFault::TooLarge { max: MAX_BYTES });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| DocumentFault::Encoding)?;
    // A byte order mark is no part of the document, and canonical XML has none.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let body = match text.strip_prefix("<?xml") {
        Some(rest) if rest.starts_with([' ', '\t', '\r', '\n']) => declaration(rest)?,
        _ => text,
    };
    Scanner { rest: body, depth: 0, markup: 0, namespaces: 0 }.run()?;
    Ok(text)
}

/// Reads the XML declaration behind `<?xml`; answers what follows it.
fn declaration(rest: &str) -> Result<&str, DocumentFault> {
    let unclosed = || DocumentFault::NotWellFormed("the XML declaration does not end".into());
    let (inside, body) = rest.split_once("?>").ok_or_else(unclosed)?;
    let compact: String = inside.chars().filter(|char| !char.is_ascii_whitespace()).collect();
    let compact = compact.replace('\'', "\"");
    if !compact.starts_with("version=\"1.0\"") {
        return Err(DocumentFault::Version);
    }
    let encoding = compact.split_once("encoding=\"").and_then(|(_, rest)| rest.split_once('"'));
    match encoding {
        Some((name, _)) if !name.eq_ignore_ascii_case("utf-8") => Err(DocumentFault::Encoding),
        _ => Ok(body),
    }
}

/// Goes from one `<` to the next, and spends the budgets.
struct Scanner<'a> {
    rest: &'a str,
    depth: usize,
    markup: usize,
    namespaces: usize,
}

impl Scanner<'_> {
    fn run(mut self) -> Result<(), DocumentFault> {
        while let Some((_, tail)) =
            self.rest.find('<').and_then(|at| self.rest.split_at_checked(at))
        {
            self.rest = tail;
            self.markup += 1;
            within("tags, comments and CDATA sections", self.markup, MAX_MARKUP)?;
            // Comments and CDATA may hold any `<`, and so are skipped before anything else is looked for.
            if self.rest.starts_with("<!--") {
                self.skip(4, "-->")?;
            } else if self.rest.starts_with("<![CDATA[") {
                self.skip(9, "]]>")?;
            } else if self.rest.starts_with("<!") {
                return Err(DocumentFault::Dtd);
            } else if self.rest.starts_with("<?") {
                return Err(DocumentFault::ProcessingInstruction);
            } else if self.rest.starts_with("</") {
                self.depth = self.depth.saturating_sub(1);
                self.skip(2, ">")?;
            } else {
                self.start_tag()?;
            }
        }
        Ok(())
    }

    fn skip(&mut self, from: usize, end: &str) -> Result<(), DocumentFault> {
        let inside = self.rest.get(from..).ok_or_else(unclosed)?;
        let (_, behind) = inside.split_once(end).ok_or_else(unclosed)?;
        self.rest = behind;
        Ok(())
    }

    fn start_tag(&mut self) -> Result<(), DocumentFault> {
        let mut quote = None;
        let mut attributes = 0;
        let bytes = self.rest.as_bytes();
        let mut before = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            match (quote, byte) {
                (None, b'"' | b'\'') => quote = Some(byte),
                (Some(open), byte) if byte == open => quote = None,
                (None, b'=') => {
                    attributes += 1;
                    within("attributes at one element", attributes, MAX_ATTRIBUTES)?;
                }
                (None, b'x') if is_namespace(bytes, at) => {
                    self.namespaces += 1;
                    within("namespace declarations", self.namespaces, MAX_NAMESPACES)?;
                }
                (None, b'>') => {
                    // `<a/>` has nothing in it, and so is no deeper.
                    if before != b'/' {
                        self.depth += 1;
                        within("elements in each other", self.depth, MAX_DEPTH)?;
                    }
                    self.rest = self.rest.get(at + 1..).unwrap_or_default();
                    return Ok(());
                }
                _ => {}
            }
            before = byte;
        }
        Err(unclosed())
    }
}

/// Whether a declaration of a namespace may begin at `at`.
fn is_namespace(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(b"xmlns"))
}

fn unclosed() -> DocumentFault {
    DocumentFault::NotWellFormed("a tag, comment or CDATA section does not end".into())
}

fn within(what: &'static str, count: usize, max: usize) -> Result<(), DocumentFault> {
    if count > max { Err(DocumentFault::TooMany { what, max }) } else { Ok(()) }
}

/// The document, with the root of the format and its namespaces only.
pub(crate) fn parse(text: &str) -> Result<Document<'_>, DocumentFault> {
    let options = ParsingOptions { allow_dtd: false, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options)
        .map_err(|error| DocumentFault::NotWellFormed(said(&error)))?;
    if !is_plain(document.root_element(), "EOCS") {
        return Err(DocumentFault::NotEocs);
    }
    for element in document.descendants().filter(Node::is_element) {
        if !has_its_namespaces(element) {
            let element = crate::shown::shown(element.tag_name().name());
            return Err(DocumentFault::Namespace { element });
        }
    }
    Ok(document)
}

/// Whether an element has this name, in no namespace.
pub(crate) fn is_plain(node: Node<'_, '_>, name: &str) -> bool {
    let tag = node.tag_name();
    node.is_element() && tag.namespace().is_none() && tag.name() == name
}

/// The feed's elements are in no namespace and declare none; those of the signature are in the one
/// that it declares as the default. No attribute is in a namespace, so that nothing of an ancestor
/// (xml:base, xml:lang) has a part in the canonical form of a descendant.
fn has_its_namespaces(element: Node<'_, '_>) -> bool {
    let own = element.tag_name().namespace();
    let known = matches!(own, None | Some(DSIG | STAMP_NS));
    let in_scope = || element.namespaces().filter(|namespace| namespace.uri() != XML);
    let declares_its_own =
        in_scope().all(|namespace| namespace.name().is_none() && Some(namespace.uri()) == own);
    let plain = element.attributes().all(|attribute| attribute.namespace().is_none());
    known && plain && declares_its_own && in_scope().count() == usize::from(own.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_type_is_refused_wherever_it_stands() {
        for text in [
            "<!DOCTYPE EOCS><EOCS/>",
            "<?xml version='1.0'?>\n<!-- a --><!DOCTYPE EOCS [<!ENTITY a 'b'>]><EOCS>&a;</EOCS>",
            "<EOCS><!ENTITY a 'b'></EOCS>",
        ] {
            assert_eq!(scan(text.as_bytes()), Err(DocumentFault::Dtd), "{text}");
        }
        let hidden = "<EOCS><!-- <!DOCTYPE a> --><![CDATA[<!DOCTYPE a>]]></EOCS>";
        assert_eq!(scan(hidden.as_bytes()), Ok(hidden));
    }

    #[test]
    fn another_encoding_is_refused() {
        let utf16: Vec<u8> = "<EOCS/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(scan(&[&[0xff, 0xfe], utf16.as_slice()].concat()), Err(DocumentFault::Encoding));
        // Without its mark, UTF-16 is UTF-8 with zero bytes, and no parser takes these.
        assert!(scan(&utf16).and_then(parse).is_err());
        let says = b"<?xml version='1.0' encoding='utf-16'?><EOCS/>";
        assert_eq!(scan(says), Err(DocumentFault::Encoding));
        assert_eq!(scan(b"<?xml version=\"1.1\"?><EOCS/>"), Err(DocumentFault::Version));
        assert_eq!(scan("\u{feff}<EOCS/>".as_bytes()), Ok("<EOCS/>"));
        assert_eq!(scan(&[b'<', 0xc0, 0x80]), Err(DocumentFault::Encoding));
    }

    #[test]
    fn budgets_are_spent_by_what_is_there_only() {
        let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert!(scan(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(scan(nested(MAX_DEPTH + 1).as_bytes()).is_err());
        assert!(scan("<a><b/></a>".repeat(MAX_DEPTH).as_bytes()).is_ok());
        let attributes = |count: usize| format!("<a{}/>", " b='=>'".repeat(count));
        assert!(scan(attributes(MAX_ATTRIBUTES).as_bytes()).is_ok());
        assert!(scan(attributes(MAX_ATTRIBUTES + 1).as_bytes()).is_err());
        let comments = "<!---->".repeat(MAX_MARKUP + 1);
        assert!(scan(comments.as_bytes()).is_err());
        assert!(scan(&vec![b' '; MAX_BYTES + 1]).is_err());
    }

    #[test]
    fn namespaces_are_those_of_the_format() {
        assert!(parse("<EOCS><Config id='a'/></EOCS>").is_ok());
        assert!(parse(&format!("<EOCS><Signature xmlns='{DSIG}'><a/></Signature></EOCS>")).is_ok());
        assert_eq!(parse("<EOCS xmlns='urn:a'/>").err(), Some(DocumentFault::NotEocs));
        for text in [
            "<EOCS xmlns:a='urn:a'/>".to_owned(),
            "<EOCS xml:base='http://a/'/>".to_owned(),
            "<EOCS><Config xml:lang='en'/></EOCS>".to_owned(),
            "<EOCS><Config xmlns='urn:a'/></EOCS>".to_owned(),
            format!("<EOCS xmlns:d='{DSIG}'><d:Signature/></EOCS>"),
            format!("<EOCS><Signature xmlns='{DSIG}' xmlns:a='urn:a'/></EOCS>"),
            format!("<EOCS><Signature xmlns='{DSIG}'><a xmlns=''/></Signature></EOCS>")
                .replace("xmlns=''", "xmlns='urn:b'"),
        ] {
            assert!(matches!(parse(&text), Err(DocumentFault::Namespace { .. })), "{text}");
        }
    }
}
