//! The one form of signature that is accepted.

use roxmltree::{Document, Node};

use crate::base64::decode;
use crate::refusal::FormFault;
use crate::shown::shown;

/// The namespace of XML-DSig.
pub(crate) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// The namespace of Microsoft's countersignature.
pub(crate) const STAMP_NS: &str = "http://schemas.microsoft.com/xmldsig/timestamp/2003";

/// The signature as it stands in the document. Its SignedInfo is read from the canonical bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) signature_value: Vec<u8>,
    /// Modulus and exponent, if a KeyValue is there.
    pub(crate) key_value: Option<(Vec<u8>, Vec<u8>)>,
    /// The signer's certificate, then others.
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) stamp: Option<Stamp>,
}

/// A countersignature as it stands in the document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) token: Vec<u8>,
    /// The certificates beside the token.
    pub(crate) certificates: Vec<Vec<u8>>,
}

/// The certificates that are read of one list. The feed has three and two.
const MAX_CERTIFICATES: usize = 8;

/// Reads the one signature of the document.
pub(crate) fn read(document: &Document<'_>) -> Result<Form, FormFault> {
    let mut children = Children::of(only_signature(document)?, "", &[])?;
    children.one("SignedInfo")?;
    let signature_value = value(children.one("SignatureValue")?, "SignatureValue")?;
    let (key_value, certificates) = key_info(children.one("KeyInfo")?)?;
    let stamp = children.optional("Object").map(stamp).transpose()?;
    children.finish()?;
    Ok(Form { signature_value, key_value, certificates, stamp })
}

fn only_signature<'a>(document: &'a Document<'_>) -> Result<Node<'a, 'a>, FormFault> {
    let is_signature = |node: &Node<'_, '_>| node.has_tag_name((DSIG, "Signature"));
    let count = document.descendants().filter(is_signature).count();
    if count == 0 {
        return Err(FormFault::NoSignature);
    }
    if count > 1 {
        return Err(FormFault::Signatures { count });
    }
    document.root_element().children().find(is_signature).ok_or(FormFault::NotEnveloped)
}

type KeyValue = (Vec<u8>, Vec<u8>);

fn key_info(node: Node<'_, '_>) -> Result<(Option<KeyValue>, Vec<Vec<u8>>), FormFault> {
    let mut children = Children::of(node, "KeyInfo", &[])?;
    let key_value = children.optional("KeyValue").map(rsa_key_value).transpose()?;
    let certificates = match children.optional("X509Data") {
        Some(data) => certificates(data)?,
        None => Vec::new(),
    };
    children.finish()?;
    if certificates.is_empty() {
        Err(FormFault::NoCertificate)
    } else {
        Ok((key_value, certificates))
    }
}

fn rsa_key_value(node: Node<'_, '_>) -> Result<KeyValue, FormFault> {
    let mut children = Children::of(node, "KeyValue", &[])?;
    let mut numbers = Children::of(children.one("RSAKeyValue")?, "RSAKeyValue", &[])?;
    children.finish()?;
    let modulus = value(numbers.one("Modulus")?, "Modulus")?;
    let exponent = value(numbers.one("Exponent")?, "Exponent")?;
    numbers.finish()?;
    Ok((modulus, exponent))
}

fn certificates(node: Node<'_, '_>) -> Result<Vec<Vec<u8>>, FormFault> {
    let mut children = Children::of(node, "X509Data", &[])?;
    let mut found = Vec::new();
    while let Some(node) = children.optional("X509Certificate") {
        if found.len() == MAX_CERTIFICATES {
            return Err(unexpected(
                "X509Data",
                format!("more than {MAX_CERTIFICATES} certificates"),
            ));
        }
        found.push(value(node, "X509Certificate")?);
    }
    children.finish()?;
    Ok(found)
}

fn stamp(node: Node<'_, '_>) -> Result<Stamp, FormFault> {
    let mut children = Children::of(node, "Object", &[("Id", "ts-countersig")])?;
    let certificates = match children.optional("X509Data") {
        Some(data) => certificates(data)?,
        None => Vec::new(),
    };
    let counter = children.one_in(STAMP_NS, "CounterSignature")?;
    children.finish()?;
    has_attributes(counter, "CounterSignature", &[("ts-format", "cms-timestamp-message")])?;
    Ok(Stamp { token: base64_of(counter, "CounterSignature")?, certificates })
}

