//! A small disk that can be filled and made read-only.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Tells the disks of one process apart.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A tmpfs of a size of one's own, unmounted when this is dropped.
#[derive(Debug)]
pub struct Disk(PathBuf);

impl Disk {
    /// A disk of `kib` KiB; `None`, and a line that says so, where none can be mounted.
    #[must_use]
    pub fn of(kib: u32) -> Option<Self> {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("stopgap-disk-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("the temporary folder can be written");
        let size = format!("size={kib}k,mode=0755");
        match mount(&["-t", "tmpfs", "-o", &size, "tmpfs"], &path) {
            Ok(()) => Some(Self(path)),
            Err(why) => {
                let _ = std::fs::remove_dir(&path);
                println!("skipped: a small disk cannot be mounted: {why}");
                None
            }
        }
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Fills it to the last byte.
    pub fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.filling());
        let Ok(file) = &mut file else { return };
        loop {
            match file.write(&[b'x'; 512]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                Err(error) => panic!("{}: {error}", self.0.display()),
            }
        }
    }

    /// Takes away what filled it.
    pub fn empty(&self) {
        let _ = std::fs::remove_file(self.filling());
    }

    /// Lets nobody write to it any more, or everybody again.
    pub fn read_only(&self, is: bool) {
        let how = if is { "remount,ro" } else { "remount,rw" };
        mount(&["-o", how], &self.0).expect("mounted anew");
    }

    fn filling(&self) -> PathBuf {
        self.0.join("filling")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
        let _ = std::fs::remove_dir(&self.0);
    }
}

fn mount(arguments: &[&str], at: &Path) -> io::Result<()> {
    let output = Command::new("mount").args(arguments).arg(at).output()?;
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(io::Error::other(why)) }
}
