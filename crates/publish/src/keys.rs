//! Key files: PKCS#8, encrypted with a passphrase (PBES2 with scrypt and AES-256), which OpenSSL
//! reads too. The public half lies beside each as `.pub`.

use std::path::{Path, PathBuf};

use pkcs8::der::Document;
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef};
use stopgap_fs::{FsError, PrivateDir, read_bounded};
use stopgap_sign::{PublicKey, SigningKey};
use zeroize::Zeroizing;

use crate::passphrase::{Passphrase, PassphraseError, Source};
use crate::secret_file::warn_if_open;

/// The largest key file, in bytes: an Ed25519 key takes some 500.
const MAX_KEY: u64 = 16 * 1024;

const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";

/// A key cannot be used. Nothing of the key or the passphrase is in any of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyFileError {
    /// The file is not one of an encrypted key.
    #[error("{} is not an encrypted private key (PEM, `{ENCRYPTED}`)", path.display())]
    NotEncrypted { path: PathBuf },
    /// It does not open.
    #[error("the passphrase does not open {}", path.display())]
    WrongPassphrase { path: PathBuf },
    /// What is inside is another kind of key.
    #[error("{} is not an Ed25519 private key", path.display())]
    NotEd25519 { path: PathBuf },
    /// A public key cannot be read.
    #[error("{} is not an Ed25519 public key (PEM, `{PUBLIC}`, or TUF's JSON)", path.display())]
    NotPublic { path: PathBuf },
    /// A file of that name is there, and keys are never overwritten.
    #[error("{} is there already, and keys are not overwritten", path.display())]
    Exists { path: PathBuf },
    /// A key could not be made.
    #[error("no key could be made: {0}")]
    NotMade(String),
    /// There is no passphrase.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FsError),
}

/// Makes the key `name` in `folder`, such as `online/timestamp-1`.
pub(crate) fn make(
    folder: &PrivateDir,
    name: &str,
    passphrase: &Passphrase,
) -> Result<SigningKey, KeyFileError> {
    let (file, public) = (format!("{name}.key"), format!("{name}.pub"));
    for file in [&file, &public] {
        if folder.read(file, MAX_KEY)?.is_some() {
            return Err(KeyFileError::Exists { path: folder.path().join(file) });
        }
    }
    let key = SigningKey::generate().map_err(|error| KeyFileError::NotMade(error.to_string()))?;
    let pem = encrypt(&key, passphrase).ok_or_else(|| KeyFileError::NotMade("encoding".into()))?;
    let public_pem = Document::try_from(key.public().to_spki())
        .and_then(|der| der.to_pem(PUBLIC, LineEnding::LF))
        .map_err(|error| KeyFileError::NotMade(error.to_string()))?;
    // The key last: a name with a `.key` always has its `.pub`.
    folder.write_atomic(&public, public_pem.as_bytes())?;
    folder.write_atomic(&file, pem.as_bytes())?;
    Ok(key)
}

fn encrypt(key: &SigningKey, passphrase: &Passphrase) -> Option<Zeroizing<String>> {
    let der = Zeroizing::new(key.to_pkcs8().ok()?);
    let info = PrivateKeyInfoRef::try_from(der.as_slice()).ok()?;
    let encrypted = info.encrypt(passphrase.as_bytes()).ok()?;
    encrypted.to_pem(ENCRYPTED, LineEnding::LF).ok()
}

/// Reads a key file. Of a file that others can read it warns, and uses it.
pub(crate) fn read(path: &Path, source: &Source) -> Result<SigningKey, KeyFileError> {
    let bytes = Zeroizing::new(read_bounded(path, MAX_KEY)?);
    warn_if_open(path);
    let not_encrypted = || KeyFileError::NotEncrypted { path: path.to_owned() };
    let pem = std::str::from_utf8(&bytes).map_err(|_| not_encrypted())?;
    let (label, der) = Document::from_pem(pem).map_err(|_| not_encrypted())?;
    let encrypted = EncryptedPrivateKeyInfoRef::try_from(der.as_bytes());
    let (ENCRYPTED, Ok(encrypted)) = (label, encrypted) else { return Err(not_encrypted()) };
    let passphrase = source.ask(&path.display().to_string())?;
    let plain = encrypted
        .decrypt(passphrase.as_bytes())
        .map_err(|_| KeyFileError::WrongPassphrase { path: path.to_owned() })?;
    SigningKey::from_pkcs8(plain.as_bytes())
        .map_err(|_| KeyFileError::NotEd25519 { path: path.to_owned() })
}

/// Reads a public key, as OpenSSL or TUF writes it.
pub(crate) fn read_public(path: &Path) -> Result<PublicKey, KeyFileError> {
    let bytes = read_bounded(path, MAX_KEY)?;
    public_of(&bytes).ok_or_else(|| KeyFileError::NotPublic { path: path.to_owned() })
}

fn public_of(bytes: &[u8]) -> Option<PublicKey> {
    let text = std::str::from_utf8(bytes).ok()?;
    if let Ok((PUBLIC, der)) = Document::from_pem(text) {
        return PublicKey::from_spki(der.as_bytes()).ok();
    }
    PublicKey::from_json(&serde_json::from_str(text).ok()?).ok()
}

/// Every public key in `folder`, with its name.
pub(crate) fn names(folder: &Path) -> Vec<(PublicKey, String)> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let named = files.filter_map(|file| {
        let path = file.path();
        let name = path.file_name()?.to_str()?.strip_suffix(".pub")?.to_owned();
        Some((read_public(&path).ok()?, name))
    });
    named.collect()
}
