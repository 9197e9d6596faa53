//! The configuration files of one server, as they were read once.

use std::collections::BTreeMap;
use std::sync::Arc;

use stopgap_model::digest::Digest;
use stopgap_model::host::{Fact, Iis, NamedProgram, ServerPath};

use super::facts::{RewriteSupport, expand};
use super::summary::Summary;
use super::xml::{Doc, NotReadable};

/// The configuration file of the whole server: the first that a snapshot needs.
pub const APPLICATION_HOST: &str = r"C:\Windows\System32\inetsrv\config\applicationHost.config";
/// The most files of one snapshot. The largest hosting servers have a few thousand applications.
pub const MAX_FILES: usize = 8192;
/// The most bytes of all files of one snapshot. An Exchange server has about 1 MB.
pub const MAX_TOTAL_BYTES: usize = 128 * 1024 * 1024;

/// What became of reading a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// These are its bytes.
    Found(Vec<u8>),
    /// It is not there.
    Absent,
    /// It is there and could not be read; why, without a full stop.
    Unreadable(String),
}

/// The files are more than a snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverBudget {
    /// More files than [`MAX_FILES`].
    #[error("the server has more than {MAX_FILES} configuration files")]
    Files,
    /// More bytes than [`MAX_TOTAL_BYTES`].
    #[error("the server's configuration files have more than {MAX_TOTAL_BYTES} bytes together")]
    Bytes,
}

/// A file of a snapshot.
#[derive(Debug)]
pub struct File {
    path: ServerPath,
    read: Read,
    digest: Option<Digest>,
    summary: Result<Summary, NotReadable>,
}

impl File {
    fn new(path: ServerPath, read: Read) -> Self {
        let is_host = is_application_host(&path);
        let (digest, summary) = match &read {
            Read::Found(bytes) => (
                Some(Digest::of(bytes)),
                Doc::parse(bytes).map(|doc| Summary::of(&doc, is_host.then_some(&path))),
            ),
            Read::Absent | Read::Unreadable(_) => {
                (None, Ok(Summary { layers: Vec::new(), host: None, programs: Vec::new() }))
            }
        };
        Self { path, read, digest, summary }
    }

    /// A file that stands for itself, outside of any snapshot.
    pub(crate) fn lone(path: ServerPath, summary: Summary) -> Self {
        Self { path, read: Read::Found(Vec::new()), digest: None, summary: Ok(summary) }
    }

    /// Its path, as it was asked for.
    #[must_use]
    pub fn path(&self) -> &ServerPath {
        &self.path
    }

    /// Its bytes, if it was found.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.read {
            Read::Found(bytes) => Some(bytes),
            Read::Absent | Read::Unreadable(_) => None,
        }
    }

    /// The digest of its bytes, if it was found.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// What became of reading it.
    #[must_use]
    pub fn read(&self) -> &Read {
        &self.read
    }

    /// Why its content is not known: it could not be read, or is not a configuration file.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match (&self.read, &self.summary) {
            (Read::Unreadable(why), _) => Some(format!("{} cannot be read: {why}", self.path)),
            (_, Err(why)) => Some(format!("{} cannot be used: {why}", self.path)),
            (Read::Found(_) | Read::Absent, Ok(_)) => None,
        }
    }

    /// What was extracted from it; nothing, if it is not there.
    pub(crate) fn summary(&self) -> Result<&Summary, String> {
        match (self.problem(), &self.summary) {
            (None, Ok(summary)) => Ok(summary),
            (problem, _) => Err(problem.unwrap_or_default()),
        }
    }

    /// Whether this is the server's applicationHost.config.
    pub(crate) fn is_host(&self) -> bool {
        is_application_host(&self.path)
    }
}

fn is_application_host(path: &ServerPath) -> bool {
    path.key() == ServerPath::new(APPLICATION_HOST).key()
}

/// The program at a path as written, or why nobody knows where that is.
fn expanded(written: &str) -> NamedProgram {
    match expand(written) {
        Fact::Known(path) => NamedProgram { path, doubt: None },
        Fact::Unknown(why) => NamedProgram { path: ServerPath::new(written), doubt: Some(why) },
        Fact::Absent => {
            NamedProgram { path: ServerPath::new(written), doubt: Some("it has no path".into()) }
        }
    }
}

/// The configuration files of one server. A copy shares the files and is cheap.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    files: BTreeMap<String, Arc<File>>,
    bytes: usize,
}

