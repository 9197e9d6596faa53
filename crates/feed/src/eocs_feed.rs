//! A feed in Microsoft's format: one signed document, fetched whole.
//!
//! The format has no expiry and no sequence number. The highest version and the newest stamped time
//! that were seen are remembered beside the anchors, and going back is refused; what was fetched
//! last is a cache, verified each time it is read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stopgap_eocs::{MAX_BYTES, Refusal, Seen, Trust, Verified, WentBack, admits, verify};
use stopgap_fs::{FsError, PrivateDir};
use stopgap_model::Digest;

use crate::anchors::{self, AnchorFile, AnchorsError, For, MAX_FILE};
use crate::transport::{Answer, Transport, TransportError};

/// The largest of the small files that are kept beside the feed.
const MAX_SMALL: u64 = 64 * 1024;

/// What is kept of a feed in Microsoft's format.
pub(crate) struct EocsFeed<'a> {
    dir: &'a PrivateDir,
    trusted: String,
    cache: String,
}

/// A feed in Microsoft's format was not taken.
#[derive(Debug, thiserror::Error)]
pub enum EocsFailure {
    /// It could not be fetched.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// There is nothing there.
    #[error("there is no feed at this address")]
    NotThere,
    /// It does not verify.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is older than one that was seen.
    #[error(transparent)]
    WentBack(#[from] WentBack),
    /// The anchors cannot be used.
    #[error(transparent)]
    Anchors(#[from] AnchorsError),
    /// What is kept cannot be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// What is kept of its sequence is not what was written.
    #[error("what was seen of this feed cannot be read ({0}); add the feed anew to begin again")]
    Seen(String),
}

/// A document that may be taken.
struct Offered {
    bytes: Vec<u8>,
    /// How many bytes came over the network.
    came: u64,
    validator: Option<String>,
    changed: bool,
    seen: Seen,
}

/// `seen.json`. A flipped bit must not lower what was seen.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeenFile {
    version: Option<String>,
    gen_time: Option<Timestamp>,
    sha256: Digest,
}

impl SeenFile {
    fn of(seen: &Seen) -> Self {
        let version = seen.version.as_ref().map(ToString::to_string);
        let text = format!("{version:?} {:?}", seen.gen_time);
        Self { version, gen_time: seen.gen_time, sha256: Digest::of(text.as_bytes()) }
    }
}

impl<'a> EocsFeed<'a> {
    pub(crate) fn new(dir: &'a PrivateDir, trusted: String, cache: String) -> Self {
        Self { dir, trusted, cache }
    }

    /// Keeps the anchors, after looking whether they can be used. Nothing was seen yet, and from now on
    /// it is a fault if that is not known.
    pub(crate) fn init(&self, files: &[AnchorFile], place: &str) -> Result<(), EocsFailure> {
        anchors::trust(place, files)?;
        let folder = format!("{}/anchors", self.trusted);
        for name in [anchors::SIGNER, anchors::STAMP] {
            self.dir.create_dir(&format!("{folder}/{name}"))?;
        }
        for AnchorFile { purpose, name, bytes } in files {
            self.dir.write_atomic(&format!("{folder}/{}{name}", purpose.folder()), bytes)?;
        }
        self.save_seen(&Seen::default())
    }

    /// Fetches the feed; answers whether it is another document than before, and how many bytes came.
    pub(crate) fn refresh(
        &self,
        transport: &dyn Transport,
        path: &str,
        now: Timestamp,
    ) -> Result<(bool, u64), EocsFailure> {
        let Offered { bytes, came, validator, changed, seen } =
            self.offered(transport, path, now)?;
        if !changed {
            return Ok((false, came));
        }
        // What was seen rises first: a feed that was taken once is never forgotten.
        self.save_seen(&seen)?;
        self.dir.create_dir(&self.cache)?;
        self.dir.remove_file(&format!("{}/validator", self.cache))?;
        self.dir.write_atomic(&format!("{}/feed.xml", self.cache), &bytes)?;
        if let Some(validator) = validator {
            self.dir.write_atomic(&format!("{}/validator", self.cache), validator.as_bytes())?;
        }
        Ok((true, came))
    }

    /// Whether the feed could be taken; changes nothing.
    pub(crate) fn probe(
        &self,
        transport: &dyn Transport,
        path: &str,
        now: Timestamp,
    ) -> Result<(), EocsFailure> {
        self.offered(transport, path, now).map(drop)
    }

