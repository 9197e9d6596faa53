//! Finds every file of one name in a folder and below it.

use std::ffi::{OsStr, OsString};

use crate::error::FsError;
use crate::name::is_windows_name;
use crate::search::{FindLimits, FoundFiles, Listed, NotSearched};
use crate::system::folder::Folder;

/// A folder on the way down, with its folders that are still to be searched.
struct Level {
    folder: Folder,
    left: std::vec::IntoIter<OsString>,
}

struct Search<'a> {
    name: &'a str,
    limits: FindLimits,
    found: FoundFiles,
    folders: usize,
    names: usize,
    /// Whether a limit was passed behind which nothing more would be found.
    spent: bool,
    /// The names of the folders that lead to the one that is read.
    path: Vec<String>,
}

/// Every regular file that is `name`, but for the case of ASCII letters, in `top` and below it.
pub(crate) fn find(top: Folder, name: &str, limits: FindLimits) -> FoundFiles {
    let (found, path) = (FoundFiles::default(), Vec::new());
    let mut search = Search { name, limits, found, folders: 0, names: 0, spent: false, path };
    // A stack, not recursion: how deep folders nest is not ours to say.
    let mut levels: Vec<Level> = search.read(top).into_iter().collect();
    while let Some(level) = levels.last_mut().filter(|_| !search.spent) {
        let Some(child) = level.left.next() else {
            levels.pop();
            search.path.pop();
            continue;
        };
        let next = search.enter(&level.folder, &child);
        levels.extend(next);
    }
    search.found
}

impl Search<'_> {
    /// Opens and reads the folder `child` of `folder`; `None` if there is nothing to search in it.
    fn enter(&mut self, folder: &Folder, child: &OsStr) -> Option<Level> {
        let name = self.windows_name(folder, child)?;
        if self.path.len() >= self.limits.depth {
            self.missed(NotSearched::Limit { what: "levels of folders", limit: self.limits.depth });
            return None;
        }
        match folder.child(child) {
            Ok(Some(folder)) => {
                self.path.push(name);
                let level = self.read(folder);
                if level.is_none() {
                    self.path.pop();
                }
                level
            }
            // It was removed meanwhile.
            Ok(None) => None,
            Err(error) => {
                self.missed(error.into());
                None
            }
        }
    }

    /// Reads the names in a folder once, and keeps its files of the name that is looked for.
    fn read(&mut self, folder: Folder) -> Option<Level> {
        if self.folders >= self.limits.folders {
            self.limit("folders", self.limits.folders);
            return None;
        }
        self.folders += 1;
        let (mut files, mut left) = (Vec::new(), Vec::new());
        if let Err(error) = self.names(&folder, &mut files, &mut left) {
            self.missed(error.into());
        }
        files.sort();
        left.sort();
        for file in files {
            self.keep(&folder, &file);
        }
        Some(Level { folder, left: left.into_iter() })
    }

    fn names(
        &mut self,
        folder: &Folder,
        files: &mut Vec<OsString>,
        folders: &mut Vec<OsString>,
    ) -> Result<(), FsError> {
        for entry in folder.listing()? {
            if self.names >= self.limits.names {
                self.limit("names", self.limits.names);
                break;
            }
            self.names += 1;
            let (name, listed) = entry?;
            match listed {
                Ok(Listed::Folder) => folders.push(name),
                // What is behind a link is not known: a folder with more files, perhaps.
                Ok(Listed::Link) => {
                    self.missed(FsError::Link { path: folder.path_of(&name) }.into());
                }
                Ok(Listed::File) if name.eq_ignore_ascii_case(self.name) => files.push(name),
                Err(error) => self.missed(error.into()),
                Ok(Listed::File | Listed::Other) => {}
            }
        }
        Ok(())
    }

    fn keep(&mut self, folder: &Folder, file: &OsStr) {
        let Some(name) = self.windows_name(folder, file) else { return };
        if self.found.files.len() >= self.limits.files {
            self.limit("files of this name", self.limits.files);
            return;
        }
        let mut parts = self.path.clone();
        parts.push(name);
        self.found.files.push(parts);
    }

    /// The name, if the server could have it: else no path would lead there.
    fn windows_name(&mut self, folder: &Folder, name: &OsStr) -> Option<String> {
        let text = name.to_str().filter(|text| is_windows_name(text));
        if text.is_none() {
            let name = stopgap_model::problem::one_line(&name.to_string_lossy());
            self.missed(NotSearched::Name { folder: folder.path().to_owned(), name });
        }
        text.map(str::to_owned)
    }

    fn limit(&mut self, what: &'static str, limit: usize) {
        self.spent = true;
        self.missed(NotSearched::Limit { what, limit });
    }

    fn missed(&mut self, why: NotSearched) {
        self.found.incomplete.get_or_insert(why);
    }
}