impl Snapshot {
    /// A snapshot that holds nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The files that are still to be provided. Empty once the snapshot is closed.
    #[must_use]
    pub fn needs(&self) -> Vec<ServerPath> {
        let host = ServerPath::new(APPLICATION_HOST);
        let Some(file) = self.file(&host) else { return vec![host] };
        let Ok(Summary { host: Some((iis, _)), .. }) = file.summary() else { return Vec::new() };
        let directories =
            iis.sites.iter().flat_map(|site| &site.applications).flat_map(|app| &app.directories);
        let wanted: BTreeMap<_, _> = directories
            .filter_map(|directory| directory.physical.known())
            .map(|folder| folder.join("web.config"))
            .map(|path| (path.key(), path))
            .collect();
        wanted
            .into_iter()
            .filter(|(key, _)| !self.files.contains_key(key))
            .map(|(_, p)| p)
            .collect()
    }

    /// Takes in what became of reading a file; a file that is already there is replaced.
    ///
    /// # Errors
    /// [`OverBudget`] if the snapshot would hold more than it may; it is unchanged then.
    pub fn provide(&mut self, path: ServerPath, read: Read) -> Result<(), OverBudget> {
        let key = path.key();
        let size = |read: &Read| match read {
            Read::Found(bytes) => bytes.len(),
            Read::Absent | Read::Unreadable(_) => 0,
        };
        let before = self.files.get(&key).map(|file| size(&file.read));
        let bytes = (self.bytes - before.unwrap_or(0)).saturating_add(size(&read));
        if before.is_none() && self.files.len() >= MAX_FILES {
            return Err(OverBudget::Files);
        }
        if bytes > MAX_TOTAL_BYTES {
            return Err(OverBudget::Bytes);
        }
        self.bytes = bytes;
        self.files.insert(key, Arc::new(File::new(path, read)));
        Ok(())
    }

    /// Whether everything that is needed was provided.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.needs().is_empty()
    }

    /// The file of this path, if it was provided.
    #[must_use]
    pub fn file(&self, path: &ServerPath) -> Option<&File> {
        self.files.get(&path.key()).map(AsRef::as_ref)
    }

    /// All files that were provided, by path.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values().map(AsRef::as_ref)
    }

    /// The same server with the content of one file replaced: what a planned change would make of
    /// it.
    ///
    /// # Errors
    /// [`OverBudget`] if the content is more than a snapshot may hold.
    pub fn with_file(&self, path: &ServerPath, bytes: Vec<u8>) -> Result<Self, OverBudget> {
        let mut changed = self.clone();
        changed.provide(path.clone(), Read::Found(bytes))?;
        Ok(changed)
    }

    /// What is known of IIS: absent without applicationHost.config.
    #[must_use]
    pub fn iis(&self) -> Fact<Iis> {
        let Some(file) = self.file(&ServerPath::new(APPLICATION_HOST)) else {
            return Fact::Unknown(format!("{APPLICATION_HOST} was not read yet"));
        };
        match file.summary() {
            Ok(Summary { host: Some((iis, _)), .. }) => Fact::Known(iis.clone()),
            Ok(_) => Fact::Absent,
            Err(why) => Fact::Unknown(why),
        }
    }

    /// What the server allows of URL Rewrite, where applicationHost.config could be read.
    #[must_use]
    pub fn rewrite(&self) -> Option<RewriteSupport> {
        self.host().ok().map(|(_, _, support)| support)
    }

    /// The PHP programs that the files name, each once, in the order of their paths; then the files
    /// that may name one and could not be read.
    #[must_use]
    pub fn programs(&self) -> Vec<NamedProgram> {
        let mut named: BTreeMap<String, NamedProgram> = BTreeMap::new();
        let mut doubts = Vec::new();
        for file in self.files() {
            match file.summary() {
                Ok(summary) => {
                    for program in summary.programs.iter().map(|text| expanded(text)) {
                        named.entry(program.path.key()).or_insert(program);
                    }
                }
                Err(why) => {
                    let doubt = Some(format!("whether it names a PHP is not known: {why}"));
                    doubts.push(NamedProgram { path: file.path().clone(), doubt });
                }
            }
        }
        named.into_values().chain(doubts).collect()
    }

    /// applicationHost.config with what it says, or why that is not known.
    pub(crate) fn host(&self) -> Result<(&File, &Iis, RewriteSupport), String> {
        let file = self.file(&ServerPath::new(APPLICATION_HOST));
        let file = file.ok_or_else(|| format!("{APPLICATION_HOST} was not read yet"))?;
        match &file.summary()?.host {
            Some((iis, support)) => Ok((file, iis, *support)),
            None => Err(format!("{APPLICATION_HOST} is not there")),
        }
    }
}
