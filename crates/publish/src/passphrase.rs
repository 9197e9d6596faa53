//! Where a passphrase comes from: a file, the environment, or a person. Never the command line,
//! which every user of the machine can read.

use std::path::{Path, PathBuf};

use stopgap_fs::{FsError, read_bounded};
use zeroize::Zeroizing;

use crate::args::Common;
use crate::secret_file::warn_if_open;

/// The largest file with a passphrase, in bytes: one line that a person can type.
const MAX_FILE: u64 = 4096;

/// A passphrase, wiped from memory after use.
pub(crate) type Passphrase = Zeroizing<String>;

/// There is no passphrase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PassphraseError {
    /// It is empty: the keys would be open to whoever gets the files.
    #[error("the passphrase of {what} is empty")]
    Empty { what: String },
    /// The two were not the same.
    #[error("the two passphrases are not the same")]
    Different,
    /// Nobody can be asked.
    #[error("there is no passphrase of {what}, and no terminal to ask at")]
    NoTerminal { what: String },
    /// It is not text.
    #[error("the passphrase of {what} is not UTF-8")]
    NotText { what: String },
    /// Its file cannot be read.
    #[error(transparent)]
    File(#[from] FsError),
}

/// Where the passphrase of a kind of keys comes from.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    file: Option<PathBuf>,
    variable: &'static str,
}

impl Source {
    /// For the keys that are kept away from every network.
    pub(crate) fn offline(common: &Common) -> Self {
        Self { file: common.passphrase_file.clone(), variable: "STOPGAP_PASSPHRASE" }
    }

    /// For the keys that `publish` uses every day.
    pub(crate) fn online(common: &Common) -> Self {
        Self { file: common.online_passphrase_file.clone(), variable: "STOPGAP_ONLINE_PASSPHRASE" }
    }

    /// The passphrase of `what`, such as a key file.
    pub(crate) fn ask(&self, what: &str) -> Result<Passphrase, PassphraseError> {
        let passphrase = match self.given(what)? {
            Some(given) => given,
            None => prompt(&format!("Passphrase of {what}: "), what)?,
        };
        not_empty(passphrase, what)
    }

    /// A new passphrase for `what`; a person is asked twice.
    pub(crate) fn ask_new(&self, what: &str) -> Result<Passphrase, PassphraseError> {
        if let Some(given) = self.given(what)? {
            return not_empty(given, what);
        }
        let first = not_empty(prompt(&format!("New passphrase of {what}: "), what)?, what)?;
        let second = prompt("The same again: ", what)?;
        if first == second { Ok(first) } else { Err(PassphraseError::Different) }
    }

    fn given(&self, what: &str) -> Result<Option<Passphrase>, PassphraseError> {
        let not_text = || PassphraseError::NotText { what: what.to_owned() };
        if let Some(file) = &self.file {
            return read(file)?.ok_or_else(not_text).map(Some);
        }
        match std::env::var(self.variable) {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(not_text()),
        }
    }
}

/// The first line of a file; `None` if it is not text.
fn read(file: &Path) -> Result<Option<Passphrase>, FsError> {
    warn_if_open(file);
    let bytes = Zeroizing::new(read_bounded(file, MAX_FILE)?);
    let text = std::str::from_utf8(&bytes).ok();
    let line = text.map(|text| text.split(['\r', '\n']).next().unwrap_or_default().to_owned());
    Ok(line.map(Zeroizing::new))
}

fn prompt(text: &str, what: &str) -> Result<Passphrase, PassphraseError> {
    let typed = rpassword::prompt_password(text);
    typed.map(Zeroizing::new).map_err(|_| PassphraseError::NoTerminal { what: what.to_owned() })
}

fn not_empty(passphrase: Passphrase, what: &str) -> Result<Passphrase, PassphraseError> {
    if passphrase.is_empty() {
        return Err(PassphraseError::Empty { what: what.to_owned() });
    }
    Ok(passphrase)
}
