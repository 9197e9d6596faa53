//! The publisher's folder: a repository of its own, what is staged for it, and its settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use stopgap_model::Digest;
use stopgap_sign::{
    Envelope, NotOurs, PublicKey, Role, RoleKeys, Roles, TargetFile, files, targets,
};

use crate::document::MAX_DOCUMENT;
use crate::error::PublishError;
use crate::keys;
use crate::output::warning;
use crate::repository::{MAX_METADATA, Repository, target};
use crate::secret_file::warn_if_foreign;
use crate::settings::Settings;

/// The file with the settings, and its largest size in bytes: some lines.
pub(crate) const SETTINGS: &str = "publisher.toml";
const MAX_SETTINGS: u64 = 64 * 1024;

/// The publisher's folder, locked.
#[derive(Debug)]
pub(crate) struct Publisher {
    pub(crate) repository: Repository,
}

/// A root that is in force or staged.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) envelope: Envelope,
    pub(crate) roles: Roles,
}

/// A group of keys that must sign something, and how far they are.
#[derive(Debug, Clone)]
pub(crate) struct Need {
    /// Whose keys, as a phrase: "root 1".
    pub(crate) of: String,
    pub(crate) have: usize,
    pub(crate) threshold: usize,
    /// The keys that have not signed.
    pub(crate) unsigned: Vec<PublicKey>,
}

impl Need {
    pub(crate) fn is_met(&self) -> bool {
        self.have >= self.threshold
    }
}

impl Publisher {
    /// Opens a folder that `init` made, or a copy of one without its keys.
    pub(crate) fn open(dir: &Path) -> Result<Self, PublishError> {
        warn_if_foreign(dir);
        let repository = Repository::open(dir)?;
        if repository.versions(Role::Root)?.is_empty() {
            let message = format!("{} is not a publisher's folder: it has no root", dir.display());
            return Err(PublishError::usage(message, "name it with --dir, or make one: init"));
        }
        Ok(Self { repository })
    }

    pub(crate) fn path(&self) -> &Path {
        self.repository.dir().path()
    }

    /// The folders of keys, offline and online.
    pub(crate) fn key_folders(&self) -> [PathBuf; 2] {
        ["keys/offline", "keys/online"].map(|folder| self.path().join(folder))
    }

    pub(crate) fn settings(&self) -> Result<Settings, PublishError> {
        let bytes = self.repository.dir().read(SETTINGS, MAX_SETTINGS)?.ok_or_else(|| {
            let message = format!("{} has no {SETTINGS}", self.path().display());
            PublishError::usage(message, "put it back from a copy of the folder")
        })?;
        let text = String::from_utf8_lossy(&bytes);
        toml::from_str(&text).map_err(|error| {
            PublishError::usage(format!("{SETTINGS}: {}", error.message()), "mend the file")
        })
    }

    /// The root in force.
    pub(crate) fn root(&self) -> Result<Root, PublishError> {
        let newest = self.repository.newest(Role::Root)?.ok_or_else(|| not_ours("root", ""))?;
        root_of(newest)
    }

    /// The root that is staged, if one is.
    pub(crate) fn staged_root(&self) -> Result<Option<Root>, PublishError> {
        self.staged(Role::Root)?.map(root_of).transpose()
    }

    /// What is staged of a role: not what is already in force.
    pub(crate) fn staged(&self, role: Role) -> Result<Option<Envelope>, PublishError> {
        let Some(staged) = self.repository.metadata(&staged_path(role))? else { return Ok(None) };
        let newest = self.repository.newest(role)?.map_or(0, |newest| newest.version());
        Ok((staged.version() > newest).then_some(staged))
    }

    /// Stages metadata in place of what was staged before.
    pub(crate) fn stage(&self, role: Role, envelope: &Envelope) -> Result<(), PublishError> {
        let bytes = envelope.to_bytes();
        if bytes.len() as u64 > MAX_METADATA {
            let message = format!("the metadata would be {} bytes long", bytes.len());
            let hint = format!("clients read at most {MAX_METADATA} bytes");
            return Err(PublishError::refused(message, hint));
        }
        self.repository.dir().create_dir("staged")?;
        Ok(self.repository.dir().write_atomic(&staged_path(role), &bytes)?)
    }

