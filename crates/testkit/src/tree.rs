//! A server's files in a folder of the test's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use stopgap_host::{Files as _, Read, TreeHost, parts};
use stopgap_model::ServerPath;
use stopgap_sandbox::{ExchangeServer, Newline, SETUP_PROGRAM};

use crate::real::RealServer;

/// Tells the trees of one process apart.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A server's files in a temporary folder, removed when this is dropped.
#[derive(Debug)]
pub struct Tree(PathBuf);

impl Tree {
    /// A server without any file.
    #[must_use]
    pub fn empty() -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("stopgap-test-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // A killed test of the same process number may have left one.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("server")).expect("the temporary folder can be written");
        Self(path)
    }

    /// The sandbox's Exchange server with `build` installed, such as `15.02.1118.007`.
    #[must_use]
    pub fn exchange(build: &str) -> Self {
        Self::holding(ExchangeServer::new(build.parse().expect("a build of Exchange")).files())
    }

    /// The sandbox's Exchange server with line ends of one's choice.
    #[must_use]
    pub fn exchange_with(build: &str, newline: Newline) -> Self {
        let server = ExchangeServer::new(build.parse().expect("a build of Exchange"));
        Self::holding(ExchangeServer { newline, ..server }.files())
    }

    /// The real server of the test data in the folder `data`, as [`real_data`](crate::real_data)
    /// finds it.
    #[must_use]
    pub fn real(data: &Path, build: &str, newline: Newline) -> Self {
        Self::holding(RealServer::new(data).files(build, newline))
    }

    /// A server with these files.
    #[must_use]
    pub fn holding(files: Vec<(ServerPath, Vec<u8>)>) -> Self {
        let tree = Self::empty();
        for (path, bytes) in files {
            tree.write(&path, &bytes);
        }
        tree
    }

    /// The folder with the server's files.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.0.join("server")
    }

    /// A place for the state folder, outside of the server's files; it is not there yet.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    /// Every file of the state folder, by its path below it, with its bytes and the number that
    /// the file system knows it by: one that was replaced has another.
    #[must_use]
    pub fn state_files(&self) -> BTreeMap<String, (u64, Vec<u8>)> {
        let mut files = BTreeMap::new();
        collect(&self.state(), "", &mut files);
        let number = |path: &str| {
            let file = fs::File::open(self.state().join(path)).expect("the file is there");
            file_number(&file)
        };
        files.into_iter().map(|(path, bytes)| (path.clone(), (number(&path), bytes))).collect()
    }

    /// The host of these files.
    #[must_use]
    pub fn host(&self) -> TreeHost {
        TreeHost::open(&self.root()).expect("the tree can be opened")
    }

    /// The bytes of a file, found as the server finds it.
    #[must_use]
    pub fn read(&self, path: &ServerPath) -> Vec<u8> {
        match self.host().read(path, u64::MAX) {
            Read::Found(bytes) => bytes,
            other => panic!("{path} cannot be read: {other:?}"),
        }
    }

    /// Writes a file, over the one that the server finds there if there is one.
    pub fn write(&self, path: &ServerPath, bytes: &[u8]) {
        let place = self.locate(path);
        let folder = place.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("the tree can be written");
        fs::write(&place, bytes).expect("the tree can be written");
    }

    /// Removes a file, as somebody else would.
    pub fn remove(&self, path: &ServerPath) {
        fs::remove_file(self.locate(path)).expect("the file is there");
    }

    /// Where a file is, or would be, on this machine.
    #[must_use]
    pub fn locate(&self, path: &ServerPath) -> PathBuf {
        let parts = parts(path).expect("a path with a drive");
        parts.iter().fold(self.root(), |folder, part| folder.join(spelled(&folder, part)))
    }

    /// Installs another build: replaces ExSetup.exe.
    pub fn set_exchange_build(&self, build: &str) {
        let server = ExchangeServer::new(build.parse().expect("a build of Exchange"));
        self.write(&ServerPath::new(SETUP_PROGRAM), &server.setup_program());
    }

    /// Every file of the server, by its path below the root, with its bytes.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.root(), "", &mut files);
        files
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(unix)]
fn file_number(file: &fs::File) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&file.metadata().expect("it is open"))
}

#[cfg(windows)]
fn file_number(file: &fs::File) -> u64 {
    stopgap_win32::facts(file).expect("it is open").number
}

fn spelled(folder: &Path, name: &str) -> String {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.find(|found| found.eq_ignore_ascii_case(name)).unwrap_or_else(|| name.to_owned())
}

fn collect(folder: &Path, above: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("the tree can be read") {
        let entry = entry.expect("the tree can be read");
        let path = format!("{above}{}", entry.file_name().to_string_lossy());
        if entry.file_type().expect("the tree can be read").is_dir() {
            collect(&entry.path(), &format!("{path}/"), files);
        } else {
            files.insert(path, fs::read(entry.path()).expect("the tree can be read"));
        }
    }
}
