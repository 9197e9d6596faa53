//! The policy file that an administrator writes, and its union with what was decided by commands.

use std::path::PathBuf;

use serde::Deserialize;
use stopgap_fs::{FsError, read_bounded};
use stopgap_model::policy::{Block, Drift, Policy, Switch};
use stopgap_model::{MitigationId, Problem};
use stopgap_store::Decisions;

use crate::error::CliError;
use stopgap_text::render;

/// The largest policy file, in bytes.
const MAX_POLICY: u64 = 1024 * 1024;

/// The content of `policy.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PolicyFile {
    /// The organisation's word. The stricter of it and the server's wins.
    organisation: Part,
    /// This server's word.
    server: Part,
    /// Where mitigations come from.
    catalog: CatalogPart,
    /// How the network is reached.
    network: NetworkPart,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CatalogPart {
    /// Whether the catalog that ships with the program is used.
    built_in: bool,
}

impl Default for CatalogPart {
    fn default() -> Self {
        Self { built_in: true }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NetworkPart {
    /// The proxy; the environment's if it is not said.
    proxy: Option<String>,
}

/// What the policy file says beside what is allowed.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Whether the catalog that ships with the program is used.
    pub(crate) built_in: bool,
    /// The proxy; the environment's if it is not said.
    pub(crate) proxy: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Part {
    /// Whether mitigations are applied and taken back by themselves.
    enabled: bool,
    /// Mitigations that must not be applied.
    blocked: Vec<MitigationId>,
    /// What becomes of an applied mitigation that something else changed.
    drift: OnDrift,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OnDrift {
    #[default]
    Reapply,
    Report,
}

impl From<OnDrift> for Drift {
    fn from(said: OnDrift) -> Self {
        match said {
            OnDrift::Reapply => Self::Reapply,
            OnDrift::Report => Self::Report,
        }
    }
}

impl Default for Part {
    fn default() -> Self {
        Self { enabled: true, blocked: Vec::new(), drift: OnDrift::Reapply }
    }
}

/// Where the policy file is.
#[derive(Debug)]
pub(crate) enum PolicyPath {
    /// Where it was said to be: it must be there.
    Named(PathBuf),
    /// Where it is looked for: it need not be there.
    Default(PathBuf),
}

/// The policy from the file at `path` and from `decisions`, and what else the file says.
pub(crate) fn read(
    path: &PolicyPath,
    decisions: &Decisions,
) -> Result<(Policy, Settings), CliError> {
    let (path, may_be_absent) = match path {
        PolicyPath::Named(path) => (path, false),
        PolicyPath::Default(path) => (path, true),
    };
    let bytes = match read_bounded(path, MAX_POLICY) {
        Ok(bytes) => bytes,
        Err(FsError::NotFound { .. }) if may_be_absent => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let file = parse(&path.display().to_string(), &bytes)?;
    let switch = |enabled: bool, by: &str| {
        if enabled { Switch::On } else { Switch::Off(by.to_owned()) }
    };
    let by_command = |said: &stopgap_store::Said| Switch::Off(said.phrase());
    let server = match &decisions.switched_off {
        Some(said) => by_command(said),
        None => switch(file.server.enabled, "the policy file"),
    };
    let mut policy = Policy {
        organisation: switch(file.organisation.enabled, "the policy file"),
        server,
        blocked: std::collections::BTreeMap::new(),
        // To leave more alone is the stricter word.
        drift: Drift::from(file.organisation.drift).max(file.server.drift.into()),
    };
    for (id, said) in &decisions.blocked {
        let block = Block { by: said.phrase(), take_back: said.take_back };
        policy.blocked.insert(id.clone(), block);
    }
    for (ids, whose) in
        [(file.organisation.blocked, "the organisation"), (file.server.blocked, "this server")]
    {
        for id in ids {
            let by = format!("the policy file, for {whose}");
            policy.blocked.entry(id).or_insert(Block { by, take_back: false });
        }
    }
    Ok((policy, Settings { built_in: file.catalog.built_in, proxy: file.network.proxy }))
}

fn parse(name: &str, bytes: &[u8]) -> Result<PolicyFile, CliError> {
    let refused = |problem| CliError::Policy { rendered: render(name, bytes, &[problem]) };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        refused(Problem::new(at..at, format!("the file is not UTF-8: byte {at}")))
    })?;
    toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        refused(Problem::new(span, error.message().to_owned()).expected("here"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_switch_is_an_error_and_not_an_open_door() {
        let text = b"[organisation]\nenabeld = false\n";
        let Err(CliError::Policy { rendered }) = parse("policy.toml", text) else {
            panic!("accepted")
        };
        assert!(rendered.contains("enabeld"), "{rendered}");
        assert!(rendered.contains("policy.toml:2:1"), "{rendered}");
    }

    #[test]
    fn the_stricter_word_on_drift_wins_and_another_word_is_refused() {
        let text = b"[organisation]\ndrift = \"report\"\n[server]\ndrift = \"reapply\"\n";
        let file = parse("policy.toml", text).unwrap();
        let stricter = Drift::from(file.organisation.drift).max(file.server.drift.into());
        assert_eq!(stricter, Drift::Report);
        assert!(parse("policy.toml", b"[server]\ndrift = \"ignore\"\n").is_err());
    }

    #[test]
    fn without_a_file_everything_is_on() {
        let policy =
            read(&PolicyPath::Default("/nonexistent/policy.toml".into()), &Decisions::default())
                .unwrap()
                .0;
        assert!(policy.enabled() && policy.blocked.is_empty());
    }

    #[test]
    fn a_policy_file_that_was_named_and_is_not_there_is_no_open_door() {
        let path = PolicyPath::Named("/nonexistent/policy.toml".into());
        assert!(read(&path, &Decisions::default()).is_err());
    }
}
