//! What a command or a cycle of the service works with: the server, what is remembered, the sources, the
//! policy.

use std::path::Path;

use jiff::Timestamp;
use stopgap_engine::{Collected, CycleReport, Engine, collect};
use stopgap_feed::Feeds;
use stopgap_fs::Lock;
use stopgap_host::{Host, LocalHost, TreeHost};
use stopgap_model::policy::Policy;
use stopgap_model::{Catalog, MitigationId};
use stopgap_plan::Order;
use stopgap_store::{Decisions, Entry, Event, Store};

use crate::blocks::{BlockedBy, Origin};
use crate::caller;
use crate::catalog;
use crate::error::AgentError;
use crate::event::EventKind;
use crate::log;
use crate::policy_file::{self, PolicyPath, Settings};
use crate::setup::Setup;
use crate::sources::Sources;
use crate::stop::{self, Work};

/// What a command or a cycle of the service works with.
pub struct Session {
    /// The server.
    pub host: Box<dyn Host>,
    /// What is remembered.
    pub store: Store,
    /// The feeds, with what was fetched of them.
    pub feeds: Feeds,
    /// What the sources offer; none before they were read.
    pub sources: Sources,
    /// What is allowed.
    pub policy: Policy,
    /// What the policy file says beside the policy.
    pub settings: Settings,
    /// Who runs the command, for the records.
    pub by: String,
    setup: Setup,
    unsigned: Option<Catalog>,
}

impl Session {
    /// Opens everything that `setup` names. What the sources offer is read under the lock.
    ///
    /// # Errors
    /// Something of it cannot be read, or is not obeyed.
    pub fn open(setup: Setup) -> Result<Self, AgentError> {
        let unsigned = setup.unsigned_catalog.as_deref().map(catalog::folder).transpose()?;
        let store = Store::open(&setup.state)?;
        let feeds = Feeds::open(&setup.state)?;
        let (policy, settings) = policy_file::read(&setup.policy, &store.decisions()?)?;
        let host = open_host(setup.root.as_deref(), &settings)?;
        let by = caller::caller();
        let sources = Sources::none();
        Ok(Self { host, store, feeds, sources, policy, settings, by, setup, unsigned })
    }

