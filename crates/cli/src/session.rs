//! What a command works with: the server, what is remembered, the catalog, the policy.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use stopgap_engine::{Collected, CycleError, CycleReport, Engine, collect};
use stopgap_feed::Feeds;
use stopgap_fs::Lock;
use stopgap_host::{Host, LinuxHost, TreeHost};
use stopgap_model::policy::Policy;
use stopgap_model::{Catalog, MitigationId};
use stopgap_plan::Order;
use stopgap_store::{Decisions, Entry, Event, Store};

use crate::args::Common;
use crate::caller;
use crate::catalog;
use crate::error::CliError;
use crate::output;
use crate::policy_file::{self, PolicyPath, Settings};
use crate::signals::Work;
use crate::sources::Sources;

const DEFAULT_STATE: &str = "/var/lib/stopgap";
const DEFAULT_POLICY: &str = "/etc/stopgap/policy.toml";

/// Set when the process is asked to stop.
pub(crate) static STOP: AtomicBool = AtomicBool::new(false);

/// All that a command works with.
pub(crate) struct Session {
    pub(crate) host: Box<dyn Host>,
    pub(crate) store: Store,
    pub(crate) feeds: Feeds,
    pub(crate) sources: Sources,
    pub(crate) policy: Policy,
    /// What the policy file says beside the policy.
    pub(crate) settings: Settings,
    /// Who runs the command, for the records.
    pub(crate) by: String,
    policy_path: PolicyPath,
    unsigned: Option<Catalog>,
}

impl Session {
    /// Opens everything that `common` names. What the sources offer is read under the lock.
    pub(crate) fn open(common: &Common) -> Result<Self, CliError> {
        Self::open_with(common, policy_path(common))
    }

    /// The same to take something back. A policy file that is not obeyed keeps nobody from that: it is
    /// told, and left aside.
    pub(crate) fn open_to_take_back(common: &Common) -> Result<Self, CliError> {
        match Self::open(common) {
            Err(error @ CliError::NotObeyed { .. }) if common.catalog.is_none() => {
                output::warn(&format!("{}. {}", error.sentence(), error.hint()));
                Self::open_with(common, PolicyPath::NotObeyed)
            }
            opened => opened,
        }
    }

    fn open_with(common: &Common, policy_path: PolicyPath) -> Result<Self, CliError> {
        let state = state_folder(common)?;
        let unsigned = unsigned_catalog(common)?;
        let store = Store::open(&state)?;
        let feeds = Feeds::open(&state)?;
        let (policy, settings) = policy_file::read(&policy_path, &store.decisions()?)?;
        let host = open_host(common, &settings)?;
        let by = caller::caller();
        let sources = Sources::none();
        Ok(Self { host, store, feeds, sources, policy, settings, by, policy_path, unsigned })
    }

    /// Opens everything for a look: what the sources offer is read, and no lock is taken.
    pub(crate) fn look(common: &Common) -> Result<Self, CliError> {
        let mut session = Self::open(common)?;
        session.read_sources()?;
        Ok(session)
    }

    /// Reads the catalog and how the feeds stand, from what was taken of them last.
    fn read_sources(&mut self) -> Result<(), CliError> {
        let built_in = self.settings.built_in;
        self.sources = Sources::read(&self.feeds, &self.store, built_in, Timestamp::now())?;
        if let Some(catalog) = &self.unsigned {
            let revisions = self.store.revisions()?;
            if let Some(why) = catalog.mitigations().find_map(|it| revisions.reused(it)) {
                return Err(CliError::Reused(why));
            }
            let read = std::mem::replace(&mut self.sources, Sources::none());
            self.sources = read.instead(catalog.clone());
        }
        self.sources.restrict(&mut self.policy);
        Ok(())
    }

    /// Takes the lock for `command`, which needs nothing that the sources offer; says on standard
    /// error whom it waits for.
    pub(crate) fn lock_records(&self, common: &Common, command: &str) -> Result<Lock, CliError> {
        let holder = format!("stopgap {command} (process {})", std::process::id());
        let mut tell = |who: &str| eprintln!("waiting for {who} to finish …");
        Ok(self.store.lock(&holder, common.wait, &mut tell)?)
    }

    /// Takes the lock for `command` and reads what the sources offer.
    pub(crate) fn lock(&mut self, common: &Common, command: &str) -> Result<Lock, CliError> {
        let lock = self.lock_records(common, command)?;
        // What was decided while this process waited holds for it too.
        self.read_policy()?;
        self.read_sources()?;
        if self.unsigned.is_some() {
            let detail = format!("{command} with {}", self.sources.summary());
            self.record(Event::UnsignedCatalog, "", &detail);
        }
        Ok(lock)
    }

