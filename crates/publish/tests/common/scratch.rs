//! The program, run in a scratch folder.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Run, program};

/// Runs the program.
pub(crate) fn publish(arguments: &[&str]) -> Run {
    Run::of(&Command::new(program()).args(arguments).output().expect("the program starts"))
}

/// A folder that is gone with its value.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("stopgap-scratch-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("it can be done");
        Self(folder)
    }

    /// Writes a file; answers its path.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("it can be done")).expect("it can be done");
        std::fs::write(&path, bytes).expect("it can be done");
        path.to_str().expect("it can be done").to_owned()
    }

    /// The path of something in the folder.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("it can be done").to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
