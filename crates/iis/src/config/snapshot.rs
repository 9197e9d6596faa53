//! The configuration files of one server, as they were read once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use stopgap_model::Reasons;
use stopgap_model::digest::Digest;
use stopgap_model::host::{Fact, Iis, NamedProgram, ServerPath};
use stopgap_model::reason::{FileReason, IisReason};

use super::facts::{RewriteSupport, expand};
use super::folders::Folders;
use super::parsed_config::ParsedConfig;
use super::place::normal;
use super::xml::{Doc, NotReadable};

/// The configuration file of the whole server: the first that a snapshot needs.
pub const APPLICATION_HOST: &str = r"C:\Windows\System32\inetsrv\config\applicationHost.config";
/// The most files of one snapshot. The largest hosting servers have a few thousand applications.
pub const MAX_FILES: usize = 8192;
/// The most bytes of all files of one snapshot. An Exchange server has about 1 MB.
pub const MAX_TOTAL_BYTES: usize = 128 * 1024 * 1024;

/// The most web.config files in plain folders that are looked at: who may upload to one folder must
/// not be able to use up what the whole server needs.
const MAX_PLAIN_FILES: usize = 2048;
/// The most bytes of them.
const MAX_PLAIN_BYTES: usize = 16 * 1024 * 1024;

/// What became of reading a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// These are its bytes.
    Found(Vec<u8>),
    /// It is not there.
    Absent,
    /// It is there and could not be read.
    Unreadable(Reasons),
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

impl From<OverBudget> for Reasons {
    fn from(over: OverBudget) -> Self {
        match over {
            OverBudget::Files => FileReason::ConfigFiles { most: MAX_FILES },
            OverBudget::Bytes => FileReason::ConfigBytes { most: MAX_TOTAL_BYTES },
        }
        .into()
    }
}

/// Something that a snapshot still needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// A file.
    File(ServerPath),
    /// The paths of all `web.config` files in a folder and below.
    Folder(ServerPath),
}

/// A file of a snapshot.
#[derive(Debug)]
pub struct File {
    path: ServerPath,
    is_host: bool,
    read: Read,
    digest: Option<Digest>,
    parsed: Result<ParsedConfig, NotReadable>,
}

/// What a file is to the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Configuration,
    /// It holds one section of another file.
    Section,
}

impl File {
    fn new(path: ServerPath, read: Read, role: Role) -> Self {
        let is_host = is_application_host(&path);
        let (digest, parsed) = match &read {
            Read::Found(bytes) => {
                let parsed = match role {
                    Role::Configuration => Doc::parse(bytes)
                        .map(|doc| ParsedConfig::of(&doc, is_host.then_some(&path))),
                    Role::Section => {
                        Doc::parse_any(bytes).map(|doc| ParsedConfig::of_section(&doc))
                    }
                };
                (Some(Digest::of(bytes)), parsed)
            }
            Read::Absent | Read::Unreadable(_) => (None, Ok(ParsedConfig::default())),
        };
        Self { path, is_host, read, digest, parsed }
    }

    /// A file that stands for itself, outside of any snapshot.
    pub(crate) fn lone(path: ServerPath, parsed: ParsedConfig) -> Self {
        let is_host = is_application_host(&path);
        let read = Read::Found(Vec::new());
        Self { path, is_host, read, digest: None, parsed: Ok(parsed) }
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
    pub fn problem(&self) -> Option<IisReason> {
        let file = || self.path.to_string();
        match (&self.read, &self.parsed) {
            (Read::Unreadable(why), _) => {
                Some(IisReason::FileUnreadable { file: file(), why: why.clone() })
            }
            (_, Err(why)) => Some(IisReason::FileUnusable { file: file(), why: why.to_string() }),
            (Read::Found(_) | Read::Absent, Ok(_)) => None,
        }
    }

    /// What was extracted from it; nothing, if it is not there.
    pub(crate) fn parsed(&self) -> Result<&ParsedConfig, IisReason> {
        match (&self.read, &self.parsed) {
            (Read::Found(_) | Read::Absent, Ok(parsed)) => Ok(parsed),
            _ => Err(self.problem().unwrap_or_else(|| not_read(&self.path))),
        }
    }

    /// Whether this is the server's applicationHost.config.
    pub(crate) fn is_host(&self) -> bool {
        self.is_host
    }
}

fn not_read(file: &ServerPath) -> IisReason {
    IisReason::FileNotRead { file: file.to_string() }
}

fn is_application_host(path: &ServerPath) -> bool {
    path.key() == ServerPath::new(APPLICATION_HOST).key()
}

/// The file that a `configSource` names: beside the file that names it, or below.
fn source_path(file: &ServerPath, source: &str) -> Option<ServerPath> {
    let parts = || source.split(['\\', '/']);
    let leads_out = source.contains(':')
        || source.contains(char::is_control)
        || parts().any(|part| matches!(part, "" | "." | ".."));
    let is_configuration = ["web.config", "applicationHost.config"]
        .iter()
        .any(|name| parts().next_back().is_some_and(|last| last.eq_ignore_ascii_case(name)));
    if leads_out || is_configuration {
        return None;
    }
    let folder = file.as_str().strip_suffix(file.file_name())?;
    Some(ServerPath::new(format!("{folder}{}", source.replace('/', "\\"))))
}

/// The program at a path as written, or why nobody knows where that is.
fn expanded(written: &str) -> NamedProgram {
    match expand(written) {
        Fact::Known(path) => NamedProgram { path, doubt: None },
        Fact::Unknown(why) => NamedProgram { path: ServerPath::new(written), doubt: Some(why) },
        Fact::Absent => {
            let doubt = Some(IisReason::PathEmpty.into());
            NamedProgram { path: ServerPath::new(written), doubt }
        }
    }
}

/// The configuration files of one server. A copy shares the files and is cheap.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    files: BTreeMap<String, Arc<File>>,
    bytes: usize,
    /// The folders that were searched for web.config files: which there are, and why perhaps not
    /// all of them were found.
    searched: BTreeMap<String, Searched>,
    /// The web.config files of plain folders, which a search has found.
    plain: BTreeSet<String>,
    plain_bytes: usize,
    /// The files that hold sections of others.
    sections: BTreeSet<String>,
    /// The folders of every site, worked out once.
    folders: OnceLock<Arc<Folders>>,
}