    /// Opens everything for a removal. A policy file that is not obeyed keeps no administrator from
    /// that: a warning is written, and the file is left aside.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open_for_removal(setup: Setup) -> Result<Self, AgentError> {
        match Self::open(setup.clone()) {
            // Documents that are not obeyed are another matter: then nothing says what to remove.
            Err(error @ AgentError::NotObeyed { .. }) if setup.unsigned_catalog.is_none() => {
                let text = format!("{}. {}", error.sentence(), error.advice());
                log::event(EventKind::PolicyNotObeyed, &stopgap_terminal::plain(&text));
                Self::open(Setup { policy: PolicyPath::NotObeyed, ..setup })
            }
            opened => opened,
        }
    }

    /// Opens everything without taking a lock: what the sources offer is read, and nothing is changed.
    ///
    /// # Errors
    /// As [`Session::open`]; or the sources cannot be read.
    pub fn open_read_only(setup: Setup) -> Result<Self, AgentError> {
        let mut session = Self::open(setup)?;
        session.read_sources()?;
        Ok(session)
    }

    /// Returns where everything is.
    #[must_use]
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Reads what the sources offer and how the feeds stand, from what was fetched of them last.
    fn read_sources(&mut self) -> Result<(), AgentError> {
        let built_in = self.settings.built_in;
        self.sources = Sources::read(&self.feeds, &self.store, built_in, Timestamp::now())?;
        if let Some(catalog) = &self.unsigned {
            let revisions = self.store.revisions()?;
            if let Some(why) = catalog.mitigations().find_map(|it| revisions.reused(it)) {
                return Err(AgentError::Reused(why.to_string()));
            }
            let read = std::mem::replace(&mut self.sources, Sources::none());
            self.sources = read.replace_with(catalog.clone());
        }
        self.sources.apply_policies(&mut self.policy);
        Ok(())
    }

    /// Takes the lock for a command that needs nothing that the sources offer.
    ///
    /// # Errors
    /// Another process holds it and does not end in time.
    pub fn lock_records(&self) -> Result<Lock, AgentError> {
        let mut waiting = |who: &str| log::waiting(who, "finish");
        Ok(self.store.lock(&self.setup.holder(), self.setup.wait, &mut waiting)?)
    }

    /// Takes the lock and reads what the sources offer.
    ///
    /// # Errors
    /// As [`Session::lock_records`]; or the policy file or the sources cannot be read.
    pub fn lock(&mut self) -> Result<Lock, AgentError> {
        let lock = self.lock_records()?;
        // What was decided while this process waited holds for it too.
        let decisions = self.store.decisions()?;
        (self.policy, self.settings) = policy_file::read(&self.setup.policy, &decisions)?;
        self.read_sources()?;
        if self.unsigned.is_some() {
            let detail = format!("{} with {}", self.setup.command, self.sources.summary());
            self.record(Event::UnsignedCatalog, "", &detail);
        }
        Ok(lock)
    }

    /// Adds a line to the audit trail. A trail that cannot be written keeps nothing from being done: a
    /// warning is written instead.
    pub fn record(&self, event: Event, mitigation: &str, detail: &str) {
        let entry = Entry::new(event, mitigation, detail);
        let recorded = self.store.record(Timestamp::now(), &self.by, &[entry]);
        if let Err(error) = recorded {
            let why = AgentError::from(error).sentence();
            let text = format!("the audit trail could not be written: {why}");
            log::event(EventKind::TrailNotWritten, &stopgap_terminal::plain(&text));
        }
    }

    /// Runs one cycle, which a signal ends between two steps. The lock is held.
    ///
    /// # Errors
    /// The cycle could not be carried out, or the process was asked to stop.
    pub fn cycle(&self, order: &Order) -> Result<CycleReport, AgentError> {
        let _work = Work::begin();
        self.engine().cycle(order).map_err(|error| {
            let error = AgentError::from(error);
            // The report of a cycle that was stopped is made by nobody else.
            if let AgentError::Stopped(ending) = &error {
                log::troubles(&ending.troubles);
            }
            error
        })
    }

    /// Returns the engine over all this.
    #[must_use]
    pub fn engine(&self) -> Engine<'_> {
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
            stop: stop::flag(),
        }
    }

    /// Returns everybody who blocks a mitigation: commands, the policy file, the organisation's feeds.
    ///
    /// # Errors
    /// The decisions cannot be read.
    pub fn blocks(&self) -> Result<Vec<BlockedBy>, AgentError> {
        let decisions = self.store.decisions()?;
        let commands = decisions.blocked.iter().map(|(id, said)| BlockedBy {
            id: id.clone(),
            origin: Origin::Command,
            by: said.phrase(),
        });
        let file = self.settings.blocks.iter().cloned();
        Ok(commands.chain(file).chain(self.sources.blocks()).collect())
    }

    /// Fails if one of `ids` is neither in the catalog, nor installed, nor blocked.
    ///
    /// # Errors
    /// One of them is not known, or the state folder cannot be read.
    pub fn require_known(&self, ids: &[MitigationId]) -> Result<(), AgentError> {
        let (installed, _) = self.store.installed()?;
        let placed = installed.revisions().map(|(id, ..)| id);
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
                // Whoever writes `m1` for M1 is told so.
                let same =
                    |other: &&&MitigationId| other.as_str().eq_ignore_ascii_case(id.as_str());
                let near = known.iter().find(same).map(ToString::to_string);
                return Err(AgentError::NoSuchMitigation { id: id.to_string(), near });
            }
        }
        Ok(())
    }
}

/// Identifies what is installed on a server: the files under `root`, or this machine; with what the
/// policy file says is installed there.
///
/// # Errors
/// The policy file is wrong or not obeyed, or the server's folder cannot be opened.
pub fn identify(
    root: Option<&Path>,
    policy: &PolicyPath,
) -> Result<(Box<dyn Host>, Collected), AgentError> {
    let (_, settings) = policy_file::read(policy, &Decisions::default())?;
    let host = open_host(root, &settings)?;
    let collected = collect(&*host, &settings.products);
    Ok((host, collected))
}

fn open_host(root: Option<&Path>, settings: &Settings) -> Result<Box<dyn Host>, AgentError> {
    match root {
        Some(root) => Ok(Box::new(TreeHost::open(root)?)),
        None => Ok(Box::new(LocalHost::open(settings.web.clone())?)),
    }
}
