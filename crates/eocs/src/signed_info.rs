//! What was signed: read from the canonical bytes that the signature covers.

use roxmltree::{Document, Node};

use crate::base64::decode;
use crate::form::{Children, has_attributes};
use crate::refusal::FormFault;
use crate::shown::{said, shown};

const C14N: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// The digest that the one Reference of a SignedInfo states, if everything else in it is what the
/// profile has.
pub(crate) fn signed_digest(canonical: &[u8]) -> Result<Vec<u8>, FormFault> {
    let broken = |why: String| FormFault::Unexpected { place: "SignedInfo".into(), found: why };
    let text = std::str::from_utf8(canonical).map_err(|error| broken(said(&error)))?;
    let document = Document::parse(text).map_err(|error| broken(said(&error)))?;
    let mut children = Children::of(document.root_element(), "SignedInfo", &[])?;
    let method = children.one("CanonicalizationMethod")?;
    algorithm(method, "canonicalization method", C14N)?;
    algorithm(children.one("SignatureMethod")?, "signature method", RSA_SHA256)?;
    if children.left() != 1 {
        return Err(FormFault::References { count: children.left() });
    }
    reference(children.one("Reference")?)
}

fn reference(node: Node<'_, '_>) -> Result<Vec<u8>, FormFault> {
    if node.attribute("URI") != Some("") {
        let found = match node.attribute("URI") {
            Some(uri) => format!("\"{}\"", shown(uri)),
            None => "nothing".into(),
        };
        return Err(FormFault::ReferenceUri { found });
    }
    let mut children = Children::of(node, "Reference", &[("URI", "")])?;
    transforms(children.one("Transforms")?)?;
    algorithm(children.one("DigestMethod")?, "digest method", SHA256)?;
    let value = children.one("DigestValue")?;
    children.finish()?;
    has_attributes(value, "DigestValue", &[])?;
    let not_base64 = FormFault::NotBase64 { what: "DigestValue" };
    // Canonical bytes have no comments, so the text is whole; an element in it makes it no Base64.
    if value.children().any(|child| !child.is_text()) {
        return Err(not_base64);
    }
    let digest = decode(value.text().unwrap_or_default());
    digest.filter(|digest| digest.len() == 32).ok_or(not_base64)
}

fn transforms(node: Node<'_, '_>) -> Result<(), FormFault> {
    let mut children = Children::of(node, "Transforms", &[])?;
    let mut found = Vec::new();
    while let Some(transform) = children.optional("Transform") {
        found.push(transform.attribute("Algorithm").unwrap_or_default().to_owned());
        if transform.attributes().len() != 1 || transform.has_children() {
            found.push("something in a Transform".into());
        }
    }
    children.finish()?;
    if found == [ENVELOPED, C14N] {
        return Ok(());
    }
    let found: Vec<String> = found.iter().map(|name| shown(name)).collect();
    Err(FormFault::Transforms { found: said(&found.join(", ")) })
}

/// `node` names exactly this algorithm, without parameters.
fn algorithm(
    node: Node<'_, '_>,
    what: &'static str,
    wanted: &'static str,
) -> Result<(), FormFault> {
    let found = node.attribute("Algorithm").unwrap_or_default();
    if found != wanted {
        return Err(FormFault::Algorithm { what, found: shown(found), wanted });
    }
    Children::of(node, what, &[("Algorithm", wanted)])?.finish()
}
