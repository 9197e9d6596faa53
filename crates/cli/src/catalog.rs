//! The mitigations that a command works with: the built-in ones, or the documents in a folder.

use std::collections::HashSet;
use std::path::Path;

use stopgap_fs::read_bounded;
use stopgap_model::document::{MAX_DOCUMENT, parse};
use stopgap_model::mitigation::Expect;
use stopgap_model::{ActionId, ActionKind, Mitigation, MitigationId, Probe, Problem};
use stopgap_rules::CompiledRule;

use crate::diagnostics::render;
use crate::error::CliError;

/// The documents that ship with the program.
const BUILT_IN: [(&str, &[u8]); 3] = [
    ("PING1.toml", include_bytes!("../../../catalog/PING1.toml")),
    ("M1.toml", include_bytes!("../../../catalog/M1.toml")),
    ("CVE-2021-26855.toml", include_bytes!("../../../catalog/CVE-2021-26855.toml")),
];

/// The most documents that a folder may hold.
const MAX_DOCUMENTS: usize = 10_000;

/// Mitigations and where they came from.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) mitigations: Vec<Mitigation>,
    pub(crate) source: String,
}

impl Catalog {
    /// The catalog that ships with the program.
    pub(crate) fn built_in() -> Result<Self, CliError> {
        let documents = BUILT_IN.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()));
        Ok(Self { mitigations: read(documents.collect())?, source: "built in".into() })
    }

    /// The documents `*.toml` in `folder`, in the order of their names.
    pub(crate) fn folder(folder: &Path) -> Result<Self, CliError> {
        let wrong = |why: std::io::Error| {
            CliError::usage(
                format!("the catalog folder {} cannot be read: {why}", folder.display()),
                "name a folder with mitigation documents: --catalog DIR",
            )
        };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(wrong)? {
            let path = entry.map_err(wrong)?.path();
            if path.extension().is_some_and(|end| end == "toml") {
                names.push(path);
            }
        }
        if names.is_empty() || names.len() > MAX_DOCUMENTS {
            return Err(CliError::usage(
                format!("{} holds {} documents (*.toml)", folder.display(), names.len()),
                format!("a catalog holds 1 to {MAX_DOCUMENTS} documents"),
            ));
        }
        names.sort();
        let mut documents = Vec::new();
        for path in names {
            // One byte more than allowed, so that the reader of the document says what is wrong.
            let bytes = match read_bounded(&path, MAX_DOCUMENT as u64) {
                Err(stopgap_fs::FsError::TooLarge { .. }) => vec![b'#'; MAX_DOCUMENT + 1],
                read => read?,
            };
            documents.push((path.display().to_string(), bytes));
        }
        let source = format!("{} (unsigned)", folder.display());
        Ok(Self { mitigations: read(documents)?, source })
    }
}

/// Reads all documents and reports everything wrong in all of them at once.
fn read(documents: Vec<(String, Vec<u8>)>) -> Result<Vec<Mitigation>, CliError> {
    let check = |pattern: &str| {
        stopgap_rules::check_document_pattern(pattern).map_err(|error| error.to_string())
    };
    let mut mitigations: Vec<Mitigation> = Vec::new();
    let mut names = Names::default();
    let mut refused = Vec::new();
    for (name, bytes) in documents {
        match parse(&bytes, &check) {
            Ok(mitigation) => match names.clash(&mitigation).or_else(|| belied(&mitigation)) {
                Some(problem) => refused.push(render(&name, &bytes, &[problem])),
                None => mitigations.push(mitigation),
            },
            Err(problems) => refused.push(render(&name, &bytes, &problems)),
        }
    }
    if refused.is_empty() {
        Ok(mitigations)
    } else {
        Err(CliError::Catalog { rendered: refused.join("\n\n") })
    }
}

/// A probe that does not end, by the document's own rules, as the document says.
fn belied(mitigation: &Mitigation) -> Option<Problem> {
    let rules: Vec<CompiledRule> = mitigation
        .actions
        .iter()
        .filter_map(|action| match &action.kind {
            ActionKind::BlockRequest { rule, .. } => CompiledRule::new(rule).ok(),
            _ => None,
        })
        .collect();
    // Without a rule that blocks there is nothing to hold the probes against.
    if rules.is_empty() {
        return None;
    }
    let blocked = |probe: &Probe| rules.iter().any(|rule| rule.blocks(&probe.request));
    let mut probes = mitigation.probes.iter();
    let probe = probes.find(|probe| blocked(probe) != (probe.expect == Expect::Blocked))?;
    let message = match probe.expect {
        Expect::Blocked => format!("the probe \"{}\" is blocked by no rule", probe.name),
        _ => format!("the probe \"{}\" must pass and is blocked", probe.name),
    };
    Some(Problem::new(0..0, message).help("a mitigation must do what its own probes say"))
}

/// The names that the documents of a catalog have used.
#[derive(Default)]
struct Names {
    mitigations: HashSet<MitigationId>,
    actions: HashSet<ActionId>,
}

impl Names {
    /// What another document of the catalog says already.
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

    #[test]
    fn every_probe_of_the_built_in_catalog_ends_as_its_document_says() {
        let catalog = Catalog::built_in().unwrap();
        assert_eq!(catalog.mitigations.len(), BUILT_IN.len());
        for mitigation in &catalog.mitigations {
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

    #[test]
    fn one_id_in_two_documents_is_refused() {
        let twice = vec![
            ("a.toml".to_owned(), BUILT_IN[1].1.to_vec()),
            ("b.toml".to_owned(), BUILT_IN[1].1.to_vec()),
        ];
        let Err(CliError::Catalog { rendered }) = read(twice) else { panic!("accepted") };
        assert!(rendered.contains("b.toml"), "{rendered}");
        assert!(rendered.contains("another document of this catalog is `M1`"), "{rendered}");
    }
}
