//! The lock that one cycle at a time holds, and one publisher at a time.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{At as _, FsError, LockError};
use crate::system::file_lock::{is_locked, try_lock, unlock};
use crate::system::folder::read_rest;
use crate::system::{PrivateDir, PublicDir};

/// The lock file in the state folder.
const FILE: &str = "lock";

/// The lock file in a public folder: hidden, so that no web server lists it.
const PUBLIC_FILE: &str = ".lock";

/// The most that a lock file says about its holder, in bytes.
const MAX_HOLDER: u64 = 4096;

/// How often a held lock is tried again: a person does not notice it, a processor neither.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a lock is waited for even if it is not to be waited for: `Lock::holder` has it for some
/// microseconds.
const LOOK: Duration = Duration::from_millis(5);

/// The lock of a state folder, held until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Takes the lock of `folder`, waiting for at most `wait`.
    ///
    /// `holder` is one line that is shown to others who wait for it, such as `pid 123, stopgap check`.
    /// `on_wait` is called with who holds it while this waits, once for each holder.
    ///
    /// # Errors
    /// Another process still holds it after `wait`, or the lock file cannot be used.
    pub fn acquire(
        folder: &PrivateDir,
        holder: &str,
        wait: Duration,
        on_wait: &mut dyn FnMut(&str),
    ) -> Result<Self, LockError> {
        Self::acquire_named(folder, FILE, holder, wait, on_wait)
    }

    /// Takes the lock of `folder` that has a file of this name, waiting for at most `wait`; see
    /// `acquire`.
    ///
    /// # Errors
    /// See `acquire`.
    pub fn acquire_named(
        folder: &PrivateDir,
        name: &str,
        holder: &str,
        wait: Duration,
        on_wait: &mut dyn FnMut(&str),
    ) -> Result<Self, LockError> {
        Self::take(folder.open_file(name)?, &folder.path().join(name), holder, wait, on_wait)
    }

    /// Who holds the lock of `folder` now, as he says himself; `None`: nobody. Nothing is written
    /// for it.
    ///
    /// # Errors
    /// The lock file cannot be used.
    pub fn holder(folder: &PrivateDir) -> Result<Option<String>, FsError> {
        let path = folder.path().join(FILE);
        let Some(file) = folder.existing_file(FILE)? else { return Ok(None) };
        is_locked(&file, &path)?.then(|| holder_of(&file, &path)).transpose()
    }

    /// Takes the lock of a public folder, or fails at once.
    ///
    /// # Errors
    /// Another process holds it, or the lock file cannot be used.
    pub fn acquire_public(folder: &PublicDir, holder: &str) -> Result<Self, LockError> {
        let path = folder.path().join(PUBLIC_FILE);
        Self::take(folder.open_file(PUBLIC_FILE)?, &path, holder, Duration::ZERO, &mut |_| {})
    }

    fn take(
        file: File,
        path: &Path,
        holder: &str,
        wait: Duration,
        on_wait: &mut dyn FnMut(&str),
    ) -> Result<Self, LockError> {
        let start = Instant::now();
        let (mut told, mut looked) = (None, false);
        while !try_lock(&file, path)? {
            let by = holder_of(&file, path)?;
            // Only a look was taken, maybe: whoever has the lock still has it then.
            if !std::mem::replace(&mut looked, true) {
                std::thread::sleep(LOOK);
                continue;
            }
            if start.elapsed() >= wait {
                return Err(LockError::Held { by });
            }
            if told.as_ref() != Some(&by) {
                on_wait(&by);
                told = Some(by);
            }
            std::thread::sleep(PAUSE.min(wait));
        }
        let mut lock = Self(file);
        // It is held without that. Whoever waits for it on a full disk is told "another process".
        let _ = lock.say(holder);
        Ok(lock)
    }

    fn say(&mut self, holder: &str) -> std::io::Result<()> {
        self.0.set_len(0)?;
        self.0.seek(SeekFrom::Start(0))?;
        writeln!(self.0, "{}", holder.replace(char::is_control, " "))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What it says counts only while it is locked; this is for people who look at the file.
        let _ = self.0.set_len(0);
        unlock(&self.0);
    }
}

fn holder_of(mut file: &File, path: &Path) -> Result<String, FsError> {
    file.seek(SeekFrom::Start(0)).at("read", path)?;
    let text = read_rest(file, MAX_HOLDER, path)?;
    let holder = String::from_utf8_lossy(&text).trim().to_owned();
    // The holder may just have taken it, and not have said so yet.
    Ok(if holder.is_empty() { "another process".to_owned() } else { holder })
}
