//! The configuration files of one web server, as they were read once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use stopgap_model::host::ServerPath;
use stopgap_model::reason::FileReason;
use stopgap_model::web::WebServer;
use stopgap_model::{Digest, FileEdit, Reasons};

/// The most files of one server. Hosting servers have a few thousand sites, each in its file; no server
/// has a bound of its own.
pub const MAX_FILES: usize = 20_000;
/// The most bytes of all files of one server, which are held in memory. Lists of addresses make
/// configurations of 5 MB, a file of comments was seen with 17 MB; no server has a bound of its own.
pub const MAX_TOTAL_BYTES: usize = 64 * 1024 * 1024;
/// The deepest nesting of includes that Apache accepts: its own limit (`AP_MAX_INCLUDE_DEPTH`).
pub const MAX_INCLUDE_DEPTH: usize = 20;
/// The deepest nesting of nginx's includes that is followed. nginx's only limit is the number of files
/// that it may have open: 1,024 by default, some of which are sockets.
pub const MAX_NGINX_DEPTH: usize = 256;
/// The most bytes that are read through. A file counts each time it is included, and the text that macros
/// and variables insert counts too. It is twice the limit of all files, so that no file can multiply itself.
pub const MAX_WALKED_BYTES: usize = 2 * MAX_TOTAL_BYTES;

/// The fewest bytes that a file counts, so that empty files cannot be included without a limit.
pub(super) const LEAST_WALKED: usize = 64;

/// Something that is still to be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// A file.
    File(ServerPath),
    /// The paths that a pattern of absolute paths matches, as glob(3) does.
    Glob(String),
}

/// What is still to be read, with the files that name it. What the server is started with has none.
pub type Missing = BTreeMap<Need, BTreeSet<ServerPath>>;

/// The outcome of reading a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// It was read.
    Found {
        /// The file itself, all links followed.
        real: ServerPath,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// It is not there.
    Absent,
    /// It exists and could not be read.
    Unreadable(Reasons),
}

/// What a pattern of files matches, or why that is not known.
pub type Matches = Result<Vec<ServerPath>, Reasons>;

/// The configuration is larger than Stopgap reads.
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

/// The configuration files of one web server, as far as they were read.
#[derive(Debug, Clone)]
pub struct Files {
    pub(super) server: WebServer,
    read: BTreeMap<ServerPath, Read>,
    /// What the includes of each file of nginx name.
    named: BTreeMap<ServerPath, Vec<String>>,
    /// Files that cannot be changed, links followed, and why.
    fixed: BTreeMap<ServerPath, Reasons>,
    globs: BTreeMap<String, Matches>,
    bytes: usize,
}

impl Files {
    /// The files of this server; none of them is read yet.
    #[must_use]
    pub fn new(server: &WebServer) -> Self {
        let (read, named, fixed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { server: server.clone(), read, named, fixed, globs: BTreeMap::new(), bytes: 0 }
    }

    /// Stores the outcome of reading a file and replaces an earlier one. `named` lists what the includes of
    /// an nginx file name.
    ///
    /// # Errors
    /// [`OverBudget`] if a limit would be passed; nothing is changed then.
    pub(super) fn keep(
        &mut self,
        path: ServerPath,
        read: Read,
        named: Vec<String>,
    ) -> Result<(), OverBudget> {
        let before = self.read.get(&path).map(size);
        let bytes = (self.bytes - before.unwrap_or(0)).saturating_add(size(&read));
        if before.is_none() && self.read.len() >= MAX_FILES {
            return Err(OverBudget::Files);
        }
        if bytes > MAX_TOTAL_BYTES {
            return Err(OverBudget::Bytes);
        }
        self.bytes = bytes;
        if !named.is_empty() || self.named.contains_key(&path) {
            self.named.insert(path.clone(), named);
        }
        self.read.insert(path, read);
        Ok(())
    }

    /// Stores the paths that a pattern matches, or why they are not known.
    ///
    /// # Errors
    /// [`OverBudget`] if a limit would be passed; nothing is changed then.
    pub fn provide_glob(&mut self, pattern: String, found: Matches) -> Result<(), OverBudget> {
        let mut found = found;
        if let Ok(paths) = &mut found {
            if paths.len() > MAX_FILES {
                return Err(OverBudget::Files);
            }
            // The order of glob(3) in the C locale, which all three servers read in.
            paths.sort();
        }
        self.globs.insert(pattern, found);
        Ok(())
    }

    /// Returns the digest of all files as they are after `edits`. A file that is absent or removed counts as
    /// if it had never been looked for.
    #[must_use]
    pub fn digest_with(&self, edits: &[FileEdit]) -> Digest {
        let mut text = String::new();
        for (path, read) in &self.read {
            let (real, bytes) = match read {
                Read::Found { real, bytes } => (real, bytes),
                Read::Absent => continue,
                Read::Unreadable(why) => {
                    // A text takes no harm from being written to.
                    let _ = writeln!(text, "{path}: {why}");
                    continue;
                }
            };
            let edit = edits.iter().find(|edit| edit.path == *real || edit.path == *path);
            let Some(bytes) = edit.map_or(Some(bytes), |edit| edit.after.as_ref()) else {
                continue;
            };
            let _ = writeln!(text, "{path}: {real}: {}", Digest::of(bytes));
        }
        Digest::of(text.as_bytes())
    }

    /// Notes that a file, with links followed, cannot be changed, and why. What belongs into the file is reported as not reached; everything else is placed.
    pub fn fix(&mut self, real: ServerPath, why: impl Into<Reasons>) {
        self.fixed.insert(real, why.into());
    }

    /// Returns why a file, with links followed, cannot be changed; `None` if it can.
    pub(super) fn fixed(&self, real: &ServerPath) -> Option<&Reasons> {
        self.fixed.get(real)
    }

    /// What the includes of a file of nginx name.
    pub(super) fn named_in(&self, path: &ServerPath) -> &[String] {
        self.named.get(path).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the outcome of reading this file; `None` if it was not read yet.
    pub(super) fn get(&self, path: &ServerPath) -> Option<&Read> {
        self.read.get(path)
    }

    /// Returns what this pattern matches; `None` if it was not listed yet.
    pub(super) fn glob(&self, pattern: &str) -> Option<&Matches> {
        self.globs.get(pattern)
    }

    /// The main configuration file, by the name that the server is started with.
    pub(super) fn main(&self) -> ServerPath {
        self.server.config.first().cloned().unwrap_or_else(|| ServerPath::new("/"))
    }

    /// Returns the path of one of Stopgap's files beside the main one.
    pub(super) fn beside_main(&self, name: &str) -> ServerPath {
        let main = self.main();
        main.folder().unwrap_or(main).join(name)
    }

    /// The bytes of a file that was found, with the path of the file itself.
    pub(super) fn found(&self, path: &ServerPath) -> Option<(&ServerPath, &[u8])> {
        match self.read.get(path) {
            Some(Read::Found { real, bytes }) => Some((real, bytes)),
            Some(Read::Absent | Read::Unreadable(_)) | None => None,
        }
    }
}

fn size(read: &Read) -> usize {
    match read {
        Read::Found { bytes, .. } => bytes.len(),
        Read::Absent | Read::Unreadable(_) => 0,
    }
}
