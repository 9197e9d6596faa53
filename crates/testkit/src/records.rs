//! State folders that older versions of the program wrote, with the servers that they are of.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use stopgap_host::TreeHost;
use stopgap_model::ServerPath;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// One of the state folders in `crates/store/tests/records`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldState {
    /// The commit whose program wrote it.
    pub commit: String,
    /// What happened, such as `iis-undone`.
    pub story: String,
}

/// All of them, in the order of their names.
#[must_use]
pub fn old_states() -> Vec<OldState> {
    let folders = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).expect("the records are there").flatten();
        let folders = entries.filter(|entry| entry.path().is_dir());
        folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let mut all = Vec::new();
    for commit in folders(&root()) {
        if matches!(commit.as_str(), "trees" | "catalog") {
            continue;
        }
        for story in folders(&root().join(&commit)) {
            all.push(OldState { commit: commit.clone(), story });
        }
    }
    all.sort_by_key(|old| (old.commit.clone(), old.story.clone()));
    assert!(all.len() > 25, "only {} old states are there", all.len());
    all
}

/// The mitigations that the records are of, as documents.
#[must_use]
pub fn old_documents() -> Vec<String> {
    let files = fs::read_dir(root().join("catalog")).expect("the records are there").flatten();
    files.map(|file| fs::read_to_string(file.path()).expect("a document")).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/tests/records")
}

impl OldState {
    fn folder(&self) -> PathBuf {
        root().join(&self.commit).join(&self.story)
    }

    fn tree(&self) -> PathBuf {
        let kind = match self.story.split_once('-') {
            Some(("web", _)) => "linux",
            Some((kind, _)) => kind,
            None => panic!("no kind of server in {}", self.story),
        };
        root().join("trees").join(kind)
    }

    /// A copy to work on.
    #[must_use]
    pub fn copy(&self) -> OldServer {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("stopgap-old-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        copy(&self.tree(), &folder.join("server"));
        let server = self.folder().join("server");
        if server.exists() {
            copy(&server, &folder.join("server"));
        }
        copy(&self.folder().join("state"), &folder.join("state"));
        make_private(&folder.join("state"));
        OldServer { folder, tree: self.tree() }
    }
}

/// A copy of an old state folder and of its server, removed when this is dropped.
#[derive(Debug)]
pub struct OldServer {
    folder: PathBuf,
    tree: PathBuf,
}

impl OldServer {
    /// The state folder.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// The server.
    ///
    /// # Panics
    /// Its files cannot be opened.
    #[must_use]
    pub fn host(&self) -> TreeHost {
        TreeHost::open(&self.folder.join("server")).expect("the tree can be opened")
    }

    /// Every file of the server, by its path.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.folder.join("server"))
    }

    /// Every file of the server as it was before anything was changed.
    #[must_use]
    pub fn files_before(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.tree)
    }

    /// Every file of the state folder, by its path.
    #[must_use]
    pub fn state_files(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.state())
    }

    /// Writes a file of the server as somebody else would.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write(&self, path: &str, bytes: &[u8]) {
        fs::write(self.folder.join("server").join(path), bytes).expect("the tree can be written");
    }
}

impl Drop for OldServer {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The same files with the paths that the server knows them by.
#[must_use]
pub fn by_server_path(files: BTreeMap<String, Vec<u8>>) -> Vec<(ServerPath, Vec<u8>)> {
    files.into_iter().map(|(path, bytes)| (ServerPath::new(format!("/{path}")), bytes)).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the temporary folder can be written");
    for entry in fs::read_dir(from).expect("the records are there") {
        let entry = entry.expect("the records are there");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if let Ok(target) = fs::read_link(&from) {
            symlink(target, &to).expect("the temporary folder can be written");
        } else if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::write(&to, fs::read(&from).expect("the records are there"))
                .expect("the temporary folder can be written");
        }
    }
}

/// Git does not keep that nobody else may read it.
fn make_private(folder: &Path) {
    let set = |path: &Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    };
    set(folder, 0o700);
    for entry in fs::read_dir(folder).expect("it is ours").flatten() {
        match entry.path().is_dir() {
            true => make_private(&entry.path()),
            false => set(&entry.path(), 0o600),
        }
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("the tree can be read").flatten() {
            let path = entry.path();
            let kind = entry.file_type().expect("the tree can be read");
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() {
                let name = path.strip_prefix(folder).expect("it is in it").display().to_string();
                all.insert(name, fs::read(&path).expect("the tree can be read"));
            }
        }
    }
    all
}