/// The value of an element without attributes that holds Base64.
fn value(node: Node<'_, '_>, what: &'static str) -> Result<Vec<u8>, FormFault> {
    has_attributes(node, what, &[])?;
    base64_of(node, what)
}

fn base64_of(node: Node<'_, '_>, what: &'static str) -> Result<Vec<u8>, FormFault> {
    let mut children = node.children();
    match (children.next(), children.next()) {
        (Some(text), None) if text.is_text() => {
            decode(text.text().unwrap_or_default()).ok_or(FormFault::NotBase64 { what })
        }
        _ => Err(unexpected(what, "not one text".into())),
    }
}

fn unexpected(place: &str, found: String) -> FormFault {
    let place = if place.is_empty() { "Signature" } else { place };
    FormFault::Unexpected { place: place.to_owned(), found }
}

/// `node` has exactly these attributes.
pub(crate) fn has_attributes(
    node: Node<'_, '_>,
    place: &str,
    wanted: &[(&str, &str)],
) -> Result<(), FormFault> {
    for attribute in node.attributes() {
        let is_wanted = wanted.iter().any(|(name, _)| *name == attribute.name());
        if !is_wanted || attribute.namespace().is_some() {
            return Err(unexpected(place, format!("an attribute {}", shown(attribute.name()))));
        }
    }
    for (name, value) in wanted {
        if node.attribute(*name) != Some(*value) {
            return Err(unexpected(place, format!("{name} is not \"{value}\"")));
        }
    }
    Ok(())
}

/// The children of an element of the signature, one after the other: elements, and white space
/// between them. Comments could split a text, so there are none.
pub(crate) struct Children<'a, 'input> {
    place: &'static str,
    rest: std::iter::Peekable<std::vec::IntoIter<Node<'a, 'input>>>,
}

impl<'a, 'input> Children<'a, 'input> {
    /// The children of `node`, which has exactly these attributes.
    pub(crate) fn of(
        node: Node<'a, 'input>,
        place: &'static str,
        attributes: &[(&str, &str)],
    ) -> Result<Self, FormFault> {
        has_attributes(node, place, attributes)?;
        let mut elements = Vec::new();
        for child in node.children() {
            if child.is_element() {
                elements.push(child);
            } else if !child.is_text() {
                return Err(unexpected(place, "a comment".into()));
            } else if !child.text().unwrap_or_default().trim_ascii().is_empty() {
                return Err(unexpected(place, "text between its elements".into()));
            }
        }
        Ok(Self { place, rest: elements.into_iter().peekable() })
    }

    /// The next element if it has this name.
    pub(crate) fn optional(&mut self, name: &'static str) -> Option<Node<'a, 'input>> {
        self.rest.next_if(|node| node.has_tag_name((DSIG, name)))
    }

    /// The next element, which must have this name.
    pub(crate) fn one(&mut self, name: &'static str) -> Result<Node<'a, 'input>, FormFault> {
        self.one_in(DSIG, name)
    }

    fn one_in(
        &mut self,
        namespace: &'static str,
        name: &'static str,
    ) -> Result<Node<'a, 'input>, FormFault> {
        match self.rest.next() {
            Some(node) if node.has_tag_name((namespace, name)) => Ok(node),
            Some(other) => {
                let found = shown(other.tag_name().name());
                Err(unexpected(self.place, format!("{found} where {name} must be")))
            }
            None => Err(unexpected(self.place, format!("no {name}"))),
        }
    }

    /// How many elements are left.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// No element may be left.
    pub(crate) fn finish(mut self) -> Result<(), FormFault> {
        match self.rest.next() {
            None => Ok(()),
            Some(node) => {
                let found = shown(node.tag_name().name());
                Err(unexpected(self.place, format!("an element {found} too many")))
            }
        }
    }
}