    /// Removes what is in force by now from what is staged.
    pub(crate) fn unstage(&self) -> Result<(), PublishError> {
        for role in [Role::Root, Role::Targets] {
            let path = staged_path(role);
            if self.staged(role)?.is_none() && self.repository.metadata(&path)?.is_some() {
                self.repository.dir().remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// The files of the targets metadata that is staged, else of that in force.
    pub(crate) fn files(&self) -> Result<BTreeMap<String, TargetFile>, PublishError> {
        let newest = match self.staged(Role::Targets)? {
            Some(staged) => Some(staged),
            None => self.repository.newest(Role::Targets)?,
        };
        newest.map_or(Ok(BTreeMap::new()), |envelope| files_of(&envelope))
    }

    /// Stages targets metadata with these files; tells of signatures that are void by it.
    pub(crate) fn stage_files(
        &self,
        files: &BTreeMap<String, TargetFile>,
        now: Timestamp,
    ) -> Result<u64, PublishError> {
        let newest = self.repository.newest(Role::Targets)?.map_or(0, |newest| newest.version());
        let before = self.staged(Role::Targets)?;
        let expiry = self.settings()?.days.expiry(Role::Targets, now);
        let envelope = Envelope::new(targets(newest + 1, expiry, files, &[]));
        if before.is_some_and(|before| before.key_ids().next().is_some()) {
            warning("what was staged had signatures; they are void, for the content is another");
        }
        self.stage(Role::Targets, &envelope)?;
        Ok(newest + 1)
    }

    /// A document that was added, by what metadata says of it.
    pub(crate) fn document(
        &self,
        name: &str,
        file: &TargetFile,
    ) -> Result<Option<Vec<u8>>, PublishError> {
        let bytes = self.repository.dir().read(&target(name, file.sha256), MAX_DOCUMENT)?;
        Ok(bytes.filter(|bytes| Digest::of(bytes) == file.sha256))
    }

    /// Who must sign `envelope`, and who has.
    pub(crate) fn needs(&self, role: Role, envelope: &Envelope) -> Result<Vec<Need>, PublishError> {
        let root = self.root()?;
        let next = self.staged_root()?;
        let need = |keys: &RoleKeys, version: u64| need(envelope, keys, version);
        Ok(match (role, next) {
            (Role::Root, _) => {
                let own = root_of(envelope.clone())?;
                vec![
                    need(&root.roles.root, root.envelope.version()),
                    need(&own.roles.root, envelope.version()),
                ]
            }
            (_, Some(next)) => vec![need(next.roles.of(role), next.envelope.version())],
            (_, None) => vec![need(root.roles.of(role), root.envelope.version())],
        })
    }

    /// What a key is called here: its name, if its public half is at hand, and the beginning of
    /// its id.
    pub(crate) fn name_of(&self, key: &PublicKey) -> String {
        let short = key.id()[..SHORT_ID].to_owned();
        let named = self.key_names().into_iter().find(|(named, _)| named == key);
        named.map_or(short.clone(), |(_, name)| format!("{name} ({short})"))
    }

    /// Every key whose public half is at hand, with its name.
    pub(crate) fn key_names(&self) -> Vec<(PublicKey, String)> {
        self.key_folders().iter().flat_map(|folder| keys::names(folder)).collect()
    }
}

/// How many digits of a key's id are shown: enough to tell a role's keys apart.
const SHORT_ID: usize = 8;

fn staged_path(role: Role) -> String {
    format!("staged/{}.json", role.as_str())
}

fn need(envelope: &Envelope, keys: &RoleKeys, root: u64) -> Need {
    let unsigned = |key: &&PublicKey| envelope.count(std::slice::from_ref(*key)) == 0;
    Need {
        of: format!("root {root}"),
        have: envelope.count(&keys.keys),
        threshold: keys.threshold as usize,
        unsigned: keys.keys.iter().filter(unsigned).cloned().collect(),
    }
}

pub(crate) fn root_of(envelope: Envelope) -> Result<Root, PublishError> {
    let roles = Roles::of_root(&envelope.signed).map_err(|error| refused("root", &error))?;
    Ok(Root { envelope, roles })
}

pub(crate) fn files_of(targets: &Envelope) -> Result<BTreeMap<String, TargetFile>, PublishError> {
    files(&targets.signed).map_err(|error| refused("targets", &error))
}

pub(crate) fn expires(role: Role, envelope: &Envelope) -> Result<Timestamp, PublishError> {
    stopgap_sign::expires(&envelope.signed).map_err(|error| refused(role.as_str(), &error))
}

fn refused(what: &str, error: &NotOurs) -> PublishError {
    not_ours(what, &format!(": {error}"))
}

fn not_ours(what: &str, why: &str) -> PublishError {
    PublishError::refused(
        format!("the {what} metadata cannot be used{why}"),
        "put it back from a copy",
    )
}
