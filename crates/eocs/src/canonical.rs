//! Canonical XML 1.0 without comments (<https://www.w3.org/TR/2001/REC-xml-c14n-20010315>) of what
//! the signature covers.

use bergshamra_c14n::{C14nMode, canonicalize_doc};
use bergshamra_xml::NodeSet;
use uppsala::{Document, NodeId};

use crate::form::DSIG;
use crate::refusal::{DocumentFault, FormFault, Refusal};
use crate::shown::said;

/// The prefixes that exclusive canonicalization would take; this one has none.
const NO_PREFIXES: &[&str] = &[];

/// The bytes that are hashed.
#[derive(Debug)]
pub(crate) struct Canonical {
    /// The document without its signature: what the Reference covers.
    pub(crate) document: Vec<u8>,
    /// The SignedInfo: what the signature covers.
    pub(crate) signed_info: Vec<u8>,
}

/// The canonical bytes of a document that was scanned.
pub(crate) fn canonical(text: &str) -> Result<Canonical, Refusal> {
    let document = uppsala::parse(text).map_err(|error| broken(said(&error)))?;
    let signature = child(&document, document.document_element(), "Signature")?;
    let signed_info = child(&document, Some(signature), "SignedInfo")?;
    let without_signature = NodeSet::all_without_comments(&document)
        .subtract(&NodeSet::tree_with_comments(signature, &document));
    let signed_info = NodeSet::tree_without_comments(signed_info, &document);
    Ok(Canonical {
        document: bytes(&document, &without_signature)?,
        signed_info: bytes(&document, &signed_info)?,
    })
}

/// The one child of that name in the namespace of XML-DSig.
fn child(document: &Document<'_>, of: Option<NodeId>, name: &str) -> Result<NodeId, FormFault> {
    let is_it = |id: &NodeId| {
        document.element(*id).is_some_and(|element| element.matches_name_ns(DSIG, name))
    };
    let mut found = of.into_iter().flat_map(|id| document.children(id)).filter(is_it);
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        _ => Err(FormFault::Unexpected {
            place: "Signature".into(),
            found: format!("there is not one {name}"),
        }),
    }
}

fn bytes(document: &Document<'_>, nodes: &NodeSet) -> Result<Vec<u8>, Refusal> {
    canonicalize_doc(document, C14nMode::Inclusive, Some(nodes), NO_PREFIXES)
        .map_err(|error| broken(said(&error)))
}

fn broken(why: String) -> Refusal {
    DocumentFault::NotWellFormed(why).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(text: &str) -> (String, String) {
        let canonical = canonical(text).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(canonical.document), text(canonical.signed_info))
    }

    #[test]
    fn the_canonical_document_is_the_one_of_the_specification() {
        let (document, signed_info) = forms(&format!(
            "<?xml version='1.0'?>\r\n<!-- c --><EOCS b=\"2\" a='&#9;&lt;\"'>\r\n\
             <Value>x<!-- c -->y<![CDATA[<&>]]>&#13;</Value><Empty/>\
             <Signature xmlns='{DSIG}'><SignedInfo  ><a  B='1'/></SignedInfo></Signature></EOCS>\n"
        ));
        assert_eq!(
            document,
            "<EOCS a=\"&#x9;&lt;&quot;\" b=\"2\">\n\
             <Value>xy&lt;&amp;&gt;&#xD;</Value><Empty></Empty></EOCS>"
        );
        assert_eq!(
            signed_info,
            format!("<SignedInfo xmlns=\"{DSIG}\"><a B=\"1\"></a></SignedInfo>")
        );
    }
}
