//! What a command works with: the server, what is remembered, the catalog, the policy.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use stopgap_engine::Engine;
use stopgap_fs::Lock;
use stopgap_host::TreeHost;
use stopgap_model::MitigationId;
use stopgap_model::policy::Policy;
use stopgap_store::{Event, Store};

use crate::args::Common;
use crate::catalog::Catalog;
use crate::error::CliError;
use crate::policy_file::{self, PolicyPath};

const DEFAULT_STATE: &str = "/var/lib/stopgap";
const DEFAULT_POLICY: &str = "/etc/stopgap/policy.toml";

/// Set when the process is asked to stop.
pub(crate) static STOP: AtomicBool = AtomicBool::new(false);

/// All that a command works with.
pub(crate) struct Session {
    pub(crate) host: TreeHost,
    pub(crate) store: Store,
    pub(crate) catalog: Catalog,
    pub(crate) policy: Policy,
    /// Who runs the command, for the records.
    pub(crate) by: String,
    policy_path: PolicyPath,
    unsigned: bool,
}

impl Session {
    /// Opens everything that `common` names.
    pub(crate) fn open(common: &Common) -> Result<Self, CliError> {
        let state = match (&common.root, &common.state) {
            (_, Some(state)) => state.clone(),
            (None, None) => PathBuf::from(DEFAULT_STATE),
            (Some(_), None) => {
                return Err(CliError::usage(
                    "--root needs --state DIR: what is remembered about another server is not \
                     this machine's",
                    "name a folder for it, as in: --state ./state",
                ));
            }
        };
        let policy_path = match (&common.policy, &common.state) {
            (Some(policy), _) => PolicyPath::Named(policy.clone()),
            (None, Some(state)) => PolicyPath::Default(state.join("policy.toml")),
            (None, None) => PolicyPath::Default(PathBuf::from(DEFAULT_POLICY)),
        };
        let host = open_host(common)?;
        let catalog = open_catalog(common)?;
        let store = Store::open(&state)?;
        let policy = policy_file::read(&policy_path, &store.decisions()?)?;
        let unsigned = common.catalog.is_some();
        Ok(Self { host, store, catalog, policy, by: caller(), policy_path, unsigned })
    }

    /// Takes the lock for `command`; says on standard error whom it waits for.
    pub(crate) fn lock(&mut self, common: &Common, command: &str) -> Result<Lock, CliError> {
        let holder = format!("stopgap {command} (process {})", std::process::id());
        let mut tell = |who: &str| eprintln!("waiting for {who} to finish …");
        let lock = self.store.lock(&holder, common.wait, &mut tell)?;
        // What was decided while this process waited holds for it too.
        self.reload_policy()?;
        if self.unsigned {
            let detail = format!("{command} with {}", self.catalog.source);
            self.store.record(Timestamp::now(), &self.by, Event::UnsignedCatalog, "", &detail)?;
        }
        Ok(lock)
    }

    /// Reads the policy and the decisions again, after one was written.
    pub(crate) fn reload_policy(&mut self) -> Result<(), CliError> {
        self.policy = policy_file::read(&self.policy_path, &self.store.decisions()?)?;
        Ok(())
    }

    /// The engine over all this.
    pub(crate) fn engine(&self) -> Engine<'_> {
        Engine {
            host: &self.host,
            store: &self.store,
            catalog: &self.catalog.mitigations,
            source: &self.catalog.source,
            remember: !self.unsigned,
            policy: &self.policy,
            by: &self.by,
            now: Timestamp::now,
            stop: &STOP,
        }
    }

    /// Fails if one of `ids` is neither in the catalog nor in place.
    pub(crate) fn know(&self, ids: &[MitigationId]) -> Result<(), CliError> {
        let (in_place, _) = self.store.in_place()?;
        let placed = in_place.actions.values().map(|placed| &placed.mitigation);
        let known: Vec<&MitigationId> = self
            .catalog
            .mitigations
            .iter()
            .map(|mitigation| &mitigation.id)
            .chain(placed)
            .chain(self.policy.blocked.keys())
            .collect();
        for id in ids {
            if !known.contains(&id) {
                let same =
                    |other: &&&MitigationId| other.as_str().eq_ignore_ascii_case(id.as_str());
                let near = known.iter().find(same).map(ToString::to_string);
                return Err(CliError::NoSuchMitigation { id: id.to_string(), near });
            }
        }
        Ok(())
    }
}

/// The server's files: those under `--root`, or this machine's.
pub(crate) fn open_host(common: &Common) -> Result<TreeHost, CliError> {
    let root = common.root.as_deref().unwrap_or(Path::new("/"));
    Ok(TreeHost::open(root)?)
}

/// The catalog that `common` names.
pub(crate) fn open_catalog(common: &Common) -> Result<Catalog, CliError> {
    let Some(folder) = &common.catalog else { return Catalog::built_in() };
    if common.root.is_none() && !common.unsigned {
        return Err(CliError::usage(
            "--catalog names documents that nobody signed; on this machine itself they are not \
             trusted",
            "try them on a tree with --root DIR, or add --unsigned if you mean it",
        ));
    }
    Catalog::folder(folder)
}

/// Who runs this, for the records: the user id, and the name that sudo was called by.
fn caller() -> String {
    let uid = rustix::process::getuid();
    let user = if uid.is_root() { "root".to_owned() } else { format!("uid {}", uid.as_raw()) };
    match std::env::var("SUDO_USER") {
        Ok(name) if uid.is_root() && !name.is_empty() => {
            format!("root for {}", stopgap_model::problem::one_line(&name))
        }
        _ => user,
    }
}
