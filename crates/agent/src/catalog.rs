//! Mitigations without a feed: those that ship with the program, or the documents in a folder.

use std::collections::HashSet;
use std::path::Path;

use stopgap_fs::read_obeyed;
use stopgap_model::document::{MAX_DOCUMENT, parse};
use stopgap_model::{ActionId, Catalog, Mitigation, MitigationId, Problem};
use stopgap_pattern::check_document_pattern;
use stopgap_rules::contradicted_probe;

use crate::error::AgentError;
use stopgap_terminal::render;

/// The documents that ship with the program.
const BUILT_IN: [(&str, &[u8]); 11] = [
    ("PING1.toml", include_bytes!("../../../catalog/PING1.toml")),
    ("M1.toml", include_bytes!("../../../catalog/M1.toml")),
    ("M2.toml", include_bytes!("../../../catalog/M2.toml")),
    ("CVE-2021-26855.toml", include_bytes!("../../../catalog/CVE-2021-26855.toml")),
    ("CVE-2024-4577.toml", include_bytes!("../../../catalog/CVE-2024-4577.toml")),
    ("CVE-2024-47176.toml", include_bytes!("../../../catalog/CVE-2024-47176.toml")),
    ("CVE-2014-6271.toml", include_bytes!("../../../catalog/CVE-2014-6271.toml")),
    ("CVE-2021-41773.toml", include_bytes!("../../../catalog/CVE-2021-41773.toml")),
    ("CVE-2022-26134.toml", include_bytes!("../../../catalog/CVE-2022-26134.toml")),
    ("CVE-2023-22515.toml", include_bytes!("../../../catalog/CVE-2023-22515.toml")),
    ("CVE-2025-29927.toml", include_bytes!("../../../catalog/CVE-2025-29927.toml")),
];

/// The most documents that a folder may hold.
const MAX_DOCUMENTS: usize = 10_000;

/// Returns the catalog that ships with the program.
///
/// # Errors
/// A document is wrong, which a test of this crate rules out.
pub fn built_in() -> Result<Vec<Mitigation>, AgentError> {
    let documents = BUILT_IN.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()));
    read(documents.collect())
}

/// Returns the documents `*.toml` in `folder`, which nobody signed, in the order of their names.
///
/// # Errors
/// The folder cannot be read, holds no document or too many, or a document is wrong or not obeyed.
pub fn folder(folder: &Path) -> Result<Catalog, AgentError> {
    let wrong = |why| AgentError::CatalogFolder { folder: folder.to_owned(), why };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            names.push(path);
        }
    }
    if names.is_empty() || names.len() > MAX_DOCUMENTS {
        let (folder, count) = (folder.to_owned(), names.len());
        return Err(AgentError::CatalogSize { folder, count, most: MAX_DOCUMENTS });
    }
    names.sort();
    let mut documents = Vec::new();
    for path in names {
        // One byte more than allowed, so that the reader of the document says what is wrong.
        let bytes = match read_obeyed(&path, MAX_DOCUMENT as u64) {
            Err(stopgap_fs::FsError::TooLarge { .. }) => vec![b'#'; MAX_DOCUMENT + 1],
            read => read.map_err(|error| AgentError::of_obeyed(&path, error))?,
        };
        documents.push((path.display().to_string(), bytes));
    }
    Ok(Catalog::of(&format!("{} (unsigned)", folder.display()), read(documents)?))
}

/// Reads all documents and reports everything wrong in all of them at once.
fn read(documents: Vec<(String, Vec<u8>)>) -> Result<Vec<Mitigation>, AgentError> {
    let mut mitigations: Vec<Mitigation> = Vec::new();
    let mut names = Names::default();
    let mut refused = Vec::new();
    for (name, bytes) in documents {
        match parse(&bytes, &check_document_pattern) {
            Ok(mitigation) => {
                match names.clash(&mitigation).or_else(|| contradicted(&mitigation)) {
                    Some(problem) => refused.push(render(&name, &bytes, &[problem])),
                    None => mitigations.push(mitigation),
                }
            }
            Err(problems) => refused.push(render(&name, &bytes, &problems)),
        }
    }
    if refused.is_empty() {
        Ok(mitigations)
    } else {
        Err(AgentError::Catalog { rendered: refused.join("\n\n") })
    }
}

/// Returns the problem of a document whose own actions do something else than its probes say.
fn contradicted(mitigation: &Mitigation) -> Option<Problem> {
    // An unusable pattern was reported when the document was read.
    let message = contradicted_probe(mitigation).ok()??;
    Some(Problem::new(0..0, message).help("a mitigation must do what its own probes say"))
}

/// The names that the documents of a catalog have used.
#[derive(Default)]
struct Names {
    mitigations: HashSet<MitigationId>,
    actions: HashSet<ActionId>,
}