    fn offered(
        &self,
        transport: &dyn Transport,
        path: &str,
        now: Timestamp,
    ) -> Result<Offered, EocsFailure> {
        let kept = self.kept();
        let validator = self.dir.read(&format!("{}/validator", self.cache), MAX_SMALL);
        let validator = validator.ok().flatten().filter(|_| kept.is_some());
        let validator = validator.and_then(|bytes| String::from_utf8(bytes).ok());
        let (bytes, came, validator) =
            match transport.get(path, MAX_BYTES as u64, validator.as_deref())? {
                Answer::Absent => return Err(EocsFailure::NotThere),
                // Nobody's word is taken that the document is the one that is kept: it is verified.
                Answer::Unchanged => (kept.clone().unwrap_or_default(), 0, validator),
                Answer::Found { bytes, validator } => {
                    let came = bytes.len() as u64;
                    (bytes, came, validator)
                }
            };
        let feed = verify(&bytes, &self.trust()?, now).outcome?;
        let seen = admits(&self.seen()?, &feed)?;
        Ok(Offered { changed: kept.as_ref() != Some(&bytes), bytes, came, validator, seen })
    }

    /// The feed as it was taken last, judged at the time of its taking; `None` before the first.
    pub(crate) fn load(&self, judged_at: Timestamp) -> Result<Option<Verified>, EocsFailure> {
        let Some(bytes) = self.kept() else { return Ok(None) };
        let feed = verify(&bytes, &self.trust()?, judged_at).outcome?;
        admits(&self.seen()?, &feed)?;
        Ok(Some(feed))
    }

    /// What was fetched last. It is a cache: what cannot be read of it is fetched again.
    fn kept(&self) -> Option<Vec<u8>> {
        self.dir.read(&format!("{}/feed.xml", self.cache), MAX_BYTES as u64).ok().flatten()
    }

    fn trust(&self) -> Result<Trust, EocsFailure> {
        Ok(anchors::trust("the state folder", &self.anchors()?)?)
    }

    /// The files of the anchors. Those of a feed from before are for both purposes.
    fn anchors(&self) -> Result<Vec<AnchorFile>, EocsFailure> {
        let mut files = Vec::new();
        for purpose in [For::Both, For::Signer, For::Stamp] {
            let folder = format!("{}/anchors/{}", self.trusted, purpose.folder());
            let folder = folder.trim_end_matches('/');
            for name in self.dir.list(folder)? {
                let is_folder = purpose == For::Both
                    && [anchors::SIGNER, anchors::STAMP].contains(&name.as_str());
                if !is_folder {
                    let bytes = self.dir.read(&format!("{folder}/{name}"), MAX_FILE)?;
                    files.push(AnchorFile { purpose, name, bytes: bytes.unwrap_or_default() });
                }
            }
        }
        Ok(files)
    }

    /// What a person should know of the anchors and revocation lists at `now`: sentences without a full
    /// stop.
    pub(crate) fn notes(&self, now: Timestamp) -> Vec<String> {
        let Ok(files) = self.anchors() else { return Vec::new() };
        let mut notes = Vec::new();
        if let Ok(trust) = anchors::trust("the state folder", &files) {
            for (issuer, due) in trust.outdated(now) {
                let day = due.strftime("%Y-%m-%d");
                notes.push(format!(
                    "its revocation list of \"{issuer}\" should have been replaced by {day}: what was \
                     revoked since is not known; add the feed anew with the newest"
                ));
            }
        }
        if anchors::are_for_both(&files) {
            notes.push(
                "its anchors are trusted for the signer and for time stamps alike; to tell them \
                 apart, add the feed anew from a folder with `signer` and `stamp` in it"
                    .into(),
            );
        }
        notes
    }

    fn seen(&self) -> Result<Seen, EocsFailure> {
        let wrong = |why: &str| EocsFailure::Seen(why.to_owned());
        let bytes = self.dir.read(&format!("{}/seen.json", self.trusted), MAX_SMALL)?;
        let bytes = bytes.ok_or_else(|| wrong("it is gone"))?;
        let file: SeenFile =
            serde_json::from_slice(&bytes).map_err(|error| wrong(&error.to_string()))?;
        let version = file.version.as_deref().map(str::parse).transpose();
        let version = version.map_err(|_| wrong("it has no version"))?;
        let seen = Seen { version, gen_time: file.gen_time };
        match SeenFile::of(&seen).sha256 == file.sha256 {
            true => Ok(seen),
            false => Err(wrong("it was altered")),
        }
    }

    fn save_seen(&self, seen: &Seen) -> Result<(), EocsFailure> {
        let bytes = serde_json::to_vec_pretty(&SeenFile::of(seen))
            .map_err(|error| EocsFailure::Seen(error.to_string()))?;
        Ok(self.dir.write_atomic(&format!("{}/seen.json", self.trusted), &bytes)?)
    }
}