/// What a search of a folder found.
#[derive(Debug, Clone)]
struct Searched {
    folder: ServerPath,
    files: Vec<ServerPath>,
    incomplete: Option<Reasons>,
}

impl Snapshot {
    /// A snapshot that holds nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is still to be provided. Empty once the snapshot is closed.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        let host = ServerPath::new(APPLICATION_HOST);
        let Some(file) = self.file(&host) else { return vec![Need::File(host)] };
        // What else there is, only that file says.
        let Ok(ParsedConfig { host: Some((iis, _)), .. }) = file.parsed() else {
            return Vec::new();
        };
        let directories =
            iis.sites.iter().flat_map(|site| &site.applications).flat_map(|app| &app.directories);
        let folders: BTreeMap<String, &ServerPath> = directories
            .filter_map(|directory| directory.physical.known())
            .map(|folder| (folder.key(), folder))
            .collect();
        let mut files: BTreeMap<String, ServerPath> = folders
            .values()
            .map(|folder| folder.join("web.config"))
            .chain(self.searched.values().flat_map(|searched| searched.files.iter().cloned()))
            .chain(self.sources())
            .map(|path| (path.key(), path))
            .collect();
        files.retain(|key, _| !self.files.contains_key(key));
        let mut needs: Vec<Need> = files.into_values().map(Need::File).collect();
        // A folder inside of another one is searched with it.
        let outermost = |folder: &&&ServerPath| {
            let key = folder.key();
            let mut above = key.match_indices('\\').filter_map(|(at, _)| key.get(..at));
            !above.any(|folder| folders.contains_key(folder))
        };
        let unsearched = folders.values().filter(outermost);
        let unsearched = unsearched.filter(|folder| !self.searched.contains_key(&folder.key()));
        needs.extend(unsearched.map(|folder| Need::Folder((*folder).clone())));
        needs
    }

    /// The web.config files of applications and virtual directories, by their keys.
    fn configured(&self) -> BTreeSet<String> {
        let Ok((_, iis, _)) = self.host() else { return BTreeSet::new() };
        let applications = iis.sites.iter().flat_map(|site| &site.applications);
        let directories = applications.flat_map(|application| &application.directories);
        let known = directories.filter_map(|directory| directory.physical.known());
        known.map(|folder| folder.join("web.config").key()).collect()
    }

    /// The files that hold sections of others.
    fn sources(&self) -> impl Iterator<Item = ServerPath> {
        self.files().flat_map(|file| {
            let sources = file.parsed.iter().flat_map(ParsedConfig::sources);
            sources.filter_map(|source| source_path(&file.path, source)).collect::<Vec<_>>()
        })
    }

    /// Takes in what became of reading a file; a file that is already there is replaced.
    ///
    /// # Errors
    /// [`OverBudget`] if the snapshot would hold more than it may; it is unchanged then.
    pub fn provide(&mut self, path: ServerPath, read: Read) -> Result<(), OverBudget> {
        let key = path.key();
        let read = self.bounded(&key, read);
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
        // A file that holds a section has that for its root element.
        let is_section = self.sections.contains(&key);
        let role = if is_section { Role::Section } else { Role::Configuration };
        let file = File::new(path, read, role);
        let sources = file.parsed.iter().flat_map(ParsedConfig::sources);
        let sources = sources.filter_map(|source| source_path(&file.path, source));
        self.sections.extend(sources.map(|path| path.key()));
        self.files.insert(key, Arc::new(file));
        self.folders = OnceLock::new();
        Ok(())
    }

    /// What was read, unless a plain folder's file would take more than all of them may.
    fn bounded(&mut self, key: &str, read: Read) -> Read {
        let Read::Found(bytes) = &read else { return read };
        if !self.plain.contains(key) || self.files.contains_key(key) {
            return read;
        }
        if self.plain_bytes + bytes.len() > MAX_PLAIN_BYTES {
            let most = MAX_PLAIN_BYTES / (1024 * 1024);
            return Read::Unreadable(IisReason::PlainFilesTooLarge { most }.into());
        }
        self.plain_bytes += bytes.len();
        read
    }

    /// Takes in the `web.config` files in a folder and below, and why perhaps not all of them were
    /// found. Of those in plain folders, no more are looked at than
    /// a bound allows, and that is told too.
    pub fn provide_folder(
        &mut self,
        folder: ServerPath,
        mut files: Vec<ServerPath>,
        mut incomplete: Option<Reasons>,
    ) {
        // Files of applications and virtual directories do not count against the bound.
        let configured = self.configured();
        files.retain(|path| {
            let key = path.key();
            if configured.contains(&key) || self.plain.contains(&key) {
                return true;
            }
            let room = self.plain.len() < MAX_PLAIN_FILES;
            if room {
                self.plain.insert(key);
            } else if incomplete.is_none() {
                incomplete = Some(IisReason::TooManyPlainFiles { most: MAX_PLAIN_FILES }.into());
            }
            room
        });
        self.searched.insert(folder.key(), Searched { folder, files, incomplete });
        self.folders = OnceLock::new();
    }

    /// Whether everything that is needed was provided.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.needs().is_empty()
    }

    /// The folders of a site, or of all, whose web.config files are perhaps not all known, each with
    /// the reason.
    #[must_use]
    pub fn incompletely_scanned_folders(&self, site: Option<&str>) -> Vec<(ServerPath, Reasons)> {
        let site = site.map(normal);
        let folders = self.folders();
        let serves = |searched: &&Searched| {
            let key = format!("{}\\", searched.folder.key());
            folders.all().any(|(of, folder)| {
                let here = site.as_ref().is_none_or(|site| site == of);
                here && folder.web_config().is_ok_and(|path| path.key().starts_with(&key))
            })
        };
        let searched = self.searched.values().filter(|searched| searched.incomplete.is_some());
        let told = searched
            .filter(serves)
            .filter_map(|searched| Some((searched.folder.clone(), searched.incomplete.clone()?)));
        told.collect()
    }

    /// The folders of every site that have a configuration of their own.
    pub(crate) fn folders(&self) -> &Folders {
        self.folders.get_or_init(|| {
            let found = self.searched.values().flat_map(|searched| &searched.files);
            let iis = self.host().ok().map(|(_, iis, _)| iis);
            Arc::new(iis.map(|iis| Folders::of(iis, found)).unwrap_or_default())
        })
    }

    /// The file that a section's `configSource` names, where its content is.
    pub(crate) fn source(&self, file: &File, source: &str) -> Result<&ParsedConfig, IisReason> {
        let by = || file.path.to_string();
        let outside = || IisReason::SourceOutside { file: by(), named: source.to_owned() };
        let path = source_path(&file.path, source).ok_or_else(outside)?;
        let found = self.file(&path).ok_or_else(|| not_read(&path))?;
        if found.read == Read::Absent {
            return Err(IisReason::SourceMissing { file: by(), named: path.to_string() });
        }
        found.parsed()
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
            return Fact::unknown(not_read(&ServerPath::new(APPLICATION_HOST)));
        };
        match file.parsed() {
            Ok(ParsedConfig { host: Some((iis, _)), .. }) => Fact::Known(iis.clone()),
            Ok(_) => Fact::Absent,
            Err(why) => Fact::unknown(why),
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
            match file.parsed() {
                Ok(parsed) => {
                    for program in parsed.programs.iter().map(|text| expanded(text)) {
                        named.entry(program.path.key()).or_insert(program);
                    }
                }
                Err(why) => {
                    let doubt = Some(IisReason::ProgramsUnknown { why: why.into() }.into());
                    doubts.push(NamedProgram { path: file.path().clone(), doubt });
                }
            }
        }
        named.into_values().chain(doubts).collect()
    }

    /// applicationHost.config with what it says, or why that is not known.
    pub(crate) fn host(&self) -> Result<(&File, &Iis, RewriteSupport), IisReason> {
        let path = ServerPath::new(APPLICATION_HOST);
        let file = self.file(&path).ok_or_else(|| not_read(&path))?;
        match &file.parsed()?.host {
            Some((iis, support)) => Ok((file, iis, *support)),
            None => Err(IisReason::FileMissing { file: path.to_string() }),
        }
    }
}
