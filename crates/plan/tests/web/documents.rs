//! Mitigation documents as a publisher writes them.

use stopgap_model::document::{any_pattern, parse};
use stopgap_model::{Catalog, Mitigation};

/// A mitigation for every server, with these tables.
pub(crate) fn document(id: &str, revision: u32, tables: &str) -> String {
    format!(
        "schema = 1\nid = \"{id}\"\nrevision = {revision}\ntitle = \"A test\"\nseverity = \"high\"\n\
         impact = \"None.\"\nno_live_probe = \"a test\"\n{tables}"
    )
}

/// An action `ID.NUMBER` that blocks requests whose target contains a text.
pub(crate) fn block(id: &str, number: u32, text: &str) -> String {
    action(id, number, &format!("{{ field = \"uri\", contains = \"{text}\" }}"))
}

/// An action that blocks requests for which this condition holds.
pub(crate) fn action(id: &str, number: u32, when: &str) -> String {
    format!(
        "[[action]]\nid = \"{id}.{number}\"\nkind = \"block-request\"\ndeny = \"abort\"\nwhen = [{when}]\n"
    )
}

/// A mitigation that blocks requests whose target contains a text.
pub(crate) fn blocking(id: &str, revision: u32, text: &str) -> String {
    document(id, revision, &block(id, 1, text))
}

/// An action that takes a request header away.
pub(crate) fn taking(id: &str, number: u32, header: &str) -> String {
    format!(
        "[[action]]\nid = \"{id}.{number}\"\nkind = \"request-header\"\nremove = \"{header}\"\n"
    )
}

/// An action that sets a response header.
pub(crate) fn answering(id: &str, number: u32) -> String {
    format!(
        "[[action]]\nid = \"{id}.{number}\"\nkind = \"response-header\"\nheader = \"X-Frame-Options\"\n\
         set = \"DENY\"\n"
    )
}

/// A mitigation that blocks a text on servers with the product in these versions; empty: in every version.
pub(crate) fn for_product(id: &str, revision: u32, product: &str, ranges: &str) -> String {
    let ranges = if ranges.is_empty() { "".into() } else { format!("ranges = [{ranges}]\n") };
    let affected = format!("[[affected]]\nproduct = \"{product}\"\n{ranges}");
    document(id, revision, &format!("{affected}{}", block(id, 1, "evil")))
}

/// A revision that takes its mitigation back.
pub(crate) fn withdrawn(id: &str, revision: u32) -> String {
    format!(
        "schema = 1\nid = \"{id}\"\nrevision = {revision}\ntitle = \"A test\"\nseverity = \"high\"\n\
         impact = \"None.\"\nwithdrawn = \"every supported build has the fix\"\n"
    )
}

pub(crate) fn mitigation(text: &str) -> Mitigation {
    parse(text.as_bytes(), &any_pattern).unwrap_or_else(|wrong| panic!("{wrong:?}\n{text}"))
}

/// What a source offers that has these documents.
pub(crate) fn catalog(documents: &[String]) -> Catalog {
    Catalog::of("feed acme", documents.iter().map(|text| mitigation(text)))
}
