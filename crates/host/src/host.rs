//! What every kind of server can be asked to do.

use stopgap_fs::{FsError, ReplaceError, Replacing, Writers};
use stopgap_model::web::{LeftOut, WebServer};
use stopgap_model::{Digest, ServerPath};

use crate::live::Live;

/// What reading a file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The file's bytes.
    Found(Vec<u8>),
    /// There is no such file.
    Absent,
    /// There may be one, but it could not be read; the reason is a sentence without a full stop.
    Unreadable(String),
}

/// What a search for files came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The files, those of a folder before those of the folders in it.
    pub files: Vec<ServerPath>,
    /// Why there may be more; a sentence without a full stop.
    pub incomplete: Option<String>,
}

/// A file that a web server's configuration names, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The file itself, every link followed; or why that is not known, a sentence without a full stop.
    pub real: Result<ServerPath, String>,
    /// What reading it came to.
    pub read: Read,
    /// Who may change it.
    pub writers: Writers,
    /// Whether it may be changed on the word on which it was read: root's, or that of its owner.
    pub is_theirs: bool,
}

/// A server's files, by the paths that the server uses.
pub trait Host {
    /// Reads a regular file of at most `max` bytes.
    fn read(&self, path: &ServerPath, max: u64) -> Read;

    /// Finds every file that is `name`, but for the case of ASCII letters, in `folder` and below it.
    /// No link is followed; one is a reason why there may be more. A folder that is not there has
    /// no files.
    fn find(&self, folder: &ServerPath, name: &str) -> Found;

    /// Replaces the file whose digest is `expected` by one with the bytes `new`: wholly and on the
    /// disk when this returns, or not at all.
    ///
    /// # Errors
    /// As [`ReplaceError`] says. But for [`ReplaceError::NotDurable`], the file is as it was.
    fn replace(&self, path: &ServerPath, expected: Digest, new: &[u8]) -> Result<(), ReplaceError>;

    /// How [`Host::replace`] would replace a file; one that is not there is made.
    ///
    /// # Errors
    /// Why it would not, as far as that can be seen without trying: a sentence without a full stop.
    fn replacing(&self, _: &ServerPath) -> Result<Replacing, String> {
        Ok(Replacing::Renamed)
    }

    /// Makes the file with these bytes, for everybody to read: wholly and on the disk when this
    /// returns, or not at all.
    ///
    /// # Errors
    /// [`ReplaceError::Changed`] if it is there already; otherwise as for [`Host::replace`].
    fn create(&self, path: &ServerPath, new: &[u8]) -> Result<(), ReplaceError>;

    /// Removes the file whose digest is `expected`.
    ///
    /// # Errors
    /// As for [`Host::replace`]; [`ReplaceError::Missing`] if it is not there.
    fn remove(&self, path: &ServerPath, expected: Digest) -> Result<(), ReplaceError>;

    /// The file that a path of this server leads to, every link on the way followed as the server
    /// follows it. Where no file is there, it is where one would be made; the path itself where there
    /// is no folder for it.
    ///
    /// # Errors
    /// A link leads out of the root, in a circle, or is neither root's nor of whoever owns what it
    /// leads to; a sentence without a full stop.
    fn real_path(&self, path: &ServerPath) -> Result<ServerPath, String>;

    /// The files that a pattern of the shell's kind (`*`, `?`, `[a-z]`) names, in the order in which
    /// the C library's `glob` gives them. Links are followed as by [`Host::real_path`].
    ///
    /// # Errors
    /// A folder cannot be read, or there are too many; a sentence without a full stop.
    fn glob(&self, pattern: &str) -> Result<Vec<ServerPath>, String>;

    /// Reads a file of at most `max` bytes that the configuration of a web server names: with the
    /// rights that the server is started with and, where others than root may write what names it
    /// (`word`), with theirs. Whoever could have it included has no more of it than he has himself.
    fn read_named(&self, _: &WebServer, _word: Writers, path: &ServerPath, max: u64) -> Named {
        let real = self.real_path(path);
        let read = match &real {
            Ok(real) => self.read(real, max),
            Err(why) => Read::Unreadable(why.clone()),
        };
        Named { real, read, writers: Writers::Root, is_theirs: true }
    }

    /// The files that a pattern in the configuration of a web server names, as for [`Host::glob`], and
    /// with the rights of [`Host::read_named`].
    ///
    /// # Errors
    /// As for [`Host::glob`].
    fn glob_named(
        &self,
        _: &WebServer,
        _word: Writers,
        pattern: &str,
    ) -> Result<Vec<ServerPath>, String> {
        self.glob(pattern)
    }

    /// The web servers other than IIS that are installed or run here.
    fn web_servers(&self) -> Vec<WebServer>;

    /// What the last [`Host::web_servers`] left out: what looks like a web server and is not taken for
    /// one that may be acted for.
    fn left_out(&self) -> LeftOut {
        LeftOut::default()
    }

    /// What can be done with servers that run; `None` where nothing runs, as under a folder.
    fn live(&self) -> Option<&dyn Live>;

    /// Removes what a broken-off [`Host::replace`] of this file left beside it; `false` if there is
    /// nothing.
    ///
    /// # Errors
    /// It cannot be found out, or not be removed.
    fn remove_leftover(&self, path: &ServerPath) -> Result<bool, FsError>;

    /// What kind of server this is, and where; for people.
    fn name(&self) -> String;
}