impl Names {
    /// Adds the names of `new`; returns the problem where another document has one of them already.
    fn clash(&mut self, new: &Mitigation) -> Option<Problem> {
        if !self.mitigations.insert(new.id.clone()) {
            let message = format!("another document of this catalog is `{}` already", new.id);
            return Some(Problem::new(0..0, message).help("keep one document for each id"));
        }
        let taken = new.actions.iter().find(|action| !self.actions.insert(action.id.clone()))?;
        let message = format!("another mitigation of this catalog has an action `{}`", taken.id);
        Some(Problem::new(0..0, message).help("action ids are unique in a catalog"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stopgap_model::ActionKind;
    use stopgap_model::mitigation::Expect;
    use stopgap_model::rule::Condition;
    use stopgap_rules::CompiledRule;

    #[test]
    fn every_probe_of_the_built_in_catalog_ends_as_its_document_says() {
        let catalog = built_in().unwrap();
        assert_eq!(catalog.len(), BUILT_IN.len());
        for mitigation in &catalog {
            let rules: Vec<CompiledRule> = mitigation
                .actions
                .iter()
                .filter_map(|action| match &action.kind {
                    ActionKind::BlockRequest { rule, .. } => Some(CompiledRule::new(rule).unwrap()),
                    _ => None,
                })
                .collect();
            for probe in &mitigation.probes {
                let blocked = rules.iter().any(|rule| rule.blocks(&probe.request));
                let expected = probe.expect == Expect::Blocked;
                assert_eq!(blocked, expected, "{}: {}", mitigation.id, probe.name);
            }
            let expects = |e| mitigation.probes.iter().any(|probe| probe.expect == e);
            if !rules.is_empty() {
                assert!(expects(Expect::Blocked) && expects(Expect::Allowed), "{}", mitigation.id);
            }
        }
    }

    /// Whether a percent sign in `target` stands for a character that needs none: a way to write
    /// the same target that only somebody takes who wants to hide it.
    fn is_disguised(target: &[u8]) -> bool {
        let needs_none = |text: &[u8]| {
            matches!(text, [b'%', high, low]
                if [*high, *low].iter().all(u8::is_ascii_hexdigit)
                    && stopgap_rules::url_decode(text).iter().all(u8::is_ascii_alphanumeric))
        };
        target.windows(3).any(needs_none)
    }

    #[test]
    fn every_block_rule_is_shown_an_attack_in_disguise_and_is_one_for_iis_where_its_product_is() {
        let on_iis = |affected: &stopgap_model::Affected| {
            ["microsoft/", "php/"].iter().any(|it| affected.product.starts_with(it))
        };
        for mitigation in &built_in().unwrap() {
            for action in &mitigation.actions {
                let ActionKind::BlockRequest { rule, .. } = &action.kind else { continue };
                let name = action.id.to_string();
                if mitigation.affected.iter().any(on_iis) {
                    stopgap_iis::rewrite::translate(&name, rule)
                        .unwrap_or_else(|e| panic!("{name}: {e}"));
                }
                let rule = CompiledRule::new(rule).unwrap();
                let mut attacks = mitigation.probes.iter().filter(|p| rule.blocks(&p.request));
                assert!(attacks.any(|probe| is_disguised(&probe.request.target)), "{name}");
            }
        }
    }

    #[test]
    fn the_pattern_of_a_pages_target_holds_for_exactly_the_pages_that_are_changed() {
        let catalog = built_in().unwrap();
        let m2 = catalog.iter().find(|m| m.id.as_str() == "M2").unwrap();
        let ActionKind::ResponseHeader { when, .. } = &m2.actions[0].kind else { panic!() };
        let Condition::All(tests) = when else { panic!("{when:?}") };
        let Condition::Test(uri) = &tests[1] else { panic!("{tests:?}") };
        let pattern = stopgap_pattern::Pattern::new(uri.operator.text(), uri.case).unwrap();
        for probe in &m2.probes {
            let matches = pattern.is_match(&stopgap_rules::url_decode(&probe.request.target));
            let response = probe.response.as_ref().unwrap();
            let mut types = response.header_values("content-type");
            let is_page = types.any(|kind| kind.to_ascii_lowercase().starts_with(b"text/html"));
            let changed = probe.expect != Expect::Allowed;
            assert_eq!(matches && is_page, changed, "{}", probe.name);
        }
    }

    #[test]
    fn one_id_in_two_documents_is_refused() {
        let twice = vec![
            ("a.toml".to_owned(), BUILT_IN[1].1.to_vec()),
            ("b.toml".to_owned(), BUILT_IN[1].1.to_vec()),
        ];
        let Err(AgentError::Catalog { rendered }) = read(twice) else { panic!("accepted") };
        assert!(rendered.contains("b.toml"), "{rendered}");
        assert!(rendered.contains("another document of this catalog is `M1`"), "{rendered}");
    }
}
