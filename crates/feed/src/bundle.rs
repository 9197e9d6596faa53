//! A feed in one file, carried to where no network is: a tar of the very same files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use stopgap_fs::FsError;
use tar::{Archive, Entry, EntryType, PaxExtensions};

use crate::transport::{Answer, ConnectStep, Transport, TransportError, parts};

/// The most entries: twice the files of a large feed (20,000), and its metadata.
const MAX_ENTRIES: usize = 50_000;
/// The largest bundle, in bytes: 20,000 mitigations of 20 kB, and metadata.
const MAX_BUNDLE: u64 = 512 << 20;
/// The longest extension header that names an entry, in bytes.
const MAX_EXTENSION: u64 = 4096;

/// A feed in a bundle. Its entries are found once, and nothing is unpacked.
#[derive(Debug)]
pub struct BundleTransport {
    file: Mutex<File>,
    /// Where each file begins in the bundle, and its length.
    index: BTreeMap<String, (u64, u64)>,
}

impl BundleTransport {
    /// Opens a bundle and finds what is in it.
    ///
    /// # Errors
    /// It cannot be read, is no tar, is too large, or holds something that is no file of a feed.
    pub fn open(path: &Path) -> Result<Self, TransportError> {
        let file = match stopgap_fs::open_regular(path) {
            Err(FsError::NotAFile { .. }) => return Err(wrong("it is not a regular file")),
            file => file.map_err(|error| crate::dir::file(&error))?,
        };
        let facts = file.metadata().map_err(|error| io(&error))?;
        if facts.len() > MAX_BUNDLE {
            return Err(TransportError::too_large(MAX_BUNDLE));
        }
        let index = index(&file, facts.len())?;
        Ok(Self { file: Mutex::new(file), index })
    }
}

impl Transport for BundleTransport {
    fn get(
        &self,
        path: &str,
        max: u64,
        _validator: Option<&str>,
    ) -> Result<Answer, TransportError> {
        parts(path)?;
        let Some(&(start, length)) = self.index.get(path) else { return Ok(Answer::Absent) };
        if length > max {
            return Err(TransportError::too_large(max));
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start)).map_err(|error| io(&error))?;
        let mut bytes = Vec::new();
        (&*file).take(length).read_to_end(&mut bytes).map_err(|error| io(&error))?;
        Ok(Answer::Found { bytes, validator: None })
    }
}

/// Finds every file; `size` is the bundle's.
fn index(file: &File, size: u64) -> Result<BTreeMap<String, (u64, u64)>, TransportError> {
    let mut archive = Archive::new(file);
    // Raw: the library would read extension headers of any size.
    let entries = archive.entries_with_seek().map_err(|error| io(&error))?.raw(true);
    let mut index = BTreeMap::new();
    let mut long_name = None;
    for (count, entry) in entries.enumerate() {
        if count >= MAX_ENTRIES {
            return Err(wrong(format!("it has more than {MAX_ENTRIES} entries")));
        }
        let mut entry = entry.map_err(|error| io(&error))?;
        match entry.header().entry_type() {
            EntryType::GNULongName | EntryType::XHeader => long_name = extension(&mut entry)?,
            // What `git archive` and others say of the whole archive names no file.
            EntryType::XGlobalHeader => {}
            EntryType::Directory => long_name = None,
            EntryType::Regular => {
                let name = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
                let (name, place) = (file_name(&name)?, (entry.raw_file_position(), entry.size()));
                if place.0.checked_add(place.1).is_none_or(|end| end > size) {
                    return Err(wrong("it is cut off"));
                }
                if index.insert(name.clone(), place).is_some() {
                    return Err(wrong(format!("it has `{name}` twice")));
                }
            }
            _ => return Err(wrong("it holds something else than files and folders")),
        }
    }
    Ok(index)
}

/// The name of the entry behind this extension header, if it gives one.
fn extension(entry: &mut Entry<'_, &File>) -> Result<Option<Vec<u8>>, TransportError> {
    if entry.size() > MAX_EXTENSION {
        return Err(wrong("it has a name that is too long"));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|error| io(&error))?;
    if entry.header().entry_type() == EntryType::GNULongName {
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        bytes.truncate(end);
        return Ok(Some(bytes));
    }
    let mut name = None;
    for extension in PaxExtensions::new(&bytes) {
        let extension = extension.map_err(|error| io(&error))?;
        match extension.key_bytes() {
            b"path" => name = Some(extension.value_bytes().to_vec()),
            // It would move where everything behind it begins.
            b"size" => return Err(wrong("it gives a size in an extension header")),
            _ => {}
        }
    }
    Ok(name)
}

fn file_name(name: &[u8]) -> Result<String, TransportError> {
    let text = String::from_utf8_lossy(name);
    let text = text.strip_prefix("./").unwrap_or(&text);
    match parts(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(wrong(format!("`{text}` is not the name of a file of a feed"))),
    }
}

fn wrong(why: impl AsRef<str>) -> TransportError {
    TransportError::new(ConnectStep::File, format!("not a bundle: {}", why.as_ref()))
}

fn io(error: &std::io::Error) -> TransportError {
    TransportError::new(ConnectStep::File, error.to_string())
}