    /// Adds a line to the audit trail. That it cannot be written keeps nothing from being done, and is
    /// told.
    pub(crate) fn record(&self, event: Event, mitigation: &str, detail: &str) {
        let entry = Entry::new(event, mitigation, detail);
        let recorded = self.store.record(Timestamp::now(), &self.by, &[entry]);
        if let Err(error) = recorded {
            let error = CliError::from(error);
            output::warn(&format!("the audit trail could not be written: {}", error.sentence()));
        }
    }

    fn read_policy(&mut self) -> Result<(), CliError> {
        let decisions = self.store.decisions()?;
        (self.policy, self.settings) = policy_file::read(&self.policy_path, &decisions)?;
        Ok(())
    }

    /// One cycle, which a signal ends between two steps. The lock is held.
    pub(crate) fn cycle(&self, order: &Order) -> Result<CycleReport, CliError> {
        let _work = Work::begin();
        self.engine().cycle(order).map_err(|error| match error {
            CycleError::Asked(ending) => {
                output::tell_troubles(&ending.troubles);
                CliError::Signal(ending)
            }
            error => error.into(),
        })
    }

    /// The engine over all this.
    pub(crate) fn engine(&self) -> Engine<'_> {
        Engine {
            host: &*self.host,
            store: &self.store,
            catalog: &self.sources.catalog,
            remember: self.unsigned.is_none(),
            policy: &self.policy,
            declared: &self.settings.products,
            probe_time: self.settings.probe_time,
            by: &self.by,
            now: Timestamp::now,
            stop: &STOP,
        }
    }

    /// Fails if one of `ids` is neither in the catalog nor in place.
    pub(crate) fn know(&self, ids: &[MitigationId]) -> Result<(), CliError> {
        let (in_place, _) = self.store.in_place()?;
        let placed = in_place.actions.values().map(|placed| &placed.mitigation);
        let Catalog { offers, refused } = &self.sources.catalog;
        let known: Vec<&MitigationId> = offers
            .iter()
            .map(|offer| &offer.mitigation.id)
            .chain(refused.iter().map(|refused| &refused.id))
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

/// The folder for what is remembered.
pub(crate) fn state_folder(common: &Common) -> Result<PathBuf, CliError> {
    match (&common.root, &common.state) {
        (_, Some(state)) => Ok(state.clone()),
        (None, None) => Ok(PathBuf::from(DEFAULT_STATE)),
        (Some(_), None) => Err(CliError::usage(
            "--root needs --state DIR: what is remembered about another server is not this \
             machine's",
            "name a folder for it, as in: --state ./state",
        )),
    }
}

/// Where the policy file is.
pub(crate) fn policy_path(common: &Common) -> PolicyPath {
    match (&common.policy, &common.state) {
        (Some(policy), _) => PolicyPath::Named(policy.clone()),
        (None, Some(state)) => PolicyPath::Default(state.join("policy.toml")),
        (None, None) => PolicyPath::Default(PathBuf::from(DEFAULT_POLICY)),
    }
}

/// The server that `common` names: the files under `--root`, or this machine; and what the policy
/// file says is installed there.
pub(crate) fn look_at(common: &Common) -> Result<(Box<dyn Host>, Collected), CliError> {
    let (_, settings) = policy_file::read(&policy_path(common), &Decisions::default())?;
    let host = open_host(common, &settings)?;
    let collected = collect(&*host, &settings.products);
    Ok((host, collected))
}

fn open_host(common: &Common, settings: &Settings) -> Result<Box<dyn Host>, CliError> {
    match &common.root {
        Some(root) => Ok(Box::new(TreeHost::open(root)?)),
        None => Ok(Box::new(LinuxHost::open(settings.web.clone())?)),
    }
}

/// The catalog that `common` names, which nobody signed.
pub(crate) fn unsigned_catalog(common: &Common) -> Result<Option<Catalog>, CliError> {
    let Some(folder) = &common.catalog else { return Ok(None) };
    if common.root.is_none() && !common.unsigned {
        return Err(CliError::usage(
            "--catalog names documents that nobody signed; on this machine itself they are not \
             trusted",
            "try them on a tree with --root DIR, or add --unsigned if you mean it",
        ));
    }
    catalog::folder(folder).map(Some)
}
