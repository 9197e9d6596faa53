//! Mitigation documents as a publisher writes them.

use stopgap_model::document::{any_pattern, parse};
use stopgap_model::{Catalog, Mitigation};

use super::target::Target;

/// What most mitigations here are for: a package in some versions.
pub(crate) const SHOP: &str = "[[affected]]\nproduct = \"pkg:deb/debian/shop\"\n\
                               ranges = [{ introduced = \"1.0\", fixed = \"2.0\" }]\n";

/// A mitigation with these tables.
pub(crate) fn document(id: &str, revision: u32, tables: &str) -> String {
    format!(
        "schema = 1\nid = \"{id}\"\nrevision = {revision}\ntitle = \"A hole in the shop\"\n\
         severity = \"high\"\nimpact = \"None.\"\nno_live_probe = \"a table sends nothing\"\n{tables}"
    )
}

/// A mitigation of the package with one action `ID.1`, which the target carries out.
pub(crate) fn shop(target: Target, id: &str, revision: u32) -> String {
    document(id, revision, &format!("{SHOP}{}", target.action(&format!("{id}.1"), "jndi")))
}

/// An action that blocks requests whose target contains a word.
pub(crate) fn block(id: &str, word: &str) -> String {
    format!(
        "[[action]]\nid = \"{id}\"\nkind = \"block-request\"\ndeny = \"abort\"\n\
         when = [{{ field = \"uri\", contains = \"{word}\" }}]\n"
    )
}

/// An action that blocks a word in a site of IIS.
pub(crate) fn block_in(id: &str, site: &str, word: &str) -> String {
    format!("{}scope = {{ site = \"{site}\" }}\n", block(id, word))
}

/// An action that takes a request header away.
pub(crate) fn header(id: &str, name: &str) -> String {
    format!("[[action]]\nid = \"{id}\"\nkind = \"request-header\"\nremove = \"{name}\"\n")
}

/// An action that keeps application pools from starting.
pub(crate) fn pools(id: &str, names: &[&str]) -> String {
    format!("[[action]]\nid = \"{id}\"\nkind = \"disable-app-pool\"\npools = {names:?}\n")
}

/// An action that disables a service.
pub(crate) fn service(id: &str) -> String {
    services(id, &["Spooler"])
}

/// An action that disables these services.
pub(crate) fn services(id: &str, names: &[&str]) -> String {
    format!("[[action]]\nid = \"{id}\"\nkind = \"disable-service\"\nservices = {names:?}\n")
}

/// An action that does nothing.
pub(crate) fn nothing(id: &str) -> String {
    format!("[[action]]\nid = \"{id}\"\nkind = \"do-nothing\"\n")
}

/// A revision by which the publisher withdraws the mitigation.
pub(crate) fn withdrawn(id: &str, revision: u32) -> String {
    format!(
        "schema = 1\nid = \"{id}\"\nrevision = {revision}\ntitle = \"A hole in the shop\"\n\
         severity = \"high\"\nimpact = \"None.\"\nwithdrawn = \"every build has the fix\"\n"
    )
}

pub(crate) fn mitigation(text: &str) -> Mitigation {
    parse(text.as_bytes(), &any_pattern).unwrap_or_else(|wrong| panic!("{wrong:?}\n{text}"))
}

/// What a source offers that has these documents.
pub(crate) fn catalog(documents: &[String]) -> Catalog {
    Catalog::of("feed acme", documents.iter().map(|text| mitigation(text)))
}
